"""OAUTHBEARER (RFC 7628) and Google's older XOAUTH2, client side only: moxlite does not issue tokens.

A server that refuses a token sends the reason in a challenge, as JSON. The client answers with the dummy of RFC 7628
§3.2.3; then the server fails the exchange. Microsoft's servers support only XOAUTH2.
"""

from collections.abc import Collection
from typing import Final

from moxlite.proto.sasl.passwords import normalize_username
from moxlite.proto.sasl.types import AuthenticationFailed, ClientMechanism, Malformed

MAX_SHOWN: Final = 300
"""Octets of a server's error challenge that are shown."""

_DUMMY: Final = b"\x01"


class _Bearer:
    """Base class of XOAUTH2 and OAUTHBEARER: one client message, and a dummy answer to an error challenge."""

    name: str
    _answer: bytes

    def __init__(self, username: str, token: str) -> None:
        """Raises ValueError: the token has characters that tokens cannot have (RFC 6750 §2.1)."""
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("this is no bearer token")
        self._username = normalize_username(username)
        self._token = token
        self._explained = ""

    def step(self, challenge: bytes) -> bytes:
        """Keep the server's error challenge and return the dummy answer."""
        if self._explained:
            raise Malformed(f"unexpected {self.name} message")
        self._explained = challenge[:MAX_SHOWN].decode("utf-8", "replace") or "no reason given"
        return self._answer

    def finish(self) -> None:
        """Raise AuthenticationFailed if the server sent an error challenge, whatever its final reply."""
        if self._explained:
            raise AuthenticationFailed(f"the token is refused: {self._explained}")


class OAuthBearerClient(_Bearer):
    """``n,a=user,^Ahost=…^Aport=…^Aauth=Bearer token^A^A`` — RFC 7628 §3.1."""

    name = "OAUTHBEARER"
    _answer = _DUMMY

    def __init__(self, username: str, token: str, *, host: str = "", port: int = 0) -> None:
        """`host`, `port`: address of the connection's server. Raises ValueError."""
        super().__init__(username, token)
        self._where = (f"host={host}\x01" if host else "") + (f"port={port}\x01" if port else "")

    def initial(self) -> bytes:
        """The one message."""
        name = self._username.replace("=", "=3D").replace(",", "=2C")
        return f"n,a={name},\x01{self._where}auth=Bearer {self._token}\x01\x01".encode()


class XOAuth2Client(_Bearer):
    """``user=…^Aauth=Bearer token^A^A``, as Google and Microsoft document it."""

    name = "XOAUTH2"
    _answer = b""

    def initial(self) -> bytes:
        """The one message."""
        return f"user={self._username}\x01auth=Bearer {self._token}\x01\x01".encode()


def choose_oauth(
    offered: Collection[str], username: str, token: str, *, host: str = "", port: int = 0
) -> ClientMechanism | None:
    """Return the best offered mechanism for a token, None if no offered one is supported. Raises ValueError."""
    offers = {name.upper() for name in offered}
    if "OAUTHBEARER" in offers:
        return OAuthBearerClient(username, token, host=host, port=port)
    return XOAuth2Client(username, token) if "XOAUTH2" in offers else None
