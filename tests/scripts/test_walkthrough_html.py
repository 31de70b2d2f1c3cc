# ctest: timeout=300
"""scripts/maintain/walkthrough html: the book as one page."""
from __future__ import annotations

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
from lib.book import apply_beat, read_book
from lib.stages import find_stages, read_lines, stage_before

ROOT = SCRIPTS.parent
XHTML = "{http://www.w3.org/1999/xhtml}"
BROWSER = next(filter(shutil.which, ("chromium", "chromium-browser",
                                     "google-chrome")), None)
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


def files_after_beats() -> dict[str, list[str]]:
    """By a beat's id: its file as it stands after it, for all of the book."""
    book, stages = read_book(ROOT), find_stages(ROOT)
    result = {}
    for stage in stages:
        before = stage_before(stages, stage)
        files = {name: read_lines(path)
                 for name, path in (before.lesson() if before else {}).items()}
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

    def test_beats_of_comments_are_folded(self):
        folded = {figure.get("id")
                  for details in self.page.iter(f"{XHTML}details")
                  for figure in details.iter(f"{XHTML}figure")}
        comments = {name for name, beat in all_beats().items()
                    if not beat.removed and all(
                        not line.strip() or line.strip().startswith("//")
                        for line in beat.texts("+"))}
        code = {name for name, beat in all_beats().items()
                if beat.removed or any(re.match(r" *(return|if|class|struct)\b", line)
                       for line in beat.texts("+"))}
        self.assertTrue(comments)
        self.assertLessEqual(comments, folded)
        self.assertFalse(code & folded)

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
        contents = self.by_id["contents"]
        listed = [node.get("href")[1:] for node in contents.iter(f"{XHTML}a")]
        sections = [node.get("id") for node in self.page.iter(f"{XHTML}section")
                    if {"level1", "level2", "level3"} & set(classes(node))]
        self.assertEqual(listed, sections)
        self.assertLessEqual(
            {stage.name.replace("_", " ") for stage in find_stages(ROOT)},
            {text_of(node) for node in contents.iter(f"{XHTML}span")})

    @unittest.skipUnless(BROWSER, "no chromium here")
    def test_the_switch_shows_the_source(self):
        files = files_after_beats()
        name = list(files)[len(files) // 2]
        profile = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, profile, True)
        done = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
             "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync",
             f"--user-data-dir={profile}", "--virtual-time-budget=2000",
             "--dump-dom", f"{self.path.as_uri()}#{name}-source"],
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8")
        view = re.search(
            r'<div class="sourceCode source">.*?<code[^>]*>(.*?)</code>',
            done.stdout, re.DOTALL)
        self.assertTrue(view, f"no source of {name}: {done.stderr[-500:]}")
        shown = ElementTree.fromstring(f"<code>{view[1]}</code>")
        self.assertEqual(text_of(shown).split("\n")[:-1], files[name])
        self.assertEqual([text_of(line) for line in shown
                          if "new" in classes(line)],
                         all_beats()[name].texts("+"))


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
