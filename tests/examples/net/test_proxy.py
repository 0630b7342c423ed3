# SPDX-License-Identifier: MIT
"""The proxy, in front of nginx and of socat."""
import os
import subprocess

from rig import Example, Nginx, equal, example_output, need, output_of, \
    run, socat_server, socat_to

need("socat", "nginx", "curl")


def test_a_large_file_comes_through():
    content = os.urandom(5_000_000)
    with Nginx({"big": content}) as nginx, \
            Example("0", "127.0.0.1", str(nginx.port)) as proxy:
        url = f"http://127.0.0.1:{proxy.port}/big"
        assert output_of("curl", "-sS", url) == content
        proxy.await_line(r"bytes there, \d+ back: ended")
        proxy.interrupt()


def test_many_at_once():
    content = os.urandom(200_000)
    with Nginx({"file": content}) as nginx, \
            Example("0", "localhost", str(nginx.port)) as proxy:
        url = f"http://127.0.0.1:{proxy.port}/file"
        words = ["curl", "-sf", "--parallel"]
        for _ in range(50):
            words += ["-o", "/dev/null", url]
        output_of(*words, stderr=subprocess.DEVNULL)
        proxy.interrupt()


def test_the_answer_comes_after_the_end_of_the_question():
    with socat_server("SYSTEM:wc -c") as port, \
            Example("0", "127.0.0.1", str(port)) as proxy:
        answer = output_of("socat", "-t", "20", "-",
                           f"TCP:127.0.0.1:{proxy.port}", input=b"x" * 100000)
        equal(answer.strip(), b"100000")
        proxy.interrupt()


def test_more_than_allowed_wait_for_their_turn():
    with socat_server("EXEC:cat") as port, \
            Example("-n", "1", "0", "127.0.0.1", str(port)) as proxy, \
            socat_to(proxy.port) as first:
        first.say("first\n")
        equal(first.line(), "first")
        with socat_to(proxy.port) as second:
            second.say("second\n")
            equal(first.end(), "")
            equal(second.line(), "second")
            proxy.interrupt()


def test_an_idle_connection_is_ended():
    with socat_server("EXEC:cat") as port, \
            Example("-i", "0.3", "0", "127.0.0.1", str(port)) as proxy, \
            socat_to(proxy.port) as client:
        client.say("x\n")
        equal(client.line(), "x")
        equal(client.line(), None)
        proxy.await_line(r": 2 bytes there, 2 back: .*deadline passed")
        proxy.interrupt()


def test_nobody_behind_it_is_said():
    with socat_server("EXEC:cat") as port:
        pass                     # a port that was free a moment ago
    with Example("0", "127.0.0.1", str(port)) as proxy, \
            socat_to(proxy.port) as client:
        equal(client.line(), None)
        proxy.await_line(r"no connection: .*refused")
        proxy.interrupt()


def test_usage():
    example_output("1", "2", status=2, stderr=subprocess.DEVNULL)


run(globals())
