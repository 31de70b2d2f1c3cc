"""Datagrams: each comes whole, and an error ends nothing."""

import asyncio
import os
import socket
import tempfile

from connections import (
    Peer, Recording, boom, kind, lines_on_stderr, nothing, settle, until)
from parity import Loop, case, differs, main, name, raises, say, since


class Receiver(Recording, asyncio.DatagramProtocol):
    def __init__(self, label="ours"):
        super().__init__(label)
        self.sender = None
        self.number = 0
        self.failed = False
        self.on_error = nothing

    def datagram_received(self, data, addr):
        self.sender = addr
        self.number += 1
        self.got(data.decode())

    def error_received(self, error):
        self.failed = True
        self.tell("error", kind(error))
        self.on_error()


def at(port):
    return "127.0.0.1", port


def udp(port=0):
    """A peer that sends there."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(at(0))
    if port:
        sock.connect(at(port))
    return Peer(sock)


def port_of(peer):
    return peer.sock.getsockname()[1]


async def endpoint(protocol):
    """Binds the protocol. Returns the port."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: protocol, local_addr=at(0))
    return transport.get_extra_info("sockname")[1]


async def connected(protocol, port):
    """Binds and connects the protocol. Returns its own port."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: protocol, local_addr=at(0), remote_addr=at(port))
    return transport.get_extra_info("sockname")[1]


async def unread(protocol):
    """Connects the protocol with a peer whose queue is soon full."""
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "peer")
        there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        there.bind(path)
        here = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        here.connect(path)
    await loop.create_datagram_endpoint(lambda: protocol, sock=here)
    return Peer(there)


def keeps(protocol):
    return protocol.transport.get_write_buffer_size() > 0


def fill(protocol):
    """Sends until something is kept. Returns how many were sent."""
    number = 0
    while not keeps(protocol):
        protocol.transport.sendto(b"x" * 1000)
        number += 1
    return number


@case
async def an_endpoint_is_made_first():
    ours = Receiver()
    await endpoint(ours)
    say("bound", ours.made)


@case
async def what_is_known_of_it():
    ours = Receiver()
    port = await endpoint(ours)
    say(port > 0, ours.transport.get_extra_info("peername") is None)
    say(ours.transport.get_protocol() is ours)


@case
async def what_is_known_of_a_connected_one():
    ours = Receiver()
    peer = udp()
    await connected(ours, port_of(peer))
    say(ours.transport.get_extra_info("peername") == at(port_of(peer)))


@case
async def a_datagram_and_its_sender():
    ours = Receiver()
    peer = udp(await endpoint(ours))
    peer.send("hello")
    await until(lambda: ours.number == 1)
    say(ours.sender == at(port_of(peer)))


@case
async def each_comes_whole():
    ours = Receiver()
    peer = udp(await endpoint(ours))
    peer.send("one")
    peer.send("two")
    peer.send("three")
    await until(lambda: ours.number == 3)


@case
async def a_big_one_comes_whole():
    ours = Receiver()
    peer = udp(await endpoint(ours))
    peer.send("x" * 60000)
    await until(lambda: ours.number == 1)
    say(len(ours.received))


@case
async def an_empty_one_comes():
    ours = Receiver()
    peer = udp(await endpoint(ours))
    peer.send("")
    peer.send("x")
    await until(lambda: ours.number == 2)


@case
async def an_empty_one_is_not_sent():
    ours = Receiver()
    peer = udp()
    await endpoint(ours)
    ours.transport.sendto(b"", at(port_of(peer)))
    ours.transport.sendto(b"x", at(port_of(peer)))
    say(peer.receive(), peer.ended)


@case
async def sendto_sends_at_once():
    ours = Receiver()
    peer = udp()
    await endpoint(ours)
    ours.transport.sendto(b"hello", at(port_of(peer)))
    say(peer.receive(), ours.transport.get_write_buffer_size())


@case
async def an_echo():
    ours = Receiver()
    ours.on_data = lambda: ours.transport.sendto(b"echo", ours.sender)
    peer = udp(await endpoint(ours))
    for i in range(3):
        peer.send(str(i))
        await until(lambda: ours.number > i)
        say(peer.receive())


@case
async def sendto_in_connection_made():
    ours = Receiver()
    peer = udp()
    port = port_of(peer)
    ours.on_made = lambda: ours.transport.sendto(b"hello", at(port))
    await endpoint(ours)
    say(peer.receive())


@case
async def a_connected_one_needs_no_address():
    ours = Receiver()
    peer = udp()
    await connected(ours, port_of(peer))
    ours.transport.sendto(b"one")
    ours.transport.sendto(b"two", at(port_of(peer)))
    say(peer.receive())


@case
async def a_connected_one_sends_to_nobody_else():
    ours = Receiver()
    peer = udp()
    await connected(ours, port_of(peer))
    other = at(port_of(udp()))
    say(raises(lambda: ours.transport.sendto(b"x", other)))
    say(ours.transport.is_closing(), f"[{peer.receive()}]")


@case
async def a_connected_one_hears_nobody_else():
    ours = Receiver()
    peer = udp()
    port = await connected(ours, port_of(peer))
    peer.sock.connect(at(port))
    udp(port).send("not heard")
    peer.send("heard")
    await until(lambda: ours.number == 1)
    await settle()


@case
async def nobody_is_there():
    ours = Receiver()
    peer = udp()
    port = port_of(peer)
    peer.close()
    await connected(ours, port)
    ours.transport.sendto(b"x")
    await until(lambda: ours.failed)
    say(ours.transport.is_closing(), ours.lost)


@case
async def nobody_was_there_and_then_somebody():
    ours = Receiver()
    peer = udp()
    port = port_of(peer)
    peer.close()
    await connected(ours, port)
    ours.transport.sendto(b"x")
    # The next call of the system tells it.
    ours.transport.sendto(b"y")
    say("failed", ours.failed)
    await settle()


@case
async def one_that_is_too_big():
    ours = Receiver()
    peer = udp()
    await connected(ours, port_of(peer))
    ours.transport.sendto(b"x" * 70000)
    say(ours.transport.is_closing(), ours.lost)
    ours.transport.sendto(b"small")
    say(peer.receive())


@case
async def error_received_raises():
    ours = Receiver()
    ours.on_error = boom
    peer = udp()
    await connected(ours, port_of(peer))
    say(raises(lambda: ours.transport.sendto(b"x" * 70000)))
    say(ours.transport.is_closing())


@case
async def close_is_told_later():
    ours = Receiver()
    await endpoint(ours)
    ours.transport.close()
    say("closed", ours.transport.is_closing(), ours.lost)
    await asyncio.sleep(0)
    say("one round later", ours.lost)
    await settle()
    say(ours.transport.get_protocol() is None)


@case
async def close_twice():
    ours = Receiver()
    await endpoint(ours)
    ours.transport.close()
    ours.transport.close()
    await settle()
    ours.transport.close()
    await settle()


@case
async def abort_and_close():
    ours = Receiver()
    await endpoint(ours)
    ours.transport.abort()
    ours.transport.close()
    say("aborted", ours.transport.is_closing(), ours.lost)
    await settle()


@case
async def close_in_connection_made():
    ours = Receiver()
    ours.on_made = lambda: ours.transport.close()
    await endpoint(ours)
    say("bound", ours.lost)


@case
async def close_in_datagram_received():
    ours = Receiver()
    ours.on_data = lambda: ours.transport.close()
    peer = udp(await endpoint(ours))
    peer.send("one")
    peer.send("two")
    await until(lambda: ours.lost)
    await settle()


@case
async def abort_in_datagram_received():
    ours = Receiver()
    ours.on_data = lambda: ours.transport.abort()
    peer = udp(await endpoint(ours))
    peer.send("one")
    peer.send("two")
    await until(lambda: ours.lost)
    await settle()


@case
async def five_after_close():
    ours = Receiver()
    peer = udp()
    await connected(ours, port_of(peer))
    ours.transport.close()

    def send():
        ours.transport.sendto(b"x")

    for i in range(7):
        say(i, lines_on_stderr(send))
    await until(lambda: ours.lost)
    say(f"[{peer.receive()}]")


@case
@differs
async def one_after_close_to_an_address():
    ours = Receiver()
    peer = udp()
    await endpoint(ours)
    ours.transport.close()
    ours.transport.sendto(b"too late", at(port_of(peer)))
    say(f"[{peer.receive()}]")
    await until(lambda: ours.lost)


@case
async def datagram_received_raises():
    ours = Receiver()
    ours.on_data = boom
    peer = udp(await endpoint(ours))
    peer.send("one")
    await until(lambda: ours.number == 1)
    peer.send("two")
    await until(lambda: ours.number == 2)
    await settle()
    say(ours.transport.is_closing(), ours.lost)


@case
async def connection_made_raises():
    ours = Receiver()
    ours.on_made = boom
    peer = udp(await endpoint(ours))
    peer.send("one")
    await until(lambda: ours.number == 1)


@case
async def connection_lost_raises():
    ours = Receiver()
    ours.on_lost = boom
    await endpoint(ours)
    ours.transport.close()
    await settle()
    say(ours.transport.get_protocol() is None)


@case
async def the_factory_raises():
    loop = asyncio.get_running_loop()
    try:
        await loop.create_datagram_endpoint(boom, local_addr=at(0))
    except ValueError as error:
        say(name(error))


@case
@since(3, 11, 4)
async def nothing_comes_while_it_is_paused():
    ours = Receiver()
    peer = udp(await endpoint(ours))
    ours.transport.pause_reading()
    peer.send("one")
    peer.send("two")
    await settle()
    say("so far", ours.number, ours.transport.is_reading())
    ours.transport.resume_reading()
    await until(lambda: ours.number == 2)


@case
async def two_endpoints_talk():
    one, two = Receiver("one"), Receiver("two")
    port = await endpoint(one)
    await connected(two, port)
    one.on_data = lambda: one.transport.sendto(b"pong", one.sender)
    two.transport.sendto(b"ping")
    await until(lambda: two.number == 1)
    two.on_data = lambda: two.transport.close()
    one.transport.sendto(b"over", one.sender)
    await until(lambda: two.lost)


@case
async def an_address_that_is_taken():
    loop = asyncio.get_running_loop()
    ours = Receiver()
    port = await endpoint(ours)
    try:
        await loop.create_datagram_endpoint(
            lambda: Receiver("other"), local_addr=at(port))
    except OSError as error:
        say(kind(error))


@case
async def no_address_at_all():
    loop = asyncio.get_running_loop()
    try:
        await loop.create_datagram_endpoint(Receiver)
    except ValueError as error:
        say(kind(error))


@case
async def creating_is_cancelled():
    ours = Receiver()
    creates = asyncio.create_task(endpoint(ours))
    await asyncio.sleep(0)
    creates.cancel()
    try:
        await creates
    except asyncio.CancelledError as error:
        say(name(error))
    await until(lambda: ours.lost)


@case
async def what_is_not_taken_is_kept():
    ours = Receiver()
    peer = await unread(ours)
    number = fill(ours)
    say("kept", ours.transport.get_write_buffer_size())
    ours.transport.sendto(b"12345")
    say("kept", ours.transport.get_write_buffer_size())
    size = 0

    def empty():
        nonlocal size
        size += len(peer.receive())
        return not keeps(ours)

    await until(empty)
    size += len(peer.receive())
    say(size == 1000 * number + 5)


@case
async def it_pauses_and_resumes():
    ours = Receiver()
    peer = await unread(ours)
    fill(ours)
    ours.transport.set_write_buffer_limits(2000)
    ours.transport.sendto(b"x" * 1000)
    say("at the mark", ours.paused)
    ours.transport.sendto(b"x")
    say("above it", ours.paused)
    peer.receive()
    await until(lambda: not ours.paused)


@case
async def close_sends_what_is_kept():
    ours = Receiver()
    peer = await unread(ours)
    number = fill(ours)
    ours.transport.close()
    await settle()
    say(ours.transport.is_closing(), keeps(ours), ours.lost)
    size = len(peer.receive())
    await until(lambda: ours.lost)
    size += len(peer.receive())
    say(size == 1000 * number)


@case
@differs
async def abort_drops_what_is_kept():
    ours = Receiver()
    peer = await unread(ours)
    number = fill(ours)
    ours.transport.abort()
    say(ours.transport.is_closing(), keeps(ours), ours.lost)
    await until(lambda: ours.lost)
    say(len(peer.receive()) == 1000 * (number - 1))


@case
async def the_peer_ends_with_some_kept():
    ours = Receiver()
    peer = await unread(ours)
    fill(ours)
    peer.close()
    await until(lambda: ours.failed)
    await settle()
    say(ours.transport.is_closing(), ours.lost)


@case
async def the_peer_ends_while_close_waits():
    ours = Receiver()
    peer = await unread(ours)
    fill(ours)
    ours.transport.sendto(b"one")
    ours.transport.sendto(b"two")
    ours.transport.close()
    await settle()
    say("waits", not ours.lost)
    peer.close()
    await until(lambda: ours.lost)


@case
def stop_in_datagram_received():
    loop = Loop()
    ours = Receiver()
    peer = udp(loop.run_until_complete(endpoint(ours)))
    ours.on_data = loop.stop
    peer.send("one")
    loop.run_forever()
    say("stopped", ours.number)
    peer.send("two")
    loop.run_forever()
    say("stopped", ours.number)
    loop.close()
    say("closed", ours.lost)


if __name__ == "__main__":
    main()
