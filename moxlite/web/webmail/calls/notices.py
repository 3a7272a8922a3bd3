"""The calls of a browser that is told of new mail (WEBMAIL-122), and of one that stays logged in (WEBMAIL-22a)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from moxlite.logins.secondfactor import FactorKind
from moxlite.proto.webpush import BadSubscription, check_endpoint, check_keys, decode
from moxlite.store.people.devices import add_device
from moxlite.store.people.notices import archive_told
from moxlite.store.types import MessageID
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, UserError
from moxlite.web.logincalls import Answer, LoginCalls
from moxlite.web.types import Credential, LoginResult, Name
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.querytypes import ID
from moxlite.wording import reason_of

Key = Annotated[str, Meta(min_length=1, max_length=100)]
AnyID = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class PushCalls(AccountCalls):
    """Calls of this browser's service worker, and of its page: the device is one of the webmail's session."""

    @call(once=True)
    async def notices_subscribe(
        self,
        caller: Caller,
        endpoint: Annotated[str, Meta(min_length=1, max_length=1000)],
        p256dh: Key,
        auth: Key,
        name: Annotated[str, Meta(min_length=1, max_length=100)],
        replaces: AnyID = 0,
    ) -> int:
        """Tell a browser of new mail, by its subscription at a push service; returns the id of the device. One with the
        same endpoint is changed. ``replaces``: the device of this browser before its push service gave it another
        endpoint.
        """
        session = caller.require()
        try:
            check_endpoint(endpoint)
        except BadSubscription as error:
            raise FieldErrors([FieldError("endpoint", reason_of(error))]) from None
        try:
            public, secret = decode(p256dh), decode(auth)
            check_keys(public, secret)
        except BadSubscription as error:
            raise FieldErrors([FieldError("p256dh", reason_of(error))]) from None
        shown = " ".join(name.split()) or "?"
        async with self._accounts.use(session.account) as account:
            found = await account.write(
                lambda tx: add_device(tx, endpoint, public, secret, shown, max(session.id, 0), replaces=replaces)
            )
        self._server.notices.added()
        return found

    @call(once=True)
    async def notice_archive(self, caller: Caller, message_id: ID) -> None:
        """Move the message of a notice from the Inbox to the archive, and mark it as read.

        A message that is elsewhere by now, or gone, stays as it is.
        """
        async with self._accounts.use(caller.require().account) as account:
            if not await account.write(lambda tx: archive_told(tx, MessageID(message_id))):
                raise UserError("this account doesn't have an Archive folder")


# Calls about a device that stays logged in (WEBMAIL-22a).


class DeviceLogins(LoginCalls):
    """The log-in calls of the webmail: with `stay`, a browser stays logged in."""

    @call(public=True)
    async def login(
        self, caller: Caller, login_token: Name, username: Credential, password: Credential, stay: bool = False
    ) -> LoginResult:
        """Start a session: set its cookie and return its CSRF token; or ask for a second factor."""
        caller.stays = stay
        return await super().login(caller, login_token, username, password)

    @call(public=True)
    async def login_factor(
        self, caller: Caller, token: Name, kind: FactorKind, code: Answer, stay: bool = False
    ) -> LoginResult:
        """Complete a log-in that asked for a second factor: start a session as `login` does."""
        caller.stays = stay
        return await super().login_factor(caller, token, kind, code)
