"""The report of a check, and the inputs that checks share (ADMIN-48)."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from moxlite.admin.dns.network import Network
from moxlite.admin.dns.wanted import TOPICS, DomainRecords, Kind, Topic, Value, WantedRecord
from moxlite.admin.dns.zonefile import record_line, zone_line
from moxlite.autotls.names import no_certificate
from moxlite.findings import Finding, Grade, address_cause
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import MX, Answer, DNSError, NotFound, Resolver
from moxlite.proto.address import Domain

NOT_SERVED: Final = "couldn't check TLS because the server isn't running; start the server and try again"


class Report(msgspec.Struct):
    """The report on one topic: what is wrong, each with what to do about it, and the records found, one line each.

    about: the subject of the findings, such as ``example.org mx``. unused: the domain doesn't have what the topic is
    about, and works without it.
    """

    about: str = ""
    code: Literal["dns", "dns-server"] = "dns"
    findings: list[Finding] = []
    found: list[str] = []
    unused: bool = False

    def error(self, text: str, *commands: str) -> None:
        """Add a fault because of which mail is lost or refused."""
        self._add("error", text, commands)

    def warning(self, text: str, *commands: str) -> None:
        """Add a fault that has time."""
        self._add("warning", text, commands)

    def note(self, text: str) -> None:
        """Add, once, what could not be checked or could be better."""
        if text not in self.instructions:
            self._add("note", text, ())

    def mend(self, *commands: str) -> None:
        """Add to the last fault what to do about it."""
        at = next((at for at in reversed(range(len(self.findings))) if self.findings[at].grade != "note"), None)
        if at is None:
            for command in commands:
                self.note(command)
            return
        last = self.findings[at]
        if last.about != self.about:  # it has its own remedy
            return
        self.findings[at] = msgspec.structs.replace(last, commands=tuple(dict.fromkeys((*last.commands, *commands))))

    def add(self, finding: Finding) -> None:
        """Add a finding that has a subject of its own, once."""
        if finding not in self.findings:
            self.findings.append(finding)

    def _add(self, grade: Grade, text: str, commands: tuple[str, ...]) -> None:
        self.findings.append(Finding(grade=grade, code=self.code, about=self.about, text=text, commands=commands))

    @property
    def errors(self) -> list[str]:
        """Texts of the errors."""
        return [finding.text for finding in self.findings if finding.grade == "error"]

    @property
    def warnings(self) -> list[str]:
        """Texts of the warnings."""
        return [finding.text for finding in self.findings if finding.grade == "warning"]

    @property
    def instructions(self) -> list[str]:
        """Remedies of all of them, and the notes."""
        lines = [line for one in self.findings for line in ((one.text,) if one.grade == "note" else one.commands)]
        return list(dict.fromkeys(lines))

    def lines(self) -> dict[str, Any]:
        """The report as programs get it."""
        kept = ("errors", "warnings", "instructions", "found", "unused")
        return {name: getattr(self, name) for name in kept}


R = TypeVar("R")
Ask: TypeAlias = Callable[[str], Awaitable[Answer[R]]]


class Case(DomainRecords, frozen=True, kw_only=True):
    """One domain under check, with everything that the checks need.

    ``ips``: our addresses, None if unknown. ``served``: the server runs, so that checks can connect to it.
    """

    ips: tuple[IPAddress, ...] | None
    socks: tuple[IPAddress, ...]
    served: bool
    resolver: Resolver
    network: Network

    def are_ours(self, ips: Sequence[IPAddress]) -> bool:
        """Whether all addresses are ours, as far as those are known."""
        return self.ips is None or all(ip in self.ips for ip in ips)

    async def addresses(self, name: str, report: Report, what: str) -> tuple[IPAddress, ...]:
        """The addresses of an absolute name. If it has no address, the report gets an error and the result is empty."""
        return await self.find_addresses(name, report, what) or ()

    async def find_addresses(self, name: str, report: Report, what: str) -> tuple[IPAddress, ...] | None:
        """As `addresses`, but None if the look-up failed."""
        try:
            answer = await self.resolver.ips(name)
        except NotFound as error:
            if error.name.lower() == absolute_name(self.host):
                report.add(self._without_address())
                return ()
            why = "name not found in DNS" if error.nonexistent else "no A or AAAA records found"
            report.error(f"{what} {name} doesn't have an address: {why}")
            return ()
        except DNSError as error:
            report.error(f"can't find addresses for {what} {name}: {error}")
            return None
        report.found.append(f"{name} {' '.join(map(str, answer.records))}")
        return answer.records

    def _without_address(self) -> Finding:
        """This machine's name has no address: one fault for all topics, and not one of the aliases that lead to it."""
        host = self.host.ascii
        commands = instructions((), self.records("host")) or [
            f"add this machine's addresses to DNS: {host}. A (and AAAA)"
        ]
        text = f"{host} doesn't have an address in DNS"
        return Finding(
            grade="error", code="dns", about=host, text=text, commands=tuple(commands), cause=address_cause(host)
        )

    async def is_astray(self, report: Report, ips: Sequence[IPAddress]) -> bool:
        """Whether these are addresses of another machine that this machine's name has, and none of ours, if ours are
        known: one fault for all topics, and for the aliases that lead there. The report says so.
        """
        if not ips or not self.ips or any(ip in self.ips for ip in ips):
            return False
        try:
            others = (await self.resolver.ips(absolute_name(self.host))).records
        except DNSError:
            return False
        if not set(ips) <= set(others) or any(ip in self.ips for ip in others):
            return False
        host = self.host.ascii
        text = f"{host} points to another machine: {', '.join(sorted(map(str, others)))}"
        commands = tuple(await self._host_instructions())
        report.add(
            Finding(grade="error", code="dns", about=host, text=text, commands=commands, cause=address_cause(host))
        )
        return True

    async def host_lines(self, name: str) -> list[str]:
        """Lines of the records that give an absolute name its addresses: its CNAME, or its A and AAAA records."""
        try:
            answer = await self.resolver.ips(name)
        except DNSError:
            return []
        if answer.chain:
            return shown(name, "CNAME", [(*answer.chain, answer.name)[1]])
        return [line for ip in answer.records for line in shown(name, "A" if ip.version == 4 else "AAAA", [str(ip)])]

    async def look_up(
        self, report: Report, ask: Ask[R], name: str, kind: Kind, *, optional: bool = False
    ) -> tuple[R, ...] | None:
        """The records of a type at an absolute name; None, with an error in the report, if the look-up fails.

        Args:
          optional: the error is a warning.
        """
        try:
            return (await ask(name)).records
        except NotFound:
            return ()
        except DNSError as error:
            (report.warning if optional else report.error)(f"couldn't look up {name} {kind}: {error}")
            return None

    async def the_text(self, report: Report, topic: Topic, name: str) -> str | None:
        """The one text of a topic at an absolute name. None, with an error in the report, if there is no such record or
        more than one.
        """
        found = await self.texts(report, topic, name)
        if found is None or len(found) == 1:
            return found[0] if found else None
        problem = f"found {len(found)} records, expected one" if found else "no record"
        report.error(f"{name} TXT {TOPICS[topic].start}: {problem}")
        self.ask_for(report, topic, name=name, found=shown(name, "TXT", found), kept=found)
        return None

    async def texts(self, report: Report, topic: Topic, name: str) -> list[str] | None:
        """The texts of a topic at an absolute name; None, with an error in the report, if the look-up fails."""
        texts = await self.look_up(report, self.resolver.txt, name, "TXT")
        if texts is None:
            return None
        found = [text for text in texts if text.lower().startswith(TOPICS[topic].start.lower())]
        report.found += [f"{name} TXT {text}" for text in found]
        return found

    def ask_for(
        self,
        report: Report,
        topic: Topic,
        *,
        name: str | None = None,
        found: Sequence[str] = (),
        kept: Sequence[str] = (),
    ) -> None:
        """Add to the last fault instructions for publishing the wanted records of a topic.

        Args:
          name: of the records, None for all.
          found: lines of the records at `name` that are wrong.
          kept: texts at `name` whose permissions the new one keeps.
        """
        wanted_records = [record.merged(kept) for record in self.records(topic) if name is None or record.name == name]
        report.mend(*instructions(found, wanted_records))

    async def mend_host(self, report: Report) -> None:
        """Add to the last fault instructions for the addresses of the host: which to add, replace and remove."""
        report.mend(*await self._host_instructions())

    async def _host_instructions(self) -> list[str]:
        found = await self.host_lines(absolute_name(self.host))
        lines: list[str] = []
        for kind in ("A", "AAAA"):
            wanted_records = [record for record in self.records("host") if record.kind == kind]
            lines += instructions([line for line in found if f" {kind} " in line], wanted_records)
        return lines

    async def probe(self, report: Report, ips: Sequence[IPAddress], port: int, host: str) -> None:
        """Connect to each address with TLS, and report problems."""
        for ip in ips:
            if await self.is_astray(report, (ip,)) or not self.reachable(report, ip):
                continue
            problem = await (self.network.smtp(ip, host) if port == 25 else self.network.tls(ip, port, host))
            if problem and not self.is_uncertified(report, host):
                report.error(f"TLS for {host}: {problem}")

    def is_uncertified(self, report: Report, host: str) -> bool:
        """Whether a host has no certificate yet, so that its connections say nothing more; the report says why."""
        if host not in self.keys.uncertified:
            return False
        report.add(no_certificate(self.snapshot, host, self.keys.uncertified[host]))
        return True

    def reachable(self, report: Report, ip: IPAddress) -> bool:
        """Whether a connection to an address can tell anything: not to ours while the server does not run."""
        if self.served or (self.ips is not None and ip not in self.ips):
            return True
        report.note(NOT_SERVED)
        return False


# Instructions for changing records in DNS, with three verbs: add, replace, remove (ADMIN-48b).


MAX_SHOWN: Final = 120
"""Characters shown of a record that is to be removed. DKIM keys have 400; the beginning tells which one is meant."""


def shown(name: str, kind: Kind, values: Iterable[Value]) -> list[str]:
    """Lines of records that were found in DNS."""
    return [record_line(name, kind, value) for value in values]


def instructions(found: Sequence[str], wanted_records: Sequence[WantedRecord]) -> list[str]:
    """Instructions that turn the records of a name into the wanted ones, one line each. A record that is both found and
    wanted stays.

    Args:
      found: lines of `shown`.
    """
    lines = {zone_line(wanted_record).lower() for wanted_record in wanted_records}
    present = {line.lower() for line in found}
    old = [line for line in found if line.lower() not in lines]
    new = [line for line in map(zone_line, wanted_records) if line.lower() not in present]
    return [_instruction(*pair) for pair in zip_longest(old, new)]


def _instruction(old: str | None, new: str | None) -> str:
    if old is None:
        return f"add to DNS: {new}"
    brief = old if len(old) <= MAX_SHOWN else f"{old[:MAX_SHOWN]}…"
    return f"remove from DNS: {brief}" if new is None else f"replace `{brief}` in DNS with: {new}"


# The MX records of a domain, used by several checks (ADMIN-48).


MAX_HOSTS: Final = 20
"""Number of MX hosts that are checked. RFC 5321 has no limit, and a made-up answer may have thousands."""


async def mx_of(case: Case, report: Report, *, quiet: bool = False) -> Answer[MX] | None:
    """Look up the MX records; None if the domain has no MX record or the look-up failed. Both are errors in the report;
    with `quiet` the latter is a warning.
    """
    name = absolute_name(case.domain)
    try:
        answer = await case.resolver.mx(name)
    except NotFound as error:
        if not quiet:
            report.error(f"no MX record: {error}")
            case.ask_for(report, "mx")
        return None
    except DNSError as error:
        text = f"couldn't look up {name} MX: {error}"
        if quiet:
            report.warning(f"not checked: {text}")
        else:
            report.error(text)
        return None
    if not quiet:
        report.found += shown(name, "MX", answer.records[:MAX_HOSTS])
    return answer


def mx_hosts(answer: Answer[MX] | None) -> list[str]:
    """The MX hosts as absolute names; a null MX is left out."""
    mxes = () if answer is None else answer.records[:MAX_HOSTS]
    return list(dict.fromkeys(mx.host for mx in mxes if mx.host != "."))


def absolute_name(domain: Domain) -> str:
    """The name of a domain as queries have it: absolute, with a dot at the end."""
    return f"{domain.ascii}."
