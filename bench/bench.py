#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures casyncio beside its peers and writes the table of RESULTS.md.

    bench.py DIRECTORY [--quick] [--rows PATTERN,...] [--rounds N]

DIRECTORY holds the built programs of this folder. Peers are built below it,
in DIRECTORY/peers; one that cannot be built is shown as "-" with the reason
below the table. Ours and the peers take turns, in a rotated order. What is
shown is the lower quartile of the turns; ratios are between figures of the
same run.

Parts: rows.py has the rows and targets, peers.py the contenders, measure.py
the turns (programs.py, field.py and web.py what happens in one), table.py the
table.
"""
import argparse
import fnmatch
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import peers
import table
from measure import measure
from results import Results
from rows import GROUPS, JOBS, ROWS, job_of

HERE = Path(__file__).resolve().parent
QUICK_DIVISOR = 10
SLICE_S = 0.5


@dataclass
class Setup:
    source: Path                 # this folder
    directory: Path              # our built programs
    peers: dict                  # name to peers.Peer, of those that are there
    rounds: int
    divisor: int                 # of the counts of programs
    slice_s: float               # of the load on a server
    cpu: int                     # for programs and servers
    client_cpu: int              # for who puts load on servers
    load: float


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    processors = os.sched_getaffinity(0)
    parser.add_argument("directory", type=Path,
                        help="where the built programs of bench/ are")
    parser.add_argument("--quick", action="store_true",
                        help="two rounds, a tenth of the counts")
    parser.add_argument("--rows", default="*",
                        help="rows or groups of them (" + ", ".join(GROUPS) +
                        "), as switch-2,timer-*,net")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--cpu", type=int, default=max(processors),
                        help="the processor to pin programs to")
    parser.add_argument("--client-cpu", type=int, default=min(processors),
                        help="that of the load on servers")
    parser.add_argument("--output", type=Path,
                        help="where to write the table; by default RESULTS.md "
                        "after a run of all rows that is not quick")
    return parser.parse_args()


def is_chosen(row, pattern):
    return job_of(row).group == pattern or fnmatch.fnmatch(row.name, pattern)


def chosen_rows(patterns):
    rows = [row for row in ROWS
            if any(is_chosen(row, pattern)
                   for pattern in patterns.split(","))]
    if not rows:
        sys.exit("bench: no such row; there are: " +
                 " ".join(row.name for row in ROWS))
    return rows


def make_setup(arguments, jobs, results):
    load = os.getloadavg()[0]
    directory = arguments.directory.resolve()
    wanted = {name for job in jobs for name in job.peers}
    built = peers.build_all(HERE / "peers", directory / "peers", wanted,
                            results.missing)
    is_quick = arguments.quick
    return Setup(HERE, directory, built,
                 arguments.rounds or (2 if is_quick else 5),
                 QUICK_DIVISOR if is_quick else 1,
                 SLICE_S / QUICK_DIVISOR if is_quick else SLICE_S,
                 arguments.cpu, arguments.client_cpu, load)


def main():
    arguments = parse_arguments()
    rows = chosen_rows(arguments.rows)
    names = {row.job for row in rows}
    jobs = [job for job in JOBS if job.name in names]
    results = Results()
    setup = make_setup(arguments, jobs, results)
    if table.build_type(setup.directory) != "release":
        print("bench: note: this is not a release build", file=sys.stderr)
    for job in jobs:
        measure(job, setup, results)

    text = table.report(rows, setup, results)
    print(text)
    output = arguments.output
    if not output and len(rows) == len(ROWS) and not arguments.quick:
        output = HERE / "RESULTS.md"
    if output:
        output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
