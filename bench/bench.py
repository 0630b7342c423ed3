#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures casyncio beside its peers and writes the table of RESULTS.md.

    bench.py DIRECTORY [--quick] [--rows PATTERN,...] [--rounds N]

DIRECTORY holds the built programs of this folder. Peers are built below it,
in DIRECTORY/peers; one that cannot be built is shown as "-" with the reason
below the table. Ours and the peers take turns, in a rotated order, so that a
machine which drifts does so for everybody. What is shown is the lower
quartile of the rounds; ratios are between figures of the same run.

Parts: peers.py knows the contenders, this file the rows, targets and table.
"""
import argparse
import datetime
import fnmatch
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import peers
from peers import OURS, Missing

HERE = Path(__file__).resolve().parent
LOOPS = ("Go", "Tokio", "asyncio", "uvloop")
SLEEPERS = ("sleepers-256k", "sleepers-64k", "sleepers-dense-2k")
SLEEPERS_MEMORY_GB = 6
QUICK_DIVISOR = 10
TIMEOUT_S = 600


@dataclass(frozen=True)
class Job:
    """One call of each contender's program, which may print several rows."""
    name: str                    # the row argument of the peers' programs
    program: str                 # our executable
    peers: tuple
    ours: tuple = ()             # our row arguments, where not just the name


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    job: str
    against: str                 # the peer that the ratio is taken with
    ratio: float = 0             # the target: at most this ratio, 0 for none
    value: float = 0             # the target: at most this value, 0 for none


JOBS = (
    Job("switch-2", "switch", ("fcontext",)),
    Job("switch-1000", "switch", ("fcontext",)),
    Job("yield-1", "yield", LOOPS),
    Job("yield-1000", "yield", LOOPS),
    Job("spawn-join", "spawn_join", LOOPS),
    Job("crowd", "crowd", LOOPS),
    Job("sleepers", "sleepers", LOOPS, SLEEPERS),
    Job("timers", "timers", ("libuv",) + LOOPS),
    Job("start", "start", ()),   # start.c itself alternates with the empty C
)

ROWS = (
    Row("switch-2", "ns", "switch-2", "fcontext", ratio=0.7),
    Row("switch-1000", "ns", "switch-1000", "fcontext", ratio=0.7),
    Row("yield-1", "ns", "yield-1", "Go"),
    Row("yield-1000", "ns", "yield-1000", "Go", ratio=0.15, value=20),
    Row("spawn-join", "ns", "spawn-join", "Go", ratio=0.06, value=25),
    Row("crowd-cold", "ns", "crowd", "Go"),
    Row("crowd-warm", "ns", "crowd", "Go", ratio=0.35),
    Row("sleepers-256k", "B", "sleepers", "Go", value=4700),
    Row("sleepers-64k", "B", "sleepers", "Go", value=4300),
    Row("sleepers-dense-2k", "B", "sleepers", "Go", value=2200),
    Row("sleepers-256k-spawn", "ns", "sleepers", "Go"),
    Row("sleepers-64k-spawn", "ns", "sleepers", "Go"),
    Row("sleepers-dense-2k-spawn", "ns", "sleepers", "Go"),
    Row("timer-insert", "ns", "timers", "libuv", ratio=0.2),
    Row("timer-cancel", "ns", "timers", "libuv", ratio=0.2),
    Row("timer-fire", "ns", "timers", "libuv", ratio=0.2),
    Row("start", "us", "start", "empty C", ratio=2),
)


@dataclass
class Results:
    """The values of each (row, contender), one per round, and what is lacking:
    (job or contender) to the reason."""
    values: dict = field(default_factory=dict)
    missing: dict = field(default_factory=dict)

    def add(self, row, contender, value):
        self.values.setdefault((row, contender), []).append(value)

    def get(self, row, contender):
        """The lower quartile of the rounds, or None."""
        values = sorted(self.values.get((row, contender), []))
        return values[len(values) // 4] if values else None


# ---- measuring ----

def destinations(contender, printed):
    """Where a printed row belongs, as (row, contender) pairs."""
    if printed == "hello":
        return [("start", OURS)]
    if printed == "empty":
        return [("start", "empty C")]
    if contender != OURS and printed.startswith("sleepers"):
        suffix = printed[len("sleepers"):]
        return [(name + suffix, contender) for name in SLEEPERS]
    return [(printed, contender)]


def record(results, contender, output):
    units = {row.name: row.unit for row in ROWS}
    for line in output.splitlines():
        printed, value, unit = line.split()
        for row, whose in destinations(contender, printed):
            if units.get(row) != unit:
                raise Missing(f"printed what is no row: {line}")
            results.add(row, whose, float(value))


def run_program(command, cpu, env):
    """Runs one program, pinned to the processor unless that is None."""
    def pin():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
    try:
        done = subprocess.run(command, preexec_fn=pin, env=env, text=True,
                              capture_output=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Missing(f"took more than {TIMEOUT_S} s") from None
    except OSError as error:
        raise Missing(f"did not start: {error.strerror}") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise Missing(f"ended with status {done.returncode} {last}".strip())
    return done.stdout


def our_commands(job, directory, divisor):
    command = [str(directory / job.program)]
    commands = [command + [row, str(divisor)] for row in job.ours or [job.name]]
    if job.name == "start":
        commands[0] += [str(directory / "hello"),
                        str(directory / "peers" / "empty")]
    return commands


def measure_one(job, contender, setup, results):
    """One contender's turn in one round of a job."""
    if contender == OURS:
        commands = our_commands(job, setup.directory, setup.divisor)
    else:
        commands = [setup.peers[contender].command +
                    [job.name, str(setup.divisor)]]
    # Go's collector and timers have threads of their own beside GOMAXPROCS.
    cpu = None if contender == "Go" else setup.cpu
    env = dict(os.environ, GOMAXPROCS="1")
    for command in commands:
        record(results, contender, run_program(command, cpu, env))


def available_gb():
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        for line in meminfo:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024 / 1e9
    return 0


def measure(job, setup, results):
    if job.name == "sleepers" and available_gb() < SLEEPERS_MEMORY_GB:
        results.missing["sleepers"] = \
            f"less than {SLEEPERS_MEMORY_GB} GB of memory is free"
        return
    contenders = [OURS] + [peer for peer in job.peers if peer in setup.peers]
    for number in range(setup.rounds):
        turn = number % len(contenders)
        for contender in contenders[turn:] + contenders[:turn]:
            key = f"{contender}, {job.name}"
            if key in results.missing:
                continue
            print(f"\r\033[K{job.name}, round {number + 1}: {contender}",
                  end="", file=sys.stderr, flush=True)
            try:
                measure_one(job, contender, setup, results)
            except Missing as reason:
                results.missing[key] = str(reason)
    print("\r\033[K", end="", file=sys.stderr, flush=True)


# ---- the table ----

def shown(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def target(row):
    parts = []
    if row.ratio:
        parts.append(f"{row.ratio:g} × {row.against}")
    if row.value:
        parts.append(f"{row.value:,g} {row.unit}")
    return " and ".join(parts)


def verdict(row, ours, peer):
    """yes, no, or - where that cannot be said."""
    if not row.ratio and not row.value:
        return ""
    if ours is None or (row.ratio and peer is None):
        return "-"
    is_reached = ((not row.ratio or ours <= row.ratio * peer) and
                  (not row.value or ours <= row.value))
    return "yes" if is_reached else "**no**"


def cells(row, results):
    ours = results.get(row.name, OURS)
    peer = results.get(row.name, row.against)
    ratio = "-"
    if ours is not None and peer:
        ratio = f"{ours / peer:.3f} × {row.against}"
    return ([f"{row.name}, {row.unit}", shown(ours)] +
            [shown(results.get(row.name, name)) for name in peers.NAMES] +
            [ratio, target(row), verdict(row, ours, peer)])


def spread(row, contender, results):
    values = results.values.get((row.name, contender))
    if not values:
        return "-"
    return f"{shown(min(values))} .. {shown(max(values))}"


def markdown(head, lines):
    """A table whose columns line up in the source too."""
    widths = [max(len(line[i]) for line in [head] + lines)
              for i in range(len(head))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width)
                          for cell, width in zip(line, widths)) + " |"
        for line in [head, rule] + lines)


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return "?"
    return (done.stdout.splitlines() or ["?"])[0]


def cpu_model():
    with open("/proc/cpuinfo", encoding="ascii") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def build_type(directory):
    """The build type of the Meson tree that the directory lies in."""
    for parent in (directory, *directory.parents):
        options = parent / "meson-info" / "intro-buildoptions.json"
        if options.exists():
            for option in json.loads(options.read_text()):
                if option["name"] == "buildtype":
                    return option["value"]
    return "unknown"


def machine(setup):
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    env = dict(os.environ)
    try:
        ours = run_program([str(setup.directory / "yield"), "--version"],
                           setup.cpu, env).strip()
    except Missing:
        ours = "casyncio ?"
    versions = [peer.version for peer in setup.peers.values() if peer.version]
    return "\n".join([
        f"* {datetime.date.today().isoformat()}, {cpu_model()}, "
        f"{os.cpu_count()} processors, {memory / 2**30:.0f} GiB, "
        f"{platform.system()} {platform.release()}, "
        f"load {setup.load:.1f} at the start",
        f"* {ours}, {first_line('cc', '--version')}, "
        f"build type {build_type(setup.directory)}",
        f"* {', '.join(versions)}",
        f"* {setup.rounds} rounds" +
        (f", counts divided by {setup.divisor}" if setup.divisor > 1 else ""),
    ])


def report(rows, setup, results):
    contenders = [OURS] + list(peers.NAMES)
    table = markdown(
        ["row"] + contenders + ["ratio", "target, at most", "reached"],
        [cells(row, results) for row in rows])
    spreads = markdown(
        ["row"] + contenders,
        [[row.name] + [spread(row, name, results) for name in contenders]
         for row in rows])
    missing = "\n".join(f"* {what}: {why}"
                        for what, why in results.missing.items())
    return (f"# Results\n\nWritten by `./run bench`; what each row measures "
            f"is in README.md.\n\n{machine(setup)}\n\n{table}\n\n"
            + (f"Missing:\n\n{missing}\n\n" if missing else "")
            + f"## Spread\n\nLowest and highest of the rounds.\n\n"
            f"{spreads}\n")


# ---- the command ----

@dataclass
class Setup:
    directory: Path              # our built programs
    peers: dict                  # name to peers.Peer, of those that are there
    rounds: int
    divisor: int
    cpu: int
    load: float


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path,
                        help="where the built programs of bench/ are")
    parser.add_argument("--quick", action="store_true",
                        help="two rounds, a tenth of the counts")
    parser.add_argument("--rows", default="*",
                        help="rows, as switch-2,timer-*")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)),
                        help="the processor to pin programs to")
    parser.add_argument("--output", type=Path,
                        help="where to write the table; by default RESULTS.md "
                        "after a run of all rows that is not quick")
    return parser.parse_args()


def chosen_rows(patterns):
    rows = [row for row in ROWS
            if any(fnmatch.fnmatch(row.name, pattern)
                   for pattern in patterns.split(","))]
    if not rows:
        sys.exit("bench: no such row; there are: " +
                 " ".join(row.name for row in ROWS))
    return rows


def main():
    arguments = parse_arguments()
    rows = chosen_rows(arguments.rows)
    jobs = [job for job in JOBS if job.name in {row.job for row in rows}]
    results = Results()
    load = os.getloadavg()[0]
    directory = arguments.directory.resolve()
    wanted = {name for job in jobs for name in job.peers}
    if any(job.name == "start" for job in jobs):
        wanted.add("empty C")
    built = peers.build_all(HERE / "peers", directory / "peers", wanted,
                            results.missing)
    setup = Setup(directory, built,
                  arguments.rounds or (2 if arguments.quick else 5),
                  QUICK_DIVISOR if arguments.quick else 1,
                  arguments.cpu, load)
    if build_type(directory) != "release":
        print("bench: note: this is not a release build", file=sys.stderr)
    for job in jobs:
        measure(job, setup, results)

    text = report(rows, setup, results)
    print(text)
    output = arguments.output
    if not output and len(rows) == len(ROWS) and not arguments.quick:
        output = HERE / "RESULTS.md"
    if output:
        output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
