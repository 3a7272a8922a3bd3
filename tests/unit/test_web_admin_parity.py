"""What configuration and command line can, the admin app can (WEB-165)."""

import importlib
import pkgutil
import re
import typing
from collections.abc import Iterator

import click

from moxlite import operations
from moxlite.cli import main
from moxlite.config.domains import Domains
from moxlite.config.fields import ArrayShape, Shape, TableShape, TablesShape, fields_of
from moxlite.config.values import Section
from moxlite.operations import Operation, Role, change, described_in, description
from moxlite.operations.subjects import SUBJECTS
from moxlite.web.account import app as account
from moxlite.web.admin.adminapi import OPERATIONS
from moxlite.web.admin.calls.settings import CHOICES, LABELS, OBJECTS, describe
from moxlite.web.admin.types import FieldInfo
from moxlite.web.calls import calls_of
from moxlite.web.webmail import api as webmail

OTHERWISE = {
    ("domains",): "objects with pages of their own",
    ("accounts",): "objects with pages of their own",
    ("accounts", "*", "domain"): "only preselects new addresses (ADMIN-14)",
    ("accounts", "*", "destinations"): "calls of their own: address_add, address_remove",
    ("domains", "*", "aliases"): "calls of their own: alias_add, alias_remove",
    ("domains", "*", "aliases", "*", "addresses"): "calls of their own: alias_members_add, alias_members_remove",
    ("domains", "*", "dkim"): "a form of its own",
    ("domains", "*", "dkim", "selectors"): "calls of their own: selector_add, selector_remove",
    ("domains", "*", "dkim", "selectors", "*", "key_file"): "key files are made, not typed",
}
"""Fields that are in no form of the object above them, with the reason."""


def test_each_field_has_a_control_of_its_type() -> None:
    """WEB-165: every field of domains.toml is in a form, or has a reason; none is a box of TOML."""
    hidden = {(*path, name) for path, (_, names) in OBJECTS.items() for name in names}
    assert hidden == set(OTHERWISE)
    assert {type_ for type_, _ in OBJECTS.values()} <= set(sections(Domains))
    for section, names in OBJECTS.values():
        for field in fields_of(section):
            if field.name not in names:
                check(describe(field), field.shape)


def test_labels_are_words_and_not_keys() -> None:
    """WEB-89b: each key and each value to choose has words of its own, never made from the key; none is left over. A
    setting that users change themselves may have the account app's words.
    """
    fields = [one for form, hidden in OBJECTS.values() for one in described(form, hidden)]
    assert {one.name for one in fields} | {""} >= set(LABELS)
    assert [one.name for one in fields if one.label == ""] == []
    assert {one.name: set(one.words) for one in fields if one.words} == {
        name: set(words) for name, words in CHOICES.items()
    }
    said = [text for words in CHOICES.values() for text in words.values()]
    for text in [*said, *LABELS.values()][:-1]:
        assert not re.search(r"[_/]|regexp|dnsbl|dsn|msg\b|smtp_|\bquota\b|retired", text), text
    for text in said:
        assert text[0].isupper(), text


UNITS = re.compile(r"per (hour|day)|in .*(seconds|minutes|hours|days|octets)|for$|lifetime|after$|limit", re.IGNORECASE)


def test_limits_say_their_unit() -> None:
    """WEB-89b: durations, sizes and numbers of a time, by their label; a default has its unit in words."""
    for form, hidden in OBJECTS.values():
        for one in described(form, hidden):
            if one.kind in ("duration", "size") or re.search("_per_|_days$|_hours$", one.name):
                assert UNITS.search(one.label), (one.name, one.label)
                assert not re.search(r"Default: \d+[a-z]", one.doc), (one.name, one.doc)


def described(section: type[Section], hidden: frozenset[str]) -> Iterator[FieldInfo]:
    """All fields of a form, and of its tables."""

    def below(info: FieldInfo) -> Iterator[FieldInfo]:
        if info.name:
            yield info
        for one in (*info.fields, *([info.item] if info.item is not None else [])):
            yield from below(one)

    for field in fields_of(section):
        if field.name not in hidden:
            yield from below(describe(field))


def sections(section: type[Section]) -> Iterator[type[Section]]:
    """All structs of the file."""
    yield section
    for field in fields_of(section):
        shape = field.shape
        while isinstance(shape, ArrayShape | TablesShape):
            shape = shape.item
        if isinstance(shape, TableShape):
            yield from sections(shape.section)


def check(info: FieldInfo, shape: Shape) -> None:
    """A table has fields, a list or map its item, and a default is no text for a table."""
    match shape:
        case TableShape():
            assert info.type == "table"
            below = fields_of(shape.section)
            assert [one.name for one in info.fields] == [one.name for one in below]
            for one, field in zip(info.fields, below, strict=True):
                assert one.doc, one.name
                check(one, field.shape)
        case ArrayShape() | TablesShape():
            assert info.type == ("list" if isinstance(shape, ArrayShape) else "map")
            assert info.item is not None
            check(info.item, shape.item)
        case _:
            assert info.type in ("boolean", "integer", "number", "text", "enum")
            assert (info.type == "enum") == bool(info.words)


OUTSIDE = {
    "config account set": "settings are fields of the account's form",
    "config account quota": "the quota is the field quota_message_size of the account's form",
    "config alias update": "the options of an alias are fields of its form",
    "account import-full": "octets of a file or terminal go both ways",
    "restore mail": "octets of a file or terminal go both ways",
    "admin imapserve": "octets of a file or terminal go both ways",
    "imap trace": "octets of a file or terminal go both ways",
    "jmap trace": "octets of a file or terminal go both ways",
    "account app-password allow": "the user's own page has it; the owner's way is the command line",
    "account app-password add": "the user's own page has it; the owner's way is the command line",
    "account provider connect": "the user's own page has it; the owner's way is the command line",
    "account provider disconnect": "the user's own page has it; the owner's way is the command line",
    "move run": "octets of a file or terminal go both ways",
    "move links": "octets of a file or terminal go both ways",
    "move finish": "octets of a file or terminal go both ways",
    "account app-password rm": "the user's own page has it; the owner's way is the command line",
    "account share set": "the user's own page has it; the owner's way is the command line",
    "account share rm": "the user's own page has it; the owner's way is the command line",
    "config tlspubkey set": "the user's own page has it; the owner's way is the command line",
    "tls account-key": "for a key that others have; the server does it each year",
    "config apply": "for owners who keep the file elsewhere; the app changes its values one by one",
    "store repair": "repairs of the store, for a person who reads their output",
    "store recompress": "repairs of the store, for a person who reads their output",
    "store reparse": "repairs of the store, for a person who reads their output",
    "store reassign-threads": "repairs of the store, for a person who reads their output",
    "junk prune": "repairs of the store, for a person who reads their output",
    "junk retrain": "repairs of the store, for a person who reads their output",
    "import": "octets of a file or terminal go both ways",
    "export": "octets of a file or terminal go both ways",
    "why file": "octets of a file or terminal go both ways",
    "why message": "a page shows the reasons to the owner of the message",
    "imap import": "the user's own page has it; the owner's way is the command line",
    "imap export": "a long copy to another server, for an owner who leaves",
}
"""Commands that no page runs, with the reason."""


def test_each_command_is_in_the_app() -> None:
    """WEB-165: what changes something on the command line is a call of the app, or has a reason."""
    assert len(OPERATIONS) > 100
    alone = {one.name for one in OPERATIONS if one.audit and not one.who & (Role.ADMIN | Role.PAGES)}
    # the user's own page has them; the owner's way is the command line
    personal = {one.name for subject in SUBJECTS if subject.about == "user" for one in subject.operations}
    assert alone - personal == set(OUTSIDE)


def test_each_module_of_operations_is_listed() -> None:
    """WEB-165: docs/operations.md has all of them, and so has the question of who may ask."""
    modules = {one.name for one in pkgutil.iter_modules(operations.__path__)}
    described = {one for one in modules if described_in(importlib.import_module(f"{operations.__name__}.{one}"))}
    assert described == {one.name for one in SUBJECTS}


def test_what_users_may_ask_for_is_in_an_app() -> None:
    """WEB-165, ADMIN-22: a subject with operations for users says so, and an app of theirs has each."""
    calls = {*calls_of(*account.API), *calls_of(*webmail.API)}
    for subject in SUBJECTS:
        own = [one for one in subject.operations if Role.USER in one.who]
        assert bool(own) == (subject.about != "server"), subject.name
        assert {one.call for one in own} <= calls, subject.name


SENT = frozenset(
    [
        *("account sort find", "account sort move", "config account quota", "config plan", "doctor mail"),
        *("doctor nightly", "doctor state", "doctor weekly", "mtasts kept", "restore mail", "store repair"),
        *("why file", "why message", "why reply"),
    ]
)
"""Operations that verbs of other names send."""


def test_each_operation_has_a_verb() -> None:
    """ADMIN-18: what root may ask for is a verb, or the verb of another name sends it."""
    for one in OPERATIONS:
        if Role.COMMAND_LINE in one.who:
            assert _is_verb(one.name) != (one.name in SENT), one.name


def _is_verb(name: str) -> bool:
    command: click.Command | None = main
    for word in name.split():
        if not isinstance(command, click.Group):
            return False
        command = command.get_command(click.Context(command), word)
    return command is not None


def test_descriptions_name_fields_of_their_results() -> None:
    """ADMIN-19: names of operations differ, and the columns of a list are fields of its rows."""
    assert len({one.call for one in OPERATIONS}) == len(OPERATIONS)
    for one in OPERATIONS:
        if one.columns:
            (row,) = typing.get_args(one.result)
            assert set(one.columns) <= set(row.__struct_fields__), one.name


@change("something new")
class New(Operation[None], frozen=True):
    """Nothing says who may ask for it."""


def test_a_new_operation_is_for_nobody() -> None:
    """ADMIN-22: who may ask is said, or nobody may."""
    assert description(New).who == Role.NOBODY
