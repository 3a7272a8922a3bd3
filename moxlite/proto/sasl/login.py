"""LOGIN (draft-murchison-sasl-login): the user name and the password, each after a prompt. Obsolete, but some devices
support nothing else.
"""

from typing import Final

from moxlite.proto.sasl.passwords import normalize_username, prepare_password
from moxlite.proto.sasl.plain import decode_text
from moxlite.proto.sasl.types import Challenge, CheckPassword, Malformed, Secrets, Step


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
        raise AssertionError("LOGIN asks for no secrets")


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
            raise Malformed("unexpected challenge in LOGIN")
        return self._answers.pop()

    def finish(self) -> None:
        """Raise Malformed if the server reported success before it had the password."""
        if self._answers:
            raise Malformed("LOGIN ended early")
