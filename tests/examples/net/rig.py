# SPDX-License-Identifier: MIT
"""What the tests of the network examples share: the example as a user starts
it, the programs of others that it talks to, and limits on how long all of that
may take. Nothing has a fixed port, and everything that is started is ended by
its process id.

A test script is a list of functions named test_*, and run(globals()).
"""
import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SLOW = float(os.environ.get("ASYNCIO_TEST_SLOW", 1))
LIMIT = 20 * SLOW                # seconds that anything may take

# Debian keeps servers out of users' PATH.
os.environ["PATH"] += ":/usr/sbin:/sbin"

# The example, and how it is run: also from another folder than this one.
PROGRAM = [os.path.abspath(word) if os.path.exists(word) else word
           for word in sys.argv[1:]]


def need(*commands):
    """Skips the whole script where one of them is not installed."""
    for command in commands:
        if shutil.which(command) is None:
            print(f"skipped: {command} is not installed")
            sys.exit(77)


def equal(found, expected):
    """As assert, and shows both."""
    assert found == expected, f"found {found!r}, expected {expected!r}"


def await_that(condition):
    """Looks again and again until condition() holds."""
    until = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < until, "that does not come about"
        time.sleep(0.005)


def run(names):
    """Runs each test of a script."""
    for name, function in list(names.items()):
        if name.startswith("test_"):
            start = time.monotonic()
            function()
            print(f"{name} ({time.monotonic() - start:.2f} s)", flush=True)


# ---- processes ----

class Process:
    """A child process with pipes to it; ended at the latest with its block."""

    def __init__(self, words, **options):
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE,
                   **options}
        self.child = subprocess.Popen(words, **options)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def say(self, text):
        self.child.stdin.write(text.encode())
        self.child.stdin.flush()

    def line(self, pipe=None):
        """The next line that it prints, without its end; None at the end."""
        pipe = pipe or self.child.stdout
        until = time.monotonic() + LIMIT
        while b"\n" not in self.pending:
            left = until - time.monotonic()
            assert left > 0 and select.select([pipe], [], [], left)[0], \
                f"{self.child.args}: said nothing after {self.pending!r}"
            more = os.read(pipe.fileno(), 65536)
            if not more:
                return None
            self.pending += more
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode().rstrip("\r")

    def await_line(self, pattern, pipe=None):
        """Reads up to a line that the pattern is found in; the match."""
        while True:
            line = self.line(pipe)
            assert line is not None, f"{self.child.args}: ended"
            match = re.search(pattern, line)
            if match:
                return match

    def await_end(self):
        """Reads what it has left to say."""
        while self.line() is not None:
            pass

    def end(self, status=0):
        """Waits until it has ended, by itself; what it had left to say."""
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.close()
        self.child.stdin = None
        left, _ = self.child.communicate(timeout=LIMIT)
        equal(self.child.returncode, status)
        return (self.pending + left).decode()

    def interrupt(self, status=0):
        """Ctrl-C, after which it has to end."""
        self.child.send_signal(signal.SIGINT)
        return self.end(status)


class Example(Process):
    """The example under test, a server: says in its first line where it
    listens, and ends at a Ctrl-C."""

    def __init__(self, *words):
        super().__init__([*PROGRAM, *words])
        match = self.await_line(r" on (\S+):(\d+)$")
        self.host, self.port = match[1], int(match[2])

    def socat(self, **options):
        return socat_to(self.port, **options)


def output_of(*words, status=0, **options):
    """Runs a program to its end; what it printed."""
    done = subprocess.run(words, stdout=subprocess.PIPE, timeout=LIMIT,
                          **options)
    equal(done.returncode, status)
    return done.stdout


def example_output(*words, status=0, **options):
    return output_of(*PROGRAM, *words, status=status, **options).decode()


# ---- socat ----

def socat_to(port, options="", **more):
    """A socat between pipes and a port. At the end of either side it ends the
    other, two seconds later at most."""
    return Process(["socat", "-t", str(2 * SLOW), "-",
                    f"TCP:127.0.0.1:{port}{options}"], **more)


@contextlib.contextmanager
def socat_server(action):
    """A socat that does `action` for each connection; its port."""
    words = ["socat", "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1,fork", action]
    with Process(words, stderr=subprocess.PIPE) as server:
        match = server.await_line(r"listening on .*:(\d+)$",
                                  server.child.stderr)
        yield int(match[1])


# ---- nginx ----

NGINX_CONF = """
daemon off;
worker_processes 1;
user root;
pid {folder}/pid;
error_log {folder}/error.log;
worker_rlimit_nofile 1000;
events {{ worker_connections 500; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
        location /slow/ {{ alias {folder}/www/; limit_rate 2k; }}
    }}
}}
"""


class Nginx:
    """An nginx with files of `contents` (name: bytes). The socket that it
    listens on is ours, handed down as when it upgrades itself: so it is on
    whatever port is free."""

    def __init__(self, contents):
        self.contents = contents

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.folder.name)
        (path / "www").mkdir()
        for name, content in self.contents.items():
            (path / "www" / name).write_bytes(content)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            self.url = f"http://127.0.0.1:{self.port}"
            conf = path / "nginx.conf"
            conf.write_text(NGINX_CONF.format(folder=path, port=self.port))
            fd = listener.fileno()
            self.process = Process(
                ["nginx", "-p", str(path), "-c", str(conf)], pass_fds=[fd],
                stderr=subprocess.DEVNULL,
                env={**os.environ, "NGINX": f"{fd};"})
        return self

    def __exit__(self, *exception):
        self.process.child.terminate() # and with it its worker
        self.process.child.wait(LIMIT)
        self.process.__exit__(*exception)
        self.folder.cleanup()
