"""A small project in a temporary folder, and the tools run on it."""
from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType
from unittest.mock import patch

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from lib import terminal
from lib.book import read_book
from lib.walkthrough import navigation

# Thousands of small files: in memory where that is possible.
MEMORY = "/dev/shm"
if (os.path.isdir(MEMORY) and os.access(MEMORY, os.W_OK)
        and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC):
    os.environ.setdefault("TMPDIR", MEMORY)


def text_of(text: str) -> str:
    """A text in triple quotes without its indentation; others as they are."""
    return textwrap.dedent(text[1:]) if text.startswith("\n") else text


def function(name: str, *body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body or ("return 1;",))
    return f"int {name}()\n{{\n{lines}}}\n"


def command(name: str) -> Path:
    """The program of that name."""
    path = SCRIPTS / name
    return path if path.exists() else SCRIPTS / "maintain" / name


class ProjectTest(unittest.TestCase):
    tool: ModuleType            # its main() is what the command calls

    @property
    def name(self) -> str:
        return self.tool.__name__.rpartition(".")[2]

    def setUp(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        (self.root / "stages").mkdir()
        (self.root / "common").mkdir()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def replace(self, name: str, old: str, new: str) -> None:
        text = self.read(name)
        self.assertEqual(text.count(old), 1, f"{old!r} in {name}")
        self.write(name, text.replace(old, new))

    def write_book(self, text: str) -> None:
        """What stands under `## 01_one: Title` becomes that stage's chapter,
        the rest is WALKTHROUGH.md."""
        for path in self.root.glob("stages/*/CHAPTER.md"):
            path.unlink()
        rest = ""
        for part in re.split(r"(?m)^(?=## )", text):
            if heading := re.match(r"## (\d\d_\w+):? *(.*)\n", part):
                name = heading[1]
                self.write(f"stages/{name}/CHAPTER.md",
                           f"# Chapter {name[:2]}: {heading[2]}\n"
                           + part[heading.end():])
            else:
                rest += part
        self.write("WALKTHROUGH.md", rest)
        chapters = list(read_book(self.root).chapters.values())
        for number, page in enumerate(chapters):
            ways = navigation(chapters, number)
            body = "\n".join(page.lines).strip("\n")
            page.path.write_text(f"{ways}\n\n{body}\n\n{ways}\n")

    def read_book(self) -> str:
        return "".join(self.read(page.name)
                       for page in read_book(self.root).pages)

    def replace_in_book(self, old: str, new: str) -> None:
        text = self.read_book()
        self.assertEqual(text.count(old), 1, f"{old!r} in the book")
        for page in read_book(self.root).pages:
            self.write(page.name, self.read(page.name).replace(old, new))

    def stage(self, name: str, **files: str) -> None:
        """stage("01_one", a_hpp="...") writes stages/01_one/a.hpp."""
        for file, text in files.items():
            stem, _, suffix = file.rpartition("_")
            self.write(f"stages/{name}/{stem}.{suffix}", text)

    def environment(self, **changes: str) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items()
               if name not in ("NO_COLOR", "PAGER", "LESS", "STAGES_ROOT",
                               "CXXFLAGS", "WALKTHROUGH_RUNNING")}
        return {**own, "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CEILING_DIRECTORIES": str(self.root.parent), **changes}

    def arguments(self, arguments: tuple[str, ...]) -> list[str]:
        return [*arguments, "--root", str(self.root)]

    def call(self, *arguments: str, stdin: str = "",
             **environment: str) -> CompletedProcess:
        """Runs the tool within this process."""
        out, error = io.StringIO(), io.StringIO()
        variables = self.environment(**environment)
        with (patch.dict(os.environ, variables, clear=True),
              patch("sys.argv", [self.name]),
              patch("sys.stdin", io.StringIO(stdin)),
              redirect_stdout(out), redirect_stderr(error)):
            try:
                status = terminal.status_of(self.tool.main,
                                            self.arguments(arguments))
            except SystemExit as end:   # argparse
                status = end.code
        return CompletedProcess(arguments, status, out.getvalue(),
                                error.getvalue())

    def start(self, *arguments: str, stdin: str = "",
              **environment: str) -> CompletedProcess:
        """Runs the tool as a process of its own."""
        return subprocess.run(
            [command(self.name), *self.arguments(arguments)], input=stdin,
            text=True, capture_output=True, timeout=60,
            env=self.environment(**environment))

    def good(self, *arguments: str, **environment: str) -> str:
        """What the tool prints; it must succeed and say nothing else."""
        done = self.call(*arguments, **environment)
        self.assertEqual((done.stderr, done.returncode), ("", 0), done.stdout)
        return done.stdout

    def bad(self, *arguments: str, **environment: str) -> str:
        """What the tool complains about; it must fail, and not crash."""
        done = self.call(*arguments, **environment)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        return done.stderr

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", self.root, "-c", "user.name=t", "-c",
             "user.email=t@t", *arguments], text=True, check=True,
            capture_output=True, env=self.environment()).stdout.strip()

    def commit(self) -> None:
        if not (self.root / ".git").exists():
            self.git("init", "-q", "--template=")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "state")
