#!/usr/bin/env python3
"""Runs a pitfall and compares what it does with what its source says.

    pitfall.py SOURCE -- PROGRAM [ARGUMENT...]

A file of a stage's pitfalls/ begins with a comment block that may hold:

    // Any text: the symptom and the cure.
    //
    // Flags: -fsanitize=address,undefined -O0
    // Exit: 1
    // Stderr: some text
    // Prints:
    //   the first line
    //   a line with ... in it
    //   ...
    //   the last line

Prints:   all lines that follow, up to the end of the block, are the program's
          whole stdout. "..." within a line stands for any text, a line of
          only "..." for any lines or none. Without it stdout is not looked at.
Flags:    compiler flags for this program, after the build's own: -O0 replaces
          its optimisation, -Wno-... switches one of its warnings off. CMake
          reads this line.
Exit:     the exit status, 0 unless given; "nonzero" for any other, a signal
          included.
Stderr:   a text that stderr must contain; may be given several times.
Hangs:    seconds after which the program must still be running. It is then
          killed; Exit does not count, Prints is what came until then.
Compiles: no
          the file must not compile. PROGRAM is the compiler's call then.
Error:    a text that the compiler's messages must contain; may be given
          several times.
"""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from lib.outputs import pattern

LIMIT = 50  # seconds; less than ctest's


class Expected:
    def __init__(self, source):
        self.prints = None
        self.exit = "0"
        self.stderr = []
        self.errors = []
        self.hangs = None
        self.compiles = True
        with open(source, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.startswith("//"):
                    break
                self.add(line.rstrip("\n"), f"{source}:{number}")

    def add(self, line, where):
        if self.prints is not None:
            if line.startswith("//   "):
                self.prints.append(line[5:])
            elif line == "//":
                self.prints.append("")
            else:
                sys.exit(f"{where}: below Prints: write '//   ' and a line")
            return
        match = re.match(r"// (\w+):\s*(.*?)\s*$", line)
        word, text = match.groups() if match else ("", "")
        if word == "Prints":
            self.prints = []
        elif word == "Exit":
            self.exit = text
        elif word == "Stderr":
            self.stderr.append(text)
        elif word == "Error":
            self.errors.append(text)
        elif word == "Hangs":
            self.hangs = float(text)
        elif word == "Compiles":
            self.compiles = text != "no"
        elif re.search(r" Prints:(\s|$)", line):
            sys.exit(f"{where}: Prints: begins a line")


def text_of(output):
    return (output or b"").decode("utf-8", "replace")


def run(command, limit):
    """Returns the exit status (None: still running), stdout and stderr."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit,
        )
    except subprocess.TimeoutExpired as late:
        return None, text_of(late.stdout), text_of(late.stderr)
    return done.returncode, text_of(done.stdout), text_of(done.stderr)


def faults_of_program(expected, status, stdout, stderr):
    if expected.hangs is not None:
        if status is not None:
            yield f"it ended (exit status {status}) but should hang"
    elif status is None:
        yield f"it still ran after {LIMIT} seconds"
    elif expected.exit == "nonzero":
        if status == 0:
            yield "its exit status is 0"
    elif status != int(expected.exit):
        yield f"its exit status is {status}, not {expected.exit}"
    for text in expected.stderr:
        if text not in stderr:
            yield f"its stderr does not contain: {text}"
    if expected.prints is not None:
        if stdout and not stdout.endswith("\n"):
            stdout += "\n"
        if not re.fullmatch(pattern(expected.prints), stdout):
            yield "it should print:\n" + "\n".join(expected.prints)


def faults_of_compiler(expected, status, messages):
    if status == 0:
        yield "it compiles but should not"
    for text in expected.errors:
        if text not in messages:
            yield f"the compiler does not say: {text}"


def main(arguments):
    if len(arguments) < 3 or arguments[1] != "--":
        sys.exit(__doc__)
    expected = Expected(arguments[0])
    limit = LIMIT if expected.hangs is None else expected.hangs
    status, stdout, stderr = run(arguments[2:], limit)
    if expected.compiles:
        faults = faults_of_program(expected, status, stdout, stderr)
    else:
        faults = faults_of_compiler(expected, status, stdout + stderr)
    faults = list(faults)
    if not faults:
        return 0
    print(arguments[0])
    for fault in faults:
        print(fault)
    print(f"--- stdout\n{stdout}--- stderr\n{stderr}---")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
