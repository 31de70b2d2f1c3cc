"""How much of the stages' headers the idea tests of a build have reached.

scripts/test --coverage calls it with the build's folder and the stages' numbers.
What counts is what gcov has counted of stages/NN_name/*.hpp, each stage's own
headers for themselves, but for these branches: those that only an exception
takes; those on lines without code; and those of code that was never reached, as
gcov does not say which of them exceptions take: the line that is missed, or the
branch that leads there, counts instead.

Lines that were not reached must be in the file `coverage` beside this one, of
several in a row the first:

    # why no test reaches these
    selectors.hpp: throw std::bad_alloc{};
    0[2-8]_*/selectors.hpp: if (broken) {
"""
from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINES = 98.0                    # per cent
BRANCHES = 90.0
NEVER = re.compile(rb"^branch +\d+ never executed.*\n", re.M)
HEADER = r"stages/\d\d_\w+/\w+\.hpp$"


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["gcov"]:
        return call_gcov(arguments[1:])
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0])
    parser.add_argument("--gcov", default="gcov", help="the compiler's gcov")
    parser.add_argument("--branches", action="store_true",
                        help="show the branches that no test takes, too")
    parser.add_argument("build", type=Path)
    parser.add_argument("stages", nargs="*", help="such as 04; all by default")
    options = parser.parse_args(arguments)
    headers = [header for header in counted(options.build, options.gcov)
               if not options.stages or header.number in options.stages]
    if not headers:
        print(f"nothing was counted in {options.build}")
        return 1
    excuses = read_excuses(ROOT / "tests" / "coverage")
    if options.branches:
        for header in headers:
            print_branches(header)
    return report(headers, excuses, is_all=not options.stages)


# ---- What gcov has counted ------------------------------------------------

@dataclass
class Line:
    number: int
    text: str
    count: int
    branches: list[int]         # how often each was taken


@dataclass
class Header:
    """A stage's header; of its lines those that have code."""
    path: str                   # stages/NN_name/NAME.hpp
    lines: list[Line]

    @property
    def number(self) -> str:
        return self.path.split("/")[1][:2]

    def holes(self) -> list[list[Line]]:
        """The lines that were missed, those without another between them
        together."""
        groups = groupby(self.lines, lambda line: line.count == 0)
        return [list(lines) for missed, lines in groups if missed]


def counted(build: Path, gcov: str) -> list[Header]:
    """Asks gcovr, which in turn asks call_gcov()."""
    this = [sys.executable, str(Path(__file__).resolve()), "gcov", gcov]
    done = subprocess.run(
        ["gcovr", "--json", "--root", ROOT, "--filter", f".*/{HEADER}",
         "--gcov-executable", shlex.join(this), "--exclude-throw-branches",
         "--exclude-unreachable-branches", build.resolve()],
        cwd=build, stdout=subprocess.PIPE, text=True, check=True)
    return headers_of(json.loads(done.stdout), ROOT)


def call_gcov(command: list[str]) -> int:
    """As gcov does it, but without the branches of what was never reached."""
    status = subprocess.run(command).returncode
    for path in Path().glob("*.gcov"):
        path.write_bytes(NEVER.sub(b"", path.read_bytes()))
    return status


def headers_of(report: dict, root: Path) -> list[Header]:
    headers = []
    for file in sorted(report["files"], key=lambda file: file["file"]):
        if not re.match(HEADER, file["file"]):
            continue
        source = (root / file["file"]).read_text(encoding="utf-8").split("\n")
        headers.append(Header(file["file"], [
            Line(line["line_number"], source[line["line_number"] - 1].strip(),
                 line["count"],
                 [branch["count"] for branch in line["branches"]])
            for line in file["lines"] if not line["gcovr/noncode"]]))
    return headers


# ---- What need not be reached ---------------------------------------------

@dataclass
class Excuse:
    """A line of tests/coverage."""
    where: int
    pattern: str                # of a header, maybe with its stage's folder
    text: str
    reason: str
    used: bool = field(default=False, compare=False)

    def holds_for(self, header: Header, line: Line) -> bool:
        pattern = self.pattern
        if "/" not in pattern:
            pattern = f"*/{pattern}"
        return line.text == self.text and fnmatchcase(
            header.path, f"stages/{pattern}")


def read_excuses(path: Path) -> list[Excuse]:
    excuses = []
    reason = ""
    before = ""
    for number, line in enumerate(
            path.read_text(encoding="utf-8").split("\n"), start=1):
        if line.startswith("#"):
            more = line[1:].strip()
            reason = f"{reason} {more}" if before.startswith("#") else more
        elif line.strip():
            pattern, separator, text = line.partition(": ")
            if not separator or not reason:
                raise SystemExit(f"{path}:{number}: neither a line with its"
                                 " header's name nor a reason")
            excuses.append(Excuse(number, pattern, text.strip(), reason))
        before = line
    return excuses


# ---- The report -----------------------------------------------------------

def report(headers: list[Header], excuses: list[Excuse],
           is_all: bool = True) -> int:
    failures = 0
    for header in headers:
        for hole in header.holes():
            excuse = next((each for each in excuses
                           if each.holds_for(header, hole[0])), None)
            if excuse:
                excuse.used = True
                continue
            failures += 1
            for line in hole:
                print(f"{header.path}:{line.number}: not reached: {line.text}")
    for excuse in excuses:
        # Another stage may need it.
        if is_all and not excuse.used:
            print(f"tests/coverage:{excuse.where}: not needed: {excuse.text}")
    print_table(headers)
    lines, branches = share(headers)
    return 1 if failures or lines < LINES or branches < BRANCHES else 0


def print_branches(header: Header) -> None:
    for line in header.lines:
        missed = line.branches.count(0)
        if missed and line.count:
            print(f"{header.path}:{line.number}: {missed} of"
                  f" {len(line.branches)} branches not taken: {line.text}")


def share(headers: Iterable[Header]) -> tuple[float, float]:
    """Per cent of lines and of branches."""
    lines = [line for header in headers for line in header.lines]
    taken = [count > 0 for line in lines for count in line.branches]
    reached = sum(line.count > 0 for line in lines)
    return (100 * reached / len(lines) if lines else 100,
            100 * sum(taken) / len(taken) if taken else 100)


def print_table(headers: list[Header]) -> None:
    stages: dict[str, list[Header]] = {}
    for header in headers:
        stages.setdefault(header.path.split("/")[1], []).append(header)
    for name, of_stage in stages.items():
        lines, branches = share(of_stage)
        missed = sum(map(len, (hole for header in of_stage
                               for hole in header.holes())))
        print(f"{name:16} {lines:6.2f} % of lines ({missed} missed),"
              f" {branches:6.2f} % of branches")
    lines, branches = share(headers)
    verdict = "" if lines >= LINES and branches >= BRANCHES else (
        f": at least {LINES:g} % and {BRANCHES:g} % are wanted")
    print(f"{lines:.2f} % of lines, {branches:.2f} % of branches{verdict}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
