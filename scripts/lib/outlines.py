"""Nearly the code: what is called and when, without what it is called with."""
from __future__ import annotations

import re

# What a parenthesis comes after that belongs to no call.
_HEAD = re.compile(r"\b(if|for|while|switch|catch|requires|decltype|sizeof"
                   r"|alignof|noexcept|void)( constexpr)?$")
# What comes after the parenthesis of a function's head.
_BODY = re.compile(r"\s*(\{|:(?!:)|->|(const|override|noexcept|final)\b|= \w)")
_DECLARED = re.compile(r"(?!(return|throw|new|delete|else|co_\w+)\b)"
                       r"[\w:<>,&* \[\]~]*[\w>&*] ~?[\w:]+$")
_LITERAL = re.compile(
    r"(-?[\d.']+\w*|true|false|nullptr|\{\}|\"\"|std::nullopt)$")
_ASSIGNED = re.compile(
    r"(?! *(?:using|return|if|for|while|template)\b)"
    r"([^\"=()]*[^\"=()!<>] ?[-+*/|&^]?= )([^=\"()]+);$")
_RETURNED = re.compile(r"(.*\b(?:return|co_return|co_yield|co_await|throw) )"
                       r"([^()]+);$")


def outlined(lines: list[str]) -> list[str]:
    """The lines with ... for arguments and values; fewer where arguments go
    over several lines."""
    text = without_arguments("\n".join(lines))
    return [without_value(line) for line in text.split("\n")]


def without_arguments(text: str) -> str:
    out, position = "", 0
    for start, end in calls_in(text):
        if start > position and text[start + 1:end].strip():
            out += text[position:start + 1] + "..."
            position = end
    return out + text[position:]


def calls_in(text: str):
    """(start, end): the parentheses of calls; outer ones first."""
    for match in re.finditer(r"//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|\(", text):
        start = match.start()
        if match[0] != "(":
            continue
        end = closing(text, start)
        line = text[text.rfind("\n", 0, start) + 1:start].strip()
        if end and not _HEAD.search(line.rstrip()) and not (
                _BODY.match(text, end + 1) or _DECLARED.match(line)) and (
                re.search(r"[\w>\])]$", line)):
            yield start, end


def closing(text: str, start: int) -> int:
    """Where the parenthesis is closed; 0 if that is not in the text."""
    depth = 0
    for match in re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'.'|[()]").finditer(
            text, start):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    return 0


def without_value(line: str) -> str:
    for pattern in (_ASSIGNED, _RETURNED):
        found = pattern.match(line)
        if found and not _LITERAL.match(found[2]):
            return f"{found[1]}...;"
    return line
