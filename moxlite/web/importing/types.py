"""State and events of an import, as pages are told of them (WEB-73)."""

from typing import TypeAlias

import msgspec


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
