"""Grades the ideas of somebody's homework, and tells how it went."""
from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .assignments import Assignment, Wrong, parsed, read_headers
from .differences import essence
from .grader import (
    SECONDS, Case, Complaint, Fault, Kit, Outcome, brief, build_ideas, grade,
    run_idea, shorten)
from .markdown import in_blocks
from .skeletons import Header, spoken
from .stages import Stage, split_lines, write_text
from .terminal import Paint, Problem, plural

WIDTH = 79
BLOCKS = 3                      # so many failed ideas are told in full


# --- progress --------------------------------------------------------------

class Progress:
    """homework/.progress.json: what was begun, which ideas passed when they
    were checked last, how many hints were given."""

    def __init__(self, root: Path) -> None:
        self.path = root / "homework" / ".progress.json"
        try:
            self.data = json.loads(self.path.read_text(encoding="utf-8"))
            self.data["work"].items()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.data = {"last": "", "work": {}}

    def of(self, assignment: Assignment) -> dict:
        work = self.data["work"].setdefault(assignment.name, {})
        for key in ("ideas", "hints"):
            work.setdefault(key, {})
        return work

    def passed(self, assignment: Assignment) -> list[str]:
        ideas = self.of(assignment)["ideas"]
        return [idea for idea in assignment.tests()
                if ideas.get(idea) == "passed"]

    def save(self, assignment: Assignment | None = None) -> None:
        if assignment:
            self.data["last"] = assignment.name
        self.path.parent.mkdir(exist_ok=True)
        making = self.path.with_suffix(".new")
        write_text(making, json.dumps(self.data, indent=1) + "\n")
        making.replace(self.path)


# --- texts -----------------------------------------------------------------

def shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root))


def wrapped(text: str, indent: str = "", width: int = WIDTH) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=indent,
                         break_long_words=False, break_on_hyphens=False)


def filled(text: str, indent: str = "") -> str:
    """Paragraphs filled; lists and blocks of code as they are."""
    out = []
    fenced = iter(in_blocks(text.split("\n")))
    for paragraph in text.split("\n\n"):
        code = [next(fenced) for _ in paragraph.split("\n")]
        next(fenced, None)      # the empty line after it
        if not any(code) and not re.search(
                r"^(?: |[-*|>] |\d+\. )", paragraph, re.M):
            out.append(textwrap.fill(
                " ".join(paragraph.split()), WIDTH, initial_indent=indent,
                subsequent_indent=indent, break_long_words=False,
                break_on_hyphens=False))
        else:
            out.append(textwrap.indent(paragraph, indent))
    return "\n\n".join(out)


# --- check -----------------------------------------------------------------

STATUS = {"passed": ("green", "passed"), "failed": ("red", "failed"),
          "crash": ("red", "crashes"), "hang": ("red", "hangs"),
          "compile": ("red", "not compiling"),
          "missing": ("blue", "not there yet")}


class Checker:
    """Grades ideas of somebody's homework and tells how it went."""

    def __init__(self, assignment: Assignment, kit: Kit,
                 paint: Paint) -> None:
        self.assignment = assignment
        self.kit = kit
        self.paint = paint
        self.code = assignment.work()
        self.build = assignment.root / "build" / "homework" / assignment.name
        self.text = assignment.text()
        own = {path.stem: path for path in self.code.glob("tests/*.cpp")}
        self.tests = {idea: own.get(idea, path)
                      for idea, path in assignment.tests().items()}
        self.passed = set(Progress(assignment.root).passed(assignment))

    def grade(self, idea: str) -> Outcome:
        outcome = grade(self.kit, self.tests[idea], self.code,
                        self.build / idea, announce=True)
        if outcome.status == "compile":
            complaints = self.complaints(outcome)
            missing = [one.missing for one in complaints]
            if all(one.of_tests for one in complaints) and all(missing):
                outcome.status = "missing"
                outcome.missing = list(dict.fromkeys(missing))
        return outcome

    def complaints(self, outcome: Outcome) -> list[Complaint]:
        return shorten(outcome.errors, self.code, self.code / "tests")

    def check(self, ideas: list[str]) -> dict[str, Outcome]:
        """Grades them side by side; a line each, in their order."""
        print(f"{self.assignment.label}: {self.assignment.heading()}\n")
        outcomes: dict[str, Outcome] = {}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = {idea: pool.submit(self.grade, idea) for idea in ideas}
            for idea, run in runs.items():
                self.busy(f"  {idea} ...")
                outcomes[idea] = run.result()
                self.passed.discard(idea)
                if outcomes[idea].status == "passed":
                    self.passed.add(idea)
                self.busy("")
                print(self.line(idea, outcomes[idea]), flush=True)
        self.remember(outcomes)
        return outcomes

    def busy(self, text: str) -> None:
        """What goes on, on a terminal; the next text takes its place."""
        if sys.stdout.isatty():
            print(f"\r{self.paint('faint', text) if text else ''}\033[K",
                  end="", flush=True)

    def line(self, idea: str, outcome: Outcome) -> str:
        style, word = STATUS[outcome.status]
        width = max(map(len, self.tests))
        note = ""
        if outcome.status == "missing":
            own, later, earlier = self.whose(idea, outcome.missing)
            names = [*own, *(name for names in later.values()
                             for name in names)]
            note = listed(list(dict.fromkeys(
                name.rpartition("::")[2] for name in names)),
                WIDTH - 20 - width) if names else (
                    f"needs {list(earlier)[0]} first")
        elif outcome.status == "failed":
            failed = len(outcome.failed)
            passed = len(outcome.cases) - failed
            note = (f"{plural(failed, 'test case')} wrong"
                    + (f", {passed} right" if passed else ""))
        elif outcome.status == "hang":
            note = f"after {outcome.seconds:.0f} seconds it was ended"
        elif outcome.status == "crash":
            note = outcome.reason.partition(" - ")[2] or outcome.reason
        return (f"  {self.paint(style, f'{word:<13}')} {idea:<{width}}"
                f"  {note}").rstrip()

    def remember(self, outcomes: dict[str, Outcome]) -> None:
        progress = Progress(self.assignment.root)
        progress.of(self.assignment)["ideas"].update(
            {idea: outcome.status for idea, outcome in outcomes.items()})
        progress.save(self.assignment)

    # What it means.

    def details(self, outcomes: dict[str, Outcome], asked: bool) -> list[str]:
        """What went wrong, the first things in full; how to go on."""
        lines: list[str] = []
        broken = {idea: one for idea, one in outcomes.items()
                  if one.status == "compile"}
        if broken:
            lines += self.compiler_says(broken, outcomes)
        wrong = [idea for idea, one in outcomes.items()
                 if one.status in ("failed", "crash", "hang")]
        missing = [idea for idea, one in outcomes.items()
                   if one.status == "missing"]
        if asked:
            shown_wrong, shown_missing = wrong, missing
        else:
            shown_wrong, shown_missing = self.first_of(outcomes)
            shown_missing = [] if broken else shown_missing
        for idea in shown_wrong:
            lines += self.explained(idea, outcomes[idea])
        for idea in shown_missing:
            lines += self.to_write(idea, outcomes[idea])
        lines += self.known_mistake(outcomes)
        if not asked:
            passed = len(Progress(self.assignment.root).passed(
                self.assignment))
            more = len(wrong) - len(shown_wrong)
            lines += ["", f"{passed} of {plural(len(self.tests), 'idea')}"
                          " passed."
                          + (f" {more} more failed: name one to see why."
                             if more > 0 else "")]
        return lines

    def first_of(self, outcomes: dict[str, Outcome]
                 ) -> tuple[list[str], list[str]]:
        """What to look at first: ideas that went wrong, or the one to write.
        What comes after that one cannot be right yet."""
        wrong: list[str] = []
        for idea, one in outcomes.items():
            if one.status in ("failed", "crash", "hang"):
                wrong.append(idea)
            elif one.status == "missing":
                return wrong[:BLOCKS], [] if wrong else [idea]
        return wrong[:BLOCKS], []

    def known_mistake(self, outcomes: dict[str, Outcome]) -> list[str]:
        """What it looks like, if some known-wrong submissions fail exactly
        the same test cases."""
        found = [wrong.why for wrong in look_alikes(self.assignment, outcomes)]
        if not found or len(found) > BLOCKS:
            return []
        if len(found) == 1:
            return ["", *wrapped("This looks like a known mistake:"
                                 f" {found[0]}")]
        return ["", "This looks like one of these known mistakes:", *(
            line for why in found for line in wrapped(f"- {why}", "  "))]

    def compiler_says(self, broken: dict[str, Outcome],
                      outcomes: dict[str, Outcome]) -> list[str]:
        """Each error once, however many ideas it stops."""
        said: dict[Complaint, list[str]] = {}
        for idea, outcome in broken.items():
            for complaint in self.complaints(outcome):
                said.setdefault(complaint, []).append(idea)
        stopped = (f"all {len(broken)} ideas" if len(broken) > 1
                   and len(broken) == len(outcomes) else ", ".join(broken))
        lines = ["", *wrapped(f"It does not compile, which stops {stopped}:")]
        for complaint in list(said)[:3]:
            lines += ["", *self.complaint_lines(complaint)]
        if len(said) > 3:
            lines += ["", f"  and {plural(len(said) - 3, 'more error')};"
                          " the first is often the reason for the others"]
        return lines

    def complaint_lines(self, complaint: Complaint) -> list[str]:
        lines = []
        if complaint.file:
            path = f"{shown(self.code, self.assignment.root)}/{complaint.file}"
            lines.append("  " + self.paint("bold",
                                           f"{path}:{complaint.line}"))
        if complaint.source:
            lines.append(f"    {complaint.source}")
        return lines + [f"  {line}"
                        for line in wrapped(complaint.message, "  ")]

    def explained(self, idea: str, outcome: Outcome) -> list[str]:
        """A failed idea."""
        style, word = STATUS[outcome.status]
        lines = ["", f"{self.paint('bold', idea)} {self.paint(style, word)}:"]
        for case in outcome.failed[:2]:
            lines += self.case_lines(case, outcome)
        if len(outcome.failed) > 2:
            lines.append(f"  and {len(outcome.failed) - 2} more")
        if outcome.printed.strip():
            printed = outcome.printed.strip().splitlines()
            lines += ["", "  It printed:", *(
                f"    {textwrap.shorten(line, 200, placeholder=' ...')}"
                for line in printed[-5:])]
        return lines + self.meaning(idea)

    def case_lines(self, case: Case, outcome: Outcome) -> list[str]:
        name = case.name.partition(": ")[2] or case.name
        lines = ["", *(f"  {line}" for line in wrapped(f"\"{name}\"", "   "))]
        faults = [fault for fault in case.faults
                  if not fault.text.startswith("it crashed")]
        if outcome.status == "hang" and not case.ended:
            lines.append("  never came to its end")
        elif outcome.status == "crash" and (
                not case.ended or len(faults) < len(case.faults)):
            lines.append(f"  crashed: {outcome.reason}")
        for fault in faults[:2]:
            lines += self.fault_lines(fault)
        return lines

    def fault_lines(self, fault: Fault) -> list[str]:
        lines = []
        if fault.file:
            path = Path(fault.file)
            if path.is_relative_to(self.assignment.root):
                path = path.relative_to(self.assignment.root)
            lines.append(f"  {path}:{fault.line}")
        lines += [f"    {line}" for line in wrapped(fault.text, "    ")]
        if fault.seen:
            lines += [f"    {line}" for line in wrapped(
                f"is: {brief(fault.seen)}", "        ")]
        return lines

    def whose(self, idea: str, missing: list[str]) -> tuple[
            list[str], dict[str, list[str]], dict[str, list[str]]]:
        """Of what is missing: what belongs to this idea or to none, and by
        idea what belongs to later ones and to those that come first."""
        own: list[str] = []
        later: dict[str, list[str]] = {}
        earlier: dict[str, list[str]] = {}
        order = list(self.tests)
        for name in missing:
            owner = self.assignment.owner(name)
            if owner in ("", idea):
                own.append(name)
            elif owner in order[:order.index(idea)] and (
                    owner not in self.passed):
                earlier.setdefault(owner, []).append(name)
            else:
                later.setdefault(owner, []).append(name)
        return own, later, earlier

    def to_write(self, idea: str, outcome: Outcome) -> list[str]:
        """An idea whose functions are not there yet."""
        own, later, earlier = self.whose(idea, outcome.missing)
        first = next((one for one in self.tests if one not in self.passed), "")
        bold = self.paint("bold", idea)
        lines = ["", f"Next: {bold}" if idea == first
                 else f"{bold} is not there yet:"]
        if own:
            lines += wrapped(f"  Not there yet: {', '.join(own)}.", "  ")
        for other, names in later.items():
            size = sum(map(self.assignment.lines_to_write, names))
            length = f": {plural(size, 'line')}" if size else ""
            lines += wrapped(f"  Also calls {', '.join(names)} ({other}"
                             f"{length}): write that now.", "  ")
        for other, names in earlier.items():
            lines += wrapped(f"  Needs {other} first: {', '.join(names)}.",
                             "  ")
        return lines + self.meaning(idea)

    def meaning(self, idea: str) -> list[str]:
        lines = []
        section = self.text.sections.get(idea)
        if section and section.meaning:
            text = without_start(section.meaning, self.is_written)
            lines = ["", filled(text, "  ")] if text else []
        given = Progress(self.assignment.root).of(
            self.assignment)["hints"].get(idea, 0)
        left = "" if not given else f"   ({given} of 3 given)"
        return lines + ["", f"  A hint: scripts/homework hint {idea}{left}"]

    def is_written(self, name: str) -> bool | None:
        """Whether a function is there, and is not what one starts with; None
        if the solution changes none of that name."""
        start = named_so(self.assignment.begun, name)
        if not named_so(self.assignment.solved, name) - start:
            return None
        try:
            mine = named_so(parsed(read_headers(self.code)), name)
        except Problem:             # braces that do not match, for example
            return False
        return any("not_there_yet(" not in body for body in mine - start)

    # Earlier stages.

    def check_earlier(self) -> bool:
        """Runs the tests of earlier stages that this one may have broken."""
        good = True
        count = 0
        for stage, tests in self.assignment.earlier_tests().items():
            self.busy(f"  the ideas of stage {stage.number} ...")
            broken, errors = self.broken_of(stage, tests)
            self.busy("")
            count += len(tests)
            good &= not broken and not errors
            for idea, case in broken.items():
                print(f"\n{self.paint('red', 'broken')}:"
                      f" {idea} of stage {stage.number}")
                print("\n".join(self.case_lines(case, Outcome("failed"))))
            if errors:
                print(f"\n{self.paint('red', 'broken')}: the tests of stage"
                      f" {stage.number} do not compile any more:")
                for complaint in shorten(errors, self.code,
                                         stage.folder / "tests")[:2]:
                    print("\n".join(["", *self.complaint_lines(complaint)]))
        if good and count:
            print(f"\n{plural(count, 'earlier idea')} that could have been"
                  " broken still pass.")
        return good

    def broken_of(self, stage: Stage, tests: list[Path]
                  ) -> tuple[dict[str, Case], str]:
        program = self.build / f"earlier_{stage.number}"
        errors = build_ideas(self.kit, tests, self.code, program)
        if errors:
            return {}, errors
        outcome = run_idea(program, seconds=SECONDS * 6)
        return {Path(case.file).stem: case for case in outcome.failed}, ""

    def farewell(self) -> str:
        assignment = self.assignment
        lines = [f"\nAll of {assignment.label} works. How it is solved here:"
                 f" scripts/homework diff {assignment.name}"]
        others = self.otherwise()
        if others:
            lines += ["What the solution does otherwise:",
                      "\n".join(f"  {line}" for line in others)]
        return "\n\n".join(lines)

    def otherwise(self) -> list[str]:
        """By header: the functions that the solution writes in another way,
        those that only it has, and those that only the learner has."""
        try:
            mine = parsed(read_headers(self.code))
        except Problem:
            return []
        lines = []
        for name, theirs in self.assignment.solved.items():
            old, new = (bodies_of(header) for header in (
                mine.get(name, Header("")), theirs))
            for title, functions in (
                    ("otherwise", [one for one in new if one in old
                                   and old[one] != new[one]]),
                    ("only here", [one for one in new if one not in old]),
                    ("only yours", [one for one in old if one not in new])):
                if functions:
                    lines += wrapped(f"{name}, {title}: "
                                     + ", ".join(map(spoken, functions)),
                                     "    ", WIDTH - 2)
        return lines


def look_alikes(assignment: Assignment,
                outcomes: dict[str, Outcome]) -> list[Wrong]:
    """The known-wrong submissions that fail exactly the same test cases of
    these ideas. What ends at a stub says nothing."""
    seen: dict[str, tuple[set[str], set[str]]] = {}
    for idea, one in outcomes.items():
        if one.cases:
            stubbed = {case.name for case in one.failed if case.stubs}
            seen[idea] = ({case.name for case in one.failed} - stubbed,
                          stubbed)
    fails = assignment.fails()

    def is_like(wrong: Wrong) -> bool:
        known = fails.get(wrong.name, {})
        return bool(wrong.idea in seen and seen[wrong.idea][0]) and all(
            (cases := known.get(idea, [])) is not None
            and set(cases) - stubbed == failed
            for idea, (failed, stubbed) in seen.items())
    return [wrong for wrong in assignment.wrongs() if is_like(wrong)]


def bodies_of(header: Header) -> dict[str, list[str]]:
    """By function, without comments, layout and what is for a trace."""
    return {name: bodies for name, parts in header.functions().items()
            if (bodies := ["".join("".join(essence(split_lines(
                header.body(part)))).split()) for part in parts])
            and not name.rpartition("::")[2].startswith("trace_")}


def named_so(headers: dict[str, Header], name: str) -> set[str]:
    """The bodies of the functions: Driver::step, or step of any class. A
    class's name alone is not its constructor's."""
    return {header.body(part) for header in headers.values()
            for function, parts in header.functions().items()
            if f"::{spoken(function)}".endswith(f"::{name}")
            and (function.split("::")[-2:] != [name, name])
            for part in parts}


_START = re.compile(r"\bStart\b.*?\.(?=\s+[(A-Z`]|\s*$)", re.S)
_NAMED = re.compile(r"(?:(con|de)structor\s+of\s+)?"
                    r"`([\w:]+)(?:<\w+>)?(?:\(.*?\))?`")


def without_start(text: str, is_written) -> str:
    """Without the sentence that says what to start with, if that is there
    already: if it names functions, and all of them are written."""
    def shown(sentence: re.Match) -> str:
        known = [written for name in functions_in(sentence[0])
                 if (written := is_written(name)) is not None]
        return "" if known and all(known) else sentence[0]
    return _START.sub(shown, text, 1).strip()


def functions_in(sentence: str) -> list[str]:
    """What it has in backticks; a class only with its con- or destructor."""
    sign = {"con": "::", "de": "::~"}
    return [f"{name}{sign[kind]}{name}" if kind else name
            for kind, name in _NAMED.findall(sentence)]


def listed(names: list[str], width: int) -> str:
    """As many as fit."""
    text = ", ".join(names)
    while len(text) > width and len(names) > 1:
        names = names[:-1]
        text = ", ".join(names) + ", ..."
    return text
