"""Users and aliases of mox, in its ``domains.conf`` (MOVE-5).

mox's format, sconf: lines of ``Key: value`` or ``Key:`` with deeper lines below, indented by tabs; lists begin with
``-``. Comments are lines of their own. Written to its public documentation; no code of mox is here.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from moxlite.config.domains import Account, Destination, Ruleset
from moxlite.config.toml.decode import decode
from moxlite.mailauth.dkim.sign import PrivateKeyError, load_private_key
from moxlite.move.building import Builder, Candidate, Common, inside
from moxlite.move.moxsettings import EMPTY, Value, settings_of
from moxlite.move.plan import Alias, BadPlan, Key, Plan
from moxlite.proto.address import one_spelling
from moxlite.safefile import open_file
from moxlite.wording import reason_of

MAX_DEPTH: Final = 20
"""Levels of the file; mox has ten."""

TAKEN: Final = frozenset({"Domain", "Destinations", "FullName", "QuotaMessageSize", "Description"})
"""Settings of an account that have a place of their own in a plan, or none."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "Routes": "routes for outgoing mail, because their transports are in mox.conf",
}
"""Settings of an account that have to be made anew, and why."""

MAX_KEY: Final = 16 << 10
"""Octets of a key file."""


def plan_of_mox(text: str, common: Common, folder: Path | None = None) -> Plan:
    """The plan of a ``domains.conf``. Blocks: keys are read, by their names relative to the folder of that file. Raises
    BadPlan.
    """
    config = parsed(text)
    builder = Builder("mox", common)
    for name, account in _tables(config, "Accounts"):
        _add_account(builder, name, account)
    for domain, settings in _tables(config, "Domains"):
        if domain.lower() not in builder.plan.domains:
            builder.plan.domains.append(domain.lower())
        builder.plan.keys += _keys(domain.lower(), settings, folder, builder.plan.problems)
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
        "can't import passwords, app passwords, TLS public keys, and suppressed addresses from mox's database;"
        " create password links with moxlite move links"
    )
    builder.plan.problems.append(
        "TLS host keys aren't copied. If the old host name has TLSA records in DNS, change them when you change MX"
    )
    return builder.plan


def _add_account(builder: Builder, name: str, account: dict[str, Value]) -> None:
    domain = _text(account, "Domain")
    destinations = dict(_tables(account, "Destinations"))
    # A destination may be a localpart alone, of the account's domain, as older versions of mox wrote it.
    addresses = [one if "@" in one else f"{one}@{domain}" for one in destinations]
    first = next((one for one in addresses if not one.startswith("@")), "")
    if not first:
        builder.plan.problems.append(f"skipped account {name!r}: no address")
        return
    given = Candidate(
        address=first,
        account=name,
        full_name=_text(account, "FullName"),
        more=[one for one in addresses if one != first],
    )
    size = _text(account, "QuotaMessageSize")
    given.quota = "" if size.startswith("-") else size
    given.problems = [f"can't copy {words}" for key, words in LEFT_OUT.items() if account.get(key, "") not in EMPTY]
    rest = {key: value for key, value in account.items() if key not in TAKEN | LEFT_OUT.keys()}
    given.settings, problems = settings_of(Account, rest)
    given.problems += [f"setting {problem}" for problem in problems]
    for address, destination in zip(addresses, destinations.values(), strict=True):
        found = _destination(address, destination, given.problems)
        if found:
            given.destinations[one_spelling(address)] = found
    builder.add_user(given)


def _destination(address: str, destination: dict[str, Value], problems: list[str]) -> dict[str, Any]:
    """The settings of an address, with the rules that can be here."""
    rest = {key: value for key, value in destination.items() if key != "Rulesets"}
    found, wrong = settings_of(Destination, rest)
    rules = []
    for number, given in enumerate(_list(destination, "Rulesets"), 1):
        rule, mistakes = settings_of(Ruleset, given) if isinstance(given, dict) else ({}, ["not a table"])
        if not mistakes:
            mistakes = [mistake.text for mistake in decode(Ruleset, rule, Path())[1]]
        if mistakes:
            problems.append(f"can't copy rule {number} for {address}: {'; '.join(mistakes)}")
        else:
            rules.append(rule)
    if rules:
        found["rulesets"] = rules
    problems += [f"setting of {address}, {text}" for text in wrong]
    return found


def _keys(domain: str, settings: dict[str, Value], folder: Path | None, problems: list[str]) -> Iterator[Key]:
    """The DKIM keys of a domain."""
    dkim = settings.get("DKIM")
    if not isinstance(dkim, dict):
        return
    for selector, table in _tables(dkim, "Selectors"):
        name = _text(table, "PrivateKeyFile")
        if folder is None or not name:
            problems.append(f"skipped DKIM key {selector} for {domain}: file not found")
            continue
        try:
            with open_file(inside(folder / name, folder)) as file:
                octets = file.read(MAX_KEY)
            load_private_key(octets)
            pem = octets.decode("ascii")
        except (OSError, PrivateKeyError, UnicodeDecodeError) as error:
            problems.append(f"skipped DKIM key {selector} for {domain}: {folder / name}: {reason_of(error)}")
        else:
            yield Key(domain=domain, selector=selector, pem=pem, signs=selector in _list(dkim, "Sign"))


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
        raise BadPlan(f"line {number}: wrong indentation")
    return value


_Lines: TypeAlias = "list[tuple[int, int, str]]"


def _block(lines: _Lines, at: int, depth: int) -> tuple[Value, int]:
    """The value of the lines from `at` that are indented by `depth`, and the index of the first line after it."""
    if depth > MAX_DEPTH:
        raise BadPlan(f"line {lines[at][0]} is indented more than {MAX_DEPTH} levels")
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
            raise BadPlan(f"line {number} must be “Key: value”")
        if rest.strip():
            value, at = rest.strip(), at + 1
        else:
            value, at = _below(lines, at, depth)
        if key in table:
            raise BadPlan(f"line {number}: duplicate key {key}")
        table[key] = value
    if items and table:
        raise BadPlan(f"line {lines[at - 1][0]} mixes list items and keys")
    return (items or table), at


def _below(lines: _Lines, at: int, depth: int) -> tuple[Value, int]:
    """The value of the lines below one, "" without any."""
    if at + 1 < len(lines) and lines[at + 1][1] > depth:
        if lines[at + 1][1] != depth + 1:
            raise BadPlan(f"line {lines[at + 1][0]}: wrong indentation")
        return _block(lines, at + 1, depth + 1)
    return "", at + 1
