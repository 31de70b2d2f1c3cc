"""The diagrams in slides/diagrams are what scripts/maintain/diagrams makes."""
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "slides/diagrams"
SOURCES = [FOLDER / "structure.dot", FOLDER / "structure.gvpr",
           ROOT / "scripts/maintain/diagrams"]
STAGES = sorted(path.name for path in (ROOT / "stages").glob("[0-9][0-9]_*"))
# Each of them is drawn from a file of its own.
OTHERS = sorted(path.stem for path in FOLDER.glob("[0-9]*.svg")
                if path.stem not in STAGES)
SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: Path) -> list[str]:
    """All that is written in it, in order."""
    root = ElementTree.parse(picture).getroot()
    return [text.text.strip() for text in root.iter(f"{SVG}text")]


def types(picture: Path) -> set[str]:
    """The names that it shows as those of C++ classes."""
    root = ElementTree.parse(picture).getroot()
    return {group.find(f"{SVG}text").text.strip()
            for group in root.iter(f"{SVG}g")
            if "type" in group.get("class", "").split()}


class Diagrams(unittest.TestCase):
    def test_there_is_one_for_each_stage(self):
        self.assertLessEqual(
            set(STAGES), {path.stem for path in FOLDER.glob("*.svg")})

    def test_each_other_one_has_its_source(self):
        sources = [*FOLDER.glob("[0-9]*.dot"), *FOLDER.glob("[0-9]*.msc")]
        self.assertEqual(OTHERS, sorted(path.stem for path in sources))

    def test_each_is_made_from_the_source_as_it_is(self):
        content = b"".join(path.read_bytes() for path in SOURCES)
        blob = b"blob %d\0" % len(content) + content
        made = f"made by scripts/maintain/diagrams from {hashlib.sha1(blob).hexdigest()}"
        for stage in STAGES:
            with self.subTest(stage):
                picture = (FOLDER / f"{stage}.svg").read_text(encoding="utf-8")
                self.assertIn(made, picture, "run scripts/maintain/diagrams again")

    def test_each_class_is_in_its_stage(self):
        for stage in STAGES:
            code = "".join(path.read_text(encoding="utf-8")
                           for path in (ROOT / "stages" / stage).glob("*.hpp"))
            names = types(FOLDER / f"{stage}.svg")
            self.assertTrue(names, stage)
            for name in names:
                with self.subTest(stage=stage, name=name):
                    self.assertRegex(
                        code, rf"(?m)^ *(class|struct|using)( \[\[nodiscard\]\])?"
                              rf" {re.escape(name)}\b(?!;)")

    def test_something_is_new_in_each(self):
        before = set()
        for stage in STAGES:
            with self.subTest(stage):
                names = types(FOLDER / f"{stage}.svg")
                written = set(texts(FOLDER / f"{stage}.svg"))
                self.assertTrue(written - before, "the same as before")
                before = written | names

    def test_each_chapter_shows_its_own(self):
        for stage in STAGES:
            with self.subTest(stage):
                chapter = (ROOT / "stages" / stage / "CHAPTER.md").read_text(
                    encoding="utf-8")
                shown = re.findall(
                    r"!\[([^\]]+)\]\(\.\./\.\./slides/diagrams/(\w+)\.svg\)",
                    chapter)
                self.assertEqual(
                    sorted(name for _, name in shown),
                    sorted([stage, *(name for name in OTHERS
                                     if name[:2] == stage[:2])]))
                for text, _ in shown:
                    self.assertGreater(len(text), 40, "no real alt text")

    @unittest.skipUnless(all(map(shutil.which, ("gvpr", "neato", "mscgen")))
                         or os.environ.get("CI") == "true",
                         "graphviz or mscgen is not installed")
    def test_they_are_what_the_sources_say(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [ROOT / "scripts/maintain/diagrams", "--output", folder],
                capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            for name in [*STAGES, *OTHERS]:
                with self.subTest(name):
                    one, other = (texts(place / f"{name}.svg")
                                  for place in (FOLDER, Path(folder)))
                    self.assertEqual(one, other)


if __name__ == "__main__":
    unittest.main()
