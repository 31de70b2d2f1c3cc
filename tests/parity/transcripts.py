"""What protocols are told in a conversation that ends at every byte, on
CPython's asyncio. transcripts.cpp is the same program; test_transports.py lets
each talk with each.

transcripts.py server FOLDER: says where it listens, and at the end of stdin
what its protocols were told. transcripts.py client FOLDER PORT...: the same of
its own, after all conversations with the server that says these ports.
"""

import asyncio
import os
import socket
import struct
import sys

HOST = "127.0.0.1"
PIECES = ("one, ", "to the echo, ", "of the other side, ", "bye")
TEXT = "".join(PIECES)


def beginning(count):
    """The pieces, so many bytes of them."""
    pieces = []
    for piece in PIECES:
        if count > 0:
            pieces.append(piece[:count])
        count -= len(piece)
    return pieces


class Talker(asyncio.Protocol):
    """Keeps what it is told; pieces of data as one."""

    def __init__(self):
        self.told = []
        self.received = ""
        self.over = False
        self.lost = False
        self.changed = asyncio.Event()

    def tell(self, words):
        self.told.append(words)
        self.changed.set()

    def connection_made(self, transport):
        self.transport = transport
        self.tell("made")

    def data_received(self, data):
        if self.received:
            self.told.pop()
        self.received += data.decode()
        self.tell(f"data={self.received}")

    def eof_received(self):
        self.over = True
        self.tell("eof")

    def connection_lost(self, error):
        self.over = self.lost = True
        kind = "None" if error is None else type(error).__name__
        self.tell(f"lost {kind}")

    def write(self, text):
        self.transport.write(text.encode())

    def end(self, how):
        """The other side is told by its end, or without any respect."""
        if how == "eof":
            self.transport.write_eof()
        else:
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self.transport.abort()

    async def has_received(self, count):
        """Waits for so many bytes, or for the end."""
        while len(self.received) < count and not self.over:
            self.changed.clear()
            await self.changed.wait()

    async def has_lost(self):
        while not self.lost:
            self.changed.clear()
            await self.changed.wait()


# ---- The server ----


class Echo(Talker):
    """Sends back what comes, and says at the end that it has seen it."""

    def data_received(self, data):
        super().data_received(data)
        self.transport.write(data)

    def eof_received(self):
        super().eof_received()
        self.write(" end")


class Leaver(Talker):
    """Sends back so many bytes, and ends in the middle of what is next."""

    def __init__(self, count, how):
        super().__init__()
        self.count = count
        self.how = how

    def data_received(self, data):
        before = len(self.received)
        super().data_received(data)
        self.write(self.received[before : self.count])
        if len(self.received) > self.count:
            self.end(self.how)

    def eof_received(self):
        super().eof_received()
        if self.how != "eof":
            self.end(self.how)


class Datagrams(Talker, asyncio.DatagramProtocol):
    def datagram_received(self, data, addr):
        self.received = data.decode()
        self.tell(f"datagram={self.received}")

    def error_received(self, error):
        self.tell(f"error {type(error).__name__}")


class DatagramEcho(Datagrams):
    def datagram_received(self, data, addr):
        super().datagram_received(data, addr)
        self.transport.sendto(data, addr)


class Talkers:
    """All of a server, in the order of their connections."""

    def __init__(self, name):
        self.name = name
        self.all = []

    def add(self, talker):
        self.all.append(talker)
        return talker

    def echo(self):
        return self.add(Echo())

    def leaver(self):
        number = len(self.all)
        how = ("eof", "reset")[number % 2]
        return self.add(Leaver(number // 2, how))

    def say(self):
        for number, talker in enumerate(self.all):
            print(self.name, number, "|".join(talker.told))


async def until_stdin_ends():
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(0, lambda: os.read(0, 100) or ended.set())
    await ended.wait()
    loop.remove_reader(0)


async def serve(folder):
    loop = asyncio.get_running_loop()
    names = ("tcp_echo", "tcp_leaver", "unix_echo", "unix_leaver", "udp")
    all_of_them = [Talkers(name) for name in names]
    echo, leaver, unix_echo, unix_leaver, udp = all_of_them
    servers = [
        await loop.create_server(echo.echo, HOST, 0),
        await loop.create_server(leaver.leaver, HOST, 0),
        await loop.create_unix_server(unix_echo.echo, f"{folder}/echo"),
        await loop.create_unix_server(unix_leaver.leaver, f"{folder}/leaver"),
    ]
    endpoint, _ = await loop.create_datagram_endpoint(
        lambda: udp.add(DatagramEcho()), (HOST, 0)
    )
    ports = [server.sockets[0].getsockname()[1] for server in servers[:2]]
    ports.append(endpoint.get_extra_info("sockname")[1])
    print("listening on", *ports, flush=True)
    await until_stdin_ends()
    for server in servers:
        server.close()
    endpoint.close()
    for talkers in all_of_them:
        for talker in talkers.all:
            await talker.has_lost()
        talkers.say()


# ---- The client ----


async def end_at_every_byte(name, hows, connect):
    talkers = Talkers(name)
    for count in range(len(TEXT) + 1):
        for how in hows:
            _, talker = await connect(lambda: talkers.add(Talker()))
            await converse(talker, beginning(count), how)
    talkers.say()


async def converse(talker, pieces, how):
    """A reset waits for the last piece to come back, the others do not."""
    sent = 0
    for piece in pieces:
        talker.write(piece)
        sent += len(piece)
        if sent < sum(map(len, pieces)) or how == "reset":
            await talker.has_received(sent)
    talker.end(how)
    await talker.has_lost()


async def be_left_at_every_byte(name, connect):
    talkers = Talkers(name)
    for _ in range(2 * len(TEXT) + 2):
        _, talker = await connect(lambda: talkers.add(Talker()))
        sent = 0
        for piece in PIECES:
            if not talker.over:
                talker.write(piece)
                sent += len(piece)
                await talker.has_received(sent)
        if not talker.over:
            talker.end("eof")
        await talker.has_lost()
    talkers.say()


async def send_datagrams(name, endpoint, to):
    """Of every length, each when the last one is back."""
    talkers = Talkers(name)
    transport, talker = await endpoint(lambda: talkers.add(Datagrams()))
    for count in range(1, len(TEXT) + 1):
        transport.sendto(TEXT[:count].encode(), to)
        while talker.received != TEXT[:count]:
            talker.changed.clear()
            await talker.changed.wait()
    transport.close()
    await talker.has_lost()
    talkers.say()


async def send_to_nobody():
    loop = asyncio.get_running_loop()
    talkers = Talkers("udp_nobody")

    async def endpoint(*addresses):
        return await loop.create_datagram_endpoint(
            lambda: talkers.add(Datagrams()), *addresses
        )

    transport, gone = await endpoint((HOST, 0))
    port = transport.get_extra_info("sockname")[1]
    transport.close()
    await gone.has_lost()
    transport, talker = await endpoint(None, (HOST, port))
    talker.changed.clear()
    transport.sendto(b"anybody?")
    await talker.changed.wait()
    transport.close()
    await talker.has_lost()
    talkers.say()


async def ask(folder, echo_port, leaver_port, udp_port):
    loop = asyncio.get_running_loop()
    udp = (HOST, int(udp_port))
    await end_at_every_byte(
        "tcp",
        ("eof", "reset", "cut"),
        lambda factory: loop.create_connection(factory, HOST, int(echo_port)),
    )
    await be_left_at_every_byte(
        "tcp_left",
        lambda factory: loop.create_connection(factory, HOST, int(leaver_port)),
    )
    await end_at_every_byte(
        "unix",
        ("eof", "reset"),
        lambda factory: loop.create_unix_connection(factory, f"{folder}/echo"),
    )
    await be_left_at_every_byte(
        "unix_left",
        lambda factory: loop.create_unix_connection(
            factory, f"{folder}/leaver"
        ),
    )
    await send_datagrams(
        "udp_connected",
        lambda factory: loop.create_datagram_endpoint(factory, None, udp),
        None,
    )
    await send_datagrams(
        "udp",
        lambda factory: loop.create_datagram_endpoint(factory, (HOST, 0)),
        udp,
    )
    await send_to_nobody()


if __name__ == "__main__":
    role = serve if sys.argv[1] == "server" else ask
    asyncio.run(role(*sys.argv[2:]))
