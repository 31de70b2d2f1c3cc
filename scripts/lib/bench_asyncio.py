"""The workloads of the stages' `bench`, on Python's asyncio.

`bench_asyncio.py WORKLOAD --n N --tasks T` does what `BIN bench WORKLOAD` does
(stages/06_tasks/demos/bench.cpp) and prints the same line: CPU time in ns and
memory in bytes per operation, without start-up. With --uvloop on uvloop's
loop. Two more, calls and awaits, are the first two lines of stage 01's bench.
"""
import argparse
import asyncio
import concurrent.futures
import os
import threading
import time


class Stopwatch:
    def __init__(self, n, tasks):
        self.n = n
        self.tasks = tasks

    def start(self):
        self.burnt = 0
        self.rss = 0
        self.rss_at_start = rss_bytes()
        self.cpu_at_start = time.process_time_ns()

    def memory_now(self):
        before = time.process_time_ns()
        self.rss = rss_bytes()
        self.burnt += time.process_time_ns() - before

    def burn_12ms(self):
        """Then all timers are due when the loop next looks."""
        cpu = time.process_time_ns()
        end = time.monotonic_ns() + 12_000_000
        while time.monotonic_ns() < end:
            pass
        self.burnt += time.process_time_ns() - cpu

    def stop(self):
        ns = time.process_time_ns() - self.cpu_at_start - self.burnt
        grown = max(0, self.rss - self.rss_at_start)
        print(f"ns={ns / self.n:.3f} bytes={grown / self.n:.1f} n={self.n}")


def rss_bytes():
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return 0


def check_sum(total, n):
    if total != n * (n - 1) // 2:
        raise AssertionError("the results do not add up")


async def yield_often(times):
    for _ in range(times):
        await asyncio.sleep(0)


async def switch(watch):
    watch.start()
    each, rest = divmod(watch.n, watch.tasks)
    tasks = [
        asyncio.create_task(yield_often(each + (task < rest)))
        for task in range(watch.tasks)
    ]
    for task in tasks:
        await task
    watch.stop()


async def give(value):
    return value


async def spawn(watch):
    watch.start()
    total = 0
    for i in range(watch.n):
        total += await asyncio.create_task(give(i))
    watch.stop()
    check_sum(total, watch.n)


async def alive(watch):
    watch.start()
    tasks = [asyncio.create_task(give(i)) for i in range(watch.n)]
    watch.memory_now()
    total = 0
    for task in tasks:
        total += await task
    watch.stop()
    check_sum(total, watch.n)


class Meeting:
    future = None
    total = 0


async def consume(meeting, times):
    loop = asyncio.get_running_loop()
    for _ in range(times):
        meeting.future = loop.create_future()
        meeting.total += await meeting.future


async def produce(meeting, times):
    for i in range(times):
        meeting.future.set_result(i)
        await asyncio.sleep(0)


async def future(watch):
    watch.start()
    meeting = Meeting()
    consumer = asyncio.create_task(consume(meeting, watch.n))
    await asyncio.create_task(produce(meeting, watch.n))
    await consumer
    watch.stop()
    check_sum(meeting.total, watch.n)


async def sleep_once(delay):
    await asyncio.sleep(delay)


async def burn(watch):
    watch.memory_now()
    watch.burn_12ms()


async def timers(watch):
    random = 1
    watch.start()
    tasks = []
    for _ in range(watch.n):
        random = (random * 1664525 + 1013904223) % (1 << 32)
        delay = (1000 + (random >> 8) % 8000) / 1e6
        tasks.append(asyncio.create_task(sleep_once(delay)))
    tasks.append(asyncio.create_task(burn(watch)))
    for task in tasks:
        await task
    watch.stop()


async def threadsafe(watch):
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def ask_often():
        answer = threading.Semaphore(0)
        for _ in range(watch.n):
            loop.call_soon_threadsafe(answer.release)
            answer.acquire()
        loop.call_soon_threadsafe(done.set_result, None)

    watch.start()
    thread = threading.Thread(target=ask_often)
    thread.start()
    await done
    thread.join()
    watch.stop()


async def executor(watch):
    loop = asyncio.get_running_loop()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    watch.start()
    total = 0
    for i in range(watch.n):
        total += await loop.run_in_executor(pool, int, i)
    watch.stop()
    pool.shutdown()
    check_sum(total, watch.n)


def add_one(value):
    return value + 1


async def calls(watch):
    watch.start()
    value = 0
    for _ in range(watch.n):
        value = add_one(value)
    watch.stop()


async def add_one_later(value):
    return value + 1


async def awaits(watch):
    watch.start()
    value = 0
    for _ in range(watch.n):
        value = await add_one_later(value)
    watch.stop()


WORKLOADS = {
    workload.__name__: workload
    for workload in (
        switch, spawn, alive, future, timers, threadsafe, executor, calls,
        awaits)
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--tasks", type=int, default=2)
    parser.add_argument("--uvloop", action="store_true")
    options = parser.parse_args()
    if options.uvloop:
        import uvloop
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    watch = Stopwatch(options.n, options.tasks)
    asyncio.run(WORKLOADS[options.workload](watch))


if __name__ == "__main__":
    main()
