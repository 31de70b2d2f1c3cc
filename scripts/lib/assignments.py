"""What scripts/homework reads: assignments, hints, known-wrong submissions.

Three kinds of assignment, all of which `start`, `check`, `hint` ... know:

NN          a stage. tests/homework/NN_name.md is its text,
            stages/NN_name/tests/ its tests, the stage its solution.
NN-hard     the same where NN has easier exercises of its own (01).
NAME        a folder: tests/homework/open/NAME/ (open-ended), or
            tests/homework/NN_name/ (the exercises of NN). In it
              README.md      the text, in the format below
              tests/IDEA.cpp one doctest file for each idea
              start/         optional: files put over those of its stage
              start.edits    optional: what to change of them
              solution/, solution.edits  the same, put over that: it passes
              wrong          known-wrong submissions, applied to the solution

The text:

    # Title
    stage: NN                       (folders only: whose code one starts with)

    A paragraph or more: what to build, in which files, what to read first.

    ## IDEA
    What it means when this idea's tests fail, and one next step.

    ### Hint 1
    ### Hint 2
    ### Beats
    `a piece of code`               (a stage's: hint 3 is the chapter's beats
                                     whose '+' lines contain one of these)
    ### Hint 3                      (instead of Beats; the rule for folders)

Headings in fenced blocks are none. Ideas come in the order in which one would
build them; every tests/IDEA.cpp has a section. A line --- before a section
means that one can stop there: what comes before is a whole.

Known-wrong submissions, NN_name.wrong or NAME/wrong:

    # A comment.
    == name_of_it
    idea: IDEA
    why: One sentence: the misconception.
    file: event_loop.hpp
    <<<<
    lines that are there exactly once
    ----
    lines that take their place
    >>>>

More `file:` and <<<< ---- >>>> may follow; without `file:`, the last one's.
A .edits file has only `file:` and <<<< ---- >>>>.

What each of them fails, NN_name.fails or NAME/fails: written by
`scripts/homework record`, never by hand. From it `check` knows a misconception
by the test cases that fail.

    == name_of_it
    IDEA
      the name of a test case that fails
    IDEA: does not compile
"""
from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path

from .book import Beat, find_run, nearest_miss, read_book
from .differences import counted_lines
from .markdown import in_blocks
from .skeletons import Header, Part, read_exceptions, skeleton, spoken
from .stages import (
    Stage, find_stages, read_lines, read_text, stage_before, write_text)
from .terminal import Problem

HOMEWORK = Path("tests", "homework")
HARD = "-hard"


# --- the text --------------------------------------------------------------

@dataclass
class Section:
    """What is said about one idea."""
    idea: str
    where: str
    meaning: str = ""
    hints: dict[int, str] = field(default_factory=dict)
    beats: list[str] = field(default_factory=list)
    stop: bool = False          # after it one can stop


@dataclass
class Text:
    path: Path
    title: str = ""
    stage: str = ""
    intro: str = ""
    sections: dict[str, Section] = field(default_factory=dict)


_HEADING = re.compile(r"(#{1,3}) +(.*?)\s*$")


def read_homework_text(path: Path) -> Text:
    text = Text(path)
    section = None
    put = None                  # takes the paragraphs that come next
    body: list[str] = []
    lines = read_lines(path)

    def flush() -> None:
        if put:
            put("\n".join(body).strip("\n"))
        body.clear()

    for number, (line, fenced) in enumerate(zip(lines, in_blocks(lines)), 1):
        where = f"{path.name}:{number}"
        if line.rstrip() == "---" and section and not fenced:
            section.stop = True
            continue
        heading = None if fenced else _HEADING.match(line)
        if not heading:
            body.append(line)
            continue
        flush()
        depth, name = len(heading[1]), heading[2].strip("`")
        if depth == 1:
            text.title = name
            put = _intro_of(text)
        elif depth == 2:
            if name in text.sections:
                raise Problem(f"{where}: a second section {name}")
            section = text.sections[name] = Section(name, where)
            put = _meaning_of(section)
        elif section is None:
            raise Problem(f"{where}: {name} comes before any idea")
        elif name == "Beats":
            put = _beats_of(section)
        elif hint := re.fullmatch(r"Hint ([123])", name):
            put = _hint_of(section, int(hint[1]))
        else:
            raise Problem(f"{where}: a heading of the third level is Hint 1,"
                          f" Hint 2, Hint 3 or Beats, not {name}")
    flush()
    if not text.title:
        raise Problem(f"{path.name}:1: it begins with its title: # ...")
    return text


def _intro_of(text: Text):
    def put(body: str) -> None:
        rest = []
        for line in body.split("\n"):
            head = re.match(r"stage: *(\S+)\s*$", line)
            if head and not text.stage:
                text.stage = head[1]
            else:
                rest.append(line)
        text.intro = "\n".join(rest).strip("\n")
    return put


def _meaning_of(section: Section):
    def put(body: str) -> None:
        section.meaning = body
    return put


def _hint_of(section: Section, level: int):
    def put(body: str) -> None:
        section.hints[level] = body
    return put


def _beats_of(section: Section):
    def put(body: str) -> None:
        for line in body.split("\n"):
            if line.strip():
                piece = re.fullmatch(r"\s*(?:[-*] +)?(`+) ?(.+?) ?\1\s*", line)
                if not piece:
                    raise Problem(f"{section.where}: {section.idea}: a line of"
                                  f" Beats is `a piece of code`, not: {line}")
                section.beats.append(piece[2])
    return put


# --- known-wrong submissions -----------------------------------------------

@dataclass
class Edit:
    file: str
    old: list[str]
    new: list[str]
    where: str


@dataclass
class Wrong:
    name: str
    where: str
    idea: str = ""
    why: str = ""
    edits: list[Edit] = field(default_factory=list)


def read_edits(path: Path) -> list[Edit]:
    """A .edits file; none if there is none."""
    edits: list[Edit] = []
    if not path.is_file():
        return edits
    lines = iter(enumerate(read_lines(path), start=1))
    file = ""
    for number, line in lines:
        where = f"{path.name}:{number}"
        if line.rstrip() == "<<<<":
            edits.append(_read_edit(lines, file, where))
        elif key := re.match(r"file: *(\S+)\s*$", line):
            file = key[1]
        elif line.strip() and not line.startswith("#"):
            raise Problem(f"{where}: not understood: {line}")
    for edit in edits:
        _check_edit(edit)
    return edits


def read_wrong(path: Path) -> list[Wrong]:
    found: list[Wrong] = []
    lines = iter(enumerate(read_lines(path), start=1))
    file = ""
    last = ""                   # the key that a line without one continues
    for number, line in lines:
        where = f"{path.name}:{number}"
        if line.startswith("#") or not line.strip():
            last = ""
            continue
        if head := re.match(r"== *(\S+)\s*$", line):
            found.append(Wrong(head[1], where))
            file = last = ""
            continue
        if not found:
            raise Problem(f"{where}: a submission begins with == name_of_it")
        wrong = found[-1]
        if line.rstrip() == "<<<<":
            wrong.edits.append(_read_edit(lines, file, where))
            last = ""
        elif key := re.match(r"(idea|why|file): *(.*?)\s*$", line):
            last = key[1]
            if last == "file":
                file = key[2]
            else:
                setattr(wrong, last, key[2])
        elif last == "why":
            wrong.why += " " + line.strip()
        else:
            raise Problem(f"{where}: not understood: {line}")
    for wrong in found:
        _check_wrong(wrong, [other.name for other in found])
    return found


Fails = dict[str, list[str] | None]     # test cases by idea; None: no program
NO_PROGRAM = ": does not compile"


def read_fails(path: Path) -> dict[str, Fails]:
    """By submission; none if there is no such file."""
    found: dict[str, Fails] = {}
    fails: Fails = {}
    cases: list[str] = []
    for number, line in enumerate(
            read_lines(path) if path.is_file() else [], start=1):
        if head := re.match(r"== (\S+)$", line):
            fails = found[head[1]] = {}
        elif line.startswith("  "):
            cases.append(line[2:])
        elif line.endswith(NO_PROGRAM):
            fails[line[:-len(NO_PROGRAM)]] = None
        elif re.fullmatch(r"\w+", line):
            cases = fails[line] = []
        elif line and not line.startswith("#"):
            raise Problem(f"{path.name}:{number}: not understood: {line}")
    return found


def write_fails(path: Path, fails: dict[str, Fails]) -> None:
    lines = ["# Which test cases each known-wrong submission fails: written by",
             "# scripts/homework record."]
    for name, ideas in fails.items():
        lines += ["", f"== {name}"]
        for idea, cases in ideas.items():
            lines += ([idea + NO_PROGRAM] if cases is None
                      else [idea, *(f"  {case}" for case in cases)])
    write_text(path, "".join(line + "\n" for line in lines))


def _read_edit(lines, file: str, where: str) -> Edit:
    edit = Edit(file, [], [], where)
    side = edit.old
    for _, line in lines:
        if line.rstrip() == ">>>>" and side is edit.new:
            return edit
        if line.rstrip() == "----" and side is edit.old:
            side = edit.new
        else:
            side.append(line)
    raise Problem(f"{where}: the edit has no ---- or no >>>>")


def _check_wrong(wrong: Wrong, names: list[str]) -> None:
    for key in ("idea", "why", "edits"):
        if not getattr(wrong, key):
            raise Problem(f"{wrong.where}: {wrong.name} has no {key}")
    if names.count(wrong.name) > 1:
        raise Problem(f"{wrong.where}: a second submission {wrong.name}")
    for edit in wrong.edits:
        _check_edit(edit)


def _check_edit(edit: Edit) -> None:
    if not edit.file:
        raise Problem(f"{edit.where}: no file: says where this is")
    if not edit.old:
        raise Problem(f"{edit.where}: nothing to replace")


Files = dict[str, list[str]]    # lines by name


def apply_edits(edits: list[Edit], files: Files) -> Files:
    """All files, with the edits made."""
    files = dict(files)
    for edit in edits:
        if edit.file not in files:
            raise Problem(f"{edit.where}: there is no {edit.file}")
        lines = files[edit.file]
        places = find_run(lines, edit.old)
        if len(places) != 1:
            why = (f"is there {len(places)} times" if places
                   else f"is not there ({nearest_miss(lines, edit.old)})")
            raise Problem(f"{edit.where}: the text to replace in {edit.file}"
                          f" {why}")
        start = places[0]
        files[edit.file] = (lines[:start] + edit.new
                            + lines[start + len(edit.old):])
    return files


# --- assignments -----------------------------------------------------------

@dataclass
class Assignment:
    """Something that one can start."""
    root: Path
    name: str                   # 04, 01-hard, nursery
    stage: Stage                # a folder's: whose code one starts with
    before: Stage | None        # None: nothing comes before, or a folder's
    folder: Path | None         # tests/homework/..., None for a stage

    @property
    def text_path(self) -> Path:
        if self.folder:
            return self.folder / "README.md"
        return self.root / HOMEWORK / f"{self.stage.name}.md"

    @property
    def wrong_path(self) -> Path:
        if self.folder:
            return self.folder / "wrong"
        return self.root / HOMEWORK / f"{self.stage.name}.wrong"

    @property
    def label(self) -> str:
        """For messages: `stage 04`, `nursery`."""
        return self.name if self.folder else f"stage {self.stage.number}"

    def text(self) -> Text:
        """What is there of it: without a file, titles and nothing else."""
        if self.text_path.is_file():
            return read_homework_text(self.text_path)
        return Text(self.text_path, title=self.stage.name)

    def wrongs(self) -> list[Wrong]:
        return (read_wrong(self.wrong_path) if self.wrong_path.is_file()
                else [])

    @property
    def fails_path(self) -> Path:
        return self.wrong_path.with_name(
            self.wrong_path.name.replace("wrong", "fails"))

    def fails(self) -> dict[str, Fails]:
        """What each known-wrong submission fails."""
        return read_fails(self.fails_path)

    def tests(self) -> dict[str, Path]:
        """By idea, in the order of the text."""
        folder = self.folder or self.stage.folder
        found = {path.stem: path
                 for path in sorted(folder.glob("tests/*.cpp"))}
        order = [idea for idea in self.text().sections if idea in found]
        return {idea: found[idea]
                for idea in order + [i for i in found if i not in order]}

    def groups(self) -> list[list[str]]:
        """The ideas; after each group one can stop."""
        sections = self.text().sections
        groups: list[list[str]] = [[]]
        for idea in self.tests():
            groups[-1].append(idea)
            if idea in sections and sections[idea].stop:
                groups.append([])
        return [group for group in groups if group]

    def start(self, blank: bool = False) -> Files:
        """The headers that one starts with."""
        if self.folder:
            return overlaid(read_headers(self.stage.folder), self.folder,
                            "start")
        if blank:
            return read_headers(self.before.folder) if self.before else {}
        return skeleton(self.stage, self.before, read_exceptions(self.root))

    def solution(self) -> Files:
        """The headers that pass."""
        if self.folder:
            return overlaid(self.start(), self.folder, "solution")
        return read_headers(self.stage.folder)

    def work(self) -> Path:
        """Where somebody solves it."""
        return self.root / "homework" / self.name

    def heading(self) -> str:
        """What it is about, for a list."""
        if self.folder:
            return self.text().title
        return chapter_title(self.root, self.stage)

    def earlier_tests(self) -> dict[Stage, list[Path]]:
        """Those of the stages before that see a header this one changes."""
        if self.folder or not self.before:
            return {}
        old = read_headers(self.before.folder)
        new = read_headers(self.stage.folder)
        found = {stage: [path for path in sorted(stage.folder.glob(
                     "tests/*.cpp")) if sees_change(path, old, new)]
                 for stage in find_stages(self.root)
                 if stage.number < self.stage.number}
        return {stage: paths for stage, paths in found.items() if paths}

    @functools.cached_property
    def beats(self) -> list[Beat]:
        """The chapter's, none for a folder."""
        return ([] if self.folder
                else read_book(self.root).beats(self.stage.name))

    @functools.cached_property
    def owners(self) -> dict[str, str]:
        """The first idea whose beats define it, by function or class."""
        heads: dict[tuple[str, str], list[str]] = {}
        for name, header in self.solved.items():
            for part in header.root.walk():
                if part.kind in ("function", "class"):
                    heads.setdefault((name, head_line(header, part)),
                                     []).append(spoken(part.name))
        found: dict[str, str] = {}
        for section in self.text().sections.values():
            for beat in matching_beats(self.beats, section.beats):
                for line in beat.texts("+"):
                    for function in heads.get((beat.file, line), []):
                        found.setdefault(function, section.idea)
        return found

    def owner(self, name: str) -> str:
        """The idea that says how to write it, if one does; without the class,
        the first that has one of that name."""
        if name in self.owners or "::" in name:
            return self.owners.get(name, "")
        return next((idea for function, idea in self.owners.items()
                     if function.endswith(f"::{name}")), "")

    def lines_to_write(self, function: str) -> int:
        """How many lines the solution's bodies have where stubs stand."""
        return sum(len(counted_lines(header.body(part)))
                   for name, header in self.solved.items()
                   for stub, part in zip(
                       self.begun[name].named(function),
                       header.named(function))
                   if "not_there_yet(" in self.begun[name].body(stub))

    @functools.cached_property
    def begun(self) -> dict[str, Header]:
        """What start() gives, read; an empty one for each that comes new."""
        return {**{name: Header("") for name in self.solved},
                **parsed(self.start())}

    @functools.cached_property
    def solved(self) -> dict[str, Header]:
        return parsed(self.solution())


def parsed(files: Files) -> dict[str, Header]:
    return {name: Header("".join(line + "\n" for line in lines))
            for name, lines in files.items()}


def head_line(header: Header, part: Part) -> str:
    """The line of the declaration that has the name."""
    lines = header.text[header.text.rfind("\n", 0, part.start) + 1
                        :part.body].split("\n")
    last = re.escape(spoken(part.name).rpartition("::")[2])
    return next((line for line in lines
                 if re.search(rf"(?<!\w){last}(?!\w)", line)), lines[0])


def chapter_title(root: Path, stage: Stage) -> str:
    """As in the book: A heap of deadlines."""
    page = read_book(root).chapters.get(stage.name)
    return page.title.partition(":")[2].strip() if page else ""


def sees_change(test: Path, old: Files, new: Files) -> bool:
    """Whether a header that it includes, or that includes, is another."""
    todo = includes_in(read_lines(test))
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in new and name not in seen:
            seen.add(name)
            if old.get(name) != new[name]:
                return True
            todo |= includes_in(new[name])
    return False


def includes_in(lines: list[str]) -> set[str]:
    return {line.split('"')[1] for line in lines
            if line.startswith('#include "')}


def read_headers(folder: Path) -> Files:
    return {path.name: read_lines(path)
            for path in sorted(folder.glob("*.hpp"))}


def overlaid(files: Files, folder: Path, name: str) -> Files:
    """With the files of folder/name/ and the edits of folder/name.edits."""
    return apply_edits(read_edits(folder / f"{name}.edits"),
                       {**files, **read_headers(folder / name)})


def write_files(files: Files, folder: Path) -> None:
    for name, lines in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / name, "".join(line + "\n" for line in lines))


def find_assignments(root: Path) -> dict[str, Assignment]:
    """By name: the stages, then the open-ended."""
    stages = find_stages(root)
    found: dict[str, Assignment] = {}
    for stage in stages:
        exercises = root / HOMEWORK / stage.name
        name = stage.number
        if exercises.is_dir():
            found[name] = Assignment(root, name, stage, None, exercises)
            name += HARD
        found[name] = Assignment(
            root, name, stage, stage_before(stages, stage), None)
    for readme in sorted(root.glob(f"{HOMEWORK}/open/*/README.md")):
        folder = readme.parent
        number = read_homework_text(readme).stage
        stage = next((stage for stage in stages if stage.number == number),
                     None)
        if stage is None:
            raise Problem(f"{readme}: `stage: NN` names no stage")
        found[folder.name] = Assignment(root, folder.name, stage, None, folder)
    return found


def pick_assignment(found: dict[str, Assignment], text: str) -> Assignment:
    """The one that 4, 04, 04_sleep, 1-hard or nursery names."""
    number, _, rest = text.partition("-")
    if number.isdigit():
        text = f"{int(number):02}" + ("-" + rest if rest else "")
    for assignment in found.values():
        if text in (assignment.name, assignment.stage.name) and not (
                text == assignment.stage.name and assignment.folder
                and assignment.folder.name != text):
            return assignment
    raise Problem(f"no homework {text} (there are: {', '.join(found)})")


# --- what must hold --------------------------------------------------------

def lint(assignment: Assignment) -> list[str]:
    """What is wrong with its text, its wrong submissions, and what one starts
    with."""
    try:
        assignment.start()
        return [*lint_text(assignment), *lint_wrong(assignment),
                *lint_fails(assignment)]
    except Problem as problem:
        return [str(problem)]


def lint_text(assignment: Assignment) -> list[str]:
    if not assignment.text_path.is_file():
        return [f"{assignment.text_path.name}: there is no such file"]
    faults = []
    text = assignment.text()
    name = text.path.name
    tests = assignment.tests()
    if not text.intro:
        faults.append(f"{name}: nothing is said before the first idea")
    for idea in tests:
        if idea not in text.sections:
            faults.append(f"{name}: no section for the idea {idea}")
    for section in text.sections.values():
        faults += [f"{section.where}: {section.idea}: {fault}"
                   for fault in lint_section(section, tests, assignment)]
    return faults


def lint_section(section: Section, tests: dict[str, Path],
                 assignment: Assignment) -> list[str]:
    faults = []
    if section.idea not in tests:
        faults.append(f"there is no tests/{section.idea}.cpp")
    if not section.meaning:
        faults.append("does not say what it means")
    faults += [f"no Hint {level}" for level in (1, 2)
               if not section.hints.get(level)]
    if not section.beats and not section.hints.get(3):
        faults.append("neither Beats nor Hint 3")
    for piece in section.beats:
        if piece.startswith("//"):
            faults.append(f"the book shows no comments: `{piece}`")
        elif not matching_beats(assignment.beats, [piece]):
            faults.append(f"no beat adds `{piece}`")
    return faults


def matching_beats(beats: list[Beat], pieces: list[str]) -> list[Beat]:
    """Those that add a line with one of the pieces."""
    return [beat for beat in beats
            if any(piece in line
                   for piece in pieces for line in beat.texts("+"))]


def lint_wrong(assignment: Assignment) -> list[str]:
    """Anchors, ideas and number of the wrong submissions."""
    faults = []
    name = assignment.wrong_path.name
    wrongs = assignment.wrongs()
    files = assignment.solution()
    tests = assignment.tests()
    if len(wrongs) < 5:
        faults.append(f"{name}: {len(wrongs)} wrong submissions, not 5")
    for wrong in wrongs:
        if wrong.idea not in tests:
            faults.append(f"{wrong.where}: {wrong.name}: there is no idea"
                          f" {wrong.idea}")
        try:
            apply_edits(wrong.edits, files)
        except Problem as problem:
            faults.append(f"{wrong.name}: {problem}")
    return faults


def lint_fails(assignment: Assignment) -> list[str]:
    """Whether the record is about these submissions and test cases."""
    fails = assignment.fails()
    name = assignment.fails_path.name
    if not fails:
        return []
    wrongs = {wrong.name: wrong for wrong in assignment.wrongs()}
    faults = [f"{name}: {wrong} is not recorded: scripts/homework record"
              f" {assignment.name} {wrong}" for wrong in wrongs
              if wrong not in fails]
    faults += [f"{name}: there is no submission {wrong}" for wrong in fails
               if wrong not in wrongs]
    known = {idea: cases_in(path) for idea, path in assignment.tests().items()}
    for wrong, ideas in fails.items():
        if wrong in wrongs and not ideas.get(wrongs[wrong].idea):
            faults.append(f"{name}: {wrong} fails no test case of"
                          f" {wrongs[wrong].idea}")
        faults += [f"{name}: {wrong}: {idea} has no test case {case!r}"
                   for idea, cases in ideas.items() for case in cases or []
                   if case not in known.get(idea, ())]
    return faults


def cases_in(path: Path) -> set[str]:
    """The names of the test cases, and of those that a header beside them
    has."""
    text = "".join(read_text(one) for one in [
        path, *sorted(path.parent.glob("*.hpp"))])
    return {"".join(re.findall(r'"((?:\\.|[^"\\])*)"', names)).replace(
                '\\"', '"')
            for names in re.findall(
                r'\bTEST_CASE\w*\(\s*(?:\w+,\s*)?((?:"(?:\\.|[^"\\])*"\s*)+)',
                text)}
