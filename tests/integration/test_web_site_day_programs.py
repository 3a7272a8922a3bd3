"""A site's day on a running server whose certificates come from Debian's pebble."""

import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.acmeca import Pebble
from tests.acmeserver import CertifiedServer
from tests.integration.test_web_docs import Program, body, get, secure
from tests.tools import free_port, until

pytestmark = [pytest.mark.integration, pytest.mark.served]

RULES = """
[[web_handlers]]
domain = "www.example.org"
path_regexp = "^/app/"
forward = {{ url = "http://127.0.0.1:{program}", strip_path = true }}

[[web_handlers]]
domain = "www.example.org"
path_regexp = "^/"
static = {{ root = "{root}" }}

[[web_handlers]]
domain = "mail.example.org"
path_regexp = "^/"
internal = {{ base_path = "/", service = "webmail" }}
"""
MORE = """
[[web_handlers]]
domain = "www.example.org"
path_regexp = "^/old"
redirect = { base_url = "https://new.example" }
"""


@pytest.mark.nightly(smoke="tests/session/test_web_site_day.py::test_a_day_of_a_site")
def test_a_day_with_certificates_by_acme(tmp_path: Path) -> None:
    """WEB-34, WEB-35, WEB-48, WEB-49, WEB-112, ADMIN-5: the hosts of rules get certificates, plain http leads to them,
    a program under `/app/` has its websocket, the webmail its host; a rule that comes by a change of domains.toml ends
    neither a download nor the websocket.
    """
    www = tmp_path / "www"
    www.mkdir()
    large = bytes(range(256)) * 80_000
    (www / "index.html").write_text("<h1>a site</h1>")
    (www / "large").write_bytes(large)
    program = ThreadingHTTPServer(("127.0.0.1", 0), Program)
    threading.Thread(target=program.serve_forever, daemon=True).start()
    http, https = free_port(), free_port()
    with Pebble(tmp_path / "ca", http, https) as ca:
        server = CertifiedServer(tmp_path / "server", ca=ca)
        static, domains = (server.folder / "config" / name for name in ("moxlite.toml", "domains.toml"))
        static.write_text(static.read_text() + f"webserver_https = {{ enabled = true, port = {https} }}\n")
        domains.write_text(domains.read_text() + RULES.format(program=program.server_port, root=www))
        with server:
            for name in ("www.example.org", "mail.example.org"):
                until(partial(issuer, server, name), seconds=120, what=f"a certificate for {name}", pause=0.5)
            plain = get(http, "www.example.org", "/x?y", tls=False)
            assert (plain.status, plain.headers["location"]) == (308, f"https://www.example.org:{https}/x?y")
            assert body(get(https, "www.example.org", "/")) == b"<h1>a site</h1>"
            assert b"<html" in body(get(https, "mail.example.org", "/"))
            with secure(https, "www.example.org") as download, secure(https, "www.example.org") as websocket:
                download.sendall(b"GET /large HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n")
                found = download.recv(1000)
                websocket.sendall(
                    b"GET /app/live HTTP/1.1\r\nHost: www.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                head = b""
                while b"\r\n\r\n" not in head:
                    head += websocket.recv(1)
                assert head.startswith(b"HTTP/1.1 101 "), head
                websocket.sendall(b"before")
                assert websocket.recv(6) == b"BEFORE"
                domains.write_text(domains.read_text().replace(RULES[:20], MORE + RULES[:20], 1))
                until(lambda: get(https, "www.example.org", "/old").status == 308, what="the new rule", pause=0.5)
                websocket.sendall(b"after")
                assert websocket.recv(5) == b"AFTER"
                while octets := download.recv(1 << 16):
                    found += octets
                assert found.partition(b"\r\n\r\n")[2] == large
    program.shutdown()
    program.server_close()


def issuer(server: CertifiedServer, name: str) -> bool:
    """Whether the https port has a certificate of the CA for this name."""
    try:
        return "Pebble" in server.shown("https", name).issuer.rfc4514_string()
    except OSError:
        return False
