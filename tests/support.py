"""What the tests of this folder share: stages, their programs, clients.

BUILD_BIN names the folder of the stages' programs (default: build/release/bin),
STAGES=02,03 restricts the tests to these stages.
"""

import concurrent.futures
import os
import random
import re
import resource
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import lib.stages
from lib.bench import selectors_of

BUILD_BIN = Path(
    os.environ.get("BUILD_BIN") or ROOT / "build" / "release" / "bin"
)

# Seconds after which something that should have happened counts as missing.
PATIENCE = float(os.environ.get("PATIENCE", 40))
MIB = 1 << 20

# Else ASan's own memory would hide what the program holds.
ENVIRONMENT = dict(os.environ)
ENVIRONMENT["ASAN_OPTIONS"] = ":".join(
    filter(None, [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1"])
)


# ---- Stages --------------------------------------------------------------


class Stage(lib.stages.Stage):
    """With its program."""

    def __str__(self):
        return self.name

    @property
    def program(self):
        return BUILD_BIN / self.name

    def has_ubsan(self):
        handler = b"__ubsan_handle_dynamic_type_cache_miss"
        return handler in self.program.read_bytes()

    def selectors(self):
        """What it can wait with, the default last; none if it has no choice."""
        return selectors_of(self.program)

    def mentions(self, header, word):
        """Whether a lesson file has that word: what a stage can do already."""
        path = self.folder / header
        return path.is_file() and word in path.read_text(encoding="utf-8")


def stages(first="01"):
    """The stages from that one on."""
    wanted = os.environ.get("STAGES", "").replace(",", " ").split()
    return [
        Stage(stage.folder)
        for stage in lib.stages.find_stages(ROOT)
        if stage.number >= first and (not wanted or stage.number in wanted)
    ]


class StageTest(unittest.TestCase):
    """Runs a check for many stages, several at once, each as a subtest."""

    def for_each(self, things, check, at_once=4):
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            running = [(each, pool.submit(check, each)) for each in things]
            for each, future in running:
                with self.subTest(str(each)):
                    future.result()


def eventually(condition, what):
    """Waits until condition() is true; returns what it returned."""
    end = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.005)


# ---- Programs ------------------------------------------------------------


def call(*command, timeout=PATIENCE, **options):
    """Runs it to its end: exit status, stdout, stderr (as text)."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("env", ENVIRONMENT)
    options.setdefault("cwd", ROOT)
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    done = subprocess.run(
        [str(word) for word in command],
        timeout=timeout,
        encoding="utf-8",
        errors="replace",
        **options,
    )
    return done.returncode, done.stdout or "", done.stderr or ""


class Program:
    """A program that runs until it gets a signal; a context manager.

    Leaving the block without an error ends it with SIGINT and insists on exit
    status 0 (under a sanitizer that says that nothing leaked). Leaving it with
    an error shows its stderr.
    """

    def __init__(self, command, limit_files=None, **options):
        self.command = [str(word) for word in command]
        if limit_files is not None:
            script = f'ulimit -n {limit_files} && exec "$0" "$@"'
            self.command = ["sh", "-c", script, *self.command]
        self.options = options
        self.expected_status = (0,)
        self.process = None

    def __enter__(self):
        self.stderr = tempfile.TemporaryFile()
        try:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self.stderr,
                env=self.options.pop("env", ENVIRONMENT),
                cwd=self.options.pop("cwd", ROOT),
                **self.options,
            )
            self.started()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None and self.process.poll() is None:
                status = self.stop()
                if status not in self.expected_status:
                    kind = AssertionError
                    raise AssertionError(
                        f"exit status {status} after SIGINT; stderr:\n"
                        + self.errors()
                    )
        finally:
            if self.process is not None:
                if self.process.poll() is None:
                    self.process.kill()
                self.process.wait()
                self.process.stdout.close()
            if kind is not None and kind is not unittest.SkipTest:
                self.show()
            self.stderr.close()

    def started(self):
        """Called once the process runs."""

    def show(self):
        errors = self.errors()
        words = " ".join(self.command)
        if len(errors) > 4000:
            errors = errors[:2000] + "\n...\n" + errors[-2000:]
        status = self.process and self.process.returncode
        sys.stderr.write(
            f"--- {words}\n--- exit status {status}, stderr:\n{errors}---\n"
        )

    @property
    def pid(self):
        return self.process.pid

    def line(self):
        """The next line of its stdout; fails if it does not come."""
        text = b""
        out = self.process.stdout.fileno()
        end = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while not text.endswith(b"\n"):
                left = end - time.monotonic()
                if left < 0 or not selector.select(left):
                    raise AssertionError(f"no line on stdout, only {text!r}")
                # By the byte: what follows is for the next call.
                byte = os.read(out, 1)
                if not byte:
                    raise AssertionError(f"stdout ended after {text!r}")
                text += byte
        return text.decode()

    def errors(self):
        """What it has written to stderr so far."""
        size = os.fstat(self.stderr.fileno()).st_size
        text = os.pread(self.stderr.fileno(), size, 0)
        return text.decode("utf-8", "replace")

    def kill(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Its exit status; fails if it does not end."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("it does not end") from None

    def stop(self, number=signal.SIGINT):
        self.kill(number)
        return self.wait()

    def cpu_ticks(self):
        """CPU time it has used so far, usually in 1/100 s."""
        need_proc()
        text = Path(f"/proc/{self.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def ticks_of_a_second(self):
        """How much CPU time it uses in a second from now."""
        before = self.cpu_ticks()
        time.sleep(1)
        return self.cpu_ticks() - before

    def rss(self):
        """Bytes of memory that it holds."""
        need_proc()
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the process has ended")


def need_proc():
    if not Path("/proc/self/stat").exists():
        raise unittest.SkipTest("this system has no /proc as Linux has it")


class Server(Program):
    """`PROGRAM serve NAME` on a free port."""

    def __init__(
        self, stage, name, *words, host="127.0.0.1", port=0, **options
    ):
        self.host = host
        serve = ["serve", name, "--host", host, "--port", port]
        super().__init__([stage.program, *serve, *words], **options)

    def started(self):
        line = self.line()
        match = re.fullmatch(r"listening on (\S+):(\d+)\n", line)
        if not match or match[1] != self.host:
            raise AssertionError(f"its first line is {line!r}")
        self.port = int(match[2])

    def connect(self):
        return socket.create_connection((self.host, self.port), PATIENCE)

    def serves(self, protocol):
        """Fails unless a new client is served."""
        with self.connect() as client:
            protocol.round_trip(client)


def need_descriptors(count):
    """Raises this process's limit, or skips the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise unittest.SkipTest(
            f"{count} descriptors needed, the hard limit is {hard}"
        )
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def need_tool(name):
    path = shutil.which(name)
    if path is None:
        raise unittest.SkipTest(f"{name} is not installed")
    return path


# ---- Clients -------------------------------------------------------------


class Echo:
    """What to send to `serve echo`, and what should come back."""

    name = "echo"

    @staticmethod
    def make(rng, size):
        """A request of about that many bytes, and the reply to it."""
        data = rng.getrandbits(8 * size).to_bytes(size, "little")
        return data, data

    @staticmethod
    def flood():
        """A request to be repeated, and the reply to one of them."""
        return Echo.make(random.Random(1), 64 * 1024)

    @classmethod
    def round_trip(cls, client):
        request, reply = cls.make(random.Random(2), 20)
        client.sendall(request)
        answer = receive(client, len(reply))
        if answer != reply:
            raise AssertionError(f"{request!r} was answered by {answer!r}")


class Plus42(Echo):
    """The same for `serve plus42`."""

    name = "plus42"

    @staticmethod
    def make(rng, size):
        numbers = []
        length = 0
        while length < size:
            number = rng.randrange(-(10 ** rng.randrange(1, 19)), 10**18)
            numbers.append(number)
            length += len(str(number)) + 1
        return (
            "".join(f"{number}\n" for number in numbers).encode(),
            "".join(f"{number + 42}\n" for number in numbers).encode(),
        )

    @staticmethod
    def flood():
        # One byte each, answered by twenty.
        return b"\n" * 4096, b"error: not a number\n" * 4096


PROTOCOLS = (Echo, Plus42)


def receive(client, count):
    """That many bytes, fewer only when the server closed the connection."""
    parts = []
    while count > 0:
        part = client.recv(min(count, MIB))
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def receive_all(client):
    """Everything up to the end."""
    parts = []
    while True:
        part = client.recv(MIB)
        if not part:
            return b"".join(parts)
        parts.append(part)


def exchange(client, pieces, count=None):
    """Sends the pieces and reads at the same time.

    Returns the first count bytes of what came; without a count it shuts down
    the writing side when all is sent, and returns everything.
    """
    pieces = iter(pieces)
    piece = memoryview(next(pieces, b""))
    received = []
    missing = count
    writing = True
    end = time.monotonic() + PATIENCE
    client.setblocking(False)
    try:
        with selectors.DefaultSelector() as selector:
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            selector.register(client, both)
            while missing is None or missing > 0 or writing:
                if time.monotonic() > end:
                    raise AssertionError("the exchange came to a stand")
                for _, events in selector.select(1):
                    if events & selectors.EVENT_READ:
                        part = client.recv(256 * 1024)
                        received.append(part)
                        if not part:
                            return b"".join(received)
                        if missing is not None:
                            missing -= len(part)
                    if events & selectors.EVENT_WRITE:
                        sent = client.send(piece)
                        piece = piece[sent:]
                        if not piece:
                            following = next(pieces, None)
                            if following is None:
                                writing = False
                                selector.modify(client, selectors.EVENT_READ)
                                if count is None:
                                    client.shutdown(socket.SHUT_WR)
                            else:
                                piece = memoryview(following)
    finally:
        client.settimeout(PATIENCE)
    return b"".join(received)


def in_pieces(rng, data, largest):
    """Cuts data into pieces of random sizes."""
    position = 0
    while position < len(data):
        size = rng.randint(1, largest)
        yield data[position : position + size]
        position += size


def reset(client):
    """Closes it the rude way: the server gets ECONNRESET."""
    client.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    client.close()
