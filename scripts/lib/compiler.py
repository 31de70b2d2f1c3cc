"""What live and quiz share: compiling for the eye, not for speed.

One folder of headers and a few source files become a program: not optimised,
the systems' headers compiled once, common/ compiled once, what changed compiled
in parallel, and what did not change not at all.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from .stages import read_text, write_text
from .terminal import Problem

KEPT = 300                      # objects; the oldest go
SHOWN_ERRORS = 3
SILENCE = 2.0                   # seconds after which it is said what goes on

# Prints the compiler on fd 3; what is built and asked goes to the terminal.
_PREPARE = r"""
. "$root/scripts/lib/setup.sh"
need_tools
configure_plain "$build_dir/release" Release || exit 1
build "$build_dir/release" common common || exit 1
printf '%s\n' "$CXX" >&3
"""


@dataclass(frozen=True)
class Object:
    """What became of a source file."""
    source: Path
    path: Path
    output: str                 # what the compiler said
    good: bool


class Job:
    """A source file that is compiled, now or soon, unless it is ended."""
    future: Future
    process: subprocess.Popen | None = None
    ended = False

    def end(self) -> None:
        self.ended = True
        self.future.cancel()
        if self.process:
            end_group(self.process)


def end_group(process: subprocess.Popen) -> None:
    """With its children: g++ does not end its own."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGTERM)
        except (ProcessLookupError, PermissionError):
            pass                # it has ended just now


class Compiler:
    """Compiles below root/build/live; needs nothing until it is asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "build" / "live" / "objects"
        self.pool = ThreadPoolExecutor(max(os.cpu_count() or 2, 2))
        self.under_way: dict[Path, Job] = {}
        self.lock = threading.Lock()
        self.preparing = threading.Lock()
        self.preparation: subprocess.Popen | None = None    # a silent one
        self.stopped = False
        self.compiler: list[str] = []
        self.command: list[str] = []
        self.library = Path()
        self.libraries: list[str] = []
        self.common_state = b""

    # --- once ---

    def prepare(self, wait=lambda text: None, silent: bool = False) -> None:
        """Compiler, common/ and the precompiled headers; wait(text) is told
        before what takes long. A silent one asks and prints nothing."""
        if not self.command and self.preparing.locked():
            wait("Still building common/ and the headers, once.")
        with self.preparing:
            if not self.command:
                self._prepare(wait, silent)

    def _prepare(self, wait, silent: bool) -> None:
        compiler, build = self._common(wait, silent)
        compiler = quicker(compiler)
        flags = ["-std=c++20", "-O0", *_quick_flags(compiler)]
        self.library = build / "common" / "libcommon.a"
        self.libraries = ["-pthread"]
        if _has_libkqueue(build):
            words = shlex.split(subprocess.run(
                ["pkg-config", "--cflags", "--libs", "libkqueue"],
                capture_output=True, text=True, check=True).stdout)
            flags += ["-DASYNCIO_LIBKQUEUE"]
            flags += [word for word in words if word.startswith("-I")]
            self.libraries += [word for word in words
                               if not word.startswith("-I")]
        header = self._system_header([*compiler, *flags], wait, silent)
        self.common_state = b"".join(
            path.read_bytes()
            for path in sorted((self.root / "common").glob("*.hpp")))
        self.compiler = compiler
        self.command = [*compiler, *flags, "-include", str(header)]

    def _common(self, wait, silent: bool) -> tuple[list[str], Path]:
        """The compiler, and the build folder that has common/'s library."""
        given = os.environ.get("BUILD_BIN")
        if given and (Path(given).parent / "common/libcommon.a").is_file():
            return (shlex.split(os.environ.get("CXX") or "c++"),
                    Path(given).resolve().parent)
        build = self.root / "build" / "release"
        library = build / "common" / "libcommon.a"
        known = self.root / "build" / ".ready"      # of scripts/lib/setup.sh
        if is_newer(library, self.root / "common") and known.is_file():
            compiler = os.environ.get("CXX") or known.read_text().split("\n")[0]
            return shlex.split(compiler), build
        if not library.is_file():
            wait("Building common/: only the first time it takes a while.")
        read, write = os.pipe()
        with os.fdopen(read) as reader:
            try:
                status = self._call(
                    ["sh", "-c", f'exec 3>&{write} {write}>&-\n{_PREPARE}'],
                    silent,
                    env={**os.environ, "root": str(self.root), "yes": ""},
                    pass_fds=[write])
            finally:
                os.close(write)
            compiler = reader.read().strip()
        if status or not compiler:
            raise Problem("common/ could not be built")
        return shlex.split(compiler), build

    def _call(self, command: list[str], silent: bool, **how) -> int:
        if not silent:
            return subprocess.run(command, **how).returncode
        with self.lock:
            if self.stopped:
                raise Problem("stopped")
            process = self.preparation = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True, **how)
        return process.wait()

    def _system_header(self, command: list[str], wait, silent: bool) -> Path:
        """A header with all <...> of the stages and common/, precompiled."""
        text = "\n".join(system_includes(self.root)) + "\n"
        version = subprocess.run([*command, "--version"], capture_output=True,
                                 text=True).stdout
        name = _digest(text, version, *command)
        header = self.folder.parent / "headers" / name / "system.hpp"
        compiled = header.with_name("system.hpp.gch")
        if not compiled.is_file():
            wait("Precompiling the systems' headers, once.")
            header.parent.mkdir(parents=True, exist_ok=True)
            write_text(header, text)
            made = compiled.with_name(f"{compiled.name}.{os.getpid()}")
            if self._call([*command, "-x", "c++-header", str(header),
                           "-o", str(made)], silent):
                raise Problem("the systems' headers do not compile")
            os.replace(made, compiled)
        return header

    # --- each time ---

    def compile(self, source: Path, folder: Path, name: str) -> Future:
        """A future of an Object; folder has the lesson's headers, name is the
        program's."""
        self.prepare()
        command = [*self.command, f'-DSTAGE_NAME="{name}"', f"-I{folder}",
                   f"-I{self.root}"]
        headers = [path for place in dict.fromkeys([folder, source.parent])
                   for path in sorted(place.glob("*.hpp"))]
        # Not by its folder: what moves is not compiled again.
        key = _digest(*command, self.common_state,
                      *(part for path in [source, *headers]
                        for part in (path.name, path.read_bytes())))
        path = self.folder / f"{key}.o"
        with self.lock:
            known = self.under_way.get(path)
            if not known or known.future.done() and (
                    known.future.exception()
                    or not known.future.result().good):
                job = self.under_way[path] = Job()
                job.future = self.pool.submit(
                    self._compile, job, command, source, folder, path)
            return self.under_way[path].future

    def _compile(self, job: Job, command: list[str], source: Path,
                 folder: Path, path: Path) -> Object:
        said = path.with_suffix(".txt")
        if said.is_file():
            os.utime(said)
            return Object(source, path, said.read_text(), path.is_file())
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"{path.name}.{os.getpid()}")
        status, output = self._run(
            job, [*command, "-c", str(source), "-o", str(made)], folder)
        output = output.replace(f"{folder}/", "")
        if status == 0:
            os.replace(made, path)
        if status == 0 or any(map(_ERROR.match, output.splitlines())):
            said.write_text(output)     # else it was interrupted
        return Object(source, path, output, status == 0)

    def _run(self, job: Job, command: list[str],
             folder: Path) -> tuple[int, str]:
        with self.lock:
            if job.ended:
                return 1, ""
            try:
                job.process = subprocess.Popen(
                    command, cwd=folder, stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    text=True, errors="replace", start_new_session=True)
            except OSError as error:
                raise Problem(f"cannot run the compiler: {error}") from error
        output, _ = job.process.communicate()
        return job.process.returncode, output

    def stop(self) -> None:
        """Ends what is under way: nobody is going to ask for it. Ctrl-C does
        not reach it, so whoever ends calls this."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.only([])
        with self.lock:
            self.stopped = True
            if self.preparation:
                end_group(self.preparation)

    def only(self, wanted: list[Future]) -> None:
        """Ends what else is under way or waits: the files have changed."""
        with self.lock:
            for path, job in list(self.under_way.items()):
                if not job.future.done() and job.future not in wanted:
                    del self.under_way[path]
                    job.end()

    def link(self, objects: list[Object], program: Path) -> None:
        program.parent.mkdir(parents=True, exist_ok=True)
        made = program.with_name(f"{program.name}.{os.getpid()}")
        parts = program.with_name(f".{program.name}.parts")
        wanted = "".join(f"{item.path}\n" for item in objects)
        wanted += f"{self.library} {self.library.stat().st_mtime_ns}\n"
        if (program.is_file() and parts.is_file()
                and parts.read_text() == wanted):
            return
        done = subprocess.run(
            [*self.compiler, *(str(item.path) for item in objects),
             str(self.library), *self.libraries, "-o", str(made)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace")
        if done.returncode:
            raise Problem("does not link:\n" + done.stdout)
        os.replace(made, program)   # the old one may be running
        parts.write_text(wanted)
        self._forget_old()

    def _forget_old(self) -> None:
        paths = sorted(self.folder.glob("*.txt"), reverse=True,
                       key=lambda path: path.stat().st_mtime)
        for path in paths[KEPT:]:
            path.unlink(missing_ok=True)
            path.with_suffix(".o").unlink(missing_ok=True)


def made_by(futures: list[Future], tell: bool = True) -> list[Object]:
    """What they become; says so if that takes a while."""
    _, late = wait(futures, timeout=SILENCE)
    if late and tell and sys.stderr.isatty():
        print("compiling ...", file=sys.stderr, flush=True)
    return [future.result() for future in futures]


def is_newer(made: Path, folder: Path) -> bool:
    """Whether a file was made after all that is in a folder."""
    return made.is_file() and all(
        path.stat().st_mtime <= made.stat().st_mtime
        for path in folder.iterdir())


def quicker(compiler: list[str]) -> list[str]:
    """clang, where there is one that can: it takes half the time of g++."""
    clang = shutil.which("clang++")
    if os.environ.get("CXX") or not clang:
        return compiler
    try:
        done = subprocess.run(
            [clang, "-std=c++20", "-x", "c++", "-", "-o", os.devnull],
            input="#include <coroutine>\n#include <string>\n"
                  "std::coroutine_handle<> handle; std::string text;\n"
                  "int main() {}\n",
            text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return compiler
    return compiler if done.returncode else [clang]


def _quick_flags(compiler: list[str]) -> list[str]:
    """g++ need not make a function of each std::move: a fifth less to do."""
    fold = "-ffold-simple-inlines"
    done = subprocess.run([*compiler, fold, "-E", "-x", "c++", os.devnull],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    return [] if done.returncode else [fold]


def _has_libkqueue(build: Path) -> bool:
    commands = build / "compile_commands.json"
    return commands.is_file() and any(
        "-DASYNCIO_LIBKQUEUE" in entry.get("command", "")
        for entry in json.loads(read_text(commands)))


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(
            part, str) else part
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:24]


def system_includes(root: Path) -> list[str]:
    """The lines `#include <...>` of stages and common/ that any system can
    follow."""
    includes: set[str] = set()
    for pattern in ("stages/*/*.[hc]pp", "common/*.hpp"):
        for path in root.glob(pattern):
            includes |= set(re.findall(r"^#include <\S+>$", read_text(path),
                                       re.M))
    return sorted(include for include in includes
                  if not re.search("epoll|event|doctest", include))


_ERROR = re.compile(r"^\S.*?:\d+(?::\d+)?: (?:fatal )?error: ")


def first_errors(output: str) -> str:
    """The first errors, each with the line that it is about."""
    lines = output.splitlines()
    places = [number for number, line in enumerate(lines)
              if _ERROR.match(line)]
    shown = []
    for place in places[:SHOWN_ERRORS]:
        shown.append(lines[place])
        for line in lines[place + 1:place + 3]:
            if not line.startswith(" "):
                break
            shown.append(line)
    if len(places) > SHOWN_ERRORS:
        shown.append(f"... and {len(places) - SHOWN_ERRORS} more")
    return "\n".join(shown or lines[:12])
