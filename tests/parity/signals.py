"""Signal handlers: calls in the loop, whenever the process gets a signal."""

import asyncio
import os
import signal
import threading

from parity import Loop, case, main, raises, say

USR1, USR2 = signal.SIGUSR1, signal.SIGUSR2


def send(number):
    os.kill(os.getpid(), number)


@case
async def a_handler_is_called_in_the_loop():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.add_signal_handler(USR1, future.set_result, "called")
    send(USR1)
    say("not at once", future.done())
    say(await future)


@case
async def a_handler_is_called_as_often_as_the_signal_comes():
    loop = asyncio.get_running_loop()
    for i in range(3):
        future = loop.create_future()
        loop.add_signal_handler(USR1, future.set_result, i)
        send(USR1)
        say(await future)


@case
async def the_last_handler_counts():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.add_signal_handler(USR1, say, "never said")
    loop.add_signal_handler(USR1, future.set_result, "replaced")
    send(USR1)
    say(await future)


@case
async def removing_says_whether_there_was_one():
    loop = asyncio.get_running_loop()
    say(loop.remove_signal_handler(USR1))
    loop.add_signal_handler(USR1, say, "never said")
    say(loop.remove_signal_handler(USR1), loop.remove_signal_handler(USR1))


@case
async def two_signals_have_two_handlers():
    loop = asyncio.get_running_loop()
    one, two = loop.create_future(), loop.create_future()
    loop.add_signal_handler(USR1, one.set_result, "one")
    loop.add_signal_handler(USR2, two.set_result, "two")
    send(USR2)
    say(await two, one.done())
    send(USR1)
    say(await one)


@case
async def what_cannot_be_caught_is_refused():
    loop = asyncio.get_running_loop()
    say(raises(lambda: loop.add_signal_handler(signal.SIGKILL, say)))
    say(loop.remove_signal_handler(signal.SIGKILL))


@case
async def a_number_that_is_no_signal_is_refused():
    loop = asyncio.get_running_loop()
    say(raises(lambda: loop.add_signal_handler(12345, say)) != "nothing")


@case
async def a_handler_that_raises_is_reported():
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def bad():
        future.set_result("goes on")
        raise ValueError("boom")

    loop.add_signal_handler(USR1, bad)
    send(USR1)
    say(await future)


@case
async def a_handler_may_remove_itself():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.add_signal_handler(
        USR1, lambda: future.set_result(loop.remove_signal_handler(USR1)))
    send(USR1)
    say(await future, loop.remove_signal_handler(USR1))


@case
async def a_signal_while_a_thread_runs():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    go = threading.Semaphore(0)
    call = loop.run_in_executor(None, go.acquire)
    loop.add_signal_handler(USR1, future.set_result, "called")
    await asyncio.to_thread(send, USR1)
    say(await future, call.done())
    go.release()
    await call


@case
def a_closed_loop_handles_nothing():
    loop = Loop()
    loop.add_signal_handler(USR1, say, "never said")
    loop.close()
    say(raises(lambda: loop.add_signal_handler(USR1, say)) != "nothing")


if __name__ == "__main__":
    main()
