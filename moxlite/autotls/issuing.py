"""Requests to one CA: a certificate for a host, and the times at which it wants certificates renewed (WEB-112..114).

When they are made is decided by `autotls`; `ordering` speaks with the CA in a process of its own.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from moxlite.autotls import timing
from moxlite.autotls.challenges import Challenges
from moxlite.autotls.files import Folder, HostKeys, certificate_id
from moxlite.autotls.messages import (
    Authority,
    ChallengeKind,
    Issued,
    KeyChange,
    KeyChanged,
    Order,
    Registered,
    Windows,
    WindowsAsked,
)
from moxlite.autotls.ordering import CAFailed, Speak
from moxlite.autotls.reachability import Ports
from moxlite.config.snapshot import CurrentConfig
from moxlite.config.static import ACME
from moxlite.net.tls.certificates import CertificateError, KeyPair, PrivateKey, certificate_names

logger = logging.getLogger("moxlite.autotls")


class Issuer:
    """The CA of one ``[acme.NAME]``, and the certificates that it has issued, as they are on disk.

    Args: see `AutoTLS`.
    """

    def __init__(
        self,
        name: str,
        *,
        config: CurrentConfig,
        files: Folder,
        keys: HostKeys,
        eab_key: str,
        challenges: Challenges,
        ports: Ports,
        clock: Callable[[], float],
        talk: Speak,
    ) -> None:
        self.name: Final = name
        self._config = config
        self._files = files
        self._keys = dict(keys)
        self._urgent: set[str] = set()
        self._eab_key = eab_key
        self._challenges = challenges
        self._ports = ports
        self._clock = clock
        self._talk = talk

    @property
    def settings(self) -> ACME:
        """The present settings of the CA."""
        return self._config.current.static.acme[self.name]

    def use_keys(self, host: str, keys: Sequence[PrivateKey]) -> None:
        """Take these keys for a host from now on, and order a certificate for the first of them soon."""
        self._keys[host] = keys
        self._urgent.add(host)

    def is_urgent(self, host: str, pair: KeyPair) -> bool:
        """Whether the certificate in use is for another key than the one that `use_keys` wants."""
        return host in self._urgent and pair.key.public_key() != self._keys[host][0].public_key()

    def stored(self) -> Mapping[str, KeyPair]:
        """The certificates on disk, by host. Blocks."""
        return self._files.read_certificates(self._keys)

    async def order(self, host: str, kinds: tuple[ChallengeKind, ...], old: KeyPair | None) -> KeyPair:
        """Order a certificate that replaces `old`, and write it to disk. Raises CAFailed, OSError, ValueError."""
        keys = self._keys.get(host, ())
        key = keys[0] if keys else ec.generate_private_key(ec.SECP256R1())
        order = Order(
            await self._authority(),
            _request(host, key),
            kinds,
            profile=self.settings.profile or "",
            replaces="" if old is None else certificate_id(old.leaf),
        )
        accounts: list[str] = []
        try:
            with self._challenges.showing(self._ports.tls()) as show:
                answer = await self._talk(
                    order, lambda one: accounts.append(one.account) if isinstance(one, Registered) else show(one)
                )
        finally:
            if accounts:  # also where the order fails: a CAA record may have to name another account
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(self._files.write_account, accounts[0])
        assert isinstance(answer, Issued)
        try:
            pair = KeyPair.of(answer.chain.encode(), key)
        except CertificateError as error:
            raise CAFailed(f"the CA's certificate cannot be used: {error}") from None
        begin, end = timing.lifetime(pair.leaf)
        if host not in certificate_names(pair.leaf):
            raise CAFailed(f"the CA's certificate is not for {host}")
        if not begin < end or self._clock() > end:
            raise CAFailed(f"the CA's certificate ended at {utc(end)}: is our clock right?")
        write = self._files.write_certificate
        await trio.to_thread.run_sync(lambda: write(host, pair, with_key=not keys))
        return pair

    async def windows(self, ids: tuple[str, ...]) -> Windows | None:
        """The renewal windows of certificates (RFC 9773), in the order of their ids; None if the CA does not answer."""
        try:
            answer = await self._talk(WindowsAsked(await self._authority(), ids), lambda _: None)
        except CAFailed as error:
            logger.warning("renewal times not known", extra={"kv": {"acme": self.name, "err": str(error)}})
            return None
        return answer if isinstance(answer, Windows) else None

    async def change_account_key(self, *, due: bool) -> KeyChanged | None:
        """Give our account a new key if that is due, or finish a change that was begun; None if there is nothing to do.

        The new key is on disk before the CA hears of it, and the former one stays until the CA has said which one
        holds. Until then no order may be made: with a key that the CA knows no more, it would make another account.

        Raises CAFailed (nothing is known of the change), OSError, ValueError.
        """
        if due:
            await self.make_next_key()
        new = await trio.to_thread.run_sync(lambda: self._files.next_key(make=False))
        if not new:
            return None
        answer = await self._talk(KeyChange(await self._authority(), new), lambda _: None)
        assert isinstance(answer, KeyChanged)
        if answer.account:
            await trio.to_thread.run_sync(self._files.write_account, answer.account)
        await trio.to_thread.run_sync(lambda: self._files.settle_key(changed=not answer.refused))
        return answer

    async def make_next_key(self) -> bool:
        """Make the next key of our account, which `change_account_key` then gives to it; False without an account.

        Raises OSError, ValueError.
        """
        if not await trio.to_thread.run_sync(self._files.has_account):
            return False
        await trio.to_thread.run_sync(lambda: self._files.next_key(make=True))
        return True

    async def _authority(self) -> Authority:
        settings = self.settings
        binding = settings.external_account_binding
        return Authority(
            directory=str(settings.directory_url),
            contact=settings.contact_email.pack(False),
            account_key=await trio.to_thread.run_sync(self._files.account_key),
            ca_file="" if settings.ca_cert_file is None else str(settings.ca_cert_file),
            eab_kid="" if binding is None else binding.key_id,
            eab_key=self._eab_key,
        )


def _request(host: str, key: PrivateKey) -> str:
    """A certificate request (RFC 2986) as PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    unhashed = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return builder.sign(key, None if unhashed else hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def utc(seconds: float) -> str:
    """A time for people."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
