# SPDX-License-Identifier: MIT
"""The fetch of many URLs, against nginx."""
import os
import re
import tempfile
import time

from rig import Nginx, SLOW, equal, example_output, need, run, socat_server

need("nginx", "socat")


def summary(output):
    """Its lines, sorted, without the last, and that one's figures."""
    lines = output.splitlines()
    match = re.fullmatch(r"(\d+) of (\d+) answered: (\d+) bytes in [\d.]+ s",
                         lines.pop())
    return sorted(lines), [int(figure) for figure in match.groups()]


def test_many_urls_at_once():
    contents = {f"f{n}": os.urandom(n * 1000) for n in range(50)}
    with Nginx(contents) as nginx:
        urls = [f"{nginx.url}/{name}" for name in contents]
        lines, figures = summary(example_output(*urls))
        equal(figures, [50, 50, sum(n * 1000 for n in range(50))])
        assert any(re.fullmatch(rf"200 {nginx.url}/f7: 7000 bytes in [\d.]+ s",
                                line) for line in lines), lines


def test_a_status_is_an_answer_and_a_failure_is_one_urls():
    with Nginx({"file": b"x" * 10}) as nginx:
        urls = [f"{nginx.url}/none", f"{nginx.url}/file?query#fragment",
                "http://127.0.0.1:1/", "ftp://127.0.0.1/", "http://["]
        lines, figures = summary(example_output(*urls, status=1))
        equal(figures[:2], [2, 5])
        equal([line.split(":")[0] for line in lines],
              ["--- ftp", "--- http", "--- http", "200 http", "404 http"])
        assert any("refused" in line for line in lines), lines


def answer_of_fetch(answer, status):
    """What it says to a server that answers just so."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(answer)
        file.flush()
        with socat_server("SYSTEM:head -n 1 >/dev/null; "
                          f"cat {file.name}") as port:
            return example_output(f"http://127.0.0.1:{port}/", status=status)


def test_answers_of_all_kinds():
    expected = [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
         b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", 0, "200 .*: 7 bytes in"),
        (b"HTTP/1.0 200 OK\r\n\r\nabc", 0, "200 .*: 3 bytes in"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n", 0,
         "204 .*: 0 bytes in"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 1,
         "--- .*: the stream ended"),
        (b"SSH-2.0-OpenSSH\r\n", 1, "--- .*: Protocol error"),
        (b"", 1, "--- .*: the stream ended"),
    ]
    for answer, status, words in expected:
        output = answer_of_fetch(answer, status)
        assert re.match(words, output), (answer, output)


def test_one_at_a_time_takes_the_sum_of_the_times():
    # 3 KiB at 2 KiB/s: a second or two each
    with Nginx({"file": bytes(3000)}) as nginx:
        urls = [f"{nginx.url}/slow/file"] * 3
        start = time.monotonic()
        example_output(*urls)
        together = time.monotonic() - start
        start = time.monotonic()
        example_output("-n", "1", *urls)
        alone = time.monotonic() - start
        assert alone > 2 * together, (alone, together)


def test_who_does_not_answer_is_given_up():
    with socat_server("SYSTEM:sleep 100") as port, \
            Nginx({"file": b"x"}) as nginx:
        start = time.monotonic()
        lines, figures = summary(example_output(
            "-t", "0.5", f"http://127.0.0.1:{port}/", f"{nginx.url}/file",
            status=1))
        equal(figures, [1, 2, 1])
        assert "deadline passed" in lines[0], lines
        assert time.monotonic() - start < 10 * SLOW


run(globals())
