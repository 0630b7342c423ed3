# SPDX-License-Identifier: MIT
"""What bench.py measures: the jobs, the rows of the table, the targets.

A job is what one contender does in one turn; it may fill several rows. There
are three kinds: a Program measures itself, a Load is a server of ours or of a
peer under our load generator, a Site a web server under wrk.
"""
from dataclasses import dataclass

from peers import OURS, OURS_ALL, OURS_EPOLL, OURS_SPIN

LOOPS = ("Go", "Tokio", "asyncio", "uvloop")
SERVERS = ("epoll C", "libuv") + LOOPS + ("asyncio protocol",
                                          "uvloop protocol")
SLEEPERS = ("sleepers-256k", "sleepers-64k", "sleepers-dense-2k")
BOTH = (OURS, OURS_EPOLL)
KIB = 1024


@dataclass(frozen=True)
class Program:
    """A program that is called with the row, and prints what it measured."""
    name: str                    # the row argument of the peers' programs
    program: str                 # our executable
    peers: tuple
    ours: tuple = ()             # our row arguments, where not just the name
    group: str = "tasks"
    is_on_file: bool = False     # gets the path of the file of blocks
    unpinned: tuple = ("Go",)    # who has threads of their own
    contenders: tuple = (OURS,)  # of ours
    turns: int = 1               # in each round


@dataclass(frozen=True)
class Load:
    """An echo server, and a mode of net/loadgen that puts load on it."""
    name: str
    mode: str
    connections: int
    size: int
    peers: tuple = SERVERS
    group: str = "net"
    is_fresh: bool = False       # a new server for each turn
    contenders: tuple = BOTH
    turns: int = 3


@dataclass(frozen=True)
class Site:
    """A server that gives out one file, fetched by wrk again and again."""
    name: str
    scheme: str
    connections: int
    size: int                    # of the file
    peers: tuple
    group: str = "http"
    is_fresh: bool = False
    contenders: tuple = BOTH
    turns: int = 3


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    job: str
    against: tuple = ()          # of (peer, at most this ratio, or 0: none)
    value: float = 0             # at most this value, or 0: none
    figures: tuple = ()          # as programs print it, if not as the name
    contender: str = OURS        # whose figure is ours


def echo_rows(size, count, *against):
    """The rows of a job echo-SIZE-COUNT."""
    job = f"echo-{size}-{count}"
    return (
        Row(job, "ns", job, against, figures=("cpu",)),
        Row(f"{job}-epoll", "ns", job, (("epoll C", 1.05),),
            figures=("cpu",), contender=OURS_EPOLL),
        Row(f"{job}-wall", "ns", job, (("epoll C", 0),), figures=("wall",)),
        Row(f"{job}-p99", "us", job, (("epoll C", 0),), figures=("p99",)),
    )


JOBS = (
    Program("switch-2", "switch", ("fcontext",)),
    Program("switch-1000", "switch", ("fcontext",)),
    Program("yield-1", "yield", LOOPS),
    Program("yield-1000", "yield", LOOPS),
    Program("spawn-join", "spawn_join", LOOPS),
    Program("crowd", "crowd", LOOPS),
    Program("sleepers", "sleepers", LOOPS, SLEEPERS),
    Program("timers", "timers", ("libuv",) + LOOPS),
    Program("start", "start", ("empty C",)),
    Load("echo-1k-10", "echo", 10, KIB),
    Load("echo-1k-100", "echo", 100, KIB),
    Load("echo-1k-1000", "echo", 1000, KIB),
    Load("echo-16k-100", "echo", 100, 16 * KIB),
    Load("roundtrip", "roundtrip", 1, KIB, contenders=OURS_ALL),
    Load("churn", "churn", 10, KIB),
    Load("idle", "idle", 10000, KIB, is_fresh=True, turns=1),
    Program("read-hot", "file/read", ("pread", "libuv"), group="file",
            is_on_file=True, unpinned=("libuv",)),
    Program("read-direct", "file/read", ("io_uring C", "libuv"),
            group="file", is_on_file=True,
            unpinned=(OURS, "libuv", "io_uring C")),
    Site("http-4k", "http", 64, 4 * KIB, ("nginx",)),
    Site("tls-16m", "https", 4, 16 * KIB * KIB, ("nginx", "OpenSSL C")),
)

ROWS = (
    Row("switch-2", "ns", "switch-2", (("fcontext", 0.7),)),
    Row("switch-1000", "ns", "switch-1000", (("fcontext", 0.7),)),
    Row("yield-1", "ns", "yield-1", (("Go", 0),)),
    Row("yield-1000", "ns", "yield-1000", (("Go", 0.15),), 20),
    Row("spawn-join", "ns", "spawn-join", (("Go", 0.06),), 25),
    Row("crowd-cold", "ns", "crowd", (("Go", 0),)),
    Row("crowd-warm", "ns", "crowd", (("Go", 0.35),)),
    Row("sleepers-256k", "B", "sleepers", (("Go", 0),), 4700,
        ("sleepers-256k", "sleepers")),
    Row("sleepers-64k", "B", "sleepers", (("Go", 0),), 4300,
        ("sleepers-64k", "sleepers")),
    Row("sleepers-dense-2k", "B", "sleepers", (("Go", 0),), 2200,
        ("sleepers-dense-2k", "sleepers")),
    Row("sleepers-256k-spawn", "ns", "sleepers", (("Go", 0),),
        figures=("sleepers-256k-spawn", "sleepers-spawn")),
    Row("sleepers-64k-spawn", "ns", "sleepers", (("Go", 0),),
        figures=("sleepers-64k-spawn", "sleepers-spawn")),
    Row("sleepers-dense-2k-spawn", "ns", "sleepers", (("Go", 0),),
        figures=("sleepers-dense-2k-spawn", "sleepers-spawn")),
    Row("timer-insert", "ns", "timers", (("libuv", 0.2),)),
    Row("timer-cancel", "ns", "timers", (("libuv", 0.2),)),
    Row("timer-fire", "ns", "timers", (("libuv", 0.2),)),
    Row("start", "us", "start", (("empty C", 2),),
        figures=("hello", "empty")),
    *echo_rows("1k", 10, ("epoll C", 1), ("libuv", 0.95), ("Go", 0.85)),
    *echo_rows("1k", 100, ("epoll C", 1), ("libuv", 0.95), ("Go", 0.85)),
    *echo_rows("1k", 1000, ("epoll C", 1), ("libuv", 0.95), ("Go", 0.85)),
    *echo_rows("16k", 100, ("epoll C", 1)),
    Row("roundtrip", "us", "roundtrip", (("libuv", 0),), figures=("p50",)),
    Row("roundtrip-spin", "us", "roundtrip", (("libuv", 0.4),),
        figures=("p50",), contender=OURS_SPIN),
    Row("roundtrip-epoll", "us", "roundtrip", (("libuv", 0),),
        figures=("p50",), contender=OURS_EPOLL),
    Row("churn", "ns", "churn", (("epoll C", 0),), figures=("cpu",)),
    Row("churn-epoll", "ns", "churn", (("epoll C", 0),), figures=("cpu",),
        contender=OURS_EPOLL),
    Row("idle", "B", "idle", (("Go", 0),), 6000, ("memory",)),
    Row("idle-epoll", "B", "idle", (("Go", 0),), 6000, ("memory",),
        OURS_EPOLL),
    Row("read-hot", "ns", "read-hot", (("pread", 1.15), ("libuv", 0))),
    Row("read-direct", "ns", "read-direct",
        (("io_uring C", 1), ("libuv", 0.4))),
    Row("http-4k", "ns", "http-4k", (("nginx", 1),), figures=("cpu",)),
    Row("http-4k-epoll", "ns", "http-4k", (("nginx", 0),), figures=("cpu",),
        contender=OURS_EPOLL),
    Row("tls-16m", "us", "tls-16m", (("nginx", 1), ("OpenSSL C", 0)),
        figures=("mib",)),
    Row("tls-16m-epoll", "us", "tls-16m", (("nginx", 0),), figures=("mib",),
        contender=OURS_EPOLL),
)

GROUPS = {
    "tasks": "Tasks and timers",
    "net": "Connections",
    "file": "Files",
    "http": "HTTP and TLS",
}


def job_of(row):
    return next(job for job in JOBS if job.name == row.job)


def destinations(job, contender, printed):
    """Where a printed figure belongs, as (row, column) pairs. Ours stands in
    one column, however it ran; each way to run it has rows of its own."""
    is_ours = contender in OURS_ALL
    column = OURS if is_ours else contender
    if printed == "empty":       # start runs both sides
        column = "empty C"
    return [(row, column) for row in ROWS
            if row.job == job.name and printed in (row.figures or (row.name,))
            and (not is_ours or row.contender == contender)]
