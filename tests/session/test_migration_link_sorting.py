"""Linked mailboxes whose new mail is sorted by the account's own junk filter, rules and script (LINK-31)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.acceptance import linked
from moxlite.acceptance.sieve.keeping import keep_script
from moxlite.net import imapclient
from moxlite.net.control.client import CtlClient
from moxlite.operations.links import AddLink, LinkInfo, SetLinkSorting
from moxlite.store.delivery.perform import perform
from moxlite.store.delivery.scripts import activate_script, failures
from moxlite.store.errors import NotCopied, StorageBusy
from moxlite.store.junk.score import Judgement
from moxlite.store.rows.mailboxes import mailboxes
from tests.house import DOMAINS, PASSWORD, STATIC, house
from tests.session.imapd_harness import imap
from tests.session.smtpd_harness import judgement
from tests.session.test_migration_link_sessions import Linking, linking
from tests.session.test_migration_links import Provider, until
from tests.store_mail import deliver_mail

__all__ = ["imap", "linking"]

pytestmark = pytest.mark.served

RULES = DOMAINS.replace(
    '[accounts.mia.destinations."mia@example.org"]\n',
    '[accounts.mia.destinations."mia@example.org"]\n'
    '[[accounts.mia.destinations."mia@example.org".rulesets]]\nmailbox = "Shops"\n'
    'headers_regexp = { "^subject$" = "^order " }\n'
    '[[accounts.mia.destinations."mia@example.org".rulesets]]\nmailbox = "Proven"\nverified_domain = "far.example"\n'
    "[accounts.mia.junk_filter]\nthreshold = 0.9\nonegrams = true\n"
    '[accounts.mia.senders]\nblocked = ["pest.example"]\n',
)

SCRIPT = rb"""require ["fileinto", "imap4flags", "vacation", "mailbox"];
if header :contains "subject" "news" { fileinto :create :flags "\\Flagged" "News"; stop; }
if header :contains "subject" "away" { vacation "I am away"; stop; }
if header :contains "subject" "onward" { redirect "else@far.example"; stop; }
if header :contains "subject" "waste" { discard; stop; }
"""

ROWS = """
SELECT h.header FROM message m JOIN message_header h ON h.email_id = m.email_id WHERE m.mailbox_id = ? ORDER BY m.id"""


async def _judge(account: object, message: object) -> Judgement:
    """A filter that knows one word."""
    del account
    await trio.lowlevel.checkpoint()
    junk = b"pills" in message.spool.whole()  # type: ignore[attr-defined] # of PreparedMessage
    return judgement(0.99 if junk else 0.1)


class Sorting:
    """Mia's link to Tom's mailboxes, below ``Tom``."""

    def __init__(self, provider: Provider, ctl: CtlClient) -> None:
        self.provider = provider
        self.ctl = ctl

    async def send(self, subject: str, sender: str = "ann@far.example", text: str = "hello") -> None:
        """A message to Tom, from elsewhere."""
        smtp = await self.provider.running.smtp()
        mark = subject.replace(" ", "-")
        message = f"From: <{sender}>\r\nTo: <tom@example.org>\r\nSubject: {subject}\r\nMessage-ID: <{mark}@far>\r\n\r\n"
        await smtp.deliver("tom@example.org", f"{message}{text}\r\n".encode())

    async def subjects(self, account: str, below: str = "") -> dict[str, list[str]]:
        """The subjects of messages by mailbox."""
        found = {}
        async with self.provider.running.house.files.accounts.use(account) as opened:
            for box in await opened.read(mailboxes, op="test"):
                rows = await opened.read(lambda r, box=box: r.rows(ROWS, box.id), op="test")  # type: ignore[misc]
                texts = [line[9:] for row in rows for line in row[0].decode().splitlines() if line[:9] == "Subject: "]
                if texts and box.name.startswith(below):
                    found[box.name.removeprefix(below)] = texts
        return found

    async def both(self, expected: dict[str, list[str]]) -> None:
        """Wait until both sides have these subjects."""
        found: object = None
        with trio.move_on_after(20):
            while True:
                found = await self.subjects("mia", "Tom/"), await self.subjects("tom")
                if found == (expected, expected):
                    return
                await trio.sleep(0.05)
        raise AssertionError(found)


@asynccontextmanager
async def sorting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sorting]:
    """A running link with one old message, whose new mail is sorted."""
    async with house(tmp_path, static=STATIC, domains=RULES) as running, running.ctl() as ctl:
        found = Provider(running)
        monkeypatch.setattr(imapclient, "connect", found.connect)
        monkeypatch.setattr(linked, "classify", _judge)
        case = Sorting(found, ctl)
        await case.send("order of last year")
        async with running.house.files.accounts.use("mia") as account:
            await keep_script(account, "main", SCRIPT)
            await account.write(lambda tx: activate_script(tx, "main"))
        asked = AddLink(
            account="mia",
            address="tom@example.org",
            host="imap.example.net",
            password=PASSWORD,
            name="Tom",
            sends=False,
            sorts=True,
        )
        made = await ctl.call("link add", asked, LinkInfo)
        assert made.sorts
        await until(ctl, "current")
        yield case


async def test_new_mail_is_sorted_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-31: junk, rules and script, below the link and there; old mail stays where it is, and so does the message
    that tests where the provider puts mail (ADMIN-70b).
    """
    async with sorting(tmp_path, monkeypatch) as case:
        await case.send("order one")
        await case.send("cheap", text="pills")
        await case.send("from a pest", "x@pest.example")
        await case.send("news of today")
        await case.send("waste")
        test = (
            b"X-Moxlite-Placement: mx.example.org\r\nSubject: order of a test\r\nMessage-ID: <t@far>\r\n\r\npills\r\n"
        )
        async with case.provider.running.house.files.accounts.use("tom") as tom:
            await deliver_mail(tom, test, "Inbox")  # by SMTP, our own server takes the field for a forged one
        await case.send("hello")
        expected = {
            "Inbox": ["order of last year", "order of a test", "hello"],
            "Shops": ["order one"],
            "Junk": ["cheap", "from a pest"],
            "News": ["news of today"],
            "Trash": ["waste"],
        }
        await case.both(expected)
        theirs = await case.provider.running.imap("tom")
        await theirs.ok("a EXAMINE News")
        assert r"\Flagged" in "".join(await theirs.ok("b FETCH 1 (FLAGS)"))
        assert set(await case.subjects("mia")) == {f"Tom/{name}" for name in expected}
        async with case.provider.running.house.files.accounts.use("mia") as account:  # not learnt
            assert await account.read(lambda r: r.value("SELECT count(*) FROM message WHERE is_reject"), op="t") == 2
        # A message that is moved back there is not judged again.
        await theirs.ok("c SELECT Junk")
        await theirs.ok("d MOVE 1 Inbox")
        await case.both(
            expected | {"Junk": ["from a pest"], "Inbox": ["order of last year", "cheap", "order of a test", "hello"]}
        )


async def test_nothing_is_answered_or_sent_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-31: what a script would answer or send on stays in Inbox."""
    async with sorting(tmp_path, monkeypatch) as case:
        await case.send("away")
        await case.send("onward")
        await case.both({"Inbox": ["order of last year", "away", "onward"]})
        async with case.provider.running.house.files.accounts.use("mia") as account:
            assert await account.read(lambda r: r.value("SELECT count(*) FROM outbox"), op="t") == 0
            assert await account.read(failures, op="t") == []
        await case.ctl.call("link set-sorting", SetLinkSorting("Tom", off=True, account="mia"), type(None))
        assert not (await until(case.ctl, "current")).sorts
        await case.send("order two")
        await case.both({"Inbox": ["order of last year", "away", "onward", "order two"]})


async def test_mail_that_cannot_be_sorted_stays_in_inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-31: an error delays and loses nothing."""
    async with sorting(tmp_path, monkeypatch) as case:

        async def broken(account: object, message: object) -> Judgement:
            raise StorageBusy("test")

        monkeypatch.setattr(linked, "classify", broken)
        await case.send("order three")
        await case.both({"Inbox": ["order of last year", "order three"]})


async def test_what_is_committed_and_not_copied_yet_is_here_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-31, LINK-12: the second machine is away at this moment (STORE-186f)."""
    async with sorting(tmp_path, monkeypatch) as case:
        calls = 0

        async def not_copied(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            done = await perform(*args, **options)
            if calls == 1:
                raise NotCopied("the second machine is away")
            return done

        monkeypatch.setattr(linked, "perform", not_copied)
        await case.send("order four")
        await case.both({"Inbox": ["order of last year"], "Shops": ["order four"]})
        await until(case.ctl, "current")
        await case.send("order five")
        await case.both({"Inbox": ["order of last year"], "Shops": ["order four", "order five"]})


async def test_large_messages_come_as_new_mail(linking: Linking) -> None:
    """LINK-8: one of more than 4 MiB, whose body is written in units of its own."""
    async with linking.running():
        await linking.until(linking.same)
        async with linking.imap.user(select=None) as client:
            text = b"From: <ann@far.example>\r\nMessage-ID: <large@far>\r\n\r\n" + (b"x" * 998 + b"\r\n") * 5_000
            await client.append(text, "Inbox", "()", '"01-Feb-2021 10:00:00 +0100"')

        async def here() -> bool:
            async with linking.imap.accounts.use("bo") as account:
                return bool(await account.read(lambda r: r.value("SELECT count(*) FROM message"), op="t"))

        await linking.until(here)
        await linking.until(linking.same)
