# ctest: once timeout=300
"""WALKTHROUGH.md tells the truth: beats, commands and outputs."""

import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Book(unittest.TestCase):
    def test_everything_in_it_holds(self):
        check = subprocess.run(
            [ROOT / "scripts" / "walkthrough", "check"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.assertEqual(check.returncode, 0, "\n" + check.stdout)

    def test_every_stage_has_its_chapter(self):
        text = (ROOT / "WALKTHROUGH.md").read_text()
        for stage in sorted((ROOT / "stages").glob("[0-9][0-9]_*")):
            with self.subTest(stage.name):
                self.assertIn(f"\n## {stage.name}: ", text)


if __name__ == "__main__":
    unittest.main()
