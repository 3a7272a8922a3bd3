"""Checking that the rows of an account are consistent (STORE-40, STORE-41).

Reads only, in any snapshot, in a thread.

Most rules are one query each, in `RULES`: it returns a row for each fault, from which the text of the finding is made.
Rules that SQL cannot express (names, threads, the octets of bodies) are functions here. Constraints of the schema
(UNIQUE, CHECK, NOT NULL, STRICT) are left to `quick_check`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder
from moxlite.findings import Finding
from moxlite.store.auth.apppasswords import wrong_app_passwords
from moxlite.store.changelog.keys import RECENT, packed, recent_keys
from moxlite.store.content.body import CHUNK_SIZE, decode_chunk
from moxlite.store.errors import BadMailboxName, ChunkDamaged
from moxlite.store.file.boundary import MAX_PER_KIND, damage
from moxlite.store.file.transaction import Reader
from moxlite.store.junk.words import wrong_words
from moxlite.store.mail.masked import wrong_masked
from moxlite.store.mail.staging import FIRST_STAGED
from moxlite.store.names import check_name, parent
from moxlite.store.rows.mailboxes import split_keywords
from moxlite.store.types import chunk_id


def check_account(r: Reader, *, deep: bool = False, idle: bool = False) -> list[Finding]:
    """All inconsistencies, at most `MAX_PER_KIND` findings of a kind; [] when all is well.

    `deep` also reads all bodies, compares their octets with their hashes, and counts the junk filter's words again.
    With `idle` the account has no users: then unused bodies are findings, too, as no delivery can be about to use them.
    """
    findings: list[Finding] = []
    for rule in RULES:
        _collect(findings, (damage(rule.kind, rule.text.format(*row)) for row in r.iterate(rule.sql)))
    checks: list[Callable[[Reader], Iterator[Finding]]] = [
        _names,
        _keywords,
        _threads,
        _app_passwords,
        _masked,
        _unit_keys,
    ]
    if idle:
        checks.append(_unused)
    if deep:
        checks += [_bodies, _junk_words, _resources]
    for check in checks:
        _collect(findings, check(r))
    return findings


def _collect(findings: list[Finding], found: Iterator[Finding]) -> None:
    counts: dict[str, int] = {}
    for finding in found:
        counts[finding.about] = counts.get(finding.about, 0) + 1
        if counts[finding.about] <= MAX_PER_KIND:
            findings.append(finding)
        elif counts[finding.about] > 10 * MAX_PER_KIND:
            return  # all rows are wrong in the same way


def _names(r: Reader) -> Iterator[Finding]:
    """Invalid names of mailboxes, other spellings of Inbox, and wrong parents (STORE-12, STORE-13)."""
    boxes = {
        mailbox_id: (name, parent_id)
        for mailbox_id, name, parent_id in r.iterate("SELECT id, name, parent_id FROM mailbox")
    }
    ids = {name: mailbox_id for mailbox_id, (name, _) in boxes.items()}
    for name, parent_id in boxes.values():
        try:
            if check_name(name) != name:
                yield damage("name", f"mailbox {name!r} should be {check_name(name)!r}")
        except BadMailboxName as error:
            yield damage("name", f"mailbox {name!r}: {error}")
        above = parent(name)
        wanted = None if above is None else ids.get(above)
        if parent_id != wanted or (above is not None and wanted is None):
            yield damage("parent", f"mailbox {name!r} has parent {parent_id}, expected {above!r} with id {wanted}")


def _keywords(r: Reader) -> Iterator[Finding]:
    """Differences between columns, table `message_keyword`, the mailbox's list and the spellings (STORE-22)."""
    known = {row[0] for row in r.iterate("SELECT lower FROM keyword")}
    of_mailbox = {
        mailbox_id: set(split_keywords(column)) for mailbox_id, column in r.iterate("SELECT id, keywords FROM mailbox")
    }
    rows: dict[int, set[str]] = {}
    for keyword, message_id in r.iterate("SELECT keyword, message_id FROM message_keyword"):
        rows.setdefault(message_id, set()).add(keyword)
    for message_id, mailbox_id, column in r.iterate("SELECT id, mailbox_id, keywords FROM message"):
        words = split_keywords(column)
        if list(words) != sorted({word.lower() for word in words}):
            yield damage("keywords", f"message {message_id} has keywords {column!r}, not sorted, or not in lower case")
        if set(words) != rows.get(message_id, set()):
            yield damage(
                "message_keyword",
                f"message {message_id} has keywords {column!r}, but its rows have "
                f"{sorted(rows.get(message_id, set()))}",
            )
        if not of_mailbox.get(mailbox_id, set()).issuperset(words):
            yield damage(
                "mailbox.keywords",
                f"message {message_id} has keywords {column!r}, but its mailbox doesn't have all of them",
            )
        if not known.issuperset(words):
            yield damage("keyword", f"message {message_id} has keywords {column!r}, not all have a spelling")


def _threads(r: Reader) -> Iterator[Finding]:
    """Cycles of ancestors, and existing ancestors with another thread, or whose own ancestors are not the rest of the
    list (STORE-80).
    """
    if r.value("SELECT threads_step FROM state") < 2:
        return  # they are being made (STORE-83)
    decode = msgpack_decoder(tuple[int, ...]).decode
    thread_of: dict[int, int] = dict(r.iterate("SELECT id, threadid FROM message"))
    parents_of: dict[int, tuple[int, ...]] = {}
    for message_id, column in r.iterate("SELECT id, thread_parents FROM message WHERE thread_parents <> x'90'"):
        try:
            parents_of[message_id] = decode(column)
        except msgspec.DecodeError:
            yield damage("thread", f"message {message_id} has an invalid list of thread parents")
    for message_id, parents in parents_of.items():
        if message_id in parents or len(set(parents)) != len(parents):
            yield damage("thread", f"message {message_id} has circular thread parents {parents}")
        for place, ancestor in enumerate(parents):
            if ancestor in thread_of:
                theirs = parents_of.get(ancestor, ())
                if theirs != parents[place + 1 :] and message_id not in theirs:
                    yield damage(
                        "thread",
                        f"message {message_id} has thread parents {parents}, but its ancestor {ancestor} has {theirs}",
                    )
                if thread_of[ancestor] != thread_of[message_id]:
                    yield damage(
                        "thread",
                        f"message {message_id} is in thread {thread_of[message_id]}, but its ancestor {ancestor} "
                        f"is in {thread_of[ancestor]}",
                    )


def _app_passwords(r: Reader) -> Iterator[Finding]:
    """App passwords with another salt than the account's own password, or with invalid scopes (STORE-191)."""
    for text in wrong_app_passwords(r):
        yield damage("app_password", text)


def _masked(r: Reader) -> Iterator[Finding]:
    """Addresses to give away that cannot be looked up, or senders of none (MASK-1)."""
    for text in wrong_masked(r):
        yield damage("masked", text)


def _unit_keys(r: Reader) -> Iterator[Finding]:
    """Idempotency keys in `state` that can't be read, or are in `unit_key`, too (STORE-189)."""
    found = recent_keys(r)
    if packed(found) != r.value(RECENT):
        yield damage("unit_key", "the recent idempotency keys can't be read")
    elif any(r.value("SELECT 1 FROM unit_key WHERE key = ?", key) for key, _ in found):
        yield damage("unit_key", "a recent idempotency key is also in unit_key")


def _resources(r: Reader) -> Iterator[Finding]:
    """Entries of calendars and address books whose octets have another hash (DAV-6)."""
    for name, digest, data in r.iterate(
        "SELECT r.name, r.hash, d.data FROM resource r JOIN resource_data d ON d.resource_id = r.id"
    ):
        if hashlib.sha256(data).digest() != digest:
            yield damage("resource", f"entry {name!r} doesn't match its hash")


def _unused(r: Reader) -> Iterator[Finding]:
    """Bodies without users, which should have been erased with their last one (STORE-29)."""
    for (body_id,) in r.iterate("SELECT id FROM body WHERE refs = 0"):
        yield damage("refs", f"body {body_id} isn't used")


def _bodies(r: Reader) -> Iterator[Finding]:
    """Chunks that fail their check, and bodies that do not match their hash (STORE-180, STORE-181)."""
    for body_id, digest, size in r.iterate("SELECT id, hash, size FROM body"):
        plain = hashlib.sha256()
        try:
            for seq, (enc, check, data) in enumerate(
                r.iterate(
                    "SELECT enc, digest, data FROM body_chunk WHERE id >= ? AND id < ? ORDER BY id",
                    chunk_id(body_id, 0),
                    chunk_id(body_id + 1, 0),
                )
            ):
                plain.update(decode_chunk(enc, check, data, min(CHUNK_SIZE, size - seq * CHUNK_SIZE)))
        except ChunkDamaged:
            yield damage("chunk", f"a chunk of body {body_id} is damaged")
            continue
        if plain.digest() != digest:
            yield damage("hash", f"body {body_id} doesn't match its hash")


def _junk_words(r: Reader) -> Iterator[Finding]:
    """Words of the junk filter whose counts differ from the learnt messages (STORE-85)."""
    for text in wrong_words(r):
        yield damage("junk_word", text)


# The rules of `check.py` that are one query each: it returns a row for each fault, from which the text of the finding
# is made (STORE-40).


class Rule(msgspec.Struct, frozen=True):
    """A query whose rows are findings of `kind`; `text` has a placeholder for each column."""

    kind: str
    text: str
    sql: str


_CONTENT: Final = ("message_info", "message_header")
"""Tables in which each email_id has a row, until its last message or tombstone with content is erased (STORE-25)."""

_MAYBE: Final = ("message_smtp", "message_keyword", "recipient")
"""Tables whose rows are deleted with the message. Below 0, `recipient` has submissions (STORE-95)."""

RULES: Final = (
    Rule(
        "counts",
        (
            "mailbox {!r} counts total {} deleted {} unread {} unseen {} size {} deleted_size {}, its "
            "messages {} {} {} {} {} {}"
        ),
        """SELECT b.name, b.total, b.deleted, b.unread, b.unseen, b.size, b.deleted_size, coalesce(c.total, 0),
        coalesce(c.deleted, 0), coalesce(c.unread, 0), coalesce(c.unseen, 0), coalesce(c.size, 0),
        coalesce(c.deleted_size, 0) FROM mailbox b LEFT JOIN ( SELECT mailbox_id, sum(flags & 64 = 0) AS
        total, sum(flags & 64 <> 0) AS deleted, sum(flags & 65 = 0) AS unread, sum(flags & 1 = 0) AS
        unseen, sum(size) AS size, sum(CASE WHEN flags & 64 THEN size ELSE 0 END) AS deleted_size FROM
        message GROUP BY mailbox_id ) c ON c.mailbox_id = b.id WHERE (b.total, b.deleted, b.unread,
        b.unseen, b.size, b.deleted_size) <> (coalesce(c.total, 0), coalesce(c.deleted, 0),
        coalesce(c.unread, 0), coalesce(c.unseen, 0), coalesce(c.size, 0), coalesce(c.deleted_size, 0))""",
    ),
    Rule(
        "total_size",
        "total_size is {}, but messages have {} bytes",
        """SELECT total_size, s FROM state, (SELECT coalesce(sum(size), 0) AS s FROM message
        WHERE mailbox_id NOT IN (SELECT id FROM mailbox WHERE system)) WHERE total_size <> s""",
    ),
    Rule(
        "ids",
        "{} {} has an id above the last one given out, {}",
        f"""SELECT 'message', m.id, s.last_message_id FROM state s, (SELECT max(id) AS id FROM message
        WHERE id < ({FIRST_STAGED})) m
        WHERE m.id > s.last_message_id UNION ALL SELECT 'removed message', e.id, s.last_message_id FROM state s,
        (SELECT max(message_id) AS id FROM expunged WHERE message_id < ({FIRST_STAGED})) e
        WHERE e.id > s.last_message_id UNION ALL SELECT 'body', b.id,
        s.last_body_id FROM state s, (SELECT max(id) AS id FROM body) b WHERE b.id > s.last_body_id""",  # noqa: S608 - a constant
    ),
    Rule(
        "thread_missing",
        "email {} waits for {!r}, which its row in message_header doesn't say",
        """SELECT t.email_id, t.reference FROM thread_missing t JOIN message_header h ON h.email_id = t.email_id
        WHERE t.reference NOT IN (SELECT value FROM json_each(h.missing))""",
    ),
    Rule(
        "queued",
        "message {} is in the system mailbox, but not in queued",
        """SELECT m.id FROM mailbox b JOIN message m ON m.mailbox_id = b.id LEFT JOIN queued q ON q.message_id = m.id
        WHERE b.system AND q.key IS NULL""",
    ),
    Rule(
        "queued",
        "queued includes message {}, which isn't in the system mailbox",
        """SELECT q.message_id FROM queued q LEFT JOIN message m ON m.id = q.message_id
        LEFT JOIN mailbox b ON b.id = m.mailbox_id WHERE q.message_id IS NOT NULL AND coalesce(b.system, 0) = 0""",
    ),
    Rule(
        "uidnext",
        "{!r} has uidnext {} and UID {}",
        """SELECT b.name, b.uidnext, m.uid FROM mailbox b JOIN message m ON m.mailbox_id = b.id AND m.uid >=
        b.uidnext""",
    ),
    Rule(
        "uidnext",
        "{!r} has uidnext {} and had UID {}",
        """SELECT b.name, b.uidnext, e.uid FROM mailbox b JOIN expunged e ON e.mailbox_id = b.id AND e.uid >=
        b.uidnext""",
    ),
    Rule(
        "recent_uid",
        "{!r} has recent_uid {} and uidnext {}",
        """SELECT name, recent_uid, uidnext FROM mailbox WHERE recent_uid > uidnext OR recent_uid < 1""",
    ),
    Rule(
        "uid",
        "mailbox {} has UID {}, which was expunged",
        """SELECT m.mailbox_id, m.uid FROM message m JOIN expunged e ON e.mailbox_id = m.mailbox_id AND e.uid =
        m.uid""",
    ),
    Rule(
        "uidvalidity",
        "{!r} has uidvalidity {}, but the next is {}",
        """SELECT name, uidvalidity, next_uidvalidity FROM mailbox, state WHERE uidvalidity >= next_uidvalidity""",
    ),
    Rule(
        "uidvalidity",
        "{!r} was recreated with uidvalidity {}, but had {} before",
        """SELECT b.name, b.uidvalidity, g.uidvalidity FROM mailbox b JOIN mailbox_gone g ON g.name = b.name AND
        g.mailbox_id <> b.id AND g.createseq < b.createseq WHERE b.uidvalidity <= g.uidvalidity""",
    ),
    Rule(
        "modseq",
        "{!r} has createseq {}, modseq {}; the account has modseq {}",
        """SELECT b.name, b.createseq, b.modseq, s.modseq FROM mailbox b, state s WHERE NOT (0 < b.createseq AND
        b.createseq <= b.modseq AND b.modseq <= s.modseq)""",
    ),
    Rule(
        "modseq",
        "message {} has createseq {}, modseq {}; its mailbox has modseq {}",
        """SELECT m.id, m.createseq, m.modseq, b.modseq FROM message m JOIN mailbox b ON b.id = m.mailbox_id WHERE
        NOT (0 < m.createseq AND m.createseq <= m.modseq AND m.modseq <= b.modseq)""",
    ),
    Rule(
        "modseq",
        "message {} has threadseq {}, createseq {}; the account has modseq {}",
        """SELECT m.id, m.threadseq, m.createseq, s.modseq FROM message m, state s WHERE m.threadseq < m.createseq
        OR m.threadseq > s.modseq""",
    ),
    Rule(
        "modseq",
        "the tombstone of mailbox {} UID {} has createseq {}, modseq {}; its mailbox has modseq {}",
        """SELECT e.mailbox_id, e.uid, e.createseq, e.modseq, coalesce(b.modseq, s.modseq) FROM state s, expunged e
        LEFT JOIN mailbox b ON b.id = e.mailbox_id WHERE NOT (0 < e.createseq AND e.createseq < e.modseq
        AND e.modseq <= coalesce(b.modseq, s.modseq))""",
    ),
    Rule(
        "modseq",
        "{} {!r} has modseq {}",
        """SELECT 'subscription', name, modseq FROM subscription WHERE modseq NOT BETWEEN 1 AND (SELECT modseq FROM
        state) UNION ALL SELECT 'annotation', key, modseq FROM annotation WHERE modseq NOT BETWEEN
        createseq AND (SELECT modseq FROM state) UNION ALL SELECT 'mailbox gone', name, modseq FROM
        mailbox_gone WHERE modseq NOT BETWEEN createseq AND (SELECT modseq FROM state) UNION ALL SELECT
        'settings', '', modseq FROM settings WHERE modseq > (SELECT modseq FROM state)""",
    ),
    Rule(
        "modseq",
        "highest_purged_modseq is {}, modseq {}",
        """SELECT highest_purged_modseq, modseq FROM state WHERE highest_purged_modseq > modseq""",
    ),
    Rule(
        "special_use",
        "special use {} is set for {} mailboxes",
        """SELECT b.bit, count(*) FROM (SELECT 1 AS bit UNION ALL SELECT 2 UNION ALL SELECT 4 UNION ALL SELECT 8
        UNION ALL SELECT 16) b JOIN mailbox m ON m.special_use & b.bit GROUP BY b.bit HAVING count(*) >
        1""",
    ),
    Rule(
        "size",
        "message {} has size {}, but prefix and body have {} bytes",
        """SELECT m.id, m.size, length(i.prefix) + b.size FROM message m JOIN message_info i ON i.email_id = m.email_id
        JOIN body b ON b.id = m.body_id WHERE m.size <> length(i.prefix) + b.size""",
    ),
    Rule(
        "body",
        "message {} is missing body {}",
        """SELECT m.id, m.body_id FROM message m LEFT JOIN body b ON b.id = m.body_id WHERE b.id IS NULL""",
    ),
    Rule(
        "body",
        "message {} is a copy of message {}, but has a different body",
        """SELECT m.id, o.id FROM message m JOIN message o ON o.id = m.email_id WHERE m.email_id <> m.id
        AND (o.body_id <> m.body_id OR o.email_id <> o.id)""",
    ),
    Rule(
        "body",
        "the tombstone for mailbox {} UID {} is missing body {}",
        """SELECT e.mailbox_id, e.uid, e.body_id FROM expunged e LEFT JOIN body b ON b.id = e.body_id WHERE
        e.body_id IS NOT NULL AND b.id IS NULL""",
    ),
    Rule(
        "refs",
        "body {} has refs {}, but {} users",
        """SELECT b.id, b.refs, coalesce(u.users, 0) FROM body b LEFT JOIN (SELECT body_id, count(*) AS users FROM
        (SELECT body_id FROM message UNION ALL SELECT body_id FROM expunged WHERE body_id IS NOT NULL
        UNION ALL SELECT body_id FROM import_message)
        GROUP BY body_id) u ON u.body_id = b.id WHERE b.refs <> coalesce(u.users, 0)""",
    ),
    Rule(
        "erase_queue",
        "the tombstone of mailbox {} UID {} with modseq {} has content; its erase_queue row has modseq {}",
        """SELECT e.mailbox_id, e.uid, e.modseq, q.modseq FROM expunged e LEFT JOIN erase_queue q ON q.mailbox_id =
        e.mailbox_id AND q.uid = e.uid WHERE e.body_id IS NOT NULL AND (q.uid IS NULL OR q.message_id <>
        e.message_id OR q.modseq <> e.modseq)""",
    ),
    Rule(
        "erase_queue",
        "erase_queue has mailbox {} UID {} with email_id {}, its message has {}",
        """SELECT q.mailbox_id, q.uid, q.email_id, m.email_id FROM erase_queue q JOIN message m ON m.id = q.message_id
        WHERE m.email_id <> q.email_id""",
    ),
    Rule(
        "erase_queue",
        "erase_queue has mailbox {} UID {}, which doesn't have a tombstone with content",
        """SELECT q.mailbox_id, q.uid FROM erase_queue q LEFT JOIN expunged e ON e.mailbox_id = q.mailbox_id AND
        e.uid = q.uid WHERE e.body_id IS NULL""",
    ),
    Rule(
        "chunks",
        "body {} ({} bytes) has {} chunks, or chunks with a wrong length",
        f"""SELECT b.id, b.size, count(c.id) FROM body b LEFT JOIN body_chunk c ON c.id BETWEEN b.id << 16 AND (b.id
        << 16) + 65535 GROUP BY b.id HAVING count(c.id) <> (b.size + {CHUNK_SIZE - 1}) / {CHUNK_SIZE} OR
        coalesce(max(c.id & 65535) + 1, 0) <> count(c.id) OR coalesce(sum(CASE WHEN c.enc IN (0, 4) THEN
        length(c.data) <> min({CHUNK_SIZE}, b.size - (c.id & 65535) * {CHUNK_SIZE}) END), 0) > 0""",  # noqa: S608
    ),
    Rule(
        "chunks",
        "body {} is missing, but has chunk {}",
        """SELECT c.id >> 16, c.id & 65535 FROM body_chunk c LEFT JOIN body b ON b.id = c.id >> 16 WHERE b.id IS
        NULL""",
    ),
    Rule(
        "annotation",
        "the annotation for mailbox {} with key {!r} isn't lowercase",
        """SELECT mailbox_id, key FROM annotation WHERE key <> lower(key)""",
    ),
    Rule(
        "annotation",
        "mailbox {} is missing, but has annotation {!r}",
        """SELECT a.mailbox_id, a.key FROM annotation a LEFT JOIN mailbox b ON b.id = a.mailbox_id WHERE a.present
        AND a.mailbox_id <> 0 AND b.id IS NULL""",
    ),
    Rule(
        "acl",
        "mailbox {} is missing, but has rights for {!r}",
        """SELECT a.mailbox_id, a.identifier FROM acl a LEFT JOIN mailbox b ON b.id = a.mailbox_id
        WHERE b.id IS NULL""",
    ),
    *(
        Rule(
            table,
            f"message {{}} with email_id {{}} doesn't have a row in {table}",
            f"""SELECT m.id, m.email_id FROM (SELECT id, email_id FROM message
            UNION ALL SELECT message_id, email_id FROM erase_queue) m LEFT JOIN {table} s ON s.email_id = m.email_id
            WHERE s.email_id IS NULL""",  # noqa: S608
        )
        for table in _CONTENT
    ),
    *(
        Rule(
            table,
            f"{table} has email_id {{}}, but no message does",
            f"""SELECT DISTINCT s.email_id FROM {table} s LEFT JOIN message m ON m.id = s.email_id
            AND m.email_id = s.email_id WHERE m.id IS NULL
            AND s.email_id NOT IN (SELECT email_id FROM message WHERE email_id <> id)
            AND s.email_id NOT IN (SELECT email_id FROM erase_queue)
            AND s.email_id NOT IN (SELECT id FROM import_message)""",  # noqa: S608
        )
        for table in (*_CONTENT, "thread_missing")
    ),
    *(
        Rule(
            table,
            f"message {{}} is missing, but has a row in {table}",
            f"""SELECT DISTINCT s.message_id FROM {table} s LEFT JOIN message m ON m.id = s.message_id
            WHERE m.id IS NULL AND s.message_id > 0""",  # noqa: S608
        )
        for table in _MAYBE
    ),
    Rule(
        "verdict",
        "message {} has verdict {}, with flags {} and is_reject {}",
        """SELECT m.id, s.verdict, m.flags, m.is_reject FROM message m JOIN message_smtp s ON s.message_id = m.id
        WHERE s.verdict IS NOT CASE WHEN m.is_reject THEN NULL ELSE CASE m.flags & 48 WHEN 16 THEN 1
        WHEN 32 THEN 0 END END""",
    ),
    Rule(
        "message_dkim",
        "classified message {} has a signature by {!r}, but message_dkim doesn't",
        """SELECT s.message_id, j.value FROM message_smtp s CROSS JOIN json_each(s.dkim) j LEFT JOIN message_dkim d
        ON d.domain = j.value AND d.received = s.received AND d.message_id = s.message_id
        WHERE s.verdict IS NOT NULL AND d.domain IS NULL""",
    ),
    Rule(
        "message_dkim",
        "message_dkim has a signature of message {} by {!r}, but message_smtp doesn't, or the message isn't classified",
        """SELECT d.message_id, d.domain FROM message_dkim d WHERE NOT EXISTS (SELECT 1 FROM message_smtp s
        CROSS JOIN json_each(s.dkim) j WHERE s.message_id = d.message_id AND s.received = d.received
        AND s.verdict IS NOT NULL AND j.value = d.domain)""",
    ),
    Rule(
        "junk_meta",
        "the junk filter has learned {} hams and {} spams, but {} and {} messages are marked",
        """SELECT j.hams, j.spams, h - own, s FROM junk_meta j, (SELECT (SELECT count(*) FROM message WHERE trained = 0)
        + (SELECT count(*) FROM erase_queue WHERE trained = 0) AS h, (SELECT count(*) FROM message WHERE
        trained = 1) + (SELECT count(*) FROM erase_queue WHERE trained = 1) AS s) CROSS JOIN (SELECT generation,
        (SELECT count(*) FROM junk_own o WHERE o.generation = g.generation) AS own FROM junk_meta g) USING (generation)
        WHERE j.position IS NULL AND (j.hams, j.spams) <> (h - own, s)""",
    ),
    Rule(
        "junk_meta",
        "the retraining junk filter has learned {} hams and {} spams, but junk_retrain has {} and {}",
        """SELECT j.hams, j.spams, h - own, s FROM junk_meta j, (SELECT count(*) FILTER (WHERE trained = 0) AS h,
        count(*) FILTER (WHERE trained = 1) AS s FROM junk_retrain) CROSS JOIN (SELECT generation,
        (SELECT count(*) FROM junk_own o WHERE o.generation = g.generation) AS own FROM junk_meta g) USING (generation)
        WHERE j.position IS NOT NULL AND (j.hams, j.spams) <> (h - own, s)""",
    ),
    Rule(
        "thread",
        "message {} has thread {}",
        """SELECT m.id, m.threadid FROM message m, state s WHERE m.threadid < (s.threads_step = 2)""",
    ),
    Rule(
        "import",
        "message {} is staged for a missing import",
        """SELECT id FROM import_message WHERE NOT EXISTS (SELECT 1 FROM import_job)""",
    ),
    Rule(
        "import",
        "message {} is staged for an import, but already exists",
        """SELECT i.id FROM import_message i JOIN message m ON m.id = i.id WHERE i.body_id <> 0""",
    ),
    Rule(
        "counts",
        "collection {!r} counts {} entries ({} bytes), but has {} ({} bytes)",
        """SELECT c.name, c.total, c.size, count(r.id), coalesce(sum(r.size), 0) FROM collection c
        LEFT JOIN resource r ON r.collection_id = c.id GROUP BY c.id
        HAVING (c.total, c.size) <> (count(r.id), coalesce(sum(r.size), 0))""",
    ),
    Rule(
        "modseq",
        "entry {!r} has createseq {}, modseq {}; its collection has modseq {}, the account {}",
        """SELECT r.name, r.createseq, r.modseq, c.modseq, s.modseq FROM resource r
        JOIN collection c ON c.id = r.collection_id, state s
        WHERE NOT (0 < r.createseq AND r.createseq <= r.modseq AND r.modseq <= c.modseq AND c.modseq <= s.modseq)""",
    ),
    Rule(
        "resource",
        "entry {!r} in collection {} has size {}, but {} bytes",
        """SELECT r.name, r.collection_id, r.size, length(d.data) FROM resource r
        LEFT JOIN resource_data d ON d.resource_id = r.id WHERE r.size IS NOT length(d.data)""",
    ),
    Rule(
        "resource",
        "a row remains for missing entry {}",
        """SELECT resource_id FROM (SELECT resource_id FROM resource_data UNION SELECT resource_id FROM resource_address
        UNION SELECT resource_id FROM instance UNION SELECT resource_id FROM alarm
        UNION SELECT resource_id FROM entry_facts)
        WHERE resource_id NOT IN (SELECT id FROM resource)""",
    ),
    Rule(
        "resource",
        "entry {!r} in collection {} has a tombstone",
        """SELECT r.name, r.collection_id FROM resource r JOIN resource_gone g USING (collection_id, name)""",
    ),
    Rule(
        "contact",
        "card {} isn't in the contacts",
        """SELECT id FROM resource WHERE component = 'VCARD'
        AND id NOT IN (SELECT id FROM contact UNION SELECT id FROM group_card UNION SELECT id FROM contact_due)""",
    ),
    Rule(
        "contact",
        "a row remains for missing contact {}",
        """SELECT id FROM (SELECT id FROM contact UNION SELECT contact_id FROM contact_address
        UNION SELECT contact_id FROM contact_group UNION SELECT id FROM group_card
        UNION SELECT group_id FROM group_member UNION SELECT id FROM contact_due)
        WHERE id NOT IN (SELECT id FROM resource WHERE component = 'VCARD')""",
    ),
)
"""All rules, in the order of their findings."""
