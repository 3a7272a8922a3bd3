"""Adding a message to a mailbox: body, rows, thread, recipients, counts (STORE-20, 25, 61, 79, 84, 90, 95).

`prepare` made everything that can be made before the unit; `deliver` and IMAP's APPEND call `add_message` inside
theirs. A lone add is some fifteen statements; each gives the GIL away once (design-facts §2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from moxlite.store.counts import Delta, add_size, apply_delta, learn_keywords, next_message_id, take_uids
from moxlite.store.errors import LimitExceeded
from moxlite.store.facts import NO_FACTS, Facts, SMTPFacts
from moxlite.store.flags import verdict_of
from moxlite.store.junkflags import classify, flags_in_mailbox
from moxlite.store.keywords import MAX_PER_MESSAGE, join_keywords, learn_spellings, split_keywords
from moxlite.store.prepare import Prepared
from moxlite.store.reading import mailbox
from moxlite.store.recipients import add_recipients
from moxlite.store.threadlinks import join_thread, pack_parents
from moxlite.store.threads import adopt_orphans, note_missing
from moxlite.store.transaction import Tx
from moxlite.store.types import (
    UID,
    BodyID,
    Flag,
    MailboxID,
    MessageAdded,
    MessageID,
    ModSeq,
    SpecialUse,
    ThreadID,
    chunk_id,
)
from moxlite.store.unit import AccountTx

__all__ = ["Added", "add_body", "add_message"]


class Added(msgspec.Struct, frozen=True):
    """A message that was added."""

    mailbox_id: MailboxID
    uidvalidity: int
    uid: UID
    message_id: MessageID
    threadid: ThreadID
    modseq: ModSeq
    flags: Flag
    keywords: tuple[str, ...]


USE_BODY: Final = "UPDATE body SET refs = refs + 1 WHERE hash = ? RETURNING id"
NAME_BODY: Final = "UPDATE body SET hash = ?, refs = 1 WHERE id = ?"
INSERT_BODY: Final = "INSERT INTO body (hash, size, refs) VALUES (?, ?, 1)"
INSERT_CHUNK: Final = "INSERT INTO body_chunk (id, enc, digest, data) VALUES (?, ?, ?, ?)"
INSERT_MESSAGE: Final = """
INSERT INTO message (id, mailbox_id, uid, createseq, modseq, threadseq, body_id, email_id, size, received,
received_offset, savedate, flags, keywords,
is_reject, is_forward, is_mailinglist, dsn, mailbox_orig_id, mailbox_destined_id, messageid, subject_base, threadid,
thread_missing_link,
thread_muted, thread_collapsed)
VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?5, ?1, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?2, ?16, ?17, ?18, ?19, ?20, ?21,
?22)"""
INSERT_INFO: Final = """
INSERT INTO message_info (message_id, prefix, structure, preview, thread_parents, tls_version, tls_cipher, requiretls)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_WIRE: Final = "INSERT INTO message_wire (message_id, envelope, bodystructure) VALUES (?, ?, ?)"
INSERT_HEADER: Final = "INSERT INTO message_header (message_id, header) VALUES (?, ?)"
INSERT_SMTP: Final = """
INSERT INTO message_smtp (message_id, received, size, verdict, remote_ip, ip1, ip2, ip3, ehlo_domain, mailfrom,
mailfrom_domain, rcptto, rcptto_domain,
msgfrom, msgfrom_domain, msgfrom_orgdomain, ehlo_ok, mailfrom_ok, msgfrom_ok, ehlo_validation, mailfrom_validation,
msgfrom_validation, orig_ehlo,
orig_dkim) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_DKIM: Final = "INSERT INTO message_dkim (domain, received, message_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
INSERT_KEYWORD: Final = "INSERT INTO message_keyword (keyword, message_id) VALUES (?, ?)"


def add_body(tx: Tx, prepared: Prepared) -> BodyID:
    """One more user of the body: a stored equal one, the one written before (`held_body`), or a new one (STORE-180)."""
    row = tx.row(USE_BODY, prepared.digest)
    if row is not None:
        return BodyID(row[0])
    if prepared.held is not None:
        tx.execute(NAME_BODY, prepared.digest, prepared.held)
        return prepared.held
    if prepared.chunks is None:
        raise ValueError("a long body must be written before: use held_body")
    body_id = tx.insert(INSERT_BODY, prepared.digest, prepared.body_size)
    for seq, chunk in enumerate(prepared.chunks):
        tx.execute(INSERT_CHUNK, chunk_id(body_id, seq), int(chunk.enc), chunk.check, chunk.data)
    return BodyID(body_id)


def add_message(
    tx: AccountTx,
    prepared: Prepared,
    mailbox_id: MailboxID,
    *,
    flags: Flag = Flag(0),
    keywords: Iterable[str] = (),
    received: int | None = None,
    received_offset: int = 0,
    facts: Facts = NO_FACTS,
    delivery: bool = False,
) -> Added:
    """Add a message to a mailbox.

    Args:
      flags, keywords: as given; the mailbox's junk verdict is applied to them (STORE-84).
      received: INTERNALDATE in µs UTC, now if None; `received_offset` minutes east of UTC.
      delivery: a new delivery, which a muted thread makes seen (STORE-81).

    Raises:
      NoSuchMailbox; OverQuota; UidsExhausted; BadKeyword; LimitExceeded: ``keywords of a message``, ``keywords of a
      mailbox``.
    """
    box = mailbox(tx, mailbox_id)
    words = learn_spellings(tx, keywords) if keywords else frozenset[str]()
    if len(words) > MAX_PER_MESSAGE:
        raise LimitExceeded("keywords of a message")
    received = tx.now if received is None else received
    size = prepared.size
    add_size(tx, size)
    link = join_thread(tx, prepared.thread, mailbox_id, received)
    if not facts.is_reject:
        flags = flags_in_mailbox(flags, classify(tx.config.junk_flags, box.name, box.special_use))
    if delivery and link.muted:
        flags |= Flag.SEEN
    uid = UID(take_uids(tx, mailbox_id, 1))
    modseq = tx.modseq()
    message_id = next_message_id(tx)
    threadid = ThreadID(message_id) if link.threadid is None else link.threadid
    column = join_keywords(words)
    tx.execute(
        INSERT_MESSAGE,
        message_id,
        mailbox_id,
        uid,
        modseq,
        add_body(tx, prepared),
        size,
        received,
        received_offset,
        tx.now,
        int(flags),
        column,
        facts.is_reject,
        facts.is_forward,
        facts.is_mailinglist,
        prepared.thread.dsn,
        facts.destined,
        prepared.thread.messageid,
        prepared.thread.subject_base,
        threadid,
        link.missing_link,
        link.muted,
        link.collapsed,
    )
    tx.execute(
        INSERT_INFO,
        message_id,
        prepared.prefix,
        prepared.structure,
        prepared.preview,
        pack_parents(link.parents),
        facts.tls_version,
        facts.tls_cipher,
        facts.requiretls,
    )
    tx.execute(INSERT_WIRE, message_id, prepared.envelope, prepared.bodystructure)
    tx.execute(INSERT_HEADER, message_id, prepared.header)
    if words:
        tx.executemany(INSERT_KEYWORD, [(word, message_id) for word in words])
    if facts.smtp is not None:
        _add_smtp(tx, message_id, facts.smtp, received, size, verdict_of(flags, facts.is_reject))
    for domain in facts.dkim_domains:
        tx.execute(INSERT_DKIM, domain, received, message_id)
    if box.special_use & SpecialUse.SENT:
        add_recipients(tx, message_id, prepared.recipients, received if prepared.date is None else prepared.date)
    note_missing(tx, message_id, link.missing)
    threadid = (
        adopt_orphans(
            tx, message_id, prepared.thread.messageid, by_subject=bool(link.parents) and not prepared.thread.references
        )
        or threadid
    )
    delta = Delta()
    delta.add(flags, size)
    box = apply_delta(tx, mailbox_id, delta)
    learn_keywords(tx, box, words)
    tx.emit(
        MessageAdded(
            mailbox_id=mailbox_id,
            uid=uid,
            message_id=message_id,
            flags=flags,
            keywords=split_keywords(column),
            exists=box.exists,
            unseen=box.unseen,
        )
    )
    return Added(mailbox_id, box.uidvalidity, uid, message_id, threadid, modseq, flags, split_keywords(column))


def _add_smtp(tx: Tx, message_id: MessageID, smtp: SMTPFacts, received: int, size: int, verdict: int | None) -> None:
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
    )
