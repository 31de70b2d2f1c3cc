# ctest: ci costly timeout=400
"""Parity: the same small programs in Python's asyncio and in this one.

parity/TOPIC.py and parity/TOPIC.cpp hold the same cases; both print a line
`== NAME` and then what happens in the case of that name. PARITY_BIN names the
folder of the C++ programs NN_parity (default: parity/ beside the stages'
programs), NN being the stage they were compiled for. What a program waits with
must make no difference: it runs once on each selector that its stage has.
"""

import difflib
import functools
import os
import platform
import re
import subprocess
import sys
import unittest
from dataclasses import dataclass
from pathlib import Path

import support
from support import call

FOLDER = Path(__file__).resolve().parent / "parity"
PARITY_BIN = Path(
    os.environ.get("PARITY_BIN") or support.BUILD_BIN.parent / "parity"
)
# Seconds for all cases of a topic.
TIMEOUT = 60
FEWEST_CASES = 80
# What the pairs share.
HELPERS = {"connections", "main", "parity", "transcripts"}
VERSION = platform.python_version()
# What may stand above a case, as a pattern.
SINCE = r"(?:@since\([\d, ]+\)\n)?"

ENVIRONMENT = dict(support.ENVIRONMENT, PYTHONDONTWRITEBYTECODE="1")
ENVIRONMENT.pop("PYTHONASYNCIODEBUG", None)


def topics():
    """The names that have a .py or a .cpp file."""
    files = [*FOLDER.glob("*.py"), *FOLDER.glob("*.cpp")]
    return sorted({path.stem for path in files} - HELPERS)


def cases_in(path, pattern):
    """The cases that a source file defines, in its order."""
    if not path.is_file():
        return []
    return re.findall(pattern, path.read_text(encoding="utf-8"), re.M)


def python_cases(topic):
    return cases_in(
        FOLDER / f"{topic}.py",
        rf"^@case\n(?:@differs\n)?{SINCE}(?:async )?def (\w+)\(\):$",
    )


def differing_cases(topic):
    """Those in which C++ does otherwise, as the book's appendix says."""
    return cases_in(
        FOLDER / f"{topic}.py",
        rf"^@case\n@differs\n{SINCE}(?:async )?def (\w+)\(\):$",
    )


def cpp_cases(topic):
    return cases_in(
        FOLDER / f"{topic}.cpp", r"^PARITY(?:_PLAIN|_THREADS)?\((\w+)\) \{$"
    )


def first_stage(topic):
    """The first that can do all of a topic's cases."""
    text = (FOLDER / f"{topic}.cpp").read_text(encoding="utf-8")
    return re.search(r"^// Stage: *(\d+)$", text, re.M)[1]


def programs(topic):
    """The C++ halves, one for each stage that can do a topic."""
    wanted = os.environ.get("STAGES", "").replace(",", " ").split()
    return [
        path
        for path in sorted(PARITY_BIN.glob("[0-9][0-9]_parity"))
        if path.name[:2] >= first_stage(topic)
        and (not wanted or path.name[:2] in wanted)
    ]


def selectors_of(program):
    """What a C++ half is to run on: "" is its default."""
    number = program.name[:2]
    found = [each for each in support.stages("09") if each.number == number]
    return ["", *(name for each in found for name in each.selectors()[:-1])]


@dataclass(frozen=True)
class Run:
    """What a half has done: its end, and the lines of each case."""

    end: str
    cases: dict


@functools.cache
def run(*command, selector=""):
    environment = dict(ENVIRONMENT)
    if selector:
        environment["ASYNCIO_SELECTOR"] = selector
    try:
        status, out, err = call(*command, timeout=TIMEOUT, env=environment)
        end = "" if status == 0 else f"exit status {status}\n{err[-4000:]}"
    except subprocess.TimeoutExpired as expired:
        out = expired.stdout or b""
        out = out if isinstance(out, str) else out.decode("utf-8", "replace")
        end = f"no end after {TIMEOUT} seconds"
    cases = {}
    lines = cases[""] = []
    for line in out.splitlines():
        if line.startswith("== "):
            lines = cases[line.removeprefix("== ")] = []
        else:
            lines.append(line)
    if end:
        end = f"in the case {list(cases)[-1] or '(none)'}: {end}"
    if not cases[""]:
        del cases[""]
    return Run(end, cases)


def difference(python, cpp):
    """All lines, those that are on one side only marked - and +."""
    lines = difflib.unified_diff(
        python,
        cpp,
        "python",
        "C++",
        lineterm="",
        n=max(len(python), len(cpp)),
    )
    return "\n".join(lines)


def setUpModule():
    """The other Pythons' asyncio is not what is compared with."""
    if sys.version_info[:2] != (3, 11):
        raise unittest.SkipTest(
            f"parity with CPython needs Python 3.11; this is {VERSION}"
        )


class ParityTest(unittest.TestCase):
    def compare(self, topic, program, selector):
        """A subtest for each case that both sides have, one for the rest."""
        python = run(sys.executable, FOLDER / f"{topic}.py")
        cpp = run(program, topic, selector=selector)
        which = f"{program.name} {topic} {selector}".rstrip()
        for half, it, other in (("Python", python, cpp), ("C++", cpp, python)):
            with self.subTest(program=which, half=half):
                if it.end:
                    self.fail(it.end)
                missing = [name for name in other.cases if name not in it.cases]
                if missing:
                    self.fail(f"{half} lacks " + ", ".join(missing))
        differing = differing_cases(topic)
        for name in python.cases:
            if name in cpp.cases:
                with self.subTest(program=which, case=name):
                    halves = python.cases[name], cpp.cases[name]
                    self.skip_if_left_out(halves[0])
                    if name in differing:
                        self.assertNotEqual(*halves)
                    else:
                        self.compare_case(*halves)

    def skip_if_left_out(self, python):
        """What parity.py says of a case that needs a later Python."""
        if len(python) == 1 and python[0].startswith("needs Python "):
            self.skipTest(f"{python[0]}; this is {VERSION}")

    def compare_case(self, python, cpp):
        if not python:
            self.fail("it says nothing")
        if python != cpp:
            self.fail("not the same lines\n" + difference(python, cpp))

    def test_both_halves_say_the_same(self):
        for topic in topics():
            with self.subTest(topic):
                found = programs(topic)
                if not found:
                    text = f"no program NN_parity for {topic} in {PARITY_BIN}"
                    # Only some stages are wanted: perhaps not this topic's.
                    if os.environ.get("STAGES"):
                        self.skipTest(text)
                    self.fail(text)
                for program in found:
                    for selector in selectors_of(program):
                        self.compare(topic, program, selector)

    def test_each_case_is_in_both_files(self):
        for topic in topics():
            with self.subTest(topic):
                self.assertEqual(python_cases(topic), cpp_cases(topic))
                self.assertTrue(python_cases(topic))

    def test_differences_are_in_the_appendix(self):
        book = (FOLDER.parent.parent / "WALKTHROUGH.md").read_text("utf-8")
        for topic in topics():
            for name in differing_cases(topic):
                with self.subTest(topic=topic, case=name):
                    row = f"`{topic}`: `{name}`"
                    self.assertTrue(row in book, f"no {row} in the book")

    def test_names_are_used_once(self):
        for topic in topics():
            with self.subTest(topic):
                names = python_cases(topic)
                self.assertEqual(len(names), len(set(names)))

    def test_there_are_many(self):
        total = sum(len(python_cases(topic)) for topic in topics())
        self.assertGreaterEqual(total, FEWEST_CASES)


if __name__ == "__main__":
    unittest.main()
