# ctest: timeout=400
"""scripts/single: one file with all of a stage, which compiles anywhere."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fixture import SCRIPTS, ProjectTest
from lib import single
from lib.demos import entries
from lib.stages import find_stages

ROOT = SCRIPTS.parent
STAGES = find_stages(ROOT)
COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]


class Compiled(unittest.TestCase):
    """No -I, and nothing beside the file."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, *words: str) -> Path:
        path = self.folder / ("_".join(words) + ".cpp")
        path.write_text(subprocess.run(
            [SCRIPTS / "single", *words], cwd="/", text=True, check=True,
            stdout=subprocess.PIPE).stdout)
        return path

    def compile(self, compiler: str, path: Path, *options: str) -> None:
        done = subprocess.run(
            [compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", *options,
             path.name], cwd=self.folder, text=True, capture_output=True)
        self.assertEqual(done.returncode, 0,
                         f"{compiler} {path.name}\n{done.stderr[:4000]}")

    def test_by_itself(self) -> None:
        """Some stages' first; with SOAK=1 each demo of each stage."""
        chosen = [(stage.number, entry.name) for stage in STAGES
                  for entry in entries(stage.folder / "demos")
                  if entry.kind != "bench"]
        if not os.environ.get("SOAK"):
            chosen = [(number,) for number in ("02", STAGES[-1].number)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            files = list(pool.map(lambda words: self.file(*words), chosen))
            list(pool.map(
                lambda job: self.compile(*job, "-fsyntax-only"),
                [(compiler, path) for path in files
                 for compiler in COMPILERS]))

    def test_it_runs(self) -> None:
        path = self.file("4", "sleepers")
        self.assertNotRegex(path.read_text(), r'(?m)^#include "')
        self.compile(COMPILERS[-1], path, "-pthread", "-o", "program")
        done = subprocess.run([self.folder / "program"], text=True,
                              capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(re.search(r"together\n +0.1 s  short", done.stdout),
                        done.stdout)


class Words(ProjectTest):
    tool = single

    def test_no_such_demo(self) -> None:
        self.stage("01_one", main_cpp="int main() {}\n")
        self.write("stages/01_one/demos/a.cpp",
                   'static const Demo<void()> demo{"count", "x", count};\n')
        self.assertIn("01_one has no demo nope (there are: count)",
                      self.bad("1", "nope"))
        out = self.good("1")
        self.assertIn("// 01_one: demo count, with all that it needs.", out)
        self.assertIn("namespace a_ {\nstatic const Demo", out)

    def test_a_server_of_a_name_that_a_blocking_one_has_too(self) -> None:
        self.stage("01_one", main_cpp="int main() {}\n")
        self.write("stages/01_one/demos/a.cpp",
                   'static const BlockingService echo{"echo", "x", one};\n'
                   'static const BlockingService alone{"alone", "x", one};\n')
        self.write("stages/01_one/demos/b.cpp",
                   'static const Service<void(int)> echo{"echo", "x", all};\n')
        self.assertIn("namespace b_ {", self.good("1", "echo"))
        self.assertIn("namespace b_ {", self.good("1"))
        self.assertIn("has no demo alone (there are: echo)",
                      self.bad("1", "alone"))

    def test_a_header_that_is_not_there(self) -> None:
        self.stage("01_one", main_cpp='#include "none.hpp"\n')
        self.write("stages/01_one/demos/a.cpp",
                   'static const Demo<void()> demo{"count", "x", count};\n')
        self.assertIn("there is no none.hpp", self.bad("1"))


if __name__ == "__main__":
    unittest.main()
