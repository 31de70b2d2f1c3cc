"""The measuring of scripts/bench, which builds the programs and calls this."""
from __future__ import annotations

import argparse
import ctypes
import math
import os
import platform
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .terminal import Problem, plural, run

PATIENCE = 60                   # seconds until a server that hangs is given up


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    options.made = made_how(options)
    measure = {"scaling": scaling, "tasks": tasks, "threads": threads}
    table, plot = measure[options.what](options)
    print(table, end="")
    written = [options.output / f"{options.what}.md"]
    written[0].write_text(table, encoding="utf-8")
    if options.plot and plot:
        written.append(options.output / f"{options.what}.svg")
        draw(plot, written[1], TITLES[options.what])
    print("\nwritten:", *map(os.path.relpath, written), file=sys.stderr)
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("what", choices=["scaling", "tasks", "threads"])
    parser.add_argument("stages", nargs="+", metavar="STAGE")
    parser.add_argument("--runs", type=positive)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--python", default="python3")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--plot", action="store_true")
    options = parser.parse_args(arguments)
    options.runs = options.runs or (1 if options.quick else 5)
    return options


def positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"not a number of rounds: {text}")
    return int(text)


# --- what both share -------------------------------------------------------

def program_of(stage: str) -> Path:
    program = Path(os.environ["BUILD_BIN"], stage)
    if not program.is_file():
        raise Problem(f"{stage} is not built")
    return program


def output_of(*command) -> str:
    """What it prints; it must succeed."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
    except OSError as error:
        raise Problem(f"{words[0]}: {error.strerror}") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise Problem(f"{' '.join(words)}: {said}")
    return done.stdout


def cores() -> list[int]:
    """Those that this process may run on; empty where the system cannot say."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return []


def pin(pid: int, core: int) -> None:
    """From now on it runs on that core only; 0 is this process."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, {core})


def made_how(options: argparse.Namespace) -> str:
    """How often and on what, as far as it matters for a comparison."""
    text = f"Medians of {options.runs} interleaved rounds"
    if options.runs == 1:
        text = "One round only"
    version = ".".join(re.findall(r"\d+", platform.release())[:2])
    count = len(cores()) or os.cpu_count() or 1
    text += (f"; {platform.system()} {version}, {platform.machine()},"
             f" {plural(count, 'core')}")
    if compiler := os.environ.get("COMPILED_BY"):
        text += f";\nRelease build by {compiler}"
    return text + ".\n"


def progress(text: str) -> None:
    """A line on stderr; on a terminal the next one takes its place."""
    if sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def end_of_progress() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def figure(value: float | None) -> str:
    """Three digits are as many as such a measurement is good for."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def markdown(rows: list[list[str]]) -> str:
    """A table, its first row the head, that reads well as plain text too."""
    widths = [max(map(len, column)) for column in zip(*rows)]

    def line(cells: list[str]) -> str:
        padded = [cell.rjust(width) if number else cell.ljust(width)
                  for number, (cell, width) in enumerate(zip(cells, widths))]
        return f"| {' | '.join(padded)} |\n"

    rule = "|".join("-" * (width + 1) + (":" if number else "-")
                    for number, width in enumerate(widths))
    return line(rows[0]) + f"|{rule}|\n" + "".join(map(line, rows[1:]))


# --- plots -----------------------------------------------------------------

# Each can be read on white and on nearly black: the background is whatever
# the page has.
TEXT = "#767676"
GRID = "#76767650"
BLUE, ORANGE, GREEN, PURPLE = "#2f81c7", "#c4721f", "#2f9455", "#8b6bd1"
TITLES = {
    "scaling": "Server CPU time for a message, beside silent connections",
    "tasks": "CPU time for an operation, in nanoseconds",
}


def draw(script: str, target: Path, title: str) -> None:
    """Runs gnuplot; what it prints becomes the file."""
    if shutil.which("gnuplot") is None:
        raise Problem("gnuplot is not installed")
    done = subprocess.run(["gnuplot", "-"], input=script, text=True,
                          capture_output=True)
    if done.returncode != 0 or "</svg>" not in done.stdout:
        raise Problem("gnuplot: " + done.stderr.strip())
    svg = done.stdout.replace("<title>Gnuplot</title>",
                              f"<title>{title}</title>")
    target.write_text(svg, encoding="utf-8")


def svg_terminal(width: int, height: int) -> str:
    return f"""
set terminal svg size {width},{height} fixed font "sans-serif,16" linewidth 1.5
set border 3 linecolor rgb "{TEXT}"
set tics textcolor rgb "{TEXT}" nomirror
set key textcolor rgb "{TEXT}"
set style line 9 linecolor rgb "{argb(GRID)}" linewidth 0.7
"""


def argb(colour: str) -> str:
    """gnuplot's #AARRGGBB of a #RRGGBBAA; there 00 is opaque."""
    return f"#{255 - int(colour[7:], 16):02x}{colour[1:7]}"


def datablock(name: str, rows: list[tuple]) -> str:
    lines = "".join(" ".join(
        f'"{cell}"' if isinstance(cell, str) else f"{cell:g}"
        for cell in row) + "\n" for row in rows)
    return f"${name} << END\n{lines}END\n"


# --- scaling ---------------------------------------------------------------

SILENT = (0, 100, 500, 900, 5_000, 10_000)
QUICK_SILENT = (0, 50, 200)
MESSAGE = b"x" * 64
SECONDS = 0.25                  # of ping-pong for each figure
QUICK_SECONDS = 0.02
AT_LEAST = 50                   # messages, however long they take
SPARE = 50                      # descriptors for what is no silent connection
FD_SETSIZE = 1024

LOOKS = {                       # colour, gnuplot's point type
    "select": (ORANGE, 5),
    "poll": (PURPLE, 9),
    "epoll": (BLUE, 7),
    "kqueue": (GREEN, 4),
}


def cpu_clock(pid: int):
    """A function that tells the CPU time of another process in ns.

    Not getrusage or wait4: these tell of a child only when it has ended, with
    all it did before and after what is to be measured. Not /proc/PID/stat: it
    counts in hundredths of a second. clock_getcpuclockid(3) gives a clock in
    ns that can be read while the process runs; Linux and FreeBSD have it.
    Elsewhere `ps` has to do, which on macOS tells hundredths.
    """
    libc = ctypes.CDLL(None)
    clock = ctypes.c_int()
    if (hasattr(libc, "clock_getcpuclockid")
            and libc.clock_getcpuclockid(pid, ctypes.byref(clock)) == 0):
        return lambda: time.clock_gettime_ns(clock.value)

    def by_ps() -> int:
        seconds = 0.0
        for part in output_of("ps", "-o", "time=", "-p", pid).split(":"):
            seconds = seconds * 60 + float(part)
        return int(seconds * 1e9)
    return by_ps


def raise_descriptor_limit() -> int:
    """As far as this process may; the server does so itself."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        hard = max(SILENT) + SPARE
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Server:
    """A stage's echo server, its clients, and the CPU time that it takes.

    `under` is a command that runs it and first prints its process number.
    """

    def __init__(self, program: Path, selector: str, core: int | None = None,
                 under: Sequence[str | Path] = ()):
        self.clients: list[socket.socket] = []
        self.process = subprocess.Popen(
            [*under, program, "--selector", selector, "serve", "echo",
             "--port", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        try:
            if under:
                self.pid = int(self.process.stdout.readline())
            line = self.process.stdout.readline()
            address = re.fullmatch(r"listening on (.*):(\d+)\n", line)
            if not address:
                error = self.process.communicate()[1].strip()
                raise Problem(f"{program.name} does not serve: {error}")
            self.address = address[1], int(address[2])
            if core is not None:
                pin(self.pid, core)
            self.cpu_ns = cpu_clock(self.pid)
            self.active = self.connect()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        # The server first: what waits for the last packets is on its side
        # then, and the next server has another port.
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGINT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        for client in self.clients:
            client.close()

    def connect(self) -> socket.socket:
        client = socket.create_connection(self.address, PATIENCE)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.clients.append(client)
        return client

    def have_silent(self, count: int) -> None:
        """Opens silent connections until there are so many.

        One is accepted after the other: where the last of a batch is answered,
        all before it wait to be read from.
        """
        while len(self.clients) <= count:
            for _ in range(min(100, count + 1 - len(self.clients))):
                last = self.connect()
            ping(last)

    def ns_per_message(self, seconds: float) -> float:
        """For the one active connection, in ping-pong."""
        for _ in range(20):
            ping(self.active)
        messages = 0
        before = self.cpu_ns()
        end = time.monotonic() + seconds
        while messages < AT_LEAST or time.monotonic() < end:
            ping(self.active)
            messages += 1
        return (self.cpu_ns() - before) / messages


def ping(client: socket.socket) -> None:
    client.sendall(MESSAGE)
    missing = len(MESSAGE)
    while missing:
        answer = client.recv(missing)
        if not answer:
            raise Problem("the server has closed a connection")
        missing -= len(answer)


def selectors_of(program: Path) -> list[str]:
    choice = re.search(r"--selector \S*\{(.*?)\}", output_of(program, "--help"))
    return choice[1].split(",") if choice else []


@dataclass
class Scaling:
    """What is measured, and what came out, in ns for a message."""
    programs: dict[str, Path]   # of each selector, the first that has it
    silent: list[int]
    ns: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def reaches(self, selector: str, silent: int) -> bool:
        return selector != "select" or silent + SPARE < FD_SETSIZE

    def measure(self, selector: str, seconds: float, core) -> None:
        with Server(self.programs[selector], selector, core) as server:
            for silent in self.silent:
                if self.reaches(selector, silent):
                    server.have_silent(silent)
                    self.ns.setdefault((selector, silent), []).append(
                        server.ns_per_message(seconds))

    def median(self, selector: str, silent: int) -> float | None:
        found = self.ns.get((selector, silent))
        return statistics.median(found) / 1000 if found else None

    def growth(self, selector: str) -> float:
        """Beside the most against beside none, each round for itself."""
        most = max(silent for silent in self.silent
                   if (selector, silent) in self.ns)
        return statistics.median(
            last / first for last, first in zip(self.ns[selector, most],
                                                self.ns[selector, 0]))

    def emulated(self) -> bool:
        program = self.programs.get("kqueue")
        return (program is not None and sys.platform.startswith("linux")
                and b"an emulation" in program.read_bytes())


def scaling(options: argparse.Namespace) -> tuple[str, str]:
    programs: dict[str, Path] = {}
    for stage in options.stages:
        for selector in selectors_of(program_of(stage)):
            programs.setdefault(selector, program_of(stage))
    if not programs:
        raise Problem("none of these stages has --selector")
    most = raise_descriptor_limit() - SPARE
    wanted = QUICK_SILENT if options.quick else SILENT
    result = Scaling(programs, [count for count in wanted if count <= most])
    server_core = None
    if len(cores()) >= 2:
        server_core, own_core = cores()[-1], cores()[0]
        pin(0, own_core)
    for number in range(options.runs):
        for selector in rotated(list(programs), number):
            progress(f"round {number + 1} of {options.runs}: {selector}")
            result.measure(
                selector, QUICK_SECONDS if options.quick else SECONDS,
                server_core)
    end_of_progress()
    return (scaling_table(result, options, server_core is not None),
            scaling_plot(result))


def rotated(things: list, by: int) -> list:
    """So that none is always the first, or always after the same."""
    by %= len(things)
    return things[by:] + things[:by]


def scaling_table(result: Scaling, options, pinned: bool) -> str:
    def heading(selector: str) -> str:
        return f"{selector} ({result.programs[selector].name[:2]})"

    rows = [["silent connections", *map(heading, result.programs)]]
    for silent in result.silent:
        rows.append([f"{silent:,}"] + [
            figure(result.median(selector, silent))
            for selector in result.programs])
    rows.append(["most / none"] + [
        figure(result.growth(selector)) for selector in result.programs])
    places = ",\nserver and client each on a core of its own" if pinned else ""
    text = (
        "Microseconds of the server's CPU time for a message, by selector"
        " (and stage):\n"
        f"one client in ping-pong, {len(MESSAGE)} bytes, beside silent"
        f" ones{places}.\n{options.made}\n{markdown(rows)}")
    notes = []
    if any(not result.reaches(selector, silent)
           for selector in result.programs for silent in result.silent):
        notes.append(f"select() knows only descriptors below {FD_SETSIZE:,}.")
    if result.emulated():
        notes.append("kqueue is the emulation of common/kqueue.cpp here, on"
                     " epoll.")
    return text + ("\n" + "\n".join(notes) + "\n" if notes else "")


def scaling_plot(result: Scaling) -> str:
    """Both scales logarithmic, with none where ten would be."""
    def place(silent: int) -> int:
        return silent or result.silent[1] // 4

    tics = ", ".join(f'"{silent:,}" {place(silent)}'
                     for silent in result.silent)
    found = [result.median(*key) for key in result.ns]
    lowest = math.floor(math.log10(min(found)))
    highest = math.ceil(math.log10(max(found)))
    powers = ", ".join(f'"{10 ** power:,}" {10 ** power}'
                       for power in range(lowest, highest + 1))
    blocks = lines = ""
    for selector in result.programs:
        rows = [(place(silent), result.median(selector, silent))
                for silent in result.silent
                if (selector, silent) in result.ns]
        blocks += datablock(selector, rows)
        colour, point = LOOKS.get(selector, (TEXT, 6))
        name = selector
        if selector == "kqueue" and result.emulated():
            name += " (emulated)"
        lines += (f', ${selector} with linespoints title "{name}"'
                  f' linecolor rgb "{colour}" linewidth 2 pointtype {point}'
                  " pointsize 0.8")
    return (blocks + svg_terminal(800, 500) + f"""
set title "{TITLES['scaling']}" textcolor rgb "{TEXT}"
set xlabel "silent connections" textcolor rgb "{TEXT}"
set ylabel "microseconds" textcolor rgb "{TEXT}"
set logscale xy
set xrange [{place(0)} * 0.8 : {result.silent[-1]} * 1.25]
set xtics ({tics})
set yrange [0.99e{lowest} : 1.01e{highest}]
set ytics ({powers})
set grid ytics linestyle 9
set key above horizontal samplen 2
plot {lines[2:]}
""")


# --- tasks -----------------------------------------------------------------

@dataclass(frozen=True)
class Workload:
    title: str
    name: str
    n: int
    tasks: int = 2

    def words(self, quick: bool) -> list[str]:
        n = self.n // 100 if quick else self.n
        return [self.name, "--n", str(n), "--tasks", str(self.tasks)]


WORKLOADS = (
    Workload("switch 2", "switch", 500_000),
    Workload("switch 1k", "switch", 500_000, 1_000),
    Workload("spawn", "spawn", 200_000),
    Workload("future", "future", 200_000),
    Workload("alive", "alive", 100_000),
    Workload("timers", "timers", 20_000),
)


@dataclass
class Contender:
    title: str
    command: list
    colour: str
    knows: list[str]            # the workloads that it has
    version: str = ""
    ns: dict[Workload, list[float]] = field(default_factory=dict)
    bytes: list[float] = field(default_factory=list)

    def measure(self, workload: Workload, quick: bool) -> None:
        line = output_of(*self.command, *workload.words(quick))
        found = re.match(r"ns=(\S+) bytes=(\S+)", line)
        if not found:
            raise Problem(f"{self.title} {workload.name} prints: {line}")
        self.ns.setdefault(workload, []).append(float(found[1]))
        if workload.name == "alive":
            self.bytes.append(float(found[2]))

    def median(self, workload: Workload) -> float | None:
        found = self.ns.get(workload)
        return statistics.median(found) if found else None

    def ratio(self, other: Contender, workload: Workload) -> float | None:
        """To another one, each round for itself."""
        if workload not in self.ns or workload not in other.ns:
            return None
        return statistics.median(
            own / base
            for own, base in zip(self.ns[workload], other.ns[workload]))


def tasks(options: argparse.Namespace) -> tuple[str, str]:
    contenders = [stage_contender(stage) for stage in options.stages]
    last = contenders[-1]
    contenders += python_contenders(options.python)
    if cores():
        pin(0, cores()[-1])         # whoever is started inherits it
    for number in range(options.runs):
        for workload in WORKLOADS:
            progress(f"round {number + 1} of {options.runs}:"
                     f" {workload.title}")
            for each in rotated(contenders, number):
                if workload.name in each.knows:
                    each.measure(workload, options.quick)
    end_of_progress()
    return (tasks_table(contenders, last, options), tasks_plot(contenders))


def stage_contender(stage: str) -> Contender:
    program = program_of(stage)
    names = re.findall(r"^(\w+) ", output_of(program, "bench"), re.M)
    return Contender(f"stage {stage[:2]}", [program, "bench"], BLUE, names)


PYTHON_VERSION = """
import platform
print(platform.python_implementation(), platform.python_version())
"""
UVLOOP_VERSION = """
import uvloop
print(uvloop.__version__)
"""


def python_contenders(python: str) -> list[Contender]:
    if shutil.which(python) is None:
        raise Problem(f"there is no {python}")
    names = [workload.name for workload in WORKLOADS]
    command = [python, Path(__file__).with_name("bench_asyncio.py")]
    version = output_of(python, "-c", PYTHON_VERSION).strip()
    found = [Contender("asyncio", command, ORANGE, names, version)]
    try:
        version = output_of(python, "-c", UVLOOP_VERSION).strip()
    except Problem:
        return found            # not installed: then without it
    # Options may come before the workload too.
    uvloop = [*command, "--uvloop"]
    return [*found, Contender("uvloop", uvloop, PURPLE, names, version)]


def tasks_table(contenders: list[Contender], last: Contender,
                options: argparse.Namespace) -> str:
    titles = [workload.title for workload in WORKLOADS]
    rows = [["ns", *titles, "bytes"]]
    ratios = [["ratio", *titles]]
    for each in contenders:
        size = statistics.median(each.bytes) if any(each.bytes) else None
        rows.append([each.title]
                    + [figure(each.median(workload)) for workload in WORKLOADS]
                    + [figure(size)])
        ratios.append([each.title] + [
            figure(each.ratio(last, workload)) for workload in WORKLOADS])
    versions = "".join(f"\n{each.title}: {each.version}."
                       for each in contenders if each.version)
    return (
        "CPU time for an operation in ns, and for alive a task's bytes of"
        f" memory;\nthen the same time as a ratio to {last.title}'s."
        f"{versions}\n{options.made}\n{markdown(rows)}\n{markdown(ratios)}")


# --- threads ---------------------------------------------------------------

THREADS = (
    Workload("threadsafe", "threadsafe", 10_000),
    Workload("executor", "executor", 10_000),
)


def asio_contenders(output: Path) -> list[Contender]:
    """None where asio's headers are not installed."""
    source = Path(__file__).with_name("bench_asio.cpp")
    root = source.parents[2]
    program = output / "bench_asio"
    progress("asio is compiled")
    try:
        output_of(os.environ.get("CXX") or "c++", "-std=c++20", "-O3",
                  "-pthread", f"-I{root}", source,
                  root / "common" / "bench.cpp", "-o", program)
    except Problem:
        return []
    names = [workload.name for workload in THREADS]
    return [Contender("asio", [program], GREEN, names),
            Contender("asio + timer", [program, "--reactor"], GREEN, names)]


def threads(options: argparse.Namespace) -> tuple[str, str]:
    """All threads on one core: its CPU time is what a round trip takes."""
    contenders = [stage_contender(stage) for stage in options.stages]
    last = contenders[-1]
    contenders += asio_contenders(options.output)
    contenders += python_contenders(options.python)
    if cores():
        pin(0, cores()[-1])
    for number in range(options.runs):
        for workload in THREADS:
            progress(f"round {number + 1} of {options.runs}:"
                     f" {workload.title}")
            for each in rotated(contenders, number):
                each.measure(workload, options.quick)
    end_of_progress()
    titles = [workload.title for workload in THREADS]
    rows = [["ns", *titles, *(f"{title}, ratio" for title in titles)]]
    for each in contenders:
        rows.append([each.title]
                    + [figure(each.median(workload)) for workload in THREADS]
                    + [figure(each.ratio(last, workload))
                       for workload in THREADS])
    return (
        "CPU time in ns for a call into the loop and its answer"
        " (threadsafe), and for a\ncall that a thread makes (executor);"
        f" then as a ratio to {last.title}'s.\n{options.made}\n"
        f"{markdown(rows)}"), ""


def tasks_plot(contenders: list[Contender]) -> str:
    """A panel for each workload, in it a bar for each contender."""
    panels = ""
    for number, workload in enumerate(WORKLOADS):
        rows = [(row, each.median(workload), int(each.colour[1:], 16),
                 figure(each.median(workload)))
                for row, each in enumerate(contenders)
                if workload in each.ns]
        if not rows:
            continue
        widest = max(value for _, value, *_ in rows)
        panels += datablock(f"panel{number}", rows) + f"""
set title "{workload.title}"
set xrange [0 : {widest * 1.25:g}]
plot $panel{number} using (0):1:(0):2:($1 - 0.38):($1 + 0.38):3 \\
  with boxxyerror fillstyle solid noborder linecolor rgb variable notitle, \\
  $panel{number} using 2:1:4 with labels left offset 0.5,0 \\
  textcolor rgb "{TEXT}" notitle
"""
    names = ", ".join(f'"{each.title}" {row}'
                      for row, each in enumerate(contenders))
    height = 60 + 3 * (60 + 26 * len(contenders))
    return svg_terminal(900, height) + f"""
set multiplot layout 3,2 title "{TITLES['tasks']}" textcolor rgb "{TEXT}"
set title offset 0,-0.7 textcolor rgb "{TEXT}"
set border 2
set tmargin 3
set bmargin 0.5
set yrange [{len(contenders) - 0.4} : -0.6]
set ytics ({names}) scale 0
unset xtics
{panels}
unset multiplot
"""


if __name__ == "__main__":
    sys.argv[0] = "bench"       # the command that a Problem is told for
    run(main)
