"""The commands in the book's console blocks: run, and compared with what the
book says that they print."""
from __future__ import annotations

import difflib
import os
import re
import select
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .book import Block
from .outputs import pattern
from .stages import split_lines
from .terminal import Problem

SECONDS = 120                   # for one command of a console block
SESSIONS = 4                    # console blocks that run at the same time
RUNNING = "WALKTHROUGH_RUNNING"


@dataclass
class Command:
    """A `$ ` line of a console block and what the book says it prints."""
    block: Block
    offset: int                 # of its (last) line in block.body, from 1
    text: str
    expected: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    broken: str = ""            # why there is no complete output
    # What `scripts/run` is to run instead of the stage's program.
    program: str = ""

    @property
    def where(self) -> str:
        line = self.block.line + self.offset
        return f"{self.block.page}:{line}: $ {self.text}"

    def holds(self) -> bool:
        return not self.broken and matches(
            self.expected, self.printed, "digits" in self.block.info)


def run_consoles(root: Path, blocks: list[Block], fail,
                 program=lambda command: "") -> list[Command]:
    """Each block in a shell of its own; fail(problem) is told what is none.
    program(command) is what `scripts/run` is to run, empty for the stage's."""
    sessions = []
    for block in blocks:
        if block.kind == "console":
            try:
                if commands := console_commands(block):
                    for command in commands:
                        command.program = program(command)
                    sessions.append(commands)
            except Problem as problem:
                fail(problem if str(problem).startswith(block.page)
                     else f"{block.where}: {problem}")
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
            raise Problem(f"{block.where}: unknown tag {tag}"
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
            raise Problem(f"{block.page}:{block.line + offset}: output before"
                          " the first `$ ` line (files need another info)")
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
              f"export STAGE_PROGRAM={shlex.quote(command.program)}\n"
              f"eval {shlex.quote(command.text)}"
              f" >>{shlex.quote(str(output))} 2>&1 </dev/null\necho\n")
    try:
        os.write(shell.stdin.fileno(), script.encode())
    except BrokenPipeError:
        return "an earlier command has ended the shell"
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
    if digits:
        expected = [line if line.strip() == "..." else without_numbers(line)
                    for line in expected]
        printed = list(map(without_numbers, printed))
    text = "".join(line + "\n" for line in printed)
    return re.fullmatch(pattern(expected), text) is not None


def without_numbers(line: str) -> str:
    return re.sub(r" *\d+(?:[,'_]\d{3})*(?:\.\d+)? *", "N", line).rstrip()


def output_difference(command: Command) -> str:
    sides = command.expected, command.printed
    if "digits" in command.block.info:
        sides = tuple([without_numbers(line) for line in side]
                      for side in sides)
    return "\n".join(list(difflib.unified_diff(
        *sides, "book", "printed", lineterm=""))[:60])
