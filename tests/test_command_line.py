# ctest: ci costly timeout=300
"""The command line of every stage's program: what it lists, runs, refuses."""

import errno
import json
import os
import re
import socket
import tempfile
import unittest
from pathlib import Path

import support
from support import Echo, Program, Server, StageTest, call


def demos_of(stage):
    """The names that `demo` lists."""
    status, out, err = call(stage.program, "demo")
    if status != 0:
        raise AssertionError(f"{stage.name} demo: exit status {status}: {err}")
    return names_in(out)


def names_in(listing):
    """Of lines such as "name  what it is"."""
    names = []
    for line in listing.splitlines():
        match = re.fullmatch(r"(\w+)  +\S.*", line)
        if not match:
            raise AssertionError(f"this line lists nothing: {line!r}")
        names.append(match[1])
    return names


def subcommands_of(stage):
    text = call(stage.program, "--help")[1].partition("Subcommands:")[2]
    return re.findall(r"^  ([a-z]+) +\S", text, re.M)


def workloads_of(stage):
    """What `bench` can measure."""
    text = call(stage.program, "bench", "--help")[1]
    listing = text.rstrip().rpartition("\n\n")[2]
    return re.findall(r"^([a-z]\w*)  +\S", listing, re.M)


# The workloads that a stage must have, by the first stage that has them.
WORKLOADS = {
    "04": ("timers", "switch"),
    "05": ("future",),
    "06": ("spawn", "alive", "empty"),
    "12": ("threadsafe", "executor"),
}

# A server and its client, at a port of their own unless it is said otherwise.
PAIR = ("echo_server", "echo_client")


def with_port(port):
    return {**support.ENVIRONMENT, "ASYNCIO_DEMO_PORT": str(port)}


class FailingTest(StageTest):
    def assert_one_line(self, done, *texts):
        """It failed with exit status 1 and one line that says why."""
        status, out, err = done
        self.assertEqual((status, out), (1, ""), err)
        self.assertRegex(err, r"\A[^\n]+\n\Z")
        for text in texts:
            self.assertIn(text, err)


class CommandLineTest(StageTest):
    def test_help(self):
        def check(stage):
            status, out, err = call(stage.program, "--help")
            self.assertEqual((status, err), (0, ""))
            self.assertIn(stage.name, out)
            wanted = {"demo"}
            if stage.number >= "02":
                self.assertIn("--trace", out)
                wanted.add("serve")
            if stage.number == "01" or stage.number >= "04":
                wanted.add("bench")
            self.assertLessEqual(wanted, set(subcommands_of(stage)))
            for each in subcommands_of(stage):
                status, out, err = call(stage.program, each, "--help")
                self.assertEqual((status, err), (0, ""))
                self.assertNotEqual(out, "")

        self.for_each(support.stages(), check)

    def test_without_arguments_it_helps(self):
        def check(stage):
            status, out, err = call(stage.program)
            self.assertEqual((status, err), (0, ""))
            self.assertEqual(out, call(stage.program, "--help")[1])

        self.for_each(support.stages(), check)

    def test_serve_help(self):
        def check(stage):
            _, out, _ = call(stage.program, "serve", "--help")
            for word in ("--host", "--port", "30303", "echo", "plus42"):
                self.assertIn(word, out)

        self.for_each(support.stages("02"), check)

    def test_usage_errors(self):
        def check(stage):
            refused = [["nothing"], ["--nothing"], ["demo", "--nothing"]]
            if stage.number >= "02":
                refused += [
                    ["serve", "--port", "70000"],
                    ["serve", "--port", "-1"],
                    ["serve", "--port", "x"],
                    ["serve", "--trace"],
                ]
            for words in refused:
                status, out, err = call(stage.program, *words)
                self.assertGreater(status, 0, words)
                self.assertEqual(out, "", words)
                self.assertNotEqual(err, "", words)

        self.for_each(support.stages(), check)

    def test_unknown_names(self):
        """The error names what there is."""

        def check(stage):
            for each in subcommands_of(stage):
                listed = {"demo": demos_of(stage), "serve": ["echo", "plus42"]}
                status, out, err = call(stage.program, each, "no_such_name")
                self.assertGreater(status, 0, each)
                self.assertEqual(out, "")
                self.assertIn("no_such_name", err)
                for name in listed.get(each, ()):
                    self.assertIn(name, err)

        self.for_each(support.stages(), check)


class DemoTest(StageTest):
    def test_lists(self):
        def check(stage):
            names = demos_of(stage)
            self.assertNotEqual(names, [])
            self.assertEqual(names, sorted(set(names)))

        self.for_each(support.stages(), check)

    def test_every_demo(self):
        demos = [
            (stage, name)
            for stage in support.stages()
            for name in demos_of(stage)
            if name not in PAIR
        ]

        def check(demo):
            stage, name = demo
            status, out, err = call(
                stage.program, "demo", name, timeout=3 * support.PATIENCE)
            self.assertEqual(status, 0, f"{name}: {err}")
            self.assertNotEqual(out, "", name)

        self.for_each(demos, check, at_once=16)

    def test_the_pair(self):
        """The one ends with the conversation, the other by Ctrl-C."""

        def check(stage):
            server, client = ([stage.program, "demo", name] for name in PAIR)
            with Program(server, env=with_port(0)) as program:
                port = re.search(r", (\d+)\)$", program.line())[1]
                status, out, err = call(*client, env=with_port(port))
                self.assertEqual((status, err), (0, ""))
                self.assertRegex(out, r"data received: .*\n.*closed the conn")
                self.assertEqual(program.stop(), 0)

        self.for_each([stage for stage in support.stages()
                       if set(PAIR) <= set(demos_of(stage))], check)

    def test_by_hand(self):
        """The state machine counts as the generator does."""
        for stage in support.stages():
            if stage.number == "01":
                outputs = [call(stage.program, "demo", name)
                           for name in ("count", "by_hand")]
                self.assertEqual(outputs[0], outputs[1])
                self.assertEqual(outputs[0][0], 0)

    def test_nobody_reads(self):
        """Closed or full: no crash, no silence."""

        def check(stage):
            with open("/dev/full", "w") as full:
                status, _, err = call(stage.program, "demo", stdout=full)
            self.assertEqual(status, 1)
            self.assertRegex(err, r"\A[^\n]+\n\Z")

        if not os.path.exists("/dev/full"):
            self.skipTest("this system has no /dev/full")
        self.for_each(support.stages(), check)

    def test_interrupted(self):
        """Ctrl-C ends each demo that a loop runs."""
        demos = [
            (stage, name)
            for stage in support.stages("03")
            for name in demos_of(stage)
            if name in ("print_and_repeat", "spinner")
        ]

        def check(demo):
            stage, name = demo
            with Program([stage.program, "demo", name]) as program:
                # Its first words show that the loop runs.
                os.read(program.process.stdout.fileno(), 1)
                self.assertIn(program.stop(), (0, 130))
                self.assertEqual(program.errors(), "")

        self.for_each(demos, check)


class ServeTest(FailingTest):
    def test_port_in_use(self):
        def check(stage):
            with socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
                done = call(stage.program, "serve", "echo", "--port", port)
            where = f"127.0.0.1:{port}"
            self.assert_one_line(done, where, os.strerror(errno.EADDRINUSE))

        self.for_each(support.stages("02"), check)

    def test_a_port_that_is_not_for_everybody(self):
        path = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        first = int(path.read_text()) if path.exists() else 1024
        if first <= 80:
            self.skipTest(f"here everybody may listen on port {first}")
        somebody = {}
        if os.geteuid() == 0:
            somebody = {"user": 65534, "group": 65534, "extra_groups": []}

        def check(stage):
            command = (stage.program, "serve", "echo", "--port", 80)
            try:
                done = call(*command, cwd="/", **somebody)
            except PermissionError:
                self.skipTest("another user cannot read the program")
            self.assert_one_line(done, "127.0.0.1:80", "Permission denied")

        self.for_each(support.stages("02"), check)

    def test_bad_hosts(self):
        # An address of nobody (RFC 5737), and a name too long for any.
        hosts = ("192.0.2.1", "x" * 64 + ".invalid")

        def check(stage):
            for host in hosts:
                words = ("echo", "--host", host, "--port", 0)
                done = call(stage.program, "serve", *words)
                self.assert_one_line(done, "cannot listen on", host)

        self.for_each(support.stages("02"), check)

    def test_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError as error:
            self.skipTest(f"no IPv6 here: {error}")

        def check(stage):
            words = ["serve", "echo", "--host", "::1", "--port", "0"]
            with Program([stage.program, *words]) as server:
                line = server.line()
                self.assertRegex(line, r"\Alistening on \[::1\]:\d+\n\Z")
                port = int(line.rpartition(":")[2])
                with socket.create_connection(("::1", port)) as client:
                    client.settimeout(support.PATIENCE)
                    Echo.round_trip(client)

        self.for_each(support.stages("02"), check)

    def test_without_a_name_it_is_echo(self):
        def check(stage):
            words = ["serve", "--port", "0"]
            with Program([stage.program, *words]) as server:
                port = int(server.line().rpartition(":")[2])
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.settimeout(support.PATIENCE)
                    Echo.round_trip(client)

        self.for_each(support.stages("02"), check)


class BenchTest(StageTest):
    def stages(self):
        """Those that have `bench`."""
        found = support.stages()
        return [each for each in found if "bench" in subcommands_of(each)]

    def test_one_line(self):
        runs = [
            (stage, name)
            for stage in self.stages()
            for name in workloads_of(stage)
        ]

        def check(run):
            stage, name = run
            words = ("bench", name, "--n", 2000, "--tasks", 4)
            status, out, err = call(stage.program, *words)
            self.assertEqual((status, err), (0, ""))
            self.assertRegex(out, r"\Ans=[\d.]+ bytes=[\d.]+( [^\n]*)?\n\Z")

        self.for_each(runs, check)

    def test_workloads_of_the_stage(self):
        def check(stage):
            names = workloads_of(stage)
            for first, wanted in WORKLOADS.items():
                if stage.number >= first:
                    self.assertLessEqual(set(wanted), set(names))

        self.for_each(self.stages(), check)

    def test_without_a_workload(self):
        def check(stage):
            names = workloads_of(stage)
            status, out, err = call(
                stage.program, "bench", timeout=3 * support.PATIENCE)
            self.assertEqual((status, err), (0, ""))
            self.assertNotEqual(out, "")
            if names and stage.number != "01":
                self.assertEqual(names_in(out), names)

        self.for_each(self.stages(), check)


class TraceTest(FailingTest):
    def trace_of(self, path):
        with open(path, encoding="utf-8") as file:
            return json.load(file)["traceEvents"]

    def assert_well_formed(self, events):
        """As Chrome's Trace Event Format wants it."""
        depth = {}
        for event in events:
            self.assertIn("ph", event)
            self.assertIn("name", event)
            if event["ph"] != "M":
                self.assertGreaterEqual(event["ts"], 0)
            if event["ph"] == "X":
                self.assertGreaterEqual(event["dur"], 0)
            if event["ph"] in "be":
                key = (event["cat"], event["id"])
                depth[key] = depth.get(key, 0) + (
                    1 if event["ph"] == "b" else -1
                )
                self.assertGreaterEqual(depth[key], 0, event)
        self.assertEqual(set(depth.values()) - {0}, set(), "never ended")

    def test_of_a_server(self):
        def check(stage, file):
            with Server(stage, "echo", "--trace", file) as server:
                for _ in range(3):
                    server.serves(Echo)
                idle = server.connect()
                self.addCleanup(idle.close)
                Echo.round_trip(idle)
                self.assertEqual(server.stop(), 0)
                self.assertEqual(server.errors(), "")
            events = self.trace_of(file)
            self.assert_well_formed(events)
            names = [event["name"] for event in events]
            self.assertTrue(any(re.match(r"round \d+$", n) for n in names))
            self.assertIn("handle", names)
            waits = [each for each in events if each["name"] == "wait"]
            self.assertNotEqual(waits, [])
            for wait in waits:
                self.assertIn("timeout", wait["args"])
            self.assertTrue(any(w["args"].get("ready") for w in waits))
            self.assertIn("ready", names)
            if stage.number >= "03":
                births = [each for each in events if each["ph"] == "b"]
                ends = [each for each in events if each["ph"] == "e"]
                # Four clients, and who accepts them; two are there at the end.
                tasks = {(each["cat"], each["id"]) for each in births}
                self.assertGreaterEqual(len(tasks), 5)
                finished = [e for e in ends if "end" in e.get("args", {})]
                self.assertGreaterEqual(len(finished), 5)

        self.each_with_a_file(support.stages("02"), check)

    def test_of_a_demo(self):
        def check(stage, file):
            demos = [each for each in demos_of(stage)
                     if each not in DEMOS_WITHOUT_TASKS]
            if not demos:
                self.skipTest("it has no demo with tasks")
            name = min(demos, key=lambda each: each in SLOW_DEMOS)
            words = ("--trace", file, "demo", name)
            status, _, err = call(stage.program, *words)
            self.assertEqual(status, 0, err)
            events = self.trace_of(file)
            self.assert_well_formed(events)
            if stage.number >= "03":
                self.assertIn("b", [event["ph"] for event in events])

        self.each_with_a_file(support.stages("02"), check)

    def test_of_a_demo_that_cancels(self):
        """Says what each task waits for, and what becomes of it."""
        def check(stage, file):
            if "cleaning_up" not in demos_of(stage):
                self.skipTest("it has no demo of cancellation")
            words = ("--trace", file, "demo", "cleaning_up")
            status, _, err = call(stage.program, *words)
            self.assertEqual(status, 0, err)
            events = self.trace_of(file)
            self.assert_well_formed(events)
            ends = {e["args"]["end"] for e in events
                    if e["ph"] == "e" and "end" in e.get("args", {})}
            self.assertEqual(ends, {"done", "cancelled", "raised"})
            self.assertIn("n", [e["ph"] for e in events
                                if e["name"] == "cancel"])
            names = {event["name"] for event in events}
            tasks = {e["args"]["coroutine"] for e in events
                     if "coroutine" in e.get("args", {})}
            self.assertTrue(tasks)
            self.assertLessEqual(
                {"timer set", "timer fired", "timer cancelled"}, names)
            for what in ("the others", r"sleep [\d.]+ s",
                         rf"({'|'.join(tasks)}) #\d+"):
                wait = re.compile(f"waits for {what}$")
                self.assertTrue(any(map(wait.match, names)), (what, names))

        self.each_with_a_file(support.stages("06"), check)

    def test_of_a_demo_that_is_interrupted(self):
        def check(stage, file):
            if "print_and_repeat" not in demos_of(stage):
                self.skipTest("it has no demo that takes long")
            words = ["demo", "print_and_repeat", "--trace", file]
            with Program([stage.program, *words]) as program:
                program.line()
                self.assertIn(program.stop(), (0, 130))
            events = self.trace_of(file)
            self.assert_well_formed(events)
            names = [event["name"] for event in events]
            self.assertIn("timer set", names)

        self.each_with_a_file(support.stages("04"), check)

    def test_a_file_that_cannot_be_written(self):
        def check(stage):
            for file in ("/no/such/folder/trace.json", "/"):
                for words in (("serve", "echo", "--port", 0), ("demo",)):
                    done = call(stage.program, *words, "--trace", file)
                    self.assert_one_line(done, f"cannot write {file}")

        self.for_each(support.stages("02"), check)

    def each_with_a_file(self, stages, check):
        with tempfile.TemporaryDirectory() as folder:
            self.for_each(
                stages,
                lambda stage: check(stage, f"{folder}/{stage.name}.json"),
            )


DEMOS_WITHOUT_TASKS = ("epoll", "kqueue", "poll", "selectors", "silent")
SLOW_DEMOS = ("computing", "counting", "flags", "idle", "print_and_repeat",
              "sleepers", "spinner", "select")


if __name__ == "__main__":
    unittest.main()
