"""The notice that a stranger has the password of an account (SMTP-57a).

Where app passwords are demanded, a right own password from a network in which the account has never logged in is
answered as a wrong one. Only its owner hears that it was right, by mail, once a day.
"""

import logging
import random
import time
from datetime import UTC, datetime
from typing import Final

import trio

from moxlite import lazyimport
from moxlite.config.snapshot import AccountRecipient, CurrentConfig
from moxlite.logins.identity import LoginRequest
from moxlite.proto.address import Address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import StoreError
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.admin.logins")

PAUSE_SECONDS: Final = (2.0, 30.0)
"""Bounds of the random time until the mail is stored: its work must not show in the time of an answer."""

SUBJECT: Final = "your password is known to a stranger, or a mail program needs an app password"

TEXT: Final = """\
The right password of your account {account} was given from {ip} ({protocol}), a network in which you have never
logged in. The log-in was refused, because mail programs need an app password here. Nothing was read or sent.

If that was a mail program of yours: make an app password for it, on the account page under Devices.
If it was not: a stranger knows your password. Change it on the account page, and wherever else you use it.

This message comes at most once a day.
"""


class KnownPasswords:
    """Sends the mail. At most one waits for each account."""

    def __init__(self, config: CurrentConfig, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts
        self._waiting: dict[str, tuple[Address, LoginRequest]] = {}
        self._days: dict[str, str] = {}
        self._wakeup = Wakeup()

    def given(self, recipient: AccountRecipient, request: LoginRequest) -> None:
        """Take note of a right password from a strange network; as cheap as the rest of a refusal."""
        self._waiting.setdefault(recipient.account, (recipient.canonical, request))
        self._wakeup.set()

    async def serve(self) -> None:
        """Store the mails. One that its account does not take is given up until the next log-in of that kind."""
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            await trio.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311  no secret
            while self._waiting:
                account, (address, request) = self._waiting.popitem()
                day = datetime.fromtimestamp(time.time(), UTC).date().isoformat()
                if self._days.get(account) != day and await self._tell(account, address, request, day):
                    self._days[account] = day

    async def _tell(self, account: str, address: Address, request: LoginRequest, day: str) -> bool:
        await lazyimport.load("moxlite.admin.notices")
        from moxlite.admin.notices import notify_account

        text = TEXT.format(account=account, ip=request.remote, protocol=request.protocol)
        once = f"known password {account} {day}"
        try:
            snapshot = self._config.current
            await notify_account(self._accounts, snapshot, account, address, SUBJECT, text, once=once)
        except StoreError as error:
            facts = {"account": account, "err": str(error)}
            logger.warning("mail about a known password cannot be stored", extra={"kv": facts})
            return False
        return True
