"""Fenced blocks in Markdown."""
from __future__ import annotations

import re

_FENCE = re.compile(r"( *)(`{3,}|~{3,})\s*(.*?)\s*$")


def opening(line: str) -> re.Match | None:
    """Groups: indentation, fence, what is said after it."""
    return _FENCE.match(line)


def closes(line: str, fence: re.Match) -> bool:
    text = line.strip()
    return (text == text[:1] * len(text) and text.startswith(fence[2])
            and len(line) - len(line.lstrip()) <= len(fence[1]))


def in_blocks(lines: list[str]) -> list[bool]:
    """Of each line, whether it belongs to a fenced block."""
    found = []
    fence = None
    for line in lines:
        if fence:
            found.append(True)
            fence = None if closes(line, fence) else fence
        else:
            fence = opening(line)
            found.append(fence is not None)
    return found
