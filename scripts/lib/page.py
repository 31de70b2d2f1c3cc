"""The book as one page: `walkthrough html`.

pandoc reads the Markdown of each file and writes the HTML of all. In between,
on the documents as pandoc has them (its JSON), beats become figures with a
switch, excerpts and pictures too, and links to the book's files lead to places
on the page. It holds each line of code once: a beat's Source is put together,
when the reader asks for it, from the beats that the lines are in.
"""
from __future__ import annotations

import base64
import html
import itertools
import json
import mimetypes
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from .book import BOOK, Beat, Block, Book, Page, apply_beat, read_book
from .terminal import ROOT, Problem

PARTS = Path(__file__).with_name("assets")
LEAST_TEXT = 10                 # pixels
Node = dict                     # {"t": its kind, "c": what is in it}


def make_page(root: Path, target: Path) -> str:
    """The page, for that place: links to files are relative to it."""
    book = read_book(root)
    documents = {page.name: json.loads(pandoc(
        ["-f", "gfm+smart", "-t", "json"], "\n".join(page.lines) + "\n"))
        for page in book.pages}
    document = documents[BOOK]
    rewriter = Rewriter(book, root, target.parent)
    for page in book.pages:
        rewriter.number(page, documents[page.name]["blocks"])
    made = {page.name: rewriter.page(page, documents[page.name]["blocks"])
            for page in book.pages}
    front, rest = split(made.pop(BOOK))
    document["blocks"] = [*front, *itertools.chain(*made.values()), *rest]
    first = next((block for block in front if block["t"] == "Header"), None)
    text = pandoc([
        "-f", "json", "-t", "html5", "--section-divs", "--wrap=preserve",
        "--toc", "--toc-depth=3", f"--template={PARTS / 'template.html'}",
        *variable("pagetitle", book.page(BOOK).title),
        *variable("first", first["c"][1][0] if first else ""),
        *variable("style", (PARTS / "page.css").read_text(encoding="utf-8")),
        *variable("script", (PARTS / "page.js").read_text(encoding="utf-8")),
    ], json.dumps(document))
    return mark_lines(text, rewriter.kinds)


def inlined(picture: Path) -> str:
    data = base64.b64encode(picture.read_bytes()).decode()
    return f"data:{mimetypes.guess_type(picture.name)[0]};base64,{data}"


def least_width(picture: Path) -> list[list[str]]:
    """The attribute that keeps its smallest text readable on a phone, where
    the page would shrink it; what is too wide then scrolls."""
    text = picture.read_bytes().decode("utf-8", "replace")
    box = re.search(r'<svg[^>]* viewBox="\S+ \S+ ([\d.]+) ', text)
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)', text)]
    if not box or not sizes:
        return []
    width = LEAST_TEXT * float(box[1]) / min(sizes)
    return [["style", f"min-width: {width:.0f}px"]]


def split(blocks: list[Node]) -> tuple[list[Node], list[Node]]:
    """What stands before the chapters, the contents last, and what after."""
    tops = [number for number, block in enumerate(blocks)
            if block["t"] == "Header" and block["c"][0] <= 2]
    after = next((end for start, end in zip(tops, tops[1:])
                  if blocks[start]["c"][1][0] == "contents"), len(blocks))
    return blocks[:after], blocks[after:]


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
        self.book = book
        self.root = root
        self.place = place
        self.beats = {beat.block.where: beat for chapter in book.chapters
                      for beat in book.beats(chapter)}
        # The ids of the headings, by file and by what they are called there;
        # by file and "" where it begins.
        self.anchors: dict[tuple[str, str], str] = {}
        self.files: dict[str, list[str]] = {}
        # What each line of a beat is, by the beat's id.
        self.kinds: dict[str, list[str]] = {}

    def number(self, page: Page, blocks: list[Node]) -> None:
        """Makes the headings' ids and levels those of the page."""
        for block in blocks:
            if block["t"] != "Header":
                continue
            level, (name, _, _), _ = block["c"]
            place = name
            if page.chapter:
                block["c"][0] = level + 1
                number = page.chapter[:2]
                place = (f"chapter-{number}" if level == 1
                         else f"{number}-{name}")
            block["c"][1][0] = place
            self.anchors[page.name, name] = place
            self.anchors.setdefault((page.name, ""), place)

    def page(self, page: Page, blocks: list[Node]) -> list[Node]:
        self.here = page
        self.fenced = iter(page.blocks)
        result: list[Node] = []
        for number, block in enumerate(blocks):
            following = next(iter(blocks[number + 1:]), None)
            if page.chapter and not following and is_navigation(block):
                self.visit(block)
                result += [raw('<nav class="ways" aria-label="Chapters">'),
                           element("Plain", block["c"]), raw("</nav>")]
            elif not (is_label(block, following)
                      or page.chapter and not number and is_navigation(block)):
                result += self.block(block)
        left = next(self.fenced, None)
        if left:
            raise Problem(
                f"{left.where}: pandoc does not see this block as one")
        return result

    def block(self, block: Node) -> list[Node]:
        if block["t"] == "CodeBlock":
            return self.code(block)
        self.visit(block)
        if block["t"] == "Header":
            return [self.heading(block)]
        if block["t"] == "Para" and [one["t"] for one in block["c"]] == [
                "Image"]:
            return [raw('<figure class="picture">'),
                    element("Plain", block["c"]), raw("</figure>")]
        if block["t"] == "Table":
            return [raw('<div class="table">'), block, raw("</div>")]
        return [block]

    def heading(self, block: Node) -> Node:
        """Chapter 04: A heap of deadlines, in two lines."""
        level, _, inlines = block["c"]
        colon = next((number for number, one in enumerate(inlines)
                      if str(one.get("c")).endswith(":")), None)
        if self.here.chapter and level == 2 and colon is not None:
            inlines[colon]["c"] = inlines[colon]["c"][:-1]
            inlines[:colon + 1] = [element(
                "Span", ["", ["chapter"], []], inlines[:colon + 1])]
        return block

    def visit(self, node) -> None:
        """Takes pictures into the page, and links from it to the files."""
        if isinstance(node, list):
            for one in node:
                self.visit(one)
        elif isinstance(node, dict):
            self.visit(node.get("c"))
            if node["t"] == "Image":
                path = self.picture(node["c"][2][0])
                node["c"][0][2] += least_width(path)
                node["c"][2][0] = inlined(path)
            elif node["t"] == "Link":
                node["c"][2][0] = self.link(node["c"][2][0])

    def picture(self, address: str) -> Path:
        path = self.root / self.path_of(address)
        if not path.is_file():
            raise Problem(f"{self.here.name}: no picture {address}")
        return path

    def link(self, address: str) -> str:
        if re.match(r"\w+:", address):
            return address
        path, _, anchor = address.partition("#")
        name = self.path_of(path) if path else self.here.name
        if not any(page.name == name for page in self.book.pages):
            return Path(os.path.relpath(
                self.root / self.path_of(address), self.place)).as_posix()
        if (name, unquote(anchor)) not in self.anchors:
            raise Problem(f"{self.here.name}: {address}: no such heading")
        return "#" + self.anchors[name, unquote(anchor)]

    def path_of(self, address: str) -> str:
        """Of what the current file calls so, the path from the root."""
        folder = os.path.dirname(self.here.name)
        return Path(os.path.normpath(os.path.join(folder, address))).as_posix()

    def code(self, block: Node) -> list[Node]:
        (_, classes, _), text = block["c"]
        fenced = next(self.fenced, None)
        if (fenced is None or classes[:1] != fenced.info[:1]
                or text != "\n".join(fenced.body)):
            where = fenced.where if fenced else self.here.name
            raise Problem(f"{where}: pandoc sees another block here:"
                          f" {text[:60]!r}")
        if fenced.where in self.beats:
            return self.beat(self.beats[fenced.where])
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
            here = line.block, line.number
            if last and (last.block, last.last + 1) == here:
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


def is_navigation(block: Node) -> bool:
    """Whether it is a chapter's line of links to the chapters beside it."""
    return block["t"] == "Para" and (
        any(one["t"] == "Link" for one in block["c"])
        and all(one["t"] in ("Link", "Space", "SoftBreak")
                or one == element("Str", "·") for one in block["c"]))


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
