"""Types in the APIs of several apps."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["Credential", "LoginResult", "Name"]

Name = Annotated[str, Meta(max_length=1000)]  # of a mailbox (STORE-12)
Credential = Annotated[str, Meta(max_length=1024)]  # far above the longest address or password


class LoginResult(msgspec.Struct, frozen=True):
    """The result of a log-in, which the page keeps. The session's cookie is not included, because scripts must not read
    it.
    """

    csrf_token: str
    login_address: str
