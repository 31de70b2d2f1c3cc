# ctest: timeout=60
"""scripts/bench: its tables and plots, with few and small numbers."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from unittest import mock

from fixture import SCRIPTS

ROOT = SCRIPTS.parent
BUILD_BIN = Path(os.environ.get("BUILD_BIN")
                 or ROOT / "build" / "release" / "bin")
HAS_GNUPLOT = shutil.which("gnuplot") is not None
SVG = "{http://www.w3.org/2000/svg}"
FIGURE = r"[\d,]+(?:\.\d+)?"


def built(first: str) -> list[str]:
    """The stages from that one on whose programs are there."""
    return [folder.name for folder in sorted((ROOT / "stages").iterdir())
            if folder.name[:2] >= first
            and (BUILD_BIN / folder.name).is_file()]


def tables_in(text: str) -> list[list[list[str]]]:
    """The cells of each table, without its rule."""
    tables: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            if not line.startswith("|-"):
                tables[-1].append(
                    [cell.strip() for cell in line.strip("|").split("|")])
        elif tables[-1]:
            tables.append([])
    return [table for table in tables if table]


class Bench(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(suffix=" with a space")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def call(
        self, *words: str, programs: Path = BUILD_BIN
    ) -> subprocess.CompletedProcess:
        # A child of its own: a run fixes the core and the limits it has.
        return subprocess.run(
            [SCRIPTS / "bench", *words], capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=50,
            env={**os.environ, "BUILD_BIN": str(programs)})

    def quick(self, what: str, stages: list[str]) -> list[list[list[str]]]:
        """Runs it and checks what holds for both; the tables."""
        if not stages:
            self.skipTest("no program is built that it could measure")
        words = [] if HAS_GNUPLOT else ["--no-plot"]
        done = self.call(what, "--quick", "--stages", ",".join(stages),
                         "--output", str(self.folder), "--python",
                         sys.executable, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / f"{what}.md").read_text(),
                         done.stdout)
        self.assertIn("One round only", done.stdout)
        self.assertIn("round 1 of 1", done.stderr)
        self.assertNotIn(str(ROOT), done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)
        tables = tables_in(done.stdout)
        for table in tables:
            self.assertEqual({len(row) for row in table}, {len(table[0])})
        return tables

    def svg(self, what: str) -> ElementTree.Element:
        """The plot; ElementTree refuses what is not well-formed."""
        if not HAS_GNUPLOT:
            self.skipTest("gnuplot is not installed: the table was checked,"
                          " the plot was not")
        path = self.folder / f"{what}.svg"
        root = ElementTree.parse(path).getroot()
        self.assertEqual(root.tag, f"{SVG}svg")
        for rect in root.iter(f"{SVG}rect"):
            if rect.get("width") == root.get("width"):
                self.assertEqual(rect.get("fill"), "none")
        return root


class Scaling(Bench):
    def test_quick(self):
        stages = built("09")
        (table,) = self.quick("scaling", stages)
        self.assertEqual([row[0] for row in table],
                         ["silent connections", "0", "50", "200",
                          "most / none"])
        selectors = [cell.split()[0] for cell in table[0][1:]]
        self.assertEqual(selectors[:2], ["select", "poll"])
        self.assertEqual(len(selectors), len(set(selectors)))
        for row in table[1:]:
            for cell in row[1:]:
                self.assertRegex(cell, rf"^{FIGURE}$")
        self.check_lines(selectors)

    def check_lines(self, selectors: list[str]) -> None:
        drawn = {}
        for group in self.svg("scaling").iter(f"{SVG}g"):
            title = group.find(f"{SVG}title")
            if title is not None:
                drawn[title.text.split()[0]] = group
        self.assertEqual(list(drawn), selectors)
        for selector, group in drawn.items():
            paths = [path.get("d", "") for path in group.iter(f"{SVG}path")]
            corners = max(len(re.findall("[ML]", path)) for path in paths)
            self.assertGreaterEqual(corners, 3, f"no line for {selector}")


class Tasks(Bench):
    def test_quick(self):
        stages = built("04")
        times, ratios = self.quick("tasks", stages)
        self.assertEqual(times[0], [
            "ns", "switch 2", "switch 1k", "spawn", "future", "alive",
            "timers", "bytes"])
        self.assertEqual(ratios[0], ["ratio", *times[0][1:-1]])
        contenders = [f"stage {stage[:2]}" for stage in stages] + ["asyncio"]
        for table in (times, ratios):
            names = [row[0] for row in table[1:]]
            self.assertEqual([name for name in names if name != "uvloop"],
                             contenders)
            for row in table[1:]:
                for cell in row[1:]:
                    self.assertRegex(cell, rf"^({FIGURE}|-)$")
        by_name = {row[0]: row[1:] for row in ratios}
        self.assertEqual(set(by_name[contenders[-2]]) - {"-"}, {"1.00"})
        self.assertNotIn("-", by_name["asyncio"])
        texts = {text.strip() for text in self.svg("tasks").itertext()}
        self.assertLessEqual({*contenders, *ratios[0][1:]}, texts)


HAS_ASIO = subprocess.run(
    [os.environ.get("CXX") or "c++", "-std=c++20", "-fsyntax-only", "-x", "c++",
     "-"], input="#include <asio.hpp>\n", text=True,
    capture_output=True).returncode == 0


class Threads(Bench):
    def check(self, also: list[str]) -> None:
        stages = built("12")
        (table,) = self.quick("threads", stages)
        self.assertEqual(table[0], ["ns", "threadsafe", "executor",
                                    "threadsafe, ratio", "executor, ratio"])
        last = f"stage {stages[-1][:2]}"
        wanted = [f"stage {stage[:2]}" for stage in stages] + also + ["asyncio"]
        rows = {row[0]: row[1:] for row in table[1:]}
        self.assertEqual([name for name in rows if name != "uvloop"], wanted)
        for name, cells in rows.items():
            for cell in cells:
                self.assertRegex(cell, rf"^{FIGURE}$", name)
                self.assertGreater(float(cell.replace(",", "")), 0, name)
        self.assertEqual(rows[last][2:], ["1.00", "1.00"])

    def test_quick(self):
        if not HAS_ASIO:
            self.skipTest("asio's headers are not installed")
        self.check(["asio", "asio + timer"])

    def test_without_asio(self):
        """A compiler that compiles nothing is one that does not find it."""
        with mock.patch.dict(os.environ, {"CXX": "false"}):
            self.check([])

    def test_a_program_that_fails(self):
        """Or prints no figure: an error, and no table."""
        program = self.folder / "12_threads"
        for end, error in (
            ("echo no threads >&2; exit 3", "no threads"),
            ("echo ns=", "prints: ns="),
        ):
            program.write_text(
                "#!/bin/sh\n"
                'if [ $# -eq 1 ]; then echo "threadsafe x"; exit; fi\n'
                'if [ $2 = threadsafe ]; then echo "ns=1 bytes=0"; exit; fi\n'
                f"{end}\n")
            program.chmod(0o755)
            with mock.patch.dict(os.environ, {"CXX": "false"}):
                done = self.call("threads", "--quick", "--stages", "12",
                                 "--output", str(self.folder / "out"),
                                 "--python", sys.executable,
                                 programs=self.folder)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(error, done.stderr)
            self.assertTrue("executor" in done.stderr, done.stderr)


class Usage(Bench):
    def test_help_and_errors(self):
        done = self.call("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.startswith("usage: scripts/bench "))
        for words in ([], ["speed"], ["tasks", "--no"], ["tasks", "--runs"],
                      ["tasks", "--no-plot", "--runs", "none"]):
            done = self.call(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertNotEqual(done.stderr, "")
        for words, error in (
            (["tasks", "--stages", "77"], "there is no stage 77"),
            (["tasks", "--stages", "01"], "begins with stage 04"),
            (["scaling", "--stages", "08"], "begins with stage 09"),
            (["threads", "--stages", "11"], "begins with stage 12"),
        ):
            done = self.call(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(error, done.stderr)
            self.assertTrue(done.stderr.startswith("bench: "))


if __name__ == "__main__":
    unittest.main()
