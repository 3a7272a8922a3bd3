"""Devices that have the mailbox prefix of a previous server in their settings (docs/spec/imap.md, IMAP-69a)."""

from collections.abc import Sequence

import msgspec
import pytest

from moxlite.config.domains import Account
from moxlite.imapd.session.oldprefix import OldPrefix
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.store.mail.remotes import open_remote
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.session.imapd_harness import Imap, imap

__all__ = ["imap"]

PLAIN = ("Work/2019", "v1.0", "Bücher")


@pytest.fixture
async def moved(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> Imap:
    """A server on which mia had the prefix ``INBOX.`` elsewhere, and a trash of another name."""
    holder = imap.context.config
    accounts: dict[str, Account] = dict(holder.current.domains.accounts)
    accounts["mia"] = msgspec.structs.replace(accounts["mia"], imap_prefix="INBOX.")
    domains = msgspec.structs.replace(holder.current.domains, accounts=accounts)
    monkeypatch.setattr(holder, "_current", msgspec.structs.replace(holder.current, domains=domains))
    async with imap.user(select=None, enable=["UTF8=ACCEPT"]) as client:
        for name in PLAIN:
            await client.ok(f'a CREATE "{name}"')
    async with imap.account() as account:
        trash = await account.read(lambda r: mailbox_by_name(r, "Trash"), op="test")
        assert trash is not None
        await account.write(
            lambda tx: open_remote(
                tx, "source", "old.example", "mia", "INBOX.Papierkorb", uidvalidity=1, mailbox_id=trash.id
            )
        )
    return imap


def names(lines: Sequence[str]) -> set[str]:
    """Separator and name of LIST and LSUB lines."""
    return {line.split(") ", 1)[1] for line in lines}


@pytest.mark.served
async def test_a_device_goes_on_with_its_names(moved: Imap) -> None:
    """IMAP-69a: a session as a phone has it, with all names as it sent them."""
    async with moved.user(select=None, enable=["UTF8=ACCEPT"]) as c:
        assert await c.ok('a LIST "INBOX." ""') == ['* LIST (\\Noselect) "." INBOX.']
        listed = names(await c.ok('a LIST "INBOX." "*"'))
        assert {'"." INBOX.Work.2019', '"." INBOX.Sent', '"." INBOX.v1.0', '"." "INBOX.Bücher"'} <= listed
        assert names(await c.ok('a LIST "" "inbox.%"')).isdisjoint({'"." INBOX.Work.2019'})
        assert '"." INBOX.Work.2019' in names(await c.ok('a LIST "INBOX" "*"'))
        assert '"." INBOX.Work.2019' in names(await c.ok('a LSUB "INBOX." "*"'))
        assert (await c.append("Subject: x\r\n\r\nx\r\n", mailbox="INBOX.Work.2019")).startswith("OK")
        assert await c.ok("a STATUS INBOX.Work.2019 (MESSAGES)") == ["* STATUS INBOX.Work.2019 (MESSAGES 1)"]
        assert await c.ok("a STATUS INBOX.v1.0 (MESSAGES)") == ["* STATUS INBOX.v1.0 (MESSAGES 0)"]
        await c.select("INBOX.Work.2019")
        await c.ok("a COPY 1 INBOX.Sent")
        await c.ok("a MOVE 1 INBOX.Papierkorb")
        assert await c.ok("a STATUS INBOX.Papierkorb (MESSAGES)") == ["* STATUS INBOX.Papierkorb (MESSAGES 1)"]
        await c.ok("a CREATE INBOX.New.Sub")
        await c.ok("a RENAME INBOX.New.Sub INBOX.New.Other")
        await c.ok("a SUBSCRIBE INBOX.New.Other")
        assert await c.ok('a GETMETADATA INBOX.New.Other "/private/comment"')
        assert (await c.ok("a MYRIGHTS INBOX.New.Other"))[0].startswith("* MYRIGHTS INBOX.New.Other ")
        assert (await c.tagged("a SELECT INBOX.Gone")).startswith("NO [NONEXISTENT]")
    async with moved.user(select=None, enable=["IMAP4rev2"]) as c:
        assert '* LIST (\\Subscribed) "." INBOX.New.Other' in await c.select("INBOX.New.Other")
        assert '"/" New/Other' in names(await c.ok('a LIST "" "*"'))


@pytest.mark.served
async def test_clients_without_the_prefix_see_the_names_here(moved: Imap) -> None:
    """IMAP-69a: in the same account; a mailbox that has such a name keeps it."""
    async with moved.user(select=None) as c:
        listed = names(await c.ok('a LIST "" "*"'))
        assert {'"/" Work/2019', '"/" v1.0', '"/" INBOX'} <= listed
        assert not [name for name in listed if "INBOX." in name]
        assert await c.ok("a NAMESPACE") == ['* NAMESPACE (("" "/")) NIL NIL']
        await c.ok("a STATUS Work/2019 (MESSAGES)")


@pytest.mark.served
async def test_a_mailbox_of_that_whole_name_comes_first(moved: Imap) -> None:
    """IMAP-69a: names that a client without the prefix has made keep their meaning."""
    async with moved.user(select=None) as c:
        async with moved.account() as account:
            await account.write(lambda tx: create_mailbox(tx, "INBOX.Work"))
        assert (await c.append("Subject: x\r\n\r\nx\r\n", mailbox="INBOX.Work")).startswith("OK")
        assert await c.ok("a STATUS INBOX.Work (MESSAGES)") == ["* STATUS INBOX.Work (MESSAGES 1)"]
        assert await c.ok("a STATUS Work (MESSAGES)") == ["* STATUS Work (MESSAGES 0)"]


@pytest.mark.parametrize(
    ("prefix", "asked", "here"),
    [
        ("INBOX.", "inbox.Work.2019", "Work/2019"),
        ("INBOX.", "INBOX.a/b", "a_b"),
        ("INBOX/", "INBOX/Work/2019", "Work/2019"),
        ("Mail/", "Mail/x", "x"),
    ],
)
def test_the_separator_is_the_last_character(prefix: str, asked: str, here: str) -> None:
    """IMAP-69a: a slash in an old name has become an underscore, as in a copy."""
    old = OldPrefix(prefix)
    assert old.begins(asked)
    assert old.plain(asked) == here
    assert old.shown("Inbox") == "Inbox"
