"""Predict first: what does this program print?

`quiz` lists the programs, `quiz 04` asks all of stage 04's, `quiz 04 starving`
that one. It shows a program and its question, takes your answer, then compiles
and runs the program, shows both, and explains.

An answer is what the program prints, in as many lines as you like: white space
does not count. An empty line, or Ctrl-D, ends it.
"""
from __future__ import annotations

import argparse
import difflib
import itertools
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from .compiler import Compiler, first_errors, made_by
from .stages import Stage, find_stages, pick_stage, read_lines
from .terminal import Paint, Problem, new_parser, root_of, use_colour

SECONDS = 10
MARK = "Explanation:"


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    root = root_of(options)
    stages = find_stages(root)
    if options.stage is None:
        for stage in stages:
            list_questions(stage)
        print("\nscripts/quiz NN asks the questions of a stage.")
        return 0
    chosen = chosen_questions(pick_stage(stages, options.stage), options.name)
    right = ask_all(Asker(Compiler(root), Paint(use_colour())), chosen)
    if len(chosen) > 1:
        print(f"\n{right} of {len(chosen)} right")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("stage", nargs="?", metavar="NN",
                        help="a stage: 4, 04 or 04_sleep")
    parser.add_argument("name", nargs="?", metavar="NAME",
                        help="one of its programs (default: all)")
    return parser.parse_args(arguments)


# --- questions -------------------------------------------------------------

@dataclass(frozen=True)
class Question:
    """A program of stages/NN_name/quiz/. Its head is a comment: the question,
    a line `Explanation:`, the explanation."""
    stage: Stage
    path: Path
    text: list[str]
    explanation: list[str]
    program: list[str]

    @property
    def name(self) -> str:
        return self.path.stem


def questions_of(stage: Stage) -> list[Question]:
    return [read_question(stage, path)
            for path in sorted(stage.folder.glob("quiz/*.cpp"))]


def read_question(stage: Stage, path: Path) -> Question:
    lines = read_lines(path)
    size = next((number for number, line in enumerate(lines)
                 if not line.startswith("//")), len(lines))
    head = [line.removeprefix("//").removeprefix(" ") for line in lines[:size]]
    if MARK not in head:
        raise Problem(f"{path}: no line `// {MARK}` at its head")
    place = head.index(MARK)
    text, explanation = trimmed(head[:place]), trimmed(head[place + 1:])
    if not text or not explanation:
        raise Problem(f"{path}: its head lacks the question or the"
                      " explanation")
    return Question(stage, path, text, explanation, trimmed(lines[size:]))


def trimmed(lines: list[str]) -> list[str]:
    return "\n".join(lines).strip("\n").split("\n") if any(lines) else []


def chosen_questions(stage: Stage, name: str | None) -> list[Question]:
    questions = questions_of(stage)
    chosen = [question for question in questions
              if name in (None, question.name)]
    if not chosen:
        known = ", ".join(question.name for question in questions) or "none"
        raise Problem(f"{stage.name} has no question"
                      f"{' ' + name if name else ''} (there are: {known})")
    return chosen


def list_questions(stage: Stage) -> None:
    for question in questions_of(stage):
        print(f"  {stage.number} {question.name}")


# --- asking ----------------------------------------------------------------

def ask_all(asker: Asker, chosen: list[Question]) -> int:
    """How many answers were right."""
    right = 0
    for position, question in enumerate(chosen):
        if position:
            print("\n" + "-" * 72 + "\n")
        right += asker.ask(question)
    return right


class Asker:
    def __init__(self, compiler: Compiler, paint: Paint) -> None:
        self.compiler = compiler
        self.paint = paint

    def ask(self, question: Question) -> bool:
        """Whether the answer was right."""
        self.compiler.prepare(lambda text: print(text, flush=True))
        # While one reads and thinks, it compiles.
        making = self.compiler.compile(
            question.path, question.stage.folder, question.stage.name)
        self.show(question)
        answer = read_answer()
        printed = self.printed_by(question, making)
        right = bool(answer) and words(answer) == words(printed)
        self.compare(answer, printed, right)
        print()
        print("\n".join(question.explanation))
        return right

    def show(self, question: Question) -> None:
        print(self.paint("bold", f"{question.stage.name}: {question.name}"))
        print()
        print("\n".join(question.program))
        print()
        print(self.paint("bold", "\n".join(question.text)))
        print()
        print("What does it print? (An empty line ends your answer.)",
              flush=True)

    def printed_by(self, question: Question, making: Future) -> list[str]:
        """What the program prints, now, on this machine."""
        [made] = made_by([making])
        if not made.good:
            raise Problem(f"{question.path} does not compile:\n"
                          + first_errors(made.output))
        program = self.compiler.folder.parent / "quiz" / (
            f"{question.stage.number}_{question.name}")
        self.compiler.link([made], program)
        try:
            done = subprocess.run(
                [program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                text=True, errors="replace", timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            raise Problem(f"{question.path}: not done after {SECONDS} s"
                          ) from error
        if done.returncode:
            raise Problem(f"{question.path}: exit status {done.returncode}")
        return done.stdout.splitlines()

    def compare(self, answer: list[str], printed: list[str],
                right: bool) -> None:
        """Both, beside each other; what differs is marked."""
        if not answer or right:
            print("It prints:" if not answer else "Right. It prints:")
            print("\n".join("  " + line for line in printed))
            return
        rows = paired(printed, answer)
        width = max(len("it prints"), *(len(one or "") for one, _ in rows))
        print(f"Not quite.\n\n    {'it prints':{width}}   you said")
        for one, other in rows:
            same = words([one or ""]) == words([other or ""])
            line = (f"{' ' if same else '*'} {one or '':{width}}"
                    f"   {other or ''}").rstrip()
            print("  " + (line if same else self.paint("red", line)))


def read_answer() -> list[str]:
    lines = []
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "")
        except EOFError:
            break
        if not line.strip():
            break
        lines.append(line.strip())
    print()
    return lines


def words(lines: list[str]) -> list[str]:
    return " ".join(lines).split()


Row = tuple[str | None, str | None]


def paired(printed: list[str], answer: list[str]) -> list[Row]:
    """Line by line: equal lines beside each other, also after one that is
    missing or too much; empty ones are left out. An answer in one line is cut
    as the output is."""
    printed = [line for line in printed if line.strip()]
    if len(answer) == 1 and len(printed) > 1:
        answer = cut(words(answer), printed)
    matcher = difflib.SequenceMatcher(
        None, *([" ".join(line.split()) for line in lines]
                for lines in (printed, answer)), autojunk=False)
    return [row for _, i1, i2, j1, j2 in matcher.get_opcodes()
            for row in itertools.zip_longest(printed[i1:i2], answer[j1:j2])]


def cut(said: list[str], printed: list[str]) -> list[str]:
    """One line for each that is printed; a word that is printed stands in
    its line, the others where they are between these."""
    lines = [number for number, line in enumerate(printed)
             for _ in line.split()]
    found: list[list[str]] = [[] for _ in printed]
    matcher = difflib.SequenceMatcher(None, words(printed), said,
                                      autojunk=False)
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        for offset, word in enumerate(said[j1:j2]):
            place = min(i1 + offset, max(i2 - 1, 0), len(lines) - 1)
            found[lines[place]].append(word)
    return [" ".join(line) for line in found]
