"""The programs that files of demos/ add to a stage's binary."""
from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .stages import read_text

_REGISTERS = re.compile(
    r"\bconst (Demo|Service|BlockingService|Bench|BenchTable)\b[^;{}]*"
    r"\{\s*\"([^\"]+)\",\s*((?:\"[^\"]*\"\s*)+)")
_KINDS = {"Demo": "demo", "Service": "serve", "BlockingService": "serve",
          "Bench": "bench", "BenchTable": "bench"}


@dataclass(frozen=True)
class Entry:
    kind: str                   # the binary's subcommand
    name: str
    help: str
    path: Path
    blocking: bool = False      # `serve NAME --blocking`


def entries(folder: Path) -> list[Entry]:
    found = []
    for path in sorted(folder.glob("*.cpp")):
        for kind, name, text in _REGISTERS.findall(read_text(path)):
            help_text = "".join(re.findall(r'"([^"]*)"', text))
            found.append(Entry(_KINDS[kind], name, help_text, path,
                               kind == "BlockingService"))
    return found


def wanted_entry(words: tuple[str, ...]) -> tuple[str, str]:
    """The kind and the name in `--trace FILE demo sleepers --n 3`."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        del rest[:1 if "=" in rest[0] else 2]
    kind = rest[0] if rest else "demo"
    name = rest[1] if len(rest) > 1 and not rest[1].startswith("-") else ""
    return kind, name or {"serve": "echo", "bench": "table"}.get(kind, "")


def sources_for(words: tuple[str, ...], found: list[Entry]) -> list[Path]:
    kind, name = wanted_entry(words)
    named = [entry for entry in found
             if entry.kind == kind and entry.name == name]
    if kind == "bench" and not named:
        named = [entry for entry in found if entry.kind == kind]
    return list(dict.fromkeys(entry.path for entry in named))
