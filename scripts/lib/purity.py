"""Measures how little each stage changes of the one before, and keeps the bars.

Counted are the lines of .hpp files and main.cpp that are more than blanks,
braces or comments.
"""
from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from .differences import Change, lesson_change, total, without_comments
from .stages import Stage, find_stages, read_text
from .terminal import new_parser, plural, root_of

SURVIVAL = 93.0                 # per cent, each pair
EXCEPTIONS = {("04", "05"): 90.0}
MEDIAN = 98.0                   # per cent
LARGEST = 400                   # added lines in headers
# A future comes with what its end, its waiter's and its loop's mean for each
# other: half of it without the rest would dangle. A task is the same once
# more, and the runner ends all of them. 12 begins with what a thread can wait
# for: the future and the pool of PEP 3148, two fifths of it, which know of no loop.
# 15 is one idea for TCP, names, Unix sockets, pipes, datagrams and files.
LARGER = {
    ("04", "05"): 505, ("05", "06"): 410, ("11", "12"): 640, ("14", "15"): 1315}
# register_() calls update() in a try block, as CPython does.
REINDENTED = {("08", "09"): 1}
TYPES = (                       # what common/ must not know
    "Coroutine", "Generator", "Future", "Task", "TaskGroup", "EventLoop",
    "SelectSelector", "coroutine_handle")
SOURCES = (".hpp", ".cpp", ".h", ".cc", ".c")


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    root = root_of(options)
    stages = find_stages(root)
    pairs = [measure(old, new) for old, new in zip(stages, stages[1:])]
    median = statistics.median(
        [pair.total.survival for pair in pairs] or [100.0])
    failures = [failure for pair in pairs for failure in pair.failures()]
    if median < MEDIAN:
        failures.append(f"median: {median:.2f} % of the lines survive,"
                        f" at least {MEDIAN:g} % must")
    failures += common_failures(root, stages)
    if options.json:
        print(json.dumps({
            "pairs": [pair.as_json() for pair in pairs],
            "median": median if pairs else None,
            "failures": failures,
        }, indent=2))
    else:
        print_table(pairs, median)
        for failure in failures:
            print(f"purity: {failure}", file=sys.stderr)
    return 1 if failures else 0


def parse(arguments: list[str]) -> argparse.Namespace:
    exceptions = ", ".join(f"{old}->{new}: {bar:g} %"
                           for (old, new), bar in EXCEPTIONS.items())
    parser = new_parser(
        __doc__,
        epilog=f"""The bars: {SURVIVAL:g} % of the earlier lines survive in each pair ({exceptions}),
{MEDIAN:g} % in the median; at most {LARGEST} lines are added in .hpp; none is only
re-indented; no lesson file disappears; common/ names no type of the stages and
includes none of their headers.""")
    parser.add_argument("--json", action="store_true",
                        help="print everything as JSON")
    return parser.parse_args(arguments)


@dataclass
class Pair:
    """Two neighbouring stages and what changed between them."""
    old: Stage
    new: Stage
    total: Change
    added_in_headers: int
    reindented: dict[str, int]  # lines that -w does not count, by file
    gone: list[str]             # lesson files

    @property
    def name(self) -> str:
        return f"{self.old.name} -> {self.new.name}"

    def failures(self) -> list[str]:
        bar = EXCEPTIONS.get((self.old.number, self.new.number), SURVIVAL)
        found = [f"{name} of {self.old.name} is gone" for name in self.gone]
        if self.total.survival < bar:
            found.append(f"{self.total.survival:.2f} % of the lines survive,"
                         f" at least {bar:g} % must")
        largest = LARGER.get((self.old.number, self.new.number), LARGEST)
        if self.added_in_headers > largest:
            found.append(f"{self.added_in_headers} lines added in .hpp,"
                         f" at most {largest} are one idea")
        allowed = REINDENTED.get((self.old.number, self.new.number), 0)
        if sum(self.reindented.values()) > allowed:
            found += [f"{plural(count, 'line')} of {name} only re-indented"
                      for name, count in self.reindented.items()]
        return [f"{self.name}: {text}" for text in found]

    def as_json(self) -> dict:
        return {
            "old": self.old.name,
            "new": self.new.name,
            "lines": self.total.earlier,
            "survival": self.total.survival,
            "removed": self.total.removed,
            "added": self.total.added,
            "added_in_headers": self.added_in_headers,
            "reindented": sum(self.reindented.values()),
            "holds": not self.failures(),
        }


def measure(old: Stage, new: Stage) -> Pair:
    changes = lesson_change(old, new)
    loose = lesson_change(old, new, "-w")
    reindented = {name: max(change.removed - loose[name].removed,
                            change.added - loose[name].added)
                  for name, change in changes.items()}
    return Pair(
        old, new, total(changes),
        sum(change.added for name, change in changes.items()
            if name != "main.cpp"),
        {name: count for name, count in reindented.items() if count},
        sorted(old.lesson().keys() - new.lesson().keys()))


def common_failures(root: Path, stages: list[Stage]) -> list[str]:
    """Where common/ knows about the stages."""
    headers = {name for stage in stages for name in stage.lesson()
               if name.endswith(".hpp")}
    types = re.compile(rf"\b(?:{'|'.join(TYPES)})\b")
    include = re.compile(r'\s*#\s*include\s*[<"](?:[^<>"]*/)?([^<>"/]+)[>"]')
    failures = []
    for path in sorted((root / "common").rglob("*")):
        if path.suffix not in SOURCES or not path.is_file():
            continue
        source = read_text(path)
        lines = zip(without_comments(source).split("\n"),
                    without_comments(source, strings=False).split("\n"))
        for number, (line, code) in enumerate(lines, start=1):
            where = f"{path.relative_to(root)}:{number}"
            if (found := include.match(line)) and found[1] in headers:
                failures.append(f"{where}: includes a stage's {found[1]}")
            elif name := types.search(code):
                failures.append(f"{where}: names {name[0]}")
    return failures


def print_table(pairs: list[Pair], median: float) -> None:
    if not pairs:
        print("fewer than two stages: nothing to compare")
        return
    width = max(len(pair.name) for pair in pairs)
    print(f"{'':{width}}  survive   lines  removed  added .hpp  re-indented")
    for pair in pairs:
        change = pair.total
        verdict = "BREAKS A BAR" if pair.failures() else "ok"
        print(f"{pair.name:{width}} {change.survival:7.2f} %"
              f" {change.earlier:6} {change.removed:8}"
              f" {pair.added_in_headers:11}"
              f" {sum(pair.reindented.values()):12}  {verdict}")
    print(f"{'median':{width}} {median:7.2f} %")
