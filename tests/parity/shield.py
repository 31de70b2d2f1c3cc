"""shield(): whoever awaits may be cancelled, the inner goes on."""

import asyncio

from parity import case, differs, main, name, now, say


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


@case
async def the_result_comes_through():
    result = await asyncio.shield(work("inner", 1, 42))
    say(now(), result)


@case
async def an_exception_comes_through():
    try:
        await asyncio.shield(fail("inner", 1))
    except ValueError as error:
        say(now(), name(error))


@case
async def the_inner_goes_on_when_the_outer_is_cancelled():
    inner = asyncio.create_task(work("inner", 2, 42))
    outer = asyncio.shield(inner)
    await asyncio.sleep(1)
    say(now(), outer.cancel("stop"), outer.cancelled(), inner.cancelled())
    try:
        await outer
    except asyncio.CancelledError as error:
        say(now(), name(error))
    result = await inner
    say(now(), result)


@case
async def the_inner_goes_on_when_whoever_awaits_is_cancelled():
    inner = asyncio.create_task(work("inner", 2, 42))

    async def waiting():
        try:
            await asyncio.shield(inner)
        except asyncio.CancelledError as error:
            say(now(), "waiting", name(error))
            raise

    waiter = asyncio.create_task(waiting())
    await asyncio.sleep(1)
    waiter.cancel("stop")
    try:
        await waiter
    except asyncio.CancelledError:
        say(now(), waiter.cancelled(), inner.done())
    result = await inner
    say(now(), result)


@case
async def cancelled_it_can_still_ask_for_the_result():
    inner = asyncio.create_task(work("inner", 2, 42))

    async def waiting():
        try:
            return await asyncio.shield(inner)
        except asyncio.CancelledError:
            say(now(), "not yet")
        return await inner

    waiter = asyncio.create_task(waiting())
    await asyncio.sleep(1)
    waiter.cancel()
    result = await waiter
    say(now(), result, waiter.cancelled())


@case
async def it_does_not_protect_from_a_cancellation_of_the_inner():
    inner = asyncio.create_task(work("inner", 2, 42))
    outer = asyncio.shield(inner)
    await asyncio.sleep(1)
    inner.cancel("stop")
    try:
        await outer
    except asyncio.CancelledError:
        say(now(), outer.cancelled(), inner.cancelled())


@case
async def the_shield_of_what_is_done_is_that_itself():
    inner = asyncio.get_running_loop().create_future()
    before = asyncio.shield(inner)
    inner.set_result(42)
    after = asyncio.shield(inner)
    say(before is inner, after is inner)
    say(before.done(), after.done())
    first = await before
    second = await after
    say(first, second)


@case
async def an_exception_behind_an_abandoned_shield_is_reported():
    outer = asyncio.shield(fail("inner", 2))
    await asyncio.sleep(1)
    outer.cancel()
    await asyncio.sleep(2)
    say(now(), "end")


@case
@differs
async def an_exception_behind_a_forgotten_shield_is_reported_as_its_own():
    asyncio.shield(fail("inner", 1))
    await asyncio.sleep(2)
    say(now(), "end")


@case
async def a_shielded_gather_goes_on():
    inner = asyncio.gather(work("a", 2, 1), work("b", 3, 2))
    outer = asyncio.shield(inner)
    await asyncio.sleep(1)
    outer.cancel()
    try:
        await outer
    except asyncio.CancelledError:
        say(now(), outer.cancelled(), inner.done())
    a, b = await inner
    say(now(), a, b)


@case
async def a_gather_of_shields_cancels_only_the_shields():
    a = asyncio.create_task(work("a", 2, 1))
    b = asyncio.create_task(work("b", 3, 2))
    shield_a = asyncio.shield(a)
    shield_b = asyncio.shield(b)
    outer = asyncio.gather(shield_a, shield_b)
    await asyncio.sleep(1)
    outer.cancel()
    try:
        await outer
    except asyncio.CancelledError:
        say(now(), shield_a.cancelled(), shield_b.cancelled())
    say(a.cancelled(), b.cancelled())
    first, second = await asyncio.gather(a, b)
    say(now(), first, second)


if __name__ == "__main__":
    main()
