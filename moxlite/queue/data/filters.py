"""Choosing messages: filters, order and pages of lists and operations (QUEUE-23, QUEUE-24).

SQL is composed here and nowhere else: of constant conditions, with bound values.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.config.values import parse_duration
from moxlite.encoding import to_json
from moxlite.operations.queue import Filter, Page, RetiredFilter, RetiredPage
from moxlite.operations.webhooks import HookFilter, HookPage, RetiredHookFilter, RetiredHookPage
from moxlite.proto.address import Address, AddressError, Domain, Path, one_spelling
from moxlite.queue.errors import BadFilter
from moxlite.queue.schedule import SECOND
from moxlite.store.file.transaction import Reader, Tx, Value

# Hold rules: patterns of newly queued messages that are put on hold (QUEUE-20, QUEUE-21). On a transaction.


SELECT: Final = """
SELECT id, account, sender_localpart, sender_domain, recipient_localpart, recipient_domain FROM hold_rule ORDER BY id"""
INSERT: Final = """
INSERT INTO hold_rule (account, sender_localpart, sender_domain, recipient_localpart, recipient_domain)
VALUES (?, ?, ?, ?, ?)"""
# The same test as `matches`, for rows of the queue.
HOLD: Final = """
UPDATE msg SET hold = 1 WHERE hold = 0 AND dsn_due IN ('', 'delayed')
AND ?1 IN ('', account)
AND ?2 IN ('', sender_localpart) AND ?3 IN ('', sender_domain)
AND ?4 IN ('', rcpt_localpart) AND ?5 IN ('', rcpt_domain)"""
DELETE: Final = "DELETE FROM hold_rule WHERE id = ?"


class HoldRule(msgspec.Struct, frozen=True, kw_only=True):
    """A hold rule. All fields that are set must match; a rule with only empty fields matches every message. Domains are
    lower-case U-labels.
    """

    id: int = 0
    account: str = ""
    sender_localpart: str = ""
    sender_domain: str = ""
    recipient_localpart: str = ""
    recipient_domain: str = ""


def parse_party(text: str, field: str = "") -> tuple[str, str]:
    """Localpart and domain of a rule's sender or recipient: a domain, with or without ``@`` before it, or a full
    address; empty for any. Raises BadFilter about `field`.
    """
    if not text:
        return "", ""
    try:
        if "@" not in text[1:]:
            return "", Domain.parse(text.removeprefix("@")).unicode
        path = Path.parse(text)
        if not isinstance(path.host, Domain):
            raise BadFilter(f"{text!r} isn't a valid address or domain", field)
        return path.localpart, path.host.unicode
    except AddressError as exc:
        raise BadFilter(f"{text!r} isn't a valid address or domain: {exc}", field) from exc


def hold_rules(r: Reader) -> list[HoldRule]:
    """All rules, in the order in which they were added."""
    return [
        HoldRule(
            id=row[0],
            account=row[1],
            sender_localpart=row[2],
            sender_domain=row[3],
            recipient_localpart=row[4],
            recipient_domain=row[5],
        )
        for row in r.rows(SELECT)
    ]


def matches(rule: HoldRule, *, account: str, sender: tuple[str, str], recipient: tuple[str, str]) -> bool:
    """Whether a message is held by the rule; sender and recipient as localpart and domain."""
    return (
        rule.account in ("", account)
        and rule.sender_localpart in ("", sender[0])
        and rule.sender_domain in ("", sender[1])
        and rule.recipient_localpart in ("", recipient[0])
        and rule.recipient_domain in ("", recipient[1])
    )


def is_held(rules: Sequence[HoldRule], *, account: str, sender: tuple[str, str], recipient: Address) -> bool:
    """Whether any of the rules holds a new message; `sender` as localpart and domain."""
    to = (str(recipient.localpart), recipient.domain.unicode)
    return any(matches(rule, account=account, sender=sender, recipient=to) for rule in rules)


def add_hold_rule(tx: Tx, rule: HoldRule) -> tuple[int, int]:
    """Add a rule and hold the messages that match; returns its id and their number. ``rule.id`` is ignored."""
    args = (rule.account, rule.sender_localpart, rule.sender_domain, rule.recipient_localpart, rule.recipient_domain)
    return tx.insert(INSERT, *args), tx.execute(HOLD, *args)


def remove_hold_rule(tx: Tx, rule_id: int) -> bool:
    """Remove a rule; messages that it held stay on hold. Returns False if there is no such rule."""
    return tx.execute(DELETE, rule_id) == 1


MAX_PAGE: Final = 1000
"""Rows of one page, which is read and encoded as a whole."""


AnyFilter: TypeAlias = Filter | RetiredFilter | HookFilter | RetiredHookFilter


class Condition(msgspec.Struct, frozen=True):
    """The WHERE, ORDER BY and LIMIT clauses of a query, with their bound values."""

    sql: str
    args: tuple[Value, ...]


class _Conditions:
    def __init__(self) -> None:
        self.terms: list[str] = []
        self.args: list[Value] = []

    def add(self, term: str, *args: Value) -> None:
        self.terms.append(term)
        self.args.extend(args)

    def add_moment(self, column: str, field: str, text: str, now: int) -> None:
        """Add a condition on a time. `text`: as in `Filter.submitted`, "" for any; `field`: its name in error texts."""
        if text:
            comparison, when = _moment(field, text, now)
            self.add(f"{column} {comparison} ?", when)

    def where(self) -> str:
        return f" WHERE {' AND '.join(self.terms)}" if self.terms else ""


def _moment(field: str, text: str, now: int) -> tuple[str, int]:
    """Parse a condition on a time; returns the comparison and the time in µs UTC."""
    comparison, rest = text[:1], text[1:].strip()
    try:
        if comparison not in ("<", ">"):
            raise ValueError
        if rest == "now":
            return comparison, now
        sign = -1 if rest.startswith("-") else 1
        return comparison, now + sign * int(parse_duration(rest.lstrip("-")) * SECOND)
    except ValueError:
        raise BadFilter(f"invalid value {text!r} for {field}; use a value like <1h, >-30m, or <now") from None


def _address(conditions: _Conditions, side: Literal["sender", "rcpt"], text: str) -> None:
    if not text:
        return
    if text.startswith("@"):
        try:
            conditions.add(f"{side}_domain = ?", Domain.parse(text[1:]).unicode)
        except AddressError as exc:
            raise BadFilter(f"invalid domain {text!r}: {exc}") from exc
    else:
        conditions.add(f"instr(lower({side}_localpart || '@' || {side}_domain), ?) > 0", one_spelling(text))


def _conditions(wanted: AnyFilter, now: int) -> _Conditions:
    conditions = _Conditions()
    if wanted.ids:
        conditions.add("id IN (SELECT value FROM json_each(?))", to_json(wanted.ids).decode())
    if wanted.account:
        conditions.add("account = ?", wanted.account)
    if isinstance(wanted, HookFilter | RetiredHookFilter):
        _of_hooks(conditions, wanted, now)
    else:
        _of_messages(conditions, wanted, now)
    return conditions


def _of_hooks(conditions: _Conditions, wanted: HookFilter | RetiredHookFilter, now: int) -> None:
    conditions.add_moment("submitted", "submitted", wanted.submitted, now)
    if wanted.event:
        conditions.add("event = ?", wanted.event)
    match wanted:
        case HookFilter():
            conditions.add_moment("next_attempt", "next_attempt", wanted.next_attempt, now)
        case RetiredHookFilter():
            conditions.add_moment("last_activity", "last_activity", wanted.last_activity, now)


def _of_messages(conditions: _Conditions, wanted: Filter | RetiredFilter, now: int) -> None:
    _address(conditions, "sender", wanted.sender)
    _address(conditions, "rcpt", wanted.recipient)
    conditions.add_moment("queued", "submitted", wanted.submitted, now)
    if wanted.transport is not None:
        conditions.add("transport = ?", wanted.transport)
    match wanted:
        case Filter():
            if wanted.hold is not None:
                conditions.add("hold = ?", int(wanted.hold))
            conditions.add_moment("next_attempt", "next_attempt", wanted.next_attempt, now)
        case RetiredFilter():
            if wanted.success is not None:
                conditions.add("success = ?", int(wanted.success))
            conditions.add_moment("last_activity", "last_activity", wanted.last_activity, now)


def compose(wanted: Filter | HookFilter, now: int) -> Condition:
    """Compose the clauses for an operation: the chosen rows, with a limit those due first. Raises BadFilter."""
    conditions = _conditions(wanted, now)
    if wanted.n < 0:
        raise BadFilter(f"invalid value {wanted.n} for n: can't be negative")
    sql = conditions.where()
    if wanted.n:
        sql += " ORDER BY next_attempt, id LIMIT ?"
        conditions.args.append(wanted.n)
    return Condition(sql, tuple(conditions.args))


def compose_page(wanted: AnyFilter, page: Page | RetiredPage | HookPage | RetiredHookPage, now: int) -> Condition:
    """Compose the clauses for one page of a list. Raises BadFilter."""
    conditions = _conditions(wanted, now)
    if bool(page.last_id) != bool(page.last):
        raise BadFilter("last_id and last must be used together")
    if not 1 <= page.n <= MAX_PAGE:
        raise BadFilter(f"invalid value {page.n} for n: must be between 1 and {MAX_PAGE}")
    # By key and not by offset: messages leave the queue between two pages, and the rows behind them would be skipped.
    if page.last:
        comparison = ">" if page.ascending else "<"
        conditions.add(f"({page.sort}, id) {comparison} (?, ?)", _timestamp(page.last), page.last_id)
    direction = "ASC" if page.ascending else "DESC"
    limit = min(page.n, wanted.n) if isinstance(wanted, Filter | HookFilter) and wanted.n > 0 else page.n
    sql = f"{conditions.where()} ORDER BY {page.sort} {direction}, id {direction} LIMIT ?"
    return Condition(sql, (*conditions.args, limit))


def _timestamp(text: str) -> int:
    try:
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        raise BadFilter(f"invalid value {text!r} for last: must be an RFC 3339 time") from None
    since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return since // dt.timedelta(microseconds=1)
