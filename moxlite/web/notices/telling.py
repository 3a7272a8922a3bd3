"""Notices to the devices of one account, by requests to push services (RFC 8030, WEBMAIL-122).

A notice has the name of a sender, encrypted for the browser; it never has a subject or text.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.store.people.devices import SECOND, Device, Notice, Outcome, note_outcomes
from moxlite.store.people.notices import pending
from moxlite.web import metrics

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.web.notices.requests import PushService

logger = logging.getLogger("moxlite.web.notices")

OCTETS: Final = "application/octet-stream"


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The notice as the service worker of the browser reads it. `sender`: of the newest message; `id`: its id; `more`:
    further messages; `test`: there is no message.
    """

    sender: str = ""
    id: int = 0
    more: int = 0
    test: bool = False


class Teller:
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
        device, plain = notice.device, msgspec.json.encode(payload)
        answer = await self._service.post(device.endpoint, plain, (device.public, device.secret), OCTETS)
        outcome = Outcome(notice, gone=answer.gone, error=answer.error, pause=answer.pause * SECOND)
        result = "gone" if outcome.gone else "failed" if outcome.error else "ok"
        metrics.notices.labels(result=result).inc()
        kv = {"device": notice.device.id, "result": result, "err": outcome.error or None}
        logger.debug("device told of new mail", extra={"kv": kv})
        return outcome
