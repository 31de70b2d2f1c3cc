"""Asynchronous generators: anext(), asend(), athrow(), aclose(), their end."""

import asyncio
import contextlib

from parity import case, differs, main, name, now, say

KEPT = []


async def count(limit, delay=1):
    for i in range(limit):
        await asyncio.sleep(delay)
        yield i


async def plain(limit):
    for i in range(limit):
        yield i


async def cleans(label="clean"):
    try:
        yield 1
        yield 2
    finally:
        say(now(), label, "begins")
        await asyncio.sleep(1)
        say(now(), label, "ends")


async def catches():
    caught = "nothing"
    while True:
        try:
            yield caught
        except ValueError as error:
            caught = name(error)
        await asyncio.sleep(1)


async def returns():
    try:
        yield 1
    except GeneratorExit:
        say("returns")


async def fails():
    try:
        yield 1
    finally:
        raise ValueError("boom")


async def refuses():
    try:
        yield 1
    except GeneratorExit:
        await asyncio.sleep(1)
    yield 2


async def echoes():
    received = None
    while True:
        received = yield received or 0
        say(now(), "received", received)
        await asyncio.sleep(1)


async def outcome(label, awaitable):
    try:
        result = await awaitable
        say(now(), label, "nothing" if result is None else result)
    except StopAsyncIteration:
        say(now(), label, "nothing")
    except (Exception, GeneratorExit, asyncio.CancelledError) as error:
        say(now(), label, name(error))


async def half(generator):
    await generator.__anext__()


@case
async def values_come_in_order():
    async for i in count(3):
        say(now(), i)


@case
async def an_empty_one():
    async for i in count(0):
        say(now(), i)
    say("over")


@case
async def nothing_runs_before_the_first():
    generator = cleans()
    say("made")
    await outcome("first", generator.__anext__())
    await generator.aclose()


@case
async def after_the_end_there_is_nothing():
    generator = plain(1)
    for i in range(3):
        await outcome(i, generator.__anext__())


@case
async def an_exception_comes_once():
    async def body():
        yield 1
        await asyncio.sleep(1)
        raise ValueError("boom")

    generator = body()
    for i in range(4):
        await outcome(i, generator.__anext__())


@case
async def no_round_passes_between_values():
    asyncio.get_running_loop().call_soon(say, "the next round")
    async for i in plain(3):
        say(i)
    await asyncio.sleep(0)


@case
async def two_consumers_take_turns():
    async def consume(label):
        async for i in count(3, 0):
            say(label, i)

    await asyncio.gather(consume("a"), consume("b"))


@case
async def what_is_sent_is_received():
    generator = echoes()
    await outcome("anext", generator.__anext__())
    await outcome("asend", generator.asend(5))
    await outcome("asend", generator.asend(6))
    await generator.aclose()


@case
async def not_to_one_that_has_just_begun():
    generator = echoes()
    try:
        await generator.asend(5)
    except TypeError:
        say("refused")
    await outcome("anext", generator.__anext__())
    await generator.aclose()


@case
async def asend_after_the_end():
    generator = echoes()
    await half(generator)
    await generator.aclose()
    await outcome("asend", generator.asend(5))


@case
async def what_is_thrown_in_is_caught():
    generator = catches()
    await half(generator)
    await outcome("athrow", generator.athrow(ValueError("one")))
    await outcome("athrow", generator.athrow(ValueError("two")))
    await outcome("anext", generator.__anext__())
    await generator.aclose()


@case
async def what_is_thrown_in_is_not_caught():
    generator = catches()
    await half(generator)
    await outcome("athrow", generator.athrow(RuntimeError("one")))
    await outcome("anext", generator.__anext__())
    await outcome("athrow", generator.athrow(ValueError("two")))
    await outcome("aclose", generator.aclose())


@case
async def thrown_in_before_it_begins():
    generator = catches()
    await outcome("athrow", generator.athrow(ValueError("one")))
    await outcome("anext", generator.__anext__())


@case
async def thrown_in_after_the_end():
    generator = plain(0)
    await outcome("anext", generator.__anext__())
    await outcome("athrow", generator.athrow(ValueError("one")))


@case
async def generator_exit_thrown_in():
    generator = cleans()
    await half(generator)
    await outcome("athrow", generator.athrow(GeneratorExit()))
    await outcome("anext", generator.__anext__())


@case
async def a_cleanup_awaits_as_an_exception_comes():
    generator = cleans()
    await half(generator)
    await outcome("athrow", generator.athrow(ValueError("boom")))


@case
async def aclose_waits_for_the_cleanup():
    generator = cleans()
    await half(generator)
    await outcome("aclose", generator.aclose())
    await outcome("anext", generator.__anext__())


@case
async def aclose_before_it_begins():
    generator = cleans()
    await outcome("aclose", generator.aclose())
    await outcome("anext", generator.__anext__())


@case
async def aclose_twice():
    generator = cleans()
    await half(generator)
    await outcome("aclose", generator.aclose())
    await outcome("aclose", generator.aclose())


@case
async def aclose_after_the_end():
    generator = plain(0)
    await outcome("anext", generator.__anext__())
    await outcome("aclose", generator.aclose())


@case
async def aclose_after_an_exception():
    generator = catches()
    await half(generator)
    await outcome("athrow", generator.athrow(RuntimeError("one")))
    await outcome("aclose", generator.aclose())


@case
async def aclose_and_the_body_returns():
    generator = returns()
    await half(generator)
    await outcome("aclose", generator.aclose())


@case
async def aclose_and_the_body_fails():
    generator = fails()
    await half(generator)
    await outcome("aclose", generator.aclose())
    await outcome("anext", generator.__anext__())


@case
async def aclose_and_the_body_yields():
    generator = refuses()
    await half(generator)
    await outcome("aclose", generator.aclose())
    await outcome("anext", generator.__anext__())


@case
async def aclose_is_cancelled():
    generator = cleans()
    await half(generator)
    task = asyncio.create_task(outcome("aclose", generator.aclose()))
    await asyncio.sleep(0.5)
    task.cancel()
    await task


@case
async def only_one_at_a_time():
    generator = count(2)
    task = asyncio.create_task(outcome("first", generator.__anext__()))
    await asyncio.sleep(0.5)
    await outcome("anext", generator.__anext__())
    await outcome("asend", generator.asend(None))
    await outcome("athrow", generator.athrow(ValueError("one")))
    await outcome("aclose", generator.aclose())
    await task
    await outcome("again", generator.__anext__())


@case
async def not_while_it_closes():
    generator = cleans()
    await half(generator)
    task = asyncio.create_task(outcome("first", generator.aclose()))
    await asyncio.sleep(0.5)
    await outcome("anext", generator.__anext__())
    await outcome("aclose", generator.aclose())
    await task
    await outcome("again", generator.__anext__())


@case
async def a_body_that_asks_itself():
    async def body():
        await outcome("inside", KEPT[0].__anext__())
        yield 1

    KEPT.append(body())
    await outcome("outside", KEPT[0].__anext__())
    KEPT.clear()


@case
async def two_at_once():
    generator = count(2)
    results = await asyncio.gather(
        outcome("one", generator.__anext__()),
        outcome("two", generator.__anext__()),
    )
    say(len(results))


@case
async def two_generators_at_once():
    one = count(2, 2)
    two = count(2, 1)
    await asyncio.gather(
        outcome("one", one.__anext__()), outcome("two", two.__anext__())
    )


@case
async def two_consumers_of_one_in_turn():
    generator = count(4)

    async def consume(label, start):
        await asyncio.sleep(start)
        await outcome(label, generator.__anext__())
        await asyncio.sleep(1)
        await outcome(label, generator.__anext__())

    await asyncio.gather(consume("a", 0), consume("b", 1.25))


@case
async def cancelled_while_the_body_waits():
    async def body():
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError as error:
            say(now(), "body", name(error))
            raise
        yield 1

    generator = body()
    task = asyncio.create_task(outcome("anext", generator.__anext__()))
    await asyncio.sleep(1)
    task.cancel("enough")
    await task
    await outcome("anext", generator.__anext__())


@case
async def the_body_swallows_a_cancellation():
    async def body():
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            pass
        yield 1
        yield 2

    generator = body()
    task = asyncio.create_task(outcome("anext", generator.__anext__()))
    await asyncio.sleep(1)
    task.cancel()
    await task
    await outcome("anext", generator.__anext__())


@case
async def a_time_limit_for_one_value():
    generator = count(3, 2)
    await outcome("first", asyncio.wait_for(generator.__anext__(), 3))
    try:
        await asyncio.wait_for(generator.__anext__(), 1)
    except asyncio.TimeoutError:
        say(now(), "timed out")
    await outcome("third", generator.__anext__())


@case
async def a_time_limit_for_all_values():
    try:
        async with asyncio.timeout(2.5):
            async for i in count(5):
                say(now(), i)
    except asyncio.TimeoutError:
        say(now(), "timed out")


@case
async def a_time_limit_inside_the_body():
    async def body():
        for delay in (1, 5, 1):
            try:
                async with asyncio.timeout(2):
                    await asyncio.sleep(delay)
                result = "in time"
            except asyncio.TimeoutError:
                result = "too late"
            yield result

    async for word in body():
        say(now(), word)


@case
async def dropped_half_way():
    await half(cleans())
    say(now(), "dropped")
    await asyncio.sleep(3)


@case
async def dropped_before_it_begins():
    cleans()
    say(now(), len(asyncio.all_tasks()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    say(now(), len(asyncio.all_tasks()))


@case
async def dropped_and_closed_some_rounds_later():
    await half(returns())
    for i in range(4):
        say("round", i, len(asyncio.all_tasks()))
        await asyncio.sleep(0)


@case
async def dropped_and_fails():
    await half(fails())
    await asyncio.sleep(1)
    say("over")


@case
async def dropped_as_main_ends():
    await half(cleans())
    say(now(), "main ends")


@case
@differs
async def dropped_as_main_ends_and_fails():
    async def fails_after(value):
        try:
            yield value
        except BaseException as error:
            say(name(error))
        raise ValueError("boom")

    await half(fails_after(1))
    say("main ends")


@case
async def kept_until_the_end_of_run():
    KEPT.append(cleans("kept"))
    await half(KEPT[-1])
    say(now(), "main ends")


@case
async def kept_and_fails():
    KEPT.append(fails())
    await half(KEPT[-1])
    say(now(), "main ends")


@case
async def kept_by_a_task_that_is_cancelled():
    async def consume():
        generator = cleans("consumer's")
        await half(generator)
        try:
            await asyncio.sleep(100)
        finally:
            say(now(), "cancelled")

    asyncio.create_task(consume())
    await asyncio.sleep(1)
    say(now(), "main ends")


@case
async def shutdown_by_hand():
    one = cleans("one")
    await half(one)
    await asyncio.get_running_loop().shutdown_asyncgens()
    say(now(), "shut down")
    await outcome("anext", one.__anext__())


@case
async def break_leaves_it_half_way():
    generator = count(5)
    async for i in generator:
        say(i)
        if i == 1:
            break
    await outcome("anext", generator.__anext__())
    await generator.aclose()


@case
async def aclosing_a_loop_that_breaks():
    async with contextlib.aclosing(cleans()) as generator:
        async for i in generator:
            say(i)
            break
    say(now(), "over")


@case
async def aclosing_a_loop_that_fails():
    try:
        async with contextlib.aclosing(cleans()) as generator:
            async for i in generator:
                raise ValueError("boom")
    except ValueError as error:
        say(now(), name(error))


@case
async def aclosing_a_loop_that_is_cancelled():
    async def consume():
        async with contextlib.aclosing(cleans()) as generator:
            async for i in generator:
                await asyncio.sleep(5)

    task = asyncio.create_task(outcome("task", consume()))
    await asyncio.sleep(1)
    task.cancel()
    await task


async def stage(label, source):
    async with contextlib.aclosing(source):
        try:
            async for i in source:
                yield i
        finally:
            await asyncio.sleep(1)
            say(now(), label)


@case
async def a_pipeline_of_three():
    async for i in stage("third", stage("second", stage("first", count(3)))):
        say(now(), i)


@case
async def a_pipeline_that_is_closed():
    pipeline = stage("third", stage("second", stage("first", count(3))))
    await outcome("anext", pipeline.__anext__())
    await outcome("aclose", pipeline.aclose())


@case
async def a_pipeline_that_is_cancelled_as_it_waits():
    pipeline = stage("third", stage("second", stage("first", count(3))))
    task = asyncio.create_task(outcome("anext", pipeline.__anext__()))
    await asyncio.sleep(0.5)
    task.cancel()
    await task
    await outcome("anext", pipeline.__anext__())


@case
async def one_inside_of_another():
    async def nested(depth):
        if depth == 0:
            await asyncio.sleep(1)
            yield 0
            return
        async for i in nested(depth - 1):
            yield i + 1
        yield -depth

    async for i in nested(4):
        say(now(), i)


@case
async def as_a_task():
    generator = count(3)
    task = asyncio.ensure_future(generator.__anext__())
    say(now(), task.done())
    await asyncio.wait([task])
    say(now(), task.result())


@case
async def a_body_waits_for_a_future():
    future = asyncio.get_running_loop().create_future()

    async def body():
        yield 1
        yield await future

    asyncio.get_running_loop().call_later(2, future.set_result, 7)
    async for i in body():
        say(now(), i)


@case
async def a_body_starts_tasks():
    async def body():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.sleep(i, i)) for i in (2, 1)]
        for task in tasks:
            yield task.result()

    async for i in body():
        say(now(), i)


@case
async def which_task_the_body_runs_in():
    async def body():
        while True:
            yield asyncio.current_task().get_name()

    generator = body()

    async def consume():
        say(await generator.__anext__())

    for word in ("one", "two"):
        await asyncio.create_task(consume(), name=word)
    await generator.aclose()


if __name__ == "__main__":
    main()
