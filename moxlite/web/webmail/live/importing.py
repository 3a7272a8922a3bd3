"""The imports that a user began in the webmail, as one stream tells of them (WEBMAIL-141).

A state is told when the import begins, at most once a `TICK` while it changes, and at its end.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import trio

from moxlite.store.imports.items import Aborted, Done
from moxlite.web.importing.browser import TICK
from moxlite.web.webmail.holders import BITS, number_of
from moxlite.web.webmail.types import Importing

if TYPE_CHECKING:
    from moxlite.store.imports.items import Progress
    from moxlite.wakeup import Alarm
    from moxlite.web.importing.browser import BrowserImports, Job


class RunningImports:
    """The imports of the stream's user."""

    def __init__(self, imports: BrowserImports, user: str, alarm: Alarm) -> None:
        self._imports = imports
        self._user = user
        self._alarm = alarm
        self._told: dict[bytes, Importing] = {}
        self._next = 0.0

    def watch(self) -> AbstractContextManager[None]:
        """Have the stream's alarm set when an import begins."""
        return self._imports.watched(self._user, self._alarm)

    def skip_ended(self) -> None:
        """Tell nothing of imports that have ended: a page that is new was not there."""
        for progress, job in self._imports.begun_by(self._user):
            if progress.end is not None:
                self._told[progress.token] = importing(progress, job)

    def news(self) -> bool:
        """Whether there may be something to tell now."""
        return self.due() <= trio.current_time()

    def due(self) -> float:
        """Time at which there may be something to tell, by Trio's clock."""
        due = math.inf
        for progress, _ in self._imports.begun_by(self._user):
            told = self._told.get(progress.token)
            if told is None:
                return -math.inf
            if told.state not in ("done", "aborted"):
                due = self._next
        return due

    def take(self) -> list[Importing]:
        """The states that have changed since they were told."""
        self._next = trio.current_time() + TICK
        found = [(progress.token, importing(progress, job)) for progress, job in self._imports.begun_by(self._user)]
        changed = [state for token, state in found if self._told.get(token) != state]
        self._told = dict(found)
        return changed


def importing(progress: Progress, job: Job) -> Importing:
    """The state of an import for the page."""
    messages, about, first_id = progress.messages, 0, 0
    message = progress.problems[0] if progress.problems else ""
    match progress.end:
        case None:
            state = "finishing" if progress.step == "finishing" else "reading"
            if state == "finishing":
                messages, about = messages * progress.percent // 100, messages
            elif job.file is not None and job.file.octets:
                about = math.ceil(messages * job.file.size / min(job.file.octets, job.file.size))
        case Done(messages=messages, first_id=first):
            state = "done"
            first_id = number_of(job.mailbox_id) << BITS | first
        case Aborted():
            state, message = "aborted", "" if progress.end.stopped else progress.end.text
    return Importing(
        token=progress.token.hex(),
        mailbox_id=job.mailbox_id,
        state=state,  # type: ignore[arg-type] # one of its literals
        messages=messages,
        about=about,
        problems=progress.problem_count,
        message=message,
        first_id=first_id,
    )
