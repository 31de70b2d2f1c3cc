"""Flow control: what a transport keeps when the peer does not read, and what
becomes of it.
"""

import asyncio

from connections import (
    BIG, Recorder, boom, connect_raw, drained, lines_on_stderr, pair, port_of,
    serve, settle, until, until_end, wire)
from parity import Loop, case, differs, main, raises, say


def limits(protocol):
    low, high = protocol.transport.get_write_buffer_limits()
    say("low", low, "high", high)


def keeps(protocol):
    return protocol.transport.get_write_buffer_size() > 0


def limit(protocol, high, low=None):
    protocol.transport.set_write_buffer_limits(high, low)


@case
async def the_limits_at_first():
    ours = Recorder()
    await wire(ours)
    limits(ours)


@case
async def the_high_mark_alone():
    ours = Recorder()
    await wire(ours)
    limit(ours, 1000)
    limits(ours)
    limit(ours, 3)
    limits(ours)


@case
async def the_low_mark_alone():
    ours = Recorder()
    await wire(ours)
    ours.transport.set_write_buffer_limits(low=1000)
    limits(ours)
    ours.transport.set_write_buffer_limits(low=0)
    limits(ours)


@case
async def both_marks():
    ours = Recorder()
    await wire(ours)
    limit(ours, 1000, 10)
    limits(ours)
    limit(ours, 7, 7)
    limits(ours)


@case
async def no_marks_are_the_first_ones():
    ours = Recorder()
    await wire(ours)
    limit(ours, 1000, 10)
    ours.transport.set_write_buffer_limits()
    limits(ours)


@case
async def no_marks_at_all():
    ours = Recorder()
    await wire(ours)
    limit(ours, 0)
    limits(ours)


@case
async def marks_that_cannot_be():
    ours = Recorder()
    await wire(ours)
    say(raises(lambda: limit(ours, 1, 2)))
    say(raises(lambda: limit(ours, 0, 1)))
    limits(ours)


@case
async def marks_after_the_end():
    ours = Recorder()
    await wire(ours)
    ours.transport.close()
    await until(lambda: ours.lost)
    limit(ours, 100)
    limits(ours)
    say(ours.transport.get_write_buffer_size())


@case
async def a_small_write_is_not_kept():
    ours = Recorder()
    await wire(ours)
    limit(ours, 0)
    ours.transport.write(b"x")
    await settle()
    say(keeps(ours), ours.paused)


@case
async def a_big_write_pauses_at_once():
    ours = Recorder()
    await wire(ours)
    ours.transport.write(BIG)
    say("written", keeps(ours))


@case
async def only_the_first_write_pauses():
    ours = Recorder()
    await wire(ours)
    ours.transport.write(BIG)
    before = ours.transport.get_write_buffer_size()
    ours.transport.write(b"more")
    ours.transport.write(b"and more")
    say(ours.transport.get_write_buffer_size() - before)


@case
async def up_to_the_high_mark_it_does_not_pause():
    ours = Recorder()
    await wire(ours)
    limit(ours, 2 * len(BIG))
    ours.transport.write(BIG)
    kept = ours.transport.get_write_buffer_size()
    limit(ours, kept + 10)
    ours.transport.write(b"0123456789")
    say("at the mark", ours.paused)
    ours.transport.write(b"x")
    say("above it", ours.paused)


@case
async def lower_marks_pause_at_once():
    ours = Recorder()
    await wire(ours)
    limit(ours, 2 * len(BIG))
    ours.transport.write(BIG)
    say("not yet", keeps(ours), ours.paused)
    limit(ours, 100)
    say("marks set")


@case
async def higher_marks_do_not_resume():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    limit(ours, 2 * len(BIG), len(BIG))
    await settle()
    say("not yet", ours.paused)
    peer.receive()
    await until(lambda: not ours.paused)
    say(keeps(ours))


@case
async def it_resumes_when_the_peer_has_read():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    await settle()
    say("nobody reads", ours.paused)
    say(await drained(peer, ours) == len(BIG), ours.paused)


@case
async def with_a_low_mark_of_nothing_it_resumes_when_all_is_sent():
    ours = Recorder()
    peer = await wire(ours)
    limit(ours, 0)
    ours.on_resume = lambda: say("kept", keeps(ours))
    ours.transport.write(BIG)
    await drained(peer, ours)


@case
async def it_resumes_before_all_is_sent():
    ours = Recorder()
    peer = await wire(ours)
    limit(ours, len(BIG) // 2, len(BIG) // 4)
    ours.on_resume = lambda: say("kept", keeps(ours))
    ours.transport.write(BIG)
    say(await drained(peer, ours) == len(BIG))


@case
async def it_pauses_and_resumes_again_and_again():
    ours = Recorder()
    peer = await wire(ours)
    for i in range(3):
        ours.transport.write(BIG)
        say(await drained(peer, ours) == len(BIG))


@case
async def write_in_resume_writing():
    ours = Recorder()
    peer = await wire(ours)
    limit(ours, 0)
    again = False

    def once_more():
        nonlocal again
        if not again:
            again = True
            ours.transport.write(BIG)

    ours.on_resume = once_more
    ours.transport.write(BIG)
    say(await drained(peer, ours) == 2 * len(BIG))


@case
async def write_in_pause_writing():
    ours = Recorder()
    peer = await wire(ours)
    ours.on_pause = lambda: ours.transport.write(b"more")
    ours.transport.write(BIG)
    say(await drained(peer, ours) - len(BIG))


@case
async def close_in_pause_writing():
    ours = Recorder()
    peer = await wire(ours)
    ours.on_pause = lambda: ours.transport.close()
    ours.transport.write(BIG)
    say(ours.transport.is_closing(), keeps(ours))
    text = await until_end(peer)
    say(len(text) == len(BIG), ours.lost)


@case
async def abort_in_pause_writing():
    ours = Recorder()
    ours.on_pause = lambda: ours.transport.abort()
    await wire(ours)
    ours.transport.write(BIG)
    say(ours.transport.is_closing(), keeps(ours))
    await until(lambda: ours.lost)


@case
async def close_in_resume_writing():
    ours = Recorder()
    peer = await wire(ours)
    limit(ours, len(BIG) // 2, len(BIG) // 4)
    ours.on_resume = lambda: ours.transport.close()
    ours.transport.write(BIG)
    text = await until_end(peer)
    say(len(text) == len(BIG), ours.lost)


@case
@differs
async def close_in_resume_writing_with_nothing_kept():
    ours = Recorder()
    peer = await wire(ours)
    limit(ours, 0)
    ours.on_resume = lambda: ours.transport.close()
    ours.transport.write(BIG)
    text = await until_end(peer)
    say(len(text) == len(BIG), ours.lost)


@case
@differs
async def abort_in_resume_writing():
    ours = Recorder()
    peer = await wire(ours)
    limit(ours, len(BIG) // 2, len(BIG) // 4)
    ours.on_resume = lambda: ours.transport.abort()
    ours.transport.write(BIG)
    text = await until_end(peer)
    say(len(text) < len(BIG), ours.lost)


@case
async def write_eof_in_resume_writing():
    ours = Recorder()
    peer = await wire(ours)
    limit(ours, 0)
    ours.on_resume = lambda: ours.transport.write_eof()
    ours.transport.write(BIG)
    text = await until_end(peer)
    say(len(text) == len(BIG), ours.lost)


@case
async def pause_writing_raises():
    ours = Recorder()
    ours.on_pause = boom
    peer = await wire(ours)
    ours.transport.write(BIG)
    say("written", ours.transport.is_closing())
    say(await drained(peer, ours) == len(BIG))


@case
async def resume_writing_raises():
    ours = Recorder()
    ours.on_resume = boom
    peer = await wire(ours)
    ours.transport.write(BIG)
    say(await drained(peer, ours) == len(BIG))
    ours.transport.write(b"goes on")
    say(peer.receive())


@case
async def set_protocol_while_it_is_paused():
    first, second = Recorder("first"), Recorder("second")
    peer = await wire(first)
    first.transport.write(BIG)
    first.transport.set_protocol(second)
    second.transport = first.transport
    await drained(peer, second)
    say(first.paused)


@case
async def set_protocol_in_pause_writing():
    first, second = Recorder("first"), Recorder("second")
    first.on_pause = lambda: first.transport.set_protocol(second)
    peer = await wire(first)
    first.transport.write(BIG)
    await drained(peer, first)


@case
async def close_sends_what_is_kept():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    ours.transport.close()
    await settle()
    say(ours.transport.is_closing(), keeps(ours), ours.lost)
    text = await until_end(peer)
    say(len(text) == len(BIG))


@case
async def close_tells_once_all_is_sent():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    ours.on_lost = lambda: say("kept", keeps(ours))
    ours.transport.close()
    ours.transport.close()
    await until_end(peer)
    await settle()


@case
async def write_while_what_is_kept_is_sent():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    ours.transport.close()
    ours.transport.write(b"more")
    text = await until_end(peer)
    say(len(text) - len(BIG))


@case
async def nothing_is_read_while_what_is_kept_is_sent():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    ours.transport.close()
    peer.send("never read")
    peer.send_eof()
    text = await until_end(peer)
    say(len(text) == len(BIG), ours.received == "", ours.ended)


@case
async def abort_drops_what_is_kept():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    ours.transport.abort()
    say(ours.transport.is_closing(), keeps(ours), ours.lost)
    text = await until_end(peer)
    say(len(text) < len(BIG), ours.lost, ours.paused)


@case
async def abort_while_close_waits():
    ours = Recorder()
    await wire(ours)
    ours.transport.write(BIG)
    ours.transport.close()
    await settle()
    say("not yet", ours.lost)
    ours.transport.abort()
    await until(lambda: ours.lost)
    await settle()


@case
async def write_eof_after_what_is_kept():
    ours = Recorder()
    ours.keep_open = True
    peer = await wire(ours)
    ours.transport.write(BIG)
    ours.transport.write_eof()
    say(raises(lambda: ours.transport.write(b"x")), keeps(ours))
    text = await until_end(peer)
    say(len(text) == len(BIG), ours.transport.is_closing())
    peer.send("answer")
    await until(lambda: ours.received)


@case
async def write_eof_and_close_with_data_kept():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    ours.transport.write_eof()
    ours.transport.close()
    text = await until_end(peer)
    await until(lambda: ours.lost)
    say(len(text) == len(BIG))


@case
async def write_eof_while_close_waits():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    ours.transport.close()
    ours.transport.write_eof()
    ours.transport.write(b"more")
    text = await until_end(peer)
    await until(lambda: ours.lost)
    say(len(text) - len(BIG))


@case
async def reading_goes_on_while_writing_is_paused():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    peer.send("one")
    await until(lambda: ours.received)


@case
async def writing_goes_on_while_reading_is_paused():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.pause_reading()
    ours.transport.write(BIG)
    say(await drained(peer, ours) == len(BIG))


@case
async def eof_with_data_kept_closes_after_it():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    peer.send_eof()
    await until(lambda: ours.ended)
    await settle()
    say(ours.transport.is_closing(), ours.lost)
    text = await until_end(peer)
    say(len(text) == len(BIG), ours.lost)


@case
async def the_peer_ends_with_data_kept():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.pause_reading()
    ours.transport.write(BIG)
    peer.receive()
    peer.close()
    await until(lambda: ours.lost)
    say(keeps(ours), ours.paused)


@case
async def the_peer_ends_while_close_waits():
    ours = Recorder()
    peer = await wire(ours)
    ours.transport.write(BIG)
    ours.transport.close()
    await settle()
    peer.receive()
    peer.close()
    await until(lambda: ours.lost)
    say(keeps(ours))


@case
async def the_peer_resets_with_data_kept():
    ours = Recorder()
    server = await serve(ours)
    peer = connect_raw(port_of(server))
    await until(lambda: ours.made)
    limit(ours, 2 * len(BIG))
    ours.transport.write(BIG)
    peer.reset()
    await until(lambda: ours.lost)
    say(keeps(ours), ours.paused)
    server.close()


@case
async def data_received_raises_with_data_kept():
    ours = Recorder()
    ours.on_data = boom
    peer = await wire(ours)
    ours.transport.write(BIG)
    peer.send("x")
    await until(lambda: ours.lost)
    say(keeps(ours))


@case
async def five_writes_after_abort_with_data_kept():
    ours = Recorder()
    await wire(ours)
    ours.transport.write(BIG)
    ours.transport.abort()

    def write():
        ours.transport.write(b"x")

    for i in range(6):
        say(i, lines_on_stderr(write), keeps(ours))
    await until(lambda: ours.lost)


@case
async def one_that_heeds_the_marks_keeps_little():
    ours = Recorder()
    peer = await wire(ours)
    limit(ours, 1000)
    text = b"x" * 500
    for i in range(5000):
        if not ours.paused:
            ours.transport.write(text)
    say(ours.paused, ours.transport.get_write_buffer_size() <= 1500)
    await drained(peer, ours)
    say(ours.paused)


@case
async def big_writes_keep_their_order():
    one, two = Recorder("one"), Recorder("two")
    await pair(one, two)
    limit(one, len(BIG))
    one.transport.write(b"a" * 100000)
    one.transport.write(b"b" * 100000)
    one.transport.writelines([b"c" * 100000, b"d" * 100000])
    one.transport.close()
    await until(lambda: two.lost)
    text = two.received
    say(len(text), text == "".join(sorted(text)))


@case
async def a_slow_reader_gets_all_of_it():
    one, two = Recorder("one"), Recorder("two")
    await pair(one, two)
    two.transport.pause_reading()
    one.transport.write(BIG)
    one.transport.close()
    await settle()
    say("kept", keeps(one), one.lost)
    two.transport.resume_reading()
    await until(lambda: two.lost)
    say(len(two.received) == len(BIG), one.lost)


@case
async def pausing_after_each_piece():
    one, two = Recorder("one"), Recorder("two")
    await pair(one, two)
    loop = asyncio.get_running_loop()

    def later():
        two.transport.pause_reading()
        loop.call_soon(two.transport.resume_reading)

    two.on_data = later
    one.transport.write(BIG)
    one.transport.close()
    await until(lambda: two.lost)
    say(len(two.received) == len(BIG), one.lost)


@case
def the_loop_closes_with_data_kept():
    loop = Loop()
    ours = Recorder()
    peer = loop.run_until_complete(wire(ours))
    ours.transport.write(BIG)
    ours.transport.close()
    loop.close()
    say("closed", ours.lost)
    say(len(peer.receive()) < len(BIG))


@case
def stop_in_pause_writing():
    loop = Loop()
    ours = Recorder()
    ours.on_pause = loop.stop
    peer = loop.run_until_complete(wire(ours))
    loop.call_soon(lambda: ours.transport.write(BIG))
    loop.run_forever()
    say("stopped", ours.paused)
    loop.run_until_complete(drained(peer, ours))
    say(ours.paused)
    loop.close()


if __name__ == "__main__":
    main()
