# SPDX-License-Identifier: MIT
"""The results as Markdown: a table for each group of rows, and the machine."""
import datetime
import json
import os
import platform
import subprocess

import peers
import programs
from peers import OURS, Missing
from rows import GROUPS, job_of


def shown(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def target(row):
    parts = [f"{ratio:g} × {peer}" for peer, ratio in row.against if ratio]
    if row.value:
        parts.append(f"{row.value:,g} {row.unit}")
    return " and ".join(parts)


def verdict(row, results):
    """yes, no, or - where that cannot be said."""
    limits = [ratio * (results.get(row, peer) or 0)
              for peer, ratio in row.against if ratio]
    if row.value:
        limits.append(row.value)
    if not limits:
        return ""
    ours = results.get(row, OURS)
    if ours is None:
        return "-"
    if any(limit and ours > limit for limit in limits):
        return "**no**"
    return "yes" if all(limits) else "-"


def ratios(row, results):
    ours = results.get(row, OURS)
    parts = [f"{ours / results.get(row, peer):.3f} × {peer}"
             for peer, _ in row.against
             if ours is not None and results.get(row, peer)]
    return ", ".join(parts) or "-"


def cells(row, columns, results):
    return ([f"{row.name}, {row.unit}"] +
            [shown(results.get(row, column)) for column in columns] +
            [ratios(row, results), target(row), verdict(row, results)])


def spread(row, column, results):
    found = results.spread(row, column)
    return f"{shown(found[0])} .. {shown(found[1])}" if found else "-"


def markdown(head, lines):
    """A table whose columns line up in the source too."""
    widths = [max(len(line[i]) for line in [head] + lines)
              for i in range(len(head))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width)
                          for cell, width in zip(line, widths)) + " |"
        for line in [head, rule] + lines)


def group_tables(group, rows, results):
    """The table of the group's rows, and that of their spread."""
    rows = [row for row in rows if job_of(row).group == group]
    wanted = {peer for row in rows for peer in job_of(row).peers}
    columns = [OURS] + [name for name in peers.NAMES if name in wanted]
    table = markdown(["row"] + columns + ["ratio", "target, at most",
                                          "reached"],
                     [cells(row, columns, results) for row in rows])
    spreads = markdown(["row"] + columns,
                       [[row.name] + [spread(row, column, results)
                                      for column in columns]
                        for row in rows])
    return table, spreads


# ---- the machine ----

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
    try:
        ours = programs.run([str(setup.directory / "yield"), "--version"],
                            setup.cpu).strip()
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


# ---- all of it ----

def report(rows, setup, results):
    groups = [group for group in GROUPS
              if any(job_of(row).group == group for row in rows)]
    both = {group: group_tables(group, rows, results) for group in groups}
    tables = "\n\n".join(f"## {GROUPS[group]}\n\n{both[group][0]}"
                         for group in groups)
    spreads = "\n\n".join(both[group][1] for group in groups)
    missing = "\n".join(f"* {what}: {why}"
                        for what, why in results.missing.items())
    return (f"# Results\n\nWritten by `./run bench`; what each row measures "
            f"is in README.md.\n\n{machine(setup)}\n\n{tables}\n\n"
            + (f"## Missing\n\n{missing}\n\n" if missing else "")
            + f"## Spread\n\nLowest and highest of the turns.\n\n"
            f"{spreads}\n")
