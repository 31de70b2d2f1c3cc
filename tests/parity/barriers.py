"""Barrier: all at once, or nobody."""

import asyncio

from parity import case, main, name, now, say


async def comes(barrier, label):
    await asyncio.sleep(0)
    try:
        index = await barrier.wait()
        say(now(), label, index, barrier.n_waiting, barrier.broken)
    except (asyncio.BrokenBarrierError, asyncio.CancelledError) as error:
        say(now(), label, name(error), barrier.n_waiting, barrier.broken)


def start(barrier, *labels):
    return [asyncio.create_task(comes(barrier, each)) for each in labels]


@case
async def all_go_on_when_the_last_one_comes():
    barrier = asyncio.Barrier(3)
    say(barrier.parties, barrier.n_waiting, barrier.broken)
    tasks = start(barrier, "a", "b")
    await asyncio.sleep(1)
    say(barrier.n_waiting)
    tasks += start(barrier, "c")
    await asyncio.gather(*tasks)


@case
async def one_is_enough_for_itself():
    barrier = asyncio.Barrier(1)
    await comes(barrier, "a")
    await comes(barrier, "b")


@case
async def at_least_one():
    for parties in (0, -1):
        try:
            asyncio.Barrier(parties)
        except ValueError as error:
            say(name(error))


@case
async def in_rounds():
    barrier = asyncio.Barrier(2)
    tasks = start(barrier, "a", "b", "c", "d", "e", "f")
    await asyncio.gather(*tasks)
    say(barrier.n_waiting, barrier.broken)


@case
async def the_next_ones_wait_until_it_has_drained():
    barrier = asyncio.Barrier(3)
    tasks = start(barrier, "a", "b", "c", "d", "e")
    await asyncio.sleep(1)
    say(barrier.n_waiting)
    tasks += start(barrier, "f")
    await asyncio.gather(*tasks)


@case
async def reset_turns_away_who_waits():
    barrier = asyncio.Barrier(3)
    tasks = start(barrier, "a", "b")
    await asyncio.sleep(1)
    await barrier.reset()
    tasks += start(barrier, "c", "d", "e")
    await asyncio.gather(*tasks)
    await barrier.reset()
    say(barrier.n_waiting, barrier.broken)


@case
async def abort_turns_away_everybody():
    barrier = asyncio.Barrier(3)
    tasks = start(barrier, "a", "b")
    await asyncio.sleep(1)
    await barrier.abort()
    say(barrier.broken, barrier.n_waiting)
    tasks += start(barrier, "c")
    await asyncio.gather(*tasks)
    await barrier.reset()
    say(barrier.broken)
    await asyncio.gather(*start(barrier, "d", "e", "f"))


@case
async def reset_while_it_drains():
    barrier = asyncio.Barrier(2)
    tasks = start(barrier, "a", "b")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await barrier.reset()
    await asyncio.gather(*tasks)
    say(barrier.n_waiting, barrier.broken)


@case
async def a_cancelled_one_was_not_there():
    barrier = asyncio.Barrier(2)
    tasks = start(barrier, "a")
    await asyncio.sleep(1)
    tasks[0].cancel("stop")
    await asyncio.sleep(1)
    say(barrier.n_waiting)
    await asyncio.gather(*start(barrier, "b", "c"))


@case
async def cancelled_as_it_opens():
    barrier = asyncio.Barrier(2)
    tasks = start(barrier, "a", "b", "c")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.sleep(1)
    say(barrier.n_waiting, barrier.broken)
    await asyncio.gather(*start(barrier, "d"))


@case
async def as_a_scope():
    barrier = asyncio.Barrier(2)

    async def enters(label):
        async with barrier:
            say(now(), label, "inside", barrier.n_waiting)

    first = asyncio.create_task(enters("a"))
    await asyncio.sleep(1)
    await enters("b")
    await first


if __name__ == "__main__":
    main()
