"""What somebody has typed, compared with what the book has: white space does not
count."""
from __future__ import annotations

import difflib
import re

from .chapter import Files
from .differences import without_comments


def tokens(lines: list[str]) -> list[tuple[str, int]]:
    """Words and signs, each with the index of its line."""
    return [(token, number) for number, line in enumerate(lines)
            for token in re.findall(r"\w+|[^\w\s]", line)]


def same_text(one: list[str], other: list[str]) -> bool:
    """Whether they differ in white space at most."""
    return one == other or ([token for token, _ in tokens(one)]
                            == [token for token, _ in tokens(other)])


def same_files(one: Files, other: Files) -> bool:
    return one.keys() == other.keys() and all(
        same_text(one[name], other[name]) for name in one)


def bare(lines: list[str]) -> list[str]:
    return without_comments("\n".join(lines)).split("\n")


Change = tuple[int, int, int]       # lines from, up to, and how many it puts


def changes_of(old: list[str], new: list[str]) -> list[Change]:
    """White space and empty lines do not count."""
    one, other = ([words for line in lines
                   if (words := tuple(re.findall(r"\w+|[^\w\s]", line)))]
                  for lines in (old, new))
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return [(i1, i2, j2 - j1) for tag, i1, i2, j1, j2
            in matcher.get_opcodes() if tag != "equal"]


def touch(one: Change, other: Change) -> bool:
    """Whether both change the same lines, or add some in the same place."""
    (start, end, put), (begin, stop, added) = one, other
    if start < stop and begin < end:
        return True
    grows, adds = put > end - start, added > stop - begin
    return grows and adds and (start <= stop and begin <= end)


def places_of_change(one: list[str], other: list[str]
                     ) -> list[tuple[int, int]]:
    """Where what differs begins, in both."""
    start = next((place for place, (mine, its) in enumerate(zip(one, other))
                  if mine != its), min(len(one), len(other)))
    end = 0
    while (end < min(len(one), len(other)) - start
           and one[len(one) - 1 - end] == other[len(other) - 1 - end]):
        end += 1
    matcher = difflib.SequenceMatcher(
        None, one[start:len(one) - end], other[start:len(other) - end],
        autojunk=False)
    return [(start + i, start + j) for tag, i, _, j, _ in matcher.get_opcodes()
            if tag != "equal"]
