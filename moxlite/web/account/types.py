"""What the account app and its browser say to each other (WEB-61, WEB-62, WEB-72, WEB-73).

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
    """Paths of the other apps at this address; "" for one that is not here."""

    webmail: str


class Overview(msgspec.Struct, frozen=True):
    """The account; a ``storage_limit`` of 0 is none."""

    login_address: str
    storage_used: int
    storage_limit: int


class Mailbox(msgspec.Struct, frozen=True):
    """A mailbox with its number of messages and the size of all."""

    name: str
    total: int
    size: int


class ImportState(msgspec.Struct, frozen=True):
    """The import of this account that runs, or ended within the last minute: its ``token``, "" for none.

    ``uploading`` is set while a file of one is still on its way, maybe from another browser.
    """

    token: str
    uploading: bool


class Event(msgspec.Struct, frozen=True, tag_field="kind"):
    """An event of an import."""


class ImportStep(Event, frozen=True, tag="step"):
    """What is being done: ``reading``, ``finishing``."""

    title: str


class ImportCount(Event, frozen=True, tag="count"):
    """How many messages a mailbox will get, so far."""

    mailbox: str
    count: int


class ImportProblem(Event, frozen=True, tag="problem"):
    """Something is left out of the import."""

    message: str


class ImportProgress(Event, frozen=True, tag="progress"):
    """How far the file was read, and in how many seconds that will be done; null while that is unknown."""

    octets: int
    size: int
    messages: int
    seconds_left: int | None


class ImportDone(Event, frozen=True, tag="done"):
    """The import is complete: messages and problems in all. Nothing was stored if it was a dry run."""

    messages: int
    problems: int
    dry_run: bool


class ImportAborted(Event, frozen=True, tag="aborted"):
    """The import has ended and changed nothing; the message is for the user."""

    message: str


ImportEvent: TypeAlias = ImportStep | ImportCount | ImportProblem | ImportProgress | ImportDone | ImportAborted
