"""The calls for files of calendars and contacts: added, with the state of an import for the page that waits for it, and
its end before the time (WEBMAIL-128, DAV-49).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from moxlite.groupware.files import ImportResult, NoEntries, Target, add_file, spooled
from moxlite.groupware.people import user_of
from moxlite.proto.cards.vcard import Unreadable
from moxlite.store.content.uploads import PIECE_SIZE, Upload, drop_upload, upload_of, upload_piece
from moxlite.web.calls import call
from moxlite.web.composing.uploads import UploadID, key_of
from moxlite.web.cookies import Caller
from moxlite.web.errors import UserError
from moxlite.web.webmail.calls.entries import EntryCalls, event_calendar
from moxlite.web.webmail.querytypes import ID
from moxlite.wording import Remark, reason_of, remark, worded

if TYPE_CHECKING:
    from moxlite.store.search.index import IndexedAccount


class FileImported(msgspec.Struct, frozen=True):
    """An import: entries that were added, that the account had already, and that could not be read, the first with the
    reason. ``dropped``: contacts whose pictures were too large to keep.
    """

    added: int
    known: int
    unread: int
    dropped: int
    problems: list[Remark]


class FileState(msgspec.Struct, frozen=True):
    """How far an import is: entries so far, of ``about`` so many, 0 while that is unknown."""

    done: int
    about: int


class FileCalls(EntryCalls):
    """Calls about files of calendars and contacts. A .zip may have both, whichever call takes it."""

    @call(once=True)
    async def calendar_import(self, caller: Caller, calendar_id: ID, upload_id: UploadID) -> FileImported:
        """Add the entries of an uploaded file (.ics) to a calendar, or what a .zip has to the calendars and address
        books of its names, which are made. What the account has already stays as it is; guests are not told. The upload
        is removed.
        """
        async with self._entries(caller) as visit:
            where = await visit.account.read(lambda r: event_calendar(r, calendar_id), op="calendars")
        return await self._import(caller, upload_id, Target("calendar", where))

    @call(once=True)
    async def contacts_import(
        self, caller: Caller, upload_id: UploadID, group: Annotated[str, Meta(max_length=200)] = ""
    ) -> FileImported:
        """Import an uploaded file of vCards, a table (CSV) as Gmail, Outlook and Thunderbird write it, or a .zip as
        `calendar_import`.

        ``group``: all contacts of the file get it too.

        Contacts that are there already get what they have not. The upload is removed.
        """
        return await self._import(caller, upload_id, Target("contact", group=group))

    @call()
    async def file_import_state(self, caller: Caller, upload_id: UploadID) -> FileState | None:
        """How far the import of an upload is; null where none runs."""
        done = self._server.file_imports.get((caller.require().account, upload_id))
        if done is None:
            return None
        return FileState(done.done, round(done.done * done.size / done.read) if done.read else 0)

    @call()
    async def file_import_stop(self, caller: Caller, upload_id: UploadID) -> None:
        """End the import of an upload: what was added stays. One that has ended is left as it is."""
        done = self._server.file_imports.get((caller.require().account, upload_id))
        if done is not None:
            done.stop = True

    async def _import(self, caller: Caller, upload_id: str, target: Target) -> FileImported:
        name, key = caller.require().account, key_of(upload_id)
        done, running = ImportResult(), self._server.file_imports
        async with self._entries(caller) as visit:
            account = visit.account
            upload = await account.read(lambda r: upload_of(r, key), op="entries-upload")
            running[name, upload_id] = done
            try:
                async with self._server.views.taken(name):
                    pieces, reserve = _pieces(account, upload), account.options.min_free_space
                    async with spooled(pieces, self._server.tmp, reserve, upload.size) as file:
                        owner = user_of(self._server.config.current, name)
                        await add_file(account, file, target, done, owner, self._server.tmp)
            except NoEntries as error:
                raise UserError(reason_of(error)) from None
            except Unreadable as error:
                raise UserError(worded("can't read this file: {reason}", reason=error)) from None
            finally:
                running.pop((name, upload_id), None)
                # Removed in any case: after a failure the user chooses the file again, and a copy of all contacts must
                # not stay for a day.
                await account.write(lambda tx: drop_upload(tx, key))
        problems = [remark(problem) for problem in done.problems]
        return FileImported(done.added, done.known, done.unread, done.dropped, problems)


async def _pieces(account: IndexedAccount, upload: Upload) -> AsyncIterator[bytes]:
    for number in range(-(-upload.size // PIECE_SIZE)):
        yield await account.scan(partial(upload_piece, upload=upload, number=number), op="entries-upload")
