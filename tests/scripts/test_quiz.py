# ctest: timeout=240
"""scripts/quiz: what it asks and says, and that its programs can be asked.

The programs of a stage are compiled as one, each in a namespace of its own.
SOAK=1: of all stages; else of every second.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

from fixture import SCRIPTS, ProjectTest, text_of
from lib import compiler, quiz
from lib.compiler import Compiler
from lib.stages import find_stages

ROOT = SCRIPTS.parent
PROGRAM = text_of("""
    // Two lines are printed.
    // Which?
    //
    // Explanation:
    // Because it
    // says so.
    #include "a.hpp"

    int main() {
      std::printf("%s\\n", first());
      std::printf("b c\\n");
    }
    """)


def has_tools() -> bool:
    return bool(shutil.which("c++") and shutil.which("ar"))


class QuizTest(ProjectTest):
    tool = quiz

    def setUp(self) -> None:
        super().setUp()
        self.write("stages/01_one/a.hpp", '#include <cstdio>\n'
                   'inline const char* first() { return "a"; }\n')
        self.write("stages/01_one/quiz/order.cpp", PROGRAM)

    def ask(self, answer: str, *words: str) -> str:
        done = self.call(*(words or ("01", "order")), stdin=answer)
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        return done.stdout


class Quicker(unittest.TestCase):
    def chosen(self, clang: str | None, **environment: str) -> list[str]:
        with (patch.dict(os.environ, environment),
              patch.object(compiler.shutil, "which", lambda name: clang)):
            if not environment:
                os.environ.pop("CXX", None)
            return compiler.quicker(["c++"])

    def test_clang_where_there_is_one_that_can(self):
        can, cannot = shutil.which("true"), shutil.which("false")
        self.assertEqual(self.chosen(can), [can])
        self.assertEqual(self.chosen(cannot), ["c++"])
        self.assertEqual(self.chosen("/no/clang"), ["c++"])
        self.assertEqual(self.chosen(None), ["c++"])

    def test_but_not_if_one_is_named(self):
        self.assertEqual(self.chosen(shutil.which("true"), CXX="g++"),
                         ["c++"])


class Questions(QuizTest):
    def test_lists_them(self):
        self.write("stages/02_two/quiz/b.cpp", PROGRAM)
        self.assertRegex(self.good(), r"^  01 order\n  02 b\n")

    def test_what_is_not_there(self):
        self.assertIn("has no question x (there are: order)",
                      self.bad("01", "x"))
        self.assertIn("no stage 3", self.bad("3"))
        (self.root / "stages/01_one/quiz/order.cpp").unlink()
        self.assertIn("there are: none", self.bad("01"))

    def test_a_head_that_lacks_something(self):
        path = "stages/01_one/quiz/order.cpp"
        self.replace(path, "// Explanation:\n", "")
        self.assertIn("no line `// Explanation:`", self.bad("01"))
        self.write(path, "// Explanation:\n// Because.\n\nint main() {}\n")
        self.assertIn("lacks the question", self.bad("01"))


@unittest.skipUnless(has_tools(), "no c++ and ar")
class Asking(QuizTest):
    def setUp(self) -> None:
        super().setUp()
        common = self.root / "out/common"
        self.write("out/common/nothing.cpp", "int nothing;\n")
        subprocess.run(["c++", "-c", "nothing.cpp"], check=True, cwd=common)
        subprocess.run(["ar", "rcs", "libcommon.a", "nothing.o"], check=True,
                       cwd=common)
        environment = patch.dict(os.environ,
                                 BUILD_BIN=str(self.root / "out/bin"))
        environment.start()
        self.addCleanup(environment.stop)

    def test_what_is_shown_before_the_answer(self):
        before, _, after = self.ask("a\nb c\n\n").partition(
            "What does it print?")
        self.assertIn('std::printf("b c', before)
        self.assertIn("Two lines are printed.\nWhich?\n", before)
        self.assertNotIn("Because it", before)
        self.assertNotIn("Explanation", before)
        self.assertIn("Because it\nsays so.", after)

    def test_a_right_answer(self):
        self.assertIn("Right. It prints:\n  a\n  b c\n",
                      self.ask("a\nb c\n\n"))
        self.assertIn("Right.", self.ask("a b  c\n\nleft over\n"))

    def test_a_wrong_answer(self):
        out = self.ask("a\nc b\n")
        self.assertIn("Not quite.", out)
        self.assertRegex(out, r"\n    a +a\n  \* b c +c b\n")
        self.assertIn("Because it", out)
        self.assertRegex(self.ask("x b c\n"), r"\n  \* a +x\n    b c +b c\n")
        self.assertRegex(self.ask("a\nb c\nd\n"), r"\n  \* +d\n")
        self.assertRegex(self.ask("a\n"), r"\n  \* b c\n")

    def test_a_line_is_missing_or_too_much(self):
        self.assertRegex(self.ask("b c\n"), r"\n  \* a\n    b c +b c\n")
        self.assertRegex(self.ask("x\na\nb c\n"),
                         r"\n  \* +x\n    a +a\n    b c +b c\n")
        self.replace("stages/01_one/quiz/order.cpp", '"b c\\n"',
                     '"b c\\nd\\n\\ne\\n"')
        self.assertRegex(self.ask("a\nd\ne\n"),
                         r"    a +a\n  \* b c\n    d +d\n    e +e\n")
        self.assertRegex(self.ask("a b d e\n"),
                         r"    a +a\n  \* b c +b\n    d +d\n    e +e\n")

    def test_no_answer(self):
        out = self.ask("")
        self.assertIn("\nIt prints:\n  a\n  b c\n", out)
        self.assertNotIn("Not quite", out)

    def test_the_answer_comes_from_the_program(self):
        self.assertIn("Right.", self.ask("a b c\n"))
        self.replace("stages/01_one/a.hpp", '"a"', '"z"')
        self.assertRegex(self.ask("a b c\n"), r"\* z +a\n")

    def test_all_of_a_stage(self):
        self.write("stages/01_one/quiz/more.cpp", PROGRAM)
        out = self.ask("a b c\n\nx\n\n", "01")
        self.assertIn("1 of 2 right", out)

    def test_a_program_that_fails(self):
        path = "stages/01_one/quiz/order.cpp"
        self.replace(path, "first()", "second()")
        self.assertRegex(self.bad("01"), r"does not compile:\n.*second")
        self.write(path, PROGRAM.replace('"b c\\n");', '"b c\\n");return 3;'))
        self.assertIn("exit status 3", self.bad("01"))
        self.write(path, PROGRAM.replace('"b c\\n");', '"b c\\n");for(;;){}'))
        with patch("lib.quiz.SECONDS", 0.2):
            self.assertIn("not done after", self.bad("01"))


class Real(unittest.TestCase):
    """The stages' own."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.stages = find_stages(ROOT)

    def test_two_or_three_a_stage(self):
        for stage in self.stages:
            with self.subTest(stage.name):
                questions = quiz.questions_of(stage)
                self.assertIn(len(questions), (2, 3))
                for question in questions:
                    self.assertRegex(" ".join(question.text), r"[?.]$")
                    self.assertIn("int main()", "\n".join(question.program))
                    for line in question.path.read_text().split("\n"):
                        self.assertLessEqual(len(line), 80, question.path)

    @unittest.skipUnless(
        (Path(os.environ.get("BUILD_BIN") or ROOT / "build/release/bin")
         .parent / "common/libcommon.a").is_file(), "common/ is not built")
    def test_programs_print_the_same_twice(self):
        stages = self.stages if os.environ.get("SOAK") else self.stages[::2]
        with tempfile.TemporaryDirectory() as folder:
            compiler = Compiler(ROOT)
            compiler.prepare()
            made = [(stage, compiler.compile(self.as_one(stage, folder),
                                             stage.folder, stage.name))
                    for stage in stages]
            for stage, future in made:
                self.assertTrue(future.result().good, future.result().output)
                program = Path(folder, stage.name)
                compiler.link([future.result()], program)
                for question in quiz.questions_of(stage):
                    with self.subTest(f"{stage.name} {question.name}"):
                        self.runs_twice(program, question.name)

    def as_one(self, stage, folder: str) -> Path:
        """A source file with all programs; its argument chooses one."""
        questions = quiz.questions_of(stage)
        lines = [line for question in questions for line in question.program]
        includes = [line for line in lines if line.startswith("#include")]
        text = "\n".join(dict.fromkeys(["#include <string>", *includes]))
        for question in questions:
            body = "\n".join(line for line in question.program
                             if not line.startswith("#include"))
            body = re.sub(r"\bint main\(\)", "void run_it()", body)
            text += f"\nnamespace quiz_{question.name} {{\n{body}\n}}\n"
        text += "\nint main(int, char** words) {\n"
        for question in questions:
            text += (f'  if (words[1] == std::string("{question.name}")) '
                     f"quiz_{question.name}::run_it();\n")
        path = Path(folder, f"{stage.name}.cpp")
        path.write_text(text + "}\n")
        return path

    def runs_twice(self, program: Path, name: str) -> None:
        with ThreadPoolExecutor(2) as pool:
            one, other = pool.map(
                lambda _: subprocess.run(
                    [program, name], capture_output=True, text=True,
                    timeout=quiz.SECONDS), range(2))
        self.assertEqual((one.stderr, one.returncode), ("", 0))
        self.assertEqual(one.stdout, other.stdout)
        self.assertIn(len(one.stdout.splitlines()), range(1, 13), one.stdout)


if __name__ == "__main__":
    unittest.main()
