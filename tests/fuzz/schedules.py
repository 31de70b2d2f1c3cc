#!/usr/bin/env python3
"""Random schedules: asyncio's own, in Python, against this one, in C++.

A schedule is a small program of coroutines and callbacks that wait for, set,
cancel and gather each other on a virtual clock. It is written as a script. Here
it is generated and carried out by Python's asyncio, and schedules.cpp carries
it out with the headers of a stage. Both print what happens; the lines have to
be equal.

  schedules.py --seed 7                   prints the script of a seed
  schedules.py --model FILE...            prints what asyncio makes of scripts
  schedules.py PROGRAM [FILE...]          compares: first the scripts in the
      [--seconds S] [--count N]           files and folders, then those of
      [--seed N] [--tally]                seeds, from N on or from anywhere

A schedule that differs is cut down as long as it still differs, and printed.
With --tally all differences are counted by kind.

In a few things C++ does otherwise, as the book's appendix says. There the
model is not plain asyncio: see "What is different".
"""

import argparse
import gc
import itertools
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from schedule_model import Outcome, adapt_asyncio, model, normal
from schedule_scripts import Generator, parse, places

# Schedules that one process of the C++ half is given.
BATCH = 100

# ---- The C++ half --------------------------------------------------------


class Program:
    def __init__(self, path, *arguments):
        self.path = path
        self.arguments = arguments

    def run(self, scripts, meanwhile=None):
        """An outcome for each script, in any number of processes."""
        outcomes = []
        while len(outcomes) < len(scripts):
            outcomes += self.run_process(scripts[len(outcomes) :], meanwhile)
            meanwhile = None
        return outcomes

    def run_process(self, scripts, meanwhile):
        with (
            tempfile.TemporaryFile("w+") as given,
            tempfile.TemporaryFile("w+") as printed,
            tempfile.TemporaryFile("w+", errors="replace") as errors,
        ):
            given.writelines(str(script) for script in scripts)
            given.seek(0)
            process = subprocess.Popen(
                [self.path, *self.arguments],
                stdin=given,
                stdout=printed,
                stderr=errors,
            )
            if meanwhile:
                meanwhile()
            status = process.wait()
            printed.seek(0)
            errors.seek(0)
            outcomes = self.read(printed.read(), status, errors.read())
        if status and len(outcomes) == len(scripts) > 1:
            # Perhaps a leak, which is told at the end: whose is it?
            half = len(scripts) // 2
            return self.run(scripts[:half]) + self.run(scripts[half:])
        return outcomes

    def read(self, text, status, errors):
        outcomes = []
        ended = True
        for line in text.splitlines():
            if line == "== end":
                ended = True
            elif line.startswith("== "):
                outcomes.append(Outcome([]))
                ended = False
            else:
                outcomes[-1].lines.append(normal(line))
        if not ended or status:
            crash = f"exit status {status}"
            if status < 0:
                crash = signal.Signals(-status).name
                crash = "no end" if crash == "SIGALRM" else crash
            if not outcomes:
                raise SystemExit(f"{self.path}: {crash}\n{errors}")
            outcomes[-1].crash, outcomes[-1].errors = crash, errors
        return outcomes


# ---- Comparing -----------------------------------------------------------


def differ(expected, seen):
    lines = seen.lines
    if not expected.is_whole:
        lines = lines[: len(expected.lines)]
    return bool(seen.crash) or lines != expected.lines


def pairs_of(expected, seen):
    """The lines side by side."""
    return itertools.zip_longest(
        expected.lines, seen.lines, fillvalue="-"
    )


def first_difference(expected, seen):
    for number, (python, cpp) in enumerate(pairs_of(expected, seen)):
        if python != cpp:
            return number, python, cpp
    return len(expected.lines), "-", "-"


def kind_of(expected, seen):
    """What is the same for differences that have the same cause, perhaps."""
    if seen.crash:
        pattern = r"(ERROR: \w+: [\w-]+|runtime error: .*)"
        found = re.search(pattern, seen.errors)
        return f"{seen.crash} {found[1] if found else ''}".strip()
    _, python, cpp = first_difference(expected, seen)

    def outline(line):
        return re.sub(r"\d+", "N", line)

    return f"{outline(python)}  |  {outline(cpp)}"


def show(script, expected, seen):
    print(script, end="")
    width = max([len("PYTHON"), *map(len, expected.lines)]) + 2
    print(f"  {'PYTHON':<{width}}C++")
    first, *_ = first_difference(expected, seen)
    for number, (python, cpp) in enumerate(pairs_of(expected, seen)):
        # The rest is only what follows from that.
        if first - 40 < number < first + 12:
            mark = " " if python == cpp else "!"
            print(f"{mark} {python:<{width}}{cpp}")
    if seen.crash:
        print(f"! the program has ended: {seen.crash}")
        print(seen.errors[-4000:])
    print()


class Shrinker:
    """Cuts a script down as long as it differs in the same way."""

    def __init__(self, program, script, is_crash):
        # A shorter patience: most of its inputs are small.
        self.program = Program(program.path, "3")
        self.script = script
        self.is_crash = is_crash

    def first_that_fails(self, scripts):
        """Tries many at a time: starting a program takes the longest."""
        while some := list(itertools.islice(scripts, 16)):
            expected = []
            seen = self.program.run(
                some, lambda: expected.extend(map(model, some))
            )
            for script, python, cpp in zip(some, expected, seen):
                if bool(cpp.crash) == self.is_crash and differ(python, cpp):
                    return script
        return None

    def shrink(self):
        while smaller := self.first_that_fails(self.smaller(self.script)):
            self.script = smaller
        return self.script

    def smaller(self, script):
        text = str(script)
        count = sum(1 for _ in places(script))
        # Large pieces first: whole blocks, then what is in them.
        for name in script.blocks:
            if name != "c0":
                copy = parse(text)[0]
                del copy.blocks[name]
                yield copy
        for size in (4, 2, 1):
            for number in range(count):
                copy = parse(text)[0]
                block, place = list(places(copy))[number]
                if len(block) - place >= size:
                    del block[place : place + size]
                    yield copy
        for number in range(count):
            copy = parse(text)[0]
            block, place = list(places(copy))[number]
            if block[place].blocks:
                block[place : place + 1] = block[place].blocks[0]
                yield copy
        for number in range(count):
            for copy in self.plainer(text, number):
                yield copy
        if script.mode != "loop":
            copy = parse(text)[0]
            copy.mode = "loop"
            yield copy

    def plainer(self, text, number):
        """Fewer in a list of names."""
        block, place = list(places(parse(text)[0]))[number]
        words = block[place].words
        first = {"gather": 3, "gatherc": 3, "wait": 3, "iter": 3, "cancel": 2}
        for i in range(first.get(words[0], len(words)), len(words)):
            copy = parse(text)[0]
            block, place = list(places(copy))[number]
            del block[place].words[i]
            yield copy


class Comparison:
    def __init__(self, program, tally):
        self.program = program
        self.tally = tally
        self.count = 0
        self.kinds = {}

    def compare(self, scripts):
        """Returns whether all were equal, or are only counted."""
        expected = []
        seen = self.program.run(
            scripts, lambda: expected.extend(map(model, scripts))
        )
        for script, python, cpp in zip(scripts, expected, seen):
            self.count += 1
            if differ(python, cpp):
                kind = kind_of(python, cpp)
                self.kinds.setdefault(kind, []).append(script)
                if not self.tally:
                    self.explain(script, bool(cpp.crash))
                    return False
        return True

    def explain(self, script, is_crash):
        print(f"schedule {script.name} differs; cutting it down", flush=True)
        shrinker = Shrinker(self.program, script, is_crash)
        small = shrinker.shrink()
        show(small, model(small), shrinker.program.run([small])[0])

    def report(self):
        for kind, scripts in sorted(
            self.kinds.items(), key=lambda item: -len(item[1])
        ):
            print(f"==== {len(scripts)} times: {kind}")
            smallest = min(scripts, key=lambda script: len(str(script)))
            is_crash = bool(self.program.run([smallest])[0].crash)
            self.explain(smallest, is_crash)
        differing = sum(map(len, self.kinds.values()))
        print(f"{differing} of {self.count} differ, {len(self.kinds)} kinds")


def scripts_in(paths):
    for path in map(Path, paths):
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            yield from parse(file.read_text("utf-8"))


def compare_all(options):
    """Returns whether all were equal."""
    began = time.monotonic()
    comparison = Comparison(options.program, options.tally)
    if options.seed is None:
        options.seed = random.randrange(10**9)
    given = list(scripts_in(options.files))
    good = not given or comparison.compare(given)
    first = seed = options.seed
    while good:
        size = BATCH
        if options.count is not None:
            size = min(size, first + options.count - seed)
        elif time.monotonic() - began >= options.seconds:
            break
        if size <= 0:
            break
        seeds = range(seed, seed + size)
        good = comparison.compare([Generator(each).script() for each in seeds])
        seed += size
    took = time.monotonic() - began
    print(
        f"{len(given)} scripts and the seeds {first} to {seed - 1}: "
        f"{comparison.count / max(took, 0.001):.0f} schedules a second"
    )
    if options.tally:
        comparison.report()
    return not comparison.kinds


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("program", nargs="?", type=Program)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--count", type=int)
    parser.add_argument("--tally", action="store_true")
    parser.add_argument("--model", nargs="+", metavar="FILE")
    options = parser.parse_args()
    if sys.version_info[:2] != (3, 11):
        print("skipped: the model is Python 3.11's asyncio")
        return 77
    warnings.simplefilter("ignore")
    # Thousands of crashes may come.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Coroutines that are stuck end where nobody can hear of it.
    sys.unraisablehook = lambda _: None
    adapt_asyncio()
    gc.disable()
    if options.model:
        for script in scripts_in(options.model):
            print(script, *model(script).lines, sep="\n")
        return 0
    if not options.program:
        print(Generator(options.seed or 0).script(), end="")
        return 0
    return 0 if compare_all(options) else 1


if __name__ == "__main__":
    sys.exit(main())
