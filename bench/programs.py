# SPDX-License-Identifier: MIT
"""Programs that measure themselves, and running programs at all."""
import os
import resource
import subprocess

from peers import OURS, Missing

TIMEOUT_S = 600
BLOCKS_SIZE = 256 << 20


def start(command, cpu, env=None, **options):
    """Starts a program, pinned to the processor unless that is None, with as
    many descriptors as it may have."""
    def prepare():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        return subprocess.Popen(command, preexec_fn=prepare, env=env,
                                stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, text=True, **options)
    except OSError as error:
        raise Missing(f"did not start: {error.strerror}") from None


def last_line(text):
    return (text.strip().splitlines() or [""])[-1]


def run(command, cpu, env=None):
    """Runs a program to its end; what it printed."""
    process = start(command, cpu, env, stderr=subprocess.PIPE)
    try:
        output, errors = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Missing(f"took more than {TIMEOUT_S} s") from None
    if process.returncode != 0:
        raise Missing(f"ended with status {process.returncode} "
                      f"{last_line(errors)}".strip())
    return output


def blocks_file(directory):
    """The file whose blocks are read. Its bytes are written out, so that they
    lie on the device and not only in the file's length."""
    path = directory / "data" / "blocks"
    if not path.exists() or path.stat().st_size != BLOCKS_SIZE:
        path.parent.mkdir(exist_ok=True)
        with open(path, "wb") as file:
            for _ in range(BLOCKS_SIZE >> 20):
                file.write(os.urandom(1 << 20))
            os.fsync(file.fileno())
    return path


def commands(job, contender, setup):
    """The calls of one turn: ours may need one for each of its rows."""
    if contender != OURS:
        command = setup.peers[contender].command(job.program)
        calls = [command + [job.name, str(setup.divisor)]]
    else:
        program = str(setup.directory / job.program)
        calls = [[program, row, str(setup.divisor)]
                 for row in job.ours or [job.name]]
    if job.name == "start":
        empty = setup.peers.get("empty C")
        calls[0].append(str(setup.directory / "hello"))
        calls[0] += empty.command(job.program) if empty else []
    if job.is_on_file:
        calls = [call + [str(blocks_file(setup.directory))] for call in calls]
    return calls


def turn(job, contender, setup):
    # Go's collector and timers have threads of their own beside GOMAXPROCS,
    # as have pools.
    cpu = None if contender in job.unpinned else setup.cpu
    env = dict(os.environ, GOMAXPROCS="1")
    return "".join(run(command, cpu, env)
                   for command in commands(job, contender, setup))
