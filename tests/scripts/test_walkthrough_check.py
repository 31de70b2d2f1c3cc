"""scripts/maintain/walkthrough check and beats."""
from __future__ import annotations

import signal
import subprocess
import time
import unittest
from unittest.mock import patch

from fixture import SCRIPTS, ProjectTest, text_of
from lib import consoles, measures, walkthrough
from lib.book import read_book
from lib.rehearsal import Rehearsal

BOOK = text_of("""
    # The book

    ## Introduction

    ```diff
    -no beat: outside of a chapter, and without a file
    ```

    ## 01_one: The first

    Some prose
    of two lines.

    ```diff a.hpp compiles
    +int one()
    +{
    +    return 1;
    +}
    ```

    Then, in a paragraph of its own,
    the second.

    ```diff a.hpp compiles shows
     }
    +
    +int two()
    +{
    +    return 2;
    +}
    ```

    ## 02_two: The second

    ```diff a.hpp
     {
    -    return 2;
    +    return 3;
     }
    ```

    ```diff main.cpp compiles
    +#include "a.hpp"
    +
    +int main()
    +{
    +}
    ```

    ## Appendix

    ```console
    $ echo appendix
    appendix
    ```
    """)
STAGE_1 = "int one()\n{\n    return 1;\n}\n\nint two()\n{\n    return 2;\n}\n"
STAGE_2 = STAGE_1.replace("return 2", "return 3")
MAIN = '#include "a.hpp"\n\nint main()\n{\n}\n'


class Walkthrough(ProjectTest):
    tool = walkthrough

    def setUp(self) -> None:
        super().setUp()
        self.stage("01_one", a_hpp=STAGE_1)
        self.stage("02_two", a_hpp=STAGE_2, main_cpp=MAIN)
        self.write_book(BOOK)

    def change(self, old: str, new: str) -> None:
        self.replace_in_book(text_of(old), text_of(new))

    def append(self, text: str) -> None:
        self.write("WALKTHROUGH.md",
                   self.read("WALKTHROUGH.md") + "\n" + text_of(text))

    def quick(self) -> str:
        return self.good("check", "--no-run", "--no-compile")

    def quick_bad(self, *chapters: str) -> str:
        return self.bad("check", "--no-run", "--no-compile", *chapters)

    def place(self, text: str) -> str:
        """The file and line of the book that begins with text."""
        return next(f"{page.name}:{number}"
                    for page in read_book(self.root).pages
                    for number, line in enumerate(page.lines, start=1)
                    if line.startswith(text))


class Beats(Walkthrough):
    def test_a_book_that_holds(self):
        out = self.good("check")
        self.assertIn("01_one: 2 beats, +9 -0", out)
        self.assertIn("02_two: 2 beats, +6 -1", out)
        self.assertIn("book: 4 beats, median 4.5, largest 5", out)

    def test_only_the_named_chapters(self):
        self.change("+    return 3;\n", "+    return 4;\n")
        self.assertIn("01_one", self.good("check", "1"))
        self.assertIn("return 4", self.quick_bad("2"))
        self.assertIn("no stage 3", self.quick_bad("3"))

    def test_context_that_matches_twice(self):
        self.change("""
             {
            -    return 2;
            +    return 3;
             }
            """, """
             {
            +    int x = 0;
            """)
        error = self.quick_bad()
        self.assertIn("stages/02_two/CHAPTER.md:5: 02_two beat 1", error)
        self.assertIn("2 places in a.hpp (lines 2 and 7)", error)

    def test_context_that_does_not_match(self):
        self.change("-    return 2;\n", "-    return 22;\n")
        error = self.quick_bad()
        self.assertIn("02_two beat 1: no match in a.hpp", error)
        self.assertIn("'    return 22;'", error)
        self.assertRegex(error, r"nearest: line (3|8) reads")

    def test_a_run_must_be_contiguous(self):
        self.change(" {\n-    return 2;\n", " int two()\n-    return 2;\n")
        self.assertIn("no match in a.hpp", self.quick_bad())

    def test_an_empty_line_is_empty_context(self):
        self.change(" {\n-    return 2;\n",
                    " }\n\n int two()\n {\n-    return 2;\n")
        self.quick()
        self.change(" }\n\n int two()\n", " }\n\n\n int two()\n")
        self.assertIn("no match", self.quick_bad())

    def test_only_added_lines_need_a_new_file(self):
        self.change("""
             }
            +
            +int two()
            """, """
            +}
            +
            +int two()
            """)
        self.assertIn("a.hpp exists already", self.quick_bad())

    def test_context_needs_a_file(self):
        self.change('+#include "a.hpp"', ' #include "a.hpp"')
        self.assertIn("main.cpp does not exist yet", self.quick_bad())

    def test_a_beat_changes_something(self):
        self.change("-    return 2;\n+    return 3;\n", "     return 2;\n")
        self.assertIn("02_two beat 1: changes nothing", self.quick_bad())

    def test_every_line_has_a_prefix(self):
        self.change("+    return 3;\n", "x    return 3;\n")
        self.assertIn(f"{self.place('x    return')}: a beat's",
                      self.quick_bad())

    def test_the_result_is_the_stage(self):
        self.stage("02_two", a_hpp=STAGE_2.replace("return 3;", "return 3; "))
        error = self.quick_bad()
        self.assertIn("stages/02_two/CHAPTER.md: after all beats a.hpp line 8",
                      error)
        self.assertIn("'    return 3; '", error)

    def test_the_result_is_the_stage_to_its_end(self):
        self.stage("02_two", a_hpp=STAGE_2 + "\n")
        self.assertIn("line 10 is nothing, the stage has ''",
                      self.quick_bad())
        self.stage("02_two", a_hpp=STAGE_2[:-1])
        self.assertIn("02_two/a.hpp: no newline at its end",
                      self.quick_bad())

    def test_a_moved_line_is_seen(self):
        self.stage("02_two", main_cpp='\n#include "a.hpp"\nint main()\n{\n}\n')
        self.assertIn("main.cpp line 1", self.quick_bad())

    def test_a_changed_indentation_is_seen(self):
        self.stage("02_two", a_hpp=STAGE_2.replace("    return 1", "  return 1"))
        self.assertIn("a.hpp line 3", self.quick_bad())

    def test_all_files_are_created_and_no_others(self):
        self.stage("02_two", b_hpp="int b;\n")
        self.assertIn("no beat creates b.hpp", self.quick_bad())
        self.write_book(BOOK.replace(
            "## Appendix", "```diff b.hpp\n+int b;\n```\n\n"
            "```diff c.hpp\n+int c;\n```\n\n## Appendix"))
        self.assertIn("lead to c.hpp, which the stage does not have",
                      self.quick_bad())

    def test_after_a_failure_the_file_is_left_alone(self):
        self.change("+int one()\n", " int one()\n")
        error = self.quick_bad("1")
        self.assertEqual(error.count("beat 1"), 1)
        self.assertNotIn("beat 2", error)
        self.assertIn("a.hpp is not reached", error)

    def test_sizes(self):
        lines = "".join(f"int a{number};\n" for number in range(61))
        block = "".join(f"+{line}\n" for line in lines.splitlines())
        self.write_book(BOOK.replace(
            "## Appendix\n", f"```diff b.hpp\n{block}```\n\n## Appendix\n"))
        self.stage("02_two", b_hpp=lines)
        self.assertIn("02_two beat 3: 61 changed lines, at most 60",
                      self.quick_bad())
        self.change("+int a60;\n", "")
        self.stage("02_two", b_hpp=lines.replace("int a60;\n", ""))
        self.quick()

    def test_median(self):
        for size, holds in ((25, True), (26, False)):
            lines = [f"int a{number};" for number in range(size)]
            block = "".join(f"+{line}\n" for line in lines)
            self.write("stages/01_one/a.hpp", "\n".join(lines) + "\n")
            (self.root / "stages/02_two/main.cpp").unlink(missing_ok=True)
            self.write("stages/02_two/a.hpp", "\n".join(lines) + "\n")
            self.write_book(f"## 01_one\n```diff a.hpp\n{block}```\n"
                            "## 02_two\n")
            if holds:
                self.quick()
            else:
                self.assertIn("the median beat changes 26 lines, at most 25",
                              self.quick_bad())

    def test_info_strings(self):
        for info, error in (
                ("diff", "a diff block in a chapter is a beat"),
                ("diff a.hpp compile", "unknown tag compile"),
                ("diff demos/a.cpp", "demos/a.cpp is no lesson file")):
            self.write_book(BOOK.replace(
                "```diff main.cpp compiles", f"```{info}"))
            self.assertIn(error, self.quick_bad())


class Comments(Walkthrough):
    """The book shows neither comments nor what is noted in a trace."""

    def test_they_are_in_the_stage_alone(self):
        self.stage("01_one", a_hpp="// A file.\n#include \"common/trace.hpp\"\n\n"
                   + STAGE_1.replace("    return 1;", "    // One.\n"
                                     "    trace::instant(1);\n    return 1;")
                   + "\n// The end.\n")
        self.stage("02_two", a_hpp="// Another.\n" + STAGE_2)
        self.quick()
        self.change("+int one()\n", "+// One.\n+int one()\n")
        self.assertIn("line 1 is '// One.', the stage has 'int one()'",
                      self.quick_bad("1"))

    def test_what_compiles_has_them(self):
        """Those of the stage before are there while it has their line."""
        hook = '#include "common/trace.hpp"\n'
        self.write("common/trace.hpp", "int traced;\n")
        self.stage("01_one", a_hpp=hook + STAGE_1)
        self.stage("02_two", a_hpp=hook + STAGE_2)
        self.good("check")
        self.write("common/trace.hpp", "int traced\n")
        error = self.bad("check")
        self.assertNotIn("01_one beat 1: does not compile", error)
        self.assertIn("01_one beat 2: does not compile", error)
        self.assertIn("02_two beat 2: does not compile", error)

    def test_a_place_is_that_in_the_file(self):
        self.stage("01_one", a_hpp="// A file.\n\n" + STAGE_1 + "int z;\n",)
        self.change("""
            +
            +int two()
            +{
            +    return 2;
            +}
            """, """
            +
            +int two()
            +{
            +    return 2;
            """)
        self.assertIn("01_one/a.hpp:", self.bad("refresh"))


class Chapters(Walkthrough):
    def test_each_stage_has_a_chapter(self):
        (self.root / "stages/02_two/CHAPTER.md").unlink()
        self.assertIn("02_two: has no CHAPTER.md", self.quick_bad())

    def test_the_ways_out(self):
        self.assertEqual(
            self.read("stages/01_one/CHAPTER.md").split("\n")[0],
            "[Contents](../../WALKTHROUGH.md#contents)"
            " · [02 The second →](../02_two/CHAPTER.md)")
        self.assertEqual(
            self.read("stages/02_two/CHAPTER.md").split("\n")[-2],
            "[← 01 The first](../01_one/CHAPTER.md)"
            " · [Contents](../../WALKTHROUGH.md#contents)")

    def test_the_ways_out_are_at_the_top_and_at_the_bottom(self):
        path = "stages/02_two/CHAPTER.md"
        text = self.read(path)
        lines = text.splitlines(keepends=True)
        for broken in ("".join(lines[1:]), "".join(lines[:-1])):
            self.write(path, broken)
            self.assertIn(f"{path}: its first and its last line must be:",
                          self.quick_bad())
        self.write(path, text)
        self.quick()

    def test_a_new_title_is_a_new_way(self):
        self.change("# Chapter 01: The first", "# Chapter 01: The other")
        self.assertIn("02_two/CHAPTER.md: its first", self.quick_bad())

    def test_a_beat_outside(self):
        self.append("```diff a.hpp\n+int x;\n```\n")
        self.assertIn("a beat outside of the chapters", self.quick_bad())

    def test_headings_in_blocks_are_none(self):
        self.append("```text\n## 03_three\n```\n")
        self.quick()

    def test_a_block_ends(self):
        self.append("```text\n")
        self.assertIn("the block is never closed", self.quick_bad())

    def test_no_book(self):
        (self.root / "WALKTHROUGH.md").unlink()
        self.assertIn("WALKTHROUGH.md: no such file", self.quick_bad())


class Compiling(Walkthrough):
    def test_what_is_tagged_compiles(self):
        self.change("+    return 3;\n", "+    return x;\n")
        self.stage("02_two", a_hpp=STAGE_2.replace("return 3", "return x"))
        error = self.bad("check", "2")
        self.assertIn("02_two beat 2: does not compile", error)
        self.assertRegex(error, r"(?m)^a\.hpp:8:\d+: error")
        self.quick()

    def test_what_is_not_tagged_need_not(self):
        self.change("```diff main.cpp compiles", "```diff main.cpp")
        self.change("+    return 3;\n", "+    return x;\n")
        self.stage("02_two", a_hpp=STAGE_2.replace("return 3", "return x"))
        self.good("check", "2")

    def test_a_header_that_nothing_includes(self):
        self.write_book(BOOK.replace("## Appendix\n", text_of("""
            ```diff b.hpp compiles
            +int broken
            ```

            ## Appendix
            """)))
        self.stage("02_two", b_hpp="int broken\n")
        self.assertIn("02_two beat 3: does not compile", self.bad("check"))

    def test_common_is_found(self):
        self.write("common/test.hpp", "inline int common = 1;\n")
        includes = ('#include "test.hpp"\n#include "common/test.hpp"\n'
                    '#include "../../common/test.hpp"\n')
        self.write("common/test.hpp", "#pragma once\ninline int common;\n")
        self.change('+#include "a.hpp"\n', "".join(
            f"+{line}\n" for line in ['#include "a.hpp"',
                                      *includes.splitlines()]))
        self.stage("02_two", main_cpp=MAIN.replace(
            '#include "a.hpp"\n', '#include "a.hpp"\n' + includes))
        self.good("check", "2")

    def test_the_compiler(self):
        self.assertIn("cannot run the compiler",
                      self.bad("check", CXX="/no/compiler"))
        self.assertIn("does not compile", self.bad("check", CXX="false -x"))


class Consoles(Walkthrough):
    def console(self, text: str, info: str = "console") -> None:
        self.append(f"```{info}\n{text_of(text)}```\n")

    def check(self) -> str:
        return self.good("check", "--no-compile")

    def check_bad(self) -> str:
        return self.bad("check", "--no-compile")

    def test_output_is_compared(self):
        self.console("$ printf 'a\\nb\\n'\na\nc\n")
        error = self.check_bad()
        self.assertIn("printf 'a\\nb\\n': prints something else", error)
        self.assertIn("-c\n+b\n", error)
        self.quick()

    def test_all_of_it(self):
        for output in ("a\n", "a\nb\nc\n", "", "a\n\nb\n"):
            self.write_book(BOOK)
            self.console("$ printf 'a\\nb\\n'\n" + output)
            self.check_bad()

    def test_errors_and_order_and_place(self):
        self.console("""
            $ echo out; echo err >&2; echo out
            out
            err
            out
            $ cd stages
            $ ls -d stages
            stages
            $ false
            """)
        self.check()

    def test_one_session(self):
        self.console("$ sleep 9 & x=7\n$ echo $x; kill %1\n7\n")
        self.check()

    def test_a_command_of_two_lines(self):
        self.console("$ echo a \\\n>     b\na b\n")
        self.check()

    def test_environment(self):
        self.console('$ echo $NO_COLOR $PAGER $TERM\n1 cat dumb\n')
        self.check()

    def test_input_is_empty(self):
        self.console("$ cat\n$ echo on\non\n")
        self.check()

    def test_dots(self):
        self.console("""
            $ printf '1\\n2\\n3\\n4\\n'
            1
            ...
            4
            $ printf '1\\n2\\n'
            1
            ...
            2
            $ echo port 4711 is free
            port ... is free
            """)
        self.check()

    def test_dots_do_not_hide_the_rest(self):
        for expected in ("1\n...\n3\n", "...\n1\n", "2\n...\n"):
            self.write_book(BOOK)
            self.console(f"$ printf '1\\n2\\n'\n{expected}")
            self.check_bad()
        self.write_book(BOOK)
        self.console("$ echo port is 5\nport ... free\n")
        self.check_bad()

    def test_not_run(self):
        self.console("$ touch ran\nnonsense\n", "console not-run")
        self.check()
        self.assertFalse((self.root / "ran").exists())

    def test_no_run(self):
        self.console("$ touch ran\n")
        self.quick()
        self.assertFalse((self.root / "ran").exists())
        self.check()
        self.assertTrue((self.root / "ran").exists())

    def test_a_check_within_a_check_runs_nothing(self):
        self.console("$ touch ran\n")
        self.good("check", "--no-compile", WALKTHROUGH_RUNNING="1")
        self.assertFalse((self.root / "ran").exists())

    def test_digits(self):
        self.console("$ echo took '  12,345.6' ms\ntook 7 ms\n",
                     "console digits")
        self.check()
        self.console("$ echo took 5 s\ntook 5 ms\n", "console digits")
        self.assertIn("-tookNms\n+tookNs", self.check_bad())

    def test_numbers_count_without_digits(self):
        self.console("$ echo took 5 ms\ntook 6 ms\n")
        self.check_bad()

    def test_unknown_tag(self):
        self.console("$ echo\n", "console norun")
        self.assertIn("unknown tag norun", self.check_bad())

    def test_output_before_a_command(self):
        self.console("hello\n")
        self.assertIn("output before the first", self.check_bad())

    def test_a_terminal_shows_what_was_written_last(self):
        self.console("$ printf '|\\b/\\b-\\n50%%\\r100%%\\n'\n-\n100%\n")
        self.check()

    def test_blocks_run_in_parallel(self):
        self.console("""
            $ for i in {1..300}; do test -e b && break; sleep 0.01; done; ls b
            b
            """)
        self.console("$ touch b\n")
        self.check()

    def test_nothing_is_left_running(self):
        self.console("$ sleep 1000 & echo $! >pid\n")
        started = time.monotonic()
        self.check()
        self.assertLess(time.monotonic() - started, 10)
        self.assertTrue(any(self.gone() for _ in range(100)))

    def test_an_interrupt_ends_all(self):
        self.console("$ echo $$ >pid; touch began; sleep 1000\n")
        process = subprocess.Popen(
            [SCRIPTS / "maintain" / "walkthrough", "check", "--no-compile",
             *self.arguments(())], stdout=subprocess.DEVNULL)
        while not (self.root / "began").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 130)
        self.assertTrue(any(self.gone() for _ in range(100)))

    def gone(self) -> bool:
        state = subprocess.run(["ps", "-o", "stat=", self.read("pid").strip()],
                               capture_output=True, text=True).stdout.strip()
        return state[:1] in ("", "Z")

    def test_the_shell_may_end(self):
        self.console("$ exit 3\n$ echo on\non\n")
        self.assertIn("echo on: an earlier command has ended the shell",
                      self.check_bad())

    def test_time_limit(self):
        self.console("$ sleep 60\n")
        with patch.object(consoles, "SECONDS", 0.2):
            self.assertIn("sleep 60: not done after 0.2 s", self.check_bad())


class InTheMiddle(Walkthrough):
    """Runs between two beats: of the program as it is there, too."""

    def setUp(self) -> None:
        super().setUp()
        self.write("scripts/run", '#!/bin/sh\n"${STAGE_PROGRAM:-echo}" hi\n'
                   ).chmod(0o755)
        self.write("there", "#!/bin/sh\necho $*\n").chmod(0o755)
        self.built: list[tuple] = []

        def built(rehearsal, *what):
            self.built.append(what)
            return self.root / "there"
        patcher = patch.object(Rehearsal, "built", built)
        patcher.start()
        self.addCleanup(patcher.stop)

    def run_after(self, beat: int, command: str = "./scripts/run 01 demo x"
                  ) -> None:
        """Has the first chapter run it."""
        place = "Then, in" if beat == 1 else "## 02_two"
        block = f"```console\n$ {command}\nhi\n```\n\n"
        self.write_book(BOOK.replace(place, block + place))

    def test_it_is_run_as_it_is_there(self):
        self.run_after(1)
        out = self.good("check", "--no-compile")
        self.assertIn("1 command run in the middle of its chapter", out)
        self.assertEqual(self.built, [("01_one", 1, ("demo", "x"))])

    def test_it_prints_something_else_there(self):
        self.run_after(1)
        self.write("there", "#!/bin/sh\necho no\n").chmod(0o755)
        error = self.bad("check", "--no-compile")
        self.assertIn("prints something else there:", error)
        self.assertEqual(error.count("prints something else"), 1)

    def test_after_the_last_beat_it_is_the_stage(self):
        self.run_after(2)
        self.good("check", "--no-compile")
        self.assertEqual(self.built, [])

    def test_finished_stages_only(self):
        self.run_after(1)
        self.write("there", "#!/bin/sh\necho no\n").chmod(0o755)
        self.good("check", "--no-compile", "--finished")
        self.assertEqual(self.built, [])

    def test_another_stages_program_is_not_built(self):
        self.run_after(1, "./scripts/run 02 demo x")
        self.good("check", "--no-compile")
        self.assertEqual(self.built, [])

    def test_the_code_has_to_compile_there(self):
        self.run_after(1)
        self.replace_in_book("```diff a.hpp compiles\n", "```diff a.hpp\n")
        self.assertIn("beat 1 before it is not tagged `compiles`",
                      self.bad("check", "--no-compile"))


class Stats(Walkthrough):
    def rows(self) -> dict[str, list[int]]:
        lines = self.good("stats").splitlines()[1:3]
        return {line.split()[0]: list(map(int, line.split()[1:]))
                for line in lines}

    def test_what_is_counted(self):
        self.write_book(BOOK.replace("Some prose", "A [link](b.md), nobody's"
                                     "\n<details>\n| no | table |"))
        beats, words, runs, first, largest, vague = self.rows()["01_one"]
        self.assertEqual((beats, words, vague), (2, 19, 1))
        self.assertEqual((runs, first, largest), (0, 2, 2))

    def test_runs(self):
        run = "```console\n$ echo\n\n```\n\n"
        self.write_book(BOOK.replace("Some prose", run + "Some prose")
                        .replace("Then, in", run + "Then, in"))
        self.assertEqual(self.rows()["01_one"][2:5], [1, 1, 1])

    def test_the_bars(self):
        bars = {"BEATS": (1, "2 beats, at most 1"),
                "WORDS": (3, "words, at most 3"),
                "FIRST": (1, "2 beats before the first run, at most 1"),
                "DISTANCE": (1, "2 beats between two runs, at most 1")}
        self.quick()
        for name, (bar, fault) in bars.items():
            with patch.object(measures, name, bar):
                self.assertIn(f"01_one/CHAPTER.md: {fault}"
                              if name != "WORDS" else fault, self.quick_bad())
        self.change("Some prose", "Somebody, nobody")
        self.assertIn("2 words like", self.quick_bad())


class Excerpts(Walkthrough):
    FILE = ("class A:\n    def f():\n        pass\n\n"
            "    def g():\n        return 1\n")

    def excerpt(self, text: str, path: str = "lib/a.py",
                kind: str = "python") -> None:
        self.write("lib/a.py", self.FILE)
        self.write_book(BOOK + f"\n```{kind} {path}\n{text}```\n")

    def test_a_run_without_its_indentation(self):
        self.excerpt("def f():\n    pass\n\ndef g():\n    return 1\n")
        self.quick()

    def test_any_other_line(self):
        self.excerpt("def f():\n    pass\ndef g():\n")
        error = self.quick_bad()
        self.assertIn("not a run of lib/a.py; nearest: line 4 reads", error)

    def test_indentation_between_lines_counts(self):
        self.excerpt("def f():\n  pass\n")
        self.assertIn("other indentation", self.quick_bad())

    def test_skipped_lines(self):
        for skip in ("...", "# ...", "// ..."):
            self.excerpt(f"class A:\n    {skip}\n    def g():\n")
            self.quick()

    def test_skips_keep_the_order(self):
        self.excerpt("def g():\n...\ndef f():\n")
        self.assertIn("another order", self.quick_bad())

    def test_no_file(self):
        self.excerpt("def f():\n", "lib/b.py")
        self.assertIn("lib/b.py: no such file", self.quick_bad())

    def test_cpp(self):
        self.excerpt("int two()\n{\n    return 3;\n", "stages/02_two/a.hpp",
                     "cpp")
        self.quick()
        self.excerpt("int two()\n{\n    return 2;\n", "stages/02_two/a.hpp",
                     "cpp")
        self.quick_bad()

    def test_without_a_path(self):
        self.append("```cpp\nany thing\n```\n")
        self.quick()


class Listing(Walkthrough):
    def test_beats(self):
        lines = self.good("beats", "01").splitlines()
        line = self.place("```diff a.hpp compiles shows").split(":")[1]
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[1], rf"^  2  line {line} *"
                                   r" a.hpp  \+5 -0 +compiles shows"
                                   r" +Then, in a paragraph of its own,$")

    def test_the_root(self):
        listed = self.good("beats", "1")
        for arguments, environment in (
                (["--root", self.root, "beats", "1"], {}),
                (["beats", "1"], {"STAGES_ROOT": str(self.root)})):
            done = subprocess.run(
                [SCRIPTS / "maintain" / "walkthrough", *arguments], text=True,
                capture_output=True, env=self.environment(**environment))
            self.assertEqual(done.stdout, listed)

    def test_no_chapter(self):
        self.write_book("# empty\n")
        self.assertIn("01_one: has no CHAPTER.md", self.bad("beats", "1"))

    def test_a_broken_pipe(self):
        done = subprocess.run(
            f"{SCRIPTS}/maintain/walkthrough beats 1 --root {self.root} | true",
            shell=True, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    unittest.main()
