# SPDX-License-Identifier: MIT
"""Has the contenders of a job take turns, in a rotated order, so that a
machine which drifts does so for everybody. programs.py and field.py know
what a turn is."""
import sys

import programs
from field import Field
from peers import Missing
from rows import Program

SLEEPERS_MEMORY_GB = 6


def say(text):
    print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def available_gb():
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        for line in meminfo:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024 / 1e9
    return 0


def rotated(contenders, number):
    turn = number % len(contenders)
    return contenders[turn:] + contenders[:turn]


def take_turns(job, contenders, rounds, take_turn, results):
    for number in range(rounds):
        for contender in rotated(contenders, number):
            key = f"{contender}, {job.name}"
            if key in results.missing:
                continue
            say(f"{job.name}, round {number + 1} of {rounds}: {contender}")
            try:
                results.add(job, contender, take_turn(contender))
            except Missing as reason:
                results.missing[key] = str(reason)


def measure(job, setup, results):
    if job.name == "sleepers" and available_gb() < SLEEPERS_MEMORY_GB:
        results.missing["sleepers"] = \
            f"less than {SLEEPERS_MEMORY_GB} GB of memory is free"
        return
    contenders = list(job.contenders)
    if job.name != "start":      # which alternates with its peer by itself
        contenders += [peer for peer in job.peers if peer in setup.peers]
    rounds = setup.rounds * job.turns
    if isinstance(job, Program):
        def take_turn(contender):
            return programs.turn(job, contender, setup)
        take_turns(job, contenders, rounds, take_turn, results)
    else:
        with Field(job, setup) as field:
            take_turns(job, contenders, rounds, field.turn, results)
    say("")
