"""Queues: what is put in, who gets it, and who waits for whom."""

import asyncio

from parity import Loop, case, main, name, now, raises, say


async def puts(queue, *items):
    for item in items:
        try:
            await queue.put(item)
        except asyncio.CancelledError:
            say(now(), "put", item, "cancelled")
            raise
        say(now(), "put", item)


async def gets(queue, label, count=1):
    for _ in range(count):
        try:
            item = await queue.get()
        except asyncio.CancelledError:
            say(now(), label, "cancelled")
            raise
        say(now(), label, "got", item)


def start(queue, *labels):
    return [asyncio.create_task(gets(queue, each)) for each in labels]


def size(queue):
    say(queue.qsize(), queue.empty(), queue.full())


async def end(tasks):
    await asyncio.wait(tasks)
    say(now(), *(task.cancelled() for task in tasks))


@case
async def first_in_first_out():
    queue = asyncio.Queue()
    size(queue)
    await puts(queue, 3, 1, 2)
    size(queue)
    await gets(queue, "a", 3)
    say(queue.maxsize)


@case
async def last_in_first_out():
    queue = asyncio.LifoQueue()
    await puts(queue, 3, 1, 2)
    await gets(queue, "a", 3)


@case
async def the_least_first():
    queue = asyncio.PriorityQueue()
    await puts(queue, 3, 1, 5, 2, 4)
    await gets(queue, "a", 2)
    await puts(queue, 0, 9)
    await gets(queue, "a", 5)


@case
async def without_waiting():
    queue = asyncio.Queue(2)
    say(raises(queue.get_nowait))
    queue.put_nowait(1)
    queue.put_nowait(2)
    size(queue)
    say(raises(lambda: queue.put_nowait(3)))
    say(queue.get_nowait(), queue.get_nowait())
    size(queue)


@case
async def no_limit_is_none():
    for maxsize in (0, -1):
        queue = asyncio.Queue(maxsize)
        for i in range(100):
            queue.put_nowait(i)
        size(queue)


@case
async def who_puts_waits_for_room():
    queue = asyncio.Queue(2)
    task = asyncio.create_task(puts(queue, 1, 2, 3, 4))
    await asyncio.sleep(1)
    size(queue)
    await gets(queue, "a")
    await asyncio.sleep(1)
    await gets(queue, "a", 3)
    await task


@case
async def who_gets_waits_for_an_item():
    queue = asyncio.Queue()
    tasks = start(queue, "a", "b", "c")
    for item in (1, 2, 3):
        await asyncio.sleep(1)
        await queue.put(item)
    await end(tasks)


@case
async def items_put_at_once_wake_as_many():
    queue = asyncio.Queue()
    tasks = start(queue, "a", "b", "c")
    await asyncio.sleep(1)
    for item in (1, 2, 3):
        queue.put_nowait(item)
    await end(tasks)


@case
async def one_that_comes_late_may_take_it():
    queue = asyncio.Queue()
    tasks = start(queue, "waits")
    await asyncio.sleep(1)
    queue.put_nowait(1)
    await gets(queue, "late")
    await asyncio.sleep(1)
    queue.put_nowait(2)
    await end(tasks)


@case
async def a_cancelled_getter_leaves_the_line():
    queue = asyncio.Queue()
    tasks = start(queue, "a", "b")
    await asyncio.sleep(1)
    tasks[0].cancel()
    queue.put_nowait(1)
    await end(tasks)


@case
async def a_getter_is_cancelled_as_it_is_woken():
    queue = asyncio.Queue()
    tasks = start(queue, "a", "b")
    await asyncio.sleep(1)
    queue.put_nowait(1)
    tasks[0].cancel()
    await end(tasks)
    size(queue)


@case
async def the_only_getter_is_cancelled_as_it_is_woken():
    queue = asyncio.Queue()
    tasks = start(queue, "a")
    await asyncio.sleep(1)
    queue.put_nowait(1)
    tasks[0].cancel()
    await end(tasks)
    size(queue)
    await gets(queue, "main")


@case
async def a_putter_is_cancelled():
    queue = asyncio.Queue(1)
    tasks = [asyncio.create_task(puts(queue, i)) for i in (1, 2, 3)]
    await asyncio.sleep(1)
    tasks[1].cancel()
    await gets(queue, "a", 2)
    await end(tasks)


@case
async def a_putter_is_cancelled_as_it_is_woken():
    queue = asyncio.Queue(1)
    tasks = [asyncio.create_task(puts(queue, i)) for i in (1, 2, 3)]
    await asyncio.sleep(1)
    say(queue.get_nowait())
    tasks[1].cancel()
    await end(tasks)
    say(queue.get_nowait())


@case
async def join_waits_for_task_done():
    queue = asyncio.Queue()
    await puts(queue, 1, 2)

    async def works():
        for _ in range(2):
            say(now(), await queue.get())
            await asyncio.sleep(1)
            queue.task_done()

    task = asyncio.create_task(works())
    await queue.join()
    say(now(), "joined")
    await task
    await queue.join()


@case
async def task_done_too_often():
    queue = asyncio.Queue()
    try:
        queue.task_done()
    except ValueError as error:
        say(name(error))
    queue.put_nowait(1)
    queue.task_done()
    say(raises(queue.task_done))
    size(queue)


@case
async def several_join():
    queue = asyncio.Queue()
    queue.put_nowait(1)

    async def joins(label):
        await queue.join()
        say(now(), label)

    tasks = [asyncio.create_task(joins(label)) for label in "abc"]
    await asyncio.sleep(1)
    queue.task_done()
    queue.put_nowait(2)
    await end(tasks)


@case
async def a_time_limit_for_a_get():
    queue = asyncio.Queue()
    try:
        await asyncio.wait_for(queue.get(), 1)
    except asyncio.TimeoutError:
        say(now(), "TimeoutError")
    asyncio.get_running_loop().call_later(0.5, queue.put_nowait, 7)
    say(await asyncio.wait_for(queue.get(), 1), now())


@case
async def a_pipe_of_two():
    first = asyncio.Queue(1)
    second = asyncio.Queue(1)

    async def doubles():
        while True:
            await second.put(2 * await first.get())

    task = asyncio.create_task(doubles())
    source = asyncio.create_task(puts(first, 1, 2, 3, 4, 5))
    await gets(second, "a", 5)
    task.cancel()
    await end([task, source])


@case
async def three_workers():
    queue = asyncio.Queue()
    for delay in (2, 1, 3, 1, 2, 1):
        queue.put_nowait(delay)

    async def works(label):
        while True:
            delay = await queue.get()
            await asyncio.sleep(delay)
            say(now(), label, delay)
            queue.task_done()

    tasks = [asyncio.create_task(works(label)) for label in "abc"]
    await queue.join()
    for task in tasks:
        task.cancel()
    await end(tasks)


async def gets_late(queue):
    asyncio.get_running_loop().call_later(1, queue.put_nowait, 1)
    say(await queue.get())


@case
def one_queue_in_two_loops():
    queue = asyncio.Queue()
    for _ in range(2):
        with asyncio.Runner(loop_factory=Loop) as runner:
            try:
                runner.run(gets_late(queue))
            except RuntimeError as error:
                say("bound to a different event loop" in str(error))


if __name__ == "__main__":
    main()
