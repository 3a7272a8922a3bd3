"""Devices of Apple are told of new mail by Apple's push service (XAPPLEPUSHSERVICE, IMAP-164b).

A push says which account and which mailboxes, by hashes, have new mail, and nothing of the mail: the device's Mail
fetches it by IMAP.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec
import trio

from moxlite.decoders import from_json
from moxlite.lazyimport import Lazy
from moxlite.net.httpclient import HTTPClient, HTTPError, HTTPResponse
from moxlite.net.tls.certificates import CertificateError, KeyPair, push_topic
from moxlite.store.people.applepush import (
    ApplePush,
    forget_apple_devices,
    has_apple_devices,
    note_push,
    pending_pushes,
)
from moxlite.store.types import AccountClosing, Flag, MessageAdded
from moxlite.web import metrics
from moxlite.web.notices.rounds import Rounds

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.config.static import Static
    from moxlite.net.http2client import HTTP2Client
    from moxlite.net.httpclient import Roots
    from moxlite.net.resolver import Resolver
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Tx

logger = logging.getLogger("moxlite.web.notices")

PAUSE: Final = 1.0
"""Seconds between a message and its push, and between two pushes to the devices of an account: more may come."""

LONGEST: Final = 3600.0
"""Seconds ahead for which an account is noted."""

SECONDS: Final = 20.0
"""Seconds that the push service has to answer; a new connection takes some."""

MAX_ANSWER: Final = 512
"""Octets read of its answer, which gives a reason."""

KEPT: Final = 86_400
"""Seconds for which the push service keeps a push for a device that is off."""

DEAD: Final = ("BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered")
"""Reasons that end a device."""


class APNs:
    """Apple's push service, and our certificate for it.

    Args:
      server: its URL.
      read: the certificate as it is now; blocks; raises OSError, CertificateError.
      client: makes connections that show a certificate and speak HTTP/2.

    Attributes:
      problem: why the certificate could not be used when it was read last, or "".
    """

    def __init__(self, server: str, read: Callable[[], KeyPair], client: Callable[[KeyPair], HTTPClient]) -> None:
        self._server = urlsplit(server)
        self._read, self._client = read, client
        self._pair: KeyPair | None = None
        self._topic = ""
        self._http = Lazy(self._make)
        self.problem = self.look()

    def look(self) -> str:
        """Read the certificate; returns why it cannot be used, or "". Blocks."""
        try:
            pair = self._read()
            self._pair, self._topic = pair, push_topic(pair.leaf)
        except OSError as error:
            return f"imap.apple_push: cannot read {error.filename}: {error.strerror}"
        except CertificateError as error:
            return f"imap.apple_push: {error}"
        return "" if self.topic else f"imap.apple_push: the certificate has ended at {pair.leaf.not_valid_after_utc}"

    @property
    def topic(self) -> str:
        """The name by which devices know our pushes; "" without a certificate that is valid."""
        if self._pair is None or self._pair.leaf.not_valid_after_utc.timestamp() < time.time():
            return ""
        return self._topic

    def _make(self) -> HTTP2Client:
        from moxlite.net.http2client import HTTP2Client

        return HTTP2Client(self._connect, self._server.netloc)

    async def _connect(self) -> trio.abc.Stream:
        self.problem = await trio.to_thread.run_sync(self.look)  # it may have been renewed
        if self.problem or self._pair is None:
            raise HTTPError(self.problem)
        stream = await self._client(self._pair).connect("https", self._server.hostname or "", self._server.port or 443)
        if not isinstance(stream, trio.SSLStream) or stream.selected_alpn_protocol() != "h2":
            await trio.aclose_forcefully(stream)
            raise HTTPError(f"{self._server.hostname} does not speak HTTP/2")
        return stream

    async def serve(self, needed: trio.Event) -> None:
        """Keep the connection, once there is anything to send."""
        await needed.wait()
        await (await self._http.get()).serve()

    async def send(self, push: ApplePush) -> HTTPResponse:
        """Raises HTTPError."""
        # Apple's Mail hashes the names as LIST tells them, where INBOX is in capitals.
        names = ["INBOX" + name[5:] if name.partition("/")[0] == "Inbox" else name for name in push.names]
        hashes = [hashlib.md5(name.encode("utf-8", "replace"), usedforsecurity=False).hexdigest() for name in names]
        body = msgspec.json.encode({"aps": {"account-id": push.device.account_id, "m": hashes}})
        headers = [
            ("apns-topic", self._topic),
            ("apns-push-type", "alert"),
            ("apns-expiration", str(int(time.time()) + KEPT)),
        ]
        http = await self._http.get()
        return await http.post(f"/3/device/{push.device.token}", headers, body, seconds=SECONDS, max_body=MAX_ANSWER)


Note: TypeAlias = "Callable[[Tx], int | None]"
"""Notes in the account what became of a push; returns when the device may be tried again, as `note_push`."""


class AppleNotices(Rounds):
    """Tells devices of Apple of new mail. `apns`: None without a certificate."""

    def __init__(self, accounts: Accounts, apns: APNs | None) -> None:
        super().__init__(accounts, what="devices of Apple")
        self._apns = apns
        self._registered = trio.Event()
        self._needed = trio.Event()

    @property
    def topic(self) -> str:
        """As `APNs`; "" without a certificate."""
        return "" if self._apns is None else self._apns.topic

    def problems(self) -> list[str]:
        """Why the certificate cannot be used, if so."""
        return [] if self._apns is None or not self._apns.problem else [self._apns.problem]

    @property
    def pause(self) -> float:
        """As `Rounds`."""
        return PAUSE

    def registered(self, account: str) -> None:
        """Watch the accounts that have a device by now: one was added."""
        self._registered.set()
        self._registered = trio.Event()
        self._accounts.look_again()

    def end(self, account: str, app_password: str) -> None:
        """Remove the devices that came by an app password, "" for the account's own."""
        self._ended.setdefault(account, set()).add(app_password)
        self.want(account, 0.0)

    async def watch(self, account: Account) -> None:
        """Note an account with devices when unread mail comes; for `Accounts.register_task`. Errors: StoreError
        propagates.
        """
        while True:
            registered = self._registered
            if await account.read(has_apple_devices, op="apple-push"):
                break
            await registered.wait()
        _, cursor = await account.subscribe(op="apple-push")
        try:
            self.want(account.name, PAUSE)  # for what came before, such as the mail that opened the account
            while True:
                await cursor.wait()
                batch = await cursor.take()
                cursor.acknowledge(batch.modseq)
                if any(isinstance(event, AccountClosing) for event in batch.events):
                    return
                if batch.from_log or any(
                    isinstance(event, MessageAdded) and not event.flags & Flag.SEEN for event in batch.events
                ):
                    self.want(account.name, PAUSE)
        finally:
            cursor.close()

    async def serve(self) -> None:
        """As `Rounds`, with the connection to the push service."""
        async with trio.open_nursery() as nursery:
            if self._apns is not None:
                nursery.start_soon(self._apns.serve, self._needed)
            await super().serve()

    async def attend(self, account: OpenAccount) -> None:
        """As `Rounds`."""
        if ended := {*self._ended.get(account.name, ())}:
            await account.write(partial(forget_apple_devices, logins=ended))
            self._removed(account.name, ended)
        pushes, later = await account.scan(partial(pending_pushes, now=time.time_ns() // 1000), op="apple-push")
        if pushes and self._apns is not None:
            self._needed.set()
            self._resting[account.name] = trio.current_time() + PAUSE
            notes: list[Note] = []
            async with trio.open_nursery() as nursery:
                for push in pushes:
                    nursery.start_soon(self._push, self._apns, account.name, push, notes)
            # noted below the nursery, which would make a group of a StoreError, and in one transaction
            moments = await account.write(lambda tx: [note(tx) for note in notes])
            later = min((moment for moment in (later, *moments) if moment is not None), default=None)
        if later is not None:
            self.want(account.name, min(max(PAUSE, later / 1_000_000 - time.time()), LONGEST))

    async def _push(self, apns: APNs, account: str, push: ApplePush, notes: list[Note]) -> None:
        error, reason, pause = "", "", 0
        try:
            answer = await apns.send(push)
        except HTTPError as failure:
            error = str(failure)
        else:
            if answer.status != 200:
                reason = _reason(answer)
                error = f"the push service answered with status {answer.status} {reason}".rstrip()
                after = answer.header("retry-after")
                pause = int(after) * 1_000_000 if after.isascii() and after.isdigit() and len(after) <= 6 else 0
        gone = reason in DEAD
        result = "gone" if gone else "failed" if error else "ok"
        metrics.apple_pushes.labels(result=result).inc()
        kv = {"account": account, "device": push.device.id, "result": result, "err": error or None}
        logger.log(logging.INFO if error else logging.DEBUG, "device of Apple told of new mail", extra={"kv": kv})
        notes.append(partial(note_push, push=push, error=error, gone=gone, pause=pause))


def apple_notices(
    static: Static, accounts: Accounts, read: Callable[[Path], bytes], resolver: Resolver, roots: Roots
) -> AppleNotices:
    """Pushes to devices of Apple, with the certificate of the configuration. `read` gives a file's octets. Blocks."""
    settings = static.imap.apple_push
    if settings is None:
        return AppleNotices(accounts, None)

    def client(pair: KeyPair) -> HTTPClient:
        identity = pair.certificate_pem() + pair.key_pem()
        return HTTPClient(resolver, allow_internal=True, roots=roots.showing(identity, ["h2"]))

    apns = APNs(settings.server, partial(KeyPair.read, settings.cert_file, settings.key_file, read), client)
    if apns.problem:
        logger.error(apns.problem)
    notices = AppleNotices(accounts, apns)
    accounts.register_task("web.apple", notices.watch, lambda _, r: has_apple_devices(r))
    return notices


class _Refusal(msgspec.Struct):
    reason: str = ""


def _reason(answer: HTTPResponse) -> str:
    """Why a push was refused, in Apple's word; "Unregistered" for each 410."""
    try:
        reason = from_json(answer.body, _Refusal).reason if answer.body else ""
    except (msgspec.DecodeError, ValueError):
        reason = ""
    return "Unregistered" if answer.status == 410 else reason[:100]
