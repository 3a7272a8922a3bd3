"""A site's day: files, a program behind with a websocket, the webmail at a host of its own, a changed configuration."""

import ssl
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket, wrap_client_stream

from tests.http2client import fields, talking
from tests.session.test_web_handlers import WEBSERVER, get, handler, static, www as www
from tests.web_rig import DOMAINS, Rig, open_rig

pytestmark = pytest.mark.served


async def echo(request: WebSocketRequest) -> None:
    websocket = await request.accept()
    try:
        while True:
            await websocket.send_message(await websocket.get_message())
    except ConnectionClosed:
        pass


def http2(rig: Rig) -> trio.SSLStream[trio.abc.Stream]:
    """A connection to the https port that asks for HTTP/2, with the certificate looked at."""
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    return trio.SSLStream(rig.connect(ip="127.0.0.2", port=443), context, https_compatible=True)


async def test_a_day_of_a_site(tmp_path: Path, www: Path) -> None:
    """WEB-2, WEB-19, WEB-34, WEB-35, WEB-48, WEB-49: redirect from plain, files over HTTP/2, a websocket of a program
    under `/app/`, the webmail at its host; a reload of domains.toml ends no connection, request or websocket.
    """
    large = bytes(range(256)) * 8000
    (www / "large.bin").write_bytes(large)
    async with trio.open_nursery() as nursery:
        program = await nursery.start(partial(serve_websocket, echo, "127.0.0.1", 0, ssl_context=None))
        behind = f'forward = {{ url = "http://127.0.0.1:{program.port}" }}'
        rules = (
            handler(behind, path="^/app/", more="")
            + static(www, more="")
            + handler('internal = { base_path = "/", service = "webmail" }', domain="post.example.org", more="")
        )
        rig = await open_rig(tmp_path / "room", nursery, static=WEBSERVER, domains=DOMAINS + rules)

        plain = await get(rig, "/hello.txt?x")
        assert (plain.status, plain.headers["location"]) == (308, "https://www.example.org/hello.txt?x")
        assert b"<html" in (await get(rig, "/", host="post.example.org", port=443, tls=True)).body

        site = http2(rig)
        await site.do_handshake()
        assert site.selected_alpn_protocol() == "h2"
        async with talking(site) as client, trio.open_nursery() as inner:
            client.reads = False
            download = await client.begin_request(fields("GET", "/large.bin", host="www.example.org"))
            secure: Any = rig.connect(ip="127.0.0.2", port=443, tls=True)  # the library's types know no such stream
            websocket = await wrap_client_stream(inner, secure, "www.example.org", "/app/live")
            await websocket.send_message("before")
            assert await websocket.get_message() == "before"
            await client.until(lambda: len(client.answers[download].body) == 65_535)

            (www / "news").mkdir()
            (www / "news/a").write_text("new")
            rig.holder.domains_path.write_text(
                DOMAINS + static(www, more="") + handler('redirect = { base_url = "https://a.example" }', path="^/old")
            )
            assert await rig.holder.reload()

            await websocket.send_message("after")
            assert await websocket.get_message() == "after"
            await websocket.aclose()
            client.reads = True
            client.h2.increment_flow_control_window(len(large))
            client.h2.increment_flow_control_window(len(large), download)
            await client.flush()
            assert bytes((await client.answer(download)).body) == large
            assert not client.gone
            number = await client.begin_request(fields("GET", "/news/a", host="www.example.org"))
            assert bytes((await client.answer(number)).body) == b"new"
            number = await client.begin_request(fields("GET", "/app/live", host="www.example.org"))
            assert (await client.answer(number)).status == 404
        nursery.cancel_scope.cancel()
