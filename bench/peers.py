# SPDX-License-Identifier: MIT
"""The peers of bench.py: how each is built, called, and asked its version.

A builder gets the folder of sources and the folder to build in, and returns
a Peer. It raises Missing with a reason where the peer cannot be had; nothing
is installed but uvloop, into an environment of its own. What the tools said is
kept in NAME.log in the folder of builds.
"""
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OURS = "casyncio"
OURS_EPOLL = "casyncio on epoll"
OURS_SPIN = "casyncio spinning"
OURS_ALL = (OURS, OURS_EPOLL, OURS_SPIN)


class Missing(Exception):
    """Why something cannot be measured."""


@dataclass
class Peer:
    # What a call begins with, by the name of our program without its folder
    # ("echo", "read"), "site" for a web server, "" for all others.
    commands: dict
    ask_version: tuple = ()      # the call that prints it, if there is one
    version: str = ""

    def command(self, program):
        """What a call begins with, for a program as rows.py names it."""
        name = program.rpartition("/")[2]
        return self.commands.get(name) or self.commands[""]


def call(log, *command, cwd=None, env=None):
    """Runs a tool quietly; Missing if it is not there or fails."""
    tool = Path(command[0]).name
    try:
        done = subprocess.run(command, cwd=cwd, env=env, text=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    except OSError:
        raise Missing(f"{tool} is not installed") from None
    log.write_text(done.stdout)
    if done.returncode != 0:
        raise Missing(f"{tool} failed, see peers/{log.name}")
    return done.stdout


def have_header(compiler, language, header):
    """Does a source with this include compile?"""
    done = subprocess.run([compiler, "-E", "-x", language, "-"],
                          input=f"#include <{header}>\n", text=True,
                          capture_output=True)
    return done.returncode == 0


def require(tool, package):
    if not shutil.which(tool):
        raise Missing(f"{tool} is not installed ({package})")


def build_c(source, build, name, *libraries):
    """Builds NAME.c; what a call of it begins with."""
    require("cc", "gcc")
    program = build / name
    call(build / f"{name}.log", "cc", "-std=gnu11", "-D_GNU_SOURCE", "-O2",
         "-o", str(program), str(source / f"{name}.c"), *libraries)
    return [str(program)]


def build_fcontext(source, build):
    require("c++", "g++")
    if not have_header("c++", "c++",
                       "boost/context/detail/fcontext.hpp"):
        raise Missing("Boost.Context is not installed (libboost-context-dev)")
    program = build / "switch_fcontext"
    command = ["c++", "-O2", "-o", str(program),
               str(source / "switch_fcontext.cpp")]
    log = build / "fcontext.log"
    # As ours, the switch is called directly and not through a shared library.
    try:
        call(log, *command, "-Wl,-Bstatic", "-lboost_context",
             "-Wl,-Bdynamic")
    except Missing:
        call(log, *command, "-lboost_context")
    return Peer({"": [str(program)]}, (str(program), "--version"))


def build_libuv(source, build):
    require("cc", "gcc")
    if not have_header("cc", "c", "uv.h"):
        raise Missing("libuv is not installed (libuv1-dev)")
    timers = build_c(source, build, "timers_libuv", "-luv")
    return Peer({"timers": timers,
                 "echo": build_c(source, build, "echo_libuv", "-luv"),
                 "read": build_c(source, build, "read_libuv", "-luv")},
                (*timers, "--version"))


def build_go(source, build):
    require("go", "golang-go")
    program = str(build / "go_peer")
    call(build / "go.log", "go", "build", "-buildvcs=false", "-o", program,
         ".", cwd=source / "go")
    return Peer({"": [program], "echo": [program, "echo"]},
                (program, "--version"))


def build_tokio(source, build):
    require("cargo", "cargo")
    target = build / "tokio"
    program = str(target / "release" / "tokio-peer")
    call(build / "tokio.log", "cargo", "build", "--release", "--locked",
         "--target-dir", str(target), cwd=source / "tokio")
    return Peer({"": [program], "echo": [program, "echo"]},
                (program, "--version"))


def find_python():
    """CPython 3.13, which the targets were set beside, else what runs this."""
    candidates = [os.environ.get("BENCH_PYTHON"), shutil.which("python3.13")]
    pyenv = Path.home() / ".pyenv" / "versions"
    candidates += sorted(map(str, pyenv.glob("3.13*/bin/python3")))
    for candidate in filter(None, candidates):
        # pyenv's shim is there even for versions that are not chosen.
        probe = subprocess.run([candidate, "-c", ""], capture_output=True)
        if probe.returncode == 0:
            return candidate
    return sys.executable


def python_peer(python, source, loop):
    peer = [python, str(source / "python" / "peer.py"), loop]
    echo = [python, str(source / "python" / "echo.py"), loop, "streams"]
    return Peer({"": peer, "echo": echo}, (*peer, "--version"))


def python_protocol(python, source, loop):
    """The same with callbacks, for servers only."""
    echo = [python, str(source / "python" / "echo.py"), loop, "protocol"]
    return Peer({"echo": echo})


def build_asyncio(source, build):
    return python_peer(find_python(), source, "asyncio")


def build_asyncio_protocol(source, build):
    return python_protocol(find_python(), source, "asyncio")


def uvloop_python(build):
    """The interpreter of an environment that has uvloop."""
    environment = build / "uvloop"
    python = environment / "bin" / "python"
    log = build / "uvloop.log"
    try:
        call(log, str(python), "-c", "import uvloop")
    except Missing:
        call(log, find_python(), "-m", "venv", "--clear", str(environment))
        call(log, str(python), "-m", "pip", "install", "--quiet",
             "--disable-pip-version-check", "uvloop")
    return str(python)


def build_uvloop(source, build):
    return python_peer(uvloop_python(build), source, "uvloop")


def build_uvloop_protocol(source, build):
    return python_protocol(uvloop_python(build), source, "uvloop")


def build_empty(source, build):
    return Peer({"": build_c(source, build, "empty")})


def build_epoll(source, build):
    return Peer({"echo": build_c(source, build, "echo_epoll")})


def build_pread(source, build):
    return Peer({"read": build_c(source, build, "read_plain")})


def build_uring(source, build):
    if not have_header("cc", "c", "liburing.h"):
        raise Missing("liburing is not installed (liburing-dev)")
    return Peer({"read": build_c(source, build, "read_uring", "-luring")})


def build_openssl(source, build):
    if not have_header("cc", "c", "openssl/ssl.h"):
        raise Missing("OpenSSL is not installed (libssl-dev)")
    program = build_c(source, build, "site_openssl", "-lssl", "-lcrypto")
    return Peer({"site": program}, (*program, "--version"))


def build_nginx(source, build):
    # Debian has it where only root's PATH leads.
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        raise Missing("nginx is not installed (nginx)")
    return Peer({"site": [program]}, (program, "-v"))


BUILDERS = {
    "fcontext": build_fcontext,
    "empty C": build_empty,
    "epoll C": build_epoll,
    "pread": build_pread,
    "io_uring C": build_uring,
    "libuv": build_libuv,
    "Go": build_go,
    "Tokio": build_tokio,
    "asyncio": build_asyncio,
    "uvloop": build_uvloop,
    "asyncio protocol": build_asyncio_protocol,
    "uvloop protocol": build_uvloop_protocol,
    "nginx": build_nginx,
    "OpenSSL C": build_openssl,
}
NAMES = tuple(BUILDERS)


def build_one(name, source, build):
    peer = BUILDERS[name](source, build)
    if peer.ask_version:
        said = call(build / "version.log", *peer.ask_version)
        peer.version = said.strip().removeprefix("nginx version: ")
    return peer


def build_all(source, build, wanted, missing):
    """The wanted peers that can be built, by name; reasons go to missing."""
    build.mkdir(parents=True, exist_ok=True)
    built = {}
    for name in NAMES:
        if name not in wanted:
            continue
        print(f"\r\033[Kbuilding {name}", end="", file=sys.stderr, flush=True)
        try:
            built[name] = build_one(name, source, build)
        except Missing as reason:
            missing[name] = str(reason)
    print("\r\033[K", end="", file=sys.stderr, flush=True)
    return built
