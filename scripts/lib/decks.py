"""Makes Marp decks of slides/*.md; scripts/slides runs this, and Marp on it.

A deck is Marp's Markdown, with code and output that is taken from the book:

  <!-- beat: 04_sleep "push_heap" [PARTS] [steps "A" "B"] -->
      the beat of that chapter one of whose '+' lines contains the text (a '-'
      line if no beat adds it); with its file, number and tags above it
  <!-- code: stages/04_sleep/demos/spinner.cpp [PARTS] [steps "A" "B"] -->
      a file of the repository
  <!-- output: 04_sleep "./scripts/run 04 demo idle" [session] [PARTS] -->
      what the book says that the command prints; session: the whole block
  <!-- diagram: 04_sleep "What it shows" -->
      slides/diagrams/04_sleep.svg (else one of figures/), made part of the page
  {beat 04_sleep "push_heap"}
      the number of that beat, anywhere in the text or in a note

PARTS are `from "A"`, `to "B"` (lines that contain it; "^A": that begin so;
"=A": that are so; a second `to` goes on from there), `skip "A" "B"` (left
out, with dots instead), `size N` (of the type, in pixels), and `ask` (all but
the first line, and what is below the block, comes one slide later). Steps make
as many slides and one more, each with more of the code. Other comments are the
speaker's notes: each slide has one, which begins with its minutes: `2 min. ...`.
"""
from __future__ import annotations

import base64
import html
import re
import shlex
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

from .book import Beat, Book, read_book
from .markdown import in_blocks
from .stages import (
    find_stages, pick_stage, read_lines, read_text, stamps, write_text)
from .terminal import Problem, new_parser, root_of, run

FOLDER = "slides"
SIZES = (32, 29, 27, 25, 23, 21)    # of type in code, in pixels
WIDTH, ROOM = 1104, 540             # for code, below the heading
CAPTION, FRAME = 34, 50             # above a block of code, around it
ADVANCE, LEADING = 0.602, 1.32      # of a monospaced letter, of a line


def main(arguments: list[str]) -> int:
    parser = new_parser(__doc__)
    parser.add_argument("command", choices=["expand", "watch", "minutes"],
                        help="write Marp's decks to a folder; do so again"
                             " whenever a source changes, until --while's"
                             " process ends; list each deck's minutes")
    parser.add_argument("decks", nargs="*", metavar="NN")
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    parser.add_argument("--while", dest="process", type=int, metavar="PID")
    options = parser.parse_intermixed_args(arguments)
    root = root_of(options)
    if options.command == "minutes":
        return print_minutes(root, options.decks)
    if not options.output:
        parser.error("--output is needed")
    if options.command == "watch":
        return watch(root, options.decks, options.output, options.process)
    expand_all(root, options.decks, options.output)
    return 0


# --- decks and slides ------------------------------------------------------

@dataclass
class Slide:
    text: str                   # without the note
    note: str


@dataclass
class Deck:
    path: Path
    head: str                   # the front matter, with its dashes
    slides: list[Slide]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def minutes(self) -> float:
        return sum(minutes_of(slide) for slide in self.slides)


def deck_paths(root: Path, wanted: list[str]) -> list[Path]:
    """The decks that 4, 04 or 04_sleep name; all without a wish."""
    paths = sorted((root / FOLDER).glob("[0-9][0-9]_*.md"))
    if not paths:
        raise Problem(f"{root / FOLDER}: no deck (NN_name.md)")
    if not wanted:
        return paths
    chosen = []
    for text in wanted:
        found = [path for path in paths if path.stem == text
                 or text.isdigit() and int(path.stem[:2]) == int(text)]
        if not found:
            known = ", ".join(path.stem[:2] for path in paths)
            raise Problem(f"no deck {text} (there are: {known})")
        chosen += found
    return chosen


_COMMENT = re.compile(r"<!--(.*?)-->\n?", re.DOTALL)
_DIRECTIVE = re.compile(r"\s*(beat|code|output|diagram):\s(.*)", re.DOTALL)
_MARP = re.compile(r"\s*_?(class|paginate|footer|header|color"
                   r"|backgroundColor|backgroundImage)\s*:")
_MINUTES = re.compile(r"\s*(\d+(?:\.5)?) min\b")


def read_deck(root: Path, book: Book, path: Path) -> Deck:
    """The deck with all its directives expanded."""
    lines = read_lines(path)
    if not lines or lines[0] != "---" or "---" not in lines[1:]:
        raise Problem(f"{path.name}: begins with front matter (---)")
    end = lines.index("---", 1)
    deck = Deck(path, "\n".join(lines[:end + 1]) + "\n", [])
    source = Source(root, book)
    for number, text in split_slides(lines, end + 1):
        try:
            deck.slides += expand_slide(source, text)
        except Problem as problem:
            where = f"{FOLDER}/{path.name}:{number}"
            raise Problem(f"{where}: {problem}") from None
    return deck


def split_slides(lines: list[str], start: int) -> list[tuple[int, str]]:
    """(number of its first line, text) of each slide."""
    slides = []
    first = start
    fenced = in_blocks(lines)
    for number in range(start, len(lines) + 1):
        if number == len(lines) or lines[number] == "---" and not (
                fenced[number]):
            slides.append((first + 1, "\n".join(lines[first:number])))
            first = number + 1
    return slides


def expand_slide(source: Source, text: str) -> list[Slide]:
    """The slide, or as many as its steps make."""
    notes: list[str] = []
    blocks: list[Shown] = []

    def replace(comment: re.Match) -> str:
        if directive := _DIRECTIVE.fullmatch(comment[1]):
            blocks.append(source.shown(directive[1], directive[2].strip()))
            return f"\0{len(blocks) - 1}\0\n"
        if _MARP.match(comment[1]):
            return comment[0]
        notes.append(source.with_numbers(comment[1].strip()))
        return ""

    text = source.with_numbers(_COMMENT.sub(replace, text)).strip("\n")
    count = max([block.steps for block in blocks], default=0) + 1
    if len(notes) != count:
        raise Problem(f"{count} slide(s) and {len(notes)} note(s):"
                      " each slide needs one")
    choose_sizes(text, blocks)
    slides = []
    for step in range(count):
        shown = re.sub("\0(\\d+)\0",
                       lambda place: blocks[int(place[1])].at(step),
                       before_answer(text, blocks) if step == 0 else text)
        slides.append(Slide(shown, notes[step]))
        minutes_of(slides[-1])
    return slides


def before_answer(text: str, blocks: list[Shown]) -> str:
    """What may be read before the question of a block is answered."""
    for number, block in enumerate(blocks):
        if block.ask:
            end = text.index(f"\0{number}\0") + len(f"\0{number}\0")
            return text[:end] + "\n"
    return text


def minutes_of(slide: Slide) -> float:
    found = _MINUTES.match(slide.note)
    if not found:
        raise Problem("a note begins with its minutes, as `2 min.`; this one"
                      f" does not: {slide.note[:40]}")
    return float(found[1])


# --- what the directives show ----------------------------------------------

@dataclass
class Line:
    mark: str                   # '+', '-', ' ' or '.' for what is left out
    text: str
    step: int = 0               # on which of the slides it appears


class Shown:
    """A block of lines, or whatever else; at(step) is its Markdown."""
    steps = 0
    ask = False

    def at(self, step: int) -> str:
        raise NotImplementedError


@dataclass
class Picture(Shown):
    markdown: str

    def at(self, step: int) -> str:
        return self.markdown


@dataclass
class Lines(Shown):
    kind: str                   # code or output
    caption: str                # HTML
    lines: list[Line]
    size: int
    steps: int = 0
    ask: bool = False

    def at(self, step: int) -> str:
        body = "\n".join(line.mark + self.state(line, step) + line.text
                         for line in self.lines)
        return (f'<div class="{self.kind} s{self.size}">\n{self.caption}\n\n'
                f"```{self.kind}\n{body}\n```\n\n</div>\n")

    def rows(self, columns: int) -> int:
        """How many it takes; the theme wraps outputs, and code must not."""
        return sum(max(1, -(-len(line.text) // columns))
                   for line in self.lines)

    def state(self, line: Line, step: int) -> str:
        """One letter for slides/marp.config.mjs: not yet, now, before."""
        if not self.steps or self.kind == "code" and line.mark == " ":
            return " "
        return "?" if line.step > step else "!" if line.step == step else " "


class Source:
    """Where the directives look things up."""

    def __init__(self, root: Path, book: Book) -> None:
        self.root = root
        self.book = book
        self.stages = find_stages(root)

    def shown(self, kind: str, text: str) -> Shown:
        try:
            words = shlex.split(text)
            return getattr(self, kind)(words)
        except (ValueError, IndexError):
            raise Problem(f"{kind}: {text}: a word is missing, a number is"
                          " not one, or a quotation mark is not"
                          " closed") from None

    def chapter(self, name: str) -> str:
        return pick_stage(self.stages, name).name

    def find_beat(self, chapter: str, text: str) -> Beat:
        """The one beat that adds the text; else the one that removes it."""
        beats = self.book.beats(self.chapter(chapter))
        for mark in "+-":
            found = [beat for beat in beats
                     if any(matches(text, line) for line in beat.texts(mark))]
            if found:
                break
        if len(found) != 1:
            numbers = ", ".join(str(beat.number) for beat in found) or "none"
            raise Problem(f"{text!r} is in {len(found)} beats of {chapter}"
                          f" ({numbers}): one is wanted")
        return found[0]

    def with_numbers(self, text: str) -> str:
        def number(place: re.Match) -> str:
            return str(self.find_beat(place[1], place[2]).number)
        return re.sub(r'\{beat (\S+) "([^"]*)"\}', number, text)

    def beat(self, words: list[str]) -> Lines:
        if len(words) < 2:
            raise Problem("beat: a chapter and a text are wanted")
        beat = self.find_beat(words[0], words[1])
        lines = [Line(mark, text) for mark, text in beat.ops]
        tags = "".join(f"<span>{tag}</span>" for tag in beat.tags)
        caption = (f'<p class="file"><b>{beat.file}</b>'
                   f"<i>beat {beat.number}</i>{tags}</p>")
        return choose_parts("code", caption, lines, words[2:])

    def code(self, words: list[str]) -> Lines:
        path = self.root / words[0]
        if not path.is_file():
            raise Problem(f"{words[0]}: no such file")
        lines = [Line(" ", text) for text in read_lines(path)]
        caption = f'<p class="file"><b>{words[0]}</b></p>'
        return choose_parts("code", caption, lines, words[1:])

    def output(self, words: list[str]) -> Lines:
        if len(words) < 2:
            raise Problem("output: a chapter and a command are wanted")
        whole = "session" in words[2:]
        lines = self.printed(self.chapter(words[0]), words[1], whole)
        rest = [word for word in words[2:] if word != "session"]
        return choose_parts("output", "", lines, rest)

    def printed(self, chapter: str, command: str, whole: bool) -> list[Line]:
        """The command and its output, as the book's console blocks have it."""
        for block in self.book.blocks:
            if block.chapter != chapter or block.kind != "console" or (
                    f"$ {command}" not in block.body):
                continue
            start = 0 if whole else block.body.index(f"$ {command}")
            end = next((number for number, line in enumerate(block.body)
                        if number > start and line.startswith("$ ")
                        and not whole), len(block.body))
            return [Line("$" if line.startswith("$ ") else " ", line)
                    for line in block.body[start:end]]
        raise Problem(f"chapter {chapter} does not run: $ {command}")

    def diagram(self, words: list[str]) -> Picture:
        path = self.root / FOLDER / "diagrams" / f"{words[0]}.svg"
        if not path.is_file():
            path = self.root / FOLDER / "figures" / f"{words[0]}.svg"
        if not path.is_file():
            raise Problem(f"no diagram {words[0]}.svg")
        data = base64.b64encode(path.read_bytes()).decode()
        alt = html.escape(" ".join(words[1:]))
        return Picture(f'<img class="diagram" alt="{alt}"'
                       f' src="data:image/svg+xml;base64,{data}">\n')


def choose_parts(kind: str, caption: str, lines: list[Line],
                 words: list[str]) -> Lines:
    """Applies from, to, skip, steps and size."""
    steps: list[str] = []
    size = 0
    ask = False
    skips = []
    start, end = 0, len(lines)
    while words:
        word, *words = words
        if word == "from":
            start = find_line(lines, words.pop(0), 0)
        elif word == "to":
            past = start if end == len(lines) else end
            end = find_line(lines, words.pop(0), past) + 1
        elif word == "skip":
            first = find_line(lines, words.pop(0), start)
            skips.append((first, find_line(lines, words.pop(0), first) + 1))
        elif word == "ask":
            ask = True
        elif word == "size":
            size = int(words.pop(0))
        elif word == "steps":
            steps, words = words, []
        else:
            raise Problem(f"unknown word {word!r} (there are: from, to, skip,"
                          " ask, size, and last steps)")
    number_steps(lines[start:end], steps)
    if ask:
        for line in lines[start + 1:]:
            line.step = 1
    chosen = cut(lines, start, end, skips)
    bare = textwrap.dedent("\n".join(line.text for line in chosen))
    for line, text in zip(chosen, bare.split("\n")):
        line.text = text
    return Lines(kind, caption, chosen, size,
                 1 if ask else len(steps), ask)


def matches(text: str, line: str) -> bool:
    """Whether the line contains the text; ^ and = say how it must."""
    return text in line or (
        text[:1] == "^" and line.startswith(text[1:])) or (
        text[:1] == "=" and line == text[1:])


def find_line(lines: list[Line], text: str, start: int) -> int:
    for number in range(start, len(lines)):
        if matches(text, lines[number].text):
            return number
    raise Problem(f"no line with {text!r}")


def number_steps(lines: list[Line], steps: list[str]) -> None:
    """Each text begins a part; parts appear one after the other."""
    place = 0
    for number, text in enumerate(steps, start=1):
        place = find_line(lines, text, place)
        for line in lines[place:]:
            line.step = number


def cut(lines: list[Line], start: int, end: int,
        skips: list[tuple[int, int]]) -> list[Line]:
    chosen = []
    number = start
    while number < end:
        stop = next((stop for first, stop in skips if first == number), None)
        if stop is None:
            chosen.append(lines[number])
            number += 1
        else:
            while chosen and not chosen[-1].text.strip():
                chosen.pop()
            if not chosen or chosen[-1].mark != ".":
                text = lines[number].text
                indent = text[:len(text) - len(text.lstrip())]
                chosen.append(Line(".", indent + "...", lines[number].step))
            number = stop
            while number < end and not lines[number].text.strip():
                number += 1
    while chosen and not chosen[-1].text.strip():
        chosen.pop()
    while chosen and not chosen[0].text.strip():
        chosen.pop(0)
    return chosen


def choose_sizes(text: str, blocks: list[Shown]) -> None:
    """The largest type in which the blocks fit a slide with this text."""
    code = [block for block in blocks if isinstance(block, Lines)]
    # The lines of a paragraph or of an item are one.
    joined = re.sub(r"(?<=[^\n\0])\n(?=[^\n\0|>*<#-])", " ", text)
    room = ROOM - sum(height_of(line) for line in joined.split("\n"))
    room -= sum(FRAME + (CAPTION if block.caption else 0) for block in code)

    def fits(block: Lines, size: int) -> bool:
        columns = int(WIDTH / (size * ADVANCE)) - 2
        rows = sum(other.rows(columns) for other in code)
        return rows * size * LEADING <= room and (
            block.rows(columns) == len(block.lines))

    for block in code:
        block.size = block.size or next(
            (size for size in SIZES if fits(block, size)), SIZES[-1])


def height_of(line: str) -> int:
    """About how many pixels a line of Markdown takes."""
    if not line.strip() or line[0] in "\0<":
        return 0
    if line.startswith("# "):
        return 53 if len(line) > 46 else 0
    return 54 if line[0] == "|" else 45 * -(-len(line) // 62) + 14


# --- writing ---------------------------------------------------------------

def expand_all(root: Path, wanted: list[str], folder: Path) -> list[Deck]:
    """Writes Marp's decks; an older one that is no longer wanted goes."""
    book = read_book(root)
    decks = [read_deck(root, book, path) for path in deck_paths(root, wanted)]
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.md"):
        if path.stem not in [deck.name for deck in decks]:
            path.unlink()
    for deck in decks:
        path = folder / f"{deck.name}.md"
        text = deck.head + "\n---\n\n".join(
            f"\n{slide.text}\n\n<!--\n{slide.note}\n-->\n"
            for slide in deck.slides)
        if not path.is_file() or read_text(path) != text:
            write_text(path, text)
    return decks


def book_files(root: Path) -> list[Path]:
    return [page.path for page in read_book(root).pages]


def watch(root: Path, wanted: list[str], folder: Path,
          process: int | None) -> int:
    """Expands again whenever a source changes."""
    known = None
    while process is None or is_alive(process):
        now = stamps([*book_files(root), *(root / FOLDER).rglob("*")])
        if now != known:
            known = now
            try:
                expand_all(root, wanted, folder)
            except Problem as problem:
                print(f"slides: {problem}", file=sys.stderr, flush=True)
        time.sleep(0.5)
    return 0


def is_alive(process: int) -> bool:
    return subprocess.run(["kill", "-0", str(process)],
                          stderr=subprocess.DEVNULL).returncode == 0


def print_minutes(root: Path, wanted: list[str]) -> int:
    book = read_book(root)
    for path in deck_paths(root, wanted):
        deck = read_deck(root, book, path)
        print(f"{deck.name:18} {len(deck.slides):3} slides"
              f" {deck.minutes:5g} minutes")
    return 0


if __name__ == "__main__":
    sys.argv[0] = "slides"      # which is what the user has called
    run(main)
