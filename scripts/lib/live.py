"""Types a chapter in front of an audience, beat by beat.

`live 04` starts (or goes on with) a work folder that begins as stage 03 and
becomes stage 04: open its files in an editor, this in a second terminal.
`live 04 VERB` does one thing and ends. What was typed is never lost: whatever
would overwrite it puts it into a side folder first, and says where.
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

from .book import Beat, Book, find_run, read_book
from .chapter import Chapter, Files, programs_of
from .compiler import Compiler, Object, first_errors, made_by
from .demos import Entry, entries, sources_for, wanted_entry
from .stages import (
    Stage, find_stages, is_lesson, pick_stage, read_lines, read_text,
    write_text)
from .terminal import Paint, Problem, new_parser, plural, root_of, use_colour
from .typed import (
    bare, changes_of, places_of_change, same_files, same_text, tokens, touch)

NOTE_LINES = 14
SHOWN = 3                       # differences of a file
VERBS = {
    "show": "the next beat, or beat K: `show [K]`",
    "next": "apply the next beat, or move on if it is typed already",
    "check": "compare what is typed with the next beat",
    "run": "build and run what there is to see, or `run DEMO`,"
           " `run serve echo`",
    "back": "take the last beat back",
    "goto": "the state after beat K: `goto K`, `goto last`",
    "rescue": "keep what is typed aside, put it in as it should be",
    "status": "where we are, and what is kept aside",
    "note": "all that the book says before the next beat",
    "build": "as `run`, without running it",
    "demos": "the programs that `run` knows",
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
        self.put(self.chapter.after_closing(0))
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
        files = self.chapter.states[number]
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
        return same_files(self.work(), self.chapter.states[self.beat])

    def typed_up_to(self) -> int | None:
        """The beat up to which everything is typed; None if it is not what
        any beat leads to."""
        work = self.work()
        return next((number for number in range(self.beat,
                                                self.chapter.last + 1)
                     if same_files(work, self.chapter.states[number])), None)

    def set_aside_typed(self) -> None:
        """Keeps the work in a side folder if it is no beat's state, and says
        where."""
        work = self.work()
        if work and not any(same_files(work, state)
                            for state in self.chapter.states):
            self.keep([self.folder / name for name in work])

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
              else chapter.after_closing(session.beat) + 1)
    if number > chapter.last:
        print(f"All {plural(chapter.last, 'beat')} are in:"
              f" this is {chapter.stage.name}.")
        return
    beat = chapter.beat(number)
    paint = session.paint
    print(paint("bold", headline(session, beat)))
    text = chapter.note(number)
    print_note(session, text[:NOTE_LINES])
    if len(text) > NOTE_LINES:
        print(paint("faint", "[... `note` shows all of it]"))
    print()
    for kind, line in beat.ops:
        style = {"+": "green", "-": "red"}.get(kind)
        print(paint(style, kind + line) if style else " " + line)


def headline(session: Session, beat: Beat) -> str:
    chapter = session.chapter
    lines = chapter.states[beat.number - 1].get(beat.file)
    places = find_run(lines or [], beat.texts(" ", "-"))
    place = ("a new file" if lines is None
             else f"line {places[0] + 1 + lead(beat)}")
    how = [{"compiles": "compiles", "shows": "shows something new"}[tag]
            for tag in beat.tags]
    if "compiles" not in beat.tags:
        how.append("does not compile yet")
    return (f"beat {beat.number} of {chapter.last}: {beat.file}, {place}"
            f"  ({', '.join(how)})")


def lead(beat: Beat) -> int:
    """How many lines of context come before the first change."""
    return len(list(itertools.takewhile(
        lambda op: op[0] == " ", beat.ops)))


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
    number = session.chapter.after_closing(session.beat) + 1
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
    if typed > here:
        print(f"Typed as in the book: {beats_between(here, typed)}.")
    else:
        typed = chapter.after_closing(here)
        typed = min(typed + 1, chapter.last)
    arrive(session, typed)
    return 0


def arrive(session: Session, number: int) -> None:
    """Puts a beat in, with the comments and trace hooks that follow."""
    chapter = session.chapter
    here = session.beat
    end = chapter.after_closing(number)
    session.put(end)
    said = f"In: {beats_between(here, number)}"
    if end > number:
        said += (f", and {beats_between(number, end)}, which only"
                 f" {'adds' if end == number + 1 else 'add'} comments and"
                 " trace hooks")
    print(f"{said}.")
    if any("shows" in beat.tags for beat in chapter.beats[here:end]):
        words = chapter.candidates(end)
        what = f": {' '.join(words[0])}" if words else ""
        print(session.paint("bold", f"`run` shows something new{what}"))
    print()
    show(session, [])


def beats_between(first: int, last: int) -> str:
    """The names of the beats after `first` up to `last`."""
    if last <= first + 1:
        return f"beat {last}"
    return f"beats {first + 1} to {last}"


def print_differences(session: Session) -> None:
    """Where the work is not what it will be after the next beat."""
    number = session.chapter.after_closing(session.beat) + 1
    number = min(number, session.chapter.last)
    wanted = session.chapter.states[number]
    before = session.chapter.states[session.beat]
    work = session.work()
    if slipped(session):
        here = session.beat
        print(f"Nothing is typed {f'since beat {here}' if here else 'yet'},"
              f" but {already_in(session)} has changed:")
        wanted = before
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


def slipped(session: Session) -> bool:
    """Whether what has changed is not the next beat's, but was in already."""
    chapter = session.chapter
    here = session.beat
    if session.untouched():
        return False
    if here == chapter.last:
        return True
    number = min(chapter.after_closing(here) + 1, chapter.last)
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

    def line_at(lines: list[str], found: list[tuple[str, int]], place: int):
        if place == len(found):
            return len(lines) + 1, "(the end of the file)"
        return found[place][1] + 1, lines[found[place][1]].strip()
    shown: list[tuple[int, str, str]] = []
    before = (0, 0)
    for here, there in places_of_change([token for token, _ in mine],
                                        [token for token, _ in book]):
        number, text = line_at(work, mine, here)
        wanted_number, wanted_text = line_at(wanted, book, there)
        if number != before[0] and wanted_number != before[1]:
            shown.append((number, text, wanted_text))
        before = number, wanted_number
    for number, text, wanted_text in shown[:SHOWN]:
        print(f"  {name} line {number}:")
        print(session.paint("red", f"    yours:    {text}"))
        print(session.paint("green", f"    the book: {wanted_text}"))
    if len(shown) > SHOWN:
        more = len(shown) - SHOWN
        print(f"  and {more} more {'place' if more == 1 else 'places'}")
    if same_text(bare(work), bare(wanted)):
        print("    (only comments differ)")


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
              " `next` moves on.")
    return 0


def back(session: Session, _: list[str]) -> None:
    here = session.beat
    if here <= session.chapter.after_closing(0) and session.untouched():
        raise Problem("this is the beginning")
    session.set_aside_typed()
    session.put(max(session.chapter.before_typed(here),
                    session.chapter.after_closing(0)))
    print(f"Back before beat {session.beat + 1}.\n")
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
        typed = min(session.chapter.after_closing(session.beat) + 1,
                    session.chapter.last)
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
    compiling = chapter.next_tagged(here, "compiles")
    if chapter.compiles(here):
        print("It compiles.")
    elif compiling:
        print(f"It compiles again after beat {compiling}.")
    shows = chapter.next_tagged(here, "shows")
    if shows:
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
    session.put(session.chapter.after_closing(0))


# --- building and running --------------------------------------------------

def demos(session: Session, _: list[str]) -> None:
    for folder, title in (
            (session.demos, f"of {session.chapter.stage.name}, as soon as they"
                            " build:"),
            (session.former_demos, f"of {session.before_name()}:")):
        found = [entry for entry in (entries(folder) if folder else [])
                 if entry.kind != "bench"]
        if found:
            print(session.paint("bold", title))
        for entry in found:
            print(f"  {entry.kind:5} {entry.name:16} {entry.help}")


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
        found += pairs([(entry.kind, entry.name) for entry in former
                        if entry.kind != "bench"], former)
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
        following = min(chapter.after_closing(here) + 1, chapter.last)
        if session.typed_up_to() is None and slipped(session):
            print("Nothing of the next beat is typed: what was in already has"
                  " changed (`check` says where).")
        elif not session.untouched() and not chapter.compiles(following):
            print(not_yet(chapter, following))
    else:
        kind, name = entries_of(item.source)
        print(f"{kind} {name} needs what is typed after beat {here}"
              f"{place_of(chapter, (kind, name))}.")
    return []


def entries_of(path: Path) -> tuple[str, str]:
    found = [entry for entry in entries(path.parent) if entry.path == path]
    return found[0].kind, found[0].name


def place_of(chapter: Chapter, words: tuple[str, str]) -> str:
    programs = programs_of(chapter.book, chapter.stage)
    place = next((program.place for program in programs
                  if program.words[-2:] == words and program.place), None)
    return f"; the book runs it after beat {place}" if place else ""


def warn(session: Session, objects: list[Object]) -> None:
    output = "\n".join(item.output.strip() for item in objects
                       if item.output.strip())
    if output:
        print("\n".join(output.splitlines()[:10]))


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
    if not words:
        show(session, [])
        return True
    names = [name for name in (*VERBS, *INTERACTIVE)
             if name.startswith(words[0])]
    verb = words[0] if words[0] in names else names[0] if names else ""
    if verb == "quit":
        return False
    if not verb:
        print(f"live: there is no verb {words[0]}; `help` lists them")
        return True
    if verb == "help":
        for name, text in {**VERBS, **INTERACTIVE}.items():
            print(f"  {name:8} {text}")
        print("The first letters are enough; an empty line is `show`.")
        return True
    try:
        perform(session, verb, words[1:])
    except Problem as problem:
        print(f"live: {problem}")
    except KeyboardInterrupt:
        print()
    return True
