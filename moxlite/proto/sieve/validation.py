"""Mistakes in a command or test that its syntax does not show: unknown names, values without meaning, and the
extensions that there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Protocol, TypeAlias

from moxlite.proto.address import Address, AddressError
from moxlite.proto.mime.envelope import RawAddress, parse_addresses
from moxlite.proto.sieve import commands, conditions
from moxlite.proto.sieve.comparing import COMPARATORS, NUMERIC, RELATIONS, expression
from moxlite.proto.sieve.errors import RunError
from moxlite.proto.sieve.limits import MAX_MAILBOX, MAX_VALUE
from moxlite.proto.sieve.strings import PARTS, has_variables, is_variable_name, zone_minutes
from moxlite.proto.sieve.syntax import CONTAINS, MATCHES, REGEX

EXTENSIONS: Final = (
    "body",
    "comparator-i;ascii-casemap",
    "comparator-i;ascii-numeric",
    "comparator-i;octet",
    "comparator-i;unicode-casemap",
    "copy",
    "date",
    "duplicate",
    "encoded-character",
    "envelope",
    "environment",
    "ereject",
    "fileinto",
    "ihave",
    "imap4flags",
    "include",
    "index",
    "mailbox",
    "mailboxid",
    "regex",
    "reject",
    "relational",
    "spamtest",
    "spamtestplus",
    "special-use",
    "subaddress",
    "vacation",
    "vacation-seconds",
    "variables",
)
"""All extensions that a script can ask for (IMAP-142), also in the order of ManageSieve's SIEVE capability."""

IMPLIED: Final[Mapping[str, tuple[str, ...]]] = {
    "vacation-seconds": ("vacation",),  # RFC 6131 §2
    "spamtestplus": ("spamtest",),
}
"""Extensions that come with another one."""

RESTRICTED: Final = frozenset({"encoded-character", "variables"})
"""Extensions that change how strings are read: only ``require`` can ask for them, and ihave never has them (RFC 5463
§4).
"""

MAX_SCRIPT_NAME: Final = 128
"""Characters of the name of a script (RFC 5804 §1.6)."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # RFC 5804 §1.6
_MAILBOX_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # STORE-12

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\(?:.|\Z))*(?:"|\Z)', re.DOTALL)  # RFC 5322 §3.2.4
_BRACKET: Final = re.compile("[<>]")  # in a phrase: of another address


class Place(Protocol):
    """Where the arguments of a command or test are."""

    @property
    def given(self) -> Collection[str]:
        """The fields for which the script gives an argument."""

    def fault(self, field: str, text: str) -> Exception:
        """The error for the argument of a field, to be raised."""

    def missing(self, field: str, extension: str) -> Exception:
        """The error for an argument that needs an extension, to be raised."""

    def uses(self, extension: str) -> bool:
        """Whether the script may use an extension."""


def is_script_name(name: str) -> bool:
    """Whether a script can have this name (RFC 5804 §1.6)."""
    return 0 < len(name) <= MAX_SCRIPT_NAME and _CONTROL.search(name) is None


def is_mailbox_name(name: str) -> bool:
    """Whether a mailbox may have this name, as far as its characters and length tell."""
    return 0 < len(name) <= MAX_MAILBOX and _MAILBOX_CONTROL.search(name) is None


def validate(node: Any, place: Place) -> None:
    """Check what the syntax of a command or test does not tell. Raises the errors of `place`."""
    if isinstance(node, conditions.Comparing):
        _comparing(node, place)
    check = _CHECKS.get(type(node))
    if check is not None:
        check(node, place)


def _is_open(text: str, place: Place) -> bool:
    """Whether a text is known at run time only."""
    return place.uses("variables") and has_variables(text)


def _comparing(test: conditions.Comparing, place: Place) -> None:
    if test.comparator not in COMPARATORS:
        raise place.fault("comparator", f"unknown comparator; expected one of {', '.join(COMPARATORS)}")
    extension = f"comparator-{test.comparator}"
    if test.comparator in {NUMERIC, "i;unicode-casemap"} and not place.uses(extension):
        raise place.missing("comparator", extension)
    if test.comparator == NUMERIC and test.match in {CONTAINS, MATCHES, REGEX}:  # RFC 4790 §9.1.1
        raise place.fault("match", f'"{NUMERIC}" can\'t be used with ":{test.match}"')
    if test.match == REGEX:
        _expressions(test, place)
    kind, _, relation = test.match.partition(" ")
    if kind in {"value", "count"} and relation not in RELATIONS:
        raise place.fault("match", f'expected one of "{", ".join(RELATIONS)}" after ":{kind}"'.replace(", ", '", "'))


def _expressions(test: conditions.Comparing, place: Place) -> None:
    for key in test.keys:
        if not _is_open(key, place):
            try:
                expression(key, test.comparator, captures=place.uses("variables"))
            except RunError as error:
                raise place.fault("keys", str(error)) from None


def _index(node: Any, place: Place) -> None:
    if node.last and not node.index:
        raise place.fault("last", '":last" requires ":index"')
    if "index" in place.given and not node.index:
        raise place.fault("index", "indexes start at 1")


def _envelope(test: conditions.EnvelopeTest, place: Place) -> None:
    for name in test.names:
        if not _is_open(name, place) and name.lower() not in {"from", "to"}:
            raise place.fault("names", 'expected "from" or "to"')


def _size(test: conditions.SizeTest, place: Place) -> None:
    if not test.side:
        raise place.fault("side", 'expected ":over" or ":under"')


def _part(node: Any, place: Place) -> None:
    if not _is_open(node.part, place) and node.part.lower() not in PARTS:
        raise place.fault("part", f"unknown date part; expected one of {', '.join(PARTS)}")
    if node.zone and not _is_open(node.zone, place) and zone_minutes(node.zone) is None:
        raise place.fault("zone", 'expected a time zone like "+0100"')


def _date(test: conditions.DateTest, place: Place) -> None:
    _part(test, place)
    _index(test, place)


def _uses(test: conditions.SpecialUseExistsTest, place: Place) -> None:
    if "mailbox" in place.given and not test.mailbox:
        raise place.fault("mailbox", "expected a mailbox name")
    for use in test.uses:
        _special_use(use, place, "uses")


def _special_use(use: str, place: Place, field: str) -> None:
    if not _is_open(use, place) and (not use.startswith("\\") or len(use) < 2):
        raise place.fault(field, 'expected a special-use attribute like "\\\\Junk"')


def _file_into(command: commands.FileInto, place: Place) -> None:
    if not is_mailbox_name(command.mailbox):
        raise place.fault("mailbox", "expected a mailbox name")
    if command.special_use:
        _special_use(command.special_use, place, "special_use")


def _redirect(command: commands.Redirect, place: Place) -> None:
    if _is_open(command.address, place):
        return
    try:
        outgoing_address(command.address)
    except AddressError:
        raise place.fault("address", "expected an address like mia@example.org") from None


def outgoing_address(text: str) -> Address:
    """The address in a text, with or without a phrase: ``Mia <mia@example.org>`` (RFC 5228 §2.4.2.3). Blanks may be
    around its parts. Raises AddressError.
    """
    text = text.strip()
    if text.endswith(">") and len(text) <= MAX_VALUE:
        found = parse_addresses(text.encode(), 2)
        phrase, bracket, text = text[:-1].rpartition("<")
        one = found[0] if len(found) == 1 else None
        if not bracket or _BRACKET.search(_QUOTED.sub("", phrase)) or not isinstance(one, RawAddress) or not one.domain:
            raise AddressError("expected a single address")
        text = text.strip()
    localpart, at, domain = text.rpartition("@")
    return Address.parse(localpart.rstrip() + at + domain.lstrip())


def _vacation(command: commands.Vacation, place: Place) -> None:
    if command.sender and not _is_open(command.sender, place):
        try:
            outgoing_address(command.sender)
        except AddressError:
            raise place.fault("sender", "expected an address like mia@example.org") from None
    for field in ("subject", "sender"):
        if "\n" in getattr(command, field) or "\r" in getattr(command, field):
            raise place.fault(field, "expected a single line")


def _variable(command: commands.SetFlag | commands.AddFlag | commands.RemoveFlag, place: Place) -> None:
    if "variable" not in place.given:
        return
    if not place.uses("variables"):
        raise place.missing("variable", "variables")
    _name(command.variable, place, "variable")


def _name(name: str, place: Place, field: str) -> None:
    if not _is_open(name, place) and not is_variable_name(name):
        raise place.fault(field, f"{name[:40]!r} isn't a valid variable name")
    if name.lower().startswith("global.") and not place.uses("include"):
        raise place.missing(field, "include")


def _has_flag(test: conditions.HasFlagTest, place: Place) -> None:
    if test.variables and not place.uses("variables"):
        raise place.missing("variables", "variables")
    for name in test.variables:
        _name(name, place, "variables")


def _set(command: commands.Set, place: Place) -> None:
    _name(command.name, place, "name")
    if has_variables(command.name):
        raise place.fault("name", "variable names can't contain variables")
    if not _is_open(command.value, place) and len(command.value) > MAX_VALUE:
        raise place.fault("value", f"variable values can be up to {MAX_VALUE} characters")


def _include(command: commands.Include, place: Place) -> None:
    if command.place != "personal":
        raise place.fault("place", "global scripts aren't supported")
    if _is_open(command.script, place) or not is_script_name(command.script):  # RFC 6609 §3.2
        raise place.fault("script", "expected a script name")


def _global(command: commands.Global, place: Place) -> None:
    if not place.uses("variables"):
        raise place.missing("names", "variables")
    for name in command.names:
        if "." in name or not is_variable_name(name):
            raise place.fault("names", f"{name[:40]!r} isn't a valid variable name")


_Check: TypeAlias = Callable[[Any, Place], None]
_CHECKS: Final[Mapping[type, _Check]] = {
    conditions.HeaderTest: _index,
    conditions.AddressTest: _index,
    conditions.EnvelopeTest: _envelope,
    conditions.SizeTest: _size,
    conditions.DateTest: _date,
    conditions.CurrentDateTest: _part,
    conditions.SpecialUseExistsTest: _uses,
    conditions.HasFlagTest: _has_flag,
    commands.FileInto: _file_into,
    commands.Redirect: _redirect,
    commands.Vacation: _vacation,
    commands.SetFlag: _variable,
    commands.AddFlag: _variable,
    commands.RemoveFlag: _variable,
    commands.Set: _set,
    commands.Include: _include,
    commands.Global: _global,
}
