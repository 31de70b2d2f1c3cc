# ctest: once timeout=900
"""WALKTHROUGH.md tells the truth: beats, commands and outputs."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

RUN = r"\$ \./scripts/run (\d\d(?: pitfall \w+)?)"
# The whole is for those who have the time: a beat without its #include.
FLAGS = [] if os.environ.get("SOAK") else ["--precompiled"]
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from lib.compiler import quicker


class Book(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Built first, so that no compiler's progress is among the outputs.
        text = (ROOT / "WALKTHROUGH.md").read_text()
        for words in sorted(set(re.findall(RUN, text))):
            if "pitfall" not in words:
                words += " --help"
            command = [ROOT / "scripts" / "run", "--yes", *words.split()]
            subprocess.run(command, capture_output=True, timeout=250)

    def check(self, *flags, **environment):
        check = subprocess.run(
            [ROOT / "scripts" / "maintain" / "walkthrough", "check", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
        )
        self.assertEqual(check.returncode, 0, "\n" + check.stdout)

    def test_beats_compile(self):
        compiler = os.environ.get("CXX") or "c++"
        if FLAGS:
            compiler = shlex.join(quicker(shlex.split(compiler)))
        self.check("--no-run", *FLAGS, CXX=compiler)

    def test_commands_print_what_it_says(self):
        self.check("--no-compile")

    def test_every_stage_has_its_chapter(self):
        text = (ROOT / "WALKTHROUGH.md").read_text()
        for stage in sorted((ROOT / "stages").glob("[0-9][0-9]_*")):
            with self.subTest(stage.name):
                self.assertIn(f"\n## {stage.name}: ", text)


if __name__ == "__main__":
    unittest.main()
