"""as_completed(): one result after the other, as they come."""

import asyncio

from parity import case, main, name, now, say


async def work(label, delay, result):
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(now(), label, "cancelled")
        raise
    say(now(), label, "done")
    return result


async def fail(label, delay):
    await asyncio.sleep(delay)
    raise ValueError(label)


def start(coroutine):
    return asyncio.create_task(coroutine)


@case
async def results_come_as_they_are_done():
    tasks = [
        start(work("a", 3, 1)), start(work("b", 1, 2)), start(work("c", 2, 3))
    ]
    for each in asyncio.as_completed(tasks):
        result = await each
        say(now(), result)


@case
async def an_exception_comes_in_its_turn():
    tasks = [
        start(work("a", 3, 1)), start(fail("b", 2)), start(work("c", 1, 3))
    ]
    for each in asyncio.as_completed(tasks):
        try:
            result = await each
            say(now(), result)
        except ValueError as error:
            say(now(), name(error))


@case
async def a_cancellation_comes_in_its_turn():
    tasks = [
        start(work("a", 5, 1)), start(work("b", 1, 2)), start(work("c", 3, 3))
    ]
    asyncio.get_running_loop().call_later(2, tasks[0].cancel, "enough")
    for each in asyncio.as_completed(tasks):
        try:
            result = await each
            say(now(), result)
        except asyncio.CancelledError as error:
            say(now(), name(error))


@case
async def what_was_done_before_comes_at_once():
    tasks = [start(work("a", 3, 1)), start(work("b", 1, 2))]
    await asyncio.sleep(2)
    for each in asyncio.as_completed(tasks):
        result = await each
        say(now(), result)


@case
async def a_slow_reader_misses_nothing():
    tasks = [
        start(work("a", 3, 1)), start(work("b", 1, 2)), start(work("c", 2, 3))
    ]
    for each in asyncio.as_completed(tasks):
        await asyncio.sleep(2)
        result = await each
        say(now(), result)


@case
async def whoever_awaits_first_gets_the_first_result():
    tasks = [start(work("a", 2, 1)), start(work("b", 1, 2))]
    each = list(asyncio.as_completed(tasks))
    say(len(each))
    first = await each[1]
    say(now(), "the second of them gave", first)
    second = await each[0]
    say(now(), "the first of them gave", second)


@case
async def after_the_timeout_every_one_left_raises():
    tasks = [
        start(work("a", 3, 1)), start(work("b", 1, 2)), start(work("c", 4, 3))
    ]
    for each in asyncio.as_completed(tasks, timeout=2):
        try:
            result = await each
            say(now(), result)
        except TimeoutError:
            say(now(), "TimeoutError")
    say(tasks[0].done(), tasks[2].done())
    await asyncio.sleep(3)
    say(now(), tasks[0].result(), tasks[2].result())


@case
async def a_timeout_that_is_not_needed_holds_nobody_up():
    tasks = [start(work("a", 2, 1)), start(work("b", 1, 2))]
    for each in asyncio.as_completed(tasks, timeout=10):
        result = await each
        say(now(), result)
    say(now(), "end")


@case
async def leaving_early_leaves_the_others_alone():
    tasks = [start(work("a", 2, 1)), start(work("b", 1, 2))]
    for each in asyncio.as_completed(tasks):
        result = await each
        say(now(), "the first result is", result)
        break
    await asyncio.sleep(2)
    say(now(), tasks[0].done())


@case
async def cancelled_it_leaves_the_others_alone():
    tasks = [start(work("a", 1, 1)), start(work("b", 3, 2))]

    async def reading():
        for each in asyncio.as_completed(tasks):
            try:
                result = await each
                say(now(), result)
            except asyncio.CancelledError as error:
                say(now(), name(error))
                raise

    reader = start(reading())
    await asyncio.sleep(2)
    reader.cancel("enough")
    try:
        await reader
    except asyncio.CancelledError:
        say(now(), reader.cancelled(), tasks[1].done())
    result = await tasks[1]
    say(now(), result)


@case
async def plain_futures_will_do():
    loop = asyncio.get_running_loop()
    first = loop.create_future()
    second = loop.create_future()
    futures = [first, second]
    loop.call_later(2, first.set_result, 1)
    loop.call_later(1, second.set_result, 2)
    for each in asyncio.as_completed(futures):
        result = await each
        say(now(), result)


@case
async def the_same_task_twice_comes_once():
    task = start(work("a", 1, 1))
    tasks = [task, task]
    for each in asyncio.as_completed(tasks):
        result = await each
        say(now(), result)
    say(now(), "end")


if __name__ == "__main__":
    main()
