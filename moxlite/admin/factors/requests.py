"""Arguments and results of commands about second factors and limits of log-ins; imports nothing heavy, because the
command line loads it.
"""

import msgspec

from moxlite.operations import Request


class FactorList(Request, frozen=True):
    """Request for the second factors of an account, ``(admin)``, or "" for all."""

    account: str


class FactorInfo(msgspec.Struct, frozen=True):
    """A second factor. `kind`: app, key or codes; `name`: of the device, or the number of recovery codes left. Times in
    UTC, "" for none.
    """

    account: str
    kind: str
    name: str
    host: str
    created: str
    last_used: str


class FactorReset(Request, frozen=True):
    """Request to remove the second factors of an account, or of ``(admin)``."""

    account: str


class FactorsRemoved(msgspec.Struct, frozen=True):
    """Number of apps and keys that were removed."""

    removed: int


class MakeLink(Request, frozen=True):
    """The account that gets a recovery link, and whether its use removes the second factors."""

    account: str
    reset_factors: bool


class LinkMade(msgspec.Struct, frozen=True):
    """The link, and its end in UTC."""

    url: str
    expires: str


class LimitInfo(msgspec.Struct, frozen=True):
    """Failed log-ins in the present window. `who`: a network, an account, or an account at a network; `network`: that
    network, "" for an account alone. `window`: seconds; `refused`: further log-ins are refused until the window ends.
    """

    who: str
    window: int
    failures: int
    limit: int
    refused: bool
    network: str = ""


class LimitsClear(Request, frozen=True):
    """The address whose failures are forgotten; "" for all, of accounts too."""

    ip: str
