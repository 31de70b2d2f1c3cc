# ctest: ci once timeout=400
"""Every header of every stage, alone, compiled by the newest clang there is.

It warns of more than the compilers that build the rest. Debian 12 has 19; CI
installs it, elsewhere this is skipped where there is none from 16 on. A header
that is the same in two stages is compiled in the first of them. asyncio.hpp
includes all others: that of the last stage is enough.
"""

import os
import re
import shutil
import unittest

import support
from support import call

OLDEST = 16
NEWEST = 30
FLAGS = [
    "-std=c++20",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Werror",
    "-fsyntax-only",
]


def version_of(compiler):
    """The first number of clang's version; 0 for another compiler."""
    macros = call(compiler, "-dM", "-E", "-x", "c++", "/dev/null")[1]
    major = re.search(r"^#define __clang_major__ (\d+)$", macros, re.M)
    return int(major[1]) if major else 0


def newest_clang():
    names = [f"clang++-{n}" for n in range(NEWEST, OLDEST - 1, -1)]
    for compiler in filter(None, map(shutil.which, [*names, "clang++"])):
        if version_of(compiler) >= OLDEST:
            return compiler
    return None


def headers():
    """What to compile, by path."""
    found = {}
    stages = support.stages()
    for stage in stages:
        for header in sorted(stage.folder.glob("*.hpp")):
            if header.name == "asyncio.hpp" and stage != stages[-1]:
                continue
            text = header.read_text(encoding="utf-8")
            found.setdefault((header.name, text), header)
    return [header.relative_to(support.ROOT) for header in found.values()]


class HeadersTest(support.StageTest):
    @classmethod
    def setUpClass(cls):
        cls.clang = newest_clang()
        if not cls.clang:
            text = f"the headers' test needs clang {OLDEST} or later"
            if os.environ.get("CI") == "true" and shutil.which("apt-get"):
                raise AssertionError(f"{text}, and scripts/test installed none")
            raise unittest.SkipTest(text)

    def check(self, header):
        # By way of a file that includes it: it has a #pragma once.
        words = [*FLAGS, "-I.", f"-I{header.parent}", "-x", "c++", "/dev/null"]
        status, out, err = call(
            self.clang, "-include", header, *words, timeout=120
        )
        text = out + err
        if status != 0 or text:
            self.fail(f"{self.clang}: exit status {status}\n{text[:4000]}")

    def test_no_warnings(self):
        found = headers()
        self.assertGreaterEqual(len(found), len(support.stages()))
        self.for_each(found, self.check, at_once=os.cpu_count() or 2)


if __name__ == "__main__":
    unittest.main()
