# SPDX-License-Identifier: MIT
"""The chat, with members that are socats."""
import contextlib

from rig import Example, equal, need, run

need("socat")


@contextlib.contextmanager
def member(server, name, options=""):
    """A socat that has joined."""
    with server.socat(options=options) as client:
        client.say(name + "\n")
        client.await_line(rf"\* {name} has come$")
        yield client


def test_everybody_but_the_speaker_hears_a_line():
    with Example("127.0.0.1", "0") as server, \
            member(server, "ann") as ann, \
            member(server, "bob") as bob, \
            member(server, "cat") as cat:
        equal(ann.line(), "* bob has come")
        equal(ann.line(), "* cat has come")
        equal(bob.line(), "* cat has come")
        ann.say("good morning\n")
        equal(bob.line(), "ann: good morning")
        equal(cat.line(), "ann: good morning")
        bob.say("is it?\n")
        equal(ann.line(), "bob: is it?")
        equal(cat.line(), "bob: is it?")
        equal(bob.end(), "")
        equal(ann.line(), "* bob has left")
        equal(cat.line(), "* bob has left")
        equal(server.line(), "ann has come")
        server.interrupt()
        ann.await_end()


def test_who_hangs_up_still_hears_what_was_said_before():
    with Example("127.0.0.1", "0") as server, \
            member(server, "ann") as ann, member(server, "bob") as bob:
        for number in range(200):
            ann.say(f"{number}\n")
        bob.await_line("ann: 199$")
        equal(bob.end(), "")
        ann.await_line("bob has left")
        equal(ann.end(), "")
        server.interrupt()


def test_a_slow_member_holds_up_nobody_and_has_to_go():
    words = "x" * 400
    # socat reads no more once the pipe behind it is full.
    with Example("127.0.0.1", "0") as server, \
            member(server, "ann") as ann, member(server, "bob") as bob, \
            member(server, "slow", ",rcvbuf=4096"):
        ann.await_line("slow has come")
        bob.await_line("slow has come")
        for turn in range(10000):
            for number in range(100):
                ann.say(f"{turn} {number} {words}\n")
            heard = [bob.line() for number in range(100)]
            if "* slow was too slow" in heard:
                break
            equal(heard[-1], f"ann: {turn} 99 {words}")
        else:
            raise AssertionError("the slow member is still there")
        ann.await_line("slow was too slow")
        server.interrupt()


def test_a_line_without_end_ends_its_speaker():
    with Example("127.0.0.1", "0") as server, \
            member(server, "ann") as ann, member(server, "bob") as bob:
        ann.say("x" * 10000)
        bob.await_line("ann has left")
        server.interrupt()


run(globals())
