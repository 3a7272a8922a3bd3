"""Commands of the control socket about keys of client certificates (STORE-104, ADMIN-19)."""

import datetime as dt
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from moxlite.admin.domains.requests import TLSKeyAdd, TLSKeyInfo, TLSKeyList, TLSKeyName
from moxlite.admin.edits import named_account
from moxlite.config.holder import ConfigHolder
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.tlskeys import KeyExists, KeyRefused, TLSKey, read_certificate


class TLSKeyCommands:
    """``moxlite config tlspubkey``."""

    def __init__(self, config: ConfigHolder, auth: AuthDB) -> None:
        self._config = config
        self._auth = auth

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "config tlspubkey list": Command(TLSKeyList, self.list),
            "config tlspubkey get": Command(TLSKeyName, self.get),
            "config tlspubkey add": Command(TLSKeyAdd, self.add),
            "config tlspubkey rm": Command(TLSKeyName, self.remove),
        }

    async def list(self, args: TLSKeyList, exchange: Exchange) -> list[TLSKeyInfo]:
        """Keys of one account, or of all."""
        if args.account:
            named_account(self._config, args.account)
        return [_info(key) for key in await self._auth.keys.of(args.account or None)]

    async def get(self, args: TLSKeyName, exchange: Exchange) -> TLSKeyInfo:
        """One key, with its certificate."""
        return _info(await self._find(args.fingerprint), certificate=True)

    async def add(self, args: TLSKeyAdd, exchange: Exchange) -> TLSKeyInfo:
        """Let the holder of a key log in with an address."""
        recipient = self._config.current.login(args.address)
        if recipient is None:
            raise CommandFailed("notFound", f'"{args.address}" is not an address of an account', "address")
        try:
            key = read_certificate(
                args.certificate.encode(),
                recipient.account,
                str(recipient.canonical),
                name=args.name,
                no_imap_preauth=args.no_imap_preauth,
            )
        except KeyRefused as error:
            raise CommandFailed("badRequest", str(error), "certificate") from None
        try:
            return _info(await self._auth.keys.add(key))
        except KeyExists:
            raise CommandFailed("refused", f"the key {key.fingerprint} is known already", "certificate") from None

    async def remove(self, args: TLSKeyName, exchange: Exchange) -> None:
        """Forget a key."""
        key = await self._find(args.fingerprint)
        if not await self._auth.keys.remove(key.account, key.fingerprint):
            raise CommandFailed("notFound", f"there is no key {args.fingerprint}")

    async def _find(self, fingerprint: str) -> TLSKey:
        key = await self._auth.keys.find(fingerprint)
        if key is None:
            raise CommandFailed("notFound", f"there is no key {fingerprint}")
        return key


def _info(key: TLSKey, *, certificate: bool = False) -> TLSKeyInfo:
    pem = x509.load_der_x509_certificate(key.certificate).public_bytes(Encoding.PEM).decode() if certificate else ""
    created = dt.datetime.fromtimestamp(key.created // 1_000_000, dt.UTC)
    return TLSKeyInfo(
        key.fingerprint,
        key.account,
        key.login_address,
        key.name,
        key.type,
        key.no_imap_preauth,
        f"{created:%Y-%m-%d %H:%M}",
        pem,
    )
