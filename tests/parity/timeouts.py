"""timeout(): only so much time for everything in the block."""

import asyncio

from parity import case, main, name, now, say, since


def when(timeout):
    """The deadline, or "never"."""
    return "never" if timeout.when() is None else f"{timeout.when():.2f}"


async def patient(label, delay):
    """Sleeps, and says so if it is not let."""
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(now(), label, "cancelled")
        raise
    say(now(), label, "slept enough")


@case
async def late_the_block_is_cancelled_and_raises():
    limit = asyncio.timeout(1)
    try:
        async with limit:
            say(now(), limit.expired(), when(limit))
            await patient("body", 10)
    except TimeoutError:
        say(now(), "TimeoutError")
    say(limit.expired(), when(limit))
    say(asyncio.current_task().cancelling())


@case
async def in_time_nothing_happens():
    limit = asyncio.timeout(2)
    async with limit:
        await patient("body", 1)
    say(now(), limit.expired(), when(limit))
    await asyncio.sleep(5)
    say(now(), "end")


@case
async def the_block_sees_a_cancellation_and_a_timeout_comes_of_it():
    try:
        async with asyncio.timeout(1):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError as error:
                say(now(), name(error))
                say(asyncio.current_task().cancelling())
                raise
    except TimeoutError:
        say(now(), "TimeoutError", asyncio.current_task().cancelling())


@case
async def none_is_no_limit():
    limit = asyncio.timeout(None)
    async with limit:
        await patient("body", 1000)
    say(now(), limit.expired(), when(limit))


@case
async def zero_ends_the_block_at_its_first_await():
    limit = asyncio.timeout(0)
    try:
        async with limit:
            say("the block begins")
            await asyncio.sleep(0)
            say("not reached")
    except TimeoutError:
        say(now(), "TimeoutError")
    say(limit.expired(), when(limit))


@case
async def zero_does_nothing_to_a_block_without_an_await():
    limit = asyncio.timeout(0)
    async with limit:
        say("the block begins and ends")
    await asyncio.sleep(0)
    say(now(), limit.expired(), when(limit))


@case
async def a_deadline_in_the_past_is_as_good_as_zero():
    await asyncio.sleep(5)
    limit = asyncio.timeout_at(3)
    try:
        async with limit:
            await patient("body", 10)
    except TimeoutError:
        say(now(), "TimeoutError")
    say(limit.expired(), when(limit))


@case
async def the_time_runs_from_the_call_not_from_the_block():
    limit = asyncio.timeout(2)
    await asyncio.sleep(1)
    try:
        async with limit:
            await patient("body", 10)
    except TimeoutError:
        say(now(), "TimeoutError")


@case
async def timeout_at_takes_the_clock():
    limit = asyncio.timeout_at(3)
    await asyncio.sleep(1)
    try:
        async with limit:
            await patient("body", 10)
    except TimeoutError:
        say(now(), "TimeoutError", when(limit))


@case
async def an_exception_of_the_block_comes_through():
    limit = asyncio.timeout(2)
    try:
        async with limit:
            await asyncio.sleep(1)
            raise ValueError("body")
    except ValueError as error:
        say(now(), name(error))
    say(limit.expired())


@case
async def an_exception_in_answer_to_the_timeout_comes_through():
    limit = asyncio.timeout(1)
    try:
        async with limit:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                raise ValueError("clean-up")
    except ValueError as error:
        say(now(), name(error))
    say(limit.expired(), asyncio.current_task().cancelling())


@case
async def a_block_that_swallows_the_cancellation_raises_nothing():
    limit = asyncio.timeout(1)
    async with limit:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            say(now(), "swallowed")
    say(limit.expired(), asyncio.current_task().cancelling())
    await asyncio.sleep(1)
    say(now(), "end")


@case
async def it_waits_for_the_clean_up():
    try:
        async with asyncio.timeout(1):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                await asyncio.sleep(2)
                say(now(), "clean")
                raise
    except TimeoutError:
        say(now(), "TimeoutError")


@case
@since(3, 11, 3)
async def a_timeout_in_the_clean_up_has_its_own_time():
    async def clean_up():
        try:
            async with asyncio.timeout(1):
                await patient("clean-up", 10)
        except TimeoutError:
            say(now(), "clean-up TimeoutError")

    try:
        async with asyncio.timeout(1):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                await clean_up()
                raise
    except TimeoutError:
        say(now(), "TimeoutError")


@case
async def nested_the_inner_is_first():
    outer = asyncio.timeout(3)
    inner = asyncio.timeout(1)
    async with outer:
        try:
            async with inner:
                await patient("inner", 10)
        except TimeoutError:
            say(now(), "inner TimeoutError")
        await patient("outer", 1)
    say(now(), outer.expired(), inner.expired())


@case
async def nested_the_outer_is_first():
    outer = asyncio.timeout(1)
    inner = asyncio.timeout(3)
    try:
        async with outer:
            try:
                async with inner:
                    await patient("inner", 10)
            except TimeoutError:
                say("not reached")
            except asyncio.CancelledError:
                say(now(), "the inner block does not raise TimeoutError")
                raise
    except TimeoutError:
        say(now(), "outer TimeoutError")
    say(outer.expired(), inner.expired())


@case
async def nested_both_at_once_only_the_outer_raises():
    outer = asyncio.timeout(1)
    inner = asyncio.timeout(1)
    try:
        async with outer:
            try:
                async with inner:
                    await patient("inner", 10)
            except TimeoutError:
                say("not reached")
            except asyncio.CancelledError:
                say(now(), asyncio.current_task().cancelling())
                raise
    except TimeoutError:
        say(now(), "outer TimeoutError")
    say(outer.expired(), inner.expired())
    say(asyncio.current_task().cancelling())


@case
async def rescheduled_to_later():
    limit = asyncio.timeout(2)
    try:
        async with limit:
            await asyncio.sleep(1)
            limit.reschedule(4)
            say(now(), when(limit))
            await patient("body", 10)
    except TimeoutError:
        say(now(), "TimeoutError")


@case
async def rescheduled_to_earlier():
    limit = asyncio.timeout(10)
    try:
        async with limit:
            await asyncio.sleep(1)
            limit.reschedule(2)
            say(now(), when(limit))
            await patient("body", 20)
    except TimeoutError:
        say(now(), "TimeoutError")


@case
async def rescheduled_to_the_past_it_expires_at_the_next_await():
    limit = asyncio.timeout(10)
    try:
        async with limit:
            await asyncio.sleep(2)
            limit.reschedule(1)
            say(now(), when(limit), limit.expired())
            await patient("body", 20)
    except TimeoutError:
        say(now(), "TimeoutError")


@case
async def rescheduled_to_never():
    limit = asyncio.timeout(2)
    async with limit:
        await asyncio.sleep(1)
        limit.reschedule(None)
        await patient("body", 10)
    say(now(), when(limit), limit.expired())


@case
async def rescheduled_by_somebody_else():
    limit = asyncio.timeout(5)

    async def impatient():
        await asyncio.sleep(1)
        limit.reschedule(2)

    task = asyncio.create_task(impatient())
    try:
        async with limit:
            await patient("body", 10)
    except TimeoutError:
        say(now(), "TimeoutError")
    await task


@case
async def it_can_be_rescheduled_only_inside_the_block():
    limit = asyncio.timeout(1)
    try:
        limit.reschedule(2)
    except (RuntimeError, AssertionError):
        # An assertion before 3.11.7.
        say("not before")
    try:
        async with limit:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                pass
            try:
                limit.reschedule(3)
            except RuntimeError:
                say("not when it has expired")
    except TimeoutError:
        say("not reached")
    try:
        limit.reschedule(4)
    except RuntimeError:
        say("not after")
    say(now(), when(limit))


@case
@since(3, 11, 7)
async def it_is_good_for_one_block():
    limit = asyncio.timeout(5)
    async with limit:
        await patient("body", 1)
    try:
        async with limit:
            await patient("not reached", 1)
    except RuntimeError:
        say(now(), "not again")


@case
async def cancelled_from_outside_it_is_no_timeout():
    limit = asyncio.timeout(5)

    async def limited():
        async with limit:
            await patient("body", 10)

    task = asyncio.create_task(limited())
    await asyncio.sleep(1)
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as error:
        say(now(), name(error))
    say(task.cancelled(), limit.expired())


@case
async def cancelled_from_outside_during_the_clean_up():
    limit = asyncio.timeout(1)

    async def limited():
        async with limit:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                await patient("clean-up", 10)
                raise

    task = asyncio.create_task(limited())
    await asyncio.sleep(2)
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as error:
        say(now(), name(error))
    say(task.cancelled(), limit.expired(), task.cancelling())


@case
async def cancelled_from_outside_just_before_the_timeout():
    limit = asyncio.timeout(1)

    async def limited():
        async with limit:
            await patient("body", 10)

    task = asyncio.create_task(limited())
    asyncio.get_running_loop().call_later(1, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        say(now(), "CancelledError")
    say(task.cancelled(), limit.expired(), task.cancelling())


@case
@since(3, 11, 3)
async def after_a_swallowed_cancellation_it_still_works():
    async def limited():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            say(now(), "swallowed", asyncio.current_task().cancelling())
        try:
            async with asyncio.timeout(1):
                await patient("body", 10)
        except TimeoutError:
            say(now(), "TimeoutError", asyncio.current_task().cancelling())

    task = asyncio.create_task(limited())
    await asyncio.sleep(1)
    task.cancel()
    await task
    say(now(), task.cancelled())


@case
async def a_result_in_the_same_round_as_the_timeout_is_lost():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(1, future.set_result, 42)
    try:
        async with asyncio.timeout(1):
            result = await future
            say("not reached", result)
    except TimeoutError:
        say(now(), "TimeoutError", future.done())


@case
async def the_awaited_task_is_cancelled_with_the_block():
    task = asyncio.create_task(patient("task", 10))
    try:
        async with asyncio.timeout(1):
            await task
    except TimeoutError:
        say(now(), "TimeoutError", task.cancelled())


@case
async def a_task_that_is_not_awaited_goes_on():
    task = asyncio.create_task(patient("task", 3))
    try:
        async with asyncio.timeout(1):
            await patient("body", 10)
    except TimeoutError:
        say(now(), "TimeoutError", task.done())
    await task


@case
async def a_timeout_error_of_the_block_is_not_its_own():
    limit = asyncio.timeout(5)
    try:
        async with limit:
            await asyncio.wait_for(patient("body", 10), 1)
    except TimeoutError:
        say(now(), "TimeoutError", limit.expired())


if __name__ == "__main__":
    main()
