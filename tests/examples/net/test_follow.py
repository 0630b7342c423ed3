# SPDX-License-Identifier: MIT
"""The log follower, against tail -F."""
import os
import pathlib
import subprocess
import tempfile

from rig import PROGRAM, Process, equal, need, run

need("tail")


class Log:
    """A log file, and what is said about it."""

    def __init__(self, folder, name):
        self.path = pathlib.Path(folder) / name
        self.count = 0

    def add(self, followers):
        """A line that all followers must show."""
        self.count += 1
        words = f"{self.path.name} {self.count}"
        with self.path.open("a") as file:
            file.write(words + "\n")
        for follower in followers:
            equal((follower.child.args[0], next_line(follower)),
                  (follower.child.args[0], words))


def next_line(follower):
    """The next line that is none of the heads between files."""
    while True:
        line = follower.line()
        if line and not line.startswith("==>"):
            return line


def followed(function):
    """Calls function(logs, followers) with two logs that the example and tail
    follow from here on."""
    with tempfile.TemporaryDirectory() as folder:
        logs = [Log(folder, "a"), Log(folder, "b")]
        for log in logs:
            log.path.write_text("old\n")
        names = [str(log.path) for log in logs]
        options = {"stderr": subprocess.DEVNULL}
        with Process([*PROGRAM, *names], **options) as example, \
                Process(["tail", "-n", "0", "-F", *names], **options) as tail:
            await_watches(example, 3)
            await_watches(tail, 3)
            function(logs, [example, tail])
            example.interrupt()


def await_watches(follower, count):
    """Until it has so many inotify watches."""
    folder = pathlib.Path(f"/proc/{follower.child.pid}/fdinfo")
    watches = 0
    while watches < count:
        assert follower.child.poll() is None
        watches = 0
        for name in os.listdir(folder):
            try:
                watches += (folder / name).read_text().count("inotify wd:")
            except OSError:
                pass             # it has just been closed


def test_what_is_added_is_shown():
    def check(logs, followers):
        for _ in range(20):
            for log in logs:
                log.add(followers)
    followed(check)


def test_a_log_that_is_cut_goes_on():
    def check(logs, followers):
        for turn in range(3):
            for _ in range(5):
                logs[0].add(followers)
            os.truncate(logs[0].path, 0)
            logs[1].add(followers)
            logs[0].add(followers)
    followed(check)


def test_a_log_that_is_rotated_goes_on():
    def check(logs, followers):
        for turn in range(5):
            for log in logs:
                log.add(followers)
                log.path.rename(log.path.with_name(f"old {log.path.name}"))
                log.path.touch()
                log.add(followers)
    followed(check)


def test_a_log_that_is_removed_and_made_again():
    def check(logs, followers):
        for turn in range(3):
            logs[0].add(followers)
            logs[0].path.unlink()
            logs[1].add(followers)
            logs[0].add(followers)
    followed(check)


def test_the_old_log_is_read_to_its_end_first():
    def check(logs, followers):
        path = logs[0].path
        text = "".join(f"line {number}\n" for number in range(50_000))
        with path.open("a") as file:
            file.write(text)
        path.rename(path.with_name("old"))
        path.write_text("new\n")
        for follower in followers[:1]:
            for number in range(50_000):
                equal(next_line(follower), f"line {number}")
            equal(next_line(follower), "new")
    followed(check)


def test_a_log_that_is_not_there_yet():
    with tempfile.TemporaryDirectory() as folder:
        log = Log(folder, "late")
        with Process([*PROGRAM, str(log.path)],
                     stderr=subprocess.PIPE) as example:
            equal(example.line(example.child.stderr),
                  f"follow: {log.path}: is not there yet")
            log.add([example])
            log.add([example])
            example.interrupt()


def test_no_folder_is_an_error():
    with Process([*PROGRAM, "/nowhere/log"],
                 stderr=subprocess.DEVNULL) as example:
        equal(example.end(1), "")


run(globals())
