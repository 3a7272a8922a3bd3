"""Answers while the owner is away: the form, and the senders that got one (WEBMAIL-131, SMTP-161; RFC 3834, RFC 5230).

The form is the same for webmail, account app and command line. Which message is answered is decided in
`moxlite.acceptance`; here an answer is refused where the sender had one, or the account gave too many.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence, Set
from typing import Final

from moxlite.proto.address import Address, AddressError
from moxlite.proto.mime.compose import MultiPart, TextPart, compose
from moxlite.proto.mime.text import visible_text
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.forms import NO_CONTROLS, BadForm, VacationAnswer, VacationChange, VacationForm, form_of, patched
from moxlite.store.options import DAY
from moxlite.store.types import SettingsChanged
from moxlite.wording import worded

INTERVAL: Final = 7 * 86400
"""Seconds until a sender gets another answer, unless a script says otherwise (SMTP-161, RFC 5230 §4.1)."""

SHORTEST: Final = 3600
"""Fewest seconds between two answers to one sender, whatever a script says (RFC 6131 §2)."""

LONGEST: Final = 90 * 86400
"""Seconds after which an answered sender is forgotten."""

MAX_PER_DAY: Final = 50
"""Answers in 24 hours (SMTP-161)."""

MAX_TEXT: Final = 20_000
"""Characters of the form's text."""

MAX_SUBJECT: Final = 200
"""Characters of the form's subject."""

MAX_ADDRESSES: Final = 20
"""Further addresses in the form: as many aliases as a person is likely to be a member of."""

TOO_LONG: Final = "the text can be up to {most} characters, and the subject up to {subject}"

MAX_SHOWN: Final = 1000
"""Answered senders in a list."""

LOAD: Final = "SELECT data FROM vacation_form WHERE id = 1"
SAVE: Final = "INSERT INTO vacation_form (id, data) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data"
SENT: Final = "SELECT sent FROM vacation_sent WHERE handle = ? AND address = ?"
# Answers after now are from before the clock was set back. They do not count (STORE-165).
COUNT: Final = "SELECT count(*) FROM vacation_sent WHERE sent > ? AND sent <= ?"
NOTE: Final = """
INSERT INTO vacation_sent (handle, address, sent) VALUES (?, ?, ?)
ON CONFLICT (handle, address) DO UPDATE SET sent = excluded.sent"""
FORGET: Final = "DELETE FROM vacation_sent WHERE sent <= ?"
ANSWERED: Final = (
    "SELECT address, max(sent) FROM vacation_sent GROUP BY address ORDER BY max(sent) DESC, address LIMIT ?"
)
WRITTEN: Final = "SELECT 1 FROM recipient WHERE localpart = ? COLLATE NOCASE AND domain = ? LIMIT 1"


def load_form(r: Reader) -> VacationForm:
    """The form; an empty one if none was saved."""
    return form_of(r.value(LOAD), VacationForm)


def patch_form(tx: AccountTx, change: VacationChange, since: str = "") -> VacationForm:
    """Change the form; returns it as it is now. `since`: the `mark` of the form that the user saw, "" for any.

    Raises BadForm, FormChanged.
    """
    before, form, data = patched(tx.value(LOAD), VacationForm, change, since)
    changed = {name for name in VacationForm.__struct_fields__ if getattr(before, name) != getattr(form, name)}
    _check(form, changed, tx.now)
    tx.execute(SAVE, data)
    if changed:
        tx.emit(SettingsChanged())
    return form


def _check(form: VacationForm, changed: Set[str], now: int) -> None:
    for name, most in (("text", MAX_TEXT), ("html", MAX_TEXT), ("subject", MAX_SUBJECT)):
        if name in changed and len(getattr(form, name)) > most:
            raise BadForm(name, worded(TOO_LONG, most=MAX_TEXT, subject=MAX_SUBJECT))
    if "subject" in changed and any(unicodedata.category(character) == "Cc" for character in form.subject):
        raise BadForm("subject", NO_CONTROLS)
    if "addresses" in changed:
        _check_addresses(form.addresses)
    if changed & {"enabled", "text", "html"} and form.enabled and not (form.text.strip() or form.html.strip()):
        raise BadForm("text", "can't be empty; write a reply")
    if changed & {"start", "end"} and form.end and form.end <= form.start:
        raise BadForm("end", "must be after the start")
    if changed & {"enabled", "end"} and form.enabled and form.end and form.end <= now:
        raise BadForm("end", "has already passed")


def _check_addresses(addresses: Sequence[str]) -> None:
    if len(addresses) > MAX_ADDRESSES:
        raise BadForm("addresses", worded("you can add up to {most} addresses", most=MAX_ADDRESSES))
    for address in addresses:
        try:
            Address.parse(address)
        except AddressError as error:
            raise BadForm("addresses", worded("isn't a valid email address: {reason}", reason=str(error))) from None


def entity(form: VacationForm) -> str:
    """The answer as a MIME entity with its header: the text, and the HTML."""
    shown = form.text or visible_text(form.html)
    texts = MultiPart((TextPart(shown), TextPart(form.html, "html")), "alternative")
    return b"".join(compose((), texts)).decode("ascii")


def has_written_to(r: Reader, localpart: str, domain: str) -> bool:
    """Whether the owner has written to an address; the domain in U-labels."""
    return r.row(WRITTEN, localpart, domain) is not None


def may_answer(tx: Tx, handle: bytes, address: str, seconds: int) -> bool:
    """Whether a sender may get an answer now, which is noted then.

    Args:
      handle: answers with one handle count together (RFC 5230 §4.2).
      seconds: since the last answer to this sender.
    """
    seconds = max(SHORTEST, min(seconds, LONGEST))
    last = tx.value(SENT, handle, address)
    if last is not None and tx.now - seconds * 1_000_000 < last <= tx.now:
        return False
    # Over all senders: forged ones may be any number, and each answer to one goes to a stranger.
    if tx.value(COUNT, tx.now - DAY, tx.now) >= MAX_PER_DAY:
        return False
    # Only here, where a row is written: the table has as many rows as answers went in 90 days.
    tx.execute(FORGET, tx.now - LONGEST * 1_000_000)
    tx.execute(NOTE, handle, address, tx.now)
    return True


def answered(r: Reader) -> list[VacationAnswer]:
    """Senders that got an answer, the newest first."""
    return [VacationAnswer(*row) for row in r.rows(ANSWERED, MAX_SHOWN)]
