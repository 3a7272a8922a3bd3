"""The order of an export: mailboxes or messages, and the format of files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import Final

import msgspec

from moxlite.store.errors import StoreError
from moxlite.store.names import SEPARATOR, is_below, leaf


class ExportFailed(StoreError):
    """The mailbox does not exist or the order is not possible; the text is for the user."""


class FileForm(Enum):
    """Format in which a mailbox is written to files."""

    MAILDIR = "maildir"
    MBOX = "mbox"


class Container(Enum):
    """Format of the archive that has the files."""

    NONE = "none"
    TAR = "tar"
    TGZ = "tgz"
    ZIP = "zip"


class ExportOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order of an export: one mailbox, with all below it if `recursive`; else the messages `ids`; else all.

    Without a container it is a single mbox, of one mailbox or of `ids`.
    """

    form: FileForm
    container: Container
    mailbox: str = ""
    recursive: bool = True
    ids: tuple[int, ...] | None = None


# Names of mailboxes to names of files, and the name of the archive (STORE-136).


MAX_ELEMENT: Final = 240
"""Maximum octets of an element: file systems allow 255, and a suffix is added."""

UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')
"""Characters that some systems, or imports, do not allow in a name."""

RESERVED: Final = frozenset({"new", "cur", "tmp"})
"""Folders of a Maildir. Mailboxes with these names are renamed."""


def file_names(mailboxes: Iterable[str], base: str = "") -> dict[str, str]:
    """Map each mailbox to a unique file name without suffix; mailboxes above `base` are cut off the names."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    numbers: dict[str, int] = {}  # the next to try, by name; from 2 on it would be quadratic
    for mailbox in mailboxes:
        name = mailbox
        if base and (mailbox == base or is_below(mailbox, base)):
            name = leaf(base) + mailbox[len(base) :]
        safe = SEPARATOR.join(_safe(element) for element in name.split(SEPARATOR))
        unique, number = safe, numbers.get(safe.lower(), 2)
        while unique.lower() in taken:  # unique on case-insensitive file systems, too
            unique, number = f"{safe}~{number}", number + 1
        numbers[safe.lower()] = number
        taken.add(unique.lower())
        found[mailbox] = unique
    return found


def _safe(element: str) -> str:
    safe = UNSAFE.sub("_", element)
    # Hidden files are passed over by many programs, and dots begin the names of Maildir++.
    if safe.startswith("."):
        safe = "_" + safe[1:]
    safe = safe.encode()[:MAX_ELEMENT].decode("utf-8", "ignore").rstrip(". ") or "_"
    return safe + "_" if safe in RESERVED else safe


def download_name(order: ExportOrder, now: int) -> str:
    """File name for the download of an export; `now` in µs UTC."""
    if order.ids is not None:
        what = "selection"
    else:
        what = UNSAFE.sub("_", order.mailbox).replace("/", "-") or "all"
    time = datetime.fromtimestamp(now // 1_000_000, UTC).strftime("%Y%m%d-%H%M%S")
    if order.container is Container.NONE:
        return f"mailexport-{what}-{time}.{FileForm.MBOX.value}"
    return f"mailexport-{what}-{time}.{order.form.value}.{order.container.value}"
