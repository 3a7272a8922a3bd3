"""``moxlite link add`` and ``link test`` without ``--host`` (LINK-20)."""

from typing import Any

import pytest
from click.testing import CliRunner

from moxlite.cli import imap
from moxlite.operations.links import AddLink, FindServers, FoundServer, FoundServers, LinkInfo

GMAIL = FoundServers(
    incoming=FoundServer("imap.gmail.com", 993, "implicit", "mia@gmail.com"),
    smtp=FoundServer("smtp.gmail.com", 465, "implicit", "mia@gmail.com"),
    provider="Gmail",
    wants="app",
    page="https://myaccount.google.com/apppasswords",
    proven=True,
)
UNPROVEN = FoundServers(
    incoming=FoundServer("imap.far.example", 993, "implicit", "mia@example.org"),
    smtp=None,
    provider="",
    wants="",
    page="",
    proven=False,
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The operations that the command asks for; the server finds Gmail."""
    found: list[Any] = []

    def perform(operation: Any) -> Any:
        found.append(operation)
        if isinstance(operation, FindServers):
            return GMAIL if operation.address.endswith("@gmail.com") else UNPROVEN
        made = {"name": "Gmail", "address": operation.address, "host": operation.host, "state": "connecting"}
        rest = {"port": operation.port, "tls": operation.tls, "user": operation.user, "text": "", "problems": []}
        return LinkInfo(**made, **rest)

    monkeypatch.setattr(imap, "perform", perform)
    return found


def run(*words: str) -> Any:
    """The result of ``moxlite link``, with a password on its stdin."""
    return CliRunner().invoke(imap.link, words, input="secret\n")


def test_the_servers_of_an_address_are_found_and_what_the_provider_wants_is_said(asked: list[Any]) -> None:
    """LINK-20: before the password is asked for; options come before what was found."""
    result = run("add", "mia", "mia@gmail.com", "--smtp-port", "587")
    assert result.exit_code == 0, result.output
    assert "Gmail requires an app password; create one at https://myaccount.google.com/apppasswords" in result.stderr
    [_, add] = asked
    assert isinstance(add, AddLink)
    assert (add.host, add.port, add.tls, add.user) == ("imap.gmail.com", 993, "implicit", "mia@gmail.com")
    assert (add.smtp_host, add.smtp_port, add.password, add.sends) == ("smtp.gmail.com", 587, "secret", True)


def test_a_named_server_is_taken_as_it_is(asked: list[Any]) -> None:
    """LINK-20: nothing is looked for."""
    assert run("add", "mia", "mia@gmail.com", "--host", "imap.example.net", "--no-sending").exit_code == 0
    [add] = asked
    assert (add.host, add.port, add.tls, add.sends) == ("imap.example.net", 0, "implicit", False)


def test_an_unproven_server_has_to_be_named(asked: list[Any]) -> None:
    """LINK-21: the password does not go to a server that DNS alone names."""
    result = run("add", "mia", "mia@example.org")
    assert result.exit_code == 1
    assert "add --host imap.far.example" in result.stderr
    assert len(asked) == 1
