"""PLAIN (RFC 4616): authorization identity, user name and password in one message, separated by NUL."""

from typing import Final

from moxlite.proto.sasl.passwords import normalize_username, prepare_password
from moxlite.proto.sasl.types import AuthorizationFailed, Challenge, CheckPassword, Malformed, Secrets, Step


def decode_text(data: bytes) -> str:
    """Decode the UTF-8 text of a SASL message. Raises Malformed."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("credentials are not UTF-8") from error


class PlainServer:
    """Server side of PLAIN."""

    name: Final = "PLAIN"

    def step(self, data: bytes | None) -> Step:
        """Read the one message; without an initial response, return an empty challenge first."""
        if data is None:
            return Challenge(b"")
        fields = data.split(b"\0")
        if len(fields) != 3:
            raise Malformed("PLAIN needs three fields parted by NUL")
        authzid, username, password = (decode_text(field) for field in fields)
        username = normalize_username(username)
        if not username or not password:
            raise Malformed("empty user name or password")
        if authzid and normalize_username(authzid) != username:
            raise AuthorizationFailed("acting as another user is not supported")
        return CheckPassword(username, password, authzid)

    def credentials(self, *secrets: Secrets) -> Step:
        """PLAIN needs no stored secrets."""
        raise AssertionError("PLAIN asks for no secrets")


class PlainClient:
    """Client side of PLAIN."""

    name: Final = "PLAIN"

    def __init__(self, username: str, password: str) -> None:
        self._message = f"\0{normalize_username(username)}\0{prepare_password(password)}".encode()

    def initial(self) -> bytes:
        """The whole message."""
        return self._message

    def step(self, challenge: bytes) -> bytes:
        """Answer the empty challenge, the only one that PLAIN has."""
        if challenge:
            raise Malformed("unexpected challenge in PLAIN")
        return self._message

    def finish(self) -> None:
        """Do nothing: PLAIN does not authenticate the server."""
