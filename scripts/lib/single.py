"""Prints a stage and one of its demos as one file that compiles anywhere.

    scripts/single 04 sleepers >sleepers.cpp
    c++ -std=c++20 -pthread sleepers.cpp

For Compiler Explorer, mailing lists and bug reports: all headers of the stage
and of common/ that it needs are in it, and nothing else is. Only the command line
is left out, which wants CLI11: the program runs the demo, or serves on port 30303.
"""
from __future__ import annotations

import argparse
import re
from pathlib import Path

from .demos import Entry, entries
from .stages import Stage, find_stages, pick_stage, read_lines
from .terminal import Problem, new_parser, root_of

COMMAND_LINE = Path(__file__).with_name("assets") / "command_line.cpp"
_INCLUDE = re.compile(r'#include "([^"]+)"')


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    root = root_of(options)
    stage = pick_stage(find_stages(root), options.stage)
    print(single(root, stage, pick_demo(stage, options.demo)), end="")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("stage", metavar="NN", help="4, 04 or 04_sleep")
    parser.add_argument("demo", nargs="?", metavar="DEMO",
                        help="a demo, or a server (default: the first)")
    return parser.parse_args(arguments)


def pick_demo(stage: Stage, name: str | None) -> Entry:
    found = [entry for entry in entries(stage.folder / "demos")
             if entry.kind != "bench" and not entry.blocking]
    found.sort(key=lambda entry: entry.kind)    # demos before servers
    for entry in found:
        if name in (None, entry.name):
            return entry
    known = ", ".join(dict.fromkeys(entry.name for entry in found))
    raise Problem(f"{stage.name} has no demo {name or ''}"
                  f" (there are: {known or 'none'})")


def single(root: Path, stage: Stage, demo: Entry) -> str:
    text = SingleFile(root, stage.folder)
    text.add(stage.folder / "main.cpp")
    text.add(demo.path, namespace=demo.path.stem)
    text.add_sources()
    return "\n".join([
        f"// {stage.name}: {demo.kind} {demo.name}, with all that it needs.",
        f'#define STAGE_NAME "{stage.name}"',
        f'#define PROGRAM "{demo.name}"', "", *text.lines]) + "\n"


class SingleFile:
    """Source files one after the other, each #include "..." in its place."""

    def __init__(self, root: Path, stage: Path) -> None:
        self.root = root
        self.stage = stage
        self.lines: list[str] = []
        self.done: set[Path] = set()

    def add(self, path: Path, namespace: str = "") -> None:
        """What it includes, then itself: names of one source file may be
        those of another, so that a namespace goes around them."""
        self.done.add(path)
        body = []
        for line in read_lines(path):
            include = _INCLUDE.match(line)
            if include:
                self.include(path, include[1])
            elif namespace and line.startswith("#include"):
                self.lines.append(line)
            elif line != "#pragma once":
                body.append(line)
        text = "\n".join(body).strip("\n")
        self.lines += ["", f"// ---- {path.name}", ""]
        if namespace:
            text = f"namespace {namespace}_ {{\n{text}\n}}"
        self.lines.append(text)

    def include(self, path: Path, name: str) -> None:
        found = next((folder / name for folder in
                      (path.parent, self.stage, self.root)
                      if (folder / name).is_file()), None)
        if found is None:
            raise Problem(f"{path}: there is no {name}")
        if found not in self.done:
            self.add(found)

    def add_sources(self) -> None:
        """For each header of common/ its functions."""
        while sources := {self.source_of(path) for path in self.done
                          if path.parent == self.root / "common"} - self.done:
            for source in sorted(sources):
                self.add(source)

    def source_of(self, path: Path) -> Path:
        """The .cpp of a header, or else the header itself."""
        if path.name == "command_line.hpp":
            return COMMAND_LINE
        source = path.with_suffix(".cpp")
        return source if source.is_file() else path
