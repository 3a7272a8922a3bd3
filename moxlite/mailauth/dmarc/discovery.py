"""Discovery of DMARC records and organizational domains: by tree walk (RFC 9989 §4.10), or by the public suffix list
as in RFC 7489.

Names are A-labels in lower case, without final dot. Each name is queried once per message: the domains of a message
share most of their ancestors.
"""

from typing import Final, Literal

import msgspec
import trio

from moxlite.mailauth.dmarc.record import NoPolicy, Record, RecordError, is_record, parse_record
from moxlite.net.resolver import DNSError, NotFound, PermError, Resolver, TempError, absolute
from moxlite.proto import publicsuffix

Method = Literal["treewalk", "psl"]

MAX_LABELS: Final = 7
"""Labels of the longest ancestor that a tree walk queries: eight queries with the start (§4.10)."""


class Found(msgspec.Struct, frozen=True):
    """Result of the look-up of ``_dmarc.DOMAIN``: `record`, or the `problem` of an unusable one, or neither."""

    domain: str
    record: Record | None = None
    problem: str = ""


class Discovery:
    """The DMARC look-ups of one message, with their answers cached."""

    def __init__(self, resolver: Resolver, method: Method = "treewalk") -> None:
        self._resolver = resolver
        self._method = method
        self._answers: dict[str, Found | TempError] = {}
        self.authentic = True
        """Whether DNSSEC has validated all answers so far."""
        self.queries = 0

    async def organizational(self, domain: str) -> str:
        """The organizational domain of a domain (§4.10.2). Raises TempError."""
        if self._method == "psl":
            return await _by_list(domain)
        found = [one for one in await self._walk(domain) if one.record is not None]
        for one in found:
            assert one.record is not None
            if one.record.psd == "n":
                return one.domain
            if one.record.psd == "y" and one.domain != domain:
                labels = domain.split(".")
                return ".".join(labels[-one.domain.count(".") - 2 :])
        return found[-1].domain if found else domain

    async def policy(self, domain: str, organizational: str) -> Found | None:
        """Return the record of the domain, else of its organizational domain, else of the public suffix above that.

        Returns None if there is no record. Raises TempError.
        """
        candidates = [domain, organizational]
        if self._method == "treewalk":
            above = organizational.partition(".")[2]
            walked = await self._walk(domain)
            candidates += [
                one.domain for one in walked if one.domain == above and one.record is not None and one.record.psd == "y"
            ]
        for candidate in dict.fromkeys(candidates):
            found = await self.at(candidate)
            if found.record is not None or found.problem:
                return found
        return None

    async def exists(self, domain: str) -> bool:
        """Whether the name exists in DNS: any answer but NXDOMAIN (§3.2.13). Raises TempError."""
        self.queries += 1
        try:
            self.authentic &= (await self._resolver.txt(absolute(domain))).authentic
        except NotFound as error:
            self.authentic &= error.authentic
            return not error.nonexistent
        except PermError:
            return False
        return True

    async def at(self, domain: str) -> Found:
        """Look up the record of the domain. Several records count as no record (§4.10). Raises TempError."""
        if domain not in self._answers:
            self._answers[domain] = await self._ask(domain)
        answer = self._answers[domain]
        if isinstance(answer, TempError):
            raise answer.with_traceback(None)
        return answer

    async def _ask(self, domain: str) -> Found | TempError:
        self.queries += 1
        try:
            answer = await self._resolver.txt(absolute(f"_dmarc.{domain}"))
        except TempError as error:
            return error
        except DNSError as error:
            self.authentic &= error.authentic
            return Found(domain)
        self.authentic &= answer.authentic
        records = [text for text in answer.records if is_record(text)]
        if len(records) != 1:
            return Found(domain)
        try:
            return Found(domain, parse_record(records[0]))
        except NoPolicy:
            return Found(domain)
        except RecordError as error:
            return Found(domain, None, str(error))

    async def _walk(self, domain: str) -> list[Found]:
        """Look up the domain and its ancestors, up to the first record with ``psd=y`` or ``psd=n`` (§4.10)."""
        found = []
        name = domain
        while name:
            one = await self.at(name)
            found.append(one)
            if one.record is not None and one.record.psd != "u":
                break
            name = ".".join(name.split(".")[1:][-MAX_LABELS:])
        return found


async def _by_list(domain: str) -> str:
    if not publicsuffix.loaded():
        await trio.to_thread.run_sync(publicsuffix.load)
    return publicsuffix.organizational_domain(domain)
