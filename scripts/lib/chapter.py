"""A chapter as it is typed: its beats, the files after each of them, what can be
run by then."""
from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from .bare import Files, bare_files, dressed_files
from .book import Beat, Book, apply_beat
from .markdown import in_blocks
from .stages import Stage, lesson_lines, stage_before
from .terminal import Problem


@dataclass(frozen=True)
class Program:
    """What the book runs: `demo sleepers`, after so many beats."""
    place: int
    words: tuple[str, ...]


class Chapter:
    """The beats of a stage, and all lesson files after each of them, without
    comments and trace hooks."""

    def __init__(self, book: Book, stages: list[Stage], stage: Stage) -> None:
        self.book = book
        self.stage = stage
        self.before = stage_before(stages, stage)
        self.beats = book.beats(stage.name)
        if not self.beats:
            raise Problem(f"the book has no beats for {stage.name}")
        self.start = lesson_lines(self.before)
        self.end = lesson_lines(stage)
        self.states = [bare_files(self.start)]
        for beat in self.beats:
            files = dict(self.states[-1])
            files[beat.file] = apply_beat(files.get(beat.file), beat)
            self.states.append(files)

    @property
    def last(self) -> int:
        return len(self.beats)

    def beat(self, number: int) -> Beat:
        return self.beats[number - 1]

    def files(self, number: int) -> Files:
        """The files after a beat, with their comments and trace hooks."""
        return dressed_files(self.states[number], self.end, self.start)

    def compiles(self, number: int) -> bool:
        return (number == 0 and self.before is not None
                or number > 0 and "compiles" in self.beat(number).tags)

    def next_tagged(self, number: int, tag: str) -> int | None:
        return next((beat.number for beat in self.beats[number:]
                     if tag in beat.tags), None)

    def note(self, number: int) -> list[str]:
        """The prose between beat number and the one before it, from the last
        heading on, without the blocks that are no beats."""
        block = self.beat(number).block
        page = self.book.page(block.page)
        start = self.end_of(self.beat(number - 1)) if number > 1 else 1
        before = page.lines[start:block.line - 1]
        lines = []
        for line, fenced in zip(before, in_blocks(before)):
            if fenced:
                continue
            if line.startswith("#"):
                lines = [line]
            elif not re.fullmatch(r"\*\*`[^`]*`\*\*", line.strip()):
                lines.append(line)
        text = "\n".join(line for line, _ in itertools.groupby(lines))
        return text.strip("\n").split("\n") if text.strip() else []

    def end_of(self, beat: Beat) -> int:
        return beat.block.line + len(beat.block.body) + 1

    def candidates(self, number: int) -> list[tuple[str, ...]]:
        """What to run after a beat: first what the book runs between the last
        beat that shows something and the next, then what it ran before."""
        shown = max((beat.number for beat in self.beats[:number]
                     if "shows" in beat.tags), default=0)
        following = self.next_tagged(shown, "shows") or self.last + 1
        programs = programs_of(self.book, self.stage)
        now = [program for program in programs
               if shown <= program.place < following]
        earlier = [program for program in reversed(programs)
                   if 0 < program.place < shown]
        opening = [program for program in programs if program.place == 0]
        return list(dict.fromkeys(
            program.words for program in [*now, *earlier, *opening]))


def programs_of(book: Book, stage: Stage) -> list[Program]:
    """What the book runs of a stage, or shows of its demos, in its order."""
    found = []
    place = 0
    for block in book.blocks:
        if block.chapter != stage.name:
            continue
        if block.kind == "diff":
            place += 1
        elif block.kind == "console":
            found += [Program(place, words) for line in block.body
                      if (words := words_in(line, stage))]
        elif block.kind == "cpp" and len(block.info) > 1:
            path = Path(block.info[1])
            if (path.parent.name == "demos" and path.suffix == ".cpp"
                    and path.parts[1] == stage.name):
                found.append(Program(place, ("demo", path.stem)))
    return found


def words_in(line: str, stage: Stage) -> tuple[str, ...]:
    """`demo sleepers` of `$ ./scripts/run 04 demo sleepers > FILE`."""
    match = re.match(r"\$ (?:\w+=\S+ )*\./scripts/run (\d+) (.*?)( \d?[<>|&;].*)?$", line)
    if not match or match[1] != stage.number:
        return ()
    words = re.sub(r" --port \d+", "", match[2]).split()
    return () if {"pitfall", "bench"} & set(words) else tuple(words)
