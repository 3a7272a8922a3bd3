"""kill -9 while a message is being sent: the next life of the server tries it at once."""

import json
import smtplib
from pathlib import Path

import pytest

from tests.running import LocalServer
from tests.tools import until

pytestmark = [pytest.mark.served, pytest.mark.slow]

HANGS = "queue-timeout@elsewhere.example"
"""A recipient whose delivery hangs for an hour (SMTP-132)."""

UNDER_WAY = "a delivery attempt is in progress"


def attempts(server: LocalServer) -> tuple[int, str]:
    """Attempts for the only message that waits, and what it waits for."""
    [row] = json.loads(server.cli("queue", "list", "--json").stdout)
    return row["attempts"], row["why"]


def test_a_message_in_an_attempt_is_tried_right_after_the_start(tmp_path: Path) -> None:
    """QUEUE-15a, QUEUE-7: not after the minutes until its next retry."""
    with LocalServer(tmp_path / "server") as server:
        with smtplib.SMTP("127.0.0.1", server.port(587)) as smtp:
            smtp.starttls()
            smtp.login(server.user, server.password)
            smtp.sendmail(server.user, [HANGS], f"From: {server.user}\r\nSubject: now\r\n\r\ntext\r\n")
        until(lambda: attempts(server) == (1, UNDER_WAY))
        server.kill()
        server.start()
        until(lambda: attempts(server) == (2, UNDER_WAY))
