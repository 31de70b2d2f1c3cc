"""scripts/maintain/walkthrough refresh."""
from __future__ import annotations

import unittest

from fixture import ProjectTest, function, text_of
from lib import walkthrough


def beat(file: str, body: str, tags: str = "") -> str:
    return f"```diff {file}{tags}\n{text_of(body)}```\n"


class Refresh(ProjectTest):
    """Stage 2 puts twice() and main.cpp beside what stage 1 has."""

    tool = walkthrough

    ONE = ("#pragma once\n\n" + function("one", "int x = 1;", "return x;")
           + "\n" + function("two", "int x = 2;", "return x;"))
    TWICE = function("twice", "int x = one();", "return x + x;")
    LAST = function("last", "return 0;")

    def setUp(self) -> None:
        super().setUp()
        after_one = self.ONE.index("\nint two()")
        two = (self.ONE[:after_one] + "\n" + self.TWICE + self.ONE[after_one:]
               + "\n" + self.LAST).replace("x = 2", "x = 20")
        self.stage("01_one", a_hpp=self.ONE)
        self.stage("02_two", a_hpp=two, main_cpp='#include "a.hpp"\n')
        added = "".join(f"+{line}\n" for line in self.ONE.splitlines())
        self.text = "\n".join((
            "# Book\n\n## 01_one: Start\n\nProse of 1.1.\n",
            f"```diff a.hpp compiles\n{added}```\n",
            "## 02_two: Go on\n\nProse of 2.1.\n",
            beat("a.hpp", """
                 }

                +int twice()
                +{
                +    int x = one();
                +    return x + x;
                +}
                +
                 int two()
                """, " compiles shows"),
            "Prose of 2.2.\n",
            beat("a.hpp", """
                 {
                -    int x = 2;
                +    int x = 20;
                     return x;
                """),
            "Prose of 2.3.\n",
            beat("main.cpp", '+#include "a.hpp"\n'),
            "Prose of 2.4.\n",
            beat("a.hpp", """
                     int x = 20;
                     return x;
                 }
                +
                +int last()
                +{
                +    return 0;
                +}
                """),
            "The end.\n"))
        self.write_book(self.text)
        self.good("check", "--no-compile")
        self.book = self.read_book()

    def edit(self, stage: str, old: str, new: str, file="a.hpp") -> None:
        self.replace(f"stages/{stage}/{file}", old, new)

    def edit_all(self, old: str, new: str) -> None:
        for stage in ("01_one", "02_two"):
            self.edit(stage, old, new)

    def refreshed(self, changed: int) -> str:
        """Refreshes; then all holds, and only so many blocks are others."""
        out = self.good("refresh")
        self.good("check", "--no-compile")
        self.assertIn(f"{changed} block{'s' * (changed != 1)} changed", out)
        self.assertEqual(changed, sum(
            one != other for one, other in zip(self.blocks(self.book),
                                               self.blocks())))
        self.assertEqual(self.prose(self.book), self.prose())
        return out

    def blocks(self, book: str = "") -> list[str]:
        return (book or self.read_book()).split("```")[1::2]

    def prose(self, book: str = "") -> list[str]:
        """The text, and the blocks' info strings."""
        parts = (book or self.read_book()).split("```")
        return parts[::2] + [part.split("\n")[0] for part in parts[1::2]]


class Kept(Refresh):
    def test_nothing_to_do(self):
        self.refreshed(0)
        self.assertEqual(self.read_book(), self.book)

    def test_a_changed_line(self):
        self.edit("02_two", "return x + x", "return 2 * x")
        out = self.refreshed(1)
        self.assertIn("02_two beat 1: a.hpp +6 -0 is now +6 -0", out)
        self.assertIn("+    int x = one();\n+    return 2 * x;\n+}\n",
                      self.blocks()[1])

    def test_a_new_line(self):
        self.edit("02_two", "    return x + x", "    x += 0;\n    return x + x")
        self.refreshed(1)
        self.assertIn("+    x += 0;\n", self.blocks()[1])

    def test_a_new_line_at_a_beats_end(self):
        self.edit("02_two", "    return 0;\n}\n", "    return 0;\n}\n\nint y;\n")
        self.refreshed(1)
        self.assertTrue(self.blocks()[4].endswith("+}\n+\n+int y;\n"))

    def test_a_removed_line(self):
        self.edit("02_two", "    int x = one();\n", "")
        self.refreshed(1)
        self.assertNotIn("one()", self.blocks()[1])

    def test_reindented_lines(self):
        self.edit("02_two", "    int x = one();\n    return x + x;\n",
                  "  int x = one();\n  return x + x;\n")
        self.refreshed(1)
        self.assertIn("+  int x = one();\n+  return x + x;\n",
                      self.blocks()[1])

    def test_the_amount_of_context(self):
        self.edit("02_two", "x = 20", "x = 200")
        self.refreshed(2)       # the last beat has the line as context
        self.assertEqual(self.blocks()[2],
                         "diff a.hpp\n {\n-    int x = 2;\n"
                         "+    int x = 200;\n     return x;\n")
        self.assertIn("\n     int x = 200;\n     return x;\n }\n+\n",
                      self.blocks()[4])

    def test_a_moved_beat(self):
        file = "stages/02_two/a.hpp"
        text = self.read(file).replace("\n" + self.TWICE, "")
        self.write(file, text + "\n" + self.TWICE)
        self.refreshed(1)
        self.assertIn("+int twice()\n+{\n", self.blocks()[1])
        self.assertNotIn("twice", self.blocks()[4])

    def test_a_line_that_one_beat_adds_and_another_removes(self):
        self.write_book(self.text.replace(
            "+    return x + x;\n", "+    int y;\n+    return x + x;\n")
            .replace("The end.\n", beat("a.hpp", """
                -    int y;
                     return x + x;
                """)))
        self.good("check", "--no-compile")
        self.book = self.read_book()
        self.edit("02_two", "return x + x", "return 2 * x")
        self.refreshed(2)
        self.assertIn("+    int y;\n+    return 2 * x", self.blocks()[1])
        self.assertEqual(
            "diff a.hpp\n-    int y;\n     return 2 * x;\n",
            self.blocks()[5])

    def test_empty_and_indented_blocks_are_left_alone(self):
        self.write_book(self.text.replace(
            "The end.", "- A list\n\n  ```text\n  as it is\n  ```\n"))
        self.book = self.read_book()
        self.edit("02_two", "return x + x", "return 2 * x")
        self.refreshed(1)

    def test_a_beat_in_a_list_keeps_its_indentation(self):
        block = beat("main.cpp", '+#include "a.hpp"\n')
        listed = "".join(f"  {line}\n" for line in block.splitlines())
        self.write_book(self.text.replace(
            block, "- so\n\n" + listed))
        self.good("check", "--no-compile")
        self.edit("02_two", '"a.hpp"\n', '"a.hpp"\n\nint main() {}\n',
                  "main.cpp")
        self.good("refresh")
        self.good("check", "--no-compile")
        self.assertIn('  +#include "a.hpp"\n  +\n  +int main() {}\n  ```',
                      self.read_book())


class StageBefore(Refresh):
    """What is edited in stage 1, and carried to stage 2."""

    def test_a_context_line(self):
        self.edit_all("int two()\n", "int two(int y)\n")
        self.refreshed(2)
        self.assertIn("\n int two(int y)\n", self.blocks()[1])

    def test_a_removed_line(self):
        self.edit("01_one", "int x = 2;", "auto x = 2;")
        self.refreshed(2)
        self.assertIn("-    auto x = 2;\n+    int x = 20;", self.blocks()[2])

    def test_a_line_elsewhere(self):
        self.edit_all("#pragma once\n", "#pragma once\n#include <vector>\n")
        self.refreshed(1)
        self.assertIn("+#include <vector>\n", self.blocks()[0])

    def test_context_that_is_not_unique_any_more(self):
        self.write("stages/01_one/a.hpp",
                   self.ONE + "\n" + function("two", "int x = 2;", "return x;"))
        text = self.read("stages/02_two/a.hpp")
        self.write("stages/02_two/a.hpp", text.replace(
            "\n" + self.LAST,
            "\n" + function("two", "int x = 2;", "return x;")
            + "\n" + self.LAST))
        self.assertIn("matches 2 places", self.bad(
            "check", "--no-run", "--no-compile"))
        self.refreshed(4)
        self.assertEqual(self.blocks()[2], "diff a.hpp\n {\n"
                         "-    int x = 2;\n+    int x = 20;\n"
                         "     return x;\n }\n\n")

    def test_a_beat_that_went_to_the_stage_before(self):
        self.write("stages/01_one/a.hpp", self.ONE + "\n" + self.LAST)
        error = self.bad("refresh")
        self.assertIn("02_two beat 4: nothing is left of it", error)
        self.assertEqual(error.count("\n"), 1)
        self.assertIn("+int last()", self.blocks()[0])
        self.assertEqual(self.blocks()[4], "diff a.hpp\n")

    def test_a_context_line_and_the_beat_itself(self):
        self.edit_all("int two()\n", "int two(int y)\n")
        text = self.read("stages/02_two/a.hpp")
        self.write("stages/02_two/a.hpp", text.replace(
            self.TWICE, "long thrice(long y)\n{\n    y *= 3;\n"
                        "    return y;\n}\n"))
        self.good("refresh")
        self.good("check", "--no-compile")
        self.assertIn("+long thrice(long y)\n+{\n+    y *= 3;\n",
                      self.blocks()[1])

    def test_all_context_of_a_beat_is_gone(self):
        self.edit_all("#pragma once\n\n" + function(
            "one", "int x = 1;", "return x;"), "#pragma once\n\nint one();\n")
        self.edit_all("int two()\n", "int second()\n")
        self.good("refresh")
        self.good("check", "--no-compile")
        self.assertIn("+int twice()\n+{\n", self.blocks()[1])


class Unclaimed(Refresh):
    def test_a_line_far_from_all_beats(self):
        self.edit("02_two", "#pragma once\n", "#pragma once\nint y;\n")
        error = self.bad("refresh")
        self.assertEqual(error, "walkthrough: 02_two/a.hpp:2: no beat of"
                                " 02_two adds 1 line: int y;\n")
        self.assertEqual(self.read_book(), self.book)

    def test_a_removed_line_far_from_all_beats(self):
        self.edit("02_two", "#pragma once\n", "")
        self.assertIn("01_one/a.hpp:1: no beat of 02_two removes 1 line:"
                      " #pragma once", self.bad("refresh"))

    def test_a_file_without_a_beat(self):
        self.stage("02_two", b_hpp="int b;\nint c;\n")
        self.assertIn("02_two/b.hpp:1: no beat of 02_two adds 2 lines: int b;",
                      self.bad("refresh"))

    def test_other_edits_are_taken_nevertheless(self):
        self.edit("02_two", "#pragma once\n", "#pragma once\nint y;\n")
        self.edit("02_two", "return x + x", "return 2 * x")
        self.bad("refresh")
        self.assertIn("+    return 2 * x;\n", self.blocks()[1])

    def test_between_two_lines_that_a_beat_shows(self):
        self.edit("02_two", "    return x;\n}\n\nint last",
                  "    return x;\n\n}\n\nint last")
        self.refreshed(1)       # the last beat shows both of them

    def test_no_chapter(self):
        self.stage("03_three", a_hpp=self.ONE)
        self.assertIn("03_three: has no CHAPTER.md", self.bad("refresh"))
        self.good("refresh", "1", "2")


class Outputs(Refresh):
    def console(self, text: str, info: str = "console") -> None:
        self.write_book(self.text + "\n```" + info + "\n"
                   + text_of(text) + "```\n")

    def test_are_taken_again(self):
        self.console("""
            $ echo a
            b
            $ echo c
            c
            $ printf '1\\n2\\n'
            1
            2
            3
            """)
        self.good("refresh")
        self.assertIn("\nb\n", self.read_book())
        self.assertIn("1 block changed", self.good("refresh", "--outputs"))
        self.assertEqual(self.blocks()[5], "console\n$ echo a\na\n$ echo c\n"
                                           "c\n$ printf '1\\n2\\n'\n1\n2\n")
        self.good("check", "--no-compile")

    def test_with_dots_are_left_while_they_hold(self):
        self.console("$ echo a b c\na ... c\n")
        self.assertIn("0 blocks", self.good("refresh", "--outputs"))

    def test_with_dots_are_reported_when_they_do_not(self):
        self.console("$ echo a b c\na ... d\n")
        book = self.read_book()
        self.assertIn("needs an edit by hand", self.bad("refresh", "--outputs"))
        self.assertEqual(self.read_book(), book)

    def test_other_digits_are_left(self):
        self.console("$ echo 5 ms\n7 ms\n", "console digits")
        self.assertIn("0 blocks", self.good("refresh", "--outputs"))
        self.console("$ echo 5 s\n7 ms\n", "console digits")
        self.assertIn("1 block changed", self.good("refresh", "--outputs"))
        self.assertEqual(self.blocks()[5], "console digits\n$ echo 5 s\n5 s\n")

    def test_not_run(self):
        self.console("$ echo a\nb\n", "console not-run")
        self.assertIn("0 blocks", self.good("refresh", "--outputs"))

    def test_what_would_read_as_a_command(self):
        self.console("$ echo '$ rm'\nb\n")
        self.assertIn("can not hold", self.bad("refresh", "--outputs"))

    def test_blocks_and_beats_together(self):
        self.console("$ wc -l < stages/02_two/a.hpp\n0\n")
        self.edit("02_two", "    return x + x", "    x += 0;\n    return x + x")
        self.assertIn("2 blocks", self.good("refresh", "--outputs"))
        self.good("check", "--no-compile")


if __name__ == "__main__":
    unittest.main()
