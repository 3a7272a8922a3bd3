"""Statements of the program that go through a table which grows: a list, with reasons (STORE-171)."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import apsw
import msgspec

from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.transaction import Row
from moxlite.store.options import Options
from tests.patternprobes import modules

GROWING: Final[Mapping[Kind, str]] = {
    Kind.ACCOUNT: """
        alarm alarm_notice body body_chunk bulk_sender contact contact_address contact_due contact_group correspondent
        correspondent_word entry_facts erase_queue expunged gathered group_card group_member imap_copy instance
        invitation jmap_submission
        junk_own junk_retrain junk_sender junk_word_0 junk_word_1 masked_sender message message_dkim message_header
        message_info message_keyword message_smtp outbox outgoing pop3_seen queued recipient
        recipient_domain_tls resource resource_address resource_data resource_gone resource_kept sieve_seen snooze
        thread_missing unit_key vacation_sent""",
    Kind.AUTH: "audit login_attempt masked session session_token",
    Kind.QUEUE: """
        content content_chunk hook hook_retired local mirror msg msg_retired outcome room sending sending_from
        suppression unit_key""",
    Kind.REPORTS: "dmarc_evaluation dmarc_report tls_report tls_result",
    Kind.CACHE: "sts_policy",
    Kind.SEARCH: "field tail text trigram_docsize vocabulary",
}
"""Tables whose rows become more with mail, contacts, events, log-ins, and domains that one writes to."""

ALLOWED: Final[Mapping[str, str]] = {
    "beginnings, to which a condition is added": """
        store.groupware.contacts._COLUMNS store.people.gathering._COLUMNS queue.operating.SELECT
        queue.operating.SELECT_RETIRED queue.operating.SELECT_IDS queue.webhooks.webhooks.SELECT
        queue.webhooks.webhooks.SELECT_RETIRED queue.webhooks.webhooks.SELECT_IDS""",
    "all rows of an index that has only those which are wanted": """
        store.accounts.opened.LEFTOVERS store.accounts.opened.UNUSED store.junk.trainer.TO_TRAIN
        store.junk.trainer.TO_UNTRAIN store.junk.words.FORGET_REMOVED store.mail.recipients.SWEEP
        store.rows.emails.COPIES store.rows.emails.COPIED_IN store.rows.emails.FURTHER""",
    "the first rows in the order of an index, up to a limit": """
        store.delivery.actions.BY_SENDER store.later.ALL store.mail.facts.LATEST_IN store.people.correspondents.LATEST
        store.people.correspondents.CORRESPONDENTS store.people.gathering.BY_SIZE store.upkeep.erase.KEPT_FROM
        store.upkeep.outbox.OWED store.auth.loginattempts.LIST_ALL queue.scheduling.due.BY_TIME
        queue.webhooks.calls.DUE""",
    "the table has an upper limit of some thousand rows": """
        store.delivery.scripts.SEEN_LEFT store.delivery.scripts.SEEN_COUNT store.later.COUNT store.later.LEAVING
        store.groupware.collection.ANY_DUE store.groupware.contacts.ALL store.groupware.contacts.BORN
        store.groupware.contacts.COUNT store.groupware.contacts.DUE store.groupware.contacts.LETTERS
        store.groupware.contacts.SUGGESTED store.groupware.doubles.ADDRESSES store.groupware.doubles.ALL
        store.groupware.groups.ALL store.groupware.groups.GROUPS store.groupware.kept.SIZES
        store.people.invitations.FORGET""",
    "once, when an account is removed or added": """
        store.file.traces.TRACES queue.operating.SELECT_INCOMING""",
    "what an account may send in a month": """
        store.delivery.outgoing.CANCELED store.delivery.outgoing.WAS_CANCELED store.delivery.submissions.ALL
        store.delivery.submissions.EXPIRE store.delivery.submissions.MOVED store.delivery.submissions.OF_QUEUE
        store.groupware.scheduling.HURRY""",
    "once, by a program or at a start that has all of it to do": """
        store.backup.preview store.backup.restore.HOLD store.backup.restore.MESSAGES store.backup.restore.OWED
        store.groupware.alarms.SEEK_EACH store.mail.threads.BEGIN store.recover.rebuild store.recover.tables
        store.upkeep.reparse.BEGIN queue.clockback.MOVE_HOOKS queue.clockback.MOVE_MESSAGES queue.data.content.UNUSED
        queue.record.RUNNING queue.webhooks.keeping.RUNNING""",
    "a check or a repair of all of it": """
        store.backup.verify store.mail.masked.LEFT_BEHIND store.search.check store.upkeep.check store.upkeep.repairs
        store.upkeep.scrub""",
    "training anew, which takes all mail": """
        store.junk.words.ANY_WORDS store.junk.words.GENERATIONS store.junk.words.LEARNT
        store.junk.words.NOT_RETRAINED store.junk.words.RETRAINED store.junk.words.RETRAINED_REMOVED""",
    "once a night or an hour, in slices or of what is kept for some days": """
        store.reports.reportsdb.EXPIRED store.reports.tlsresults.HOSTS store.upkeep.erase.BEYOND_KEPT
        store.upkeep.erase.FORGET_KEYS queue.data.suppression.CLEAN queue.guard.signs.CLEAN
        queue.guard.signs.CLEAN_SOURCES queue.queue.SEEN_KEYS""",
    "in a thread, when a page or a start asks for it": """
        store.auth.loginattempts.PLACES store.auth.loginattempts.SUCCESSES
        store.auth.loginattempts.WITHHELD
        store.delivery.status.KEYS store.delivery.vacation.ANSWERED store.mail.masked.ADDRESSES
        store.mail.masked.COUNT store.reports.evaluations.PENDING store.reports.received.TOTALS
        store.reports.tlsresults.PENDING store.rows.emails.REPEATED store.search.builder.INDEXED
        store.search.index.COUNT store.search.index.LIVE queue.data.status.OF_MESSAGE
        queue.data.status.OF_RECIPIENT queue.explaining.WAITING queue.operating.COUNTS
        queue.webhooks.webhooks.COUNT""",
    "when mail comes for a folder that isn't there": "store.mail.foldermoves.PENDING",
    "up to 10,000 rows": "store.upkeep.erase.PENDING",
    "when an administrator demands it": "queue.data.filters.HOLD store.reports.tlsresults.DROP",
}
"""Constants, or modules, that may go through a growing table, by the reason."""

LIMITED_RE: Final = re.compile(r"\bORDER\s+BY\b.*\bLIMIT\b", re.DOTALL)
VERB_RE: Final = re.compile(r"\s*(?:SELECT|INSERT|REPLACE|UPDATE|DELETE|WITH)\s")


def texts(value: object) -> Iterator[str]:
    """The texts in a constant."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from texts(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from texts(item)
    elif isinstance(value, msgspec.Struct):
        yield from texts(msgspec.structs.astuple(value))


def constants() -> Iterator[tuple[str, str]]:
    """All constants of the program, by name, and literals in its functions, by module."""
    for module in modules():
        if not module.__name__.startswith("moxlite."):
            continue
        for name, value in vars(module).items():
            yield from ((f"{module.__name__}.{name}", text) for text in texts(value))
        tree = ast.parse(inspect.getsource(module))
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
                yield module.__name__, node.value


def parameters(sql: str) -> int:
    """How many values a statement takes: `?` is the one after the highest so far."""
    highest = 0
    for match in re.finditer(r"\?(\d*)", sql):
        highest = max(highest, int(match[1])) if match[1] else highest + 1
    return highest


def plan_of(db: apsw.Connection, sql: str) -> list[tuple[int, str]] | None:
    """The lines of its plan, each with the number of the one above; None if it is no statement of this file."""
    try:
        plan: list[Row] = db.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * parameters(sql)).fetchall()
    except apsw.Error:
        return None
    return [(above, line) for _, above, _, line in plan]


def scans(db: apsw.Connection, kind: Kind, sql: str) -> list[str] | None:
    """The lines of its plan that go through a growing table; None if it is no statement of this kind of file."""
    plan = plan_of(db, sql)
    if plan is None:
        return None
    growing = set(GROWING[kind].split())
    aliases = set(re.findall(rf"\b(?:{'|'.join(growing)})\s+(?:AS\s+)?(\w+)", sql))
    return [
        line
        for _, line in plan
        if (match := re.match(r"SCAN (\w+)(?!.*VIRTUAL TABLE)|SEARCH (\w+) USING AUTOMATIC", line))
        and (match[1] or match[2]) in growing | aliases
    ]


def statements() -> dict[str, set[str]]:
    """All statements of the program, each with its places: constants, and the modules that have it."""
    places: dict[str, set[str]] = {}
    for place, text in constants():
        if VERB_RE.match(text):
            places.setdefault(text, set()).update((place, place.rpartition(".")[0]))
    return places


def named(reasons: Mapping[str, str]) -> set[str]:
    """The places in a list with reasons."""
    return {f"moxlite.{place}" for places in reasons.values() for place in places.split()}


def test_no_statement_goes_through_a_table_that_grows(tmp_path: Path) -> None:
    """STORE-171: plans do not depend on values, so an index WHERE a column has some value serves no statement that
    binds it.
    """
    places = statements()
    scanning: dict[str, list[str]] = {}
    planned: set[str] = set()
    for kind in Kind:
        db = open_file(tmp_path / f"{kind.value}.db", kind, Options(), create=True)
        for sql in places:
            if (lines := scans(db, kind, sql)) is not None:
                planned.add(sql)
                if lines:
                    scanning.setdefault(sql, []).extend(lines)
        db.close()
    assert len(planned) > 1200
    allowed = named(ALLOWED)
    through = {sql: (lines, places[sql]) for sql, lines in scanning.items() if not places[sql] & allowed}
    assert not through
    needless = allowed.difference(*(places[sql] for sql in scanning))
    assert not needless


SORTED: Final[Mapping[str, str]] = {
    "one thread, message, event, address or host": """
        store.delivery.submissions.OF_QUEUE store.groupware.contacts.PICTURED store.groupware.resources.KNOWN
        store.groupware.resources.WITH store.junk.words.RETRAINED_REMOVED store.mail.threads.OF_THREAD
        store.rows.views.MEMBERS queue.scheduling.due.BY_DOMAIN queue.scheduling.due.TOGETHER
        store.mail.threadlinks.BY_SUBJECT""",
    "the set has an upper limit of some thousand rows": """
        store.delivery.forwarding.UNNAME store.delivery.scripts.FAILURES_LEFT store.groupware.contacts.GROUP_PAGE
        store.groupware.contacts.SUGGESTED_FAVORITES store.groupware.kept.KEEP store.groupware.scheduling.OLDEST
        store.auth.authdb.NUMBERED store.auth.loginattempts.DROP_FAILED store.auth.loginattempts.DROP_SUCCEEDED
        store.auth.loginattempts.OWN_USES store.auth.sessions.DROP_OLDEST store.content.uploads.OLDEST_BLOB
        store.mail.remotes.COPIED_TO store.mail.remotes.USERS
        queue.guard.signs.SOURCES queue.guard.stops.SUBJECTS queue.operating.HELD_OF queue.operating.WAITING_OF""",
    "unread messages, a page of which a user looks at": """
        store.rows.views.NEWEST_UNREAD store.rows.views.OLDEST_UNREAD store.rows.views.AT_NEWEST_UNREAD
        store.rows.views.AT_OLDEST_UNREAD""",
    "sums of groups, which no index has": """
        store.auth.loginattempts.SUCCESSES store.auth.loginattempts.WITHHELD store.delivery.vacation.ANSWERED
        store.reports.history.SUMS""",
    "the mail that an account has sent in some days": "queue.data.status.ENDED_SINCE",
    "once, when an account is removed": "queue.operating.TRACES",
    "a hundred times as many rows as a page shows, of several mailboxes or in an order that few look at": """
        store.rows.conditions.WALK_SEVERAL store.rows.conditions.WALK_RANKED""",
}
"""Constants whose rows are all sorted before the first one is there, though only some are read: why these are few."""


FILLED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "store.mail.notices.FORGET": (("share_notice",),),
    "store.mail.notices.FORGOTTEN": (("share_notice",),),
    "store.rows.conditions.STRUCTURES_IN": (("1",),),
    "store.rows.conditions.UIDS": (("1",),),
    "store.rows.conditions.WALK_ONE": (("<", "1", "DESC", "DESC"), (">", "1", "ASC", "ASC")),
    "store.rows.conditions.WALK_RANKED": (("-m.size", "-", "1"), ("m.flags & 1", "", "1")),
    "store.rows.conditions.WALK_SEVERAL": (("<", "1", "DESC", "DESC"), (">", "1", "ASC", "ASC")),
    "store.rows.emails._PAGE": (("DESC",), ("ASC",)),
    "store.rows.emails._STRETCH": (("<", "DESC"), (">", "ASC")),
}
"""What is put into the fields of the statements that are made of constants, in their order."""


def filled(places: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The statements as they are executed."""
    whole: dict[str, set[str]] = {}
    for sql, names in places.items():
        made = [values for name in names for values in FILLED.get(name.removeprefix("moxlite."), ())]
        for text in [sql.format(*values, table=values[0]) for values in made] or [sql]:
            whole.setdefault(text, set()).update(names)
    return whole


def levels(sql: str) -> Iterator[tuple[int, str]]:
    """The SELECTs of a statement, each without what it has in parentheses, with the depth of these."""
    texts_at = [""]
    for piece in re.split(r"([()])", re.sub(r"'[^']*'", "''", sql)):
        if piece == "(":
            texts_at.append("")
        elif piece == ")":
            yield len(texts_at) - 1, texts_at.pop()
        else:
            texts_at[-1] += piece
    yield 0, texts_at[0]


def sorts_for_a_part(db: apsw.Connection, sql: str) -> bool:
    """Whether a SELECT that has a LIMIT sorts all its rows for it."""
    parts = [depth for depth, text in levels(sql) if LIMITED_RE.search(text)]
    plan = plan_of(db, sql) if parts else None
    outside, inside = 0 in parts, any(parts)
    return any(
        outside if above == 0 else inside for above, line in plan or () if line == "USE TEMP B-TREE FOR ORDER BY"
    )


def test_a_part_is_read_in_the_order_of_its_index(tmp_path: Path) -> None:
    """STORE-171a: what goes on in slices would sort the whole set again for each of them."""
    places, sorting = filled(statements()), set[str]()
    unfilled = {sql for sql in places if LIMITED_RE.search(sql) and re.search(r"\{\w*\}", sql)}
    assert not [name for sql in unfilled for name in places[sql] if name.rpartition(".")[2].lstrip("_").isupper()]
    for kind in Kind:
        db = open_file(tmp_path / f"{kind.value}.db", kind, Options(), create=True)
        sorting |= {sql for sql in places if sorts_for_a_part(db, sql)}
        db.close()
    assert not [(sql, places[sql]) for sql in sorting if not places[sql] & named(SORTED)]
    assert not named(SORTED).difference(*(places[sql] for sql in sorting))
