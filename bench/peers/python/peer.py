# SPDX-License-Identifier: MIT
"""Peer of yield, spawn-join, crowd, sleepers and timers: asyncio, uvloop.

Called as peer.py LOOP ROW [DIVISOR], LOOP being asyncio or uvloop. Counts are
smaller than those of the compiled peers, so that a row takes seconds.
"""
import asyncio
import os
import platform
import random
import sys
import time

if sys.argv[1:2] == ["uvloop"]:
    import uvloop

FIRE_SPAN = 0.1
now = time.perf_counter_ns


def quartile(values):
    return sorted(values)[len(values) // 4]


def report(row, value, unit):
    print(f"{row} {value:.2f} {unit}", flush=True)


def memory():
    """Bytes this process occupies: its pages and the tables that map them."""
    total = 0
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(("VmRSS:", "VmPTE:")):
                total += int(line.split()[1]) * 1024
    return total


async def yielder(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def row_yield(row, tasks, divisor):
    count = 200_000 // tasks // divisor
    slices = []
    for _ in range(6):
        begin = now()
        await asyncio.gather(*[
            asyncio.create_task(yielder(count)) for _ in range(tasks)
        ])
        slices.append((now() - begin) / tasks / count)
    report(row, quartile(slices[1:]), "ns")


async def child():
    pass


async def row_spawn_join(divisor):
    count = 50_000 // divisor
    slices = []
    for _ in range(6):
        begin = now()
        for _ in range(count):
            await asyncio.create_task(child())
        slices.append((now() - begin) / count)
    report("spawn-join", quartile(slices[1:]), "ns")


async def row_crowd():
    count = 100_000
    slices = []
    for _ in range(4):
        begin = now()
        await asyncio.gather(*[
            asyncio.create_task(asyncio.sleep(0)) for _ in range(count)
        ])
        slices.append((now() - begin) / count)
    report("crowd-cold", slices[0], "ns")
    report("crowd-warm", quartile(slices[1:]), "ns")


async def row_sleepers(divisor):
    count = 100_000 // divisor
    started = 0

    async def sleeper():
        nonlocal started
        started += 1
        await asyncio.sleep(3600)

    before = memory()
    begin = now()
    for _ in range(count):
        asyncio.create_task(sleeper())
    while started < count:
        await asyncio.sleep(0)
    spawn_ns = (now() - begin) / count
    report("sleepers", (memory() - before) / count, "B")
    report("sleepers-spawn", spawn_ns, "ns")
    sys.stdout.flush()
    os._exit(0)


async def slice_insert_cancel(loop, delays, order):
    """The turn after the cancels counts too: there asyncio takes out what was
    only marked before."""
    def nothing():
        pass
    begin = now()
    handles = [loop.call_later(delay, nothing) for delay in delays]
    insert = (now() - begin) / len(delays)
    begin = now()
    for i in order:
        handles[i].cancel()
    await asyncio.sleep(0)
    return insert, (now() - begin) / len(delays)


async def slice_fire(loop, delays):
    """Due within 100 ms of a common moment, late enough that all are in place
    by then; CPU ns per timer while they expire."""
    fired = 0
    done = loop.create_future()

    def on_timer():
        nonlocal fired
        fired += 1
        if fired == len(delays):
            done.set_result(None)

    start = loop.time() + 2
    for delay in delays:
        loop.call_at(start + delay % FIRE_SPAN, on_timer)
    assert loop.time() < start, "timers are in place in time"
    await asyncio.sleep(start - loop.time() - 0.01)
    begin = time.process_time_ns()
    await done
    return (time.process_time_ns() - begin) / len(delays)


async def row_timers(divisor):
    count = 100_000 // divisor
    generator = random.Random(1)
    loop = asyncio.get_running_loop()
    delays = [generator.uniform(1, 60) for _ in range(count)]
    order = list(range(count))
    generator.shuffle(order)
    slices = [await slice_insert_cancel(loop, delays, order)
              for _ in range(3)]
    fires = [await slice_fire(loop, delays) for _ in range(2)]
    report("timer-insert", quartile([pair[0] for pair in slices]), "ns")
    report("timer-cancel", quartile([pair[1] for pair in slices]), "ns")
    report("timer-fire", quartile(fires), "ns")


def version(loop_name):
    if loop_name == "uvloop":
        return f"uvloop {uvloop.__version__}"
    return f"CPython {platform.python_version()} asyncio"


def run(loop_name, main):
    new_loop = asyncio.new_event_loop
    if loop_name == "uvloop":
        new_loop = uvloop.new_event_loop
    loop = new_loop()
    loop.run_until_complete(main)
    loop.close()


def main():
    loop_name, row = sys.argv[1:3]
    divisor = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    if row == "--version":
        print(version(loop_name))
        return
    rows = {
        "yield-1": lambda: row_yield(row, 1, divisor),
        "yield-1000": lambda: row_yield(row, 1000, divisor),
        "spawn-join": lambda: row_spawn_join(divisor),
        "crowd": lambda: row_crowd(),
        "sleepers": lambda: row_sleepers(divisor),
        "timers": lambda: row_timers(divisor),
    }
    run(loop_name, rows[row]())


if __name__ == "__main__":
    main()
