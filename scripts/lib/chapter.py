"""A chapter as it is typed: its beats, the files after each of them, what can
be run by then."""
from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from .bare import Files, bare_files, dressed
from .book import Beat, Book, apply_beat
from .markdown import in_blocks
from .stages import Stage, lesson_lines, stage_before
from .terminal import Problem
from .typed import tokens


@dataclass(frozen=True)
class Program:
    """What the book runs: `demo sleepers`, after so many beats."""
    place: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """What the book runs right after a beat, and what it says of it."""
    words: tuple[str, ...]      # demo sleepers
    prose: str                  # the paragraph before it
    lines: list[str]            # the console block
    end: int                    # its last line in the chapter


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
        self._code: dict[int, list[str]] = {}

    @property
    def last(self) -> int:
        return len(self.beats)

    def beat(self, number: int) -> Beat:
        return self.beats[number - 1]

    def files(self, number: int) -> Files:
        """The files after a beat, with their comments and trace hooks."""
        return {name: self.file(number, name) for name in self.states[number]}

    def file(self, number: int, name: str) -> list[str]:
        if not number:
            return self.start[name]
        lines = self.states[number][name]
        return dressed(lines, self.end.get(name, lines), self.start.get(name))

    def code(self, number: int) -> Files:
        """The words and signs of each file after a beat."""
        return {name: self._code_of(lines)
                for name, lines in self.states[number].items()}

    def _code_of(self, lines: list[str]) -> list[str]:
        """Once for all states that share the file."""
        found = self._code.get(id(lines))
        if found is None:
            found = self._code[id(lines)] = [
                token for token, _ in tokens(lines)]
        return found

    def compiles(self, number: int) -> bool:
        """Whether the files after that beat do. Two states are stages: the
        one before the first beat, and the one after the last."""
        if number == 0:
            return self.before is not None
        return number == self.last or "compiles" in self.beat(number).tags

    def next_tagged(self, number: int, tag: str) -> int | None:
        return next((beat.number for beat in self.beats[number:]
                     if tag in beat.tags), None)

    def note(self, number: int, whole: bool = True) -> list[str]:
        """The prose between beat number and the one before it, from the last
        heading on, without the blocks that are no beats. Not whole: without
        what comes before a run."""
        block = self.beat(number).block
        page = self.book.page(block.page)
        start = self.end_of(self.beat(number - 1)) if number > 1 else 1
        if not whole and (run := self.run_after(number - 1)):
            start = run.end
        lines = prose_of(page.lines[start:block.line - 1])
        headings = [place for place, line in enumerate(lines)
                    if line.startswith("#")]
        lines = lines[headings[-1]:] if headings else lines
        text = "\n".join(line for line, _ in itertools.groupby(lines))
        return text.strip("\n").split("\n") if text.strip() else []

    def end_of(self, beat: Beat) -> int:
        return beat.block.line + len(beat.block.body) + 1

    def run_after(self, number: int) -> Run | None:
        """What the book runs before the next beat."""
        page = self.book.chapters[self.stage.name]
        if not number or not self.compiles(number):
            return None
        start = self.end_of(self.beat(number))
        end = (self.beat(number + 1).block.line if number < self.last
               else len(page.lines) + 1)
        for block in page.blocks:
            if start < block.line < end and block.kind == "console":
                found = [words for line in block.body
                         if (words := words_in(line, self.stage))]
                if found:
                    before = prose_of(page.lines[start:block.line - 1])
                    return Run(found[0], last_paragraph(before), block.body,
                               block.line + len(block.body) + 1)
        return None

    def next_run(self, number: int) -> int | None:
        """After which beat the book runs something again."""
        return next((beat.number for beat in self.beats[number:]
                     if self.run_after(beat.number)), None)

    def candidates(self, number: int) -> list[tuple[str, ...]]:
        """What to run after a beat: what the book has run last since the last
        beat that shows something, what it runs before the next, what it ran
        before."""
        shown = max((beat.number for beat in self.beats[:number]
                     if "shows" in beat.tags), default=0)
        following = self.next_tagged(shown, "shows") or self.last + 1
        programs = programs_of(self.book, self.stage)
        here = [program for program in programs
                if max(shown, 1) <= program.place <= number]
        here.sort(key=lambda program: -program.place)
        soon = [program for program in programs
                if max(shown, number + 1) <= program.place < following]
        earlier = [program for program in reversed(programs)
                   if 0 < program.place < shown]
        opening = [program for program in programs if program.place == 0]
        return list(dict.fromkeys(
            program.words for program in [*here, *soon, *earlier, *opening]))


def prose_of(lines: list[str]) -> list[str]:
    """Without the blocks, the names of files, the pictures, and the tags of
    what a page folds."""
    kept = [line for line, fenced in zip(lines, in_blocks(lines))
            if not fenced
            and not re.fullmatch(r"\*\*`[^`]*`\*\*", line.strip())]
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", "\n".join(kept))
    return re.sub(r"</?(details|summary)[^>]*>", "", text).split("\n")


def last_paragraph(lines: list[str]) -> str:
    parts = re.split(r"\n\s*\n", "\n".join(lines).strip())
    return "" if parts[-1].startswith("#") else " ".join(parts[-1].split())


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
