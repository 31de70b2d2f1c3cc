"""What Python's asyncio makes of a script: the model of schedules.py."""

import asyncio
import functools
import gc
import heapq
import itertools
import re
from dataclasses import dataclass

from schedule_scripts import COMPOUND, PAUSES, places

# The same in schedules.cpp.
TICKS_PER_SECOND = 8
FUEL = 250
MOST_TASKS = 30
BEAT_TICKS = 64
LAST_BEAT = 12

# ---- What is different ---------------------------------------------------
#
# The appendix of the book ("What is different, and why") has these; the model
# does as C++ does, so that everything else can be compared:
#
# - timers with equal deadlines run first-in, first-out;
# - the message of a cancelled task reaches everybody who asks;
# - a group, and the end of run(), cancel in the order of creation, and wait()
#   goes through its argument in order;
# - what was awaited wrongly (by itself, or by another loop's task) can still be
#   awaited by others;
# - a gather that was cancelled, and whose last child was not, says no more;
# - wait() and shield() of another loop's future are a ValueError at once, and a
#   gather that refuses one leaves the others alone.
#
# A script keeps gathers and shields until its end, and gives as_completed at
# most one that is done already, so that two more differences do not show.
#
# Tasks that wait for each other in a ring cannot be cancelled. In CPython that
# is a RecursionError, wherever it comes up, and each of them counts as
# cancelled some hundred times. A schedule is not compared any further when that
# error comes up within asyncio, or when something asks for the count.


class Timer(asyncio.TimerHandle):
    __slots__ = ("number",)
    numbers = itertools.count()

    def __lt__(self, other):
        return (self._when, self.number) < (other._when, other.number)


class InOrder(dict):
    """A set that remembers the order."""

    def __init__(self, items=()):
        super().__init__(dict.fromkeys(items))

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


def keep_message(task):
    """A cancelled task gives its message away once, and then has none."""
    args = task._make_cancelled_error().args if task.cancelled() else ()
    task._cancel_message = args[0] if args else None


class Loop(asyncio.BaseEventLoop):
    """A loop whose clock begins at 0 and jumps to the next timer."""

    def __init__(self):
        super().__init__()
        # Whatever PYTHONASYNCIODEBUG says.
        self.set_debug(False)
        self.virtual_time = 0.0
        self._clock_resolution = 1e-9
        self._selector = self
        self.tasks = []
        self.wrongly_awaited = None

    def time(self):
        return self.virtual_time

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("nothing left to wait for")
        self.virtual_time += timeout
        return []

    def _process_events(self, events):
        pass

    def _write_to_self(self):
        pass

    def call_at(self, when, callback, *args, context=None):
        self._check_closed()
        timer = Timer(when, callback, args, self, context)
        timer.number = next(Timer.numbers)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def call_soon(self, callback, *args, context=None):
        # Asked for as a task ends: nobody has come before.
        if callback is keep_message:
            keep_message(*args)
            return None
        if self.wrongly_awaited:
            self.wrongly_awaited._asyncio_future_blocking = False
            self.wrongly_awaited = None
        return super().call_soon(callback, *args, context=context)

    def create_task(self, coroutine, *, name=None, context=None):
        self._check_closed()
        task = asyncio.Task(coroutine, loop=self, name=name, context=context)
        task.add_done_callback(keep_message)
        self.tasks.append(task)
        return task


def all_tasks(loop=None):
    """In the order of their creation."""
    loop = loop or asyncio.get_running_loop()
    return [task for task in loop.tasks if not task.done()]


# What a future that is shown says of its callbacks: nothing, in C++.
CALLBACKS = " cb=[...]"


def adapt_asyncio():
    """For this process."""
    asyncio.tasks.all_tasks = all_tasks
    asyncio.tasks.set = InOrder
    asyncio.base_futures._format_callbacks = lambda _: CALLBACKS.strip()
    # Until 3.11.2 a timeout was blind to who had asked for the cancellation of
    # its task before.
    timeout = asyncio.Timeout
    if "_cancelling" in timeout.__aenter__.__code__.co_names:
        return
    enter, leave = timeout.__aenter__, timeout.__aexit__

    async def aenter(self):
        self._cancelling = asyncio.current_task().cancelling()
        return await enter(self)

    async def aexit(self, kind, error, traceback):
        expiring = self._state is asyncio.timeouts._State.EXPIRING
        await leave(self, None, None, None)
        if (
            expiring
            and self._task.cancelling() <= self._cancelling
            and kind is asyncio.CancelledError
        ):
            raise TimeoutError from error

    timeout.__aenter__, timeout.__aexit__ = aenter, aexit


# ---- The model -----------------------------------------------------------


class Boom(Exception):
    pass


def told(value):
    """A result or an exception, in words that both halves use."""
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(map(told, value))}]"
    if isinstance(value, BaseExceptionGroup):
        return f"Group({', '.join(map(told, value.exceptions))})"
    if isinstance(value, Boom):
        return f"Boom {value}"
    if isinstance(value, asyncio.CancelledError):
        return f"Cancelled {value}".rstrip()
    if isinstance(value, RecursionError):
        World.ring = True
    if isinstance(value, BaseException):
        for kind, word in (
            (asyncio.InvalidStateError, "InvalidState"),
            (TimeoutError, "Timeout"),
            (KeyboardInterrupt, "Interrupt"),
            (ValueError, "Value"),
            # asyncio's asserts of 3.11.2 are errors later, and TypeError is
            # what C++ has no other word for.
            ((RuntimeError, TypeError, AssertionError), "Misuse"),
        ):
            if isinstance(value, kind):
                return word
        return f"unknown: {value!r}"
    return str(value)


def state_of(future):
    if future.cancelled():
        return "cancelled"
    return "done" if future.done() else "pending"


def make_error(words):
    what, *rest = words
    if what == "cancelled":
        return asyncio.CancelledError(*rest)
    if what == "interrupt":
        return KeyboardInterrupt()
    if what == "timeout":
        return TimeoutError()
    return Boom(what)


def is_caught(kind, error):
    if isinstance(error, asyncio.CancelledError):
        return kind != "error"
    if isinstance(error, Exception):
        return kind != "cancelled"
    return kind == "any"


def delay_of(word):
    return None if word == "none" else int(word) / TICKS_PER_SECOND


@dataclass
class Variable:
    """What it holds, of the kind that C++ has a type for."""

    future: object = None
    # "future", "task", "numbers", or another.
    kind: str = ""
    plain: bool = False

    def is_number(self):
        return self.kind in ("future", "task")


NOTHING = Variable()


class Context:
    """Who runs an instruction, and what has been caught."""

    def __init__(self, who, caught=None):
        self.who = who
        self.caught = caught


@dataclass
class Outcome:
    """What a half has made of a script."""

    lines: list
    # Whether what comes after these lines is to be compared as well.
    is_whole: bool = True
    # How the C++ half has ended, if it has ended there, and what it said.
    crash: str = ""
    errors: str = ""


# What asks how often a task was cancelled.
COUNTS = {"cancelling", "uncancel", "timeout", "group", "repr"}


class World:
    """A schedule while it runs."""

    # Whether an error that came of a ring of tasks was told.
    ring = False

    def __init__(self, script):
        self.script = script
        World.ring = False
        self.lines = []
        # How many of them are compared, if not all.
        self.limit = None
        words = {block[i].operation for block, i in places(script)}
        self.counts = bool(words & COUNTS)
        self.unretrieved = []
        self.forget()
        self.fuel = FUEL
        self.started = self.live = self.spawned = self.beats = 0
        self.main_done = self.over = self.quiet = False
        # Nobody runs it.
        self.other_loop = None

    def forget(self):
        self.variables = {}
        self.registrations = {}
        self.handles = {}
        self.groups = {}
        self.timeouts = {}
        self.iterations = {}
        self.attic = []
        self.made = []

    # -- From outside

    def run(self):
        if self.script.mode == "runner":
            self.run_by_runner()
        else:
            self.run_by_loop()
        self.clear()
        lines = [normal(line) for line in self.lines[: self.limit]]
        return Outcome(lines, is_whole=self.limit is None)

    def prepare(self):
        self.loop = loop = Loop()
        loop.set_exception_handler(self.report)
        loop.call_later(BEAT_TICKS / TICKS_PER_SECOND, self.beat)
        return loop

    def run_by_loop(self):
        loop = self.prepare()
        main = loop.create_task(self.routine("c0"), name="main")
        self.assign("main", main, "task")
        while not main.done() and not self.over:
            self.attempt("main", lambda: loop.run_until_complete(main))
        self.main_done = True
        while not self.over:
            self.attempt("forever", lambda: loop.run_forever() or "stopped")
        self.say("driver", f"{len(all_tasks(loop))} stuck")
        self.attempt("close", lambda: loop.close() or "")
        self.run_after()

    def run_after(self):
        """What the closed loop is asked."""
        # In C++ those that are stuck are gone now.
        if not self.live:
            context = Context("after")
            for each in self.block("after"):
                self.run_sync(each, context)

    def run_by_runner(self):
        runner = asyncio.Runner(loop_factory=self.prepare)
        runner.get_loop()
        self.attempt("run", lambda: runner.run(self.routine("c0")))
        if self.script.mode == "runner2":
            self.attempt("run", lambda: runner.run(self.routine("c1")))
        self.main_done = True
        self.attempt("close", lambda: runner.close() or "")
        self.say("driver", f"closed: {self.loop.is_closed()}")
        self.run_after()

    def attempt(self, what, call):
        try:
            text = told(call())
        except BaseException as error:
            text = f"! {told(error)}"
        self.say("driver", f"{what}: {text}")

    def beat(self):
        """Wakes whoever would wait for ever, and sees when all is over."""
        self.beats += 1
        tasks = all_tasks(self.loop)
        self.say("beat", str(len(tasks)))
        self.over = self.beats == LAST_BEAT or self.main_done and not tasks
        if self.over:
            self.loop.stop()
            return
        for future in self.made:
            if not future.done():
                future.set_result(self.beats)
        for task in tasks:
            if self.beats > 2 and not task.done():
                try:
                    task.cancel()
                except RecursionError:
                    self.say("beat", f"cancel {self.ring_cancelled()}")
        self.loop.call_later(BEAT_TICKS / TICKS_PER_SECOND, self.beat)

    def clear(self):
        """Lets go of everything, and tells what nobody has asked for."""
        self.quiet = True
        if self.other_loop:
            self.other_loop.close()
            self.other_loop.tasks.clear()
        self.forget()
        self.loop.tasks.clear()
        gc.collect()
        self.lines += [f"end {each}" for each in sorted(self.unretrieved)]
        # No more rings: nobody looks for them once this schedule is over.
        for loop in filter(None, (self.loop, self.other_loop)):
            loop._selector = None
            loop.set_exception_handler(None)

    def report(self, loop, context):
        message = context["message"].split(" for ")[0].split(" <")[0]
        if message.startswith("Exception in callback"):
            message = "Exception in callback"
        message = message.replace("_GatheringFuture", "Future")
        # Those that are stuck are told already.
        if message.startswith("Task was destroyed"):
            return
        error = context.get("exception")
        told_message = message + (f": {told(error)}" if error else "")
        if message.endswith(" was never retrieved"):
            self.unretrieved.append(told_message)
        else:
            self.say("loop", told_message)

    # -- Telling

    def ticks(self, seconds):
        return round(seconds * TICKS_PER_SECOND)

    def say(self, who, text):
        if World.ring and self.limit is None:
            self.limit = len(self.lines)
        if not self.quiet:
            self.lines.append(f"{self.ticks(self.loop.time())} {who} {text}")

    def tell(self, context, it, text):
        self.say(context.who, f"{it}: {text}")

    # -- Coroutines and callbacks

    async def routine(self, number):
        self.started += 1
        self.live += 1
        context = Context(f"{number}.{self.started}")
        self.say(context.who, "begins")
        try:
            returned = await self.run_block(self.block(number), context)
        except GeneratorExit:
            raise
        except BaseException as error:
            self.live -= 1
            self.say(context.who, f"raises {told(error)}")
            raise
        self.live -= 1
        result = returned or 0
        self.say(context.who, f"returns {result}")
        return result

    def block(self, name):
        return self.script.blocks.get(name, [])

    def burn(self):
        self.fuel -= 1
        return self.fuel >= 0

    async def run_block(self, block, context):
        for each in block:
            if not self.burn():
                return 0
            returned = None
            operation = each.operation
            if operation == "return":
                return int(each.words[1])
            if operation in COMPOUND:
                returned = await self.run_compound(each, context)
            elif operation in PAUSES:
                await self.run_pausing(each, context)
            else:
                self.run_sync(each, context)
            if returned is not None:
                return returned
        return None

    async def run_compound(self, it, context):
        operation, *words = it.words
        if operation == "try":
            return await self.run_try(it, context)
        self.tell(context, it, "enters")
        try:
            if operation == "group":
                manager = asyncio.TaskGroup()
                manager._tasks = InOrder()
                self.keep(self.groups, words[0], manager)
            else:
                manager = asyncio.timeout(delay_of(words[1]))
                self.keep(self.timeouts, words[0], manager)
            async with manager:
                returned = await self.run_block(it.blocks[0], context)
        except GeneratorExit:
            raise
        except BaseException as error:
            self.tell(context, it, f"! {told(error)}")
            raise
        self.tell(context, it, "leaves")
        return returned

    async def run_try(self, it, context):
        try:
            return await self.run_block(it.blocks[0], context)
        except GeneratorExit:
            raise
        except BaseException as error:
            if not is_caught(it.words[1], error):
                raise
            self.tell(context, it, f"caught {told(error)}")
            handler = Context(context.who, error)
            return await self.run_block(it.blocks[1], handler)

    def call(self, number, future=None):
        self.started += 1
        context = Context(f"{number}.{self.started}")
        argument = f" with one that is {state_of(future)}" if future else ""
        self.say(context.who, f"begins{argument}")
        for each in self.block(number):
            if self.burn():
                self.run_sync(each, context)

    # -- Instructions that pause

    async def run_pausing(self, it, context):
        try:
            text = await getattr(self, f"pause_{it.operation}")(*it.words[1:])
        except GeneratorExit:
            raise
        except BaseException as error:
            self.tell(context, it, f"! {told(error)}")
            raise
        self.tell(context, it, text)

    async def pause_sleep(self, delay, *result):
        return await asyncio.sleep(delay_of(delay), *result) or ""

    async def pause_awaitany(self, name):
        if not self.find(name):
            return "none"
        self.is_awaited(name)
        await self.find(name)
        return ""

    async def pause_await(self, name):
        if not self.find(name):
            return "none"
        self.is_awaited(name)
        return told(await self.find(name))

    def is_awaited(self, name):
        future = self.find(name)
        if future is asyncio.current_task() or self.is_foreign(future):
            if not future.done():
                self.loop.wrongly_awaited = future

    def is_foreign(self, future):
        return future.get_loop() is not self.loop

    async def pause_wait(self, when, delay, *names):
        names = {name: self.find(name) for name in names if self.find(name)}
        if any(map(self.is_foreign, names.values())):
            raise ValueError
        done, pending = await asyncio.wait(
            names.values(),
            timeout=delay_of(delay),
            return_when={
                "first": asyncio.FIRST_COMPLETED,
                "exception": asyncio.FIRST_EXCEPTION,
                "all": asyncio.ALL_COMPLETED,
            }[when],
        )
        told_names = [name for name in names if names[name] in done]
        return f"{len(done)} done, {len(pending)} pending: {told(told_names)}"

    async def pause_waitfor(self, name, delay):
        if self.variable(name).kind not in ("future", "task", "numbers"):
            return "none"
        if delay == "none":
            self.is_awaited(name)
        return told(await asyncio.wait_for(self.find(name), delay_of(delay)))

    async def pause_waitforc(self, number, delay):
        if self.is_full():
            return "full"
        return told(
            await asyncio.wait_for(self.routine(number), delay_of(delay))
        )

    async def pause_next(self, name):
        iteration = self.iterations.get(name)
        if not iteration:
            return "none"
        generator, *first = iteration
        del iteration[1:]
        one = first[0] if first else next(generator, None)
        return told(await one) if one else "exhausted"

    # -- Instructions that do not

    def run_sync(self, it, context):
        operation, *words = it.words
        if operation == "raise":
            self.tell(context, it, "")
            raise make_error(words)
        if operation == "reraise":
            self.tell(context, it, "" if context.caught else "none")
            if context.caught:
                raise context.caught
            return
        try:
            text = getattr(self, f"call_{operation}")(*words)
        except BaseException as error:
            text = f"! {told(error)}"
        self.tell(context, it, text)

    def keep(self, names, name, added):
        self.attic.append(names.get(name))
        names[name] = added

    def assign(self, name, future, kind, plain=False):
        self.keep(self.variables, name, Variable(future, kind, plain))
        return ""

    def variable(self, name):
        return self.variables.get(name, NOTHING)

    def find(self, name):
        if name == "me":
            return asyncio.current_task()
        return self.variable(name).future

    def find_task(self, name):
        if name == "me" or self.variable(name).kind == "task":
            return self.find(name)
        return None

    def call_foreign(self, name):
        if not self.other_loop:
            self.other_loop = Loop()
            self.other_loop.set_exception_handler(self.report)
        future = self.other_loop.create_future()
        return self.assign(name, future, "future", plain=True)

    def call_close(self):
        self.loop.close()
        return ""

    def call_nested(self, name):
        if not self.find(name):
            return "none"
        return told(self.loop.run_until_complete(self.find(name)))

    def is_full(self):
        self.spawned += 1
        return self.spawned > MOST_TASKS

    def call_future(self, name):
        future = self.loop.create_future()
        self.made.append(future)
        return self.assign(name, future, "future", plain=True)

    def call_spawn(self, name, number):
        if self.is_full():
            return "full"
        task = self.loop.create_task(self.routine(number), name=f"n{name}")
        return self.assign(name, task, "task")

    def call_gspawn(self, group, name, number):
        group = self.groups.get(group)
        if not group or self.is_full():
            return "full" if group else "none"
        task = group.create_task(self.routine(number), name=f"n{name}")
        return self.assign(name, task, "task")

    def call_state(self, name):
        return state_of(self.find(name)) if self.find(name) else "none"

    def call_result(self, name):
        return told(self.find(name).result()) if self.find(name) else "none"

    def call_exception(self, name):
        return told(self.find(name).exception()) if self.find(name) else "none"

    def call_cancel(self, name, message=None):
        it = self.find(name)
        try:
            return str(it.cancel(message)) if it else "none"
        except RecursionError:
            return self.ring_cancelled()

    def ring_cancelled(self):
        if self.counts and self.limit is None:
            self.limit = len(self.lines) + 1
        return "! Misuse"

    def call_cancelling(self, name):
        task = self.find_task(name)
        return str(task.cancelling()) if task else "none"

    def call_uncancel(self, name):
        task = self.find_task(name)
        return str(task.uncancel()) if task else "none"

    def settable(self, name):
        variable = self.variable(name)
        return variable.plain or variable.kind == "task"

    def call_set(self, name, value):
        if not self.settable(name):
            return "none"
        self.find(name).set_result(int(value))
        return ""

    def call_fail(self, name, *error):
        if not self.settable(name):
            return "none"
        self.find(name).set_exception(make_error(error))
        return ""

    def call_addcb(self, registration, name, number):
        if not self.find(name):
            return "none"
        callback = functools.partial(self.call, number)
        self.find(name).add_done_callback(callback)
        self.registrations[registration] = self.find(name), callback
        return ""

    def call_rmcb(self, registration):
        if registration not in self.registrations:
            return "none"
        future, callback = self.registrations[registration]
        return str(future.remove_done_callback(callback))

    def call_soon(self, handle, number):
        self.handles[handle] = self.loop.call_soon(self.call, number)
        return ""

    def call_later(self, handle, delay, number):
        self.handles[handle] = self.loop.call_later(
            delay_of(delay), self.call, number
        )
        return ""

    def call_hcancel(self, handle):
        if handle not in self.handles:
            return "none"
        self.handles[handle].cancel()
        return ""

    def call_hstate(self, handle):
        found = self.handles.get(handle)
        if not found:
            return "none"
        if not isinstance(found, Timer):
            return str(found.cancelled())
        return f"{found.cancelled()} {self.ticks(found.when())}"

    def call_stop(self):
        self.loop.stop()
        return ""

    def call_gather(self, target, whether, *names):
        found = [self.variable(name) for name in names]
        numbers = [each.future for each in found if each.is_number()]
        lists = [each.future for each in found if each.kind == "numbers"]
        outcomes = whether == "outcomes"
        self.check_loops(numbers or lists)
        if lists and not numbers:
            return self.assign(target, asyncio.gather(*lists), "lists")
        gathered = asyncio.gather(*numbers, return_exceptions=outcomes)
        kind = "outcomes" if outcomes else "numbers"
        return self.assign(target, gathered, kind)

    def check_loops(self, futures):
        if len({future.get_loop() for future in futures}) > 1:
            raise ValueError

    def call_gather0(self, target):
        return self.assign(target, asyncio.gather(), "tuple")

    def call_gather1(self, target, name):
        if not self.variable(name).is_number():
            return "none"
        return self.assign(target, asyncio.gather(self.find(name)), "tuple")

    def call_gatherc(self, target, whether, *numbers):
        coroutines = []
        for number in numbers:
            if self.is_full():
                return "full"
            coroutines.append(self.routine(number))
        outcomes = whether == "outcomes"
        gathered = asyncio.gather(*coroutines, return_exceptions=outcomes)
        kind = "outcomes" if outcomes else "numbers"
        return self.assign(target, gathered, kind)

    def call_gatherm(self, target, whether, name, number):
        is_future = self.variable(name).kind == "future"
        if not is_future or self.is_full():
            return "full" if is_future else "none"
        if whether == "outcomes":
            gathered = asyncio.gather(
                self.find(name), self.routine(number), return_exceptions=True
            )
        else:
            task = asyncio.ensure_future(self.routine(number), loop=self.loop)
            self.check_loops([task, self.find(name)])
            gathered = asyncio.gather(task, self.find(name))
        return self.assign(target, gathered, "tuple")

    def call_shield(self, target, name):
        variable = self.variable(name)
        if not variable.is_number() and variable.kind != "numbers":
            return "none"
        if self.is_foreign(variable.future):
            raise ValueError
        kind = "future" if variable.is_number() else "numbers"
        return self.assign(target, asyncio.shield(variable.future), kind)

    def call_shieldc(self, target, number):
        if self.is_full():
            return "full"
        shield = asyncio.shield(self.routine(number))
        return self.assign(target, shield, "future")

    def call_iter(self, iteration, delay, *names):
        futures = []
        one_is_done = False
        for name in names:
            variable = self.variable(name)
            if variable.is_number():
                is_done = variable.future.done()
                if not (is_done and one_is_done):
                    futures.append(variable.future)
                one_is_done = one_is_done or is_done
        generator = asyncio.as_completed(futures, timeout=delay_of(delay))
        added = [generator]
        self.keep(self.iterations, iteration, added)
        first = next(generator, None)
        if first:
            added.append(first)
        return ""

    def call_reschedule(self, limit, delay):
        if limit not in self.timeouts:
            return "none"
        when = delay_of(delay)
        if when is not None:
            when += self.loop.time()
        self.timeouts[limit].reschedule(when)
        return ""

    def call_ostate(self, limit):
        found = self.timeouts.get(limit)
        if not found:
            return "none"
        when = found.when()
        when = None if when is None else self.ticks(when)
        return f"{found.expired()} {when}"

    def call_repr(self, name):
        return repr(self.find(name)) if self.find(name) else "none"

    def task_name(self, task):
        name = task.get_name()
        return "Task" if name.startswith("Task-") else name

    def call_tasks(self):
        return told([self.task_name(task) for task in all_tasks()])

    def call_current(self):
        task = asyncio.current_task()
        return self.task_name(task) if task else "None"

    def call_drop(self, name):
        if not self.find(name) or not self.find(name).done():
            return "none"
        del self.variables[name]
        return ""


def model(script):
    # What is here already is no business of the garbage collector's.
    gc.freeze()
    return World(script).run()


def normal(line):
    """What a repr says on both sides."""
    if " repr " not in line:
        return line
    line = line.replace(CALLBACKS, "").replace("_GatheringFuture", "Future")
    line = re.sub(r"coro=<\S+\(\) (running|done)[^>]*>", r"coro=<\1>", line)
    line = re.sub(r"name='Task-\d+'", "name='Task'", line)
    line = re.sub(r" exception=.*?(>*)$", r" exception\1", line)
    return re.sub(r" result=(?!\d+>).*?(>*)$", r" result\1", line)
