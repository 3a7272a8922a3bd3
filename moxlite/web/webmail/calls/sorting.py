"""The calls for notices about sorting: answers while away, failed scripts, stopped forwarding (WEB-158b)."""

from __future__ import annotations

import logging
import time

from moxlite.acceptance.sieve.keeping import SortingNotices, end_vacation, sorting_notices
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.webmail.calls.common import AccountCalls

logger = logging.getLogger("moxlite.web.webmail")


class SortingCalls(AccountCalls):
    """Calls for notices about the sorting of the user's own mail."""

    @call()
    async def sorting_notices(self, caller: Caller) -> SortingNotices:
        """Answers that are being sent, the newest error, and addresses to which nothing is sent on any more."""
        name = caller.require().account
        passed_on = self._server.config.current.passed_on(name)
        async with self._accounts.use(name) as account:
            return await sorting_notices(account, passed_on, time.time_ns() // 1000)

    @call()
    async def vacation_end(self, caller: Caller) -> None:
        """Send no more answers by the vacation form."""
        name = caller.require().account
        async with self._accounts.use(name) as account:
            await account.write(end_vacation)
        logger.info("vacation ended", extra={"kv": {"account": name}})
