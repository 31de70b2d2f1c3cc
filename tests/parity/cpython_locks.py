"""The situations of CPython's own test_locks.py, round by round."""

import asyncio

from parity import case, main, name, say


async def takes(lock, number, result):
    await lock.acquire()
    result.append(number)
    return True


async def rounds(count):
    for _ in range(count):
        await asyncio.sleep(0)


def start(lock, numbers, result):
    return [asyncio.create_task(takes(lock, i, result)) for i in numbers]


def told(tasks):
    for task in tasks:
        if not task.done():
            say("pending")
        elif task.cancelled():
            say("cancelled")
        else:
            say("raised" if task.exception() else "done")


async def cancelled_as_it_waits(waiting):
    task = asyncio.create_task(waiting)
    asyncio.get_running_loop().call_soon(task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        say("cancelled")


@case
async def lock_acquire():
    lock = asyncio.Lock()
    result = []
    say(await lock.acquire())
    tasks = start(lock, (1, 2), result)
    await rounds(1)
    say(result)
    lock.release()
    await rounds(1)
    say(result)
    await rounds(1)
    say(result)
    tasks += start(lock, (3,), result)
    for _ in range(2):
        lock.release()
        await rounds(1)
        say(result)
    told(tasks)


@case
async def acquire_cancel():
    lock = asyncio.Lock()
    await lock.acquire()
    await cancelled_as_it_waits(lock.acquire())
    semaphore = asyncio.Semaphore()
    await semaphore.acquire()
    await cancelled_as_it_waits(semaphore.acquire())
    await cancelled_as_it_waits(asyncio.Event().wait())
    lock.release()
    semaphore.release()
    say(lock.locked(), semaphore.locked())


@case
async def lock_cancel_release_race():
    lock = asyncio.Lock()
    result = []
    await lock.acquire()
    tasks = start(lock, (1, 2, 3), result)
    await rounds(1)

    def trigger():
        tasks[0].cancel()
        lock.release()

    asyncio.get_running_loop().call_soon(trigger)
    try:
        await tasks[0]
    except asyncio.CancelledError:
        say("cancelled", result)
    told(tasks)
    tasks[2].cancel()
    await rounds(1)
    told(tasks)


async def is_told(event, number, result):
    await event.wait()
    result.append(number)


@case
async def event_wait():
    event = asyncio.Event()
    result = []
    tasks = [asyncio.create_task(is_told(event, i, result)) for i in (1, 2)]
    await rounds(1)
    say(result)
    tasks.append(asyncio.create_task(is_told(event, 3, result)))
    event.set()
    await rounds(1)
    say(result)
    told(tasks)


async def waits(condition, number, result):
    await condition.acquire()
    await condition.wait()
    result.append(number)
    return True


@case
async def condition_wait():
    condition = asyncio.Condition()
    result = []
    tasks = [
        asyncio.create_task(waits(condition, i, result)) for i in (1, 2, 3)
    ]
    await rounds(1)
    say(result, condition.locked())
    await condition.acquire()
    condition.notify()
    await rounds(1)
    say(result, condition.locked())
    condition.release()
    await rounds(1)
    say(result, condition.locked())
    condition.notify(2)
    await rounds(1)
    say(result, condition.locked())
    for _ in range(2):
        condition.release()
        await rounds(1)
        say(result, condition.locked())
    told(tasks)


@case
async def condition_wait_cancel_contested():
    condition = asyncio.Condition()
    await condition.acquire()
    task = asyncio.create_task(condition.wait())
    await rounds(1)
    say(condition.locked())
    await condition.acquire()
    condition.notify()
    loop = asyncio.get_running_loop()
    loop.call_soon(task.cancel)
    loop.call_soon(condition.release)
    try:
        await task
        say("not cancelled")
    except asyncio.CancelledError:
        say("cancelled")
    say(condition.locked())


@case
async def semaphore_acquire():
    semaphore = asyncio.Semaphore(3)
    result = []
    await semaphore.acquire()
    await semaphore.acquire()
    say(semaphore.locked())
    tasks = start(semaphore, (1, 2, 3), result)
    await rounds(1)
    say(result, semaphore.locked())
    tasks += start(semaphore, (4,), result)
    semaphore.release()
    semaphore.release()
    await rounds(1)
    say(result, semaphore.locked())
    told(tasks)
    semaphore.release()
    await asyncio.wait(tasks)
    say(result)


@case
async def semaphore_cancel_before_awoken():
    semaphore = asyncio.Semaphore(0)
    result = []
    tasks = start(semaphore, (1, 2, 3, 4), result)
    await rounds(1)
    tasks[0].cancel()
    tasks[1].cancel()
    semaphore.release()
    await rounds(2)
    told(tasks)
    tasks[2].cancel()
    tasks[3].cancel()
    await rounds(1)
    told(tasks)


FIVE = 5


async def five(coroutine):
    await asyncio.gather(*[coroutine(i) for i in range(FIVE)])


def state(barrier):
    say("state", barrier.n_waiting, barrier.broken)


async def passes(barrier, number):
    """A number of the barrier, or -1 after saying what it raises."""
    try:
        index = await barrier.wait()
        say(number, index)
        return index
    except asyncio.BrokenBarrierError as error:
        say(number, name(error))
    return -1


@case
async def barrier_reset_when_half_draining():
    barrier = asyncio.Barrier(FIVE)
    drained = 0

    async def comes(number):
        nonlocal drained
        if await passes(barrier, number) >= 0:
            drained += 1
            if drained == 3:
                await barrier.reset()

    await five(comes)
    state(barrier)


@case
async def barrier_reset_half_draining_half_blocking():
    barrier = asyncio.Barrier(FIVE)
    drained = 0

    async def comes(number):
        nonlocal drained
        if await passes(barrier, number) >= 0:
            drained += 1
            if drained > FIVE // 2:
                await barrier.reset()
        await passes(barrier, number)

    await five(comes)
    state(barrier)


@case
async def barrier_abort_half_draining_half_blocking():
    barrier = asyncio.Barrier(FIVE)
    drained = 0

    async def comes(number):
        nonlocal drained
        if await passes(barrier, number) < 0:
            return
        drained += 1
        if drained > FIVE // 2:
            await barrier.abort()
            say(number, "aborted")
        else:
            await passes(barrier, number)

    await five(comes)
    state(barrier)


@case
async def queue_many_readers_and_none_is_dropped():
    queue = asyncio.Queue()
    tasks = [asyncio.create_task(queue.get()) for _ in range(3)]
    await rounds(1)
    queue.put_nowait(1)
    queue.put_nowait(2)
    tasks[0].cancel()
    await asyncio.wait(tasks)
    told(tasks)
    say(tasks[1].result(), tasks[2].result())


if __name__ == "__main__":
    main()
