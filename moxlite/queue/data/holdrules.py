"""Hold rules: patterns of newly queued messages that are put on hold (QUEUE-20, QUEUE-21). On a transaction."""

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.proto.address import Address, AddressError, Domain, Path
from moxlite.queue.errors import BadFilter
from moxlite.store.file.transaction import Reader, Tx

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
            raise BadFilter(f"{text!r} is neither an address nor a domain", field)
        return path.localpart, path.host.unicode
    except AddressError as exc:
        raise BadFilter(f"{text!r} is neither an address nor a domain: {exc}", field) from exc


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
