"""Ports of listeners: their services, addresses and versions of HTTP."""

import ssl
from pathlib import Path

import pytest
import trio

from moxlite.config.load import ConfigError
from tests.session.test_web_handlers import WEBSERVER, static, www as www
from tests.web_rig import DOMAINS, Rig, http_exchange, open_rig

pytestmark = pytest.mark.served


async def offered(rig: Rig, port: int, ip: str, *names: str) -> tuple[str | None, bytes]:
    """The protocol that a port chooses of these, and its answer to a request in words."""
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(list(names))
    async with trio.SSLStream(rig.connect(ip=ip, port=port), context, https_compatible=True) as stream:
        await stream.do_handshake()
        chosen = stream.selected_alpn_protocol()
        if chosen == "h2":
            return chosen, b""
        return chosen, await http_exchange(
            stream, b"GET /hello.txt HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n"
        )


async def test_a_listener_can_do_without_http_2(tmp_path: Path, www: Path) -> None:
    """WEB-2: `http2 = false` is of one listener; its clients get HTTP/1.1 whatever they offer."""
    without = WEBSERVER.replace("[listeners.web]\n", "[listeners.web]\nhttp2 = false\n")
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path / "room", nursery, static=without, domains=DOMAINS + static(www))
        assert (await offered(rig, 1443, "127.0.0.1", "h2", "http/1.1"))[0] == "h2"
        for names in (("h2", "http/1.1"), ("h2",), ("http/1.1",)):
            chosen, answer = await offered(rig, 443, "127.0.0.2", *names)
            assert chosen == ("http/1.1" if "http/1.1" in names else None)
            assert answer.startswith(b"HTTP/1.1 200")
        nursery.cancel_scope.cancel()


async def test_services_share_a_port_at_all_addresses(tmp_path: Path, www: Path) -> None:
    """WEB-21: one server for each port, which knows all its services, at each address of the listener."""
    shared = WEBSERVER.replace('ips = ["127.0.0.2"]', 'ips = ["127.0.0.2", "127.0.0.4"]')
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path / "room", nursery, static=shared, domains=DOMAINS + static(www))
        for ip in ("127.0.0.2", "127.0.0.4"):
            for host, path, words in (
                (b"www.example.org", b"/hello.txt", b"hello world"),
                (b"localhost", b"/webmail/", b"<html"),
            ):
                ask = b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, host)
                assert words in await http_exchange(rig.connect(ip=ip, port=80), ask)
        nursery.cancel_scope.cancel()


async def test_a_port_is_with_or_without_tls(tmp_path: Path) -> None:
    """WEB-21: the configuration is refused, with the names of both services."""
    both = WEBSERVER.replace(
        "webmail_http = { enabled = true, port = 80 }\n[listeners.high]",
        "webmail_http = { enabled = true, port = 443 }\n[listeners.high]",
    )
    assert both != WEBSERVER
    async with trio.open_nursery() as nursery:
        with pytest.raises(ConfigError, match="can't share port 443"):
            await open_rig(tmp_path / "room", nursery, static=both, domains=DOMAINS)
        nursery.cancel_scope.cancel()
