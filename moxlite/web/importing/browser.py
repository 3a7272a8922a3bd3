"""Imports by a browser (WEB-72..76, WEBMAIL-141).

The files come as a form, the import runs in the background, and its progress is an event stream of its own, or part of
the webmail's.

A token names an import. It is random, so the stream needs no session: a page that has the token may listen, and resumes
after a reload or a lost connection.

The parsers of forms and archives take half a megabyte. The first import loads them, in a thread.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias, cast

import msgspec
import trio

from moxlite import lazyimport
from moxlite.encoding import from_json, to_json
from moxlite.processor import off_loop
from moxlite.store.errors import BadMailboxName, ImportFailed, StoreError
from moxlite.store.imports import items as told
from moxlite.store.imports.items import Form as FileForm, Into, Order, Part
from moxlite.store.names import INBOX, check_name
from moxlite.store.types import Meaning
from moxlite.web import metrics
from moxlite.web.calls import encode_error
from moxlite.web.errors import APIError, Conflict, NotFound, ServerFailed, StorageRefused, TooLarge, UserError
from moxlite.web.guards import refuse_foreign
from moxlite.web.headers import API_HEADERS, SERVICE_HEADERS
from moxlite.web.http.encoding import COMMENT, EVENT_STREAM_HEADERS, encode_event
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import query_parameters
from moxlite.web.http.messages import Response
from moxlite.web.sessions import Sessions
from moxlite.web.storeerrors import api_error
from moxlite.wording import reason_of, worded

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.store.auth.sessions import Session
    from moxlite.store.imports.engine import Imports
    from moxlite.store.imports.items import Event as StoreEvent, Progress
    from moxlite.wakeup import Alarm
    from moxlite.web.cookies import Caller
    from moxlite.web.http.exchange import Request, ResponseWriter
    from moxlite.web.importing.upload import CountingFile, Form


logger = logging.getLogger("moxlite.web.importing")

TICK: Final = 1.0  # seconds between two checks of how far the file was read, while a page listens
KEEPALIVE: Final = 30.0  # seconds of silence before a keepalive, as in the webmail's streams (WEBMAIL-33)
SLICE: Final = 64 << 10  # octets of events that are written together: an import may have 10,000 mailboxes
MAX_FILES: Final = 1_000  # files that a user chooses at a time in the webmail; more are packed into one
MAX_ANSWERS: Final = 1_000  # labels of Gmail whose meaning a form tells; a page is asked for 200
MAX_LISTENERS: Final = 20  # pages that follow one import
SURE_AFTER: Final = 2.0  # seconds after which the pace predicts how long the rest will take
OWN_ARCHIVES: Final = "you can only import archives into your own folders, because an import can create folders"
BUSY: Final = "an import into this account is already running"
UNKNOWN_FILE: Final = (
    "can't import this file. Choose a zip, tar.gz, or tar file with mail, an mbox file, or a message (.eml)"
)


class TargetMailbox(msgspec.Struct, frozen=True):
    """The mailbox that a user of the webmail chose: its owner's account, its name there, and its id in the browser."""

    account: str
    mailbox: str
    into: Into
    mailbox_id: int


Choose: TypeAlias = "Callable[[Session], Awaitable[TargetMailbox]]"


class Job(msgspec.Struct):
    """An import that a page follows. `file` is None for an import of the command line; `began` is in seconds of Trio's
    clock. `user` began it in the webmail for the mailbox `mailbox_id`; "" for other imports.
    """

    file: CountingFile | None
    began: float
    user: str = ""
    mailbox_id: int = 0
    listeners: int = 0


class BrowserImports:
    """The imports that browsers start. `imports` is the engine, shared with the command line."""

    def __init__(self, imports: Imports, config: CurrentConfig) -> None:
        self._imports = imports
        self._config = config
        self._jobs: dict[bytes, Job] = {}
        self._alarms: dict[str, set[Alarm]] = {}

    # Calls

    def state(self, account: str) -> ImportState:
        """Token of the account's import, and whether a file is being uploaded for one."""
        progress = self._imports.of(account)
        return ImportState("" if progress is None else progress.token.hex(), self._imports.uploading(account))

    async def check(self, account: str, size: int) -> None:
        """Check whether a file of `size` octets can be imported now. Raises Conflict, TooLarge, StorageRefused."""
        await _load()
        from moxlite.web.importing.upload import DISK_FULL, room_for

        self._require_free(account)
        store = self._config.current.static.store
        if size > store.import_max_size:
            raise TooLarge(
                worded(
                    "this file exceeds the import limit ({most} bytes)",
                    most=store.import_max_size,
                )
            )
        # A call of the operating system, which waits for a slow disk.
        if not await trio.to_thread.run_sync(room_for, self._directory, size, store.min_free_space):
            raise StorageRefused(DISK_FULL)

    def abort(self, account: str, token: str) -> None:
        """Abort an import into an account, or one that its user began, with nothing changed. Raises NotFound, UserError
        if it has finished already.
        """
        progress = self._find(token)
        if progress is None or account not in (progress.account, self._user(progress)):
            raise NotFound("import not found; finished imports are only listed for one minute")
        try:
            self._imports.abort(progress.token)
        except ImportFailed as e:
            raise UserError(reason_of(e)) from e

    # Imports of the webmail

    def begun_by(self, user: str) -> list[tuple[Progress, Job]]:
        """The imports that a user began in the webmail, running or ended within the last minute."""
        found = [(self._imports.find(token), job) for token, job in self._jobs.items() if job.user == user]
        return [(progress, job) for progress, job in found if progress is not None]

    @contextmanager
    def watched(self, user: str, alarm: Alarm) -> Iterator[None]:
        """Set the alarm whenever the user begins an import in the webmail."""
        alarms = self._alarms.setdefault(user, set())
        alarms.add(alarm)
        try:
            yield
        finally:
            alarms.discard(alarm)
            if not alarms:
                self._alarms.pop(user, None)

    def _user(self, progress: Progress) -> str:
        job = self._jobs.get(progress.token)
        return "" if job is None else job.user

    # The file

    async def receive(
        self, caller: Caller, sessions: Sessions, writer: ResponseWriter, choose: Choose | None = None
    ) -> None:
        """Answer ``POST import``: receive the file, start the import, return its token. `choose` finds the mailbox that
        a user of the webmail chose, which may get several files.
        """
        request = caller.request
        if request.method != "POST":
            raise HTTPError(405, "Use POST to upload files.", (("allow", "POST"),))
        refuse_foreign(request)
        try:
            session = await sessions.check(caller)
            token = await self._receive(request, None if choose is None else await choose(session), session.account)
        except APIError as e:
            response = _refused(e)
        except StoreError as e:
            refusal = api_error(e)
            if refusal is None:
                raise
            response = _refused(refusal)
        else:
            response = Response(200, API_HEADERS, to_json({"token": token.hex()}))
        await writer.respond(response)

    async def _receive(self, request: Request, chosen: TargetMailbox | None, user: str) -> bytes:
        await _load()
        from moxlite.store.imports.engine import close_file
        from moxlite.web.importing.upload import receive_form

        account = user if chosen is None else chosen.account
        self._require_free(account)
        # Between the check and this there is no await, so that two uploads cannot both find the account free. Parallel
        # ones would fill the disk before the engine refuses the second.
        with self._imports.upload(account, user):
            store = self._config.current.static.store
            form = await receive_form(
                request,
                directory=self._directory,
                limit=store.import_max_size,
                reserve=store.min_free_space,
                most=1 if chosen is None else MAX_FILES,
            )
            begun = False
            try:
                # By their content, not by names or types: browsers call an mbox anything.
                forms = await off_loop(partial(_recognised, form), kind="import")
                order = _order(form, forms, store.import_max_size, chosen)
                job = Job(form.file, trio.current_time())
                if chosen is not None:
                    job.user, job.mailbox_id = user, chosen.mailbox_id
                token = self._begin(account, order, job)
                begun = True
            finally:
                if not begun:
                    await close_file(cast("BinaryIO", form.file))
        for alarm in self._alarms.get(job.user, ()):
            alarm.set()
        kv = {"account": account, "octets": form.file.size, "form": order.form.value, "files": len(form.files)}
        logger.info("import started in browser", extra={"kv": kv})
        return token

    def _begin(self, account: str, order: Order, job: Job) -> bytes:
        """Start the import and return its token. Raises Conflict if the command line started one meanwhile;
        ServerFailed.
        """
        if self._runs(account):
            raise Conflict(BUSY)
        self._forget()
        progress = self._imports.begin(account, user=job.user)
        try:
            self._imports.start(progress, order, cast("BinaryIO", job.file))
        except ImportFailed as e:
            progress.finish(told.Aborted(str(e)))
            raise ServerFailed(reason_of(e)) from e
        self._jobs[progress.token] = job
        metrics.account_imports.inc()
        return progress.token

    def _runs(self, account: str) -> bool:
        progress = self._imports.of(account)
        return progress is not None and progress.end is None

    def _require_free(self, account: str) -> None:
        """Raise Conflict if the account has an import (STORE-130)."""
        if self._imports.uploading(account) or self._runs(account):
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
            raise HTTPError(405, "Use GET to read events.", (("allow", "GET"),))
        progress = self._find(query_parameters(request).get("token", ""))
        if progress is None:
            raise HTTPError(400, "Import not found. Finished imports are only listed for one minute.")
        job = self._jobs.get(progress.token)
        if job is None:
            self._forget()
            # An import of the command line: it gets a job only to count its listeners.
            job = self._jobs[progress.token] = Job(None, trio.current_time())
        if job.listeners >= MAX_LISTENERS:
            raise HTTPError(
                503, "This import is open in too many windows. Close one and try again.", (("retry-after", "60"),)
            )
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
        # Looked at after the events were written: the last one says how the import ended.
        if listener.ended or request.drain.begun:
            return
        with request.drain.waiting() as scope:
            # The engine wakes listeners for its own events, not for octets: how far the file was read is seen by
            # looking.
            scope.deadline = trio.current_time() + TICK
            await listener.wait()


def _event(event: StoreEvent) -> ImportEvent:
    """Translate an event of the store to one of the app."""
    match event:
        case told.Step(title):
            return ImportStep(title)
        case told.Share(percent):
            return ImportShare(percent)
        case told.Count(mailbox, count):
            return ImportCount(mailbox, count)
        case told.Trouble(text):
            return ImportProblem(text)
        case told.Note(text):
            return ImportNote(text)
        case told.LabelQuestion(labels):
            return ImportAsked([ImportLabel(*msgspec.structs.astuple(label)) for label in labels])
        case told.Done(messages, problems, dry_run, _):
            return ImportDone(messages, problems, dry_run)
        case told.Aborted(text):
            return ImportAborted(text)


def _progress(progress: Progress, file: CountingFile, seconds: float) -> ImportProgress:
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
        held += encode_event(str(event.__struct_config__.tag), to_json(event))
        if len(held) >= SLICE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _load() -> None:
    for name in ("moxlite.web.importing.upload", "moxlite.store.imports.sources"):
        await lazyimport.load(name)


def _recognised(form: Form) -> list[FileForm | None]:
    """In a thread: the formats of the files by their first octets. The position of the file is at its beginning."""
    from moxlite.store.imports.sources import RECOGNISED, recognise

    forms = []
    for sent in form.files:
        form.file.seek(sent.start)
        forms.append(recognise(form.file.read(min(RECOGNISED, sent.size))))
    form.file.seek(0)
    form.file.octets = 0
    return forms


def _order(form: Form, forms: list[FileForm | None], max_size: int, chosen: TargetMailbox | None) -> Order:
    """The import that the form asks for. Raises UserError."""
    fields = dict(form.fields)
    names = ("", "") if chosen is not None else (fields.pop("skip_mailbox_prefix", ""), fields.pop("mailbox", ""))
    prefix, mailbox = names
    answers = "" if chosen is not None else fields.pop("labels", "")
    skip, trial = [_flag(name, fields.pop(name, "")) for name in ("skip_duplicates", "dry_run")]
    if fields:
        raise UserError(worded("unknown form field: {name}", name=repr(next(iter(fields))[:80])))
    kinds = [kind for kind in forms if kind is not None]
    if not kinds:
        raise UserError(UNKNOWN_FILE)
    if chosen is not None:
        # A guest may put messages into this mailbox, but make no mailboxes in the account of its owner.
        if chosen.into.guest and not {*kinds} <= {FileForm.MBOX, FileForm.MESSAGE, FileForm.EMLX}:
            raise UserError(OWN_ARCHIVES)
        parts = tuple(
            [Part(sent.name, kind, sent.start, sent.size) for sent, kind in zip(form.files, forms, strict=True)]
        )
        return Order(
            form=kinds[0] if len(parts) == 1 else FileForm.MBOX,
            mailbox=chosen.mailbox,
            max_size=max_size,
            parts=parts if len(parts) > 1 else (),
            into=chosen.into,
            skip_duplicates=skip,
            dry_run=trial,
        )
    try:
        name = check_name(mailbox) if mailbox else INBOX
    except BadMailboxName as e:
        raise UserError(worded("mailbox: {reason}", reason=e)) from e
    # A chosen mailbox takes precedence over Google's labels, which otherwise name the target mailboxes.
    return Order(
        form=kinds[0],
        mailbox=name,
        prefix=prefix,
        labels=not mailbox,
        meanings=_meanings(answers),
        max_size=max_size,
        skip_duplicates=skip,
        dry_run=trial,
    )


def _meanings(text: str) -> dict[str, Meaning]:
    """The field ``labels``: a JSON object, meanings by label. Raises UserError."""
    try:
        found = from_json(text or "{}", dict[str, Meaning])
    except msgspec.DecodeError as e:
        raise UserError(worded("labels: {reason}", reason=e)) from e
    if len(found) > MAX_ANSWERS:
        raise UserError(worded("labels: you can add up to {most}", most=MAX_ANSWERS))
    return found


def _flag(name: str, value: str) -> bool:
    if value not in ("", "0", "1", "false", "true", "on"):
        raise UserError(worded("{name}: must be 1 or 0", name=name))
    return value in ("1", "true", "on")


def _refused(error: APIError) -> Response:
    """The answer to a refused upload. It is not a call of the API, so a missing session is 403 (WEB-55)."""
    status = 403 if error.status == 401 else error.status
    return Response(status, (*API_HEADERS, *error.headers), encode_error(error))


# State and events of an import, as pages are told of them (WEB-73).


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


class ImportNote(Event, frozen=True, tag="note"):
    """Number of files without mail, or of messages that the archive has twice; nothing is lost."""

    message: str


class ImportLabel(msgspec.Struct, frozen=True):
    """A label of Gmail: the number of messages with it, of these the ones that the archive's owner sent, and those that
    were delivered; and what it means: the user's answer, else a proposal.
    """

    name: str
    messages: int
    own: int
    delivered: int
    meaning: Meaning


class ImportAsked(Event, frozen=True, tag="asked"):
    """At the end of a trial: Gmail's labels are in no known language. The import takes what they mean as ``labels``."""

    labels: list[ImportLabel]


class ImportProgress(Event, frozen=True, tag="progress"):
    """Octets of the file read so far, and the seconds left; null while these are unknown."""

    octets: int
    size: int
    messages: int
    seconds_left: int | None


class ImportShare(Event, frozen=True, tag="share"):
    """The percentage of the phase that is done, where that isn't the ``progress`` of a file."""

    percent: int


class ImportDone(Event, frozen=True, tag="done"):
    """The import is complete, with this number of messages and problems. Nothing was stored if it was a dry run."""

    messages: int
    problems: int
    dry_run: bool


class ImportAborted(Event, frozen=True, tag="aborted"):
    """The import ended and changed nothing; the message, for the user, says why."""

    message: str


ImportEvent: TypeAlias = (
    ImportStep
    | ImportCount
    | ImportProblem
    | ImportNote
    | ImportAsked
    | ImportProgress
    | ImportShare
    | ImportDone
    | ImportAborted
)
