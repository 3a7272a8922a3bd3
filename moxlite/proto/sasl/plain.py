"""Mechanisms without a secret exchange: PLAIN, LOGIN, EXTERNAL, XOAUTH2 and OAUTHBEARER, and the preparation of user
names and passwords.

PLAIN (RFC 4616): authorization identity, user name and password in one message, separated by NUL.
"""

from collections.abc import Collection
from typing import Final

from moxlite.normal import normalized
from moxlite.proto.address import MARKS
from moxlite.proto.sasl.types import (
    AuthenticationFailed,
    AuthorizationFailed,
    Challenge,
    CheckCertificate,
    CheckPassword,
    ClientMechanism,
    Malformed,
    Secrets,
    Step,
)


def decode_text(data: bytes) -> str:
    """Decode the UTF-8 text of a SASL message. Raises Malformed."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("credentials aren't valid UTF-8") from error


class PlainServer:
    """Server side of PLAIN."""

    name: Final = "PLAIN"

    def step(self, data: bytes | None) -> Step:
        """Read the one message; without an initial response, return an empty challenge first."""
        if data is None:
            return Challenge(b"")
        fields = data.split(b"\0")
        if len(fields) != 3:
            raise Malformed("PLAIN requires three NUL-separated fields")
        authzid, username, password = (decode_text(field) for field in fields)
        username = normalize_username(username)
        if not username or not password:
            raise Malformed("empty user name or password")
        if authzid and normalize_username(authzid) != username:
            raise AuthorizationFailed("logging in on behalf of another user isn't supported")
        return CheckPassword(username, password, authzid)

    def credentials(self, *secrets: Secrets) -> Step:
        """PLAIN needs no stored secrets."""
        raise AssertionError("PLAIN doesn't use stored secrets")


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
            raise Malformed("unexpected PLAIN challenge")
        return self._message

    def finish(self) -> None:
        """Do nothing: PLAIN does not authenticate the server."""


# LOGIN (draft-murchison-sasl-login): the user name and the password, each after a prompt. Obsolete, but some devices
# support nothing else.


class LoginServer:
    """Server side of LOGIN. Some clients compare the prompts with these texts."""

    name: Final = "LOGIN"

    def __init__(self) -> None:
        self._username: str | None = None

    def step(self, data: bytes | None) -> Step:
        """Read the user name (also as initial response), then the password, each after a prompt."""
        if data is None:
            return Challenge(b"Username:")
        if self._username is None:
            self._username = normalize_username(decode_text(data))
            return Challenge(b"Password:")
        password = decode_text(data)
        if not self._username or not password:
            raise Malformed("empty user name or password")
        return CheckPassword(self._username, password)

    def credentials(self, *secrets: Secrets) -> Step:
        """LOGIN needs no stored secrets."""
        raise AssertionError("LOGIN doesn't use stored secrets")


class LoginClient:
    """Client side of LOGIN: the first challenge asks for the name, the second for the password, whatever they say."""

    name: Final = "LOGIN"

    def __init__(self, username: str, password: str) -> None:
        self._answers = [prepare_password(password).encode(), normalize_username(username).encode()]

    def initial(self) -> None:
        """Return None: the server sends first."""
        return

    def step(self, challenge: bytes) -> bytes:
        """Return the user name, then the password."""
        if not self._answers:
            raise Malformed("unexpected LOGIN challenge")
        return self._answers.pop()

    def finish(self) -> None:
        """Raise Malformed if the server reported success before it had the password."""
        if self._answers:
            raise Malformed("server ended LOGIN early")


# EXTERNAL (RFC 4422 appendix A): the client authenticates by its TLS certificate.


class ExternalServer:
    """Server side of EXTERNAL."""

    name: Final = "EXTERNAL"

    def step(self, data: bytes | None) -> Step:
        """Read the authorization identity, which may be empty."""
        if data is None:
            return Challenge(b"")
        authzid = normalize_username(decode_text(data))
        if "\0" in authzid:
            raise Malformed("NUL in authorization identity")
        return CheckCertificate(authzid)

    def credentials(self, *secrets: Secrets) -> Step:
        """EXTERNAL needs no stored secrets."""
        raise AssertionError("EXTERNAL doesn't use stored secrets")


class ExternalClient:
    """Client side of EXTERNAL."""

    name: Final = "EXTERNAL"

    def __init__(self, authzid: str = "") -> None:
        self._authzid = normalize_username(authzid).encode()

    def initial(self) -> bytes:
        """Return the authorization identity; empty to derive it from the certificate."""
        return self._authzid

    def step(self, challenge: bytes) -> bytes:
        """Answer the empty challenge, the only one that EXTERNAL has."""
        if challenge:
            raise Malformed("unexpected EXTERNAL challenge")
        return self._authzid

    def finish(self) -> None:
        """Do nothing: TLS has authenticated the server."""


# OAUTHBEARER (RFC 7628) and Google's older XOAUTH2, client side only: moxlite does not issue tokens.
#
# A server that refuses a token sends the reason in a challenge, as JSON. The client answers with the dummy of RFC 7628
# §3.2.3; then the server fails the exchange. Microsoft's servers support only XOAUTH2.

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
            raise ValueError("invalid bearer token")
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
            raise AuthenticationFailed(f"the token was rejected: {self._explained}")


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


# Preparation of user names and passwords before they're compared or hashed (RFC 8265).
#
# Passwords follow the PRECIS profile OpaqueString: NFC, other spaces become U+0020, no control characters, not empty.
# User names are mail addresses here, so they are only normalized to NFC; the configuration maps them to accounts.

PASSWORD_LIMIT: Final = 1024  # characters; the store accepts at most 256 octets (STORE-100)


def prepare_password(text: str) -> str:
    """The OpaqueString form; raises ValueError if `text` is empty or holds forbidden characters."""
    if 0 < len(text) <= PASSWORD_LIMIT and text.isascii() and text.isprintable():
        return text  # the profile does not change printable ASCII
    if not text:
        raise ValueError("enter a password")
    if len(text) > PASSWORD_LIMIT:
        raise ValueError("password too long")
    from precis_i18n import get_profile  # 0.3 MB that few passwords need

    try:
        return str(get_profile("OpaqueString").enforce(text))
    except UnicodeError as error:
        raise ValueError("password contains unsupported characters") from error


def normalize_username(text: str) -> str:
    """The name in NFC, without the invisible marks that are pasted with a name of another script."""
    return text if text.isascii() else normalized("NFC", text).strip(MARKS)
