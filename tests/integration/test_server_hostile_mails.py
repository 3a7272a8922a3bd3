"""A mailbox of hostile mails: whatever is done with them, no step holds the event loop, and the server stays."""

import imaplib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostilemails import KINDS, hostile_mail, hostile_mails
from tests.openings import ACCOUNT_CALLS, PER_MESSAGE, PER_SERVER, WITHOUT_MAIL, Opener, append, read_by_imap, send
from tests.running import LocalServer
from tests.tools import top
from tests.watchedserver import held

pytestmark = [pytest.mark.served, pytest.mark.slow]

COUNT = 100
"""Messages of the mailbox."""

SIZE = 100_000
"""Octets of a message, about."""

LITTLE, MUCH = 60_000, 1_300_000
"""Octets of messages that are delivered only."""

OTHER = "other@localhost"

ADDRESS_SPACE = 3 << 30
"""Octets that the server may map: far below what a mail that runs away with memory takes."""


@pytest.fixture(scope="module")
def mails() -> list[tuple[str, bytes]]:
    """Other kinds in each run; a failure names the seed."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    return [(kind, hostile_mail(kind, chance.randrange(1 << 30), SIZE)) for kind in chance.sample(sorted(KINDS), COUNT)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    folder = tmp_path_factory.mktemp("hostile") / "server"
    with LocalServer(folder, {"MOXLITE_TEST_AS": str(ADDRESS_SPACE)}, module="tests.watchedserver") as running:
        yield running


@pytest.fixture(scope="module")
def filled(server: LocalServer, mails: list[tuple[str, bytes]]) -> LocalServer:
    """A server whose Inbox has the mails, by APPEND, and some once more by SMTP."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as client:
        client.login(server.user, server.password)
        for _, message in mails:
            append(client, message)
    for _, message in mails[::10]:
        send(server, "eve@evil.example", server.user, message)
    check(server, "deliveries")
    return server


_looked: dict[int, int] = {}
"""Characters of a server's log that were looked at, by its ports: a step is told once."""


def check(server: LocalServer, what: str) -> None:
    """The server is there, and nothing has held its loop."""
    assert server.process.poll() is None, f"after {what}:\n{server.log()[-3000:]}"
    log = server.log()
    found = held(log[_looked.get(server.base, 0) :])
    _looked[server.base] = len(log)
    assert not found, f"{what}:\n" + "\n".join(found)


def test_all_calls_are_known() -> None:
    """WEBMAIL-119a: a new call of the webmail or the account app is driven, too."""
    for app, tables in (("webmail", (PER_MESSAGE, PER_SERVER)), ("account", (ACCOUNT_CALLS,))):
        known = {name for table in tables for names in table for name in re.split(r", ", names)}
        calls = set(json.loads((top() / f"schema/{app}.schema.json").read_text())["x-calls"])
        assert calls - known - WITHOUT_MAIL == set(), app
        assert known <= calls


def test_the_same_arguments_make_the_same_mails() -> None:
    """A campaign's seed repeats it, and there are a hundred kinds and more."""
    assert len(KINDS) >= 150
    assert list(hostile_mails(40, 5)) == list(hostile_mails(40, 5))
    assert list(hostile_mails(3, 5)) != list(hostile_mails(3, 6))


@pytest.mark.nightly
def test_no_delivery_holds_the_loop(server: LocalServer, mails: list[tuple[str, bytes]]) -> None:
    """STORE-7, SMTP-155a: short mails, which are prepared on the loop if they are simple, and long ones."""
    server.cli("config", "account", "add", "other", OTHER)
    delivered = 0
    for at, (kind, _) in enumerate(mails):
        for size in (LITTLE, MUCH) if at % 4 == 0 else (LITTLE,):
            delivered += send(server, "eve@evil.example", OTHER, hostile_mail(kind, at, size))
        check(server, f"a delivery of {kind!r}")
    assert delivered >= COUNT / 3


@pytest.mark.nightly
def test_no_call_of_the_webmail_holds_the_loop(filled: LocalServer) -> None:
    """WEBMAIL-119a, SMTP-155a: each call and page, for each of a hundred hostile mails."""
    opener = Opener(filled, filled.user, filled.password)
    opener.log_in()
    with opener.page() as numbers:
        assert len(numbers) >= COUNT * 0.9
        for number in numbers:
            opener.open(number)
        opener.search("zebra")
        for run in PER_SERVER.values():
            run(opener, numbers[0])
    print(opener.refused)
    check(filled, "calls of the webmail")


@pytest.mark.nightly
def test_no_call_of_the_account_app_holds_the_loop(filled: LocalServer) -> None:
    """WEBMAIL-119a: calls and the export."""
    opener = Opener(filled, filled.user, filled.password, app="/")
    opener.log_in()
    for name, parameters in ACCOUNT_CALLS.items():
        opener.call(name, **parameters)
    assert all(opener.export(form) for form in ("mbox", "maildir"))
    check(filled, "the account app")


@pytest.mark.nightly
def test_no_command_of_imap_holds_the_loop(filled: LocalServer) -> None:
    """WEBMAIL-119a, SMTP-155a: FETCH of all items, SEARCH, SORT, THREAD."""
    with imaplib.IMAP4("127.0.0.1", filled.port(143)) as client:
        client.login(filled.user, filled.password)
        assert read_by_imap(client, crossed=False) >= COUNT * 0.9
    check(filled, "IMAP")


@pytest.mark.nightly
def test_nothing_of_the_queue_holds_the_loop(
    filled: LocalServer, mails: list[tuple[str, bytes]], tmp_path: Path
) -> None:
    """WEBMAIL-119a: mails that are sent, held, listed, explained and failed with a DSN."""
    filled.cli("queue", "holdrules", "add", "--recipient", "held.example")
    sent = 0
    for _, message in mails:
        own = re.sub(rb"(?mi)^From:.*(\r\n[ \t].*)*", b"From: <moxlite@localhost>", message, count=1)
        sent += send(filled, filled.user, "x@held.example", own, submit=True)
    rows = json.loads(filled.cli("--json", "queue", "list").stdout)
    assert len(rows) == sent >= COUNT / 3
    for row in rows[:5]:
        filled.cli("queue", "dump", str(row["id"]), check=False)
        filled.cli("queue", "attempts", str(row["id"]), check=False)
    filled.cli("queue", "fail", "--ids", ",".join(str(row["id"]) for row in rows), check=False)
    for kind, message in mails[:3]:
        file = tmp_path / "mail.eml"
        file.write_bytes(message)
        filled.cli("why", str(file), check=False)
        assert kind in KINDS
    check(filled, "the queue")
