"""Attempts that begin one after the other, before the earlier ones failed."""

import asyncio
from asyncio.staggered import staggered_race

from parity import case, main, name, now, say


async def attempt(label, delay, fails=False):
    say(now(), label, "begins")
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        say(now(), label, "cancelled")
        raise
    say(now(), label, "fails" if fails else "ends")
    if fails:
        raise ValueError(label)
    return label


async def tidies(label):
    say(now(), label, "begins")
    try:
        await asyncio.sleep(100)
    finally:
        await asyncio.sleep(1)
        say(now(), label, "is tidy")


async def race(attempts, delay):
    winner, _, errors = await staggered_race(attempts, delay)
    say(now(), winner if winner else "nobody")
    if not winner:
        for error in errors:
            say(name(error))


@case
async def the_first_is_quick():
    await race([
        lambda: attempt("one", 1),
        lambda: attempt("two", 1),
    ], 2)


@case
async def the_second_overtakes():
    await race([
        lambda: attempt("one", 10),
        lambda: attempt("two", 1),
    ], 2)


@case
async def the_first_is_slow_and_wins():
    await race([
        lambda: attempt("one", 5),
        lambda: attempt("two", 10),
        lambda: attempt("three", 10),
    ], 2)


@case
async def one_that_fails_hurries_the_next():
    await race([
        lambda: attempt("one", 1, True),
        lambda: attempt("two", 1),
    ], 5)


@case
async def an_earlier_one_that_fails_hurries_nobody():
    await race([
        lambda: attempt("one", 3, True),
        lambda: attempt("two", 10),
        lambda: attempt("three", 1),
    ], 2)


@case
async def all_fail():
    await race([
        lambda: attempt("one", 1, True),
        lambda: attempt("two", 1, True),
    ], 5)


@case
async def all_fail_in_another_order():
    await race([
        lambda: attempt("one", 5, True),
        lambda: attempt("two", 1, True),
    ], 2)


@case
async def the_last_one_wins_after_all_others_failed():
    await race([
        lambda: attempt("one", 1, True),
        lambda: attempt("two", 1, True),
        lambda: attempt("three", 1),
    ], 5)


@case
async def nobody_takes_part():
    await race([], 1)


@case
async def one_takes_part():
    await race([lambda: attempt("one", 5)], 1)


@case
async def one_takes_part_and_fails():
    await race([lambda: attempt("one", 5, True)], 1)


@case
async def without_delay():
    await race([
        lambda: attempt("one", 3),
        lambda: attempt("two", 1),
        lambda: attempt("three", 2),
    ], 0)


@case
async def the_race_is_cancelled():
    task = asyncio.create_task(race([
        lambda: attempt("one", 10),
        lambda: attempt("two", 10),
    ], 2))
    await asyncio.sleep(3)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as error:
        say(now(), name(error))
    await asyncio.sleep(1)


@case
async def one_that_lost_tidies_up():
    await race([
        lambda: tidies("one"),
        lambda: attempt("two", 1),
    ], 2)
    await asyncio.sleep(5)


if __name__ == "__main__":
    main()
