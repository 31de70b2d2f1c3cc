"""scripts/maintain/carry."""
from __future__ import annotations

import shutil
import unittest
from pathlib import Path
from unittest.mock import patch

from fixture import ProjectTest, function, text_of
from lib import carry

STAGES = ("01_one", "02_two", "03_three", "04_four")
ONE = "\n".join(function(name, f"return {name}1;") for name in "abcdef")


class Carry(ProjectTest):
    """Each stage has f() of its own; all else is the same."""

    tool = carry
    template: Path              # the committed stages: made once, then copied

    @classmethod
    def setUpClass(cls) -> None:
        maker = cls()
        ProjectTest.setUp(maker)
        maker.make_stages()
        cls.template = maker.root
        cls.addClassCleanup(maker.doCleanups)

    def setUp(self) -> None:
        super().setUp()
        shutil.copytree(self.template, self.root, dirs_exist_ok=True)
        checks = patch.object(carry, "run_checks", return_value=0)
        self.checks = checks.start()
        self.addCleanup(checks.stop)

    def make_stages(self) -> None:
        for number, name in enumerate(STAGES, start=1):
            own = ONE.replace("return f1", f"return f{number}")
            self.stage(name, a_hpp=own, main_cpp="int main() { a(); }\n")
            self.write(f"stages/{name}/CMakeLists.txt", "add_stage()\n")
            self.write(f"stages/{name}/README.md", "# Stage\n")
            self.write(f"stages/{name}/demos/d.cpp", "int d = 1;\n")
            self.write(f"stages/{name}/pitfalls/p.cpp", "int p = 1;\n")
            self.write(f"stages/{name}/tests/t.cpp", "int t = 1;\n")
        self.write(".gitignore", "*.o\n")
        self.commit()
        self.git("repack", "-a", "-d", "-q")
        shutil.rmtree(self.root / ".git/logs")

    def edit(self, stage: int, old: str, new: str, file="a.hpp") -> None:
        self.replace(f"stages/{STAGES[stage - 1]}/{file}", old, new)

    def files(self) -> dict[str, str]:
        return {str(path.relative_to(self.root)): path.read_text()
                for path in sorted((self.root / "stages").rglob("*"))
                if path.is_file()}

    def texts(self, file: str = "a.hpp") -> list[str | None]:
        """The file in each stage."""
        paths = [self.root / "stages" / name / file for name in STAGES]
        return [path.read_text() if path.is_file() else None
                for path in paths]

    def having(self, text: str, file: str = "a.hpp") -> list[int]:
        """The numbers of the stages whose file has the text."""
        return [number for number, content in enumerate(self.texts(file), 1)
                if content is not None and text in content]


class Merging(Carry):
    def test_all_later_stages(self):
        self.edit(2, "return c1;", "return c2;")
        out = self.good("2")
        self.assertEqual(self.having("return c2;"), [2, 3, 4])
        self.assertEqual(self.having("return c1;"), [1])
        for number in (1, 2, 3, 4):     # what differs still differs
            self.assertEqual(self.having(f"return f{number};"), [number])
        self.assertIn("02_two: a.hpp changed\n03_three: a.hpp +1 -1\n"
                      "04_four: a.hpp +1 -1\n", out)

    def test_what_the_next_stage_makes_of_it(self):
        # Stage 3 has another b(), so only stages 2 and 3 can merge it; what
        # stage 3 gets is what goes on to stage 4.
        for number in (3, 4):
            self.edit(number, "    return b1;", "    b();\n    return b1;")
        self.commit()
        self.edit(1, "int b()\n{\n", "int b()\n{\n    x();\n")
        self.call("1")
        self.replace("stages/03_three/a.hpp", self.conflict("03_three"),
                     "    y();\n    b();\n")
        self.good("1")
        self.assertEqual(self.having("x();"), [1, 2])
        self.assertEqual(self.having("    y();\n    b();\n"), [3, 4])

    def conflict(self, stage: str) -> str:
        text = self.read(f"stages/{stage}/a.hpp")
        start = text.index("<<<<<<<")
        return text[start:text.index("\n", text.index(">>>>>>>")) + 1]

    def test_which_files(self):
        self.edit(2, "add_stage()", "add_stage(x)", "CMakeLists.txt")
        self.edit(2, "d = 1", "d = 2", "demos/d.cpp")
        self.edit(2, "p = 1", "p = 2", "pitfalls/p.cpp")
        self.edit(2, "Stage", "Two", "README.md")
        self.edit(2, "t = 1", "t = 2", "tests/t.cpp")
        self.good("2")
        self.assertEqual(self.having("(x)", "CMakeLists.txt"), [2, 3, 4])
        self.assertEqual(self.having("d = 2", "demos/d.cpp"), [2, 3, 4])
        self.assertEqual(self.having("p = 2", "pitfalls/p.cpp"), [2, 3, 4])
        self.assertEqual(self.having("Two", "README.md"), [2])
        self.assertEqual(self.having("t = 2", "tests/t.cpp"), [2])

    def test_new_files(self):
        self.write("stages/02_two/b.hpp", "int b;\n")
        self.write("stages/02_two/demos/e.cpp", "int e;\n")
        out = self.good("2")
        self.assertEqual(self.having("", "b.hpp"), [2, 3, 4])
        self.assertEqual(self.having("", "demos/e.cpp"), [2])
        self.assertIn("demos/e.cpp is new in 02_two: not copied", out)

    def test_new_files_on_demand(self):
        self.write("stages/02_two/demos/e.cpp", "int e;\n")
        self.write("stages/02_two/junk.o", "ignored\n")
        self.good("2", "--new")
        self.assertEqual(self.having("", "junk.o"), [2])
        self.assertEqual(self.having("", "demos/e.cpp"), [2, 3, 4])

    def test_files_that_a_later_stage_does_not_have(self):
        (self.root / "stages/03_three/demos/d.cpp").unlink()
        self.commit()
        self.edit(2, "d = 1", "d = 2", "demos/d.cpp")
        (self.root / "stages/04_four/main.cpp").unlink()
        self.edit(2, "a();", "b();", "main.cpp")
        self.assertNotIn("new", self.good("2"))
        self.assertEqual(self.having("d = 2", "demos/d.cpp"), [2])
        self.assertEqual(self.having("b();", "main.cpp"), [2, 3])

    def test_removed_files(self):
        (self.root / "stages/02_two/demos/d.cpp").unlink()
        self.assertIn("demos/d.cpp is gone from 02_two: not removed here",
                      self.good("2"))
        self.assertEqual(self.having("", "demos/d.cpp"), [1, 3, 4])

    def test_a_moved_line(self):
        self.edit(2, "int main() { a(); }\n", "\nint main() { a(); }\n",
                  "main.cpp")
        self.good("2")
        self.assertEqual(self.texts("main.cpp")[3], "\nint main() { a(); }\n")

    def test_dry_run(self):
        self.edit(2, "return c1;", "return c2;")
        files = self.files()
        out = self.good("2", "--dry-run")
        self.assertIn("04_four: a.hpp +1 -1", out)
        self.assertEqual(self.files(), files)
        self.checks.assert_not_called()

    def test_dry_run_of_a_conflict(self):
        self.edit(2, "return f2;", "return g;")
        files = self.files()
        self.assertIn("conflicts in stages/03_three/a.hpp",
                      self.bad("2", "--dry-run"))
        self.assertEqual(self.files(), files)

    def test_errors(self):
        self.assertIn("no stage 7", self.bad("7"))
        self.assertIn("git rev-parse: ", self.bad("2", "--base", "nope"))
        self.assertEqual(self.call().returncode, 2)
        (self.root / ".git").rename(self.root / "git")
        self.assertIn("not a git repository", self.bad("2"))

    def test_the_last_stage(self):
        self.edit(4, "return c1;", "return c2;")
        self.assertEqual(self.good("4"), "04_four: a.hpp changed\n")

    def test_no_commit_yet(self):
        (self.root / ".git").rename(self.root / "git")
        self.git("init", "-q")
        self.assertIn("git rev-parse: ", self.bad("2"))


class Bases(Carry):
    """What a change is measured against."""

    def test_edit_carry_commit(self):
        self.edit(1, "return c1;", "return c2;")
        self.good("1")
        self.commit()
        self.edit(1, "return d1;", "return d2;")
        self.good("1")
        self.assertEqual(self.having("return d2;"), [1, 2, 3, 4])
        self.assertEqual(self.having("return c2;"), [1, 2, 3, 4])

    def test_edit_commit_carry(self):
        self.edit(1, "return c1;", "return c2;")
        self.commit()
        self.assertIn("nothing has changed since HEAD", self.good("1"))
        self.good("1", "--base", "HEAD~1")
        self.assertEqual(self.having("return c2;"), [1, 2, 3, 4])

    def test_edit_and_carry_again_and_again(self):
        for number in range(2, 5):
            self.edit(1, f"return c{number - 1};", f"return c{number};")
            self.edit(1, "int d", f"int x{number};\nint d")
            out = self.good("1")
        self.assertIn("04_four: a.hpp +2 -1 (over what had changed there"
                      " since HEAD)\n", out)
        self.assertEqual(self.having("return c4;"), [1, 2, 3, 4])
        self.assertEqual(self.having("int x4;\nint d"), [1, 2, 3, 4])
        self.assertEqual(self.having("return c3;"), [])

    def test_nothing_to_do_twice(self):
        self.edit(1, "return c1;", "return c2;")
        self.good("1")
        files = self.files()
        self.assertIn("04_four: nothing changes", self.good("1"))
        self.assertEqual(self.files(), files)

    def test_an_edit_of_a_later_stage_goes_along(self):
        self.edit(1, "return c1;", "return c2;")
        self.edit(3, "return e1;", "return e3;")
        self.good("1")
        self.assertEqual(self.having("return c2;"), [1, 2, 3, 4])
        self.assertEqual(self.having("return e3;"), [3, 4])

    def test_an_edit_of_an_earlier_stage_waits_for_its_own_carry(self):
        self.edit(1, "return c1;", "return c2;")
        self.edit(3, "return e1;", "return e3;")
        self.good("3")
        self.assertEqual(self.having("return c2;"), [1])
        self.good("1")
        self.assertEqual(self.having("return c2;"), [1, 2, 3, 4])

    def test_a_new_stage(self):
        self.stage("05_five", a_hpp=self.texts()[3])
        self.stage("06_six", a_hpp=self.texts()[3])
        self.edit(4, "return c1;", "return c2;")
        self.assertIn("05_five: is not in HEAD", self.good("4"))
        self.assertIn("return c2;", self.read("stages/05_five/a.hpp"))


class Conflicts(Carry):
    """In stage 3, which has its own c()."""

    def setUp(self) -> None:
        super().setUp()
        for number in (3, 4):
            self.edit(number, "return c1;", "return c3;")
        self.commit()
        self.edit(1, "return c1;", "return c2;")
        self.edit(1, "return a1;", "return a2;")
        self.edit(1, "d = 1", "d = 2", "demos/d.cpp")
        self.complaint = self.bad("1")

    def resolve(self) -> None:
        text = self.read("stages/03_three/a.hpp")
        start = text.index("<<<<<<<")
        end = text.index("\n", text.index(">>>>>>>")) + 1
        self.write("stages/03_three/a.hpp",
                   text[:start] + "    return c23;\n" + text[end:])

    def test_it_stops_and_says_so(self):
        self.assertEqual(
            self.complaint,
            "carry: conflicts in stages/03_three/a.hpp: edit the marked"
            " places, then call it again\n")
        self.assertIn(text_of("""
            <<<<<<< this stage
                return c3;
            ||||||| the stage before, as it was
                return c1;
            =======
                return c2;
            >>>>>>> the stage before, now
            """), self.read("stages/03_three/a.hpp"))
        self.assertEqual(self.having("return a2;"), [1, 2, 3])
        self.assertEqual(self.having("d = 2", "demos/d.cpp"), [1, 2, 3])
        self.checks.assert_not_called()

    def test_not_with_markers_left(self):
        self.assertIn("conflict markers are left in stages/03_three/a.hpp",
                      self.bad("1"))

    def test_called_again_it_goes_on(self):
        self.resolve()
        self.good("1")
        self.assertEqual(self.having("return a2;"), [1, 2, 3, 4])
        self.assertEqual(self.having("return c23;"), [3, 4])
        self.assertEqual(self.having("return f4;"), [4])
        self.checks.assert_called_once()
        files = self.files()
        self.good("1")
        self.assertEqual(self.files(), files)

    def test_a_resolution_is_kept_when_more_is_edited(self):
        self.resolve()
        self.edit(1, "return e1;", "return e2;")
        self.good("1")
        self.assertEqual(self.having("return e2;"), [1, 2, 3, 4])
        self.assertEqual(self.having("return c23;"), [3, 4])

    def test_to_the_next_conflict(self):
        self.git("checkout", "-q", "--", "stages")
        self.edit(4, "return a1;", "return a4;")
        self.commit()
        self.edit(1, "return c1;", "return c2;")
        self.edit(1, "return a1;", "return a2;")
        self.assertIn("stages/03_three/a.hpp", self.bad("1"))
        self.resolve()
        self.assertIn("stages/04_four/a.hpp", self.bad("1"))


class Checks(Carry):
    def setUp(self) -> None:
        super().setUp()
        patch.stopall()
        self.checks_log = self.root / "log"
        self.write("scripts/test",
                   f"#!/bin/sh\necho \"$@\" >>{self.checks_log}\n"
                   f"test ! -e {self.root}/fail\n").chmod(0o755)
        self.write_book("".join(f"## {name}\n" for name in STAGES))
        self.edit(3, "int main() { a(); }", "int main() { b(); }", "main.cpp")

    def test_all_are_run(self):
        for name in STAGES:         # so that purity and the book hold
            self.write(f"stages/{name}/a.hpp", ONE)
            self.write(f"stages/{name}/main.cpp", "int main();\n")
        self.write_book("## 01_one\n\n```diff a.hpp\n+\n```\n\n"
                   "```diff main.cpp\n+\n```\n## 02_two\n## 03_three\n"
                   "## 04_four\n")
        self.commit()
        self.edit(1, "int main();", "int main() {}", "main.cpp")
        done = self.start("1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("+int main() {}\n",
                      self.read("stages/01_one/CHAPTER.md"))
        self.assertIn("== purity\n", done.stdout)
        self.assertIn("median", done.stdout)
        self.assertEqual(self.read("log"), "--stages 01,02,03,04\n")

    def test_failures_are_told(self):
        self.write("fail", "")
        done = self.start("3")
        self.assertEqual(done.returncode, 1)
        self.assertIn("but these checks fail: walkthrough, purity, test\n",
                      done.stderr)
        self.assertEqual(self.read("log"), "--stages 03,04\n")
        self.assertEqual(self.having("b(); }", "main.cpp"), [3, 4])

    def test_only_of_the_stages_that_changed(self):
        (self.root / "stages/03_three/demos/d.cpp").unlink()
        self.commit()
        self.edit(1, "d = 1", "d = 2", "demos/d.cpp")
        self.start("1")
        self.assertEqual(self.read("log"), "--stages 01,02\n")

    def test_no_test(self):
        self.start("3", "--no-test")
        self.assertFalse(self.checks_log.exists())


if __name__ == "__main__":
    unittest.main()
