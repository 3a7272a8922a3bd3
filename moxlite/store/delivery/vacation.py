"""Answers while the owner is away: the form, and the senders that got one (WEBMAIL-131, SMTP-161; RFC 3834, RFC 5230).

The form is the same for webmail, account app and command line. Which message is answered is decided in
`moxlite.acceptance`; here an answer is refused where the sender had one, or the account gave too many.
"""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.decoders import from_json
from moxlite.proto.mime.compose import MultiPart, TextPart, compose
from moxlite.proto.mime.text import visible_text
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import DAY
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


class BadForm(StoreError):
    """The form cannot be saved; the text is for its owner."""


class VacationForm(msgspec.Struct, frozen=True, kw_only=True):
    """The vacation form.

    Attributes:
      enabled: answers are sent between `start` and `end`, µs UTC; 0 for no limit.
      subject: "" for ``Auto: `` and that of the message. text: of the answer.
      html: the answer as HTML, beside the text; "" for none. Only programs set it.
      known_only: only to people to whom the owner has written.
    """

    enabled: bool = False
    start: int = 0
    end: int = 0
    subject: str = ""
    text: str = ""
    html: str = ""
    known_only: bool = False

    @property
    def entity(self) -> str:
        """The answer as a MIME entity with its header: the text, and the HTML."""
        shown = self.text or visible_text(self.html)
        texts = MultiPart((TextPart(shown), TextPart(self.html, "html")), "alternative")
        return b"".join(compose((), texts)).decode("ascii")

    def is_active(self, now: int) -> bool:
        """Whether answers are sent at a time, µs UTC."""
        return self.enabled and self.start <= now and (not self.end or now < self.end)


class Answered(msgspec.Struct, frozen=True):
    """A sender that got an answer, the last time at `sent`, µs UTC."""

    address: str
    sent: int


def load_form(r: Reader) -> VacationForm:
    """The form; an empty one if none was saved."""
    data = r.value(LOAD)
    try:
        return VacationForm() if data is None else from_json(data, VacationForm)
    except msgspec.DecodeError:  # written by another version: its owner saves it anew
        return VacationForm()


def save_form(tx: Tx, form: VacationForm) -> None:
    """Save the form. Raises BadForm."""
    if form.enabled and not form.text.strip() and not form.html.strip():
        raise BadForm("the answer needs a text")
    if max(len(form.text), len(form.html)) > MAX_TEXT or len(form.subject) > MAX_SUBJECT:
        raise BadForm(
            worded("at most {most} characters of text and {subject} of subject", most=MAX_TEXT, subject=MAX_SUBJECT)
        )
    if form.end and form.end <= form.start:
        raise BadForm("the end is before the start")
    tx.execute(SAVE, msgspec.json.encode(form).decode())


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


def answered(r: Reader) -> list[Answered]:
    """Senders that got an answer, the newest first."""
    return [Answered(*row) for row in r.rows(ANSWERED, MAX_SHOWN)]
