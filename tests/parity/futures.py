"""Futures: a place for a result that is not there yet."""

import asyncio

from parity import Loop, case, main, name, now, raises, say


async def get(who, future):
    """Awaits the future, says what came out."""
    say(who, "awaits")
    try:
        value = await future
        say(who, "got", value)
    except (ValueError, asyncio.CancelledError) as error:
        say(who, "got", name(error))


async def put(future, value):
    say("setting", value)
    future.set_result(value)
    say("set", value)


def failed(text):
    future = asyncio.Future()
    future.set_exception(ValueError(text))
    return future


@case
async def a_new_one_is_pending():
    future = asyncio.Future()
    say("done", future.done())
    say("cancelled", future.cancelled())
    say("result raises", raises(lambda: future.result()))
    say("exception raises", raises(lambda: future.exception()))


@case
async def the_result_can_be_asked_for_again():
    future = asyncio.Future()
    future.set_result(42)
    say("done", future.done(), "cancelled", future.cancelled())
    say("result", future.result())
    say("result", future.result())
    say("exception", name(future.exception()))


@case
async def an_exception_is_raised_by_result():
    future = failed("boom")
    say("done", future.done(), "cancelled", future.cancelled())
    say("exception", name(future.exception()))
    for _ in range(2):
        try:
            future.result()
        except ValueError as error:
            say("result raises", name(error))


@case
async def setting_twice_is_an_error():
    future = asyncio.Future()
    future.set_result(1)
    say("a result raises", raises(lambda: future.set_result(2)))
    say(
        "an exception raises",
        raises(lambda: future.set_exception(ValueError("late"))),
    )
    say("result", future.result())


@case
async def a_result_after_an_exception_is_an_error():
    future = failed("first")
    say("a result raises", raises(lambda: future.set_result(2)))
    say(
        "an exception raises",
        raises(lambda: future.set_exception(ValueError("second"))),
    )
    say("exception", name(future.exception()))


@case
async def it_is_cancelled_once():
    future = asyncio.Future()
    say("cancel", future.cancel())
    say("cancel", future.cancel())
    say("done", future.done(), "cancelled", future.cancelled())
    say("result raises", raises(lambda: future.result()))
    say("exception raises", raises(lambda: future.exception()))


@case
async def what_is_done_cannot_be_cancelled():
    future = asyncio.Future()
    future.set_result(42)
    say("cancel", future.cancel(), "cancelled", future.cancelled())
    say("result", future.result())
    future = failed("boom")
    say("cancel", future.cancel(), "cancelled", future.cancelled())
    say("exception", name(future.exception()))


@case
async def what_is_cancelled_cannot_be_set():
    future = asyncio.Future()
    future.cancel()
    say("a result raises", raises(lambda: future.set_result(1)))
    say(
        "an exception raises",
        raises(lambda: future.set_exception(ValueError("late"))),
    )
    say("cancelled", future.cancelled())


@case
async def the_message_of_cancel_reaches_all_who_ask():
    future = asyncio.Future()
    future.cancel("no longer needed")
    await get("first", future)
    await get("second", future)
    try:
        future.exception()
    except asyncio.CancelledError as error:
        say("exception raises", name(error))


@case
async def awaiting_a_done_one_does_not_pause():
    future = asyncio.Future()
    future.set_result(42)
    other = asyncio.Future()
    asyncio.create_task(put(other, 1))
    await get("main", future)
    await get("main", future)
    say("the other has not run")
    await get("main", other)


@case
async def awaiting_pauses_until_there_is_a_result():
    future = asyncio.Future()
    asyncio.create_task(put(future, 42))
    await get("main", future)


@case
async def awaiting_gives_the_time_of_the_result():
    future = asyncio.Future()
    asyncio.get_running_loop().call_later(5, lambda: future.set_result(42))
    say(now(), "waits")
    await get("main", future)
    say(now(), "goes on")


@case
async def awaiters_go_on_in_the_order_they_came():
    future = asyncio.Future()
    asyncio.create_task(get("first", future))
    asyncio.create_task(get("second", future))
    asyncio.create_task(get("third", future))
    await asyncio.sleep(1)
    await put(future, 42)
    await asyncio.sleep(1)


@case
async def all_awaiters_get_the_exception():
    future = asyncio.Future()
    asyncio.create_task(get("first", future))
    asyncio.create_task(get("second", future))
    await asyncio.sleep(1)
    future.set_exception(ValueError("boom"))
    await asyncio.sleep(1)
    await get("too late", future)


@case
async def cancelling_wakes_all_awaiters():
    future = asyncio.Future()
    asyncio.create_task(get("first", future))
    asyncio.create_task(get("second", future))
    await asyncio.sleep(1)
    say("cancel", future.cancel("enough"))
    say("nobody has run yet")
    await asyncio.sleep(1)


@case
async def an_awaiter_that_comes_late_overtakes():
    future = asyncio.Future()
    asyncio.create_task(get("early", future))
    await asyncio.sleep(1)
    future.set_result(42)
    await get("late", future)
    await asyncio.sleep(1)


@case
async def callbacks_are_called_in_order_but_not_at_once():
    future = asyncio.Future()
    future.add_done_callback(lambda f: say("first", f.result()))
    future.add_done_callback(lambda f: say("second", f.result()))
    await put(future, 42)
    await asyncio.sleep(0)
    say("a round later")


@case
async def callbacks_are_called_whatever_the_end():
    future = asyncio.Future()
    future.add_done_callback(lambda f: say("exception", name(f.exception())))
    future.set_exception(ValueError("boom"))
    await asyncio.sleep(0)
    future = asyncio.Future()
    future.add_done_callback(lambda f: say("cancelled", f.cancelled()))
    future.cancel()
    await asyncio.sleep(0)


@case
async def a_callback_added_when_done_is_called_soon():
    future = asyncio.Future()
    future.set_result(42)
    future.add_done_callback(lambda f: say("called", f.result()))
    say("added")
    await asyncio.sleep(0)
    say("a round later")


def add_another(future):
    say("first")
    future.add_done_callback(lambda f: say("added by the first"))


@case
async def a_callback_may_add_another():
    future = asyncio.Future()
    future.add_done_callback(add_another)
    future.add_done_callback(lambda f: say("second"))
    future.set_result(42)
    await asyncio.sleep(0)
    say("a round later")
    await asyncio.sleep(0)
    say("two rounds later")


@case
async def a_removed_callback_is_not_called():
    future = asyncio.Future()

    def first(future):
        say("first")

    def second(future):
        say("second")

    future.add_done_callback(first)
    future.add_done_callback(second)
    say("removed", future.remove_done_callback(first))
    say("removed", future.remove_done_callback(first))
    future.set_result(42)
    await asyncio.sleep(0)


@case
async def removing_comes_too_late_when_it_is_done():
    future = asyncio.Future()

    def callback(future):
        say("called all the same")

    future.add_done_callback(callback)
    future.set_result(42)
    say("removed", future.remove_done_callback(callback))
    await asyncio.sleep(0)


def fail(future):
    raise ValueError("in a callback")


@case
async def a_callback_that_raises_stops_nobody():
    future = asyncio.Future()
    asyncio.create_task(get("awaiter", future))
    await asyncio.sleep(0)
    future.add_done_callback(fail)
    future.add_done_callback(lambda f: say("the next one"))
    future.set_result(42)
    await asyncio.sleep(1)
    say("result", future.result())


@case
async def an_exception_that_nobody_asked_for_is_reported():
    future = failed("lost")
    say("done", future.done())
    future = asyncio.Future()
    say("dropped")


@case
async def an_exception_that_was_asked_for_is_not_reported():
    failed("by exception").exception()
    raises(lambda: failed("by result").result())
    await get("main", failed("by await"))
    # A callback that does not ask is no excuse.
    failed("lost").add_done_callback(lambda f: say("called", f.done()))
    say("dropped")
    await asyncio.sleep(0)
    say("a round later")


@case
async def it_is_reported_when_the_last_one_lets_go():
    holders = [failed("lost")]
    holders.append(holders[0])
    say("two have it", holders[0] is holders[1])
    holders.pop()
    say("one has it")
    holders.pop()
    say("nobody has it")


@case
async def a_pending_or_cancelled_one_goes_in_silence():
    asyncio.Future()
    asyncio.Future().cancel()
    asyncio.Future().set_result(42)
    say("dropped")


@case
async def it_belongs_to_the_running_loop():
    loop = asyncio.get_running_loop()
    say(asyncio.Future().get_loop() is loop)
    say(loop.create_future().get_loop() is loop)
    other = Loop()
    say(asyncio.Future(loop=other).get_loop() is other)
    other.close()


@case
async def there_need_not_be_a_value():
    future = asyncio.Future()
    asyncio.get_running_loop().call_soon(lambda: future.set_result(None))
    say("done", future.done())
    await future
    say("done", future.done())


async def play(who, turns, mine, other):
    """Answers what comes in its future by setting the other's."""
    for _ in range(turns):
        ball = await mine[0]
        say(who, ball)
        mine[0] = asyncio.Future()
        other[0].set_result(ball + 1)


@case
async def two_coroutines_play_ball():
    ping = [asyncio.Future()]
    pong = [asyncio.Future()]
    asyncio.create_task(play("ping", 3, ping, pong))
    asyncio.create_task(play("pong", 3, pong, ping))
    ping[0].set_result(1)
    await asyncio.sleep(1)
    say("the last ball", ping[0].result())


def fetch(key, callback):
    loop = asyncio.get_running_loop()
    loop.call_later(2, lambda: callback(key * 10))


async def fetched(key):
    future = asyncio.Future()
    fetch(key, lambda value: future.set_result(value))
    return await future


@case
async def a_callback_api_made_awaitable():
    value = await fetched(1)
    say(now(), value)
    value = await fetched(2)
    say(now(), value)


@case
def run_until_complete_gives_the_result():
    loop = Loop()
    future = loop.create_future()
    loop.call_later(1, lambda: future.set_result(42))
    say(loop.run_until_complete(future))
    say("again", loop.run_until_complete(future))
    future = loop.create_future()
    loop.call_soon(lambda: future.set_exception(ValueError("boom")))
    say(raises(lambda: loop.run_until_complete(future)))
    future = loop.create_future()
    loop.call_soon(lambda: future.cancel())
    say(raises(lambda: loop.run_until_complete(future)))
    loop.close()


@case
def a_result_is_shown_as_python_prints_it():
    loop = Loop()

    def show(value):
        future = loop.create_future()
        future.set_result(value)
        say(future)

    show(None)
    show(True)
    show(7)
    show("text")
    for number in (1.5, 2.0, -0.1, 9.95, 0.1 + 0.2, 1e-5, 1e100):
        show(number)
    loop.close()


if __name__ == "__main__":
    main()
