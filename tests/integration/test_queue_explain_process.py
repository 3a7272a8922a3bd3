"""`moxlite queue explain` of a running server, and a host that it connects to (QUEUE-182)."""

import json
import socketserver
import threading
from pathlib import Path

import pytest

from tests.running import ServedServer

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]


class Host(socketserver.StreamRequestHandler):
    """A mail host; it keeps what it was told."""

    said: list[bytes] = []  # noqa: RUF012 of all connections

    def handle(self) -> None:
        """Answer until the client goes."""
        self.wfile.write(b"220 mx ready\r\n")
        while line := self.rfile.readline(1000):
            self.said.append(line.strip())
            self.wfile.write(b"250-mx\r\n250 SIZE 1000\r\n" if line.startswith(b"EHLO") else b"250 ok\r\n")


@pytest.mark.nightly(smoke="tests/session/test_queue_explain.py::test_a_connection_shows_what_a_delivery_meets")
def test_the_command_tells_the_way_and_what_the_host_says(tmp_path: Path) -> None:
    """QUEUE-182, ADMIN-19: in words and as JSON; exit code 1 where a message would not leave."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Host) as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        server = ServedServer(tmp_path / "server", module="tests.sendserver")
        server.environment = {"SINK": str(sink.server_address[1])}
        with server:
            quiet = server.cli("queue", "explain", "a@d1.example").stdout.splitlines()
            assert quiet[0] == "message to a@d1.example:"
            assert "  host 1: mx.d1.example" in quiet
            assert "    addresses: 5.45.100.2" in quiet
            assert Host.said == []
            loud = server.cli("queue", "explain", "a@d1.example", "--from", "bob@example.org", "--connect").stdout
            assert loud.startswith("message to a@d1.example from bob@example.org (account bob):\n")
            for line in ("greeting: mx ready", "offers: SIZE", "TLS: none (clear)", "a message would be sent over"):
                assert f"    {line}" in loud
            assert [line[:4] for line in Host.said] == [b"EHLO", b"QUIT"]
            shown = json.loads(server.cli("queue", "explain", "eve@example.org", "--json").stdout)
            assert (shown["course"], shown["hosts"]) == ("local", [])
            server.cli("queue", "suppress", "add", "bob", "a@d1.example")
            args = ("queue", "explain", "a@d1.example", "--from", "bob@example.org")
            refused = server.cli(*args, check=False)
            assert refused.returncode == 1
            assert "FAILS IMMEDIATELY: the address is on the account's suppression list" in refused.stdout
            wrong = server.cli("queue", "explain", "no address", check=False)
            assert (wrong.returncode, "invalid address 'no address'" in wrong.stderr) == (1, True)
        sink.shutdown()
