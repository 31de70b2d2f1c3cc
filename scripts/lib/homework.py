"""Homework: write a stage yourself, and let its tests say how far you are.

  scripts/homework list              what there is, and how far you are
  scripts/homework start 04          stage 03's code with stage 04's declarations
  scripts/homework check             which ideas work
  scripts/homework check sleep       one of them, and all that it says
  scripts/homework hint sleep        three hints, one more at each call
  scripts/homework watch             checks again whenever you save
  scripts/homework run demo NAME     runs a demo of the stage on your code
  scripts/homework diff              your code against the stage's
  scripts/homework reset FILE        begin again; yours is kept

Without a number it is the homework that you began last.
"""
from __future__ import annotations

import argparse
import functools
import itertools
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from .assignments import (
    HARD, HOMEWORK, Assignment, Fails, Wrong, apply_edits, find_assignments,
    lint, matching_beats, pick_assignment, read_headers, write_fails,
    write_files)
from .book import CHAPTER, Beat
from .checker import Checker, Progress, filled, shown, wrapped
from .compiler import Compiler, first_errors, made_by
from .differences import essence, git_diff, styled_as
from .grader import Kit, Outcome, build_ideas, grade, prepare, run_idea
from .outlines import outlined
from .skeletons import INCLUDE
from .stages import read_lines, stamps
from .terminal import (
    ROOT, Paint, Problem, new_command, new_parser, plural, root_of, use_colour)

STUB = "not_there_yet.hpp"


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if not options.command:
        print(__doc__)
        return 2
    options.paint = Paint(use_colour())
    return options.command(options)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(metavar="COMMAND")

    command = functools.partial(new_command, commands)
    command(show_list, "list", "what there is, and how far you are")

    sub = command(start, "start", "make the folder homework/NN")
    sub.add_argument("name", metavar="NN", help="a stage, or a name of `list`")
    sub.add_argument("--blank", action="store_true",
                     help="without the stage's declarations")
    sub.add_argument("--hard", action="store_true",
                     help="01: write generator.hpp itself")

    sub = command(check, "check", "build and run the tests of each idea")
    sub.add_argument("words", nargs="*", metavar="[NN] [IDEA]")
    sub.add_argument("--earlier", action="store_true",
                     help="also those of earlier stages (else only once all"
                          " ideas pass)")

    sub = command(hint, "hint", "a hint, a more telling one at each call")
    sub.add_argument("words", nargs="*", metavar="[NN] [IDEA]")
    sub.add_argument("--level", type=int, choices=(1, 2, 3))
    sub.add_argument("--yes", action="store_true",
                     help="do not ask before the third")

    sub = command(watch, "watch", "check the next idea whenever a file is"
                                  " saved; ends with Ctrl-C")
    sub.add_argument("words", nargs="*", metavar="[NN]")

    sub = command(run_program, "run",
                  "build the stage's program with your code, and run it")
    sub.add_argument("words", nargs=argparse.REMAINDER,
                     metavar="[NN] [demo NAME | serve NAME | --help]")

    sub = command(diff, "diff", "your code (-) against the stage's (+)")
    sub.add_argument("words", nargs="*", metavar="[NN] [FILE]")

    sub = command(reset, "reset", "put back what you started with; yours is"
                                  " kept")
    sub.add_argument("words", nargs="*", metavar="[NN] [FILE]")
    sub.add_argument("--yes", action="store_true", help="do not ask")

    sub = command(check_texts, "lint", "for authors: is all there that the"
                                       " texts need, does all match")
    sub.add_argument("names", nargs="*", metavar="NN")

    sub = command(try_wrong, "wrong", "for authors: is each known-wrong"
                                      " submission caught by its idea")
    sub.add_argument("name", metavar="NN")
    sub.add_argument("submissions", nargs="*", metavar="NAME")

    sub = command(record, "record", "for authors: note which test cases each"
                                    " known-wrong submission fails")
    sub.add_argument("name", metavar="NN")
    sub.add_argument("submissions", nargs="*", metavar="NAME",
                     help="only these; what is noted of the others stays")
    sub.add_argument("--new", action="store_true",
                     help="only those of which nothing is noted yet")
    return parser.parse_args(arguments)


def chosen(options: argparse.Namespace) -> tuple[Assignment, list[str]]:
    """The homework that the words name, or the last one; the other words."""
    root = root_of(options)
    found = find_assignments(root)
    words = list(options.words)
    last = found.get(Progress(root).data["last"])
    known = last.tests() if last else {}
    if words and (words[0] in found or words[0][0].isdigit()) and (
            words[0] not in known):
        assignment = pick_assignment(found, words.pop(0))
        if not assignment.work().is_dir():
            raise Problem(f"homework/{assignment.name} is not begun yet:"
                          f" scripts/homework start {assignment.name}")
    elif last and last.work().is_dir():
        assignment = last
    else:
        raise Problem("no homework is begun yet: scripts/homework list")
    return assignment, words


def check_ideas(assignment: Assignment, words: list[str]) -> None:
    ideas = assignment.tests()
    for word in words:
        if word not in ideas:
            raise Problem(f"{assignment.label} has no idea {word}"
                          f" (there are: {', '.join(ideas)})")


# --- list ------------------------------------------------------------------

def show_list(options: argparse.Namespace) -> int:
    root = root_of(options)
    progress = Progress(root)
    found = find_assignments(root)
    stages = [one for one in found.values()
              if not one.folder or one.name == one.stage.number]
    opens = [one for one in found.values() if one not in stages]
    width = max(map(len, found), default=0)
    print("Stages: write the next one yourself.\n")
    for assignment in stages:
        print(list_line(assignment, progress, width, options.paint))
    if opens:
        print("\nOpen-ended: beyond the stages.\n")
    for assignment in opens:
        print(list_line(assignment, progress, width, options.paint))
    last = found.get(progress.data["last"])
    if last and last.work().is_dir() and (
            len(progress.passed(last)) < len(last.tests())):
        print("\nGo on: scripts/homework check")
    else:
        print("\nBegin one: scripts/homework start "
              + (next((one.name for one in stages
                       if not one.work().is_dir()), "NN")))
    return 0


def list_line(assignment: Assignment, progress: Progress, width: int,
              paint: Paint) -> str:
    total = len(assignment.tests())
    state = plural(total, "idea")
    if assignment.work().is_dir():
        passed = len(progress.passed(assignment))
        state = f"{passed} of {total}"
        if passed == total:
            state = paint("green", state)
        elif progress.data["last"] == assignment.name:
            state = paint("bold", state + ", begun last")
    title = assignment.heading()
    if assignment.name.endswith(HARD):
        title += ": its class"
    return f"  {assignment.name:<{width}}  {title:<39}  {state}".rstrip()


# --- start and reset -------------------------------------------------------

def start(options: argparse.Namespace) -> int:
    root = root_of(options)
    found = find_assignments(root)
    name = options.name
    if options.hard:
        name = pick_assignment(found, name).stage.number + HARD
        if name not in found:
            raise Problem(f"homework {options.name} has nothing harder")
    assignment = pick_assignment(found, name)
    work = assignment.work()
    if work.exists():
        raise Problem(f"{shown(work, root)} is there already; to begin again:"
                      f" scripts/homework reset {assignment.name}")
    progress = Progress(root)
    progress.of(assignment)["blank"] = options.blank
    write_files(starting_files(assignment, options.blank), work)
    progress.save(assignment)
    print(start_text(assignment, options.blank, root))
    return 0


def starting_files(assignment: Assignment, blank: bool
                   ) -> dict[str, list[str]]:
    """All that is in the new folder."""
    files = assignment.start(blank)
    if STUB not in files and not blank:
        files[STUB] = read_lines(ROOT / HOMEWORK / STUB)
    for idea, path in assignment.tests().items():
        files[f"tests/{idea}.cpp"] = read_lines(path)
        for helper in path.parent.glob("*.hpp"):
            files[f"tests/{helper.name}"] = read_lines(helper)
    if not assignment.folder:
        stage = assignment.stage.folder
        for path in [stage / "CMakeLists.txt", stage / "main.cpp",
                     stage / "bench.cpp", *sorted(stage.glob("demos/*.?pp"))]:
            if path.is_file():
                files[str(path.relative_to(stage))] = read_lines(path)
    return files


def start_text(assignment: Assignment, blank: bool, root: Path) -> str:
    text = assignment.text()
    work = shown(assignment.work(), root)
    stubs = sorted({name for name, lines in assignment.start(blank).items()
                    if INCLUDE in lines})
    before = (f"stage {assignment.before.number}'s code"
              if assignment.before else "no code yet")
    if assignment.folder:
        what = f"stage {assignment.stage.number}'s code"
    elif blank:
        what = f"{before}, and stage {assignment.stage.number}'s tests"
    else:
        what = f"{before} with stage {assignment.stage.number}'s declarations"
    lines = [f"{work}/ is there: {what}.", "", filled(text.intro), ""]
    if stubs:
        lines += wrapped("Where not_there_yet(...) stands, a function is yours"
                         " to write: in " + ", ".join(stubs) + ". Private"
                         " members and helpers are yours to invent.")
    if not assignment.folder:
        lines += wrapped("The book's chapter:"
                         f" stages/{assignment.stage.name}/{CHAPTER}.")
        lines += wrapped("Read its question and \"What you will see\" first;"
                         " the pages after that print the solution.")
    groups = assignment.groups()
    lines += ["", "The ideas, in the order in which one would build them"
              + ("; at a gap one can stop:" if len(groups) > 1 else ":")]
    for number, group in enumerate(groups):
        lines += [""] * (number > 0) + wrapped("  " + ", ".join(group), "  ")
    lines += ["", "  scripts/homework check      how far you are",
              "  scripts/homework hint       when you are stuck",
              "  scripts/homework watch      checks whenever you save"]
    if not assignment.folder:
        lines.append("  scripts/homework run demo   the stage's demos, with"
                     " your code")
    return "\n".join(lines)


def reset(options: argparse.Namespace) -> int:
    assignment, words = chosen(options)
    progress = Progress(assignment.root)
    files = starting_files(assignment,
                           progress.of(assignment).get("blank", False))
    work = assignment.work()
    for word in words:
        if word not in files:
            raise Problem(f"{word} is none of the files that"
                          f" {assignment.label} starts with")
    files = {name: lines for name, lines in files.items()
             if not words or name in words}
    changed = [name for name, lines in files.items()
               if (work / name).is_file() and read_lines(work / name) != lines]
    missing = [name for name in files if not (work / name).is_file()]
    if not changed and not missing:
        forget(assignment, progress, not words)
        print("Nothing to put back: all is as it came.")
        return 0
    would = not options.yes and not sys.stdin.isatty()
    print(f"{'Would put' if would else 'Put'} back in"
          f" {shown(work, assignment.root)}:", ", ".join(changed + missing))
    if not options.yes and not asked("Yours are kept. Do it? [y/N] "):
        print("Nothing done.")
        return 1
    kept = work / "kept" / datetime.now().strftime("%Y-%m-%d_%H%M%S")
    for name in changed:
        (kept / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(work / name, kept / name)
    write_files({name: files[name] for name in changed + missing}, work)
    forget(assignment, progress,
           not words or any(word.endswith(".hpp") for word in words))
    if changed:
        print(f"Yours: {shown(kept, assignment.root)}/")
    return 0


def forget(assignment: Assignment, progress: Progress, anew: bool) -> None:
    """Who begins anew gets the first hints first, and has passed nothing."""
    if anew:
        progress.of(assignment).update(ideas={}, hints={})
        progress.save(assignment)


def asked(question: str) -> bool:
    if not sys.stdin.isatty():
        raise Problem("it asks before it does that: call it in a terminal, or"
                      " with --yes")
    return input(question).strip().lower() in ("y", "yes")


def check(options: argparse.Namespace) -> int:
    assignment, words = chosen(options)
    check_ideas(assignment, words)
    kit = prepare()
    checker = Checker(assignment, kit, options.paint)
    outcomes = checker.check(words or list(checker.tests))
    print("\n".join(checker.details(outcomes, bool(words))))
    good = all(one.status == "passed" for one in outcomes.values())
    if options.earlier or good and not words:
        good = checker.check_earlier() and good
    if good and not words:
        print(filled(checker.farewell()))
    return 0 if good else 1


# --- hint ------------------------------------------------------------------

def hint(options: argparse.Namespace) -> int:
    assignment, words = chosen(options)
    check_ideas(assignment, words)
    progress = Progress(assignment.root)
    passed = progress.passed(assignment)
    idea = words[0] if words else next(
        (idea for idea in assignment.tests() if idea not in passed), "")
    if not idea:
        print("All ideas pass: nothing to hint at.")
        return 0
    given = progress.of(assignment)["hints"]
    level = options.level or min(given.get(idea, 0) + 1, 3)
    if level == 3 and given.get(idea, 0) < 3 and not options.yes:
        print("Hint 3 is nearly the code.")
        if not asked("Show it? [y/N] "):
            return 1
    given[idea] = max(given.get(idea, 0), level)
    progress.save(assignment)
    section = assignment.text().sections.get(idea)
    if section is None:
        raise Problem(f"nothing is written about {idea} yet")
    print(f"{options.paint('bold', idea)}, hint {level} of 3\n")
    if level == 3 and section.beats:
        beats = matching_beats(assignment.beats, section.beats)
        print(filled("Nearly the code: find what stands for each `...`"
                     " yourself. The book has all of it.") + "\n")
        print("\n\n".join(beat_text(beat, options.paint) for beat in beats))
    else:
        print(filled(section.hints.get(level) or "There is no such hint."))
    if level < 3:
        print("\nMore: the same again.")
    return 0


def beat_text(beat: Beat, paint: Paint) -> str:
    style = {"+": "green", "-": "red"}
    lines = [f"{paint('bold', beat.file)}"
             f"   ({beat.block.page}, line {beat.block.line})"]
    for kind, run in itertools.groupby(beat.ops, key=lambda op: op[0]):
        texts = [text for _, text in run]
        for text in outlined(texts) if kind == "+" else texts:
            line = f"{kind} {text}".rstrip()
            lines.append(paint(style[kind], line) if kind in style else line)
    return "\n".join(lines)


# --- watch -----------------------------------------------------------------

def watch(options: argparse.Namespace) -> int:
    assignment, words = chosen(options)
    if words:
        raise Problem(f"no homework {words[0]}")
    kit = prepare()
    current = ""
    while True:
        seen = written(assignment)
        if sys.stdout.isatty():
            print("\033[2J\033[H", end="")
        checker = Checker(assignment, kit, options.paint)
        current = next_idea(checker, current)
        if not current:
            print(filled(checker.farewell()))
            return 0
        print("\nIt checks again when you save; h Enter: a hint, Ctrl-C ends.",
              flush=True)
        wait_for_change(assignment, seen, current, options)


def next_idea(checker: Checker, current: str) -> str:
    """Checks the idea that did not pass, then the next; the first that fails,
    none if all pass."""
    passed = Progress(checker.assignment.root).passed(checker.assignment)
    ideas = list(checker.tests)
    todo = [idea for idea in ideas if idea not in passed] or ideas
    if current in todo:
        todo.remove(current)
        todo.insert(0, current)
    for idea in todo:
        outcomes = checker.check([idea])
        if outcomes[idea].status != "passed":
            print("\n".join(checker.details(outcomes, True)))
            return idea
    outcomes = checker.check(ideas)
    print("\n".join(checker.details(outcomes, False)))
    failed = [idea for idea, one in outcomes.items()
              if one.status != "passed"]
    if failed:
        return failed[0]
    return "" if checker.check_earlier() else ideas[0]


def written(assignment: Assignment) -> dict[Path, int]:
    work = assignment.work()
    return stamps([*work.glob("*.hpp"), *work.glob("tests/*.cpp")])


def wait_for_change(assignment: Assignment, seen: dict[Path, int], idea: str,
                    options: argparse.Namespace) -> None:
    answers = sys.stdin.isatty()
    while written(assignment) == seen:
        if not answers:
            time.sleep(0.3)
        elif select.select([sys.stdin], [], [], 0.3)[0]:
            line = sys.stdin.readline()
            answers = line != ""
            if line.strip() == "h":
                print()
                hint(argparse.Namespace(**{
                    **vars(options), "level": None, "yes": False,
                    "words": [assignment.name, idea]}))
    time.sleep(0.1)             # an editor may write more than one file


# --- run -------------------------------------------------------------------

def run_program(options: argparse.Namespace) -> int:
    assignment, words = chosen(options)
    work = assignment.work()
    sources = [path for path in (work / "main.cpp",
                                 *sorted(work.glob("demos/*.cpp")))
               if path.is_file()]
    if not sources:
        raise Problem(f"{assignment.label} has no program to run")
    compiler = Compiler(ROOT)
    compiler.prepare(lambda text: print(text, file=sys.stderr, flush=True))
    parts = made_by([compiler.compile(source, work, assignment.stage.name)
                     for source in sources])
    for part in parts:
        if not part.good:
            name = shown(part.source, assignment.root)
            raise Problem(f"{name} does not compile:\n"
                          + first_errors(part.output))
    program = (assignment.root / "build" / "homework" / assignment.name
               / assignment.stage.name)
    compiler.link(parts, program)
    return waited_for([str(program), *(words or ["demo"])])


def waited_for(command: list[str]) -> int:
    """Its exit status. Ctrl-C is the program's."""
    child = subprocess.Popen(command)
    while True:
        try:
            status = child.wait()
            return status if status >= 0 else 128 - status
        except KeyboardInterrupt:
            pass


# --- diff ------------------------------------------------------------------

def diff(options: argparse.Namespace) -> int:
    assignment, words = chosen(options)
    mine = read_headers(assignment.work())
    mine.pop(STUB, None)
    theirs = assignment.solution()
    for word in words:
        if word not in mine and word not in theirs:
            raise Problem(f"no header {word}")
    same = True
    for name in sorted(mine.keys() | theirs.keys()):
        if words and name not in words:
            continue
        new = theirs.get(name, [])
        old = styled_as(new, mine.get(name, []))
        lines = git_diff(essence(old), essence(new), "--patience", name=name)
        if lines:
            same = False
            print(options.paint("bold", f"\n{name}: - yours, + "
                                + ("the solution's" if assignment.folder
                                   else "the stage's")))
            print("\n".join(coloured(line, options.paint) for line in lines))
    print("No difference." if same else
          "\nComments, layout and what is only for a trace are left out.")
    return 0


def coloured(line: str, paint: Paint) -> str:
    style = {"+": "green", "-": "red", "@": "blue"}.get(line[:1])
    return paint(style, line) if style else line


# --- for authors -----------------------------------------------------------

def check_texts(options: argparse.Namespace) -> int:
    found = find_assignments(root_of(options))
    names = ([pick_assignment(found, name) for name in options.names]
             or list(found.values()))
    faults = [f"{assignment.name}: {fault}"
              for assignment in names for fault in lint(assignment)]
    for fault in faults:
        print(fault)
    print(plural(len(faults), "fault"))
    return 1 if faults else 0


def try_wrong(options: argparse.Namespace) -> int:
    assignment, wrongs = chosen_wrongs(options)
    kit = prepare()
    bad = 0
    with tempfile.TemporaryDirectory() as folder, \
            ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = pool.map(
            lambda wrong: grade_wrong(kit, assignment, wrong, Path(folder)),
            wrongs)
        for wrong, outcome in zip(wrongs, outcomes):
            caught = is_caught(outcome)
            bad += not caught
            print(f"{'caught' if caught else 'NOT CAUGHT':<11}{wrong.name}"
                  f" by {wrong.idea}: {verdict(outcome)}"
                  f" ({outcome.seconds:.1f} s)", flush=True)
    print(f"{len(wrongs) - bad} of {len(wrongs)} caught")
    return 1 if bad else 0


def chosen_wrongs(options: argparse.Namespace
                  ) -> tuple[Assignment, list[Wrong]]:
    assignment = pick_assignment(find_assignments(root_of(options)),
                                 options.name)
    wrongs = assignment.wrongs()
    for name in options.submissions:
        if name not in [wrong.name for wrong in wrongs]:
            raise Problem(f"{assignment.wrong_path.name}: no {name}")
    return assignment, [wrong for wrong in wrongs
                        if not options.submissions
                        or wrong.name in options.submissions]


def record(options: argparse.Namespace) -> int:
    assignment, wrongs = chosen_wrongs(options)
    kit = prepare()
    known = assignment.fails()
    if options.new:
        wrongs = [wrong for wrong in wrongs if wrong.name not in known]
    with tempfile.TemporaryDirectory() as folder, \
            ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {wrong.name: pool.submit(fails_of, kit, assignment, wrong,
                                        Path(folder))
                for wrong in wrongs}
        for name, run in runs.items():
            known[name] = run.result()
            print(f"{name} fails {', '.join(known[name]) or 'nothing'}",
                  flush=True)
            # At once: all of them may take an hour.
            write_fails(assignment.fails_path, {
                wrong.name: known[wrong.name] for wrong in assignment.wrongs()
                if wrong.name in known})
    return 0


def fails_of(kit: Kit, assignment: Assignment, wrong: Wrong,
             folder: Path) -> Fails:
    """Of all ideas, built as one program if they compile."""
    code = write_wrong(assignment, wrong, folder)
    tests = assignment.tests()
    program = code / "build" / "all"
    together = not build_ideas(kit, list(tests.values()), code, program)
    outcomes = {idea: run_idea(program, only=idea) if together
                else grade(kit, path, code, code / "build" / idea)
                for idea, path in tests.items()}
    return {idea: None if one.status == "compile"
            else [case.name for case in one.failed]
            for idea, one in outcomes.items() if one.status != "passed"}


def write_wrong(assignment: Assignment, wrong: Wrong, folder: Path) -> Path:
    """Where the submission is now."""
    code = folder / wrong.name
    write_files(apply_edits(wrong.edits, assignment.solution()), code)
    write_files({STUB: read_lines(ROOT / HOMEWORK / STUB)}, code)
    return code


def grade_wrong(kit: Kit, assignment: Assignment, wrong: Wrong,
                folder: Path) -> Outcome:
    """How the idea that it names sees the submission."""
    code = write_wrong(assignment, wrong, folder)
    tests = assignment.tests()
    if wrong.idea not in tests:
        raise Problem(f"{wrong.where}: there is no idea {wrong.idea}")
    return grade(kit, tests[wrong.idea], code, code / "build" / wrong.idea)


def is_caught(outcome: Outcome) -> bool:
    """Something that is expected is not so; that it never ends is not
    enough."""
    return outcome.status in ("failed", "crash") or (
        outcome.status == "hang" and any(
            not fault.text.startswith("it crashed")
            for case in outcome.cases for fault in case.faults))


def verdict(outcome: Outcome) -> str:
    """In one line, for authors; all errors if it does not compile."""
    if outcome.status == "compile":
        return "does not compile:\n" + outcome.errors
    if outcome.status == "passed":
        return "passed"
    for case in outcome.failed[:1]:
        fault = case.faults[0].text if case.faults else outcome.reason
        return f"{outcome.status} in {case.name!r}: {fault}"
    return f"{outcome.status}: {outcome.reason}"
