"""The model of the book: chapters, fenced blocks, beats."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from .markdown import closes, opening
from .stages import is_lesson, read_lines
from .terminal import Problem

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
        if fence := opening(line):
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
        if closes(line, fence):
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
