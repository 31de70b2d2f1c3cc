"""The book as one page: `walkthrough html`.

pandoc reads the Markdown and writes the HTML. In between, on the document as
pandoc has it (its JSON), beats become figures with a switch, excerpts and
pictures too. The page holds each line of code once: a beat's Source is put
together, when the reader asks for it, from the beats that the lines are in.
"""
from __future__ import annotations

import base64
import html
import json
import mimetypes
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .book import BOOK, Beat, Block, Book, apply_beat, read_book
from .terminal import ROOT, Problem, plural

PARTS = Path(__file__).with_name("assets")
Node = dict                     # {"t": its kind, "c": what is in it}


def make_page(root: Path, target: Path) -> str:
    """The page, for that place: links to files are relative to it."""
    book = read_book(root)
    document = json.loads(pandoc(
        ["-f", "gfm+smart", "-t", "json"], "\n".join(book.lines) + "\n"))
    rewritten = Rewriter(book, root, target.parent)
    document["blocks"] = rewritten.blocks(document["blocks"])
    page = pandoc([
        "-f", "json", "-t", "html5", "--section-divs", "--wrap=preserve",
        "--toc", "--toc-depth=3", f"--template={PARTS / 'template.html'}",
        *variable("pagetitle", rewritten.title),
        *variable("first", rewritten.first),
        *variable("style", (PARTS / "page.css").read_text(encoding="utf-8")),
        *variable("script", (PARTS / "page.js").read_text(encoding="utf-8")),
    ], json.dumps(document))
    return mark_lines(page, rewritten.kinds)


def variable(name: str, value: str) -> list[str]:
    return ["-V", f"{name}={value}"]


# --- pandoc ----------------------------------------------------------------

def need_pandoc(yes: bool) -> None:
    """Has it installed, after asking, where it is missing."""
    if shutil.which("pandoc"):
        return
    done = subprocess.run(
        ["sh", "-c", '. "$root/scripts/lib/setup.sh"; install_parts pandoc',
         "walkthrough"],
        env={**os.environ, "root": str(ROOT),
             "yes": "yes" if yes else ""})
    if done.returncode != 0 or not shutil.which("pandoc"):
        raise Problem("the page is made by pandoc, which is not installed")


def pandoc(arguments: list[str], text: str) -> str:
    try:
        done = subprocess.run(["pandoc", *arguments], input=text,
                              capture_output=True, encoding="utf-8")
    except OSError as error:
        raise Problem(f"cannot run pandoc: {error}") from error
    if done.returncode != 0:
        raise Problem(f"pandoc: {done.stderr.strip()}")
    return done.stdout


def element(kind: str, *content) -> Node:
    if len(content) == 1:
        return {"t": kind, "c": content[0]}
    return {"t": kind, "c": list(content)}


def raw(text: str) -> Node:
    return element("RawBlock", "html", text)


def words(inlines: list[Node]) -> str:
    """Their text."""
    def text(node: Node) -> str:
        if node["t"] in ("Space", "SoftBreak", "LineBreak"):
            return " "
        content = node.get("c", "")
        if isinstance(content, list):
            last = content[-1]
            return words(last) if isinstance(last, list) else last
        return content
    return "".join(text(node) for node in inlines)


# --- the document ----------------------------------------------------------

class Line(str):
    """A line of code that knows where it is on the page."""
    block: str
    number: int


@dataclass
class Lines:
    """A run of neighbouring lines of one block."""
    block: str
    first: int
    last: int


class Rewriter:
    """Makes of pandoc's blocks those of the page."""

    def __init__(self, book: Book, root: Path, place: Path) -> None:
        self.fenced = iter(book.blocks)
        self.beats = {beat.block.line: beat for chapter in book.chapters
                      for beat in book.beats(chapter)}
        self.chapters = list(book.chapters)
        self.root = root
        self.place = place
        self.title = BOOK
        self.first = ""
        self.files: dict[str, list[str]] = {}
        # What each line of a beat is, by the beat's id.
        self.kinds: dict[str, list[str]] = {}
        # The beat just made if it is a closing one, and those before it.
        self.closing: Beat | None = None
        self.folded: list[tuple[Beat, list[Node]]] = []

    def blocks(self, blocks: list[Node]) -> list[Node]:
        result: list[Node] = []
        for block, following in zip(blocks, [*blocks[1:], None]):
            if is_label(block, following):
                continue
            made = self.block(block)
            if self.closing:
                self.folded.append((self.closing, made))
                self.closing = None
            else:
                result += self.fold() + made
        result += self.fold()
        left = next(self.fenced, None)
        if left:
            raise Problem(f"{BOOK}:{left.line}: pandoc does not see this block"
                          " as one")
        return result

    def block(self, block: Node) -> list[Node]:
        if block["t"] == "CodeBlock":
            return self.code(block)
        if block["t"] == "Header":
            return [self.heading(block)]
        self.visit(block)
        if block["t"] == "Para" and [one["t"] for one in block["c"]] == [
                "Image"]:
            return [raw('<figure class="picture">'),
                    element("Plain", block["c"]), raw("</figure>")]
        if block["t"] == "Table":
            return [raw('<div class="table">'), block, raw("</div>")]
        return [block]

    def heading(self, block: Node) -> Node:
        level, (name, _, _), inlines = block["c"]
        if level == 1 and not self.first:
            self.first, self.title = name, words(inlines)
        first = inlines[0].get("c") if inlines else None
        chapter = str(first).rstrip(":")
        if level == 2 and chapter in self.chapters:
            mark = [element("Str", chapter.replace("_", " "))]
            inlines[0] = element("Span", ["", ["chapter"], []], mark)
        return block

    def visit(self, node) -> None:
        """Takes pictures into the page, and links from it to the files."""
        if isinstance(node, list):
            for one in node:
                self.visit(one)
        elif isinstance(node, dict):
            self.visit(node.get("c"))
            if node["t"] == "Image":
                node["c"][2][0] = self.picture(node["c"][2][0])
            elif node["t"] == "Link":
                node["c"][2][0] = self.link(node["c"][2][0])

    def picture(self, address: str) -> str:
        path = self.root / address
        if not path.is_file():
            raise Problem(f"{BOOK}: no picture {address}")
        data = base64.b64encode(path.read_bytes()).decode()
        return f"data:{mimetypes.guess_type(path.name)[0]};base64,{data}"

    def link(self, address: str) -> str:
        if re.match(r"#|\w+:", address):
            return address
        return Path(os.path.relpath(self.root / address, self.place)).as_posix()

    def code(self, block: Node) -> list[Node]:
        (_, classes, _), text = block["c"]
        fenced = next(self.fenced, None)
        if (fenced is None or classes[:1] != fenced.info[:1]
                or text != "\n".join(fenced.body)):
            where = f":{fenced.line}" if fenced else ""
            raise Problem(f"{BOOK}{where}: pandoc sees another block here:"
                          f" {text[:60]!r}")
        if fenced.line in self.beats:
            return self.beat(self.beats[fenced.line])
        if fenced.kind == "console":
            return [raw(console(fenced))]
        name = fenced.info[1] if len(fenced.info) > 1 else ""
        return [raw('<figure class="excerpt">'),
                *([raw(caption(name))] if name else []),
                block, raw("</figure>")]

    def beat(self, beat: Beat) -> list[Node]:
        number = f"{beat.block.chapter[:2]}-{beat.number}"
        name = f"b{number}"
        self.kinds[name] = [KINDS[kind] for kind, _ in beat.ops]
        source = self.apply(beat, name)
        self.closing = beat if is_closing(beat) else None
        return [
            raw(f'<figure class="beat" id="beat-{number}" data-view="diff"'
                f' data-file="{html.escape(beat.file)}"'
                f' data-source="{source}">'
                + caption(beat.file, beat.tags, f"beat-{number}")),
            # pandoc leaves out what follows the last newline if that is empty.
            element("CodeBlock", [name, ["cpp"], []],
                    "".join(text + "\n" for _, text in beat.ops)),
            raw("</figure>"),
        ]

    def fold(self) -> list[Node]:
        """The closing beats that have come one after the other."""
        if not self.folded:
            return []
        beats = [beat for beat, _ in self.folded]
        figures = [node for _, made in self.folded for node in made]
        self.folded = []
        return [raw(f"<details><summary>{summary(beats)}</summary>"),
                *figures, raw("</details>")]

    def apply(self, beat: Beat, name: str) -> str:
        """Applies it; returns of which lines the file then consists."""
        for number, (kind, text) in enumerate(beat.ops, start=1):
            line = Line(text)
            line.block, line.number = name, number
            beat.ops[number - 1] = kind, line
        lines = apply_beat(self.files.get(beat.file), beat)
        self.files[beat.file] = lines
        runs: list[Lines] = []
        for line in lines:
            last = runs[-1] if runs else None
            if last and (last.block, last.last + 1) == (line.block, line.number):
                last.last += 1
            else:
                runs.append(Lines(line.block, line.number, line.number))
        return " ".join(f"{run.block}.{run.first}.{run.last}" for run in runs)


KINDS = {" ": "old", "-": "del", "+": "add"}
TAGS = {
    "compiles": "the code compiles after this beat",
    "shows": "running it shows something new",
}


def is_label(block: Node, following: Node | None) -> bool:
    """Whether it only names the file of the code that follows."""
    if not following or following["t"] != "CodeBlock" or block["t"] != "Para":
        return False
    inlines = block["c"]
    return len(inlines) == 1 and inlines[0]["t"] == "Strong" and (
        [one["t"] for one in inlines[0]["c"]] == ["Code"])


def summary(beats: list[Beat]) -> str:
    """What a reader may skip."""
    files = dict.fromkeys(beat.file for beat in beats)
    added = [text.strip() for beat in beats for text in beat.texts("+")]
    comments = sum(text.startswith("//") for text in added)
    rest = sum(bool(text) for text in added) - comments
    kinds = [f"{plural(comments, 'line')} of comments"] if comments else []
    kinds += [f"{plural(rest, 'line')} for the trace"] if rest else []
    names = ", ".join(f"<code>{html.escape(file)}</code>" for file in files)
    return f"{plural(len(beats), 'beat')}: {' and '.join(kinds)} in {names}"


def caption(file: str, tags: list[str] | None = None, name: str = "") -> str:
    parts = [f'<span class="file">{html.escape(file)}</span>']
    parts += [f'<span class="tag {tag}" title="{TAGS[tag]}">{tag}</span>'
              for tag in tags or []]
    if name:
        number = name.replace("beat-", "").replace("-", ".")
        parts += [
            f'<a class="number" href="#{name}">{number}</a>',
            '<span class="switch" role="group" aria-label="View">'
            '<button value="diff" aria-pressed="true">Diff</button>'
            '<button value="source" aria-pressed="false">Source</button>'
            "</span>"]
    return f"<figcaption>{''.join(parts)}</figcaption>"


def console(block: Block) -> str:
    """Commands are marked; what they print is not."""
    lines = []
    command = False
    for line in block.body:
        command = line.startswith("$ ") or command and (
            lines[-1].endswith("\\</b>"))
        text = html.escape(line)
        lines.append(f"<b>{text}</b>" if command else text)
    return f'<pre class="console"><code>{chr(10).join(lines)}</code></pre>'


# --- the page --------------------------------------------------------------

_LINE = re.compile(r'<span id="([\w-]+)-(\d+)"><a href="#[^"]*"[^>]*></a>')


def mark_lines(page: str, kinds: dict[str, list[str]]) -> str:
    """pandoc's lines of code; those of beats with what they are."""
    def mark(line: re.Match) -> str:
        if line[1] not in kinds:
            return "<span>"
        kind = kinds[line[1]][int(line[2]) - 1]
        return f'<span id="{line[1]}-{line[2]}" class="{kind}">'
    return _LINE.sub(mark, page)
