# SPDX-License-Identifier: MIT
"""Servers under load: ours and the peers' are all started, each is idle but
when its turn comes. A server has one processor and the load another."""
import os

import programs
import web
from peers import OURS, OURS_ALL, OURS_EPOLL, OURS_SPIN
from rows import Load
from server import Server

ENVIRONMENTS = {
    OURS: {"ASYNCIO_BACKEND": "uring"},
    OURS_EPOLL: {"ASYNCIO_BACKEND": "epoll"},
    OURS_SPIN: {"ASYNCIO_BACKEND": "uring", "ASYNCIO_SPIN": "50"},
}


class Field:
    """The servers of a job, by contender; with the reason where there is
    none. Closing it ends them."""

    def __init__(self, job, setup):
        self.job = job
        self.setup = setup
        self.servers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers.values():
            server.stop()

    def command(self, contender):
        if contender in OURS_ALL:
            return [str(self.setup.directory / "net" / "echo")]
        return self.setup.peers[contender].command("echo")

    def start(self, contender):
        env = dict(os.environ, GOMAXPROCS="1")
        env.update(ENVIRONMENTS.get(contender, {}))
        if not isinstance(self.job, Load):
            return web.start(self.job, contender, self.setup, env)
        server = Server(self.command(contender) + [str(self.job.size)],
                        self.setup.cpu, env)
        server.wait_for_port()
        return server

    def server(self, contender):
        """The contender's server, started when it is first asked for."""
        if self.job.is_fresh and contender in self.servers:
            self.servers.pop(contender).stop()
        if contender not in self.servers:
            self.servers[contender] = self.start(contender)
        return self.servers[contender]

    def turn(self, contender):
        """Puts the load on one of them; the lines that say what it took."""
        server = self.server(contender)
        if not isinstance(self.job, Load):
            return web.turn(self.job, server, self.setup)
        loadgen = self.setup.directory / "net" / "loadgen"
        words = [loadgen, self.job.mode, "127.0.0.1", server.port,
                 self.job.connections, self.job.size, self.setup.slice_s,
                 server.process.pid]
        return programs.run([str(word) for word in words],
                            self.setup.client_cpu)
