"""Makes of a stage what one starts its homework with: its declarations, and
bodies that say "not there yet". Nothing of that is kept anywhere: it is
derived from the stage and the one before, so that it cannot rot.

- A function that the stage adds gets a body that throws NotThereYet;
  a destructor an empty one. Empty bodies and initialisers of members stay,
  and so do hooks: what only notes something in a trace.
- One that the stage changes has the body that it had before.
- What is not public and new stays only if something that is left needs it.
- All other lines are the stage's: declarations, comments, #includes.

What that does not get right is in tests/homework/skeleton, a line each:

    STAGE FILE FUNCTION WORD

with the WORDs old, stub, empty and keep (the stage's own body); a function with
a word stays, even if nothing that is left needs it. For the
overloads whose return type is auto, `auto keep`, or `auto EXPRESSION`: a stub
that ends by returning this.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from .differences import without_comments
from .stages import Stage, read_lines, read_text
from .terminal import Problem

EXCEPTIONS = Path("tests", "homework", "skeleton")
INCLUDE = '#include "not_there_yet.hpp"'


# --- the parts of a header -------------------------------------------------

@dataclass(eq=False)
class Part:
    """Something declared: source[start:end], without comments before it."""
    kind: str                   # scope, class, function, label, other
    name: str                   # with the classes around it
    start: int
    end: int
    body: int = 0               # of a scope, class or function: after its {
    access: str = "public"
    header: str = ""            # without strings, comments and <...>
    parent: Part | None = None
    parts: list[Part] = field(default_factory=list)

    def walk(self):
        yield self
        for part in self.parts:
            yield from part.walk()


class Header:
    """A header's text and its parts."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.code = without_comments(text, strings=False)
        self.root = Part("scope", "", 0, len(text))
        self._read_scope(self.root, 0, "public")

    def functions(self) -> dict[str, list[Part]]:
        found: dict[str, list[Part]] = {}
        for part in self.root.walk():
            if part.kind == "function":
                found.setdefault(part.name, []).append(part)
        return found

    def named(self, function: str) -> list[Part]:
        """Those that are spoken of so: operator<, not operator_60."""
        return [part for name, parts in self.functions().items()
                if spoken(name) == function for part in parts]

    def body(self, part: Part) -> str:
        """What is between its braces."""
        return self.text[part.body:part.end - 1]

    def _read_scope(self, scope: Part, position: int, access: str) -> int:
        """Reads up to the } that ends it; returns where that is."""
        code = self.code
        while True:
            while position < len(code) and code[position].isspace():
                position += 1
            if position >= len(code) or code[position] == "}":
                return position
            if code[position] == "#":
                end = position
                while (end := self._line_end(end)) and code[end - 1] == "\\":
                    end += 1
                part = Part("other", "#", position, end)
            elif label := re.compile(
                    r"(public|protected|private)\s*:(?!:)").match(
                        code, position):
                access = label[1]
                part = Part("label", access, position, label.end())
            else:
                part = self._read_part(scope, position)
            part.access = access
            part.parent = scope
            scope.parts.append(part)
            position = part.end

    def _line_end(self, position: int) -> int:
        end = self.code.find("\n", position)
        return len(self.code) if end < 0 else end

    def _read_part(self, scope: Part, start: int) -> Part:
        code = self.code
        position = start
        while True:
            found = re.compile(r"[;({\[]").search(code, position)
            if not found:
                raise Problem(f"not understood: {code[start:start + 60]!r}")
            position = found.start()
            if found[0] == ";":
                part = Part("other", "", start, position + 1)
                part.header = bare(code[start:position])
                part.name = qualified(scope, variable_name(part.header))
                return part
            if found[0] == "{":
                header = bare(code[start:position])
                kind = self._kind(header)
                if kind != "other":
                    return self._read_body(scope, kind, start, position,
                                           header)
            position = self._closing(position)

    def _kind(self, header: str) -> str:
        """What a { after this begins."""
        if re.match(r"(inline )?namespace\b", header):
            return "scope"
        if re.match(r"(class|struct|union)\b", header) and "(" not in header:
            return "class"
        before, _, after = header.partition("(")
        if not after or "=" in before:
            return "other"
        # In `: a_{1}, b_(2) {` the first { is no body.
        if re.search(r"\)[^()]*(?<!:):(?!:)", header):
            return "function" if header[-1] in ")}" else "other"
        return "function"

    def _read_body(self, scope: Part, kind: str, start: int, brace: int,
                   header: str) -> Part:
        if kind == "function":
            part = Part(kind, qualified(scope, function_name(header)), start,
                        self._closing(brace), brace + 1)
        else:
            name = ("" if kind == "scope" else re.match(
                r"(?:class|struct|union)\s+([\w:]+)", header)[1])
            part = Part(kind, qualified(scope, name), start, 0, brace + 1)
            part.end = self._read_scope(
                part, brace + 1,
                "private" if header.startswith("class") else "public") + 1
            if kind == "class":
                part.end = self.code.index(";", part.end) + 1
        part.header = header
        return part

    def _closing(self, position: int) -> int:
        """Just after what closes the bracket that is there."""
        depth = 0
        for match in re.compile(r"[(){}\[\]]").finditer(self.code, position):
            depth += 1 if match[0] in "({[" else -1
            if depth == 0:
                return match.end()
        raise Problem(f"a bracket is never closed: "
                      f"{self.code[position:position + 60]!r}")


def is_hook(name: str, body: str) -> bool:
    """Whether all that it does is for a trace."""
    return name.rpartition("::")[2].startswith("trace_") or all(
        re.match(r"(return )?trace::", statement.strip())
        for statement in without_comments(body).split(";")[:-1])


def bare(header: str) -> str:
    """On one line, without template <...>, attributes, operators' signs."""
    header = re.sub(r"\boperator (new|delete)\b", r"operator_\1", header)
    header = re.sub(r"operator\s*(\(\)|[^\s\w(]+)",
                    lambda m: "operator_" + "_".join(
                        str(ord(sign)) for sign in m[1]), header)
    header = header.replace("->", " ").replace("decltype(auto)", "auto")
    before = None
    while before != header:
        before = header
        header = re.sub(r"<[^<>]*>", "", header)
        header = re.sub(r"\[\[[^\[\]]*\]\]", "", header)
    header = re.sub(r"^template\b|\brequires [^({]*$", "",
                    header.strip()).strip()
    header = re.sub(r"^requires\s*\([^()]*\)\s*", "", header)
    return " ".join(header.split())


def qualified(scope: Part, name: str) -> str:
    return f"{scope.name}::{name}" if scope.name else name


def function_name(header: str) -> str:
    before = header.partition("(")[0].rstrip()
    if conversion := re.search(r"\boperator [\w:]+$", before):
        return conversion[0]
    return re.search(r"[\w:]*~?\w+$", before)[0]


def variable_name(header: str) -> str:
    """Of a member, a function without a body, a type."""
    if alias := re.match(r"using (\w+) =", header):
        return alias[1]
    if forward := re.match(r"(?:class|struct|enum class|enum) (\w+)", header):
        return forward[1]
    if re.match(r"friend|static_assert|using", header):
        return ""
    before = re.split(r"[=({:]", header.replace("::", "__"))[0].rstrip()
    name = re.search(r"~?\w+$", before)
    return name[0] if name else ""


def spoken(name: str) -> str:
    """With its signs again: operator<."""
    return re.sub(r"operator_([\d_]+)", lambda m: "operator" + "".join(
        chr(int(code)) for code in m[1].split("_")), name)


def words_of(code: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", code))


# --- deriving --------------------------------------------------------------

@dataclass
class Cut:
    """source[start:end] becomes text."""
    start: int
    end: int
    text: str


def skeleton(stage: Stage, before: Stage | None,
             exceptions: dict[tuple[str, str, str], str]
             ) -> dict[str, list[str]]:
    """The headers' lines, by name."""
    new = {name: read_text(path) for name, path in stage.lesson().items()
           if name != "main.cpp"}
    old = {name: read_text(path)
           for name, path in (before.lesson() if before else {}).items()
           if name != "main.cpp"}
    pieces = {name: Deriving(name, text, old.get(name), {
                  function: word
                  for (number, file, function), word in exceptions.items()
                  if number == stage.number and file == name})
              for name, text in new.items() if text != old.get(name)}
    gone = gone_between(old, new)
    for piece in pieces.values():
        piece.change_bodies(gone)
    leave_out(pieces, {name: text for name, text in new.items()
                       if name not in pieces})
    result = {name: text.split("\n")[:-1] for name, text in new.items()}
    for name, piece in pieces.items():
        result[name] = tidy(piece.result()).split("\n")[:-1]
    return result


def gone_between(old: dict[str, str], new: dict[str, str]) -> set[str]:
    """The names that are no more, or are data of another type now."""
    def parts(texts: dict[str, str]) -> dict[str, str]:
        return {part.name: text[part.start:part.end]
                if part.kind == "other" and "(" not in part.header else ""
                for text in texts.values()
                for part in Header(text).root.walk()}
    after = parts(new)
    return {name for name, text in parts(old).items()
            if after.get(name) != text}


class Deriving:
    """A header on its way to being a skeleton."""

    def __init__(self, name: str, text: str, old: str | None,
                 words: dict[str, str]) -> None:
        self.name = name
        self.header = Header(text)
        self.old = Header(old or "")
        self.words = words
        self.cuts: dict[Part, Cut] = {}
        self.left_out: set[Part] = set()
        unknown = words.keys() - self.header.functions().keys()
        if unknown:
            raise Problem(f"{EXCEPTIONS}: {name} has no {min(unknown)}")

    def change_bodies(self, gone: set[str]) -> None:
        old = self.old.functions()
        for name, parts in self.header.functions().items():
            former = old.get(name) or self._moved(name, old)
            for part, one in zip(parts, self._former(parts, former)):
                self._change_body(part, one, gone)

    def _moved(self, name: str, old: dict[str, list[Part]]) -> list[Part]:
        """Those that are called so in a class that has them no more."""
        last = name.rpartition("::")[2]
        if "::" not in name:
            return []
        return [part for former, parts in old.items()
                if former.rpartition("::")[2] == last
                and former not in self.header.functions()
                for part in parts]

    def _former(self, parts: list[Part],
                old: list[Part]) -> list[Part | None]:
        """Overloads: first those with the same head, then what is left."""
        rest = list(old)
        found: dict[Part, Part] = {}
        for same in (lambda a, b: a.header == b.header,
                     lambda a, b: len(parts) == len(old)):
            for part in parts:
                match = next((one for one in rest if part not in found
                              and same(part, one)), None)
                if match:
                    found[part] = match
                    rest.remove(match)
        return [found.get(part) for part in parts]

    def _change_body(self, part: Part, former: Part | None,
                     gone: set[str]) -> None:
        word = self.words.get(part.name, "")
        is_auto, _, rest = word.partition(" ")
        if is_auto == "auto":
            word = rest if re.match("(inline )?auto ", part.header) else ""
        body = self.header.body(part)
        if not word:
            word = self._word(part, body, former, gone)
        if word == "old" and not former:
            raise Problem(f"{EXCEPTIONS}: {part.name} has no former body")
        text = {
            "keep": body,
            "empty": "",
            "old": former and self.old.body(former),
        }.get(word)
        if text is None:
            indent = " " * (part.start - 1
                            - self.header.text.rfind("\n", 0, part.start))
            text = (f'\n{indent}  not_there_yet("{spoken(part.name)}");'
                    f"\n{indent}")
            if word != "stub":
                text = text[:-len(indent)] if indent else text
                text += f"{indent}  return {word};\n{indent}"
        if text != body:
            self.cuts[part] = Cut(part.body, part.end - 1, text)

    def _word(self, part: Part, body: str, former: Part | None,
              gone: set[str]) -> str:
        if not without_comments(body).strip() or is_hook(
                part.name, body):
            return "keep"
        if former:
            code = self.old.body(former)
            if code == body:
                return "keep"
            usable = self._usable(part, former, gone)
            return "old" if usable else "stub"
        if "~" in part.name.rpartition("::")[2]:
            return "empty"
        if "noexcept" in part.header and body.count(";") == 1:
            return "keep"
        return "stub"

    def _usable(self, part: Part, former: Part, gone: set[str]) -> bool:
        """Whether the former body means something in the new header."""
        words = words_of(without_comments(self.old.body(former), False))
        if words & (words_of(former.header) - words_of(part.header)):
            return False        # a parameter that has another name now
        scopes = part.name.split("::")
        return not any(
            "::".join([*scopes[:depth], word]) in gone
            for depth in range(len(scopes)) for word in words)

    def optional_parts(self):
        """What is new, not public and without a word, outermost first."""
        fixed = {part.name for part in self.old.root.walk()} | self.words.keys()
        for part in self.header.root.walk():
            if (part.access != "public" and part.name.rpartition("::")[2]
                    and part.kind != "label" and part.name not in fixed):
                yield part

    def kept_code(self) -> str:
        return without_comments(self.result(), strings=False)

    def result(self) -> str:
        text = self.header.text
        cuts = list(self.cuts.values())
        for part in self.left_out:
            start = start_with_comments(text, part.start)
            cuts.append(Cut(start, part.end + 1, ""))
        cuts.sort(key=lambda cut: (cut.start, -cut.end))
        out, done = [], 0
        for cut in cuts:
            if cut.start >= done:
                out += [text[done:cut.start], cut.text]
                done = cut.end
        return "".join([*out, text[done:]])


def leave_out(pieces: dict[str, Deriving], others: dict[str, str]) -> None:
    """Decides what of each piece nobody that stays needs."""
    for piece in pieces.values():
        piece.left_out = set(piece.optional_parts())
    fixed = set().union(*(words_of(without_comments(text, False))
                          for text in others.values())) if others else set()
    while True:
        used = fixed.union(*(words_of(piece.kept_code())
                             for piece in pieces.values()))
        back = [(piece, part) for piece in pieces.values()
                for part in piece.left_out
                if part.name.rpartition("::")[2] in used
                and not (part.parent in piece.left_out)]
        if not back:
            return
        for piece, part in back:
            piece.left_out.discard(part)


def start_with_comments(text: str, start: int) -> int:
    """Where the line begins, or the comment lines just above."""
    start = text.rfind("\n", 0, start) + 1
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].lstrip().startswith("//"):
            break
        start = above
    return start


def tidy(text: str) -> str:
    """Without labels for nothing and blank lines at both ends of braces;
    with the #include for the stubs."""
    before = None
    while before != text:
        before = text
        text = re.sub(r"\n *(?:public|protected|private):\n"
                      r"(?=\s*(?:\}|(?:public|protected|private):))",
                      "\n", text)
        text = re.sub(r"\n\n\n+", "\n\n", text)
        text = re.sub(r"\n\n( *\};?)(?= *\n)(?!.*namespace)", r"\n\1", text)
        text = re.sub(r"((?:public|protected|private):\n)\n+", r"\1", text)
    if "not_there_yet(" in text and INCLUDE not in text:
        places = list(re.finditer(r'^#include .*\n', text, re.M))
        if quoted := [place for place in places if '"' in place[0]]:
            end, line = quoted[-1].end(), INCLUDE + "\n"
        else:
            end, line = places[-1].end(), "\n" + INCLUDE + "\n"
        text = text[:end] + line + text[end:]
    return text


def read_exceptions(root: Path) -> dict[tuple[str, str, str], str]:
    path = root / EXCEPTIONS
    found: dict[tuple[str, str, str], str] = {}
    for number, line in enumerate(
            read_lines(path) if path.is_file() else [], start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split(None, 3)
        if len(fields) < 4 or not (
                fields[3] in ("old", "stub", "empty", "keep")
                or fields[3].startswith("auto ")):
            raise Problem(f"{path.name}:{number}: not understood: {line}")
        found[tuple(fields[:3])] = fields[3]
    return found
