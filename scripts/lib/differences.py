"""Differences between lines, by git, and what counts as a line of code."""
from __future__ import annotations

import difflib
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .stages import Stage, read_text, split_lines, write_text
from .terminal import Problem

# Away from any repository and configuration, so that all see the same.
_GIT_ENVIRONMENT = {
    **{name: value for name, value in os.environ.items()
       if not name.startswith("GIT_")},
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def git_diff(old: list[str], new: list[str], *options: str,
             name: str = "file") -> list[str]:
    """The hunks of git's diff, without the lines about files before them."""
    if old == new:
        return []
    with tempfile.TemporaryDirectory() as folder:
        attributes = Path(folder, "attributes")
        attributes.write_text("*.hpp diff=cpp\n*.cpp diff=cpp\n")
        for side, lines in (("old", old), ("new", new)):
            path = Path(folder, side, Path(name).name)
            path.parent.mkdir()
            write_text(path, "".join(line + "\n" for line in lines))
        done = subprocess.run(
            ["git", "-c", f"core.attributesFile={attributes}", "diff",
             "--no-index", "--no-ext-diff", "--no-renames", "--text",
             *options, f"old/{path.name}", f"new/{path.name}"],
            cwd=folder, env=_GIT_ENVIRONMENT, capture_output=True)
    if done.returncode > 1:
        raise Problem("git diff: " + done.stderr.decode().strip())
    lines = split_lines(done.stdout.decode("utf-8", "surrogateescape"))
    starts = (number for number, line in enumerate(lines)
              if _HUNK.search(line))
    return lines[next(starts, len(lines)):]


def changed_ranges(old: list[str], new: list[str],
                   *options: str) -> list[tuple[int, int, int, int]]:
    """(i1, i2, j1, j2) for each place where new[j1:j2] replaces old[i1:i2]."""
    ranges = []
    for line in git_diff(old, new, "-U0", *(options or ("--patience",))):
        if hunk := _HUNK.match(line):
            start, count, new_start, new_count = (
                1 if group is None else int(group) for group in hunk.groups())
            i = start - 1 if count else start
            j = new_start - 1 if new_count else new_start
            ranges.append((i, i + count, j, j + new_count))
    return ranges


# --- what counts as a line of code -----------------------------------------

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<string>\b(?:u8|[uUL])?R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"
                  |"(?:\\.|[^"\\\n])*"
                  |'(?:\\.|[^'\\\n])*')
      | \d[\w'.]*""",
    re.DOTALL | re.VERBOSE)


def without_comments(source: str, strings: bool = True) -> str:
    """C++ with comments (and strings, on demand) blanked, lines kept."""
    def blank(token: re.Match) -> str:
        keep = (token["comment"] is None
                and (strings or token["string"] is None))
        return token[0] if keep else re.sub(r"[^\n]", " ", token[0])
    return _TOKEN.sub(blank, source)


def counted_lines(source: str) -> list[str]:
    """The lines that are more than blanks, comments or braces."""
    bare = split_lines(without_comments(source))
    return [line for line, code in zip(split_lines(source), bare)
            if code.strip("{}();, \t\r\f\v")]


_TRACE = re.compile(r"\btrace::|\btrace_wait\b|[</\"](trace|not_there_yet)"
                    r"\.hpp\"|^\s*span\.add\(")


def essence(lines: list[str]) -> list[str]:
    """Without comments, empty lines, and what is only for a trace."""
    found = []
    closes = ""                 # the line that ends a function for the trace
    bare = without_comments("".join(line + "\n" for line in lines))
    for line in map(str.rstrip, split_lines(bare)):
        if closes:
            closes = "" if line == closes else closes
        elif _TRACE.search(line):
            if line.endswith("{"):
                closes = re.match(" *", line)[0] + "}"
        elif line:
            found.append(line)
    return found


def styled_as(model: list[str], lines: list[str]) -> list[str]:
    """The lines without comments; what is the same but for white space as the
    model has it."""
    old, new = (segments(without_comments("".join(
        line + "\n" for line in side))) for side in (lines, model))
    keys = [["".join(part.split()) for part in side] for side in (old, new)]
    for match in difflib.SequenceMatcher(
            None, *keys, autojunk=False).get_matching_blocks():
        old[match.a:match.a + match.size] = (
            new[match.b:match.b + match.size])
    return split_lines("".join(old))


def segments(text: str) -> list[str]:
    """A text without comments, cut after each ; { } that is in no parenthesis,
    and after each line for the preprocessor."""
    parts, start, depth = [], 0, 0
    for match in _SEPARATOR.finditer(text):
        sign = match[0]
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign[0] == "#" or sign in ";{}" and depth == 0:
            parts.append(text[start:match.end()])
            start = match.end()
    return [*parts, text[start:]]


_SEPARATOR = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'"
                        r"|^ *#[^\n]*|[;{}()]", re.M)


@dataclass
class Change:
    """What happened to counted lines between two stages."""
    earlier: int = 0
    removed: int = 0
    added: int = 0

    @property
    def survival(self) -> float:
        """Per cent of the earlier lines that are still there."""
        if not self.earlier:
            return 100.0
        return 100.0 * (self.earlier - self.removed) / self.earlier

    def __iadd__(self, other: Change) -> Change:
        self.earlier += other.earlier
        self.removed += other.removed
        self.added += other.added
        return self


def count_change(old: list[str], new: list[str], *options: str) -> Change:
    """--minimal keeps as many lines as any difference can: survival is
    never understated."""
    change = Change(earlier=len(old))
    for i1, i2, j1, j2 in changed_ranges(old, new, "--minimal", *options):
        change.removed += i2 - i1
        change.added += j2 - j1
    return change


def lesson_change(old: Stage, new: Stage, *options: str) -> dict[str, Change]:
    """For each lesson file of both stages."""
    def counted(stage: Stage) -> dict[str, list[str]]:
        return {name: counted_lines(read_text(path))
                for name, path in stage.lesson().items()}
    before, after = counted(old), counted(new)
    return {name: count_change(before.get(name, []), after.get(name, []),
                               *options)
            for name in sorted(before.keys() | after.keys())}


def total(changes: dict[str, Change]) -> Change:
    result = Change()
    for change in changes.values():
        result += change
    return result
