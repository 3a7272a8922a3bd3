"""No statement of the daily work goes through a table that grows with the account (STORE-171)."""

import re
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from moxlite.queue import submit
from moxlite.queue.data import status
from moxlite.queue.scheduling import due
from moxlite.queue.webhooks import incoming, keeping
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import LEFTOVERS, OpenAccount
from moxlite.store.delivery import reputation
from moxlite.store.delivery.actions import Delivery, FileInto
from moxlite.store.delivery.perform import append, deliver, perform
from moxlite.store.delivery.reputation import QUERIES, Key, history, received_since
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.junk import trainer
from moxlite.store.mail import links, recipients
from moxlite.store.mail.adding import Append
from moxlite.store.mail.copying import copy_messages, move_messages
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.facts import MessageFacts, SMTPFacts, ip_classes
from moxlite.store.mail.fetching import fetch_rows, slice_of
from moxlite.store.mail.flags import store_flags, store_flags_ids
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.mail.recipients import wrote_to, wrote_to_domain, wrote_to_orgdomain
from moxlite.store.options import Options
from moxlite.store.people import correspondents
from moxlite.store.people.correspondents import suggest
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import SLICE, rows_by_uid, vanished
from moxlite.store.rows.views import FIRST_NEWEST, page, place_at, position_of, unseen_ids
from moxlite.store.types import Flag, ModSeq
from moxlite.store.upkeep import erase
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, changes_since, look, mail, prepared

__all__ = ["accounts", "store_options"]

GROWING = (
    "message|message_info|message_header|message_smtp|message_dkim|message_keyword|expunged|erase_queue|"
    "body|body_chunk|recipient|thread_missing|outgoing|unit_key|import_message"
)
"""Tables whose rows become more with the mail."""

WHOLE = {
    erase.PENDING,  # 10,000 at most
    erase.UNUSED,  # all rows of a partial index, as many as wanted
    erase.BEYOND_KEPT,  # once a night
    erase.FORGET_KEYS,  # the same, of a week
    trainer.TO_UNTRAIN,
    LEFTOVERS,  # the first row of each
}
"""What may go through a growing table, or an index of it."""

Statements = dict[str, int]
"""Each with the number of its parameters."""


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    """All that the store runs."""
    found: Statements = {}

    def noting(cls: type[Reader], name: str) -> None:
        original: Callable[..., Any] = getattr(cls, name)

        def run(self: Reader, sql: str, *args: Any) -> Any:
            numbered = [int(number) for number in re.findall(r"\?(\d+)", sql)]
            found[sql] = max(numbered) if numbered else sql.count("?")
            return original(self, sql, *args)

        monkeypatch.setattr(cls, name, run)

    for name in ("row", "rows", "value", "iterate"):
        noting(Reader, name)
    for name in ("execute", "executemany", "insert"):
        noting(Tx, name)
    return found


def scans(db: apsw.Connection, sql: str, parameters: int) -> list[str]:
    """The lines of its plan that go through a growing table."""
    names = {name for match in re.finditer(rf"\b({GROWING})\b(?:\s+(?:AS\s+)?(\w+))?", sql) for name in match.groups()}
    plan = db.execute("EXPLAIN QUERY PLAN " + sql, (None,) * parameters).fetchall()
    return [
        str(row[3])
        for row in plan
        if (found := re.match(r"SCAN (\w+)", str(row[3]))) and found[1] in names and "VIRTUAL TABLE" not in str(row[3])
    ]


async def work(account: OpenAccount) -> None:
    """What clients and other servers have an account do all day."""
    one, two, three = ip_classes("192.0.2.1")
    facts = MessageFacts(
        smtp=SMTPFacts(remote_ip="192.0.2.1", ip1=one, ip2=two, ip3=three, msgfrom_domain="example.com"),
        dkim_domains=("example.com",),
    )
    for number in range(1, 8):
        octets = mail(number, references=f"<{number - 1}@example.com> <99@example.com>", subject=f"Re: {number}")
        delivery = Delivery(actions=(FileInto(mailbox="Inbox"),), facts=facts, clear_rejects="R")
        await perform(account, await prepared(octets), delivery, b"%d" % number)
    sent = await box(account, "Sent")
    await append(account, sent.id, [Append(await prepared(mail(20, to="zoe@example.org")), Flag.SEEN, ("word",))])
    inbox = (await box(account)).id
    archive = (await account.write(lambda tx: ensure_mailbox(tx, "Archive"))).id
    await account.write(lambda tx: store_flags(tx, inbox, [1, 2, 5], mode="add", flags=Flag.JUNK, keywords=["work"]))
    await account.write(lambda tx: store_flags_ids(tx, [1, 2], mode="replace", flags=Flag.SEEN))
    await account.write(lambda tx: copy_messages(tx, inbox, [1], archive))
    await account.write(lambda tx: move_messages(tx, inbox, [2], archive))
    await account.write(lambda tx: expunge(tx, inbox, [3]))
    wanted = ("modseq", "size", "envelope", "bodystructure", "header", "preview", "structure")

    def read(r: Reader) -> None:
        mailboxes(r)
        list(changes_since(r, ModSeq(1)))
        for uids in ([1, 2, 3, 4], [1, 3, 700]):
            fetch_rows(r, inbox, array("q", uids), wanted)  # type: ignore[arg-type]
        rows_by_uid(r, inbox, 1)
        vanished(r, inbox, 1)
        for order in (True, False):
            for unread in (True, False):
                page(r, inbox, FIRST_NEWEST, 10, oldest_first=order, unread=unread)
                place_at(r, inbox, 0, oldest_first=order, unread=unread)
                position_of(r, inbox, FIRST_NEWEST, oldest_first=order, unread=unread)
        unseen_ids(r, inbox, 100, 10)
        for key in Key:
            history(r, key, "example.com", inbox, now=1 << 60)
        received_since(r, (one, two, three), since=1, now=2)
        wrote_to(r, "zoe", "example.org")
        wrote_to_domain(r, "example.org")
        wrote_to_orgdomain(r, "example.org")

    await look(account, read)
    await account.settle()
    await account.tend()


async def test_daily_work_scans_no_table_that_grows(accounts: Accounts, statements: Statements) -> None:
    """STORE-27, STORE-30, STORE-79, STORE-91, STORE-171: opening, delivering with its thread, flags, copies, removal,
    listings, catching up, reputation, the nightly tidying.
    """
    async with accounts.use("mia") as account:
        await work(account)
        db = apsw.Connection(str(account.database.path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            found = {sql: bad for sql, number in statements.items() if (bad := scans(db, sql, number))}
            waiting = db.execute(f"EXPLAIN QUERY PLAN {erase.KEPT_FROM}", (1, 500)).fetchall()
        finally:
            db.close()
    assert len(statements) > 80
    assert found.keys() <= WHOLE, found
    # What is kept for undeleting may be much: the first of it is found at once.
    shown = [str(row[3]) for row in waiting]
    assert [one for one in shown if "erase_queue" in one] == ["SCAN erase_queue USING INDEX erase_queue_modseq"]


@pytest.mark.parametrize(
    ("key", "index"),
    [
        (Key.MSGFROM, "message_smtp_msgfrom_address (msgfrom_domain=? AND msgfrom=? AND received>? AND received<?)"),
        (
            Key.MAILFROM,
            "message_smtp_mailfrom_address (mailfrom_domain=? AND mailfrom=? AND received>? AND received<?)",
        ),
        (Key.MSGFROM_DOMAIN, "message_smtp_msgfrom (msgfrom_domain=? AND received>? AND received<?)"),
        (Key.MAILFROM_DOMAIN, "message_smtp_mailfrom (mailfrom_domain=? AND received>? AND received<?)"),
        (Key.MSGFROM_ORGDOMAIN, "message_smtp_msgfrom_org (msgfrom_orgdomain=? AND received>? AND received<?)"),
        (Key.EHLO_DOMAIN, "message_smtp_ehlo (ehlo_domain=? AND received>? AND received<?)"),
        (Key.IP3, "message_smtp_ip3 (ip3=? AND received>? AND received<?)"),
    ],
)
async def test_a_history_is_read_newest_first_from_its_own_index(accounts: Accounts, key: Key, index: str) -> None:
    """STORE-91, STORE-92, STORE-171: that of an address does not go through all mail of a large provider."""
    async with accounts.use("mia") as account:
        sql = QUERIES[key]
        plan = await look(account, lambda r: r.rows(f"EXPLAIN QUERY PLAN {sql}", *[1] * sql.count("?")))
        assert f"SEARCH message_smtp USING INDEX {index}" in "\n".join(row[3] for row in plan)


async def test_what_grows_with_a_large_provider_is_answered_by_indices_alone(accounts: Accounts) -> None:
    """STORE-93, STORE-95, STORE-171, LINK-17: what came in a day; when one last wrote to a domain; a copy in Sent."""
    expected = {
        reputation.RECEIVED: "message_smtp USING COVERING INDEX message_smtp_received (received>? AND received<?)",
        links.OWN_COPY: "message USING INDEX message_messageid (messageid=?)",
        recipients.BY_DOMAIN: "recipient USING COVERING INDEX recipient_domain (domain=?)",
        recipients.BY_ORGDOMAIN: "recipient USING COVERING INDEX recipient_orgdomain (orgdomain=?)",
        recipients.BY_ADDRESS: "recipient USING COVERING INDEX recipient_address (domain=? AND localpart=?)",
    }
    async with accounts.use("mia") as account:
        db = apsw.Connection(str(account.database.path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            for sql, line in expected.items():
                arguments = (None,) * (5 if "?5" in sql else sql.count("?"))
                assert [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", arguments)] == [f"SEARCH {line}"]
        finally:
            db.close()


def test_rows_that_go_together_are_found_by_an_index(tmp_path: Path) -> None:
    """QUEUE-65, LINK-14: of a domain among its due rows, of a link among the rows of one submission."""
    expected = {
        due.TOGETHER: "msg_due_domain (rcpt_domain=? AND next_attempt<?)",
        due.TOGETHER_BY_LINK: "msg_base (base_id=?)",
    }
    db = open_file(tmp_path / "queue.db", Kind.QUEUE, Options(), create=True)
    for sql, index in expected.items():
        _, other, *_ = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", (1, 2, 3))]
        assert other == f"SEARCH other USING INDEX {index}"
    db.close()


def test_what_a_message_of_the_queue_has_is_found_by_its_own_index(tmp_path: Path) -> None:
    """QUEUE-6, QUEUE-95, WEB-105: unique senders, retired ones among them, and webhooks."""
    expected = {
        submit.FROM_ID: ("msg_from_id (from_id=?)", "retired_from_id (from_id=?)"),
        status.OF_FROM_ID: ("msg_from_id (from_id=?)", "retired_from_id (from_id=?)"),
        incoming.OF_FROM_ID: ("retired_from_id (from_id=?)",),
        keeping.OF_MESSAGE: ("hook_msg (msg_id=?)",),
    }
    db = open_file(tmp_path / "queue.db", Kind.QUEUE, Options(), create=True)
    for sql, indices in expected.items():
        count = 1 if sql == submit.FROM_ID else 2
        plan = [str(row[3]) for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", (1,) * count)]
        assert not [step for step in plan if step.startswith("SCAN")], plan
        assert all(any(step.endswith(index) for step in plan) for index in indices), plan
    db.close()


async def test_a_listing_touches_no_body(accounts: Accounts, statements: Statements) -> None:
    """STORE-51, STORE-171: envelopes and flags are rows."""
    async with accounts.use("mia") as account:
        await deliver(account, await prepared(mail(1)), MessageFacts(), "Inbox")
        inbox = (await box(account)).id
        statements.clear()
        await look(account, lambda r: fetch_rows(r, inbox, array("q", [1]), ("modseq", "size", "received", "envelope")))
        db = apsw.Connection(str(account.database.path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            (sql,) = [sql for sql in statements if "envelope" in sql]  # others are of work in the background
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * statements[sql]).fetchall()]
        finally:
            db.close()
    assert plan == [
        "SEARCH m USING INDEX sqlite_autoindex_message_1 (mailbox_id=? AND uid>? AND uid<?)",
        "SEARCH i USING INTEGER PRIMARY KEY (rowid=?)",
    ]


async def test_common_correspondents_are_found_by_their_rank(accounts: Accounts, statements: Statements) -> None:
    """STORE-96, STORE-171: the first ones by the index of ranks, others by that of words; never by all rows."""
    async with accounts.use("mia") as account:
        sent = await box(account, "Sent")
        to = ", ".join(f"Person {n} <p{n}@example.org>" for n in range(30))
        await append(account, sent.id, [Append(await prepared(mail(1, to=to)))])
        statements.clear()
        found, more = await look(account, lambda r: suggest(r, "person"))
        assert (len(found), more) == (20, True)
        db = apsw.Connection(str(account.database.path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            for sql, parameters, used in (
                (correspondents.LATEST, 2, "SCAN correspondent USING INDEX correspondent_rank"),
                (correspondents.HAVING_WORD, 4, "SEARCH correspondent_word USING PRIMARY KEY (word>? AND word<?)"),
            ):
                plan = [str(row[3]) for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * parameters)]
                assert used in plan, plan
        finally:
            db.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zoë", ["zoe"]),
        ("ZOË M", ["zoe"]),
        ("straße", ["anna"]),
        ("müller <z", ["zoe"]),
        ("bob@ex", ["bob"]),
        ("b_b", []),
        ("100%", ["sale"]),
        ("\\", []),
        ("example.net", ["bob"]),
        ("bob ", ["bob"]),
        ("x" * 2000, []),
    ],
)
async def test_old_recipients_are_found_in_any_case(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, text: str, expected: list[str]
) -> None:
    """STORE-96: by name, address, or across both, whatever characters they have."""
    monkeypatch.setattr(correspondents, "BEST", 0)
    async with accounts.use("mia") as account:
        sent = await box(account, "Sent")
        to = (
            "Zoë Müller <zoe@mail.example.org>, Bob <bob@example.net>, Anna Straße <anna@example.org>, "
            '"100% off" <sale@example.org>'
        )
        await append(account, sent.id, [Append(await prepared(mail(1, to=to)))])
        found, _ = await look(account, lambda r: suggest(r, text))
        assert [one.localpart for one in found] == expected


def test_a_slice_may_be_longer_where_nothing_lies_beside_the_rows() -> None:
    """STORE-3, STORE-51."""
    assert slice_of(()) == slice_of(("modseq", "size", "received")) == 1_000
    assert slice_of(("modseq", "envelope")) == slice_of(("prefix",)) == SLICE == 500
