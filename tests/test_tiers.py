# ctest: ci once timeout=300
"""Which tests are in which tier; a proof sees all that goes into it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import proofs
import support
from support import BUILD_BIN, ROOT, call

sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True
from lib.book import read_book


def names(*words):
    """The tests of the build under test."""
    words = ["ctest", "--test-dir", BUILD_BIN.parent, *words]
    status, out, err = call(*words, "--show-only=json-v1")
    if status != 0:
        raise AssertionError(err)
    return {test["name"] for test in json.loads(out)["tests"]}


class TiersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.user = names()
        cls.ci = names("-C", "ci")
        cls.every = names("-C", "every")
        cls.numbers = [stage.number for stage in support.stages()]

    def test_each_has_what_those_before_it_have(self):
        self.assertLess(self.user, self.ci)
        # CI's build lacks what is left to --all: see test_earlier_ideas.
        self.assertLessEqual(self.ci, self.every)

    def test_a_user_tries_every_idea(self):
        for stage in support.stages():
            for file in stage.folder.glob("tests/*.cpp"):
                self.assertIn(f"{stage.number}.{file.stem}", self.user)

    def test_earlier_ideas(self):
        """Against the last stage; of --all against each. In CI, the build with
        ASan has them."""
        def earlier(tests):
            return sorted(name[:2] for name in tests
                          if name.endswith(".earlier_ideas"))

        build = BUILD_BIN.parent
        cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
        if "ASYNCIO_EARLIER_IDEAS:BOOL=OFF" in cache:
            self.assertEqual(earlier(self.every), [])
            asan = build.with_name(build.name.replace("ci", "asan-ci", 1))
            out = call("ctest", "--test-dir", asan, "-N")[1]
            self.assertIn(f"asan.{self.numbers[-1]}.earlier_ideas", out)
            return
        self.assertEqual(earlier(self.user), self.numbers[-1:])
        self.assertEqual(earlier(self.ci), self.numbers[-1:])
        # What 01 promises sees the same headers in 02.
        self.assertEqual(earlier(self.every), self.numbers[2:])

    def test_races_are_looked_for_in_ci(self):
        """In the run that this is a part of, and the canary's race, too."""
        build = BUILD_BIN.parent
        if not build.name.startswith("ci"):
            self.skipTest("not CI's build, which has one with TSan beside it")
        # scripts/test has listed there what it runs.
        run = build.parent / "CTestTestfile.cmake"
        trees = re.findall(r'^subdirs\("(.+)"\)$',
                           run.read_text(encoding="utf-8"), re.M)
        tsan = build.with_name(f"tsan-{build.name}")
        self.assertIn(str(tsan), trees)
        status, out, err = call("ctest", "--test-dir", tsan, "-C", "ci",
                                "--show-only=json-v1")
        self.assertEqual(status, 0, err)
        tests = {test["name"]: test for test in json.loads(out)["tests"]}
        canary = tests["tsan.finds_a_race"]
        self.assertEqual(Path(canary["command"][0]).name, "race")
        properties = {each["name"]: each["value"]
                      for each in canary["properties"]}
        self.assertIn("ThreadSanitizer: data race",
                      properties["PASS_REGULAR_EXPRESSION"][0])
        self.assertNotIn("DISABLED", properties)
        self.assertIn("tsan.stress", tests)
        for file in next(stage for stage in support.stages()
                         if stage.number == "12").folder.glob("tests/*.cpp"):
            self.assertIn(f"tsan.12.{file.stem}", tests)

    def test_a_user_runs_the_book_s_commands(self):
        wanted = {f"book.{number}" for number in [*self.numbers, "rest"]}
        self.assertEqual(
            {name for name in self.user if name.startswith("book.")}, wanted)

    def test_what_is_left_to_ci(self):
        beyond = self.ci - self.user
        for stage in support.stages():
            for file in stage.folder.glob("pitfalls/*.cpp"):
                self.assertIn(f"{stage.number}.pitfall.{file.stem}", beyond)
            self.assertIn(f"book.{stage.number}.beats", beyond)
        for name in ("parity", "headers", "readmes", "links", "homework",
                     "slides", "command_line", "servers.others"):
            self.assertIn(f"test_{name}", beyond)
        for file in (ROOT / "tests" / "scripts").glob("test_*.py"):
            self.assertIn(f"scripts.{file.stem}", beyond)

    def test_no_test_file_is_forgotten(self):
        for file in (ROOT / "tests").rglob("test_*.py"):
            name = file.relative_to(ROOT / "tests").with_suffix("")
            self.assertIn(".".join(name.parts), self.ci)

    def test_a_user_s_servers_are_those_of_02_and_of_the_last(self):
        status, out, _ = call("ctest", "--test-dir", BUILD_BIN.parent,
                              "--show-only=json-v1", "-C", "ci")
        stages = {}
        for test in json.loads(out)["tests"]:
            for each in test["properties"]:
                if each["name"] == "ENVIRONMENT":
                    for text in each["value"]:
                        if text.startswith("STAGES="):
                            stages[test["name"]] = text[7:].split(",")
        mine = stages["test_servers"]
        self.assertEqual(mine, ["02", self.numbers[-1]])
        others = stages["test_servers.others"]
        self.assertEqual(sorted(mine + others), self.numbers)


class ScriptTest(unittest.TestCase):
    def test_user_and_ci_have_folders_of_their_own(self):
        text = (ROOT / "scripts" / "test").read_text(encoding="utf-8")
        self.assertEqual(
            re.findall(r"^ *plain=(\w+)$", text, re.M), ["test", "ci"])

    def test_ci_and_all_build_and_run_what_looks_for_races(self):
        text = (ROOT / "scripts" / "test").read_text(encoding="utf-8")
        functions = dict(re.findall(r"^(\w+)\(\) \{\n(.*?)^\}$", text,
                                    re.M | re.S))
        self.assertRegex(functions["test_ci"],
                         r'(?m)^  build_tsan_quick "tsan-ci\$suffix"'
                         r' \|\| exit 1$')
        self.assertIn('build_tsan "$1" ', functions["build_tsan_quick"])
        run = functions["test_ci"].split("\n  run_ctest ", 1)[1]
        self.assertIn('"$build_dir/tsan-ci$suffix"', run)
        self.assertRegex(functions["test_all"],
                         r"(?m)^  configuration tsan build_tsan$")
        self.assertIn("-DASYNCIO_SANITIZE=thread", functions["build_tsan"])
        # Of the last stage CI has the stress only.
        self.assertIn("ideas=${2:-12;last}\n", functions["build_tsan"])

    def test_it_ends_with_what_was_left(self):
        text = (ROOT / "scripts" / "test").read_text(encoding="utf-8")
        self.assertRegex(text, r"\nsay_what_is_left\nexit \$status\n$")


class Copy(unittest.TestCase):
    """A copy of what proofs are made of."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        ignore = shutil.ignore_patterns("__pycache__", "corpus", "homework")
        for name in ("common", "scripts", "stages", "tests"):
            shutil.copytree(ROOT / name, self.root / name, ignore=ignore)
        for path in ROOT.glob("*.*"):
            if path.is_file():
                shutil.copy(path, self.root)

    def blocks(self, number):
        return [block for block in read_book(self.root).blocks
                if (block.chapter or "").startswith(number)]

    def commands(self, number="04", before="03"):
        return proofs.commands_hash(
            self.root, self.blocks(number), [before, number])

    def beats(self, number="04", before="03"):
        return proofs.beats_hash(
            self.root, self.blocks(number), [before, number])

    def stage(self, number):
        return next((self.root / "stages").glob(f"{number}_*"))

    def edit(self, path, text="\n// edited\n"):
        path.write_text(path.read_text(encoding="utf-8") + text,
                        encoding="utf-8")

    def book_of(self, number):
        return self.stage(number) / "CHAPTER.md"

    def edit_output(self, number):
        """Makes what the chapter's first command prints another text."""
        block = next(block for block in self.blocks(number)
                     if block.kind == "console" and len(block.body) > 1
                     and "not-run" not in block.info)
        line = next(line for line in block.body[1:]
                    if not line.startswith("$ ") and line.strip())
        path = self.book_of(number)
        before, after = path.read_text(encoding="utf-8").split(
            f"\n{block.body[0]}\n", 1)
        after = after.replace(line, f"{line} or not", 1)
        path.write_text(f"{before}\n{block.body[0]}\n{after}",
                        encoding="utf-8")


class HashTest(Copy):
    def setUp(self):
        super().setUp()
        self.before = self.commands(), self.beats()

    def seen(self, by_commands=True, by_beats=True):
        now = self.commands(), self.beats()
        changed = [a != b for a, b in zip(self.before, now)]
        self.assertEqual(changed, [by_commands, by_beats])

    def test_nothing_has_changed(self):
        self.seen(False, False)

    def test_an_output(self):
        self.edit_output("04")
        self.seen(by_beats=False)

    def test_an_output_of_another_chapter(self):
        self.edit_output("06")
        self.seen(False, False)

    def test_prose(self):
        path = self.book_of("04")
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("\n\n```console", "\n\nSo.\n\n```console"),
                        encoding="utf-8")
        self.seen(False, False)

    def test_a_beat(self):
        path = self.book_of("04")
        text = path.read_text(encoding="utf-8")
        block = next(block for block in self.blocks("04")
                     if block.kind == "diff")
        line = next(line for line in block.body if line.startswith("+"))
        path.write_text(text.replace(f"\n{line}\n", f"\n{line} // so\n"),
                        encoding="utf-8")
        self.seen(by_commands=False)

    def test_a_header_of_the_stage_or_of_the_one_before(self):
        self.edit(self.stage("04") / "event_loop.hpp")
        self.seen()
        self.before = self.commands(), self.beats()
        self.edit(self.stage("03") / "event_loop.hpp")
        self.seen()
        self.before = self.commands(), self.beats()
        self.edit(self.stage("02") / "event_loop.hpp")
        self.seen(False, False)

    def test_a_header_more(self):
        (self.stage("04") / "more.hpp").write_text("")
        self.seen()

    def test_a_demo_and_a_pitfall(self):
        for name in ("demos/sleepers.cpp", "pitfalls/stale_now.cpp"):
            self.edit(self.stage("04") / name)
            self.seen(by_beats=False)
            self.before = self.commands(), self.beats()

    def test_tests_do_not_count(self):
        self.edit(next((self.stage("04") / "tests").glob("*.cpp")))
        self.seen(False, False)

    def test_common_and_the_tools(self):
        for name in ("common/wait.cpp", "common/stage.cmake", "scripts/run",
                     "scripts/lib/walkthrough.py", "tests/book.py",
                     "tests/speed.cmake", "CMakeLists.txt"):
            with self.subTest(name):
                self.before = self.commands(), self.beats()
                self.edit(self.root / name)
                self.seen()

    def test_a_stage_that_only_a_command_names(self):
        before = self.commands("09", "08")
        self.assertIn("./scripts/run 02 ", "\n".join(
            proofs.blocks_text(self.blocks("09"), "console")))
        self.edit(self.stage("02") / "selectors.hpp")
        self.assertNotEqual(before, self.commands("09", "08"))


class CompiledTest(Copy):
    """What the proofs of headers and of homework see."""

    def hashes(self):
        return [
            proofs.headers_hash(self.root, "04", ["a.hpp"], ["-Wall"]),
            proofs.homework_hash(self.root),
        ]

    def setUp(self):
        super().setUp()
        # Copy leaves it out: it is much.
        shutil.copytree(ROOT / "tests" / "homework",
                        self.root / "tests" / "homework")

    def seen(self, path, by_headers, by_homework):
        before = self.hashes()
        self.edit(path)
        changed = [a != b for a, b in zip(before, self.hashes())]
        self.assertEqual(changed, [by_headers, by_homework], path)

    def test_what_they_see(self):
        tests = self.root / "tests"
        self.seen(self.stage("04") / "event_loop.hpp", True, True)
        self.seen(self.stage("03") / "event_loop.hpp", False, True)
        self.seen(self.root / "common" / "net.hpp", True, True)
        self.seen(tests / "test_headers.py", True, False)
        self.seen(tests / "test_homework.py", False, True)
        self.seen(self.root / "scripts" / "lib" / "grader.py", False, True)
        self.seen(next((tests / "homework").glob("04_*")), False, True)
        self.seen(next((self.stage("06") / "tests").glob("*.cpp")), False,
                  True)
        self.seen(self.book_of("04"), False, False)

    def test_other_headers_and_other_flags(self):
        before = self.hashes()[0]
        for names, flags in (([], ["-Wall"]), (["a.hpp"], [])):
            self.assertNotEqual(before, proofs.headers_hash(
                self.root, "04", names, flags))


class ProofsTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        (self.root / "tests").mkdir()

    def proofs(self, mode):
        return proofs.Proofs(self.root, mode)

    def test_a_user_believes_the_record(self):
        self.proofs("use").record.set("commands.04", "abc")
        self.assertTrue(self.proofs("use").has("commands.04", "abc"))
        self.assertFalse(self.proofs("use").has("commands.04", "abd"))
        self.assertFalse(self.proofs("use").has("commands.05", "abc"))

    def test_nobody_else_does(self):
        self.proofs("use").record.set("commands.04", "abc")
        for mode in ("renew", "check", "ignore"):
            self.assertFalse(self.proofs(mode).has("commands.04", "abc"), mode)

    def test_but_ci_believes_it_of_beats(self):
        self.proofs("use").record.set("beats.04", "abc")
        self.assertTrue(self.proofs("check").has("beats.04", "abc"))
        self.assertFalse(self.proofs("check").has("beats.04", "abd"))
        for mode in ("renew", "ignore"):
            self.assertFalse(self.proofs(mode).has("beats.04", "abc"), mode)

    def test_what_was_proved_here_is_not_proved_again(self):
        self.proofs("check").proved("abc")
        for mode in ("use", "renew", "check"):
            self.assertTrue(self.proofs(mode).has("beats.04", "abc"), mode)
            self.assertFalse(self.proofs(mode).has("beats.04", "abd"), mode)
        self.assertFalse(self.proofs("ignore").has("beats.04", "abc"))

    def test_and_of_headers_and_homework(self):
        for name in ("headers.04", "homework"):
            self.proofs("use").record.set(name, "abc")
            self.assertTrue(self.proofs("check").has(name, "abc"))
            self.assertFalse(self.proofs("check").has(name, "abd"))
            for mode in ("renew", "ignore"):
                self.assertFalse(self.proofs(mode).has(name, "abc"), mode)

    def test_another_compiler_of_headers_has_not_proved_it(self):
        self.proofs("use").proved("abc")
        other = proofs.Proofs(self.root, "renew", compilers=["false"])
        self.assertTrue(self.proofs("renew").has("headers.04", "abc"))
        self.assertFalse(other.has("headers.04", "abc"))

    def test_another_compiler_has_not_proved_it(self):
        self.proofs("use").proved("abc")
        os.environ["CXXFLAGS"] = "-O7"
        self.addCleanup(os.environ.pop, "CXXFLAGS")
        self.assertFalse(self.proofs("use").has("beats.04", "abc"))

    def test_ci_fails_by_a_record_that_claims_something_else(self):
        record = self.proofs("check").record
        self.assertIn("--book", self.proofs("check").fault_of_record("a", "1"))
        record.set("a", "2")
        self.assertIn("--book", self.proofs("check").fault_of_record("a", "1"))
        self.assertEqual(self.proofs("check").fault_of_record("a", "2"), "")
        self.assertEqual(record.read(), {"a": "2"})

    def test_who_changes_something_renews_it(self):
        record = self.proofs("renew").record
        record.set("b", "2")
        self.assertEqual(self.proofs("renew").fault_of_record("a", "1"), "")
        self.assertEqual(record.read(), {"a": "1", "b": "2"})

    def test_a_user_s_file_stays_as_it_is(self):
        self.assertEqual(self.proofs("use").fault_of_record("a", "1"), "")
        self.assertEqual(self.proofs("use").record.read(), {})


class BookTest(Copy):
    """What a user's test says of a chapter, in a copy of this tree."""

    def run_chapter(self, number):
        folder = self.root / "build" / "test"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bin").symlink_to(BUILD_BIN)
        # Nothing is built: programs are those of the build under test.
        run = self.root / "scripts" / "run"
        run.write_text('#!/bin/sh\nnumber=$1\nshift\n'
                       f'exec "{BUILD_BIN}/$number"_* "$@"\n')
        environment = {name: text for name, text in os.environ.items()
                       if name not in ("CI", "PROOFS")}
        return subprocess.run(
            [sys.executable, "-c", "import book\n"
             "book.Commands.build = lambda self: None\n"
             "import unittest\n"
             "unittest.main(book, argv=['book', '-v', 'Commands'])"],
            cwd=self.root / "tests", capture_output=True, text=True,
            env={**environment, "CHAPTER": number, "PROOFS": "use",
                 "BUILD_BIN": str(folder / "bin"),
                 "PYTHONPATH": str(self.root / "tests")})

    def test_a_wrong_output_is_caught(self):
        """Chapter 01 would be proved, were it not for that."""
        folder = self.root / "tests" / "proofs"
        folder.write_text("")
        chapter = self.book_of("01")
        text = chapter.read_text(encoding="utf-8")
        # Only what is quick, and needs no pitfall.
        self.assertIn("\n```console\n$ ./scripts/run 01 demo count\n", text)
        text = text.replace("\n```console", "\n```console not-run")
        text = text.replace("not-run digits", "not-run")
        text = text.replace(
            "\n```console not-run\n$ ./scripts/run 01 demo count\n",
            "\n```console\n$ ./scripts/run 01 demo count\n", 1)
        chapter.write_text(text, encoding="utf-8")
        done = self.run_chapter("01")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        shutil.rmtree(self.root / "build" / "proofs")
        (self.root / "build" / "test" / "bin").unlink()

        record = proofs.Record(folder)
        record.set("commands.01", self.commands("01", "01"))
        done = self.run_chapter("01")
        self.assertIn("says tests/proofs", done.stderr)
        (self.root / "build" / "test" / "bin").unlink()

        self.edit_output("01")
        done = self.run_chapter("01")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("prints something else", done.stderr)


if __name__ == "__main__":
    unittest.main()
