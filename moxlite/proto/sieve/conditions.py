"""The tests, one struct for each. Their syntax is beside their fields, their meaning in `evaluation`."""

from __future__ import annotations

from typing import ClassVar, Final, TypeAlias

import msgspec

from moxlite.proto.sieve.grammar import Call
from moxlite.proto.sieve.syntax import (
    ADDRESS_PART,
    COMPARATOR,
    INDEX,
    IS,
    MATCH,
    Option,
    Positional,
    Strings,
    Syntax,
    Value,
    Written,
)

CASEMAP: Final = "i;ascii-casemap"
"""The default comparator (RFC 5228 §2.7.3)."""


def _string(field: str) -> Positional:
    return Positional(field, Value.STRING)


def _strings(field: str) -> Positional:
    return Positional(field, Value.STRINGS)


class Comparing(Written, frozen=True, kw_only=True):
    """Base of tests that compare values with keys."""

    match: str = IS
    comparator: str = CASEMAP
    keys: Strings = ()


class AllOf(msgspec.Struct, frozen=True, tag_field="is", tag="allof"):
    """``allof (tests)`` — RFC 5228 §5.2."""

    tests: tuple[AnyTest, ...]


class AnyOf(msgspec.Struct, frozen=True, tag_field="is", tag="anyof"):
    """``anyof (tests)`` — RFC 5228 §5.3."""

    tests: tuple[AnyTest, ...]


class Not(msgspec.Struct, frozen=True, tag_field="is", tag="not"):
    """``not test`` — RFC 5228 §5.8."""

    test: AnyTest


class TrueTest(Written, frozen=True, tag="true"):
    """``true`` — RFC 5228 §5.10."""

    syntax: ClassVar = Syntax(name="true")


class FalseTest(Written, frozen=True, tag="false"):
    """``false`` — RFC 5228 §5.6."""

    syntax: ClassVar = Syntax(name="false")


class HeaderTest(Comparing, frozen=True, tag="header", kw_only=True):
    """``header names keys`` — RFC 5228 §5.7. `index`, `last`: which of the fields of a name (RFC 5260 §6)."""

    syntax: ClassVar = Syntax(
        name="header", options=(*INDEX, *COMPARATOR, *MATCH), positional=(_strings("names"), _strings("keys"))
    )
    names: Strings
    index: int = 0
    last: bool = False


class AddressTest(Comparing, frozen=True, tag="address", kw_only=True):
    """``address names keys`` — RFC 5228 §5.1. `part`: all, localpart, domain, user or detail (RFC 5233)."""

    syntax: ClassVar = Syntax(
        name="address",
        options=(*INDEX, *ADDRESS_PART, *COMPARATOR, *MATCH),
        positional=(_strings("names"), _strings("keys")),
    )
    names: Strings
    part: str = "all"
    index: int = 0
    last: bool = False


class EnvelopeTest(Comparing, frozen=True, tag="envelope", kw_only=True):
    """``envelope parts keys`` — RFC 5228 §5.4. `names`: ``from`` or ``to``."""

    syntax: ClassVar = Syntax(
        name="envelope",
        needs=("envelope",),
        options=(*ADDRESS_PART, *COMPARATOR, *MATCH),
        positional=(_strings("names"), _strings("keys")),
    )
    names: Strings
    part: str = "all"


class ExistsTest(Written, frozen=True, tag="exists", kw_only=True):
    """``exists names`` — RFC 5228 §5.5: all of these fields are there."""

    syntax: ClassVar = Syntax(name="exists", positional=(_strings("names"),))
    names: Strings


class SizeTest(Written, frozen=True, tag="size", kw_only=True):
    """``size :over limit``, ``size :under limit`` — RFC 5228 §5.9. `limit` in octets."""

    syntax: ClassVar = Syntax(
        name="size",
        options=(
            Option(tag="over", field="side", value="over"),
            Option(tag="under", field="side", value="under"),
        ),
        positional=(Positional("limit", Value.NUMBER),),
    )
    limit: int
    side: str = ""


class StringTest(Comparing, frozen=True, tag="string", kw_only=True):
    """``string sources keys`` — RFC 5229 §5."""

    syntax: ClassVar = Syntax(
        name="string",
        needs=("variables",),
        options=(*COMPARATOR, *MATCH),
        positional=(_strings("sources"), _strings("keys")),
    )
    sources: Strings


class HasFlagTest(Comparing, frozen=True, tag="hasflag", kw_only=True):
    """``hasflag [variables] flags`` — RFC 5232 §4. Without `variables` the flags of the message."""

    syntax: ClassVar = Syntax(
        name="hasflag",
        needs=("imap4flags",),
        options=(*COMPARATOR, *MATCH),
        positional=(Positional("variables", Value.STRINGS, optional=True), _strings("keys")),
    )
    variables: Strings = ()


class BodyTest(Comparing, frozen=True, tag="body", kw_only=True):
    """``body keys`` — RFC 5173 §5. `transform`: raw, content (of the types of `content`) or text."""

    syntax: ClassVar = Syntax(
        name="body",
        needs=("body",),
        options=(
            Option(tag="raw", field="transform", value="raw"),
            Option(tag="content", field="content", takes=Value.STRINGS, group="transform"),
            Option(tag="text", field="transform", value="text"),
            *COMPARATOR,
            *MATCH,
        ),
        positional=(_strings("keys"),),
    )
    transform: str = "text"
    content: Strings = ()


class DateTest(Comparing, frozen=True, tag="date", kw_only=True):
    """``date header part keys`` — RFC 5260 §4. `zone`: an offset, "" for the local one; `original`: as written."""

    syntax: ClassVar = Syntax(
        name="date",
        needs=("date",),
        options=(
            *INDEX,
            Option(tag="zone", field="zone", takes=Value.STRING),
            Option(tag="originalzone", field="original", group="zone"),
            *COMPARATOR,
            *MATCH,
        ),
        positional=(_string("name"), _string("part"), _strings("keys")),
    )
    name: str
    part: str
    zone: str = ""
    original: bool = False
    index: int = 0
    last: bool = False


class CurrentDateTest(Comparing, frozen=True, tag="currentdate", kw_only=True):
    """``currentdate part keys`` — RFC 5260 §5."""

    syntax: ClassVar = Syntax(
        name="currentdate",
        needs=("date",),
        options=(Option(tag="zone", field="zone", takes=Value.STRING), *COMPARATOR, *MATCH),
        positional=(_string("part"), _strings("keys")),
    )
    part: str
    zone: str = ""


class EnvironmentTest(Comparing, frozen=True, tag="environment", kw_only=True):
    """``environment name keys`` — RFC 5183 §4."""

    syntax: ClassVar = Syntax(
        name="environment",
        needs=("environment",),
        options=(*COMPARATOR, *MATCH),
        positional=(_string("name"), _strings("keys")),
    )
    name: str


class SpamTest(Comparing, frozen=True, tag="spamtest", kw_only=True):
    """``spamtest value`` — RFC 5235 §2. `percent`: 0 to 100 in place of 0 to 10 (§2.2.2)."""

    syntax: ClassVar = Syntax(
        name="spamtest",
        needs=("spamtest", "spamtestplus"),
        options=(Option(tag="percent", field="percent", needs="spamtestplus"), *COMPARATOR, *MATCH),
        positional=(_strings("keys"),),
    )
    percent: bool = False


class MailboxExistsTest(Written, frozen=True, tag="mailboxexists", kw_only=True):
    """``mailboxexists mailboxes`` — RFC 5490 §3.1: all of them are there."""

    syntax: ClassVar = Syntax(name="mailboxexists", needs=("mailbox",), positional=(_strings("mailboxes"),))
    mailboxes: Strings


class MailboxIDExistsTest(Written, frozen=True, tag="mailboxidexists", kw_only=True):
    """``mailboxidexists ids`` — RFC 9042 §4: all of them are there."""

    syntax: ClassVar = Syntax(name="mailboxidexists", needs=("mailboxid",), positional=(_strings("ids"),))
    ids: Strings


class SpecialUseExistsTest(Written, frozen=True, tag="specialuse_exists", kw_only=True):
    """``specialuse_exists [mailbox] uses`` — RFC 8579 §4.1: a mailbox, or `mailbox`, has all of these uses."""

    syntax: ClassVar = Syntax(
        name="specialuse_exists",
        needs=("special-use",),
        positional=(Positional("mailbox", Value.STRING, optional=True), _strings("uses")),
    )
    uses: Strings
    mailbox: str = ""


class DuplicateTest(Written, frozen=True, tag="duplicate", kw_only=True):
    """``duplicate`` — RFC 7352 §3. `seconds`: how long the message is remembered; None for a week."""

    syntax: ClassVar = Syntax(
        name="duplicate",
        needs=("duplicate",),
        options=(
            Option(tag="handle", field="handle", takes=Value.STRING),
            Option(tag="header", field="header", takes=Value.STRING, group="unique"),
            Option(tag="uniqueid", field="unique_id", takes=Value.STRING, group="unique"),
            Option(tag="seconds", field="seconds", takes=Value.NUMBER),
            Option(tag="last", field="last"),
        ),
    )
    handle: str = ""
    header: str = ""
    unique_id: str = ""
    seconds: int | None = None
    last: bool = False


class IHaveTest(Written, frozen=True, tag="ihave", kw_only=True):
    """``ihave extensions`` — RFC 5463 §4: all of them can be used."""

    syntax: ClassVar = Syntax(name="ihave", needs=("ihave",), positional=(_strings("extensions"),))
    extensions: Strings


class UnavailableTest(msgspec.Struct, frozen=True, tag_field="is", tag="unavailable"):
    """A test of an extension that is not there, in a script with ihave: an error when it is run (RFC 5463 §4)."""

    call: Call
    text: str


WrittenTest: TypeAlias = (
    TrueTest
    | FalseTest
    | HeaderTest
    | AddressTest
    | EnvelopeTest
    | ExistsTest
    | SizeTest
    | StringTest
    | HasFlagTest
    | BodyTest
    | DateTest
    | CurrentDateTest
    | EnvironmentTest
    | SpamTest
    | MailboxExistsTest
    | MailboxIDExistsTest
    | SpecialUseExistsTest
    | DuplicateTest
    | IHaveTest
)
AnyTest: TypeAlias = AllOf | AnyOf | Not | UnavailableTest | WrittenTest

TESTS: Final[dict[str, type[Written]]] = {
    one.syntax.name: one
    for one in (
        TrueTest,
        FalseTest,
        HeaderTest,
        AddressTest,
        EnvelopeTest,
        ExistsTest,
        SizeTest,
        StringTest,
        HasFlagTest,
        BodyTest,
        DateTest,
        CurrentDateTest,
        EnvironmentTest,
        SpamTest,
        MailboxExistsTest,
        MailboxIDExistsTest,
        SpecialUseExistsTest,
        DuplicateTest,
        IHaveTest,
    )
}
"""The tests that are written as their syntax says, by name; ``allof``, ``anyof`` and ``not`` take tests."""
