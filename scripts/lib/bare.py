"""A lesson file without its comments and the hooks for traces: what the book
shows. The tools put the rest in again."""
from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from dataclasses import dataclass, field

from .stages import Stage, lesson_lines

Files = dict[str, list[str]]

# Lines that only note something in a trace, or ask for what is to be noted.
_TRACE = re.compile(
    r"\btrace::|\btrace_wait\b|common/trace\.hpp|^\s*span\.add\("
    r"|^\s*const Where where = coroutine\.where\(\);")


@dataclass
class Line:
    """A line that the book shows."""
    text: str
    # What stands in the file before it, and in the book does not.
    extras: list[str] = field(default_factory=list)


def is_trace(line: str) -> bool:
    return bool(_TRACE.search(line))


def is_comment(line: str) -> bool:
    return line.lstrip().startswith("//")


def annotated(lines: list[str]) -> tuple[list[Line], list[str]]:
    """The lines that the book shows, and what comes after the last of them.

    Where something is left out, one empty line is left, and none at the file's
    beginning or end or before a line that closes a block."""
    found: list[Line] = []
    extras: list[str] = []
    function = None             # the line that ends the hook
    for line in lines:
        if function is not None:
            extras.append(line)
            function = None if line == function else function
        elif is_trace(line) and line.endswith("{"):
            extras.append(line)
            function = end_of(line)
        elif (is_trace(line) or is_comment(line)
              or not line and extras and (not found or not found[-1].text)):
            extras.append(line)
        else:
            if (extras and found and not found[-1].text
                    and re.match(r"\s*[}\])]", line)):
                empty = found.pop()
                extras = [*empty.extras, empty.text, *extras]
            found.append(Line(line, extras))
            extras = []
    if extras and found and not found[-1].text:
        empty = found.pop()
        extras = [*empty.extras, empty.text, *extras]
    return found, extras


def bare(lines: list[str]) -> list[str]:
    found, _ = annotated(lines)
    return [line.text for line in found]


def bare_files(files: Files) -> Files:
    return {name: bare(lines) for name, lines in files.items()}


def bare_lesson(stage: Stage | None) -> Files:
    """The lesson files as the book has them."""
    return bare_files(lesson_lines(stage))


def places(lines: list[str]) -> list[int]:
    """Where each line that the book shows is in the file, from 0."""
    found, _ = annotated(lines)
    ends = itertools.accumulate(len(line.extras) + 1 for line in found)
    return [end - 1 for end in ends]


def dressed_files(files: Files, after: Files, before: Files) -> Files:
    return {name: dressed(lines, after.get(name, lines), before.get(name))
            for name, lines in files.items()}


def dressed(lines: list[str], after: list[str], before: list[str] | None
            ) -> list[str]:
    """A bare file on its way from a stage's to the next one's, with the
    comments that it will have, or has had. A trace's new hook comes with the
    last line of its file: before, what it notes may not be there yet.
    """
    if lines == bare(after):
        return after
    old, new = extras_of(lines, before or []), extras_of(lines, after)
    # Hooks that both stages have are where the later one has them.
    left = Counter(part for part in parts(before or []) if is_hook(part))

    def take(part: Part) -> bool:
        left[part] -= is_hook(part)
        return not is_hook(part) or left[part] >= 0
    late = {number: [part for part in parts(found) if take(part)]
            for number, found in new.items()}
    early = {number: [part for part in parts(found)
                      if (is_hook(part) or number not in new) and take(part)]
             for number, found in old.items()}
    result: list[str] = []
    for number, line in enumerate(lines):
        for part in early.get(number, []) + late.get(number, []):
            result += part
        result.append(line)
    return result


def extras_of(lines: list[str], source: list[str]) -> dict[int, list[str]]:
    """By the index in the bare lines: what the source has before that line."""
    found, _ = annotated(source)
    match = difflib.SequenceMatcher(
        None, lines, [line.text for line in found], autojunk=False)
    return {one + offset: found[other + offset].extras
            for one, other, size in match.get_matching_blocks()
            for offset in range(size)}


Part = tuple[str, ...]


def is_hook(part: Part) -> bool:
    return is_trace(part[0])


def parts(lines: list[str]) -> list[Part]:
    """Single lines, but a hook that is a function is one."""
    result: list[Part] = []
    function = None
    for line in lines:
        if function is not None:
            result[-1] += (line,)
            function = None if line == function else function
        else:
            result.append((line,))
            if is_trace(line) and line.endswith("{"):
                function = end_of(line)
    return result


def end_of(line: str) -> str:
    """The line that closes the block which this one opens."""
    return line[:len(line) - len(line.lstrip())] + "}"
