"""What a user has set in a form, and a change of it, as all interfaces share them.

A form is a struct. The store keeps the JSON object of what was set, so fields of a later version stay when an earlier
one saves. A change is a struct with the same fields, unset where they stay as they are: an interface that does not know
a field cannot erase it. Only changed fields are checked.

Values alone are here, so the command line starts without SQLite. Each form is loaded and saved in the package of its
subject.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from moxlite.encoding import from_builtins, from_json, to_builtins, to_json
from moxlite.store.errors import StoreError
from moxlite.wording import worded

F = TypeVar("F", bound=msgspec.Struct)

LAST: Final = 253_402_300_799_000_000
"""µs UTC of the last second of the year 9999, which all interfaces can write."""

NO_CONTROLS: Final = "control characters aren't allowed here"


class BadForm(StoreError):
    """A form cannot be saved; the text is for its user. `field`: its field that is wrong."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class FormChanged(StoreError):
    """The form has changed since its `mark` was taken. The text lists the changed fields."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__(
            worded("this was changed elsewhere, so your changes weren't saved: {text}", text=", ".join(fields))
        )


def _about(text: str) -> Meta:
    """Help for a field on the command line."""
    return Meta(description=text, extra={})


def changed_fields(change: msgspec.Struct) -> dict[str, Any]:
    """The fields of a change that are set."""
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}


def form_of(data: str | None, kind: type[F]) -> F:
    """The form of stored JSON. A field that another version wrote in another way has its default."""
    return _form(stored_fields(data), kind)


def stored_fields(data: str | None) -> dict[str, Any]:
    """Stored values of a form, by field."""
    try:
        return {} if data is None else from_json(data, dict[str, Any])
    except msgspec.DecodeError:  # damaged: its user sets it anew
        return {}


def patched(data: str | None, kind: type[F], change: msgspec.Struct, since: str = "") -> tuple[F, F, str]:
    """A form before and after a change, and the JSON to store. With `since`, the `mark` of what the user saw, it must
    not have been changed since. Raises FormChanged.
    """
    fields = stored_fields(data)
    before = _form(fields, kind)
    refuse_stale(before, since)
    given = changed_fields(change)
    after = msgspec.structs.replace(before, **given)
    return before, after, to_json(fields | to_builtins(given)).decode()


def mark(form: msgspec.Struct) -> str:
    """Fingerprint of a form's values.

    It has a part for each field, so that the error of a later save can name the fields that differ.
    """
    return ".".join(_marks(form))


def _marks(form: msgspec.Struct) -> Iterator[str]:
    for value in msgspec.structs.asdict(form).values():
        yield f"{zlib.crc32(to_json(value)):08x}"


def _differing(form: msgspec.Struct, since: str) -> Iterator[str]:
    marks = since.split(".")
    for i, (name, now) in enumerate(zip(form.__struct_fields__, _marks(form), strict=True)):
        if i >= len(marks) or marks[i] != now:
            yield name


@cache
def _fields_of(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a form: each delivery reads one, and to resolve annotations takes 0.1 ms."""
    return msgspec.structs.fields(kind)


def _form(fields: Mapping[str, Any], kind: type[F]) -> F:
    known: dict[str, Any] = {}
    for field in _fields_of(kind):
        if field.name in fields:
            try:
                known[field.name] = from_builtins(fields[field.name], field.type)
            except msgspec.ValidationError:  # as a later version has it
                continue
    return kind(**known)


def refuse_stale(form: msgspec.Struct, since: str) -> None:
    """Refuse to change a form that is not what its user saw. `since`: the `mark` of that, "" for any.

    Raises FormChanged.
    """
    if since and (differing := [*_differing(form, since)]):
        raise FormChanged(differing)


class VacationForm(msgspec.Struct, frozen=True, kw_only=True):
    """The vacation form.

    Attributes:
      enabled: answers are sent between `start` and `end`, µs UTC; 0 for no limit.
      subject: "" for ``Auto: `` and that of the message. text: of the answer.
      html: the answer as HTML, beside the text; "" for none. Only programs write it.
      known_only: only to people to whom the owner has written.
      addresses: further addresses whose mail is answered, such as addresses of aliases (RFC 5230 §4.5).
    """

    enabled: bool = False
    start: int = 0
    end: int = 0
    subject: str = ""
    text: str = ""
    html: str = ""
    known_only: bool = False
    addresses: tuple[str, ...] = ()

    def is_active(self, now: int) -> bool:
        """Whether answers are sent at a time, µs UTC."""
        return self.enabled and self.start <= now and (not self.end or now < self.end)


class VacationChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of the vacation form."""

    enabled: bool | UnsetType = UNSET
    start: Annotated[int, Meta(ge=0, le=LAST)] | UnsetType = UNSET
    end: Annotated[int, Meta(ge=0, le=LAST)] | UnsetType = UNSET
    subject: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    html: str | UnsetType = UNSET
    known_only: bool | UnsetType = UNSET
    addresses: tuple[str, ...] | UnsetType = UNSET


class VacationAnswer(msgspec.Struct, frozen=True):
    """A sender that got an answer, the last time at `sent`, µs UTC."""

    address: str
    sent: int


class Person(msgspec.Struct, frozen=True):
    """An address, with the name that goes with it."""

    email: str
    name: str | None = None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a user has set for an own address, or for all of them; the name of an address is in the configuration.

    Attributes:
      reply_to: where answers go, None for the address itself. bcc: who gets copies.
      text: the signature; None for that of all addresses. html: of messages with formatting, "" for the text there,
        too. Both are set, or neither.
    """

    reply_to: list[Person] | None = None
    bcc: list[Person] | None = None
    text: str | None = None
    html: str | None = None


class IdentityChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an identity."""

    reply_to: list[Person] | UnsetType | None = UNSET
    bcc: list[Person] | UnsetType | None = UNSET
    text: str | UnsetType | None = UNSET
    html: str | UnsetType | None = UNSET


class CertificateChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user can change of a client certificate that logs in: all of it, or the fields that differ."""

    name: Annotated[str | UnsetType, _about("Name to show in lists.")] = UNSET
    login_address: Annotated[str | UnsetType, _about("Log in with this address of the same account.")] = UNSET
    no_imap_preauth: Annotated[bool | UnsetType, _about("Require IMAP clients to request login (EXTERNAL).")] = UNSET


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """A message that leaves at `due`, µs UTC, and can be stopped until then.

    Attributes:
      id: for `operations.leaving.StopLeaving`.
      message_id: of the account's copy, 0 for mail that a program handed to the queue.
      writer: the account of who wrote it, where several write from the account; else "".
    """

    id: str
    due: int
    sender: str
    recipients: list[str]
    subject: str
    message_id: int = 0
    writer: str = ""
