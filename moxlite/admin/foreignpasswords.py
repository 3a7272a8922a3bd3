"""Password hashes of other servers that wait for their users (STORE-100b): removed after a time, the owner told before.

Taking a hash over is `passwords`; replacing it at the first log-in is `logins`.
"""

import logging
import time
from typing import Final

import trio

from moxlite.admin.notices import notify_postmaster
from moxlite.config.snapshot import CurrentConfig
from moxlite.logins.logins import Logins
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import credential, drop_foreign, is_foreign
from moxlite.store.errors import StoreError

logger = logging.getLogger("moxlite.admin.passwords")

PAUSE_SECONDS: Final = 3600.0
"""Seconds between two looks: a hash outlives its time by an hour at most."""

WARN_SECONDS: Final = 14 * 86_400.0
"""Seconds before the end at which the owner is told: users who come back from a holiday can still be asked."""

MAX_NAMED: Final = 100
"""Accounts that the mail names."""

SUBJECT: Final = "Passwords from the old server will expire"

TEXT: Final = """\
These users haven't logged in since they moved here. In less than {days} days their passwords from the old server will
be removed, and they won't be able to log in with them:

{names}

Ask them to log in once, or give them a link to choose a new password:

moxlite account recovery-link NAME --days 7
"""


class ForeignPasswordCare:
    """Looks after the hashes, once an hour."""

    def __init__(self, config: CurrentConfig, accounts: Accounts, auth: AuthDB, logins: Logins) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self._logins = logins

    async def serve(self) -> None:
        """Look, for ever. Errors: StoreError of auth.db propagates."""
        while True:
            if self._auth.foreign.left:
                await self.look(time.time())
            await trio.sleep(PAUSE_SECONDS)

    async def look(self, now: float) -> None:
        """Remove the hashes whose time is over, and tell the owner of those whose time soon will be."""
        keep = self._config.current.static.foreign_passwords.keep
        warned: list[str] = []
        for name, foreign in list(self._auth.foreign.left.items()):
            age = now - foreign.since / 1e6
            try:
                if not await self._waits(name, drop=age >= keep):
                    await self._auth.foreign.leave(name)
                elif age >= keep - WARN_SECONDS and not foreign.warned:
                    warned.append(name)
            except StoreError as error:
                logger.warning(
                    "failed to check imported password hash", extra={"kv": {"account": name, "err": str(error)}}
                )
        if warned:
            await self._warn(warned)

    async def _waits(self, name: str, *, drop: bool) -> bool:
        """Whether an account still has a hash of another server, which `drop` removes."""
        if self._config.current.account(name) is None:
            return False
        async with self._accounts.use(name) as account:
            stored = await account.read(credential, op="credential")
            if stored is None or not is_foreign(stored):
                return False
            if drop and await account.write(drop_foreign):
                self._logins.forget(name)
                logger.info("imported password hash removed", extra={"kv": {"account": name}})
        return not drop

    async def _warn(self, names: list[str]) -> None:
        shown = names[:MAX_NAMED] + ([f"and {len(names) - MAX_NAMED} more"] if len(names) > MAX_NAMED else [])
        text = TEXT.format(days=int(WARN_SECONDS // 86_400), names="\n".join(shown))
        try:
            once = f"foreign passwords {names[0]} {len(names)}"
            await notify_postmaster(self._accounts, self._config.current, SUBJECT, text, once=once)
        except StoreError as error:
            logger.warning("failed to store expiring-password email", extra={"kv": {"err": str(error)}})
            return
        for name in names:
            await self._auth.foreign.note_warning(name)
