"""Builds one idea's tests against somebody's code, runs them, and says how it
went. What scripts/homework decides and prints is not here."""
from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from .compiler import build, digest, precompiled
from .stages import read_text, split_lines, write_text
from .terminal import ROOT, Problem


REPORT = Path("tests", "homework", "report.cpp")
SECONDS = float(os.environ.get("HOMEWORK_SECONDS", "10"))    # then it hangs
LONG = 400                      # what a test saw is cut down to this
SLOW = 2.0                      # a compiler that takes longer is announced
TRACED = "what a trace says of"     # so begin the names of those test cases
LARGE = 4_000_000               # KiB of memory; more is a leak or a loop


# --- what all ideas need ---------------------------------------------------

@dataclass
class Kit:
    """A compiler, its flags, and what every test program is linked with."""
    compiler: list[str]
    flags: list[str]
    libraries: list[str]        # the object files first

    def compile(self, source: Path, target: Path, *flags: str) -> str:
        """What the compiler says; empty if it made the object file."""
        done = subprocess.run(
            [*self.compiler, *self.flags, *flags, "-c", str(source),
             "-o", str(target)],
            env={**os.environ, "LC_ALL": "C",
                 "CCACHE_SLOPPINESS": "pch_defines,time_macros"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace")
        if done.returncode == 0:
            return ""
        return done.stdout or f"the compiler ended with {done.returncode}"

    def link(self, objects: list[Path], target: Path) -> str:
        done = subprocess.run(
            [*self.compiler, *map(str, objects), *self.libraries,
             "-o", str(target)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace")
        return "" if done.returncode == 0 else done.stdout


def prepare() -> Kit:
    """Builds what is not there yet, says so, and installs after asking.

    $HOMEWORK_BUILD: a build of the project that has it already.
    """
    if given := os.environ.get("HOMEWORK_BUILD"):
        folder = Path(given)
    else:
        folder, _ = build(ROOT, "common", "test_main")
    kit = kit_of(folder)
    add_headers(kit, ROOT / "build" / "homework")
    return kit


def kit_of(build: Path) -> Kit:
    """What build knows of how this project is compiled."""
    commands = json.loads(read_text(build / "compile_commands.json"))
    main = flags = None
    for entry in commands:
        words = shlex.split(entry["command"])
        if entry["file"].endswith("common/testing.cpp") and (
                "test_main" in entry["command"]):
            main = Path(entry["directory"], words[words.index("-o") + 1])
            flags = words
    if main is None:
        raise Problem(f"{build}: not a build of this project")
    start = next(number for number, word in enumerate(flags)
                 if word.startswith("-"))
    includes = [word for word in flags if re.match("-[DI].|-std=", word)]
    includes += [f"-isystem{value}" for word, value in zip(flags, flags[1:])
                 if word == "-isystem"]
    libraries = [str(main), str(build / "common" / "libcommon.a"), "-pthread"]
    if "-DASYNCIO_LIBKQUEUE" in includes:
        libraries.append("-lkqueue")
    return Kit(flags[:start],
               [*dict.fromkeys(includes), f"-I{ROOT}", "-O0", "-pthread",
                "-Wall", "-Wno-unused", "-Werror=return-type",
                "-fdiagnostics-color=never", "-fno-diagnostics-show-option"],
               libraries)


def add_headers(kit: Kit, folder: Path) -> None:
    """The systems' headers and doctest's, compiled once: they are what takes a
    test's time. And the reporter."""
    header = precompiled(
        [*kit.compiler, *kit.flags], ROOT, folder, "<doctest/doctest.h>",
        tell=lambda text: print(text, file=sys.stderr, flush=True))
    report = Path(header[1]).with_name(
        f"report-{digest(read_text(ROOT / REPORT))}.o")
    if not report.is_file():
        making = report.with_name(f"{report.name}.{os.getpid()}")
        if errors := kit.compile(ROOT / REPORT, making):
            raise Problem(f"cannot compile {REPORT}:\n{errors}")
        making.replace(report)
    kit.flags += header
    kit.libraries.insert(0, str(report))


# --- building one idea -----------------------------------------------------

def is_built(target: Path, command: list[str]) -> bool:
    """Whether nothing has changed that target was made of."""
    try:
        known = json.loads(read_text(target.with_suffix(".made")))
        return target.is_file() and known["command"] == command and all(
            stamp_of(path) == stamp for path, stamp in known["files"].items())
    except (OSError, ValueError, KeyError):
        return False


def stamp_of(path: str) -> list[int]:
    status = os.stat(path)
    return [status.st_mtime_ns, status.st_size]


def remember(target: Path, command: list[str], dependencies: Path) -> None:
    text = read_text(dependencies).replace("\\\n", " ").partition(":")[2]
    paths = [path.replace("\\ ", " ")
             for path in re.findall(r"(?:\\.|\S)+", text)]
    write_text(target.with_suffix(".made"), json.dumps(
        {"command": command,
         "files": {path: stamp_of(path) for path in paths}}))


@contextlib.contextmanager
def announced(what: str):
    """Says what goes on, once it takes long."""
    erase = "\r\033[K" if sys.stderr.isatty() else ""
    timer = threading.Timer(SLOW, lambda: print(
        f"{erase}compiling {what} ...", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def build_idea(kit: Kit, source: Path, code: Path, target: Path,
               announce: bool = False) -> str:
    """Makes target of the tests in source and the headers in code; what the
    compiler says if that fails."""
    command = [*kit.compiler, *kit.flags, *kit.libraries, str(source)]
    if is_built(target, command):
        return ""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".made").unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    dependencies = target.with_suffix(".d")
    with announced(source.stem) if announce else contextlib.nullcontext():
        errors = kit.compile(source, target.with_suffix(".o"), f"-I{code}",
                             "-MMD", "-MF", str(dependencies))
    errors = errors or kit.link([target.with_suffix(".o")], target)
    if not errors:
        remember(target, command, dependencies)
    return errors


# --- running one idea ------------------------------------------------------

@dataclass
class Fault:
    """Something a test case expected that was not so."""
    text: str                   # what it expected, or what was thrown
    file: str = ""
    line: int = 0
    seen: str = ""


@dataclass
class Case:
    name: str
    file: str                   # the tests it is in
    ended: bool = False
    failed: bool = False
    faults: list[Fault] = field(default_factory=list)
    stubs: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """How an idea's tests went.

    status: passed, failed, crash, hang, compile (it does not), missing (what
    the tests use is not there yet).
    """
    status: str
    cases: list[Case] = field(default_factory=list)
    printed: str = ""
    errors: str = ""            # the compiler's
    missing: list[str] = field(default_factory=list)
    reason: str = ""            # of a crash
    seconds: float = 0.0

    @property
    def failed(self) -> list[Case]:
        return [case for case in self.cases if case.failed or not case.ended]


_SHELL = 'ulimit -c 0; ulimit -v "$0" 2>/dev/null; exec "$@"'


def run_idea(program: Path, everything: bool = False, seconds: float = 0,
             only: str = "") -> Outcome:
    """Runs the tests of one idea, but those that are huge, and those of what a
    trace says, for nobody is asked to write its hooks; of a program that has
    more than one, `only` is the name."""
    seconds = seconds or SECONDS
    report = program.with_suffix(".report")
    report.unlink(missing_ok=True)
    printed = program.with_suffix(".printed")
    command = [str(program), "--reporters=homework",
               f"--test-case-exclude=*: {TRACED}*"]
    if not everything:
        command.append("--test-suite-exclude=huge")
    if only:
        command.append(f"--source-file=*/tests/{only}.cpp")
    started = time.monotonic()
    hang = False
    with open(printed, "wb") as output:
        child = subprocess.Popen(
            ["sh", "-c", _SHELL, str(LARGE), *command],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, cwd=program.parent,
            env={**os.environ, "HOMEWORK_REPORT": str(report)})
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            hang = True
            # doctest says in which test case this reaches it.
            end(child)
        except BaseException:
            end(child)
            raise
    cases, crash, done = read_report(report)
    outcome = Outcome("passed", cases, seconds=time.monotonic() - started)
    with open(printed, "rb") as output:
        outcome.printed = output.read(4000).decode("utf-8", "replace")
    if hang or re.search(r" hangs$", outcome.printed.rstrip()):
        outcome.status = "hang"     # the tests' own watchdog says so, too
    elif crash or not done:
        outcome.status = "crash"
        outcome.reason = crash or reason_of(child.returncode)
    elif any(case.failed for case in cases):
        outcome.status = "failed"
    if outcome.status != "passed":
        outcome.missing = missing_in(outcome)
        if outcome.missing:
            outcome.status = "missing"
    elif not cases and not everything:
        return run_idea(program, True, seconds, only)
    return outcome


def end(child: subprocess.Popen) -> None:
    for number, patience in ((signal.SIGTERM, 1), (signal.SIGKILL, None)):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            pass
        try:
            child.wait(patience)
            return
        except subprocess.TimeoutExpired:
            pass


def reason_of(status: int) -> str:
    if status < 0:
        try:
            return signal.strsignal(-status) or f"signal {-status}"
        except ValueError:
            return f"signal {-status}"
    return f"it ended with exit status {status}"


def missing_in(outcome: Outcome) -> list[str]:
    """The functions that are not there yet, if nothing else is wrong."""
    failed = outcome.failed
    if failed and all(case.stubs for case in failed):
        return list(dict.fromkeys(
            name for case in failed for name in case.stubs))
    return []


_ESCAPE = {"n": "\n", "t": "\t", "\\": "\\"}


def read_report(path: Path) -> tuple[list[Case], str, bool]:
    """The test cases, what crashed if anything did, whether it came to its
    end."""
    cases: list[Case] = []
    crash = ""
    done = False
    lines = split_lines(read_text(path)) if path.is_file() else []
    for line in lines:
        kind, *fields = [re.sub(r"\\(.)", lambda m: _ESCAPE.get(m[1], m[1]),
                                part) for part in line.split("\t")]
        if kind == "case":
            cases.append(Case(*fields))
        elif kind == "done":
            done = True
        elif not cases:
            continue
        elif kind == "end":
            cases[-1].ended = True
            cases[-1].failed = fields[0] == "failed"
        elif kind == "stub":
            cases[-1].stubs.append(fields[0])
        elif kind == "crash":
            crash = fields[0]
            cases[-1].faults.append(Fault(f"it crashed: {fields[0]}"))
        elif kind == "exception":
            cases[-1].faults.append(Fault(f"it threw: {fields[0]}"))
        elif kind == "assert":
            file, number, name, text, seen = fields
            cases[-1].faults.append(
                Fault(f"{name}({text})", file, int(number), seen))
    return cases, crash, done


def build_ideas(kit: Kit, sources: list[Path], code: Path,
                target: Path) -> str:
    """The same for several that are one program, which is built sooner."""
    source = target.with_suffix(".cpp")
    text = "".join(f'#include "{path}"\n' for path in sources)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not source.is_file() or read_text(source) != text:
        write_text(source, text)
    return build_idea(kit, source, code, target)


def grade(kit: Kit, source: Path, code: Path, target: Path,
          announce: bool = False) -> Outcome:
    """Builds and runs one idea."""
    errors = build_idea(kit, source, code, target, announce)
    if errors:
        return Outcome("compile", errors=errors)
    return run_idea(target)


# --- what the tests say, shortened -----------------------------------------

def brief(seen: str) -> str:
    """What a test saw; of two long lists, where they begin to differ."""
    sides = [side.strip() for side in seen.split(" == ")]
    if len(seen) > LONG and len(sides) == 2 and all(
            side[:1] == "[" and side[-1:] == "]" for side in sides):
        lists = [side[1:-1].split(", ") for side in sides]
        same = 0
        for one, other in zip(*lists):
            if one != other:
                break
            same += 1
        seen = " == ".join(part_of(items, same) for items in lists)
    return seen if len(seen) <= LONG else seen[:LONG] + " ..."


def part_of(items: list[str], start: int) -> str:
    """The items around start, of so many."""
    first = max(0, start - 2)
    shown = items[first:start + 5]
    return ("[" + ", ".join(["..."] * (first > 0) + shown
                            + ["..."] * (first + len(shown) < len(items)))
            + f"] ({len(items)})")


# --- what the compiler says, shortened -------------------------------------

@dataclass(frozen=True)
class Complaint:
    """One error, at the line of the learner's that it is about."""
    file: str                   # relative: event_loop.hpp, tests/sleep.cpp
    line: int
    message: str
    source: str = ""            # that line, and the marks below it
    of_tests: bool = False      # only the tests' lines are concerned

    @property
    def missing(self) -> str:
        """What it says is not there, if it says that."""
        for pattern in _MISSING:
            if found := re.search(pattern, self.message):
                return found[1]
        return ""


_PLACE = re.compile(r"(?P<file>[^\s:][^:]*):(?P<line>\d+):(?:\d+:)?\s*"
                    r"(?P<rest>.*)")
_ERROR = re.compile(r"(?:fatal )?error: (?P<message>.*)")
_MISSING = (
    r"has no member named '([^']+)'",
    r"no member named '([^']+)'",
    r"'([^']+)' was not declared",
    r"'([^']+)' is not a member of",
    r"'([^']+)' does not name a type",
    r"'([^']+)' has not been declared",
    r"use of undeclared identifier '([^']+)'",
    r"unknown type name '([^']+)'",
    r"no (?:type|template) named '([^']+)'",
    r"([\w.]+): No such file or directory",
    r"'([\w.]+)' file not found",
    r"'([^']+)' is not a (?:template|class template)",
)


def shorten(errors: str, code: Path, tests: Path) -> list[Complaint]:
    """The errors, each at the learner's line that leads to it."""
    found: list[Complaint] = []
    lines = errors.splitlines()
    blocks = blocks_of(lines)
    for start, error, end in blocks:
        complaint = complaint_of(lines[start:end], error - start, code, tests)
        if complaint and complaint not in found:
            found.append(complaint)
    if not found:
        said = [line for line in lines if "undefined reference" in line
                or "error" in line] or lines or ["nothing"]
        text = re.sub(r"^.*?(undefined reference)", r"\1", said[0])
        found.append(Complaint("", 0, text))
    mine = [one for one in found if not one.of_tests]
    return mine or found


def blocks_of(lines: list[str]) -> list[tuple[int, int, int]]:
    """(start, error, end) of each error; g++ says before an error where it
    comes from, clang after it."""
    errors = [number for number, line in enumerate(lines)
              if (place := _PLACE.match(line))
              and _ERROR.match(place["rest"])]
    blocks = []
    for number, error in enumerate(errors):
        start = error
        while start and re.match(
                r"In file included|\s+from |.*: (In |\s*(?:required|recursive"
                r"ly required)\b)|.*:\d+:\s+required ", lines[start - 1]):
            start -= 1
        end = errors[number + 1] if number + 1 < len(errors) else len(lines)
        blocks.append((start, error, end))
    return blocks


def complaint_of(block: list[str], error: int, code: Path,
                 tests: Path) -> Complaint | None:
    """Of the places in a block: the error's own if that is the learner's,
    else the first of the learner's, else the tests'."""
    message = _ERROR.match(_PLACE.match(block[error])["rest"])["message"]
    candidates = []
    for number in [error, *range(len(block))]:
        place = _PLACE.match(block[number])
        if place and (number <= error or re.search(
                r"note: in instantiation|required from", place["rest"])):
            candidates.append((Path(place["file"]), int(place["line"])))
    for folder, of_tests in ((code, False), (tests, True)):
        for path, line in candidates:
            # The tests' folder may be inside the code's.
            if path.parent == folder:
                name = f"tests/{path.name}" if of_tests else path.name
                line = line_that_lacks(message, path, line)
                return Complaint(name, line, english(message),
                                 source_line(path, line), of_tests)
    return None


def line_that_lacks(message: str, path: Path, line: int) -> int:
    """Where a semicolon is missing: the end of the line before, if the
    compiler names what stands first in the next one."""
    token = re.match(r"expected .*';'.* before '([^']+)'", message)
    if token and source_line(path, line).startswith(token[1]):
        before = line - 1
        while before and not source_line(path, before):
            before -= 1
        return before or line
    return line


def english(message: str) -> str:
    """Without what the reader need not know: namespaces, allocators, names
    of types that are other names."""
    message = re.sub(r"'[^']*' \{aka '([^']*)'\}", r"'\1'", message)
    message = re.sub(r"\basyncio::|\bstd::__cxx11::", "", message)
    message = re.sub(r"basic_string<char>", "std::string", message)
    return message


def source_line(path: Path, line: int) -> str:
    try:
        lines = split_lines(read_text(path))
        return lines[line - 1].strip() if 0 < line <= len(lines) else ""
    except OSError:
        return ""
