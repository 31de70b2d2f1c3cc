"""Connecting: from which address, to which of several, and what comes of it
when that fails.
"""

import asyncio
import socket

from connections import Recorder, outcome, port_of, serve, settle, until
from parity import case, main, say


async def dial(protocol, port, host="127.0.0.1", **options):
    loop = asyncio.get_running_loop()
    return await loop.create_connection(
        lambda: protocol, host, port, **options)


def host_of(address):
    return str(address).split(",")[0]


def port_of_nobody():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    sock.close()
    return port


@case
async def from_a_local_address():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    local = "127.0.0.3", 0
    await dial(ours, port_of(server), local_addr=local)
    await until(lambda: theirs.made)
    say(host_of(ours.transport.get_extra_info("sockname")))
    say(host_of(theirs.transport.get_extra_info("peername")))
    server.close()


@case
async def from_a_local_address_that_is_not_ours():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    local = "192.0.2.1", 0
    await outcome("dial", dial(ours, port_of(server), local_addr=local))
    await settle()
    say(ours.made, theirs.made)
    server.close()


@case
async def from_a_local_address_of_another_family():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    local = "::1", 0
    await outcome("dial", dial(ours, port_of(server), local_addr=local))
    await settle()
    say(ours.made, theirs.made)
    server.close()


@case
async def from_a_local_port_that_is_taken():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    local = "127.0.0.1", port_of(server)
    await outcome("dial", dial(ours, port_of(server), local_addr=local))
    say(ours.made)
    server.close()


@case
async def a_family_that_the_address_is_not_of():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    failed = False
    try:
        await dial(ours, port_of(server), family=socket.AF_INET6)
    except Exception:
        failed = True
    say(failed, ours.made)
    server.close()


@case
async def by_name_and_family():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    port = port_of(server)
    await dial(ours, port, "localhost", family=socket.AF_INET)
    await until(lambda: theirs.made)
    say(host_of(ours.transport.get_extra_info("peername")))
    server.close()


@case
async def happily_to_one_address():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    await dial(ours, port_of(server), happy_eyeballs_delay=1)
    await until(lambda: theirs.made)
    server.close()


@case
async def happily_to_nobody():
    ours = Recorder()
    port = port_of_nobody()
    await outcome("dial", dial(ours, port, happy_eyeballs_delay=1))
    say(ours.made)


@case
async def happily_from_a_local_address():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    local = "127.0.0.3", 0
    port = port_of(server)
    await dial(ours, port, local_addr=local, happy_eyeballs_delay=1)
    await until(lambda: theirs.made)
    say(host_of(theirs.transport.get_extra_info("peername")))
    server.close()


@case
async def happily_and_cancelled():
    theirs, ours = Recorder("theirs"), Recorder()
    server = await serve(theirs)
    port = port_of(server)
    dials = asyncio.create_task(
        outcome("dial", dial(ours, port, happy_eyeballs_delay=1)))
    await asyncio.sleep(0)
    dials.cancel()
    await dials
    await settle()
    say(ours.made)
    server.close()


@case
async def the_factory_raises_once_connected():
    theirs = Recorder("theirs")
    server = await serve(theirs)
    loop = asyncio.get_running_loop()

    def factory():
        say("connected")
        raise ValueError("boom")

    port = port_of(server)
    await outcome("dial", loop.create_connection(factory, "127.0.0.1", port))
    await until(lambda: theirs.lost)
    server.close()


if __name__ == "__main__":
    main()
