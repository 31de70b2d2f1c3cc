# ctest: once
"""The tree: what every stage's folder holds, and how its files look."""

import filecmp
import os
import re
import unittest

import support
from support import ROOT, StageTest, call

FILES = ("CHAPTER.md", "CMakeLists.txt", "README.md", "main.cpp")
LONGEST_README = 60
WIDTH = 80


def sources(*folders):
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in (".hpp", ".cpp") and path.is_file()
    )


def all_sources():
    folders = [stage.folder for stage in support.stages()]
    return sources(*folders, ROOT / "common", ROOT / "tests")


def lines_of(path):
    return path.read_text(encoding="utf-8").split("\n")


def where(path, number):
    return f"{path.relative_to(ROOT)}:{number}"


def without_blanks(path):
    return re.sub(r"\s+", "", path.read_text(encoding="utf-8"))


class FoldersTest(StageTest):
    def test_numbers(self):
        numbers = [stage.number for stage in support.stages()]
        expected = [f"{n:02}" for n in range(1, len(numbers) + 1)]
        if len(numbers) < 1:
            self.fail("there are no stages")
        if "STAGES" not in os.environ:
            self.assertEqual(numbers, expected)

    def test_what_each_holds(self):
        def check(stage):
            for name in FILES:
                self.assertTrue((stage.folder / name).is_file(), name)
            for name in ("demos", "tests", "pitfalls", "quiz"):
                files = list((stage.folder / name).glob("*.cpp"))
                self.assertNotEqual(files, [], f"{name}/ is empty")
            for path in stage.folder.iterdir():
                known = path.name in FILES
                known = known or path.suffix == ".hpp"
                known = known or path.name in (
                    "demos", "tests", "pitfalls", "quiz")
                self.assertTrue(known, f"what is {path.name}?")

        self.for_each(support.stages(), check)

    def test_one_cmake_file_for_all(self):
        files = [stage.folder / "CMakeLists.txt" for stage in support.stages()]
        for file in files[1:]:
            with self.subTest(file.parent.name):
                self.assertEqual(file.read_bytes(), files[0].read_bytes())

    def test_readmes(self):
        def check(stage):
            lines = lines_of(stage.folder / "README.md")
            filled = [line for line in lines if line.strip()]
            self.assertEqual(filled[0], f"# {stage.name}")
            self.assertRegex(filled[1].strip(" *_"), r"\?$", "no question")
            self.assertLessEqual(len(lines), LONGEST_README + 1)
            if stage.number > "01":
                before = f"{int(stage.number) - 1:02}"
                text = "\n".join(lines)
                self.assertIn(f"scripts/diff {before} {stage.number}", text)
            self.assertIn(f"scripts/run {stage.number}", "\n".join(lines))

        self.for_each(support.stages(), check)

    def test_links(self):
        """Relative links in Markdown lead to something."""
        for path in [*ROOT.glob("*.md"), *ROOT.glob("stages/*/*.md")]:
            text = path.read_text(encoding="utf-8")
            text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
                if not re.match(r"[a-z]+:", target):
                    with self.subTest(path=str(path.relative_to(ROOT))):
                        self.assertTrue((path.parent / target).exists(), target)


class DemosTest(StageTest):
    def test_no_two_types_of_one_name(self):
        """The demos of a stage are one program, where the linker would take
        the functions of either for both."""

        def check(stage):
            found = {}
            for path in sorted((stage.folder / "demos").glob("*.cpp")):
                text = re.sub(r"^namespace \{$.*?^\}  // namespace$", "",
                              path.read_text(encoding="utf-8"),
                              flags=re.S | re.M)
                types = re.findall(r"^(?:class|struct) (\w+)[^;{]*\{", text,
                                   re.M)
                for name in types:
                    self.assertNotIn(name, found, path.name)
                    found[name] = path.name

        self.for_each(support.stages(), check)


class LessonTest(StageTest):
    def pairs(self):
        found = support.stages()
        return list(zip(found, found[1:]))

    def test_no_file_goes(self):
        for before, after in self.pairs():
            with self.subTest(after.name):
                gone = before.lesson().keys() - after.lesson().keys()
                self.assertEqual(gone, set())

    def test_no_file_changes_in_its_blanks_only(self):
        """What a stage does not change is a copy, byte by byte."""
        for before, after in self.pairs():
            for name, path in before.lesson().items():
                copy = after.lesson().get(name)
                if copy is None or filecmp.cmp(path, copy, shallow=False):
                    continue
                with self.subTest(f"{after.name}/{name}"):
                    self.assertNotEqual(
                        without_blanks(path), without_blanks(copy)
                    )

    def test_plain_copies(self):
        for stage in support.stages():
            for path in stage.lesson().values():
                self.assertFalse(path.is_symlink(), path)

    def test_names_no_stage(self):
        names = "|".join(stage.name[3:] for stage in support.stages())
        number = re.compile(rf"\bstages?\b.{{0,3}}\d|\b\d\d_({names})\b", re.I)
        for stage in support.stages():
            for path in stage.lesson().values():
                for at, line in enumerate(lines_of(path), 1):
                    self.assertNotRegex(line, number, where(path, at))


class FormTest(unittest.TestCase):
    def test_headers_are_included_once(self):
        for path in all_sources():
            if path.suffix == ".hpp":
                code = [
                    line
                    for line in lines_of(path)
                    if line and not line.startswith("//")
                ]
                self.assertEqual(code[0], "#pragma once", where(path, 1))

    def test_width(self):
        for path in all_sources():
            for at, line in enumerate(lines_of(path), 1):
                self.assertLessEqual(len(line), WIDTH, where(path, at))

    def test_blanks(self):
        for path in all_sources():
            for at, line in enumerate(lines_of(path), 1):
                self.assertNotIn("\t", line, where(path, at))
                self.assertNotIn("\r", line, where(path, at))
                self.assertEqual(line, line.rstrip(), where(path, at))
            self.assertTrue(path.read_bytes().endswith(b"\n"), path)

    def test_ascii(self):
        """Compilers elsewhere may take the source for another encoding."""
        for path in all_sources():
            for at, line in enumerate(lines_of(path), 1):
                self.assertTrue(line.isascii(), where(path, at))


class ScriptsTest(unittest.TestCase):
    def passes(self, script, *words, needs=()):
        for path in (f"scripts/{script}", *needs):
            if not (ROOT / path).exists():
                self.skipTest(f"there is no {path}")
        status, out, err = call(ROOT / "scripts" / script, *words, timeout=100)
        self.assertEqual(status, 0, out + err)

    def test_purity(self):
        self.passes("maintain/purity")

    def test_the_book(self):
        words = ("check", "--no-run", "--no-compile")
        self.passes("maintain/walkthrough", *words, needs=("WALKTHROUGH.md",))


if __name__ == "__main__":
    unittest.main()
