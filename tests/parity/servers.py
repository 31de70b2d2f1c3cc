"""Servers: who is let in, how long they serve, and what outlives them."""

import asyncio
import gc
import socket

from connections import (
    Recorder, boom, connect, connect_raw, dial, nothing, outcome, port_of,
    serve, settle, until, until_end)
from parity import Loop, case, differs, main, raises, say


class Visitors:
    """Creates a protocol for each connection."""

    def __init__(self):
        self.all = []
        self.on_new = nothing

    def __call__(self):
        self.all.append(Recorder(f"visitor {len(self.all)}"))
        self.on_new()
        return self.all[-1]


async def listen(visitors, host="127.0.0.1", port=0, **options):
    loop = asyncio.get_running_loop()
    return await loop.create_server(visitors, host, port, **options)


async def visited(visitors, number):
    """Until so many are there."""
    await until(
        lambda: len(visitors.all) == number and visitors.all[-1].made)


def state(server):
    say("serving", server.is_serving(), "sockets", len(server.sockets))


def bound():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


@case
async def a_server_serves_at_once():
    visitors = Visitors()
    server = await listen(visitors)
    state(server)
    server.close()


@case
async def each_connection_has_a_protocol():
    visitors = Visitors()
    server = await listen(visitors)
    for i in range(3):
        connect_raw(port_of(server))
        await visited(visitors, i + 1)
    say(visitors.all[0].transport == visitors.all[1].transport)
    server.close()


@case
async def many_connect_at_once():
    visitors = Visitors()
    server = await listen(visitors)
    for i in range(5):
        connect_raw(port_of(server))
    await visited(visitors, 5)
    server.close()


@case
async def made_comes_before_data():
    visitors = Visitors()
    server = await listen(visitors)
    peer = connect_raw(port_of(server))
    peer.send("early")
    peer.close()
    await visited(visitors, 1)
    await until(lambda: visitors.all[0].lost)
    server.close()


@case
async def both_sides_are_told():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    await dial(ours, port_of(server))
    await until(lambda: theirs.made)
    ours.transport.write(b"ping")
    await until(lambda: theirs.received)
    theirs.transport.write(b"pong")
    await until(lambda: ours.received)
    ours.transport.close()
    await until(lambda: theirs.lost)
    server.close()


@case
async def half_closed_it_still_answers():
    theirs, ours = Recorder("theirs"), Recorder()
    theirs.keep_open = True
    server = await serve(theirs)
    await dial(ours, port_of(server))
    await until(lambda: theirs.made)
    ours.transport.write(b"question")
    ours.transport.write_eof()
    await until(lambda: theirs.ended)
    theirs.transport.write(b"answer")
    theirs.transport.close()
    await until(lambda: ours.lost)
    server.close()


@case
async def not_yet_serving():
    visitors = Visitors()
    server = await listen(visitors, start_serving=False)
    state(server)
    ours = Recorder()
    await outcome("dial", dial(ours, port_of(server)))
    await server.start_serving()
    state(server)
    connect_raw(port_of(server))
    await visited(visitors, 1)
    server.close()


@case
async def start_serving_twice():
    visitors = Visitors()
    server = await listen(visitors, start_serving=False)
    await outcome("first", server.start_serving())
    await outcome("second", server.start_serving())
    state(server)
    connect_raw(port_of(server))
    await visited(visitors, 1)
    server.close()


@case
async def start_serving_after_close():
    server = await listen(Visitors(), start_serving=False)
    server.close()
    refused = False
    try:
        await server.start_serving()
    except Exception:
        refused = True
    say("refused", refused)


@case
async def close_before_it_serves():
    server = await listen(Visitors(), start_serving=False)
    server.close()
    state(server)
    await outcome("wait_closed", server.wait_closed())


@case
async def close_is_the_end_for_new_ones():
    visitors = Visitors()
    server = await listen(visitors)
    port = port_of(server)
    server.close()
    state(server)
    ours = Recorder()
    await outcome("dial", dial(ours, port))
    say(len(visitors.all), ours.made)


@case
async def close_twice():
    server = await listen(Visitors())
    server.close()
    server.close()
    state(server)
    await settle()
    server.close()


@case
async def connections_outlive_their_server():
    visitors = Visitors()
    server = await listen(visitors)
    peer = connect_raw(port_of(server))
    await visited(visitors, 1)
    server.close()
    visitor = visitors.all[0]
    peer.send("still here")
    await until(lambda: visitor.received)
    visitor.transport.write(b"so am I")
    visitor.transport.close()
    say(await until_end(peer))


@case
async def one_that_waits_when_the_server_closes():
    visitors = Visitors()
    server = await listen(visitors)
    peer = connect_raw(port_of(server))
    server.close()
    say(f"[{await until_end(peer)}]", len(visitors.all))


@case
async def wait_closed_waits_for_close():
    server = await listen(Visitors())
    waits = asyncio.create_task(server.wait_closed())
    await settle()
    say("waits", not waits.done())
    server.close()
    await waits
    say("closed")


@case
async def wait_closed_waits_for_connections():
    visitors = Visitors()
    server = await listen(visitors)
    peer = connect_raw(port_of(server))
    await visited(visitors, 1)
    waits = asyncio.create_task(server.wait_closed())
    await settle()
    server.close()
    await settle()
    say("waits", not waits.done())
    peer.close()
    await waits
    say("closed", visitors.all[0].lost)


@case
async def wait_closed_after_close_does_not_wait():
    visitors = Visitors()
    server = await listen(visitors)
    connect_raw(port_of(server))
    await visited(visitors, 1)
    server.close()
    await server.wait_closed()
    say("lost", visitors.all[0].lost)
    await server.wait_closed()


@case
async def two_wait_for_the_end():
    server = await listen(Visitors())
    one = asyncio.create_task(outcome("one", server.wait_closed()))
    two = asyncio.create_task(outcome("two", server.wait_closed()))
    await settle()
    server.close()
    await one
    await two


@case
async def one_that_waits_for_the_end_is_cancelled():
    server = await listen(Visitors())
    one = asyncio.create_task(outcome("one", server.wait_closed()))
    two = asyncio.create_task(outcome("two", server.wait_closed()))
    await settle()
    one.cancel()
    await one
    state(server)
    server.close()
    await two


@case
async def an_aborted_connection_ends_the_wait():
    visitors = Visitors()
    server = await listen(visitors)
    connect_raw(port_of(server))
    await visited(visitors, 1)
    waits = asyncio.create_task(outcome("wait", server.wait_closed()))
    await settle()
    server.close()
    visitors.all[0].transport.abort()
    await waits


@case
async def connection_lost_raises_and_ends_the_wait():
    visitors = Visitors()
    server = await listen(visitors)
    peer = connect_raw(port_of(server))
    await visited(visitors, 1)
    visitors.all[0].on_lost = boom
    waits = asyncio.create_task(outcome("wait", server.wait_closed()))
    await settle()
    server.close()
    peer.close()
    await waits


@case
async def serve_forever_is_cancelled():
    visitors = Visitors()
    server = await listen(visitors)
    serves = asyncio.create_task(outcome("serve", server.serve_forever()))
    connect_raw(port_of(server))
    await visited(visitors, 1)
    visitors.all[0].transport.close()
    await until(lambda: visitors.all[0].lost)
    serves.cancel()
    await serves
    state(server)


@case
async def serve_forever_is_cancelled_with_a_connection():
    visitors = Visitors()
    server = await listen(visitors)
    serves = asyncio.create_task(outcome("serve", server.serve_forever()))
    peer = connect_raw(port_of(server))
    await visited(visitors, 1)
    serves.cancel()
    await serves
    state(server)
    visitor = visitors.all[0]
    peer.send("still here")
    await until(lambda: visitor.received)


@case
async def serve_forever_twice():
    server = await listen(Visitors())
    serves = asyncio.create_task(outcome("first", server.serve_forever()))
    await settle()
    await outcome("second", server.serve_forever())
    state(server)
    serves.cancel()
    await serves


@case
async def serve_forever_begins_to_serve():
    visitors = Visitors()
    server = await listen(visitors, start_serving=False)
    serves = asyncio.create_task(outcome("serve", server.serve_forever()))
    await settle()
    state(server)
    connect_raw(port_of(server))
    await visited(visitors, 1)
    serves.cancel()
    await serves


@case
async def serve_forever_of_one_that_is_closed():
    server = await listen(Visitors())
    server.close()
    await outcome("serve", server.serve_forever())


@case
async def close_ends_serve_forever():
    server = await listen(Visitors())
    serves = asyncio.create_task(outcome("serve", server.serve_forever()))
    await settle()
    server.close()
    await serves
    state(server)


@case
async def close_ends_serve_forever_with_a_connection():
    visitors = Visitors()
    server = await listen(visitors)
    serves = asyncio.create_task(outcome("serve", server.serve_forever()))
    connect_raw(port_of(server))
    await visited(visitors, 1)
    server.close()
    await serves
    say("lost", visitors.all[0].lost)


@case
async def serve_forever_after_it_was_cancelled():
    server = await listen(Visitors())
    serves = asyncio.create_task(outcome("first", server.serve_forever()))
    await settle()
    serves.cancel()
    await serves
    await outcome("second", server.serve_forever())


@case
@differs
async def the_factory_raises():
    visitors = Visitors()
    visitors.on_new = boom
    server = await listen(visitors)
    peer = connect_raw(port_of(server))
    say(f"[{await until_end(peer)}]", len(visitors.all))
    visitors.on_new = nothing
    connect_raw(port_of(server))
    await visited(visitors, 2)
    server.close()


@case
async def connection_made_raises():
    visitors = Visitors()
    server = await listen(visitors)

    def prepare():
        visitors.all[-1].on_made = boom

    visitors.on_new = prepare
    peer = connect_raw(port_of(server))
    await visited(visitors, 1)
    visitor = visitors.all[0]
    peer.send("goes on")
    await until(lambda: visitor.received)
    server.close()


@case
async def abort_in_connection_made():
    visitors = Visitors()
    server = await listen(visitors)

    def prepare():
        visitors.all[-1].on_made = lambda: visitors.all[-1].transport.abort()

    visitors.on_new = prepare
    peer = connect_raw(port_of(server))
    say(f"[{await until_end(peer)}]")
    server.close()


@case
async def close_the_server_in_connection_made():
    visitors = Visitors()
    server = await listen(visitors)

    def prepare():
        visitors.all[-1].on_made = lambda: server.close()

    visitors.on_new = prepare
    peer = connect_raw(port_of(server))
    await visited(visitors, 1)
    state(server)
    visitor = visitors.all[0]
    peer.send("goes on")
    await until(lambda: visitor.received)


@case
async def close_the_server_in_connection_made_of_the_first():
    visitors = Visitors()
    server = await listen(visitors)

    def prepare():
        visitors.all[-1].on_made = lambda: server.close()

    visitors.on_new = prepare
    connect_raw(port_of(server))
    connect_raw(port_of(server))
    await visited(visitors, 2)
    state(server)


@case
async def close_the_server_in_the_factory():
    visitors = Visitors()
    server = await listen(visitors)
    visitors.on_new = lambda: server.close()
    connect_raw(port_of(server))
    await until(lambda: visitors.all)
    await settle()
    say(visitors.all[0].made)
    state(server)


@case
async def close_the_server_in_data_received():
    theirs = Recorder("theirs")
    server = await serve(theirs)

    def end():
        server.close()
        theirs.transport.write(b"the last one")
        theirs.transport.close()

    theirs.on_data = end
    peer = connect_raw(port_of(server))
    peer.send("x")
    say(await until_end(peer))
    state(server)


@case
async def close_the_server_in_connection_lost():
    theirs = Recorder("theirs")
    server = await serve(theirs)
    theirs.on_lost = lambda: server.close()
    waits = asyncio.create_task(outcome("wait", server.wait_closed()))
    connect_raw(port_of(server)).close()
    await waits


@case
async def a_server_that_nobody_keeps():
    visitors = Visitors()
    port = port_of(await listen(visitors))
    await settle()
    connect_raw(port)
    await visited(visitors, 1)


@case
async def a_server_of_a_socket():
    loop = asyncio.get_running_loop()
    visitors = Visitors()
    server = await loop.create_server(visitors, sock=bound())
    state(server)
    connect_raw(port_of(server))
    await visited(visitors, 1)
    server.close()


@case
async def a_server_of_a_socket_that_listens():
    loop = asyncio.get_running_loop()
    visitors = Visitors()
    sock = bound()
    sock.listen()
    connect_raw(sock.getsockname()[1])
    server = await loop.create_server(visitors, sock=sock)
    await visited(visitors, 1)
    server.close()


@case
async def a_server_of_two_addresses():
    visitors = Visitors()
    server = await listen(visitors, ["127.0.0.1", "127.0.0.2"])
    state(server)
    for i in range(2):
        host, port = server.sockets[i].getsockname()
        connect_raw(port, host)
        await visited(visitors, i + 1)
    server.close()
    state(server)


@case
async def the_same_address_twice():
    server = await listen(Visitors(), ["127.0.0.1", "127.0.0.1"])
    state(server)
    server.close()


@case
async def an_address_that_is_taken():
    server = await listen(Visitors())
    port = port_of(server)
    await outcome("again", listen(Visitors(), "127.0.0.1", port))
    state(server)
    server.close()


@case
async def an_address_that_is_not_ours():
    await outcome("listen", listen(Visitors(), "192.0.2.1"))


@case
async def an_address_of_another_family():
    failed = False
    try:
        await listen(Visitors(), family=socket.AF_INET6)
    except Exception:
        failed = True
    say("failed", failed)


@case
async def one_of_two_addresses_is_taken():
    server = await listen(Visitors(), "127.0.0.2")
    port = port_of(server)
    both = ["127.0.0.1", "127.0.0.2"]
    await outcome("both", listen(Visitors(), both, port))
    await outcome("the other one", listen(Visitors(), "127.0.0.1", port))
    server.close()


@case
async def two_servers_share_a_port():
    visitors = Visitors()
    server = await listen(visitors, reuse_port=True)
    port = port_of(server)
    second = await listen(visitors, "127.0.0.1", port, reuse_port=True)
    say(port_of(second) == port)
    connect_raw(port)
    await visited(visitors, 1)
    server.close()
    second.close()


@case
async def nobody_listens():
    ours = Recorder()
    sock = bound()
    await outcome("dial", dial(ours, sock.getsockname()[1]))
    say(ours.made, ours.lost)


@case
async def the_names_of_both_ends():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    await dial(ours, port_of(server))
    await until(lambda: theirs.made)
    here, there = ours.transport, theirs.transport
    say(here.get_extra_info("peername") == there.get_extra_info("sockname"))
    say(here.get_extra_info("sockname") == there.get_extra_info("peername"))
    server.close()


@case
async def by_name():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: ours, "localhost", port_of(server))
    say("connected")
    await until(lambda: theirs.made)
    server.close()


@case
async def connecting_is_cancelled_at_once():
    ours = Recorder()
    visitors = Visitors()
    server = await listen(visitors)
    port = port_of(server)
    dials = asyncio.create_task(outcome("dial", dial(ours, port)))
    await asyncio.sleep(0)
    dials.cancel()
    await dials
    await settle()
    say(ours.made)
    server.close()


@case
async def connecting_is_cancelled_in_connection_made():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    port = port_of(server)
    dials = asyncio.create_task(outcome("dial", dial(ours, port)))
    ours.on_made = lambda: dials.cancel()
    await dials
    await until(lambda: ours.lost and theirs.lost)
    server.close()


@case
async def a_connected_socket():
    visitors = Visitors()
    server = await listen(visitors)
    ours = Recorder()
    sock = socket.create_connection(("127.0.0.1", port_of(server)))
    await connect(ours, sock)
    await visited(visitors, 1)
    ours.transport.write(b"hello")
    visitor = visitors.all[0]
    await until(lambda: visitor.received)
    server.close()


@case
@differs
async def create_server_is_cancelled():
    loop = asyncio.get_running_loop()
    visitors = Visitors()
    sock = bound()
    port = sock.getsockname()[1]
    creates = asyncio.create_task(
        outcome("create", loop.create_server(visitors, sock=sock)))
    await asyncio.sleep(0)
    creates.cancel()
    await creates
    await outcome("dial", dial(Recorder(), port))


@case
async def another_one_every_time():
    visitors = Visitors()
    server = await listen(visitors)
    for i in range(3):
        peer = connect_raw(port_of(server))
        await visited(visitors, i + 1)
        visitors.all[i].transport.write(b"bye")
        visitors.all[i].transport.close()
        say(await until_end(peer))
    server.close()


@case
async def one_visitor_raises_and_another_stays():
    visitors = Visitors()
    server = await listen(visitors)
    one = connect_raw(port_of(server))
    await visited(visitors, 1)
    two = connect_raw(port_of(server))
    await visited(visitors, 2)
    first = visitors.all[0]
    second = visitors.all[1]
    first.on_data = boom
    one.send("x")
    await until(lambda: first.lost)
    two.send("y")
    await until(lambda: second.received)
    server.close()


@case
async def one_that_came_and_went():
    visitors = Visitors()
    server = await listen(visitors)
    connect_raw(port_of(server)).reset()
    peer = connect_raw(port_of(server))
    peer.send("x")
    await visited(visitors, 2)
    await until(lambda: visitors.all[0].lost and visitors.all[1].received)
    server.close()


@case
def stop_in_connection_made():
    loop = Loop()
    visitors = Visitors()
    server = loop.run_until_complete(listen(visitors))

    def prepare():
        visitors.all[-1].on_made = lambda: loop.stop()

    visitors.on_new = prepare
    peer = connect_raw(port_of(server))
    loop.run_forever()
    say("stopped", visitors.all[0].made)
    visitors.all[0].on_data = lambda: loop.stop()
    peer.send("x")
    loop.run_forever()
    state(server)
    server.close()
    loop.close()


@case
def the_loop_closes_with_a_server():
    loop = Loop()
    visitors = Visitors()
    server = loop.run_until_complete(listen(visitors))
    connect_raw(port_of(server))
    loop.run_until_complete(visited(visitors, 1))
    loop.close()
    say("closed", visitors.all[0].lost)
    del server
    gc.collect()
    say("over")


@case
def close_a_server_of_a_closed_loop():
    loop = Loop()
    server = loop.run_until_complete(listen(Visitors()))
    loop.close()
    say(raises(server.close))
    state(server)


if __name__ == "__main__":
    main()
