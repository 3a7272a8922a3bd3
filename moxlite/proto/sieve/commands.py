"""The commands, one struct for each. Their syntax is beside their fields, their meaning in `program`."""

from __future__ import annotations

from typing import ClassVar, Final, TypeAlias

import msgspec

from moxlite.proto.sieve.conditions import AnyTest
from moxlite.proto.sieve.grammar import Call
from moxlite.proto.sieve.syntax import Option, Positional, Strings, Syntax, Value, Written

COPY: Final = Option(tag="copy", field="copy", needs="copy")  # RFC 3894 §3
FLAGS: Final = Option(tag="flags", field="flags", takes=Value.STRINGS, needs="imap4flags")  # RFC 5232 §5


def _string(field: str) -> Positional:
    return Positional(field, Value.STRING)


def _strings(field: str) -> Positional:
    return Positional(field, Value.STRINGS)


class Command(Written, frozen=True, kw_only=True):
    """Base of commands. `line`: where it is in the text of its script, for errors at run time."""

    line: int = 0


class Branch(msgspec.Struct, frozen=True):
    """The block after one test of an `If`; `test` is None for ``else``."""

    test: AnyTest | None
    block: tuple[AnyCommand, ...]


class If(msgspec.Struct, frozen=True, tag_field="is", tag="if"):
    """``if test {} elsif test {} else {}`` — RFC 5228 §3.1."""

    branches: tuple[Branch, ...]
    line: int = 0


class Require(Command, frozen=True, tag="require", kw_only=True):
    """``require extensions`` — RFC 5228 §3.2."""

    syntax: ClassVar = Syntax(name="require", positional=(_strings("extensions"),))
    extensions: Strings


class Stop(Command, frozen=True, tag="stop"):
    """``stop`` — RFC 5228 §3.3."""

    syntax: ClassVar = Syntax(name="stop")


class Keep(Command, frozen=True, tag="keep", kw_only=True):
    """``keep`` — RFC 5228 §4.3. `flags`: None for the flags of the message (RFC 5232 §5)."""

    syntax: ClassVar = Syntax(name="keep", options=(FLAGS,))
    flags: Strings | None = None


class FileInto(Command, frozen=True, tag="fileinto", kw_only=True):
    """``fileinto mailbox`` — RFC 5228 §4.1; `copy` RFC 3894, `create` RFC 5490 §3.2, `special_use` RFC 8579 §4.2,
    `mailbox_id` RFC 9042 §3: chosen before the name, which serves if no mailbox has the use or id.
    """

    syntax: ClassVar = Syntax(
        name="fileinto",
        needs=("fileinto",),
        options=(
            COPY,
            Option(tag="create", field="create", needs="mailbox"),
            Option(tag="specialuse", field="special_use", takes=Value.STRING, needs="special-use", group="target"),
            Option(tag="mailboxid", field="mailbox_id", takes=Value.STRING, needs="mailboxid", group="target"),
            FLAGS,
        ),
        positional=(_string("mailbox"),),
    )
    mailbox: str
    copy: bool = False
    create: bool = False
    special_use: str = ""
    mailbox_id: str = ""
    flags: Strings | None = None


class Redirect(Command, frozen=True, tag="redirect", kw_only=True):
    """``redirect address`` — RFC 5228 §4.2."""

    syntax: ClassVar = Syntax(name="redirect", options=(COPY,), positional=(_string("address"),))
    address: str
    copy: bool = False


class Discard(Command, frozen=True, tag="discard"):
    """``discard`` — RFC 5228 §4.4."""

    syntax: ClassVar = Syntax(name="discard")


class Reject(Command, frozen=True, tag="reject", kw_only=True):
    """``reject reason`` — RFC 5429 §2.2."""

    syntax: ClassVar = Syntax(name="reject", needs=("reject",), positional=(_string("reason"),))
    reason: str


class EReject(Command, frozen=True, tag="ereject", kw_only=True):
    """``ereject reason`` — RFC 5429 §2.1: in the SMTP session, as far as possible."""

    syntax: ClassVar = Syntax(name="ereject", needs=("ereject",), positional=(_string("reason"),))
    reason: str


class Vacation(Command, frozen=True, tag="vacation", kw_only=True):
    """``vacation reason`` — RFC 5230 §4. `days`, `seconds` (RFC 6131): None where they are not given."""

    syntax: ClassVar = Syntax(
        name="vacation",
        needs=("vacation", "vacation-seconds"),
        options=(
            Option(tag="days", field="days", takes=Value.NUMBER, group="interval"),
            Option(tag="seconds", field="seconds", takes=Value.NUMBER, needs="vacation-seconds", group="interval"),
            Option(tag="subject", field="subject", takes=Value.STRING),
            Option(tag="from", field="sender", takes=Value.STRING),
            Option(tag="addresses", field="addresses", takes=Value.STRINGS),
            Option(tag="mime", field="mime"),
            Option(tag="handle", field="handle", takes=Value.STRING),
        ),
        positional=(_string("reason"),),
    )
    reason: str
    days: int | None = None
    seconds: int | None = None
    subject: str = ""
    sender: str = ""
    addresses: Strings = ()
    mime: bool = False
    handle: str = ""


def _of_flags(name: str) -> Syntax:
    return Syntax(
        name=name,
        needs=("imap4flags",),
        positional=(Positional("variable", Value.STRING, optional=True), _strings("flags")),
    )


class SetFlag(Command, frozen=True, tag="setflag", kw_only=True):
    """``setflag [variable] flags`` — RFC 5232 §3.1."""

    syntax: ClassVar = _of_flags("setflag")
    flags: Strings
    variable: str = ""


class AddFlag(Command, frozen=True, tag="addflag", kw_only=True):
    """``addflag [variable] flags`` — RFC 5232 §3.2."""

    syntax: ClassVar = _of_flags("addflag")
    flags: Strings
    variable: str = ""


class RemoveFlag(Command, frozen=True, tag="removeflag", kw_only=True):
    """``removeflag [variable] flags`` — RFC 5232 §3.3."""

    syntax: ClassVar = _of_flags("removeflag")
    flags: Strings
    variable: str = ""


class Set(Command, frozen=True, tag="set", kw_only=True):
    """``set name value`` — RFC 5229 §4; the modifiers, §4.1, in the order of their precedence, the highest first."""

    syntax: ClassVar = Syntax(
        name="set",
        needs=("variables",),
        options=(
            Option(tag="lower", field="case", value="lower"),
            Option(tag="upper", field="case", value="upper"),
            Option(tag="lowerfirst", field="first", value="lower"),
            Option(tag="upperfirst", field="first", value="upper"),
            Option(tag="quotewildcard", field="quote"),
            Option(tag="length", field="length"),
        ),
        positional=(_string("name"), _string("value")),
    )
    name: str
    value: str
    case: str = ""
    first: str = ""
    quote: bool = False
    length: bool = False


class Include(Command, frozen=True, tag="include", kw_only=True):
    """``include script`` — RFC 6609 §3.2. There are only personal scripts."""

    syntax: ClassVar = Syntax(
        name="include",
        needs=("include",),
        options=(
            Option(tag="personal", field="place", value="personal"),
            Option(tag="global", field="place", value="global"),
            Option(tag="once", field="once"),
            Option(tag="optional", field="optional"),
        ),
        positional=(_string("script"),),
    )
    script: str
    place: str = "personal"
    once: bool = False
    optional: bool = False


class Return(Command, frozen=True, tag="return"):
    """``return`` — RFC 6609 §3.3."""

    syntax: ClassVar = Syntax(name="return", needs=("include",))


class Global(Command, frozen=True, tag="global", kw_only=True):
    """``global names`` — RFC 6609 §3.4.1."""

    syntax: ClassVar = Syntax(name="global", needs=("include",), positional=(_strings("names"),))
    names: Strings


class Error(Command, frozen=True, tag="error", kw_only=True):
    """``error text`` — RFC 5463 §5."""

    syntax: ClassVar = Syntax(name="error", needs=("ihave",), positional=(_string("text"),))
    text: str


class Unavailable(msgspec.Struct, frozen=True, tag_field="is", tag="unavailable"):
    """A command of an extension that is not there, in a script with ihave: an error when it is run (RFC 5463 §4)."""

    call: Call
    text: str
    line: int = 0


WrittenCommand: TypeAlias = (
    Require
    | Stop
    | Keep
    | FileInto
    | Redirect
    | Discard
    | Reject
    | EReject
    | Vacation
    | SetFlag
    | AddFlag
    | RemoveFlag
    | Set
    | Include
    | Return
    | Global
    | Error
)
AnyCommand: TypeAlias = If | Unavailable | WrittenCommand

COMMANDS: Final[dict[str, type[Command]]] = {
    one.syntax.name: one
    for one in (
        Require,
        Stop,
        Keep,
        FileInto,
        Redirect,
        Discard,
        Reject,
        EReject,
        Vacation,
        SetFlag,
        AddFlag,
        RemoveFlag,
        Set,
        Include,
        Return,
        Global,
        Error,
    )
}
"""The commands that are written as their syntax says, by name; `If` has tests and blocks."""
