"""scripts/diff."""
from __future__ import annotations

import os
import pty
import subprocess
import unittest

from fixture import SCRIPTS, ProjectTest, function, text_of
from lib import diff


class Diff(ProjectTest):
    tool = diff

    def setUp(self) -> None:
        super().setUp()
        one = "\n".join(function(f"f{number}") for number in range(4))
        two = one.replace("f2()\n{\n    return 1", "f2()\n{\n    return 2")
        self.stage("01_one", b_hpp=one)
        self.stage("02_two", b_hpp=two, main_cpp="int main();\n",
                   a_hpp='#include "b.hpp"\nint a;\n')
        self.stage("03_three", b_hpp=two, main_cpp="int main();\n",
                   a_hpp='#include "b.hpp"\nint a;\n')

    def terminal(self, *arguments: str, keys: bytes = b"", **environment: str
                 ) -> str:
        """What is shown when the tool runs on a terminal."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [SCRIPTS / "diff", *self.arguments(arguments)], stdin=theirs,
            stdout=theirs, stderr=theirs, start_new_session=True,
            env=self.environment(**{"TERM": "xterm", **environment}))
        os.close(theirs)
        os.write(ours, keys)
        shown = b""
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:         # the terminal's other side is closed
            pass
        os.close(ours)
        self.assertEqual(process.wait(), 0, shown)
        return shown.decode().replace("\r\n", "\n")


class Page(Diff):
    def test_all_of_it(self):
        page = self.good("1", "2").replace("\n \n", "\n\n")
        self.assertEqual(page, text_of("""
            01_one -> 02_two

              b.hpp        +1     -1
              a.hpp        +2     -0  new
              main.cpp     +1     -0  new
              3 files, +4 -1; 87.50 % of the earlier code survives

            === b.hpp (+1 -1) ===
            @@ -10,7 +10,7 @@ int f1()

             int f2()
             {
            -    return 1;
            +    return 2;
             }

             int f3()

            === a.hpp (new) ===
            @@ -0,0 +1,2 @@
            +#include "b.hpp"
            +int a;

            === main.cpp (new) ===
            @@ -0,0 +1 @@
            +int main();
            """))

    def test_names_of_stages(self):
        page = self.good("1", "2")
        for names in (["01", "02"], ["01_one", "02_two"], ["2"], ["02"]):
            self.assertEqual(self.good(*names), page)

    def test_stages_that_are_no_neighbours(self):
        self.assertTrue(self.good("1", "3").startswith("01_one -> 03_three"))

    def test_the_first_stage(self):
        page = self.good("1")
        self.assertTrue(page.startswith("01_one, the first\n"))
        self.assertIn("=== b.hpp (new) ===", page)

    def test_no_difference_is_no_error(self):
        self.assertEqual(self.good("3"), text_of("""
            02_two -> 03_three

              0 files, +0 -0; 100.00 % of the earlier code survives
            """))

    def test_errors(self):
        self.assertEqual(self.bad("4"), "diff: no stage 4 (there are: 01, 02,"
                                        " 03)\n")
        self.assertEqual(self.call("1", "2", "3").returncode, 2)
        (self.root / "stages").rename(self.root / "steps")
        self.assertIn("stages: no such folder", self.bad("1"))

    def test_stat(self):
        page = self.good("2")
        self.assertEqual(self.good("--stat", "2"),
                         page[:page.index("\n===")])

    def test_words(self):
        self.assertIn("\n    return [-1-]{+2+};\n",
                      self.good("--words", "2"))
        self.assertIn('\n+#include "b.hpp"\n', self.good("--words", "2"))

    def test_context(self):
        self.assertIn("@@ -13 +13 @@ int f2()\n-    return 1;\n"
                      "+    return 2;\n\n===", self.good("-U0", "2"))
        self.assertIn("@@ -11,4 +11,4 @@ int f1()\n int f2()\n {\n-",
                      self.good("-W", "-U0", "2"))

    def test_colour(self):
        red = "\x1b[31m-    return 1;\x1b[m"
        self.assertIn(red, self.good("--color=always", "2"))
        for options, environment in (
                ([], {}), (["--color=never"], {}), ([], {"NO_COLOR": "1"})):
            self.assertNotIn("\x1b", self.good(*options, "2", **environment))
        self.assertIn(red, self.terminal("--no-pager", "2"))
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertNotIn("\x1b", self.terminal("--no-pager", "2",
                                                   **environment))
        self.assertIn(red, self.terminal("--no-pager", "--color=always", "2",
                                         NO_COLOR="1"))

    def test_the_users_git_settings_change_nothing(self):
        page = self.good("2")
        settings = self.write(".gitconfig", "[diff]\n noprefix = true\n"
                              " suppressBlankEmpty = true\n"
                              "[color]\n diff = always\n")
        done = self.start("2", HOME=str(settings.parent))
        self.assertEqual(done.stdout, page)

    def test_a_closed_pipe(self):
        done = subprocess.run(
            f"{SCRIPTS}/diff 2 --root {self.root} | true", shell=True,
            capture_output=True, text=True)
        self.assertEqual(done.stderr, "")


class MoreFiles(Diff):
    def setUp(self) -> None:
        super().setUp()
        self.write("stages/02_two/tests/old.cpp", "int old;\n")
        self.write("stages/03_three/tests/idea.cpp", "int idea;\n")
        self.write("stages/02_two/demos/gone.cpp", "int gone;\n")
        self.write("stages/03_three/demos/d.cpp", "int d;\n")
        self.write("stages/03_three/README.md", "# Three\n")

    def files(self, *options: str) -> list[str]:
        return [line[4:-4] for line in self.good(*options, "3").split("\n")
                if line.startswith("===")]

    def test_only_lesson_files(self):
        self.assertEqual(self.files(), [])

    def test_tests(self):
        self.assertEqual(self.files("--tests"), ["tests/idea.cpp (new)"])

    def test_all(self):
        self.assertEqual(self.files("--all"), [
            "README.md (new)", "demos/d.cpp (new)", "demos/gone.cpp (gone)",
            "tests/idea.cpp (new)"])
        self.assertNotIn("int gone", self.good("--all", "3"))


class Pager(Diff):
    def test_only_long_pages(self):
        pager = {"PAGER": "sed s/^/P:/", "NO_COLOR": "1"}
        self.assertIn("P:01_one -> 02_two",
                      self.terminal("2", LINES="10", COLUMNS="80", **pager))
        for options, lines in (("--no-pager", "10"), ("-U3", "60")):
            self.assertNotIn("P:", self.terminal(
                options, "2", LINES=lines, COLUMNS="80", **pager))

    def test_not_for_a_file(self):
        self.assertNotIn("P:", self.good("2", PAGER="sed s/^/P:/", LINES="5"))

    def test_without_a_pager(self):
        self.assertIn("+    return 2;", self.terminal(
            "2", PAGER="/no/pager", LINES="5", NO_COLOR="1"))

    def test_walk(self):
        done = self.start("--walk", "2", stdin="\n\n", PAGER="sed s/^/P:/")
        self.assertEqual(done.returncode, 0, done.stderr)
        hunks = done.stdout.split("P:@@ ")
        self.assertEqual(len(hunks), 4)
        self.assertIn("P:1 of 3: b.hpp\n", hunks[0])
        self.assertIn("P:+    return 2;", hunks[1])
        self.assertIn("P:2 of 3: a.hpp (new)", hunks[1])

    def test_walk_ends(self):
        for answer in ("q", "Quit", " qq"):
            done = self.start("--walk", "2", stdin=f"\n{answer}\n",
                              PAGER="cat")
            self.assertEqual(done.returncode, 0)
            self.assertIn("+int a;", done.stdout)
            self.assertNotIn("+int main();", done.stdout)

    def test_walk_prints_what_fits(self):
        done = self.start("--walk", "2", stdin="\n\n",
                          PAGER="sh -c 'echo options: $LESS'")
        self.assertEqual(done.stdout.count("options: FRXK\n"), 3)

    def test_walk_in_colour(self):
        shown = self.terminal("--walk", "2", keys=b"\n\n", PAGER="cat")
        self.assertEqual(shown.count("@@ -"), 3)


if __name__ == "__main__":
    unittest.main()
