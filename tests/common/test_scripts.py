# ctest: ci once
"""scripts/run, test and bench where something is missing or wrong."""

import os
import shutil
import stat
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
)
TOOLS = (
    "sh cat sed basename dirname mkdir rm uname tr grep head sort find".split()
)
STUBS = {
    "id": "echo 0",
    "apt-get": 'echo "apt-get $*" >>"$LOG"',
    "apt-cache": 'echo "  Candidate: 4:12.2.0-3"',
}


class ScriptsTest(unittest.TestCase):
    """Runs copies of the scripts with only these tools in the PATH."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(suffix=" with a space")
        self.root = self.folder.name
        self.bin = os.path.join(self.root, "bin")
        self.log = os.path.join(self.root, "log")
        os.mkdir(self.bin)
        os.makedirs(os.path.join(self.root, "stages", "01_generators"))
        main = os.path.join(self.root, "stages", "01_generators", "main.cpp")
        open(main, "w").close()
        shutil.copytree(
            os.path.join(ROOT, "scripts"), os.path.join(self.root, "scripts")
        )
        for tool in TOOLS:
            os.symlink(shutil.which(tool), os.path.join(self.bin, tool))
        for name, text in STUBS.items():
            self.stub(name, text)

    def tearDown(self):
        self.folder.cleanup()

    def stub(self, name, text):
        path = os.path.join(self.bin, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def call(self, script, *arguments, **environment):
        """The exit status, stdout and stderr."""
        done = subprocess.run(
            [os.path.join(self.root, "scripts", script), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env={
                "PATH": self.bin,
                "LOG": self.log,
                "HEADER_DIRS": "/nowhere",
                **environment,
            },
        )
        return done.returncode, done.stdout, done.stderr

    def calls(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def test_help(self):
        for script in ("run", "test", "bench"):
            status, out, err = self.call(script, "--help")
            self.assertEqual((status, err), (0, ""))
            self.assertIn(f"usage: scripts/{script}", out)

    def test_usage_errors(self):
        for words in (["run", "--no"], ["test", "--no"], ["test", "-R"]):
            status, out, err = self.call(*words)
            self.assertEqual((status, out), (2, ""))
            self.assertNotEqual(err, "")

    def test_unknown_stage(self):
        for words in (["run", "07", "demo"], ["test", "--stages", "1,7"]):
            status, _, err = self.call(*words)
            self.assertEqual(status, 1)
            self.assertIn("no stage", err)
            self.assertIn("01_generators", err)

    def test_one_command_is_named_but_not_run(self):
        status, out, err = self.call("run", "1", "demo")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("compiler cmake ninja cli11 doctest python3 git", err)
        self.assertIn(
            "apt-get install -y --no-install-recommends g++ cmake "
            "ninja-build libcli11-dev doctest-dev python3 git\n",
            err,
        )
        self.assertIn("--yes", err)
        self.assertEqual(self.calls(), "")

    def test_another_program_of_the_stage(self):
        """As the book's test asks for it: nothing is built."""
        self.stub("other", 'echo "other $*"')
        other = os.path.join(self.bin, "other")
        status, out, err = self.call("run", "1", "demo", "x",
                                     STAGE_PROGRAM=other)
        self.assertEqual((status, out, err), (0, "other demo x\n", ""))

    def test_only_what_is_missing(self):
        for tool in ("git", "python3", "ninja"):
            self.stub(tool, "exit 0")
        status, _, err = self.call("test")
        self.assertEqual(status, 1)
        self.assertIn("Missing here: compiler cmake cli11 doctest\n", err)

    def test_an_old_compiler_and_an_old_cmake_count_as_missing(self):
        self.stub("g++", "exit 1")
        self.stub("cmake", "echo cmake version 3.18.4")
        _, _, err = self.call("test")
        self.assertIn("Missing here: compiler cmake ", err)
        self.stub("g++", "cat >/dev/null")
        self.stub("cmake", "echo cmake version 4.0.1")
        _, _, err = self.call("test")
        self.assertIn("Missing here: ninja ", err)

    def test_yes_and_ci_install(self):
        for words, environment in ((["--yes"], {}), ([], {"CI": "true"})):
            status, _, err = self.call("test", *words, **environment)
            self.assertEqual(status, 1)
            self.assertIn("apt-get install -y", self.calls())
            # The stub installs nothing, and that is noticed.
            self.assertIn("no C++ compiler", err)
            os.remove(self.log)

    def test_sudo_unless_root(self):
        self.stub("id", "echo 1000")
        _, _, err = self.call("run", "1", "--yes")
        self.assertIn("  sudo apt-get ", err)
        self.assertIn("as root", err)
        self.stub("sudo", '"$@"')
        self.call("run", "--yes", "1")
        self.assertIn("apt-get install -y", self.calls())

    def test_other_package_managers(self):
        os.remove(os.path.join(self.bin, "apt-get"))
        for manager, text in (
            ("brew", "brew install cmake ninja cli11 doctest python3 git"),
            ("pkg", "pkg install -y llvm cmake ninja cli11 doctest python3"),
            ("dnf", "dnf install -y gcc-c++ cmake ninja-build cli11-devel"),
            ("pacman", "pacman -S --needed --noconfirm gcc cmake ninja cli11"),
        ):
            self.stub(manager, "exit 1")
            _, _, err = self.call("run", "1")
            self.assertIn(text, err)
            os.remove(os.path.join(self.bin, manager))

    def test_the_plot_tool(self):
        folder = os.path.join(self.root, "stages", "04_sleep")
        os.mkdir(folder)
        open(os.path.join(folder, "main.cpp"), "w").close()
        status, _, err = self.call("bench", "tasks")
        self.assertEqual(status, 1)
        self.assertIn("Missing here: gnuplot", err)
        self.assertIn("--no-install-recommends gnuplot-nox\n", err)
        _, _, err = self.call("bench", "tasks", "--no-plot")
        self.assertIn("Missing here: compiler", err)
        self.assertNotIn("gnuplot", err)
        self.stub("gnuplot", "exit 0")
        _, _, err = self.call("bench", "tasks")
        self.assertIn("Missing here: compiler", err)

    def test_no_package_manager(self):
        os.remove(os.path.join(self.bin, "apt-get"))
        status, _, err = self.call("run", "1")
        self.assertEqual(status, 1)
        self.assertIn("Missing here: compiler", err)

    def have_everything(self):
        """Nothing is built, and nothing but ctest has to do anything."""
        self.stub("g++", "cat >/dev/null")
        self.stub("cmake", "echo cmake version 3.25.1")
        for tool in ("ninja", "python3", "git"):
            self.stub(tool, "exit 0")
        # A list with spaces between its folders.
        include = tempfile.TemporaryDirectory()
        self.addCleanup(include.cleanup)
        for header in ("CLI/App.hpp", "doctest/doctest.h"):
            path = os.path.join(include.name, header)
            os.makedirs(os.path.dirname(path))
            open(path, "w").close()
        return {"HEADER_DIRS": include.name}

    def test_what_was_skipped_is_said_at_the_end(self):
        environment = self.have_everything()
        self.stub(
            "ctest",
            """
log=$2/Testing/Temporary
mkdir -p "$log"
cat >"$log/LastTest.log" <<'END'
test_b (m.T.test_b) ... skipped 'no b'
test_a (m.T.test_a) ... skipped "this 'a' is old"
  test_a (m.T.test_a) [01] ... skipped 'no b'
test_c (m.T.test_c) ... ok
/a/b.cpp:7: MESSAGE: skipped: no IPv6 here
/a/b.cpp:8: MESSAGE: something else
END
exit 8
""",
        )
        status, out, err = self.call("test", **environment)
        self.assertEqual((status, out), (8, ""), err)
        skipped, left = err.splitlines()[-2:]
        self.assertEqual(
            skipped, "Skipped: no IPv6 here; no b; this 'a' is old")
        self.assertRegex(left, r"^Left to CI or --ci: .* to --all \(.*\)\.$")
        self.stub(
            "ctest",
            'mkdir -p "$2/Testing/Temporary" && '
            'echo ok >"$2/Testing/Temporary/LastTest.log"',
        )
        status, _, err = self.call("test", **environment)
        self.assertEqual(status, 0)
        self.assertNotIn("Skipped", err)

    def test_coverage_takes_gcovr(self):
        environment = self.have_everything()
        status, _, err = self.call("test", "--coverage", **environment)
        self.assertEqual(status, 1)
        self.assertIn(
            "apt-get install -y --no-install-recommends gcovr\n", err)

    def test_what_each_tier_runs(self):
        environment = self.have_everything()
        self.stub("ctest", 'echo "ctest $*" "PROOFS=$PROOFS" >>"$LOG"')
        self.stub("gcovr", "exit 0")
        build = os.path.join(self.root, "build", "")
        for words, said in (
            ([], f"--test-dir {build}test .*PROOFS=$"),
            (["--stages", "1"],
             f"--test-dir {build}test .*-C every .*PROOFS=$"),
            (["-R", "x"],
             f"--test-dir {build}test .*-C ci .*-R x PROOFS=renew$"),
            (["--book"],
             f"--test-dir {build}test .*-C ci .*book.* PROOFS=renew$"),
            (["--ci"], f"--test-dir {build[:-1]} .*-C ci .*PROOFS=renew$"),
            (["--coverage"],
             f"--test-dir {build}coverage .*-C every -.*[(]01[)].*PROOFS=$"),
        ):
            with self.subTest(words):
                if os.path.exists(self.log):
                    os.remove(self.log)
                status, _, err = self.call("test", *words, **environment)
                self.assertEqual(status, 0, err)
                self.assertRegex(self.calls(), said)


if __name__ == "__main__":
    unittest.main()
