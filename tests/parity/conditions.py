"""Condition: without the lock until notified, and then with it again."""

import asyncio

from parity import case, differs, main, name, now, raises, say


async def waits(condition, label):
    async with condition:
        say(now(), label, "waits")
        try:
            result = await condition.wait()
            say(now(), label, result, condition.locked())
        except asyncio.CancelledError as error:
            say(now(), label, name(error), condition.locked())
            raise


def start(condition, *labels):
    return [asyncio.create_task(waits(condition, each)) for each in labels]


async def end(tasks):
    await asyncio.wait(tasks)
    say(now(), *(task.cancelled() for task in tasks))


async def notify(condition, *count):
    async with condition:
        say(now(), "notifies", *count)
        condition.notify(*count)


async def notify_all(condition):
    async with condition:
        condition.notify_all()


@case
async def one_or_more_or_all_are_notified():
    condition = asyncio.Condition()
    tasks = start(condition, "a", "b", "c", "d", "e", "f")
    await asyncio.sleep(1)
    await notify(condition)
    await asyncio.sleep(1)
    await notify(condition, 2)
    await asyncio.sleep(1)
    await notify_all(condition)
    await end(tasks)


@case
async def not_before_the_notifier_lets_go():
    condition = asyncio.Condition()
    tasks = start(condition, "a", "b")
    await asyncio.sleep(1)
    async with condition:
        condition.notify_all()
        await asyncio.sleep(1)
        say(now(), "lets go")
    await end(tasks)


@case
async def nobody_to_notify():
    condition = asyncio.Condition()
    await notify(condition)
    await notify_all(condition)
    tasks = start(condition, "a")
    await asyncio.sleep(1)
    await notify(condition, 5)
    await end(tasks)


@case
async def without_the_lock():
    condition = asyncio.Condition()
    for call in (condition.notify, condition.notify_all):
        try:
            call()
        except RuntimeError as error:
            say(name(error))
    try:
        await condition.wait()
    except RuntimeError as error:
        say(name(error))
    say(raises(condition.release), condition.locked())


@case
async def waiting_for_a_predicate():
    condition = asyncio.Condition()
    values = []

    async def waits_for_three():
        async with condition:
            found = await condition.wait_for(lambda: len(values) // 3)
            say(now(), "found", found, len(values))

    task = asyncio.create_task(waits_for_three())
    for _ in range(4):
        await asyncio.sleep(1)
        async with condition:
            values.append(1)
            condition.notify()
    await task
    async with condition:
        say(await condition.wait_for(lambda: 42))


@case
async def a_predicate_that_raises():
    condition = asyncio.Condition()

    def fails():
        raise ValueError("boom")

    async with condition:
        try:
            await condition.wait_for(fails)
        except ValueError as error:
            say(name(error), condition.locked())


@case
async def a_cancelled_waiter_has_the_lock_first():
    condition = asyncio.Condition()
    tasks = start(condition, "a", "b")
    await asyncio.sleep(1)
    async with condition:
        tasks[0].cancel("stop")
        await asyncio.sleep(1)
        say(now(), tasks[0].done())
    await asyncio.wait(tasks[:1])
    await notify(condition)
    await end(tasks)


@case
async def cancelled_while_it_waits_for_the_lock():
    condition = asyncio.Condition()
    tasks = start(condition, "a")
    await asyncio.sleep(1)
    await condition.acquire()
    condition.notify()
    await asyncio.sleep(1)
    tasks[0].cancel("once")
    await asyncio.sleep(1)
    tasks[0].cancel("twice")
    await asyncio.sleep(1)
    say(now(), tasks[0].done())
    condition.release()
    await end(tasks)


@case
@differs
async def a_notified_waiter_that_is_cancelled():
    condition = asyncio.Condition()
    tasks = start(condition, "a", "b")
    await asyncio.sleep(1)
    async with condition:
        condition.notify()
        tasks[0].cancel()
    await asyncio.sleep(1)
    say(now(), tasks[1].done())
    await notify_all(condition)
    await end(tasks)


@case
async def the_first_of_them_was_cancelled_before():
    condition = asyncio.Condition()
    tasks = start(condition, "a", "b")
    await asyncio.sleep(1)
    async with condition:
        tasks[0].cancel()
        condition.notify()
    await end(tasks)


@case
async def two_conditions_of_one_lock():
    lock = asyncio.Lock()
    one = asyncio.Condition(lock)
    other = asyncio.Condition(lock)
    tasks = start(one, "one") + start(other, "other")
    await asyncio.sleep(1)
    async with lock:
        say(one.locked(), other.locked())
        other.notify_all()
    await asyncio.sleep(1)
    await notify(one)
    await end(tasks)


@case
async def a_time_limit_for_a_wait():
    condition = asyncio.Condition()
    async with condition:
        try:
            async with asyncio.timeout(1):
                await condition.wait()
        except TimeoutError:
            say(now(), "TimeoutError", condition.locked())
    say(condition.locked())


if __name__ == "__main__":
    main()
