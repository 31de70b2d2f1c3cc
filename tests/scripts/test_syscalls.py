# ctest: timeout=300
"""scripts/bench syscalls: what the selectors say to the kernel for each message."""
from __future__ import annotations

import os
import shutil
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "bench"
BUILD_BIN = Path(
    os.environ.get("BUILD_BIN") or ROOT / "build" / "release" / "bin"
)


def call(*words):
    return subprocess.run([SCRIPT, "syscalls", *map(str, words)],
                          capture_output=True, text=True, timeout=250)


def strace_works():
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"],
                          capture_output=True).returncode == 0


class WordsTest(unittest.TestCase):
    def test_help(self):
        done = call("--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("STAGE", "--selector", "--messages", "--connections"):
            self.assertIn(word, done.stdout)

    def test_a_number_that_is_none(self):
        self.assertEqual(call("--messages", "0").returncode, 2)

    @unittest.skipUnless(strace_works(), "strace is missing or not permitted")
    def test_no_such_stage(self):
        done = call("77")
        self.assertEqual(done.returncode, 1)
        self.assertIn("bench: no stage 77 (there are: ", done.stderr)


@unittest.skipUnless(strace_works(), "strace is missing or not permitted")
class CountTest(unittest.TestCase):
    def table(self, program, *words):
        """Calls a message, by selector and column."""
        done = call("--program", program, "--messages", 1000,
                    "--connections", 5, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        first, names, *lines = done.stdout.splitlines()
        self.assertEqual(first, "1000 messages, 5 connections; system calls a"
                                " message")
        rows = {}
        for line in lines:
            selector, *cells = line.split()
            rows[selector] = dict(zip(names.split(), map(float, cells)))
        return rows

    def programs(self):
        found = sorted(BUILD_BIN.glob("[0-9][0-9]_*"))
        found = [path for path in found if path.name >= "10"]
        if not found:
            self.skipTest("no such stage has been built")
        return found

    def test_an_epoll_is_told_once(self):
        """The selector may tell the kernel 0.05 times a message."""
        for program in self.programs():
            with self.subTest(program.name):
                rows = self.table(program)
                self.assertLessEqual({"select", "poll", "epoll"}, rows.keys())
                for selector, row in rows.items():
                    self.assertLess(row["epoll_ctl"], 0.05, selector)
                    if selector != "kqueue":  # that may be an emulation
                        self.assertLess(row["all"], 5, selector)
                    self.assertGreaterEqual(row["recv"], 1, selector)
                    self.assertGreaterEqual(row["send"], 1, selector)
                self.assertGreater(rows["epoll"]["epoll_ctl"], 0)

    def test_only_the_selectors_asked_for(self):
        program = self.programs()[-1]
        self.assertEqual(list(self.table(program, "--selector", "poll")),
                         ["poll"])
        done = call("--program", program, "--selector", "wait")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Abench: .* has no selector wait;"
                                      r" there are: .*poll.*\n\Z")


if __name__ == "__main__":
    unittest.main()
