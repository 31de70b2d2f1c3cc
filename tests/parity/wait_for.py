"""wait_for(): one awaitable, and only so much time for it."""

import asyncio

from parity import case, main, name, now, say


async def work(label, delay, result):
    say(now(), label, "starts")
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError as error:
        say(now(), label, name(error))
        raise
    say(now(), label, "done")
    return result


async def fail(label, delay):
    await asyncio.sleep(delay)
    raise ValueError(label)


async def stubborn(label, delay):
    """Takes a cancellation for an answer."""
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(now(), label, "does not mind")
        return -1
    return 1


async def tidy(label, delay, clean_up):
    """Takes its time to clean up."""
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(now(), label, "cleans up")
        await asyncio.sleep(clean_up)
        say(now(), label, "is clean")
        raise
    return 1


async def clumsy(label, delay):
    """Fails while it cleans up."""
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        raise ValueError(label)
    return 1


@case
async def in_time_it_gives_the_result():
    result = await asyncio.wait_for(work("a", 1, 42), 2)
    say(now(), result)


@case
async def in_time_it_raises_what_the_inner_raises():
    try:
        await asyncio.wait_for(fail("a", 1), 2)
    except ValueError as error:
        say(now(), name(error))


@case
async def late_it_cancels_and_raises():
    task = asyncio.create_task(work("a", 2, 42))
    try:
        await asyncio.wait_for(task, 1)
    except TimeoutError:
        say(now(), "TimeoutError")
    say(task.done(), task.cancelled())


@case
async def a_late_coroutine_is_cancelled_too():
    try:
        await asyncio.wait_for(work("a", 2, 42), 1)
    except TimeoutError:
        say(now(), "TimeoutError")
    await asyncio.sleep(2)
    say(now(), "end")


@case
async def a_late_future_is_cancelled_too():
    future = asyncio.get_running_loop().create_future()
    try:
        await asyncio.wait_for(future, 1)
    except TimeoutError:
        say(now(), "TimeoutError")
    say(future.cancelled())


@case
async def without_a_timeout_it_waits_for_ever():
    result = await asyncio.wait_for(work("a", 1000, 42), None)
    say(now(), result)


@case
async def a_timeout_of_zero_does_not_even_start_a_coroutine():
    try:
        await asyncio.wait_for(work("a", 1, 42), 0)
    except TimeoutError:
        say(now(), "TimeoutError")


@case
async def a_timeout_of_zero_takes_what_is_done():
    future = asyncio.get_running_loop().create_future()
    future.set_result(42)
    result = await asyncio.wait_for(future, 0)
    say(now(), result)


@case
async def a_timeout_of_zero_cancels_what_runs():
    task = asyncio.create_task(work("a", 10, 42))
    await asyncio.sleep(1)
    try:
        await asyncio.wait_for(task, 0)
    except TimeoutError:
        say(now(), "TimeoutError", task.cancelled())


@case
async def a_negative_timeout_is_as_good_as_zero():
    task = asyncio.create_task(work("a", 10, 42))
    await asyncio.sleep(1)
    try:
        await asyncio.wait_for(task, -1)
    except TimeoutError:
        say(now(), "TimeoutError", task.cancelled())


@case
async def a_timeout_of_zero_waits_for_the_clean_up():
    task = asyncio.create_task(tidy("a", 10, 2))
    await asyncio.sleep(1)
    try:
        await asyncio.wait_for(task, 0)
    except TimeoutError:
        say(now(), "TimeoutError", task.cancelled())


@case
async def an_inner_that_swallows_the_cancellation_gives_its_result():
    result = await asyncio.wait_for(stubborn("a", 10), 1)
    say(now(), result)


@case
async def an_inner_that_fails_in_its_clean_up_raises_that():
    try:
        await asyncio.wait_for(clumsy("a", 10), 1)
    except ValueError as error:
        say(now(), name(error))


@case
async def it_waits_for_the_clean_up():
    try:
        await asyncio.wait_for(tidy("a", 10, 2), 1)
    except TimeoutError:
        say(now(), "TimeoutError")


@case
async def cancelled_it_cancels_the_inner():
    inner = asyncio.create_task(work("inner", 10, 42))
    outer = asyncio.create_task(asyncio.wait_for(inner, 5))
    await asyncio.sleep(1)
    outer.cancel("enough")
    try:
        await outer
    except asyncio.CancelledError as error:
        say(now(), name(error))
    say(outer.cancelled(), inner.cancelled())


@case
async def cancelled_without_a_timeout_it_passes_the_message_on():
    inner = asyncio.create_task(work("inner", 10, 42))
    outer = asyncio.create_task(asyncio.wait_for(inner, None))
    await asyncio.sleep(1)
    outer.cancel("enough")
    try:
        await outer
    except asyncio.CancelledError as error:
        say(now(), name(error))
    say(outer.cancelled(), inner.cancelled())


@case
async def cancelled_it_waits_for_the_clean_up():
    outer = asyncio.create_task(asyncio.wait_for(tidy("inner", 10, 2), 5))
    await asyncio.sleep(1)
    outer.cancel()
    try:
        await outer
    except asyncio.CancelledError:
        say(now(), "CancelledError", outer.cancelled())


@case
async def cancelled_before_it_began_it_leaves_the_inner_alone():
    inner = asyncio.create_task(work("inner", 1, 42))
    outer = asyncio.create_task(asyncio.wait_for(inner, 5))
    outer.cancel()
    try:
        await outer
    except asyncio.CancelledError:
        say(now(), "CancelledError", outer.cancelled())
    result = await inner
    say(now(), result)


@case
async def cancelled_during_the_clean_up_it_no_longer_waits():
    inner = asyncio.create_task(tidy("inner", 10, 4))
    outer = asyncio.create_task(asyncio.wait_for(inner, 1))
    await asyncio.sleep(2)
    outer.cancel()
    try:
        await outer
    except asyncio.CancelledError:
        say(now(), "CancelledError", outer.cancelled(), inner.done())
    await asyncio.sleep(5)
    say(now(), inner.cancelled())


@case
async def somebody_else_cancels_the_inner():
    inner = asyncio.create_task(work("inner", 10, 42))
    asyncio.get_running_loop().call_later(1, inner.cancel, "somebody")
    try:
        await asyncio.wait_for(inner, 5)
    except asyncio.CancelledError as error:
        say(now(), name(error))


@case
async def timeout_and_inner_due_together_the_timeout_was_first():
    try:
        await asyncio.wait_for(work("a", 1, 42), 1)
    except TimeoutError:
        say(now(), "TimeoutError")


@case
async def timeout_and_inner_due_together_the_inner_was_first():
    task = asyncio.create_task(work("a", 1, 42))
    await asyncio.sleep(0)
    result = await asyncio.wait_for(task, 1)
    say(now(), result)


@case
async def a_result_and_a_cancellation_together_the_result_wins():
    future = asyncio.get_running_loop().create_future()
    outer = asyncio.create_task(asyncio.wait_for(future, 5))
    await asyncio.sleep(1)
    future.set_result(42)
    say(outer.cancel())
    result = await outer
    say(now(), result, outer.cancelled())


@case
async def shielded_the_inner_goes_on():
    inner = asyncio.create_task(work("inner", 2, 42))
    try:
        await asyncio.wait_for(asyncio.shield(inner), 1)
    except TimeoutError:
        say(now(), "TimeoutError", inner.done())
    result = await inner
    say(now(), result)


@case
async def one_in_another_the_shorter_timeout_counts():
    try:
        await asyncio.wait_for(asyncio.wait_for(work("a", 10, 42), 1), 5)
    except TimeoutError:
        say(now(), "TimeoutError")
    try:
        await asyncio.wait_for(asyncio.wait_for(work("b", 10, 42), 5), 1)
    except TimeoutError:
        say(now(), "TimeoutError")


if __name__ == "__main__":
    main()
