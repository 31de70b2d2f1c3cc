"""Carries an edit of one stage through all later stages.

File by file, by three-way merge: what has changed in stage NN since HEAD is
merged into the next stage; what has changed there, into the one after. What is
written about a stage (*.md) and its tests/ are its own and not carried.

Nothing is kept between two calls. After a conflict: edit the marked places, then
call it again. After another edit of NN: the same. To give up: git checkout.
"""
from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .differences import changed_ranges
from .stages import find_stages, is_lesson, pick_stage
from .terminal import SCRIPTS, Problem, new_parser, root_of

MARKERS = (b"<<<<<<< ", b"||||||| ", b">>>>>>> ")


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    carry = Carry(root_of(options), options)
    first = pick_stage(find_stages(carry.root), options.stage).name
    later = carry.stages[carry.stages.index(first):]
    if not carry.changed(first):
        print(f"{first}: nothing has changed since {options.base}; to carry"
              " what is committed already: --base COMMIT~1")
        return 0
    print(f"{first}: {', '.join(sorted(carry.changed(first)))} changed")
    for old, new in zip(later, later[1:]):
        if not carry.succeeds("cat-file", "-e", f"{options.base}:stages/{old}"):
            print(f"{old}: is not in {options.base}, so it ends here")
            break
        if not carry.step(old, new):
            return 1
    return 0 if options.dry_run else run_checks(carry, later)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("stage", metavar="NN",
                        help="the stage that was edited")
    parser.add_argument("--base", metavar="REV", default="HEAD",
                        help="a commit in which NN was in step with the later"
                             " stages (default: HEAD)")
    parser.add_argument("--new", action="store_true",
                        help="also copy new files that are no lesson files")
    parser.add_argument("--dry-run", action="store_true",
                        help="only say what would change")
    parser.add_argument("--no-test", action="store_true",
                        help="do not run the tests at the end")
    return parser.parse_args(arguments)


@dataclass
class Merged:
    content: bytes
    conflict: bool
    note: str = ""


def merge(ours: bytes, base: bytes, theirs: bytes, *options: str) -> Merged:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("later", "before", "now")]
        for path, content in zip(paths, (ours, base, theirs)):
            path.write_bytes(content)
        labels = ["-L", "this stage", "-L", "the stage before, as it was",
                  "-L", "the stage before, now"]
        done = subprocess.run(
            ["git", "merge-file", "-p", "--diff3", *labels, *options, *paths],
            capture_output=True)
    if done.returncode > 127:
        raise Problem(f"git merge-file: {done.stderr.decode().strip()}")
    return Merged(done.stdout, done.returncode > 0)


class Carry:
    def __init__(self, root: Path, options: argparse.Namespace) -> None:
        self.root = root
        self.options = options
        self.stages = [stage.name for stage in find_stages(root)]
        self.written: dict[str, bytes] = {}     # by path below the root
        self.git("rev-parse", "--verify", f"{options.base}^{{commit}}")

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

    def changed(self, stage: str) -> set[str]:
        """Which files of the stage, by path within it, are not the base's."""
        top = f"stages/{stage}"
        listed = self.git("diff", "--name-only", "--no-renames", "-z",
                          self.options.base, "--", top)
        listed += self.git("ls-files", "--others", "--exclude-standard", "-z",
                           "--", top)
        paths = {*listed.decode("utf-8", "surrogateescape").split("\0"),
                 *self.written}
        names = {path.removeprefix(f"{top}/") for path in paths
                 if path.startswith(f"{top}/")}
        return {name for name in names if not name.startswith("tests/")
                and Path(name).suffix != ".md"}

    def before(self, path: str) -> bytes | None:
        revision = f"{self.options.base}:{path}"
        return (self.git("cat-file", "blob", revision)
                if self.succeeds("cat-file", "-e", revision) else None)

    def now(self, path: str) -> bytes | None:
        if path in self.written:
            return self.written[path]
        file = self.root / path
        return file.read_bytes() if file.is_file() else None

    def write(self, path: str, content: bytes) -> None:
        self.written[path] = content
        if not self.options.dry_run:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(content)

    def step(self, old: str, new: str) -> bool:
        """From one stage into the next; False if that is not possible."""
        said, notes, conflicts = [], [], []
        for name in sorted(self.changed(old)):
            target = f"stages/{new}/{name}"
            base, theirs, ours = (self.before(f"stages/{old}/{name}"),
                                  self.now(f"stages/{old}/{name}"),
                                  self.now(target))
            if theirs is None:
                if ours is not None:
                    notes.append(f"{name} is gone from {old}: not removed here")
            elif ours is None:
                if base is None and (is_lesson(name) or self.options.new):
                    self.write(target, theirs)
                    said.append(f"{name} copied")
                elif base is None:
                    notes.append(f"{name} is new in {old}:"
                                 " not copied without --new")
            else:
                merged = self.merged(target, base or b"", theirs, ours)
                if merged.conflict:
                    conflicts.append(target)
                if merged.content != ours:
                    self.write(target, merged.content)
                    said.append(f"{name} {difference(ours, merged.content)}"
                                + merged.note)
        print(f"{new}: {', '.join(said) or 'nothing changes'}",
              *notes, sep="\n  ")
        if conflicts:
            print(f"carry: conflicts in {', '.join(conflicts)}: edit the marked"
                  " places, then call it again", file=sys.stderr)
        return not conflicts

    def merged(self, target: str, base: bytes, theirs: bytes,
               ours: bytes) -> Merged:
        if any(line.startswith(MARKERS) for line in ours.split(b"\n")):
            raise Problem(f"conflict markers are left in {target}")
        merged = merge(ours, base, theirs)
        original = self.before(target)
        if not merged.conflict or original in (None, ours):
            return merged
        # An earlier call has been here. Where it met a conflict, somebody has
        # resolved that; where it met none, what it wrote is out of date.
        if merge(original, base, theirs).conflict:
            return merge(ours, base, theirs, "--ours")
        merged = merge(ours, base, theirs, "--theirs")
        merged.note = (" (over what had changed there since"
                       f" {self.options.base})")
        return merged


def difference(old: bytes, new: bytes) -> str:
    ranges = changed_ranges(*(text.decode("utf-8", "surrogateescape")
                              .split("\n") for text in (old, new)))
    return (f"+{sum(j2 - j1 for _, _, j1, j2 in ranges)}"
            f" -{sum(i2 - i1 for i1, i2, _, _ in ranges)}")


def run_checks(carry: Carry, stages: list[str]) -> int:
    """Of the stage and those that it has changed."""
    changed = [stage[:2] for stage in stages if stage == stages[0]
               or any(path.startswith(f"stages/{stage}/")
                      for path in carry.written)]
    option = f"--root={carry.root}"
    commands = [[SCRIPTS / "maintain" / "walkthrough", "refresh", option,
                 *(stage[:2] for stage in stages)],
                [SCRIPTS / "maintain" / "purity", option]]
    if not carry.options.no_test:
        commands.append([carry.root / "scripts" / "test",
                         "--stages", ",".join(changed)])
    failed = []
    for path, *arguments in commands:
        words = [word for word in arguments if word != option]
        print("==", path.name, *words, flush=True)
        if subprocess.run([path, *arguments]).returncode:
            failed.append(path.name)
    if failed:
        print("carry: the edit is carried, but these checks fail:"
              f" {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0
