"""Types in the APIs of several apps."""

from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(max_length=1000)]  # of a mailbox (STORE-12)
Credential = Annotated[str, Meta(max_length=1024)]  # far above the longest address or password


class KeyElsewhere(msgspec.Struct, frozen=True):
    """A security key that does not work at this address, because it is bound to another host name."""

    name: str
    host: str


class SecondStep(msgspec.Struct, frozen=True):
    """Second factors that `login_factor`, or `confirm`, takes (WEB-151).

    `token` is for `login_factor`, within 5 minutes. `apps` are names of authenticator apps, `keys` of security keys
    that work here. `key_request` is the JSON for ``navigator.credentials.get``, "" without such keys; its challenge
    serves once. `codes`: recovery codes are left. `server_time`: milliseconds since 1970.
    """

    token: str
    apps: list[str]
    keys: list[str]
    keys_elsewhere: list[KeyElsewhere]
    key_request: str
    codes: bool
    server_time: int


class LoginResult(msgspec.Struct, frozen=True):
    """The result of a log-in, which the page keeps. The session's cookie is not included, because scripts must not read
    it.

    With `second_step` the password was right, but there is no session yet: `csrf_token` is "", and `login_factor` has
    to follow. ``device``: this browser stays logged in (WEBMAIL-22a).
    """

    csrf_token: str
    login_address: str
    second_step: SecondStep | None = None
    device: bool = False
