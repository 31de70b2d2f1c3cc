# ctest: each timeout=600
"""Every stage's servers against clients that nobody here has written for them:
many, slow, rude, silent, greedy."""

import asyncio
import contextlib
import errno
import itertools
import os
import random
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from dataclasses import dataclass

import support
from support import MIB, PATIENCE, Echo, Plus42, Server, StageTest


@dataclass(frozen=True)
class Case:
    stage: support.Stage
    protocol: type
    selector: str = ""

    def __str__(self):
        words = f"{self.stage.name} serve {self.protocol.name}"
        return f"{words} {' '.join(self.choice())}".rstrip()

    def choice(self):
        return ("--selector", self.selector) if self.selector else ()

    def server(self, *words, **options):
        words = (*self.choice(), *words)
        return Server(self.stage, self.protocol.name, *words, **options)


def all_cases():
    return [
        Case(stage, protocol)
        for stage in support.stages("02")
        for protocol in support.PROTOCOLS
    ]


def cases_on_each_selector():
    """The same, and the last stage's echo server on all that it can wait with
    besides its default: what is said does not depend on that."""
    more = [
        Case(stage, Echo, selector)
        for stage in support.stages("09")[-1:]
        for selector in stage.selectors()[:-1]
    ]
    return all_cases() + more


def connections(server, count, stack):
    return [stack.enter_context(server.connect()) for _ in range(count)]


class BytesTest(StageTest):
    """What goes in comes out, however it is cut."""

    def test_random_data_in_odd_chunks(self):
        def check(case):
            rng = random.Random(str(case))
            with case.server() as server, server.connect() as client:
                for largest in (3, 997, 70_001):
                    size = 5_000 if largest == 3 else 700_000
                    request, reply = case.protocol.make(rng, size)
                    pieces = support.in_pieces(rng, request, largest)
                    answer = support.exchange(client, pieces, len(reply))
                    self.assertTrue(answer == reply, f"up to {largest} bytes")
                self.assertEqual(server.errors(), "")

        self.for_each(cases_on_each_selector(), check)

    def test_one_byte_at_a_time(self):
        def check(case):
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(case.server())
                slow, other = connections(server, 2, stack)
                slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                request, reply = case.protocol.make(random.Random(3), 150)
                answer = b""
                for byte in request:
                    slow.sendall(bytes([byte]))
                    # After its answer the server has seen our byte too.
                    case.protocol.round_trip(other)
                    if case.protocol is Echo:
                        answer += support.receive(slow, 1)
                slow.shutdown(socket.SHUT_WR)
                answer += support.receive_all(slow)
                self.assertEqual(answer, reply)

        self.for_each(all_cases(), check)

    def test_half_closed(self):
        """Who will send no more still gets all that is owed."""

        def check(case):
            rng = random.Random(4)
            with case.server() as server:
                for size in (0, 1, 100, 5 * MIB):
                    request, reply = case.protocol.make(rng, size)
                    with server.connect() as client:
                        answer = support.exchange(client, [request])
                    self.assertTrue(answer == reply, f"{size} bytes")
                self.assertEqual(server.errors(), "")

        self.for_each(all_cases(), check)

    def test_half_closed_before_reading_anything(self):
        def check(case):
            piece, reply = case.protocol.flood()
            # Much is owed by plus42: 23 MiB, more than the kernel will take
            # from it. Of echo only what the kernel takes from the client.
            times = 300 if case.protocol is Plus42 else 3
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(case.server())
                client, other = connections(server, 2, stack)
                client.sendall(piece * times)
                client.shutdown(socket.SHUT_WR)
                # Time enough for the server to come to a stand.
                for _ in range(100):
                    case.protocol.round_trip(other)
                self.assertTrue(support.receive_all(client) == reply * times)
                self.assertEqual(server.errors(), "")

        self.for_each(cases_on_each_selector(), check)


class CrowdTest(StageTest):
    def test_900_clients_at_once(self):
        def check(case):
            support.need_descriptors(2048)
            with case.server() as server:
                asyncio.run(crowd(server, case.protocol, 900))
                server.serves(case.protocol)
                self.assertEqual(server.errors(), "")

        # A crowd is a crowd, whatever it says.
        cases = [
            case for case in cases_on_each_selector() if case.protocol is Echo
        ]
        self.for_each(cases, check, at_once=2)

    def test_the_1025th_descriptor(self):
        """select() cannot know it: it is refused, the others live on."""

        def check(case):
            support.need_descriptors(2048)
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(case.server())
                request, reply = case.protocol.make(random.Random(11), 20)
                asking = connections(server, 1030, stack)
                for client in asking:
                    with contextlib.suppress(ConnectionError):
                        client.sendall(request)
                clients = []
                for client in asking:
                    with contextlib.suppress(ConnectionError):
                        answer = support.receive(client, len(reply))
                        if answer:
                            self.assertEqual(answer, reply)
                            clients.append(client)
                refused = len(asking) - len(clients)
                if knows_only_select(case):
                    self.assertLess(len(clients), 1024)
                    support.eventually(
                        lambda: server.errors().count("\n") == refused,
                        "a line on stderr for each who was refused",
                    )
                    self.assertIn("FD_SETSIZE", server.errors())
                    self.assertIn("1024", server.errors())
                elif refused:
                    self.assertNotEqual(server.errors(), "")
                self.assertGreater(len(clients), 1000)
                for client in clients[::50] + clients[-5:]:
                    case.protocol.round_trip(client)
                # Its number is free again for somebody else.
                clients[0].close()

                def served():
                    with contextlib.suppress(AssertionError, ConnectionError):
                        server.serves(case.protocol)
                        return True

                support.eventually(served, "a place that is free is given")

        self.for_each(cases_on_each_selector(), check, at_once=1)


def knows_only_select(case):
    if case.selector:
        return case.selector == "select"
    return not case.stage.mentions("selectors.hpp", "PollSelector")


async def crowd(server, protocol, count):
    """All send before any reads, in another order each time."""
    rng = random.Random(5)
    gate = asyncio.Semaphore(100)

    async def connect():
        async with gate:
            return await asyncio.open_connection(server.host, server.port)

    async def rounds():
        clients = await asyncio.gather(*(connect() for _ in range(count)))
        for _ in range(3):
            rng.shuffle(clients)
            await asyncio.gather(*(talk(*client) for client in clients))
        await asyncio.gather(*(leave(*client) for client in clients))

    async def talk(reader, writer):
        request, reply = protocol.make(rng, rng.randint(1, 1500))
        for piece in support.in_pieces(rng, request, 600):
            writer.write(piece)
            # Lets all the others send theirs.
            await asyncio.sleep(0)
        answer = await reader.readexactly(len(reply))
        if answer != reply:
            raise AssertionError(f"{reply!r} expected, but not {answer!r}")

    async def leave(reader, writer):
        writer.write_eof()
        rest = await reader.read()
        if rest:
            raise AssertionError(f"more came than was owed: {rest!r}")
        writer.close()

    await asyncio.wait_for(rounds(), 2 * PATIENCE)


class RudeTest(StageTest):
    def test_reset_in_the_middle(self):
        def check(case):
            piece, _ = case.protocol.flood()
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(case.server())
                (witness,) = connections(server, 1, stack)
                for how in range(200):
                    client = server.connect()
                    if how % 4 == 1:
                        client.sendall(b"1")
                    elif how % 4 == 2:
                        case.protocol.round_trip(client)
                    elif how % 4 == 3:
                        # The server is in the middle of replying.
                        client.sendall(piece)
                    support.reset(client)
                    if how % 20 == 0:
                        case.protocol.round_trip(witness)
                case.protocol.round_trip(witness)
                self.gone(server, case, 1)

        self.for_each(all_cases(), check)

    def test_many_reset_at_once(self):
        def check(case):
            piece, _ = case.protocol.flood()
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(case.server())
                (witness,) = connections(server, 1, stack)
                clients = [server.connect() for _ in range(150)]
                for client in clients:
                    client.sendall(piece)
                for client in clients:
                    support.reset(client)
                case.protocol.round_trip(witness)
                self.gone(server, case, 1)

        self.for_each(cases_on_each_selector(), check)

    def gone(self, server, case, left):
        """The descriptors of those who left are closed."""
        server.serves(case.protocol)
        folder = f"/proc/{server.pid}/fd"
        if os.path.isdir(folder):
            support.eventually(
                lambda: sockets_in(folder) <= left + 1,
                f"only {left} connections are left",
            )

    def test_a_client_that_never_reads(self):
        """64 MiB are owed to it: the server waits and does not hoard."""

        def check(case):
            piece, reply = case.protocol.flood()
            times = 64 * MIB // len(reply)
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(case.server())
                greedy, other = connections(server, 2, stack)
                case.protocol.round_trip(other)
                before = server.rss()
                largest = before
                flood = Flood(greedy, piece, times)
                idle = 0
                # Until others got a hundred answers without progress here.
                while idle < 100:
                    idle = 0 if flood.send_some() else idle + 1
                    case.protocol.round_trip(other)
                    largest = max(largest, server.rss())
                self.assertLess((largest - before) / MIB, 20)
                if case.protocol is Echo:
                    self.assertFalse(flood.all_sent(), "where is it all?")
                received = flood.send_and_verify(reply)
                self.assertEqual(received, times * len(reply))
                self.assertLess((server.rss() - before) / MIB, 20)
                case.protocol.round_trip(other)
                self.assertEqual(server.errors(), "")

        self.for_each(cases_on_each_selector(), check)

    def test_an_endless_line(self):
        def check(case):
            with case.server() as server, server.connect() as client:
                Plus42.round_trip(client)
                before = server.rss()
                for _ in range(32):
                    client.sendall(b"7" * MIB)
                self.assertLess((server.rss() - before) / MIB, 20)
                client.sendall(b"\n1\n")
                client.shutdown(socket.SHUT_WR)
                answers = support.receive_all(client).splitlines()
                self.assertEqual(len(answers), 2)
                self.assertRegex(answers[0], b"^error: ")
                self.assertEqual(answers[1], b"43")

        cases = [case for case in all_cases() if case.protocol is Plus42]
        self.for_each(cases, check)


def sockets_in(folder):
    count = 0
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(os.path.join(folder, name)).startswith(
                "socket:"
            )
    return count


class Flood:
    """Sends a piece many times over, and checks what comes back, both without
    holding it."""

    def __init__(self, client, piece, times):
        self.client = client
        self.client.setblocking(False)
        self.piece = piece
        self.left = times * len(piece)

    def all_sent(self):
        return self.left == 0

    def send_some(self):
        """Sends what goes without waiting. Returns the number of bytes."""
        total = 0
        with contextlib.suppress(BlockingIOError):
            while self.left > 0:
                # The next byte is where the last call stopped in the piece.
                start = -self.left % len(self.piece)
                sent = self.client.send(self.piece[start:])
                self.left -= sent
                total += sent
        return total

    def send_and_verify(self, reply):
        """Sends the rest, reads until the end. Returns how much came."""
        twice = reply * 2
        received = 0
        events = selectors.EVENT_READ | selectors.EVENT_WRITE
        end = time.monotonic() + 2 * PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(self.client, events)
            while True:
                if time.monotonic() > end:
                    raise AssertionError(f"stands after {received} bytes")
                for _, happened in selector.select(1):
                    if happened & selectors.EVENT_WRITE:
                        self.send_some()
                        if self.all_sent():
                            self.client.shutdown(socket.SHUT_WR)
                            selector.modify(self.client, selectors.EVENT_READ)
                    if happened & selectors.EVENT_READ:
                        part = self.client.recv(len(reply))
                        if not part:
                            return received
                        start = received % len(reply)
                        if part != twice[start : start + len(part)]:
                            raise AssertionError(f"wrong after {received}")
                        received += len(part)


class ScarceTest(StageTest):
    def test_no_descriptor_left(self):
        """EMFILE: one report, no busy loop, and who waits is served later."""

        def check(case):
            if case.stage.has_ubsan():
                self.skipTest("UBSan needs descriptors to look at an object")
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(case.server(limit_files=20))
                clients = connections(server, 30, stack)
                request, reply = case.protocol.make(random.Random(6), 20)
                for client in clients:
                    client.sendall(request)
                support.eventually(server.errors, "a report on stderr")
                begun = time.monotonic()
                ticks = server.ticks_of_a_second()
                took = time.monotonic() - begun
                self.assertLessEqual(ticks, 10, "it is busy")
                served = [client for client in clients if readable(client)]
                self.assertGreater(len(served), 5)
                self.assertLess(len(served), 20)
                lines = server.errors().splitlines()
                allowed = 1
                if case.stage.mentions("event_loop.hpp", "call_later"):
                    allowed = 2 + int(took)  # It may try again each second.
                self.assertLessEqual(len(lines), allowed, lines)
                self.assertIn(os.strerror(errno.EMFILE), lines[0])
                # Those who came first go; each makes room for one who waits.
                waiting = [each for each in clients if each not in served]
                for client in served + waiting:
                    self.assertEqual(support.receive(client, len(reply)), reply)
                    client.close()
                server.serves(case.protocol)

        self.for_each(cases_on_each_selector(), check, at_once=8)

    def test_an_idle_server_uses_no_cpu(self):
        def check(case):
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(case.server())
                clients = connections(server, 50, stack)
                for client in clients:
                    case.protocol.round_trip(client)
                self.assertLessEqual(server.ticks_of_a_second(), 1)
                self.assertEqual(server.errors(), "")

        self.for_each(cases_on_each_selector(), check, at_once=8)


def readable(client):
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ)
        return bool(selector.select(0))


# ---- Ctrl-C --------------------------------------------------------------


def nobody(server, case, stack):
    pass


def idle_clients(server, case, stack):
    for client in connections(server, 20, stack):
        case.protocol.round_trip(client)
    connections(server, 20, stack)


def transfers(server, case, stack):
    """Some are owed much and do not read, some send and read."""
    piece, reply = case.protocol.flood()
    for client in connections(server, 5, stack):
        Flood(client, piece, 64 * MIB // len(reply)).send_some()
    in_background(stack, 3, lambda: long_talk(server, case))
    server.serves(case.protocol)


def long_talk(server, case):
    request, reply = case.protocol.make(random.Random(7), 50_000)
    with server.connect() as client:
        while support.exchange(client, [request], len(reply)) == reply:
            pass


def load(server, case, stack):
    """They come and go."""

    def come_and_go():
        while True:
            server.serves(case.protocol)

    in_background(stack, 4, come_and_go)
    for _ in range(20):
        server.serves(case.protocol)


def in_background(stack, count, run):
    """Runs it in threads until the server is gone."""

    def guarded():
        with contextlib.suppress(OSError, AssertionError):
            run()

    for _ in range(count):
        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        stack.callback(thread.join, PATIENCE)


MOMENTS = (nobody, idle_clients, transfers, load)


def host_of_its_own():
    """So that no other client's own port is in the way of binding again."""
    if not sys.platform.startswith("linux"):
        return "127.0.0.1"
    number = random.SystemRandom().randrange(1 << 16, 1 << 24)
    return f"127.{number >> 16}.{number >> 8 & 255}.{number & 255}"


class SignalTest(StageTest):
    def end_at(self, case, moment, number):
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(case.server(host=host_of_its_own()))
            moment(server, case, stack)
            begun = time.monotonic()
            status = server.stop(number)
            what = f"{moment.__name__}, {signal.Signals(number).name}"
            self.assertEqual((status, server.errors()), (0, ""), what)
            self.assertLess(time.monotonic() - begun, PATIENCE / 4, what)
            # Clients have not closed their end yet: that is no hindrance.
            again = {"host": server.host, "port": server.port}
            with case.server(**again) as second:
                second.serves(case.protocol)

    def test_at_each_moment(self):
        def check(case):
            for moment in MOMENTS:
                for number in (signal.SIGINT, signal.SIGTERM):
                    self.end_at(case, moment, number)

        self.for_each(all_cases(), check)

    def test_at_any_moment(self):
        def check(case):
            rng = random.Random()
            for _ in range(8):
                with contextlib.ExitStack() as stack:
                    server = stack.enter_context(case.server())
                    in_background(stack, 2, lambda: long_talk(server, case))
                    in_background(stack, 2, lambda: each_a_byte(server))
                    time.sleep(rng.random() * 0.05)
                    status = server.stop()
                    self.assertEqual((status, server.errors()), (0, ""))

        self.for_each(cases_on_each_selector(), check)

    def test_twice(self):
        """The second one may end it at once, by exit() or by the signal itself;
        but it must not crash."""

        def check(case):
            both = (signal.SIGINT, signal.SIGTERM)
            for first, second in 3 * list(itertools.product(both, both)):
                with case.server() as server, server.connect() as client:
                    case.protocol.round_trip(client)
                    server.kill(first)
                    server.kill(second)
                    allowed = {0}
                    for number in (first, second):
                        allowed |= {128 + number, -number}
                    self.assertIn(server.wait(), allowed)
                    self.assertEqual(server.errors(), "")

        self.for_each(all_cases(), check)


def each_a_byte(server):
    while True:
        with server.connect() as client:
            client.sendall(b"\n")
            client.recv(1000)


# ---- Only some stages, only one protocol ---------------------------------


class BlockingTest(StageTest):
    def cases(self):
        return [
            case
            for case in all_cases()
            if "--blocking"
            in support.call(case.stage.program, "serve", "--help")[1]
        ]

    def test_the_second_client_starves(self):
        def check(case):
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(case.server("--blocking"))
                first, second = connections(server, 2, stack)
                request, reply = case.protocol.make(random.Random(8), 30)
                case.protocol.round_trip(first)
                second.sendall(request)
                for _ in range(200):
                    case.protocol.round_trip(first)
                self.assertFalse(readable(second))
                first.close()
                answer = support.receive(second, len(reply))
                self.assertEqual(answer, reply)

        self.for_each(self.cases(), check)

    def test_stage_02_has_it(self):
        if not [each for each in support.stages() if each.number == "02"]:
            self.skipTest("stage 02 is not among those to test")
        numbers = {case.stage.number for case in self.cases()}
        self.assertIn("02", numbers)

    def test_bytes(self):
        def check(case):
            rng = random.Random(9)
            with case.server("--blocking") as server:
                for size in (1, 100, MIB):
                    request, reply = case.protocol.make(rng, size)
                    with server.connect() as client:
                        answer = support.exchange(client, [request])
                    self.assertTrue(answer == reply, f"{size} bytes")
                # Those who went without a word do not end it.
                for _ in range(20):
                    client = server.connect()
                    client.sendall(request[:10_000])
                    support.reset(client)
                server.serves(case.protocol)

        self.for_each(self.cases(), check)


SMALLEST = -(2**63)
LARGEST = 2**63 - 1

NUMBERS = (
    (b"0", b"42"),
    (b"1", b"43"),
    (b"-42", b"0"),
    (b"-43", b"-1"),
    (b"-0", b"42"),
    (b"+5", b"47"),
    (b"007", b"49"),
    (b"  7  ", b"49"),
    (b"\t8\t", b"50"),
    (b"9\r", b"51"),
    (b" 10 \r", b"52"),
    (b"%d" % (LARGEST - 42), b"%d" % LARGEST),
    (b"%d" % SMALLEST, b"%d" % (SMALLEST + 42)),
)

NO_NUMBERS = (
    b"",
    b" ",
    b"\r",
    b"six",
    b"1.5",
    b"1e3",
    b"1 2",
    b"0x10",
    b"--1",
    b"+-1",
    b"-",
    b"+",
    b"1\0",
    b"\xff\xfe",
    "\u0663".encode(),
    b"%d" % (LARGEST - 41),
    b"%d" % (LARGEST + 1),
    b"%d" % (SMALLEST - 1),
    b"9" * 1000,
)


class Plus42Test(StageTest):
    def cases(self):
        return [case for case in all_cases() if case.protocol is Plus42]

    def test_numbers_and_others(self):
        def check(case):
            with case.server() as server, server.connect() as client:
                for line, reply in NUMBERS:
                    client.sendall(line + b"\n")
                    answer = support.receive(client, len(reply) + 1)
                    self.assertEqual(answer, reply + b"\n", line)
                for line in NO_NUMBERS:
                    client.sendall(line + b"\n1\n")
                    with client.makefile("rb") as lines:
                        answer = lines.readline()
                        self.assertRegex(answer, rb"^error: .+\n", line)
                        self.assertEqual(lines.readline(), b"43\n", line)
                self.assertEqual(server.errors(), "")

        self.for_each(self.cases(), check)

    def test_a_line_in_many_parts(self):
        def check(case):
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(case.server())
                client, other = connections(server, 2, stack)
                for part in (b"1", b"2", b"", b"3", b"4\n5", b"6", b"\n", b"7"):
                    client.sendall(part)
                    Plus42.round_trip(other)
                client.sendall(b"\n")
                self.assertEqual(support.receive(client, 11), b"1276\n98\n49\n")

        self.for_each(self.cases(), check)

    def test_many_lines_at_once(self):
        def check(case):
            count = 200_000
            request = b"".join(b"%d\n" % i for i in range(count))
            reply = b"".join(b"%d\n" % (i + 42) for i in range(count))
            with case.server() as server, server.connect() as client:
                answer = support.exchange(client, [request])
                self.assertTrue(answer == reply)

        self.for_each(self.cases(), check)


class ToolsTest(StageTest):
    """Programs that others have written as the client."""

    def through(self, case, command):
        request, reply = case.protocol.make(random.Random(10), 3 * MIB)
        with tempfile.TemporaryFile() as file, case.server() as server:
            file.write(request)
            file.seek(0)
            done = subprocess.run(
                [
                    word.format(host=server.host, port=server.port)
                    for word in command
                ],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=PATIENCE,
            )
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertTrue(done.stdout == reply, f"{len(done.stdout)} bytes")

    def test_socat(self):
        socat = support.need_tool("socat")
        command = [socat, "-t", "30", "-", "TCP:{host}:{port}"]
        self.for_each(all_cases(), lambda case: self.through(case, command))

    def test_nc(self):
        nc = support.need_tool("nc")
        _, out, err = support.call(nc, "-h")
        if "-N" not in out + err and "[-46CDdFhklNn" not in out + err:
            self.skipTest("this nc has no -N")
        command = [nc, "-N", "{host}", "{port}"]
        self.for_each(all_cases(), lambda case: self.through(case, command))


if __name__ == "__main__":
    unittest.main()
