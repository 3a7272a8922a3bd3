"""Imports by a browser (WEB-72..76). The file comes as a form, the import runs in the background, and its progress is
an event stream.

A token names an import. It is random, so the stream needs no session: a page that has the token may listen, and resumes
after a reload or a lost connection.

The parsers of forms and archives take half a megabyte. The first import loads them, in a thread.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import msgspec
import trio

from moxlite import lazyimport
from moxlite.store.errors import BadMailboxName, ImportFailed, StoreError
from moxlite.store.imports import progress as told
from moxlite.store.imports.items import Order
from moxlite.store.names import INBOX, check_name
from moxlite.web import metrics
from moxlite.web.account.types import (
    ImportAborted,
    ImportCount,
    ImportDone,
    ImportEvent,
    ImportProblem,
    ImportProgress,
    ImportState,
    ImportStep,
)
from moxlite.web.calls import encode_error
from moxlite.web.errors import APIError, Conflict, NotFound, ServerFailed, StorageRefused, TooLarge, UserError
from moxlite.web.guards import query_parameters, refuse_foreign
from moxlite.web.headers import API_HEADERS, SERVICE_HEADERS
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.events import COMMENT, EVENT_STREAM_HEADERS, encode_event
from moxlite.web.http.messages import Response
from moxlite.web.storeerrors import api_error

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.store.imports.engine import Imports
    from moxlite.store.imports.progress import Event, Progress
    from moxlite.web.account.upload import Counted, Form
    from moxlite.web.cookies import Caller
    from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.web.sessions import Sessions
from moxlite.wording import reason_of, worded

__all__ = ["BrowserImports"]

logger = logging.getLogger("moxlite.web.account")

TICK: Final = 1.0  # seconds between two checks of how far the file was read, while a page listens
KEEPALIVE: Final = 30.0  # seconds of silence before a keepalive, as in the webmail's streams (WEBMAIL-33)
SLICE: Final = 64 << 10  # octets of events that are written together: an import may have 10,000 mailboxes
MAX_LISTENERS: Final = 20  # pages that follow one import
SURE_AFTER: Final = 2.0  # seconds after which the pace predicts how long the rest will take
BUSY: Final = "an import into this account is running already"
UNKNOWN_FILE: Final = (
    "this is no file that can be imported: a zip or tar.gz file with mail, a tar file, an mbox, or one message (.eml)"
)

encoder = msgspec.json.Encoder()


class Job(msgspec.Struct):
    """An import that a page follows. `file` is None for an import of the command line; `began` is in seconds of Trio's
    clock.
    """

    file: Counted | None
    began: float
    listeners: int = 0


class BrowserImports:
    """The imports that browsers start. `imports` is the engine, shared with the command line."""

    def __init__(self, imports: Imports, config: CurrentConfig) -> None:
        self._imports = imports
        self._config = config
        self._uploading: set[str] = set()
        self._jobs: dict[bytes, Job] = {}

    # Calls

    def state(self, account: str) -> ImportState:
        """Token of the account's import, and whether a file is being uploaded for one."""
        found = self._imports.of(account)
        return ImportState("" if found is None else found.token.hex(), account in self._uploading)

    async def check(self, account: str, size: int) -> None:
        """Check whether a file of `size` octets can be imported now. Raises Conflict, TooLarge, StorageRefused."""
        await _load()
        from moxlite.web.account.upload import DISK_FULL, room_for

        self._require_free(account)
        store = self._config.current.static.store
        if size > store.import_max_size:
            raise TooLarge(
                worded(
                    "the file is larger than an import may be ({most} octets)",
                    most=store.import_max_size,
                )
            )
        if not await trio.to_thread.run_sync(room_for, self._directory, size, store.min_free_space):
            raise StorageRefused(DISK_FULL)

    def abort(self, account: str, token: str) -> None:
        """Abort an import with nothing changed. Raises NotFound, UserError if it has finished already."""
        progress = self._find(token)
        if progress is None or progress.account != account:
            raise NotFound("there is no such import, or it ended more than a minute ago")
        try:
            self._imports.abort(progress.token)
        except ImportFailed as e:
            raise UserError(reason_of(e)) from e

    # The file

    async def receive(self, caller: Caller, sessions: Sessions, writer: ResponseWriter) -> None:
        """Answer ``POST import``: receive the file, start the import, return its token."""
        request = caller.request
        if request.method != "POST":
            raise HTTPError(405, "Files are sent by POST.", (("allow", "POST"),))
        refuse_foreign(request)
        try:
            await sessions.check(caller)
            token = await self._receive(request)
        except APIError as e:
            response = _refused(e)
        except StoreError as e:
            refusal = api_error(e)
            if refusal is None:
                raise
            response = _refused(refusal)
        else:
            response = Response(200, API_HEADERS, encoder.encode({"token": token.hex()}))
        await writer.respond(response)

    async def _receive(self, request: Request) -> bytes:
        await _load()
        from moxlite.web.account.upload import receive_form

        account = request.account
        self._require_free(account)
        self._uploading.add(account)
        try:
            store = self._config.current.static.store
            form = await receive_form(
                request, directory=self._directory, limit=store.import_max_size, reserve=store.min_free_space
            )
            begun = False
            try:
                order = _order(form, await trio.to_thread.run_sync(_start_of, form.file), store.import_max_size)
                token = self._begin(account, order, form.file)
                begun = True
            finally:
                if not begun:
                    form.file.close()
        finally:
            self._uploading.discard(account)
        kv = {"account": account, "octets": form.file.size, "form": order.form.value}
        logger.info("import begun by a browser", extra={"kv": kv})
        return token

    def _begin(self, account: str, order: Order, file: Counted) -> bytes:
        """Start the import and return its token. Raises Conflict if the command line started one meanwhile;
        ServerFailed.
        """
        if self._runs(account):
            raise Conflict(BUSY)
        self._forget()
        progress = self._imports.begin(account)
        try:
            self._imports.start(progress, order, cast("BinaryIO", file))
        except ImportFailed as e:
            progress.finish(told.Aborted(str(e)))
            raise ServerFailed(reason_of(e)) from e
        self._jobs[progress.token] = Job(file, trio.current_time())
        metrics.account_imports.inc()
        return progress.token

    def _runs(self, account: str) -> bool:
        found = self._imports.of(account)
        return found is not None and found.end is None

    def _require_free(self, account: str) -> None:
        """Raise Conflict if the account has an import (STORE-130)."""
        if account in self._uploading or self._runs(account):
            raise Conflict(BUSY)

    def _forget(self) -> None:
        for token in [token for token in self._jobs if self._imports.find(token) is None]:
            del self._jobs[token]

    @property
    def _directory(self) -> Path:
        return self._config.current.static.data_dir / "tmp"

    # Progress

    def _find(self, token: str) -> Progress | None:
        try:
            return self._imports.find(bytes.fromhex(token))
        except ValueError:
            return None

    async def tell(self, request: Request, writer: ResponseWriter) -> None:
        """Answer ``GET importprogress``: all events so far, then each new one, until the import ends."""
        if request.method != "GET":
            raise HTTPError(405, "Events are fetched by GET.", (("allow", "GET"),))
        progress = self._find(query_parameters(request).get("token", ""))
        if progress is None:
            raise HTTPError(400, "There is no such import, or it ended more than a minute ago.")
        job = self._jobs.get(progress.token)
        if job is None:
            self._forget()
            job = self._jobs[progress.token] = Job(None, trio.current_time())
        if job.listeners >= MAX_LISTENERS:
            raise HTTPError(503, "Too many pages listen to this import.", (("retry-after", "60"),))
        job.listeners += 1
        try:
            await writer.start(200, (*EVENT_STREAM_HEADERS, *SERVICE_HEADERS))
            await _serve(request, writer, progress, job)
        finally:
            job.listeners -= 1
        await writer.finish()


async def _serve(request: Request, writer: ResponseWriter, progress: Progress, job: Job) -> None:
    """Send events until the import ends or the server stops. Raises ClientGone."""
    listener = progress.listen()
    read = 0
    spoken = trio.current_time()
    while True:
        events = [_event(event) for event in listener.take()]
        if job.file is not None and job.file.octets != read and not listener.ended:
            read = job.file.octets
            events.append(_progress(progress, job.file, trio.current_time() - job.began))
        if events:
            for octets in _slices(events):
                await writer.write(octets)
            spoken = trio.current_time()
        elif trio.current_time() - spoken >= KEEPALIVE:
            await writer.write(COMMENT)
            spoken = trio.current_time()
        if listener.ended or request.drain.begun:
            return
        with request.drain.waiting() as scope:
            scope.deadline = trio.current_time() + TICK
            await listener.wait()


def _event(event: Event) -> ImportEvent:
    """Translate an event of the store to one of the app."""
    match event:
        case told.Step(title):
            return ImportStep(title)
        case told.Count(mailbox, count):
            return ImportCount(mailbox, count)
        case told.Trouble(text):
            return ImportProblem(text)
        case told.Done(messages, problems, dry_run):
            return ImportDone(messages, problems, dry_run)
        case told.Aborted(text):
            return ImportAborted(text)


def _progress(progress: Progress, file: Counted, seconds: float) -> ImportProgress:
    """Octets read so far, and the seconds left at this pace."""
    octets = min(file.octets, file.size)  # parts of a zip file are read twice
    left = None
    if seconds >= SURE_AFTER and octets:
        left = math.ceil(seconds * (file.size - octets) / octets)
    return ImportProgress(octets, file.size, progress.messages, left)


def _slices(events: list[ImportEvent]) -> Iterator[bytes]:
    """Encoded events, joined to slices of about `SLICE` octets."""
    held = bytearray()
    for event in events:
        held += encode_event(str(event.__struct_config__.tag), encoder.encode(event))
        if len(held) >= SLICE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _load() -> None:
    for name in ("moxlite.web.account.upload", "moxlite.store.imports.sources"):
        await lazyimport.load(name)


def _start_of(file: Counted) -> bytes:
    """In a thread: read the first octets, then rewind the file."""
    from moxlite.store.imports.sources import RECOGNISED

    start = file.read(RECOGNISED)
    file.seek(0)
    file.octets = 0
    return start


def _order(form: Form, start: bytes, max_size: int) -> Order:
    """The import that the form asks for. Raises UserError."""
    from moxlite.store.imports.sources import recognise

    fields = dict(form.fields)
    prefix, mailbox = fields.pop("skip_mailbox_prefix", ""), fields.pop("mailbox", "")
    flags = {name: _flag(name, fields.pop(name, "")) for name in ("skip_duplicates", "dry_run")}
    if fields:
        raise UserError(worded("the form has an unknown field {name}", name=repr(next(iter(fields))[:80])))
    kind = recognise(start)
    if kind is None:
        raise UserError(UNKNOWN_FILE)
    try:
        name = check_name(mailbox) if mailbox else INBOX
    except BadMailboxName as e:
        raise UserError(worded("mailbox: {reason}", reason=e)) from e
    # A chosen mailbox takes precedence over Google's labels, which otherwise name the target mailboxes.
    return Order(form=kind, mailbox=name, prefix=prefix, labels=not mailbox, max_size=max_size, **flags)


def _flag(name: str, value: str) -> bool:
    if value not in ("", "0", "1", "false", "true", "on"):
        raise UserError(worded("{name}: 1 or 0 is expected", name=name))
    return value in ("1", "true", "on")


def _refused(error: APIError) -> Response:
    """The answer to a refused upload. It is not a call of the API, so a missing session is 403 (WEB-55)."""
    status = 403 if error.status == 401 else error.status
    return Response(status, (*API_HEADERS, *error.headers), encode_error(error))
