"""What a program is expected to print."""
from __future__ import annotations

import re
from collections.abc import Iterable


def pattern(lines: Iterable[str]) -> str:
    """The regular expression for an output: `...` alone stands for any lines
    or none, within a line for any text. Blanks at a line's end do not count."""
    result = ""
    for line in lines:
        if line.strip() == "...":
            result += r"(?:.*\n)*?"
        else:
            result += ".*?".join(map(re.escape, line.rstrip().split("...")))
            result += r"[ \t]*\n"
    return result
