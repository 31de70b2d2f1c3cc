"""Counts the system calls that a stage's echo server makes for a message.

Runs it under strace with each selector and talks to it: one message at a time
over some connections in turn, each answered before the next is sent. What is
counted is the server's whole life, from its first connection's to its last.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from .bench import Server, ping, selectors_of
from .compiler import build
from .stages import find_stages, pick_stage
from .terminal import ROOT, Problem, run

WAITS = (
    "select pselect6 poll ppoll epoll_wait epoll_pwait epoll_pwait2 kevent"
).split()
READS = "read recv recvfrom recvmsg".split()
WRITES = "write send sendto sendmsg".split()
COLUMNS = ("wait", "epoll_ctl", "recv", "send", "other", "all")


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="bench syscalls",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", metavar="STAGE", nargs="?",
                        help="such as 10 (default: the last)")
    parser.add_argument("--selector", metavar="NAME", action="append",
                        help="only this one; may be given several times")
    parser.add_argument("--messages", metavar="N", type=positive, default=5000,
                        help="how many in all (default: 5000)")
    parser.add_argument("--connections", metavar="C", type=positive,
                        default=10, help="over how many (default: 10)")
    parser.add_argument("--program", metavar="FILE", type=Path,
                        help="the stage's program; built if not given")
    return parser.parse_args(arguments)


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def find_strace():
    strace = shutil.which("strace")
    if strace is None:
        install = "its package is called strace"
        if shutil.which("apt-get"):
            install = "apt-get install strace"
        raise Problem(f"strace is not installed: {install}")
    tried = subprocess.run([strace, "-o", os.devnull, "true"],
                           capture_output=True, text=True)
    if tried.returncode != 0:
        raise Problem(
            "strace is not permitted here: "
            + (tried.stderr.strip().splitlines() or ["no reason"])[0])
    return strace


def program_of(stage):
    """The stage's program, built if need be."""
    stages = find_stages(ROOT)
    name = (pick_stage(stages, stage) if stage else stages[-1]).name
    folder, _ = build(ROOT, name)
    return folder / "bin" / name


def counts_in(text):
    """The table that strace -c writes, as a Counter."""
    counts = Counter()
    for line in text.splitlines():
        match = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)$",
                         line)
        if match and match[2] != "total":
            counts[match[2]] += int(match[1])
    return counts


def count(strace, program, selector, messages, connections):
    """How often the server made each call."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "table")
        # The shell tells the server's own number: strace lets no Ctrl-C through.
        under = [strace, "-c", "-o", table,
                 "sh", "-c", 'echo $$ && exec "$0" "$@"']
        with Server(program, selector, under=under) as server:
            while len(server.clients) < connections:
                server.connect()
            for number in range(messages):
                ping(server.clients[number % connections])
            for client in server.clients:
                client.close()
        return counts_in(table.read_text(encoding="utf-8"))


def in_columns(counts):
    row = Counter()
    for call, times in counts.items():
        if call in WAITS:
            row["wait"] += times
        elif call == "epoll_ctl":
            row["epoll_ctl"] += times
        elif call in READS:
            row["recv"] += times
        elif call in WRITES:
            row["send"] += times
        else:
            row["other"] += times
        row["all"] += times
    return row


def main(arguments):
    options = parse(arguments)
    strace = find_strace()
    program = (options.program or program_of(options.stage)).resolve()
    known = selectors_of(program)
    if not known:
        raise Problem(f"{program.name} has no --selector")
    wanted = options.selector or known
    for selector in wanted:
        if selector not in known:
            raise Problem(f"{program.name} has no selector {selector};"
                          f" there are: {', '.join(known)}")
    print(f"{options.messages} messages, {options.connections} connections;"
          " system calls a message")
    print(" " * 8 + "".join(f"{name:>11}" for name in COLUMNS))
    for selector in wanted:
        row = in_columns(count(strace, program, selector, options.messages,
                               options.connections))
        cells = [row[name] / options.messages for name in COLUMNS]
        print(f"{selector:8}" + "".join(f"{cell:11.3f}" for cell in cells))
    return 0


if __name__ == "__main__":
    sys.argv[0] = "bench"       # the command that a Problem is told for
    run(main)
