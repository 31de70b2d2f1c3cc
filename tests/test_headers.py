# ctest: ci once timeout=400
"""Every header of every stage, alone, compiled by the newest clang there is.

It warns of more than the compilers that build the rest. Debian 12 has 19; CI
installs it, elsewhere this is skipped where there is none from 16 on. A header
that is the same in two stages is compiled in the first of them. asyncio.hpp
includes all others: that of the last stage is enough. To compile them takes a
minute, so what tests/proofs has of a stage counts: see proofs.py.
"""

import os
import re
import shutil
import unittest
from concurrent.futures import ThreadPoolExecutor

import proofs
import support
from support import ROOT, call

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
    """What to compile of each stage, by its number."""
    seen = set()
    stages = support.stages()
    found = {stage.number: [] for stage in stages}
    for stage in stages:
        for header in sorted(stage.folder.glob("*.hpp")):
            if header.name == "asyncio.hpp" and stage != stages[-1]:
                continue
            text = header.read_text(encoding="utf-8")
            if (header.name, text) not in seen:
                seen.add((header.name, text))
                found[stage.number].append(header.relative_to(ROOT))
    return found


class HeadersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.clang = newest_clang()
        if not cls.clang:
            text = f"the headers' test needs clang {OLDEST} or later"
            if os.environ.get("CI") == "true" and shutil.which("apt-get"):
                raise AssertionError(f"{text}, and scripts/test installed none")
            raise unittest.SkipTest(text)
        cls.proofs = proofs.Proofs(ROOT, compilers=[cls.clang])
        cls.headers = headers()

    def check(self, header):
        # By way of a file that includes it: it has a #pragma once.
        words = [*FLAGS, "-I.", f"-I{header.parent}", "-x", "c++", "/dev/null"]
        status, out, err = call(
            self.clang, "-include", header, *words, timeout=120
        )
        text = out + err
        if status != 0 or text:
            return (f"{header}: {self.clang}: exit status {status}\n"
                    f"{text[:4000]}")
        return ""

    def test_all_are_there(self):
        count = sum(map(len, self.headers.values()))
        self.assertGreaterEqual(count, len(support.stages()))

    def no_warnings(self, number):
        name = f"headers.{number}"
        found = self.headers[number]
        text = proofs.headers_hash(ROOT, number, map(str, found), FLAGS)
        known = self.proofs.has(name, text)
        if not known:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                faults = "".join(pool.map(self.check, found))
            if faults:
                self.fail(faults)
            self.proofs.proved(text)
        self.assertEqual(self.proofs.fault_of_record(name, text), "")
        if known:
            self.skipTest(f"the headers, {known}")


def add_test(number):
    def test(self):
        self.no_warnings(number)

    setattr(HeadersTest, f"test_no_warnings_{number}", test)


for each in support.stages():
    add_test(each.number)


if __name__ == "__main__":
    unittest.main()
