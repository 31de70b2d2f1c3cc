"""gather(): many awaitables, one future of all their results."""

import asyncio
import gc

from parity import Loop, case, differs, main, name, now, say


async def work(label, delay, result):
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError as error:
        say(now(), label, name(error))
        raise
    say(now(), label, "done")
    return result


async def fail(label, delay):
    await asyncio.sleep(delay)
    say(now(), label, "fails")
    raise ValueError(label)


async def stubborn(label, delay, result):
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(now(), label, "does not mind")
    return result


@case
async def results_come_in_the_order_of_the_arguments():
    slow, quick = await asyncio.gather(work("slow", 2, 1), work("quick", 1, 2))
    say(now(), slow, quick)


@case
async def everything_runs_at_the_same_time():
    awaitables = [work(f"w{i}", 1 + i, i * i) for i in range(5)]
    results = await asyncio.gather(*awaitables)
    for result in results:
        say(now(), result)


@case
async def the_children_are_scheduled_before_anybody_awaits():
    outer = asyncio.gather(work("a", 1, 1), work("b", 2, 2))
    say("nothing has run", outer.done())
    await asyncio.sleep(3)
    say(now(), "all is done", outer.done())
    a, b = await outer
    say(now(), a, b)


@case
async def the_children_start_in_the_order_of_the_arguments():
    async def child(label):
        say(label, "starts")
        return label

    awaitables = [child("a"), child("b"), child("c")]
    first = await asyncio.gather(*awaitables)
    say(first[0], first[1], first[2])
    d, e, f = await asyncio.gather(child("d"), child("e"), child("f"))
    say(d, e, f)


@case
async def a_child_without_a_result_gives_none():
    async def child():
        await asyncio.sleep(1)

    nothing, something = await asyncio.gather(child(), work("a", 2, 42))
    say(nothing is None, something)


@case
async def futures_tasks_and_coroutines_mix():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    task = asyncio.create_task(work("task", 1, 2))
    loop.call_later(3, future.set_result, 1)
    a, b, c = await asyncio.gather(future, task, work("coroutine", 2, 3))
    say(now(), a, b, c)


@case
async def nothing_to_gather_is_done_at_once():
    outer = asyncio.gather()
    say(outer.done(), len(outer.result()))
    results = await outer
    say(now(), len(results))


@case
async def the_same_task_twice_is_one_child():
    task = asyncio.create_task(work("task", 1, 42))
    first, second = await asyncio.gather(task, task)
    say(now(), first, second)


@case
async def the_outer_future_is_done_a_round_after_its_last_child():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    outer = asyncio.gather(future)
    future.set_result(42)
    say(future.done(), outer.done())
    await asyncio.sleep(0)
    say(future.done(), outer.done())
    (result,) = await outer
    say(result)


@case
async def the_first_exception_arrives_and_the_others_go_on():
    try:
        await asyncio.gather(work("a", 2, 1), fail("b", 1))
    except ValueError as error:
        say(now(), name(error))
    await asyncio.sleep(2)
    say(now(), "end")


@case
async def a_second_exception_is_not_reported():
    try:
        await asyncio.gather(fail("a", 1), fail("b", 2))
    except ValueError as error:
        say(now(), name(error))
    await asyncio.sleep(2)
    say(now(), "nobody complains")


@case
async def only_the_exception_that_arrived_can_be_reported():
    async def parent():
        await asyncio.gather(fail("a", 1), fail("b", 2))

    asyncio.create_task(parent())
    await asyncio.sleep(3)
    say(now(), "end")


@case
@differs
async def a_forgotten_gather_reports_its_one_exception():
    asyncio.gather(fail("a", 1), fail("b", 2))
    await asyncio.sleep(3)
    say(now(), "end")


@case
async def return_exceptions_gives_them_as_results():
    a, b, c = await asyncio.gather(
        fail("a", 2), work("b", 1, 2), fail("c", 3), return_exceptions=True
    )
    say(now(), name(a))
    say(now(), b)
    say(now(), name(c))


@case
async def a_cancelled_child_is_an_exception_not_a_cancellation():
    child = asyncio.create_task(work("child", 2, 1))
    outer = asyncio.gather(child, work("sibling", 3, 2))
    await asyncio.sleep(1)
    child.cancel("enough")
    try:
        await outer
    except asyncio.CancelledError as error:
        say(now(), name(error))
    say(outer.done(), outer.cancelled(), name(outer.exception()))
    await asyncio.sleep(3)
    say(now(), "end")


@case
@differs
async def return_exceptions_holds_a_cancelled_child_too():
    child = asyncio.create_task(work("child", 2, 1))
    asyncio.get_running_loop().call_later(1, child.cancel, "enough")
    a, b = await asyncio.gather(
        child, work("sibling", 3, 2), return_exceptions=True
    )
    say(now(), name(a))
    say(now(), b)


@case
async def cancelling_the_future_cancels_every_child():
    a = asyncio.create_task(work("a", 5, 1))
    b = asyncio.create_task(work("b", 5, 2))
    outer = asyncio.gather(a, b)
    await asyncio.sleep(1)
    say(now(), outer.cancel("stop"), outer.done())
    try:
        await outer
    except asyncio.CancelledError as error:
        say(now(), name(error))
    say(a.cancelled(), b.cancelled(), outer.cancelled())


@case
async def cancelling_whoever_awaits_cancels_every_child():
    async def parent():
        try:
            await asyncio.gather(work("a", 5, 1), work("b", 5, 2))
        except asyncio.CancelledError as error:
            say(now(), "parent", name(error))
            raise

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel("stop")
    try:
        await task
    except asyncio.CancelledError as error:
        say(now(), "main", name(error))
    say(task.cancelled())


@case
async def cancelled_with_return_exceptions_it_raises_all_the_same():
    outer = asyncio.gather(
        work("a", 1, 1), work("b", 5, 2), return_exceptions=True
    )
    await asyncio.sleep(2)
    outer.cancel("stop")
    try:
        await outer
        say("not reached")
    except asyncio.CancelledError as error:
        say(now(), name(error))


@case
async def a_cancelled_future_raises_even_if_the_children_do_not_mind():
    outer = asyncio.gather(stubborn("a", 5, 1), stubborn("b", 5, 2))
    await asyncio.sleep(1)
    say(outer.cancel())
    try:
        await outer
        say("not reached")
    except asyncio.CancelledError:
        say(now(), "CancelledError", outer.cancelled())


@case
async def cancelling_between_the_last_child_and_the_future_is_too_late():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    outer = asyncio.gather(future)
    future.set_result(42)
    say(outer.done(), outer.cancel())
    (result,) = await outer
    say(result, outer.cancelled())


@case
async def cancelling_after_an_exception_spares_the_others():
    outer = asyncio.gather(fail("a", 1), work("b", 3, 2))
    try:
        await outer
    except ValueError as error:
        say(now(), name(error))
    say(outer.cancel())
    await asyncio.sleep(3)
    say(now(), "end")


@case
async def a_gather_of_gathers_cancels_all_the_way_down():
    inner = asyncio.gather(work("a", 5, 1), work("b", 5, 2))
    outer = asyncio.gather(inner, work("c", 5, 3))
    await asyncio.sleep(1)
    outer.cancel("stop")
    try:
        await outer
    except asyncio.CancelledError as error:
        say(now(), name(error))
    say(inner.done(), inner.cancelled(), name(inner.exception()))

async def gathers(one, two):
    await asyncio.gather(one, two)


@case
def children_of_a_closed_loop_are_not_reported_one_by_one():
    loop = Loop()
    loop.create_task(gathers(asyncio.sleep(100), asyncio.sleep(200)))
    loop.call_later(1, loop.stop)
    loop.run_forever()
    loop.close()
    gc.collect()
    say("closed")


if __name__ == "__main__":
    main()
