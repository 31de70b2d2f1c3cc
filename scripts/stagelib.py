"""What diff, purity, carry and walkthrough share.

Stages and their files, line differences (by git), C++ comments, and the model
of the book: chapters, fenced blocks, beats.
"""
from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent


# --- command line ----------------------------------------------------------

class Problem(Exception):
    """Something the user must know, told in one line."""


def root_option() -> argparse.ArgumentParser:
    """The option that all tools share, as a parent for their parsers."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--root", metavar="DIR", type=Path, default=argparse.SUPPRESS,
        help="the project's folder (default: $STAGES_ROOT, or the one that"
             " these scripts are in)")
    return parent


def root_of(options: argparse.Namespace) -> Path:
    root = getattr(options, "root", None) or os.environ.get("STAGES_ROOT")
    return Path(root or SCRIPTS.parent).resolve()


def run(main) -> None:
    """Calls main and ends the process with what it returns."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(status_of(main, sys.argv[1:]))


def status_of(main, arguments: list[str]) -> int:
    """Calls main; tells a Problem in one line, and is quiet after | head."""
    try:
        status = main(arguments)
        sys.stdout.flush()
        return status
    except Problem as problem:
        print(f"{Path(sys.argv[0]).name}: {problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141              # as a shell names the end by SIGPIPE
    except KeyboardInterrupt:
        return 130


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


# --- colours ---------------------------------------------------------------

def use_colour(when: str = "auto") -> bool:
    if when == "auto":
        return (sys.stdout.isatty() and not os.environ.get("NO_COLOR")
                and os.environ.get("TERM") != "dumb")
    return when == "always"


@dataclass
class Paint:
    enabled: bool

    def __call__(self, style: str, text: str) -> str:
        code = {"bold": 1, "faint": 2, "red": 31, "green": 32,
                "blue": 34}[style]
        return f"\x1b[{code}m{text}\x1b[m" if self.enabled else text


# --- stages and files ------------------------------------------------------

@dataclass(frozen=True)
class Stage:
    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def number(self) -> str:
        return self.name[:2]

    def lesson(self) -> dict[str, Path]:
        """The lesson files by name: the headers, then main.cpp."""
        files = sorted(self.folder.glob("*.hpp"))
        files.append(self.folder / "main.cpp")
        return {path.name: path for path in files if path.is_file()}


def is_lesson(name: str) -> bool:
    """Whether a path relative to a stage folder is a lesson file's."""
    return "/" not in name and (name.endswith(".hpp") or name == "main.cpp")


def find_stages(root: Path) -> list[Stage]:
    folder = root / "stages"
    if not folder.is_dir():
        raise Problem(f"{folder}: no such folder")
    stages = [Stage(path) for path in sorted(folder.iterdir())
              if path.is_dir() and re.fullmatch(r"\d\d_\w+", path.name)]
    for one, other in zip(stages, stages[1:]):
        if one.number == other.number:
            raise Problem(f"{one.name} and {other.name} have the same number")
    return stages


def pick_stage(stages: list[Stage], text: str) -> Stage:
    """The stage that 4, 04 or 04_sleep names."""
    for stage in stages:
        if text == stage.name or text.isdigit() and (
                int(text) == int(stage.number)):
            return stage
    known = ", ".join(stage.number for stage in stages) or "none"
    raise Problem(f"no stage {text} (there are: {known})")


def stage_before(stages: list[Stage], stage: Stage) -> Stage | None:
    position = stages.index(stage)
    return stages[position - 1] if position else None


def split_lines(text: str) -> list[str]:
    """Lines without their newline; only \\n ends a line."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def read_lines(path: Path) -> list[str]:
    return split_lines(read_text(path))


def lesson_lines(stage: Stage | None) -> dict[str, list[str]]:
    if stage is None:
        return {}
    return {name: read_lines(path) for name, path in stage.lesson().items()}


def in_typing_order(files: dict[str, list[str]]) -> list[str]:
    """The names; what a file includes comes before it, main.cpp is last."""
    order: list[str] = []
    visited: set[str] = set()

    def visit(name: str) -> None:
        if name in visited:
            return
        visited.add(name)
        for line in files[name]:
            include = re.match(r'#include [<"]([^">]+)[">]', line)
            if include and include[1] in files:
                visit(include[1])
        order.append(name)

    for name in files:
        visit(name)
    return order


# --- line differences ------------------------------------------------------

# Away from any repository and configuration, so that all see the same.
_GIT_ENVIRONMENT = {
    **{name: value for name, value in os.environ.items()
       if not name.startswith("GIT_")},
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def git_diff(old: list[str], new: list[str], *options: str,
             name: str = "file") -> list[str]:
    """The hunks of git's diff, without the lines about files before them."""
    if old == new:
        return []
    with tempfile.TemporaryDirectory() as folder:
        attributes = Path(folder, "attributes")
        attributes.write_text("*.hpp diff=cpp\n*.cpp diff=cpp\n")
        for side, lines in (("old", old), ("new", new)):
            path = Path(folder, side, Path(name).name)
            path.parent.mkdir()
            write_text(path, "".join(line + "\n" for line in lines))
        done = subprocess.run(
            ["git", "-c", f"core.attributesFile={attributes}", "diff",
             "--no-index", "--no-ext-diff", "--no-renames", "--text",
             *options, f"old/{path.name}", f"new/{path.name}"],
            cwd=folder, env=_GIT_ENVIRONMENT, capture_output=True)
    if done.returncode > 1:
        raise Problem("git diff: " + done.stderr.decode().strip())
    lines = split_lines(done.stdout.decode("utf-8", "surrogateescape"))
    starts = (number for number, line in enumerate(lines)
              if _HUNK.search(line))
    return lines[next(starts, len(lines)):]


def changed_ranges(old: list[str], new: list[str],
                   *options: str) -> list[tuple[int, int, int, int]]:
    """(i1, i2, j1, j2) for each place where new[j1:j2] replaces old[i1:i2]."""
    ranges = []
    for line in git_diff(old, new, "-U0", *(options or ("--patience",))):
        if hunk := _HUNK.match(line):
            start, count, new_start, new_count = (
                1 if group is None else int(group) for group in hunk.groups())
            i = start - 1 if count else start
            j = new_start - 1 if new_count else new_start
            ranges.append((i, i + count, j, j + new_count))
    return ranges


def edit_script(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    """All lines of both, each with ' ', '-' or '+', in a diff's order."""
    script = []
    done = 0
    for i1, i2, j1, j2 in changed_ranges(old, new):
        script += [(" ", line) for line in old[done:i1]]
        script += [("-", line) for line in old[i1:i2]]
        script += [("+", line) for line in new[j1:j2]]
        done = i2
    return script + [(" ", line) for line in old[done:]]


# --- what counts as a line of code -----------------------------------------

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<string>\b(?:u8|[uUL])?R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"
                  |"(?:\\.|[^"\\\n])*"
                  |'(?:\\.|[^'\\\n])*')
      | \d[\w'.]*""",
    re.DOTALL | re.VERBOSE)


def without_comments(source: str, strings: bool = True) -> str:
    """C++ with comments (and strings, on demand) blanked, lines kept."""
    def blank(token: re.Match) -> str:
        keep = (token["comment"] is None
                and (strings or token["string"] is None))
        return token[0] if keep else re.sub(r"[^\n]", " ", token[0])
    return _TOKEN.sub(blank, source)


def counted_lines(source: str) -> list[str]:
    """The lines that are more than blanks, comments or braces."""
    bare = split_lines(without_comments(source))
    return [line for line, code in zip(split_lines(source), bare)
            if code.strip("{}();, \t\r\f\v")]


@dataclass
class Change:
    """What happened to counted lines between two stages."""
    earlier: int = 0
    removed: int = 0
    added: int = 0

    @property
    def survival(self) -> float:
        """Per cent of the earlier lines that are still there."""
        if not self.earlier:
            return 100.0
        return 100.0 * (self.earlier - self.removed) / self.earlier

    def __iadd__(self, other: Change) -> Change:
        self.earlier += other.earlier
        self.removed += other.removed
        self.added += other.added
        return self


def count_change(old: list[str], new: list[str], *options: str) -> Change:
    """--minimal keeps as many lines as any difference can: survival is
    never understated."""
    change = Change(earlier=len(old))
    for i1, i2, j1, j2 in changed_ranges(old, new, "--minimal", *options):
        change.removed += i2 - i1
        change.added += j2 - j1
    return change


def lesson_change(old: Stage, new: Stage, *options: str) -> dict[str, Change]:
    """For each lesson file of both stages."""
    def counted(stage: Stage) -> dict[str, list[str]]:
        return {name: counted_lines(read_text(path))
                for name, path in stage.lesson().items()}
    before, after = counted(old), counted(new)
    return {name: count_change(before.get(name, []), after.get(name, []),
                               *options)
            for name in sorted(before.keys() | after.keys())}


def total(changes: dict[str, Change]) -> Change:
    result = Change()
    for change in changes.values():
        result += change
    return result


# --- the book --------------------------------------------------------------

BOOK = "WALKTHROUGH.md"


@dataclass
class Block:
    """A fenced block of the book."""
    line: int                   # of the opening fence, counted from 1
    indent: str
    info: list[str]
    body: list[str]
    chapter: str | None
    prose: str                  # the first line of the paragraph before it

    @property
    def kind(self) -> str:
        return self.info[0] if self.info else ""


@dataclass
class Beat:
    """One step of typing: a block `diff FILE [compiles] [shows]`."""
    number: int                 # within its chapter, from 1
    block: Block
    ops: list[tuple[str, str]] = field(default_factory=list)

    TAGS = ("compiles", "shows")

    def __post_init__(self) -> None:
        for offset, line in enumerate(self.block.body, start=1):
            if line and line[0] not in " -+":
                raise Problem(
                    f"{BOOK}:{self.block.line + offset}: a beat's line begins"
                    f" with ' ', '-' or '+', this one does not: {line}")
            self.ops.append((line[:1] or " ", line[1:]))

    @property
    def file(self) -> str:
        return self.block.info[1]

    @property
    def tags(self) -> list[str]:
        return self.block.info[2:]

    @property
    def where(self) -> str:
        return (f"{BOOK}:{self.block.line}: {self.block.chapter}"
                f" beat {self.number}")

    def texts(self, *kinds: str) -> list[str]:
        return [text for kind, text in self.ops if kind in kinds]

    @property
    def added(self) -> int:
        return len(self.texts("+"))

    @property
    def removed(self) -> int:
        return len(self.texts("-"))


# Lines that only note something in a trace.
_TRACE = re.compile(
    r"\btrace::|\btrace_wait\b|common/trace\.hpp|^span\.")


def is_closing(beat: Beat) -> bool:
    """Whether it adds only comments, or lines for the trace."""
    lines = [line.strip() for line in beat.texts("+")]
    marks = [line for line in lines
             if line.startswith("//") or _TRACE.search(line)]
    others = [line for line in lines
              if line not in marks and line.strip("{}")]
    return bool(marks) and not others and not beat.removed


@dataclass
class Book:
    path: Path
    lines: list[str]
    blocks: list[Block]
    chapters: dict[str, int]    # stage name -> line of its heading

    def beats(self, chapter: str) -> list[Beat]:
        blocks = [block for block in self.blocks
                  if block.chapter == chapter and block.kind == "diff"]
        for block in blocks:
            check_beat_info(block)
        return [Beat(number, block)
                for number, block in enumerate(blocks, start=1)]


def check_beat_info(block: Block) -> None:
    where = f"{BOOK}:{block.line}"
    if len(block.info) < 2:
        raise Problem(f"{where}: a diff block in a chapter is a beat and names"
                      " its file (use another info string if it is none)")
    if not is_lesson(block.info[1]):
        raise Problem(f"{where}: {block.info[1]} is no lesson file"
                      " (NAME.hpp or main.cpp)")
    for tag in block.info[2:]:
        if tag not in Beat.TAGS:
            raise Problem(f"{where}: unknown tag {tag}"
                          f" (there are: {', '.join(Beat.TAGS)})")


_FENCE = re.compile(r"( *)(`{3,}|~{3,})\s*(.*?)\s*$")
_STAGE_NAME = re.compile(r"\d\d_\w+")


def read_book(root: Path) -> Book:
    path = root / BOOK
    if not path.is_file():
        raise Problem(f"{path}: no such file")
    return parse_book(path, read_lines(path))


def parse_book(path: Path, lines: list[str]) -> Book:
    book = Book(path, lines, [], {})
    chapter = None
    prose = heading = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if fence := _FENCE.match(line):
            block = Block(number, fence[1], fence[3].split(), [], chapter,
                          prose or heading)
            number = _read_block(lines, number, fence, block)
            book.blocks.append(block)
            prose = heading = ""
        elif line.startswith("## "):
            chapter = _chapter_name(line)
            prose, heading = "", line.strip("# ")
            if chapter in book.chapters:
                raise Problem(f"{BOOK}:{number}: a second chapter {chapter}")
            if chapter:
                book.chapters[chapter] = number
        elif line.startswith("#"):
            prose, heading = "", line.strip("# ")
        elif line.strip() and not lines[number - 2].strip():
            prose = line.strip()
    return book


def _read_block(lines: list[str], number: int, fence: re.Match,
                block: Block) -> int:
    """Fills block.body; returns the number of the line after the block."""
    for offset, line in enumerate(lines[number:]):
        text = line.strip()
        if text == text[:1] * len(text) and text.startswith(fence[2]) and (
                len(line) - len(line.lstrip()) <= len(fence[1])):
            return number + offset + 1
        indent = min(len(fence[1]), len(line) - len(line.lstrip(" ")))
        block.body.append(line[indent:])
    raise Problem(f"{BOOK}:{block.line}: the block is never closed")


def _chapter_name(heading: str) -> str | None:
    words = heading[3:].split()
    name = words[0].replace("`", "").rstrip(":.,;-–—") if words else ""
    return name if _STAGE_NAME.fullmatch(name) else None


# --- applying beats --------------------------------------------------------

def find_run(lines: list[str], run: list[str]) -> list[int]:
    """Where run occurs in lines as neighbouring lines."""
    if not run:
        return []
    return [start for start in range(len(lines) - len(run) + 1)
            if lines[start] == run[0]
            and lines[start:start + len(run)] == run]


def nearest_miss(lines: list[str], run: list[str]) -> str:
    """Where run nearly occurs, and the first line that differs there."""
    best, best_score = None, 0
    for start in range(1 - len(run), len(lines)):
        pairs = [(offset, lines[start + offset], text)
                 for offset, text in enumerate(run)
                 if 0 <= start + offset < len(lines)]
        score = sum(len(text.strip()) + 1 for _, line, text in pairs
                    if line == text)
        if score > best_score:
            best, best_score = start, score
    if best is None:
        wanted = next((text for text in run if text.strip()), run[0])
        return f"nothing like it is there: {wanted.strip()!r}"
    for offset, text in enumerate(run):
        there = best + offset
        found = lines[there] if 0 <= there < len(lines) else None
        if found != text:
            reads = "does not exist" if found is None else f"reads {found!r}"
            return (f"nearest: line {max(there + 1, 0)} {reads},"
                    f" the beat has {text!r}")
    return f"nearest: line {best + 1}"


def apply_beat(lines: list[str] | None, beat: Beat) -> list[str]:
    """The file after the beat; lines is None when there is no file yet."""
    run = beat.texts(" ", "-")
    if not beat.added and not beat.removed:
        raise Problem(f"{beat.where}: changes nothing in {beat.file}")
    if lines is None:
        if run:
            raise Problem(f"{beat.where}: {beat.file} does not exist yet,"
                          f" so {run[0]!r} is not in it")
        return beat.texts("+")
    if not run:
        raise Problem(f"{beat.where}: {beat.file} exists already: a beat with"
                      " only '+' lines has no place in it")
    places = find_run(lines, run)
    if not places:
        raise Problem(f"{beat.where}: no match in {beat.file};"
                      f" {nearest_miss(lines, run)}")
    if len(places) > 1:
        spots = " and ".join(str(place + 1) for place in places[:3])
        raise Problem(f"{beat.where}: matches {len(places)} places in"
                      f" {beat.file} (lines {spots}): show more context")
    start = places[0]
    return (lines[:start] + beat.texts(" ", "+")
            + lines[start + len(run):])
