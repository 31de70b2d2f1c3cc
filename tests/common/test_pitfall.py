# ctest: ci once
"""pitfall.py finds what differs from a pitfall's head, and nothing else."""

import os
import subprocess
import sys
import tempfile
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def check(head, program):
    """The exit status and output of pitfall.py for a python3 program."""
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "pitfall.cpp")
        with open(source, "w", encoding="utf-8") as file:
            for line in head.splitlines():
                file.write(f"// {line}".rstrip() + "\n")
            file.write("int main() {}\n// Exit: 99\n")
        done = subprocess.run(
            [sys.executable, os.path.join(TESTS, "pitfall.py")]
            + [source, "--", sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return done.returncode, done.stdout


class PitfallTest(unittest.TestCase):
    def assertHolds(self, head, program):
        self.assertEqual(check(head, program), (0, ""))

    def assertDiffers(self, head, program, text):
        status, output = check(head, program)
        self.assertEqual(status, 1)
        self.assertIn(text, output)

    def test_prints(self):
        head = "What it is.\nPrints:\n  one\n\n    two"
        self.assertHolds(head, r"print('one\n\n  two')")
        self.assertDiffers(head, r"print('one\n\ntwo')", "it should print")
        self.assertDiffers(head, r"print('one')", "it should print")
        self.assertDiffers(
            head, r"print('one\n\n  two\nthree')", "it should print"
        )

    def test_dots(self):
        head = "Prints:\n  a ... c (*)\n  ...\n  end"
        self.assertHolds(head, r"print('a b c (*)\nend')")
        self.assertHolds(head, r"print('a b c (*)\nx\n\nend')")
        self.assertHolds(head, r"print('a b c (*)\nx\nend', end='')")
        self.assertDiffers(head, r"print('a\nb c (*)\nend')", "should print")
        self.assertDiffers(head, r"print('a b c (*)\nend\nx')", "should print")

    def test_nothing_said_about_stdout(self):
        self.assertHolds("What it is.", "print('anything')")

    def test_a_head_that_was_wrapped_as_one_paragraph(self):
        head = "What it is. Prints:   one\ntwo"
        self.assertDiffers(head, r"print('one\ntwo')", "Prints: begins a line")

    def test_exit_status(self):
        self.assertHolds("Exit: 3", "exit(3)")
        self.assertDiffers("Exit: 3", "exit(4)", "exit status is 4, not 3")
        self.assertDiffers("", "exit(4)", "exit status is 4, not 0")
        self.assertHolds("Exit: nonzero", "exit(4)")
        self.assertHolds("Exit: nonzero", "import os; os.abort()")
        self.assertDiffers("Exit: nonzero", "", "exit status is 0")

    def test_stderr(self):
        program = "import sys; sys.stderr.write('it broke here')"
        self.assertHolds("Stderr: broke", program)
        self.assertDiffers("Stderr: leak", program, "not contain: leak")

    def test_hangs(self):
        program = "import time; print('begun', flush=True); time.sleep(60)"
        self.assertHolds("Hangs: 1\nPrints:\n  begun", program)
        self.assertDiffers("Hangs: 5", "", "should hang")

    def test_compiles(self):
        compiler = "import sys; print('error: no such type'); sys.exit(1)"
        self.assertHolds("Compiles: no\nError: no such", compiler)
        self.assertDiffers(
            "Compiles: no\nError: ambiguous", compiler, "not say: ambiguous"
        )
        self.assertDiffers("Compiles: no", "", "it compiles")


if __name__ == "__main__":
    unittest.main()
