# SPDX-License-Identifier: MIT
"""The echo server, against socat."""
import os
import subprocess

from rig import Example, PROGRAM, equal, need, output_of, run

need("socat")


def echoed(server, data):
    return output_of("socat", "-t", "20", "-", f"TCP:127.0.0.1:{server.port}",
                     input=data)


def test_says_back_what_it_hears():
    data = os.urandom(3_000_000)
    with Example("127.0.0.1", "0") as server:
        equal(echoed(server, b"hello\n"), b"hello\n")
        assert echoed(server, data) == data
        server.interrupt()


def test_many_at_once_and_each_its_own_words():
    with Example("127.0.0.1", "0") as server:
        clients = [server.socat() for _ in range(20)]
        for turn in range(3):
            for number, client in enumerate(clients):
                client.say(f"{number} {turn}\n")
            for number, client in enumerate(clients):
                equal(client.line(), f"{number} {turn}")
        for client in clients:
            equal(client.end(), "")
            client.__exit__()
        server.interrupt()


def test_ctrl_c_ends_it_and_its_clients():
    with Example("127.0.0.1", "0") as server, server.socat() as client:
        client.say("x\n")
        equal(client.line(), "x")
        server.interrupt()
        equal(client.line(), None)


def test_port_in_use_is_said():
    with Example("127.0.0.1", "0") as server:
        second = subprocess.run([*PROGRAM, "127.0.0.1", str(server.port)],
                                stderr=subprocess.PIPE, timeout=20, text=True)
        equal(second.returncode, 1)
        equal(second.stderr, "echo_server: Address already in use\n")
        server.interrupt()


run(globals())
