"""Shows what one stage changes of another, as one page to read.

`diff 03 04` and `diff 04` show what 04 changes of 03: title, table, then each
file's changes, in the order in which they include each other.
"""
from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass

from .differences import changed_ranges, git_diff, lesson_change, total
from .stages import (
    Stage, find_stages, in_typing_order, is_lesson, pick_stage, read_lines,
    stage_before)
from .terminal import Paint, new_parser, plural, root_of, use_colour


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    stages = find_stages(root_of(options))
    new = pick_stage(stages, options.stages[-1])
    old = (pick_stage(stages, options.stages[0]) if len(options.stages) > 1
           else stage_before(stages, new))
    paint = Paint(use_colour(options.color))
    changes = find_changes(old, new, options)
    if options.walk:
        walk(changes, options, paint)
    else:
        show(page(old, new, changes, options, paint), options.no_pager)
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("stages", nargs="+", metavar="NN",
                        help="a stage (3, 03 or 03_coroutines), or two")
    parser.add_argument("--stat", action="store_true",
                        help="only the table")
    parser.add_argument("--words", action="store_true",
                        help="mark changed words instead of lines")
    parser.add_argument("--walk", action="store_true",
                        help="one hunk after the other, each in the pager")
    parser.add_argument("--tests", action="store_true",
                        help="also the files in tests/")
    parser.add_argument("--all", action="store_true",
                        help="all files of the stages")
    parser.add_argument("-U", "--unified", metavar="N", type=int, default=3,
                        help="lines of context (default: 3)")
    parser.add_argument("-W", "--function-context", action="store_true",
                        help="whole functions as context")
    parser.add_argument("--color", choices=("auto", "always", "never"),
                        default="auto",
                        help="default: auto, on a terminal without $NO_COLOR")
    parser.add_argument("--no-pager", action="store_true",
                        help="never start $PAGER (default: less)")
    options = parser.parse_args(arguments)
    if len(options.stages) > 2:
        parser.error("one or two stages, not more")
    if options.unified < 0:
        parser.error("-U: a number of lines, 0 or more")
    return options


# --- pagers ---------------------------------------------------------------

def pager(text: str, less: str) -> None:
    """Shows text in $PAGER; less gets options unless $LESS has some."""
    command = shlex.split(os.environ.get("PAGER") or "less")
    try:
        subprocess.run(command, input=text, text=True,
                       errors="backslashreplace",
                       env={"LESS": less, **os.environ})
    except OSError:             # no pager here
        print(text, end="")


def show(text: str, no_pager: bool) -> None:
    long = text.count("\n") >= shutil.get_terminal_size().lines
    if sys.stdout.isatty() and long and not no_pager:
        pager(text, "FRX")
    else:
        print(text, end="")


# --- what changed ----------------------------------------------------------

@dataclass
class FileChange:
    name: str
    old: list[str] | None       # None: there is no such file
    new: list[str] | None
    added: int
    removed: int

    @property
    def fate(self) -> str:
        return ("new" if self.old is None else
                "gone" if self.new is None else "")

    @property
    def title(self) -> str:
        counts = f"+{self.added} -{self.removed}"
        return f"{self.name} ({self.fate or counts})"


def find_changes(old: Stage | None, new: Stage,
                 options: argparse.Namespace) -> list[FileChange]:
    before = chosen_files(old, options) if old else {}
    after = chosen_files(new, options)
    changes = []
    for name in order_of(before, after):
        one, other = before.get(name), after.get(name)
        # A stage has only the tests of its own ideas: none is missing.
        if one != other and (other is not None or "tests/" not in name):
            ranges = changed_ranges(one or [], other or [])
            changes.append(FileChange(
                name, one, other,
                sum(j2 - j1 for _, _, j1, j2 in ranges),
                sum(i2 - i1 for i1, i2, _, _ in ranges)))
    return changes


def chosen_files(stage: Stage,
                 options: argparse.Namespace) -> dict[str, list[str]]:
    files = {}
    for path in sorted(stage.folder.rglob("*")):
        name = path.relative_to(stage.folder).as_posix()
        wanted = (options.all or is_lesson(name)
                  or options.tests and name.startswith("tests/"))
        if wanted and path.is_file() and "/." not in f"/{name}":
            files[name] = read_lines(path)
    return files


def order_of(before: dict[str, list[str]],
             after: dict[str, list[str]]) -> list[str]:
    both = {**before, **after}
    lesson = {name: both[name] for name in sorted(
        filter(is_lesson, both), key=lambda name: (name == "main.cpp", name))}
    return in_typing_order(lesson) + sorted(both.keys() - lesson.keys())


# --- the page --------------------------------------------------------------

def page(old: Stage | None, new: Stage, changes: list[FileChange],
         options: argparse.Namespace, paint: Paint) -> str:
    title = f"{old.name} -> {new.name}" if old else f"{new.name}, the first"
    lines = [paint("bold", title), "", *table(old, new, changes, paint)]
    if not options.stat:
        for change in changes:
            lines += ["", paint("bold", f"=== {change.title} ==="),
                      *hunk_lines(change, options, paint)]
    return "".join(line + "\n" for line in lines)


def table(old: Stage | None, new: Stage, changes: list[FileChange],
          paint: Paint) -> list[str]:
    width = max((len(change.name) for change in changes), default=0)
    lines = []
    for change in changes:
        added = paint("green", f"{f'+{change.added}':>6}")
        removed = paint("red", f"{f'-{change.removed}':>6}")
        lines.append(f"  {change.name:{width}} {added} {removed}"
                     f"  {change.fate}".rstrip())
    added = sum(change.added for change in changes)
    removed = sum(change.removed for change in changes)
    summary = f"  {plural(len(changes), 'file')}, +{added} -{removed}"
    if old:
        survival = total(lesson_change(old, new)).survival
        summary += f"; {survival:.2f} % of the earlier code survives"
    return lines + [summary]


def hunk_lines(change: FileChange, options: argparse.Namespace,
               paint: Paint) -> list[str]:
    flags = ["--patience", f"-U{options.unified}",
             "--color=" + ("always" if paint.enabled else "never")]
    if options.function_context:
        flags.append("--function-context")
    if options.words and change.old is not None:
        flags.append("--word-diff=" + ("color" if paint.enabled else "plain"))
    if change.new is None and not is_lesson(change.name):
        return []               # the title says that it is gone
    return git_diff(change.old or [], change.new or [], *flags,
                    name=change.name)


def walk(changes: list[FileChange], options: argparse.Namespace,
         paint: Paint) -> None:
    steps = [(change, hunk) for change in changes
             for hunk in split_hunks(hunk_lines(change, options, paint))]
    for number, (change, hunk) in enumerate(steps, start=1):
        place = f"{number} of {len(steps)}: {change.name}"
        if change.fate:
            place += f" ({change.fate})"
        if number > 1 and not wants(place):
            break
        sys.stdout.flush()
        pager("\n".join([paint("bold", place), *hunk, ""]), "FRXK")


def split_hunks(lines: list[str]) -> list[list[str]]:
    hunks: list[list[str]] = []
    for line in lines:
        if line.startswith(("@@ ", "\x1b[36m@@ ")):
            hunks.append([])
        hunks[-1].append(line)
    return hunks


def wants(place: str) -> bool:
    try:
        answer = input(f"{place} - Enter: show, q: end > ")
        return not answer.strip().lower().startswith("q")
    except EOFError:
        print()
        return True
