"""``moxlite account recover NAME --out DIR``: a new account file with messages saved from a damaged one (STORE-188).

Messages go through the same operations as incoming mail, so all derived data (threads, envelopes, counts, search) is
made anew. Mail programs must not rely on old UIDs: every UIDVALIDITY is new. Bodies without a message, and messages of
a mailbox whose row is lost, are put below `Recovered`.
"""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import apsw
import msgspec
import trio

from moxlite.encoding import from_builtins, from_json
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.restore import renew
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import PreparedMessage, held_body, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import SUBMIT, OwedMessage
from moxlite.store.errors import BadKeyword, BadMailboxName, BadMessage, BadTarget, LimitExceeded
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.junkflags import JunkFlagRules
from moxlite.store.mail.adding import Append, add_message
from moxlite.store.mail.facts import NO_FACTS, MessageFacts, SMTPFacts, Validation
from moxlite.store.mail.mailboxes import ensure_mailbox, set_special_use
from moxlite.store.options import AccountConfig, Options
from moxlite.store.recover.pages import Damaged, Pages, Record
from moxlite.store.recover.salvage import FoundMailbox, FoundMessage, Salvage, restore_copies
from moxlite.store.rows.mailboxes import check_keyword, split_keywords
from moxlite.store.types import Flag, MailboxID, MessageID, SpecialUse

logger = logging.getLogger("moxlite.store.recover")

RECOVERED: Final = "Recovered"

MAX_NAMED: Final = 10
"""Recipients named of a message that is lost."""

FLAGS: Final = Flag((1 << len(Flag)) - 1)

SET_SAVEDATE: Final = "UPDATE message SET savedate = ? WHERE id = ?"
COLUMNS: Final = "SELECT name FROM pragma_table_info(?)"
LOST_ENTRIES: Final = "SELECT name FROM resource WHERE id NOT IN (SELECT resource_id FROM resource_data)"
SETTLE: Final = (
    "DELETE FROM resource WHERE id NOT IN (SELECT resource_id FROM resource_data)",
    "DELETE FROM resource_data WHERE resource_id NOT IN (SELECT id FROM resource)",
    "DELETE FROM resource_address WHERE resource_id NOT IN (SELECT id FROM resource)",
    # Create a collection for entries whose collection row is lost.
    """INSERT INTO collection (id, kind, name, display_name, components, createseq, modseq)
    SELECT collection_id, iif(component = 'VCARD', 'contact', 'calendar'), 'recovered-' || collection_id, 'Recovered',
    iif(component = 'VCARD', '', 'VAVAILABILITY VEVENT VFREEBUSY VJOURNAL VTODO'), 1, max(modseq)
    FROM resource WHERE collection_id NOT IN (SELECT id FROM collection) GROUP BY collection_id""",
    """UPDATE collection SET total = (SELECT count(*) FROM resource r WHERE r.collection_id = collection.id),
    size = (SELECT coalesce(sum(size), 0) FROM resource r WHERE r.collection_id = collection.id)""",
    "DELETE FROM collection_acl WHERE collection_id NOT IN (SELECT id FROM collection)",
    "DELETE FROM calendar_link WHERE collection_id NOT IN (SELECT id FROM collection)",
    "DELETE FROM calendar_subscription WHERE collection_id NOT IN (SELECT id FROM collection)",
    # What is looked up of cards and entries is made anew when the account is open.
    "INSERT OR IGNORE INTO contact_due (id, changed) SELECT id, changed FROM resource WHERE component = 'VCARD'",
    """INSERT OR IGNORE INTO entry_facts (resource_id, version, data)
    SELECT id, 0, x'' FROM resource WHERE component <> 'VCARD'""",
    # The next moments of alarms are found when the account is open; what came meanwhile is not told.
    """INSERT OR IGNORE INTO alarm (resource_id, since, due)
    SELECT r.id, CAST(strftime('%s', 'now') AS INTEGER) * 1000000, 0 FROM resource r
    JOIN collection c ON c.id = r.collection_id WHERE r.component IN ('VEVENT', 'VTODO') AND NOT c.inbox
    AND c.id NOT IN (SELECT collection_id FROM calendar_subscription)""",
    # Instances are made anew when they are asked for.
    "UPDATE resource SET expanded_from = 0, expanded_to = 0 WHERE expanded_to IS NOT NULL",
    # Devices are not told of mail that was there.
    "UPDATE notice_device SET told = (SELECT coalesce(max(id), 0) FROM message)",
)
SIGN: Final = 1_000
"""Saved messages between two signs of life."""

OWE: Final = """
INSERT OR IGNORE INTO outbox (id, key, kind, message_id, data, created, due) VALUES (?, ?, ?, ?, ?, ?, ?)"""
RAISE_STATE: Final = """
UPDATE state SET modseq = max(modseq, ?), next_uidvalidity = max(next_uidvalidity, ?), created = coalesce(?, created)
WHERE id = 1"""


class RecoveryResult(msgspec.Struct):
    """Result of a recovery. Messages saved, among them `unproven` ones, whose body's hash is lost, and `orphans`, of
    which only the body was left; mailboxes. `losses` has a line for each message and each group of table rows that is
    known to be lost.
    """

    saved: int = 0
    unproven: int = 0
    orphans: int = 0
    mailboxes: int = 0
    losses: list[str] = []


def recover(name: str, file: Path, out: Path, *, tell: Callable[[str], None] = lambda _: None) -> RecoveryResult:
    """Salvage the account `name` from `file` into ``out/accounts/NAME/account.db``. Blocks; not within Trio. `file` is
    only read; no other process writes it meanwhile.

    Raises:
      BadTarget: `out` is not empty.
      OSError: the file cannot be opened, or nothing can be written.
    """
    # What was salvaged before may be all that there is; it is not overwritten by a second try.
    if out.exists() and any(out.iterdir()):
        raise BadTarget(f"{out} isn't empty")
    out.mkdir(mode=0o750, parents=True, exist_ok=True)
    tell(str(file))
    pages = Pages(file)
    try:
        with tempfile.TemporaryDirectory(prefix=".recover-", dir=out) as scratch:
            salvage = Salvage(pages, Path(scratch) / "rows.db")
            try:
                done = trio.run(_fill, name, out, salvage, Path(scratch), tell)
            finally:
                salvage.close()
    finally:
        pages.close()
    logger.info(
        "account recovered",
        extra={"kv": {"account": name, "saved": done.saved, "losses": len(done.losses), "out": str(out)}},
    )
    return done


async def _fill(name: str, out: Path, salvage: Salvage, tmp: Path, tell: Callable[[str], None]) -> RecoveryResult:
    # Flags are copied: no rule of the account may be applied to them again.
    config = AccountConfig(initial_special_use={}, junk_flags=JunkFlagRules(enabled=False))
    options = Options(account_config=lambda one: config if one == name else None, min_free_space=0)
    accounts = Accounts(out, options)
    try:
        async with accounts.use(name) as account:
            work = _Work(account, salvage, tmp, tell)
            await work.run()
    finally:
        await accounts.aclose()
    await trio.to_thread.run_sync(_finish, accounts.path(name) / "account.db", salvage, options, work)
    return work.done


class _Work:
    def __init__(self, account: Account, salvage: Salvage, tmp: Path, tell: Callable[[str], None]) -> None:
        self.account = account
        self.salvage = salvage
        self.tmp = tmp
        self.tell = tell
        self.done = RecoveryResult()
        self.ids: dict[int, MailboxID] = {}
        self.names: dict[int, str] = {}
        self.counted: Counter[int] = Counter()
        self.complete = True
        """Whether no row of a message is known to be lost."""

    async def run(self) -> None:
        boxes = self.salvage.mailboxes()
        # The system's mailbox is left out: the queue fills it again (IMAP-162).
        system = {box.id for box in boxes if box.system}
        boxes = [box for box in boxes if not box.system]
        for box in boxes:
            await self.mailbox(box)
        for message in self.salvage.messages():
            if message.mailbox_id in system:
                self.salvage.spare(message.body_id)
            else:
                await self.message(message)
        for box in boxes:
            missing = box.count - self.counted[box.id]
            # Counts are in the rows of mailboxes, and so survive the loss of the rows that they count.
            if missing > 0:
                self.complete = False
                self.lose(f"{box.name}: missing rows for {missing} counted messages")
        for body_id in self.salvage.unused():
            await self.orphan(body_id)

    def lose(self, line: str) -> None:
        self.done.losses.append(line)
        self.tell(line)

    async def mailbox(self, box: FoundMailbox) -> None:
        def unit(tx: AccountTx) -> MailboxID:
            made = ensure_mailbox(tx, box.name)
            if box.special_use:
                set_special_use(tx, made.id, SpecialUse(box.special_use & 31))
            return made.id

        try:
            self.ids[box.id] = await self.account.write(unit)
        except (BadMailboxName, LimitExceeded) as error:
            self.lose(f"mailbox {box.name!r}: {error}; its messages go to {RECOVERED}")
            return
        self.names[box.id] = box.name
        self.done.mailboxes += 1

    async def message(self, message: FoundMessage) -> None:
        self.counted[message.mailbox_id] += 1
        label = f"{self.names.get(message.mailbox_id, RECOVERED)}, UID {message.uid}, subject {message.subject[:80]!r}"
        # The row of its mailbox is lost. The old number in the name keeps messages together that were together.
        if message.mailbox_id not in self.ids:
            self.complete = False
            name = f"{RECOVERED}/Mailbox {message.mailbox_id}"
            self.ids[message.mailbox_id] = await self.account.write(lambda tx: ensure_mailbox(tx, name).id)
        prefix = message.prefix
        try:
            body = self.salvage.body(message.body_id, None if prefix is None else message.size - len(prefix))
        except Damaged as error:
            self.lose(f"{label}: {error}")
            return
        if prefix is None:
            self.lose(f"{label}: saved without the header lines that were added at reception")
        if not body.proven:
            self.done.unproven += 1
        await self.add(self.ids[message.mailbox_id], body.data, prefix or b"", label, message)

    async def orphan(self, body_id: int) -> None:
        try:
            body = self.salvage.body(body_id)
        except Damaged as error:
            self.lose(f"body without a message: {error}")
            return
        target = await self.account.write(lambda tx: ensure_mailbox(tx, RECOVERED).id)
        await self.add(target, body.data, b"", f"body {body_id}", None)
        self.done.orphans += 1

    async def add(
        self, target: MailboxID, data: bytes, prefix: bytes, label: str, message: FoundMessage | None
    ) -> None:
        size, facts = len(prefix) + len(data), NO_FACTS
        with Spool.of(data, self.tmp) as spool:
            item = Append(await prepare(spool, prefix, max_size=size))
            if message is not None:
                item = msgspec.structs.replace(
                    item,
                    flags=Flag(message.flags) & FLAGS,
                    keywords=tuple(_keywords(message.keywords)),
                    received=message.received,
                    received_offset=message.received_offset,
                )
                facts = _facts(message)
            try:
                async with held_body(self.account, item.prepared) as ready:
                    adding = partial(_add, ready=ready, target=target, item=item, facts=facts, message=message)
                    new_id = await self.account.write(adding, weight=1)
            except (BadMessage, LimitExceeded) as error:
                self.lose(f"{label}: {error}")
                return
        self.done.saved += 1
        if self.done.saved % SIGN == 0:
            self.tell(f"{self.done.saved} messages")
        if message is not None:
            self.salvage.note_saved(message.id, new_id)


def _add(
    tx: AccountTx,
    ready: PreparedMessage,
    target: MailboxID,
    item: Append,
    facts: MessageFacts,
    message: FoundMessage | None,
) -> MessageID:
    added = add_message(
        tx,
        ready,
        target,
        flags=item.flags,
        keywords=item.keywords,
        received=item.received,
        received_offset=item.received_offset,
        facts=facts,
    )
    if message is not None:
        tx.execute(SET_SAVEDATE, message.savedate, added.message_id)
    return added.message_id


def _keywords(column: str) -> list[str]:
    """The valid keywords of a column."""
    found = []
    for word in split_keywords(column):
        try:
            found.append(check_keyword(word))
        except BadKeyword:
            continue
    return found


def _domains(packed: str) -> tuple[str, ...]:
    try:
        return from_json(packed, tuple[str, ...])
    except msgspec.DecodeError:
        return ()


def _facts(message: FoundMessage) -> MessageFacts:
    tls_version, tls_cipher, requiretls = message.tls
    smtp = None
    dkim_domains: tuple[str, ...] = ()
    if message.smtp is not None:
        _, _, _, _, *columns = message.smtp
        texts = [str(column) for column in columns[:12]]
        smtp = SMTPFacts(
            remote_ip=texts[0],
            ip1=texts[1],
            ip2=texts[2],
            ip3=texts[3],
            ehlo_domain=texts[4],
            mailfrom=texts[5],
            mailfrom_domain=texts[6],
            rcptto=texts[7],
            rcptto_domain=texts[8],
            msgfrom=texts[9],
            msgfrom_domain=texts[10],
            msgfrom_orgdomain=texts[11],
            ehlo_ok=bool(columns[12]),
            mailfrom_ok=bool(columns[13]),
            msgfrom_ok=bool(columns[14]),
            ehlo_validation=_validation(columns[15]),
            mailfrom_validation=_validation(columns[16]),
            msgfrom_validation=_validation(columns[17]),
            orig_ehlo=str(columns[18]),
            orig_dkim=tuple(str(columns[19]).split()),
        )
        if len(columns) > 20:  # older rows have none
            dkim_domains = _domains(str(columns[20]))
    return MessageFacts(
        smtp=smtp,
        dkim_domains=dkim_domains,
        is_reject=message.is_reject,
        is_forward=message.is_forward,
        is_mailinglist=message.is_mailinglist,
        tls_version=tls_version,
        tls_cipher=tls_cipher,
        requiretls=requiretls,
    )


def _validation(value: object) -> Validation:
    try:
        found: Validation = from_builtins(value, Validation)
    except msgspec.ValidationError:
        return "unknown"
    return found


def _finish(path: Path, salvage: Salvage, options: Options, work: _Work) -> None:
    """Copy rows that are not derived from messages, and give all mailboxes a UIDVALIDITY above the old ones."""
    db = open_file(path, Kind.ACCOUNT, options)
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute("PRAGMA defer_foreign_keys=ON").fetchall()
        db.execute(RAISE_STATE, (salvage.modseq, salvage.next_uidvalidity, salvage.created))
        for table, rows in salvage.copied.items():
            columns = [name for (name,) in db.execute(COLUMNS, (table,))]
            lost = 0
            for row in rows:
                values = _placed(table, row, work)
                try:
                    marks = ", ".join("?" * len(values))
                    if len(values) > len(columns):
                        lost += 1
                        continue
                    named = ", ".join(columns[: len(values)])  # older rows lack columns that migrations have added
                    db.execute(f"INSERT OR REPLACE INTO {table} ({named}) VALUES ({marks})", values)  # noqa: S608
                except (apsw.ConstraintError, apsw.MismatchError):
                    lost += 1
            if lost:
                work.lose(f"{lost} rows in {table}")
        for row in salvage.owed:
            _owe(db, row, work)
        for (name,) in db.execute(LOST_ENTRIES).fetchall():
            work.lose(f"the content of entry {name!r}")
        for sql in SETTLE:
            db.execute(sql)
        restore_copies(db, salvage.remotes, salvage.copies(complete=work.complete), work.ids)
        db.execute("COMMIT")
    finally:
        db.close(True)
    renew(path, Kind.ACCOUNT, options, resume_queue=False)


def _placed(table: str, row: tuple[object, ...], work: _Work) -> tuple[int | float | str | bytes | None, ...]:
    """Convert a row for the new file: it gets the new ids of mailboxes and messages, 0 for a message that is lost."""
    values = tuple(one if isinstance(one, int | float | str | bytes) else None for one in row)

    def box(place: int) -> int | None:
        return work.ids.get(old) if isinstance(old := values[place], int) else None

    def message(place: int) -> int:
        return (work.salvage.new_id(old) or 0) if isinstance(old := values[place], int) else 0

    match table:
        case "annotation" if len(values) > 1 and values[1] != 0:
            return (values[0], box(1), *values[2:])
        case "acl" | "ruleset_no_mailbox" if values:
            return (box(0), *values[1:])
        case "snooze" if len(values) == 5:
            return (message(0), *values[1:3], box(3), box(4))
        case "invitation" if len(values) > 6:
            return (*values[:6], message(6), *values[7:])
    return values


def _owe(db: apsw.Connection, row: Record, work: _Work) -> None:
    """Have the account owe again what it owed: `renew` puts its mail on hold in the queue. What owes a message that is
    lost is lost, too.
    """
    match (*row, 0)[:7]:  # a row that has not been written since lacks the time
        case (int(number), bytes(key), str(kind), int() | None as message_id, bytes(data), int(created), int(due)):
            pass
        case _:
            work.lose("an outbox row")
            return
    new_id = None if message_id is None else work.salvage.new_id(message_id)
    try:
        owed = OwedMessage.unpack(data) if kind == SUBMIT else None
    except msgspec.DecodeError:
        work.lose("an unsent message with its recipients")
        return
    if message_id is not None and new_id is None:
        if owed is not None:
            recipients = ", ".join(str(recipient.address) for recipient in owed.submission.recipients[:MAX_NAMED])
            work.lose(f"an unsent message to {recipients}")
        return
    if owed is not None:
        beside = msgspec.structs.replace(
            owed.beside,
            original_id=work.salvage.new_id(owed.beside.original_id) or 0,
            scheduled=work.ids.get(owed.beside.scheduled, MailboxID(0)),
        )
        data = msgspec.structs.replace(owed, beside=beside).pack()
    db.execute(OWE, (number, key, kind, new_id, data, created, due))
