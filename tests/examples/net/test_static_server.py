# SPDX-License-Identifier: MIT
"""The static file server: fetched by curl, loaded by wrk."""
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import tempfile

from rig import Example, LIMIT, equal, need, output_of, run

need("curl", "wrk")

CONTENTS = {
    "index.html": b"<p>hello</p>\n",
    "sub/index.html": b"<p>sub</p>\n",
    "sub/a b.txt": b"0123456789",
    "empty": b"",
    "16k.bin": os.urandom(16 * 1024),
    "big.bin": os.urandom(5_000_000),
}


@contextlib.contextmanager
def serving():
    """A server of a folder beside which there is a secret."""
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place) / "www"
        (folder / "sub").mkdir(parents=True)
        (pathlib.Path(place) / "secret").write_text("secret")
        for name, content in CONTENTS.items():
            (folder / name).write_bytes(content)
        os.symlink("../secret", folder / "out")
        os.symlink("sub/a b.txt", folder / "in")
        os.mkfifo(folder / "fifo")
        with Example("-p", "0", str(folder)) as server:
            server.url = f"http://127.0.0.1:{server.port}"
            server.folder = folder
            yield server
            server.interrupt()


def curl(*words):
    return output_of("curl", "-sS", "--max-time", str(LIMIT), *words)


def head_and_body(*words):
    """The status, the fields of the head, and the body."""
    head, body = curl("-i", *words).split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), fields, body


def test_files_come_whole_and_with_their_types():
    with serving() as server:
        for name, content in CONTENTS.items():
            url = f"{server.url}/{name.replace(' ', '%20')}"
            status, fields, body = head_and_body(url)
            equal(status, 200)
            assert body == content, name
            equal(fields["Content-Length"], str(len(content)))
            kind = {"html": "text/html", "txt": "text/plain"}.get(
                name.rpartition(".")[2], "application/octet-stream")
            equal(fields["Content-Type"], kind)
        equal(curl(server.url), CONTENTS["index.html"])
        equal(curl(f"{server.url}/sub/?query"), CONTENTS["sub/index.html"])
        equal(curl("-L", f"{server.url}/sub"), CONTENTS["sub/index.html"])
        equal(curl(f"{server.url}/in"), CONTENTS["sub/a b.txt"])


def test_one_connection_is_enough():
    with serving() as server:
        url = f"{server.url}/16k.bin"
        said = curl("-w", "%{num_connects}\n", "-o", "/dev/null", url,
                    "-o", "/dev/null", url, "-o", "/dev/null",
                    f"{server.url}/none", "-o", "/dev/null", url)
        equal(said, b"1\n0\n0\n0\n")
        said = curl("-0", "-w", "%{num_connects}\n", "-o", "/dev/null", url,
                    "-o", "/dev/null", url)
        equal(said, b"1\n1\n")


def test_head_has_no_body():
    with serving() as server:
        status, fields, body = head_and_body("-I", f"{server.url}/big.bin")
        equal((status, body), (200, b""))
        equal(fields["Content-Length"], "5000000")
        equal(head_and_body("-I", f"{server.url}/none")[::2], (404, b""))


def test_ranges():
    big = CONTENTS["big.bin"]
    with serving() as server:
        url = f"{server.url}/big.bin"
        for words, part in {"0-0": big[:1], "100-199": big[100:200],
                            "4999990-": big[-10:], "-7": big[-7:],
                            "1-4000000": big[1:4000001],
                            "-9999999": big, "5-99999999": big[5:]}.items():
            status, fields, body = head_and_body("-r", words, url)
            equal(status, 206)
            assert body == part, words
            first = len(big) - len(part) if words != "100-199" else 100
            if words in ("0-0", "1-4000000"):
                first = int(words[0])
            equal(fields["Content-Range"],
                  f"bytes {first}-{first + len(part) - 1}/{len(big)}")
        for words in ("5000000-", "9999999-10000000", "-0"):
            status, fields, body = head_and_body("-r", words, url)
            equal((status, fields["Content-Range"]), (416, "bytes */5000000"))
        for words in ("bytes=7-3", "bytes=a-b", "lines=1-2", "bytes=1-2,4-5",
                      "bytes=--1", "bytes=1", "bytes=1-2x"):
            status, _, body = head_and_body("-H", f"Range: {words}", url)
            equal(status, 200)
            assert body == big, words
        status, _, body = head_and_body("-r", "0-1", "-H", 'If-Range: "x"', url)
        assert (status, body) == (200, big)


def test_what_has_not_changed_does_not_come_again():
    with serving() as server:
        url = f"{server.url}/index.html"
        _, fields, _ = head_and_body(url)
        then = fields["Last-Modified"]
        status, _, body = head_and_body("-H", f"If-Modified-Since: {then}", url)
        equal((status, body), (304, b""))
        for words in ("Sat, 01 Jan 2000 00:00:00 GMT", "yesterday"):
            status, _, body = head_and_body(
                "-H", f"If-Modified-Since: {words}", url)
            equal((status, body), (200, CONTENTS["index.html"]))


def test_what_lies_outside_cannot_be_had():
    with serving() as server:
        for path in ("../secret", "sub/../../secret", "%2e%2e/secret",
                     "..%2fsecret", "%2e%2e%2fsecret", "out", "/../secret",
                     "sub/%2e%2e/%2e%2e/secret", "..\\secret", "./../secret",
                     f"{server.folder.parent}/secret", "/proc/self/root/",
                     "fifo", "none", "index.html/", "empty/x"):
            status, _, body = head_and_body("--path-as-is",
                                            f"{server.url}/{path}")
            equal((path, status, body), (path, 404, b"404 Not Found\n"))
        for path in ("%00", "index.html%00", "%", "%4", "%zz"):
            status, _, _ = head_and_body(f"{server.url}/{path}")
            equal((path, status), (path, 400))
        equal(curl("--path-as-is", f"{server.url}/sub/../index.html"),
              CONTENTS["index.html"])
        equal(head_and_body(f"{server.url}/{'x' * 5000}")[0], 414)


def test_other_methods_are_not_allowed():
    with serving() as server:
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            status, fields, _ = head_and_body("-X", method, "-d", "body",
                                              f"{server.url}/")
            equal((status, fields["Allow"]), (405, "GET, HEAD"))


def say(server, text):
    """Everything that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.settimeout(LIMIT)
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        said = b""
        while piece := client.recv(65536):
            said += piece
    return said


def test_several_requests_in_one_piece_and_one_in_many():
    request = b"GET /sub/ HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving() as server:
        said = say(server, request * 50)
        equal(said.count(b"HTTP/1.1 200 OK\r\n"), 50)
        equal(said.count(CONTENTS["sub/index.html"]), 50)
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in request:
                client.sendall(bytes([byte]))
            client.settimeout(LIMIT)
            assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


def test_what_is_no_http_is_refused():
    with serving() as server:
        for text in (b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00",
                     b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                     b"GET / HTTP/1.1\r\nx: " + b"y" * 200_000):
            equal(say(server, text)[:12], b"HTTP/1.1 400")
        equal(say(server, b"GET / HTTP"), b"")


def test_wrk_gets_no_error():
    with serving() as server:
        for name in ("16k.bin", "big.bin"):
            said = output_of("wrk", "-t1", "-c50", "-d1s",
                             f"{server.url}/{name}").decode()
            assert "Non-2xx" not in said and "Socket errors" not in said, said
            assert int(re.search(r"(\d+) requests in", said)[1]) > 10, said


run(globals())
