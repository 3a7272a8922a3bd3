"""Web servers behind ours that send bodies back: aiohttp, Node, nginx before Node, haproxy before aiohttp.

The query of a request says what the server does: ``how`` is ``length``, ``chunks``, ``close`` (a length, then the
connection ends) or ``early`` (413 before the body); ``size``: octets written at once; ``cut``: after so many octets of
the body the connection is reset, before the head if it is negative. Fields of the answer tell which connection it came
by: ``x-connection`` of the echo itself, ``x-front`` of the proxy before it.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.realservers import listening
from tests.tools import free_port, need, top, until

__all__ = ["KINDS", "echo_servers", "running"]

KINDS: Final = ("aiohttp", "node", "nginx", "haproxy")

NGINX: Final = """\
worker_processes 1;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    keepalive_requests 100;
    keepalive_timeout 600s;
    upstream node {{ server 127.0.0.1:{node}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://node;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_next_upstream off;
            add_header x-front $connection always;
        }}
    }}
}}
"""

HAPROXY: Final = """\
global
    maxconn 200
defaults
    mode http
    timeout connect 30s
    timeout client 600s
    timeout server 600s
    timeout http-keep-alive 600s
    retries 0
frontend front
    bind 127.0.0.1:{port}
    http-response set-header x-front %[src_port]
    default_backend behind
backend behind
    http-reuse safe
    server aiohttp 127.0.0.1:{aiohttp}
"""


@contextmanager
def echo_servers(folder: Path) -> Iterator[dict[str, int]]:
    """The running servers: ports by kind."""
    ports = {kind: free_port() for kind in KINDS}
    folder.mkdir()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=ports["nginx"], node=ports["node"]))
    (folder / "haproxy.conf").write_text(HAPROXY.format(port=ports["haproxy"], aiohttp=ports["aiohttp"]))
    here = top() / "tests/campaigns"
    commands = {
        "aiohttp": [sys.executable, str(here / "_aiohttpecho.py"), str(ports["aiohttp"])],
        "node": [need("node"), str(here / "_nodeecho.mjs"), str(ports["node"])],
        "nginx": [need("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "nginx.log")],
        "haproxy": [need("haproxy"), "-db", "-f", str(folder / "haproxy.conf")],
    }
    with ExitStack() as stack:
        for kind, command in commands.items():
            stack.enter_context(running(kind, command, folder / f"{kind}.out", ports[kind]))
        yield ports


@contextmanager
def running(kind: str, command: list[str], out: Path, port: int) -> Iterator[None]:
    """A program while it runs; `port`: its own, `out`: the file for what it says."""
    with out.open("wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def listens() -> bool:
        assert process.poll() is None, f"{kind}: {out.read_text(errors='replace')}"
        return listening(port)

    try:
        until(listens, what=f"{kind} listens")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # with connections open, some wait for their clients
            process.kill()
            process.wait(timeout=60)
