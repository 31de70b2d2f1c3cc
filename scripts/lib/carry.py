"""Carries an edit of one stage through all later stages.

File by file, by three-way merge: what changed in stage NN since it was last
carried is merged into the next stage; what that changed there, into the one
after. README.md and tests/ are each stage's own and not carried.

The base, NN as last carried, is what the last carry left (kept in the git
folder) or else HEAD. So an edit may be committed before or after it is
carried. After a conflict: edit the marked places, then `carry --continue`.
"""
from __future__ import annotations

import argparse
import difflib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from .stages import find_stages, is_lesson, pick_stage
from .terminal import SCRIPTS, Problem, plural, root_of, root_option

Files = dict[str, bytes]        # by path, from stages/ or from a stage's folder
MARKERS = (b"<<<<<<< ", b"||||||| ", b">>>>>>> ")


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    repository = Repository(root_of(options))
    if options.abort:
        return abort(repository)
    if options.resume:
        carry = resumed(repository)
    else:
        carry = started(repository, options)
        if not carry:
            return 0
    if not carry.proceed(options.dry_run):
        return 1
    if options.dry_run:
        return 0
    carry.remember()
    return run_checks(repository.root, carry, options.no_test)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, parents=[root_option()],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("stage", nargs="?", metavar="NN",
                      help="the stage that was edited")
    what.add_argument("--continue", dest="resume", action="store_true",
                      help="go on after the conflicts are resolved")
    what.add_argument("--abort", action="store_true",
                      help="undo all that this carry changed in later stages")
    parser.add_argument("--base", metavar="REV",
                        help="the commit in which NN was last in step with"
                             " the later stages")
    parser.add_argument("--new", action="store_true",
                        help="also copy new files that are no lesson files")
    parser.add_argument("--dry-run", action="store_true",
                        help="only say what would change")
    parser.add_argument("--no-test", action="store_true",
                        help="do not run the tests at the end")
    options = parser.parse_args(arguments)
    if not options.stage and (options.base or options.new or options.dry_run):
        parser.error("--base, --new and --dry-run need a stage")
    return options


# --- files and git ---------------------------------------------------------

def of_stage(files: Files, stage: str) -> Files:
    """The files of a stage that are carried, by path within the stage."""
    names = {path: path.removeprefix(f"{stage}/") for path in files
             if path.startswith(f"{stage}/")}
    return {name: files[path] for path, name in names.items()
            if not name.startswith("tests/")
            and Path(name).name != "README.md"}


def write_files(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def pack(path: Path, files: Files, comment: str = "") -> None:
    """Keeps files in one file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment.encode()
        for name, content in files.items():
            archive.writestr(name, content)
    unfinished.replace(path)


def unpack(path: Path) -> tuple[Files, str]:
    with zipfile.ZipFile(path) as archive:
        return ({name: archive.read(name) for name in archive.namelist()},
                archive.comment.decode())


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.stages = [stage.name for stage in find_stages(root)]
        path = self.git("rev-parse", "--git-path", "carry").strip()
        self.store = root / path.decode()
        self.running = self.store / "running"   # a carry that has stopped
        self.last = self.store / "last.zip"     # what the last one left

    def git(self, *arguments: str) -> bytes:
        done = subprocess.run(["git", "-C", str(self.root), *arguments],
                              capture_output=True)
        if done.returncode:
            lines = done.stderr.decode(errors="replace").splitlines()
            raise Problem(f"git {arguments[0]}: {' '.join(lines[:1])}")
        return done.stdout

    def succeeds(self, *arguments: str) -> bool:
        return not subprocess.run(["git", "-C", str(self.root), *arguments],
                                  capture_output=True).returncode

    def commit(self, revision: str) -> str:
        """Its hash; empty when there is no such commit."""
        try:
            return self.git("rev-parse", "--verify", "--quiet",
                            f"{revision}^{{commit}}").decode().strip()
        except Problem:
            return ""

    def before_last_commit(self, stage: str) -> str:
        """The revision before the last commit that changed the stage."""
        last = self.commit("HEAD") and self.git(
            "log", "-1", "--format=%h", "--", f"stages/{stage}").decode()
        return f"{last.strip()}~1" if last else "REV"

    def files_at(self, commit: str) -> Files:
        if not self.git("ls-tree", "--name-only", commit, "stages"):
            return {}
        archive = io.BytesIO(self.git("archive", commit, "stages"))
        with tarfile.open(fileobj=archive) as tar:
            return {member.name.removeprefix("stages/"):
                    tar.extractfile(member).read()
                    for member in tar if member.isfile()}

    def files(self) -> Files:
        """The files in the folder stages/ that git does not ignore."""
        names = self.git("ls-files", "-z", "--cached", "--others",
                         "--exclude-standard", "--", "stages").decode(
                             "utf-8", "surrogateescape").split("\0")
        paths = [self.root / name for name in sorted(set(names)) if name]
        return {path.relative_to(self.root / "stages").as_posix():
                path.read_bytes() for path in paths if path.is_file()}


@dataclass
class Base:
    """What all stages were when they were last in step."""
    files: Files
    labels: dict[str, str]      # by stage, where its files are from


def default_base(repository: Repository) -> Base:
    """For each stage what the last carry left, else HEAD's version.

    The last carry does not count when it was done on another branch.
    """
    base = Base({}, {})
    head = repository.commit("HEAD")
    if head:
        add_to(base, repository.files_at(head), f"HEAD ({head[:7]})")
    if repository.last.is_file():
        files, commit = unpack(repository.last)
        if not commit or head and repository.succeeds(
                "merge-base", "--is-ancestor", commit, head):
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(
                repository.last.stat().st_mtime))
            add_to(base, files, f"the last carry ({when}, on"
                                f" {commit[:7] or 'no commit'})")
    return base


def add_to(base: Base, files: Files, label: str) -> None:
    """Takes the stages in files instead of those that base has."""
    stages = {path.split("/")[0] for path in files}
    base.files = {path: content for path, content in base.files.items()
                  if path.split("/")[0] not in stages} | files
    base.labels.update((stage, label) for stage in stages)


# --- merging ---------------------------------------------------------------

@dataclass
class Merged:
    content: bytes
    conflict: bool = False


def merge(ours: bytes, base: bytes, theirs: bytes,
          labels: tuple[str, str, str] = ("ours", "base", "theirs")) -> Merged:
    if base == theirs or ours == theirs:
        return Merged(ours)
    if ours == base:
        return Merged(theirs)
    if b"\0" in ours + base + theirs:
        return Merged(ours, conflict=True)
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), {"1": ours, "2": base, "3": theirs})
        done = subprocess.run(
            ["git", "merge-file", "-p", "--diff3", "-L", labels[0],
             "-L", labels[1], "-L", labels[2], "1", "2", "3"],
            cwd=folder, capture_output=True)
    if done.returncode > 127:
        raise Problem(f"git merge-file: {done.stderr.decode().strip()}")
    return Merged(done.stdout, conflict=done.returncode > 0)


@dataclass
class Step:
    """What carrying changes in one stage."""
    files: Files = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def carry_step(old: Files, new: Files, target: Files, with_new: bool,
               names: tuple[str, str]) -> Step:
    """Merges what leads from old to new, of one stage, into the next one's
    target."""
    source, next_stage = names
    labels = next_stage, f"{source} before", f"{source} now"
    step = Step()
    for name in sorted(new):
        if new[name] == old.get(name):
            continue
        if name in target:
            merged = merge(target[name], old.get(name, b""), new[name], labels)
            if merged.content != target[name] or merged.conflict:
                step.files[name] = merged.content
            if merged.conflict:
                step.conflicts.append(name)
        elif name not in old:
            if is_lesson(name) or with_new:
                step.files[name] = new[name]
            else:
                step.notes.append(f"{name} is new in {source}:"
                                  " not copied without --new")
    step.notes += [f"{name} is gone from {source}: not removed here"
                   for name in sorted(old.keys() - new.keys())
                   if name in target]
    return step


# --- a carry ---------------------------------------------------------------

@dataclass
class Carry:
    repository: Repository
    stage: str                  # whose edit is carried
    base: Base
    origin: Files               # all stages, but the edited one as last carried
    before: Files               # all stages, when the carry began
    with_new: bool
    at: str                     # the last stage that is done
    touched: list[str] = field(default_factory=list)

    def later(self, stage: str) -> list[str]:
        stages = self.repository.stages
        return stages[stages.index(stage) + 1:]

    def proceed(self, dry_run: bool = False) -> bool:
        """Carries on from self.at; False when it stops at a conflict."""
        now = self.repository.files()
        for stage in self.later(self.at):
            step = carry_step(
                of_stage(self.origin, self.at), of_stage(now, self.at),
                of_stage(now, stage), self.with_new, (self.at, stage))
            self.tell(stage, step, of_stage(now, stage))
            changed = {f"{stage}/{name}": content
                       for name, content in step.files.items()}
            now.update(changed)
            self.at = stage
            if not dry_run:
                self.touched += changed
                self.save()
                write_files(self.repository.root / "stages", changed)
            if step.conflicts:
                self.tell_conflicts(stage, step.conflicts, dry_run)
                return False
        return True

    def tell(self, stage: str, step: Step, target: Files) -> None:
        parts = [f"{name} {what_changed(target.get(name), content)}"
                 for name, content in step.files.items()
                 if name not in step.conflicts]
        parts += [f"{name} CONFLICT" for name in step.conflicts]
        print(f"{stage}: {', '.join(parts) or 'nothing changes'}")
        for note in step.notes:
            print(f"  {note}")
        known = of_stage(self.base.files, stage)
        if known and known != of_stage(self.before, stage):
            print(f"  it has other changes since {self.base.labels[stage]}:"
                  f" `carry {stage[:2]}` carries those")

    def tell_conflicts(self, stage: str, names: list[str],
                       dry_run: bool) -> None:
        files = ", ".join(f"stages/{stage}/{name}" for name in names)
        if dry_run:
            print(f"carry: would stop at conflicts in {files}",
                  file=sys.stderr)
        else:
            print(f"carry: conflicts in {files}: edit the marked places, then"
                  " scripts/maintain/carry --continue (or --abort)",
                  file=sys.stderr)

    # On disk, so that --continue and --abort know what has been done.

    def save(self) -> None:
        folder = self.repository.running
        if not folder.is_dir():
            pack(folder / "origin.zip", self.origin)
            pack(folder / "before.zip", self.before)
            pack(folder / "base.zip", self.base.files)
        (folder / "state.json").write_text(json.dumps({
            "stage": self.stage, "at": self.at, "with_new": self.with_new,
            "touched": self.touched, "labels": self.base.labels}))

    def remember(self) -> None:
        """Notes that the edited stage is in step with the later ones now.

        Edits that a later stage had of its own stay to be carried: there the
        base moves by the carried change only.
        """
        now = self.repository.files()
        known = {path: content for path, content in self.base.files.items()
                 if not path.startswith(f"{self.stage}/")}
        for path, content in now.items():
            stage = path.split("/")[0]
            if stage == self.stage or stage not in self.base.labels:
                known[path] = content
            elif path in self.touched:
                known[path] = self.moved_base(path, content)
        pack(self.repository.last, known, self.repository.commit("HEAD"))
        shutil.rmtree(self.repository.running, ignore_errors=True)

    def moved_base(self, path: str, now: bytes) -> bytes:
        before, base = self.before.get(path), self.base.files.get(path)
        if before is None or base is None:
            return now
        merged = merge(base, before, now)
        return base if merged.conflict else merged.content


def what_changed(old: bytes | None, new: bytes) -> str:
    if old is None:
        return "copied"
    one, other = old.split(b"\n"), new.split(b"\n")
    same = sum(block.size for block in difflib.SequenceMatcher(
        None, one, other, autojunk=False).get_matching_blocks())
    return f"+{len(other) - same} -{len(one) - same}"


def started(repository: Repository, options: argparse.Namespace
            ) -> Carry | None:
    """A new carry; None when there is nothing to carry."""
    stage = pick_stage(find_stages(repository.root), options.stage).name
    if (repository.running / "state.json").is_file():
        raise Problem("a carry has stopped at a conflict:"
                      " --continue or --abort it first")
    shutil.rmtree(repository.running, ignore_errors=True)
    base = default_base(repository)
    origin = Base(dict(base.files), dict(base.labels))
    if options.base:
        commit = repository.commit(options.base)
        if not commit:
            raise Problem(f"no commit {options.base}")
        origin.labels.pop(stage, None)
        add_to(origin, repository.files_at(commit),
               f"{options.base} ({commit[:7]})")
    if stage not in origin.labels:
        raise Problem(f"{stage} as last carried is not known: it is not in"
                      f" {options.base or 'HEAD'}; name a commit by --base")
    before = repository.files()
    print(f"base: {origin.labels[stage]}")
    old, new = of_stage(origin.files, stage), of_stage(before, stage)
    edited = sorted(name for name in old.keys() | new.keys()
                    if old.get(name) != new.get(name))
    if not edited:
        print(f"{stage}: nothing has changed since; another base can be named:"
              f" --base {repository.before_last_commit(stage)}")
        return None
    if stage == repository.stages[-1]:
        print(f"{stage}: is the last stage")
        return None
    print(f"{stage}: {', '.join(edited)} changed")
    mixed = Base(dict(before), {})
    add_to(mixed, {path: content for path, content in origin.files.items()
                   if path.startswith(f"{stage}/")}, "")
    return Carry(repository, stage, base, mixed.files, before, options.new,
                 at=stage)


def read_state(repository: Repository) -> dict:
    path = repository.running / "state.json"
    if not path.is_file():
        raise Problem("no carry is under way")
    return json.loads(path.read_text())


def resumed(repository: Repository) -> Carry:
    state = read_state(repository)
    marked = [path for path in state["touched"]
              if has_markers(repository.root / "stages" / path)]
    if marked:
        files = ", ".join(f"stages/{path}" for path in marked)
        raise Problem(f"conflict markers are left in {files}")
    folder = repository.running
    return Carry(
        repository, state["stage"],
        Base(unpack(folder / "base.zip")[0], state["labels"]),
        unpack(folder / "origin.zip")[0], unpack(folder / "before.zip")[0],
        state["with_new"], state["at"], state["touched"])


def has_markers(path: Path) -> bool:
    return path.is_file() and any(
        line.startswith(MARKERS) or line.rstrip() == b"======="
        for line in path.read_bytes().split(b"\n"))


def abort(repository: Repository) -> int:
    state = read_state(repository)
    before, _ = unpack(repository.running / "before.zip")
    for name in state["touched"]:
        path = repository.root / "stages" / name
        if name in before:
            write_files(repository.root / "stages", {name: before[name]})
        else:
            path.unlink(missing_ok=True)
            remove_empty(path.parent, repository.root / "stages")
    shutil.rmtree(repository.running)
    print(f"{plural(len(set(state['touched'])), 'file')} restored;"
          f" the edit in {state['stage']} is kept")
    return 0


def remove_empty(folder: Path, top: Path) -> None:
    while folder.parent != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def run_checks(root: Path, carry: Carry, no_test: bool) -> int:
    later = [carry.stage, *carry.later(carry.stage)]
    changed = [stage[:2] for stage in later if stage == carry.stage
               or any(path.startswith(f"{stage}/") for path in carry.touched)]
    option = f"--root={root}"
    commands = [
        [SCRIPTS / "maintain" / "walkthrough", "refresh", option,
         *(stage[:2] for stage in later)],
        [SCRIPTS / "maintain" / "purity", option],
    ]
    if not no_test:
        commands.append(
            [root / "scripts" / "test", "--stages", ",".join(changed)])
    failed = []
    for path, *arguments in commands:
        print(f"== {path.name} {' '.join(arguments)}".replace(option + " ", "")
              .replace(f" {option}", ""), flush=True)
        try:
            failing = subprocess.run([path, *arguments]).returncode
        except OSError as error:
            raise Problem(f"cannot run {path}: {error.strerror}") from error
        if failing:
            failed.append(path.name)
    if failed:
        print(f"carry: the edit is carried, but not all is well:"
              f" {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0
