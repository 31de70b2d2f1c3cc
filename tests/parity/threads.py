"""Threads beside the loop: executors, and calls from other threads.

Nothing here sleeps: threads meet at semaphores.
"""

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from parity import Loop, case, main, name, raises, say


def fail():
    raise ValueError("boom")


async def outcome(awaitable):
    try:
        return await awaitable
    except BaseException as error:
        return name(error)


def in_thread(body):
    thread = threading.Thread(target=body)
    thread.start()
    return thread


# ---- run_in_executor, to_thread ---------------------------------------------

@case
async def an_executor_gives_the_result():
    loop = asyncio.get_running_loop()
    say(await loop.run_in_executor(None, pow, 2, 10))


@case
async def an_executor_gives_the_exception():
    loop = asyncio.get_running_loop()
    say(await outcome(loop.run_in_executor(None, fail)))
    say(await outcome(asyncio.to_thread(fail)))


@case
async def a_call_runs_in_another_thread():
    here = threading.get_ident()
    there = await asyncio.to_thread(threading.get_ident)
    say(here != there)


@case
async def the_loop_goes_on_meanwhile():
    go = threading.Semaphore(0)

    def hold():
        go.acquire()
        say("the thread ends")
        return "held"

    future = asyncio.get_running_loop().run_in_executor(None, hold)
    for i in range(3):
        say("round", i, future.done())
        await asyncio.sleep(0)
    go.release()
    say(await future)


@case
async def to_thread_does_nothing_until_awaited():
    coroutine = asyncio.to_thread(say, "in the thread")
    say("before")
    await coroutine
    say("after")


@case
async def no_running_loop_in_the_thread():
    say(await asyncio.to_thread(raises, asyncio.get_running_loop))


@case
async def several_at_once():
    left, right = threading.Semaphore(0), threading.Semaphore(0)

    def one():
        left.release()
        right.acquire()
        return 1

    def two():
        right.release()
        left.acquire()
        return 2

    say(*await asyncio.gather(asyncio.to_thread(one), asyncio.to_thread(two)))


@case
async def an_executor_of_ones_own():
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as executor:
        first = loop.run_in_executor(executor, threading.get_ident)
        second = loop.run_in_executor(executor, threading.get_ident)
        say(await first == await second)


@case
async def the_default_executor_can_be_replaced():
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor(1)
    loop.set_default_executor(executor)
    mine = executor.submit(threading.get_ident).result()
    say(await asyncio.to_thread(threading.get_ident) == mine)


@case
async def an_executor_that_is_shut_down_takes_nothing():
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    try:
        loop.run_in_executor(executor, fail)
    except RuntimeError as error:
        say(name(error))


@case
async def after_its_shutdown_there_is_no_default_executor():
    loop = asyncio.get_running_loop()
    say(await asyncio.to_thread(pow, 3, 2))
    await loop.shutdown_default_executor()
    await loop.shutdown_default_executor()
    try:
        loop.run_in_executor(None, fail)
    except RuntimeError as error:
        say(name(error))


@case
async def its_shutdown_waits_for_the_calls():
    loop = asyncio.get_running_loop()
    go = threading.Semaphore(0)
    heard = []

    def hold():
        go.acquire()
        heard.append("the call has ended")

    loop.run_in_executor(None, hold)
    closing = asyncio.create_task(loop.shutdown_default_executor())
    await asyncio.sleep(0)
    say(closing.done(), *heard)
    go.release()
    await closing
    say(*heard)


# ---- Cancelling -------------------------------------------------------------

@case
async def a_call_that_has_begun_goes_on_when_cancelled():
    go, begun = threading.Semaphore(0), threading.Semaphore(0)
    ended = threading.Semaphore(0)

    def hold():
        begun.release()
        go.acquire()
        say("the thread does not know")
        ended.release()

    future = asyncio.get_running_loop().run_in_executor(None, hold)
    begun.acquire()
    say(future.cancel(), future.cancelled())
    say(await outcome(future))
    go.release()
    ended.acquire()


@case
async def a_call_that_is_queued_is_cancelled():
    loop = asyncio.get_running_loop()
    go, begun = threading.Semaphore(0), threading.Semaphore(0)

    def hold():
        begun.release()
        go.acquire()
        return "held"

    executor = ThreadPoolExecutor(1)
    first = loop.run_in_executor(executor, hold)
    second = loop.run_in_executor(executor, say, "never said")
    begun.acquire()
    say(second.cancel())
    await asyncio.sleep(0)
    go.release()
    say(await first, await outcome(second))
    executor.shutdown()


@case
async def a_task_that_waits_for_a_thread_is_cancelled():
    go, begun = threading.Semaphore(0), threading.Semaphore(0)

    def hold():
        begun.release()
        go.acquire()

    async def body():
        try:
            await asyncio.to_thread(hold)
        except asyncio.CancelledError:
            say("cancelled")
            raise

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    begun.acquire()
    say(task.cancel())
    say(await outcome(task))
    go.release()


@case
async def an_exception_after_a_cancellation_is_not_reported():
    go, begun = threading.Semaphore(0), threading.Semaphore(0)

    def hold():
        begun.release()
        go.acquire()
        raise ValueError("boom")

    executor = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(executor, hold)
    begun.acquire()
    future.cancel()
    go.release()
    executor.shutdown()
    await asyncio.sleep(0)
    say("nobody complains", future.cancelled())


# ---- wrap_future ------------------------------------------------------------

@case
async def a_wrapped_future_gets_the_result():
    source = Future()
    future = asyncio.wrap_future(source)
    source.set_result(42)
    say("not yet", future.done())
    say(await future)


@case
async def a_wrapped_future_gets_the_exception():
    source = Future()
    future = asyncio.wrap_future(source)
    source.set_exception(ValueError("boom"))
    say(await outcome(future))


@case
async def a_wrapped_future_of_what_is_done():
    source = Future()
    source.set_result(42)
    future = asyncio.wrap_future(source)
    say(future.done(), await future)


@case
async def a_wrapped_future_hears_of_a_cancellation():
    source = Future()
    future = asyncio.wrap_future(source)
    say(source.cancel())
    say(await outcome(future))
    say(future.cancelled())


@case
async def cancelling_a_wrapped_future_cancels_its_source():
    source = Future()
    future = asyncio.wrap_future(source)
    say(future.cancel(), source.cancelled())
    await asyncio.sleep(0)
    say(source.cancelled())


@case
async def a_result_for_a_wrapped_future_that_was_cancelled():
    source = Future()
    source.set_running_or_notify_cancel()
    future = asyncio.wrap_future(source)
    future.cancel()
    await asyncio.sleep(0)
    say(source.cancelled())
    source.set_result(42)
    await asyncio.sleep(0)
    say(future.cancelled(), source.result())


# ---- call_soon_threadsafe ---------------------------------------------------

@case
async def a_call_from_another_thread_wakes_the_loop():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    thread = in_thread(
        lambda: loop.call_soon_threadsafe(future.set_result, "woken"))
    say(await future)
    thread.join()


@case
async def calls_of_a_thread_keep_their_order():
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def body():
        for i in range(4):
            loop.call_soon_threadsafe(say, "call", i)
        loop.call_soon_threadsafe(future.set_result, None)

    thread = in_thread(body)
    await future
    thread.join()


@case
async def there_is_one_queue():
    loop = asyncio.get_running_loop()
    loop.call_soon(say, "one")
    loop.call_soon_threadsafe(say, "two")
    in_thread(lambda: loop.call_soon_threadsafe(say, "three")).join()
    loop.call_soon(say, "four")
    await asyncio.sleep(0)
    say("all in one round")


@case
async def a_call_that_raises_is_reported():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon_threadsafe(fail)
    loop.call_soon_threadsafe(future.set_result, "goes on")
    say(await future)


@case
def a_closed_loop_takes_no_call():
    loop = Loop()
    loop.close()
    say("refused", raises(lambda: loop.call_soon_threadsafe(say, "no"))
        != "nothing")


@case
def a_call_before_the_loop_runs():
    loop = Loop()
    in_thread(lambda: loop.call_soon_threadsafe(say, "first")).join()
    loop.call_soon(loop.stop)
    say("runs")
    loop.run_forever()
    loop.close()


@case
def a_thread_stops_the_loop():
    loop = Loop()
    thread = in_thread(lambda: loop.call_soon_threadsafe(loop.stop))
    loop.run_forever()
    thread.join()
    say("stopped")
    loop.close()


# ---- run_coroutine_threadsafe -----------------------------------------------

@case
async def a_thread_gets_what_a_coroutine_returns():
    loop = asyncio.get_running_loop()

    async def add(a, b):
        await asyncio.sleep(0)
        return a + b

    def body():
        return asyncio.run_coroutine_threadsafe(add(1, 2), loop).result()

    say(await asyncio.to_thread(body))


@case
async def a_thread_gets_what_a_coroutine_raises():
    loop = asyncio.get_running_loop()

    async def bad():
        raise ValueError("boom")

    def body():
        future = asyncio.run_coroutine_threadsafe(bad(), loop)
        try:
            future.result()
        except ValueError as error:
            return name(error)

    say(await asyncio.to_thread(body))


@case
async def a_thread_cancels_a_coroutine():
    loop = asyncio.get_running_loop()
    begun = threading.Semaphore(0)
    ended = loop.create_future()

    async def waits():
        begun.release()
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            say("cancelled in the loop")
            ended.set_result(None)
            raise

    def body():
        future = asyncio.run_coroutine_threadsafe(waits(), loop)
        begun.acquire()
        return future.cancel(), future.cancelled(), raises(future.result)

    heard = await asyncio.to_thread(body)
    await ended
    say(*heard)


@case
async def a_coroutine_that_is_cancelled_in_the_loop():
    loop = asyncio.get_running_loop()

    async def cancels_itself():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    def body():
        future = asyncio.run_coroutine_threadsafe(cancels_itself(), loop)
        return raises(future.result), future.cancelled()

    say(*await asyncio.to_thread(body))


@case
async def a_thread_that_does_not_wait_long_enough():
    loop = asyncio.get_running_loop()
    gate = loop.create_future()

    async def waits():
        await gate
        return 42

    def body():
        future = asyncio.run_coroutine_threadsafe(waits(), loop)
        late = raises(lambda: future.result(0))
        loop.call_soon_threadsafe(gate.set_result, None)
        return late, future.result()

    say(*await asyncio.to_thread(body))


# ---- Runners ----------------------------------------------------------------

@case
def run_waits_for_the_calls_of_its_executor():
    heard = []
    go = threading.Semaphore(0)

    def hold():
        go.acquire()
        heard.append("the call has ended")

    async def leaves_it():
        asyncio.get_running_loop().run_in_executor(None, hold)
        asyncio.get_running_loop().call_soon(go.release)

    asyncio.run(leaves_it())
    say(*heard)


@case
def each_thread_has_a_runner_of_its_own():
    results = []

    async def value_of(value):
        await asyncio.sleep(0)
        return value

    def body():
        results.append(asyncio.run(value_of(42)))

    async def outer():
        thread = in_thread(body)
        thread.join()
        return await value_of(43)

    say(asyncio.run(outer()), *results)


@case
def two_loops_talk_to_each_other():
    other = Loop()
    thread = in_thread(other.run_forever)

    async def there(value):
        await asyncio.sleep(0)
        return value + 1

    async def here():
        future = asyncio.run_coroutine_threadsafe(there(41), other)
        return await asyncio.wrap_future(future)

    say(asyncio.run(here()))
    other.call_soon_threadsafe(other.stop)
    thread.join()
    other.close()


if __name__ == "__main__":
    main()
