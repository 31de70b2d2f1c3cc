"""What the pairs about connections share: protocols that say what they are
told, and the other end of a connection. connections.hpp is the other half.
"""

import asyncio
import os
import socket
import struct
import sys
import tempfile
import time

from parity import say

# What a case leaves open stays open: its end is not to be told.
KEPT = []
# More than a pair of sockets takes at once.
BIG = b"x" * (1024 * 1024)


def nothing():
    pass


def boom():
    raise ValueError("boom")


class Recording:
    """Says each call; what a case does in one is a hook, such as on_made."""

    def __init__(self, label="ours"):
        self.label = label
        self.transport = None
        self.received = ""
        self.keep_open = False
        self.made = self.ended = self.lost = self.paused = False
        self.on_made = self.on_data = self.on_eof = self.on_lost = nothing
        self.on_pause = self.on_resume = nothing

    def tell(self, *words):
        say(self.label, *words)

    def connection_made(self, transport):
        self.transport = transport
        self.made = True
        self.tell("made")
        self.on_made()

    def eof_received(self):
        self.ended = True
        self.tell("eof")
        self.on_eof()
        return self.keep_open

    def connection_lost(self, error):
        self.lost = True
        self.tell("lost", kind(error))
        self.on_lost()

    def pause_writing(self):
        self.paused = True
        self.tell("pause")
        self.on_pause()

    def resume_writing(self):
        self.paused = False
        self.tell("resume")
        self.on_resume()

    def got(self, data):
        self.received += data
        # Large pieces come as the kernel likes.
        if len(data) < 100:
            self.tell("data", data)
        self.on_data()


class Recorder(Recording, asyncio.Protocol):
    def data_received(self, data):
        self.got(data.decode())


class BufferedRecorder(Recording, asyncio.BufferedProtocol):
    def __init__(self, size, label="ours"):
        super().__init__(label)
        self.buffer = bytearray(size)
        self.on_get = nothing

    def get_buffer(self, sizehint):
        self.tell("get", sizehint)
        self.on_get()
        return self.buffer

    def buffer_updated(self, size):
        self.got(self.buffer[:size].decode())


class Peer:
    """The other end, without a loop: its calls do not wait."""

    def __init__(self, sock):
        self.sock = sock
        KEPT.append(sock)
        self.ended = False
        sock.setblocking(False)

    def send(self, text):
        self.sock.send(text.encode())

    def receive(self):
        """All that is there; ended tells whether there will be more."""
        text = ""
        while not self.ended:
            try:
                data = self.sock.recv(64 * 1024)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            text += data.decode()
            self.ended = not data
        return text

    def fileno(self):
        return self.sock.fileno()

    def send_eof(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def kind(error):
    """The error's type: what the system says is no matter."""
    return "None" if error is None else type(error).__name__


async def outcome(label, awaitable):
    """Says how it ends."""
    try:
        await awaitable
        say(label, "done")
    except (Exception, asyncio.CancelledError) as error:
        say(label, kind(error))


async def until(condition):
    """Lets the loop run until it holds."""
    end = time.monotonic() + 5
    while not condition():
        if time.monotonic() > end:
            say("never")
            return
        await asyncio.sleep(0)


async def settle():
    """Lets all happen that can without anybody else."""
    for _ in range(20):
        await asyncio.sleep(0)


async def connect(protocol, sock):
    """Connects the protocol through a socket."""
    loop = asyncio.get_running_loop()
    return await loop.create_connection(lambda: protocol, sock=sock)


async def dial(protocol, port):
    """Connects the protocol with a server of this machine."""
    loop = asyncio.get_running_loop()
    return await loop.create_connection(lambda: protocol, "127.0.0.1", port)


async def serve(protocol):
    """A server for one connection."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: protocol, "127.0.0.1", 0)


async def wire(protocol):
    """Connects the protocol with a peer."""
    here, there = socket.socketpair()
    await connect(protocol, here)
    return Peer(there)


async def pair(one, two):
    """Connects two protocols with one another."""
    here, there = socket.socketpair()
    await connect(one, here)
    await connect(two, there)


async def drained(peer, protocol):
    """Reads what the peer is sent until nothing is kept."""
    size = 0

    def empty():
        nonlocal size
        size += len(peer.receive())
        return protocol.transport.get_write_buffer_size() == 0

    await until(empty)
    return size + len(peer.receive())


async def until_end(peer):
    """Reads what the peer is sent until its end."""
    text = ""

    def ended():
        nonlocal text
        text += peer.receive()
        return peer.ended

    await until(ended)
    return text


def port_of(server):
    return server.sockets[0].getsockname()[1]


def connect_raw(port, host="127.0.0.1"):
    return Peer(socket.create_connection((host, port)))


def lines_on_stderr(call):
    """How many lines it writes there."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            call()
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
        file.seek(0)
        return len(file.readlines())
