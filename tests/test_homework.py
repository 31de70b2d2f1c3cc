# ctest: ci once timeout=900
"""The graders of scripts/homework are right: all texts and anchors match; what
one starts with compiles and passes no idea; solutions pass; submissions that
are known to be wrong are caught by the idea that names their misconception, in
the test cases that are recorded, and not only because they never end.

That takes a compiler: with SOAK=1 all of it, else a part, unless tests/proofs
has that as it is: see proofs.py.
"""
from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

if "HOMEWORK_BUILD" not in os.environ and "BUILD_BIN" in os.environ:
    os.environ["HOMEWORK_BUILD"] = str(Path(os.environ["BUILD_BIN"]).parent)

import proofs
from lib import grader, homework
from lib.assignments import (
    HOMEWORK, Assignment, Wrong, find_assignments, lint, write_files)
from lib.stages import read_lines, read_text

SOAK = bool(os.environ.get("SOAK"))
# SOAK_STAGES=04,nursery: only these, with SOAK.
ONLY = os.environ.get("SOAK_STAGES", "").split(",")
ALL = {name: assignment for name, assignment in find_assignments(ROOT).items()
       if ONLY == [""] or name in ONLY}
PART = {
    "skeleton": ["04"],
    "wrong": ["04", "06"],                  # the first of each
    "solution": ["01", "selectors", "can_cancel", "cancel_or_close", "then"],
}
# Ideas that pass before anything is written, and why that must be so.
PASS_ANYWAY = {
    "second_waiter closing": "what holds with one waiter has to go on to hold",
}
# These reach no stub in one of their cases, and fail there.
FAIL_ANYWAY = {
    "06 ctrl_c": "what KeyboardInterrupt goes through is there already",
    "08 uncancel": "it asks for another exception than 06 throws",
    "10 epoll_selector": "it asks which selector is the best one",
    "11 kqueue_selector": "it asks whether there is one of that name",
    "13 shared_everywhere": "it lets memory run out before a stub is reached",
    "14 asyncgen_everywhere": "its first allocations fail before any stub",
    "15 no_memory": "its first allocations fail before any stub",
}


class Texts(unittest.TestCase):
    def test_all_is_there_and_matches(self) -> None:
        for name, assignment in ALL.items():
            with self.subTest(name):
                self.assertEqual(lint(assignment), [])

    def test_every_stage_has_declarations_to_start_with(self) -> None:
        for name, assignment in ALL.items():
            with self.subTest(name):
                text = "\n".join("\n".join(lines)
                                 for lines in assignment.start().values())
                self.assertEqual(text.count("{"), text.count("}"))
                if not assignment.folder:
                    self.assertIn("not_there_yet(", text)


    def test_the_noun_is_named(self) -> None:
        """Of words that name nothing, one in a thousand is left."""
        text = " ".join(
            [read_text(one.text_path) for one in ALL.values()]
            + [wrong.why for one in ALL.values() for wrong in one.wrongs()])
        vague = re.findall(r"\b(who(?:m|se)?ever|(?:some|no|any|every)body"
                           r"|those who|the one that|whom)\b", text, re.I)
        self.assertLess(1000 * len(vague), len(text.split()), vague)

    def test_what_asks_for_a_trace_is_left_out(self) -> None:
        for assignment in ALL.values():
            for path in assignment.tests().values():
                for case in read_text(path).split("\nTEST_CASE(")[1:]:
                    if "traced(" in case.partition("\n}\n")[0]:
                        self.assertRegex(case, f'"\\w+: {grader.TRACED} ')


class Graders(unittest.TestCase):
    """What all of them prove together is one proof."""
    passed: set[str] = set()

    @classmethod
    def setUpClass(cls) -> None:
        cls.proofs = proofs.Proofs(ROOT, "ignore" if SOAK else None)
        cls.text = proofs.homework_hash(ROOT)
        if known := cls.proofs.has("homework", cls.text):
            fault = cls.proofs.fault_of_record("homework", cls.text)
            if fault:
                raise AssertionError(fault)
            raise unittest.SkipTest(f"the graders, {known}")
        cls.kit = grader.prepare()

    @classmethod
    def tearDownClass(cls) -> None:
        if SOAK or cls.passed != set(
                unittest.defaultTestLoader.getTestCaseNames(cls)):
            return
        cls.proofs.proved(cls.text)
        fault = cls.proofs.fault_of_record("homework", cls.text)
        if fault:
            raise AssertionError(fault)

    def run(self, result=None):
        def faults() -> int:
            return len(result.failures) + len(result.errors)

        before = faults()
        super().run(result)
        if faults() == before:
            self.passed.add(self._testMethodName)

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def outcomes(self, assignment: Assignment, files: dict[str, list[str]]
                 ) -> dict[str, grader.Outcome]:
        """Of each idea, all of them built as one program."""
        code = self.folder / assignment.name
        write_files(files, code)
        write_files({"not_there_yet.hpp": read_lines(
            ROOT / HOMEWORK / "not_there_yet.hpp")}, code)
        tests = assignment.tests()
        program = code / "all"
        errors = grader.build_ideas(self.kit, list(tests.values()), code,
                                      program)
        self.assertFalse(errors, f"{assignment.name} does not compile:\n{errors}")
        return {idea: grader.run_idea(program, only=idea)
                for idea in tests}

    def for_each(self, names: list[str], check) -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = {name: pool.submit(check, ALL[name])
                    for name in names if name in ALL}
            for name, run in runs.items():
                with self.subTest(name):
                    run.result()

    def test_nothing_passes_with_the_declarations_alone(self) -> None:
        def check(assignment: Assignment) -> None:
            outcomes = self.outcomes(assignment, assignment.start())
            passed = [idea for idea, one in outcomes.items()
                      if one.status == "passed"
                      and f"{assignment.name} {idea}" not in PASS_ANYWAY]
            self.assertEqual(passed, [])
            if not assignment.folder:
                self.assertEqual(
                    {idea for idea, one in outcomes.items()
                     if one.status == "missing"
                     or f"{assignment.name} {idea}" in FAIL_ANYWAY},
                    set(outcomes),
                    {idea: (one.status, [case.name for case in one.failed
                                         if not case.stubs])
                     for idea, one in outcomes.items()
                     if one.status != "missing"})
        self.for_each(list(ALL) if SOAK else PART["skeleton"], check)

    def test_solutions_of_what_is_no_stage_pass(self) -> None:
        def check(assignment: Assignment) -> None:
            outcomes = self.outcomes(assignment, assignment.solution())
            for idea, one in outcomes.items():
                self.assertEqual(one.status, "passed", homework.verdict(one))
                self.assertTrue(one.cases, f"{idea} has no test case")
        self.for_each([name for name, assignment in ALL.items()
                       if assignment.folder
                       and (SOAK or name in PART["solution"])], check)

    @unittest.skipUnless(SOAK, "with SOAK=1 only")
    def test_nothing_passes_with_the_stage_before(self) -> None:
        def check(assignment: Assignment) -> None:
            code = self.folder / assignment.name
            write_files(assignment.start(blank=True), code)
            for idea, path in assignment.tests().items():
                one = grader.grade(self.kit, path, code, code / idea)
                if f"{assignment.name} {idea}" not in PASS_ANYWAY:
                    self.assertNotEqual(one.status, "passed", idea)
        self.for_each([name for name, assignment in ALL.items()
                       if not assignment.folder], check)

    def test_wrong_submissions_are_caught(self) -> None:
        chosen: list[tuple[Assignment, Wrong]] = []
        for name, assignment in ALL.items():
            wrongs = assignment.wrongs()
            if not SOAK:
                wrongs = wrongs[:1] if name in PART["wrong"] else []
            chosen += [(assignment, wrong) for wrong in wrongs]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = [pool.submit(homework.grade_wrong, self.kit, assignment,
                                wrong, self.folder / f"wrong-{number}")
                    for number, (assignment, wrong) in enumerate(chosen)]
            for (assignment, wrong), run in zip(chosen, runs):
                with self.subTest(f"{assignment.name} {wrong.name}"):
                    one = run.result()
                    self.assertTrue(homework.is_caught(one),
                                    homework.verdict(one))
                    if known := assignment.fails().get(wrong.name):
                        self.assertEqual([case.name for case in one.failed],
                                         known.get(wrong.idea, []),
                                         "scripts/homework record"
                                         f" {assignment.name} {wrong.name}")


if __name__ == "__main__":
    unittest.main()
