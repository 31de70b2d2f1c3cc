"""Event: set, cleared, and both before anybody looks."""

import asyncio

from parity import case, main, name, now, say


async def waits(event, label):
    try:
        result = await event.wait()
    except asyncio.CancelledError as error:
        say(now(), label, name(error))
        raise
    say(now(), label, result, event.is_set())


def start(event, *labels):
    return [asyncio.create_task(waits(event, each)) for each in labels]


@case
async def set_wakes_all():
    event = asyncio.Event()
    tasks = start(event, "a", "b", "c")
    await asyncio.sleep(1)
    say(event.is_set())
    event.set()
    say(event.is_set())
    await asyncio.gather(*tasks)


@case
async def one_that_is_set_is_no_wait():
    event = asyncio.Event()
    event.set()
    say(await event.wait())
    event.set()
    event.clear()
    say(event.is_set())
    task = start(event, "waits")[0]
    await asyncio.sleep(2)
    event.set()
    await task


@case
async def set_and_cleared_at_once():
    event = asyncio.Event()
    tasks = start(event, "a", "b")
    await asyncio.sleep(1)
    event.set()
    event.clear()
    await asyncio.gather(*tasks)
    say(event.is_set())


@case
async def who_comes_after_the_clear_waits_on():
    event = asyncio.Event()
    tasks = start(event, "before")
    await asyncio.sleep(1)
    event.set()
    event.clear()
    tasks += start(event, "after")
    await asyncio.sleep(1)
    say("again")
    event.set()
    await asyncio.gather(*tasks)


@case
async def a_cancelled_waiter_is_not_woken():
    event = asyncio.Event()
    tasks = start(event, "a", "b")
    await asyncio.sleep(1)
    tasks[0].cancel("stop")
    event.set()
    await asyncio.wait(tasks)
    say(tasks[0].cancelled(), tasks[1].cancelled())


@case
async def cancelled_as_it_is_woken():
    event = asyncio.Event()
    tasks = start(event, "a", "b")
    await asyncio.sleep(1)
    event.set()
    tasks[0].cancel()
    await asyncio.wait(tasks)
    say(tasks[0].cancelled(), tasks[1].cancelled())


if __name__ == "__main__":
    main()
