"""What somebody has typed, compared with what the book has: white space,
comments and hooks for traces do not count."""
from __future__ import annotations

import difflib
import re

from .bare import Files, bare, places
from .differences import without_comments

Token = tuple[str, int]             # a word or sign, and the index of its line


def tokens(lines: list[str]) -> list[Token]:
    """Words and signs of the code, each with the index of its line."""
    code = without_all_comments(lines)
    return [(token, number) for number in places(code)
            for token in words(code[number])]


def without_all_comments(lines: list[str]) -> list[str]:
    """As many lines, also without the comments behind code."""
    return [line.rstrip()
            for line in without_comments("\n".join(lines)).split("\n")]


def words(line: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", line)


def code(lines: list[str]) -> list[str]:
    return bare(without_all_comments(lines))


def same_text(one: list[str], other: list[str]) -> bool:
    """Whether the code is the same."""
    return one == other or ([token for token, _ in tokens(one)]
                            == [token for token, _ in tokens(other)])


def same_files(one: Files, other: Files) -> bool:
    return one.keys() == other.keys() and all(
        same_text(one[name], other[name]) for name in one)


def own_notes(lines: list[str], known: set[str]) -> list[str]:
    """The comments and hooks that somebody has added: lines that are not among
    the known ones, and of which the comparison drops something."""
    blanked = without_all_comments(lines)
    kept = set(places(blanked))
    return [line for number, (line, code) in enumerate(zip(lines, blanked))
            if line.strip() and line.strip() not in known
            and (number not in kept or code != line.rstrip())]


Change = tuple[int, int, int]       # lines from, up to, and how many it puts


def changes_of(old: list[str], new: list[str]) -> list[Change]:
    """Of the code; empty lines do not count."""
    one, other = ([found for line in code(lines)
                   if (found := tuple(words(line)))]
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


Place = tuple[int, int, int, int]   # tokens from, up to; in one, in the other


def places_of_change(one: list[str], other: list[str]) -> list[Place]:
    """What differs, in both."""
    start = next((place for place, (mine, its) in enumerate(zip(one, other))
                  if mine != its), min(len(one), len(other)))
    end = 0
    while (end < min(len(one), len(other)) - start
           and one[len(one) - 1 - end] == other[len(other) - 1 - end]):
        end += 1
    matcher = difflib.SequenceMatcher(
        None, one[start:len(one) - end], other[start:len(other) - end],
        autojunk=False)
    return [(start + i1, start + i2, start + j1, start + j2)
            for tag, i1, i2, j1, j2 in matcher.get_opcodes()
            if tag != "equal"]


def missing_signs(mine: list[Token], its: list[Token], place: Place) -> str:
    """Where a sign or two are missing, and which; empty if what differs is
    something else."""
    start, end, begin, stop = place
    lost = [token for token, _ in its[begin:stop]]
    if (end > start or not start or not begin or not 0 < len(lost) <= 2
            or any(re.match(r"\w", token) for token in lost)):
        return ""
    where = "line" if its[begin][1] == its[begin - 1][1] else "after line"
    return f"{where} {mine[start - 1][1] + 1}: `{''.join(lost)}` is missing"
