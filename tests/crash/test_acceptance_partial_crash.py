"""Three recipients, one account locked, one full, one fine; the server is killed between any two commits (SMTP-108,
QUEUE-28).
"""

import contextlib
import imaplib
import json
import smtplib
from pathlib import Path
from typing import Any

import pytest

from tests.killserver import POINTS
from tests.running import ServedServer
from tests.tools import until

pytestmark = [pytest.mark.served, pytest.mark.slow]

MESSAGE = (
    "From: Sam <sam@example.org>\r\nTo: all\r\nSubject: three\r\nMessage-ID: <three@example.org>\r\n\r\n"
    + "text of some length\r\n" * 100
)
TO = [f"{name}@example.org" for name in ("bob", "loc", "full")]
BEFORE_250 = POINTS[:3]


def server_at(folder: Path, point: str) -> ServedServer:
    """With the accounts sam, who writes, bob, loc and full, and a point to be killed at."""
    accounts = "".join(
        f'[accounts.{name}]\ndomain = "example.org"\n{more}[accounts.{name}.destinations."{name}@example.org"]\n'
        for name, more in (("sam", ""), ("loc", ""), ("full", 'quota_message_size = "1k"\n'))
    )
    environment = {"KILL_AT": point, "LOCKED": str(folder / "locked")}
    return ServedServer(
        folder / "server",
        environment,
        "tests.killserver",
        domains=accounts,
        static="[queue]\nmax_attempts = 3\n",
    )


def send(server: ServedServer) -> bool:
    """As another server would: whether it got 250."""
    try:
        with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=30) as client:
            assert client.sendmail("sam@example.org", TO, MESSAGE) == {}
    except (smtplib.SMTPServerDisconnected, ConnectionError):
        return False
    return True


def count(server: ServedServer, account: str) -> int:
    """How often the account has the message."""
    found = server.cli("--json", "why", "--account", account, "<three@example.org>", check=False)
    return len(json.loads(found.stdout)) if found.returncode == 0 else 0


def waiting(server: ServedServer) -> list[dict[str, Any]]:
    """What `moxlite queue list` shows."""
    found = json.loads(server.cli("--json", "queue", "list").stdout)
    assert isinstance(found, list)
    return found


def again(server: ServedServer) -> None:
    """Start the server after it has died, without a point to die at."""
    assert server.process.wait(timeout=60) == -9
    server.environment["KILL_AT"] = ""
    server.start()


def notices(server: ServedServer) -> int:
    """How many DSNs sam has got."""
    with imaplib.IMAP4("127.0.0.1", server.ports["imap"]) as client:
        client.starttls()
        client.login("sam@example.org", server.password)
        client.select("INBOX", readonly=True)
        _, [found] = client.search(None, "SUBJECT", '"not delivered"')
        return len(found.split())


@pytest.mark.landing("after the row of the queue")
@pytest.mark.parametrize("point", ["", *POINTS])
def test_each_account_gets_it_and_the_full_ones_sender_one_notice(tmp_path: Path, point: str) -> None:
    """SMTP-108, QUEUE-28, ADMIN-77: nothing acknowledged is lost, and after 250 nothing comes twice."""
    locked = tmp_path / "locked"
    locked.touch()
    with server_at(tmp_path, point) as server:
        server.cli("account", "set-password", "sam", stdin=server.password + "\n")
        accepted = send(server)
        assert accepted == (point not in BEFORE_250)
        if not accepted:
            again(server)
            assert send(server)
        copies = {"": 1, POINTS[1]: 2, POINTS[2]: 2}.get(point, 1)  # a client without its 250 brings it again
        rows = 4 if point == POINTS[2] else 2
        assert count(server, "bob") == copies
        assert count(server, "loc") == count(server, "full") == 0
        left = waiting(server)
        assert sorted(one["recipient"] for one in left) == sorted(["full@example.org", "loc@example.org"] * (rows // 2))
        assert all(one["attempts"] == 1 and one["error"] for one in left)
        locked.unlink()
        try_until_done(server)
        until(lambda: notices(server) == rows // 2, pause=0.5)
        assert count(server, "loc") == rows // 2
        assert count(server, "full") == 0
        assert count(server, "bob") == copies
        assert waiting(server) == []


def try_until_done(server: ServedServer) -> None:
    """Bring the attempts forward until nothing waits, as time would; start the server again when it dies of it."""

    def over() -> bool:
        if server.process.poll() is not None:
            again(server)
        with contextlib.suppress(Exception):
            server.cli("queue", "retry", "--all")
            return waiting(server) == []
        return False  # it has died of it

    until(over, seconds=300, pause=0.5)
