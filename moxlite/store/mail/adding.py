"""Adding messages to a mailbox: bodies, rows, threads, recipients, counts (STORE-20, 25, 61, 79, 84, 90, 95).

`prepare` has made everything that can be made before the unit; all code that adds messages calls `add_messages` inside
its unit. Each statement releases the GIL once (design-facts §2): so everything that many messages need, except their
bodies, is read and written for all of them at once. A lone message takes eleven statements, each further one five.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import WRITE_CHUNK, make_sound
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Tx, Value
from moxlite.store.junkflags import Verdict, classify, flags_in_mailbox
from moxlite.store.mail.counts import Delta, add_arrivals, learn_keywords, next_uids, take_room
from moxlite.store.mail.facts import NO_FACTS, MessageFacts, SMTPFacts, pack_domains
from moxlite.store.mail.flags import verdict_of
from moxlite.store.mail.recipients import add_recipients
from moxlite.store.mail.systemmailbox import check_fillable
from moxlite.store.mail.threadlinks import Links, pack_parents
from moxlite.store.mail.threads import NOTE_MISSING, adopt_orphans, missing_names, missing_rows
from moxlite.store.rows.mailboxes import MAX_PER_MESSAGE, join_keywords, learn_spellings, mailbox, split_keywords
from moxlite.store.types import (
    UID,
    BodyID,
    Flag,
    Mailbox,
    MailboxID,
    MessageAdded,
    MessageID,
    ModSeq,
    SpecialUse,
    ThreadID,
    chunk_id,
)


class AddedMessage(msgspec.Struct, frozen=True):
    """An added message."""

    mailbox_id: MailboxID
    uidvalidity: int
    uid: UID
    message_id: MessageID
    threadid: ThreadID
    modseq: ModSeq
    flags: Flag
    keywords: tuple[str, ...]


class Append(msgspec.Struct, frozen=True):
    """One message to add. `received` (INTERNALDATE) in µs UTC, None for now; `received_offset` in minutes east of UTC;
    keywords in any case.
    """

    prepared: PreparedMessage
    flags: Flag = Flag(0)
    keywords: tuple[str, ...] = ()
    received: int | None = None
    received_offset: int = 0


# Adds a reference to the body of this hash, which may be new.
USE_BODY: Final = """
INSERT INTO body (id, hash, size, refs) VALUES (?, ?, ?, 1) ON CONFLICT (hash) DO UPDATE SET refs = refs + 1
RETURNING id, refs"""
USE_IF_THERE: Final = "UPDATE body SET refs = refs + 1 WHERE hash = ? RETURNING id"
NAME_BODY: Final = "UPDATE body SET hash = ?, refs = 1 WHERE id = ?"
SENT: Final = int(SpecialUse.SENT)
INSERT_MESSAGE: Final = """
INSERT INTO message (id, mailbox_id, uid, createseq, modseq, threadseq, body_id, email_id, size, received,
received_offset, savedate, flags, keywords,
is_reject, is_forward, is_mailinglist, dsn, mailbox_orig_id, mailbox_destined_id, messageid, subject_base, threadid,
thread_missing_link,
thread_muted, thread_collapsed, thread_parents)
VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?5, ?1, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?2, ?16, ?17, ?18, ?19, ?20, ?21,
?22, ?23)"""
INSERT_INFO: Final = """
INSERT INTO message_info (email_id, envelope, bodystructure, structure, preview, prefix, tls_version, tls_cipher,
requiretls) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_HEADER: Final = "INSERT INTO message_header (email_id, why, missing, header) VALUES (?, ?, ?, ?)"
INSERT_SMTP: Final = """
INSERT INTO message_smtp (message_id, received, size, verdict, remote_ip, ip1, ip2, ip3, ehlo_domain, mailfrom,
mailfrom_domain, rcptto, rcptto_domain,
msgfrom, msgfrom_domain, msgfrom_orgdomain, ehlo_ok, mailfrom_ok, msgfrom_ok, ehlo_validation, mailfrom_validation,
msgfrom_validation, orig_ehlo,
orig_dkim, dkim) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_KEYWORD: Final = "INSERT INTO message_keyword (keyword, message_id) VALUES (?, ?)"


def add_bodies(tx: Tx, messages: Sequence[PreparedMessage], first_id: BodyID) -> list[BodyID]:
    """Add a reference to the body of each message: an equal stored body, the one written before (`held_bodies`), or a
    new one (STORE-180), with an id from `first_id` on, of which as many were taken. Returns the body ids, in order.

    An equal stored body is checked first, so that only a good body is shared.
    """
    ids: list[BodyID] = []
    chunks: list[tuple[int, int, int, bytes]] = []
    written: set[BodyID] = set()
    for new_id, prepared in enumerate(messages, first_id):
        if prepared.chunks is None:
            ids.append(_use_held(tx, prepared))
            continue
        row = tx.row(USE_BODY, new_id, prepared.digest, prepared.body_size)
        assert row is not None
        body_id, refs = row
        # 1: new, or a leftover that no message had. Its chunks, if it has any, are written over.
        if refs == 1:
            first = chunk_id(body_id, 0)
            for seq, chunk in enumerate(prepared.chunks):
                chunks.append((first + seq, chunk.enc, chunk.check, chunk.data))
            written.add(body_id)
        elif body_id not in written:  # else its chunks come at the end, and it would look damaged now
            make_sound(tx, body_id, prepared.digest, prepared.body_size, prepared.chunks)
        ids.append(body_id)
    if chunks:
        tx.executemany(WRITE_CHUNK, chunks)
    return ids


def _use_held(tx: Tx, prepared: PreparedMessage) -> BodyID:
    """As `add_bodies`, for a body that `held_bodies` has written."""
    if prepared.held is None:
        raise ValueError("long bodies must be written with held_bodies first")
    # Its octets are not compared here, as reading megabytes would hold up all other units: `held_bodies` has looked at
    # the stored ones just before.
    row = tx.row(USE_IF_THERE, prepared.digest)
    if row is not None:
        return BodyID(row[0])
    tx.execute(NAME_BODY, prepared.digest, prepared.held)
    return prepared.held


def add_message(
    tx: AccountTx,
    prepared: PreparedMessage,
    mailbox_id: MailboxID,
    *,
    flags: Flag = Flag(0),
    keywords: Iterable[str] = (),
    received: int | None = None,
    received_offset: int = 0,
    facts: MessageFacts = NO_FACTS,
    delivery: bool = False,
    queued: bool = False,
) -> AddedMessage:
    """Add a message to a mailbox; arguments and errors as `add_messages`."""
    item = Append(prepared, flags, tuple(keywords), received, received_offset)
    return add_messages(tx, (item,), mailbox_id, facts=facts, delivery=delivery, queued=queued)[0]


def add_messages(
    tx: AccountTx,
    items: Sequence[Append],
    target: MailboxID | Mailbox,
    *,
    facts: MessageFacts = NO_FACTS,
    delivery: bool = False,
    queued: bool = False,
) -> list[AddedMessage]:
    """Add messages to a mailbox, one after the other: each finds its thread also among the earlier ones. The mailbox's
    junk verdict is applied to their flags (STORE-84).

    Args:
      target: a `Mailbox` only if it was read in this unit and not changed since; otherwise its id.
      facts: facts of each message.
      delivery: a new delivery; in a muted thread the message becomes seen (STORE-81).
      queued: the message comes from the queue into the system's mailbox, where it costs no quota and no junk verdict
        applies (IMAP-162).

    Raises:
      NoSuchMailbox; OverQuota; UidsExhausted; BadKeyword; LimitExceeded: too many keywords;
      MailboxNotAllowed: the mailbox is the system's.
    """
    if not items:
        return []
    box = target if isinstance(target, Mailbox) else mailbox(tx, target)
    mailbox_id = box.id
    if not queued:
        check_fillable(box)
    uids = next_uids(box, len(items))
    words = [_learn(tx, item.keywords) for item in items]
    # The quota comes before all that is large: what it refuses need not be written and rolled back.
    octets = 0 if queued else sum([item.prepared.size for item in items])
    first_id, first_body = take_room(tx, octets, len(items), len(items))
    verdict = Verdict.UNCHANGED
    if not facts.is_reject and not queued:
        verdict = classify(tx.config.junk_flags, box.name, box.special_use)
    modseq = tx.modseq()
    bodies = add_bodies(tx, [item.prepared for item in items], first_body)
    links = Links(tx, mailbox_id, [item.prepared.thread for item in items])
    rows = _Rows(tx)
    is_sent = int(box.special_use) & SENT  # arithmetic of flags costs ten times that of numbers
    tally: dict[int, list[int]] = {}  # sizes by flags
    added: list[AddedMessage] = []
    events: list[MessageAdded] = []  # already emitted, because events of adoptions must follow them
    last = len(items) - 1  # no later message can refer to it
    for number, item in enumerate(items):
        prepared, thread = item.prepared, item.prepared.thread
        message_id = MessageID(first_id + number)
        uid = UID(uids[number])
        received = tx.now if item.received is None else item.received
        link = links.place(thread, received)
        flags = item.flags if verdict is Verdict.UNCHANGED else flags_in_mailbox(item.flags, verdict)
        if delivery and link.muted:
            flags |= Flag.SEEN
        threadid = ThreadID(message_id) if link.threadid is None else link.threadid
        column = join_keywords(words[number]) if words[number] else ""
        tally.setdefault(int(flags), []).append(prepared.size)
        rows.messages.append((
            message_id,
            mailbox_id,
            uid,
            modseq,
            bodies[number],
            prepared.size,
            received,
            item.received_offset,
            tx.now,
            int(flags),
            column,
            facts.is_reject,
            facts.is_forward,
            facts.is_mailinglist,
            thread.dsn,
            facts.destined,
            thread.messageid,
            thread.subject_base,
            threadid,
            link.missing_link,
            link.muted,
            link.collapsed,
            pack_parents(link.parents),
        ))  # fmt: skip
        rows.info.append((
            message_id,
            prepared.envelope,
            prepared.bodystructure,
            prepared.structure,
            prepared.preview,
            prepared.prefix,
            facts.tls_version,
            facts.tls_cipher,
            facts.requiretls,
        ))  # fmt: skip
        rows.headers.append((message_id, facts.why, missing_names(link.missing), prepared.header))
        rows.keywords += [(word, message_id) for word in words[number]]
        if link.missing:
            rows.missing += missing_rows(message_id, link.missing)
        if facts.smtp is not None:
            verdict_of_flags = verdict_of(flags, facts.is_reject)
            _add_smtp(tx, message_id, facts.smtp, received, prepared.size, verdict_of_flags, facts.dkim_domains)
        if is_sent:
            add_recipients(tx, message_id, prepared.recipients, received if prepared.date is None else prepared.date)
        if thread.messageid in links.waited_for:
            # Adoption works on stored rows: this message and all before it must be there, and its changes make the
            # places that are known by heart wrong.
            rows.write()
            events += _tell(tx, added[len(events) :], box)
            by_subject = bool(link.parents) and not thread.references
            threadid = adopt_orphans(tx, message_id, thread.messageid, by_subject=by_subject) or threadid
            links.forget_places()
        else:
            links.note_place(message_id, threadid, link)
        if number < last:
            links.note(message_id, thread, received, link)
        added.append(
            AddedMessage(mailbox_id, box.uidvalidity, uid, message_id, threadid, modseq, flags, split_keywords(column))
        )
    rows.write()
    delta = Delta()
    for bits, sizes in tally.items():
        delta.add(bits, sum(sizes), len(sizes))
    box = add_arrivals(tx, box, delta, len(items))
    if any(words):
        learn_keywords(tx, box, frozenset[str]().union(*words))
    for event in events:  # no subscriber has seen them yet
        msgspec.structs.force_setattr(event, "exists", box.exists)
        msgspec.structs.force_setattr(event, "unseen", box.unseen)
    _tell(tx, added[len(events) :], box)
    return added


def _tell(tx: AccountTx, added: Sequence[AddedMessage], box: Mailbox) -> list[MessageAdded]:
    """Emit new messages of a mailbox; returns the events."""
    events = [
        MessageAdded(
            mailbox_id=one.mailbox_id,
            uid=one.uid,
            message_id=one.message_id,
            flags=one.flags,
            keywords=one.keywords,
            exists=box.exists,
            unseen=box.unseen,
        )
        for one in added
    ]
    for event in events:
        tx.emit(event)
    return events


class _Rows:
    """Rows of messages to be inserted, one call for each table."""

    __slots__ = ("_tx", "headers", "info", "keywords", "messages", "missing")

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.messages: list[tuple[Value, ...]] = []
        self.info: list[tuple[Value, ...]] = []
        self.headers: list[tuple[Value, ...]] = []
        self.keywords: list[tuple[Value, ...]] = []
        self.missing: list[tuple[Value, ...]] = []

    def write(self) -> None:
        """Insert the rows and clear the lists."""
        for sql, rows in (
            (INSERT_MESSAGE, self.messages),
            (INSERT_INFO, self.info),
            (INSERT_HEADER, self.headers),
            (INSERT_KEYWORD, self.keywords),
            (NOTE_MISSING, self.missing),
        ):
            if rows:
                self._tx.executemany(sql, rows)
                rows.clear()


def _learn(tx: Tx, keywords: tuple[str, ...]) -> frozenset[str]:
    """Stored forms of a message's keywords. Raises BadKeyword, LimitExceeded."""
    if not keywords:
        return frozenset()
    words = learn_spellings(tx, keywords)
    if len(words) > MAX_PER_MESSAGE:
        raise LimitExceeded("too many keywords on this message")
    return words


def _add_smtp(
    tx: Tx,
    message_id: MessageID,
    smtp: SMTPFacts,
    received: int,
    size: int,
    verdict: int | None,
    dkim_domains: tuple[str, ...],
) -> None:
    tx.execute(
        INSERT_SMTP,
        message_id,
        received,
        size,
        verdict,
        smtp.remote_ip,
        smtp.ip1,
        smtp.ip2,
        smtp.ip3,
        smtp.ehlo_domain,
        smtp.mailfrom,
        smtp.mailfrom_domain,
        smtp.rcptto,
        smtp.rcptto_domain,
        smtp.msgfrom,
        smtp.msgfrom_domain,
        smtp.msgfrom_orgdomain,
        smtp.ehlo_ok,
        smtp.mailfrom_ok,
        smtp.msgfrom_ok,
        smtp.ehlo_validation,
        smtp.mailfrom_validation,
        smtp.msgfrom_validation,
        smtp.orig_ehlo,
        " ".join(smtp.orig_dkim),
        pack_domains(dkim_domains),
    )
