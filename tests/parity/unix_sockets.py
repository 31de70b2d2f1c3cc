"""Unix sockets: servers and connections whose address is a path."""

import asyncio
import os
import socket
import tempfile

from connections import (
    BIG, Peer, Recorder, outcome, settle, until, until_end)
from parity import case, main, say


FOLDER = tempfile.TemporaryDirectory()


def in_a_folder(name="socket"):
    """A path in a new folder."""
    return os.path.join(tempfile.mkdtemp(dir=FOLDER.name), name)


async def listen(protocol, path, **options):
    loop = asyncio.get_running_loop()
    return await loop.create_unix_server(lambda: protocol, path, **options)


async def dial(protocol, path):
    loop = asyncio.get_running_loop()
    return await loop.create_unix_connection(lambda: protocol, path)


def connect_raw(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    return Peer(sock)


@case
async def both_sides_are_told():
    theirs, ours = Recorder("theirs"), Recorder()
    path = in_a_folder()
    server = await listen(theirs, path)
    say(server.is_serving(), len(server.sockets))
    await dial(ours, path)
    await until(lambda: theirs.made)
    ours.transport.write(b"ping")
    await until(lambda: theirs.received)
    theirs.transport.write(b"pong")
    await until(lambda: ours.received)
    ours.transport.close()
    await until(lambda: theirs.lost)
    server.close()


@case
async def the_names_of_both_ends():
    theirs, ours = Recorder("theirs"), Recorder()
    path = in_a_folder()
    server = await listen(theirs, path)
    await dial(ours, path)
    await until(lambda: theirs.made)
    say(ours.transport.get_extra_info("peername") == path)
    say(theirs.transport.get_extra_info("sockname") == path)
    say(server.sockets[0].getsockname() == path)
    server.close()


@case
async def nobody_has_ever_listened():
    ours = Recorder()
    await outcome("dial", dial(ours, in_a_folder()))
    say(ours.made)


@case
async def nobody_listens_any_more():
    ours = Recorder()
    path = in_a_folder()
    server = await listen(Recorder("theirs"), path)
    server.close()
    say("still there", os.path.exists(path))
    await outcome("dial", dial(ours, path))
    say(ours.made)


@case
async def what_an_earlier_server_left_is_replaced():
    theirs, ours = Recorder("theirs"), Recorder()
    path = in_a_folder()
    server = await listen(Recorder("first"), path)
    server.close()
    server = await listen(theirs, path)
    await dial(ours, path)
    await until(lambda: theirs.made)
    server.close()


@case
async def a_second_server_takes_the_path():
    first, second = Recorder("first"), Recorder("second")
    path = in_a_folder()
    server = await listen(first, path)
    other = await listen(second, path)
    say(server.is_serving(), other.is_serving())
    connect_raw(path)
    await until(lambda: second.made)
    server.close()
    other.close()


@case
async def what_is_no_socket_is_not_replaced():
    path = in_a_folder()
    with open(path, "w"):
        pass
    await outcome("listen", listen(Recorder(), path))
    say("still there", os.path.exists(path))


@case
async def a_folder_that_is_not_there():
    path = in_a_folder("no folder/socket")
    await outcome("listen", listen(Recorder(), path))
    await outcome("dial", dial(Recorder(), path))


@case
async def a_path_that_is_too_long():
    path = in_a_folder("x" * 200)
    await outcome("listen", listen(Recorder(), path))
    await outcome("dial", dial(Recorder(), path))


@case
async def not_yet_serving():
    theirs, ours = Recorder("theirs"), Recorder()
    path = in_a_folder()
    server = await listen(theirs, path, start_serving=False)
    say(server.is_serving())
    await outcome("early", dial(ours, path))
    await server.start_serving()
    await outcome("later", dial(ours, path))
    await until(lambda: theirs.made)
    server.close()


@case
async def half_closed_it_still_answers():
    theirs, ours = Recorder("theirs"), Recorder()
    theirs.keep_open = True
    path = in_a_folder()
    server = await listen(theirs, path)
    await dial(ours, path)
    await until(lambda: theirs.made)
    ours.transport.write(b"question")
    ours.transport.write_eof()
    await until(lambda: theirs.ended)
    theirs.transport.write(b"answer")
    theirs.transport.close()
    await until(lambda: ours.lost)
    server.close()


@case
async def what_is_kept_is_sent_before_the_end():
    theirs = Recorder("theirs")
    path = in_a_folder()
    server = await listen(theirs, path)
    peer = connect_raw(path)
    await until(lambda: theirs.made)
    theirs.transport.write(BIG)
    theirs.transport.close()
    await settle()
    say(theirs.lost)
    text = await until_end(peer)
    say(len(text) == len(BIG))
    server.close()


@case
async def the_peer_ends_without_reading():
    theirs = Recorder("theirs")
    path = in_a_folder()
    server = await listen(theirs, path)
    peer = connect_raw(path)
    await until(lambda: theirs.made)
    theirs.transport.write(b"never read")
    peer.close()
    await until(lambda: theirs.lost)
    server.close()


@case
async def the_server_is_closed_with_a_connection():
    theirs = Recorder("theirs")
    path = in_a_folder()
    server = await listen(theirs, path)
    peer = connect_raw(path)
    await until(lambda: theirs.made)
    waits = asyncio.create_task(outcome("wait", server.wait_closed()))
    await settle()
    server.close()
    peer.send("still here")
    await until(lambda: theirs.received)
    peer.close()
    await waits


@case
async def serve_forever_is_cancelled():
    path = in_a_folder()
    server = await listen(Recorder(), path)
    serves = asyncio.create_task(outcome("serve", server.serve_forever()))
    await settle()
    serves.cancel()
    await serves
    say(server.is_serving(), os.path.exists(path))


@case
async def connecting_is_cancelled():
    theirs, ours = Recorder("theirs"), Recorder()
    path = in_a_folder()
    server = await listen(theirs, path)
    dials = asyncio.create_task(outcome("dial", dial(ours, path)))
    await asyncio.sleep(0)
    dials.cancel()
    await dials
    await until(lambda: theirs.lost)
    server.close()


if __name__ == "__main__":
    main()
