# ctest: ci once
"""Every link, picture and anchor of every Markdown file leads somewhere, on
GitHub and in an editor's preview. What is elsewhere on the net is not asked."""

import functools
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from lib.markdown import in_blocks

CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
COMMENT = re.compile(r"<!--.*?-->", re.S)
HEADING = re.compile(r" {0,3}#{1,6}\s+(.*?)(\s+#+)?\s*$")
# The address, in <> or not, and perhaps a title.
INLINE = re.compile(
    r"""\]\(\s*(?:<([^>\n]*)>|((?:[^\s()]|\([^\s()]*\))*))"""
    r"""(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)"""
)
DEFINED = re.compile(r"^ {0,3}\[([^\]]+)\]:\s*<?([^\s>]+)", re.M)
USED = re.compile(r"\[([^\[\]]+)\]\[([^\[\]]*)\]")
HTML = re.compile(r"""<[^>]*?\b(?:href|src)\s*=\s*["']([^"']*)""", re.S)
HTML_ANCHOR = re.compile(r"""<[^>]*?\b(?:id|name)\s*=\s*["']([^"']*)""", re.S)


def blank(match):
    """As many lines, with nothing on them."""
    return "\n" * match[0].count("\n") or " "


def prose(text):
    """Without what is code or comment."""
    lines = text.split("\n")
    fenced = in_blocks(lines)
    lines = ["" if code else line for line, code in zip(lines, fenced)]
    # A backtick without another does not go beyond its paragraph.
    parts = re.split(r"(\n\s*\n)", COMMENT.sub(blank, "\n".join(lines)))
    return "".join(CODE.sub(blank, part) for part in parts)


def links(text):
    """The addresses in a Markdown text, each with its line."""
    text = prose(text)

    def line(match):
        return text.count("\n", 0, match.end()) + 1

    defined = {match[1].lower() for match in DEFINED.finditer(text)}
    found = [(line(match), match[1] or match[2] or "")
             for match in INLINE.finditer(text)]
    found += [(line(match), match[2]) for match in DEFINED.finditer(text)]
    found += [(line(match), match[1]) for match in HTML.finditer(text)]
    # GitHub shows the brackets of one that is not defined.
    found += [(line(match), f"[{match[2] or match[1]}]")
              for match in USED.finditer(text)
              if (match[2] or match[1]).lower() not in defined]
    return sorted(found)


def slug(heading):
    """What GitHub makes of a heading, before it counts those that are equal."""
    parts = []
    end = 0
    for code in CODE.finditer(heading):
        parts += [plain(heading[end:code.start()]), code[2].strip()]
        end = code.end()
    text = "".join([*parts, plain(heading[end:])]).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def plain(text):
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|<[^>]+>", "", text)
    text = re.sub(r"\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])", r"\1", text)
    return re.sub(r"(?<!\w)(_+)(\S.*?)\1(?!\w)", r"\2", text)


def anchors(text):
    found = set(HTML_ANCHOR.findall(prose(text)))
    seen = {}
    lines = text.split("\n")
    for line, fenced in zip(lines, in_blocks(lines)):
        heading = None if fenced else HEADING.match(line)
        if heading:
            name = slug(heading[1])
            seen[name] = seen.get(name, -1) + 1
            found.add(f"{name}-{seen[name]}" if seen[name] else name)
    return found


class Files:
    """A folder and which of its files count."""

    def __init__(self, root, names):
        self.root = root
        self.names = set(names)
        self.folders = {
            parent.as_posix() for name in names for parent in Path(name).parents
        }
        self.anchors = functools.cache(lambda name: anchors(self.text(name)))

    def text(self, name):
        return (self.root / name).read_text(encoding="utf-8")

    def problems(self, name):
        return [
            f"{name}:{line}: {address}: {problem}"
            for line, address in links(self.text(name))
            if (problem := self.problem(name, address))
        ]

    def problem(self, name, address):
        """What is wrong with a link of that file; nothing: None."""
        if re.match(r"(https?://[^/]+\.\w+|mailto:)", address):
            return None
        if re.match(r"\[|\w+:|/|$", address):
            return "this is no link that works everywhere"
        path, _, anchor = map(unquote, address.partition("#"))
        target = name
        if path:
            target = os.path.normpath(os.path.join(os.path.dirname(name), path))
        if target not in self.names | self.folders:
            return "no such file"
        if target in self.folders:
            target = os.path.normpath(os.path.join(target, "README.md"))
        return self.anchor_problem(target, anchor) if anchor else None

    def anchor_problem(self, target, anchor):
        if target not in self.names:
            return "a folder without headings"
        if target.endswith(".md"):
            known = anchor in self.anchors(target)
            return None if known else "no such heading"
        lines = re.fullmatch(r"L(\d+)(?:-L(\d+))?", anchor)
        if not lines:
            return "no such place"
        last = self.text(target).count("\n")
        numbers = [int(number) for number in lines.groups() if number]
        return None if max(numbers) <= last else "no such line"


def ours():
    """All that is in the repository, or will be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, encoding="utf-8",
    ).stdout.split("\0")
    return Files(ROOT, [name for name in listed if (ROOT / name).is_file()])


@unittest.skipUnless((ROOT / ".git").exists(), "this is no clone")
class LinksTest(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        files = ours()
        pages = sorted(name for name in files.names if name.endswith(".md"))
        self.assertIn("WALKTHROUGH.md", pages)
        for page in pages:
            with self.subTest(page):
                self.assertEqual(files.problems(page), [])

    def test_links_are_found_at_all(self):
        files = ours()
        found = {address for name in files.names if name.endswith(".md")
                 for _, address in links(files.text(name))}
        for kind in (r"https://.", r".*\.svg", r"stages/04_\w+/CHAPTER\.md",
                     r"\.\./\.\./WALKTHROUGH\.md#.", r".*README\.md", r".*#."):
            with self.subTest(kind):
                self.assertTrue(any(re.match(kind, one) for one in found))


class RulesTest(unittest.TestCase):
    """How links and anchors are read, and that what is wrong is told."""

    def problems(self, text, **others):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            files = {"docs/page.md": text, "README.md": "# Read me\n",
                     "docs/one.svg": "<svg/>\n", "code.hpp": "int a;\nint b;\n",
                     "bare/code.cpp": "\n", **others}
            for name, content in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
            (root / "not_ours.md").touch()
            found = Files(root, files).problems("docs/page.md")
        return [problem.removeprefix("docs/page.md:") for problem in found]

    def test_what_leads_somewhere(self):
        for good in (
            "[a](../README.md)", "[a](../README.md#read-me)", "[a](..#read-me)",
            "![a\nb](one.svg)", "[a](<one.svg>)", '[a](one.svg "A title")',
            "[a](../docs)", "[a](../docs/)", "# One two\n\n[a](#one-two)",
            "[a](https://example.org/x#y)", "[a](../code.hpp#L2)",
            "[a][b]\n\n[b]: one.svg", "[b][]\n\n[B]: one.svg",
            '<a id="here"></a> [a](#here)', '<img src="one.svg">',
            "[a](page.md#b)\n\n# B", "[`a`](one.svg)",
        ):
            with self.subTest(good):
                self.assertEqual(self.problems(good), [])

    def test_what_does_not(self):
        wrong = "this is no link that works everywhere"
        for bad, problem in {
            "\n[a](missing.md)": "2: missing.md: no such file",
            "![a\nb](missing.svg)": "2: missing.svg: no such file",
            "[a](README.md)": "1: README.md: no such file",
            "[a](../not_ours.md)": "1: ../not_ours.md: no such file",
            "[a](../../page.md)": "1: ../../page.md: no such file",
            "[a](../README.md#b)": "1: ../README.md#b: no such heading",
            "[a](#b)": "1: #b: no such heading",
            "[a](#A)\n# A": "1: #A: no such heading",
            "[a](../bare#b)": "1: ../bare#b: a folder without headings",
            "[a](../code.hpp#L3)": "1: ../code.hpp#L3: no such line",
            "[a](../code.hpp#b)": "1: ../code.hpp#b: no such place",
            "[a](/README.md)": f"1: /README.md: {wrong}",
            "[a](file:///etc)": f"1: file:///etc: {wrong}",
            "[a]()": f"1: : {wrong}",
            "[a][b]": f"1: [b]: {wrong}",
            "[b]: missing.md": "1: missing.md: no such file",
            '<img alt="" src="missing.svg">': "1: missing.svg: no such file",
            "```\ncode\n```\n[a](b)": "4: b: no such file",
            "a ` b\n\n[a](b) `": "3: b: no such file",
        }.items():
            with self.subTest(bad):
                self.assertEqual(self.problems(bad), [problem])

    def test_code_has_no_links(self):
        for code in ("```cpp\n[a](b)\n```", "`[](int)`", "`` `[a](b)` ``",
                     "`[a]\n(b)[a](b)`", "<!-- [a](b) -->", "[](int value)",
                     "- item\n\n  ```\n  [a](b)\n  ```"):
            with self.subTest(code):
                self.assertEqual(self.problems(code), [])

    def test_headings_are_called_as_on_github(self):
        for heading, name in {
            "What does it cost?": "what-does-it-cost",
            "`co_await sleep(2s)`": "co_await-sleep2s",
            "What `poll()` says, *twice*": "what-poll-says-twice",
            "Names: A, B & C": "names-a-b--c",
            "C++20's `Task<T>`": "c20s-taskt",
            "The _book_ of [links](a.md)": "the-book-of-links",
            "snake_case_name": "snake_case_name",
            "Before/after – now": "beforeafter--now",
            "Größe 日本": "größe-日本",
            "A <b>tag</b> ##": "a-tag",
        }.items():
            with self.subTest(heading):
                self.assertEqual(anchors(f"## {heading}\n"), {name})

    def test_equal_headings_are_counted(self):
        text = "# A\n## A\n```\n# A\n```\n# A\n#B\n"
        self.assertEqual(anchors(text), {"a", "a-1", "a-2"})


if __name__ == "__main__":
    unittest.main()
