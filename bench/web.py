# SPDX-License-Identifier: MIT
"""Web servers that give out one file, and wrk, which fetches it.

All that they need lies in DIRECTORY/data: the file, a certificate that is
made once, what nginx writes.
"""
import os
import socket
import ssl
import time
import urllib.request

import programs
from peers import OURS, OURS_EPOLL, Missing, call, require
from server import START_S, Server

NGINX = """\
daemon off;
worker_processes 1;
{user}
pid {data}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    client_body_temp_path {data}/nginx;
    proxy_temp_path {data}/nginx;
    fastcgi_temp_path {data}/nginx;
    uwsgi_temp_path {data}/nginx;
    scgi_temp_path {data}/nginx;
    server {{
        listen 127.0.0.1:{port} {ssl};
        root {data}/www;
        ssl_certificate {data}/cert.pem;
        ssl_certificate_key {data}/key.pem;
        ssl_protocols TLSv1.3;
    }}
}}
"""

# For wrk: the client has one cipher to offer, so all servers take that.
CLIENT_CONFIG = """\
openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = all
[all]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
"""


# ---- what is served ----

def data_folder(setup):
    data = setup.directory / "data"
    (data / "www").mkdir(parents=True, exist_ok=True)
    (data / "nginx").mkdir(exist_ok=True)
    return data


def prepare(job, setup):
    """The file and the certificate; the folder that they are in."""
    data = data_folder(setup)
    file = data / "www" / job.name
    if not file.exists() or file.stat().st_size != job.size:
        file.write_bytes(os.urandom(job.size))
    (data / "client.cnf").write_text(CLIENT_CONFIG)
    if not (data / "cert.pem").exists():
        require("openssl", "openssl")
        call(data / "openssl.log", "openssl", "req", "-x509", "-nodes",
             "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-subj", "/CN=localhost", "-days", "3650",
             "-keyout", str(data / "key.pem"),
             "-out", str(data / "cert.pem"))
    return data


# ---- the servers ----

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_for_connect(server, port):
    """For a server that says nothing."""
    server.port = port
    end = time.monotonic() + START_S
    while time.monotonic() < end and server.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    server.fail()


def start_nginx(job, setup, env, data):
    port = free_port()
    config = data / f"{job.name}.conf"
    # The worker would not be allowed into the folder of the one who runs this.
    user = "user root;" if os.getuid() == 0 else ""
    config.write_text(NGINX.format(
        data=data, port=port, user=user,
        ssl="ssl" if job.scheme == "https" else ""))
    command = setup.peers["nginx"].command("site")
    server = Server(command + ["-p", str(data), "-e", "stderr",
                               "-c", str(config)], setup.cpu, env)
    wait_for_connect(server, port)
    return server


def start_ours(job, setup, env, data):
    """The static file server of the examples."""
    is_secure = job.scheme == "https"
    examples = setup.directory.parent / "examples"
    command = [str(examples / ("static_server_tls" if is_secure
                               else "static_server")),
               "-p", "0"]
    if is_secure:
        command += ["-c", str(data / "cert.pem"), "-k", str(data / "key.pem")]
    server = Server(command + [str(data / "www")], setup.cpu, env)
    server.wait_for_port()
    return server


def start_openssl(job, setup, env, data):
    server = Server(setup.peers["OpenSSL C"].command("site") +
                    [str(data / "cert.pem"), str(data / "key.pem"),
                     str(data / "www" / job.name)], setup.cpu, env)
    server.wait_for_port()
    return server


STARTERS = {OURS: start_ours, OURS_EPOLL: start_ours, "nginx": start_nginx,
            "OpenSSL C": start_openssl}


def url_of(job, server):
    return f"{job.scheme}://127.0.0.1:{server.port}/{job.name}"


def check_answer(job, server, data):
    """It is the file that is given out, and nothing less."""
    context = None
    if job.scheme == "https":
        context = ssl.create_default_context(cafile=str(data / "cert.pem"))
        context.check_hostname = False
    try:
        with urllib.request.urlopen(url_of(job, server), timeout=START_S,
                                    context=context) as answer:
            body = answer.read()
    except OSError as error:
        raise Missing(f"gave no answer: {error}") from None
    if body != (data / "www" / job.name).read_bytes():
        raise Missing("the answer is not the file")


def start(job, contender, setup, env):
    data = prepare(job, setup)
    server = STARTERS[contender](job, setup, env, data)
    try:
        check_answer(job, server, data)
    except Missing:
        server.stop()
        raise
    return server


# ---- the load ----

def turn(job, server, setup):
    """At least a second of it: wrk counts whole ones."""
    require("wrk", "wrk")
    seconds = max(1, round(setup.slice_s))
    script = setup.source / "http" / "report.lua"
    env = dict(os.environ,
               OPENSSL_CONF=str(data_folder(setup) / "client.cnf"))
    begin = server.cpu_ns()
    output = programs.run(
        ["wrk", "-t1", f"-c{job.connections}", f"-d{seconds}s",
         "-s", str(script), url_of(job, server)], setup.client_cpu, env)
    spent = server.cpu_ns() - begin
    figures = dict(line.split()[1:] for line in output.splitlines()
                   if line.startswith("bench "))
    if int(figures["errors"]) > 0 or int(figures["requests"]) == 0:
        raise Missing(f"{figures['errors']} requests of wrk failed")
    mib = int(figures["bytes"]) / 2**20
    return (f"cpu {spent / int(figures['requests']):.2f} ns\n"
            f"mib {spent / mib / 1000:.2f} us\n")
