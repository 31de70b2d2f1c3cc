"""Callbacks: what the loop calls, and in which order."""

import asyncio
import socket

from parity import Loop, case, main, name, now, say


async def get(who, future):
    try:
        value = await future
        say(who, "got", value)
    except ValueError as error:
        say(who, "got", name(error))


async def count(who, rounds):
    for i in range(rounds):
        say(who, i)
        await asyncio.sleep(0)
    say(who, "ends")


async def nothing():
    pass


async def fail(text):
    raise ValueError(text)


def fails(text):
    raise ValueError(text)


# ---- call_soon and call_later --------------------------------------------


@case
def soon_is_first_in_first_out():
    loop = Loop()
    loop.call_soon(lambda: say("first"))
    loop.call_soon(lambda: say("second"))
    loop.call_soon(lambda: loop.stop())
    loop.call_soon(lambda: say("third"))
    loop.run_forever()
    loop.close()


def again(loop, left):
    say("left", left)
    if left > 0:
        loop.call_soon(lambda: again(loop, left - 1))


@case
def soon_means_the_next_round():
    loop = Loop()
    loop.call_soon(lambda: again(loop, 3))
    loop.call_soon(lambda: say("another"))
    loop.call_soon(lambda: loop.call_soon(lambda: say("a round later")))
    loop.call_later(1, lambda: loop.stop())
    loop.run_forever()
    loop.close()


@case
async def later_in_the_order_of_their_times():
    loop = asyncio.get_running_loop()
    loop.call_later(3, lambda: say(now(), "three"))
    loop.call_later(1, lambda: say(now(), "one"))
    loop.call_at(2, lambda: say(now(), "two"))
    loop.call_later(2, lambda: say(now(), "two, too"))
    await asyncio.sleep(4)
    say(now(), "main")


@case
async def later_than_nothing_comes_after_what_is_due():
    loop = asyncio.get_running_loop()
    loop.call_later(0, lambda: say("later"))
    loop.call_soon(lambda: say("soon"))
    loop.call_at(-1, lambda: say("a time that has passed"))
    loop.call_soon(lambda: say("soon"))
    await asyncio.sleep(0)
    say("main goes on")
    await asyncio.sleep(1)


def count_down(left):
    say(now(), left)
    if left > 0:
        loop = asyncio.get_running_loop()
        loop.call_later(1, lambda: count_down(left - 1))


@case
async def a_timer_that_sets_the_next_timer():
    count_down(3)
    await asyncio.sleep(10)


async def sleeper():
    await asyncio.sleep(1)
    say("sleeper")


@case
async def a_timer_comes_before_a_sleeper_of_the_same_time():
    loop = asyncio.get_running_loop()
    asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    loop.call_later(1, lambda: say("timer"))
    await asyncio.sleep(2)


@case
async def what_is_cancelled_is_not_called():
    loop = asyncio.get_running_loop()
    handle = loop.call_soon(lambda: say("never said"))
    timer = loop.call_later(1, lambda: say("never said"))
    say("when", int(timer.when()), "cancelled", timer.cancelled())
    loop.call_soon(lambda: say("said"))
    handle.cancel()
    timer.cancel()
    timer.cancel()
    say("cancelled", timer.cancelled())
    await asyncio.sleep(2)


@case
async def cancelled_by_an_earlier_one_of_the_same_round():
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: handle.cancel())
    handle = loop.call_soon(lambda: say("never said"))
    loop.call_later(1, lambda: timer.cancel())
    timer = loop.call_later(1, lambda: say("never said"))
    loop.call_later(1, lambda: say("said"))
    await asyncio.sleep(2)


@case
async def cancelling_when_it_was_called_does_nothing():
    loop = asyncio.get_running_loop()
    handle = loop.call_soon(lambda: say("called"))
    timer = loop.call_later(1, lambda: say("called"))
    await asyncio.sleep(2)
    handle.cancel()
    timer.cancel()
    say("still here")


@case
def a_cancelled_timer_takes_no_time():
    loop = Loop()
    timer = loop.call_later(10, lambda: say("never said"))
    loop.call_later(20, lambda: loop.stop())
    loop.call_later(1, lambda: timer.cancel())
    loop.call_later(2, lambda: say(now()))
    loop.run_forever()
    say(int(loop.time()))
    loop.close()


# ---- Done callbacks ------------------------------------------------------


@case
async def callbacks_and_awaiters_in_one_queue():
    future = asyncio.Future()
    future.add_done_callback(lambda f: say("callback 1"))
    asyncio.create_task(get("awaiter 1", future))
    await asyncio.sleep(0)
    future.add_done_callback(lambda f: say("callback 2"))
    asyncio.create_task(get("awaiter 2", future))
    await asyncio.sleep(0)
    future.add_done_callback(lambda f: say("callback 3"))
    future.set_result(42)
    asyncio.get_running_loop().call_soon(lambda: say("call_soon"))
    await asyncio.sleep(1)


@case
async def of_a_task_in_the_round_after_its_end():
    task = asyncio.create_task(count("task", 1))
    task.add_done_callback(lambda f: say("done", f.done()))
    other = asyncio.create_task(count("other", 3))
    await other


@case
async def added_to_a_task_that_has_ended():
    task = asyncio.create_task(count("task", 0))
    await task
    task.add_done_callback(lambda f: say("called"))
    say("added")
    await asyncio.sleep(0)
    say("a round later")


@case
async def removed_from_a_task():
    def callback(task):
        say("never said")

    task = asyncio.create_task(count("task", 0))
    task.add_done_callback(callback)
    task.add_done_callback(lambda f: say("said"))
    say("removed", task.remove_done_callback(callback))
    await task


@case
async def one_that_starts_a_task():
    task = asyncio.create_task(count("first", 0))
    task.add_done_callback(lambda f: asyncio.create_task(count("second", 1)))
    await task
    say("main goes on")
    await asyncio.sleep(1)


@case
async def one_that_sets_another_future():
    first = asyncio.Future()
    second = asyncio.Future()
    first.add_done_callback(lambda f: second.set_result(f.result() + 1))
    asyncio.create_task(get("first", first))
    asyncio.create_task(get("second", second))
    await asyncio.sleep(0)
    first.set_result(42)
    await asyncio.sleep(1)


@case
async def a_call_from_a_task_comes_before_its_next_step():
    loop = asyncio.get_running_loop()
    for i in range(3):
        loop.call_soon(lambda: say("callback"))
        await asyncio.sleep(0)
        say("main", i)


# ---- Exceptions ----------------------------------------------------------


@case
async def an_exception_in_a_callback_is_reported():
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: fails("soon"))
    loop.call_soon(lambda: say("the next one"))
    loop.call_later(1, lambda: fails("later"))
    loop.call_later(2, lambda: say("the next one"))
    await asyncio.sleep(3)


def cancels():
    raise asyncio.CancelledError("by hand")


@case
async def so_is_a_cancelled_error():
    asyncio.get_running_loop().call_soon(lambda: cancels())
    await asyncio.sleep(1)
    say("main goes on")


@case
async def an_exception_in_a_done_callback_is_reported():
    task = asyncio.create_task(count("task", 0))
    task.add_done_callback(lambda f: fails("in a callback"))
    task.add_done_callback(lambda f: say("the next one"))
    await task
    say("main goes on")


@case
async def a_callback_that_asks_keeps_the_task_from_being_reported():
    task = asyncio.create_task(fail("asked for"))
    task.add_done_callback(lambda f: say("callback", name(f.exception())))
    await asyncio.sleep(1)
    task = asyncio.create_task(fail("lost"))
    task.add_done_callback(lambda f: say("callback", f.done()))
    task = asyncio.create_task(nothing())
    await asyncio.sleep(1)
    say("main goes on")


@case
async def a_callback_that_raises_what_the_task_raised():
    task = asyncio.create_task(fail("boom"))
    task.add_done_callback(lambda f: f.result())
    await asyncio.sleep(1)
    say("main goes on")


# ---- Descriptors ---------------------------------------------------------


def pair():
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)
    return left, right


@case
async def a_reader_is_called_until_it_is_removed():
    loop = asyncio.get_running_loop()
    left, right = pair()
    calls = 0

    def reader():
        nonlocal calls
        calls += 1
        say("can be read", calls)
        if calls == 3:
            say("removed", loop.remove_reader(right))
            say("removed", loop.remove_reader(right))

    loop.add_reader(right, reader)
    await asyncio.sleep(1)
    left.send(b"hello")
    await asyncio.sleep(1)
    left.close()
    right.close()


@case
async def a_second_reader_replaces_the_first():
    loop = asyncio.get_running_loop()
    left, right = pair()

    def reader():
        say("second")
        loop.remove_reader(right)

    loop.add_reader(right, lambda: say("first"))
    loop.add_reader(right, reader)
    left.send(b"hello")
    await asyncio.sleep(1)
    left.close()
    right.close()


@case
async def a_reader_and_a_writer_do_not_know_each_other():
    loop = asyncio.get_running_loop()
    left, right = pair()

    def reader():
        say("can be read", right.recv(100).decode())
        loop.remove_reader(right)

    def writer():
        say("can be written")
        say("removed", loop.remove_writer(right))

    loop.add_reader(right, reader)
    loop.add_writer(right, writer)
    await asyncio.sleep(1)
    left.send(b"hello")
    await asyncio.sleep(1)
    say("removed", loop.remove_reader(right), loop.remove_writer(right))
    left.close()
    right.close()


# ---- stop ----------------------------------------------------------------


@case
def stop_lets_the_round_end():
    loop = Loop()
    loop.call_soon(lambda: say("before"))
    loop.call_soon(lambda: loop.stop())
    loop.call_soon(lambda: loop.call_soon(lambda: say("next round")))
    loop.call_soon(lambda: say("after"))
    loop.run_forever()
    say("stopped", loop.is_running())
    loop.call_soon(lambda: loop.stop())
    loop.run_forever()
    say("stopped again")
    loop.close()


@case
def stop_before_it_runs_leaves_one_round():
    loop = Loop()
    loop.stop()
    loop.call_soon(lambda: say("called"))
    loop.call_soon(lambda: loop.call_soon(lambda: say("never said")))
    loop.call_later(1, lambda: say("never said"))
    loop.run_forever()
    say("stopped")
    loop.close()


@case
def stop_twice_is_once():
    loop = Loop()
    loop.call_soon(lambda: loop.stop())
    loop.call_soon(lambda: loop.stop())
    loop.run_forever()
    say("stopped")
    loop.call_later(1, lambda: say("runs"))
    loop.call_later(2, lambda: loop.stop())
    loop.run_forever()
    say("stopped again")
    loop.close()


async def tick(who, times):
    for i in range(times):
        say(now(), who, i)
        await asyncio.sleep(2)
    say(now(), who, "ends")


@case
def stop_leaves_tasks_where_they_are():
    loop = Loop()
    loop.create_task(tick("task", 3))
    loop.call_later(3, lambda: loop.stop())
    loop.run_forever()
    say("stopped at", int(loop.time()))
    loop.call_later(7, lambda: loop.stop())
    loop.run_forever()
    say("stopped at", int(loop.time()))
    loop.close()


@case
def it_knows_whether_it_runs():
    loop = Loop()
    say("running", loop.is_running(), "closed", loop.is_closed())
    loop.call_soon(lambda: say("running", loop.is_running()))
    loop.call_soon(lambda: loop.stop())
    loop.run_forever()
    say("running", loop.is_running(), "closed", loop.is_closed())
    loop.close()
    say("running", loop.is_running(), "closed", loop.is_closed())


if __name__ == "__main__":
    main()
