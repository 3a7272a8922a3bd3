"""The rejects mailbox, reputation: what SMTP asks of an account."""

from typing import Any

import apsw
import pytest

from moxlite.acceptance.history import Sender, reputation
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.delivery import perform as rejects
from moxlite.store.delivery.actions import Delivery, KeepReject
from moxlite.store.delivery.forwarding import MAX_PER_DAY as MOST_SENT_ON, confirm_target, may_forward
from moxlite.store.delivery.perform import deliver, perform, tidy_rejects
from moxlite.store.delivery.reputation import (
    QUERIES,
    DomainTLS,
    JudgedMessage,
    Key,
    Received,
    domain_tls,
    history,
    received_since,
    set_domain_tls,
    subjectpass_key,
)
from moxlite.store.delivery.vacation import MAX_PER_DAY, may_answer
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.facts import NO_FACTS, MessageFacts, SMTPFacts, ip_classes
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.options import DAY
from moxlite.store.types import Flag
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, deliver_mail, look, mail, prepared, rows

__all__ = ["accounts", "store_options"]

# Rejects


async def keep(account: Account, number: int, *, unlimited: bool = False) -> bool:
    facts = MessageFacts(smtp=SMTPFacts(remote_ip="192.0.2.1"))
    return await refused(account, await prepared(mail(number)), facts, unlimited=unlimited)


async def refused(
    account: Account,
    ready: PreparedMessage,
    facts: MessageFacts = NO_FACTS,
    key: bytes = b"",
    *,
    unlimited: bool = False,
) -> bool:
    """Deliver a message that was refused; whether a copy was kept."""
    action = KeepReject(mailbox="Rejects", destined="Inbox", unlimited=unlimited)
    return (await perform(account, ready, Delivery(actions=(action,), facts=facts), key)).added is not None


async def test_a_refused_message_is_kept_once_marked_and_seen(accounts: Accounts) -> None:
    """STORE-70, STORE-71, STORE-75"""
    async with accounts.use("mia") as account:
        assert await keep(account, 1)
        assert not await keep(account, 1)
        other_id = mail(1).replace(b"<1@", b"<9@")
        for data in (mail(1, body="other octets"), other_id):
            assert await refused(account, await prepared(data)) == (data == other_id)
        row = (await rows(account, "Rejects"))[0]
        assert (row.flags, row.is_reject, row.mailbox_destined_id) == (Flag.SEEN, True, (await box(account)).id)
        assert (
            await look(account, lambda r: r.value("SELECT count(*) FROM message_smtp WHERE verdict IS NOT NULL")) == 0
        )


async def test_the_same_body_is_not_kept_twice_behind_another_prefix(accounts: Accounts) -> None:
    """STORE-71"""
    data = b"Subject: no id\r\n\r\nx\r\n"
    async with accounts.use("mia") as account:
        for number, kept in ((1, True), (2, False)):
            ready = await prepared(data, b"Received: %d\r\n" % number)
            assert await refused(account, ready) is kept


async def test_old_rejects_go_and_a_full_mailbox_keeps_nothing(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-72"""
    monkeypatch.setattr(rejects, "MAX_REJECTS", 2)
    async with accounts.use("mia") as account:
        assert await keep(account, 1)
        assert await keep(account, 2)
        assert not await keep(account, 3)
        assert await keep(account, 3, unlimited=True)
        await account.write(lambda tx: tx.execute("UPDATE message SET received = received - ? WHERE uid < 3", 15 * DAY))
        await deliver_mail(account, mail(8), "Rejects")
        await account.write(lambda tx: tx.execute("UPDATE message SET received = received - ? WHERE uid = 4", 15 * DAY))
        assert await keep(account, 4)
        assert [row.uid for row in await rows(account, "Rejects")] == [3, 4, 5]
        assert await account.write(lambda tx: tidy_rejects(tx, "Rejects")) == 0
        assert await account.write(lambda tx: tidy_rejects(tx, "missing")) == 0


async def test_a_reject_is_kept_once_for_a_transaction(accounts: Accounts) -> None:
    """STORE-60, STORE-189"""
    async with accounts.use("mia") as account:
        for number, kept in ((1, True), (2, False)):
            ready = await prepared(mail(number))
            assert await refused(account, ready, key=b"t") is kept


# Reputation


def facts_of(ip: str, localpart: str = "anton", domain: str = "example.com") -> MessageFacts:
    ip1, ip2, ip3 = ip_classes(ip)
    smtp = SMTPFacts(
        remote_ip=ip,
        ip1=ip1,
        ip2=ip2,
        ip3=ip3,
        ehlo_domain="mail." + domain,
        mailfrom="bounce",
        mailfrom_domain=domain,
        msgfrom=localpart,
        msgfrom_domain=domain,
        msgfrom_orgdomain=domain,
        msgfrom_ok=True,
        msgfrom_validation="strict",
    )
    return MessageFacts(smtp=smtp, dkim_domains=(domain,))


async def test_history_holds_judged_messages_of_the_mailbox_newest_first(accounts: Accounts) -> None:
    """STORE-91, STORE-92, STORE-165, SMTP-88"""
    now = 1_700_000_000_000_000
    async with accounts.use("mia") as account:
        inbox = await box(account)

        async def came(number: int, age: int, flags: Flag, name: str = "Inbox", who: str = "anton") -> None:
            done = await deliver(
                account, await prepared(mail(number)), facts_of("192.0.2.1", who), name, received=now - age
            )
            assert done.added is not None
            ids = [done.added.message_id]
            await account.write(lambda tx: store_flags_ids(tx, ids, mode="replace", flags=flags))

        await came(1, 10 * DAY, Flag.NOTJUNK)
        await came(2, 5 * DAY, Flag.JUNK)
        await came(3, 3 * DAY, Flag(0))
        await came(4, 2 * DAY, Flag.JUNK, "Archive")
        await came(5, 200 * DAY, Flag.NOTJUNK, who="berta")
        await came(6, -DAY, Flag.JUNK)

        async def ask(key: Key, value: str, localpart: str = "") -> list[tuple[int, bool]]:
            found = await look(account, lambda r: history(r, key, value, inbox.id, now=now, localpart=localpart))
            return [((now - past.received) // DAY, past.spam) for past in found]

        assert await ask(Key.MSGFROM, "example.com", "anton") == [(5, True), (10, False)]
        assert await ask(Key.MSGFROM, "example.com", "berta") == [(200, False)]
        assert await ask(Key.MSGFROM_DOMAIN, "example.com") == [(5, True), (10, False), (200, False)]
        assert await ask(Key.MSGFROM_ORGDOMAIN, "example.com") == [(5, True), (10, False), (200, False)]
        for key, value in [
            (Key.DKIM_DOMAIN, "example.com"),
            (Key.MAILFROM_DOMAIN, "example.com"),
            (Key.EHLO_DOMAIN, "mail.example.com"),
            (Key.IP1, "192.0.2.1"),
            (Key.IP2, "192.0.2.0"),
            (Key.IP3, "192.0.0.0"),
        ]:
            assert await ask(key, value) == [(5, True), (10, False)], key
        assert await ask(Key.MAILFROM, "example.com", "bounce") == [(5, True), (10, False)]
        assert await ask(Key.IP1, "192.0.2.2") == []
        one = await look(account, lambda r: history(r, Key.IP1, "192.0.2.1", inbox.id, now=now, limit=1))
        assert one == [JudgedMessage(now - 5 * DAY, True, "anton", "example.com", True, "strict", False, False)]
        await account.write(lambda tx: expunge_ids(tx, [2]))
        assert await ask(Key.IP1, "192.0.2.1") == [(10, False)]


@pytest.mark.parametrize("key", list(Key))
async def test_each_history_is_found_by_an_index(accounts: Accounts, key: Key) -> None:
    """STORE-91, STORE-171"""
    async with accounts.use("mia") as account:
        sql = QUERIES[key]
        plan = await look(account, lambda r: r.rows("EXPLAIN QUERY PLAN " + sql, *[1] * sql.count("?")))
        assert not [row[3] for row in plan if row[3].startswith("SCAN") and "message" in row[3]]
        assert not [row[3] for row in plan if "TEMP B-TREE" in row[3]], "all rows are read before the first"


async def test_mail_that_nobody_judged_costs_a_history_nothing(accounts: Accounts) -> None:
    """STORE-91: the steps of SQLite for each look-up are as many before as after a hundred messages of the author."""
    now = 1_700_000_000_000_000
    facts = facts_of("192.0.2.1")
    assert facts.smtp is not None
    sender = Sender(
        localpart="anton",
        domain="example.com",
        validated=False,
        signers=("example.com",),
        mail_from=("bounce", "example.com"),
        networks=ip_classes("192.0.2.1"),
    )

    async with accounts.use("mia") as account:

        async def steps() -> dict[str, int]:
            """For each query of a history, the steps of SQLite's virtual machine."""

            def ask(r: Reader) -> dict[str, int]:
                found: dict[str, int] = {}

                def note(trace: dict[str, Any]) -> None:
                    sql = trace["sql"]
                    found[sql] = found.get(sql, 0) + trace["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]

                r.db.trace_v2(apsw.SQLITE_TRACE_PROFILE, note)
                try:
                    reputation(r, sender, "Inbox", now)
                finally:
                    r.db.trace_v2(0)
                return found

            return await look(account, ask)

        await deliver(account, await prepared(mail(0)), facts, "Inbox", received=now - 200)
        few = await steps()
        for number in range(1, 101):
            await deliver(account, await prepared(mail(number)), facts, "Inbox", received=now - number)
        many = await steps()
        assert few.keys() == many.keys()
        assert len(few) > 8
        dearer = {sql: (few[sql], many[sql]) for sql in few if many[sql] > few[sql] and "message_dkim" not in sql}
        assert not dearer, "they read what nobody judged"


async def test_rates_count_what_came_lately_from_three_networks(accounts: Accounts) -> None:
    """STORE-93, SMTP-81"""
    now = 1_700_000_000_000_000
    async with accounts.use("mia") as account:
        for number, (ip, age) in enumerate([("192.0.2.1", 1), ("192.0.2.2", 2), ("192.0.7.1", 3), ("192.0.2.1", 70)]):
            ready = await prepared(mail(number))
            await deliver(account, ready, facts_of(ip), "Inbox", received=now - age * 1_000_000)
        size = len(mail(1))
        counts = await look(
            account, lambda r: received_since(r, ip_classes("192.0.2.1"), since=now - 60_000_000, now=now)
        )
        assert counts == (Received(1, size), Received(2, 2 * size), Received(3, 3 * size))
        none = await look(account, lambda r: received_since(r, ip_classes("::1"), since=now - 60_000_000, now=now))
        assert none == (Received(0, 0),) * 3


async def test_a_subject_pass_key_is_made_once_for_each_address(accounts: Accounts) -> None:
    """STORE-98"""
    async with accounts.use("mia") as account:
        one = await account.write(lambda tx: subjectpass_key(tx, "mia@example.org"))
        assert len(one) == 16
        assert one.isalnum()
        assert await account.write(lambda tx: subjectpass_key(tx, "mia@example.org")) == one
        assert await account.write(lambda tx: subjectpass_key(tx, "m@example.org")) != one


async def test_what_a_domain_offers_is_remembered(accounts: Accounts) -> None:
    """STORE-97"""
    async with accounts.use("mia") as account:
        assert await look(account, lambda r: domain_tls(r, "example.com")) is None
        await account.write(lambda tx: set_domain_tls(tx, "example.com", starttls=True, requiretls=True))
        await account.write(lambda tx: set_domain_tls(tx, "example.com", starttls=True, requiretls=False))
        found = await look(account, lambda r: domain_tls(r, "example.com"))
        assert isinstance(found, DomainTLS)
        assert (found.starttls, found.requiretls) == (True, False)


async def test_what_was_sent_by_a_clock_that_was_ahead_does_not_count(accounts: Accounts) -> None:
    """STORE-165, SMTP-159, SMTP-161: answers, and mail that is sent on."""

    def send(tx: Tx) -> tuple[bool, str]:
        return may_answer(tx, b"away", "ann@remote.example", DAY // 1_000_000), may_forward(tx, "eva@far.example")

    async with accounts.use("mia") as account:
        await account.write(lambda tx: confirm_target(tx, "eva@far.example"))
        assert await account.write(send) == (True, "")
        many = [(b"away", f"{number}@remote.example") for number in range(MAX_PER_DAY)]
        await account.write(lambda tx: [may_answer(tx, *one, DAY // 1_000_000) for one in many])
        await account.write(lambda tx: tx.execute("UPDATE forward_target SET sent = ?", MOST_SENT_ON))
        answer, sent_on = await account.write(send)
        assert not answer
        assert "in 24 hours" in sent_on
        await account.write(lambda tx: tx.execute("UPDATE vacation_sent SET sent = sent + ?", DAY))
        await account.write(lambda tx: tx.execute("UPDATE forward_target SET began = began + ?", DAY))
        assert await account.write(send) == (True, "")
        assert await account.write(send) == (False, "")
