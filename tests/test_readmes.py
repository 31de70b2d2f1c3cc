# ctest: ci once timeout=300
"""The commands in README.md and in each stage's, run as they are written.

Blocks ```sh hold commands, ```console blocks "$ command" lines and what these
print ("..." is any text, or any lines). They run one after the other from the
repository's root, with these exceptions:

- what serves gets a free port (`--port 0`) unless it names one, and is ended
  by Ctrl-C; a file that it writes is removed again;
- where the tested build is not the one that scripts/run uses, the stage's
  program is called directly, so that nothing is built here;
- scripts/test and cmake are not run; their words are checked.
"""

import re
import shlex
import unittest

import support
from support import BUILD_BIN, ROOT, Program, call, stages

from lib.outputs import pattern

ENVIRONMENT = {**support.ENVIRONMENT, "PAGER": "cat", "GIT_PAGER": "cat"}


class Command:
    def __init__(self, path, line, text):
        self.where = f"{path.relative_to(ROOT)}:{line}"
        self.text = text
        self.expected = None

    @property
    def words(self):
        return shlex.split(self.text, comments=True)


def commands_in(path):
    """The commands of a Markdown file, in its order."""
    kind = None
    found = []
    open_line = False
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r"\s*```\s*(\S*)", line)
        if fence:
            kind = fence[1] if kind is None else None
            kind = kind or (None if kind is None else "text")
            open_line = False
        elif kind in ("sh", "bash", "shell", "console"):
            if open_line:
                found[-1].text += "\n" + line
                open_line = line.endswith("\\")
            elif kind == "console" and not line.startswith("$ "):
                found[-1].expected.append(line)
            elif line.strip() and not line.startswith("#"):
                text = line[2:] if kind == "console" else line
                found.append(Command(path, number, text))
                if kind == "console":
                    found[-1].expected = []
                open_line = line.endswith("\\")
    return found


def is_build_of_run():
    """Whether scripts/run uses the programs under test: $BUILD_BIN says so."""
    return BUILD_BIN.parent.parent == ROOT / "build"


def program_of(word):
    """The program of stage 4, 04 or 04_sleep."""
    for stage in stages():
        if word in (stage.name, stage.number, stage.number.lstrip("0")):
            return stage.program
    raise AssertionError(f"there is no stage {word}")


class ReadmesTest(unittest.TestCase):
    def run_all(self, path):
        if not path.exists():
            self.skipTest(f"{path.relative_to(ROOT)} is not there")
        commands = commands_in(path)
        self.assertNotEqual(commands, [], "no command in it")
        for command in commands:
            with self.subTest(f"{command.where}: {command.text}"):
                self.run_one(command)

    def run_one(self, command):
        words = command.words
        name = words[0].removeprefix("./")
        if name == "scripts/test":
            self.check_test(words[1:])
        elif name in ("cmake", "ctest"):
            self.check_cmake(words)
        elif name == "git" and words[1] == "clone":
            pass
        elif name == "scripts/run":
            self.run_stage(command, words)
        elif name in ("nc", "socat"):
            self.run_client(words)
        else:
            self.run_shell(command, command.text)

    def check_test(self, words):
        usage = call(ROOT / "scripts" / "test", "--help")[1]
        options = set(re.findall(r"^  (-[-\w]+)", usage, re.M))
        for word in words:
            if word.startswith("-"):
                self.assertIn(word, options)

    def check_cmake(self, words):
        text = " ".join(words)
        shapes = (
            r"cmake -S (?P<stage>stages/\d\d_\w+) -B (?P<build>build/\d\d)",
            r"cmake (-G Ninja )?-S \. -B build/\w+",
            r"cmake --build (?P<build>build/\w+)( -j ?\d*)?",
            r"ctest --test-dir (?P<build>build/\w+)( --output-on-failure)?",
        )
        matches = [re.fullmatch(shape, text) for shape in shapes]
        match = next(filter(None, matches), None)
        self.assertIsNotNone(match, "this is not how it is documented")
        parts = match.groupdict()
        if parts.get("stage"):
            self.assertTrue((ROOT / parts["stage"]).is_dir())
            self.assertEqual(parts["build"][-2:], parts["stage"][7:9])

    def run_stage(self, command, words):
        arguments = [word for word in words[1:] if word != "--yes"]
        if not arguments:
            if is_build_of_run():
                self.run_shell(command, command.text)
            return
        program = program_of(arguments[0])
        if "serve" in arguments and "--help" not in arguments:
            self.run_server(program, words, arguments)
        elif is_build_of_run():
            self.run_shell(command, command.text)
        else:
            rest = command.text.split(arguments[0], 1)[1]
            self.run_shell(command, f"{shlex.quote(str(program))}{rest}")

    def run_server(self, program, words, arguments):
        full = words if is_build_of_run() else [program, *arguments[1:]]
        if not [word for word in words if word.startswith("--port")]:
            full = [*full, "--port", "0"]
        left = []
        if "--trace" in words:
            left.append(ROOT / words[words.index("--trace") + 1])
        left = [path for path in left if not path.exists()]
        try:
            with Program(full) as server:
                self.assertRegex(server.line(), r"^listening on \S+:\d+$")
                self.assertEqual(server.stop(), 0)
            for path in left:
                self.assertTrue(path.exists(), f"no {path.name} was written")
        finally:
            for path in left:
                path.unlink(missing_ok=True)

    def run_client(self, words):
        """For a second terminal; the server of the first one is there."""
        self.assertIn("127.0.0.1", " ".join(words))
        self.assertRegex(" ".join(words), r"\b30303\b|\b1234\b")

    def run_shell(self, command, text):
        status, out, err = call(
            "sh", "-c", text, timeout=100, env=ENVIRONMENT
        )
        self.assertEqual(status, 0, out + err)
        self.assertNotEqual(out, "", "it prints nothing")
        if command.expected is not None:
            wanted = command.expected
            if not re.fullmatch(pattern(wanted), out.rstrip() + "\n"):
                self.assertEqual(out, "\n".join(wanted) + "\n")


class FiguresTest(unittest.TestCase):
    def test_of_the_difference(self):
        """The paragraph below the diff command has its figures."""
        found = stages()
        for before, after in zip(found, found[1:]):
            with self.subTest(after.name):
                self.check(before, after)

    def check(self, before, after):
        path = after.folder / "README.md"
        if not path.exists():
            self.skipTest(f"{path.relative_to(ROOT)} is not there")
        words = (before.number, after.number)
        diff = ROOT / "scripts" / "diff"
        status, out, err = call(diff, "--stat", *words)
        self.assertEqual(status, 0, err)
        match = re.search(
            rf"^./scripts/diff {words[0]} {words[1]}.*?\n```\n\s*(.*?)\n\s*\n",
            path.read_text(encoding="utf-8"),
            re.S | re.M,
        )
        self.assertIsNotNone(match, "no paragraph below the diff command")
        figures = numbers_in(re.sub(r"`.*?`", "", match[1]))
        percent = re.search(r"([\d.]+) %", out)[1]
        self.assertIn(percent, figures)
        self.assertLessEqual(set(figures), set(numbers_in(out)))


def numbers_in(text):
    return re.findall(r"\b\d[\d,]*(?:\.\d+)?\b", text)


def add_test(path):
    name = str(path.parent.relative_to(ROOT / "stages")) if (
        path.parent != ROOT
    ) else "top"

    def test(self):
        self.run_all(path)

    setattr(ReadmesTest, f"test_{name}", test)


add_test(ROOT / "README.md")
for each in stages():
    add_test(each.folder / "README.md")


if __name__ == "__main__":
    unittest.main()
