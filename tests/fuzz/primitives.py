#!/usr/bin/env python3
"""Random programs of locks and queues: asyncio's own, and this one, in C++.

A program is a few tasks that acquire, wait, notify, put, get and cancel each
other on a virtual clock, written as a script. As in schedules.py it is made
here of a seed, carried out by Python's asyncio and by primitives.cpp, and the
lines of both have to be equal.

  primitives.py --seed 7                 prints the script of a seed
  primitives.py PROGRAM [--seconds S] [--count N] [--seed N]

Where C++ does otherwise, the model does so, too: a notified waiter of a
condition that is cancelled before it can go on wakes the next one, as CPython's
does from 3.13 on.
"""

import argparse
import asyncio
import contextlib
import gc
import random
import sys
import time

from schedule_model import Loop, Outcome
from schedules import Program, differ, show

TICKS_PER_SECOND = 8
LAST_TICK = 80

# ---- Scripts -------------------------------------------------------------

LOCKS = ["l0", "l1", "c0", "c1", "s0", "s1", "s2"]
CONDITIONS = ["c0", "c1"]
BARRIERS = ["b0", "b1"]
QUEUES = ["q0", "q1", "q2"]
ALL = [*LOCKS, "e0", *BARRIERS, *QUEUES]
COMPOUND = ("with", "try")

WORDS = {
    "sleep": 6,
    "with": 5,
    "try": 5,
    "acquire": 1,
    "release": 1,
    "wait": 5,
    "waitfor": 1,
    "bump": 1,
    "notify": 3,
    "set": 2,
    "clear": 1,
    "reset": 0.5,
    "abort": 0.3,
    "put": 4,
    "get": 4,
    "putnow": 1,
    "getnow": 1,
    "done": 2,
    "join": 1,
    "cancel": 4,
    "state": 1,
}


class Script:
    """Lines, each a list of words; "task", "with" and "try" open a block."""

    def __init__(self, name, lines):
        self.name = name
        self.lines = lines

    def __str__(self):
        text = [f"schedule {self.name}"]
        indent = ""
        for words in self.lines:
            if words[0] == "end":
                indent = indent[2:]
            text.append(indent + " ".join(words))
            if words[0] in ("task", *COMPOUND):
                indent += "  "
        return "\n".join([*text, "run\n"])

    def smaller(self):
        """The same without some line, or block, or what surrounds it."""
        for place, words in enumerate(self.lines):
            if words[0] == "end":
                continue
            last = place
            if words[0] in ("task", *COMPOUND):
                deep = 1
                while deep:
                    last += 1
                    deep += self.lines[last][0] in ("task", *COMPOUND)
                    deep -= self.lines[last][0] == "end"
            lines = self.lines
            yield Script(self.name, lines[:place] + lines[last + 1 :])
            if words[0] in COMPOUND:
                inner = lines[place + 1 : last]
                yield Script(
                    self.name, lines[:place] + inner + lines[last + 1 :]
                )


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.name = str(seed)
        self.tasks = self.random.randint(2, 6)
        # Few objects, so that they meet.
        self.objects = self.random.sample(ALL, self.random.randint(1, 3))
        self.weights = {
            word: weight * self.random.choice((0.2, 1, 1, 3))
            for word, weight in WORDS.items()
        }

    def script(self):
        lines = []
        for number in range(self.tasks):
            lines.append(["task", f"t{number}"])
            lines += self.block(self.random.randint(1, 7), 2)
            lines.append(["end"])
        return Script(self.name, lines)

    def some(self, names):
        known = [each for each in self.objects if each in names]
        return self.random.choice(known or names)

    def is_known(self, names):
        return any(each in names for each in self.objects)

    def block(self, length, deep):
        lines = []
        while length > 0:
            lines += self.line(deep)
            length -= 1
        return lines

    def line(self, deep):
        word = self.random.choices(
            [*self.weights], [*self.weights.values()]
        )[0]
        choose = self.random.choice
        if word in COMPOUND:
            if not deep:
                return [["sleep", choose("01")]]
            inner = self.block(self.random.randint(1, 4), deep - 1)
            words = [word]
            if word == "with":
                if not self.is_known(LOCKS + BARRIERS):
                    return inner
                words.append(self.some(LOCKS + BARRIERS))
                if words[1] in CONDITIONS and self.random.random() < 0.7:
                    what = choose(("wait", "wait", "notify"))
                    count = ["1"] if what == "notify" else []
                    inner.insert(0, [what, words[1], *count])
            return [words, *inner, ["end"]]
        kinds = {
            "acquire": LOCKS,
            "release": LOCKS,
            "wait": ["e0", *CONDITIONS, *BARRIERS],
            "waitfor": CONDITIONS,
            "notify": CONDITIONS,
            "set": ["e0"],
            "clear": ["e0"],
            "reset": BARRIERS,
            "abort": BARRIERS,
            "put": QUEUES,
            "get": QUEUES,
            "putnow": QUEUES,
            "getnow": QUEUES,
            "done": QUEUES,
            "join": QUEUES,
            "state": ALL,
        }
        if word == "sleep":
            return [["sleep", choose("0001123")]]
        if word == "bump":
            return [["bump"]]
        if word == "cancel":
            return [["cancel", f"t{self.random.randrange(self.tasks)}"]]
        if not self.is_known(kinds[word]):
            return []
        words = [word, self.some(kinds[word])]
        if word in ("put", "putnow"):
            words.append(str(self.random.randrange(10)))
        elif word == "notify":
            words.append(choose("0112"))
        elif word == "waitfor":
            words.append(choose("123"))
        return [words]


# ---- The model -----------------------------------------------------------


def adapt_asyncio():
    """For this process: Condition.wait as it is from 3.13 on, where notified."""

    async def wait(self):
        if not self.locked():
            raise RuntimeError("cannot wait on un-acquired lock")
        fut = self._get_loop().create_future()
        self.release()
        try:
            try:
                self._waiters.append(fut)
                try:
                    await fut
                    return True
                finally:
                    self._waiters.remove(fut)
            finally:
                cancelled = False
                while True:
                    try:
                        await self.acquire()
                        break
                    except asyncio.CancelledError:
                        cancelled = True
                if cancelled:
                    raise asyncio.CancelledError
        except asyncio.CancelledError:
            if not fut.cancelled():
                for other in self._waiters:
                    if not other.done():
                        other.set_result(False)
                        break
            raise

    asyncio.Condition.wait = wait


def told(value):
    if value is None:
        return ""
    if isinstance(value, BaseException):
        for kind, word in (
            (asyncio.CancelledError, "Cancelled"),
            (asyncio.BrokenBarrierError, "Broken"),
            (asyncio.QueueEmpty, "QueueEmpty"),
            (asyncio.QueueFull, "QueueFull"),
            (ValueError, "Value"),
            (RuntimeError, "Misuse"),
        ):
            if isinstance(value, kind):
                return f"! {word}"
        return f"! unknown {value!r}"
    return str(value)


class World:
    def __init__(self, script):
        self.script = script
        self.lines = []
        self.bodies = {}
        iterator = iter(script.lines)
        for words in iterator:
            self.bodies[words[1]] = self.parse(iterator)

    def parse(self, iterator):
        block = []
        for words in iterator:
            if words[0] == "end":
                return block
            inner = self.parse(iterator) if words[0] in COMPOUND else None
            block.append((words, inner))
        raise ValueError("a block without an end")

    def run(self):
        loop = self.loop = Loop()
        loop.set_exception_handler(lambda *_: None)
        self.counter = 0
        locks = {"l0": asyncio.Lock(), "l1": asyncio.Lock()}
        self.objects = {
            **locks,
            "c0": asyncio.Condition(),
            "c1": asyncio.Condition(locks["l0"]),
            "s0": asyncio.Semaphore(),
            "s1": asyncio.Semaphore(2),
            "s2": asyncio.BoundedSemaphore(),
            "e0": asyncio.Event(),
            "b0": asyncio.Barrier(2),
            "b1": asyncio.Barrier(3),
            "q0": asyncio.Queue(1),
            "q1": asyncio.LifoQueue(2),
            "q2": asyncio.PriorityQueue(),
        }
        self.tasks = {}
        for name in self.bodies:
            self.tasks[name] = loop.create_task(self.run_task(name))
        for late in range(3):
            loop.call_later(
                (LAST_TICK + late) / TICKS_PER_SECOND, self.cancel_all
            )
        loop.call_later((LAST_TICK + 3) / TICKS_PER_SECOND, loop.stop)
        loop.run_forever()
        left = [task for task in self.tasks.values() if not task.done()]
        self.lines.append(f"stuck: {len(left)}")
        for name in self.objects:
            self.lines.append(f"{name} {self.state(name)}")
        outcome = Outcome([*self.lines])
        for task in left:
            task._log_destroy_pending = False
            # How it ends then is not compared.
            with contextlib.suppress(RuntimeError, ValueError):
                task.get_coro().close()
        loop.close()
        return outcome

    def cancel_all(self):
        self.lines.append("cancels all")
        for task in self.tasks.values():
            task.cancel()

    def say(self, name, words, text):
        ticks = round(self.loop.time() * TICKS_PER_SECOND)
        self.lines.append(f"{ticks} {name} {' '.join(words)} {text}".rstrip())

    async def run_task(self, name):
        try:
            await self.run_block(name, self.bodies[name])
        except GeneratorExit:
            raise
        except BaseException as error:
            self.say(name, ["ends"], told(error))
            raise
        self.say(name, ["ends"], "")

    async def run_block(self, name, block):
        for words, inner in block:
            if words[0] == "try":
                try:
                    await self.run_block(name, inner)
                except GeneratorExit:
                    raise
                except BaseException as error:
                    self.say(name, ["caught"], told(error))
                continue
            try:
                if words[0] == "with":
                    async with self.objects[words[1]]:
                        self.say(name, words, "entered")
                        await self.run_block(name, inner)
                    text = "left"
                else:
                    text = told(await self.run_one(words))
            except GeneratorExit:
                raise
            except BaseException as error:
                self.say(name, words, told(error))
                raise
            self.say(name, words, text)

    def state(self, name):
        it = self.objects[name]
        kind = name[0]
        if kind in "lcs":
            return it.locked()
        if kind == "e":
            return it.is_set()
        if kind == "b":
            return f"{it.n_waiting} {it.broken}"
        return f"{it.qsize()} {it.empty()} {it.full()}"

    async def run_one(self, words):
        word, *rest = words
        if word == "sleep":
            return await asyncio.sleep(int(rest[0]) / TICKS_PER_SECOND)
        if word == "bump":
            self.counter += 1
            return None
        if word == "cancel":
            it = self.tasks.get(rest[0])
            return it and it.cancel()
        it = self.objects[rest[0]]
        if word == "state":
            return self.state(rest[0])
        if word == "waitfor":
            return await it.wait_for(lambda: self.counter >= int(rest[1]))
        if word == "notify":
            if not int(rest[1]):
                return it.notify_all()
            return it.notify(int(rest[1]))
        if word in ("put", "putnow"):
            call = it.put if word == "put" else it.put_nowait
            found = call(int(rest[1]))
        elif word == "getnow":
            found = it.get_nowait()
        elif word == "done":
            found = it.task_done()
        else:
            found = getattr(it, word)()
        return await found if asyncio.iscoroutine(found) else found


def model(script):
    return World(script).run()


# ---- Comparing -----------------------------------------------------------


def shrink(program, script):
    found = True
    while found:
        found = False
        candidates = list(script.smaller())
        seen = program.run(candidates) if candidates else []
        for each, cpp in zip(candidates, seen):
            if differ(model(each), cpp):
                script, found = each, True
                break
    return script


def compare(program, scripts):
    seen = program.run(scripts)
    for script, cpp in zip(scripts, seen):
        if differ(model(script), cpp):
            print(f"{script.name} differs; cutting it down", flush=True)
            small = shrink(program, script)
            show(small, model(small), program.run([small])[0])
            return False
    return True


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("program", nargs="?", type=Program)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--count", type=int)
    options = parser.parse_args()
    if sys.version_info < (3, 11, 4) or sys.version_info[:2] != (3, 11):
        print("skipped: the model is asyncio of Python 3.11.4 or later")
        return 77
    adapt_asyncio()
    sys.unraisablehook = lambda _: None
    gc.disable()
    if not options.program:
        print(Generator(options.seed or 0).script(), end="")
        return 0
    seed = options.seed
    if seed is None:
        seed = random.randrange(10**9)
    first = seed
    began = time.monotonic()
    while True:
        size = 200
        if options.count is not None:
            size = min(size, first + options.count - seed)
        elif time.monotonic() - began >= options.seconds:
            break
        if size <= 0:
            break
        scripts = [Generator(seed + i).script() for i in range(size)]
        if not compare(options.program, scripts):
            return 1
        gc.collect()
        seed += size
    print(f"the seeds {first} to {seed - 1} are equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
