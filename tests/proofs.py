"""What was proved about the book and what is beside it, so that it need not be
again.

A proof is named by a hash of all that goes into it. tests/proofs, which is
committed, holds those of the chapters' commands and of their beats, of each
stage's headers, alone, and of homework's graders, without the compiler. CI runs
the commands on the finished stages; ./scripts/test --book, which writes it, and
--all run them as the code is in the middle of a chapter, too, and compile the
beats, the headers and the homework. build/proofs holds what was proved on this machine,
compiler and Python included. $PROOFS says what they are good for:

    use     (a user) what either has is taken for proved
    renew   (whoever changes something) only what build/proofs has is;
            tests/proofs is brought up to date
    check   (CI) the same, and what tests/proofs has of all but commands; it must
            be up to date
    ignore  (--all) nothing is taken for proved
"""

import fcntl
import hashlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True

NO_INPUT = re.compile(r"\.(pyc|orig|rej|md)$|^__pycache__$")
# What CI takes for proved by tests/proofs: it compiles for four minutes.
COMPILED = ("beats.", "headers.", "homework")
# Beside common/ and scripts/.
TOOLS = (
    "CMakeLists.txt",
    "tests/book.py",
    "tests/proofs.py",
    "tests/speed.cmake",
    "tests/tiers.cmake",
)


def files_in(path, but=()):
    """All files of a folder whose contents may matter, in a fixed order."""
    if not path.is_dir():
        return [path]
    return [
        file
        for each in sorted(path.iterdir())
        if not NO_INPUT.search(each.name) and each.name not in but
        for file in files_in(each)
    ]


class Hash:
    """Of named parts: none can pass for another, or for two."""

    def __init__(self):
        self.sum = hashlib.sha256()

    def add(self, *parts):
        for part in parts:
            data = part.encode("utf-8", "surrogateescape")
            self.sum.update(b"%d:" % len(data) + data)

    def add_files(self, root, paths):
        for path in paths:
            self.add(path.relative_to(root).as_posix())
            data = path.read_bytes()
            self.sum.update(b"%d:" % len(data) + data)

    def text(self):
        return self.sum.hexdigest()[:32]


def blocks_text(blocks, kind):
    """What the blocks of a kind say, and how; prose is no part of a proof."""
    return [
        " ".join(block.info) + "\n" + "\n".join(block.body)
        for block in blocks
        if block.kind == kind
    ]


def stages_in(commands):
    """The numbers of the stages whose programs are called."""
    return set(re.findall(r"scripts/\w+ (\d\d)\b", commands))


def commands_hash(root, blocks, numbers):
    """Of what the commands in these blocks can print: themselves, the stages
    that they name and those given, common/, and the tools."""
    texts = blocks_text(blocks, "console")
    commands = "\n".join(texts)
    numbers = set(numbers) | stages_in(commands)
    # No command looks at these, unless it says so.
    but = [name for name in ("tests", "quiz") if name not in commands]
    result = Hash()
    result.add("commands", *texts)
    for folder in sorted((root / "stages").glob("[0-9][0-9]_*")):
        if folder.name[:2] in numbers:
            result.add_files(root, files_in(folder, but))
    add_tools(result, root)
    return result.text()


def beats_hash(root, blocks, numbers):
    """Of what decides whether beats compile."""
    result = Hash()
    result.add("beats", *blocks_text(blocks, "diff"))
    for folder in sorted((root / "stages").glob("[0-9][0-9]_*")):
        if folder.name[:2] in numbers:
            files = [*folder.glob("*.hpp"), folder / "main.cpp"]
            result.add_files(root, sorted(files))
    add_tools(result, root)
    return result.text()


def headers_hash(root, number, names, flags):
    """Of what decides whether these headers of a stage compile alone."""
    result = Hash()
    result.add("headers", *names)
    result.add("flags", *flags)
    for folder in sorted((root / "stages").glob(f"{number}_*")):
        result.add_files(root, sorted(folder.glob("*.hpp")))
    result.add_files(root, sorted((root / "common").glob("*.hpp")))
    result.add_files(root, [root / "tests" / "test_headers.py"])
    return result.text()


def homework_hash(root):
    """Of what the graders compile, and of what they are."""
    result = Hash()
    result.add("homework")
    for folder in sorted((root / "stages").glob("[0-9][0-9]_*")):
        result.add_files(root, sorted(folder.glob("*.hpp")))
        result.add_files(root, files_in(folder / "tests"))
    # Their texts are tables and code for the graders, too.
    result.add_files(root, sorted(
        file for file in (root / "tests" / "homework").rglob("*")
        if file.is_file() and file.suffix != ".pyc"))
    result.add_files(root, [root / "tests" / "test_homework.py"])
    add_tools(result, root)
    return result.text()


def add_tools(result, root):
    result.add_files(root, files_in(root / "common"))
    # That runs this, and changes nothing of it.
    result.add_files(root, files_in(root / "scripts", but=("test",)))
    for name in TOOLS:
        if (root / name).is_file():
            result.add_files(root, [root / name])


def machine(*more):
    """What else a proof depends on here: the compilers and how they are called,
    Python, and the kernel."""
    build = Path(os.environ.get("BUILD_BIN", "build/test/bin")).parent
    options = build / ".options"
    parts = [sys.version, " ".join(os.uname()),
             os.environ.get("CXXFLAGS", ""),
             options.read_text() if options.is_file() else ""]
    for compiler in (os.environ.get("CXX") or "c++", "clang++", *more):
        try:
            parts.append(subprocess.run(
                [*shlex.split(compiler), "--version"],
                capture_output=True, text=True).stdout)
        except OSError:
            parts.append("")
    result = Hash()
    result.add(*parts)
    return result.text()


class Record:
    """tests/proofs: a line `NAME HASH` for each proof, sorted by name."""

    def __init__(self, path):
        self.path = path

    def read(self):
        if not self.path.is_file():
            return {}
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return dict(line.split() for line in lines
                    if line and not line.startswith("#"))

    def set(self, name, text):
        """Several tests may do that at the same time."""
        with open(self.path, "a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            known = self.read()
            known[name] = text
            lines = [f"{each} {known[each]}\n" for each in sorted(known)]
            file.seek(0)
            file.truncate()
            file.write(HEAD + "".join(lines))


HEAD = """\
# What was proved, as of the book: see proofs.py. ./scripts/test --book renews it.
"""


class Proofs:
    """Further compilers are what they take besides c++ and clang++."""

    def __init__(self, root, mode=None, compilers=()):
        self.compilers = compilers
        self.record = Record(root / "tests" / "proofs")
        self.folder = root / "build" / "proofs"
        self.mode = mode or os.environ.get("PROOFS") or "use"
        if self.mode not in ("use", "renew", "check", "ignore"):
            raise ValueError(f"PROOFS={self.mode}")

    def has(self, name, text):
        """Whether that need not be proved again; says why."""
        if self.mode == "ignore":
            return ""
        believes = self.mode == "use" or (
            self.mode == "check" and name.startswith(COMPILED))
        if believes and self.record.read().get(name) == text:
            return "proved as it is, says tests/proofs"
        if self._here(text).is_file():
            return "proved here before"
        return ""

    def proved(self, text):
        if self.mode != "ignore":
            path = self._here(text)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def fault_of_record(self, name, text):
        """Once that is proved: what is wrong with what tests/proofs says."""
        if self.mode not in ("renew", "check"):
            return ""
        known = self.record.read().get(name)
        if known == text:
            return ""
        if self.mode == "renew":
            self.record.set(name, text)
            return ""
        return (f"tests/proofs claims another {name} than this, which is proved"
                " now: run ./scripts/test --book and commit that file")

    def _here(self, text):
        result = Hash()
        result.add(text, machine(*self.compilers))
        return self.folder / result.text()
