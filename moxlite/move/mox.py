"""Users and aliases of mox, in its ``domains.conf`` (MOVE-5).

mox's format, sconf: lines of ``Key: value`` or ``Key:`` with deeper lines below, indented by tabs; lists begin with
``-``. Comments are lines of their own. Written to its public documentation; no code of mox is here.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from moxlite.move.building import Builder, Candidate, Common
from moxlite.move.plan import Alias, BadPlan, Plan

Value: TypeAlias = "str | list[Value] | dict[str, Value]"

MAX_DEPTH: Final = 20
"""Levels of the file; mox has ten."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "OutgoingWebhook": "calls about sent mail (outgoing webhook)",
    "IncomingWebhook": "calls about incoming mail (incoming webhook)",
    "Routes": "routes of outgoing mail",
    "IMAPCapabilitiesDisabled": "disabled IMAP capabilities",
    "LoginDisabled": "the disabled login",
}
"""Settings of an account that are named when they are there."""


def plan_of_mox(text: str, common: Common) -> Plan:
    """The plan of a ``domains.conf``. Raises BadPlan."""
    config = parsed(text)
    builder = Builder("mox", common)
    for name, account in _tables(config, "Accounts"):
        _add_account(builder, name, account)
    for domain, settings in _tables(config, "Domains"):
        if domain.lower() not in builder.plan.domains:
            builder.plan.domains.append(domain.lower())
        for localpart, alias in _tables(settings, "Aliases"):
            members = [one for one in _list(alias, "Addresses") if isinstance(one, str)]
            builder.add_alias(
                Alias(
                    address=f"{localpart}@{domain}",
                    members=members,
                    public=alias.get("PostPublic") == "true",
                    list_members=alias.get("ListMembers") == "true",
                    send_as=alias.get("AllowMsgFrom") == "true",
                )
            )
    builder.plan.problems.append(
        "passwords, app passwords, TLS public keys and suppressed addresses are in mox's database, which isn't read:"
        " make links with moxlite move links"
    )
    return builder.plan


def _add_account(builder: Builder, name: str, account: dict[str, Value]) -> None:
    domain = _text(account, "Domain")
    destinations = dict(_tables(account, "Destinations"))
    # A destination may be a localpart alone, of the account's domain, as older versions of mox wrote it.
    addresses = [one if "@" in one else f"{one}@{domain}" for one in destinations]
    first = next((one for one in addresses if not one.startswith("@")), "")
    if not first:
        builder.plan.problems.append(f"account {name!r} is left out: it has no address")
        return
    given = Candidate(
        address=first,
        account=name,
        full_name=_text(account, "FullName"),
        more=[one for one in addresses if one != first],
    )
    size = _text(account, "QuotaMessageSize")
    given.quota = "" if size.startswith("-") else size
    given.problems = [f"{words} can't come" for key, words in LEFT_OUT.items() if account.get(key)]
    for address, destination in zip(addresses, destinations.values(), strict=True):
        rules = len(_list(destination, "Rulesets"))
        if rules:
            given.problems.append(f"{rules} rulesets of {address} can't come: write them as rules, see docs/sorting.md")
        if (mailbox := _text(destination, "Mailbox")) not in ("", "Inbox"):
            given.problems.append(f"mail of {address} went to mailbox {mailbox}: write a rule for it")
        if _text(destination, "SMTPError"):
            given.problems.append(f"{address} was refused by an SMTPError: set smtp_error of the address")
    builder.add_user(given)


def _tables(table: dict[str, Value], key: str) -> list[tuple[str, dict[str, Value]]]:
    value = table.get(key)
    if not isinstance(value, dict):
        return []
    return [(name, one if isinstance(one, dict) else {}) for name, one in value.items()]


def _list(table: dict[str, Value], key: str) -> list[Value]:
    value = table.get(key)
    return value if isinstance(value, list) else []


def _text(table: dict[str, Value], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""


# sconf


def parsed(text: str) -> dict[str, Value]:
    """The values of a file in sconf. Raises BadPlan."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.lstrip("\t")
        if content.strip() and not content.lstrip().startswith("#"):
            lines.append((number, len(line) - len(content), content.rstrip()))
    value, end = _block(lines, 0, 0)
    if end < len(lines) or not isinstance(value, dict):
        number = lines[end][0] if end < len(lines) else 1
        raise BadPlan(f"line {number} has a wrong indentation")
    return value


_Lines: TypeAlias = "list[tuple[int, int, str]]"


def _block(lines: _Lines, at: int, depth: int) -> tuple[Value, int]:
    """The value of the lines from `at` that are indented by `depth`, and the index of the first line after it."""
    if depth > MAX_DEPTH:
        raise BadPlan(f"line {lines[at][0]} is indented more than {MAX_DEPTH} times")
    items: list[Value] = []
    table: dict[str, Value] = {}
    while at < len(lines) and lines[at][1] == depth:
        number, _, content = lines[at]
        value: Value
        if content == "-" or content.startswith("- "):
            if content != "-":
                value, at = content[2:].strip(), at + 1
            else:
                value, at = _below(lines, at, depth)
            items.append(value)
            continue
        key, colon, rest = content.partition(":")
        if not colon or (rest and not rest.startswith(" ")):
            raise BadPlan(f"line {number} isn't “Key: value”")
        if rest.strip():
            value, at = rest.strip(), at + 1
        else:
            value, at = _below(lines, at, depth)
        if key in table:
            raise BadPlan(f"line {number}: {key} is there twice")
        table[key] = value
    if items and table:
        raise BadPlan(f"line {lines[at - 1][0]} mixes a list and keys")
    return (items or table), at


def _below(lines: _Lines, at: int, depth: int) -> tuple[Value, int]:
    """The value of the lines below one, "" without any."""
    if at + 1 < len(lines) and lines[at + 1][1] > depth:
        if lines[at + 1][1] != depth + 1:
            raise BadPlan(f"line {lines[at + 1][0]} has a wrong indentation")
        return _block(lines, at + 1, depth + 1)
    return "", at + 1
