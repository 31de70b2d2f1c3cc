"""Counting cancellations: who asked, and whether it is settled."""

import asyncio
import signal

from parity import Loop, case, main, name, now, say

# Whoever started this process may have it ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


async def sleeper():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        say(now(), "counted", asyncio.current_task().cancelling())
        raise


async def report(task):
    try:
        await task
        say("returned")
    except asyncio.CancelledError as error:
        say(name(error))
    say("cancelled", task.cancelled(), "counted", task.cancelling())


@case
async def each_request_counts():
    task = asyncio.create_task(sleeper())
    say("counted", task.cancelling())
    await asyncio.sleep(1)
    for _ in range(3):
        task.cancel()
        say("counted", task.cancelling())
    await report(task)
    say("too late:", task.cancel(), "counted", task.cancelling())


@case
async def uncancel_stops_at_zero():
    task = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    say("uncancel", task.uncancel())
    task.cancel()
    task.cancel()
    for _ in range(3):
        say("uncancel", task.uncancel())
    await report(task)


async def swallows(settle):
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        if settle:
            say("uncancel", asyncio.current_task().uncancel())
    await asyncio.sleep(1)
    say(now(), "goes on")


@case
async def what_is_swallowed_still_counts():
    task = asyncio.create_task(swallows(False))
    await asyncio.sleep(1)
    task.cancel()
    await report(task)


@case
async def unless_it_is_settled():
    task = asyncio.create_task(swallows(True))
    await asyncio.sleep(1)
    task.cancel()
    await report(task)


async def gives_up_after(delay):
    """Cancels itself, and wants to hear no more of it."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    timer = loop.call_later(delay, lambda: task.cancel())
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        if task.uncancel() > 0:
            say(now(), "somebody else asked, too")
            raise
        say(now(), "gave up")
    finally:
        timer.cancel()


@case
async def its_own_request_and_nobody_elses():
    task = asyncio.create_task(gives_up_after(1))
    await report(task)
    task = asyncio.create_task(gives_up_after(1))
    asyncio.get_running_loop().call_later(1, lambda: task.cancel())
    await report(task)


async def interrupted(others):
    task = asyncio.current_task()
    asyncio.get_running_loop().call_soon(lambda: cancel(task, others))
    signal.raise_signal(signal.SIGINT)
    await asyncio.sleep(10)


def cancel(task, times):
    for _ in range(times):
        task.cancel()


def run_interrupted(others):
    with asyncio.Runner(loop_factory=Loop) as runner:
        try:
            runner.run(interrupted(others))
        except KeyboardInterrupt:
            say("KeyboardInterrupt")
        except asyncio.CancelledError:
            say("CancelledError")


@case
def ctrl_c_alone_is_a_keyboard_interrupt():
    run_interrupted(0)


@case
def ctrl_c_beside_another_request_is_not():
    run_interrupted(1)


if __name__ == "__main__":
    main()
