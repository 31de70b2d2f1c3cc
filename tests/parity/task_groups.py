"""TaskGroup: nobody leaves the block before all children have ended."""

import asyncio

from parity import Loop, case, main, name, now, say


def names(error):
    """What is in a group of exceptions, and in the groups in it."""
    if isinstance(error, BaseExceptionGroup):
        return "[" + ", ".join(map(names, error.exceptions)) + "]"
    if isinstance(error, TimeoutError):
        return "TimeoutError"
    return name(error)


async def work(label, delay, result=0):
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(now(), label, "cancelled")
        raise
    say(now(), label, "done")
    return result


async def fail(label, delay):
    await asyncio.sleep(delay)
    say(now(), label, "fails")
    raise ValueError(label)


async def clumsy(label, delay):
    """Fails while it cleans up."""
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(now(), label, "fails in its clean-up")
        raise ValueError(label)


async def tidy(label, delay, clean_up):
    """Takes its time to clean up."""
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(now(), label, "cleans up")
        await asyncio.sleep(clean_up)
        say(now(), label, "is clean")
        raise


async def stubborn(label, delay, result):
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(now(), label, "does not mind")
    return result


@case
async def after_the_block_all_children_are_done():
    tasks = []
    async with asyncio.TaskGroup() as group:
        tasks.append(group.create_task(work("a", 2, 1)))
        tasks.append(group.create_task(work("b", 1, 2)))
        say(now(), "the body ends", tasks[0].done(), tasks[1].done())
    say(now(), tasks[0].result(), tasks[1].result())


@case
async def the_body_and_the_children_run_at_the_same_time():
    async with asyncio.TaskGroup() as group:
        group.create_task(work("a", 1))
        await work("body", 2)
        group.create_task(work("b", 1))
        say(now(), "the body ends")
    say(now(), "the block ends")


@case
async def a_group_without_children_is_done_at_once():
    async with asyncio.TaskGroup():
        say("the body")
    say(now(), "the block ends")


@case
async def the_body_can_await_a_child():
    async with asyncio.TaskGroup() as group:
        group.create_task(work("a", 2))
        result = await group.create_task(work("b", 1, 42))
        say(now(), "the body has", result)
    say(now(), "the block ends")


@case
async def a_child_has_the_name_it_was_given():
    async with asyncio.TaskGroup() as group:
        child = group.create_task(work("a", 1), name="nameable")
        say(child.get_name())


@case
async def a_cancelled_child_is_no_error():
    tasks = []
    async with asyncio.TaskGroup() as group:
        tasks.append(group.create_task(work("a", 5, 1)))
        tasks.append(group.create_task(work("b", 2, 2)))
        await asyncio.sleep(1)
        tasks[0].cancel()
    say(now(), tasks[0].cancelled(), tasks[1].result())


@case
async def a_failing_child_cancels_its_sibling():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("a", 1))
            group.create_task(work("b", 5))
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def a_failing_child_cancels_the_body():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("a", 1))
            await work("body", 5)
            say("not reached")
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def a_sibling_that_is_done_keeps_its_result():
    tasks = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks.append(group.create_task(work("a", 1, 42)))
            group.create_task(fail("b", 2))
    except ExceptionGroup as error:
        say(now(), names(error))
    say(tasks[0].result())


@case
async def a_sibling_that_does_not_mind_ends_as_it_likes():
    tasks = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks.append(group.create_task(stubborn("a", 5, 42)))
            group.create_task(fail("b", 1))
    except ExceptionGroup as error:
        say(now(), names(error))
    say(tasks[0].cancelled(), tasks[0].result())


@case
async def two_that_fail_together_are_both_in_the_group():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("a", 1))
            group.create_task(fail("b", 1))
            await work("body", 5)
    except ExceptionGroup as error:
        say(now(), names(error))
        say(error)


@case
async def one_error_is_a_group_too():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("a", 1))
    except ExceptionGroup as error:
        say(error)


@case
async def a_failing_body_cancels_the_children():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(work("a", 5))
            await fail("body", 1)
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def a_body_that_fails_at_once_never_starts_the_children():
    tasks = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks.append(group.create_task(work("a", 5)))
            raise ValueError("body")
    except ExceptionGroup as error:
        say(now(), names(error), tasks[0].cancelled())


@case
async def a_sibling_that_fails_in_its_clean_up_is_in_the_group():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("a", 1))
            group.create_task(clumsy("b", 5))
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def a_body_that_fails_in_its_clean_up_comes_last():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("a", 1))
            await clumsy("body", 5)
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def a_child_awaited_by_the_body_fails_only_once():
    try:
        async with asyncio.TaskGroup() as group:
            child = group.create_task(fail("a", 1))
            try:
                await child
            except ValueError:
                say("not reached")
            except asyncio.CancelledError:
                say(now(), "the body is cancelled first")
                raise
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def a_body_that_swallows_the_cancellation_saves_nothing():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("a", 1))
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                say(now(), "swallowed")
            await work("body", 1)
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def a_keyboard_interrupt_of_the_body_is_not_wrapped():
    async def interrupted():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise KeyboardInterrupt

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("a", 1))
            await interrupted()
    except KeyboardInterrupt:
        say(now(), "KeyboardInterrupt")


@case
async def the_block_waits_for_the_clean_up():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("a", 1))
            group.create_task(tidy("b", 5, 2))
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def whoever_failed_is_not_left_cancelled():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("a", 1))
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                say(now(), asyncio.current_task().cancelling())
                raise
    except ExceptionGroup as error:
        say(now(), names(error))
    say(asyncio.current_task().cancelling())
    await asyncio.sleep(1)
    say(now(), "end")


@case
async def cancelled_while_it_waits():
    async def parent():
        async with asyncio.TaskGroup() as group:
            group.create_task(work("child", 5))

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as error:
        say(now(), name(error))
    say(task.cancelled(), task.cancelling())


@case
async def cancelled_in_its_body():
    async def parent():
        async with asyncio.TaskGroup() as group:
            group.create_task(work("child", 5))
            await work("body", 5)

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as error:
        say(now(), name(error))
    say(task.cancelled(), task.cancelling())


@case
async def cancelled_an_error_in_the_clean_up_wins():
    async def parent():
        async with asyncio.TaskGroup() as group:
            group.create_task(clumsy("child", 5))

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
    except ExceptionGroup as error:
        say(now(), names(error))
    say(task.cancelled(), task.cancelling())


@case
async def cancelled_and_then_a_child_fails_during_the_clean_up():
    async def parent():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("child", 3))
            await tidy("body", 10, 5)

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
    except ExceptionGroup as error:
        say(now(), names(error))
    say(task.cancelled(), task.cancelling())


@case
async def cancelled_at_the_moment_a_child_fails():
    async def parent():
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail("child", 1))
                await work("body", 10)
        except ExceptionGroup as error:
            say(now(), names(error), asyncio.current_task().cancelling())
            raise

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
    except ExceptionGroup as error:
        say(now(), names(error))
    say(task.cancelled())


@case
async def cancelled_twice_it_still_waits_for_the_clean_up():
    async def parent():
        async with asyncio.TaskGroup() as group:
            group.create_task(tidy("child", 10, 5))

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        say(now(), "CancelledError", task.cancelling())


@case
async def cancelled_a_child_that_does_not_mind_holds_nobody_up():
    async def parent():
        async with asyncio.TaskGroup() as group:
            group.create_task(stubborn("child", 5, 42))

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        say(now(), "CancelledError", task.cancelled())


@case
async def nested_an_error_of_the_inner_group_has_two_layers():
    try:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(work("outer child", 5))
            async with asyncio.TaskGroup() as inner:
                inner.create_task(fail("inner child", 1))
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def nested_an_error_of_the_outer_group_cancels_the_inner():
    try:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(fail("outer child", 1))
            async with asyncio.TaskGroup() as inner:
                inner.create_task(work("inner child", 5))
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def nested_both_groups_have_an_error():
    try:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(fail("outer child", 1))
            async with asyncio.TaskGroup() as inner:
                inner.create_task(clumsy("inner child", 5))
    except ExceptionGroup as error:
        say(now(), names(error))
    say(asyncio.current_task().cancelling())


@case
async def nested_the_inner_error_can_be_caught():
    async with asyncio.TaskGroup() as outer:
        outer.create_task(work("outer child", 3))
        try:
            async with asyncio.TaskGroup() as inner:
                inner.create_task(fail("inner child", 1))
                await work("inner body", 5)
        except ExceptionGroup as error:
            say(now(), names(error))
        await work("outer body", 1)
    say(now(), "the outer block ends")


@case
async def a_child_may_have_a_group_of_its_own():
    async def child():
        async with asyncio.TaskGroup() as inner:
            inner.create_task(fail("grandchild", 1))

    try:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(child())
            outer.create_task(work("sibling", 5))
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def a_child_can_create_another():
    async with asyncio.TaskGroup() as group:

        async def child():
            await work("child", 1)
            group.create_task(work("another", 2))

        group.create_task(child())
        say(now(), "the body ends")
    say(now(), "the block ends")


@case
async def before_the_block_create_task_is_an_error():
    group = asyncio.TaskGroup()
    coroutine = work("a", 1)
    try:
        group.create_task(coroutine)
    except RuntimeError:
        say("not yet")
    coroutine.close()
    async with group:
        group.create_task(work("b", 1))


@case
async def after_the_block_create_task_is_an_error():
    group = asyncio.TaskGroup()
    async with group:
        group.create_task(work("a", 1))
    coroutine = work("b", 1)
    try:
        group.create_task(coroutine)
    except RuntimeError:
        say(now(), "no more")
    coroutine.close()


@case
async def while_it_shuts_down_create_task_is_an_error():
    group = asyncio.TaskGroup()

    async def child():
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            coroutine = work("another", 1)
            try:
                group.create_task(coroutine)
            except RuntimeError:
                say(now(), "no more")
            coroutine.close()
            raise

    try:
        async with group:
            group.create_task(fail("a", 1))
            group.create_task(child())
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def it_is_good_for_one_block():
    group = asyncio.TaskGroup()
    async with group:
        group.create_task(work("a", 1))
    try:
        async with group:
            say("not reached")
    except RuntimeError:
        say(now(), "not again")


@case
async def a_group_inside_a_timeout():
    try:
        async with asyncio.timeout(2):
            async with asyncio.TaskGroup() as group:
                group.create_task(work("a", 1))
                group.create_task(work("b", 5))
    except TimeoutError:
        say(now(), "TimeoutError", asyncio.current_task().cancelling())


@case
async def a_group_that_fails_inside_a_timeout():
    limit = asyncio.timeout(2)
    try:
        async with limit:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail("a", 1))
                group.create_task(work("b", 5))
    except ExceptionGroup as error:
        say(now(), names(error), limit.expired())


@case
async def a_child_that_fails_because_of_the_timeout_around():
    limit = asyncio.timeout(1)
    try:
        async with limit:
            async with asyncio.TaskGroup() as group:
                group.create_task(clumsy("a", 5))
    except ExceptionGroup as error:
        say(now(), names(error), limit.expired())
    say(asyncio.current_task().cancelling())


@case
async def a_timeout_inside_the_body():
    async with asyncio.TaskGroup() as group:
        group.create_task(work("child", 3))
        try:
            async with asyncio.timeout(1):
                await work("body", 5)
        except TimeoutError:
            say(now(), "TimeoutError")
    say(now(), "the block ends")


@case
async def a_timeout_inside_a_child_is_an_error_of_the_group():
    async def child():
        async with asyncio.timeout(1):
            await work("child", 5)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
            group.create_task(work("sibling", 3))
    except ExceptionGroup as error:
        say(now(), names(error))


@case
async def a_failing_child_ends_a_timeout_in_the_body_too():
    limit = asyncio.timeout(3)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("child", 1))
            async with limit:
                await work("body", 5)
    except ExceptionGroup as error:
        say(now(), names(error), limit.expired())


@case
async def a_child_that_gathers_is_cancelled_with_all_it_gathers():
    async def child():
        await asyncio.gather(work("a", 5), work("b", 5))

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
            group.create_task(fail("sibling", 1))
    except ExceptionGroup as error:
        say(now(), names(error))


async def holds(group):
    async with group:
        await asyncio.sleep(2)


@case
def a_child_from_between_two_runs_is_of_the_parents_loop():
    loop = Loop()
    group = asyncio.TaskGroup()
    parent = loop.create_task(holds(group))
    loop.call_later(1, loop.stop)
    loop.run_forever()
    child = group.create_task(asyncio.sleep(3))
    loop.run_until_complete(parent)
    say(child.done(), loop.time())
    loop.close()


if __name__ == "__main__":
    main()
