"""Transports: what a protocol is told, in which order, and what it may do."""

import asyncio
import gc
import socket

from connections import (
    BufferedRecorder, Peer, Recorder, boom, connect, connect_raw, dial,
    lines_on_stderr, port_of, serve, settle, until, until_end, wire)
from parity import Loop, case, differs, main, name, raises, say, since


@case
async def connection_made_comes_before_create_connection_returns():
    ours = Recorder()
    await wire(ours)
    say("connected", ours.made)


@case
async def connection_made_is_not_called_at_once():
    ours = Recorder()
    connecting = asyncio.create_task(wire(ours))
    await asyncio.sleep(0)
    say("one round later", ours.made)
    await connecting
    say("in the end", ours.made)


@case
async def create_connection_returns_both():
    ours = Recorder()
    here, there = socket.socketpair()
    transport, protocol = await connect(ours, here)
    say(transport is ours.transport, protocol is ours)
    Peer(there).close()
    await until(lambda: ours.lost)


@case
async def what_waits_already_comes_after_connection_made():
    ours = Recorder()
    here, there = socket.socketpair()
    peer = Peer(there)
    peer.send("early")
    await connect(ours, here)
    say("connected")
    await until(lambda: ours.received)


@case
async def data_then_eof_then_lost():
    ours = Recorder()
    peer = await wire(ours)
    peer.send("one")
    await until(lambda: ours.received)
    peer.close()
    await until(lambda: ours.lost)
    await settle()


@case
async def the_end_is_there_with_the_data():
    ours = Recorder()
    peer = await wire(ours)
    peer.send("last")
    peer.close()
    await until(lambda: ours.lost)


@case
async def two_messages_are_one_piece():
    ours = Recorder()
    peer = await wire(ours)
    peer.send("one")
    peer.send("two")
    await until(lambda: ours.received)


@case
async def all_that_comes_comes():
    ours = Recorder()
    peer = await wire(ours)
    for i in range(200):
        peer.send(f"{i:0200}")
        await settle()
    say(len(ours.received))


@case
async def write_sends_at_once():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(b"hello")
    say(peer.receive(), ours.transport.get_write_buffer_size())


@case
async def write_in_connection_made():
    ours = Recorder()
    ours.on_made = lambda: ours.transport.write(b"welcome")
    peer = await wire(ours)
    say(peer.receive())


@case
async def writing_nothing_is_nothing():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(b"")
    await settle()
    say(f"[{peer.receive()}]", peer.ended)


@case
async def writelines_writes_all():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.writelines([b"one ", b"", b"two ", b"three"])
    say(peer.receive())


@case
async def writelines_of_nothing():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.writelines([])
    say(f"[{peer.receive()}]", peer.ended)


@case
async def an_echo_of_many_messages():
    ours = Recorder()
    ours.on_data = lambda: ours.transport.write(b"echo ")
    peer = await wire(ours)
    text = ""
    for i in range(5):
        peer.send(str(i))
        await until(lambda: len(ours.received) > i)
        text += peer.receive()
    say(text)


@case
async def write_eof_ends_one_direction():
    ours = Recorder()
    peer = await wire(ours)
    say(ours.transport.can_write_eof())
    ours.transport.write(b"bye")
    ours.transport.write_eof()
    say(peer.receive(), peer.ended, ours.transport.is_closing())
    peer.send("answer")
    await until(lambda: ours.received)


@case
async def no_write_after_write_eof():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write_eof()
    say(raises(lambda: ours.transport.write(b"x")))
    say(raises(lambda: ours.transport.write(b"")))
    say(raises(lambda: ours.transport.writelines([b"x"])))
    say(f"[{peer.receive()}]")


@case
async def write_eof_twice():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write_eof()
    say(raises(ours.transport.write_eof))
    say(peer.receive() == "", peer.ended)


@case
async def write_eof_after_close():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.close()
    say(raises(ours.transport.write_eof))
    say(peer.receive() == "", peer.ended)
    # No end was written, so this is no error either.
    say(raises(lambda: ours.transport.write(b"x")))
    await until(lambda: ours.lost)


@case
async def eof_and_keep_open():
    ours = Recorder()
    ours.keep_open = True
    peer = await wire(ours)
    peer.send_eof()
    await until(lambda: ours.ended)
    await settle()
    say(ours.transport.is_closing(), ours.transport.is_reading())
    ours.transport.write(b"still here")
    say(peer.receive())
    ours.transport.close()
    await until(lambda: ours.lost)


@case
async def eof_and_not_keep_open():
    ours = Recorder()
    peer = await wire(ours)
    ours.on_eof = lambda: ours.transport.write(b"the last word")
    peer.send_eof()
    await until(lambda: ours.lost)
    say(peer.receive(), peer.ended)


@case
async def close_in_eof_received_and_keep_open():
    ours = Recorder()
    ours.keep_open = True
    ours.on_eof = lambda: ours.transport.close()
    peer = await wire(ours)
    peer.send_eof()
    await until(lambda: ours.lost)


@case
async def resuming_after_eof_tells_it_again():
    ours = Recorder()
    ours.keep_open = True
    peer = await wire(ours)
    peer.send_eof()
    await until(lambda: ours.ended)
    ours.ended = False
    ours.transport.pause_reading()
    ours.transport.resume_reading()
    await until(lambda: ours.ended)
    ours.transport.close()
    await until(lambda: ours.lost)


@case
async def close_is_told_later():
    ours = Recorder()
    await wire(ours)
    ours.transport.close()
    say("closed", ours.transport.is_closing(), ours.lost)
    await asyncio.sleep(0)
    say("one round later", ours.lost)


@case
async def close_twice():
    ours = Recorder()
    await wire(ours)
    ours.transport.close()
    ours.transport.close()
    await settle()
    ours.transport.close()
    await settle()


@case
async def close_in_connection_made():
    ours = Recorder()
    ours.on_made = lambda: ours.transport.close()
    peer = await wire(ours)
    say("connected", ours.lost)
    await until(lambda: ours.lost)
    say(peer.receive() == "", peer.ended)


@case
async def abort_in_connection_made():
    ours = Recorder()
    ours.on_made = lambda: ours.transport.abort()
    peer = await wire(ours)
    say("connected", ours.lost)
    await until(lambda: ours.lost)
    say(peer.receive() == "", peer.ended)


@case
async def close_in_data_received():
    ours = Recorder()
    ours.on_data = lambda: ours.transport.close()
    peer = await wire(ours)
    peer.send("one")
    await until(lambda: ours.received)
    peer.send("two")
    await until(lambda: ours.lost)
    await settle()


@case
async def write_and_close_in_data_received():
    ours = Recorder()

    def answer():
        ours.transport.write(b"echo")
        ours.transport.close()

    ours.on_data = answer
    peer = await wire(ours)
    peer.send("one")
    say(await until_end(peer))


@case
async def close_within_connection_lost():
    ours = Recorder()
    ours.on_lost = lambda: ours.transport.close()
    await wire(ours)
    ours.transport.close()
    await settle()


@case
async def abort_within_connection_lost():
    ours = Recorder()
    ours.on_lost = lambda: ours.transport.abort()
    await wire(ours)
    ours.transport.close()
    await settle()


@case
async def write_within_connection_lost():
    ours = Recorder()
    ours.on_lost = lambda: ours.transport.write(b"too late")
    peer = await wire(ours)
    ours.transport.close()
    say(f"[{await until_end(peer)}]", ours.lost)


@case
async def abort_after_close():
    ours = Recorder()
    await wire(ours)
    ours.transport.close()
    ours.transport.abort()
    await settle()


@case
async def close_after_abort():
    ours = Recorder()
    await wire(ours)
    ours.transport.abort()
    say(ours.transport.is_closing())
    ours.transport.close()
    ours.transport.abort()
    await settle()


@case
async def is_closing_from_end_to_end():
    ours = Recorder()
    states = []

    def look():
        states.append(ours.transport.is_closing())

    ours.on_made = ours.on_data = ours.on_eof = ours.on_lost = look
    peer = await wire(ours)
    peer.send("x")
    await until(lambda: ours.received)
    peer.close()
    await until(lambda: ours.lost)
    look()
    for state in states:
        say(state)


@case
async def is_reading_from_end_to_end():
    ours = Recorder()
    ours.on_made = lambda: say(ours.transport.is_reading())
    await wire(ours)
    ours.transport.pause_reading()
    say("paused", ours.transport.is_reading())
    ours.transport.resume_reading()
    say("resumed", ours.transport.is_reading())
    ours.transport.close()
    say("closed", ours.transport.is_reading())
    await until(lambda: ours.lost)
    say("lost", ours.transport.is_reading())


@case
async def pause_and_resume_twice():
    ours = Recorder()
    peer = await wire(ours)
    for _ in range(2):
        ours.transport.pause_reading()
    say(ours.transport.is_reading())
    for _ in range(2):
        ours.transport.resume_reading()
    say(ours.transport.is_reading())
    peer.send("x")
    await until(lambda: ours.received)


@case
async def resume_that_was_not_paused():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.resume_reading()
    peer.send("x")
    await until(lambda: ours.received)


@case
async def nothing_comes_while_it_is_paused():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.pause_reading()
    peer.send("one")
    peer.close()
    await settle()
    say("so far", ours.received == "", ours.ended)
    ours.transport.resume_reading()
    await until(lambda: ours.lost)


@case
@since(3, 11, 4)
async def pause_in_connection_made():
    ours = Recorder()
    ours.on_made = lambda: ours.transport.pause_reading()
    peer = await wire(ours)
    peer.send("x")
    await settle()
    say("so far", ours.received == "", ours.transport.is_reading())
    ours.transport.resume_reading()
    await until(lambda: ours.received)


@case
async def pause_and_resume_in_connection_made():
    ours = Recorder()

    def both():
        ours.transport.pause_reading()
        ours.transport.resume_reading()

    ours.on_made = both
    peer = await wire(ours)
    peer.send("x")
    await until(lambda: ours.received)


@case
async def pause_in_data_received():
    ours = Recorder()
    ours.on_data = lambda: ours.transport.pause_reading()
    peer = await wire(ours)
    peer.send("one")
    await until(lambda: ours.received)
    peer.send("two")
    await settle()
    say("so far", ours.received)
    ours.transport.resume_reading()
    await until(lambda: ours.received == "onetwo")


@case
async def a_paused_one_writes():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.pause_reading()
    ours.transport.write(b"hello")
    say(peer.receive())


@case
async def a_paused_one_is_closed():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.pause_reading()
    peer.send("never read")
    ours.transport.close()
    await until(lambda: ours.lost)


@case
async def resume_after_close():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.pause_reading()
    peer.send("never read")
    ours.transport.close()
    ours.transport.resume_reading()
    await until(lambda: ours.lost)
    ours.transport.resume_reading()
    ours.transport.pause_reading()
    await settle()


@case
async def five_writes_after_close():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.close()

    def write():
        ours.transport.write(b"x")

    for i in range(7):
        say(i, lines_on_stderr(write))
    await until(lambda: ours.lost)
    say(f"[{peer.receive()}]", peer.ended)


@case
async def five_writes_after_the_end():
    ours = Recorder()
    peer = await wire(ours)
    peer.close()
    await until(lambda: ours.lost)

    def write():
        ours.transport.write(b"x")

    for i in range(7):
        say(i, lines_on_stderr(write))


@case
async def data_received_raises():
    ours = Recorder()
    ours.on_data = boom
    peer = await wire(ours)
    peer.send("x")
    await until(lambda: ours.lost)
    say(peer.receive() == "", peer.ended)


@case
async def data_received_raises_after_it_wrote():
    ours = Recorder()

    def answer():
        ours.transport.write(b"answer")
        boom()

    ours.on_data = answer
    peer = await wire(ours)
    peer.send("x")
    say(await until_end(peer))


@case
async def data_received_raises_after_it_closed():
    ours = Recorder()

    def end():
        ours.transport.close()
        boom()

    ours.on_data = end
    peer = await wire(ours)
    peer.send("x")
    await until(lambda: ours.lost)


@case
async def data_received_raises_what_the_system_would():
    ours = Recorder()

    def broken():
        raise BrokenPipeError(32, "made up")

    ours.on_data = broken
    peer = await wire(ours)
    peer.send("x")
    await until(lambda: ours.lost)


@case
async def data_received_raises_a_cancellation():
    ours = Recorder()

    def cancelled():
        raise asyncio.CancelledError

    ours.on_data = cancelled
    peer = await wire(ours)
    peer.send("x")
    await until(lambda: ours.lost)


@case
async def connection_made_raises():
    ours = Recorder()
    ours.on_made = boom
    peer = await wire(ours)
    say("connected", ours.transport.is_closing())
    peer.send("x")
    await until(lambda: ours.received)


@case
async def eof_received_raises():
    ours = Recorder()
    ours.keep_open = True
    ours.on_eof = boom
    peer = await wire(ours)
    peer.send_eof()
    await until(lambda: ours.lost)


@case
async def connection_lost_raises():
    ours = Recorder()
    ours.on_lost = boom
    peer = await wire(ours)
    ours.transport.close()
    say(f"[{await until_end(peer)}]")
    say(ours.transport.get_protocol() is None)


@case
async def both_data_received_and_connection_lost_raise():
    ours = Recorder()
    ours.on_data = ours.on_lost = boom
    peer = await wire(ours)
    peer.send("x")
    say(f"[{await until_end(peer)}]")


@case
async def the_factory_raises():
    loop = asyncio.get_running_loop()
    here, there = socket.socketpair()
    try:
        await loop.create_connection(boom, sock=here)
    except ValueError as error:
        say(name(error))
    Peer(there).close()
    here.close()


@case
async def set_protocol_in_the_middle():
    first, second = Recorder("first"), Recorder("second")
    peer = await wire(first)
    peer.send("one")
    await until(lambda: first.received)
    first.transport.set_protocol(second)
    say(first.transport.get_protocol() is second)
    peer.send("two")
    await until(lambda: second.received)
    peer.close()
    await until(lambda: second.lost)
    say(first.lost, second.made)


@case
async def set_protocol_in_connection_made():
    first, second = Recorder("first"), Recorder("second")
    first.on_made = lambda: first.transport.set_protocol(second)
    peer = await wire(first)
    peer.send("one")
    await until(lambda: second.received)


@case
async def set_protocol_in_data_received():
    first, second = Recorder("first"), Recorder("second")
    first.on_data = lambda: first.transport.set_protocol(second)
    peer = await wire(first)
    peer.send("one")
    await until(lambda: first.received)
    peer.send("two")
    peer.close()
    await until(lambda: second.lost)


@case
async def set_protocol_in_eof_received():
    first, second = Recorder("first"), Recorder("second")
    first.on_eof = lambda: first.transport.set_protocol(second)
    peer = await wire(first)
    peer.close()
    await until(lambda: second.lost)


@case
async def set_protocol_after_close():
    first, second = Recorder("first"), Recorder("second")
    await wire(first)
    first.transport.close()
    first.transport.set_protocol(second)
    await settle()


@case
async def the_old_protocol_raises_after_it_is_replaced():
    first, second = Recorder("first"), Recorder("second")

    def replace():
        first.transport.set_protocol(second)
        boom()

    first.on_data = replace
    peer = await wire(first)
    peer.send("x")
    await until(lambda: second.lost)


@case
async def get_protocol_from_end_to_end():
    ours = Recorder()
    await wire(ours)
    say(ours.transport.get_protocol() is ours)
    ours.transport.close()
    say(ours.transport.get_protocol() is ours)
    await until(lambda: ours.lost)
    await settle()
    say(ours.transport.get_protocol() is None)


@case
async def a_buffered_protocol():
    ours = BufferedRecorder(100)
    peer = await wire(ours)
    peer.send("hello")
    await until(lambda: ours.received)
    peer.close()
    await until(lambda: ours.lost)


@case
async def a_buffer_that_is_too_small():
    ours = BufferedRecorder(4)
    peer = await wire(ours)
    peer.send("0123456789")
    await until(lambda: len(ours.received) == 10)
    say(ours.received)


@case
async def a_buffered_protocol_keeps_open():
    ours = BufferedRecorder(100)
    ours.keep_open = True
    peer = await wire(ours)
    peer.send_eof()
    await until(lambda: ours.ended)
    await settle()
    ours.transport.write(b"still here")
    say(peer.receive())
    ours.transport.close()
    await until(lambda: ours.lost)


@case
async def a_buffered_protocol_pauses():
    ours = BufferedRecorder(3)
    ours.on_data = lambda: ours.transport.pause_reading()
    peer = await wire(ours)
    peer.send("onetwo")
    await until(lambda: ours.received)
    await settle()
    say("so far", ours.received)
    ours.transport.resume_reading()
    await until(lambda: ours.received == "onetwo")


@case
async def get_buffer_raises():
    ours = BufferedRecorder(100)
    ours.on_get = boom
    peer = await wire(ours)
    peer.send("x")
    await until(lambda: ours.lost)


@case
async def get_buffer_has_no_room():
    ours = BufferedRecorder(0)
    peer = await wire(ours)
    peer.send("x")
    await until(lambda: ours.lost)


@case
async def get_buffer_closes():
    ours = BufferedRecorder(100)
    ours.on_get = lambda: ours.transport.close()
    peer = await wire(ours)
    peer.send("x")
    await until(lambda: ours.lost)


@case
async def buffer_updated_raises():
    ours = BufferedRecorder(100)
    ours.on_data = boom
    peer = await wire(ours)
    peer.send("x")
    await until(lambda: ours.lost)


@case
async def a_buffered_eof_received_raises():
    ours = BufferedRecorder(100)
    ours.on_eof = boom
    peer = await wire(ours)
    peer.close()
    await until(lambda: ours.lost)


@case
async def from_data_received_to_get_buffer():
    first, second = Recorder("first"), BufferedRecorder(100, "second")
    first.on_data = lambda: first.transport.set_protocol(second)
    peer = await wire(first)
    peer.send("one")
    await until(lambda: first.received)
    peer.send("two")
    await until(lambda: second.received)


@case
async def from_get_buffer_to_data_received():
    first, second = BufferedRecorder(100, "first"), Recorder("second")
    first.on_data = lambda: first.transport.set_protocol(second)
    peer = await wire(first)
    peer.send("one")
    await until(lambda: first.received)
    peer.send("two")
    await until(lambda: second.received)


@case
@differs
async def set_protocol_in_get_buffer():
    first = BufferedRecorder(1000, "first")
    second = BufferedRecorder(1000, "second")
    first.on_get = lambda: first.transport.set_protocol(second)
    peer = await wire(first)
    peer.send("x" * 200)
    await settle()
    say(len(first.received), len(second.received))


@case
async def what_is_known_of_a_socketpair():
    ours = Recorder()
    await wire(ours)
    sock = ours.transport.get_extra_info("socket")
    say(sock.fileno() >= 0)
    say(ours.transport.get_extra_info("no such thing", 42))
    ours.transport.close()
    await until(lambda: ours.lost)
    await settle()
    say(sock.fileno())


@case
async def what_is_known_after_the_end():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    port = port_of(server)
    await dial(ours, port)
    info = ours.transport.get_extra_info
    say(info("peername") == ("127.0.0.1", port))
    sockname = info("sockname")
    ours.transport.close()
    await until(lambda: theirs.lost)
    await settle()
    say(info("peername") == ("127.0.0.1", port), info("sockname") == sockname)
    server.close()


@case
async def the_peer_resets():
    ours = Recorder()
    server = await serve(ours)
    peer = connect_raw(port_of(server))
    await until(lambda: ours.made)
    peer.reset()
    await until(lambda: ours.lost)
    server.close()


@case
async def the_peer_resets_a_buffered_protocol():
    ours = BufferedRecorder(10)
    server = await serve(ours)
    peer = connect_raw(port_of(server))
    await until(lambda: ours.made)
    peer.reset()
    await until(lambda: ours.lost)
    server.close()


@case
async def write_to_one_that_is_gone():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.pause_reading()
    peer.close()
    ours.transport.write(b"x")
    say(ours.transport.is_closing(), ours.lost)
    ours.transport.write(b"y")
    await until(lambda: ours.lost)


@case
async def write_in_data_received_to_one_that_is_gone():
    ours = Recorder()
    ours.on_data = lambda: ours.transport.write(b"answer")
    peer = await wire(ours)
    peer.send("question")
    peer.close()
    await until(lambda: ours.lost)


@case
async def the_last_handle_is_dropped_in_data_received():
    ours = Recorder()

    def drop():
        ours.transport = None

    ours.on_data = drop
    peer = await wire(ours)
    peer.send("one")
    await until(lambda: ours.received)
    peer.send("two")
    await until(lambda: ours.received == "onetwo")
    peer.close()
    await until(lambda: ours.lost)


@case
async def two_transports_take_turns():
    one, two = Recorder("one"), Recorder("two")
    here = await wire(one)
    there = await wire(two)
    for i in range(2):
        here.send("x")
        await until(lambda: len(one.received) > i)
        there.send("x")
        await until(lambda: len(two.received) > i)
    two.transport.close()
    one.transport.close()
    await settle()


@case
async def two_transports_talk():
    one, two = Recorder("one"), Recorder("two")
    here, there = socket.socketpair()
    await connect(one, here)
    await connect(two, there)
    one.on_data = lambda: one.transport.close()
    two.on_data = lambda: two.transport.write(b"pong")
    one.transport.write(b"ping")
    await until(lambda: two.lost)


@case
async def one_closes_the_other():
    one, two = Recorder("one"), Recorder("two")
    peer = await wire(one)
    await wire(two)
    one.on_data = lambda: two.transport.close()
    two.on_lost = lambda: one.transport.close()
    peer.send("x")
    await until(lambda: one.lost)


@case
async def connecting_is_cancelled():
    ours = Recorder()
    here, there = socket.socketpair()
    connecting = asyncio.create_task(connect(ours, here))
    await asyncio.sleep(0)
    connecting.cancel()
    try:
        await connecting
    except asyncio.CancelledError as error:
        say(name(error), ours.made)
    await until(lambda: ours.lost)
    peer = Peer(there)
    say(f"[{await until_end(peer)}]")


@case
async def connecting_is_cancelled_in_connection_made():
    ours = Recorder()
    here, there = socket.socketpair()
    connecting = asyncio.create_task(connect(ours, here))
    ours.on_made = connecting.cancel
    try:
        await connecting
    except asyncio.CancelledError as error:
        say(name(error), ours.transport.is_closing())
    await until(lambda: ours.lost)
    peer = Peer(there)
    say(f"[{await until_end(peer)}]")


@case
def stop_in_data_received():
    loop = Loop()
    ours = Recorder()
    peer = loop.run_until_complete(wire(ours))
    ours.on_data = loop.stop
    peer.send("one")
    loop.run_forever()
    say("stopped")
    peer.send("two")
    loop.run_forever()
    say("stopped")
    ours.transport.close()
    ours.on_lost = loop.stop
    loop.run_forever()
    loop.close()


@case
def stop_in_connection_made():
    loop = Loop()
    ours = Recorder()
    ours.on_made = loop.stop
    try:
        loop.run_until_complete(wire(ours))
    except RuntimeError:
        say("stopped", ours.made)
    ours.on_lost = loop.stop
    ours.transport.close()
    loop.run_forever()
    loop.close()


@case
def stop_in_connection_lost():
    loop = Loop()
    ours = Recorder()
    peer = loop.run_until_complete(wire(ours))
    ours.on_lost = loop.stop
    peer.close()
    loop.run_forever()
    say("stopped", ours.transport.get_protocol() is None)
    loop.close()


@case
def a_keyboard_interrupt_in_data_received():
    loop = Loop()
    ours = Recorder()
    peer = loop.run_until_complete(wire(ours))

    def interrupt():
        raise KeyboardInterrupt

    ours.on_data = interrupt
    peer.send("one")
    try:
        loop.run_forever()
    except KeyboardInterrupt:
        say("interrupted", ours.transport.is_closing())
    ours.on_data = loop.stop
    peer.send("two")
    loop.run_forever()
    ours.on_lost = loop.stop
    ours.transport.close()
    loop.run_forever()
    loop.close()


@case
def the_loop_closes_first():
    loop = Loop()
    ours = Recorder()
    peer = loop.run_until_complete(wire(ours))
    ours.transport.write(b"sent")
    loop.close()
    say("closed", ours.lost)
    ours.transport = None
    del ours
    gc.collect()
    say(peer.receive(), peer.ended)


@case
def the_loop_closes_before_connection_lost():
    loop = Loop()
    ours = Recorder()
    loop.run_until_complete(wire(ours))
    ours.transport.close()
    loop.close()
    say("closed", ours.lost, ours.transport.is_closing())


if __name__ == "__main__":
    main()
