# ctest: ci once timeout=600
"""slides/: every directive holds, minutes add up, and no slide overflows."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from lib import decks
from lib.book import read_book
from lib.stages import find_stages
from lib.terminal import Problem

BOOK = read_book(ROOT)
MARP = ROOT / "build" / "slides" / "node_modules" / ".bin" / "marp"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

BAD = """---
marp: true
theme: asyncio
---

# All is well

---

# Too long

- one
- two
- three
- four
- five
- six
- seven
- eight
- nine
- ten

---

# Too wide

```cpp
a_function_that_has_a_long_name(and_an_argument_as_well, and_another_argument);
```

---

# Too faint

<p style="color: #ccc">Hardly to be seen</p>

---

# Too small

<p style="font-size: 12px">Hardly to be read</p>
"""


def all_decks() -> list[decks.Deck]:
    return [decks.read_deck(ROOT, BOOK, path)
            for path in decks.deck_paths(ROOT, [])]


def shown(text: str) -> decks.Lines:
    kind, rest = text.split(": ", 1)
    return decks.Source(ROOT, BOOK).shown(kind, rest)


class Decks(unittest.TestCase):
    def test_each_stage_has_one_of_10_to_18_slides(self) -> None:
        found = {deck.name: len(deck.slides) for deck in all_decks()}
        for stage in find_stages(ROOT):
            with self.subTest(stage.name):
                self.assertIn(found.get(stage.name), range(10, 19))

    def test_nothing_is_pasted_that_a_directive_could_show(self) -> None:
        """Additions and removals come from beats only."""
        for path in decks.deck_paths(ROOT, []):
            text = path.read_text(encoding="utf-8")
            with self.subTest(path.name):
                self.assertNotIn("```diff", text)
                self.assertNotRegex(text, r"(?m)^\$ ")


class Directives(unittest.TestCase):
    def test_a_beat_is_shown_with_its_number(self) -> None:
        block = shown('beat: 04 "void queue_due_timers() {"')
        text = block.at(0)
        self.assertIn("<b>event_loop.hpp</b>", text)
        self.assertIn("\n+ void queue_due_timers() {\n", text)
        number = decks.Source(ROOT, BOOK).with_numbers(
            '{beat 04 "void queue_due_timers() {"}')
        self.assertIn(f"<i>beat {number}</i>", text)

    def test_what_is_in_no_beat_or_in_two_is_refused(self) -> None:
        for words in ('"no such line"', '"scheduled_"', '"', "",
                      '"void queue_due_timers() {" to "no such line"',
                      '"void queue_due_timers() {" size', '"sleep" upto "x"'):
            with self.subTest(words), self.assertRaises(Problem):
                shown(f"beat: 04 {words}")

    def test_an_output_is_the_book_s(self) -> None:
        command = "./scripts/run 04 demo sleepers"
        block = next(block for block in BOOK.blocks
                     if f"$ {command}" in block.body)
        lines = shown(f'output: 04 "{command}"').lines
        self.assertEqual([line.text for line in lines], block.body)

    def test_a_command_that_the_book_does_not_run_is_refused(self) -> None:
        with self.assertRaises(Problem):
            shown('output: 04 "./scripts/run 04 demo sleeper"')
        with self.assertRaises(Problem):
            shown('output: 05 "./scripts/run 04 demo sleepers"')

    def test_a_file_s_lines_must_be_there(self) -> None:
        path = "stages/04_sleep/demos/spinner.cpp"
        block = shown(f'code: {path} from "supervisor() {{" to "^}}"')
        self.assertEqual(block.lines[-1].text, "}")
        with self.assertRaises(Problem):
            shown(f'code: {path} from "no such line"')
        with self.assertRaises(Problem):
            shown("code: stages/04_sleep/demos/no_such_file.cpp")

    def test_parts_are_left_out(self) -> None:
        block = shown('beat: 04 "void queue_due_timers() {"'
                      ' from "void" to "^  }" skip "while" "=    }"')
        self.assertEqual(
            [line.text for line in block.lines],
            ["void queue_due_timers() {", "  const Seconds now = time();",
             "  ...", "}"])

    def test_steps_make_slides_that_show_more_and_more(self) -> None:
        text = ('# One\n\n<!-- beat: 04 "void queue_due_timers() {"'
                ' from "void" to "^  }" steps "while" "=  }" -->\n'
                "<!-- 1 min. a -->\n<!-- 0.5 min. b -->\n<!-- 2 min. c -->\n")
        source = decks.Source(ROOT, BOOK)
        slides = decks.expand_slide(source, text)
        self.assertEqual([decks.minutes_of(slide) for slide in slides],
                         [1, 0.5, 2])
        states = [re.findall(r"(?m)^\+(.)", slide.text) for slide in slides]
        self.assertEqual(states[0], list("!!??????"))
        self.assertEqual(states[1], list("  !!!!!?"))
        self.assertEqual(states[2], list("       !"))

    def test_the_answer_comes_a_slide_later(self) -> None:
        text = ('<!-- output: 04 "./scripts/run 04 demo sleepers" ask -->\n'
                "\nThey add up.\n<!-- 1 min. a -->\n<!-- 1 min. b -->\n")
        source = decks.Source(ROOT, BOOK)
        asked, answered = decks.expand_slide(source, text)
        self.assertNotIn("They add up", asked.text)
        self.assertIn("\n ?one after the other\n", asked.text)
        self.assertIn("They add up", answered.text)
        self.assertIn("\n !one after the other\n", answered.text)

    def test_a_slide_without_minutes_is_refused(self) -> None:
        source = decks.Source(ROOT, BOOK)
        for notes in ("", "<!-- Say hello. -->",
                      "<!-- 1 min. a -->\n<!-- 1 min. b -->"):
            with self.subTest(notes), self.assertRaises(Problem):
                decks.expand_slide(source, "# One\n\n" + notes)


class Plan(unittest.TestCase):
    """The three tables of slides/README.md."""

    @classmethod
    def setUpClass(cls) -> None:
        text = (ROOT / "slides" / "README.md").read_text(encoding="utf-8")
        cls.tables = [
            [[cell.strip() for cell in line.strip("|").split("|")]
             for line in section.splitlines()
             if re.match(r"\| \d:\d\d ", line)]
            for section in text.split("\n## ")[2:]]

    def test_the_times_add_up(self) -> None:
        self.assertEqual([table[-1][0] for table in self.tables],
                         ["3:00", "6:00", "2:05"])
        for table in self.tables:
            now = 0
            for at, minutes, part, *_ in table:
                self.assertEqual(at, f"{now // 60}:{now % 60:02}", part)
                now += int(minutes or 0)

    def test_they_have_the_parts_and_breaks(self) -> None:
        names = [path.stem for path in decks.deck_paths(ROOT, [])]
        parts = [[row[2] for row in table] for table in self.tables]
        for table, first, last, breaks in zip(
                parts, ("00", "00", "12"), ("06", "11", "15"), (2, 2, 1)):
            self.assertGreaterEqual(table.count("break"), breaks)
            self.assertEqual(
                [part for part in table if part not in ("break", "end")],
                [name for name in names if first <= name[:2] <= last])

    def test_a_part_has_the_minutes_of_its_notes(self) -> None:
        minutes = {deck.name: deck.minutes for deck in all_decks()}
        for table in self.tables:
            for _, planned, part, *_ in table:
                if part in minutes:
                    with self.subTest(part):
                        self.assertEqual(float(planned), minutes[part])

    def test_it_jumps_to_the_end_of_each_part(self) -> None:
        """In between, the notes say to which beat: its number is looked up."""
        for table in self.tables:
            for row in table:
                if row[2] in BOOK.chapters:
                    with self.subTest(row[2]):
                        self.assertTrue(row[3], "nothing is typed")
                        self.assertEqual(
                            row[4],
                            f"`./scripts/live {row[2][:2]} goto last`")


class Script(unittest.TestCase):
    def call(self, *words: str, **environment: str):
        return subprocess.run(
            [ROOT / "scripts" / "slides", *words], stdin=subprocess.DEVNULL,
            capture_output=True, text=True,
            env={**os.environ, **environment})

    def test_it_says_how_to_use_it(self) -> None:
        self.assertIn("usage: scripts/slides", self.call("--help").stdout)
        for words in ((), ("show",), ("serve", "--port")):
            with self.subTest(words):
                self.assertEqual(self.call(*words).returncode, 2)

    def test_a_deck_that_is_not_there(self) -> None:
        done = self.call("minutes", "99")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^slides: no deck 99 [^\n]*\n$")

    def test_minutes(self) -> None:
        done = self.call("minutes", "04")
        deck, = (deck for deck in all_decks() if deck.name == "04_sleep")
        self.assertRegex(
            done.stdout,
            rf"^04_sleep +{len(deck.slides)} slides +{deck.minutes:g} minutes$")

    def test_what_is_missing_is_asked_for(self) -> None:
        """Here: everything but the shell's own tools, and apt-get."""
        with tempfile.TemporaryDirectory() as folder:
            for tool in ("sh", "dirname", "basename", "id", "mkdir", "cmp"):
                os.symlink(shutil.which(tool), Path(folder, tool))
            Path(folder, "apt-get").write_text("#!/bin/sh\nexit 1\n")
            Path(folder, "apt-get").chmod(0o755)
            done = self.call("prepare", PATH=folder, CI="")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Missing here: node\n", done.stderr)
        self.assertIn("apt-get install -y --no-install-recommends nodejs npm",
                      done.stderr)


class Rendered(unittest.TestCase):
    """All decks in a browser, and one beside them that must not pass."""

    @classmethod
    def setUpClass(cls) -> None:
        # A test installs nothing: what is not there is left to CI.
        installs = os.environ.get("CI") in ("true", "1")
        there = MARP.exists() and any(map(shutil.which, BROWSERS))
        if not installs and not there:
            raise unittest.SkipTest(
                "the slides in a browser, for which ./scripts/slides prepare"
                " installs Marp and Chromium")
        with tempfile.TemporaryDirectory() as folder:
            extra = Path(folder, "bad.md")
            extra.write_text(BAD, encoding="utf-8")
            cls.check = subprocess.run(
                [ROOT / "scripts" / "slides", "check"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True,
                env={**os.environ, "SLIDES_EXTRA": str(extra)})
        cls.lines = cls.check.stdout.splitlines()

    def faults(self, number: int) -> str:
        return "\n".join(line for line in self.lines
                         if line.startswith(f"bad slide {number}: "))

    def test_all_slides_were_seen(self) -> None:
        count = sum(len(deck.slides) for deck in all_decks()) + 5
        self.assertTrue(
            self.lines and self.lines[-1].startswith(f"{count} slides, "),
            self.check.stdout + self.check.stderr)

    def test_no_slide_of_ours_has_a_fault(self) -> None:
        self.assertEqual(
            [line for line in self.lines[:-1] if not line.startswith("bad ")],
            [])

    def test_what_overflows_is_found(self) -> None:
        self.assertEqual(self.check.returncode, 1)
        self.assertEqual(self.faults(1), "")
        self.assertIn("sticks out", self.faults(2))
        self.assertIn("sticks out", self.faults(3))

    def test_what_cannot_be_read_is_found(self) -> None:
        self.assertIn("hardly differs", self.faults(4))
        self.assertIn("smaller than", self.faults(5))


if __name__ == "__main__":
    unittest.main()
