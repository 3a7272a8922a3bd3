"""Making the due calls (QUEUE-91, QUEUE-92, WEB-108, WEB-111).

A URL gets three calls at a time, one while it fails. There is never more than one call about a message, so that its
events arrive in order. Calls to servers that do not answer use a limit of their own.
"""

import base64
import hashlib
import hmac
import logging
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.acceptance.messagejson import IncomingMessage, IncomingMeta, NameAddress, PartJSON
from moxlite.admin.notices import notify_account
from moxlite.config.domains import Account, IncomingWebhook, OutgoingWebhook
from moxlite.config.transports import webhook_keys
from moxlite.encoding import to_json
from moxlite.net.admission import guard
from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.net.log import bind_cid, new_cid
from moxlite.proto.address import Address
from moxlite.queue import metrics
from moxlite.queue.context import Context
from moxlite.queue.schedule import SECOND
from moxlite.queue.webhooks.events import Event, Outgoing, keep_hooks, moment
from moxlite.queue.webhooks.keeping import (
    INCOMING,
    INTERRUPTED,
    MAX_HOOKS,
    MAX_OCTETS,
    CallResult,
    Hook,
    finish_call,
    is_behind,
    mark_call,
)
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader
from moxlite.wording import mail_text

SUBJECT: Final = mail_text("Your webhooks aren't being delivered")
LINES: Final = (
    mail_text("Your web server hasn't responded to webhooks for some time."),
    mail_text(
        "The queue is full ({number} webhooks or {size} MiB). New events are dropped.",
        number=MAX_HOOKS,
        size=MAX_OCTETS >> 20,
    ),
    "",
    mail_text("Your mail isn't affected. When your web server responds again, queued webhooks will be delivered."),
)

logger = logging.getLogger("moxlite.queue.webhooks")

MAX_CALLS: Final = 10
"""Calls at a time, silent ones not counted (QUEUE-92)."""

WITH_SILENT: Final = 3
"""Factor of MAX_CALLS that limits all calls, silent ones included; bounds file descriptors."""

SILENT_SECONDS: Final = 5.0
"""Seconds after which a call without an answer counts as silent, and not towards MAX_CALLS."""

MAX_PER_URL: Final = 3
MAX_FAILING: Final = 1000
"""URLs remembered as failing; of others three calls are made at a time again until one has failed."""

CALL_SECONDS: Final = 60.0
MAX_RESPONSE: Final = 512
"""Octets of an answer that are read and kept: enough for an error message."""

RECHECK_SECONDS: Final = 3600.0
"""Maximum seconds of sleep; `changed` ends it."""

FAILED_SECONDS: Final = 60.0
"""Seconds until a hook is tried again after an error of the database."""

RECORD_SECONDS: Final = 30.0
"""Seconds for a write that must not be cut off."""

CANDIDATES: Final = 20
"""Due calls read at once: calls under way and full servers are left out by the query, so none of them is in vain."""

DUE: Final = """
SELECT id, url, msg_id, next_attempt FROM hook INDEXED BY hook_due
WHERE url NOT IN (SELECT value FROM json_each(?1)) AND id NOT IN (SELECT value FROM json_each(?2))
AND (msg_id = 0 OR msg_id NOT IN (SELECT value FROM json_each(?3))) ORDER BY next_attempt, id LIMIT ?4"""

CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class _Due(msgspec.Struct, frozen=True):
    id: int
    url: str
    msg_id: int
    next_attempt: int


class Caller:
    """Makes calls. `changed` is called after each commit that may make one due."""

    def __init__(self, ctx: Context, database: Database) -> None:
        self._ctx = ctx
        self._database = database
        self._wake = trio.Event()
        self._running: dict[_Due, float] = {}  # since when, of trio's clock
        self._failing: dict[str, None] = {}  # URLs whose latest call has failed, the latest failure last

    def changed(self) -> None:
        """Look again for due calls."""
        self._wake.set()

    @property
    def calls(self) -> int:
        """Number of calls under way."""
        return len(self._running)

    async def serve(self, calls: trio.Nursery) -> None:
        """Make calls, each a task of `calls`, for ever. An interrupted call is made again by its schedule.

        Errors: exceptions of the database are raised; calls under way continue.
        """
        while True:
            self._wake = trio.Event()
            seconds = await self._start_due(calls)
            with trio.move_on_after(min(seconds, RECHECK_SECONDS)):
                await self._wake.wait()

    async def _start_due(self, calls: trio.Nursery) -> float:
        """Start due calls up to the limits; returns the seconds until more may be due."""
        while self._has_room():
            now = self._ctx.clock()
            dues = await self._database.read(partial(_due, args=self._busy()), op="queue webhooks")
            due = [one for one in dues if one.next_attempt <= now]
            if not due:
                return (dues[0].next_attempt - now) / SECOND if dues else float("inf")
            for one in due:
                if self._has_room() and not self._is_busy(one):
                    self._running[one] = trio.current_time()
                    calls.start_soon(self._run, one)
        now_here = trio.current_time()
        waits = (since + SILENT_SECONDS - now_here for since in self._running.values())
        return min((seconds for seconds in waits if seconds > 0), default=float("inf"))

    def _has_room(self) -> bool:
        now = trio.current_time()
        well = sum(now - since < SILENT_SECONDS for since in self._running.values())
        return well < MAX_CALLS and len(self._running) < MAX_CALLS * WITH_SILENT

    def _full(self) -> list[str]:
        """URLs with their maximum number of calls under way."""
        number = Counter(one.url for one in self._running)
        return [url for url, count in number.items() if count >= (1 if url in self._failing else MAX_PER_URL)]

    def _busy(self) -> tuple[str, str, str, int]:
        ids = [one.id for one in self._running]
        messages = [one.msg_id for one in self._running if one.msg_id]
        full, running, about = (to_json(values).decode() for values in (self._full(), ids, messages))
        return full, running, about, CANDIDATES

    def _is_busy(self, one: _Due) -> bool:
        about = one.msg_id and any(other.msg_id == one.msg_id for other in self._running)
        return bool(about) or one in self._running or one.url in self._full()

    async def _run(self, due: _Due) -> None:
        """Make one call, from marking to its outcome."""
        done = False
        try:
            with bind_cid(new_cid()), guard("queue"):
                try:
                    await self._make(due.id)
                    done = True
                except StoreError as error:
                    logger.error("queue database failed", extra={"kv": {"err": error, "webhook": due.id}})
            if not done:
                await trio.sleep(FAILED_SECONDS)
        finally:
            del self._running[due]
            self.changed()

    async def _make(self, hook_id: int) -> None:
        ctx = self._ctx
        hook: Hook | None = None
        # Shielded: cancelled after the commit, the call would be counted but not made.
        with trio.move_on_after(RECORD_SECONDS, shield=True):
            hook = await self._database.write(partial(mark_call, hook_id=hook_id, now=ctx.clock(), random=ctx.random))
        if hook is None:
            return
        result = CallResult(ctx.clock(), error=INTERRUPTED)
        try:
            result = await call(ctx.web, hook, ctx.clock(), any_2xx=ctx.config.current.static.queue.webhook_accept_2xx)
        finally:
            self._note(hook, result)
            keep = keep_hooks(ctx.config.current.account(hook.account))
            with trio.move_on_after(RECORD_SECONDS, shield=True):
                await self._database.write(
                    partial(finish_call, hook_id=hook_id, result=result, now=ctx.clock(), keep=keep)
                )
        if not result.success:
            await tell_if_behind(ctx, self._database, hook.account)

    def _note(self, hook: Hook, result: CallResult) -> None:
        self._failing.pop(hook.url, None)
        if not result.success:
            self._failing[hook.url] = None
            if len(self._failing) > MAX_FAILING:
                del self._failing[next(iter(self._failing))]
        outcome = "ok" if result.success else "status" if result.status else "error"
        metrics.webhook_calls.labels(result=outcome).observe(result.duration / SECOND)
        logger.info(
            "webhook called",
            extra={
                "kv": {
                    "err": result.error or None,
                    "webhook": hook.id,
                    "account": hook.account,
                    "event": hook.event,
                    "msg": hook.msg_id or None,
                    "url": hook.url.partition("?")[0],  # a query may hold a secret
                    "attempt": hook.attempts,
                    "status": result.status or None,
                    "seconds": result.duration / SECOND,
                }
            },
        )


def _due(r: Reader, args: tuple[str, str, str, int]) -> list[_Due]:
    return [_Due(*row) for row in r.rows(DUE, *args)]


def headers_of(hook: Hook, now: int, *, call_id: str = "") -> list[tuple[str, str]]:
    """The header fields of a call at `now`, µs UTC (WEB-108, WEB-111). `call_id`: in place of the hook's id, for
    receivers that drop repeated calls.
    """
    fields = [("Content-Type", "application/json; charset=utf-8")]
    for prefix in ("X-Moxlite", "X-Mox"):
        fields += [(f"{prefix}-Webhook-ID", str(hook.id)), (f"{prefix}-Webhook-Attempt", str(hook.attempts))]
    if hook.authorization:
        fields.append(("Authorization", hook.authorization))
    return fields + _signed(call_id or str(hook.id), now // SECOND, hook)


def _signed(call_id: str, seconds: int, hook: Hook) -> list[tuple[str, str]]:
    """The header fields of Standard Webhooks: receivers verify them with ready libraries. Each attempt is signed anew,
    because receivers refuse old times.
    """
    fields = [("webhook-id", call_id), ("webhook-timestamp", str(seconds))]
    content = f"{call_id}.{seconds}.".encode() + hook.payload
    signatures = [
        "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        for key in webhook_keys(hook.secret)
    ]
    return [*fields, ("webhook-signature", " ".join(signatures))] if signatures else fields


async def call(client: HTTPClient, hook: Hook, now: int, *, any_2xx: bool, call_id: str = "") -> CallResult:
    """Make one call. Status 200 is a success, with `any_2xx` any 2xx. `call_id` as in `headers_of`."""
    began = trio.current_time()
    try:
        answer = await client.request(
            "POST",
            hook.url,
            headers=headers_of(hook, now, call_id=call_id),
            body=hook.payload,
            seconds=CALL_SECONDS,
            max_body=MAX_RESPONSE,
        )
    except HTTPError as error:
        return CallResult(now, _since(began), error=str(error))
    success = answer.status == 200 or (any_2xx and 200 <= answer.status < 300)
    return CallResult(
        now,
        _since(began),
        success,
        answer.status,
        "" if success else f"status {answer.status}",
        CONTROLS.sub(" ", answer.body.decode(errors="replace")).strip(),
    )


def _since(began: float) -> int:
    return int((trio.current_time() - began) * SECOND)


async def tell_if_behind(ctx: Context, database: Database, account: str) -> None:
    """Store a notice in the account's Inbox if no more calls are kept for it; once in 7 days. Raises StoreError."""
    if not await database.read(partial(is_behind, account=account), op="webhook room"):
        return
    snapshot = ctx.config.current
    settings = snapshot.account(account)
    own = (
        next((destination for destination in settings.destinations if not destination.startswith("@")), None)
        if settings
        else None
    )
    if own is None:
        return
    once = f"webhooks behind {account}"
    try:
        await notify_account(ctx.accounts, snapshot, account, Address.parse(own), SUBJECT, LINES, once=once)
    except (AccountUnknown, AccountRemoved):
        return


# Samples of all events, sent to an account's web servers at once: ``queue webhook test`` (QUEUE-96).


SAMPLE_SUBJECT: Final = "Webhook test"


class SampleCall(msgspec.Struct, frozen=True):
    """A call with a sample of an event, and its result."""

    event: str
    url: str
    result: CallResult


async def call_samples(ctx: Context, name: str, account: Account) -> list[SampleCall]:
    """Call the account's web servers with a sample of each event that they get, once each, all at the same time.

    All ids of queue, hook and message in a sample are 0.
    """
    now = ctx.clock()
    any_2xx = ctx.config.current.static.queue.webhook_accept_2xx
    address = next(
        (destination for destination in account.destinations if not destination.startswith("@")), f"{name}@localhost"
    )
    message_id = f"<test.{secrets.token_hex(8)}@{ctx.config.current.static.hostname.ascii}>"
    samples = list(_samples(account, address, message_id, now))
    results: dict[int, CallResult] = {}

    async def run(number: int, hook: Hook) -> None:
        call_id = f"test_{secrets.token_hex(8)}"
        results[number] = await call(ctx.web, hook, ctx.clock(), any_2xx=any_2xx, call_id=call_id)

    async with trio.open_nursery() as calls:
        for number, (event, target, payload) in enumerate(samples):
            hook = Hook(
                id=0,
                msg_id=0,
                from_id="",
                message_id=message_id,
                subject=SAMPLE_SUBJECT,
                account=name,
                url=target.url,
                event=event,
                submitted=now,
                attempts=1,
                results=(),
                size=len(payload),
                payload=payload,
                authorization=target.authorization,
                secret=target.secret,
                next_attempt=now,
            )
            calls.start_soon(run, number, hook)
    return [SampleCall(event, target.url, results[number]) for number, (event, target, _) in enumerate(samples)]


def _samples(
    account: Account, address: str, message_id: str, now: int
) -> Iterator[tuple[str, OutgoingWebhook | IncomingWebhook, bytes]]:
    outgoing = account.outgoing_webhook
    if outgoing is not None:
        for event in Event:
            if not outgoing.events or event in outgoing.events:
                yield event, outgoing, to_json(_outgoing(event, message_id, now))
    if account.incoming_webhook is not None:
        yield INCOMING, account.incoming_webhook, to_json(_incoming(address, message_id, now))


def _outgoing(event: Event, message_id: str, now: int) -> Outgoing:
    code, secode, error = {
        Event.FAILED: (550, "5.1.1", "550 5.1.1 no such user"),
        Event.DELAYED: (451, "4.7.1", "451 4.7.1 try again later"),
        Event.SUPPRESSED: (0, "", "address was manually added to the account's suppression list"),
    }.get(event, (0, "", ""))
    return Outgoing(
        event=event,
        dsn=event in (Event.RELAYED, Event.EXPANDED),
        suppressing=False,
        queue_msg_id=0,
        from_id="",
        message_id=message_id,
        subject=SAMPLE_SUBJECT,
        webhook_queued=moment(now),
        smtp_code=code,
        smtp_enhanced_code=secode,
        error=error,
        extra={},
    )


def _incoming(address: str, message_id: str, now: int) -> IncomingMessage:
    text = "This is a test.\n"
    part = PartJSON(
        content_type="text/plain",
        content_type_params={"charset": "us-ascii"},
        content_id="",
        content_disposition="",
        filename="",
        decoded_size=len(text) + 1,
        parts=[],
    )
    meta = IncomingMeta(
        msg_id=0,
        mail_from=address,
        mail_from_validated=False,
        msg_from_validated=False,
        rcpt_to=address,
        dkim_verified_domains=[],
        remote_ip="",
        received=moment(now),
        mailbox_name="Inbox",
        automated=True,
    )
    return IncomingMessage(
        from_=[NameAddress("", address)],
        to=[NameAddress("", address)],
        cc=[],
        bcc=[],
        reply_to=[],
        subject=SAMPLE_SUBJECT,
        message_id=message_id,
        in_reply_to="",
        references=[],
        date=moment(now),
        text=text,
        html="",
        structure=part,
        meta=meta,
    )
