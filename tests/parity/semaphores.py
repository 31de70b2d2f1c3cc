"""Semaphore and BoundedSemaphore: so many at a time, in their order."""

import asyncio

from parity import case, main, name, now, raises, say


async def holds(semaphore, label, delay):
    try:
        await semaphore.acquire()
    except asyncio.CancelledError:
        say(now(), label, "cancelled")
        raise
    say(now(), label, "has it", semaphore.locked())
    await asyncio.sleep(delay)
    semaphore.release()
    say(now(), label, "lets go", semaphore.locked())


def start(semaphore, *labels):
    return [asyncio.create_task(holds(semaphore, each, 1)) for each in labels]


async def end(tasks):
    await asyncio.wait(tasks)
    say(now(), *(task.cancelled() for task in tasks))


@case
async def two_at_a_time():
    await end(start(asyncio.Semaphore(2), "a", "b", "c", "d", "e"))


@case
async def it_counts():
    semaphore = asyncio.Semaphore(2)
    say(semaphore.locked())
    say(await semaphore.acquire(), semaphore.locked())
    say(await semaphore.acquire(), semaphore.locked())
    semaphore.release()
    say(semaphore.locked())


@case
async def no_negative_number():
    for make in (asyncio.Semaphore, asyncio.BoundedSemaphore):
        try:
            make(-1)
        except ValueError as error:
            say(name(error))
    say(asyncio.Semaphore(0).locked(), asyncio.Semaphore().locked())


@case
async def a_bounded_one_is_not_released_too_often():
    semaphore = asyncio.BoundedSemaphore()
    try:
        semaphore.release()
    except ValueError as error:
        say(name(error))
    await semaphore.acquire()
    say(raises(semaphore.release), raises(semaphore.release))
    asyncio.Semaphore().release()


@case
async def begun_at_none_it_waits_for_a_release():
    semaphore = asyncio.Semaphore(0)
    tasks = start(semaphore, "a", "b")
    await asyncio.sleep(1)
    semaphore.release()
    await end(tasks)


@case
async def who_comes_late_does_not_overtake():
    semaphore = asyncio.Semaphore()
    await semaphore.acquire()
    tasks = start(semaphore, "waits")
    await asyncio.sleep(1)
    semaphore.release()
    say(semaphore.locked())
    await semaphore.acquire()
    say(now(), "main has it")
    semaphore.release()
    await end(tasks)


@case
async def a_cancelled_waiter_leaves_the_line():
    semaphore = asyncio.Semaphore()
    tasks = start(semaphore, "a", "b", "c")
    await asyncio.sleep(0.5)
    tasks[1].cancel()
    await end(tasks)


@case
async def cancelled_as_it_is_woken():
    semaphore = asyncio.Semaphore(0)
    tasks = start(semaphore, "a", "b")
    await asyncio.sleep(1)
    semaphore.release()
    tasks[0].cancel()
    await end(tasks)


@case
async def cancelled_and_then_released():
    semaphore = asyncio.Semaphore(0)
    tasks = start(semaphore, "a", "b")
    await asyncio.sleep(1)
    tasks[0].cancel()
    semaphore.release()
    await end(tasks)


@case
async def several_released_at_once():
    semaphore = asyncio.Semaphore(0)
    tasks = start(semaphore, "a", "b", "c")
    await asyncio.sleep(1)
    for _ in range(5):
        semaphore.release()
    await end(tasks)
    say(semaphore.locked())


@case
async def all_who_wait_are_cancelled():
    semaphore = asyncio.Semaphore(0)
    tasks = start(semaphore, "a", "b")
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    semaphore.release()
    say(semaphore.locked())
    await end(tasks)
    say(await semaphore.acquire(), semaphore.locked())


@case
async def a_scope_lets_go_however_it_ends():
    semaphore = asyncio.BoundedSemaphore(1)
    try:
        async with semaphore:
            say(semaphore.locked())
            raise ValueError("body")
    except ValueError as error:
        say(name(error), semaphore.locked())


if __name__ == "__main__":
    main()
