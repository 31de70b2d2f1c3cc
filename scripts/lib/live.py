"""Types a chapter in front of an audience, beat by beat.

`live 04` starts (or goes on with) a work folder that begins as stage 03 and
becomes stage 04: open its files in an editor, this in a second terminal.
`live 04 VERB` does one thing and ends. What was typed is never lost: whatever
would overwrite it puts it into a side folder first, and says where. White
space and comments are compared with nothing: type them as you like.
"""
from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import textwrap
import time
from concurrent.futures import Future
from pathlib import Path

from .bare import Files, places
from .book import Beat, Book, find_run, read_book
from .chapter import Chapter, Run, programs_of
from .compiler import Compiler, Object, first_errors, made_by
from .demos import Entry, entries, sources_for, wanted_entry
from .stages import (
    Stage, find_stages, is_lesson, pick_stage, read_lines, read_text,
    write_text)
from .terminal import Paint, Problem, new_parser, plural, root_of, use_colour
from .typed import (
    Place, Token, changes_of, missing_signs, own_notes, places_of_change,
    same_text, tokens, touch)

NOTE_LINES = 14
SHOWN = 3                       # differences of a file
OUTPUT_LINES = 10               # of what a run prints
VERBS = {
    "show": "the next beat, or beat K: `show [K]`",
    "next": "apply the next beat, or move on if it is typed already",
    "check": "compare what is typed with the next beat",
    "run": "build and run what there is to see, or `run DEMO`,"
           " `run serve echo`",
    "back": "take the last beat back, and what is typed after it",
    "goto": "the state after beat K: `goto K`, `goto last`",
    "rescue": "keep what is typed aside, put it in as it should be",
    "status": "where we are, and what is kept aside",
    "note": "all that the book says before the next beat",
    "build": "as `run`, without running it",
    "demos": "the programs that `run` knows, and which of them build now",
    "restart": "from the beginning, with the demos as they were",
}
INTERACTIVE = {
    "help": "this",
    "quit": "leave; `live NN` goes on from here",
}


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    root = root_of(options)
    stages = find_stages(root)
    book = read_book(root)
    if options.stage is None:
        list_chapters(root, book, stages)
        return 0
    session = Session(root, Chapter(book, stages,
                                    pick_stage(stages, options.stage)))
    if options.verb:
        session.open()
        return perform(session, options.verb, options.words)
    return interact(session)


def parse(arguments: list[str]) -> argparse.Namespace:
    verbs = "\n".join(f"  {name:8} {text}" for name, text in VERBS.items())
    parser = new_parser(
        __doc__,
        epilog=f"verbs:\n{verbs}\n\nWithout a verb it asks for one, again and"
               " again; without a chapter it lists them.")
    parser.add_argument("stage", nargs="?", metavar="NN",
                        help="the chapter to type: 4, 04 or 04_sleep")
    parser.add_argument("verb", nargs="?", metavar="VERB", help="see below")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="...",
                        help="what the verb needs")
    options = parser.parse_args(arguments)
    if options.verb and options.verb not in VERBS:
        parser.error(f"there is no verb {options.verb};"
                     f" there are: {', '.join(VERBS)}")
    return options


def list_chapters(root: Path, book: Book, stages: list[Stage]) -> None:
    for stage in stages:
        chapter = Chapter(book, stages, stage)
        session = Session(root, chapter)
        begun = ""
        if session.exists():
            session.load()
            begun = f"  {progress(session)}"
        print(f"  {stage.name:17} {plural(chapter.last, 'beat'):>9}{begun}")
    print("\nscripts/live NN starts one, or goes on with it.")


# --- the session -----------------------------------------------------------

class Session:
    def __init__(self, root: Path, chapter: Chapter) -> None:
        self.root = root
        self.chapter = chapter
        self.folder = root / "build" / "live" / chapter.stage.number
        self.beat = 0           # the last one that is in
        self.paint = Paint(use_colour())
        self.compiler = Compiler(root)

    # --- on disk ---

    @property
    def state_file(self) -> Path:
        return self.folder / ".live.json"

    @property
    def demos(self) -> Path:
        return self.folder / "demos"

    @property
    def former_demos(self) -> Path | None:
        before = self.chapter.before
        return before.folder / "demos" if before else None

    def exists(self) -> bool:
        return self.state_file.is_file()

    def open(self) -> None:
        """Starts the work folder, or takes up what is there."""
        if self.exists():
            self.load()
            return
        self.set_aside_typed()      # files that are not ours
        self.put_demos()
        self.put(0)
        print(f"{self.at(self.folder)} holds"
              f" {self.before_name()} now: open it in your editor.")

    def load(self) -> None:
        try:
            kept = json.loads(read_text(self.state_file))
            self.beat = min(int(kept["beat"]), self.chapter.last)
        except (ValueError, KeyError, TypeError) as error:
            raise Problem(f"{self.state_file}: not understood ({error});"
                          " remove it to begin anew") from error

    def save(self) -> None:
        made = self.state_file.with_name(f".live.{os.getpid()}")
        made.write_text(json.dumps({"beat": self.beat}) + "\n")
        os.replace(made, self.state_file)

    def put_demos(self) -> None:
        """This stage's; those of the one before stay where they are."""
        shutil.rmtree(self.demos, ignore_errors=True)
        self.demos.mkdir(parents=True)
        for path in self.chapter.stage.folder.glob("demos/*.[hc]pp"):
            shutil.copyfile(path, self.demos / path.name)

    def changed_demos(self) -> list[Path]:
        """Files of demos/ that are not the stage's."""
        given = self.chapter.stage.folder / "demos"
        return [path for path in sorted(self.demos.glob("*.?pp"))
                if not (given / path.name).is_file()
                or read_text(path) != read_text(given / path.name)]

    # --- the files ---

    def work(self) -> Files:
        """What is in the work folder now, whoever wrote it."""
        return {path.name: read_lines(path)
                for path in sorted(self.folder.glob("*.[hc]pp"))
                if is_lesson(path.name) and path.is_file()}

    def put(self, number: int) -> None:
        """The files as they are after a beat. Whoever calls has looked for
        typed work before."""
        files = self.chapter.files(number)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in self.work().keys() - files.keys():
            (self.folder / name).unlink()
        for name, lines in files.items():
            text = "".join(line + "\n" for line in lines)
            path = self.folder / name
            if not path.is_file() or read_text(path) != text:
                made = path.with_name(f".{name}.{os.getpid()}")
                write_text(made, text)
                os.replace(made, path)
        self.beat = number
        self.save()

    def untouched(self) -> bool:
        return self.code() == self.chapter.code(self.beat)

    def code(self) -> Files:
        """The words and signs of the work."""
        return {name: [token for token, _ in tokens(lines)]
                for name, lines in self.work().items()}

    def typed_up_to(self) -> int | None:
        """The beat up to which everything is typed; None if it is not what
        any beat leads to."""
        code = self.code()
        return next((number for number in range(self.beat,
                                                self.chapter.last + 1)
                     if code == self.chapter.code(number)), None)

    def set_aside_typed(self) -> None:
        """Keeps the work in a side folder if it is no beat's state, or has
        comments of its own, and says where."""
        code = self.code()
        if code and (not any(code == self.chapter.code(number)
                             for number in range(self.chapter.last + 1))
                     or self.has_own_notes()):
            self.keep([self.folder / name for name in code])

    def has_own_notes(self) -> bool:
        """Whether there are comments that are not the book's."""
        known = {line.strip()
                 for files in (self.chapter.start, self.chapter.end)
                 for lines in files.values() for line in lines}
        return any(own_notes(lines, known) for lines in self.work().values())

    def keep(self, paths: list[Path]) -> None:
        places = (self.folder / "kept" / f"{number}"
                  for number in itertools.count(1))
        place = next(place for place in places if not place.exists())
        place.mkdir(parents=True)
        for path in paths:
            shutil.copyfile(path, place / path.name)
        print(f"What was typed is kept in {self.at(place)}.")

    def at(self, path: Path) -> str:
        """The path as one would type it here."""
        near = os.path.relpath(path)
        return str(path) if near.startswith("..") else near

    def before_name(self) -> str:
        before = self.chapter.before
        return f"stage {before.name}" if before else "no code at all"


# --- verbs -----------------------------------------------------------------

def perform(session: Session, verb: str, words: list[str]) -> int:
    verbs = {
        "show": show, "note": note, "next": next_, "check": check,
        "run": run_program, "build": build_program, "back": back,
        "goto": goto, "rescue": rescue, "status": status,
        "demos": demos, "restart": restart,
    }
    takes = {"show": 1, "goto": 1, "run": 99, "build": 99}
    if len(words) > takes.get(verb, 0):
        raise Problem(f"{verb}: {words[-1]} is too much")
    return verbs[verb](session, words) or 0


def number_in(session: Session, words: list[str], least: int) -> int:
    """The beat that the word names."""
    last = session.chapter.last
    word = words[0] if words else ""
    if word == "last":
        return last
    if not word.isdigit() or not least <= int(word) <= last:
        raise Problem(f"a beat is a number from {least} to {last}, or last"
                      f"{': ' + word if word else ''}")
    return int(word)


def show(session: Session, words: list[str]) -> None:
    chapter = session.chapter
    number = (number_in(session, words, 1) if words
              else session.beat + 1)
    if number > chapter.last:
        print(f"All {plural(chapter.last, 'beat')} are in:"
              f" this is {chapter.stage.name}.")
        return
    beat = chapter.beat(number)
    paint = session.paint
    print(paint("bold", headline(session, beat)))
    text = chapter.note(number, whole=False)
    print_note(session, text[:NOTE_LINES])
    if len(text) > NOTE_LINES:
        print(paint("faint", "[... `note` shows all of it]"))
    print()
    for kind, line in beat.ops:
        style = {"+": "green", "-": "red"}.get(kind)
        print(paint(style, kind + line) if style else " " + line)
    if run := chapter.run_after(number):
        print(paint("faint", f"\nThen {call_of(run)} has something to show."))


def headline(session: Session, beat: Beat) -> str:
    chapter = session.chapter
    how = [{"compiles": "compiles", "shows": "shows something new"}[tag]
            for tag in beat.tags]
    if "compiles" not in beat.tags:
        how.append("does not compile yet")
    return (f"beat {beat.number} of {chapter.last}: {beat.file},"
            f" {place_in_file(chapter, beat)}  ({', '.join(how)})")


def place_in_file(chapter: Chapter, beat: Beat) -> str:
    """Where the first change is, in the file with its comments. Empty lines
    do not count: of several the book has one."""
    lines = chapter.states[beat.number - 1].get(beat.file)
    if lines is None:
        return "a new file"
    lead = len(list(itertools.takewhile(lambda op: op[0] == " ", beat.ops)))
    place = find_run(lines, beat.texts(" ", "-"))[0] + lead
    before = sum(1 for line in lines[:place] if line)
    file = chapter.file(beat.number - 1, beat.file)
    filled = [number for number in places(file) if file[number]]
    if beat.ops[lead][0] == "-" and lines[place]:
        return f"line {filled[before] + 1}"
    return f"line {filled[before - 1] + 2 if before else 1}"


def print_note(session: Session, lines: list[str]) -> None:
    width = min(shutil.get_terminal_size().columns, 100)
    for line in paragraphs(lines):
        if line.startswith("#"):
            print(session.paint("bold", line.lstrip("# ")))
        elif len(line) > width and not line.startswith("|"):
            print(textwrap.fill(line, width, break_long_words=False,
                                break_on_hyphens=False))
        else:
            print(line)


def paragraphs(lines: list[str]) -> list[str]:
    """The book's lines are its own; a terminal's are as long as it is wide."""
    found: list[str] = []
    for line in lines:
        starts = re.match(r"$|[#|>]|[-*] |\d+\. ", line)
        if (starts or not found
                or not found[-1] or found[-1].startswith(("#", "|"))):
            found.append(line)
        else:
            found[-1] += " " + line.strip()
    return found


def note(session: Session, _: list[str]) -> None:
    number = session.beat + 1
    if number <= session.chapter.last:
        print_note(session, session.chapter.note(number))


def next_(session: Session, _: list[str]) -> int:
    chapter = session.chapter
    here = session.beat
    typed = session.typed_up_to()
    if typed is None:
        print_differences(session)
        print(advice(session))
        return 1
    if typed == here == chapter.last:
        show(session, [])
        return 0
    if session.has_own_notes():
        session.set_aside_typed()
    if typed > here:
        print(f"Typed as in the book: {beats_between(here, typed)}.")
    else:
        typed = here + 1
    arrive(session, typed)
    return 0


def arrive(session: Session, number: int) -> None:
    """Puts a beat in, with the comments and trace hooks that belong to it."""
    chapter = session.chapter
    here = session.beat
    session.put(number)
    print(f"In: {beats_between(here, number)}. {compiling(chapter, number)}")
    print_expected(session, here)
    print()
    show(session, [])


def compiling(chapter: Chapter, number: int) -> str:
    """Whether the code compiles after a beat."""
    return ("It compiles." if chapter.compiles(number)
            else not_yet(chapter, number))


def print_expected(session: Session, former: int) -> None:
    """What there is to see by now."""
    chapter = session.chapter
    here = session.beat
    paint = session.paint
    if run := chapter.run_after(here):
        print(paint("bold", f"{call_of(run)} shows something new:"))
        if run.prose:
            print_note(session, [run.prose])
        for line in run.lines[:OUTPUT_LINES]:
            print(f"  {line}")
        if len(run.lines) > OUTPUT_LINES:
            print("  ...")
    elif any("shows" in beat.tags for beat in chapter.beats[former:here]):
        words = chapter.candidates(here)
        what = f": {' '.join(words[0])}" if words else ""
        print(paint("bold", f"`run` shows something new{what}"))
    elif chapter.compiles(here) and (then := chapter.next_run(here)):
        print(f"Nothing new to see before beat {then}.")


def call_of(run: Run) -> str:
    """What to type for it."""
    words = run.words[1:] if run.words[0] == "demo" else run.words
    return f"`run {' '.join(words)}`"


def beats_between(first: int, last: int) -> str:
    """The names of the beats after `first` up to `last`."""
    if last <= first + 1:
        return f"beat {last}"
    return f"beats {first + 1} to {last}"


def print_differences(session: Session) -> None:
    """Where the work is not what it will be after the next beat, and whether
    it compiles."""
    number = target(session)
    wanted = session.chapter.states[number]
    before = session.chapter.states[session.beat]
    work = session.work()
    if slipped(session):
        here = session.beat
        print(f"Nothing is typed {f'since beat {here}' if here else 'yet'},"
              f" but {already_in(session)} has changed:")
    else:
        print(f"This is not beat {number} as the book has it:")
    for name in sorted(work.keys() | wanted.keys()):
        if name not in wanted:
            print(f"  {name}: the book has no such file")
        elif name not in work:
            print(f"  {name}: is not there")
        elif same_text(work[name], wanted[name]):
            continue
        elif name in before and same_text(work[name], before[name]):
            print(f"  {name}: nothing is typed yet")
        else:
            print_difference(session, name, work[name], wanted[name])
    print_compiling(session)


def target(session: Session) -> int:
    """The beat that the work is to be compared with."""
    if slipped(session):
        return session.beat
    return min(session.beat + 1, session.chapter.last)


def print_compiling(session: Session) -> None:
    """Whether the work compiles as it is; nothing if that would take long to
    find out."""
    number = target(session)
    if not session.chapter.compiles(number):
        print(not_yet(session.chapter, number))
    elif session.compiler.is_near() and (sources := all_sources(session)):
        session.compiler.prepare(lambda text: print(text, flush=True))
        made = made_by([start_compiling(session, source)
                        for source in sources])
        bad = [item for item in made if not item.good]
        if bad:
            print("It does not compile:\n" + first_errors(bad[0].output))
        else:
            print("It compiles as it is.")


def all_sources(session: Session) -> list[Path]:
    """main.cpp, and a file for the headers that it does not include."""
    work = session.work()
    seen = set()
    wanted = ["main.cpp"] if "main.cpp" in work else []
    found = [session.folder / name for name in wanted]
    while wanted:
        name = wanted.pop()
        if name in work and name not in seen:
            seen.add(name)
            wanted += re.findall(r'^#include "([^"]+)"',
                                 "\n".join(work[name]), re.M)
    if rest := sorted(work.keys() - seen):
        found.append(session.folder / ".headers.cpp")
        write_text(found[-1], "".join(f'#include "{name}"\n'
                                      for name in rest))
    return found


def slipped(session: Session) -> bool:
    """Whether what has changed is not the next beat's, but was in already."""
    chapter = session.chapter
    here = session.beat
    if session.untouched():
        return False
    if here == chapter.last:
        return True
    number = here + 1
    name = chapter.beat(number).file
    work, before = session.work(), chapter.states[here]
    if name not in before:
        return name not in work
    if name not in work:
        return True
    beats = changes_of(before[name], chapter.states[number][name])
    return not any(touch(one, other) for other in beats
                   for one in changes_of(before[name], work[name]))


def already_in(session: Session) -> str:
    here = session.beat
    if here > 1:
        return f"beat {here}, or what was in before it,"
    return "beat 1" if here else session.before_name()


def print_difference(session: Session, name: str, work: list[str],
                     wanted: list[str]) -> None:
    """The first places where a file differs, each with its two lines."""
    mine, book = tokens(work), tokens(wanted)
    shown: list[tuple[str, str, str]] = []
    before = (0, 0)
    for place in changes_between(mine, book):
        start, begin = beginnings(mine, book, place)
        number, text = line_at(work, mine, start)
        wanted_number, wanted_text = line_at(wanted, book, begin)
        if number != before[0] and wanted_number != before[1]:
            head = (missing_signs(mine, book, place)
                    or f"line {number}:")
            shown.append((head, text, wanted_text))
        before = number, wanted_number
    for head, text, wanted_text in shown[:SHOWN]:
        print(f"  {name} {head}")
        print(session.paint("red", f"    yours:    {text}"))
        print(session.paint("green", f"    the book: {wanted_text}"))
    if len(shown) > SHOWN:
        more = len(shown) - SHOWN
        print(f"  and {more} more {'place' if more == 1 else 'places'}")


def changes_between(mine: list[Token], book: list[Token]) -> list[Place]:
    return places_of_change([token for token, _ in mine],
                            [token for token, _ in book])


def beginnings(mine: list[Token], book: list[Token], place: Place
               ) -> tuple[int, int]:
    """Where the change begins, in both. What is missing at a line's end, or
    stands there too much, belongs to that line, not to the next."""
    start, end, begin, stop = place
    if start and begin:
        if start == end and book[begin][1] == book[begin - 1][1]:
            return start - 1, begin
        if begin == stop and mine[start][1] == mine[start - 1][1]:
            return start, begin - 1
    return start, begin


def line_at(lines: list[str], found: list[Token], place: int
            ) -> tuple[int, str]:
    if place == len(found):
        return len(lines) + 1, "(the end of the file)"
    return found[place][1] + 1, lines[found[place][1]].strip()


def missing(session: Session) -> list[str]:
    """Each sign that was forgotten, with its place, if nothing else differs
    from this beat or the next."""
    here = session.beat
    return (missing_of(session, here)
            or missing_of(session, min(here + 1, session.chapter.last)))


def missing_of(session: Session, number: int) -> list[str]:
    wanted = session.chapter.states[number]
    told = []
    for name, lines in session.work().items():
        mine, book = tokens(lines), tokens(wanted.get(name, []))
        for place in changes_between(mine, book):
            lost = missing_signs(mine, book, place)
            if not lost:
                return []
            told.append(f"{name} {lost}")
    return told


def advice(session: Session) -> str:
    beat = session.beat
    if slipped(session):
        return ("Correct it; or `rescue`: yours is kept aside, and all is as"
                f" after beat {beat} again." if beat else
                "Correct it; or `rescue`: yours is kept aside, and all is as"
                " it was.")
    return ("Correct it; or `rescue`: yours is kept aside, the beat put in;\n"
            f"or `goto {beat}`: yours is kept aside, the beat begins again.")


def check(session: Session, _: list[str]) -> int:
    here = session.beat
    typed = session.typed_up_to()
    if typed is None:
        print_differences(session)
        return 1
    if typed == here:
        print(f"Nothing is typed since beat {here}."
              if here else "Nothing is typed yet.")
    else:
        print(f"Right: {beats_between(here, typed)} as in the book."
              f" {compiling(session.chapter, typed)} `next` moves on.")
    return 0


def back(session: Session, _: list[str]) -> None:
    here = session.beat
    typed = not session.untouched()
    if not here and not typed:
        raise Problem("this is the beginning")
    session.set_aside_typed()
    session.put(max(here - 1, 0))
    taken = [f"what was typed after beat {here}" if here
             else "what was typed"] if typed else []
    if here:
        beat = session.chapter.beat(here)
        taken.append(f"beat {here} ({beat.file}, +{beat.added}"
                     f" -{beat.removed})")
    print(f"Taken back: {' and '.join(taken)}.\n")
    show(session, [])


def goto(session: Session, words: list[str]) -> None:
    number = number_in(session, words, 0)
    session.set_aside_typed()
    session.put(number)
    files = session.at(session.folder)
    if number:
        print(f"{files} is as after beat {number} of"
              f" {session.chapter.last} now.")
    else:
        print(f"{files} is {session.before_name()} now.")
    print()
    show(session, [])


def rescue(session: Session, _: list[str]) -> None:
    """The beat that was being typed, whole; what had changed before."""
    if session.untouched():
        print("Nothing is typed, so nothing is lost: `next` puts the beat in.")
        return
    typed = session.typed_up_to()
    if typed is None and slipped(session):
        session.set_aside_typed()
        session.put(session.beat)
        print(f"All is as after beat {session.beat} again."
              if session.beat else "All is as it was.")
        return
    if typed is None:
        session.set_aside_typed()
        typed = target(session)
    arrive(session, typed)


def status(session: Session, _: list[str]) -> None:
    chapter = session.chapter
    here = session.beat
    print(f"{chapter.stage.name}: {progress(session)}")
    typed = session.typed_up_to()
    if typed is None:
        print("Changed: what was in already (`check` says where)"
              if slipped(session) else
              "Typed: something that is not the next beat (`check` says"
              " where)")
    elif typed > here:
        print(f"Typed: {beats_between(here, typed)} (`next` moves on)")
    print(compiling(chapter, here))
    if shows := chapter.next_run(here):
        print(f"Something new to see: after beat {shows}.")
    print(f"Files: {session.at(session.folder)}")
    kept = sorted((session.folder / "kept").glob("*"),
                  key=lambda path: int(path.name))
    if kept:
        print(f"Kept aside: {', '.join(map(session.at, kept))}")


def progress(session: Session) -> str:
    here, last = session.beat, session.chapter.last
    if not here:
        return f"before beat 1 of {last}"
    return f"after beat {here} of {last}"


def restart(session: Session, _: list[str]) -> None:
    session.set_aside_typed()
    if changed := session.changed_demos():
        session.keep(changed)
    session.put_demos()
    goto(session, ["0"])


# --- building and running --------------------------------------------------

def demos(session: Session, _: list[str]) -> None:
    """Those that build now, by trying; the others with their place."""
    own = [entry for entry in entries(session.demos) if entry.kind != "bench"]
    trials = tried(session, own)
    print(session.paint("bold", f"of {session.chapter.stage.name}:"))
    width = max((len(entry.name) for entry in own), default=0)
    for entry in own:
        good = (entry.path in trials
                and made_by([trials[entry.path]], entry is own[0])[0].good)
        place = "" if good else place_of(session,
                                         (entry.kind, entry.name))
        state = ("builds now: " if good else
                 f"not yet{place}: " if trials else "")
        print(f"  {entry.kind:5} {entry.name:{width}}  {state}{entry.help}",
              flush=True)
    names = {(entry.kind, entry.name) for entry in own}
    former = [entry.name for entry in former_entries(session)
              if (entry.kind, entry.name) not in names]
    if former:
        print(f"also, as {session.before_name()} has them:"
              f" {', '.join(former)}")


def former_entries(session: Session) -> list[Entry]:
    folder = session.former_demos
    return [entry for entry in (entries(folder) if folder else [])
            if entry.kind != "bench"]


def tried(session: Session, found: list[Entry]) -> dict[Path, Future]:
    """Each source file of a demo, being compiled; none, and it is said why,
    if the code itself does not compile."""
    here = session.beat
    if session.untouched() and not session.chapter.compiles(here):
        print(not_yet(session.chapter, here))
        return {}
    session.compiler.prepare(lambda text: print(text, flush=True))
    main = session.folder / "main.cpp"
    if main.is_file() and not made_by([start_compiling(session, main)])[0].good:
        print("The code does not compile as it is (`run` says why).")
        return {}
    return {path: start_compiling(session, path)
            for path in dict.fromkeys(entry.path for entry in found)}


def full_words(words: list[str]) -> tuple[str, ...]:
    """`sleepers` is short for `demo sleepers`."""
    if words[0].startswith("-") or words[0] in ("demo", "serve", "bench"):
        return tuple(words)
    return ("demo", *words)


def choices(session: Session, words: list[str]) -> list[
        tuple[tuple[str, ...], list[Path]]]:
    """What `run` may run, the best first: words and source files."""
    own = entries(session.demos)
    former = entries(session.former_demos) if session.former_demos else []

    def pairs(candidates, among):
        return [(candidate, sources) for candidate in candidates
                if (sources := sources_for(candidate, among))]
    if words:
        full = full_words(words)
        found = pairs([full], own) + pairs([full], former)
        if not found:
            kind, name = wanted_entry(full)
            known = sorted({entry.name for entry in own + former
                            if entry.kind == kind})
            raise Problem(f"there is no {kind} {name};"
                          f" there are: {', '.join(known) or 'none'}")
        return found
    chapter = session.chapter
    found = pairs(chapter.candidates(session.beat), own)
    if chapter.before:
        earlier = [program.words for program in
                   reversed(programs_of(chapter.book, chapter.before))]
        found += pairs(earlier, own) + pairs(earlier, former)
        found += pairs([(entry.kind, entry.name)
                        for entry in former_entries(session)], former)
    return found


def start_compiling(session: Session, source: Path) -> Future:
    return session.compiler.compile(source, session.folder,
                                    session.chapter.stage.name)


def build_program(session: Session, words: list[str]) -> int:
    return 0 if built(session, words) else 1


def built(session: Session, words: list[str]) -> list[str]:
    """The command to run; empty, and it is said why, if there is none."""
    chapter = session.chapter
    here = session.beat
    if session.untouched() and not chapter.compiles(here):
        print(not_yet(chapter, here))
        return []
    main_source = session.folder / "main.cpp"
    if not main_source.is_file():
        print(not_yet(chapter, here))
        return []
    found = choices(session, words)
    if not found:
        raise Problem("there is no demo to run")
    session.compiler.prepare(lambda text: print(text, flush=True))
    return built_of(session, words, found)


def built_of(session: Session, words: list[str],
             found: list[tuple[tuple[str, ...], list[Path]]]) -> list[str]:
    began = time.monotonic()
    main_source = session.folder / "main.cpp"
    for position, (candidate, sources) in enumerate(found):
        wanted = [start_compiling(session, source)
                  for source in [main_source, *sources]]
        program, *objects = made_by(wanted, position == 0)
        if not program.good:
            return failed(session, program)
        good = [item for item in objects if item.good]
        if good:
            break
        if position + 1 == len(found) or (words and not session.untouched()):
            return failed(session, objects[0])
    session.compiler.link([program, *good], session.folder / "program")
    warn(session, [program, *good])
    note_skipped(session, [candidate for candidate, _ in found[:position]])
    note_former(session, words, sources)
    print(session.paint("faint", f"$ {' '.join(candidate)}   (built in"
                        f" {time.monotonic() - began:.1f} s)"), flush=True)
    return [str(session.folder / "program"), *candidate]


def not_yet(chapter: Chapter, number: int) -> str:
    following = chapter.next_tagged(number, "compiles")
    until = f"; it does after beat {following}" if following else ""
    after = f"after beat {number}" if number else "before beat 1"
    return f"The code does not compile {after}, and need not{until}."


def failed(session: Session, item: Object) -> list[str]:
    """Says why there is nothing to run."""
    chapter = session.chapter
    here = session.beat
    if item.source.parent == session.folder or not session.untouched():
        print(first_errors(item.output))
        following = min(here + 1, chapter.last)
        for line in [] if session.untouched() else missing(session):
            print(line)
        if session.typed_up_to() is None and slipped(session):
            print("Nothing of the next beat is typed: what was in already has"
                  " changed (`check` says where).")
        elif not session.untouched() and not chapter.compiles(following):
            print(not_yet(chapter, following))
    else:
        kind, name = entries_of(item.source)
        print(f"{kind} {name} needs what is typed after beat {here}"
              f"{place_of(session, (kind, name))}.")
    return []


def entries_of(path: Path) -> tuple[str, str]:
    """The kind and the name of the first demo in a file. The file may be
    gone by now, or register nothing that is found."""
    found = [entry for entry in entries(path.parent) if entry.path == path]
    return (found[0].kind, found[0].name) if found else ("demo", path.stem)


def place_of(session: Session, words: tuple[str, str]) -> str:
    """Where the book runs it, if that is still to come."""
    programs = programs_of(session.chapter.book, session.chapter.stage)
    place = next((program.place for program in programs
                  if program.words[-2:] == words
                  and program.place > session.beat), None)
    return f"; the book runs it after beat {place}" if place else ""


def warn(session: Session, objects: list[Object]) -> None:
    output = "\n".join(item.output.strip() for item in objects
                       if item.output.strip())
    if output:
        print("\n".join(output.splitlines()[:10]))


def note_skipped(session: Session, skipped: list[tuple[str, ...]]) -> None:
    """Says so if it is not what the book runs here."""
    run = session.chapter.run_after(session.beat)
    if run and run.words in skipped:
        print(f"{' '.join(run.words)} does not build with what is typed so"
              " far.")


def note_former(session: Session, words: list[str],
                sources: list[Path]) -> None:
    if all(source.parent == session.former_demos for source in sources):
        print(f"This demo is as {session.before_name()} has it.")


def run_program(session: Session, words: list[str]) -> int:
    command = built(session, words)
    if not command:
        return 1
    # Ctrl-C is for the program, not for us.
    former = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        done = subprocess.run(command, cwd=session.root)
    finally:
        signal.signal(signal.SIGINT, former)
    if done.returncode < 0:
        try:
            name = signal.Signals(-done.returncode).name
        except ValueError:
            name = f"signal {-done.returncode}"
        print(f"(ended by {name})")
    elif done.returncode:
        print(f"(exit status {done.returncode})")
    return 1 if done.returncode else 0


# --- asking for verbs ------------------------------------------------------

def interact(session: Session) -> int:
    try:
        import readline
        readline.parse_and_bind("tab: complete")
        names = sorted([*VERBS, *INTERACTIVE])
        readline.set_completer(lambda text, state: next(itertools.islice(
            (name + " " for name in names if name.startswith(text)),
            state, None), None))
    except ImportError:
        pass
    session.open()
    ask(session)
    print(f"{progress(session).capitalize()};"
          f" `scripts/live {session.chapter.stage.number}` goes on from here.")
    return 0


def ask(session: Session) -> None:
    print(f"{session.chapter.stage.name}, {progress(session)}."
          " `next`, `run`, `check`, `rescue`; `help` has all.\n")
    show(session, [])
    while True:
        try:
            line = input(f"\n{prompt(session)}> ")
        except EOFError:
            print()
            break
        except KeyboardInterrupt:
            print()
            continue
        session.load()              # another terminal may have moved on
        if not obey(session, line):
            break


def prompt(session: Session) -> str:
    chapter = session.chapter
    return f"{chapter.stage.number} {session.beat}/{chapter.last}"


def obey(session: Session, line: str) -> bool:
    """Does what the line says; whether to ask for another."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        print(f"live: {error}")
        return True
    verb = words[0] if words else "show"
    try:
        verb = verb_of(verb)
        if verb == "quit":
            return False
        if verb == "help":
            print_help()
        else:
            perform(session, verb, words[1:])
    except Problem as problem:
        print(f"live: {problem}")
    except KeyboardInterrupt:
        print()
    except Exception as error:  # the audience waits: say it, and go on
        print(f"live: {verb} failed, and this is live's own fault: {error!r}")
    return True


def print_help() -> None:
    for name, text in {**VERBS, **INTERACTIVE}.items():
        print(f"  {name:8} {text}")
    print("As many letters are enough as tell it from the others; an empty"
          " line is `show`.")


def verb_of(word: str) -> str:
    """The verb that begins so."""
    names = [name for name in (*VERBS, *INTERACTIVE) if name.startswith(word)]
    if word in names or len(names) == 1:
        return word if word in names else names[0]
    if not names:
        raise Problem(f"there is no verb {word}; `help` lists them")
    raise Problem(f"{word} may be {', '.join(names[:-1])} or {names[-1]}")
