"""Templates: messages that are written often (STORE-96a, WEBMAIL-126)."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType, structs

from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.forms import BadForm, changed_fields, mark, refuse_stale
from moxlite.wording import worded

MAX_TEMPLATES: Final = 100
"""Templates of an account."""

MAX_TEMPLATE: Final = 200_000
"""Characters of a text or HTML of a template: a page of text has 3,000."""

TemplateID = Annotated[int, Meta(ge=-1, le=2**53 - 1)]
Name = Annotated[str, Meta(max_length=100)]
Subject = Annotated[str, Meta(max_length=1000)]
Body = Annotated[str, Meta(max_length=MAX_TEMPLATE)]

ALL: Final = "SELECT id, name, subject, text, html FROM template ORDER BY name"
COUNT: Final = "SELECT count(*) FROM template"
LOAD: Final = "SELECT id, name, subject, text, html FROM template WHERE id = ?"
NAMED: Final = "SELECT id, name, subject, text, html FROM template WHERE name = ?"
ADD: Final = "INSERT INTO template (name, subject, text, html) VALUES (?, ?, ?, ?) RETURNING id"
CHANGE: Final = "UPDATE template SET name = ?, subject = ?, text = ?, html = ? WHERE id = ?"
REMOVE: Final = "DELETE FROM template WHERE id = ?"


class NoSuchTemplate(StoreError):
    """The template was removed."""


class TooManyTemplates(LimitExceeded):
    """The account would have more templates than `MAX_TEMPLATES`."""


class TemplateNameTaken(StoreError):
    """Another template has the name."""


class TemplateChanged(StoreError):
    """The template isn't as it was shown."""


class Template(msgspec.Struct, frozen=True):
    """A template. ``html`` is "" for plain text."""

    id: TemplateID
    name: Name
    subject: Subject
    text: Body
    html: Body


NEW: Final = Template(0, "", "", "", "")


class TemplateChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a template; ``id`` 0 for a new one."""

    id: TemplateID
    name: Name | UnsetType = UNSET
    subject: Subject | UnsetType = UNSET
    text: Body | UnsetType = UNSET
    html: Body | UnsetType = UNSET


def templates(r: Reader) -> list[Template]:
    """All templates by name."""
    return [Template(*row) for row in r.rows(ALL)]


def load_template(r: Reader, template_id: int) -> Template:
    """A template. Raises NoSuchTemplate."""
    row = r.row(LOAD, template_id)
    if row is None:
        raise NoSuchTemplate("this template no longer exists")
    return Template(*row)


def patch_template(tx: Tx, change: TemplateChange, since: str = "") -> int:
    """Change a template, or add one; returns its id. A change that was made already is made once, and an equal one is
    not added: a call whose answer was lost may be repeated. `since`: the `mark` of the one that its user saw, "" for
    any.

    Raises BadForm, FormChanged, NoSuchTemplate, TemplateNameTaken, TooManyTemplates.
    """
    before = load_template(tx, change.id) if change.id else NEW
    fields = changed_fields(change)
    template = structs.replace(before, **fields | {"name": fields.get("name", before.name).strip()})
    if change.id and template != before:
        refuse_stale(before, since)
    if not template.name:
        raise BadForm("name", "enter a template name")
    row = tx.row(NAMED, template.name)
    known = None if row is None else Template(*row)
    if known is not None and known.id != template.id:
        if template == structs.replace(known, id=0):
            return known.id
        raise TemplateNameTaken(worded("you already have a template named “{name}”", name=template.name))
    values = (template.name, template.subject, template.text, template.html)
    if template.id:
        tx.execute(CHANGE, *values, template.id)
        return template.id
    if (tx.value(COUNT) or 0) >= MAX_TEMPLATES:
        raise TooManyTemplates(f"you can have up to {MAX_TEMPLATES} templates")
    return int(tx.value(ADD, *values))


def remove_template(tx: Tx, template_id: int, since: str = "") -> None:
    """Remove a template, if it is there. `since`: the `mark` of the one that its user saw, "" for any.

    Raises TemplateChanged.
    """
    row = tx.row(LOAD, template_id)
    if row is not None and since not in ("", mark(Template(*row))):
        raise TemplateChanged("this was changed elsewhere, so it wasn't deleted; reload the page")
    tx.execute(REMOVE, template_id)
