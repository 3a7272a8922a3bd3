"""Verbs that connect by hand: ``smtp dial``, ``rdap domainage`` (ADMIN-19)."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from moxlite.cli import run
from tests.dnsworld import DNSWorld
from tests.running import ServedServer
from tests.tools import free_port

pytestmark = [pytest.mark.integration, pytest.mark.served]

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedServer]:
    with ServedServer(tmp_path_factory.mktemp("dial") / "server") as server:
        yield server


@pytest.mark.parametrize(
    ("options", "port", "tls"),
    [
        ((), "smtp", True),
        (("--notls",), "smtp", False),
        (("--forcetls",), "smtp", True),
        (("--tls",), "submissions", True),
    ],
)
def test_a_session_by_hand(server: ServedServer, options: tuple[str, ...], port: str, tls: bool) -> None:
    """ADMIN-19: greeting, EHLO and TLS are done, and told on stderr; then lines go both ways until QUIT."""
    at = f"127.0.0.1:{server.ports[port]}"
    done = server.cli("smtp", "dial", *options, at, stdin="NOOP\nRSET\nQUIT\n")
    replies = done.stdout.splitlines()
    assert [line[:3] for line in replies] == ["250", "250", "221"]
    assert "greeting: " in done.stderr
    assert "announced: " in done.stderr
    assert ("TLS: TLSv1.3" in done.stderr) is tls


def test_what_cannot_be_dialled(server: ServedServer) -> None:
    """ADMIN-19: exit 1 for a certificate that is not good, 75 where there is no connection or no such host, 2 for no
    port.
    """
    at = f"127.0.0.1:{server.ports['smtp']}"
    done = server.cli("smtp", "dial", "--tlsverify", at, stdin="", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr
    assert server.cli("smtp", "dial", f"127.0.0.1:{free_port()}", stdin="", check=False).returncode == 75
    assert server.cli("smtp", "dial", "127.0.0.1:0", stdin="", check=False).returncode == 2
    with DNSWorld({"far.example": "text TXT only\n"}) as world:
        for host, why in (
            ("none.far.example", "doesn't exist"),
            ("text.far.example", "has no address in DNS"),
        ):
            done = server.cli("smtp", "dial", "--resolver", world.server, host, stdin="", check=False)
            assert (done.returncode, done.stderr) == (75, f"{host} {why}\n")


class Registry(BaseHTTPRequestHandler):
    """Knows some domains."""

    def log_message(self, *_: object) -> None:
        """To no one."""

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        known: dict[str, Any] = {
            "old.example": {
                "events": [
                    {"eventAction": "registration", "eventDate": "1999-01-02T03:04:05Z"},
                    {"eventAction": "reregistration", "eventDate": "2010-01-02T03:04:05Z"},
                    {"eventAction": "expiration", "eventDate": "2090-01-02T03:04:05Z"},
                    {"eventAction": "registration", "eventDate": "some day"},
                ]
            },
            "silent.example": {"events": []},
            "odd.example": [1],
        }
        if name == "moved.example":
            self.send_response(302)
            self.send_header("Location", "/else/domain/old.example")
            self.end_headers()
        elif name == "round.example":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()
        elif name in known:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(known[name]).encode())
        else:
            self.send_error(404)


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    listener = HTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listener.server_port}/rdap"
    listener.shutdown()
    listener.server_close()


@pytest.mark.parametrize("domain", ["old.example", "moved.example"])
def test_the_age_of_a_domain(domain: str, registry: str, capsys: Capture) -> None:
    """ADMIN-19: the latest of registration, reregistration and reinstantiation; redirects are followed."""
    assert run(["--json", "rdap", "domainage", "--server", registry, domain]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["registered"] == "2010-01-02T03:04:05+00:00"
    assert found["days"] > 5000


@pytest.mark.parametrize(
    ("domain", "code"),
    [
        ("unknown.example", 1),
        ("a..b", 1),
        ("silent.example", 75),
        ("odd.example", 75),
        ("round.example", 75),
    ],
)
def test_a_domain_without_an_age(domain: str, code: int, registry: str, capsys: Capture) -> None:
    """ADMIN-19: a registry that does not know it, that says nothing, nonsense, or leads around in circles."""
    assert run(["--json", "rdap", "domainage", "--server", registry, domain]) == code
    assert json.loads(capsys.readouterr().out)["problem"]
