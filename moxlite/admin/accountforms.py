"""Settings of an account as forms: parts of domains.toml, with every value as a page shows it and sends it back
(WEB-64..68). A save has the changed values, and those that its user saw (WEB-89).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from moxlite.admin.formedits import Edit, NotValid, change_keys
from moxlite.config.checks.accounts import patterns_of
from moxlite.config.domains import Account, Destination, Ruleset
from moxlite.config.holder import ChangedMeanwhile, ObjectChanged
from moxlite.config.toml.decode import KeyPath, decode, dotted, encode
from moxlite.config.toml.edit import Keys
from moxlite.config.values import Section
from moxlite.encoding import from_builtins, to_builtins
from moxlite.net.control.server import CommandFailed
from moxlite.operations.junk import JunkFlagsForm
from moxlite.operations.rules import Rule
from moxlite.patterns.searching import refusal
from moxlite.processor import off_loop
from moxlite.store.forms import changed_fields
from moxlite.wording import reason_of, worded

F = TypeVar("F", bound=msgspec.Struct)


async def patch(
    edit: Edit,
    settings: Account,
    path: Keys,
    section: Section,
    form: type[msgspec.Struct],
    changed: Any,
    old: Any,
    *,
    administrator: bool = False,
) -> None:
    """Change keys of a table, whose present values are in `section`. A key that its user did not see has the present
    value as its old one. Raises CommandFailed.
    """

    def tables() -> tuple[dict[str, Any], dict[str, Any]]:
        before = msgspec.structs.replace(shown(form, section), **changed_fields(old))
        after = table_of(msgspec.structs.replace(before, **changed_fields(changed)))
        check_patterns(after, settings)
        return table_of(before), after

    was, wanted = await off_loop(tables, kind="rules")
    await save(edit, type(section), path, was, wanted, [*changed_fields(changed)], administrator=administrator)


async def save(
    edit: Edit,
    section: type[Section],
    path: Keys,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    names: Collection[str],
    *,
    administrator: bool = False,
) -> None:
    """`change_keys`, with its errors as CommandFailed."""
    try:
        await change_keys(edit, section, path, old, new, names, administrator=administrator)
    except NotValid as error:
        raise refused([(finding.about, finding.text) for finding in error.findings]) from None
    except ObjectChanged as error:
        text = worded(
            "this was changed elsewhere, so your changes weren't saved: {text}", text=str(error).partition(": ")[2]
        )
        raise CommandFailed("conflict", text) from None
    except ChangedMeanwhile as error:
        raise CommandFailed("busy", reason_of(error)) from None
    except OSError as error:
        reason = "your changes weren't saved: can't write the server's configuration"
        raise CommandFailed("readOnly", reason) from error


def refused(mistakes: Sequence[tuple[str, str]]) -> CommandFailed:
    """The refusal of a form with mistakes, each at a field."""
    text = "; ".join(f"{field} {text}".strip() for field, text in mistakes)
    return CommandFailed("badRequest", text, fields=mistakes)


def rulesets_of(rules: list[Rule], settings: Account) -> tuple[Ruleset, ...]:
    """The rules as the configuration has them. Raises CommandFailed, also for patterns that the account could not
    save.
    """
    table = _table({"rulesets": to_builtins(rules)})
    check_patterns(table, settings)
    destination, mistakes = decode(Destination, table, Path())
    if mistakes:
        raise refused([(dotted(mistake.path), mistake.text) for mistake in mistakes])
    assert destination is not None
    return destination.rulesets


def shown(form: type[F], section: Section) -> F:
    """The form of a table of domains.toml."""
    table = encode(section, whole=True, only=form.__struct_fields__)
    return from_builtins({name: _widened(name, table.get(name)) for name in form.__struct_fields__}, form)


UNSET: Final[Mapping[str, Any]] = {
    "junk_filter": None,
    "outgoing_webhook": {"url": "", "authorization": "", "events": [], "secret": ""},
    "incoming_webhook": {"url": "", "authorization": "", "secret": ""},
}
"""Forms of tables that are not set; other values that are not set are empty texts."""

OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "rulesets": Rule.__struct_fields__,
    "automatic_junk_flags": JunkFlagsForm.__struct_fields__,
}
"""Keys of tables within a form."""


def _widened(name: str, value: Any) -> Any:
    """The value of a key with all that its form shows; the patterns for header fields as a list."""
    if value is None:
        return UNSET.get(name, "")
    if name == "headers_regexp":
        return [{"name": key, "value": pattern} for key, pattern in value.items()]
    if name == "rulesets":
        return [{key: _widened(key, rule.get(key)) for key in OPTIONAL[name]} for rule in value]
    if name in OPTIONAL:
        return {key: _widened(key, value.get(key)) for key in OPTIONAL[name]}
    return value


def table_of(form: msgspec.Struct) -> dict[str, Any]:
    """The table of domains.toml for a form: without empty texts and lists. A webhook without a URL is left out. Raises
    CommandFailed.
    """
    return _table(to_builtins(form))


def _table(table: dict[str, Any]) -> dict[str, Any]:
    for name in ("outgoing_webhook", "incoming_webhook"):
        if name in table and not table[name]["url"]:
            del table[name]
    for index, rule in enumerate(table.get("rulesets", ())):
        rule["headers_regexp"] = _by_name(rule["headers_regexp"], f"rulesets[{index}].headers_regexp")
    filled: dict[str, Any] = _filled(table)
    return filled


def check_patterns(table: Mapping[str, Any], settings: Account) -> None:
    """Check the patterns of a table that are not the account's already (STORE-162). Raises CommandFailed."""
    # Patterns from before the limits go on working, and must not keep their owner from saving something else.
    kept = {pattern for _, pattern in patterns_of(settings)}
    mistakes = [
        (dotted(path), text)
        for path, pattern in _patterns(table, ())
        if pattern not in kept and (text := refusal(pattern))
    ]
    if mistakes:
        raise refused(mistakes)


def _patterns(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """The patterns of a table, each with the path of its key."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _patterns(one, (*path, index))
    elif isinstance(value, dict):
        for key, one in value.items():
            if key == "headers_regexp":
                yield from (((*path, key), pattern) for pair in one.items() for pattern in pair)
            elif key.endswith("_regexp"):
                yield (*path, key), one
            else:
                yield from _patterns(one, (*path, key))


def _by_name(rules: Iterable[dict[str, str]], field: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for rule in rules:
        if not rule["name"] or not rule["value"]:
            raise refused([(field, worded("enter a pattern for both the name and the value"))])
        if rule["name"] in found:
            raise refused([(field, worded('has "{one}" twice; combine both values in one pattern', one=rule["name"]))])
        found[rule["name"]] = rule["value"]
    return found


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item) for name, item in value.items() if item not in ("", None) and item not in ([], {})}
    return [_filled(item) for item in value] if isinstance(value, list) else value
