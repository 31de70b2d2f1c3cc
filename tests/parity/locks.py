"""Lock: who has it, who comes next, and who was cancelled meanwhile."""

import asyncio

from parity import Loop, case, main, name, now, raises, say


async def holds(lock, label, delay):
    try:
        await lock.acquire()
    except asyncio.CancelledError:
        say(now(), label, "cancelled")
        raise
    say(now(), label, "has it")
    try:
        await asyncio.sleep(delay)
    finally:
        say(now(), label, "lets go")
        lock.release()


def start(lock, *labels, delay=1):
    return [asyncio.create_task(holds(lock, each, delay)) for each in labels]


async def end(tasks):
    for task in tasks:
        try:
            await task
        except asyncio.CancelledError as error:
            say(now(), name(error))


@case
async def acquire_returns_true():
    lock = asyncio.Lock()
    say(lock.locked())
    say(await lock.acquire(), lock.locked())
    lock.release()
    say(lock.locked())


@case
async def released_without_being_held():
    lock = asyncio.Lock()
    try:
        lock.release()
    except RuntimeError as error:
        say(name(error))
    await lock.acquire()
    lock.release()
    say(raises(lock.release))


@case
async def first_come_first_served():
    lock = asyncio.Lock()
    await end(start(lock, "a", "b", "c", "d"))
    say(lock.locked())


@case
async def who_comes_late_does_not_overtake():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = start(lock, "waits")
    await asyncio.sleep(1)
    lock.release()
    # Free, but promised.
    say(lock.locked())
    tasks += start(lock, "late")
    await lock.acquire()
    say(now(), "main has it")
    lock.release()
    await end(tasks)


@case
async def a_cancelled_waiter_leaves_the_line():
    lock = asyncio.Lock()
    tasks = start(lock, "a", "b", "c")
    await asyncio.sleep(0.5)
    tasks[1].cancel("no longer")
    await end(tasks)


@case
async def cancelled_as_it_is_woken():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = start(lock, "a", "b")
    await asyncio.sleep(1)
    lock.release()
    tasks[0].cancel()
    await end(tasks)
    say(lock.locked())


@case
async def cancelled_and_then_released():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = start(lock, "a", "b")
    await asyncio.sleep(1)
    tasks[0].cancel()
    lock.release()
    await end(tasks)


@case
async def the_only_waiter_is_cancelled_as_it_is_woken():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = start(lock, "a")
    await asyncio.sleep(1)
    lock.release()
    tasks[0].cancel()
    await asyncio.sleep(0)
    say(await lock.acquire(), now())
    await end(tasks)


@case
async def free_while_all_who_wait_are_cancelled():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = start(lock, "a", "b")
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    lock.release()
    say(await lock.acquire(), now())
    await end(tasks)
    lock.release()


@case
async def cancelled_while_it_is_held():
    lock = asyncio.Lock()
    tasks = start(lock, "a", "b")
    await asyncio.sleep(0.5)
    tasks[0].cancel()
    await end(tasks)


@case
async def a_scope_lets_go_however_it_ends():
    lock = asyncio.Lock()
    async with lock:
        say("inside", lock.locked())
    say("outside", lock.locked())
    try:
        async with lock:
            raise ValueError("body")
    except ValueError as error:
        say(name(error), lock.locked())
    try:
        async with lock:
            lock.release()
    except RuntimeError as error:
        say(name(error))


@case
async def wait_for_gives_up_a_lock():
    lock = asyncio.Lock()
    await lock.acquire()
    try:
        await asyncio.wait_for(lock.acquire(), 1)
    except asyncio.TimeoutError:
        say(now(), "TimeoutError")
    lock.release()
    say(await asyncio.wait_for(lock.acquire(), 1), now())


async def briefly(lock):
    asyncio.get_running_loop().call_later(1, lock.release)
    await lock.acquire()
    await lock.acquire()
    lock.release()


@case
def one_lock_in_two_loops():
    lock = asyncio.Lock()
    for _ in range(2):
        with asyncio.Runner(loop_factory=Loop) as runner:
            try:
                runner.run(briefly(lock))
                say("done")
            except RuntimeError as error:
                say("bound to a different event loop" in str(error))


if __name__ == "__main__":
    main()
