# ctest: ci once
"""tests/coverage.py: what counts, what is excused, and when it fails."""

import contextlib
import io
import os
import stat
import tempfile
import unittest
from pathlib import Path

import coverage
from coverage import Header, Line
from support import ROOT

GCOV = """\
        3:    7:  if (a && b) {
branch  0 taken 3 (fallthrough)
branch  1 taken 0
branch  2 never executed
branch  3 never executed (fallthrough)
call    4 never executed
    #####:    8:    f();
"""


def header(path, *lines):
    """Lines are of texts, counts and how often their branches were taken."""
    return Header(f"stages/{path}", [
        Line(number, text, count, branches)
        for number, (text, count, branches) in enumerate(lines, start=1)])


class CoverageTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def excuses(self, text):
        path = self.folder / "coverage"
        path.write_text(text, encoding="utf-8")
        return coverage.read_excuses(path)

    def report(self, headers, excuses=(), is_all=True):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = coverage.report(headers, excuses, is_all)
        return status, out.getvalue()

    def test_the_list_is_one(self):
        excuses = coverage.read_excuses(ROOT / "tests" / "coverage")
        texts = {}
        for path in ROOT.glob("stages/*/*.hpp"):
            lines = path.read_text(encoding="utf-8").split("\n")
            texts[path.relative_to(ROOT).as_posix()] = {
                line.strip() for line in lines}
        for excuse in excuses:
            with self.subTest(excuse.text):
                self.assertTrue(any(
                    excuse.holds_for(Header(path, []), Line(1, text, 0, []))
                    for path in texts for text in texts[path]))

    def test_reasons(self):
        first, second, third = self.excuses(
            "# no\n# memory\na.hpp: throw a::b{};\n0[12]_x/b.hpp: f();\n\n"
            "# macOS\nc.hpp: }\n")
        self.assertEqual((first.pattern, first.text, first.reason),
                         ("a.hpp", "throw a::b{};", "no memory"))
        self.assertEqual((second.reason, third.reason), ("no memory", "macOS"))
        f = Line(1, "f();", 0, [])
        self.assertTrue(second.holds_for(header("02_x/b.hpp"), f))
        self.assertFalse(second.holds_for(header("03_x/b.hpp"), f))
        self.assertFalse(second.holds_for(header("02_x/a.hpp"), f))
        for bad in ("a.hpp: f();\n", "# why\nf();\n"):
            with self.assertRaises(SystemExit):
                self.excuses(bad)

    def test_bars(self):
        reached = ("f();", 1, [])
        missed = ("f();", 0, [])
        excuses = self.excuses("# why\na.hpp: f();\n")
        for lines, good in (
            ([reached] * 98 + [missed] * 2, True),
            ([reached] * 97 + [missed] * 3, False),
            ([("if (a)", 1, [1] * 9 + [0])], True),
            ([("if (a)", 1, [1] * 8 + [0])], False),
        ):
            status, out = self.report([header("01_x/a.hpp", *lines)], excuses)
            self.assertEqual(status == 0, good, out)
            self.assertEqual("are wanted" in out, not good)

    def test_a_line_that_is_missed_and_not_excused(self):
        headers = [header("01_x/a.hpp", *[("f();", 1, [])] * 198,
                          ("g();", 0, []), ("h();", 0, []))]
        status, out = self.report(headers)
        self.assertEqual(status, 1)
        for text in ("199: not reached: g();", "200: not reached: h();"):
            self.assertIn(f"stages/01_x/a.hpp:{text}\n", out)
        # The first of those in a row is enough.
        self.assertEqual(
            self.report(headers, self.excuses("# why\na.hpp: h();"))[0], 1)
        status, out = self.report(headers, self.excuses("# why\na.hpp: g();"))
        self.assertEqual(status, 0)
        self.assertNotIn("not reached", out)
        self.assertIn("99.00 % of lines", out.splitlines()[-1])

    def test_an_excuse_that_is_not_needed_is_named(self):
        headers = [header("01_x/a.hpp", ("f();", 1, []))]
        excuses = self.excuses("# why\na.hpp: f();\n")
        status, out = self.report(headers, excuses)
        self.assertEqual(status, 0)
        self.assertIn("tests/coverage:2: not needed: f();\n", out)
        self.assertNotIn(
            "needed", self.report(headers, excuses, is_all=False)[1])

    def test_branches_of_what_was_never_reached_do_not_count(self):
        gcov = self.folder / "gcov"
        gcov.write_text(f"#!/bin/sh\ncat >a.gcov <<'END'\n{GCOV}END\nexit 3\n")
        gcov.chmod(gcov.stat().st_mode | stat.S_IXUSR)
        before = Path.cwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)
        self.assertEqual(coverage.main(["gcov", str(gcov)]), 3)
        self.assertEqual(
            Path("a.gcov").read_text(),
            "".join(line for line in GCOV.splitlines(keepends=True)
                    if "branch" not in line or "never" not in line))

    def test_only_headers_of_stages_count(self):
        report = {"files": [
            {"file": "stages/01_generators/generator.hpp", "lines": [
                {"line_number": 1, "count": 2, "gcovr/noncode": False,
                 "branches": [{"count": 0}, {"count": 2}]},
                {"line_number": 2, "count": 0, "gcovr/noncode": True,
                 "branches": []},
            ]},
            {"file": "stages/01_generators/main.cpp", "lines": []},
            {"file": "common/net.hpp", "lines": []},
        ]}
        only, = coverage.headers_of(report, ROOT)
        self.assertEqual(only.number, "01")
        self.assertEqual([(line.number, line.count, line.branches)
                          for line in only.lines], [(1, 2, [0, 2])])


if __name__ == "__main__":
    unittest.main()
