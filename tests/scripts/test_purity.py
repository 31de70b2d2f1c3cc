"""scripts/maintain/purity."""
from __future__ import annotations

import json
import unittest

from fixture import ProjectTest
from lib import purity

LINES = [f"int a{number};\n" for number in range(100)]


class Purity(ProjectTest):
    tool = purity

    def setUp(self) -> None:
        super().setUp()
        for name in ("01_one", "02_two", "03_three"):
            self.stage(name, a_hpp="".join(LINES), main_cpp="int main();\n")

    def change(self, stage: str, removed: int, added: str = "") -> None:
        self.stage(stage, a_hpp="".join(LINES[removed:]) + added)

    def numbers(self) -> dict:
        return json.loads(self.call("--json").stdout)


class Bars(Purity):
    def test_the_table(self):
        self.change("03_three", 0, "int b;\n")
        out = self.good()
        self.assertRegex(out, r"(?m)^01_one -> 02_two +100.00 % +101 +0 +0 +0"
                              r"  ok$")
        self.assertRegex(out, r"(?m)^02_two -> 03_three +100.00 % +101 +0 +1"
                              r" +0  ok$")
        self.assertRegex(out, r"(?m)^median +100.00 %$")

    def test_survival(self):
        self.stage("04_four", main_cpp="int main();\n")
        self.stage("05_five", main_cpp="int main();\n")
        for removed, holds in ((7, True), (8, False)):
            for stage in ("03_three", "04_four", "05_five"):
                self.change(stage, removed)
            done = self.call()
            self.assertEqual(done.returncode == 0, holds, done.stderr)
        self.assertEqual(
            done.stderr, "purity: 02_two -> 03_three: 92.08 % of the lines"
                         " survive, at least 93 % must\n")
        self.assertRegex(done.stdout, r"02_two -> 03_three.*BREAKS A BAR")

    def test_a_pair_with_another_bar(self):
        for name in ("04_four", "05_five", "06_six"):
            self.stage(name, a_hpp="".join(LINES), main_cpp="int main();\n")
        for removed, holds in ((10, True), (11, False)):
            self.change("05_five", removed)
            self.change("06_six", removed)
            done = self.call()
            self.assertEqual(done.returncode == 0, holds, done.stderr)
        self.assertIn("at least 90 % must", done.stderr)

    def test_median(self):
        self.change("02_two", 3)
        self.change("03_three", 6)
        self.assertIn("median: 96.", self.bad())
        for name in ("04_four", "05_five", "06_six"):
            self.stage(name, main_cpp="int main();\n")
            self.change(name, 6)
        self.good()

    def test_added_lines(self):
        for added, holds in ((400, True), (401, False)):
            self.change("03_three", 0, "".join(
                f"int b{number};\n" for number in range(added)))
            self.assertEqual(self.call().returncode == 0, holds)
        self.assertIn("401 lines added in .hpp", self.bad())

    def test_added_lines_in_main_do_not_count(self):
        self.stage("03_three", main_cpp="int main();\n" + "".join(
            f"int b{number};\n" for number in range(500)))
        self.good()

    def test_added_lines_in_a_new_header_do(self):
        self.stage("03_three", b_hpp="".join(
            f"int b{number};\n" for number in range(401)))
        self.bad()

    def test_reindented_lines(self):
        self.change("03_three", 2, "")
        self.replace("stages/03_three/a.hpp", "int a50;", "  int a50;")
        self.assertEqual(
            self.bad(), "purity: 02_two -> 03_three: 1 line of a.hpp only"
                        " re-indented\n")
        self.assertEqual(self.numbers()["pairs"][1]["reindented"], 1)

    def test_a_moved_line_counts_as_removed(self):
        self.stage("03_three", a_hpp="".join(LINES[1:] + LINES[:1]))
        pair = self.numbers()["pairs"][1]
        self.assertEqual((pair["removed"], pair["added"]), (1, 1))

    def test_a_lesson_file_stays(self):
        (self.root / "stages/03_three/main.cpp").unlink()
        self.stage("03_three", b_hpp="int main();\n")
        self.assertIn("02_two -> 03_three: main.cpp of 02_two is gone",
                      self.bad())

    def test_one_stage(self):
        for name in ("01_one", "02_two"):
            for path in (self.root / "stages" / name).iterdir():
                path.unlink()
            path.parent.rmdir()
        self.assertIn("nothing to compare", self.good())
        self.assertEqual(self.numbers(),
                         {"pairs": [], "median": None, "failures": []})

    def test_json(self):
        self.change("03_three", 10, "int b;\n")
        numbers = self.numbers()
        self.assertEqual(numbers["pairs"][1], {
            "old": "02_two", "new": "03_three", "lines": 101,
            "survival": 100 * 91 / 101, "removed": 10, "added": 1,
            "added_in_headers": 1, "reindented": 0, "holds": False})
        self.assertEqual(len(numbers["failures"]), 2)
        self.assertEqual(self.call("--json").returncode, 1)

    def test_only_lesson_files_count(self):
        self.write("stages/03_three/demos/d.cpp", "int d;\n" * 500)
        self.write("stages/03_three/tests/t.hpp", "int t;\n" * 500)
        self.good()


class Counting(Purity):
    def counted(self, source: str) -> int:
        self.stage("02_two", a_hpp=source)
        return self.numbers()["pairs"][1]["lines"] - 1

    def test_what_does_not_count(self):
        for source in ("\n", "  \t\n", "{\n", "};\n", "    });\n", "},\n",
                       "// a;\n", "    // a\n", "/* a; */\n",
                       "/* a\n   b;\n\n   c */\n", "/* a */ }\n"):
            self.assertEqual(self.counted(source), 0, source)

    def test_what_counts(self):
        for source, lines in (
                ("int a;  // b\n", 1), ("/* a */ int b;\n", 1),
                ("} else {\n", 1), ("/* a\n */ int b;\n", 1), ("[\n", 1),
                ('f("/*");\ng();\nh("*/");\n', 3),
                ("f('\"');  // \"\nint b;\n", 2),
                ('f(R"(\n// not a comment\n)");\ng();\n', 4),
                ("int a = 1'000; /* '\n b */\n", 1),
                ('f("\\"//");\n', 1)):
            self.assertEqual(self.counted(source), lines, source)

    def test_a_change_of_a_comment_is_none(self):
        self.stage("02_two", a_hpp="// b\n".join(LINES))
        self.stage("03_three", a_hpp="\n{\n".join(LINES))
        pairs = self.numbers()["pairs"]
        self.assertEqual([pair["removed"] + pair["added"] for pair in pairs],
                         [0, 0])

    def test_survival_is_not_understated(self):
        # patience takes the one common line that is unique, x, and thereby
        # loses all others.
        block = ["int a;\n", "int b;\n", "int c;\n"] * 10
        self.stage("01_one", a_hpp="".join(block + ["int x;\n"]))
        self.stage("02_two", a_hpp="".join(["int x;\n"] + block))
        self.assertEqual(self.numbers()["pairs"][0]["removed"], 1)


class Common(Purity):
    def test_it_names_no_type_of_the_stages(self):
        for name in ("Coroutine", "Generator", "Future", "Task", "EventLoop",
                     "SelectSelector"):
            self.write("common/cli.hpp", f"int a;\n{name}<int>* b;\n")
            self.assertEqual(self.bad(),
                             f"purity: common/cli.hpp:2: names {name}\n")

    def test_other_names_are_fine(self):
        self.write("common/deep/cli.cpp", text := (
            "// A Task\n/* and a\nFuture */\nint TaskCount, my_Task;\n"
            'const char* text = "Generator";\n'))
        self.good()
        self.write("common/deep/cli.cpp", text + "Task b;\n")
        self.assertIn("common/deep/cli.cpp:6: names Task", self.bad())

    def test_it_includes_no_header_of_the_stages(self):
        for line in ('#include "a.hpp"', "#  include <a.hpp>",
                     '#include "../stages/01_one/a.hpp"'):
            self.write("common/cli.cpp", line + "\n")
            self.assertIn("common/cli.cpp:1: includes a stage's a.hpp",
                          self.bad())
        self.write("common/cli.cpp", '/*\n#include "a.hpp"\n*/\n'
                                     '#include "aa.hpp"\n#include <b/a>\n')
        self.good()


if __name__ == "__main__":
    unittest.main()
