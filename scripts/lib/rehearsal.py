"""The book's runs in the middle of a chapter: on the code as it stands there."""
from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from .book import Block, Book
from .chapter import Chapter, words_in
from .compiler import Compiler, first_errors, made_by
from .consoles import Command
from .demos import entries, sources_for
from .stages import Stage, pick_stage, write_text
from .terminal import Problem


class Rehearsal:
    """Builds programs as they are after a beat, in a folder of its own."""

    def __init__(self, root: Path, book: Book, stages: list[Stage]) -> None:
        self.root = root
        self.book = book
        self.stages = stages
        self.compiler = Compiler(root)
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)

    def __enter__(self) -> Rehearsal:
        return self

    def __exit__(self, *_) -> None:
        self._temporary.cleanup()

    @functools.cache
    def chapter(self, name: str) -> Chapter:
        return Chapter(self.book, self.stages, pick_stage(self.stages, name))

    def place(self, block: Block) -> int:
        """After which beat a block stands; 0 for what is run before the first
        or after the last, on the finished stage."""
        if not block.chapter:
            return 0
        beats = self.book.beats(block.chapter)
        place = sum(beat.block.line < block.line for beat in beats)
        return place if place < len(beats) else 0

    def program(self, command: Command) -> str:
        """The program that the command wants, as it is there; empty where that
        is the finished stage's."""
        place = self.place(command.block)
        if not place:
            return ""
        chapter = self.chapter(command.block.chapter)
        words = words_in(f"$ {command.text}", chapter.stage)
        if not words:
            return ""
        if not chapter.compiles(place):
            raise Problem(f"beat {place} before it is not tagged `compiles`")
        return str(self.built(chapter.stage.name, place, words))

    @functools.cache
    def built(self, name: str, place: int, words: tuple[str, ...]) -> Path:
        chapter = self.chapter(name)
        demos = chapter.stage.folder / "demos"
        sources = sources_for(words, entries(demos))
        if not sources:
            raise Problem(f"there is no such demo: {' '.join(words)}")
        folder = self.folder / f"{name}.{place}"
        folder.mkdir(exist_ok=True)
        for file, lines in chapter.files(place).items():
            write_text(folder / file, "".join(line + "\n" for line in lines))
        objects = made_by([
            self.compiler.compile(source, folder, name)
            for source in [folder / "main.cpp", *sources]], tell=False)
        for item in objects:
            if not item.good:
                raise Problem("does not compile as it is after beat"
                              f" {place}:\n{first_errors(item.output)}")
        program = folder / "-".join(source.stem for source in sources)
        self.compiler.link(objects, program)
        return program
