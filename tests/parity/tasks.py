"""Tasks: coroutines that run beside each other."""

import asyncio

from parity import Loop, case, main, name, now, raises, say


async def count(who, rounds):
    """Pauses so many times."""
    for i in range(rounds):
        say(who, i)
        await asyncio.sleep(0)
    say(who, "ends")


async def value_of(who, delay, value):
    """Returns the value when the time has come."""
    say(now(), who, "begins")
    await asyncio.sleep(delay)
    say(now(), who, "returns", value)
    return value


async def fail(text):
    await asyncio.sleep(1)
    say("raising", text)
    raise ValueError(text)


async def get(who, awaited):
    """Awaits it, says what came out."""
    try:
        value = await awaited
        say(who, "got", value)
    except (ValueError, asyncio.CancelledError) as error:
        say(who, "got", name(error))


async def nothing():
    pass


@case
async def a_task_begins_when_others_pause():
    task = asyncio.create_task(count("task", 0))
    say("created, done", task.done())
    await asyncio.sleep(0)
    say("a round later, done", task.done())


@case
async def they_begin_in_the_order_of_their_creation():
    first = asyncio.create_task(count("first", 0))
    second = asyncio.create_task(count("second", 0))
    third = asyncio.create_task(count("third", 0))
    await third
    say(first.done(), second.done(), third.done())


@case
async def they_take_turns():
    first = asyncio.create_task(count("first", 3))
    second = asyncio.create_task(count("second", 1))
    third = asyncio.create_task(count("third", 2))
    await first
    await second
    await third


@case
async def an_awaited_coroutine_takes_no_turns():
    task = asyncio.create_task(count("task", 1))
    await count("coroutine", 0)
    say("the task has not begun")
    await count("coroutine", 2)
    await task


async def parent():
    say("parent begins")
    child = asyncio.create_task(count("child", 1))
    await asyncio.sleep(0)
    say("parent goes on")
    await child
    say("parent ends")


@case
async def a_child_queues_behind_the_others():
    first = asyncio.create_task(parent())
    second = asyncio.create_task(count("other", 3))
    await first
    await second


@case
async def awaiting_gives_the_result():
    task = asyncio.create_task(value_of("task", 1, 42))
    value = await task
    say("awaited", value)
    value = await task
    say("awaited again", value)
    say("result", task.result(), name(task.exception()))


@case
async def they_sleep_at_the_same_time():
    slow = asyncio.create_task(value_of("slow", 3, 1))
    quick = asyncio.create_task(value_of("quick", 1, 2))
    middle = asyncio.create_task(value_of("middle", 2, 3))
    total = await slow
    total += await quick
    total += await middle
    say(now(), total)


@case
async def those_that_sleep_equally_wake_in_order():
    first = asyncio.create_task(value_of("first", 1, 1))
    second = asyncio.create_task(value_of("second", 1, 2))
    third = asyncio.create_task(value_of("third", 1, 3))
    await third
    say(first.done(), second.done())


@case
async def before_the_end_there_is_no_result():
    task = asyncio.create_task(value_of("task", 1, 42))
    say("result raises", raises(lambda: task.result()))
    say("exception raises", raises(lambda: task.exception()))
    await asyncio.sleep(0)
    say("result raises", raises(lambda: task.result()))
    await task
    say("result", task.result())


@case
async def awaiting_a_done_task_does_not_pause():
    task = asyncio.create_task(count("task", 0))
    await asyncio.sleep(0)
    other = asyncio.create_task(count("other", 0))
    await task
    say("the other has not begun")
    await other


async def inner(text):
    say("inner begins")
    await fail(text)
    say("never said")


async def middle(text):
    try:
        await inner(text)
    finally:
        say("middle cleans up")


async def outer(text):
    try:
        await middle(text)
    except ValueError as error:
        say("outer caught", name(error))
        raise KeyError("another")


@case
async def an_exception_climbs_three_levels():
    try:
        await outer("boom")
    except KeyError:
        say("main caught KeyError")


async def relay(task):
    say("relaying")
    return await task


@case
async def an_exception_climbs_three_tasks():
    bottom = asyncio.create_task(fail("boom"))
    middle = asyncio.create_task(relay(bottom))
    top = asyncio.create_task(relay(middle))
    await get("main", top)
    say("bottom", name(bottom.exception()))
    say("middle", name(middle.exception()))


@case
async def an_exception_waits_for_whoever_asks():
    task = asyncio.create_task(fail("boom"))
    await asyncio.sleep(2)
    say("done", task.done(), "cancelled", task.cancelled())
    say("exception", name(task.exception()))
    await get("first", task)
    await get("second", task)


@case
async def a_failed_task_stops_nobody():
    good = asyncio.create_task(value_of("good", 2, 42))
    bad = asyncio.create_task(fail("boom"))
    await get("main", good)
    await get("main", bad)


@case
async def several_may_await_one():
    task = asyncio.create_task(value_of("task", 1, 42))
    first = asyncio.create_task(get("first", task))
    second = asyncio.create_task(get("second", task))
    third = asyncio.create_task(get("third", task))
    await third
    say(first.done(), second.done())


@case
async def several_may_await_one_that_fails():
    task = asyncio.create_task(fail("boom"))
    first = asyncio.create_task(get("first", task))
    second = asyncio.create_task(get("second", task))
    await second
    say(first.done(), task.done())


@case
async def awaiters_of_two_that_end_in_one_round():
    first = asyncio.create_task(count("first", 1))
    second = asyncio.create_task(count("second", 1))
    of_second = asyncio.create_task(relay(second))
    of_first = asyncio.create_task(relay(first))
    of_second.add_done_callback(lambda f: say("awaiter of second is done"))
    of_first.add_done_callback(lambda f: say("awaiter of first is done"))
    first.add_done_callback(lambda f: say("first is done"))
    second.add_done_callback(lambda f: say("second is done"))
    await asyncio.sleep(1)


@case
async def waking_an_awaiter_takes_a_round():
    task = asyncio.create_task(nothing())
    rounds = asyncio.create_task(count("round", 4))
    await task
    say("main goes on")
    task = asyncio.create_task(nothing())
    await task
    say("main goes on")
    await rounds


@case
async def ending_in_the_round_it_began():
    tasks = [asyncio.create_task(count(f"task {i}", 0)) for i in range(3)]
    for task in tasks:
        say("awaiting")
        await task


@case
async def names():
    first = asyncio.create_task(nothing(), name="first")
    second = asyncio.create_task(nothing())
    third = asyncio.create_task(nothing())
    say(first.get_name())
    say(second.get_name().startswith("Task-"))
    distance = int(third.get_name()[5:]) - int(second.get_name()[5:])
    say("the next number is", distance, "more")
    second.set_name("renamed")
    await second
    say(second.get_name())
    await third


async def who_am_i():
    say(asyncio.current_task().get_name())
    await asyncio.sleep(0)
    say(asyncio.current_task().get_name())


@case
async def the_current_task():
    asyncio.current_task().set_name("main")
    first = asyncio.create_task(who_am_i(), name="first")
    second = asyncio.create_task(who_am_i(), name="second")
    await who_am_i()
    await first
    await second
    say(asyncio.current_task().get_name())


async def is_it_me(holder):
    say(asyncio.current_task() is holder[0])


@case
async def the_current_task_is_what_create_task_gave():
    holder = []
    holder.append(asyncio.create_task(is_it_me(holder)))
    await is_it_me(holder)
    await asyncio.sleep(1)


@case
async def a_callback_has_no_current_task():
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: say("callback", asyncio.current_task() is not None))
    await asyncio.sleep(0)
    say("main", asyncio.current_task() is not None)


def names_of_all():
    return " ".join(sorted(task.get_name() for task in asyncio.all_tasks()))


@case
async def all_tasks_are_those_that_have_not_ended():
    asyncio.current_task().set_name("main")
    say(names_of_all())
    long = asyncio.create_task(value_of("long", 2, 1), name="long")
    short = asyncio.create_task(value_of("short", 1, 2), name="short")
    say(names_of_all())
    await short
    say(names_of_all())
    await long
    say(names_of_all())


@case
async def a_lost_exception_is_reported():
    asyncio.create_task(fail("lost"))
    await asyncio.sleep(2)
    say("main goes on")


@case
async def a_held_exception_is_reported_when_it_is_let_go():
    tasks = [asyncio.create_task(fail("lost"))]
    await asyncio.sleep(2)
    say("done", tasks[0].done())
    tasks.clear()
    say("dropped")


@case
async def an_exception_that_was_asked_for_is_not_reported():
    task = asyncio.create_task(fail("known"))
    await asyncio.sleep(2)
    say(name(task.exception()))
    task = asyncio.create_task(nothing())
    await task
    say("dropped")


async def await_self(holder):
    try:
        await holder[0]
    except RuntimeError:
        say("caught RuntimeError")
    await asyncio.sleep(1)
    return 42


@case
async def a_task_cannot_await_itself():
    holder = []
    holder.append(asyncio.create_task(await_self(holder)))
    value = await holder[0]
    say(value)


@case
async def a_future_of_another_loop_cannot_be_awaited():
    loop = Loop()
    future = asyncio.Future(loop=loop)
    try:
        await future
    except RuntimeError:
        say("caught RuntimeError")
    await asyncio.sleep(1)
    say("main goes on")
    loop.close()


@case
async def a_coroutine_runs_once():
    coroutine = count("coroutine", 1)
    await coroutine
    try:
        await coroutine
    except RuntimeError:
        say("caught RuntimeError")


async def depth(left):
    if left == 0:
        await asyncio.sleep(1)
        return 0
    return 1 + await depth(left - 1)


@case
async def many_coroutines_deep():
    reached = await depth(200)
    say(now(), reached)


async def task_depth(left):
    if left == 0:
        await asyncio.sleep(1)
        return 0
    task = asyncio.create_task(task_depth(left - 1))
    return 1 + await task


@case
async def many_tasks_deep():
    reached = await task_depth(200)
    say(now(), reached)


async def produce(future):
    say("producing")
    await asyncio.sleep(1)
    future.set_result(42)
    say("produced")


@case
async def a_future_between_two_tasks():
    future = asyncio.Future()
    consumer = asyncio.create_task(get("consumer", future))
    producer = asyncio.create_task(produce(future))
    await producer
    say("the consumer is done", consumer.done())
    await consumer


@case
async def ensure_future_of_a_task_is_that_task():
    task = asyncio.create_task(count("task", 0))
    say(asyncio.ensure_future(task) is task)
    future = asyncio.Future()
    say(asyncio.ensure_future(future) is future)
    other = asyncio.ensure_future(count("other", 0))
    say(other.done())
    await other


async def spin(who, log, rounds):
    for _ in range(rounds):
        log.append(who)
        await asyncio.sleep(0)


@case
async def a_hundred_take_turns():
    log = []
    tasks = [asyncio.create_task(spin(i, log, 10)) for i in range(100)]
    for task in tasks:
        await task
    say(len(log), log == [*range(100)] * 10)


@case
def a_task_needs_a_loop():
    coroutine = nothing()
    say(raises(lambda: asyncio.create_task(coroutine)))
    say(raises(lambda: asyncio.current_task()))
    coroutine.close()


if __name__ == "__main__":
    main()
