"""The Python half of a parity pair: what asyncio does, told in lines.

A file of pairs holds functions marked with @case: coroutine functions, run
with asyncio.run on a virtual clock, or plain functions, which make their own
loop. `python3 tasks.py` runs all of them, `python3 tasks.py NAME` one.
parity.hpp is the other half; test_parity.py compares the two.
"""

import asyncio
import gc
import inspect
import sys

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def differs(function):
    """Marks a case in which C++ does otherwise; the book's appendix says why."""
    return function


def since(*version):
    """Marks a case in which an older Python does otherwise: it only says so."""

    def mark(function):
        def too_old():
            say("needs Python", ".".join(map(str, version)))

        too_old.__name__ = function.__name__
        return function if sys.version_info >= version else too_old

    return mark


def say(*words):
    print(*words, flush=True)


class _Selector:
    """Never waits: when nothing is ready, the clock jumps instead."""

    def __init__(self, selector, loop):
        self._selector = selector
        self._loop = loop

    def select(self, timeout=None):
        ready = self._selector.select(0 if timeout is not None else None)
        if timeout and not ready:
            self._loop.virtual_time += timeout
        return ready

    def __getattr__(self, name):
        return getattr(self._selector, name)


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock begins at 0 and jumps to the next timer."""

    def __init__(self):
        self.virtual_time = 0.0
        super().__init__()
        self._clock_resolution = 1e-9
        self._selector = _Selector(self._selector, self)
        self.set_exception_handler(_report)

    def time(self):
        return self.virtual_time


def name(error):
    """"ValueError: boom", or "CancelledError" alone if there is no text."""
    if error is None:
        return "None"
    text = str(error)
    return type(error).__name__ + (f": {text}" if text else "")


def raises(call):
    """The type of what the call raises, or "nothing"."""
    try:
        call()
    except BaseException as error:
        return type(error).__name__
    return "nothing"


def _report(loop, context):
    message = context["message"].split(" for ")[0].split(" <")[0]
    if message.startswith("Exception in callback"):
        # What follows is the callback's own name and line.
        message = "Exception in callback"
    # gather() gives a future of a class that nobody is meant to know.
    message = message.replace("_GatheringFuture", "Future")
    error = context.get("exception")
    text = "" if error is None else f": {name(error)}"
    say(f"loop: {message}{text}")


def now():
    """The virtual time, as both halves print it."""
    return f"{asyncio.get_running_loop().time():.2f}"


def _run(name):
    function = CASES[name]
    if inspect.iscoroutinefunction(function):
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(function())
    else:
        function()
    # What is reported when the last owner drops it is reported here.
    gc.collect()


def main():
    for name in sys.argv[1:] or CASES:
        say(f"== {name}")
        _run(name)
