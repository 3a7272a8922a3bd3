"""Servers that the integration tests speak with."""

import imaplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import LocalServer

__all__ = ["local", "mailbox"]


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalServer]:
    """A localserve of the test's own; after the test it must have stopped cleanly and counted no panic."""
    with LocalServer(tmp_path / "server") as server:
        yield server
        assert panics(server) == 0, server.log()
    assert server.process.returncode == 0, server.log()
    checked = server.cli("store", "check", "--deep", check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def panics(server: LocalServer) -> float:
    """The sum of the panic counters of all rooms."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{server.port(81)}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("moxlite_panic_total{"))


@pytest.fixture
def mailbox(local: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A logged-in session with the Inbox selected."""
    session = imaplib.IMAP4("127.0.0.1", local.port(143))
    session.login(local.user, local.password)
    session.select("INBOX")
    yield session
    session.logout()
