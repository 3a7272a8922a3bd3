"""Results of the calls about second factors (WEB-151). Times are µs UTC unless a field says otherwise."""

import msgspec

from moxlite.web.factors.qr import QRCode


class FactorApp(msgspec.Struct, frozen=True):
    """An authenticator app."""

    id: int
    name: str
    created: int
    last_used: int


class FactorKey(msgspec.Struct, frozen=True):
    """A security key; it works at `host` only."""

    id: int
    name: str
    host: str
    created: int
    last_used: int


class ProgramUse(msgspec.Struct, frozen=True):
    """A mail program that logged in with the main password, and when it did so last: it stops when two-step log-in is
    turned on. `program`: its name for itself, often "".
    """

    protocol: str
    program: str
    remote_ip: str
    last: int


class FactorState(msgspec.Struct, frozen=True):
    """The second factors. Two-step log-in is on with an app or key. `codes`: recovery codes left.

    `host`: the host name that a new security key would be bound to, "" where none can be made: at an IP address, or
    without https. `programs`: see there; empty if two-step log-in is on. `server_time`: milliseconds since 1970.
    """

    apps: list[FactorApp]
    keys: list[FactorKey]
    codes: int
    host: str
    programs: list[ProgramUse]
    server_time: int


class NewApp(msgspec.Struct, frozen=True):
    """The secret of a new authenticator app, which counts once `totp_finish` has a code of it: as address
    (``otpauth:``), as text to type (base32), and as QR code of the address. `server_time`: milliseconds since 1970.
    """

    uri: str
    secret: str
    qr: QRCode
    server_time: int


class KeyRequest(msgspec.Struct, frozen=True):
    """JSON for ``navigator.credentials.create`` or ``get``."""

    options: str


class FactorAdded(msgspec.Struct, frozen=True):
    """A factor that counts now. `recovery_codes`: 10 with the first factor, else empty; they cannot be read again."""

    name: str
    recovery_codes: list[str]


class RecoveryInfo(msgspec.Struct, frozen=True):
    """The link of `recover`: whose password it sets, its end, whether the user gets a generated password, and whether
    the second factors are removed.
    """

    account: str
    expires: int
    generated: bool
    reset_factors: bool
