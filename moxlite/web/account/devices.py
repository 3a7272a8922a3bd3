"""One-time links that set up a device (WEB-126).

A logged-in page shows a link, as a QR code. Its secret is in the fragment of the address, which browsers send to no
server: it is in no log, and programs that fetch links for a preview do not see it. The device's page uses the link up
and gets a secret of its own in exchange. The logged-in page then shows the address of the device, and only after a
"yes" there is an app password made, which the device fetches with its secret. So a photographed link is worth nothing.

Links are in memory alone, by the hash of their secret, for ten minutes; a restart of the server ends them.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final, Literal, TypeAlias

import msgspec
import trio

LIFETIME: Final = 600.0
"""Seconds in which a link may be used and confirmed, and again in which the device may fetch its settings."""

SECRET_SIZE: Final = 16
"""Octets of a secret: 128 random bits."""

State: TypeAlias = Literal["waiting", "asking", "issuing", "ready", "refused"]
"""``waiting``: not used yet. ``asking``: a device has used the link and waits for the answer. ``issuing``:
its password is being made. ``ready``: the device may fetch its settings. ``refused``: the user has said no.
"""


class LinkGone(Exception):
    """The link was used, its time is over, or it never existed."""


class Device(msgspec.Struct, kw_only=True):
    """A device that is being set up. ``deadline`` by Trio's clock; ``password`` is "" until it is ready.

    ``remote_ip`` and ``user_agent`` tell where the device is and its browser, "" before it has used the link.
    """

    account: str
    address: str
    name: str
    deadline: float
    link: bytes
    claim: bytes = b""
    state: State = "waiting"
    remote_ip: str = ""
    user_agent: str = ""
    password: str = ""

    def __repr__(self) -> str:
        """Without secrets."""
        return f"Device(account={self.account!r}, state={self.state!r})"


class DeviceLinks:
    """The links of all accounts, one each: a new one replaces the one before."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}

    def start(self, account: str, address: str, name: str) -> str:
        """Make a link; returns its secret. Raises LinkGone while the password of a device is being made."""
        self._drop_old()
        if account in self._devices and self._devices[account].state == "issuing":
            raise LinkGone
        secret = secrets.token_urlsafe(SECRET_SIZE)
        deadline = trio.current_time() + LIFETIME
        self._devices[account] = Device(
            account=account, address=address, name=name, deadline=deadline, link=_hash(secret)
        )
        return secret

    def open(self, secret: str, *, remote_ip: str, user_agent: str) -> str:
        """Use a link up, for the device that asks; returns the device's own secret. Raises LinkGone."""
        self._drop_old()
        hashed = _hash(secret)
        # A scan: each account has one link for ten minutes, and a table by hashes would have to be kept in step.
        device = next((one for one in self._devices.values() if secrets.compare_digest(one.link, hashed)), None)
        if device is None:
            raise LinkGone
        claim = secrets.token_urlsafe(SECRET_SIZE)
        # The link ends in the step that takes it, without an await between: of two devices with one photograph, one
        # gets it.
        device.link, device.claim, device.state = b"", _hash(claim), "asking"
        device.remote_ip, device.user_agent = remote_ip, user_agent[:256]
        return claim

    def look(self, claim: str) -> Device:
        """The device with this secret of its own. Raises LinkGone."""
        self._drop_old()
        hashed = _hash(claim)
        for device in self._devices.values():
            if device.claim and secrets.compare_digest(device.claim, hashed):
                return device
        raise LinkGone

    def of(self, account: str) -> Device | None:
        """The device that an account sets up now, or None."""
        self._drop_old()
        return self._devices.get(account)

    def asking(self, account: str) -> Device:
        """The device that waits for the account's answer. Raises LinkGone, also for a second answer."""
        device = self.of(account)
        if device is None or device.state != "asking":
            raise LinkGone
        return device

    def give(self, device: Device, password: str) -> None:
        """Let the device fetch this password."""
        device.password, device.state = password, "ready"
        device.deadline = trio.current_time() + LIFETIME

    def refuse(self, device: Device) -> None:
        """Tell the device that it gets nothing."""
        device.state = "refused"

    def remove(self, account: str) -> None:
        """Forget the device of an account that is removed: it must not get a password of a later one."""
        self._devices.pop(account, None)

    def _drop_old(self) -> None:
        now = trio.current_time()
        for name in [
            name for name, device in self._devices.items() if device.deadline <= now and device.state != "issuing"
        ]:
            del self._devices[name]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
