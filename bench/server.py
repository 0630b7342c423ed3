# SPDX-License-Identifier: MIT
"""A running server and what it costs.

A server says on its first line where it listens, the port last (`port 8080`,
`serving on 127.0.0.1:8080`). It ends by SIGTERM.
"""
import re
import select
import subprocess
import tempfile
import time

import programs
from peers import Missing

START_S = 20


class Server:
    """A running server. Its CPU time includes that of its children."""

    def __init__(self, command, cpu, env):
        # A file, which takes whatever is said: a pipe nobody reads does not.
        self.errors = tempfile.TemporaryFile("w+")
        self.process = programs.start(command, cpu, env, stderr=self.errors)
        self.port = 0

    def wait_for_port(self):
        """Reads the line in which it says its port."""
        ready, _, _ = select.select([self.process.stdout], [], [], START_S)
        line = self.process.stdout.readline() if ready else ""
        found = re.search(r"(\d+)/?\s*$", line)
        if not found:
            self.fail()
        self.port = int(found[1])

    def fail(self):
        self.stop()
        self.errors.seek(0)
        errors = programs.last_line(self.errors.read())
        raise Missing(f"the server did not start: {errors}")

    def pids(self):
        pid = self.process.pid
        path = f"/proc/{pid}/task/{pid}/children"
        with open(path, encoding="ascii") as children:
            return [pid] + [int(child) for child in children.read().split()]

    def cpu_ns(self):
        """CPU time so far, exact to the ns where nothing of it runs now; the
        clock is what clock_getcpuclockid(3) makes of a pid."""
        return sum(time.clock_gettime_ns((~pid << 3) | 2)
                   for pid in self.pids())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
