# ctest: ci costly
"""Transports against CPython's own, both ways: conversations over TCP, Unix and
UDP that end at every byte, and Viktorin's echo server and client.

parity/transcripts.py and parity/transcripts.cpp are the same program, a server
and a client that say what their protocols were told; PARITY_BIN as in
test_parity.py.
"""

import functools
import itertools
import os
import re
import socket
import subprocess
import sys
import tempfile
import unittest

import support
from parity.transcripts import PIECES, TEXT, beginning
from support import PATIENCE, Program, Server, call
from test_parity import FOLDER, PARITY_BIN, setUpModule  # noqa: F401

HALVES = ("C++", "CPython")
PAIRINGS = list(itertools.product(HALVES, HALVES))


def transcripts(half, role, *words):
    """A command, and its environment."""
    if half == "CPython":
        command = [sys.executable, FOLDER / "transcripts.py", role, *words]
        return [str(word) for word in command], support.ENVIRONMENT
    (*_, program) = sorted(PARITY_BIN.glob("[0-9][0-9]_parity")) or [None]
    if program is None:
        raise AssertionError(f"no program NN_parity in {PARITY_BIN}")
    environment = dict(support.ENVIRONMENT, TRANSCRIPTS=" ".join(words))
    return [str(program), "transcripts", role], environment


def in_topics(text):
    """The lines that begin alike, without their numbers."""
    topics = {}
    for line in text.splitlines():
        if not line.startswith(("==", "listening")):
            topic, number, words = line.split(" ", 2)
            lines = topics.setdefault(topic, [])
            if int(number) != len(lines):
                raise AssertionError(f"not number {len(lines)}: {line}")
            lines.append(words)
    return topics


@functools.cache
def conversations(server, client):
    """What the protocols of both sides say, each by topic."""
    with tempfile.TemporaryDirectory() as folder:
        command, environment = transcripts(server, "server", folder)
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        ) as process:
            try:
                line = ""
                while not line.startswith("listening on "):
                    line = process.stdout.readline()
                    if not line:
                        raise AssertionError(f"the {server} server listens not")
                ports = line.split()[2:]
                command, environment = transcripts(
                    client, "client", folder, *ports
                )
                status, out, err = call(*command, env=environment)
                if status != 0:
                    raise AssertionError(f"the {client} client: {err[-4000:]}")
                # Without any more on stdin it tells and ends.
                told, _ = process.communicate(timeout=PATIENCE)
                if process.returncode != 0:
                    raise AssertionError(f"the {server} server failed")
            finally:
                process.kill()
    return in_topics(told), in_topics(out)


# ---- What both have to say --------------------------------------------------


def told(data, *ends):
    return "|".join(["made", *([f"data={data}"] if data else []), *ends])


def cases(hows):
    return itertools.product(range(len(TEXT) + 1), hows)


def until_exceeded(count):
    """What a client has sent when so many bytes of it are exceeded."""
    pieces = len(beginning(count + 1))
    return "".join(PIECES[:pieces])


def client_that_ends(count, how):
    if how == "eof":
        return told(TEXT[:count] + " end", "eof", "lost None")
    # The last piece's echo is not waited for.
    pieces = beginning(count) if how == "reset" else beginning(count)[:-1]
    return told("".join(pieces), "lost None")


def server_that_is_left(count, how, unix):
    if how == "eof":
        return told(TEXT[:count], "eof", "lost None")
    if unix:
        # It knows no reset. But what is written then reaches nobody.
        return told(TEXT[:count], "eof", "lost BrokenPipeError")
    return told(TEXT[:count], "lost ConnectionResetError")


def client_that_is_left(count, how, unix):
    if how == "eof" or unix:
        return told(TEXT[:count], "eof", "lost None")
    return told(TEXT[:count], "lost ConnectionResetError")


def server_that_ends(count, how):
    if how == "eof" or count == len(TEXT):
        return told(until_exceeded(count), "eof", "lost None")
    return told(until_exceeded(count), "lost None")


DATAGRAMS = [f"datagram={TEXT[:end]}" for end in range(1, len(TEXT) + 1)]
ENDS = ("eof", "reset")
ENDS_OF_TCP = ("eof", "reset", "cut")

SERVER_SAYS = {
    "tcp_echo": [
        server_that_is_left(*case, unix=False) for case in cases(ENDS_OF_TCP)
    ],
    "tcp_leaver": list(itertools.starmap(server_that_ends, cases(ENDS))),
    "unix_echo": [server_that_is_left(*case, unix=True) for case in cases(ENDS)],
    "unix_leaver": list(itertools.starmap(server_that_ends, cases(ENDS))),
    "udp": ["|".join(["made", *DATAGRAMS, *DATAGRAMS, "lost None"])],
}

CLIENT_SAYS = {
    "tcp": list(itertools.starmap(client_that_ends, cases(ENDS_OF_TCP))),
    "tcp_left": [client_that_is_left(*case, unix=False) for case in cases(ENDS)],
    "unix": list(itertools.starmap(client_that_ends, cases(ENDS))),
    "unix_left": [client_that_is_left(*case, unix=True) for case in cases(ENDS)],
    "udp_connected": ["|".join(["made", *DATAGRAMS, "lost None"])],
    "udp": ["|".join(["made", *DATAGRAMS, "lost None"])],
    "udp_nobody": [
        "made|lost None",
        "made|error ConnectionRefusedError|lost None",
    ],
}


class TranscriptsTest(unittest.TestCase):
    """Each end of each conversation is told what CPython's would be, and the
    server goes on with the next."""

    def check(self, index, expected):
        for pairing in PAIRINGS:
            with self.subTest(server=pairing[0], client=pairing[1]):
                topics = conversations(*pairing)[index]
                self.assertEqual(list(topics), list(expected))
                for topic, lines in expected.items():
                    with self.subTest(topic):
                        self.assertEqual(topics[topic], lines)

    def test_what_the_server_is_told(self):
        self.check(0, SERVER_SAYS)

    def test_what_the_client_is_told(self):
        self.check(1, CLIENT_SAYS)

    def test_there_are_many(self):
        conversation_count = sum(map(len, SERVER_SAYS.values()))
        self.assertGreater(conversation_count, 360)


# ---- The servers of the stage ----------------------------------------------

REQUEST = b"GET /flags HTTP/1.1\r\nHost: asia\r\n\r\n"


class ServersTest(unittest.TestCase):
    """They get the beginning of a request, and after that serve the next."""

    def check(self, name, text, answer_of):
        for stage in support.stages("15"):
            with self.subTest(stage.name), Server(stage, name) as server:
                for count in range(len(text) + 1):
                    with self.subTest(count):
                        self.ends(server, text[:count], answer_of(count))
                self.assertEqual(server.errors(), "")

    def ends(self, server, text, answer):
        """In one direction, after the answer, and before."""
        with server.connect() as client:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(support.receive_all(client), answer)
        for wanted in (answer, b""):
            client = server.connect()
            client.sendall(text)
            self.assertEqual(support.receive(client, len(wanted)), wanted)
            support.reset(client)

    def test_echo(self):
        text = TEXT.encode()
        self.check("echo", text, lambda count: text[:count])

    def test_http(self):
        body = b"You asked: GET /flags HTTP/1.1\n"
        answer = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.check(
            "http",
            REQUEST,
            lambda count: answer if count == len(REQUEST) else b"",
        )


# ---- Viktorin's echo server and client --------------------------------------

ECHO_SERVER = """
import asyncio, os

class EchoServer(asyncio.Protocol):
    def connection_made(self, transport):
        print("connection from", transport.get_extra_info("peername"))
        self.transport = transport

    def data_received(self, data):
        print("data received:", data.decode())
        self.transport.write(data)
        self.transport.close()

loop = asyncio.new_event_loop()
port = int(os.environ["ASYNCIO_DEMO_PORT"])
server = loop.run_until_complete(
    loop.create_server(EchoServer, "127.0.0.1", port))
print("serving on", server.sockets[0].getsockname())
try:
    loop.run_forever()
except KeyboardInterrupt:
    print("exit")
finally:
    server.close()
    loop.close()
"""

ECHO_CLIENT = """
import asyncio, os

class EchoClient(asyncio.Protocol):
    def connection_made(self, transport):
        message = "This is the message. It will be echoed."
        transport.write(message.encode())
        print("data sent:", message)

    def data_received(self, data):
        print("data received:", data.decode())

    def connection_lost(self, error):
        print("server closed the connection")
        loop.stop()

loop = asyncio.new_event_loop()
port = int(os.environ["ASYNCIO_DEMO_PORT"])
loop.run_until_complete(
    loop.create_connection(EchoClient, "127.0.0.1", port))
loop.run_forever()
loop.close()
"""

SERVER_PRINTS = """\
serving on ('127.0.0.1', PORT)
connection from ('127.0.0.1', PORT)
data received: This is the message. It will be echoed.
exit
"""

CLIENT_PRINTS = """\
data sent: This is the message. It will be echoed.
data received: This is the message. It will be echoed.
server closed the connection
"""


class EchoTest(unittest.TestCase):
    """His programs print the same, whichever half they are of."""

    def command(self, half, name, text):
        if half == "CPython":
            return [sys.executable, "-u", "-c", text]
        for stage in reversed(support.stages("15")):
            return [stage.program, "demo", name]
        self.skipTest("no stage with transports is wanted")

    def converse(self, server, client):
        environment = dict(support.ENVIRONMENT, ASYNCIO_DEMO_PORT="0")
        command = self.command(server, "echo_server", ECHO_SERVER)
        with Program(command, env=environment) as program:
            first = program.line()
            port = re.search(r", (\d+)\)", first)[1]
            environment = dict(environment, ASYNCIO_DEMO_PORT=port)
            command = self.command(client, "echo_client", ECHO_CLIENT)
            status, out, err = call(*command, env=environment)
            self.assertEqual((status, err), (0, ""))
            # By then it waits for the next client.
            lines = [first, program.line(), program.line()]
            program.stop()
            lines.append(program.line())
            self.assertEqual(os.read(program.process.stdout.fileno(), 100), b"")
            self.assertEqual(program.errors(), "")
        return re.sub(r"\d+\)", "PORT)", "".join(lines)), out

    def test_four_pairings(self):
        for pairing in PAIRINGS:
            with self.subTest(server=pairing[0], client=pairing[1]):
                self.assertEqual(
                    self.converse(*pairing), (SERVER_PRINTS, CLIENT_PRINTS)
                )


if __name__ == "__main__":
    unittest.main()
