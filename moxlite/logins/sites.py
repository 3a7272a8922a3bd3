"""Log-ins at rules of the web server: names and hashes of passwords are in domains.toml (WEB-162, RFC 7617).

Failures count for the networks of SMTP-136, as all others, and for each name. A right password costs one hash, then the
memory of `PasswordChecker`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, final

from moxlite.logins.guessing import NAMELESS
from moxlite.logins.identity import WrongCredentials
from moxlite.proto.sasl import Secrets
from moxlite.store.auth.credentials import Credential, PasswordChecker

if TYPE_CHECKING:
    from moxlite.logins.attempts import Attempts
    from moxlite.logins.identity import LoginRequest

MECHANISM: Final = "httpbasic"


@final
class SiteLogins:
    """Verifies the passwords of rules."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._checker = PasswordChecker()

    async def check(
        self, request: LoginRequest, site: str, users: Mapping[str, str], username: str, password: str
    ) -> None:
        """Check a name and its password.

        Args:
          site: the host of the rule.
          users: hash by name.

        Raises RateLimited, WrongCredentials.
        """
        await self._attempts.admit(request)
        # All unknown names of a site count as one, so that made-up names do not fill the memory.
        key = f"{NAMELESS}{site}/{username if username in users else ''}"
        attempt = await self._attempts.book_account(request, key)
        with attempt:
            hashed = users.get(username)
            stored = None if hashed is None else Credential(hashed, Secrets())
            if not await self._checker.verify(key, stored, password):
                wrong = WrongCredentials("bad name or password")
                raise self._attempts.refuse(request, MECHANISM, username, wrong, result="badpassword", attempt=attempt)
            attempt.give_back()
