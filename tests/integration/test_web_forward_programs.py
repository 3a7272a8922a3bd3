"""Requests forwarded to real programs: nginx, as Debian has it, and a websocket server."""

import hashlib
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket, wrap_client_stream

from tests.campaigns._echoservers import echo_servers
from tests.campaigns.webforward import Campaign
from tests.realservers import listening
from tests.session.test_web_handlers import PLAIN, WEBSERVER, get, handler
from tests.tools import eventually, free_port, need, until
from tests.web_rig import DOMAINS, Rig, open_rig

pytestmark = [pytest.mark.integration, pytest.mark.served]

NGINX = """\
worker_processes 1;
daemon off;
master_process off;
pid {top}/pid;
error_log {top}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log {top}/access.log;
    client_body_temp_path {top}/body;
    proxy_temp_path {top}/proxy;
    fastcgi_temp_path {top}/fastcgi;
    uwsgi_temp_path {top}/uwsgi;
    scgi_temp_path {top}/scgi;
    client_max_body_size 100m;
    keepalive_requests 7;
    server {{
        listen 127.0.0.1:{port};
        listen unix:{top}/sock;
        root {top}/www;
        location /put/ {{ dav_methods PUT DELETE; create_full_put_path on; }}
        location /slow/ {{ limit_rate 100k; }}
        location /small/ {{ client_max_body_size 1k; dav_methods PUT; }}
    }}
}}
"""


@contextmanager
def nginx(top: Path) -> Iterator[int]:
    """A running nginx; its port."""
    program, port = need("nginx"), free_port()
    (top / "www/slow").mkdir(parents=True)
    (top / "nginx.conf").write_text(NGINX.format(top=top, port=port))
    running = subprocess.Popen(
        [program, "-c", str(top / "nginx.conf"), "-p", str(top)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: listening(port), what="nginx listens")
        yield port
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(timeout=30)


async def served(folder: Path, url: str, nursery: trio.Nursery) -> Rig:
    rules = handler(f'forward = {{ url = "{url}" }}', more=PLAIN)
    return await open_rig(folder / "room", nursery, static=WEBSERVER, domains=DOMAINS + rules)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("unix", [False, True])
async def test_nginx_behind(tmp_path: Path, *, unix: bool) -> None:
    """WEB-44, WEB-46: files up and down, ranges, conditions, HEAD, errors of its own. It ends each connection after
    seven requests. No descriptor is left over.
    """
    top = tmp_path / "nginx"
    with nginx(top) as port:
        async with trio.open_nursery() as nursery:
            rig = await served(tmp_path, f"unix:{top}/sock:" if unix else f"http://127.0.0.1:{port}", nursery)
            body = os.urandom(3_000_000)
            (top / "www/file").write_bytes(body)
            (top / "www/slow/file").write_bytes(body)
            before = descriptors()
            whole = await get(rig, "/file")
            assert hashlib.sha256(whole.body).digest() == hashlib.sha256(body).digest()
            part = await get(rig, "/file", headers={"range": "bytes=1000-1999"})
            assert (part.status, part.body) == (206, body[1000:2000])
            same = await get(rig, "/file", headers={"if-none-match": whole.headers["etag"]})
            assert (same.status, same.body) == (304, b"")
            head = await get(rig, "/file", method="HEAD")
            assert (head.status, head.headers["content-length"], head.body) == (200, "3000000", b"")
            assert (await get(rig, "/missing")).status == 404
            for size in (1, 70_000, 2_000_000):  # nginx fails at empty ones
                sent = os.urandom(size)
                assert (await get(rig, f"/put/{size}", method="PUT", body=sent)).status == 201
                assert (await get(rig, f"/put/{size}")).body == sent
            assert (await get(rig, "/small/x", method="PUT", body=bytes(1_000_000))).status == 413
            for _ in range(40):
                assert (await get(rig, "/put/1")).status == 200
            async with trio.open_nursery() as many:
                for _ in range(12):
                    many.start_soon(get, rig, "/file")
            for _ in range(5):  # clients that leave in the middle
                stream = rig.connect(ip="127.0.0.2", port=80)
                await stream.send_all(b"GET /slow/file HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
                await stream.receive_some(100)
                await trio.aclose_forcefully(stream)
            await eventually(lambda: descriptors() <= before + 33)  # idle ones of the pool
            nursery.cancel_scope.cancel()
    assert "[crit]" not in (top / "error.log").read_text()


async def test_random_exchanges(tmp_path: Path) -> None:
    """WEB-46, WEB-47: bodies, chunks and aborts on both sides, with aiohttp, Node, nginx and haproxy; the octets are
    equal, connections are used again, no descriptor is left over. `script/soak webforward` has 100,000.
    """
    with echo_servers(tmp_path / "behind") as ports:
        async with trio.open_nursery() as nursery:
            rules = "".join(
                handler(
                    f'forward = {{ url = "http://127.0.0.1:{port}", strip_path = true }}', path=f"^/{kind}/", more=PLAIN
                )
                for kind, port in ports.items()
            )
            rig = await open_rig(tmp_path / "room", nursery, static=WEBSERVER, domains=DOMAINS + rules)

            async def connect() -> trio.abc.Stream:
                return rig.connect(ip="127.0.0.2", port=80, remote="127.0.0.1")

            await Campaign(connect, "www.example.org", 1, 30).run()
            before = descriptors()
            campaign = Campaign(connect, "www.example.org", 2, 120)
            await campaign.run()
            assert campaign.outcomes["whole answers"] > 90, campaign.outcomes
            used = [campaign.requests[kind] / len(campaign.connections[kind]) for kind in ("nginx", "haproxy")]
            assert min(used) > 2, (campaign.requests, campaign.connections)
            await eventually(lambda: descriptors() <= before + 24)  # idle ones of the pool
            nursery.cancel_scope.cancel()


async def test_a_websocket_program_behind(tmp_path: Path) -> None:
    """WEB-48: wsproto on both sides, with fragments, pings, a subprotocol and the code of the close."""
    closes: list[int] = []

    async def speak(request: WebSocketRequest) -> None:
        websocket = await request.accept(subprotocol="chat")
        try:
            while True:
                await websocket.send_message(await websocket.get_message())
        except ConnectionClosed as error:
            closes.append(error.reason.code if error.reason else 0)

    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve_websocket, speak, "127.0.0.1", 0, ssl_context=None))
        rig = await served(tmp_path, f"http://127.0.0.1:{server.port}", nursery)
        async with trio.open_nursery() as inner:
            stream: Any = rig.connect(ip="127.0.0.2", port=80)  # the library takes any stream, its types do not
            websocket = await wrap_client_stream(inner, stream, "www.example.org", "/x?y", subprotocols=["chat"])
            assert websocket.subprotocol == "chat"
            for message in ("hello", "größe" * 50_000, os.urandom(700_000)):
                await websocket.send_message(message)
                assert await websocket.get_message() == message
            await websocket.ping()
            await websocket.aclose(code=4321, reason="enough")
        await eventually(lambda: closes == [4321])
        nursery.cancel_scope.cancel()
