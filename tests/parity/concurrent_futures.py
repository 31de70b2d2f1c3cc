"""concurrent.futures: a future that a thread waits for, and a pool of threads.

Nothing here sleeps: threads meet at semaphores.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from parity import case, main, name, raises, say


def states(future):
    say("cancelled", future.cancelled(), "running", future.running(),
        "done", future.done())


def result_of(future):
    """Its result, or the exception's name and text."""
    try:
        return future.result()
    except Exception as error:
        return name(error)


def fail():
    raise ValueError("boom")


# ---- A future ---------------------------------------------------------------

@case
def a_new_future_is_pending():
    states(Future())


@case
def a_future_runs_and_is_done():
    future = Future()
    say(future.set_running_or_notify_cancel())
    states(future)
    future.set_result(42)
    states(future)
    say(future.result(), future.exception() is None)


@case
def an_exception_is_raised_as_often_as_asked():
    future = Future()
    future.set_exception(ValueError("boom"))
    states(future)
    say(result_of(future), result_of(future))
    say(name(future.exception()))


@case
def cancelled_before_it_runs():
    future = Future()
    say(future.cancel(), future.cancel())
    states(future)
    say(future.set_running_or_notify_cancel())
    states(future)
    say(raises(future.result), raises(future.exception))


@case
def what_runs_cannot_be_cancelled():
    future = Future()
    future.set_running_or_notify_cancel()
    say(future.cancel())
    states(future)
    future.set_result(1)
    say(future.cancel(), future.result())


@case
def a_result_twice_is_refused():
    future = Future()
    future.set_result(1)
    say(raises(lambda: future.set_result(2)))
    say(raises(lambda: future.set_exception(ValueError("late"))))
    say(future.result())


@case
def a_cancelled_future_takes_no_result():
    future = Future()
    future.cancel()
    say(raises(lambda: future.set_result(1)))
    states(future)


@case
def a_result_without_running_is_fine():
    future = Future()
    future.set_result("early")
    say(future.result())


@case
def nobody_waits_longer_than_asked():
    future = Future()
    say(raises(lambda: future.result(0)))
    say(raises(lambda: future.exception(0)))
    states(future)


@case
def callbacks_are_called_in_their_order():
    future = Future()
    future.add_done_callback(lambda done: say("first", done.result()))
    future.add_done_callback(lambda done: say("second", done.result()))
    say("set")
    future.set_result(42)
    say("was set")
    future.add_done_callback(lambda done: say("late", done.result()))


@case
def a_callback_hears_of_a_cancellation():
    future = Future()
    future.add_done_callback(lambda done: say("heard", done.cancelled()))
    say(future.cancel())
    say(future.cancel())


@case
def a_callback_that_raises_stops_no_other():
    future = Future()

    def bad(done):
        say("raises")
        raise ValueError("boom")

    future.add_done_callback(bad)
    future.add_done_callback(lambda done: say("still called"))
    future.set_result(None)
    future.add_done_callback(bad)
    say("goes on")


@case
def a_callback_added_by_a_callback_is_called_at_once():
    future = Future()

    def outer(done):
        say("outer")
        done.add_done_callback(lambda again: say("inner"))
        say("outer ends")

    future.add_done_callback(outer)
    future.set_result(1)


@case
def a_thread_waits_for_another():
    future = Future()
    heard = []
    thread = threading.Thread(target=lambda: heard.append(future.result()))
    thread.start()
    future.set_result(42)
    thread.join()
    say(heard[0])


@case
def a_cancellation_ends_a_wait():
    future = Future()
    heard = []
    thread = threading.Thread(target=lambda: heard.append(raises(future.result)))
    thread.start()
    future.cancel()
    thread.join()
    say(heard[0])


@case
def running_twice_is_an_error():
    future = Future()
    say(future.set_running_or_notify_cancel())
    try:
        future.set_running_or_notify_cancel()
    except Exception:
        say("refused")
    states(future)


# ---- A pool -----------------------------------------------------------------

@case
def submit_gives_results_and_exceptions():
    with ThreadPoolExecutor(2) as executor:
        good = executor.submit(pow, 2, 10)
        bad = executor.submit(fail)
        say(good.result(), result_of(bad))


@case
def one_worker_keeps_the_order():
    heard = []
    with ThreadPoolExecutor(1) as executor:
        for i in range(5):
            executor.submit(heard.append, i)
    say(*heard)


@case
def two_workers_meet():
    with ThreadPoolExecutor(2) as executor:
        here = threading.Semaphore(0)
        there = threading.Semaphore(0)

        def left():
            here.release()
            there.acquire()
            return "left"

        def right():
            there.release()
            here.acquire()
            return "right"

        futures = [executor.submit(left), executor.submit(right)]
        say(*[future.result() for future in futures])


@case
def what_is_queued_can_be_cancelled():
    go = threading.Semaphore(0)
    begun = threading.Semaphore(0)

    def hold():
        begun.release()
        go.acquire()
        return "held"

    with ThreadPoolExecutor(1) as executor:
        first = executor.submit(hold)
        second = executor.submit(say, "never said")
        begun.acquire()
        states(first)
        states(second)
        say(first.cancel(), second.cancel())
        go.release()
        say(first.result(), raises(second.result))


@case
def after_shutdown_nothing_is_taken():
    executor = ThreadPoolExecutor(1)
    say(executor.submit(pow, 3, 2).result())
    executor.shutdown()
    executor.shutdown()
    try:
        executor.submit(pow, 3, 2)
    except RuntimeError as error:
        say(name(error))


@case
def shutdown_waits_for_what_is_queued():
    heard = []
    executor = ThreadPoolExecutor(1)
    for i in range(3):
        executor.submit(heard.append, i)
    executor.shutdown()
    say(*heard)


@case
def shutdown_can_cancel_what_has_not_begun():
    go = threading.Semaphore(0)
    begun = threading.Semaphore(0)

    def hold():
        begun.release()
        go.acquire()
        return "held"

    executor = ThreadPoolExecutor(1)
    first = executor.submit(hold)
    rest = [executor.submit(say, "never said") for _ in range(2)]
    begun.acquire()
    executor.shutdown(wait=False, cancel_futures=True)
    say(*[future.cancelled() for future in rest])
    states(first)
    go.release()
    say(first.result())


@case
def map_keeps_the_order_of_the_values():
    with ThreadPoolExecutor(3) as executor:
        say(*executor.map(lambda x: x * x, [1, 2, 3, 4, 5]))


@case
def map_raises_where_the_value_would_be():
    def check(x):
        if x == 3:
            raise ValueError("three")
        return x

    with ThreadPoolExecutor(2) as executor:
        results = executor.map(check, [1, 2, 3, 4])
        try:
            for result in results:
                say(result)
        except ValueError as error:
            say(name(error))


@case
def map_submits_before_it_is_asked():
    with ThreadPoolExecutor(1) as executor:
        begun = threading.Semaphore(0)

        def note(x):
            begun.release()
            return x

        results = executor.map(note, [1, 2])
        begun.acquire()
        begun.acquire()
        say("both have begun")
        say(*results)


@case
def a_pool_needs_a_worker():
    try:
        ThreadPoolExecutor(0)
    except ValueError as error:
        say(error)


@case
def an_idle_worker_is_used_again():
    with ThreadPoolExecutor(4) as executor:
        executor.submit(say, "once").result()
        first = executor.submit(threading.get_ident)
        first.result()
    say("joined", first.done())


@case
def a_callback_runs_in_the_worker():
    with ThreadPoolExecutor(1) as executor:
        go = threading.Semaphore(0)
        heard = []

        def body():
            go.acquire()
            return threading.get_ident()

        future = executor.submit(body)
        future.add_done_callback(
            lambda done: heard.append(threading.get_ident() == done.result()))
        go.release()
    say(heard[0])


if __name__ == "__main__":
    main()
