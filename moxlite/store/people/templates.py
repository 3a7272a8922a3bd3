"""Templates: messages that are written often (STORE-96a, WEBMAIL-126)."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.wording import worded

MAX_TEMPLATES: Final = 100
"""Templates of an account."""

MAX_TEMPLATE: Final = 200_000
"""Characters of a text or HTML of a template: a page of text has 3,000."""

TemplateID = Annotated[int, Meta(ge=-1, le=2**53 - 1)]

ALL: Final = "SELECT id, name, subject, text, html FROM template ORDER BY name"
COUNT: Final = "SELECT count(*) FROM template"
NAMED: Final = "SELECT id, name, subject, text, html FROM template WHERE name = ?"
ADD: Final = "INSERT INTO template (name, subject, text, html) VALUES (?, ?, ?, ?) RETURNING id"
CHANGE: Final = "UPDATE template SET name = ?, subject = ?, text = ?, html = ? WHERE id = ? RETURNING id"
REMOVE: Final = "DELETE FROM template WHERE id = ?"


class TooManyTemplates(LimitExceeded):
    """The account would have more templates than `MAX_TEMPLATES`."""


class TemplateNameTaken(StoreError):
    """Another template has the name."""


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template. ``html`` is "" for plain text; ``id`` 0 for a new one."""

    id: TemplateID
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    subject: Annotated[str, Meta(max_length=1000)]
    text: Annotated[str, Meta(max_length=MAX_TEMPLATE)]
    html: Annotated[str, Meta(max_length=MAX_TEMPLATE)]


def templates(r: Reader) -> list[Template]:
    """All templates by name."""
    return [Template(*row) for row in r.rows(ALL)]


def save_template(tx: Tx, template: Template) -> int:
    """Add a template, with id 0, or change the one with its id; returns the id. One that was removed is added. An equal
    one is not added: a call whose answer was lost may be repeated.

    Raises TemplateNameTaken, TooManyTemplates.
    """
    row = tx.row(NAMED, template.name)
    known = None if row is None else Template(*row)
    if known is not None and known.id != template.id:
        if template == msgspec.structs.replace(known, id=0):
            return known.id
        raise TemplateNameTaken(worded("another template is called “{name}”", name=template.name))
    values = (template.name, template.subject, template.text, template.html)
    if template.id and tx.value(CHANGE, *values, template.id) is not None:
        return template.id
    if (tx.value(COUNT) or 0) >= MAX_TEMPLATES:
        raise TooManyTemplates(f"templates: you can have up to {MAX_TEMPLATES}")
    return int(tx.value(ADD, *values))


def remove_template(tx: Tx, template_id: int) -> None:
    """Remove a template, if it is there."""
    tx.execute(REMOVE, template_id)
