"""The consistency check finds each kind of disagreement (STORE-40), and nothing in an account that is well
(STORE-41).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.file.boundary import MAX_PER_KIND, quick_check
from moxlite.store.mail import expunging, mailboxes
from moxlite.store.mail.adding import add_message
from moxlite.store.options import Options
from moxlite.store.types import Flag, MailboxID
from moxlite.store.upkeep import check
from moxlite.store.upkeep.check import check_account

INBOX = MailboxID(1)
ROOT = b"Message-ID: <root@x>\r\nSubject: x\r\n\r\n"


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[Account]:
    """An account with two messages in a thread, one with keywords, a tombstone with content, a nested mailbox."""
    accounts = Accounts(tmp_path, Options(min_free_space=0))
    async with accounts.use("mjl") as account:
        with (
            Spool.of(ROOT + b"a" * 300_000) as first,
            Spool.of(b"In-Reply-To: <root@x>\r\nSubject: Re: x\r\n\r\nreply\r\n") as second,
        ):
            root, reply = await prepare(first, b"Received: here\r\n"), await prepare(second)
            await account.write(lambda tx: add_message(tx, root, INBOX, flags=Flag.SEEN))
            await account.write(lambda tx: add_message(tx, reply, INBOX, keywords=["Work", "zoo"]))
            await account.write(lambda tx: add_message(tx, reply, INBOX))
            await account.write(lambda tx: expunging.expunge(tx, INBOX, [3]))
            await account.write(lambda tx: mailboxes.create_mailbox(tx, "a/b"))
        yield account
    await accounts.aclose()


async def findings(account: Account, *, deep: bool = True) -> set[str]:
    return {
        finding.about for finding in await account.scan(lambda r: check_account(r, deep=deep, idle=True), op="check")
    }


async def test_a_healthy_account_has_no_findings(account: Account) -> None:
    """STORE-41."""
    assert await account.scan(lambda r: check_account(r, deep=True, idle=True), op="check") == []
    assert await account.scan(quick_check, op="check") == []


BREAK = [
    ("counts", "UPDATE mailbox SET unseen = unseen + 1 WHERE name = 'Inbox'"),
    ("counts", "UPDATE mailbox SET size = size + 1 WHERE name = 'Inbox'"),
    ("total_size", "UPDATE state SET total_size = total_size - 1"),
    ("queued", "UPDATE mailbox SET system = 1 WHERE name = 'Inbox'"),
    ("queued", "INSERT INTO queued (key, message_id) VALUES (x'01', 1)"),
    ("uidnext", "UPDATE mailbox SET uidnext = 2 WHERE name = 'Inbox'"),
    ("uidnext", "UPDATE mailbox SET uidnext = 3 WHERE name = 'Inbox'"),
    ("recent_uid", "UPDATE mailbox SET recent_uid = 9 WHERE name = 'Inbox'"),
    ("uid", "UPDATE message SET uid = 3 WHERE id = 2"),
    ("uidvalidity", "UPDATE state SET next_uidvalidity = 5"),
    (
        "uidvalidity",
        "INSERT INTO mailbox_gone SELECT 99, name, uidvalidity, createseq - 1, modseq FROM mailbox WHERE name = 'a'",
    ),
    ("modseq", "UPDATE state SET modseq = 2"),
    ("modseq", "UPDATE mailbox SET createseq = modseq + 1 WHERE name = 'Inbox'"),
    ("modseq", "UPDATE message SET modseq = 99 WHERE id = 1"),
    ("modseq", "UPDATE message SET createseq = 0 WHERE id = 1"),
    ("modseq", "UPDATE message SET threadseq = 99 WHERE id = 1"),
    ("modseq", "UPDATE expunged SET createseq = modseq"),
    ("modseq", "UPDATE subscription SET modseq = 99 WHERE name = 'Inbox'"),
    ("modseq", "UPDATE state SET highest_purged_modseq = 99"),
    ("name", "UPDATE mailbox SET name = 'a//b' WHERE name = 'Sent'"),
    ("name", "UPDATE mailbox SET name = 'INBOX' WHERE name = 'Inbox'"),
    ("parent", "UPDATE mailbox SET parent_id = 1 WHERE name = 'Sent'"),
    ("parent", "UPDATE mailbox SET parent_id = NULL WHERE name = 'a/b'"),
    ("parent", "UPDATE mailbox SET name = 'x/b' WHERE name = 'a/b'"),
    ("special_use", "UPDATE mailbox SET special_use = 4 WHERE name = 'Inbox'"),
    ("thread", "UPDATE message SET threadid = 0 WHERE id = 1"),
    ("thread", "UPDATE message SET thread_parents = x'9102' WHERE id = 2"),
    ("thread", "UPDATE message SET thread_parents = x'920107' WHERE id = 2"),
    ("thread", "UPDATE message SET threadid = 2 WHERE id = 2"),
    ("size", "UPDATE message SET size = size + 1 WHERE id = 1"),
    ("size", "UPDATE message_info SET prefix = x'' WHERE email_id = 1"),
    ("refs", "UPDATE body SET refs = refs + 1"),
    ("refs", "INSERT INTO body (id, hash, size, refs) VALUES (0, zeroblob(32), 0, 0)"),
    ("body", "UPDATE message SET body_id = 99 WHERE id = 1"),
    ("body", "UPDATE message SET email_id = 1 WHERE id = 2"),
    ("body", "UPDATE expunged SET body_id = 99"),
    ("erase_queue", "DELETE FROM erase_queue"),
    ("erase_queue", "UPDATE expunged SET body_id = NULL"),
    ("erase_queue", "UPDATE erase_queue SET message_id = 2"),
    ("chunks", "DELETE FROM body_chunk WHERE id = (1 << 16) + 1"),
    ("chunks", "UPDATE body_chunk SET id = id + 7 WHERE id = (1 << 16) + 1"),
    ("chunks", "UPDATE body_chunk SET enc = 0, data = x'00' WHERE id = 1 << 16"),
    ("chunks", "INSERT INTO body_chunk VALUES (77 << 16, 0, 0, x'')"),
    ("annotation", "INSERT INTO annotation VALUES (1, 0, '/private/Comment', 1, x'', 1, 1, 1)"),
    ("annotation", "INSERT INTO annotation VALUES (1, 99, '/private/comment', 1, x'', 1, 1, 1)"),
    ("contact", "INSERT INTO contact_due (id, changed) VALUES (99, 0)"),
    ("acl", "INSERT INTO acl VALUES (99, 'bo', 'lr')"),
    ("message_info", "DELETE FROM message_info WHERE email_id = 1"),
    ("message_info", "UPDATE erase_queue SET email_id = 99"),
    ("message_header", "INSERT INTO message_header VALUES (99, NULL, x'', NULL)"),
    ("message_header", "UPDATE message SET email_id = 99 WHERE id = 2"),
    ("message_smtp", "INSERT INTO message_smtp (message_id, received, size) VALUES (99, 1, 1)"),
    ("message_dkim", "INSERT INTO message_dkim VALUES ('x', 1, 99)"),
    (
        "message_dkim",
        """DROP TRIGGER message_smtp_new;
        INSERT INTO message_smtp (message_id, received, size, verdict, dkim) VALUES (1, 1, 1, 1, json_array('x'))""",
    ),
    (
        "message_dkim",
        """DROP TRIGGER message_smtp_gone;
        INSERT INTO message_smtp (message_id, received, size, verdict, dkim) VALUES (1, 1, 1, 1, json_array('x'));
        DELETE FROM message_smtp""",
    ),
    ("recipient", "INSERT INTO recipient VALUES (1, 99, 'a', 'b', 'b', '', 1)"),
    ("thread_missing", "INSERT INTO thread_missing VALUES ('x@y', 99, 0)"),
    ("thread_missing", "INSERT INTO thread_missing VALUES ('x@y', 1, 0)"),
    ("ids", "UPDATE state SET last_message_id = 1"),
    ("ids", "UPDATE state SET last_body_id = 0"),
    ("unit_key", "UPDATE state SET recent_keys = x'00000000000000010003aaaa'"),
    (
        "unit_key",
        "UPDATE state SET recent_keys = x'00000000000000010002aaaa'; INSERT INTO unit_key VALUES (x'aaaa', 1)",
    ),
    (
        "import",
        "INSERT INTO import_message VALUES (99, 1, 1, 0, '', 1, 1, 0, 0, 0, '', 0, NULL, '', 0, x'90')",
    ),
    ("import", "INSERT INTO import_message SELECT 1, 1, 1, 0, '', 1, 1, 0, 0, 0, '', 0, NULL, '', 0, x'90'"),
    ("verdict", "INSERT INTO message_smtp (message_id, received, size, verdict) VALUES (1, 1, 1, 1)"),
    ("junk_meta", "INSERT INTO junk_meta VALUES (1, NULL, 7, 0, x'', '{}', 1, 0)"),
    ("junk_meta", "INSERT INTO junk_meta VALUES (1, 5, 7, 0, x'', '{}', 1, 0)"),
    ("keywords", "UPDATE message SET keywords = 'zoo work' WHERE id = 2"),
    ("message_keyword", "DELETE FROM message_keyword WHERE keyword = 'zoo'"),
    ("mailbox.keywords", "UPDATE mailbox SET keywords = 'zoo' WHERE name = 'Inbox'"),
    ("keyword", "DELETE FROM keyword WHERE lower = 'zoo'"),
    ("resource", "INSERT INTO resource_data VALUES (9, x'00')"),
    ("chunk", "UPDATE body_chunk SET digest = digest + 1 WHERE id = 1 << 16"),
    ("hash", "UPDATE body SET hash = randomblob(32) WHERE id = 1"),
]


@pytest.mark.parametrize(("kind", "sql"), BREAK, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(BREAK)])
async def test_each_disagreement_is_found(account: Account, kind: str, sql: str) -> None:
    """STORE-15, STORE-19, STORE-23, STORE-29, STORE-40, STORE-80, STORE-91."""
    assert await account.write(lambda tx: tx.execute(sql)) > 0
    assert kind in await findings(account)


async def test_the_octets_are_compared_only_by_a_deep_check(account: Account) -> None:
    """STORE-40."""
    await account.write(lambda tx: tx.execute("UPDATE body SET hash = randomblob(32) WHERE id = 1"))
    assert await findings(account, deep=False) == set()
    assert await findings(account, deep=True) == {"hash"}


async def test_at_most_20_findings_of_a_kind_are_reported(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-40."""
    await account.write(
        lambda tx: tx.executemany(
            "INSERT INTO recipient VALUES (NULL, ?, 'a', 'b', 'b', '', 1)", [(n,) for n in range(99, 1099)]
        )
    )
    found = await account.scan(check_account, op="check")
    assert [finding.about for finding in found] == ["recipient"] * MAX_PER_KIND


async def test_a_finding_names_the_rows(account: Account) -> None:
    """STORE-40."""
    await account.write(lambda tx: tx.execute("UPDATE message SET modseq = 99 WHERE id = 1"))
    found = await account.scan(check_account, op="check")
    assert any(
        finding.about == "modseq" and "message 1 has createseq 2, modseq 99" in finding.text for finding in found
    )


def test_the_rules_are_all_tried_above() -> None:
    """STORE-40: each rule has been seen to find something."""
    tried = {kind for kind, _ in BREAK}
    assert {rule.kind for rule in check.RULES} <= tried
