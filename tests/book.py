"""The book tells the truth: a chapter's beats compile, and its commands print
what it says. CHAPTER names the chapter's number, or "rest" for what is in none.
What was proved before is skipped: see proofs.py."""

import os
import re
import shlex
import subprocess
import sys
import unittest
from pathlib import Path

import proofs

ROOT = Path(__file__).resolve().parent.parent
WALKTHROUGH = ROOT / "scripts" / "maintain" / "walkthrough"
CHAPTER = os.environ.get("CHAPTER", "rest")
# The whole is for those who have the time: a beat without its #include.
FLAGS = [] if os.environ.get("SOAK") else ["--precompiled"]
RUN = r"\./scripts/run (\d\d)(?: pitfall (\w+))?"
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

from lib.book import read_book
from lib.compiler import quicker
from lib.stages import find_stages

# Once for all commands: no compiler's progress is among their outputs.
BUILD = r"""
. "$root/scripts/lib/setup.sh"
need_tools
folder=${tested_dir:-$build_dir/release}
configure_plain "$folder" Release && build "$folder" "the programs" "$@"
"""


class Chapter(unittest.TestCase):
    def setUp(self):
        book = read_book(ROOT)
        name = None
        self.numbers = []
        if CHAPTER != "rest":
            stages = [stage.name for stage in find_stages(ROOT)]
            place, name = next(
                (place, each)
                for place, each in enumerate(stages)
                if each.startswith(f"{CHAPTER}_")
            )
            self.assertIn(name, book.chapters, "it has no chapter")
            before = stages[max(place - 1, 0):place + 1]
            self.numbers = [each[:2] for each in before]
        self.blocks = [b for b in book.blocks if b.chapter == name]
        self.proofs = proofs.Proofs(ROOT)

    def prove(self, name, text, check):
        known = self.proofs.has(name, text)
        if not known:
            check()
            self.proofs.proved(text)
        if FLAGS:
            fault = self.proofs.fault_of_record(name, text)
            self.assertEqual(fault, "")
        if known:
            what = name.partition(".")[0]
            self.skipTest(f"the book's {what}, {known}")

    def check(self, *flags, **environment):
        place = ["--rest"] if CHAPTER == "rest" else [CHAPTER]
        check = subprocess.run(
            [WALKTHROUGH, "check", *place, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # ctest checks other chapters beside this one.
            env={**os.environ, "WALKTHROUGH_JOBS": "1", **environment},
        )
        self.assertEqual(check.returncode, 0, "\n" + check.stdout)


class Commands(Chapter):
    def build(self):
        text = "\n".join(proofs.blocks_text(self.blocks, "console"))
        programs = {stage.number: stage.name for stage in find_stages(ROOT)}
        targets = {
            f"{number}_pitfall_{pitfall}" if pitfall else programs[number]
            for number, pitfall in re.findall(RUN, text)
        }
        if targets:
            done = subprocess.run(
                ["sh", "-c", BUILD, "book", *sorted(targets)],
                stdin=subprocess.DEVNULL, capture_output=True, text=True,
                env={**os.environ, "root": str(ROOT), "yes": ""},
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_they_print_what_it_says(self):
        def check():
            self.build()
            # What tests/proofs has to have proved takes a minute and a half:
            # the programs in the middle of chapters. See proofs.py.
            checked = ["--finished"] if self.proofs.mode == "check" else []
            self.check("--no-compile", *checked, ALREADY_BUILT="1")

        text = proofs.commands_hash(ROOT, self.blocks, self.numbers)
        self.prove(f"commands.{CHAPTER}", text, check)


class Beats(Chapter):
    def test_they_compile(self):
        def check():
            compiler = os.environ.get("CXX") or "c++"
            if FLAGS:
                compiler = shlex.join(quicker(shlex.split(compiler)))
            self.check("--no-run", *FLAGS, CXX=compiler)

        text = proofs.beats_hash(ROOT, self.blocks, self.numbers)
        text += "".join(FLAGS)
        self.prove(f"beats.{CHAPTER}", text, check)


if __name__ == "__main__":
    unittest.main()
