"""A call to a webhook with a made-up event, for people who set one up (WEB-68). Nothing of it is stored."""

import datetime as dt
from typing import Final

import msgspec

from moxlite.acceptance.messagejson import IncomingMessage, IncomingMeta, NameAddress, PartJSON
from moxlite.queue.context import Context
from moxlite.queue.webhooks.calls import call
from moxlite.queue.webhooks.events import Event, Outgoing, moment
from moxlite.queue.webhooks.keeping import INCOMING
from moxlite.queue.webhooks.rows import CallResult, Hook

__all__ = ["test_hook"]

SUBJECT: Final = "test call from your account page"


async def test_hook(
    ctx: Context, account: str, url: str, authorization: str, secret: str, *, incoming: bool
) -> CallResult:
    """Call a webhook once, as `calls.call`: without redirects, within 60 s, to addresses of the inner network only if
    ``allow_private_webhooks`` is set.

    Args:
      incoming: the event is about an incoming message, otherwise about a delivered one.
    """
    now = ctx.clock()
    example = f"test@{ctx.config().static.hostname.ascii}"
    payload = msgspec.json.encode(_incoming(example, moment(now)) if incoming else _outgoing(moment(now)))
    hook = Hook(
        id=0,
        msg_id=0,
        from_id="",
        message_id="",
        subject=SUBJECT,
        account=account,
        url=url,
        event=INCOMING if incoming else Event.DELIVERED,
        submitted=now,
        attempts=1,
        results=(),
        size=len(payload),
        payload=payload,
        authorization=authorization,
        secret=secret,
        next_attempt=now,
    )
    return await call(ctx.web, hook, now, any_2xx=ctx.config().static.queue.webhook_accept_2xx)


def _outgoing(now: dt.datetime) -> Outgoing:
    return Outgoing(
        event=Event.DELIVERED,
        dsn=False,
        suppressing=False,
        queue_msg_id=0,
        from_id="",
        message_id="<test@moxlite.invalid>",
        subject=SUBJECT,
        webhook_queued=now,
        smtp_code=0,
        smtp_enhanced_code="",
        error="",
        extra={},
    )


def _incoming(address: str, now: dt.datetime) -> IncomingMessage:
    meta = IncomingMeta(
        msg_id=0,
        mail_from=address,
        mail_from_validated=False,
        msg_from_validated=False,
        rcpt_to=address,
        dkim_verified_domains=[],
        remote_ip="",
        received=now,
        mailbox_name="Inbox",
        automated=True,
    )
    return IncomingMessage(
        from_=[NameAddress(name="moxlite", address=address)],
        to=[NameAddress(name="", address=address)],
        cc=[],
        bcc=[],
        reply_to=[],
        subject=SUBJECT,
        message_id="<test@moxlite.invalid>",
        in_reply_to="",
        references=[],
        date=now,
        text="This is a test.\n",
        html="",
        structure=PartJSON(
            content_type="text/plain",
            content_type_params={},
            content_id="",
            content_disposition="",
            filename="",
            decoded_size=16,
            parts=[],
        ),
        meta=meta,
    )
