"""Hostile patterns at a running server: tried in the account app, and in its configuration (STORE-65, STORE-162)."""

import imaplib
import json
import smtplib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from moxlite.process.localserve import WORKDIR_HANDLER
from tests.campaigns.report import Finding
from tests.integration.conftest import panics
from tests.running import LocalServer
from tests.unit.test_patterns import HOSTILE, nested
from tests.watchedserver import held
from tests.webcalls import Caller

pytestmark = [pytest.mark.served, pytest.mark.integration]

RULE = {
    "mailbox": "Lists",
    "smtp_mail_from_regexp": "",
    "msg_from_regexp": "",
    "verified_domain": "",
    "headers_regexp": [],
    "is_forward": False,
    "list_allow_domain": "",
    "accept_rejects_to_mailbox": "",
    "comment": "",
}

MEGABYTES = 60
"""By which the server may grow while patterns are tried: the first takes 1.8 GB of a server that compiles it."""

WAIT_SECONDS = 2.0
"""The longest wait for an answer to NOOP meanwhile, on a busy machine; it was 6.7 s."""

OLD = """
[[accounts.moxlite.destinations."moxlite@localhost".rulesets]]
mailbox = "Costly"
msg_from_regexp = "{costly}"
[[accounts.moxlite.destinations."moxlite@localhost".rulesets]]
mailbox = "Slow"
[accounts.moxlite.destinations."moxlite@localhost".rulesets.headers_regexp]
"^subject$" = "^(a|aa)+(?<!b)$"
[[accounts.moxlite.destinations."moxlite@localhost".rulesets]]
mailbox = "Old"
[accounts.moxlite.destinations."moxlite@localhost".rulesets.headers_regexp]
"^subject$" = "(?<=größe )[0-9]"
[[accounts.moxlite.destinations."moxlite@localhost".rulesets]]
mailbox = "New"
[accounts.moxlite.destinations."moxlite@localhost".rulesets.headers_regexp]
"^subject$" = "\\\\bgröße\\\\b"
"""
"""Rules from before patterns had limits."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server whose loop is watched."""
    with LocalServer(tmp_path / "server", module="tests.watchedserver") as running:
        yield running


def resident(server: LocalServer) -> int:
    """Megabytes of the server."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) >> 10


@contextmanager
def other_session(server: LocalServer) -> Iterator[list[float]]:
    """Another session that says NOOP all the time; the longest waits of it."""
    waits: list[float] = [0.0]
    done = threading.Event()

    def work() -> None:
        with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
            session.login(server.user, server.password)
            while not done.wait(0.02):
                began = time.monotonic()
                session.noop()
                waits[0] = max(waits[0], time.monotonic() - began)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield waits
    finally:
        done.set()
        thread.join()


def mail(server: LocalServer, subject: str) -> None:
    """A message for the account."""
    with smtplib.SMTP("127.0.0.1", server.port(25)) as smtp:
        text = f"From: ada@sender.example\r\nTo: {server.user}\r\nSubject: {subject}\r\n\r\nhello\r\n"
        smtp.sendmail("ada@sender.example", [server.user], text.encode(), ["SMTPUTF8"])


def mailboxes_of(server: LocalServer) -> dict[str, int]:
    """Number of messages in each mailbox that has some."""
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        lines = [line.decode() for line in session.list()[1] if isinstance(line, bytes)]
        names = [line.rpartition('"/" ')[2].strip('"') for line in lines]
        counts = {name: int(session.select(f'"{name}"', readonly=True)[1][0] or b"0") for name in names}
    return {name: count for name, count in counts.items() if count}


def account_app(server: LocalServer) -> Caller:
    """The account app, logged in."""
    caller = Caller(server.port(80), server.user, server.password, app="/")
    caller.log_in()
    return caller


def outcome(caller: Caller, pattern: str) -> str:
    """What the dry run says of a pattern: the mistake at its field, or that it was tried."""
    try:
        caller.call("rules_try", address=caller.user, rules=[RULE | {"msg_from_regexp": pattern}])
    except Finding as refused:
        return str(refused)
    return "tried"


def test_patterns_that_are_tried_hold_up_nobody(server: LocalServer) -> None:
    """STORE-65, STORE-162, WEB-65: refused in words, or tried, with little memory, and no other session waits."""
    assert len(nested(20)) == 228
    mail(server, "a" * 900)
    caller = account_app(server)
    assert outcome(caller, "^ada@") == "tried"
    before = resident(server)
    with other_session(server) as waits:
        for pattern in HOSTILE:
            said = outcome(caller, pattern)
            refused = "rulesets[0].msg_from_regexp" in said and (
                "could take too long to match" in said or "characters or fewer" in said
            )
            assert refused or said == "tried", (pattern, said)
            assert resident(server) - before < MEGABYTES, pattern
    assert waits[0] < WAIT_SECONDS
    assert "could take too long to match" in outcome(caller, nested(20))
    assert panics(server) == 0
    assert held(server.log()) == []


def test_old_patterns_keep_neither_the_server_from_its_start_nor_mail_from_coming(tmp_path: Path) -> None:
    """STORE-162, ADMIN-11: they never match, and are listed for the administrator and their user."""
    server = LocalServer(tmp_path / "server", module="tests.watchedserver")
    config = server.folder / "config/domains.toml"
    config.write_text(config.read_text() + OLD.format(costly=nested(20)))
    answer = server.cli("config", "test")
    listed = answer.stdout + answer.stderr
    assert listed.count("never matches") == 3
    with server:
        before = resident(server)
        caller = account_app(server)
        with other_session(server) as waits:
            for subject in ("größe 5", "a" * 900 + "!", "die größe", "else"):
                mail(server, subject)
            deadline = time.monotonic() + 60
            while sum(mailboxes_of(server).values()) < 4 and time.monotonic() < deadline:
                time.sleep(0.1)
        assert mailboxes_of(server) == {"New": 2, "INBOX": 2}
        assert waits[0] < WAIT_SECONDS
        examined = server.cli("doctor", "--json", "--skip-dial", "--resolver", "127.0.0.1:9", check=False)
        told = [one["text"] for one in json.loads(examined.stdout)["findings"]]
        assert sum("never matches" in one for one in told) == 3
        found: list[Any] = caller.call("overview")["old_patterns"]
        assert [one["address"] for one in found] == [server.user] * 3
        assert "never matches" in found[0]["remark"]["message"]
        form = caller.call("account_rule_list")[0]["form"]
        kept = form | {"full_name": "Mia"}
        caller.call("account_rule_set", address=server.user, old=form, changed=kept)
        assert caller.call("account_rule_list")[0]["form"] == kept
        anew = kept | {"rulesets": [*kept["rulesets"], RULE | {"msg_from_regexp": "(?<=a)b"}]}
        with pytest.raises(Finding, match="could take too long to match"):
            caller.call("account_rule_set", address=server.user, old=kept, changed=anew)
        assert resident(server) - before < MEGABYTES
        assert panics(server) == 0
        assert held(server.log()) == []


def test_patterns_of_paths_are_bounded_at_the_start(tmp_path: Path) -> None:
    """WEB-36: an error that says what to do, without the memory that it takes to compile the pattern."""
    server = LocalServer(tmp_path / "server")
    config = server.folder / "config/domains.toml"
    config.write_text(config.read_text() + WORKDIR_HANDLER.replace("^/workdir(/|$)", "^" + nested(20)))
    answer = server.cli("config", "test", check=False)
    assert answer.returncode != 0
    text = "path_regexp: takes too much time or memory to compile; use fewer and smaller nested repetitions"
    assert text in answer.stdout + answer.stderr
