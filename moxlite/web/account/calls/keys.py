"""Keys of client certificates (WEB-67)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from moxlite.store.auth.tlskeys import TLSKey, pem_problem, read_certificate
from moxlite.web.account.calls.common import AccountCalls, moment
from moxlite.web.account.types import KeyItem
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, FieldError, FieldErrors, NotFound
from moxlite.wording import worded

Certificate = Annotated[str, Meta(max_length=100_000)]
KeyName = Annotated[str, Meta(max_length=256)]
AddressText = Annotated[str, Meta(max_length=1000)]
Fingerprint = Annotated[str, Meta(max_length=100)]


class KeyCalls(AccountCalls):
    """The calls about keys by which programs log in without a password."""

    @call()
    async def key_list(self, caller: Caller) -> list[KeyItem]:
        """The keys of the account, oldest first."""
        return [_item(one) for one in await self._server.auth.keys.of(caller.require().account)]

    @call(audit="key added", confirm=True)
    async def key_add(
        self, caller: Caller, certificate: Certificate, name: KeyName, login_address: AddressText, no_imap_preauth: bool
    ) -> KeyItem:
        """Let the holder of a certificate's key log in with an address of the account."""
        problem = pem_problem(certificate)
        if problem:
            raise FieldErrors([FieldError("certificate", problem)])
        account = caller.require().account
        address = self._address(caller, login_address)
        key = read_certificate(
            certificate.encode(), account, address, name=name.strip(), no_imap_preauth=no_imap_preauth
        )
        return _item(await self._server.auth.keys.add(key))

    @call(audit="key changed", confirm=True)
    async def key_save(self, caller: Caller, old: KeyItem, changed: KeyItem) -> None:
        """Change name, address or use of a key. A conflict if it is no longer the old one."""
        account = caller.require().account
        found = {one.fingerprint: one for one in await self._server.auth.keys.of(account)}.get(old.fingerprint)
        if found is None:
            raise NotFound("the account has no such key")
        if _item(found) != old:
            raise Conflict(
                worded(
                    'this was changed meanwhile: it is "{name}" for {login_address} now',
                    name=found.name,
                    login_address=found.login_address,
                )
            )
        if not changed.name.strip():
            raise FieldErrors([FieldError("name", "is empty")])
        address = self._address(caller, changed.login_address)
        await self._server.auth.keys.change(
            account,
            old.fingerprint,
            name=changed.name.strip(),
            no_imap_preauth=changed.no_imap_preauth,
            login_address=address,
        )

    @call(audit="key removed", confirm=True)
    async def key_remove(self, caller: Caller, fingerprint: Fingerprint) -> None:
        """Forget a key; log-ins with it are refused from the next connection on."""
        if not await self._server.auth.keys.remove(caller.require().account, fingerprint):
            raise NotFound("the account has no such key")

    def _address(self, caller: Caller, text: str) -> str:
        """An address of the account in its canonical form. Raises FieldErrors."""
        found = self._server.config.current.login(text)
        if found is None or found.account != caller.require().account:
            raise FieldErrors([FieldError("login_address", "is not an address of this account")])
        return str(found.canonical)


def _item(one: TLSKey) -> KeyItem:
    return KeyItem(
        fingerprint=one.fingerprint,
        type=one.type,
        name=one.name,
        login_address=one.login_address,
        no_imap_preauth=one.no_imap_preauth,
        created=moment(one.created),
    )
