"""All of scripts/ and scripts/maintain/ can be called from any folder."""
from __future__ import annotations

import subprocess
import tempfile
import unittest
from pathlib import Path

from fixture import SCRIPTS

COMMANDS = sorted(path for folder in (SCRIPTS, SCRIPTS / "maintain")
                  for path in folder.iterdir()
                  if path.is_file() and path.suffix != ".md")


class Commands(unittest.TestCase):
    def help_of(self, *command: str | Path, **how) -> str:
        done = subprocess.run([*command, "--help"], text=True, timeout=60,
                              capture_output=True, **how)
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        self.assertRegex(done.stdout.lower(), r"\Ausage: ")
        return done.stdout

    def test_help(self) -> None:
        for path in COMMANDS:
            with self.subTest(path.name):
                self.assertIn(path.name, self.help_of(path, cwd="/"))

    def test_what_is_in_the_folder_is_not_taken_for_theirs(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("lib/__init__.py", "argparse.py"):
                path = Path(folder, name)
                path.parent.mkdir(exist_ok=True)
                path.write_text("raise SystemExit('not this one')\n")
            for path in COMMANDS:
                with self.subTest(path.name):
                    self.help_of(path, cwd=folder)
            self.help_of(SCRIPTS / "bench", "syscalls", cwd=folder)

    def test_by_a_link(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for path in COMMANDS:
                if path.read_text().startswith("#!/usr/bin/env python3"):
                    link = Path(folder, path.name)
                    link.symlink_to(path)
                    self.help_of(link)

    def test_each_is_told_of(self) -> None:
        text = (SCRIPTS / "README.md").read_text()
        for path in COMMANDS:
            self.assertIn(f"`{path.name}`", text)


if __name__ == "__main__":
    unittest.main()
