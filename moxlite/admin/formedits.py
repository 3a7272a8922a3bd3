"""Changes of domains.toml by a page's form: keys of a table, unless they changed since a person saw them (WEB-89).

A page shows the values of some keys in the form of the file, and sends them back with the new ones. Nothing is written
if one that differs has changed meanwhile. Keys that keep their value keep their lines.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import trio

from moxlite.config.fields import REQUIRED, fields_of
from moxlite.config.holder import Change
from moxlite.config.load import ConfigError
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.decode import Mistake, decode_field, dotted, encode_field
from moxlite.config.toml.edit import Document, Keys
from moxlite.config.values import Section
from moxlite.findings import Finding
from moxlite.wording import as_worded, worded

logger = logging.getLogger("moxlite.admin.settings")

NO_FILES: Final = Path()
"""Base of relative paths: the keys that pages change are not paths."""

ELSEWHERE: Final = (
    "your changes weren't saved because the configuration has an error elsewhere; ask your administrator to fix it "
    "first"
)

MAX_ELSEWHERE: Final = 10
"""Mistakes elsewhere that an administrator is shown at once."""


class Edit(Protocol):
    """Change `domains.toml`, as `ConfigHolder.edit` does."""

    async def __call__(self, change: Change, *, expected: Mapping[Keys, object] | None = None) -> Snapshot: ...


class NotValid(Exception):
    """The new values cannot be used; `findings` has at least one entry: about a key as in TOML, relative to the table,
    or about "", the whole.
    """

    def __init__(self, findings: Collection[Finding]) -> None:
        super().__init__("; ".join(f"{finding.about} {finding.text}".strip() for finding in findings))
        self.findings = tuple(findings)


async def change_keys(
    edit: Edit,
    section: type[Section],
    path: Keys,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    names: Collection[str],
    *,
    administrator: bool = False,
) -> Snapshot:
    """Change keys of a table; returns the configuration in use after it.

    Args:
      edit: changes domains.toml.
      section: the struct of the table.
      path: where the table is in domains.toml.
      old, new: values of the keys in the form of the file; a missing key has its default.
      names: all keys that the person saw.
      administrator: the person may know the whole configuration, and has the place of a mistake elsewhere in it.

    Raises:
      NotValid: `new` has mistakes.
      ObjectChanged: a key that is to change has another value than in `old`.
      ChangedMeanwhile, OSError: as `ConfigHolder.edit`.
    """
    was, _ = await trio.to_thread.run_sync(_values, section, old, names)  # 80 ms for 500 rules
    wanted, mistakes = await trio.to_thread.run_sync(_values, section, new, names)
    if mistakes:
        raise NotValid([_finding(dotted(mistake.path), mistake.text, mistake.hint) for mistake in mistakes])
    changed = [name for name in names if was[name] != wanted[name]]
    # others may have changed the other keys meanwhile: they keep their values
    expected: dict[Keys, object] = {(*path, name): was[name] for name in changed}
    if not changed:
        return await edit(_nothing, expected=expected)
    try:
        return await edit(
            changed_keys(section, path, {name: (was[name], wanted[name]) for name in changed}), expected=expected
        )
    except ConfigError as error:
        raise NotValid(_relative(dotted(path), error.problems, administrator)) from None


def _values(
    section: type[Section], table: Mapping[str, Any], names: Collection[str]
) -> tuple[dict[str, object], list[Mistake]]:
    found: dict[str, object] = {}
    mistakes: list[Mistake] = []
    for field in fields_of(section):
        if field.name not in names:
            continue
        if field.name in table:
            found[field.name], wrong = decode_field(section, field.name, table[field.name], NO_FILES)
            mistakes += wrong
        elif field.default is REQUIRED:
            mistakes.append(Mistake((field.name,), "is missing"))
        else:
            found[field.name] = field.default
    return found, mistakes


def _nothing(document: Document, snapshot: Snapshot) -> None:
    """Change nothing: the edit only compares."""


def changed_keys(section: type[Section], path: Keys, values: Mapping[str, tuple[object, object]]) -> Change:
    """Set keys to the second of two values; the first one is what they are so far."""
    defaults = {field.name: field.default for field in fields_of(section)}

    def change(document: Document, snapshot: Snapshot) -> None:
        for name, (was, value) in values.items():
            if value is None or value == defaults[name]:
                document.drop((*path, name))
            else:
                before = None if was is None else encode_field(section, name, was)
                document.put((*path, name), encode_field(section, name, value), before)

    return change


def _finding(about: str, text: str, hint: str = "") -> Finding:
    text = worded("{text} ({hint})", text=as_worded(text), hint=as_worded(hint)) if hint else text
    return Finding(grade="error", code="config-error", about=about, text=text)


def _relative(here: str, problems: Sequence[Finding], administrator: bool) -> list[Finding]:
    """The problems of the file in this table; "" is the whole file. If there are only others, only an administrator
    gets them by name: they may be about other accounts.
    """
    inside = (here + ".", here + "[")
    findings = [
        _finding(problem.about.removeprefix(here).removeprefix("."), problem.text, *problem.commands)
        for problem in problems
        if not here or problem.about == here or problem.about.startswith(inside)
    ]
    if not findings:
        logger.warning("settings not saved: errors in domains.toml", extra={"kv": {"first": str(problems[0])}})
    if findings or not administrator:
        return findings or [_finding("", ELSEWHERE)]
    return [
        _finding("", f"your changes weren't saved; fix this first: {problem}") for problem in problems[:MAX_ELSEWHERE]
    ]
