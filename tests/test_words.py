# ctest: ci once
"""The book and the README files name what they speak of: words for nobody in
particular (measures.py has the list) stay below one in a thousand."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from lib import measures
from lib.quiz import questions_of
from lib.stages import find_stages


def problem(words, found):
    """What is wrong with a text of so many words; nothing: None."""
    most = measures.most_vague(words)
    if len(found) <= most:
        return None
    return f"{words} words, at most {most} of these: {', '.join(found)}"


def of_markdown(path):
    text = measures.plain(path.read_text(encoding="utf-8").split("\n"))
    return len(text.split()), measures.vague_words(text)


def of_quiz(stage):
    """Its questions and their explanations."""
    text = "\n".join(line for question in questions_of(stage)
                     for line in [*question.text, *question.explanation])
    return len(text.split()), measures.vague_words(text)


class WordsTest(unittest.TestCase):
    def check(self, path, measured):
        with self.subTest(str(path.relative_to(ROOT))):
            self.assertIsNone(problem(*measured))

    def test_the_way_in_and_the_readmes(self):
        paths = [ROOT / name for name in (
            "WALKTHROUGH.md", "README.md", "scripts/README.md",
            "slides/README.md", "tests/fuzz/README.md")]
        paths += [stage.folder / "README.md" for stage in find_stages(ROOT)]
        for path in paths:
            self.check(path, of_markdown(path))

    def test_the_chapters_and_their_quizzes(self):
        for stage in find_stages(ROOT):
            chapter = stage.folder / "CHAPTER.md"
            self.check(chapter, of_markdown(chapter))
            self.check(stage.folder / "quiz", of_quiz(stage))


class RulesTest(unittest.TestCase):
    """What counts, and that too much of it is told."""

    def found(self, text):
        return measures.vague_words(measures.plain(text.split("\n")))

    def test_the_words(self):
        for text in ("Whoever waits", "somebody", "for nobody", "or someone",
                     "those who wait", "the one that waits", "| a | whoever |"):
            with self.subTest(text):
                self.assertEqual(len(self.found(text)), 1)

    def test_what_is_none(self):
        for text in ("```\nwhoever\n```", "[a](#whoever)", "those that",
                     "the one", "somebody_else", "the coroutine that waits"):
            with self.subTest(text):
                self.assertEqual(self.found(text), [])

    def test_one_in_a_thousand(self):
        for words, most in ((10, 1), (1000, 1), (1400, 1), (2600, 3)):
            with self.subTest(words):
                self.assertIsNone(problem(words, ["whoever"] * most))
                self.assertIn(f"at most {most} of",
                              problem(words, ["whoever"] * (most + 1)))


if __name__ == "__main__":
    unittest.main()
