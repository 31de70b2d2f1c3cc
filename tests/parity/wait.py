"""wait(): which of these are done, and which are not."""

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


async def rounds(label, count):
    for _ in range(count):
        await asyncio.sleep(0)
    say(label, "done")
    return count


def start(coroutine, label):
    return asyncio.create_task(coroutine, name=label)


def names(tasks):
    """The tasks' names in alphabetical order, as wait() gives sets."""
    return " ".join(sorted(task.get_name() for task in tasks)) or "nobody"


@case
async def all_completed_waits_for_the_last():
    tasks = [start(work("a", 2, 1), "a"), start(work("b", 1, 2), "b")]
    done, pending = await asyncio.wait(tasks)
    say(now(), "done:", names(done), "pending:", names(pending))


@case
async def it_takes_no_time_if_all_are_done_already():
    tasks = [start(work("a", 2, 1), "a"), start(work("b", 1, 2), "b")]
    await asyncio.wait(tasks)
    done, pending = await asyncio.wait(tasks)
    say(now(), "done:", names(done), "pending:", names(pending))


@case
async def first_completed_lets_the_others_go_on():
    tasks = [start(work("a", 2, 1), "a"), start(work("b", 1, 2), "b")]
    done, pending = await asyncio.wait(
        tasks, return_when=asyncio.FIRST_COMPLETED
    )
    say(now(), "done:", names(done), "pending:", names(pending))
    rest, nobody = await asyncio.wait(pending)
    say(now(), "done:", names(rest), "pending:", names(nobody))


@case
async def first_completed_is_content_with_a_failure():
    tasks = [start(work("a", 2, 1), "a"), start(fail("b", 1), "b")]
    done, pending = await asyncio.wait(
        tasks, return_when=asyncio.FIRST_COMPLETED
    )
    say(now(), "done:", names(done), "pending:", names(pending))
    for task in done:
        say(name(task.exception()))
    await asyncio.wait(pending)


@case
async def first_completed_may_find_more_than_one_done():
    tasks = [
        start(rounds("a", 1), "a"),
        start(rounds("b", 2), "b"),
        start(rounds("c", 4), "c"),
    ]
    done, pending = await asyncio.wait(
        tasks, return_when=asyncio.FIRST_COMPLETED
    )
    say("done:", names(done), "pending:", names(pending))
    await asyncio.wait(pending)


@case
async def first_exception_returns_at_the_exception():
    tasks = [
        start(work("a", 1, 1), "a"),
        start(fail("b", 2), "b"),
        start(work("c", 3, 3), "c"),
    ]
    done, pending = await asyncio.wait(
        tasks, return_when=asyncio.FIRST_EXCEPTION
    )
    say(now(), "done:", names(done), "pending:", names(pending))
    say(name(tasks[1].exception()))
    await asyncio.wait(pending)


@case
async def first_exception_without_one_waits_for_all():
    tasks = [start(work("a", 2, 1), "a"), start(work("b", 1, 2), "b")]
    done, pending = await asyncio.wait(
        tasks, return_when=asyncio.FIRST_EXCEPTION
    )
    say(now(), "done:", names(done), "pending:", names(pending))


@case
async def first_exception_does_not_count_a_cancellation():
    tasks = [start(work("a", 5, 1), "a"), start(work("b", 3, 2), "b")]
    asyncio.get_running_loop().call_later(1, tasks[0].cancel)
    done, pending = await asyncio.wait(
        tasks, return_when=asyncio.FIRST_EXCEPTION
    )
    say(now(), "done:", names(done), "pending:", names(pending))
    say(tasks[0].cancelled(), tasks[1].cancelled())


@case
async def first_exception_notices_one_that_was_there_before():
    tasks = [start(work("a", 2, 1), "a"), start(fail("b", 1), "b")]
    await asyncio.sleep(1.5)
    done, pending = await asyncio.wait(
        tasks, return_when=asyncio.FIRST_EXCEPTION
    )
    say(now(), "done:", names(done), "pending:", names(pending))
    say(name(tasks[1].exception()))
    await asyncio.wait(pending)


@case
async def exceptions_stay_in_the_tasks():
    tasks = [start(fail("a", 1), "a"), start(fail("b", 2), "b")]
    done, pending = await asyncio.wait(tasks)
    say(now(), "done:", names(done), "pending:", names(pending))
    for task in tasks:
        say(name(task.exception()))


@case
async def a_timeout_cancels_nobody():
    tasks = [start(work("a", 1, 1), "a"), start(work("b", 3, 2), "b")]
    done, pending = await asyncio.wait(tasks, timeout=2)
    say(now(), "done:", names(done), "pending:", names(pending))
    await asyncio.sleep(2)
    say(now(), "end")


@case
async def a_timeout_that_is_not_needed_holds_nobody_up():
    tasks = [start(work("a", 1, 1), "a"), start(work("b", 2, 2), "b")]
    done, pending = await asyncio.wait(tasks, timeout=10)
    say(now(), "done:", names(done), "pending:", names(pending))


@case
async def a_timeout_of_zero_only_looks():
    tasks = [start(rounds("a", 0), "a"), start(work("b", 1, 2), "b")]
    done, pending = await asyncio.wait(tasks, timeout=0)
    say(now(), "done:", names(done), "pending:", names(pending))
    await asyncio.wait(pending)


@case
async def a_task_that_ends_with_the_timeout_comes_too_late():
    tasks = [start(work("a", 1, 1), "a")]
    done, pending = await asyncio.wait(tasks, timeout=1)
    say(now(), "done:", names(done), "pending:", names(pending))
    await asyncio.wait(pending)


@case
async def a_task_that_began_before_the_timeout_ends_before_it():
    tasks = [start(work("a", 1, 1), "a")]
    await asyncio.sleep(0)
    done, pending = await asyncio.wait(tasks, timeout=1)
    say(now(), "done:", names(done), "pending:", names(pending))


@case
async def cancelled_while_waiting_it_leaves_the_tasks_alone():
    tasks = [start(work("a", 2, 1), "a"), start(work("b", 3, 2), "b")]

    async def waiting():
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError as error:
            say(now(), name(error))
            raise

    waiter = start(waiting(), "waiter")
    await asyncio.sleep(1)
    waiter.cancel("enough")
    try:
        await waiter
    except asyncio.CancelledError as error:
        say(now(), name(error), waiter.cancelled())
    done, pending = await asyncio.wait(tasks)
    say(now(), "done:", names(done), "pending:", names(pending))


@case
async def two_can_wait_for_the_same_tasks():
    tasks = [start(work("a", 1, 1), "a"), start(work("b", 2, 2), "b")]

    async def waiting(label, return_when):
        done, pending = await asyncio.wait(tasks, return_when=return_when)
        say(now(), label, "done:", names(done), "pending:", names(pending))

    first = start(waiting("first", asyncio.FIRST_COMPLETED), "first")
    second = start(waiting("second", asyncio.ALL_COMPLETED), "second")
    await first
    await second


@case
async def plain_futures_will_do():
    loop = asyncio.get_running_loop()
    first = loop.create_future()
    second = loop.create_future()
    futures = [first, second]
    loop.call_later(1, second.set_result, 2)
    done, pending = await asyncio.wait(
        futures, return_when=asyncio.FIRST_COMPLETED
    )
    say(now(), len(done), len(pending), first.done(), second.done())
    loop.call_later(1, first.cancel)
    both, nobody = await asyncio.wait(futures)
    say(now(), len(both), len(nobody), first.cancelled())


@case
async def futures_of_all_kinds_will_do_together():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    task = start(work("task", 2, 1), "task")
    both = asyncio.gather(work("a", 1, 2), work("b", 3, 3))
    loop.call_later(4, future.set_result, "text")
    futures = [future, task, both]
    done, pending = await asyncio.wait(futures, timeout=3.5)
    say(now(), len(done), len(pending), task.done(), both.done())
    await future


@case
async def the_same_task_twice_counts_once():
    task = start(work("a", 1, 1), "a")
    tasks = [task, task]
    done, pending = await asyncio.wait(tasks)
    say(now(), "done:", names(done), "pending:", names(pending))


@case
async def nothing_to_wait_for_is_an_error():
    try:
        await asyncio.wait([])
    except ValueError:
        say("refused")


if __name__ == "__main__":
    main()
