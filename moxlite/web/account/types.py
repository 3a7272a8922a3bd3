"""Results and events of the account app's API (WEB-61, WEB-62, WEB-72, WEB-73).

From these structs `script/gen` writes the JSON Schema, and the TypeScript types and checks. Sizes are octets.
"""

from typing import TypeAlias

import msgspec

__all__ = [
    "Apps",
    "ImportAborted",
    "ImportCount",
    "ImportDone",
    "ImportEvent",
    "ImportProblem",
    "ImportProgress",
    "ImportState",
    "ImportStep",
    "Mailbox",
    "Overview",
]


class Apps(msgspec.Struct, frozen=True):
    """Paths of the other apps at this address; "" for one that is not served here."""

    webmail: str


class Overview(msgspec.Struct, frozen=True):
    """The account. A ``storage_limit`` of 0 means no limit."""

    login_address: str
    storage_used: int
    storage_limit: int


class Mailbox(msgspec.Struct, frozen=True):
    """A mailbox: its name, number of messages and their size in octets."""

    name: str
    total: int
    size: int


class ImportState(msgspec.Struct, frozen=True):
    """The account's import that is running or ended within the last minute: its ``token``, "" if there is no such
    import.

    ``uploading`` is set while a file is being uploaded for an import, perhaps from another browser.
    """

    token: str
    uploading: bool


class Event(msgspec.Struct, frozen=True, tag_field="kind"):
    """An event of an import."""


class ImportStep(Event, frozen=True, tag="step"):
    """The import entered a phase: ``reading``, ``finishing``."""

    title: str


class ImportCount(Event, frozen=True, tag="count"):
    """Number of messages that a mailbox will get, so far."""

    mailbox: str
    count: int


class ImportProblem(Event, frozen=True, tag="problem"):
    """A message, folder or file that is left out of the import, and why."""

    message: str


class ImportProgress(Event, frozen=True, tag="progress"):
    """Octets of the file read so far, and the seconds left; null while these are unknown."""

    octets: int
    size: int
    messages: int
    seconds_left: int | None


class ImportDone(Event, frozen=True, tag="done"):
    """The import is complete, with this number of messages and problems. Nothing was stored if it was a dry run."""

    messages: int
    problems: int
    dry_run: bool


class ImportAborted(Event, frozen=True, tag="aborted"):
    """The import ended and changed nothing; the message, for the user, says why."""

    message: str


ImportEvent: TypeAlias = ImportStep | ImportCount | ImportProblem | ImportProgress | ImportDone | ImportAborted
