# SPDX-License-Identifier: MIT
"""The runner of jobs, whose jobs are other programs."""
import pathlib
import re
import subprocess
import tempfile
import time

from rig import PROGRAM, Process, SLOW, await_that, equal, run


def ran(text, *words, status=0):
    """The lines that it prints for a file of jobs, and on standard error."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "jobs"
        path.write_text(text)
        done = subprocess.run([*PROGRAM, *words, str(path)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60 * SLOW, cwd=folder)
    equal(done.returncode, status)
    return done.stdout.splitlines(), done.stderr


def test_jobs_come_after_those_that_they_need():
    lines, _ = ran("""# a comment
app: lib main.o            # and another one
    echo link; cat lib main.o
lib: a.o b.o
    cat a.o b.o >lib
a.o:
    echo a >a.o
b.o:
    echo b >b.o
main.o:
    echo main >main.o
""")
    equal(lines, ["[app] link", "[app] a", "[app] b", "[app] main"])


def test_output_comes_in_one_piece():
    job = """
job{0}:
    for i in $(seq 200); do echo {0} $i; [ $i != 100 ] || sleep 0.02; done
    echo end >&2
"""
    lines, _ = ran("".join(job.format(number) for number in range(20)),
                   "-j", "20")
    equal(len(lines), 20 * 201)
    for start in range(0, len(lines), 201):
        number = re.match(r"\[job(\d+)\]", lines[start])[1]
        equal(lines[start:start + 201],
              [f"[job{number}] {number} {i}" for i in range(1, 201)] +
              [f"[job{number}] end"])


def test_no_more_at_once_than_allowed():
    job = """
job{0}:
    touch on.{0}; ls | grep -c on; sleep 0.05; ls | grep -c on; rm on.{0}
"""
    text = "".join(job.format(number) for number in range(12))
    for most in (1, 3):
        lines, _ = ran(text, "-j", str(most))
        equal(len(lines), 24)
        assert max(int(line.split()[1]) for line in lines) <= most, lines


def test_the_first_failure_stops_the_rest():
    start = time.monotonic()
    lines, error = ran("""
bad:
    echo before; false; echo after
slow:
    sleep 1000 & sleep 1000
later: slow
    echo never
""", "-j", "2", status=1)
    equal(lines, ["[bad] before", "[bad] failed: exit status 1"])
    equal(error, "")
    assert time.monotonic() - start < 10 * SLOW


def test_a_job_that_is_killed():
    lines, _ = ran("job:\n    kill -9 $$\n", status=1)
    equal(lines, ["[job] failed: Killed"])


def test_a_job_that_says_very_much():
    lines, _ = ran("job:\n    seq 300000\n")
    equal(lines, [f"[job] {number}" for number in range(1, 300001)])


def is_alive(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "State:\tZ" not in status


def test_ctrl_c_stops_all_of_them():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "jobs"
        path.write_text(f"""
job:
    sleep 1000 & echo $! >{folder}/part; mv {folder}/part {folder}/pid; wait
""")
        with Process([*PROGRAM, str(path)],
                     stderr=subprocess.DEVNULL) as runner:
            pid = pathlib.Path(folder) / "pid"
            await_that(pid.exists)
            runner.interrupt(1)
            await_that(lambda: not is_alive(int(pid.read_text())))


def test_a_file_that_makes_no_sense():
    for text, words in {
            "a: b\nb: c\nc: a\n": "needs itself",
            "a: b\n": "b: is needed, and is not there",
            "a:\na:\n": "a: is there twice",
            "words\n": "neither a job"}.items():
        lines, error = ran(text, status=2)
        equal(lines, [])
        assert words in error, error


run(globals())
