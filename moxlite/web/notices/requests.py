"""Requests to push services (RFC 8030), encrypted (RFC 8291) and signed (RFC 8292), for devices and programs alike.

A push service is a stranger: its address came from a browser or a program. So requests have the address rules, deadline
and bounds of webhooks.
"""

from __future__ import annotations

import logging
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.encoding import to_json
from moxlite.net.httpclient import HTTPError
from moxlite.proto.webpush import BadSubscription, Vapid, check_endpoint, encrypt, make_key
from moxlite.store.groupware.alarms import DueAlarm
from moxlite.store.people.devices import SECOND, Device, Notice, Outcome, note_outcomes
from moxlite.store.people.notices import CONTROLS, pending
from moxlite.web import metrics
from moxlite.web.notices.rounds import REQUESTS

if TYPE_CHECKING:
    from moxlite.net.httpclient import HTTPClient
    from moxlite.store.changelog.account import Account


SECONDS: Final = 10.0
"""Seconds that a push service has to answer."""

MAX_ANSWER: Final = 512
"""Octets read of its answer, which says nothing that counts."""

KEPT: Final = 4 * 3600
"""Seconds for which a push service keeps a message for a device that is off (RFC 8030 §5.2)."""

URGENT_KEPT: Final = 3600
"""The same for an alarm, which is of no use later."""

TOKEN_SECONDS: Final = 12 * 3600
"""Seconds for which a token is valid; 24 hours are allowed (RFC 8292 §2)."""

PADDED: Final = 256
"""Octets to whose multiple an encrypted message is filled up, so that its size does not tell what it says."""

GONE: Final = (404, 410)
"""Status codes of a subscription that has ended (RFC 8030 §7.3)."""

BUSY: Final = (429, 503)
"""Status codes whose Retry-After counts."""


class PushResult(msgspec.Struct, frozen=True):
    """The outcome of a request. `error`: why it was not taken, "" if it was; `gone`: the subscription has ended;
    `refused`: the service rejects the request, so it isn't just out of reach or in trouble; `pause`: seconds that the
    service asks for.
    """

    error: str = ""
    gone: bool = False
    refused: bool = False
    pause: int = 0


class PushService:
    """Makes the requests.

    Args:
      http: with the address rules of webhooks.
      secret: gives the key pair by which push services know this server.
      subject: URL by which the operator of a push service reaches us.
    """

    def __init__(self, http: HTTPClient, secret: bytes, subject: str) -> None:
        self._http = http
        self._vapid = Vapid(make_key(secret))
        self._subject = subject

    @property
    def public_key(self) -> str:
        """See `Vapid`."""
        return self._vapid.public

    async def post(
        self, address: str, body: bytes, keys: tuple[bytes, bytes] | None, media_type: str, *, urgent: bool = False
    ) -> PushResult:
        """Send a message. `keys`: the public key and the secret to encrypt it with, None to send it as it is. `urgent`:
        also to a device that saves its battery, and soon or not at all.
        """
        kept, urgency = (URGENT_KEPT, "high") if urgent else (KEPT, "normal")
        headers = [("Content-Type", media_type), ("TTL", str(kept)), ("Urgency", urgency)]
        try:
            origin = check_endpoint(address)
            token = self._vapid.authorization(origin, self._subject, int(time.time()) + TOKEN_SECONDS)
            headers.append(("Authorization", token))
            if keys is not None:
                body = encrypt(body, *keys, salt=secrets.token_bytes(16), padding=-len(body) % PADDED)
                headers.append(("Content-Encoding", "aes128gcm"))
            answer = await self._http.request(
                "POST", address, headers=headers, body=body, seconds=SECONDS, max_body=MAX_ANSWER
            )
        except BadSubscription as error:  # written by a newer version
            return PushResult(str(error), gone=True)
        except HTTPError as error:
            return PushResult(str(error))
        if 200 <= answer.status < 300:
            return PushResult()
        pause = answer.header("retry-after") if answer.status in BUSY else ""
        return PushResult(
            f"the push service returned status {answer.status}",
            gone=answer.status in GONE,
            refused=400 <= answer.status < 500 and answer.status not in BUSY,
            pause=int(pause) if pause.isascii() and pause.isdigit() and len(pause) <= 6 else 0,
        )


# Notices to the devices of one account, by requests to push services (RFC 8030, WEBMAIL-122).
#
# A notice has the name of a sender, or title, place and time of entries of the calendar (DAV-50), encrypted for the
# browser; it never has a subject or text.

logger = logging.getLogger("moxlite.web.notices")

OCTETS: Final = "application/octet-stream"


class Alarm(msgspec.Struct, frozen=True, omit_defaults=True):
    """An alarm of the calendar. `id`: of the entry; `at`: ms UTC of its start, 0 without one; `day`: as YYYY-MM-DD, of
    an entry of whole days.
    """

    id: int
    title: str
    place: str = ""
    at: int = 0
    day: str = ""


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The notice as the service worker of the browser reads it. `sender`: of the newest message; `id`: its id; `more`:
    further messages; `alarms`: of the calendar, beside which there may be no message; `test`: there is no message.
    """

    sender: str = ""
    id: int = 0
    more: int = 0
    alarms: tuple[Alarm, ...] = ()
    test: bool = False


class PushSender:
    """Sends notices."""

    def __init__(self, service: PushService) -> None:
        self._service = service

    @property
    def public_key(self) -> str:
        """See `Vapid`."""
        return self._service.public_key

    async def tell(self, account: Account) -> tuple[bool, int | None]:
        """Tell all devices of an account. Returns whether there was anything to tell, and the moment at which a device
        that could not be told may be tried, µs UTC.

        Raises StoreError.
        """
        now = time.time_ns() // 1000
        notices, later = await account.scan(partial(pending, now=now), op="notices")
        if not notices:
            return False, later
        outcomes: list[Outcome] = []
        limiter = trio.CapacityLimiter(REQUESTS)

        async def one(notice: Notice) -> None:
            async with limiter:
                outcomes.append(await self._send(notice))

        async with trio.open_nursery() as nursery:
            for notice in notices:
                nursery.start_soon(one, notice)
        again = await self._note(account, outcomes)
        return True, min((at for at in (later, again) if at is not None), default=None)

    async def test(self, account: Account, device: Device) -> str:
        """Send a notice without a message; returns why it was not taken, or "". Raises StoreError."""
        outcome = await self._request(Notice(device, device.told, device.told_at, device.alarmed), Payload(test=True))
        await self._note(account, [outcome])
        return outcome.error

    async def _note(self, account: Account, outcomes: list[Outcome]) -> int | None:
        removed, again = await account.write(partial(note_outcomes, outcomes=outcomes))
        for device in removed:
            kv = {"account": account.name, "device": device.name, "failures": device.failures, "err": device.error}
            logger.info("device notifications stopped", extra={"kv": kv})
        return again

    async def _send(self, notice: Notice) -> Outcome:
        if notice.sender is None and not notice.alarms:
            return Outcome(notice)
        alarms = tuple(_shown(alarm) for alarm in notice.alarms)
        return await self._request(notice, Payload(notice.sender or "", notice.message_id, notice.more, alarms))

    async def _request(self, notice: Notice, payload: Payload) -> Outcome:
        device, plain = notice.device, to_json(payload)
        answer = await self._service.post(
            device.endpoint, plain, (device.public, device.secret), OCTETS, urgent=bool(payload.alarms)
        )
        pause = answer.pause * SECOND
        outcome = Outcome(notice, gone=answer.gone, refused=answer.refused, error=answer.error, pause=pause)
        result = "gone" if outcome.gone else "failed" if outcome.error else "ok"
        metrics.notices.labels(result=result).inc()
        kv = {"device": notice.device.id, "result": result, "err": outcome.error or None}
        logger.debug("device notified of new mail", extra={"kv": kv})
        return outcome


def _shown(rung: DueAlarm) -> Alarm:
    title, place = (CONTROLS.sub(" ", text) for text in (rung.title, rung.place))
    return Alarm(rung.resource_id, title, place, 0 if rung.starts is None else rung.starts * 1000, rung.day)
