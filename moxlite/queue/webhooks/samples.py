"""Samples of all events, sent to an account's web servers at once: ``queue webhook test`` (QUEUE-96)."""

import secrets
from collections.abc import Iterator
from typing import Final

import msgspec
import trio

from moxlite.acceptance.messagejson import IncomingMessage, IncomingMeta, NameAddress, PartJSON
from moxlite.config.domains import Account, IncomingWebhook, OutgoingWebhook
from moxlite.queue.context import Context
from moxlite.queue.webhooks.calls import call
from moxlite.queue.webhooks.events import Event, Outgoing, moment
from moxlite.queue.webhooks.keeping import INCOMING
from moxlite.queue.webhooks.rows import CallResult, Hook

SUBJECT: Final = "Test of the webhook"


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
    address = next((one for one in account.destinations if not one.startswith("@")), f"{name}@localhost")
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
                subject=SUBJECT,
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
                yield event, outgoing, msgspec.json.encode(_outgoing(event, message_id, now))
    if account.incoming_webhook is not None:
        yield INCOMING, account.incoming_webhook, msgspec.json.encode(_incoming(address, message_id, now))


def _outgoing(event: Event, message_id: str, now: int) -> Outgoing:
    code, secode, error = {
        Event.FAILED: (550, "5.1.1", "550 5.1.1 no such user"),
        Event.DELAYED: (451, "4.7.1", "451 4.7.1 try again later"),
        Event.SUPPRESSED: (0, "", "address is on the account's suppression list: put there by hand"),
    }.get(event, (0, "", ""))
    return Outgoing(
        event=event,
        dsn=event in (Event.RELAYED, Event.EXPANDED),
        suppressing=False,
        queue_msg_id=0,
        from_id="",
        message_id=message_id,
        subject=SUBJECT,
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
        subject=SUBJECT,
        message_id=message_id,
        in_reply_to="",
        references=[],
        date=moment(now),
        text=text,
        html="",
        structure=part,
        meta=meta,
    )
