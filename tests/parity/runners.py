"""Runners: a loop's life, from the first coroutine to its closing."""

import asyncio
import gc
import signal

from parity import Loop, case, main, name, now, raises, say

# Whoever started this process may have it ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


async def value_of(value):
    await asyncio.sleep(1)
    return value


async def fail(text):
    await asyncio.sleep(1)
    raise ValueError(text)


async def nothing():
    pass


async def tick(who, times):
    for i in range(times):
        say(now(), who, i)
        await asyncio.sleep(1)
    say(now(), who, "ends")


async def waits(who, cleanup):
    """Waits for ever, and takes its time to clean up."""
    say(who, "waits")
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        say(now(), who, "is cancelled")
        await asyncio.sleep(cleanup)
        say(now(), who, "has cleaned up")
        raise


async def start(*coroutines):
    """Starts them, and gives them time to begin."""
    for coroutine in coroutines:
        asyncio.create_task(coroutine)
    await asyncio.sleep(1)
    say("main ends")


# ---- run -----------------------------------------------------------------


@case
def run_gives_the_result_of_main():
    with asyncio.Runner(loop_factory=Loop) as runner:
        say(runner.run(value_of(42)))


@case
def run_raises_what_main_raised():
    with asyncio.Runner(loop_factory=Loop) as runner:
        try:
            runner.run(fail("boom"))
        except ValueError as error:
            say("raised", name(error))
        say("and again", runner.run(value_of(42)))


async def cancels_itself():
    asyncio.current_task().cancel("enough")
    await asyncio.sleep(1)
    say("never said")


@case
def run_raises_when_main_was_cancelled():
    with asyncio.Runner(loop_factory=Loop) as runner:
        try:
            runner.run(cancels_itself())
        except asyncio.CancelledError as error:
            say("raised", name(error))


async def same_loop(loop):
    return asyncio.get_running_loop() is loop


async def cancels(task):
    await asyncio.sleep(1)
    task.cancel("from outside")


async def is_cancelled_by_another():
    asyncio.create_task(cancels(asyncio.current_task()))
    await asyncio.sleep(1000)


@case
def run_raises_when_another_cancelled_main():
    with asyncio.Runner(loop_factory=Loop) as runner:
        try:
            runner.run(is_cancelled_by_another())
        except asyncio.CancelledError as error:
            say("raised", name(error))
        say("and again", runner.run(value_of(42)))


async def stops():
    asyncio.get_running_loop().stop()
    try:
        await asyncio.sleep(1000)
    finally:
        say("main cleans up")


@case
def run_raises_when_somebody_stopped_the_loop():
    runner = asyncio.Runner(loop_factory=Loop)
    say("raises", raises(lambda: runner.run(stops())))
    say("closing")
    runner.close()
    say("closed")


@case
def several_runs_share_the_loop_and_its_clock():
    with asyncio.Runner(loop_factory=Loop) as runner:
        loop = runner.get_loop()
        say("running", loop.is_running())
        say("the same", runner.run(same_loop(loop)))
        runner.run(tick("first", 2))
        runner.run(tick("second", 2))


async def starts(who):
    asyncio.create_task(tick(who, 4))
    await asyncio.sleep(1.5)
    say(now(), "main ends")


async def lasts(delay):
    say(now(), "main begins")
    await asyncio.sleep(delay)
    say(now(), "main ends")


@case
def a_task_goes_on_in_the_next_run():
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(starts("task"))
        say("between the runs")
        runner.run(lasts(3))


async def names_itself():
    return asyncio.current_task().get_name()


@case
def main_is_a_task_like_any_other():
    with asyncio.Runner(loop_factory=Loop) as runner:
        first = int(runner.run(names_itself())[5:])
        second = int(runner.run(names_itself())[5:])
        say("the next number is", second - first, "more")


async def runs_inside():
    coroutine = nothing()
    say("run raises", raises(lambda: asyncio.run(coroutine)))
    coroutine.close()
    loop = asyncio.get_running_loop()
    future = asyncio.Future()
    say(
        "run_until_complete raises",
        raises(lambda: loop.run_until_complete(future)),
    )
    await asyncio.sleep(1)
    say(now(), "main goes on")


@case
def run_inside_of_run_is_an_error():
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(runs_inside())


async def runs_another_loop(other):
    coroutine = nothing()
    say("raises", raises(lambda: other.run_until_complete(coroutine)))
    coroutine.close()


@case
def nor_can_another_loop_run_inside():
    other = Loop()
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(runs_another_loop(other))
    say("later", other.run_until_complete(value_of(42)))
    other.close()


@case
def a_closed_runner_runs_no_more():
    runner = asyncio.Runner(loop_factory=Loop)
    say(runner.run(value_of(42)))
    runner.close()
    runner.close()
    coroutine = value_of(43)
    say("raises", raises(lambda: runner.run(coroutine)))
    coroutine.close()


async def left_over():
    try:
        await asyncio.sleep(1000)
    finally:
        say("cleaned up")


async def leaves_one_behind():
    asyncio.create_task(left_over())
    await asyncio.sleep(0)
    return 42


@case
def run_by_itself_cleans_up_before_it_returns():
    # Its loop has a real clock.
    say("returned", asyncio.run(leaves_one_behind()))


# ---- What is left over ---------------------------------------------------


@case
def left_over_tasks_are_cancelled_and_awaited():
    runner = asyncio.Runner(loop_factory=Loop)
    runner.run(start(waits("task", 5)))
    say("closing")
    runner.close()
    say("closed")


async def cleans_up(who, delay):
    try:
        await asyncio.sleep(1000)
    finally:
        await asyncio.sleep(delay)
        say(now(), who, "has cleaned up")


@case
def left_over_tasks_clean_up_at_the_same_time():
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(start(cleans_up("slow", 3), cleans_up("quick", 1)))


@case
def they_are_cleaned_up_when_main_has_failed():
    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(start(waits("task", 1)))
            runner.run(fail("boom"))
            say("never said")
    except ValueError as error:
        say("raised", name(error))


async def fails_to_clean_up(text):
    try:
        await asyncio.sleep(1000)
    finally:
        raise ValueError(text)


@case
def an_error_in_their_cleanup_is_reported():
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(start(fails_to_clean_up("boom"), cleans_up("task", 1)))
    say("closed")


async def never_minds(who):
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        say(who, "does not mind")
    await asyncio.sleep(5)
    say(now(), who, "ends")


@case
def one_that_does_not_mind_is_awaited_to_its_end():
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(start(never_minds("task")))
    say("closed")


async def joins(task):
    try:
        await task
    finally:
        say("the awaiter cleans up")


async def leaves_two_behind():
    task = asyncio.create_task(cleans_up("the awaited", 1))
    asyncio.create_task(joins(task))
    await asyncio.sleep(1)


@case
def one_that_awaits_another_left_over():
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(leaves_two_behind())
    say("closed")


async def starts_a_task_to_clean_up(who):
    try:
        await asyncio.sleep(1000)
    finally:
        task = asyncio.create_task(value_of(42))
        value = await task
        say(now(), who, "has cleaned up with", value)


@case
def a_cleanup_may_start_a_task_and_await_it():
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(start(starts_a_task_to_clean_up("task")))
    say("closed")


async def starts_another(left):
    say("left", left)
    if left > 0:
        asyncio.create_task(starts_another(left - 1))


async def leaves_a_chain_behind():
    asyncio.create_task(starts_another(3))
    await asyncio.sleep(0)
    say("main ends")


@case
def one_that_has_not_begun_never_does():
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(leaves_a_chain_behind())
    say("closed")


# ---- run_until_complete --------------------------------------------------


@case
def until_a_coroutine_is_complete():
    loop = Loop()
    say(loop.run_until_complete(value_of(42)))
    try:
        loop.run_until_complete(fail("boom"))
    except ValueError as error:
        say("raised", name(error))
    loop.close()


@case
def until_a_task_is_complete():
    loop = Loop()
    task = loop.create_task(value_of(42))
    say("done", task.done())
    say(loop.run_until_complete(task))
    say("done", task.done())
    say("again", loop.run_until_complete(task))
    loop.close()


@case
def the_others_stay_where_they_are():
    loop = Loop()
    other = loop.create_task(tick("other", 3))
    loop.run_until_complete(lasts(1.5))
    say("done", other.done())
    loop.run_until_complete(other)
    say("done", other.done())
    loop.close()


async def count(who, rounds):
    for i in range(rounds):
        say(who, i)
        await asyncio.sleep(0)
    say(who, "ends")


@case
def the_others_have_a_round_more():
    loop = Loop()
    other = loop.create_task(count("other", 8))
    loop.run_until_complete(count("main", 2))
    say("between the runs")
    loop.run_until_complete(count("main", 2))
    say("between the runs")
    loop.run_until_complete(other)
    loop.close()


@case
def stopped_before_it_was_complete():
    loop = Loop()
    task = loop.create_task(value_of(42))
    loop.call_soon(lambda: loop.stop())
    say("raises", raises(lambda: loop.run_until_complete(task)))
    say("done", task.done())
    say(loop.run_until_complete(task))
    loop.close()


# ---- Closing -------------------------------------------------------------


@case
def closing_drops_a_task_that_never_began():
    loop = Loop()
    loop.create_task(tick("task", 10))
    say("closing")
    loop.close()
    say("closed")


@case
def closing_drops_a_task_that_sleeps():
    loop = Loop()
    loop.create_task(tick("task", 10))
    loop.run_until_complete(lasts(0.5))
    say("closing")
    loop.close()
    # C++ has nothing to collect: it is gone by now.
    gc.collect()
    say("closed")


@case
def what_was_to_complete_is_dropped_in_silence():
    # The error has said it already.
    loop = Loop()
    loop.call_soon(lambda: loop.stop())
    say("raises", raises(lambda: loop.run_until_complete(lasts(1000))))
    loop.close()
    gc.collect()
    say("closed")


@case
def closing_drops_callbacks_in_silence():
    loop = Loop()
    loop.call_soon(lambda: say("never said"))
    loop.call_later(1, lambda: say("never said"))
    loop.close()
    say("closed", loop.is_closed())
    loop.close()
    say("closed", loop.is_closed())


@case
def a_closed_loop_runs_no_more():
    loop = Loop()
    future = loop.create_future()
    loop.close()
    say("run_forever raises", raises(lambda: loop.run_forever()))
    say(
        "run_until_complete raises",
        raises(lambda: loop.run_until_complete(future)),
    )


@case
async def a_running_loop_cannot_be_closed():
    loop = asyncio.get_running_loop()
    say("raises", raises(lambda: loop.close()))
    say("closed", loop.is_closed())
    await asyncio.sleep(1)
    say(now(), "main goes on")


# ---- Ctrl-C --------------------------------------------------------------


async def interrupted():
    say("Ctrl-C")
    signal.raise_signal(signal.SIGINT)
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        say(now(), "main is cancelled")
        await asyncio.sleep(2)
        say(now(), "main has cleaned up")
        raise


@case
def ctrl_c_cancels_main():
    with asyncio.Runner(loop_factory=Loop) as runner:
        try:
            runner.run(interrupted())
        except KeyboardInterrupt:
            say("KeyboardInterrupt")
        say("and again", runner.run(value_of(42)))


async def stubborn():
    signal.raise_signal(signal.SIGINT)
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        say("main does not mind")
    await asyncio.sleep(2)
    return 42


@case
def ctrl_c_may_be_swallowed():
    with asyncio.Runner(loop_factory=Loop) as runner:
        say("returned", runner.run(stubborn()))


async def fails_when_interrupted():
    signal.raise_signal(signal.SIGINT)
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        raise ValueError("instead")


@case
def ctrl_c_may_be_replaced():
    with asyncio.Runner(loop_factory=Loop) as runner:
        try:
            runner.run(fails_when_interrupted())
        except ValueError as error:
            say("raised", name(error))


async def interrupt_later():
    await asyncio.sleep(1)
    say(now(), "Ctrl-C")
    signal.raise_signal(signal.SIGINT)


async def awaits_a_task():
    asyncio.create_task(interrupt_later())
    asyncio.create_task(waits("left over", 1))
    task = asyncio.create_task(waits("awaited", 2))
    try:
        await task
    finally:
        say(now(), "main cleans up")


@case
def ctrl_c_goes_through_main_first():
    with asyncio.Runner(loop_factory=Loop) as runner:
        try:
            runner.run(awaits_a_task())
        except KeyboardInterrupt:
            say("KeyboardInterrupt")
    say("closed")


def again(loop, times):
    say("called", times)
    loop.call_soon(again, loop, times + 1)


async def leaves_callbacks(task):
    loop = asyncio.get_running_loop()
    loop.call_soon(again, loop, 1)
    if task:
        asyncio.create_task(asyncio.sleep(1000))
        await asyncio.sleep(0)
    say("main ends")


@case
def what_is_due_is_called_while_the_runner_closes():
    for task in (False, True):
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(leaves_callbacks(task))


@case
def the_loop_is_made_when_it_is_needed():
    def factory():
        say("made")
        return Loop()

    runner = asyncio.Runner(loop_factory=factory)
    say("not yet")
    runner.close()
    runner.run(asyncio.sleep(0))
    runner.run(asyncio.sleep(0))
    runner.close()
    runner.close()
    say(raises(runner.get_loop))


async def closes_its_own(runner):
    asyncio.create_task(waits("left", 2))
    await asyncio.sleep(0)
    say(raises(runner.close))
    await asyncio.sleep(0)


@case
def a_runner_is_not_closed_while_it_runs():
    with asyncio.Runner(loop_factory=Loop) as runner:
        try:
            runner.run(closes_its_own(runner))
        except asyncio.CancelledError:
            say("main was cancelled")
    say("closed")


async def breaks_at_once():
    raise ValueError("lost")


@case
def another_error_leaves_a_task_to_be_asked():
    loop = Loop()

    def interrupt():
        raise KeyboardInterrupt

    task = loop.create_task(breaks_at_once())
    loop.call_soon(interrupt)
    try:
        loop.run_until_complete(task)
    except KeyboardInterrupt:
        say("KeyboardInterrupt", task.done())
    del task
    loop.close()
    gc.collect()
    say("closed")


if __name__ == "__main__":
    main()
