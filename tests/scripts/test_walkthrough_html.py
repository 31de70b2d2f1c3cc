# ctest: timeout=600
"""scripts/maintain/walkthrough html: the book as one page."""
from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch
from urllib.parse import unquote
from xml.etree import ElementTree

from fixture import SCRIPTS, ProjectTest
from lib.bare import bare_lesson
from lib.book import BOOK, apply_beat, read_book
from lib.markdown import in_blocks
from lib.stages import find_stages, stage_before

ROOT = SCRIPTS.parent
XHTML = "{http://www.w3.org/1999/xhtml}"
BROWSER = next(filter(shutil.which, ("chromium", "chromium-browser",
                                     "google-chrome")), None)
needs_browser = unittest.skipUnless(BROWSER, "no chromium here")
needs_pandoc = unittest.skipUnless(
    shutil.which("pandoc") or os.environ.get("CI") == "true",
    "pandoc is not installed")


def make(root: Path, target: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [SCRIPTS / "maintain" / "walkthrough", "html", "--root", root, target],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)


def classes(node: ElementTree.Element) -> list[str]:
    return node.get("class", "").split()


def text_of(node: ElementTree.Element) -> str:
    return "".join(node.itertext())


def headings(page: ElementTree.Element) -> list[tuple[int, str]]:
    """Of what is in <main>: their levels and their sections' ids."""
    main = page.find(f".//{XHTML}main")
    return [(int(child.tag[-1]), section.get("id"))
            for section in main.iter(f"{XHTML}section")
            for child in section if re.fullmatch(rf"{XHTML}h\d", child.tag)]


def dumped(page: Path, address: str = "") -> str:
    """The page as the browser has it after a while."""
    profile = tempfile.mkdtemp()
    try:
        done = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
             "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync",
             f"--user-data-dir={profile}", "--virtual-time-budget=5000",
             "--dump-dom", page.as_uri() + address],
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8")
        return done.stdout
    finally:
        shutil.rmtree(profile, True)


# What the tests that press keys begin with.
PRESS = """
const told = {};
const field = document.querySelector("[type=search]");
const hits = document.getElementById("hits");
const links = () => [...hits.querySelectorAll("a")];
const where = () => location.hash;
const rest = () => new Promise((done) => setTimeout(done, 50));
async function press(key, more = {}) {
  const event = new KeyboardEvent("keydown", {
    key, bubbles: true, cancelable: true, ...more });
  document.activeElement.dispatchEvent(event);
  if (key === "Enter" && field === document.activeElement) {
    field.form.requestSubmit();
  }
  await rest();
}
async function type(text) {
  field.value = text;
  field.dispatchEvent(new Event("input"));
  await rest();
}
"""


def files_after_beats() -> dict[str, list[str]]:
    """By a beat's id: its file as it stands after it, for all of the book."""
    book, stages = read_book(ROOT), find_stages(ROOT)
    result = {}
    for stage in stages:
        files = bare_lesson(stage_before(stages, stage))
        for beat in book.beats(stage.name):
            files[beat.file] = apply_beat(files.get(beat.file), beat)
            result[f"beat-{stage.number}-{beat.number}"] = files[beat.file]
    return result


def all_beats() -> dict:
    book = read_book(ROOT)
    return {f"beat-{chapter[:2]}-{beat.number}": beat
            for chapter in book.chapters for beat in book.beats(chapter)}


@needs_pandoc
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.path = cls.folder / "book.html"
        done = make(ROOT, cls.path)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        # Well-formed: a parser for XML reads it.
        cls.page = ElementTree.parse(cls.path).getroot()
        cls.by_id = {node.get("id"): node for node in cls.page.iter()
                     if node.get("id")}
        cls.figures = {node.get("id"): node
                       for node in cls.page.iter(f"{XHTML}figure")
                       if "beat" in classes(node)}

    def source(self, figure: ElementTree.Element) -> list[ElementTree.Element]:
        """The lines that the switch shows as the beat's Source."""
        lines = []
        for run in figure.get("data-source").split():
            block, first, last = run.split(".")
            lines += [self.by_id[f"{block}-{number}"]
                      for number in range(int(first), int(last) + 1)]
        return lines

    def test_ids_are_unique(self):
        ids = re.findall(r'\bid="([^"]*)"', self.path.read_text("utf-8"))
        self.assertEqual(len(ids), len(set(ids)))

    def test_every_beat_is_there_as_it_is_in_the_book(self):
        beats = all_beats()
        self.assertEqual(list(self.figures), list(beats))
        for name, beat in beats.items():
            figure = self.figures[name]
            shown = [(*classes(line), text_of(line))
                     for line in figure.iter(f"{XHTML}span")
                     if re.fullmatch(r"b\d\d-\d+-\d+", line.get("id", ""))]
            kinds = {" ": "old", "-": "del", "+": "add"}
            self.assertEqual(
                shown, [(kinds[kind], text) for kind, text in beat.ops], name)

    def test_every_beat_says_its_file_and_its_tags(self):
        for name, beat in all_beats().items():
            caption = self.figures[name].find(f"{XHTML}figcaption")
            told = {kind: [text_of(part) for part in caption
                           if kind in classes(part)]
                    for kind in ("file", "tag")}
            self.assertEqual(told, {"file": [beat.file], "tag": beat.tags}, name)

    def test_source_is_the_file_after_the_beat(self):
        for name, lines in files_after_beats().items():
            shown = [text_of(line) for line in self.source(self.figures[name])]
            self.assertEqual(shown, lines, name)

    def test_source_has_the_beats_own_lines_for_marking(self):
        for name, beat in all_beats().items():
            own = name.replace("beat-", "b")
            new = [text_of(line) for line in self.source(self.figures[name])
                   if line.get("id").rpartition("-")[0] == own
                   and "add" in classes(line)]
            self.assertEqual(new, beat.texts("+"), name)

    def test_code_is_highlighted(self):
        colours = {name for node in self.page.iter(f"{XHTML}span")
                   for name in classes(node)}
        self.assertLessEqual({"kw", "dt", "st", "co", "pp"}, colours)

    def test_comments_are_in_no_source(self):
        for figure in self.figures.values():
            for line in self.source(figure):
                self.assertFalse(text_of(line).lstrip().startswith("//"))

    def test_the_chapters_stand_between_contents_and_appendix(self):
        top = [name for level, name in headings(self.page) if level == 2]
        chapters = [f"chapter-{stage.number}" for stage in find_stages(ROOT)]
        start = top.index("contents") + 1
        self.assertEqual(top[start:start + len(chapters)], chapters)
        own = [name for name in top if name not in chapters]
        self.assertEqual(own[0], "who-it-is-for")
        self.assertGreater(len(own), start)

    def test_every_heading_has_its_level_and_its_chapters_number(self):
        shown = headings(self.page)
        wanted = {None: []}
        for page in read_book(ROOT).pages:
            levels = [len(line) - len(line.lstrip("#"))
                      for line, fenced in zip(page.lines, in_blocks(page.lines))
                      if not fenced and re.match("#+ ", line)]
            wanted[page.chapter] = [
                level + bool(page.chapter) for level in levels]
        for chapter, levels in wanted.items():
            number = chapter[:2] if chapter else r"(?!\d\d-|chapter-)"
            pattern = rf"chapter-{number}|{number}-.*" if chapter else number
            self.assertEqual([level for level, name in shown
                              if re.match(pattern, name)], levels, chapter)
        self.assertEqual([level for level, _ in shown if level == 1], [1])

    def test_a_chapter_begins_with_its_text_and_ends_with_ways_out(self):
        ways = [node for node in self.page.iter(f"{XHTML}nav")
                if "ways" in classes(node)]
        numbers = [stage.number for stage in find_stages(ROOT)]
        self.assertEqual(len(ways), len(numbers))
        for number, nav, before, after in zip(
                numbers, ways, [None, *numbers], [*numbers[1:], None]):
            wanted = [f"#chapter-{before}"] if before else []
            wanted += ["#contents"]
            wanted += [f"#chapter-{after}"] if after else []
            self.assertEqual([link.get("href") for link
                              in nav.iter(f"{XHTML}a")], wanted)
            section = self.by_id[f"chapter-{number}"]
            self.assertEqual(list(section.iter(f"{XHTML}nav")), [nav])
            self.assertIs(section[-1][-1], nav)

    def test_no_link_leads_to_a_file_of_the_book(self):
        for node in self.page.iter(f"{XHTML}a"):
            self.assertNotRegex(node.get("href"),
                                r"CHAPTER\.md|WALKTHROUGH\.md")

    def test_what_can_be_used_has_a_name(self):
        for kind in ("button", "input", "nav"):
            for node in self.page.iter(f"{XHTML}{kind}"):
                self.assertTrue(node.get("aria-label") or text_of(node).strip(),
                                node.attrib)

    def test_it_needs_nothing_but_itself(self):
        for node in self.page.iter():
            self.assertFalse(node.tag == f"{XHTML}link", node.attrib)
            for name in ("src", "srcset", "data", "poster"):
                if name in node.attrib:
                    self.assertRegex(node.get(name), r"^data:")
            if node.tag == f"{XHTML}style":
                self.assertNotRegex(node.text, r"url\(|@import")
            if node.tag == f"{XHTML}script":
                self.assertNotRegex(node.text, r"fetch\(|import\b|https?:")
        pictures = [node for node in self.page.iter(f"{XHTML}img")]
        self.assertGreaterEqual(len(pictures), len(find_stages(ROOT)))
        self.assertTrue(all(node.get("alt") for node in pictures))

    def test_every_link_within_leads_somewhere(self):
        for node in self.page.iter(f"{XHTML}a"):
            address = node.get("href")
            if address.startswith("#"):
                self.assertIn(unquote(address[1:]), self.by_id)
            elif not re.match(r"\w+:", address):
                self.assertTrue((self.folder / unquote(address)).exists(), address)

    def test_contents_have_every_chapter_and_section(self):
        contents = self.by_id["outline"]
        listed = [node.get("href")[1:] for node in contents.iter(f"{XHTML}a")]
        sections = [node.get("id") for node in self.page.iter(f"{XHTML}section")
                    if {"level1", "level2", "level3"} & set(classes(node))]
        self.assertEqual(listed, sections)
        self.assertLessEqual(
            {f"Chapter {stage.number}" for stage in find_stages(ROOT)},
            {text_of(node) for node in contents.iter(f"{XHTML}span")})

    @needs_browser
    def test_the_switch_shows_the_source(self):
        files = files_after_beats()
        name = list(files)[len(files) // 2]
        page = dumped(self.path, f"#{name}-source")
        view = re.search(
            r'<div class="sourceCode source">.*?<code[^>]*>(.*?)</code>',
            page, re.DOTALL)
        self.assertTrue(view, f"no source of {name}")
        shown = ElementTree.fromstring(f"<code>{view[1]}</code>")
        self.assertEqual(text_of(shown).split("\n")[:-1], files[name])
        self.assertEqual([text_of(line) for line in shown
                          if "new" in classes(line)],
                         all_beats()[name].texts("+"))

    def told(self, script: str) -> dict:
        """What such a script, run in the page, puts into `told`."""
        path = self.folder / "told.html"
        run = (f"<script>\n//<![CDATA[\naddEventListener('load', async () => {{"
               f"{PRESS}{script}\n"
               "document.body.append(Object.assign("
               "document.createElement('output'), "
               "{id: 'told', textContent: JSON.stringify(told)}));"
               "});\n//]]>\n</script>\n</body>")
        path.write_text(self.path.read_text("utf-8").replace("</body>", run),
                        "utf-8")
        told = re.search(r'<output id="told">(.*?)</output>', dumped(path))
        self.assertTrue(told, "the script has not come to its end")
        return json.loads(html.unescape(told[1]))

    @needs_browser
    def test_keys_lead_from_chapter_to_chapter(self):
        told = self.told("""
            await press("p"); told.at_the_start = where();
            await press("n"); told.next = where();
            await press("n"); await press("n"); told.third = where();
            document.querySelector("#chapter-03 .ways")
              .scrollIntoView({ block: "center" });
            await press("p"); told.before = where();
            for (let i = 0; i < 20; i++) await press("n");
            told.last = where();
            scrollTo(0, document.body.scrollHeight); await rest();
            await press("p"); told.from_the_end = where();
            await press("p", { ctrlKey: true }); told.with_ctrl = where();
            field.focus();
            await press("p"); told.in_a_field = where();
        """)
        last = f"#chapter-{find_stages(ROOT)[-1].number}"
        self.assertEqual(told, {
            "at_the_start": "", "next": "#chapter-01", "third": "#chapter-03",
            "before": "#chapter-02", "last": last, "from_the_end": last,
            "with_ctrl": last, "in_a_field": last})

    @needs_browser
    def test_search_finds_headings_and_text(self):
        told = self.told("""
            told.before = [hits.hidden, document.activeElement === field];
            await press("/");
            told.slash = document.activeElement === field;
            await type("e"); told.one_letter = hits.hidden;
            await type("WHAT cpython"); told.shown = !hits.hidden;
            told.status = hits.querySelector("[role=status]").textContent;
            told.found = links().map((link) => link.getAttribute("href"));
            told.first = links()[0].textContent;
            await type("no such (words"); told.none = links().length;
            told.said = hits.querySelector("[role=status]").textContent;
            await type("queue_due_timers()");
            told.code = links()[0].textContent;
            told.mark = hits.querySelector("mark").textContent;
            await press("Escape");
            told.left = [hits.hidden, document.activeElement === field,
                         field.value];
        """)
        found = told.pop("found")
        chapters = [f"#{stage.number}-what-cpython-does"
                    for stage in find_stages(ROOT)]
        self.assertEqual(found[:len(chapters)], chapters)
        self.assertEqual(told.pop("status"), f"{len(found)} sections")
        self.assertRegex(told.pop("first"), "^Chapter 01 .*What CPython does$")
        self.assertRegex(told.pop("code"), "^Chapter 04 .*queue_due_timers")
        self.assertEqual(told, {
            "before": [True, False], "slash": True, "one_letter": True,
            "shown": True, "none": 0, "said": "No sections",
            "mark": "queue_due_timers()", "left": [True, False, ""]})

    @needs_browser
    def test_enter_goes_to_the_first_hit(self):
        told = self.told("""
            await press("/");
            await type("what select() reports");
            await press("Enter"); await rest();
            told.heading = [where(), hits.hidden,
                            document.activeElement === field];
        """)
        self.assertEqual(told, {
            "heading": ["#02-what-select-reports", True, False]})

    @needs_browser
    def test_a_hit_in_a_closed_question_opens_it(self):
        told = self.told("""
            document.querySelector("#chapter-03 p").outerHTML =
              "<details><summary>Why?</summary><p>A quokka</p></details>";
            await press("/");
            await type("quokka");
            await press("Enter"); await rest();
            told.where = where();
            told.open = document.querySelector("#chapter-03 details").open;
            told.found = document.querySelector(".found").textContent;
        """)
        self.assertEqual(told, {"where": "#chapter-03", "open": True,
                                "found": "A quokka"})

    @needs_browser
    def test_a_hit_in_code_is_marked_and_stays_the_beats_own(self):
        told = self.told("""
            await press("/");
            await type("void queue_due_timers() {");
            await press("Enter"); await rest();
            const line = document.querySelector(".found");
            told.line = line.textContent.trim();
            const { top, bottom } = line.getBoundingClientRect();
            told.seen = top > 0 && bottom < innerHeight;
            const beat = line.closest(".beat");
            beat.querySelector("button[value=source]").click();
            told.added = beat.querySelectorAll(".add").length;
            told.marked = beat.querySelectorAll(".source .new").length;
        """)
        self.assertEqual(told.pop("added"), told.pop("marked"))
        self.assertEqual(told, {"line": "void queue_due_timers() {",
                                "seen": True})


@needs_pandoc
class Layout(ProjectTest):
    """What the book may have, and may not have everywhere."""

    def setUp(self):
        super().setUp()
        self.write("README.md", "# Read me\n")
        self.write("pictures/one.svg", "<svg/>")
        self.write(BOOK, """# A book

Before. [The second](stages/02_two/CHAPTER.md#why-me).

## Contents

The list.

## Notes

After. [Up](#contents), [here](WALKTHROUGH.md#notes), [top](WALKTHROUGH.md).
""")
        self.write("stages/01_one/CHAPTER.md", """# Chapter 01: One

Text.
""")
        self.write("stages/02_two/CHAPTER.md", """# Chapter 02: Two: twice

![A picture](../../pictures/one.svg)

## Why `me`?

[One](../01_one/CHAPTER.md), [notes](../../WALKTHROUGH.md#notes),
[own](#why-me), [own again](CHAPTER.md#deep), [read](../../README.md#read-me),
[far](https://example.org/a#b).

<details>
<summary>What does it print?</summary>

Some *text*, and a [link](../01_one/CHAPTER.md).

```console
$ true
```

</details>

### Deep
""")

    def page(self) -> ElementTree.Element:
        target = self.root / "page.html"
        done = make(self.root, target)
        self.assertEqual(done.returncode, 0, done.stderr)
        return ElementTree.parse(target).getroot()

    def test_the_outline(self):
        self.assertEqual(headings(self.page()), [
            (1, "a-book"), (2, "contents"), (2, "chapter-01"),
            (2, "chapter-02"), (3, "02-why-me"), (4, "02-deep"), (2, "notes")])

    def test_links_from_file_to_file(self):
        found = {text_of(node): node.get("href")
                 for node in self.page().iter(f"{XHTML}a")}
        self.assertLessEqual({
            "The second": "#02-why-me", "Up": "#contents", "here": "#notes",
            "top": "#a-book", "One": "#chapter-01", "notes": "#notes",
            "own": "#02-why-me", "own again": "#02-deep",
            "read": "README.md#read-me", "far": "https://example.org/a#b",
            "link": "#chapter-01"}.items(), found.items())

    def test_a_question_folds(self):
        [details] = self.page().iter(f"{XHTML}details")
        self.assertEqual([node.tag.removeprefix(XHTML) for node in details],
                         ["summary", "p", "pre"])
        self.assertEqual(details[1][0].tag, f"{XHTML}em")
        self.assertIsNone(details.get("open"))

    def test_a_picture_is_taken_from_beside_its_chapter(self):
        [picture] = self.page().iter(f"{XHTML}img")
        self.assertRegex(picture.get("src"), "^data:image/svg")
        self.assertIsNone(picture.get("style"))

    def test_a_picture_is_not_shrunk_until_its_text_cannot_be_read(self):
        self.write("pictures/one.svg",
                   '<svg width="900pt" viewBox="0 0 720.00 100.00">'
                   '<text font-size="20">a</text>'
                   '<text font-size="12.00">b</text></svg>')
        [picture] = self.page().iter(f"{XHTML}img")
        self.assertEqual(picture.get("style"), "min-width: 600px")

    def test_a_title_is_split_at_its_first_colon(self):
        title = [node for node in self.page().iter(f"{XHTML}h2")
                 if text_of(node).startswith("Chapter 02")]
        self.assertEqual([text_of(node) for node in title],
                         ["Chapter 02 Two: twice"])
        self.assertEqual(text_of(title[0][0]), "Chapter 02")


@needs_pandoc
class Refusals(ProjectTest):
    def refused(self, book: str) -> str:
        self.write("WALKTHROUGH.md", book)
        target = self.root / "page.html"
        done = make(self.root, target)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertFalse(target.exists())
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_a_picture_that_is_not_there(self):
        self.assertIn("no picture missing.svg",
                      self.refused("# A book\n\n![A picture](missing.svg)\n"))

    def test_a_heading_that_is_not_there(self):
        self.assertIn("WALKTHROUGH.md: #missing: no such heading",
                      self.refused("# A book\n\n[A link](#missing)\n"))

    def test_a_block_that_only_pandoc_sees(self):
        told = self.refused("# A book\n\nProse.\n\n    indented code\n")
        self.assertIn("pandoc sees another block here: 'indented code'", told)

    def test_a_block_that_pandoc_does_not_see(self):
        told = self.refused("# A book\n\n- an item\n\n  ```cpp\n  int i;\n  ```\n")
        self.assertIn("WALKTHROUGH.md:5: pandoc does not see", told)


class WithoutPandoc(ProjectTest):
    def test_it_says_what_is_missing(self):
        self.write("WALKTHROUGH.md", "# A book\n")
        self.write("bin/apt-get", "#!/bin/sh\nexit 1\n").chmod(0o755)
        (self.root / "bin/python3").symlink_to(sys.executable)
        for tool in ("sh", "env", "basename", "id", "uname", "cat"):
            (self.root / "bin" / tool).symlink_to(shutil.which(tool))
        with patch.dict(os.environ, PATH=str(self.root / "bin"), CI=""):
            done = make(self.root, self.root / "page.html")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Missing here: pandoc", done.stderr)
        self.assertIn("apt-get install -y --no-install-recommends pandoc",
                      done.stderr)


if __name__ == "__main__":
    unittest.main()
