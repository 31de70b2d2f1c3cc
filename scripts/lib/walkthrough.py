"""Keeps WALKTHROUGH.md and the stages in step.

A chapter is a level-2 heading that begins with a stage's folder name. In it, a
block `diff FILE [compiles] [shows]` is a beat: lines that begin with ' ', '-'
or '+', whose ' ' and '-' lines match exactly one place in the file. A chapter's
beats, in order, turn the lesson files of the stage before into the stage's.
"""
from __future__ import annotations

import argparse
import difflib
import functools
import itertools
import os
import re
import select
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .book import (
    BOOK, Beat, Block, Book, apply_beat, find_run, nearest_miss, read_book)
from .compiler import precompiled
from .differences import changed_ranges, without_comments
from .page import make_page, need_pandoc
from .stages import (
    Stage, find_stages, lesson_lines, pick_stage, read_lines, read_text,
    split_lines, stage_before, write_text)
from .terminal import Problem, new_command, new_parser, plural, root_of

Files = dict[str, list[str]]

LARGEST_BEAT = 60
LARGEST_MEDIAN = 25
SECONDS = 120                   # for one command of a console block
SESSIONS = 4                    # console blocks that run at the same time
RUNNING = "WALKTHROUGH_RUNNING"


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    return options.command(options)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = new_parser(__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = functools.partial(new_command, commands)
    sub = command(check, "check", "prove that the book holds")
    sub.add_argument("stages", nargs="*", metavar="NN",
                     help="only these chapters (default: the whole book)")
    sub.add_argument("--no-compile", action="store_true",
                     help="do not compile the beats tagged `compiles`")
    sub.add_argument("--precompiled", action="store_true",
                     help="compile the systems' headers once: much faster, but"
                          " a beat that lacks an #include may pass")
    sub.add_argument("--no-run", action="store_true",
                     help="do not run the console blocks")

    sub = command(refresh, "refresh",
                  "take the beats' lines from the stages again, keep the prose")
    sub.add_argument("stages", nargs="*", metavar="NN",
                     help="only these chapters (default: all)")
    sub.add_argument("--outputs", action="store_true",
                     help="also run the console blocks and take what they"
                          " print")

    sub = command(show_beats, "beats", "list a chapter's beats")
    sub.add_argument("stage", metavar="NN")

    sub = command(html, "html", "make a page of the book, complete in itself")
    sub.add_argument("file", nargs="?", type=Path, metavar="FILE",
                     help="default: build/walkthrough.html")
    sub.add_argument("--yes", action="store_true",
                     help="install pandoc without asking if it is missing")
    return parser.parse_args(arguments)


def chosen_stages(options: argparse.Namespace,
                  stages: list[Stage]) -> list[Stage]:
    if options.stages:
        return [pick_stage(stages, text) for text in options.stages]
    return stages


# --- check -----------------------------------------------------------------

class Report:
    """Collects failures; each is told as soon as it is known."""

    def __init__(self) -> None:
        self.failures = 0

    def fail(self, message: object) -> None:
        self.failures += 1
        print(f"walkthrough: {message}", file=sys.stderr)

    def status(self) -> int:
        return 1 if self.failures else 0


def check(options: argparse.Namespace) -> int:
    root = root_of(options)
    stages = find_stages(root)
    book = read_book(root)
    chosen = chosen_stages(options, stages)
    report = Report()
    check_headings(book, stages, report)
    snapshots: list[Snapshot] = []
    for stage in chosen:
        snapshots += check_chapter(book, stages, stage, report)
    check_median(book, report)
    for block in blocks_of(book, chosen, bool(options.stages)):
        if block.kind in ("cpp", "python") and len(block.info) > 1:
            check_excerpt(root, block, report)
    if not options.no_compile:
        check_compiles(root, snapshots, report, options.precompiled)
    if not options.no_run and RUNNING not in os.environ:
        check_consoles(
            root, blocks_of(book, chosen, bool(options.stages)), report)
    if report.failures:
        print(plural(report.failures, "failure"))
    return report.status()


def blocks_of(book: Book, chosen: list[Stage], only: bool) -> list[Block]:
    """The blocks to look at: the chosen chapters', or the whole book's."""
    names = {stage.name for stage in chosen}
    return [block for block in book.blocks
            if not only or block.chapter in names]


def check_headings(book: Book, stages: list[Stage], report: Report) -> None:
    names = [stage.name for stage in stages]
    for chapter, line in book.chapters.items():
        if chapter not in names:
            report.fail(f"{BOOK}:{line}: there is no stage {chapter}")
    if list(book.chapters) != sorted(book.chapters):
        report.fail(f"{BOOK}: the chapters are not in the order of the stages")
    for block in book.blocks:
        if not block.chapter and block.kind == "diff" and len(block.info) > 1:
            report.fail(f"{BOOK}:{block.line}: a beat outside of the chapters")


@dataclass
class Snapshot:
    """All lesson files as they stand after a beat that must compile."""
    stage: Stage
    beat: Beat
    files: Files

    def code(self) -> Files:
        """Without comments: for these alone nothing is compiled again."""
        return {name: [line.rstrip() for line in without_comments(
                           "\n".join(lines)).split("\n") if line.strip()]
                for name, lines in self.files.items()}


def check_chapter(book: Book, stages: list[Stage], stage: Stage,
                  report: Report) -> list[Snapshot]:
    if stage.name not in book.chapters:
        report.fail(f"{BOOK}: no chapter {stage.name}")
        return []
    try:
        beats = book.beats(stage.name)
    except Problem as problem:
        report.fail(problem)
        return []
    files = lesson_lines(stage_before(stages, stage))
    failed: set[str] = set()
    snapshots: list[Snapshot] = []
    for beat in beats:
        if beat.added + beat.removed > LARGEST_BEAT:
            report.fail(f"{beat.where}: {beat.added + beat.removed} changed"
                        f" lines, at most {LARGEST_BEAT} are allowed")
        if beat.file in failed:
            continue            # would only repeat the first failure
        try:
            files[beat.file] = apply_beat(files.get(beat.file), beat)
        except Problem as problem:
            report.fail(problem)
            failed.add(beat.file)
        if "compiles" in beat.tags and not failed:
            snapshot = Snapshot(stage, beat, dict(files))
            if not snapshots or snapshots[-1].code() != snapshot.code():
                snapshots.append(snapshot)
    check_result(stage, files, failed, report)
    print(summary(stage, beats))
    return snapshots


def summary(stage: Stage, beats: list[Beat]) -> str:
    sizes = [beat.added + beat.removed for beat in beats]
    compiling = sum("compiles" in beat.tags for beat in beats)
    return (f"{stage.name}: {plural(len(beats), 'beat')},"
            f" +{sum(beat.added for beat in beats)}"
            f" -{sum(beat.removed for beat in beats)},"
            f" median {statistics.median(sizes or [0]):g},"
            f" largest {max(sizes, default=0)}, {compiling} compile")


def check_result(stage: Stage, files: Files, failed: set[str],
                 report: Report) -> None:
    where = f"{BOOK}: {stage.name}"
    final = lesson_lines(stage)
    for name in sorted(files.keys() | final.keys()):
        if name in failed:
            report.fail(f"{where}: {name} is not reached, a beat failed;"
                        " its later beats were not tried")
        elif name not in final:
            report.fail(f"{where}: the beats lead to {name},"
                        " which the stage does not have")
        elif name not in files:
            report.fail(f"{where}: no beat creates {name}")
        elif files[name] != final[name]:
            report.fail(f"{where}: after all beats"
                        f" {first_difference(name, files[name], final[name])}")
        elif (text := read_text(stage.folder / name)) and text[-1] != "\n":
            report.fail(f"{stage.name}/{name}: no newline at its end")


def first_difference(name: str, made: list[str], wanted: list[str]) -> str:
    number = next((number for number, (one, other)
                   in enumerate(zip(made, wanted)) if one != other),
                  min(len(made), len(wanted)))
    def line(lines: list[str]) -> str:
        return repr(lines[number]) if number < len(lines) else "nothing"
    return (f"{name} line {number + 1} is {line(made)},"
            f" the stage has {line(wanted)}")


def check_median(book: Book, report: Report) -> None:
    sizes = []
    for chapter in book.chapters:
        try:
            sizes += [beat.added + beat.removed
                      for beat in book.beats(chapter)]
        except Problem:
            pass                # told by its chapter
    median = statistics.median(sizes or [0])
    print(f"book: {plural(len(sizes), 'beat')}, median {median:g},"
          f" largest {max(sizes, default=0)}")
    if median > LARGEST_MEDIAN:
        report.fail(f"{BOOK}: the median beat changes {median:g} lines,"
                    f" at most {LARGEST_MEDIAN} are allowed")


# --- check: excerpts -------------------------------------------------------

_SKIPS = ("...", "// ...", "# ...")


def check_excerpt(root: Path, block: Block, report: Report) -> None:
    where = f"{BOOK}:{block.line}"
    path = root / block.info[1]
    if not path.is_file():
        report.fail(f"{where}: {block.info[1]}: no such file")
        return
    lines = [line.rstrip() for line in read_lines(path)]
    pieces = excerpt_pieces(block.body)
    if not pieces:
        report.fail(f"{where}: the block shows nothing of {block.info[1]}")
    elif not has_pieces(lines, pieces):
        stripped = [line.strip() for line in lines]
        flat = [[line.strip() for line in piece] for piece in pieces]
        lost = next((piece for piece in flat
                     if not find_run(stripped, piece)), None)
        why = (nearest_miss(stripped, lost).replace("the beat", "the block")
               if lost else "its lines are there, but with other indentation"
                            " or in another order")
        report.fail(f"{where}: not a run of {block.info[1]}; {why}")


def excerpt_pieces(body: list[str]) -> list[list[str]]:
    """What is between the skips, without the indentation common to all."""
    body = split_lines(textwrap.dedent("\n".join(body)))
    pieces = []
    for skip, lines in itertools.groupby(
            body, key=lambda line: line.strip() in _SKIPS):
        text = "\n".join(line.rstrip() for line in lines).strip("\n")
        if text and not skip:
            pieces.append(text.split("\n"))
    return pieces


def has_pieces(lines: list[str], pieces: list[list[str]]) -> bool:
    """Whether the pieces occur in order, all indented by the same more."""
    for indent in {line[:len(line) - len(line.lstrip())] for line in lines}:
        rest = lines
        for piece in pieces:
            places = find_run(rest, [line and indent + line for line in piece])
            if not places:
                break
            rest = rest[places[0] + len(piece):]
        else:
            return True
    return False


# --- check: compiling ------------------------------------------------------

def check_compiles(root: Path, snapshots: list[Snapshot],
                   report: Report, once: bool) -> None:
    """With all headers of the systems compiled once, on demand."""
    with (tempfile.TemporaryDirectory() as temporary,
          ThreadPoolExecutor(os.cpu_count()) as pool):
        flags = (precompiled(compiler(), root, Path(temporary))
                 if once else [])
        for snapshot, errors in zip(snapshots, pool.map(
                lambda snapshot: compile_errors(root, snapshot, flags),
                snapshots)):
            if errors:
                report.fail(f"{snapshot.beat.where}: does not compile:"
                            f"\n{errors}")


def compiler() -> list[str]:
    return [*shlex.split(os.environ.get("CXX") or "c++"), "-std=c++20",
            *shlex.split(os.environ.get("CXXFLAGS", ""))]


def compile_errors(root: Path, snapshot: Snapshot, flags: list[str]) -> str:
    """What the compiler says against the snapshot; empty when nothing.

    main.cpp and the file that the beat is about are compiled, the latter
    because nothing may include it yet; without main.cpp, all headers.
    """
    names = sorted(snapshot.files)
    if "main.cpp" in names:
        names = list(dict.fromkeys(["main.cpp", snapshot.beat.file]))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "stages", snapshot.stage.name)
        folder.mkdir(parents=True)
        for name, lines in snapshot.files.items():
            write_text(folder / name, "".join(line + "\n" for line in lines))
        common = Path(temporary, "common")
        common.symlink_to(root / "common")
        try:
            done = subprocess.run(
                [*compiler(), *flags, "-fsyntax-only",
                 f"-I{folder}", f"-I{common}", f"-I{temporary}",
                 "-x", "c++", "-"],
                input="".join(f'#include "{name}"\n' for name in names),
                cwd=folder, text=True, errors="replace",
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except OSError as error:
            raise Problem(f"cannot run the compiler: {error}") from error
        errors = done.stdout.replace(f"{folder}/", "").splitlines()
    if done.returncode == 0:
        return ""
    return "\n".join(errors[:20]) or f"exit status {done.returncode}"


# --- check: console blocks -------------------------------------------------

@dataclass
class Command:
    """A `$ ` line of a console block and what the book says it prints."""
    block: Block
    offset: int                 # of its (last) line in block.body, from 1
    text: str
    expected: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    broken: str = ""            # why there is no complete output

    @property
    def where(self) -> str:
        return f"{BOOK}:{self.block.line + self.offset}: $ {self.text}"

    def holds(self) -> bool:
        return not self.broken and matches(
            self.expected, self.printed, "digits" in self.block.info)


def check_consoles(root: Path, blocks: list[Block], report: Report) -> None:
    commands = run_consoles(root, blocks, report)
    for command in commands:
        if command.broken:
            report.fail(f"{command.where}: {command.broken}")
        elif not command.holds():
            report.fail(f"{command.where}: prints something else:\n"
                        + output_difference(command))
    if commands:
        print(f"console: {plural(len(commands), 'command')} run")


def run_consoles(root: Path, blocks: list[Block],
                 report: Report) -> list[Command]:
    sessions = []
    for block in blocks:
        if block.kind == "console":
            try:
                if commands := console_commands(block):
                    sessions.append(commands)
            except Problem as problem:
                report.fail(problem)
    stop = threading.Event()
    with ThreadPoolExecutor(SESSIONS) as pool:
        try:
            list(pool.map(lambda session: run_session(root, session, stop),
                          sessions))
        finally:                # Ctrl-C: the threads end too
            stop.set()
    return [command for session in sessions for command in session]


def console_commands(block: Block) -> list[Command]:
    """The commands to run: none for `console not-run`."""
    for tag in block.info[1:]:
        if tag not in ("not-run", "digits"):
            raise Problem(f"{BOOK}:{block.line}: unknown tag {tag}"
                          " (there are: not-run, digits)")
    if "not-run" in block.info:
        return []
    commands: list[Command] = []
    unfinished = False          # the last line ended with a backslash
    for offset, line in enumerate(block.body, start=1):
        if unfinished:
            commands[-1].text += "\n" + line.removeprefix("> ")
            commands[-1].offset = offset
        elif line.startswith("$ "):
            commands.append(Command(block, offset, line[2:]))
        elif commands:
            commands[-1].expected.append(line)
        else:
            raise Problem(f"{BOOK}:{block.line + offset}: output before the"
                          " first `$ ` line (for files use another info)")
        unfinished = (bool(commands) and not commands[-1].expected
                      and line.endswith("\\"))
    return commands


def run_session(root: Path, commands: list[Command],
                stop: threading.Event) -> None:
    """Runs a block's commands in one shell, each in the root folder."""
    environment = {**os.environ, "NO_COLOR": "1", "PAGER": "cat",
                   "GIT_PAGER": "cat", "TERM": "dumb", RUNNING: "1"}
    with tempfile.TemporaryDirectory() as folder:
        shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], cwd=root, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            for number, command in enumerate(commands):
                output = Path(folder, str(number))
                output.touch()
                command.broken = run_command(
                    shell, root, command, output, stop)
                command.printed = terminal_lines(output.read_bytes())
                if command.broken:
                    break
        finally:                # the shell, and what it left running
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
            shell.stdin.close()
            shell.stdout.close()


def run_command(shell: subprocess.Popen, root: Path, command: Command,
                output: Path, stop: threading.Event) -> str:
    """Runs a command to its end; returns why that was not possible."""
    script = (f"cd {shlex.quote(str(root))}\n"
              f"eval {shlex.quote(command.text)}"
              f" >>{shlex.quote(str(output))} 2>&1 </dev/null\necho\n")
    try:
        os.write(shell.stdin.fileno(), script.encode())
    except BrokenPipeError:
        return "the shell has ended before"
    deadline = time.monotonic() + SECONDS
    while not select.select([shell.stdout], [], [], 0.1)[0]:
        if stop.is_set():
            return "stopped"
        if time.monotonic() > deadline:
            return f"not done after {SECONDS} s"
    os.read(shell.stdout.fileno(), 100)
    return ""


def terminal_lines(output: bytes) -> list[str]:
    """The lines that a terminal shows: backspaces and returns overwrite."""
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "",
                  output.decode("utf-8", "replace"))
    lines = []
    for line in split_lines(text):
        shown: list[str] = []
        column = 0
        for char in line:
            if char == "\b":
                column = max(column - 1, 0)
            elif char == "\r":
                column = 0
            elif char != "\a":
                shown[column:column + 1] = char
                column += 1
        lines.append("".join(shown).rstrip())
    return lines


def matches(expected: list[str], printed: list[str], digits: bool) -> bool:
    """`...` alone stands for any lines, within a line for any text."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            line = without_numbers(line) if digits else line
            pattern += ".*?".join(
                re.escape(text) for text in line.rstrip().split("...")) + "\n"
    text = "".join((without_numbers(line) if digits else line) + "\n"
                   for line in printed)
    return re.fullmatch(pattern, text) is not None


def without_numbers(line: str) -> str:
    return re.sub(r" *\d+(?:[,'_]\d{3})*(?:\.\d+)? *", "N", line).rstrip()


def output_difference(command: Command) -> str:
    sides = command.expected, command.printed
    if "digits" in command.block.info:
        sides = tuple([without_numbers(line) for line in side]
                      for side in sides)
    return "\n".join(list(difflib.unified_diff(
        *sides, "book", "printed", lineterm=""))[:60])


# --- beats -----------------------------------------------------------------

def show_beats(options: argparse.Namespace) -> int:
    root = root_of(options)
    stage = pick_stage(find_stages(root), options.stage)
    book = read_book(root)
    if stage.name not in book.chapters:
        raise Problem(f"{BOOK}: no chapter {stage.name}")
    beats = book.beats(stage.name)
    width = max((len(beat.file) for beat in beats), default=0)
    for beat in beats:
        print(f"{beat.number:3}  line {beat.block.line:<5} {beat.file:{width}}"
              f"  {f'+{beat.added} -{beat.removed}':8}"
              f" {' '.join(beat.tags):14}  {beat.block.prose[:70]}".rstrip())
    return 0


# --- the history of a file within a chapter --------------------------------

class Line:
    """A line that a file has at some time in a chapter.

    It is there after the beats birth, birth + 1, ... death - 1. Birth 0: it
    comes from the stage before. Death None: it stays. Birth None: no beat
    claims it.
    """

    def __init__(self, text: str, birth: int | None = 0,
                 death: int | None = None, after: Line | None = None) -> None:
        self.text = text
        self.birth = birth
        self.death = death
        self.after = after              # where a new line belongs
        self.shown_by: set[int] = set()     # the beats with it as context

    def there(self, beat: int) -> bool:
        return (self.birth is not None and self.birth <= beat
                and (self.death is None or self.death > beat))

    def telling(self) -> bool:
        """Whether the text says where it belongs: a brace does not."""
        return any(char.isalnum() for char in self.text)


class History:
    """All lines that a file has in the course of a chapter, in one order.

    The file after beat k is made of the lines that are there at k. So moving
    a line to another beat, or adding lines, can not break any other state.
    """

    def __init__(self, exists: bool, lines: list[Line]) -> None:
        self.exists = exists            # already in the stage before
        self.lines = lines

    def file_at(self, beat: int) -> list[str] | None:
        if self.exists or any(line.birth is not None and line.birth <= beat
                              for line in self.lines):
            return [line.text for line in self.lines if line.there(beat)]
        return None

    def body(self, beat: int, lead: int, trail: int) -> list[str]:
        """The beat's block, with lead and trail lines of context or more."""
        changed = [number for number, line in enumerate(self.lines)
                   if beat in (line.birth, line.death)]
        if not changed:
            return []
        above = [line.text for line in self.lines[:changed[0]]
                 if line.there(beat)]
        below = [line.text for line in self.lines[changed[-1] + 1:]
                 if line.there(beat)]
        shown = [line for line in self.lines[changed[0]:changed[-1] + 1]
                 if line.there(beat - 1) or line.there(beat)]
        run = [line.text for line in shown if line.there(beat - 1)]
        up, down = enough_context(above, run, below, lead, trail)
        ops = [(" " if line.there(beat - 1) and line.there(beat)
                else "+" if line.there(beat) else "-", line.text)
               for line in shown]
        ops = removals_first(ops)
        return ([text and " " + text for text in above[len(above) - up:]]
                + [text and " " + text if kind == " " else kind + text
                   for kind, text in ops]
                + [text and " " + text for text in below[:down]])


def enough_context(above: list[str], run: list[str], below: list[str],
                   lead: int, trail: int) -> tuple[int, int]:
    """How much context makes run unique, at least lead and trail lines."""
    text = above + run + below
    for extra in range(len(text) + 1):
        for more in range(extra, -1, -1):
            up = min(lead + more, len(above))
            down = min(trail + extra - more, len(below))
            start = len(above) - up
            if len(find_run(text, text[start:start + up + len(run) + down])
                   ) == 1:
                return up, down
    return len(above), len(below)


def removals_first(ops: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Sorts neighbouring changes that begin with an added line."""
    result = []
    for context, group in itertools.groupby(ops, key=lambda op: op[0] == " "):
        changes = list(group)
        if not context and changes[0][0] == "+":
            changes.sort(key=lambda op: op[0] == "+")
        result += changes
    return result


class Retake(History):
    """The history that old beats tell, fitted to what the stage is now."""

    def __init__(self, before: list[str] | None, beats: list[Beat],
                 final: list[str]) -> None:
        super().__init__(before is not None,
                         [Line(text) for text in before or []])
        self.before = list(self.lines)
        self.homeless: dict[int, list[Line]] = {}   # by beat: without a place
        for beat in beats:
            self._apply(beat)
        last = beats[-1].number if beats else 0
        self.old_final = [line for line in self.lines if line.there(last)]
        self.final = self._claim_all(final)
        self._reunite()
        self._sort()

    def unclaimed_additions(self) -> list[int]:
        """Indices of the stage's lines that no beat adds."""
        return [number for number, line in enumerate(self.final)
                if line.birth is None]

    def unclaimed_removals(self) -> list[int]:
        """Indices of the former stage's lines that no beat removes."""
        final = set(self.final)
        return [number for number, line in enumerate(self.before)
                if line.death is None and line not in final]

    # What the old beats say, also where they do not match any more.

    def _apply(self, beat: Beat) -> None:
        run = beat.texts(" ", "-")
        found = self._place(run, [line for line in self.lines
                                  if line.there(beat.number - 1)])
        if not found and (run or self.lines):
            self.homeless[beat.number] = [
                Line(text, beat.number) for text in beat.texts("+")]
            return
        position = self.lines.index(found[min(found)]) if found else 0
        index = 0
        for kind, text in beat.ops:
            if kind == "+":
                self.lines.insert(position, Line(text, beat.number))
                position += 1
                continue
            if line := found.get(index):
                position = self.lines.index(line) + 1
                if kind == "-":
                    line.death = beat.number
                else:
                    line.shown_by.add(beat.number)
            index += 1

    @staticmethod
    def _place(run: list[str], there: list[Line]) -> dict[int, Line]:
        """The lines that those of run stand for, by index in run."""
        texts = [line.text for line in there]
        places = find_run(texts, run)
        if not places:          # lines may have been edited
            run = [line if line in texts else
                   next(iter(difflib.get_close_matches(line, texts, 1)), line)
                   for line in run]
            places = find_run(texts, run)
        if places:
            return dict(enumerate(there[places[0]:places[0] + len(run)]))
        match = difflib.SequenceMatcher(None, run, texts, autojunk=False)
        best = match.find_longest_match()
        start = max(best.b - best.a - len(run), 0)
        match.set_seq2(texts[start:start + 3 * len(run)])
        found = {one + offset: there[start + other + offset]
                 for one, other, size in match.get_matching_blocks()
                 for offset in range(size)}
        return found if any(map(Line.telling, found.values())) else {}

    # What the stage says: each line that differs gets a beat.

    def _claim_all(self, final: list[str]) -> list[Line]:
        old = self.old_final
        ranges = changed_ranges([line.text for line in old], final)
        sizes: dict[int, int] = {}
        for line in old + sum(self.homeless.values(), []):
            sizes[line.birth] = sizes.get(line.birth, 0) + line.telling()
        for i1, i2, _, _ in ranges:
            for line in old[i1:i2]:
                if line.birth:
                    self.homeless.setdefault(line.birth, []).append(line)
        result: list[Line] = []
        done = 0
        for i1, i2, j1, j2 in ranges:
            result += old[done:i1]
            result += self._claim(i1, i2, final[j1:j2], sizes)
            done = i2
        return result + old[done:]

    def _claim(self, i1: int, i2: int, texts: list[str],
               sizes: dict[int, int]) -> list[Line]:
        """New lines for texts, which replace old_final[i1:i2].

        Whole beats that were moved keep their lines; other lines go to the
        beat of the line they replace, else to the one at their place.
        """
        replaced = self.old_final[i1:i2]
        births = [line.birth for line in replaced if line.birth]
        place = self._beat_at(i1, i2)
        owners: list[int | None] = self._moved(texts, sizes) or [
            births[number * len(births) // len(texts)] if births else place
            for number in range(len(texts))]
        for number, line in enumerate(replaced):
            if line.birth == 0:
                line.death = (owners[number * len(owners) // len(replaced)]
                              if owners else place) or place
        after = self.old_final[i2 - 1] if i2 else None
        return [Line(text, owner, after=after)
                for text, owner in zip(texts, owners)]

    def _beat_at(self, i1: int, i2: int) -> int | None:
        """The beat that works next to old_final[i1:i2], or has it in view."""
        old = self.old_final
        before = old[i1 - 1] if i1 else None
        after = old[i2] if i2 < len(old) else None
        for line in (before, after):
            if line and line.birth:
                return line.birth
        start = self.lines.index(before) + 1 if before else 0
        end = self.lines.index(after) if after else len(self.lines)
        for line in self.lines[start:end]:
            if line.birth or line.death:
                return line.birth or line.death
        views = [line.shown_by if line else set()
                 for line in old[i1:i2] or (before, after)]
        if i1 < i2:
            return min(set.union(*views), default=None)
        return min(set.intersection(*views), default=None)

    def _moved(self, texts: list[str],
               sizes: dict[int, int]) -> list[int | None]:
        """Owners, when at least half of a homeless beat is among texts."""
        pools = {}
        for beat, lines in self.homeless.items():
            pool = {line.text for line in lines if line.telling()}
            if 2 * len(pool.intersection(texts)) >= sizes.get(beat, 1):
                pools[beat] = pool
        known = set().union(*pools.values())
        if 2 * sum(text in known for text in texts) < sum(
                Line(text).telling() for text in texts):
            return []
        owners: list[int | None] = []
        for text in texts:
            last = owners[-1] if owners else None
            owners.append(next((beat for beat in (last, *pools)
                                if text in pools.get(beat, ())), last))
        first = next((beat for beat in owners if beat), None)
        return [beat or first for beat in owners] if first else []

    # One order for all.

    def _reunite(self) -> None:
        """Lines that both stages have now are neither removed nor added."""
        old = set(self.old_final)
        ends = [line for line in self.final if line.birth == 0] + [None]
        i = j = 0
        for end in ends:
            leaving = list(itertools.takewhile(
                lambda line: line is not end, self.before[i:]))
            coming = list(itertools.takewhile(
                lambda line: line is not end, self.final[j:]))
            match = difflib.SequenceMatcher(
                None, [line.text for line in leaving],
                [line.text for line in coming], autojunk=False)
            for one, other, size in match.get_matching_blocks():
                pairs = list(zip(leaving[one:one + size],
                                 coming[other:other + size]))
                if any(line.telling() for line, _ in pairs):
                    for offset, (line, twin) in enumerate(pairs, start=j):
                        if line in old or twin not in old:
                            line.death = None
                            self.final[other + offset] = line
            i += len(leaving) + 1
            j += len(coming) + 1

    def _sort(self) -> None:
        """Merges the former stage's lines, the stage's, and passing ones."""
        position = {line: number for number, line in enumerate(self.lines)}
        keys: dict[Line, tuple[int, int, int]] = {}
        gap = 0                 # how many lines that never change are above
        for number, line in enumerate(self.final):
            if line.birth == 0:
                gap += 1
                keys[line] = (gap, -2, 0)
            else:
                place = position.get(line, position.get(line.after, -1))
                keys[line] = (gap, place, number)
        gap = 0
        for line in self.lines:
            if line in keys:
                gap += line.birth == 0
            elif line.birth == 0 or line.death:
                keys[line] = (gap, position[line], -1)
        self.lines = sorted(keys, key=keys.__getitem__)


# --- refresh ---------------------------------------------------------------

def refresh(options: argparse.Namespace) -> int:
    root = root_of(options)
    stages = find_stages(root)
    book = read_book(root)
    report = Report()
    edits: list[tuple[Block, list[str]]] = []
    chosen = chosen_stages(options, stages)
    for stage in chosen:
        if stage.name in book.chapters:
            edits += retake_chapter(book, stages, stage, report)
        else:
            report.fail(f"{BOOK}: no chapter {stage.name}")
    if options.outputs:
        edits += retake_outputs(
            root, blocks_of(book, chosen, bool(options.stages)), report)
    for block, body in sorted(edits, key=lambda edit: -edit[0].line):
        book.lines[block.line:block.line + len(block.body)] = [
            line and block.indent + line for line in body]
    if edits:
        write_text(book.path, "".join(line + "\n" for line in book.lines))
    print(f"{plural(len(edits), 'block')} changed")
    return report.status()


def retake_chapter(book: Book, stages: list[Stage], stage: Stage,
                   report: Report) -> list[tuple[Block, list[str]]]:
    former = stage_before(stages, stage)
    before, final = lesson_lines(former), lesson_lines(stage)
    beats = book.beats(stage.name)
    edits = []
    for name in sorted(before.keys() | final.keys()
                       | {beat.file for beat in beats}):
        own = [beat for beat in beats if beat.file == name]
        history = Retake(before.get(name), own, final.get(name, []))
        for beat in own:
            body = retaken_body(history, beat)
            if not body:
                report.fail(f"{beat.where}: nothing is left of it: remove the"
                            " block, or split another beat")
            if body != beat.block.body:
                made = Beat(beat.number, Block(
                    **{**vars(beat.block), "body": body}))
                print(f"{beat.where}: {name} +{beat.added} -{beat.removed}"
                      f" is now +{made.added} -{made.removed}")
                edits.append((beat.block, body))
        tell_unclaimed(history, stage, former, name, report)
    return edits


def retaken_body(history: Retake, beat: Beat) -> list[str]:
    """The old block if it still does what it must, else a new one."""
    before = history.file_at(beat.number - 1)
    after = history.file_at(beat.number)
    try:
        if apply_beat(before, beat) == after:
            return beat.block.body
    except Problem:
        pass
    is_context = [kind == " " for kind, _ in beat.ops]
    lead = len(list(itertools.takewhile(bool, is_context)))
    trail = len(list(itertools.takewhile(bool, reversed(is_context))))
    body = history.body(beat.number, lead, trail)
    if body:
        made = Beat(beat.number, Block(**{**vars(beat.block), "body": body}))
        if apply_beat(before, made) != after:
            raise Problem(f"{beat.where}: could not be taken again")
    return body


def tell_unclaimed(history: Retake, stage: Stage, former: Stage | None,
                   name: str, report: Report) -> None:
    def tell(place: Stage, numbers: list[int], texts: list[str],
             verb: str) -> None:
        for group in runs(numbers):
            text = next((texts[number].strip() for number in group
                         if texts[number].strip()), "")
            report.fail(
                f"{place.name}/{name}:{group[0] + 1}: no beat of {stage.name}"
                f" {verb} {plural(len(group), 'line')}: {text}")
    tell(stage, history.unclaimed_additions(),
         [line.text for line in history.final], "adds")
    if former:
        tell(former, history.unclaimed_removals(),
             [line.text for line in history.before], "removes")


def runs(numbers: list[int]) -> list[list[int]]:
    """Neighbouring numbers together."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and groups[-1][-1] == number - 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def retake_outputs(root: Path, blocks: list[Block],
                   report: Report) -> list[tuple[Block, list[str]]]:
    commands = run_consoles(root, blocks, report)
    edits = []
    for _, group in itertools.groupby(
            commands, key=lambda command: command.block.line):
        session = list(group)
        block = session[0].block
        different = [command for command in session if not command.holds()]
        reasons = [why_not_kept(command) for command in different]
        for command, reason in zip(different, reasons):
            if reason:
                report.fail(f"{command.where}: {reason}")
        if different and not any(reasons):
            print(f"{BOOK}:{block.line}: prints something else now")
            edits.append((block, with_outputs(session)))
    return edits


def why_not_kept(command: Command) -> str:
    """Why the new output can not replace the book's; empty if it can."""
    if command.broken:
        return command.broken
    if any("..." in line for line in command.expected):
        return ("prints something else; the book has `...` there, so this"
                " needs a hand:\n" + output_difference(command))
    if any(line.startswith(("$ ", "```", "~~~")) for line in command.printed):
        return "prints lines that a console block can not hold"
    return ""


def with_outputs(session: list[Command]) -> list[str]:
    body = []
    for command in session:
        size = command.text.count("\n") + 1
        body += command.block.body[command.offset - size:command.offset]
        body += command.expected if command.holds() else command.printed
    return body


# --- html ------------------------------------------------------------------

def html(options: argparse.Namespace) -> int:
    root = root_of(options)
    target = options.file or root / "build/walkthrough.html"
    need_pandoc(options.yes)
    page = make_page(root, target.absolute())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_text(target, page)
    except OSError as error:
        raise Problem(f"cannot write {target}: {error.strerror}") from error
    print(target)
    return 0
