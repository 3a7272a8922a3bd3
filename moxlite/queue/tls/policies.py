"""The MTA-STS policies of recipients' domains: looked up, kept in cache.db, and refreshed (RFC 8461; QUEUE-110..113).

A kept policy is in force until it expires, whatever DNS and the web server answer meanwhile: an attacker who blocks
both must not be able to remove it.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import msgspec
import trio

from moxlite.encoding import from_builtins, to_json
from moxlite.mailauth.mtasts import (
    MAX_POLICY,
    Fetch,
    FetchFailed,
    NoPolicy,
    Policy,
    PolicyError,
    Reason,
    fetch_policy,
    find_record,
)
from moxlite.net.httpclient import BadCertificate, HTTPClient, HTTPError, NoHost
from moxlite.net.resolver import Resolver
from moxlite.proto.address import Domain
from moxlite.queue.tls.results import Failure, ResultType
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import DAY, SECOND, Options

logger = logging.getLogger("moxlite.queue.tls.policies")

RECORD_SECONDS: Final = 30.0
"""Seconds for the TXT record, if a policy is kept (QUEUE-112)."""

FETCH_SECONDS: Final = 60.0
"""Seconds for TXT record and policy together (QUEUE-111)."""

BACKOFF: Final = 5 * 60 * SECOND
"""µs without a fetch after a failed one (RFC 8461 §3.3)."""

FORGET_AFTER: Final = 180 * DAY
"""µs without mail after which a policy is deleted (QUEUE-113)."""

REFRESH_AFTER: Final = DAY // 2
FIRST_REFRESH_SECONDS: Final = 600.0
REFRESH_SECONDS: Final = 24 * 3600.0
SPREAD_SECONDS: Final = 3 * 3600.0
"""Times of the daily refresh (QUEUE-113): minimum age of a policy in µs; seconds after a start, between refreshes, and
for one refresh.
"""

BACKED_OFF: Final = "back-off-after-recent-fetch-error"
FALLBACK: Final = "+fallback-to-cached-policy"
"""Reasons in reports (QUEUE-111, QUEUE-112)."""

COLUMNS: Final = "domain, valid_end, last_update, last_use, backoff, failure, record_id, mode, max_age, mx"
GET: Final = f"SELECT {COLUMNS} FROM sts_policy WHERE domain = ?"  # noqa: S608 column names
PUT: Final = f"""
INSERT INTO sts_policy (inserted, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (domain) DO UPDATE SET valid_end = excluded.valid_end, last_update = excluded.last_update,
last_use = excluded.last_use, backoff = excluded.backoff, failure = excluded.failure, record_id = excluded.record_id,
mode = excluded.mode, max_age = excluded.max_age, mx = excluded.mx"""  # noqa: S608 column names
REMOVE: Final = "DELETE FROM sts_policy WHERE domain = ?"
FORGET: Final = "DELETE FROM sts_policy WHERE last_use < ?"
STALE: Final = f"SELECT {COLUMNS} FROM sts_policy WHERE last_update < ? LIMIT ?"  # noqa: S608 column names
PAGE: Final = f"SELECT {COLUMNS} FROM sts_policy WHERE domain > ? ORDER BY domain LIMIT ?"  # noqa: S608 column names

MAX_REFRESHED: Final = 10_000
"""Rows of one refresh, which lasts three hours. The others wait for the next refresh, or for mail."""


class EffectivePolicy(msgspec.Struct, frozen=True):
    """The MTA-STS policy of a domain now, with the result of its look-up.

    Attributes:
      policy: the policy in force, or None.
      failure: failure of the look-up, for the TLS reports.
      unknown: the DNS look-up failed (QUEUE-111), and no policy is kept.
    """

    policy: Policy | None = None
    failure: Failure | None = None
    unknown: bool = False


class STSPolicyRow(msgspec.Struct, frozen=True):
    """A row of `sts_policy`. Times in µs UTC."""

    domain: str
    valid_end: int
    last_update: int
    last_use: int
    backoff: int
    failure: str
    record_id: str
    mode: str
    max_age: int
    mx: str

    @property
    def policy(self) -> Policy | None:
        """The policy; None if a fetch failed without an earlier policy."""
        if not self.mode:
            return None
        return from_builtins({"mode": self.mode, "max_age": self.max_age, "mx": msgspec.json.decode(self.mx)}, Policy)


class Policies:
    """The policies of cache.db. Made by `open`; methods may be called from any task. `clock` in µs UTC."""

    def __init__(
        self,
        database: Database | None,
        resolver: Resolver,
        fetch: Fetch,
        clock: Callable[[], int],
        random: Random,
    ) -> None:
        self._database = database
        self._resolver = resolver
        self._fetch = fetch
        self._clock = clock
        self._random = random

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path | None,
        resolver: Resolver,
        fetch: Fetch,
        clock: Callable[[], int],
        options: Options | None = None,
        *,
        random: Random | None = None,
    ) -> AsyncIterator["Policies"]:
        """Open or make cache.db at `path`. Without a path, or if the file cannot be used, policies are looked up each
        time.
        """
        database: Database | None = None
        try:
            if path is not None:
                database = await Database.open(path, Kind.CACHE, options=options or Options(), create=True)
        except StoreError as error:
            logger.error("cache.db unavailable, not keeping MTA-STS policies", extra={"kv": {"err": error}})
        try:
            yield cls(database, resolver, fetch, clock, random or Random())  # noqa: S311 spreads refreshes
        finally:
            if database is not None:
                await database.aclose()

    async def find(self, domain: Domain) -> EffectivePolicy:
        """Look up the policy of a recipient's domain, in cache.db first. Takes at most 90 seconds; raises nothing."""
        now = self._clock()
        kept = await self._read(domain.ascii)
        # Not beyond BACKOFF: the clock was ahead then.
        backed_off = kept is not None and now < kept.backoff <= now + BACKOFF
        if kept is None or kept.valid_end <= now or not (kept.mode or backed_off):
            return await self._first(domain, now)
        if kept.last_use < now - DAY:
            await self._keep(msgspec.structs.replace(kept, last_use=now))
        if backed_off:
            if kept.policy is None:
                return EffectivePolicy(failure=Failure(_type(kept.failure), BACKED_OFF))
            return EffectivePolicy(kept.policy, Failure(_type(kept.failure), BACKED_OFF + FALLBACK))
        try:
            with trio.fail_after(RECORD_SECONDS):
                record_id = await find_record(self._resolver, domain)
        # An attacker who suppresses the TXT record must not shorten the life of a policy (RFC 8461 §10.2).
        except (PolicyError, trio.TooSlowError):
            return EffectivePolicy(kept.policy)
        if record_id == kept.record_id:
            return EffectivePolicy(kept.policy)
        try:
            with trio.fail_after(FETCH_SECONDS):
                policy = await fetch_policy(self._fetch, domain)
        except (PolicyError, trio.TooSlowError) as error:
            failure = _failure(error)
            await self._keep(msgspec.structs.replace(kept, backoff=now + BACKOFF, failure=failure.type.value))
            return EffectivePolicy(kept.policy, msgspec.structs.replace(failure, reason=failure.reason + FALLBACK))
        await self._keep(_row(domain, record_id, policy, now, now))
        return EffectivePolicy(policy)

    async def _first(self, domain: Domain, now: int) -> EffectivePolicy:
        """Look up and keep the policy of a domain without one in force."""
        record_id = ""
        try:
            with trio.fail_after(FETCH_SECONDS):
                record_id = await find_record(self._resolver, domain)
                policy = await fetch_policy(self._fetch, domain)
        except NoPolicy:
            return EffectivePolicy()
        except (PolicyError, trio.TooSlowError) as error:
            failure = _failure(error)
            if record_id:
                await self._keep(
                    STSPolicyRow(
                        domain.ascii, now + BACKOFF, now, now, now + BACKOFF, failure.type.value, record_id, "", 0, "[]"
                    )
                )
            return EffectivePolicy(failure=failure, unknown=not record_id and failure.type is ResultType.STS_FETCH)
        await self._keep(_row(domain, record_id, policy, now, now))
        return EffectivePolicy(policy)

    async def kept(self, domain: Domain) -> STSPolicyRow | None:
        """Return the row of a domain, in force or not, without a look-up; None without a row."""
        return await self._read(domain.ascii)

    async def page(self, after: str, limit: int) -> list[STSPolicyRow]:
        """Rows of domains after `after`, sorted by domain; none without a file. Raises StoreError."""
        if self._database is None:
            return []
        return await self._database.scan(
            lambda r: [STSPolicyRow(*row) for row in r.rows(PAGE, after, limit)], op="sts policies"
        )

    # Maintenance

    async def serve(self) -> None:
        """Refresh once a day, for ever. Raises nothing."""
        await trio.sleep(FIRST_REFRESH_SECONDS)
        while True:
            await self.refresh()
            await trio.sleep(REFRESH_SECONDS)

    async def serve_file(self) -> None:
        """Maintain cache.db, for ever; sleeps without a file. Errors: exceptions of the database are raised."""
        if self._database is None:
            await trio.sleep_forever()
        else:
            await self._database.serve()

    async def refresh(self, spread: float = SPREAD_SECONDS) -> None:
        """Confirm or refetch policies older than 12 hours, over `spread` seconds; delete unused ones (QUEUE-113)."""
        if self._database is None:
            return
        now = self._clock()
        try:
            if self._database.options.steady():
                await self._database.write(lambda tx: tx.execute(FORGET, now - FORGET_AFTER))
            rows = await self._database.scan(
                lambda r: [STSPolicyRow(*row) for row in r.rows(STALE, now - REFRESH_AFTER, MAX_REFRESHED)],
                op="sts refresh",
            )
        except StoreError as error:
            logger.error("failed to refresh MTA-STS policies", extra={"kv": {"err": error}})
            return
        self._random.shuffle(rows)
        for kept in rows:
            await trio.sleep(self._random.uniform(0.5, 1.5) * spread / len(rows))
            with trio.move_on_after(FETCH_SECONDS):
                await self._refresh_one(kept)

    async def _refresh_one(self, kept: STSPolicyRow) -> None:
        domain, now = Domain.parse(kept.domain), self._clock()
        record_id = kept.record_id
        try:
            record_id = await find_record(self._resolver, domain)
        except NoPolicy:
            if kept.mode in ("", "none"):
                await self._remove(kept.domain)
            return
        except PolicyError:
            pass  # fetched all the same: the web server may tell that the policy holds
        else:
            if record_id == kept.record_id and kept.mode and kept.valid_end > now:
                end = now + kept.max_age * SECOND
                await self._keep(msgspec.structs.replace(kept, valid_end=end, last_update=now))
                return
        try:
            policy = await fetch_policy(self._fetch, domain)
        except PolicyError as error:
            logger.info("failed to refresh MTA-STS policy", extra={"kv": {"domain": kept.domain, "err": error}})
            return
        await self._keep(_row(domain, record_id, policy, now, kept.last_use))

    # The file

    async def _read(self, domain: str) -> STSPolicyRow | None:
        if self._database is None:
            return None
        try:
            return await self._database.read(partial(_get, domain=domain), op="sts policy")
        except StoreError as error:
            logger.error("failed to read MTA-STS policies", extra={"kv": {"err": error}})
            return None

    async def _keep(self, kept: STSPolicyRow) -> None:
        await self._write(lambda tx: tx.execute(PUT, self._clock(), *msgspec.structs.astuple(kept)))

    async def _remove(self, domain: str) -> None:
        await self._write(lambda tx: tx.execute(REMOVE, domain))

    async def _write(self, unit: Callable[[Tx], object]) -> None:
        """Write to cache.db. An error is only logged: the policy is looked up again for the next message."""
        if self._database is None:
            return
        try:
            await self._database.write(unit)
        except StoreError as error:
            logger.error("failed to store MTA-STS policy", extra={"kv": {"err": error}})


def _get(r: Reader, domain: str) -> STSPolicyRow | None:
    row = r.row(GET, domain)
    return None if row is None else STSPolicyRow(*row)


def _row(domain: Domain, record_id: str, policy: Policy, now: int, used: int) -> STSPolicyRow:
    mx = to_json(policy.mx).decode()
    end = now + policy.max_age * SECOND
    return STSPolicyRow(domain.ascii, end, now, used, 0, "", record_id, policy.mode, policy.max_age, mx)


_TYPES: Final = {
    Reason.NOT_TRUSTED: ResultType.STS_WEBPKI,
    Reason.POLICY_SYNTAX: ResultType.STS_INVALID,
    Reason.RECORD_SYNTAX: ResultType.STS_INVALID,
    Reason.SEVERAL_RECORDS: ResultType.STS_INVALID,
}


def _failure(error: PolicyError | trio.TooSlowError) -> Failure:
    if isinstance(error, trio.TooSlowError):
        return Failure(ResultType.STS_FETCH, Reason.CANNOT_FETCH)
    return Failure(_TYPES.get(error.reason, ResultType.STS_FETCH), error.reason)


def _type(text: str) -> ResultType:
    return ResultType(text) if text else ResultType.STS_FETCH


# Fetching MTA-STS policies over HTTPS (RFC 8461 §3.3; AUTH-71).


def fetcher(client: HTTPClient, *, seconds: float = FETCH_SECONDS) -> Fetch:
    """Make the fetch function for `fetch_policy`. It accepts status 200 only, and at most MAX_POLICY octets within
    `seconds` (RFC 8461 §3.3).
    """

    async def fetch(url: str) -> bytes:
        try:
            response = await client.request("GET", url, seconds=seconds, max_body=MAX_POLICY)
        except NoHost as error:
            raise FetchFailed(str(error), missing=True) from error
        except BadCertificate as error:
            raise FetchFailed(str(error), untrusted=True) from error
        except HTTPError as error:
            raise FetchFailed(str(error)) from error
        if response.status != 200:
            raise FetchFailed(f"status {response.status}", missing=response.status == 404)
        if response.cut:
            raise FetchFailed(f"policy is larger than {MAX_POLICY} bytes")
        return response.body

    return fetch
