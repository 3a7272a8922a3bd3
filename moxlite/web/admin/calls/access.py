"""The calls about ways into accounts: second factors, recovery links, keys of certificates, limits of log-ins, the
password of the admin app; and removed mail that is brought back (WEB-81).
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import Meta

from moxlite.admin.domains.requests import TLSKeyAdd, TLSKeyInfo, TLSKeyName
from moxlite.admin.factors.requests import FactorReset, FactorsRemoved, LimitInfo, LimitsClear, LinkMade, MakeLink
from moxlite.admin.publicpages import public_page
from moxlite.admin.requests import Undelete, UndeletedMail
from moxlite.net.control.requests import NoArguments
from moxlite.store.auth.tlskeys import TLSKey, pem_problem
from moxlite.store.upkeep.repairs import removed_by_mailbox
from moxlite.web.admin.accesstypes import AccountKey, AccountSecurity, Recoverable, RecoveryLink
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, NotFound
from moxlite.web.factorcalls.types import FactorApp, FactorKey
from moxlite.web.types import Credential

Word = Annotated[str, Meta(max_length=320)]
Certificate = Annotated[str, Meta(max_length=100_000)]
KeyName = Annotated[str, Meta(max_length=256)]
Fingerprint = Annotated[str, Meta(max_length=100)]
Mailbox = Annotated[str, Meta(max_length=4000)]
Moment = Annotated[int, Meta(ge=0, lt=1 << 62)]


class AccessCalls(AdminCalls):
    """Ways into accounts and into the admin app."""

    @call()
    async def account_security(self, caller: Caller, name: Word) -> AccountSecurity:
        """The second factors of an account, and the keys of client certificates that log in to it."""
        addresses = self._addresses_of(name)
        found = await self._server.auth.factors.of(name)
        return AccountSecurity(
            apps=[FactorApp(app.id, app.name, app.created, app.last_used) for app in found.apps],
            keys=[FactorKey(key.id, key.name, key.host, key.created, key.last_used) for key in found.keys],
            codes=found.codes,
            certificates=[_key(one) for one in await self._server.auth.keys.of(name)],
            addresses=addresses,
            links=public_page(self._server.config(), "account") is not None,
        )

    @call(confirm=True)
    async def account_factors_reset(self, caller: Caller, name: Word) -> int:
        """Remove all second factors of an account, and end its web sessions; returns the number of apps and keys."""
        self._addresses_of(name)
        found = await self._console.run("account reset-second-factor", FactorReset(name), FactorsRemoved)
        return found.removed

    @call(confirm=True)
    async def account_recovery_link(self, caller: Caller, name: Word, reset_factors: bool = False) -> RecoveryLink:
        """Make a link by which the user sets a new password, once and within an hour; an older link ends. With
        `reset_factors` its use removes the second factors.
        """
        self._addresses_of(name)
        made = await self._console.run("account recovery-link", MakeLink(name, reset_factors), LinkMade)
        return RecoveryLink(made.url, made.expires)

    @call(confirm=True)
    async def account_key_add(
        self,
        caller: Caller,
        name: Word,
        address: Word,
        certificate: Certificate,
        key_name: KeyName = "",
        no_imap_preauth: bool = False,
    ) -> str:
        """Let the holder of a certificate's key log in with an address of an account; returns the key's fingerprint.
        Without `key_name` the key has the certificate's.
        """
        problems = []
        if address not in self._addresses_of(name):
            problems.append(FieldError("address", "is not an address of this account"))
        problem = pem_problem(certificate)
        if problem:
            problems.append(FieldError("certificate", problem))
        if problems:
            raise FieldErrors(problems)
        args = TLSKeyAdd(address, certificate, key_name.strip(), no_imap_preauth)
        return (await self._console.run("config tlspubkey add", args, TLSKeyInfo)).fingerprint

    @call(confirm=True)
    async def account_key_remove(self, caller: Caller, name: Word, fingerprint: Fingerprint) -> None:
        """Forget a key of an account; log-ins with it are refused from the next connection on."""
        if fingerprint not in [one.fingerprint for one in await self._server.auth.keys.of(name)]:
            raise NotFound("This account has no such key any more.")
        await self._console.do("config tlspubkey rm", TLSKeyName(fingerprint))

    @call()
    async def account_removed(self, caller: Caller, name: Word, since: Moment = 0) -> Recoverable:
        """Mail of an account that was removed at or after `since`, and can be brought back."""
        self._addresses_of(name)
        async with self._server.accounts.use(name) as account:
            found = await account.scan(partial(removed_by_mailbox, since=since), op="admin_removed")
        return Recoverable(found, round(self._server.config().static.store.undelete_grace * 1e6))

    @call()
    async def account_undelete(
        self, caller: Caller, name: Word, since: Moment = 0, mailbox: Mailbox = ""
    ) -> UndeletedMail:
        """Bring removed mail back, of one mailbox or with "" of all."""
        return await self._console.run("account undelete", Undelete(name, since, mailbox), UndeletedMail)

    @call()
    async def limits(self, caller: Caller) -> list[LimitInfo]:
        """Networks and accounts with failed log-ins in the present windows, the most failures first."""
        return await self._console.run("limits list", NoArguments(), list[LimitInfo])

    @call()
    async def limits_clear(self, caller: Caller, ip: Word = "") -> int:
        """Forget the failed log-ins of an address, or with "" all, of accounts too, so that log-ins are looked at
        again. Returns the number of counts that were dropped.
        """
        return await self._console.run("limits clear", LimitsClear(ip), int)

    @call(audit="admin password changed", confirm=True)
    async def password_change(self, caller: Caller, password: Credential) -> int:
        """Set the password of the admin app, and end its other sessions; returns their number."""
        return await self._admin_sessions.set_password(caller, password)

    def _addresses_of(self, name: str) -> list[str]:
        """The addresses of an account with which a key may log in. Raises NotFound if there is no such account."""
        found = self._server.config().account(name)
        if found is None:
            raise NotFound(f"There is no account {name!r}.")
        return [one for one in found.destinations if not one.startswith("@")]


def _key(one: TLSKey) -> AccountKey:
    return AccountKey(
        fingerprint=one.fingerprint,
        type=one.type,
        name=one.name,
        login_address=one.login_address,
        no_imap_preauth=one.no_imap_preauth,
        created=one.created,
    )
