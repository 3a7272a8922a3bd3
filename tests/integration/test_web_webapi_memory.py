"""The web API gives large messages from a running server without holding them in memory."""

import base64
import hashlib
import http.client
import imaplib
import json
import re
from pathlib import Path

import pytest

from tests.running import LocalServer

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.starts]

SIZE = 95 << 20
MOST = 4 << 20
"""Octets of memory by which the server may grow."""


def anonymous(server: LocalServer) -> int:
    """Octets of memory of its own that the server has."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) << 10


def raw(server: LocalServer, number: int) -> tuple[str, int, int]:
    """Get a message: the SHA-256 and the number of its octets, and the most memory that the server had meanwhile."""
    pair = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port(80), timeout=120)
    connection.request("POST", "/webapi/v0/MessageRawGet", json.dumps({"MsgID": number}), headers)
    answer = connection.getresponse()
    assert answer.status == 200
    digest, octets, most = hashlib.sha256(), 0, 0
    while part := answer.read(256 << 10):
        digest.update(part)
        octets += len(part)
        most = max(most, anonymous(server))
    connection.close()
    return digest.hexdigest(), octets, most


def test_a_large_message_is_streamed(tmp_path: Path) -> None:
    """WEB-94, WEB-173: a message of 95 MiB by MessageRawGet, the largest that localserve takes, in 4 MiB of memory."""
    line = b"%070d\r\n"
    message = b"Subject: large\r\n\r\n" + b"".join(line % number for number in range(SIZE // 72))
    small = b"Subject: small\r\n\r\n" + b"text\r\n" * 200_000
    with LocalServer(tmp_path / "local") as server:
        session = imaplib.IMAP4("127.0.0.1", server.port(143), timeout=300)
        session.login(server.user, server.password)
        before = int(session.select()[1][0] or 0)
        for one in (small, message):
            kind, data = session.append("INBOX", None, None, one)
            assert kind == "OK", data
        session.logout()
        assert raw(server, before + 1)[1] == len(small)
        at_rest = anonymous(server)
        digest, octets, most = raw(server, before + 2)
        assert (digest, octets) == (hashlib.sha256(message).hexdigest(), len(message))
        assert most - at_rest <= MOST, (most, at_rest)
