"""Keeps the book and the stages in step.

The book is WALKTHROUGH.md and a CHAPTER.md in each stage's folder. In a chapter, a
block `diff FILE [compiles] [shows]` is a beat: lines that begin with ' ', '-'
or '+', whose ' ' and '-' lines match exactly one place in the file. A chapter's
beats, in order, turn the lesson files of the stage before into the stage's.
"""
from __future__ import annotations

import argparse
import functools
import itertools
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .bare import Files, bare_files, bare_lesson, dressed_files, places
from .book import (
    BOOK, CHAPTER, Beat, Block, Book, Page, apply_beat, find_run, nearest_miss,
    read_book)
from .compiler import precompiled
from .consoles import RUNNING, Command, output_difference, run_consoles
from .differences import without_comments
from .history import Retake
from .measures import measured, print_table
from .page import make_page, need_pandoc
from .rehearsal import Rehearsal
from .stages import (
    Stage, find_stages, lesson_lines, pick_stage, read_lines, read_text,
    split_lines, stage_before, write_text)
from .terminal import Problem, new_command, new_parser, plural, root_of

LARGEST_BEAT = 60
LARGEST_MEDIAN = 25


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    return options.command(options)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = new_parser(__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = functools.partial(new_command, commands)
    sub = command(check, "check", "check that the book agrees with the code")
    sub.add_argument("stages", nargs="*", metavar="NN",
                     help="only these chapters (default: the whole book)")
    sub.add_argument("--rest", action="store_true",
                     help="only what is in no chapter")
    sub.add_argument("--no-compile", action="store_true",
                     help="do not compile the beats tagged `compiles`")
    sub.add_argument("--precompiled", action="store_true",
                     help="compile the systems' headers once: much faster, but"
                          " a beat that lacks an #include may pass")
    sub.add_argument("--no-run", action="store_true",
                     help="do not run the console blocks")
    sub.add_argument("--finished", action="store_true",
                     help="run them with the finished stages' programs only, not"
                          " as the code is in the middle of a chapter")

    sub = command(refresh, "refresh",
                  "update the beats' lines from the stages, keep the prose")
    sub.add_argument("stages", nargs="*", metavar="NN",
                     help="only these chapters (default: all)")
    sub.add_argument("--outputs", action="store_true",
                     help="also run the console blocks and take what they"
                          " print")

    sub = command(show_beats, "beats", "list a chapter's beats")
    sub.add_argument("stage", metavar="NN")

    command(stats, "stats", "count beats, words and runs of each chapter")

    sub = command(html, "html", "make one page of the book, to read offline")
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
    chosen = [] if options.rest else chosen_stages(options, stages)
    report = Report()
    check_pages(book, report)
    snapshots: list[Snapshot] = []
    for stage in chosen:
        snapshots += check_chapter(book, stages, stage, report)
    check_median(book, report)
    for measure in map(measured, chosen_pages(book, chosen)):
        for fault in measure.faults():
            report.fail(f"{measure.page.name}: {fault}")
    blocks = ([block for block in book.blocks if not block.chapter]
              if options.rest
              else blocks_of(book, chosen, bool(options.stages)))
    for block in blocks:
        if block.kind in ("cpp", "python") and len(block.info) > 1:
            check_excerpt(root, block, report)
    if not options.no_compile:
        check_compiles(root, snapshots, report, options.precompiled)
    if not options.no_run and RUNNING not in os.environ:
        check_consoles(root, blocks, report)
        if not options.finished:
            check_in_the_middle(root, book, stages, blocks, report)
    if report.failures:
        print(plural(report.failures, "failure"))
    return report.status()


def chosen_pages(book: Book, chosen: list[Stage]) -> list[Page]:
    return [book.chapters[stage.name] for stage in chosen
            if stage.name in book.chapters]


def blocks_of(book: Book, chosen: list[Stage], only: bool) -> list[Block]:
    """The blocks to look at: the chosen chapters', or the whole book's."""
    names = {stage.name for stage in chosen}
    return [block for block in book.blocks
            if not only or block.chapter in names]


def check_pages(book: Book, report: Report) -> None:
    for page in book.pages:
        for block in page.blocks:
            if (not page.chapter and block.kind == "diff"
                    and len(block.info) > 1):
                report.fail(f"{block.where}: a beat outside of the chapters")
    chapters = list(book.chapters.values())
    for number, page in enumerate(chapters):
        wanted = navigation(chapters, number)
        for line in (page.lines[:1] or [""])[0], (page.lines or [""])[-1]:
            if line != wanted:
                report.fail(f"{page.name}: its first and its last line must be:"
                            f"\n{wanted}")
                break


def navigation(chapters: list[Page], number: int) -> str:
    """The line with the ways out of a chapter."""
    def way(page: Page, text: str) -> str:
        return f"[{text}](../{page.chapter}/{CHAPTER})"

    def name(page: Page) -> str:
        return f"{page.chapter[:2]} {page.title.partition(': ')[2]}"
    ways = [f"[Contents](../../{BOOK}#contents)"]
    if number:
        before = chapters[number - 1]
        ways.insert(0, way(before, f"← {name(before)}"))
    if number + 1 < len(chapters):
        after = chapters[number + 1]
        ways.append(way(after, f"{name(after)} →"))
    return " · ".join(ways)


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
        report.fail(f"{stage.name}: has no {CHAPTER}")
        return []
    try:
        beats = book.beats(stage.name)
    except Problem as problem:
        report.fail(problem)
        return []
    before, after = lesson_lines(stage_before(stages, stage)), lesson_lines(stage)
    files = bare_files(before)
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
            snapshot = Snapshot(
                stage, beat, dressed_files(files, after, before))
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
    where = f"stages/{stage.name}/{CHAPTER}"
    final = bare_lesson(stage)
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
    where = block.where
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
    with ThreadPoolExecutor(jobs()) as pool:
        flags = (precompiled(compiler(), root, root / "build" / "walkthrough")
                 if once and snapshots else [])
        for snapshot, errors in zip(snapshots, pool.map(
                lambda snapshot: compile_errors(root, snapshot, flags),
                snapshots)):
            if errors:
                report.fail(f"{snapshot.beat.where}: does not compile:"
                            f"\n{errors}")


def jobs() -> int:
    """How many compilers at once; fewer where other chapters are checked beside
    this one."""
    return int(os.environ.get("WALKTHROUGH_JOBS") or os.cpu_count() or 1)


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


def check_consoles(root: Path, blocks: list[Block], report: Report,
                   program=None) -> None:
    commands = run_consoles(root, blocks, report.fail,
                            program or (lambda command: ""))
    if program:
        commands = [command for command in commands if command.program]
    for command in commands:
        if command.broken:
            report.fail(f"{command.where}: {command.broken}")
        elif not command.holds():
            there = " there" if command.program else ""
            report.fail(f"{command.where}: prints something else{there}:\n"
                        + output_difference(command))
    if commands:
        print(f"console: {plural(len(commands), 'command')} run"
              + " in the middle of its chapter" * bool(program))


def check_in_the_middle(root: Path, book: Book, stages: list[Stage],
                        blocks: list[Block], report: Report) -> None:
    with Rehearsal(root, book, stages) as rehearsal:
        middle = [block for block in blocks if rehearsal.place(block)]
        check_consoles(root, middle, report, rehearsal.program)


# --- beats -----------------------------------------------------------------

def show_beats(options: argparse.Namespace) -> int:
    root = root_of(options)
    stage = pick_stage(find_stages(root), options.stage)
    book = read_book(root)
    if stage.name not in book.chapters:
        raise Problem(f"{stage.name}: has no {CHAPTER}")
    beats = book.beats(stage.name)
    width = max((len(beat.file) for beat in beats), default=0)
    for beat in beats:
        print(f"{beat.number:3}  line {beat.block.line:<5} {beat.file:{width}}"
              f"  {f'+{beat.added} -{beat.removed}':8}"
              f" {' '.join(beat.tags):14}  {beat.block.prose[:70]}".rstrip())
    return 0


# --- stats -----------------------------------------------------------------

def stats(options: argparse.Namespace) -> int:
    root = root_of(options)
    measures = [measured(book_page)
                for book_page in read_book(root).chapters.values()]
    print_table(measures)
    return 0


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
            report.fail(f"{stage.name}: has no {CHAPTER}")
    if options.outputs:
        edits += retake_outputs(
            root, blocks_of(book, chosen, bool(options.stages)), report)
    for block, body in sorted(edits, key=lambda edit: -edit[0].line):
        lines = book.page(block.page).lines
        lines[block.line:block.line + len(block.body)] = [
            line and block.indent + line for line in body]
    for name in {block.page for block, _ in edits}:
        page = book.page(name)
        write_text(page.path, "".join(line + "\n" for line in page.lines))
    print(f"{plural(len(edits), 'block')} changed")
    return report.status()


def retake_chapter(book: Book, stages: list[Stage], stage: Stage,
                   report: Report) -> list[tuple[Block, list[str]]]:
    former = stage_before(stages, stage)
    before, final = bare_lesson(former), bare_lesson(stage)
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
            raise Problem(f"{beat.where}: cannot be taken from the stage again")
    return body


def tell_unclaimed(history: Retake, stage: Stage, former: Stage | None,
                   name: str, report: Report) -> None:
    def tell(place: Stage, numbers: list[int], texts: list[str],
             verb: str) -> None:
        path = place.lesson().get(name)
        where = places(read_lines(path)) if path else []
        for group in runs(numbers):
            text = next((texts[number].strip() for number in group
                         if texts[number].strip()), "")
            report.fail(
                f"{place.name}/{name}:{where[group[0]] + 1}: no beat of {stage.name}"
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
    commands = run_consoles(root, blocks, report.fail)
    edits = []
    for _, group in itertools.groupby(
            commands, key=lambda command: command.block.where):
        session = list(group)
        block = session[0].block
        different = [command for command in session if not command.holds()]
        reasons = [why_not_kept(command) for command in different]
        for command, reason in zip(different, reasons):
            if reason:
                report.fail(f"{command.where}: {reason}")
        if different and not any(reasons):
            print(f"{block.where}: prints something else now")
            edits.append((block, with_outputs(session)))
    return edits


def why_not_kept(command: Command) -> str:
    """Why the new output can not replace the book's; empty if it can."""
    if command.broken:
        return command.broken
    if any("..." in line for line in command.expected):
        return ("prints something else; the book has `...` there, so this"
                " needs an edit by hand:\n" + output_difference(command))
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
