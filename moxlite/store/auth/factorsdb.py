"""Second factors and recovery links as the rest of the program uses them: one async method per operation of factors.py.

While ``auth.db`` cannot be written, log-ins still work (STORE-105a): used time steps of TOTP are then remembered in
memory. A recovery code needs the file, because nothing else keeps it from being used again after a restart.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from moxlite.store.auth import factors
from moxlite.store.auth.factors import Factors, RecoveryLink, SecurityKey
from moxlite.store.errors import StorageBroken, StorageBusy, StorageFull
from moxlite.store.file.database import Database

logger = logging.getLogger("moxlite.store.auth")

CANNOT_WRITE: Final = (StorageFull, StorageBusy, StorageBroken)


class FactorsDB:
    """Second factors in ``auth.db``. All methods raise StoreError if the file cannot be read.

    Args:
      database: returns the file, or raises StorageBroken.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._used: dict[int, int] = {}  # time steps that could not be stored, by id of the app

    async def of(self, account: str) -> Factors:
        """The second factors of an account."""
        return await self._database().read(lambda r: factors.factors_of(r, account), op="factors")

    async def has(self, account: str) -> bool:
        """Whether a log-in to the account needs a second step."""
        return await self._database().read(lambda r: factors.has_factors(r, account), op="factors")

    async def accounts(self) -> list[str]:
        """All accounts with second factors; `ADMIN` where the administrator has one."""
        return await self._database().read(factors.accounts_with_factors, op="factors")

    async def add_totp(self, account: str, name: str, secret: bytes, step: int) -> list[str]:
        """As `factors.add_totp`."""
        return await self._database().write(lambda tx: factors.add_totp(tx, account, name, secret, step))

    async def add_key(self, account: str, key: SecurityKey) -> list[str]:
        """As `factors.add_key`, with the fields of `key` but its id and times."""
        unit = partial(
            factors.add_key,
            account=account,
            name=key.name,
            host=key.host,
            credential=key.credential,
            public_key=key.public_key,
            sign_count=key.sign_count,
            transports=key.transports,
        )
        return await self._database().write(unit)

    async def take_totp(self, account: str, code: str) -> str | None:
        """As `factors.take_totp`, durable when this returns unless the file cannot be written."""
        database = self._database()
        try:
            return await database.write(lambda tx: factors.take_totp(tx, account, code, used=self._used))
        except CANNOT_WRITE as error:
            logger.warning("use of a code kept in memory", extra={"kv": {"account": account, "err": str(error)}})
        now = time.time_ns() // 1000
        found = await database.read(
            lambda r: factors.find_totp(r, account, code, now=now, used=self._used), op="factors"
        )
        if found is None or self._used.get(found[0], 0) >= found[1]:
            return None
        number, step, name = found
        self._used[number] = step
        return name

    async def take_key(self, account: str, key: SecurityKey, sign_count: int) -> bool:
        """As `factors.take_key`. While the file cannot be written the assertion counts: its challenge serves once."""
        try:
            return await self._database().write(lambda tx: factors.take_key(tx, account, key, sign_count))
        except CANNOT_WRITE as error:
            logger.warning("use of a key not noted", extra={"kv": {"account": account, "err": str(error)}})
            return True

    async def take_recovery_code(self, account: str, code: str) -> bool:
        """As `factors.take_recovery_code`. Raises StorageFull and the like if that cannot be stored."""
        return await self._database().write(lambda tx: factors.take_recovery_code(tx, account, code))

    async def new_recovery_codes(self, account: str) -> list[str]:
        """As `factors.new_recovery_codes`."""
        return await self._database().write(lambda tx: factors.new_recovery_codes(tx, account))

    async def remove(self, account: str, kind: str, number: int) -> str | None:
        """As `factors.remove_factor`."""
        return await self._database().write(lambda tx: factors.remove_factor(tx, account, kind, number))

    async def drop(self, account: str) -> int:
        """As `factors.drop_factors`."""
        return await self._database().write(lambda tx: factors.drop_factors(tx, account))

    # Recovery links (WEB-151a)

    async def new_link(self, account: str, *, reset_factors: bool) -> str:
        """As `factors.new_link`."""
        return await self._database().write(lambda tx: factors.new_link(tx, account, reset_factors=reset_factors))

    async def find_link(self, token: str) -> RecoveryLink | None:
        """The link with this token, if it can still be used."""
        now = time.time_ns() // 1000
        return await self._database().read(lambda r: factors.find_link(r, token, now=now), op="recovery_link")

    async def take_link(self, token: str) -> RecoveryLink | None:
        """As `factors.take_link`."""
        return await self._database().write(lambda tx: factors.take_link(tx, token))
