"""The stages, and their files."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .terminal import Problem


@dataclass(frozen=True)
class Stage:
    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def number(self) -> str:
        return self.name[:2]

    def lesson(self) -> dict[str, Path]:
        """The lesson files by name: the headers, then main.cpp."""
        files = sorted(self.folder.glob("*.hpp"))
        files.append(self.folder / "main.cpp")
        return {path.name: path for path in files if path.is_file()}


def is_lesson(name: str) -> bool:
    """Whether a path relative to a stage folder is a lesson file's."""
    return "/" not in name and (name.endswith(".hpp") or name == "main.cpp")


def find_stages(root: Path) -> list[Stage]:
    folder = root / "stages"
    if not folder.is_dir():
        raise Problem(f"{folder}: no such folder")
    stages = [Stage(path) for path in sorted(folder.iterdir())
              if path.is_dir() and re.fullmatch(r"\d\d_\w+", path.name)]
    for one, other in zip(stages, stages[1:]):
        if one.number == other.number:
            raise Problem(f"{one.name} and {other.name} have the same number")
    return stages


def pick_stage(stages: list[Stage], text: str) -> Stage:
    """The stage that 4, 04 or 04_sleep names."""
    for stage in stages:
        if text == stage.name or text.isdigit() and (
                int(text) == int(stage.number)):
            return stage
    known = ", ".join(stage.number for stage in stages) or "none"
    raise Problem(f"no stage {text} (there are: {known})")


def stage_before(stages: list[Stage], stage: Stage) -> Stage | None:
    position = stages.index(stage)
    return stages[position - 1] if position else None


def split_lines(text: str) -> list[str]:
    """Lines without their newline; only \\n ends a line."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def read_lines(path: Path) -> list[str]:
    return split_lines(read_text(path))


def stamps(paths: Iterable[Path]) -> dict[Path, int]:
    """When each file was written: what has changed since differs in that."""
    return {path: path.stat().st_mtime_ns for path in paths if path.is_file()}


def lesson_lines(stage: Stage | None) -> dict[str, list[str]]:
    if stage is None:
        return {}
    return {name: read_lines(path) for name, path in stage.lesson().items()}


def in_typing_order(files: dict[str, list[str]]) -> list[str]:
    """The names; what a file includes comes before it, main.cpp is last."""
    order: list[str] = []
    visited: set[str] = set()

    def visit(name: str) -> None:
        if name in visited:
            return
        visited.add(name)
        for line in files[name]:
            include = re.match(r'#include [<"]([^">]+)[">]', line)
            if include and include[1] in files:
                visit(include[1])
        order.append(name)

    for name in files:
        visit(name)
    return order
