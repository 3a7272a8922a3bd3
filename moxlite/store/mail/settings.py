"""Settings of the webmail's user: one JSON value, the view for each sender, answers to proposals of rules (STORE-107,
STORE-108).

The struct of the settings is defined in `web`; here it is only stored, and checked against its type when it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

from moxlite.encoding import to_builtins, to_json
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.forms import form_of, stored_fields
from moxlite.store.types import MailboxID, SettingsChanged

S = TypeVar("S", bound=msgspec.Struct)

AddressView: TypeAlias = Literal["text", "html", "html_ext"]
"""View of a sender's messages: as text, as HTML, or as HTML with external content."""
MAX_FIXED: Final = 500
"""Senders whose text is in a font of fixed width; the one that was chosen first goes first."""

LOAD: Final = "SELECT data FROM settings WHERE id = 1"
SAVE: Final = """
INSERT INTO settings (id, data, modseq) VALUES (1, ?, ?)
ON CONFLICT (id) DO UPDATE SET data = excluded.data, modseq = excluded.modseq"""
GET_VIEW: Final = "SELECT view FROM from_address_setting WHERE address = ?"
SET_VIEW: Final = """
INSERT INTO from_address_setting (address, view) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET view =
excluded.view"""
DROP_VIEW: Final = "DELETE FROM from_address_setting WHERE address = ?"
NO_LIST: Final = "INSERT INTO ruleset_no_listid (rcptto, listid, to_inbox) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
NO_SENDER: Final = "INSERT INTO ruleset_no_msgfrom (rcptto, msgfrom, to_inbox) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
NO_MAILBOX: Final = "INSERT INTO ruleset_no_mailbox (mailbox_id, to_mailbox) VALUES (?, ?) ON CONFLICT DO NOTHING"
DECLINED: Final = """
SELECT EXISTS (SELECT 1 FROM ruleset_no_listid WHERE rcptto = ?1 AND listid = ?2 AND to_inbox = ?4)
OR EXISTS (SELECT 1 FROM ruleset_no_msgfrom WHERE rcptto = ?1 AND msgfrom = ?3 AND to_inbox = ?4)
OR EXISTS (SELECT 1 FROM ruleset_no_mailbox WHERE mailbox_id = ?5 AND NOT to_mailbox)
OR EXISTS (SELECT 1 FROM ruleset_no_mailbox WHERE mailbox_id = ?6 AND to_mailbox)"""


def load_settings(r: Reader, kind: type[S]) -> S:
    """Load the settings as a struct of this type; the default of each that is not stored, or does not fit the type."""
    return form_of(r.value(LOAD), kind)


class _Languages(msgspec.Struct, frozen=True):
    """`language`: chosen in the settings, "" as the browser prefers. `browser_language`: that of the latest page."""

    language: str = ""
    browser_language: str = ""


def reader_language(r: Reader) -> str:
    """The language in which the account's user reads; "" if no page was ever open."""
    languages = load_settings(r, _Languages)
    return languages.language or languages.browser_language


def note_browser_language(tx: AccountTx, language: str) -> None:
    """Store the language of the page that the user has open: mail to the user is written in it."""
    if load_settings(tx, _Languages).browser_language != language:
        patch_settings(tx, {"browser_language": language})


def patch_settings(tx: AccountTx, changed: Mapping[str, object]) -> None:
    """Store settings by name, and notify the user's other pages. All others stay, also a later version's."""
    fields = stored_fields(tx.value(LOAD)) | to_builtins(changed)
    tx.execute(SAVE, to_json(fields).decode(), tx.modseq())
    tx.emit(SettingsChanged())


def address_view(r: Reader, address: str) -> AddressView | None:
    """View for messages of this sender; None: as the settings say."""
    view: AddressView | None = r.value(GET_VIEW, address)
    return view


def set_address_view(tx: Tx, address: str, view: AddressView | None) -> None:
    """Store the view for messages of this sender; None removes it."""
    if view is None:
        tx.execute(DROP_VIEW, address)
    else:
        tx.execute(SET_VIEW, address, view)


class _FixedWidth(msgspec.Struct, frozen=True):
    """Addresses of senders whose text is in a font of fixed width, in the order in which they were chosen."""

    fixed_width: list[str] = []


def has_fixed_width(r: Reader, address: str) -> bool:
    """Whether the text of this sender's messages is shown in a font of fixed width."""
    return address in load_settings(r, _FixedWidth).fixed_width


def set_fixed_width(tx: AccountTx, address: str, *, fixed: bool) -> None:
    """Store whether the text of this sender's messages is shown in a font of fixed width."""
    if fixed != has_fixed_width(tx, address):
        others = [sender for sender in load_settings(tx, _FixedWidth).fixed_width if sender != address]
        senders = [*others, address] if fixed else others
        patch_settings(tx, {"fixed_width": senders[-MAX_FIXED:]})


def decline_list(tx: Tx, rcptto: str, listid: str, *, to_inbox: bool) -> None:
    """Never again propose a rule for this list at this address of the account, in this direction."""
    tx.execute(NO_LIST, rcptto, listid, to_inbox)


def decline_sender(tx: Tx, rcptto: str, msgfrom: str, *, to_inbox: bool) -> None:
    """Never again propose a rule for this sender at this address of the account, in this direction."""
    tx.execute(NO_SENDER, rcptto, msgfrom, to_inbox)


def decline_mailbox(tx: Tx, mailbox_id: MailboxID, *, to_mailbox: bool) -> None:
    """Never again propose a rule when messages are moved to (or from) this mailbox."""
    tx.execute(NO_MAILBOX, mailbox_id, to_mailbox)


def is_declined(
    r: Reader, rcptto: str, *, listid: str, msgfrom: str, to_inbox: bool, source: MailboxID, target: MailboxID
) -> bool:
    """Whether the user answered a proposal after a move from `source` to `target` with "never"; unknown ids are ""."""
    return bool(r.value(DECLINED, rcptto, listid, msgfrom, to_inbox, source, target))
