# SPDX-License-Identifier: MIT
"""The static file server over TLS: fetched by curl, loaded by wrk. What it
serves, and how, is test_static_server.py's."""
import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile

from rig import Example, LIMIT, PROGRAM, equal, need, output_of, run

need("curl", "wrk", "openssl")

BIG = os.urandom(5_000_000)


@contextlib.contextmanager
def serving():
    """A server with a certificate of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place) / "www"
        folder.mkdir()
        (folder / "index.html").write_bytes(b"<p>hello</p>\n")
        (folder / "big.bin").write_bytes(BIG)
        certificate = str(pathlib.Path(place) / "certificate.pem")
        key = str(pathlib.Path(place) / "key.pem")
        output_of("openssl", "req", "-x509", "-nodes", "-subj", "/CN=test",
                  "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                  "-addext", "subjectAltName=IP:127.0.0.1",
                  "-keyout", key, "-out", certificate,
                  stderr=subprocess.DEVNULL)
        with Example("-p", "0", "-c", certificate, "-k", key,
                     str(folder)) as server:
            server.certificate = certificate
            server.url = f"https://127.0.0.1:{server.port}"
            yield server
            server.interrupt()


def curl(server, *words, **options):
    return output_of("curl", "-sS", "--max-time", str(LIMIT), "--cacert",
                     server.certificate, *words, **options)


def test_files_come_to_who_knows_the_certificate():
    with serving() as server:
        equal(curl(server, server.url), b"<p>hello</p>\n")
        assert curl(server, f"{server.url}/big.bin") == BIG
        assert curl(server, "-r", "9-99", f"{server.url}/big.bin") == BIG[9:100]
        for version in ("1.2", "1.3"):
            assert curl(server, "--tls-max", version, f"--tlsv{version}",
                        f"{server.url}/big.bin") == BIG


def test_one_handshake_is_enough():
    with serving() as server:
        said = curl(server, "-w", "%{num_connects}\n",
                    "-o", "/dev/null", f"{server.url}/big.bin",
                    "-o", "/dev/null", f"{server.url}/none",
                    "-o", "/dev/null", server.url)
        equal(said, b"1\n0\n0\n")


def test_others_are_refused():
    with serving() as server:
        # curl's 60: the certificate is not to be trusted
        output_of("curl", "-s", server.url, status=60)
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.settimeout(LIMIT)
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            said = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := client.recv(1000):
                    said += piece
            assert b"HTTP" not in said, said
        equal(curl(server, server.url), b"<p>hello</p>\n")


def test_wrk_gets_no_error():
    with serving() as server:
        for name in ("", "big.bin"):
            said = output_of("wrk", "-t1", "-c20", "-d1s",
                             f"{server.url}/{name}").decode()
            assert "Non-2xx" not in said and "Socket errors" not in said, said


def test_no_certificate_is_an_error():
    done = subprocess.run([*PROGRAM, "-p", "0", "-c", "/nowhere", "/"],
                          stderr=subprocess.PIPE, timeout=LIMIT, text=True)
    equal(done.returncode, 1)
    equal(done.stderr, "static_server: No such file or directory\n")


run(globals())
