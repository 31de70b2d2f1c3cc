"""How long a chapter is, and how often its reader runs something."""
from __future__ import annotations

import re
from dataclasses import dataclass

from .book import Page
from .markdown import in_blocks

BEATS = 30
LONGER = {
    "01_generators": 45,        # C++'s coroutines are new as well
    "12_threads": 36,           # and what threads have without a loop
    "14_async_for": 31,         # one of them only removes a line
    "15_transports": 52,        # two halves: TCP has 31 of them
}
WORDS = 2500
FIRST = 6                       # the beat by which something is run
DISTANCE = 8                    # beats between two runs
VAGUE = 1.0                     # words for nobody in particular, of 1000

_VAGUE = re.compile(
    r"\b(whoever|somebody|nobody|someone|those who|the one that)\b", re.I)


@dataclass
class Measure:
    """A distance is in beats; the last counts those after the last run."""
    page: Page
    beats: int
    words: int
    vague: int
    distances: list[int]

    @property
    def runs(self) -> int:
        return len(self.distances) - 1

    @property
    def first(self) -> int:
        return self.distances[0]

    @property
    def largest(self) -> int:
        return max(self.distances)

    def faults(self) -> list[str]:
        beats = LONGER.get(self.page.chapter, BEATS)
        vague = most_vague(self.words)
        bars = (
            (self.beats, beats, "beats"),
            (self.words, WORDS, "words"),
            (self.first, FIRST, "beats before the first run"),
            (self.largest, DISTANCE, "beats between two runs"),
            (self.vague, vague, "words like `whoever` and `somebody`"))
        return [f"{value} {what}, at most {bar}"
                for value, bar, what in bars if value > bar]


def measured(page: Page) -> Measure:
    distances = [0]
    for block in page.blocks:
        if block.kind == "diff":
            distances[-1] += 1
        elif is_run(block.kind, block.body) and distances != [0]:
            if distances[-1]:
                distances.append(0)
    text = prose(page)
    return Measure(page, sum(distances), len(text.split()),
                      len(vague_words(text)), distances)


def is_run(kind: str, body: list[str]) -> bool:
    return kind == "console" and any(line.startswith("$ ") for line in body)


def vague_words(text: str) -> list[str]:
    return _VAGUE.findall(text)


def most_vague(words: int) -> int:
    """Even a short text may have one."""
    return max(1, round(VAGUE * words / 1000))


def prose(page: Page) -> str:
    """Without blocks, tables, pictures, the names of files before beats, and
    the lines with the ways out."""
    return plain([line for line in page.lines[1:-1]
                  if not line.startswith("|")
                  and not re.fullmatch(r"\*\*`[^`]*`\*\*", line.strip())])


def plain(lines: list[str]) -> str:
    """Without blocks, pictures, the signs of headings, tags and addresses."""
    text = "\n".join(line.lstrip("#")
                     for line, fenced in zip(lines, in_blocks(lines))
                     if not fenced)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"<[^>]+>", " ", text)
    return re.sub(r"\]\([^)]*\)", "]", text)


def print_table(measures: list[Measure]) -> None:
    print(f"{'chapter':17}{'beats':>6}{'words':>7}{'runs':>6}{'first':>7}"
          f"{'largest':>9}{'vague':>7}")
    for one in measures:
        print(f"{one.page.chapter:17}{one.beats:6}{one.words:7}{one.runs:6}"
              f"{one.first:7}{one.largest:9}{one.vague:7}")
    print("first: beats before the first run; largest: beats between two runs;"
          "\nvague: how often it says whoever, somebody, nobody and the like")
