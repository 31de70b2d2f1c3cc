"""How source files become a program while somebody waits: not optimised, the
systems' headers compiled once, common/ compiled once, what changed compiled in
parallel, and what did not change not at all.
"""
from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from .stages import read_text, write_text
from .terminal import Problem

KEPT = 300                      # objects; the oldest go
SHOWN_ERRORS = 3
SILENCE = 2.0                   # seconds after which it is said what goes on


# --- what others share -----------------------------------------------------

# Prints folder and compiler on fd 3; what is built and asked goes to the
# terminal.
_BUILD = r"""
root=$1 yes=
shift
exec 3>&1 >&2
. "$root/scripts/lib/setup.sh"
need_tools
folder=${tested_dir:-$build_dir/release}
configure_plain "$folder" Release || exit 1
build "$folder" "what is needed" "$@" || exit 1
printf '%s\n' "$folder" "$CXX" >&3
"""


def build(root: Path, *targets: str) -> tuple[Path, list[str]]:
    """Builds targets, installs what is missing after asking. Returns in which
    folder, and the compiler."""
    done = subprocess.run(["sh", "-c", _BUILD, Path(sys.argv[0]).name, root,
                           *targets], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Problem(f"could not build {', '.join(targets)}")
    folder, compiler = done.stdout.splitlines()
    return Path(folder), shlex.split(compiler)


def precompiled(command: list[str], root: Path, folder: Path,
                *more: str, tell=lambda text: None) -> list[str]:
    """The options that put all headers <...> of the stages and common/ (and
    more) before a source file, compiled once for this compiler command. So a
    file that lacks an #include may compile."""
    includes = set(more)
    for pattern in ("stages/*/*.[hc]pp", "stages/*/tests/*.cpp",
                    "common/*.hpp"):
        for path in root.glob(pattern):
            includes |= set(re.findall(r"^#include (<\S+>)$", read_text(path),
                                       re.M))
    includes -= {"<doctest/doctest.h>"} - set(more)
    text = "".join(
        f"#if __has_include({name})\n#include {name}\n#endif\n"
        for name in sorted(includes))
    version = subprocess.run([*command, "--version"], capture_output=True,
                             text=True).stdout
    header = folder / digest(text, version, *command) / "system.hpp"
    compiled = header.with_name("system.hpp.gch")
    header.parent.mkdir(parents=True, exist_ok=True)
    # Somebody else may be making the same: clang refuses what was compiled of
    # a header that has been written again since.
    with open(header.with_name("lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not compiled.is_file():
            tell("Precompiling the systems' headers, once.")
            write_text(header, text)
            made = compiled.with_name("system.hpp.made")
            done = subprocess.run(
                [*command, "-x", "c++-header", str(header), "-o", str(made)],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace")
            if done.returncode:
                raise Problem("the systems' headers do not compile:\n"
                              + done.stdout)
            os.replace(made, compiled)
    return ["-include", str(header)]


def digest(*parts: str | bytes) -> str:
    result = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(
            part, str) else part
        result.update(b"%d:" % len(data) + data)
    return result.hexdigest()[:24]


# --- for live and quiz -----------------------------------------------------

@dataclass(frozen=True)
class Object:
    """What became of a source file."""
    source: Path
    path: Path
    output: str                 # what the compiler said
    good: bool


class Compiler:
    """Compiles below root/build/live; needs nothing until it is asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "build" / "live" / "objects"
        self.pool = ThreadPoolExecutor(max(os.cpu_count() or 2, 2))
        self.compiler: list[str] = []
        self.command: list[str] = []
        self.library = Path()
        self.libraries: list[str] = []
        self.common_state = b""

    # --- once ---

    def is_near(self) -> bool:
        """Whether common/ is built, so that prepare() is quick."""
        given = os.environ.get("BUILD_BIN")
        folder = (Path(given).parent if given
                  else self.root / "build" / "release")
        return (folder / "common" / "libcommon.a").is_file()

    def prepare(self, tell=lambda text: None) -> None:
        """Compiler, common/ and the precompiled headers; tell(text) is called
        before what takes long."""
        if self.command:
            return
        folder, compiler = self._common(tell)
        compiler = quicker(compiler)
        flags = ["-std=c++20", "-O0", *_quick_flags(compiler)]
        self.library = folder / "common" / "libcommon.a"
        self.libraries = ["-pthread"]
        if _has_libkqueue(folder):
            words = shlex.split(subprocess.run(
                ["pkg-config", "--cflags", "--libs", "libkqueue"],
                capture_output=True, text=True, check=True).stdout)
            flags += ["-DASYNCIO_LIBKQUEUE"]
            flags += [word for word in words if word.startswith("-I")]
            self.libraries += [word for word in words
                               if not word.startswith("-I")]
        self.common_state = b"".join(
            path.read_bytes()
            for path in sorted((self.root / "common").glob("*.hpp")))
        self.compiler = compiler
        self.command = [*compiler, *flags, *precompiled(
            [*compiler, *flags], self.root,
            self.folder.with_name("headers"), tell=tell)]

    def _common(self, tell) -> tuple[Path, list[str]]:
        """The build folder that has common/'s library, and the compiler."""
        given = os.environ.get("BUILD_BIN")
        if given and (Path(given).parent / "common/libcommon.a").is_file():
            return (Path(given).resolve().parent,
                    shlex.split(os.environ.get("CXX") or "c++"))
        folder = self.root / "build" / "release"
        library = folder / "common" / "libcommon.a"
        known = self.root / "build" / ".ready"      # of scripts/lib/setup.sh
        if is_newer(library, self.root / "common") and known.is_file():
            compiler = os.environ.get("CXX") or known.read_text().split("\n")[0]
            return folder, shlex.split(compiler)
        if not library.is_file():
            tell("Building common/: only the first time it takes a while.")
        return build(self.root, "common")

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
        key = digest(*command, self.common_state,
                     *(part for path in [source, *headers]
                       for part in (path.name, path.read_bytes())))
        return self.pool.submit(self._compile, command, source, folder,
                                self.folder / f"{key}.o")

    def _compile(self, command: list[str], source: Path, folder: Path,
                 path: Path) -> Object:
        said = path.with_suffix(".txt")
        if said.is_file():
            os.utime(said)
            return Object(source, path, said.read_text(), path.is_file())
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            done = subprocess.run(
                [*command, "-c", str(source), "-o", str(made)], cwd=folder,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace")
        except OSError as error:
            raise Problem(f"cannot run the compiler: {error}") from error
        output = done.stdout.replace(f"{folder}/", "")
        good = done.returncode == 0
        if good:
            os.replace(made, path)
        if good or any(map(_ERROR.match, output.splitlines())):
            said.write_text(output)     # else it was interrupted
        return Object(source, path, output, good)

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
