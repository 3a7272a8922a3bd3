"""Notices to the devices of one account, by requests to push services (RFC 8030, WEBMAIL-122).

A push service is a stranger: its URL came from a browser. So the requests have the address rules, deadline and bounds
of webhooks. A notice has the name of a sender, encrypted for the browser; it never has a subject or text.
"""

from __future__ import annotations

import logging
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.net.httpclient import HTTPError
from moxlite.proto.webpush import BadSubscription, Vapid, check_endpoint, encrypt, make_key
from moxlite.store.people.devices import SECOND, Device, Notice, Outcome, note_outcomes
from moxlite.store.people.notices import pending
from moxlite.web import metrics

if TYPE_CHECKING:
    from moxlite.net.httpclient import HTTPClient
    from moxlite.store.changelog.account import Account

logger = logging.getLogger("moxlite.web.notices")

SECONDS: Final = 10.0
"""Seconds that a push service has to answer."""

MAX_ANSWER: Final = 512
"""Octets read of its answer, which says nothing that counts."""

KEPT: Final = 4 * 3600
"""Seconds for which a push service keeps a notice for a device that is off (RFC 8030 §5.2)."""

TOKEN_SECONDS: Final = 12 * 3600
"""Seconds for which a token is valid; 24 hours are allowed (RFC 8292 §2)."""

PADDED: Final = 256
"""Octets to whose multiple a notice is filled up, so that its size does not tell the sender."""

AT_ONCE: Final = 8
"""Requests at a time, of all accounts."""

GONE: Final = (404, 410)
"""Status codes of a subscription that has ended (RFC 8030 §7.3)."""

BUSY: Final = (429, 503)
"""Status codes whose Retry-After counts."""


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The notice as the service worker of the browser reads it. `sender`: of the newest message; `id`: its id; `more`:
    further messages; `test`: there is no message.
    """

    sender: str = ""
    id: int = 0
    more: int = 0
    test: bool = False


class Teller:
    """Sends notices. Arguments as for `Notices`."""

    def __init__(self, http: HTTPClient, secret: bytes, subject: str) -> None:
        self._http = http
        self._vapid = Vapid(make_key(secret))
        self._subject = subject
        self._limiter = trio.CapacityLimiter(AT_ONCE)

    @property
    def public_key(self) -> str:
        """See `Vapid`."""
        return self._vapid.public

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

        async def one(notice: Notice) -> None:
            outcomes.append(await self._send(notice))

        async with trio.open_nursery() as nursery:
            for notice in notices:
                nursery.start_soon(one, notice)
        again = await self._note(account, outcomes)
        return True, min((at for at in (later, again) if at is not None), default=None)

    async def test(self, account: Account, device: Device) -> str:
        """Send a notice without a message; returns why it was not taken, or "". Raises StoreError."""
        outcome = await self._request(Notice(device, device.told, device.told_at), Payload(test=True))
        await self._note(account, [outcome])
        return outcome.error

    async def _note(self, account: Account, outcomes: list[Outcome]) -> int | None:
        removed, again = await account.write(partial(note_outcomes, outcomes=outcomes))
        for device in removed:
            kv = {"account": account.name, "device": device.name, "failures": device.failures, "err": device.error}
            logger.info("device gets no more notices", extra={"kv": kv})
        return again

    async def _send(self, notice: Notice) -> Outcome:
        if notice.sender is None:
            return Outcome(notice)
        return await self._request(notice, Payload(notice.sender, notice.message_id, notice.more))

    async def _request(self, notice: Notice, payload: Payload) -> Outcome:
        outcome = await self._ask(notice, payload)
        result = "gone" if outcome.gone else "failed" if outcome.error else "ok"
        metrics.notices.labels(result=result).inc()
        kv = {"device": notice.device.id, "result": result, "err": outcome.error or None}
        logger.debug("device told of new mail", extra={"kv": kv})
        return outcome

    async def _ask(self, notice: Notice, payload: Payload) -> Outcome:
        device, plain = notice.device, msgspec.json.encode(payload)
        try:
            origin = check_endpoint(device.endpoint)
            salt, padding = secrets.token_bytes(16), -len(plain) % PADDED
            body = encrypt(plain, device.public, device.secret, salt=salt, padding=padding)
            headers = [
                ("Authorization", self._vapid.authorization(origin, self._subject, int(time.time()) + TOKEN_SECONDS)),
                ("Content-Encoding", "aes128gcm"),
                ("Content-Type", "application/octet-stream"),
                ("TTL", str(KEPT)),
                ("Urgency", "normal"),
            ]
            async with self._limiter:
                answer = await self._http.request(
                    "POST", device.endpoint, headers=headers, body=body, seconds=SECONDS, max_body=MAX_ANSWER
                )
        except BadSubscription as error:  # written by a newer version
            return Outcome(notice, gone=True, error=str(error))
        except HTTPError as error:
            return Outcome(notice, error=str(error))
        if 200 <= answer.status < 300:
            return Outcome(notice)
        pause = answer.header("retry-after") if answer.status in BUSY else ""
        return Outcome(
            notice,
            gone=answer.status in GONE,
            error=f"the push service answered with status {answer.status}",
            pause=int(pause) * SECOND if pause.isascii() and pause.isdigit() and len(pause) <= 6 else 0,
        )
