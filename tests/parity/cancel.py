"""Cancelling: an exception, thrown in where a task waits."""

import asyncio
import socket

from parity import case, differs, main, name, now, say


async def outcome(task):
    """Awaits the task, returns what came out in words."""
    try:
        await task
    except BaseException as error:
        return name(error)
    return "returned"


async def report(who, task):
    """Says what came out of the task, and how it stands then."""
    text = await outcome(task)
    say(who, text, "- done", task.done(), "cancelled", task.cancelled())


async def sleeper(who, delay):
    """Says how its sleep ended."""
    say(who, "sleeps")
    try:
        await asyncio.sleep(delay)
        say(now(), who, "slept")
    except asyncio.CancelledError as error:
        say(now(), who, name(error))
        raise


async def get(who, future):
    """Says what came of the future, or that it was not to be."""
    say(who, "awaits")
    try:
        value = await future
        say(who, "got", value)
    except asyncio.CancelledError as error:
        say(who, name(error))
        raise


async def join(who, task):
    """The same for a task."""
    say(who, "awaits")
    try:
        await task
        say(who, "goes on")
    except asyncio.CancelledError as error:
        say(who, name(error))
        raise


async def stubborn(who, times):
    """Swallows so many cancellations."""
    for _ in range(times):
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            say(who, "does not mind")
    await asyncio.sleep(10)
    say(now(), who, "ends")


# ---- Where it waits ------------------------------------------------------


@case
async def before_it_begins():
    task = asyncio.create_task(sleeper("task", 1))
    say("cancel", task.cancel())
    say("done", task.done(), "cancelled", task.cancelled())
    await report("task", task)


@case
async def at_a_future():
    future = asyncio.Future()
    task = asyncio.create_task(get("task", future))
    await asyncio.sleep(0)
    say("cancel", task.cancel())
    say("the future is cancelled", future.cancelled())
    say("done", task.done(), "cancelled", task.cancelled())
    await report("task", task)


@case
async def at_a_sleep():
    task = asyncio.create_task(sleeper("task", 10))
    await asyncio.sleep(1)
    say("cancel", task.cancel())
    await report("task", task)
    say(now(), "main goes on")


@case
async def at_a_sleep_of_zero():
    task = asyncio.create_task(sleeper("task", 0))
    await asyncio.sleep(0)
    say("cancel", task.cancel())
    await report("task", task)


@case
async def at_another_task():
    inner = asyncio.create_task(sleeper("inner", 10))
    outer = asyncio.create_task(join("outer", inner))
    await asyncio.sleep(1)
    say("cancel", outer.cancel())
    say("inner", inner.cancelled(), "outer", outer.cancelled())
    await asyncio.sleep(0)
    say("inner", inner.cancelled(), "outer", outer.cancelled())
    await asyncio.sleep(0)
    say("inner", inner.cancelled(), "outer", outer.cancelled())


async def nested(level):
    try:
        if level == 0:
            await asyncio.sleep(10)
        else:
            await nested(level - 1)
    finally:
        say("level", level, "cleans up")


@case
async def in_a_nested_coroutine():
    task = asyncio.create_task(nested(3))
    await asyncio.sleep(1)
    task.cancel()
    await report("task", task)


async def receive(who, end):
    loop = asyncio.get_running_loop()
    say(who, "receives")
    try:
        data = await loop.sock_recv(end, 100)
        say(who, "got", data.decode())
    except asyncio.CancelledError as error:
        say(who, name(error))
        raise


def pair():
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)
    return left, right


@case
async def at_sock_recv():
    left, right = pair()
    task = asyncio.create_task(receive("task", right))
    await asyncio.sleep(1)
    say("cancel", task.cancel())
    await report("task", task)
    # What comes now is somebody else's.
    other = asyncio.create_task(receive("other", right))
    await asyncio.sleep(1)
    left.send(b"hello")
    await report("other", other)
    left.close()
    right.close()


async def wait_readable(end):
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.add_reader(end, lambda: future.done() or future.set_result(None))
    try:
        await future
    finally:
        loop.remove_reader(end)


async def watch(who, end):
    say(who, "waits")
    try:
        await wait_readable(end)
        say(who, "can read")
    except asyncio.CancelledError as error:
        say(who, name(error))
        raise


@case
async def at_a_descriptor():
    left, right = pair()
    task = asyncio.create_task(watch("task", right))
    await asyncio.sleep(1)
    task.cancel()
    await report("task", task)
    say("still watched", asyncio.get_running_loop().remove_reader(right))
    left.close()
    right.close()


@case
async def at_a_descriptor_that_is_ready():
    left, right = pair()
    task = asyncio.create_task(watch("task", right))
    await asyncio.sleep(0)
    left.send(b"hello")
    task.cancel()
    await report("task", task)
    task = asyncio.create_task(watch("task", right))
    await report("task", task)
    left.close()
    right.close()


async def three_steps():
    for step in range(3):
        say("step", step)
        await asyncio.sleep(0)
    say("all steps")


@case
async def at_each_step():
    for rounds in range(6):
        task = asyncio.create_task(three_steps())
        for _ in range(rounds):
            await asyncio.sleep(0)
        say("after", rounds, "rounds: cancel", task.cancel())
        await report("task", task)


async def three_futures(futures):
    for future in futures:
        await get("task", future)


@case
async def at_each_of_three_futures():
    for done in range(4):
        futures = [asyncio.Future() for _ in range(3)]
        for i in range(done):
            futures[i].set_result(i)
        task = asyncio.create_task(three_futures(futures))
        await asyncio.sleep(0)
        say("with", done, "done: cancel", task.cancel())
        await report("task", task)
        for future in futures:
            say("future: done", future.done(), "cancelled", future.cancelled())


# ---- When ----------------------------------------------------------------


@case
async def when_it_is_done_it_is_too_late():
    task = asyncio.create_task(sleeper("task", 1))
    await task
    say("cancel", task.cancel())
    await report("task", task)


@case
async def when_it_was_cancelled_it_is_too_late():
    task = asyncio.create_task(sleeper("task", 1))
    await asyncio.sleep(0)
    task.cancel()
    await report("task", task)
    say("cancel", task.cancel("too late"))
    await report("task", task)


@case
async def twice_in_one_round_is_once():
    future = asyncio.Future()
    task = asyncio.create_task(get("task", future))
    await asyncio.sleep(0)
    say("cancel", task.cancel())
    say("cancel", task.cancel())
    await report("task", task)


@case
async def twice_in_one_round_and_swallowed_once():
    task = asyncio.create_task(stubborn("task", 1))
    await asyncio.sleep(0)
    say("cancel", task.cancel())
    say("cancel", task.cancel())
    await report("task", task)


async def cleans_up(who):
    try:
        await asyncio.sleep(10)
    finally:
        say(now(), who, "cleans up")
        try:
            await asyncio.sleep(2)
            say(now(), who, "has cleaned up")
        except asyncio.CancelledError as error:
            say(now(), who, "is interrupted:", name(error))
            raise


@case
async def while_it_cleans_up():
    task = asyncio.create_task(cleans_up("task"))
    await asyncio.sleep(1)
    task.cancel("first")
    await asyncio.sleep(1)
    say("done", task.done())
    task.cancel("second")
    await report("task", task)


@case
async def it_may_clean_up_in_peace():
    task = asyncio.create_task(cleans_up("task"))
    await asyncio.sleep(1)
    task.cancel("enough")
    await report("task", task)
    say(now(), "main goes on")


@case
async def between_the_result_and_the_waking():
    future = asyncio.Future()
    task = asyncio.create_task(get("task", future))
    await asyncio.sleep(0)
    future.set_result(42)
    say("cancel", task.cancel())
    say("the future is cancelled", future.cancelled())
    await report("task", task)


@case
async def between_an_exception_and_the_waking():
    future = asyncio.Future()
    task = asyncio.create_task(get("task", future))
    await asyncio.sleep(0)
    future.set_exception(ValueError("boom"))
    say("cancel", task.cancel())
    await report("task", task)
    say("the future:", name(future.exception()))


async def wake_up_and_end():
    await asyncio.sleep(0)
    say("inner ends")


@case
async def between_the_end_of_the_inner_task_and_the_waking():
    inner = asyncio.create_task(wake_up_and_end())
    outer = asyncio.create_task(join("outer", inner))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    say("inner is done", inner.done())
    say("cancel", outer.cancel())
    await report("outer", outer)
    await report("inner", inner)


@case
async def at_the_time_it_would_wake_but_sooner():
    loop = asyncio.get_running_loop()
    loop.call_later(1, lambda: say("cancel", task.cancel()))
    task = asyncio.create_task(sleeper("task", 1))
    await report("task", task)


@case
async def at_the_time_it_would_wake_but_later():
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(sleeper("task", 1))
    await asyncio.sleep(0)
    loop.call_later(1, lambda: say("cancel", task.cancel()))
    await report("task", task)


@case
async def in_a_callback_before_the_waking():
    future = asyncio.Future()
    task = asyncio.create_task(get("task", future))
    future.add_done_callback(lambda f: say("cancel", task.cancel()))
    await asyncio.sleep(0)
    future.set_result(42)
    await report("task", task)


@case
async def in_a_callback_after_the_waking():
    future = asyncio.Future()
    task = asyncio.create_task(get("task", future))
    await asyncio.sleep(0)
    future.add_done_callback(lambda f: say("cancel", task.cancel()))
    future.set_result(42)
    await report("task", task)


@case
async def in_its_own_done_callback():
    task = asyncio.create_task(sleeper("task", 1))
    task.add_done_callback(lambda f: say("cancel", f.cancel()))
    await report("task", task)


# ---- Of itself -----------------------------------------------------------


async def cancels_itself(rounds):
    say("cancel", asyncio.current_task().cancel())
    say("goes on")
    for _ in range(rounds):
        await asyncio.sleep(0)
        say("never said")
    return 42


@case
async def of_itself_at_its_next_await():
    task = asyncio.create_task(cancels_itself(1))
    await report("task", task)


@case
async def of_itself_without_another_await():
    task = asyncio.create_task(cancels_itself(0))
    await report("task", task)


async def cancels_itself_and_awaits(future):
    asyncio.current_task().cancel()
    await get("task", future)


@case
async def of_itself_and_then_a_future():
    future = asyncio.Future()
    task = asyncio.create_task(cancels_itself_and_awaits(future))
    await report("task", task)
    say("the future is cancelled", future.cancelled())
    # One that is done does not pause, so nothing is thrown in.
    future = asyncio.Future()
    future.set_result(42)
    task = asyncio.create_task(cancels_itself_and_awaits(future))
    await report("task", task)


async def cancels_itself_and_fails():
    asyncio.current_task().cancel()
    raise ValueError("boom")


@case
async def of_itself_and_then_an_exception():
    task = asyncio.create_task(cancels_itself_and_fails())
    await report("task", task)


# ---- What it does about it -----------------------------------------------


async def swallows():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        say("swallowed")
    return 42


@case
async def swallowed():
    task = asyncio.create_task(swallows())
    await asyncio.sleep(0)
    say("cancel", task.cancel())
    await report("task", task)
    say("result", task.result())


@case
async def swallowed_time_and_again():
    task = asyncio.create_task(stubborn("task", 2))
    await asyncio.sleep(0)
    for i in range(3):
        say(i, "cancel", task.cancel())
        await asyncio.sleep(1)
        say(now(), "done", task.done())
    await report("task", task)


@case
async def swallowed_and_then_it_sleeps_again():
    task = asyncio.create_task(stubborn("task", 1))
    await asyncio.sleep(5)
    task.cancel()
    await report("task", task)


async def replaces():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        raise ValueError("instead")


@case
async def replaced_by_another_exception():
    task = asyncio.create_task(replaces())
    await asyncio.sleep(0)
    say("cancel", task.cancel())
    await report("task", task)
    say("exception", name(task.exception()))


async def retries():
    """Lets what was interrupted run to its end."""
    task = asyncio.create_task(swallows())
    try:
        await task
    except asyncio.CancelledError:
        say("never said")
    say("retries", task.result())


@case
async def the_inner_task_swallows_it_for_the_outer():
    outer = asyncio.create_task(retries())
    await asyncio.sleep(1)
    say("cancel", outer.cancel())
    await report("outer", outer)


async def raises_by_hand():
    raise asyncio.CancelledError("by hand")


@case
async def raised_by_hand():
    task = asyncio.create_task(raises_by_hand())
    await report("task", task)
    say("cancel", task.cancel())


# ---- More than one task --------------------------------------------------


async def handles(task):
    try:
        await task
    except asyncio.CancelledError as error:
        say("outer caught", name(error))
    await asyncio.sleep(1)
    say("outer goes on")


@case
async def of_the_inner_task_alone():
    inner = asyncio.create_task(sleeper("inner", 10))
    outer = asyncio.create_task(handles(inner))
    await asyncio.sleep(1)
    inner.cancel("only you")
    await report("outer", outer)
    inner = asyncio.create_task(sleeper("inner", 10))
    outer = asyncio.create_task(join("outer", inner))
    await asyncio.sleep(1)
    inner.cancel("you first")
    await report("outer", outer)


@case
async def of_one_awaiter_takes_the_task_from_the_others():
    task = asyncio.create_task(sleeper("task", 10))
    first = asyncio.create_task(join("first", task))
    second = asyncio.create_task(join("second", task))
    await asyncio.sleep(1)
    first.cancel()
    await report("second", second)
    await report("first", first)
    await report("task", task)


@case
async def of_a_future_that_several_await():
    future = asyncio.Future()
    first = asyncio.create_task(get("first", future))
    second = asyncio.create_task(get("second", future))
    await asyncio.sleep(0)
    say("cancel", future.cancel("for all"))
    await report("first", first)
    await report("second", second)


async def cancels_in_its_cleanup(other):
    try:
        await asyncio.sleep(10)
    finally:
        say("cleaning up: cancel", other.cancel("from a cleanup"))


@case
async def in_the_cleanup_of_another():
    second = asyncio.create_task(sleeper("second", 10))
    first = asyncio.create_task(cancels_in_its_cleanup(second))
    await asyncio.sleep(1)
    first.cancel()
    await report("first", first)
    await report("second", second)


async def cancels(task):
    await asyncio.sleep(1)
    say("cancel", task.cancel("on top"))


@case
async def main_can_be_cancelled_too():
    killer = asyncio.create_task(cancels(asyncio.current_task()))
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError as error:
        say(now(), "main", name(error))
    await killer


@case
async def a_chain_of_tasks_unwinds_from_the_inside():
    first = asyncio.create_task(sleeper("first", 10))
    second = asyncio.create_task(join("second", first))
    third = asyncio.create_task(join("third", second))
    await asyncio.sleep(1)
    third.cancel("all of you")
    await report("third", third)
    say(first.cancelled(), second.cancelled())


@case
async def of_all_tasks_but_this():
    tasks = [asyncio.create_task(asyncio.sleep(10)) for _ in range(5)]
    await asyncio.sleep(1)
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()
    for task in tasks:
        await report("task", task)
    say(now(), "all tasks", len(asyncio.all_tasks()))


# ---- Messages and reports ------------------------------------------------


@case
async def the_message_reaches_the_coroutine_and_the_awaiter():
    task = asyncio.create_task(sleeper("task", 10))
    await asyncio.sleep(0)
    task.cancel("why")
    await report("task", task)
    task = asyncio.create_task(sleeper("task", 10))
    task.cancel("before it begins")
    await report("task", task)


@case
async def of_two_messages():
    # At a future the first one counts: it is done then.
    task = asyncio.create_task(sleeper("task", 10))
    await asyncio.sleep(0)
    task.cancel("first")
    task.cancel("second")
    await report("task", task)
    # Where nothing but its turn is waited for, the last one.
    task = asyncio.create_task(sleeper("task", 0))
    await asyncio.sleep(0)
    task.cancel("first")
    task.cancel("second")
    await report("task", task)


@case
async def the_message_through_an_inner_task():
    inner = asyncio.create_task(sleeper("inner", 10))
    outer = asyncio.create_task(join("outer", inner))
    await asyncio.sleep(1)
    outer.cancel("from above")
    await report("outer", outer)


@case
@differs
async def the_message_goes_to_the_first_who_asks():
    task = asyncio.create_task(sleeper("task", 10))
    await asyncio.sleep(0)
    task.cancel("why")
    await report("first", task)
    await report("second", task)


async def start_and_cancel(coroutine):
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0)
    task.cancel()


@case
async def a_cancelled_task_is_not_reported():
    await start_and_cancel(sleeper("task", 10))
    await asyncio.sleep(1)
    say("nothing to report")


@case
async def an_error_on_the_way_out_is_reported():
    await start_and_cancel(replaces())
    await asyncio.sleep(1)
    say("main goes on")


@case
async def done_callbacks_hear_of_it():
    task = asyncio.create_task(sleeper("task", 10))
    task.add_done_callback(lambda f: say("cancelled", f.cancelled()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    say("a round later")
    await asyncio.sleep(0)
    say("two rounds later")


if __name__ == "__main__":
    main()
