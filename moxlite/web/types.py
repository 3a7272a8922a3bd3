"""What several apps and their browsers say to each other."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["Credential", "LoginResult", "Name"]

Name = Annotated[str, Meta(max_length=1000)]  # of a mailbox (STORE-12)
Credential = Annotated[str, Meta(max_length=1024)]  # far above the longest address or password


class LoginResult(msgspec.Struct, frozen=True):
    """What a browser keeps of a log-in, beside the cookie that it cannot read."""

    csrf_token: str
    login_address: str
