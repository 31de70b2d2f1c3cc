"""The programs that files of demos/ add to a stage's binary."""
from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .stages import read_text

_REGISTERS = re.compile(
    r"\bconst (Demo|Server|BlockingServer|Bench|BenchTable)\b[^;{}]*"
    r"\{\s*\"([^\"]+)\",\s*((?:\"[^\"]*\"\s*)+)")
_KINDS = {"Demo": "demo", "Server": "serve", "BlockingServer": "serve",
          "Bench": "bench", "BenchTable": "bench"}


@dataclass(frozen=True)
class Entry:
    kind: str                   # the binary's subcommand
    name: str
    help: str
    path: Path


def entries(folder: Path) -> list[Entry]:
    found = []
    for path in sorted(folder.glob("*.cpp")):
        for kind, name, text in _REGISTERS.findall(read_text(path)):
            help_text = "".join(re.findall(r'"([^"]*)"', text))
            found.append(Entry(_KINDS[kind], name, help_text, path))
    return found
