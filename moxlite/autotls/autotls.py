"""The certificates of one CA: watched, renewed, and ordered for new names, without a restart (WEB-112..117, WEB-140).

`AutoTLS.serve` works in rounds: find the wanted names, find which of them are due, order three at a time. The state of
each host is on disk before its order begins, so that a server that crashes in each order does not order at each start.
"""

import hashlib
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from moxlite.autotls import ordering
from moxlite.autotls.challenges import Challenges
from moxlite.autotls.files import Folder, HostKeys, HostState, SavedState, certificate_id
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
from moxlite.autotls.names import listeners_of, no_certificate, order_finding, wanted_names
from moxlite.autotls.ordering import CAFailed, Speak, speak
from moxlite.autotls.reachability import Ports, Reachability
from moxlite.config.snapshot import CurrentConfig, Snapshot
from moxlite.config.static import ACME
from moxlite.config.values import AUTO
from moxlite.findings import Finding
from moxlite.metrics import Counter, Gauge
from moxlite.net.resolver import Resolver
from moxlite.net.tls.certificates import CertificateError, KeyPair, PrivateKey, certificate_names
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.autotls")

LONGEST_SLEEP: Final = 3600.0
"""Seconds between two rounds, because DNS may have changed by then."""

NEW_FOR: Final = 3600.0
LOOK_EVERY: Final = 60.0
"""Seconds for which DNS is asked each `LOOK_EVERY` seconds where a new name points to: its owner is just about to
publish it. Later at each round.
"""

SHORTEST_SLEEP: Final = 5.0
"""Seconds between two rounds at least: a name that is due and cannot be ordered must not keep the loop busy."""

FIRST_ROUND: Final = 1.0
"""Seconds from the start of the server to the first round: its ports accept connections by then."""
PARALLEL: Final = 3
"""Orders in progress: each has a process of 30 MB, and takes some seconds, most of them the CA's."""
AT_ONCE: Final = 10
BETWEEN: Final = 10.0
"""`AT_ONCE` names get their first certificate without a pause; `BETWEEN` seconds pass before each further one
(WEB-115).
"""
KEPT_OUT: Final = " (the port responds locally, so a firewall may be blocking the CA)"
"""Added to an error if the CA could not connect to a port at which we saw our own proof."""
DUE_PART: Final = 3 / 4
"""Share of a certificate's lifetime after which the administrator is warned that it was not renewed (WEB-155)."""

NOT_TRIED: Final = "not renewed yet, without any failed orders"
"""Reason in the warning where there is no other."""


class AutoTLS:
    """Automatic certificates of one ``[acme.NAME]``.

    Args:
      config: gives the present configuration.
      folder: ``data/acme``.
      keys: host keys, used in each order for their hosts.
      eab_key: of the external account binding, base64url.
      clock: seconds UTC.
      choose: picks a random moment between two.
      talk: speaks with the CA.
    """

    def __init__(
        self,
        name: str,
        *,
        config: CurrentConfig,
        folder: Path,
        keys: HostKeys,
        eab_key: str,
        resolver: Resolver,
        challenges: Challenges,
        ports: Ports,
        clock: Callable[[], float] = time.time,
        choose: Callable[[float, float], float] = random.uniform,
        talk: Speak = speak,
    ) -> None:
        self.name: Final = name
        self._config = config
        self._ports = ports
        self._clock = clock
        self._choose = choose
        files = Folder(folder, name)
        self._issuer = Issuer(
            name,
            config=config,
            files=files,
            keys=keys,
            eab_key=eab_key,
            challenges=challenges,
            ports=ports,
            clock=clock,
            talk=talk,
        )
        self._reachability = Reachability(name, resolver, challenges, ports)
        self._states = SavedState(files)
        self._wakeup = Wakeup()
        self._pairs: dict[str, KeyPair] = {}
        self._broken = ""
        self._key_problem = ""

    def load(self) -> None:
        """Read the certificates from disk, and hand them to the ports. Blocks."""
        for host, pair in self._issuer.stored().items():
            self._pairs[host] = pair
            self._ports.put(pair)

    def reconfigured(self, old: Snapshot, new: Snapshot) -> None:
        """Begin a round if the change of domains.toml has changed the wanted names."""
        if wanted_names(old, self.name) != wanted_names(new, self.name):
            self._wakeup.set()

    def look(self) -> None:
        """Begin a round now."""
        self._wakeup.set()

    def use_host_keys(self, host: str, keys: Sequence[PrivateKey]) -> str | None:
        """Order a certificate of a host for the first of these keys soon. None once it is in use; until then the reason
        why it is not, "" if no order has failed.
        """
        self._issuer.use_keys(host, keys)
        pair = self._pairs.get(host)
        if pair is not None and not self._issuer.is_urgent(host, pair):
            return None
        self._wakeup.set()
        return self._reachability.problems(host, self._states.now.hosts.get(host, HostState()).error)

    async def change_account_key(self) -> bool:
        """Let the next round give our account at the CA another key; False without an account. It is on disk when this
        returns, so that a restart does it, too.

        Raises OSError, ValueError: a file of ours cannot be used.
        """
        made = await self._issuer.make_next_key()
        self._wakeup.set()
        return made

    async def serve(self) -> None:
        """Run rounds, for ever.

        Errors: OSError and ValueError about files are logged and tried again; nothing else comes out.
        """
        await trio.sleep(FIRST_ROUND)
        while True:
            self._wakeup.clear()
            try:
                delay = await self.round()
                self._broken = ""
            except (OSError, ValueError) as error:
                cert_request_errors.inc()
                self._broken = f"{error}"
                logger.error("certificate maintenance failed", extra={"kv": {"acme": self.name, "err": str(error)}})
                delay = LONGEST_SLEEP / 12
            with trio.move_on_after(delay):
                await self._wakeup.wait()

    def findings(self) -> list[Finding]:
        """Problems that need the administrator."""
        snapshot, now = self._config.current, self._clock()
        found = [
            order_finding(snapshot, self.name, f"acme {self.name}: {problem}")
            for problem in (self._broken, self._key_problem)
            if problem
        ]
        own = {snapshot.hostname(name).ascii for name in listeners_of(snapshot, self.name)}
        for host in wanted_names(snapshot, self.name):
            pair, state = self._pairs.get(host), self._states.now.hosts.get(host, HostState())
            words, astray = self._reachability.problems(host, state.error), self._reachability.is_astray(host)
            if pair is None:
                if words and host in own:
                    found.append(no_certificate(snapshot, host, words, astray=astray))
                continue
            begin, end = ordering.lifetime(pair.leaf)
            if now > begin + (end - begin) * DUE_PART:
                days = (end - now) / 86400
                text = f"the certificate for {host} expires in {days:.1f} days: {words or NOT_TRIED}"
                found.append(order_finding(snapshot, host, text, astray=astray))
        return found

    async def round(self) -> float:
        """Order the certificates that are due; returns seconds until the next round.

        Raises OSError, ValueError: a file of ours cannot be used.
        """
        snapshot, now = self._config.current, self._clock()
        wanted = wanted_names(snapshot, self.name)
        for host in self._states.now.hosts.keys() - set(wanted):
            del self._states.now.hosts[host]
        for host in wanted:
            self._states.now.hosts.setdefault(host, HostState(since=now))
        self._states.now.set_right(now, ordering.LONGEST_PAUSE)
        self._reachability.keep(wanted)
        await self._ask_for_windows(wanted)
        if await self._keep_account_key():
            await self._try_due(wanted)
        # Anew, with the clock of now: orders may have taken minutes.
        moments = [self._next(host) for host in wanted]
        return min(max(min(moments, default=now) - self._clock(), SHORTEST_SLEEP), LONGEST_SLEEP)

    # Inside

    async def _keep_account_key(self) -> bool:
        """Change the account's key when it is old (WEB-112a). Returns whether orders can be made: the CA has said which
        key it knows us by.

        Raises OSError, ValueError.
        """
        state, now, period = self._states.now, self._clock(), self._issuer.settings.account_key_period
        if now < state.not_before:
            return False
        if not state.key_since:
            state.key_since = now
            await self._states.write()
        try:
            answer = await self._issuer.change_account_key(due=period > 0 and now >= state.key_since + period)
        except CAFailed as error:
            state.key_failures += 1
            state.not_before = now + ordering.pause(state.key_failures, error.retry_after)
            self._key_problem = f"couldn't replace the account key, so certificate orders are paused: {error}"
            cert_request_errors.inc()
            logger.error("account key change failed", extra={"kv": {"acme": self.name, "err": str(error)}})
            await self._states.write()
            return False
        if answer is None:
            return True
        self._key_problem = ""
        kv = {"acme": self.name, "account": answer.account}
        if answer.refused:
            self._key_problem = f"the CA rejected the new account key, so the old one is still used: {answer.refused}"
            logger.error("account key change failed", extra={"kv": {**kv, "err": answer.refused}})
        else:
            logger.info("account key changed", extra={"kv": kv})
        state.key_since, state.key_failures = now, 0
        await self._states.write()
        return True

    async def _try_due(self, wanted: Iterable[str]) -> None:
        """Try the names that are due, in their order, `PARALLEL` at a time. If the CA does not know our account yet,
        they are tried one at a time until one has succeeded, because parallel orders would each create the account.

        Raises the first OSError or ValueError, once all orders have ended.
        """
        places = trio.Semaphore(PARALLEL)
        failures: list[OSError | ValueError] = []
        known = bool(self._pairs) or any(state.ordered for state in self._states.now.hosts.values())
        new = 0

        async def attempt(host: str) -> None:
            try:
                if not self._is_early(host):  # again: an order before may have met the CA's limit for all hosts
                    await self._try(host)
            except (OSError, ValueError) as error:
                failures.append(error)
            finally:
                places.release()

        async with trio.open_nursery() as nursery:
            for host in wanted:
                if self._is_early(host):
                    continue
                if host not in self._pairs:
                    new += 1
                    if new > AT_ONCE:
                        await trio.sleep(BETWEEN)
                await places.acquire()
                if known:
                    nursery.start_soon(attempt, host)
                else:
                    await attempt(host)
                    known = host in self._pairs
        if failures:
            raise failures[0]

    def _is_early(self, host: str) -> bool:
        now = self._clock()
        return now < self._renew_at(host) or now < self._states.now.not_before

    def _renew_at(self, host: str) -> float:
        """Seconds UTC at which the certificate of a host is due for replacement; 0 for a host without a certificate, or
        with one for a key that has to go.
        """
        pair, state = self._pairs.get(host), self._states.now.hosts[host]
        if pair is None or self._issuer.is_urgent(host, pair):
            return 0.0
        before = self._issuer.settings.renew_before
        if before != AUTO:
            at = ordering.fallback(pair.leaf, before)
        elif state.of == certificate_id(pair.leaf) and state.renew_at is not None:
            at = state.renew_at
        else:
            at = ordering.fallback(pair.leaf)
        return max(at, state.ordered + ordering.CHECK_SECONDS)

    def _next(self, host: str) -> float:
        state = self._states.now.hosts[host]
        at = max(self._renew_at(host), state.next_try, self._states.now.not_before)
        return min(at, max(state.ask_at, self._states.now.not_before)) if host in self._pairs else at

    async def _ask_for_windows(self, wanted: Iterable[str]) -> None:
        """Ask the CA for the renewal windows of certificates whose information is out of date (RFC 9773)."""
        now = self._clock()
        if self._issuer.settings.renew_before != AUTO or now < self._states.now.not_before:
            return
        due: dict[str, str] = {}
        for host in wanted:
            pair, state = self._pairs.get(host), self._states.now.hosts[host]
            one = "" if pair is None else certificate_id(pair.leaf)
            ended = pair is None or now > ordering.lifetime(pair.leaf)[1]  # RFC 9773 §4.3: no requests for these
            if one and not ended and (state.of != one or now >= state.ask_at):
                due[host] = one
        if not due:
            return
        windows = await self._issuer.windows(tuple(due.values()))
        for index, (host, one) in enumerate(due.items()):
            state = self._states.now.hosts[host]
            if state.of != one:
                state.of, state.window, state.renew_at = one, None, None
            window = None if windows is None else windows.windows[index]
            if window is None:
                state.ask_at = now + ordering.CHECK_SECONDS * (1 if windows is None else 24)
                continue
            state.ask_at = now + ordering.ask_again(window.again)
            if state.window is None or (state.window.start, state.window.end) != (window.start, window.end):
                state.window = window
                state.renew_at = ordering.moment(self._pairs[host].leaf, window, self._choose)
        await self._states.write()

    async def _try(self, host: str) -> None:
        """Order a certificate if DNS points the name here, and no waiting time applies."""
        snapshot, state, now = self._config.current, self._states.now.hosts[host], self._clock()
        found = await self._reachability.ask_dns(snapshot, host)
        if not found.order:
            wait = LOOK_EVERY if now < state.since + NEW_FOR else ordering.FIRST_PAUSE * 5
            state.next_try = max(state.next_try, now + wait)
            return
        saw = self._seen(found.ips)
        if now < state.next_try and state.saw == saw:
            return
        state.saw = saw
        seen = await self._reachability.rehearse(host, found.ips)
        kinds = tuple(sorted(_kinds(self._ports.kinds, state), key=lambda kind: kind in seen.wrong))
        state.failures += 1  # unless it succeeds; saved before, since the server may crash during the attempt
        state.next_try = now + ordering.pause(state.failures)
        await self._states.write()
        try:
            pair = await self._issuer.order(host, kinds, self._pairs.get(host))
        except (CAFailed, OSError) as error:
            asked = error.retry_after if isinstance(error, CAFailed) else None
            state.error = str(error)
            if isinstance(error, CAFailed) and error.unreached and kinds[0] in seen.well:
                state.error += KEPT_OUT
            state.next_try = self._clock() + ordering.pause(state.failures, asked)
            if asked is not None:
                self._states.now.not_before = self._clock() + ordering.pause(1, asked)
            cert_request_errors.inc()
            kv = {"host": host, "acme": self.name, "failures": state.failures, "err": state.error}
            kv["retry"] = f"{state.next_try - self._clock():.0f}s"
            logger.error("certificate order failed", extra={"kv": kv})
            await self._states.write()
            return
        kind = kinds[0]
        self._reachability.forget_rehearsal(host)
        self._states.now.hosts[host] = HostState(kind=kind, ordered=self._clock(), saw=saw)
        self._pairs[host] = pair
        self._ports.put(pair)
        certput.inc()
        _, end = ordering.lifetime(pair.leaf)
        logger.info("certificate ordered", extra={"kv": {"host": host, "acme": self.name, "ends": utc(end)}})
        await self._states.write()

    def _seen(self, ips: tuple[str, ...]) -> str:
        """Fingerprint of the local settings and addresses. A failed order is retried early when it changes."""
        return hashlib.sha256(repr((ips, self._issuer.settings, self._ports.kinds)).encode()).hexdigest()[:16]


def _kinds(possible: Iterable[ChallengeKind], state: HostState) -> tuple[ChallengeKind, ...]:
    """The kinds of challenges in the order of preference for this try: the kind that worked last is first; after a
    failure, the other one.
    """
    kinds = sorted(possible, key=lambda kind: kind != state.kind)
    turn = state.failures % len(kinds)
    return (*kinds[turn:], *kinds[:turn])


# Requests to one CA: a certificate for a host, and the times at which it wants certificates renewed (WEB-112..114).
#
# `ordering` speaks with the CA in a process of its own.


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
        # A new key for each certificate, except where TLSA records in DNS name the present one.
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
            raise CAFailed(f"can't use the CA's certificate: {error}") from None
        begin, end = ordering.lifetime(pair.leaf)
        # What a CA sends is a stranger's word: a certificate that clients refuse must not take the place of a good one.
        if host not in certificate_names(pair.leaf):
            raise CAFailed(f"the CA's certificate isn't valid for {host}")
        if not begin < end or self._clock() > end:
            raise CAFailed(f"the CA's certificate expired at {utc(end)}; check this machine's clock")
        # On disk before a client sees it: one that a crash loses has to be ordered again, and CAs count that. Let's
        # Encrypt issues five in a week for the same name.
        write = self._files.write_certificate
        await trio.to_thread.run_sync(lambda: write(host, pair, with_key=not keys))
        return pair

    async def windows(self, ids: tuple[str, ...]) -> Windows | None:
        """The renewal windows of certificates (RFC 9773), in the order of their ids; None if the CA does not answer."""
        try:
            answer = await self._talk(WindowsAsked(await self._authority(), ids), lambda _: None)
        except CAFailed as error:
            logger.warning("failed to read renewal times", extra={"kv": {"acme": self.name, "err": str(error)}})
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
    # Without a subject: its common name holds 64 octets, while a host name may have 253 (RFC 8555 §7.4 takes either).
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    unhashed = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return builder.sign(key, None if unhashed else hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def utc(seconds: float) -> str:
    """A time for people."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


# Metrics of automatic certificates (WEB-118, WEB-122).

cert_request_errors = Counter("moxlite_autotls_cert_request_errors", "Failed certificate requests.")
certput = Counter("moxlite_autotls_certput", "Certificates requested and saved.")
not_after = Gauge(
    "moxlite_tls_cert_not_after_seconds", "Expiration time of the certificate in use.", ["host", "listener"]
)
not_before = Gauge("moxlite_tls_cert_not_before_seconds", "Start of the certificate's validity.", ["host", "listener"])
