"""The model of the book: WALKTHROUGH.md and a CHAPTER.md in each stage's folder;
their fenced blocks; beats."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from .markdown import closes, opening
from .stages import find_stages, is_lesson, read_lines
from .terminal import Problem

BOOK = "WALKTHROUGH.md"
CHAPTER = "CHAPTER.md"


@dataclass
class Block:
    """A fenced block of the book."""
    page: str                   # stages/04_sleep/CHAPTER.md
    line: int                   # of the opening fence, counted from 1
    indent: str
    info: list[str]
    body: list[str]
    chapter: str | None
    prose: str                  # the first line of the paragraph before it

    @property
    def kind(self) -> str:
        return self.info[0] if self.info else ""

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


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
                    f"{self.block.page}:{self.block.line + offset}: a beat's"
                    " line begins"
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
        return f"{self.block.where}: {self.block.chapter} beat {self.number}"

    def texts(self, *kinds: str) -> list[str]:
        return [text for kind, text in self.ops if kind in kinds]

    @property
    def added(self) -> int:
        return len(self.texts("+"))

    @property
    def removed(self) -> int:
        return len(self.texts("-"))


@dataclass
class Page:
    """A file of the book."""
    path: Path
    name: str                   # relative to the repository
    chapter: str | None         # the stage's name
    lines: list[str]
    blocks: list[Block] = field(default_factory=list)

    @property
    def title(self) -> str:
        """As its first heading has it: `Chapter 04: A heap of deadlines`."""
        return next((line[2:].strip() for line in self.lines
                     if line.startswith("# ")), self.name)


@dataclass
class Book:
    root: Path
    pages: list[Page]

    @property
    def blocks(self) -> list[Block]:
        return [block for page in self.pages for block in page.blocks]

    @property
    def chapters(self) -> dict[str, Page]:
        """By the stage's name, in the stages' order."""
        return {page.chapter: page for page in self.pages if page.chapter}

    def page(self, name: str) -> Page:
        return next(page for page in self.pages if page.name == name)

    def beats(self, chapter: str) -> list[Beat]:
        page = self.chapters.get(chapter)
        blocks = [block for block in page.blocks if block.kind == "diff"
                  ] if page else []
        for block in blocks:
            check_beat_info(block)
        return [Beat(number, block)
                for number, block in enumerate(blocks, start=1)]


def check_beat_info(block: Block) -> None:
    where = block.where
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


def read_book(root: Path) -> Book:
    """WALKTHROUGH.md, and the chapters in the stages' order."""
    if not (root / BOOK).is_file():
        raise Problem(f"{root / BOOK}: no such file")
    pages = [read_page(root, root / BOOK, None)]
    for stage in find_stages(root):
        path = stage.folder / CHAPTER
        if path.is_file():
            pages.append(read_page(root, path, stage.name))
    return Book(root, pages)


def read_page(root: Path, path: Path, chapter: str | None) -> Page:
    name = path.relative_to(root).as_posix()
    page = Page(path, name, chapter, read_lines(path))
    lines = page.lines
    prose = heading = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if fence := opening(line):
            block = Block(name, number, fence[1], fence[3].split(), [],
                          chapter, prose or heading)
            number = _read_block(lines, number, fence, block)
            page.blocks.append(block)
            prose = heading = ""
        elif line.startswith("#"):
            prose, heading = "", line.strip("# ")
        elif line.strip() and not lines[number - 2].strip():
            prose = line.strip()
    return page


def _read_block(lines: list[str], number: int, fence: re.Match,
                block: Block) -> int:
    """Fills block.body; returns the number of the line after the block."""
    for offset, line in enumerate(lines[number:]):
        if closes(line, fence):
            return number + offset + 1
        indent = min(len(fence[1]), len(line) - len(line.lstrip(" ")))
        block.body.append(line[indent:])
    raise Problem(f"{block.where}: the block is never closed")


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
