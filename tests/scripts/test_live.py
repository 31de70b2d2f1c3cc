# ctest: timeout=240
"""scripts/live: beats applied, typed, rescued; the files stay the book's."""
from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

from fixture import SCRIPTS, ProjectTest, text_of
from lib import live
from lib.book import read_book
from lib.compiler import Compiler
from lib.stages import find_stages, lesson_lines
from lib.typed import same_files

ROOT = SCRIPTS.parent
MAIN = text_of("""
    #include "a.hpp"

    int main()
    {
        run_all();
    }
    """)
ONE = text_of("""
    #include "common/command_line.hpp"

    inline int one()
    {
        return 1;
    }
    """)
TWO = text_of("""
    #include "common/command_line.hpp"

    /// The first.
    inline int one()
    {
        return 1;
    }

    /// The second.
    inline int two(int offset)
    {
        trace::note(offset);
        return 2 + offset;
    }
    """)
FIRST = text_of("""
    # Chapter 01: The first

    ```diff a.hpp compiles
    +#include "common/command_line.hpp"
    +
    +inline int one()
    +{
    +    return 1;
    +}
    ```

    ```diff main.cpp compiles shows
    +#include "a.hpp"
    +
    +int main()
    +{
    +    run_all();
    +}
    ```

    ```console
    $ ./scripts/run 01 demo old
    old
    ```
    """)
SECOND = text_of("""
    # Chapter 02: The second

    Before the heading.

    ## A second function

    Why there is a second one.

    ```diff a.hpp
         return 1;
     }
    +
    +inline int two()
    +{
    +    return offset;
    +}
    ```

    It needs an offset.

    ```diff a.hpp compiles shows
     inline int two()
     {
    -    return offset;
    +    return 2;
     }
    ```

    What is here now.

    Both are there,
    side by side:

    ```console
    $ ./scripts/run 02 demo pair 2> /dev/null
    1 2
    ```

    Any offset.

    ```diff a.hpp compiles
    -inline int two()
    +inline int two(int offset)
     {
    -    return 2;
    +    return 2 + offset;
     }
    ```
    """)
PROGRAMS = text_of("""
    #include <cstdio>
    template <class T>
    struct Demo {
      Demo(const char*, const char*, void (*run)()) { run(); }
    };
    inline void run_all() {}
    namespace trace { inline void note(int) {} }
    """)
DEMO = text_of("""
    #include "a.hpp"

    static void show()
    {
        std::printf("%s\\n", SHOWN);
    }

    static const Demo<void()> demo{
        "NAME", "what it shows", show};
    """)


class LiveTest(ProjectTest):
    tool = live

    def setUp(self) -> None:
        super().setUp()
        self.write("common/command_line.hpp", PROGRAMS)
        self.stage("01_one", a_hpp=ONE, main_cpp=MAIN)
        self.stage("02_two", a_hpp=TWO, main_cpp=MAIN)
        self.write("WALKTHROUGH.md", "# The book\n")
        self.write("stages/01_one/CHAPTER.md", FIRST)
        self.write("stages/02_two/CHAPTER.md", SECOND)
        self.demo("01_one", "old", '"old"')
        self.demo("02_two", "pair", 'two() == 2 ? "1 2" : "?"')

    def demo(self, stage: str, name: str, shown: str) -> None:
        self.write(f"stages/{stage}/demos/{name}.cpp",
                   DEMO.replace("NAME", name).replace(
                       '"%s\\n", SHOWN', f'"%s\\n", {shown}'))

    def arguments(self, arguments: tuple[str, ...]) -> list[str]:
        return ["--root", str(self.root), *arguments]

    def live(self, *words: str) -> str:
        return self.good("02", *words)

    def refused(self, *words: str) -> str:
        """What it prints when it does nothing."""
        done = self.call("02", *words)
        self.assertEqual((done.stderr, done.returncode), ("", 1))
        return done.stdout

    def typed(self, old: str, new: str, file: str = "a.hpp") -> None:
        self.replace(f"build/live/02/{file}", old, new)

    def work(self) -> str:
        return self.read("build/live/02/a.hpp")

    def beat(self) -> int:
        return json.loads(self.read("build/live/02/.live.json"))["beat"]

    def kept(self, number: int) -> str:
        return self.read(f"build/live/02/kept/{number}/a.hpp")


class Beats(LiveTest):
    def test_begins_as_the_stage_before(self):
        out = self.live("status")
        self.assertIn("holds stage 01_one", out)
        self.assertIn("before beat 1 of 3", out)
        self.assertEqual(self.work(), ONE)
        self.assertEqual(self.read("build/live/02/main.cpp"), MAIN)

    def test_the_first_chapter_begins_with_nothing(self):
        self.assertIn("no code at all", self.good("01", "status"))
        self.good("1", "next")
        self.assertEqual(self.read("build/live/01/a.hpp"), ONE)

    def test_shows_the_beat_and_its_note(self):
        out = self.live("show")
        self.assertIn("beat 1 of 3: a.hpp, line 7", out)
        self.assertIn("does not compile yet", out)
        self.assertIn("A second function", out)
        self.assertIn("Why there is a second one.", out)
        self.assertNotIn("Before the heading", out)
        self.assertIn("+inline int two()", out)
        self.assertIn("shows something new", self.live("show", "2"))
        self.assertIn("It needs an offset.", self.live("show", "2"))

    def test_the_note_is_as_wide_as_the_terminal(self):
        self.replace("stages/02_two/CHAPTER.md", "Why there is a second one.", text_of("""
            Why there is a second one
            is told in two lines.

            - one
              thing
            - another"""))
        self.assertIn("A second function\n\nWhy there is a second one is told"
                      " in two lines.\n\n- one thing\n- another\n",
                      self.live("show"))

    def test_next_applies(self):
        out = self.live("next")
        self.assertIn("In: beat 1.", out)
        self.assertIn("beat 2 of 3", out)
        self.assertIn("return offset;", self.work())
        self.assertIn("`run pair` shows something new:\n", self.live("next"))

    def test_pictures_and_folds_are_not_shown(self):
        self.replace("stages/02_two/CHAPTER.md", "Why there is a second one.",
                     text_of("""
            ![A picture
            of it](../a.svg)

            <details><summary>How many?</summary>

            Two.

            </details>"""))
        self.assertIn("A second function\n\nHow many?\n\nTwo.\n\n",
                      self.live("show"))

    def test_what_there_is_to_expect(self):
        out = self.live("next")
        self.assertIn("In: beat 1. The code does not compile after beat 1, and"
                      " need not; it does after beat 2.", out)
        self.assertIn("\nThen `run pair` has something to show.\n", out)
        out = self.live("next")
        self.assertIn("In: beat 2. It compiles.\n`run pair` shows something"
                      " new:\nBoth are there, side by side:\n"
                      "  $ ./scripts/run 02 demo pair 2> /dev/null\n"
                      "  1 2\n\nbeat 3", out)
        self.assertNotIn("Then", out)
        self.assertEqual(out.count("side by side"), 1)
        self.assertIn("(compiles)\nAny offset.\n", out)
        self.assertIn("Both are there, side by side:\n\nAny offset.",
                      self.live("note"))
        self.live("goto", "1")
        self.assertIn("Something new to see: after beat 2",
                      self.live("status"))
        self.live("goto", "2")
        self.assertNotIn("shows something new", self.live("next"))

    def test_nothing_to_see_before_a_later_beat(self):
        self.replace("stages/02_two/CHAPTER.md", "```diff a.hpp\n     return",
                     "```diff a.hpp compiles\n     return")
        self.assertIn("It compiles.\nNothing new to see before beat 2.\n",
                      self.live("next"))

    def test_comments_and_hooks_come_with_their_lines(self):
        self.live("next")
        self.assertEqual(self.work().count("///"), 1)
        self.live("next")
        self.assertNotIn("trace", self.work())
        out = self.live("next")
        self.assertIn("In: beat 3. It compiles.", out)
        self.assertIn("this is 02_two", out)
        self.assertEqual(self.work(), TWO)
        self.assertEqual(self.beat(), 3)
        self.assertIn("this is 02_two", self.live("next"))

    def test_a_place_is_that_in_the_file_with_its_comments(self):
        self.live("goto", "2")
        self.assertRegex(self.work(), r"\A([^\n]*\n){8}inline int two")
        self.assertIn("beat 3 of 3: a.hpp, line 9 ", self.live("show"))

    def test_goto_and_back(self):
        self.live("goto", "last")
        self.assertEqual(self.work(), TWO)
        out = self.live("back")
        self.assertIn("Taken back: beat 3 (a.hpp, +2 -2).\n\nbeat 3 of 3",
                      out)
        self.assertEqual(self.beat(), 2)
        self.live("back")
        self.assertEqual(self.beat(), 1)
        self.live("back")
        self.assertEqual(self.work(), ONE)
        self.assertIn("this is the beginning", self.bad("02", "back"))

    def test_back_takes_what_is_typed_too(self):
        self.live("goto", "2")
        self.typed("return 2;", "return 3;")
        self.assertIn("Taken back: what was typed after beat 2 and beat 2"
                      " (a.hpp, +1 -1).", self.live("back"))
        self.live("goto", "0")
        self.typed("return 1;", "return 3;")
        self.assertIn("Taken back: what was typed.\n", self.live("back"))
        self.assertEqual(self.work(), ONE)

    def test_a_beat_that_is_none(self):
        for word in ("4", "x", "-1"):
            self.assertIn("a number from 0 to 3", self.bad("02", "goto", word))
        self.assertIn("a number from 0", self.bad("02", "goto"))
        self.assertIn("too much", self.bad("02", "next", "2"))
        self.assertIn("no stage 3", self.bad("3", "next"))
        self.assertEqual(self.call("02", "jump").returncode, 2)

    def test_lists_the_chapters(self):
        self.live("goto", "2")
        out = self.good()
        self.assertRegex(out, r"01_one +2 beats\n")
        self.assertRegex(out, r"02_two +3 beats  after beat 2 of 3")

    def test_a_file_that_the_book_does_not_have(self):
        self.live("goto", "1")
        self.write("build/live/02/extra.hpp", "int x;\n")
        self.assertIn("extra.hpp: the book has no such file",
                      self.refused("next"))
        self.live("rescue")
        self.assertFalse((self.root / "build/live/02/extra.hpp").exists())
        self.assertEqual(self.read("build/live/02/kept/1/extra.hpp"),
                         "int x;\n")

    def test_what_is_in_the_folder_already_is_kept(self):
        self.write("build/live/02/a.hpp", "mine\n")
        self.assertIn("kept/1", self.live("status"))
        self.assertEqual(self.kept(1), "mine\n")

    def test_a_record_that_is_damaged(self):
        self.live("next")
        self.write("build/live/02/.live.json", "{")
        self.assertIn("remove it", self.bad("02", "next"))


class Typing(LiveTest):
    RIGHT = "return 1;\n}\n\ninline int two()\n{\n    return offset;\n}\n"
    OTHER_SPACE = "return 1;\n}\ninline int two( ) {\n  return\noffset ; }\n"
    WRONG = "return 1;\n}\n\ninline int two()\n{\n    return offset + 1;\n}\n"

    def type(self, text: str) -> None:
        self.live("status")
        self.typed("return 1;\n}\n", text)

    def test_typed_as_in_the_book(self):
        self.type(self.RIGHT)
        self.assertIn("Right: beat 1 as in the book. The code does not compile"
                      " after beat 1, and need not; it does after beat 2."
                      " `next` moves on.", self.live("check"))
        out = self.live("next")
        self.assertIn("Typed as in the book: beat 1.", out)
        self.assertEqual(self.beat(), 1)

    def test_white_space_does_not_count(self):
        self.type(self.OTHER_SPACE)
        self.live("next")
        self.assertEqual(self.beat(), 1)
        self.assertIn("    return offset;\n", self.work())

    def test_two_words_are_not_one(self):
        self.type(self.RIGHT.replace("return offset", "returnoffset"))
        self.refused("next")

    def test_two_beats_typed_at_once(self):
        self.type(self.RIGHT.replace("offset", "2"))
        self.assertIn("Right: beats 1 to 2", self.live("check"))
        self.assertIn("`run pair` shows something new", self.live("next"))
        self.assertEqual(self.beat(), 2)

    def test_typed_wrong(self):
        self.type(self.WRONG)
        before = self.work()
        for verb in ("check", "next"):
            out = self.refused(verb)
            self.assertIn("a.hpp line 10:", out)
            self.assertRegex(out, r"yours: +return offset \+ 1;")
            self.assertRegex(out, r"book: +return offset;")
        self.assertEqual(self.work(), before)
        self.assertEqual(self.beat(), 0)
        self.assertIn("not the next beat", self.live("status"))

    def test_all_faults_are_shown(self):
        self.type("return 7;\n}\n\ninline int two()\n{\n"
                  "    return offset + 1;\n}\n")
        out = self.refused("check")
        for number, mine, book in ((5, "return 7;", "return 1;"),
                                   (10, "return offset + 1;",
                                    "return offset;")):
            self.assertRegex(out, rf"a.hpp line {number}:\n"
                             rf" +yours: +{re.escape(mine)}\n"
                             rf" +the book: {re.escape(book)}\n")
        self.assertNotIn("more place", out)

    def test_of_many_faults_the_first_three(self):
        self.type("return 7;\n}\n\ninline long duo()\n(\n"
                  "    yield offset;\n)\n")
        out = self.refused("check")
        self.assertEqual(out.count("the book: "), 3)
        self.assertIn("\n  and 1 more place\n", out)

    def test_comments_do_not_count(self):
        self.type(self.RIGHT.replace("return offset;", "return offset; // so\n"
                                     "    trace::note(1);")
                  .replace("inline int two", "// Mine.\ninline int two"))
        self.typed("inline int one()", "/* One. */\ninline int one()")
        self.assertIn("Right: beat 1", self.live("check"))
        out = self.live("next")
        self.assertIn("Typed as in the book: beat 1.", out)
        self.assertIn("kept/1", out)
        for line in ("// Mine.", "// so", "/* One. */", "trace::note(1);"):
            self.assertIn(line, self.kept(1))
            self.assertNotIn(line, self.work())
        self.live("goto", "last")
        self.typed("    trace::note(offset);\n", "")
        self.typed("/// The first.\n", "")
        self.assertIn("Nothing is typed since", self.live("check"))
        self.live("back")
        self.assertEqual(list((self.root / "build/live/02/kept").iterdir()),
                         [self.root / "build/live/02/kept/1"])

    def test_a_line_is_that_of_the_file_with_its_comments(self):
        self.type(self.WRONG)
        self.typed("#include", "// Mine.\n//\n#include")
        self.assertIn("a.hpp line 12:\n", self.refused("check"))

    def test_a_sign_is_missing(self):
        self.type(self.RIGHT.replace("return offset;", "return offset"))
        self.assertIn("  a.hpp line 10: `;` is missing\n"
                      "    yours:    return offset\n"
                      "    the book: return offset;\n", self.refused("check"))
        self.typed("return offset\n}", "return offset;\n")
        self.assertIn("  a.hpp after line 10: `}` is missing\n",
                      self.refused("check"))
        self.typed("return offset;\n", "return offset;;\n}")
        self.assertIn("  a.hpp line 10:\n    yours:    return offset;;\n"
                      "    the book: return offset;\n", self.refused("check"))

    def test_half_of_it_is_typed(self):
        self.type("return 1;\n}\n\ninline int two()\n{\n")
        self.assertIn("the book: return offset;", self.refused("check"))

    def test_a_fault_in_another_file(self):
        self.type(self.RIGHT)
        self.typed("run_all", "run_al", "main.cpp")
        out = self.refused("next")
        self.assertIn("main.cpp line 5", out)
        self.assertNotIn("a.hpp line", out)

    def test_a_fault_elsewhere_and_nothing_typed(self):
        self.live("status")
        self.typed("run_all", "run_al", "main.cpp")
        out = self.refused("check")
        self.assertIn("Nothing is typed yet, but stage 01_one has changed",
                      out)
        self.assertNotIn("a.hpp", out)
        self.assertIn("main.cpp line 5", out)
        self.assertIn("Changed: what was in already", self.live("status"))

    def test_a_slip_in_a_beat_that_is_in(self):
        for number, old, said in ((1, "return offset", "beat 1 has changed"),
                                  (2, "return 2", "but beat 2, or what was in")):
            self.live("goto", f"{number}")
            right = self.work()
            self.typed("return 1", "return one")
            for verb in ("check", "next"):
                out = self.refused(verb)
                self.assertIn(said, out)
                self.assertRegex(out, r"a.hpp line 6:\n +yours: +return one;"
                                      r"\n +the book: return 1;")
                self.assertNotIn("This is not beat", out)
            self.assertIn(f"as after beat {number} again", out)
            out = self.live("rescue")
            self.assertIn(f"kept/{number}", out)
            self.assertEqual(self.beat(), number)
            self.assertEqual(self.work(), right)
            # A line that the next beat changes may be that beat, typed wrong.
            self.typed(old, "return zwei")
            self.assertIn(f"This is not beat {number + 1}",
                          self.refused("check"))
            self.typed("return zwei", old)

    def test_a_slip_beside_what_is_typed_of_the_next_beat(self):
        self.type(self.RIGHT.replace("return 1;", "return one;"))
        out = self.refused("check")
        self.assertIn("This is not beat 1", out)
        self.assertIn("yours:    return one;", out)

    def test_a_slip_after_the_last_beat(self):
        self.live("goto", "last")
        self.typed("2 + offset", "3 + offset")
        self.assertIn("beat 3, or what was in before it, has changed",
                      self.refused("check"))
        self.live("rescue")
        self.assertEqual(self.work(), TWO)
        self.assertEqual(self.beat(), 3)

    def test_a_file_is_gone(self):
        self.type(self.RIGHT)
        (self.root / "build/live/02/main.cpp").unlink()
        self.assertIn("main.cpp: is not there", self.refused("check"))
        self.live("rescue")
        self.assertEqual(self.read("build/live/02/main.cpp"), MAIN)

    def test_rescue(self):
        self.type(self.WRONG)
        before = self.work()
        out = self.live("rescue")
        self.assertIn("kept in", out)
        self.assertIn("kept/1", out)
        self.assertEqual(self.kept(1), before)
        self.assertEqual(self.beat(), 1)
        self.assertNotIn("+ 1", self.work())
        self.assertIn("Kept aside", self.live("status"))
        self.typed("offset", "wrong")
        self.live("rescue")
        self.assertIn("return wrong;", self.kept(2))
        self.assertEqual(self.kept(1), before)

    def test_rescue_with_nothing_typed(self):
        self.live("next")
        before = self.work()
        self.assertIn("Nothing is typed", self.live("rescue"))
        self.assertEqual(self.work(), before)
        self.assertFalse((self.root / "build/live/02/kept").exists())

    def test_goto_back_and_restart_keep_what_was_typed(self):
        for number, words in enumerate(
                (("goto", "1"), ("goto", "0"), ("back",), ("restart",)),
                start=1):
            self.live("goto", "1")
            self.typed("offset", f"wrong_{number}")
            self.assertIn(f"kept/{number}", self.live(*words))
            self.assertIn(f"wrong_{number}", self.kept(number))
            self.assertNotIn("wrong", self.work())

    def test_nothing_is_kept_when_nothing_is_lost(self):
        self.type(self.RIGHT)
        self.live("goto", "0")
        self.assertFalse((self.root / "build/live/02/kept").exists())


class Asking(LiveTest):
    def ask(self, *lines: str) -> str:
        done = self.call("02", stdin="".join(line + "\n" for line in lines))
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        return done.stdout

    def setUp(self) -> None:
        super().setUp()
        # No compiler: the prompt is there without it.
        prepare = patch("lib.live.Compiler.prepare",
                        side_effect=live.Problem("none"))
        prepare.start()
        self.addCleanup(prepare.stop)

    def test_verbs_at_the_prompt(self):
        out = self.ask("next", "ne", "status", "quit")
        self.assertIn("02 2/3", out)
        self.assertIn("after beat 2 of 3", out)
        self.assertEqual(self.beat(), 2)

    def test_the_end_of_the_input_leaves(self):
        self.assertIn("goes on from here", self.ask("next"))
        self.assertEqual(self.beat(), 1)

    def test_both_ways_mix(self):
        self.live("next")
        self.assertIn("02_two, after beat 1", self.ask("next"))
        self.assertIn("after beat 2", self.live("status"))

    def test_another_terminal_moves_on_meanwhile(self):
        stages = find_stages(self.root)
        chapter = live.Chapter(read_book(self.root), stages, stages[1])

        def lines(_: str):
            other = live.Session(self.root, chapter)
            other.load()
            if other.beat:
                raise EOFError
            other.put(1)
            return "next"
        with patch("builtins.input", lines):
            self.call("02")
        self.assertEqual(self.beat(), 2)

    def test_an_empty_line_shows_the_beat_again(self):
        self.assertEqual(self.ask("", "").count("beat 1 of 3: "), 3)
        self.assertEqual(self.beat(), 0)

    def test_mistakes_do_not_end_it(self):
        out = self.ask("jump", "goto 99", "goto 'x", "show 1 2", "next")
        self.assertIn("there is no verb jump", out)
        self.assertIn("a number from 0 to 3", out)
        self.assertEqual(self.beat(), 1)

    def test_a_letter_that_may_be_several(self):
        out = self.ask("n", "r", "re", "c")
        self.assertIn("live: n may be next or note\n", out)
        self.assertIn("live: r may be run, rescue or restart\n", out)
        self.assertIn("live: re may be rescue or restart\n", out)
        self.assertIn("Nothing is typed yet", out)
        self.assertEqual(self.beat(), 0)

    def test_a_fault_of_its_own_does_not_end_it(self):
        with patch("lib.live.check", side_effect=IndexError("no")):
            out = self.ask("check", "next")
        self.assertIn("live: check failed", out)
        self.assertEqual(self.beat(), 1)

    def test_help(self):
        out = self.ask("help")
        for verb in (*live.VERBS, "quit"):
            self.assertIn(f"  {verb} ", out)


def has_tools() -> bool:
    return bool(shutil.which("c++") and shutil.which("ar"))


@unittest.skipUnless(has_tools(), "no c++ and ar")
class Building(LiveTest):
    """With a common/ that is three lines, so that it takes no time."""

    def setUp(self) -> None:
        super().setUp()
        build = self.root / "out"
        (build / "common").mkdir(parents=True)
        (build / "bin").mkdir()
        self.write("out/common/nothing.cpp", "int nothing;\n")
        subprocess.run(["c++", "-c", "nothing.cpp"], check=True,
                       cwd=build / "common")
        subprocess.run(["ar", "rcs", "libcommon.a", "nothing.o"], check=True,
                       cwd=build / "common")
        environment = patch.dict(os.environ, BUILD_BIN=str(build / "bin"))
        environment.start()
        self.addCleanup(environment.stop)

    def test_builds_what_there_is_to_see(self):
        out = self.live("build")
        self.assertIn("demo old", out)
        self.assertIn("as stage 01_one has it", out)
        self.live("next")
        out = self.refused("run")
        self.assertIn("does not compile after beat 1, and need not;"
                      " it does after beat 2.", out)
        self.live("next")
        self.assertIn("demo pair", self.live("build"))
        self.assertEqual(self.program(), "1 2\n")

    def test_the_whole_stage_compiles(self):
        """Though its last beat does not say so."""
        path = "stages/02_two/CHAPTER.md"
        head, last, tail = self.read(path).rpartition("```diff")
        line, _, rest = tail.partition("\n")
        self.write(path, head + last + line.replace(" compiles", "") + "\n"
                   + rest)
        self.live("goto", "last")
        self.assertIn("It compiles.", self.live("status"))
        self.assertIn("demo old", self.live("build"))

    def program(self) -> str:
        return subprocess.run([self.root / "build/live/02/program"],
                              capture_output=True, text=True).stdout

    def test_a_demo_that_needs_what_comes_later(self):
        out = self.refused("run", "pair")
        self.assertIn("demo pair needs what is typed after beat 0;"
                      " the book runs it after beat 2", out)
        self.assertIn("there is no demo x; there are: old, pair",
                      self.bad("02", "run", "x"))

    def test_what_the_book_runs_here_does_not_build(self):
        self.live("goto", "2")
        self.demo("02_two", "pair", 'three() == 2 ? "1 2" : "?"')
        self.live("restart")
        self.live("goto", "2")
        out = self.live("build")
        self.assertIn("demo pair does not build with what is typed so far.\n",
                      out)
        self.assertIn("$ demo old", out)
        self.assertIn("demo pair needs what is typed after beat 2.\n",
                      self.refused("run", "pair"))

    def test_an_error_is_told_with_its_place(self):
        self.live("goto", "2")
        self.typed("return 2;", "return zwei;")
        out = self.refused("run")
        self.assertRegex(out, r"a\.hpp:11:\d+: error: .*zwei")
        self.assertNotIn(str(self.root), out)

    def test_a_demo_that_is_gone_meanwhile(self):
        def gone(wanted, _):
            made = [future.result() for future in wanted]
            (self.root / "build/live/02/demos/pair.cpp").unlink()
            return made
        with patch("lib.live.made_by", gone):
            self.assertIn("demo pair needs what is typed after beat 0",
                          self.refused("run", "pair"))

    def test_which_demos_build(self):
        out = self.live("demos")
        self.assertIn("  demo  pair  not yet; the book runs it after beat 2:"
                      " what it shows\n", out)
        self.assertIn("also, as stage 01_one has them: old\n", out)
        self.live("next")
        out = self.live("demos")
        self.assertIn("does not compile after beat 1", out)
        self.assertIn("  demo  pair  what it shows\n", out)
        self.live("next")
        self.assertIn("  demo  pair  builds now: what it shows\n",
                      self.live("demos"))
        self.typed("return 2;", "return zwei;")
        self.assertIn("does not compile as it is", self.live("demos"))

    def test_whether_what_is_typed_compiles(self):
        self.live("goto", "2")
        self.typed("return 2;", "return 3;")
        for verb in ("check", "next"):
            self.assertIn("It compiles as it is.", self.refused(verb))
        self.typed("return 3;", "return drei;")
        for verb in ("check", "next"):
            self.assertRegex(self.refused(verb), r"It does not compile:\n"
                             r"a\.hpp:11:\d+: error: .*drei")
        self.typed("return drei;", "return 2;")
        self.write("build/live/02/extra.hpp", "int x = y;\n")
        self.assertRegex(self.refused("check"), r"extra\.hpp:1:\d+: error: ")
        self.live("rescue")
        self.live("goto", "0")
        self.typed("return 1;", "return 1;\n}\ninline int two() {")
        self.assertIn("does not compile after beat 1, and need not",
                      self.refused("check"))

    def test_a_missing_sign_is_told_by_run_too(self):
        self.live("goto", "2")
        self.typed("return 2;", "return 2")
        self.assertIn("a.hpp line 11: `;` is missing\n", self.refused("run"))

    def test_an_error_in_what_was_in_already_is_not_expected(self):
        self.live("goto", "0")
        self.typed("return 1;", "return eins;")
        out = self.refused("run")
        self.assertRegex(out, r"error: .*eins")
        self.assertNotIn("need not", out)
        self.assertIn("what was in already has changed", out)
        self.typed("return eins;\n}\n", "return 1;\n}\nint two() { return x; }\n")
        self.assertIn("does not compile after beat 1, and need not",
                      self.refused("run"))

    def test_only_what_changed_is_compiled(self):
        self.live("goto", "2")
        self.live("build")
        objects = self.root / "build/live/objects"
        before = {path.name for path in objects.glob("*.o")}
        self.live("build")
        self.assertEqual({path.name for path in objects.glob("*.o")}, before)
        self.typed("return 2;", "return 1 + 1;")
        self.live("build")
        self.assertEqual(len(list(objects.glob("*.o"))), 2 * len(before))


def has_compiler() -> bool:
    return has_tools() and Compiler(ROOT).is_near()


class Real(unittest.TestCase):
    """The book and the stages themselves; nothing is compiled."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.live = live
        cls.stages = find_stages(ROOT)
        cls.book = read_book(ROOT)

    def session(self, stage):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        chapter = self.live.Chapter(self.book, self.stages, stage)
        return self.live.Session(Path(folder.name), chapter)

    def perform(self, session, *words: str) -> int:
        with redirect_stdout(io.StringIO()):
            return self.live.perform(session, words[0], list(words[1:]))

    def test_the_last_beat_gives_the_stage(self):
        for stage in self.stages:
            with self.subTest(stage.name):
                session = self.session(stage)
                self.perform(session, "goto", "0")
                self.assertEqual(session.work(), session.chapter.start)
                self.perform(session, "goto", "last")
                self.assertEqual(session.work(), lesson_lines(stage))

    def test_what_is_put_in_is_what_the_book_has(self):
        """Comments and hooks change nothing."""
        for stage in self.stages:
            chapter = self.session(stage).chapter
            numbers = range(chapter.last + 1)
            if not os.environ.get("SOAK"):
                numbers = [*numbers[1::15], chapter.last]
            for number in numbers:
                with self.subTest(f"{stage.name} {number}"):
                    self.assertTrue(same_files(chapter.files(number),
                                               chapter.states[number]))

    def test_next_by_next_from_03_to_04(self):
        stage = next(stage for stage in self.stages if stage.number == "04")
        session = self.session(stage)
        self.perform(session, "goto", "0")
        for number in range(session.chapter.last):
            self.assertEqual(session.beat, number)
            self.assertTrue(session.untouched())
            self.assertEqual(self.perform(session, "next"), 0)
        self.assertEqual(session.work(), lesson_lines(stage))

    def test_each_beat_has_a_place(self):
        for stage in self.stages:
            chapter = self.session(stage).chapter
            for beat in chapter.beats[::1 if os.environ.get("SOAK") else 5]:
                place = self.live.place_in_file(chapter, beat)
                self.assertRegex(place, r"line [1-9]|a new file", beat.where)

    @unittest.skipUnless(has_compiler(), "no common/ is built")
    def test_what_compiles_does_with_comments_and_hooks(self):
        """A few; the book's own check takes all of them."""
        for stage in self.stages if os.environ.get("SOAK") else (
                self.stages[2:6:3]):
            session = self.session(stage)
            session.compiler = self.live.Compiler(ROOT)
            numbers = [number for number in range(1, session.chapter.last + 1)
                       if session.chapter.compiles(number)]
            for number in [numbers[len(numbers) // 2]]:
                with self.subTest(f"{stage.name} {number}"):
                    session.put(number)
                    for source in self.live.all_sources(session):
                        made = self.live.start_compiling(session, source)
                        self.assertTrue(made.result().good,
                                        made.result().output)

    def test_a_wrong_edit_on_the_way_from_03_to_04(self):
        stage = next(stage for stage in self.stages if stage.number == "04")
        session = self.session(stage)
        number = next(beat.number for beat in session.chapter.beats
                      if "call_at(Seconds when, Callback" in
                      "\n".join(beat.texts("+")))
        self.perform(session, "goto", str(number - 1))
        path = session.folder / "event_loop.hpp"
        right = "".join(line + "\n" for line
                        in session.chapter.files(number)["event_loop.hpp"])
        path.write_text(right.replace("time() + delay", "time() - delay"))
        self.assertEqual(self.perform(session, "next"), 1)
        self.assertEqual(session.beat, number - 1)
        path.write_text(right.replace(" + ", "+").replace("\n  ", "\n\t"))
        self.assertEqual(self.perform(session, "next"), 0)
        self.assertEqual(session.beat, number)
        self.assertEqual(path.read_text(), right)

    def test_what_shows_something_can_be_run(self):
        """After such a beat, `run` knows a demo of the book."""
        for stage in self.stages:
            session = self.session(stage)
            session.put_demos()
            for beat in session.chapter.beats:
                if "shows" in beat.tags:
                    session.put(beat.number)
                    self.assertTrue(self.live.choices(session, []), beat.where)

    @unittest.skipUnless(os.environ.get("SOAK"), "with SOAK=1 only")
    def test_what_shows_something_builds(self):
        for stage in self.stages:
            session = self.session(stage)
            session.compiler = self.live.Compiler(ROOT)
            session.put_demos()
            for beat in session.chapter.beats:
                if "shows" in beat.tags:
                    session.put(beat.number)
                    with self.subTest(beat.where):
                        self.assertEqual(self.perform(session, "build"), 0)


if __name__ == "__main__":
    unittest.main()
