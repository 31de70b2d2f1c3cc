"""scripts/homework on a small project. No compiler: a test program is a shell
script here, which is what its source says."""
from __future__ import annotations

import shutil
import subprocess
import unittest
from concurrent.futures import Future
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from fixture import ProjectTest, command, text_of
from lib import assignments, grader, homework, skeletons
from lib.compiler import Object
from lib.outlines import outlined
from lib.terminal import Problem

TEXT = """
    # 02_two
    What to build.

    ## first
    It means this. Start here.

    ### Hint 1
    Think.

    ### Hint 2
    Do.

    ```
    # no heading
    ```

    ### Beats
    `int two`

    ## second
    Another.

    ### Hint 1
    a

    ### Hint 2
    b

    ### Hint 3
    c
    """

WRONG = """
    # A comment.
    == one_off
    idea: first
    why: It counts
      from one.
    file: two.hpp
    <<<<
    int two() {
      return 2;
    ----
    int two() {
      return 1;
    >>>>
    """

BOOK = """
    # Book

    ## 02_two: The second

    ```diff two.hpp
    +int two() {
    +  return 2;
    +}
    ```
    """

PASSES = r"""
printf 'case\tfirst: a\tf.cpp\nend\tpassed\ndone\n'
"""
FAILS = r"""
echo a word of its own
printf 'case\tfirst: adds up\tf.cpp\nassert\tf.cpp\t7\tCHECK\ttwo() == 2\t'
printf '1 == 2\nend\tfailed\ndone\n'
"""
MISSING = r"""
printf 'case\tfirst: adds up\tf.cpp\nstub\ttwo\nexception\tnot there yet: two\n'
printf 'end\tfailed\ndone\n'
"""
CRASHES = r"""printf 'case\tfirst: adds up\tf.cpp\n'; kill -SEGV $$"""
HANGS = r"""printf 'case\tfirst: never\tf.cpp\n'; exec sleep 60"""
NO_COMPILING = """CODE/two.hpp:1:5: error: 'twp' was not declared in this scope
    1 | int twp() {"""
NOT_DECLARED = """TESTS/first.cpp:3:5: error: 'two' was not declared"""


class FakeKit(grader.Kit):
    """Compiles by copying; a source that begins with `CODE/` or `TESTS/` is
    what the compiler says."""

    def __init__(self) -> None:
        super().__init__(["cc"], [], [])
        self.compiled: list[str] = []

    def compile(self, source: Path, target: Path, *flags: str) -> str:
        self.compiled.append(source.stem)
        code = Path(flags[0][2:])
        text = source.read_text()
        if text.startswith(("CODE/", "TESTS/")):
            return text.replace("CODE", str(code)).replace(
                "TESTS", str(source.parent))
        target.write_text(
            '#!/bin/sh\nexec 3>&1 >"$HOMEWORK_REPORT"\n'
            + text.replace("echo", "echo >&3"))
        Path(flags[3]).write_text(
            f"x: {source} {code / 'two.hpp'}\n")
        return ""

    def link(self, objects: list[Path], target: Path) -> str:
        # As a linker does, in another process: a program that this one has
        # open while another thread forks is "busy" for that child's lifetime.
        subprocess.run(["install", "-m", "755", objects[0], target],
                       check=True)
        return ""


class HomeworkTest(ProjectTest):
    tool = homework

    def setUp(self) -> None:
        super().setUp()
        self.stage("01_one", one_hpp="int one() {\n  return 1;\n}\n")
        self.stage("02_two", one_hpp="int one() {\n  return 1;\n}\n",
                   two_hpp="#include <vector>\n\nint two() {\n"
                           "  return 2;\n}\n")
        self.write("stages/02_two/tests/first.cpp", PASSES)
        self.write("stages/02_two/tests/second.cpp", PASSES)
        self.write("tests/homework/02_two.md", text_of(TEXT))
        self.write("tests/homework/02_two.wrong", text_of(WRONG))
        self.write_book(text_of(BOOK))
        self.kit = FakeKit()
        patcher = patch.object(homework, "prepare", lambda: self.kit)
        patcher.start()
        self.addCleanup(patcher.stop)

    def assignment(self) -> assignments.Assignment:
        return assignments.find_assignments(self.root)["02"]

    def begun(self) -> None:
        self.assertEqual(self.call("start", "2").returncode, 0)

    def solve(self, idea: str, text: str) -> None:
        self.write(f"homework/02/tests/{idea}.cpp", text)


class Texts(HomeworkTest):
    def test_sections_hints_and_beats(self) -> None:
        text = self.assignment().text()
        self.assertEqual(text.title, "02_two")
        self.assertEqual(text.intro, "What to build.")
        self.assertEqual(list(text.sections), ["first", "second"])
        first = text.sections["first"]
        self.assertEqual(first.meaning, "It means this. Start here.")
        self.assertEqual(first.hints[2], "Do.\n\n```\n# no heading\n```")
        self.assertEqual(first.beats, ["int two"])
        self.assertEqual(text.sections["second"].hints[3], "c")

    def test_ideas_come_in_the_order_of_the_text(self) -> None:
        self.write("stages/02_two/tests/about.cpp", PASSES)
        self.assertEqual(list(self.assignment().tests()),
                         ["first", "second", "about"])

    def test_wrong_submissions(self) -> None:
        (wrong,) = self.assignment().wrongs()
        self.assertEqual((wrong.name, wrong.idea, wrong.why),
                         ("one_off", "first", "It counts from one."))
        files = assignments.apply_edits(wrong.edits,
                                        self.assignment().solution())
        self.assertIn("  return 1;", files["two.hpp"])
        self.assertNotIn("  return 2;", files["two.hpp"])

    def lint(self) -> str:
        return self.call("lint", "02").stdout

    def test_lint_finds_what_no_declarations_can_be_made_of(self) -> None:
        self.write("tests/homework/skeleton", "02 two.hpp three keep\n")
        self.assertIn("tests/homework/skeleton: two.hpp has no three",
                      self.lint())

    def test_lint_finds_what_is_missing(self) -> None:
        self.write("stages/02_two/tests/third.cpp", PASSES)
        self.replace("tests/homework/02_two.md", "`int two`", "`int four`")
        self.replace("tests/homework/02_two.md", "## second", "## fourth")
        said = self.lint()
        self.assertIn("no section for the idea third", said)
        self.assertIn("there is no tests/fourth.cpp", said)
        self.assertIn("no beat adds `int four`", said)
        self.replace("tests/homework/02_two.md", "`int four`", "`// Two.`")
        self.assertIn("the book shows no comments: `// Two.`", self.lint())
        self.assertIn("1 wrong submissions, not 5", said)

    def test_lint_finds_an_anchor_that_vanished(self) -> None:
        self.assertNotIn("is not there", self.lint())
        self.replace("stages/02_two/two.hpp", "return 2;", "return 1 + 1;")
        self.assertIn("one_off: 02_two.wrong:7: the text to replace in"
                      " two.hpp is not there", self.lint())

    def test_an_anchor_that_is_there_twice(self) -> None:
        self.write("stages/02_two/two.hpp", "#include <vector>\n" + "".join(
            f"namespace {name} {{\nint two() {{\n  return 2;\n}}\n}}\n"
            for name in "ab"))
        self.assertIn("is there 2 times", self.lint())

    def test_what_is_not_understood_is_named(self) -> None:
        for name, old, new, said in (
                ("02_two.md", "### Hint 1\nThink", "### Clue\nThink",
                 "02_two.md:7: a heading of the third level"),
                ("02_two.md", "`int two`", "int two", "a line of Beats"),
                ("02_two.wrong", "file: two.hpp\n", "", "no file:"),
                ("02_two.wrong", "----\n", "", "has no ---- or no >>>>"),
                ("02_two.wrong", "why: It", "reason: It", "not understood")):
            with self.subTest(new=new):
                path = f"tests/homework/{name}"
                before = self.read(path)
                self.replace(path, old, new)
                self.assertIn(said, self.lint())
                self.write(path, before)


class Folders(HomeworkTest):
    def setUp(self) -> None:
        super().setUp()
        folder = "tests/homework/open/three"
        self.write(f"{folder}/README.md", text_of(TEXT).replace(
            "# 02_two\n", "# Three of them\n\nstage: 02\n", 1))
        self.write(f"{folder}/tests/first.cpp", PASSES)
        self.write(f"{folder}/start/three.hpp", "int three();\n")
        self.write(f"{folder}/start.edits", "file: two.hpp\n<<<<\n  return 2;\n"
                                            "----\n  return 3;\n>>>>\n")
        self.write(f"{folder}/solution.edits",
                   "file: two.hpp\n<<<<\n  return 3;\n----\n  return 4;\n>>>>"
                   "\nfile: three.hpp\n<<<<\nint three();\n----\n"
                   "int three() { return 3; }\n>>>>\n")

    def test_starts_with_the_stage_and_what_is_put_over_it(self) -> None:
        self.call("start", "three")
        self.assertIn("return 3", self.read("homework/three/two.hpp"))
        self.assertEqual(self.read("homework/three/three.hpp"),
                         "int three();\n")
        self.assertEqual(self.call("check").returncode, 0)

    def test_solution_is_put_over_that(self) -> None:
        files = assignments.find_assignments(self.root)["three"].solution()
        self.assertIn("  return 4;", files["two.hpp"])
        self.assertEqual(files["three.hpp"], ["int three() { return 3; }"])

    def test_exercises_of_a_stage_and_the_harder_ones(self) -> None:
        shutil.move(self.root / "tests/homework/open/three",
                    self.root / "tests/homework/02_two")
        self.assertIn("02-hard", self.call("list").stdout)
        self.call("start", "02", "--hard")
        self.assertIn("not_there_yet", self.read("homework/02-hard/two.hpp"))
        self.call("start", "02")
        self.assertIn("return 3", self.read("homework/02/two.hpp"))


class Starting(HomeworkTest):
    def test_declarations_with_stubs_and_the_tests(self) -> None:
        done = self.call("start", "02")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("What to build.", done.stdout)
        self.assertIn('"What you will see" first; the pages after that print',
                      done.stdout)
        self.assertIn("first, second", done.stdout)
        self.assertEqual(self.read("homework/02/two.hpp"), text_of("""
            #include <vector>

            #include "not_there_yet.hpp"

            int two() {
              not_there_yet("two");
            }
            """))
        self.assertEqual(self.read("homework/02/one.hpp"),
                         self.read("stages/01_one/one.hpp"))
        self.assertEqual(self.read("homework/02/tests/first.cpp"), PASSES)
        self.assertIn("NotThereYet", self.read("homework/02/not_there_yet.hpp"))

    def test_blank(self) -> None:
        self.call("start", "02", "--blank")
        self.assertFalse((self.root / "homework/02/two.hpp").exists())
        self.assertTrue((self.root / "homework/02/tests/first.cpp").exists())

    def test_does_not_overwrite(self) -> None:
        self.begun()
        done = self.call("start", "02")
        self.assertEqual(done.returncode, 1)
        self.assertIn("homework/02 is there already", done.stderr)

    def test_reset_keeps_what_was_there(self) -> None:
        self.begun()
        self.write("homework/02/two.hpp", "mine")
        said = self.call("reset", "two.hpp")
        self.assertIn("Would put back in homework/02: two.hpp\n", said.stdout)
        self.assertIn("it asks", said.stderr)
        self.assertEqual(self.read("homework/02/two.hpp"), "mine")
        self.assertIn("Put back in homework/02: two.hpp\n", self.call(
            "reset", "two.hpp", "--yes").stdout)
        self.assertIn("not_there_yet", self.read("homework/02/two.hpp"))
        (kept,) = self.root.glob("homework/02/kept/*/two.hpp")
        self.assertEqual(kept.read_text(), "mine")
        self.assertIn("Nothing to put back",
                      self.call("reset", "--yes").stdout)

    def test_reset_forgets_hints_and_what_passed(self) -> None:
        self.begun()
        for words in ((), ("two.hpp",)):
            self.write("homework/02/two.hpp", "mine")
            self.call("check")
            self.assertIn("hint 1 of 3", self.call("hint", "first").stdout)
            self.assertIn("2 of 2", self.call("list").stdout)
            self.call("reset", *words, "--yes")
            self.assertIn("0 of 2", self.call("list").stdout)
        self.call("hint", "first")
        self.write("homework/02/tests/first.cpp", "mine")
        self.call("reset", "tests/first.cpp", "--yes")
        self.assertIn("hint 2 of 3", self.call("hint", "first").stdout)

    def test_reset_after_blank_is_blank(self) -> None:
        self.call("start", "02", "--blank")
        self.call("reset", "--yes")
        self.assertFalse((self.root / "homework/02/two.hpp").exists())


class Checking(HomeworkTest):
    def setUp(self) -> None:
        super().setUp()
        self.begun()

    def check(self, *words: str, status: int = 1) -> str:
        done = self.call("check", *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)
        self.assertNotIn("\x1b", done.stdout)
        return done.stdout

    def test_all_pass(self) -> None:
        said = self.check(status=0)
        self.assertIn("passed        first", said)
        self.assertIn("2 of 2 ideas passed.", said)
        self.assertIn("All of stage 02 works.", said)
        self.assertIn("scripts/homework diff 02", said)

    def test_what_the_solution_does_otherwise(self) -> None:
        self.write("stages/02_two/two.hpp", text_of("""
            int two() {
              trace::instant("two");
              return 2;
            }
            int help(int a) { return a; }
            struct A {
              bool operator<(int a) const { return a < 2; }
              void trace_wait() { trace::waits(this); }
            };
            """))
        self.write("homework/02/two.hpp", text_of("""
            int own() { return 1; }
            int two()
            {
              return 2;  // it is
            }
            struct A {
              bool operator<(int a) const { return 2 > a; }
            };
            """))
        said = self.check(status=0)
        self.assertIn(text_of("""
            What the solution does otherwise:

              two.hpp, otherwise: A::operator<
              two.hpp, only here: help
              two.hpp, only yours: own
            """), said)
        self.write("homework/02/two.hpp", self.read("stages/02_two/two.hpp"))
        self.assertNotIn("otherwise", self.check(status=0))
        self.write("homework/02/two.hpp", "int two() {")
        self.assertNotIn("otherwise", self.check(status=0))

    def test_one_that_fails_says_what_it_means(self) -> None:
        self.solve("first", FAILS)
        said = self.check()
        self.assertIn("failed        first   1 test case wrong\n", said)
        self.assertIn('"adds up"', said)
        self.assertIn("f.cpp:7", said)
        self.assertIn("CHECK(two() == 2)", said)
        self.assertIn("is: 1 == 2", said)
        self.assertIn("It means this. Start here.", said)
        self.assertIn("scripts/homework hint first", said)
        self.assertIn("1 of 2 ideas passed.", said)
        self.assertIn("a word of its own", said)

    def test_how_many_are_right_cannot_be_misread(self) -> None:
        self.solve("first", PASSES.replace("done\\n", "") + FAILS)
        self.assertIn("failed        first   1 test case wrong, 1 right\n",
                      self.check())

    def test_what_is_not_there_yet_is_no_failure(self) -> None:
        self.solve("first", MISSING)
        said = self.check()
        self.assertIn("not there yet first   two", said)
        self.assertIn("Next: first", said)
        self.assertIn("Not there yet: two.", said)
        self.assertNotIn("failed", said)

    def test_what_comes_after_the_next_one_is_not_explained(self) -> None:
        self.solve("first", MISSING)
        self.solve("second", FAILS)
        said = self.check()
        self.assertIn("failed        second", said)
        self.assertIn("Next: first", said)
        self.assertNotIn("adds up", said)
        self.assertIn("1 more failed: name one to see why.", said)
        self.assertIn("adds up", self.check("second"))

    def test_what_went_wrong_comes_before_what_is_to_write(self) -> None:
        self.solve("first", FAILS)
        self.solve("second", MISSING)
        said = self.check()
        self.assertIn("adds up", said)
        self.assertNotIn("Next:", said)

    def test_a_crash(self) -> None:
        self.solve("first", CRASHES)
        said = self.check()
        self.assertIn("crashes       first   Segmentation fault", said)
        self.assertIn('"adds up"\n  crashed: Segmentation fault', said)

    def test_a_hang_is_ended_and_named(self) -> None:
        self.solve("first", HANGS)
        with patch.object(grader, "SECONDS", 3):
            said = self.check("first")
        self.assertRegex(said, "hangs +first +after [0-9]+ seconds")
        self.assertIn('"never"\n  never came to its end', said)

    def test_one_that_the_tests_watchdog_ends_hangs(self) -> None:
        self.solve("first", HANGS.replace(
            "exec sleep 60", "echo 'first: never hangs'; kill -ABRT $$"))
        self.assertRegex(self.check("first"), "hangs +first +after [0-9]+ sec")

    def test_own_lines_that_do_not_compile(self) -> None:
        self.write("homework/02/two.hpp", "int twp() {\n")
        self.solve("first", NO_COMPILING)
        self.solve("second", NO_COMPILING)
        said = self.check()
        self.assertIn("which stops all 2 ideas", said)
        self.assertEqual(said.count("homework/02/two.hpp:1"), 1)
        self.assertIn("int twp() {", said)
        self.assertIn("'twp' was not declared", said)

    def test_what_one_starts_with_is_not_said_once_it_is_there(self) -> None:
        self.replace("tests/homework/02_two.md", "Start here.",
                     "Start with `two()`, which\ncounts. (A case is next's.)")
        self.solve("first", FAILS)
        said = self.check()
        self.assertIn("It means this. Start with `two()`, which counts. (A",
                      said)
        self.write("homework/02/two.hpp", "int two() {\n  return 1;\n}\n")
        said = self.check()
        self.assertIn("It means this. (A case is next's.)", " ".join(
            said.split()))
        self.assertNotIn("Start", said)
        self.write("homework/02/two.hpp", "int two() {\n  return 1;\n")
        self.assertIn("Start with", self.check())

    def test_names_that_the_tests_want_are_not_there_yet(self) -> None:
        self.solve("first", NOT_DECLARED)
        said = self.check()
        self.assertIn("not there yet first   two", said)

    def test_one_idea_only(self) -> None:
        self.solve("second", FAILS)
        self.assertNotRegex(self.check("first", status=0), "passed +second")
        self.assertIn("has no idea third", self.call("check", "third").stderr)

    def test_only_what_changed_is_built_again(self) -> None:
        self.check(status=0)
        self.check(status=0)
        self.assertEqual(sorted(self.kit.compiled), ["first", "second"])
        self.solve("first", PASSES + "\n")
        self.check(status=0)
        self.assertEqual(sorted(self.kit.compiled),
                         ["first", "first", "second"])

    def test_progress_is_kept(self) -> None:
        self.solve("first", FAILS)
        self.check()
        out = self.call("list").stdout
        self.assertIn("1 of 2, begun last", out)
        self.assertIn("Go on: scripts/homework check", out)
        self.assertNotIn("Begin one", out)
        self.solve("first", PASSES)
        self.check("first", status=0)
        out = self.call("list").stdout
        self.assertIn("2 of 2", out)
        self.assertIn("Begin one", out)

    def test_a_broken_progress_file_is_no_trouble(self) -> None:
        self.write("homework/.progress.json", "{")
        self.assertIn("no homework is begun", self.call("check").stderr)
        self.check("02", status=0)

    def test_an_earlier_idea_that_is_broken_is_named(self) -> None:
        self.replace("stages/02_two/one.hpp", "return 1", "return 3")
        self.write("stages/01_one/tests/old.cpp", '#include "one.hpp"\n')
        broken = FAILS.replace("f.cpp", "stages/01_one/tests/old.cpp")
        compile_ = self.kit.compile

        def compile_earlier(source: Path, target: Path, *flags: str) -> str:
            if source.stem.startswith("earlier"):
                self.assertIn("01_one/tests/old.cpp", source.read_text())
                source = self.write("old", broken)
            return compile_(source, target, *flags)

        with patch.object(self.kit, "compile", compile_earlier):
            said = self.check()
        self.assertIn("broken: old of stage 01", said)
        self.assertNotIn("works.", said)

    def test_neither_style_nor_trace_is_a_difference(self) -> None:
        stage = """
            #include "common/trace.hpp"
            // The class.
            struct A {
              int two(int a, int b) {  // twice

                trace::instant("two");
                return twice(a,
                             b);
              }

              void trace_wait(int line) {
                int i = line;
                trace::waits(i);
              }
              int three() { return 3; }
            };
            """
        mine = """
            struct A {
                int two(int a,
                        int b)
                {
                    return twice(a, b);
                }
                /* Mine. */
                int three() { return 4; }
            };
            """
        self.write("stages/02_two/two.hpp", text_of(stage))
        self.write("homework/02/two.hpp", text_of(mine))
        said = self.call("diff").stdout
        self.assertEqual([line for line in said.splitlines()
                          if line[:1] in "+-" and line[1:]],
                         ["-  int three() { return 4; }",
                          "+  int three() { return 3; }"])
        self.assertIn("Comments, layout and what is only for a trace are left"
                      " out.\n", said)
        self.replace("homework/02/two.hpp", "return 4", "return 3")
        self.assertEqual(self.call("diff").stdout, "No difference.\n")

    def test_the_stage_is_compared(self) -> None:
        said = self.call("diff").stdout
        self.assertIn('-  not_there_yet("two");', said)
        self.assertIn("+  return 2;", said)
        self.assertNotIn("#include \"not", said)


class WhatComesFirst(HomeworkTest):
    """two.hpp has two(), which is first's, and three(), which is second's."""

    def setUp(self) -> None:
        super().setUp()
        self.write("stages/02_two/two.hpp",
                   "#include <vector>\n\nint two() {\n  return 2;\n}\n\n"
                   "int three() {\n  // It is.\n  int i = 3;\n  return i;\n}\n")
        self.write_book(text_of(BOOK) + text_of("""

            ```diff two.hpp
             }
            +
            +int three() {
            +  int i = two();
            +  return i;
            +}
            ```
            """))
        self.replace("tests/homework/02_two.md", "### Hint 3\nc",
                     "### Beats\n`return i;`")
        self.begun()

    def check(self, *words: str) -> str:
        return self.call("check", *words).stdout

    def test_next_is_the_first_in_order_whatever_it_calls(self) -> None:
        self.solve("first", MISSING.replace("two", "three"))
        self.solve("second", MISSING.replace("two", "three"))
        said = self.check()
        self.assertIn("not there yet first   three", said)
        self.assertIn("Next: first\n  Also calls three (second: 2 lines):"
                      " write that now.", said)
        self.assertIn("first, hint 1", self.call("hint").stdout)

    def test_an_idea_whose_functions_are_an_earlier_one_s_waits(self) -> None:
        self.solve("first", MISSING)
        self.solve("second", MISSING)
        said = self.check()
        self.assertIn("not there yet second  needs first first", said)
        self.assertIn("second is not there yet:\n  Needs first first: two.",
                      self.check("second"))

    def test_an_idea_that_passes_need_not_come_first(self) -> None:
        self.solve("second", MISSING)
        said = self.check()
        self.assertIn("not there yet second  two", said)
        self.assertIn("Next: second\n  Also calls two (first: 1 line):", said)

    def test_what_calls_a_function_does_not_define_it(self) -> None:
        assignment = self.assignment()
        self.assertEqual(assignment.owner("two"), "first")
        self.assertEqual(assignment.owner("three"), "second")
        self.assertEqual(assignment.owner("four"), "")


class Hints(HomeworkTest):
    def test_one_more_at_each_call(self) -> None:
        self.begun()
        self.assertIn("hint 1 of 3\n\nThink.", self.call("hint", "first").stdout)
        self.assertIn("Do.", self.call("hint", "first").stdout)
        for words in (("--yes",), ()):
            said = self.call("hint", "first", *words).stdout
            self.assertIn("two.hpp   (stages/02_two/CHAPTER.md, line 5)", said)
            self.assertIn("+   return 2;", said)
        self.assertIn("Think.", self.call("hint", "first", "--level",
                                          "1").stdout)

    def test_the_third_asks_first_and_is_not_the_code(self) -> None:
        self.begun()
        self.replace("stages/02_two/CHAPTER.md", "+  return 2;",
                     "+  const int i = twice(one());\n+  return i;")
        for words in ((), ("--level", "3")):
            said = self.call("hint", "first", "--level", "2")
            said = self.call("hint", "first", *words)
            self.assertIn("Hint 3 is nearly the code.", said.stdout)
            self.assertIn("it asks", said.stderr)
            self.assertNotIn("twice", said.stdout)
        said = self.call("hint", "first", "--yes").stdout
        self.assertIn("+   const int i = twice(...);\n+   return ...;\n", said)

    def test_asked_in_a_terminal(self) -> None:
        self.begun()
        for answer, status in (("n", 1), ("y", 0)):
            with patch.object(homework, "asked", lambda _: answer == "y"):
                said = self.call("hint", "first", "--level", "3")
            self.assertEqual(said.returncode, status)
            self.assertEqual("int two()" in said.stdout, answer == "y")

    def test_of_the_first_idea_that_does_not_pass(self) -> None:
        self.begun()
        self.solve("second", FAILS)
        self.call("check")
        self.assertIn("second, hint 1", self.call("hint").stdout)


FIRST = FAILS                   # one_off's
SECOND = FAILS.replace("first: adds up", "second: more")


class KnownMistakes(HomeworkTest):
    def setUp(self) -> None:
        super().setUp()
        one = self.read("tests/homework/02_two.wrong")
        other = one.partition("== ")[2].replace("one_off", "other").replace(
            "It counts\n  from one.", "It counts\n  twice.")
        self.write("tests/homework/02_two.wrong", f"{one}\n== {other}")
        self.fails("one_off: first", "other: first second")
        self.begun()

    def fails(self, *each: str) -> None:
        cases = {"first": "first\n  first: adds up\n",
                 "second": "second\n  second: more\n"}
        self.write("tests/homework/02_two.fails", "# A comment.\n" + "".join(
            f"\n== {one.partition(':')[0]}\n" + "".join(
                cases[idea] for idea in one.partition(":")[2].split())
            for one in each))

    def check(self, *words: str) -> str:
        return " ".join(self.call("check", *words).stdout.split())

    def test_it_is_said_when_all_that_fails_is_the_same(self) -> None:
        self.solve("first", FIRST)
        self.assertIn("This looks like a known mistake: It counts from one.",
                      self.check())
        self.solve("second", SECOND)
        self.assertIn("a known mistake: It counts twice.", self.check())

    def test_not_when_something_else_fails(self) -> None:
        self.solve("first", FIRST.replace("adds up", "counts"))
        self.assertNotIn("looks like", self.check())
        self.solve("first", PASSES)
        self.solve("second", SECOND)
        self.assertNotIn("looks like", self.check())
        self.solve("second", PASSES)
        self.assertNotIn("looks like", self.check())

    def test_of_one_idea_that_is_asked_for(self) -> None:
        self.solve("first", FIRST)
        self.solve("second", SECOND)
        self.assertIn("one of these known mistakes: - It counts from one. - It"
                      " counts twice.", self.check("first"))

    def test_what_is_not_there_yet_says_nothing(self) -> None:
        self.solve("first", FIRST)
        self.solve("second", MISSING.replace("first: adds up", "second: more"))
        self.assertIn("one of these", self.check())

    def test_not_of_many(self) -> None:
        text = self.read("tests/homework/02_two.wrong").partition("== other")
        names = [f"w{number}" for number in range(4)]
        self.write("tests/homework/02_two.wrong", "".join(
            f"== {name}{text[2]}" for name in names))
        self.fails(*(f"{name}: first" for name in names))
        self.solve("first", FIRST)
        self.assertNotIn("looks like", self.check())

    def test_recording(self) -> None:
        self.write("stages/02_two/tests/first.cpp", FIRST)
        self.write("stages/02_two/tests/second.cpp", NO_COMPILING)
        patcher = patch.object(homework, "build_ideas", lambda *_: "error")
        patcher.start()
        self.addCleanup(patcher.stop)
        said = self.good("record", "02", "other")
        self.assertIn("other fails first, second", said)
        self.assertEqual(self.read("tests/homework/02_two.fails"), text_of("""
            # Which test cases each known-wrong submission fails: written by
            # scripts/homework record.

            == one_off
            first
              first: adds up

            == other
            first
              first: adds up
            second: does not compile
            """))
        self.assertEqual(self.assignment().fails()["other"], {
            "first": ["first: adds up"], "second": None})
        self.assertEqual(self.good("record", "02", "--new"), "")
        self.good("record", "02")
        self.assertIn("second: does not compile\n\n== other",
                      self.read("tests/homework/02_two.fails"))

    def test_lint_finds_a_record_of_something_else(self) -> None:
        for idea, name in (("first", "adds up"), ("second", "more")):
            self.write(f"stages/02_two/tests/{idea}.cpp",
                       f'TEST_CASE(\n  "{idea}: "\n  "{name}") {{}}\n')
        self.assertNotIn(".fails", self.call("lint", "02").stdout)
        self.replace("stages/02_two/tests/second.cpp", "TEST_CASE(",
                     "TEST_CASE_FIXTURE(Loop,")
        self.assertNotIn(".fails", self.call("lint", "02").stdout)
        self.replace("tests/homework/02_two.wrong", "== other", "== another")
        self.replace("stages/02_two/tests/first.cpp", "adds up", "counts")
        said = self.call("lint", "02").stdout
        self.assertIn("another is not recorded: scripts/homework record 02"
                      " another", said)
        self.assertIn("there is no submission other", said)
        self.assertIn("one_off: first has no test case 'first: adds up'", said)
        self.fails("one_off: second", "another: first")
        self.assertIn("one_off fails no test case of first",
                      self.call("lint", "02").stdout)

    def test_what_never_ends_is_not_caught_by_that(self) -> None:
        self.assertTrue(homework.is_caught(grader.Outcome("crash")))
        case = grader.Case("a", "", faults=[grader.Fault("it crashed: SIG")])
        hang = grader.Outcome("hang", [case])
        self.assertFalse(homework.is_caught(hang))
        case.faults.append(grader.Fault("CHECK(a)"))
        self.assertTrue(homework.is_caught(hang))


class FakeCompiler:
    """Compiles by copying; what it copies is a shell script."""

    def __init__(self, root: Path) -> None:
        pass

    def prepare(self, tell) -> None:
        pass

    def compile(self, source: Path, folder: Path, name: str) -> Future:
        text = source.read_text()
        made: Future = Future()
        made.set_result(Object(source, source, "main.cpp:1: error: so\n",
                               "error" not in text))
        return made

    def link(self, objects: list[Object], program: Path) -> None:
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("".join(part.source.read_text()
                                   for part in objects))
        program.chmod(0o755)


class Running(HomeworkTest):
    def setUp(self) -> None:
        super().setUp()
        self.write("stages/02_two/main.cpp",
                   '#!/bin/sh\necho "$@" >"$OUT"; exit 3\n')
        self.begun()
        patcher = patch.object(homework, "Compiler", FakeCompiler)
        patcher.start()
        self.addCleanup(patcher.stop)

    def run_it(self, *words: str) -> CompletedProcess:
        with patch.object(self, "arguments", list):
            return self.call("run", *words, STAGES_ROOT=str(self.root),
                             OUT=str(self.root / "out"))

    def test_the_demos_with_one_s_own_code(self) -> None:
        self.write("homework/02/demos/a.cpp", "# a demo\n")
        self.assertEqual(self.run_it("demo", "a", "--n", "2").returncode, 3)
        self.assertEqual(self.read("out"), "demo a --n 2\n")
        program = self.read("build/homework/02/02_two")
        self.assertIn("# a demo", program)
        self.run_it("02")
        self.assertEqual(self.read("out"), "demo\n")

    def test_what_does_not_compile_is_said(self) -> None:
        self.write("homework/02/main.cpp", "an error")
        self.assertIn("homework/02/main.cpp does not compile:\n"
                      "main.cpp:1: error: so", self.run_it().stderr)

    def test_the_reference_is_not_run_in_place_of_one_s_own(self) -> None:
        for path in ("homework/06", "homework/06/", "build/06"):
            done = subprocess.run([command("run"), path, "demo", "spinner"],
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (1, ""), path)
            self.assertIn(f"{path} is no stage; your own code: scripts/homework"
                          " run" if path.startswith("homework") else
                          f"there is no stage {path}; there are: 01_gen",
                          done.stderr)


class Derived(unittest.TestCase):
    """skeletons on small headers."""

    def derived(self, old: str, new: str, words: dict | None = None) -> str:
        piece = skeletons.Deriving("a.hpp", text_of(new), text_of(old),
                                     words or {})
        piece.change_bodies(skeletons.gone_between(
            {"a.hpp": text_of(old)}, {"a.hpp": text_of(new)}))
        skeletons.leave_out({"a.hpp": piece}, {})
        return piece.result()

    def test_the_former_body_of_what_grew(self) -> None:
        old = "int a() {\n  return 1;\n}\n"
        new = "int a() {\n  b();\n  return 1;\n}\nvoid b() {\n  a();\n}\n"
        self.assertEqual(self.derived(old, new), old + text_of("""
            void b() {
              not_there_yet("b");
            }
            """))

    def test_no_former_body_that_uses_what_is_gone(self) -> None:
        old = "struct Can {\n};\nvoid a() {\n  Can();\n}\n"
        new = "void a() {\n  b();\n}\n"
        self.assertIn('not_there_yet("a")', self.derived(old, new))

    def test_what_only_traces_is_given(self) -> None:
        new = text_of("""
            struct A {
              void trace_wait(int line) {
                int i = line;
                trace::waits(this, i);
              }
              int line() {
                // It costs time.
                return trace::on ? find() : 0;
              }
              void step() {
                trace::done(this);
                end();
              }
            };
            """)
        self.assertEqual(self.derived("", new), new.replace(
            "trace::done(this);\n    end();", 'not_there_yet("A::step");'))

    def test_constructors_destructors_and_what_is_not_public(self) -> None:
        self.assertEqual(self.derived("", """
            class A : public B {
             public:
              explicit A(int a) : B{a}, a_(a) {}
              ~A() { close(); }
              A(const A&) = delete;

              // It explains.
              int get() const { return help(a_); }

             private:
              /// Helps.
              int help(int a) const {
                return a;
              }

              int a_;
              int b_ = 0;
            };
            """), text_of("""
            class A : public B {
             public:
              explicit A(int a) : B{a}, a_(a) {}
              ~A() {}
              A(const A&) = delete;

              // It explains.
              int get() const {
                not_there_yet("A::get");
              }

             private:

              int a_;
            };
            """))

    def test_a_word_of_the_exceptions(self) -> None:
        new = "template <class T>\nauto a(T t) {\n  return b(t);\n}\n"
        self.assertIn("return 1;", self.derived("", new, {"a": "auto 1"}))
        self.assertEqual(self.derived("", new, {"a": "keep"}), new)
        with self.assertRaisesRegex(Problem, "a.hpp has no b"):
            self.derived("", new, {"b": "keep"})

    def test_no_braces_of_strings_and_initialisers(self) -> None:
        new = ('int x{1};\nenum class E { a };\nconst char* s = "{";\n'
               "auto f = [](int i) { return i; };\n"
               "std::function<void()> g(int i) {\n  return {};\n}\n")
        self.assertEqual(self.derived("", new), new.replace(
            "return {};", 'not_there_yet("g");'))


class Outlined(unittest.TestCase):
    """Nearly the code."""

    def outline(self, code: str, expected: str) -> None:
        self.assertEqual("\n".join(outlined(text_of(code).split("\n"))),
                         text_of(expected))

    def test_arguments_and_values(self) -> None:
        self.outline("""
            const auto task = std::make_shared<T>(std::move(a), (b));
            if (!waits_for() || !waits_for()->cancel(text)) {
              must_ = other;
              gone_ = true;
            }
            task.add_callback([&] {
              end();
            });
            co_return value;
            """, """
            const auto task = std::make_shared<T>(...);
            if (!waits_for() || !waits_for()->cancel(...)) {
              must_ = ...;
              gone_ = true;
            }
            task.add_callback(...);
            co_return ...;
            """)

    def test_declarations_stay(self) -> None:
        code = """
            // It is (so).
            class A : public B {
             public:
              using Call = std::function<void(int)>;
              explicit A(int a) : a_(0) {}
              virtual void f(int a) const = 0;
              int a_ = 0;
            };
            """
        self.outline(code, code)

    def test_what_is_closed_in_another_beat(self) -> None:
        self.outline("\nf([&](int a) {\n  g(a);\n",
                     "\nf([&](int a) {\n  g(...);\n")


class Shortening(unittest.TestCase):
    """Of what g++ and clang say only the learner's line is left."""

    CODE, TESTS = Path("/h/04"), Path("/h/04/tests")

    def shorten(self, text: str) -> list[grader.Complaint]:
        return grader.shorten(text_of(text), self.CODE, self.TESTS)

    def test_in_a_system_header(self) -> None:
        (one,) = self.shorten("""
            In file included from /usr/include/c++/12/memory:66,
                             from /h/04/event_loop.hpp:9:
            /usr/include/c++/12/bits/x.h: In instantiation of 'void f(T) [with T = int]':
            /h/04/event_loop.hpp:120:24:   required from here
            /usr/include/c++/12/bits/x.h:95:3: error: no match for 'operator<'
               95 |   a < b
            """)
        self.assertEqual((one.file, one.line, one.message),
                         ("event_loop.hpp", 120, "no match for 'operator<'"))

    def test_clang_says_afterwards_where_it_comes_from(self) -> None:
        (one,) = self.shorten("""
            /usr/include/c++/12/bits/x.h:95:3: error: no match
              a < b
            /h/04/event_loop.hpp:120:24: note: in instantiation of f<int>
            1 error generated.
            """)
        self.assertEqual((one.file, one.line), ("event_loop.hpp", 120))

    def test_own_errors_hide_those_of_the_tests(self) -> None:
        (one,) = self.shorten("""
            /h/04/event_loop.hpp:1:2: error: expected ';' before '}' token
            /h/04/tests/time.cpp:9:2: error: 'class EventLoop' has no member named 'time'
            """)
        self.assertEqual(one.file, "event_loop.hpp")

    def test_long_lists_only_where_they_begin_to_differ(self) -> None:
        one = ", ".join(str(i) for i in range(200))
        self.assertEqual(
            grader.brief(f"[{one}] == [{one.replace('100', 'x')}]"),
            "[..., 98, 99, 100, 101, 102, 103, 104, ...] (200) =="
            " [..., 98, 99, x, 101, 102, 103, 104, ...] (200)")
        self.assertEqual(grader.brief("[1] == [2]"), "[1] == [2]")

    def test_what_is_missing(self) -> None:
        for message, name in (
                ("'class asyncio::EventLoop' has no member named 'time'",
                 "time"),
                ("no member named 'time' in 'asyncio::EventLoop'", "time"),
                ("'sleep' was not declared in this scope", "sleep"),
                ("use of undeclared identifier 'sleep'", "sleep"),
                ("futures.hpp: No such file or directory", "futures.hpp"),
                ("expected ';'", "")):
            (one,) = self.shorten(f"/h/04/tests/a.cpp:3:1: error: {message}\n")
            self.assertTrue(one.of_tests)
            self.assertEqual(one.missing, name)


if __name__ == "__main__":
    unittest.main()
