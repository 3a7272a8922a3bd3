"""Checks of the machine below the server: disk, clock, ports, certificates in files, block lists (ADMIN-29, 59, 70);
and of what programs find of the server.
"""

from __future__ import annotations

import ctypes
import email.utils
import os
import shutil
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import msgspec
import trio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from moxlite.admin.dns.wanted import own_ips, uncertified
from moxlite.admin.doctor.examination import Examination
from moxlite.admin.ownlistings import watched_zones
from moxlite.admin.quickstart.environment import try_targets
from moxlite.admin.storage.settings import full_disk, space_commands
from moxlite.admin.takenports import look
from moxlite.autotls.ordering import lifetime
from moxlite.config.static import ACME
from moxlite.findings import Finding
from moxlite.mailauth.dnsbl import DNSBLStatus, check as check_list
from moxlite.net.dial import DialError, dial
from moxlite.net.httpclient import HTTPClient, HTTPError, Roots
from moxlite.net.limits import IPAddress
from moxlite.net.listeners import is_here
from moxlite.process.startup import Endpoint, endpoints

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.httpclient import HTTPResponse

# JMAP, calendars and contacts as a program finds them: from the well-known address of a host (ADMIN-70c).


SECONDS: Final = 15.0
"""Seconds for one request: a program waits no longer."""

HOPS: Final = 3
"""Redirects that are followed: http to https, and from the well-known address to the service (RFC 6764 §5)."""

REDIRECTS: Final = (301, 302, 303, 307, 308)
HTTPS_PORT: Final = 443
"""The port at which programs look for services of a name, whatever this machine listens on."""


class Entry(msgspec.Struct, frozen=True):
    """A service where programs look for it. `key`: the line of the listener that turns it on."""

    what: str
    key: str
    url: str


def clear_entries(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Listener and key of each service that takes passwords without TLS from other machines."""
    for name, listener in snapshot.static.listeners.items():
        if all(ip.is_loopback for ip in listener.ips):
            continue
        for key in ("jmap_http", "dav_http"):
            service = getattr(listener, key)
            if service.enabled and not service.forwarded:
                yield name, key


def entries(snapshot: Snapshot) -> Iterator[Entry]:
    """The addresses at which programs begin, each once: of services with TLS, or behind a proxy that has it."""
    seen: set[str] = set()
    for name, listener in snapshot.static.listeners.items():
        host = snapshot.hostname(name).ascii
        inside = all(ip.is_loopback for ip in listener.ips)
        for key, what, kinds in (("jmap", "JMAP", ("jmap",)), ("dav", "calendars and contacts", ("caldav", "carddav"))):
            plain, secure = getattr(listener, f"{key}_http"), getattr(listener, f"{key}_https")
            if secure.enabled and not inside:
                port, used = secure.port, f"{key}_https"
            elif plain.enabled and plain.forwarded:
                port, used = HTTPS_PORT, f"{key}_http"
            else:
                continue
            place = host if port == HTTPS_PORT else f"{host}:{port}"
            for kind in kinds:
                url = f"https://{place}/.well-known/{kind}"
                if url not in seen:
                    seen.add(url)
                    yield Entry(what, f"listeners.{name}.{used}", url)


async def check_programs(examination: Examination) -> list[Finding]:
    """Ask each well-known address as a program does that has not logged in; look for services without TLS."""
    findings = [
        Finding(
            grade="warning",
            code="program-in-clear",
            about=f"listeners.{listener}.{key}",
            text=f"{key} on the listener {listener} accepts passwords from other machines without TLS",
            commands=(
                f"use {key.replace('_http', '_https')} instead in {examination.path}, or forwarded behind a proxy",
            ),
        )
        for listener, key in clear_entries(examination.snapshot)
    ]
    if examination.running is None or not examination.names:
        return findings

    unasked = await trio.to_thread.run_sync(uncertified, examination.snapshot)

    async def ask(entry: Entry) -> None:
        if urlsplit(entry.url).hostname in unasked:
            return  # the order of the certificate is a finding of its own
        try:
            problem = await _problem(examination, entry.url)
        except HTTPError as error:
            text = f"can't reach {entry.url} from here: {error}"
            findings.append(Finding(grade="note", code="not-checked", about=entry.url, text=text))
            return
        if problem:
            findings.append(
                Finding(
                    grade="warning",
                    code="program-address",
                    about=entry.url,
                    text=f"mail clients can't find {entry.what} at {entry.url}: {problem}",
                    commands=(f"curl -si {entry.url}", f"set up a proxy to forward requests to {entry.key}"),
                )
            )

    async with trio.open_nursery() as nursery:
        for entry in entries(examination.snapshot):
            nursery.start_soon(ask, entry)
    return findings


async def _problem(examination: Examination, url: str) -> str:
    """The fault of what is at an address, in words; "" if it asks for a log-in. Raises HTTPError."""
    for _ in range(HOPS + 1):
        answer = await examination.http.request("GET", url, seconds=SECONDS, max_body=0)
        if answer.status not in REDIRECTS:
            return _verdict(answer)
        url = urljoin(url, answer.header("location"))
        if not url.startswith("https://"):
            return f"redirects to {url[:200]}, without TLS"
    return f"too many redirects; the last was to {url[:200]}"


def _verdict(answer: HTTPResponse) -> str:
    if answer.status == 401 and answer.header("www-authenticate"):
        return ""
    if answer.status == 401:
        return "the response doesn't offer a login method"
    return f"expected a login prompt, got status {answer.status}"


LOW_PART: Final = 0.10
"""Share of a disk that should be free (ADMIN-58)."""

FEW_FILES: Final = 0.05
"""Share of a file system's inodes that should be free."""

ALARM_PART: Final = 0.25
"""Share of a certificate's lifetime. A certificate should have been renewed before less than this is left (WEB-155)."""

CONNECT_SECONDS: Final = 5.0
"""Seconds for a connection to a port of this machine."""

DATE_SECONDS: Final = 10.0
"""Seconds for the CA's response, whose Date field tells its time."""

CLOCK_OFF: Final = 60.0
"""Seconds of difference to another clock above which it is a finding. Certificates and signatures tolerate minutes."""

CLOCK_WRONG: Final = 300.0
"""Seconds of difference above which others refuse what this server signs (DKIM ``t=``, ACME, TLS)."""

TIME_ERROR: Final = 5
"""Return value of adjtimex(2) if no program keeps the clock synchronised."""

TIMEX_OCTETS: Final = 512
"""Octets; more than struct timex has on any system."""


async def check_disk(examination: Examination) -> list[Finding]:
    """Check the free space and inodes of the disk with the data directory."""
    static = examination.snapshot.static
    path = static.data_dir
    if findings := await trio.to_thread.run_sync(full_disk, static):
        return findings
    size, _, free = await trio.to_thread.run_sync(shutil.disk_usage, path)
    say = partial(Finding, code="disk-low", about=str(path), commands=space_commands(path))
    if size and free < size * LOW_PART:
        return [say(grade="warning", text=f"low disk space: {free >> 20} of {size >> 20} MiB free")]
    if os.name != "posix":
        return []
    system = await trio.to_thread.run_sync(os.statvfs, path)
    if system.f_files and system.f_favail < system.f_files * FEW_FILES:
        return [say(grade="warning", text=f"low on inodes: {system.f_favail} of {system.f_files} free")]
    return []


async def check_clock(examination: Examination) -> list[Finding]:
    """Compare the clock with the CAs' clocks, and check that a program keeps it synchronised."""
    findings: list[Finding] = []
    known = False
    for name, acme in examination.snapshot.static.acme.items() if examination.names else ():
        try:
            off = await _difference(examination, acme)
        except (HTTPError, OSError, ValueError) as error:
            text = f"can't get the time from the CA {name}: {error}"
            findings.append(Finding(grade="note", code="not-checked", about=f"clock {name}", text=text))
            continue
        known = True
        if abs(off) > CLOCK_OFF:
            way = "ahead of" if off > 0 else "behind"
            findings.append(
                Finding(
                    grade="error" if abs(off) > CLOCK_WRONG else "warning",
                    code="clock-wrong",
                    about="clock",
                    text=f"the clock is {abs(off):.0f} s {way} the CA {name}",
                    commands=("timedatectl set-ntp true",),
                )
            )
    if not examination.inside and await trio.to_thread.run_sync(_unkept):  # a unit may not ask (ProtectClock)
        findings.append(
            Finding(
                grade="note" if known else "warning",
                code="clock-unsynchronised",
                about="clock",
                text="time sync isn't running",
                commands=("apt-get update && apt-get install systemd-timesyncd", "timedatectl set-ntp true"),
            )
        )
    return findings


async def _difference(examination: Examination, acme: ACME) -> float:
    """Seconds by which our clock is ahead of a CA's. Raises HTTPError, OSError, ValueError."""
    http = examination.http
    if acme.ca_cert_file is not None:
        authorities = x509.load_pem_x509_certificates(await trio.Path(acme.ca_cert_file).read_bytes())
        roots = Roots((authority.public_bytes(Encoding.DER) for authority in authorities), system=False)
        http = HTTPClient(examination.resolver, allow_internal=True, roots=roots)
    answer = await http.request("HEAD", str(acme.directory_url), seconds=DATE_SECONDS, max_body=0)
    date = answer.header("date")
    if not date:
        raise ValueError("response doesn't include a Date header")
    return time.time() - email.utils.parsedate_to_datetime(date).timestamp()


def _unkept() -> bool:
    """Whether the kernel knows of no program that sets the clock; False if it cannot be asked."""
    if not sys.platform.startswith("linux"):
        return False
    return ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_OCTETS)) == TIME_ERROR  # type: ignore[no-any-return]  # a C function


async def check_ports(examination: Examination) -> list[Finding]:
    """Check that each port is open, or, while no server runs, that no other program has it."""
    findings: list[Finding] = []
    if examination.elsewhere:  # it has them
        return findings
    for endpoint in endpoints(examination.snapshot.static):
        if not is_here(endpoint.ip):  # a finding of the running server
            continue
        ip = _connectable(endpoint.ip)
        try:
            dialed = await dial([ip], endpoint.port, inside=True, seconds=CONNECT_SECONDS)
        except DialError as error:
            if examination.running is not None:
                findings.append(_closed(endpoint, error))
            continue
        await trio.aclose_forcefully(dialed.stream)
        if examination.running is None:
            taken = await trio.to_thread.run_sync(look, ip, endpoint.port)
            text = f"{taken.holder or 'another program'} uses {ip} port {endpoint.port}, so the server can't start"
            commands = (taken.command or taken.listing,)
            about, detail = f"{ip} {endpoint.port}", f"({taken.advice})" if taken.advice else ""
            findings.append(
                Finding(grade="error", code="port-taken", about=about, text=text, commands=commands, detail=detail)
            )
    return findings


def _closed(endpoint: Endpoint, error: DialError) -> Finding:
    return Finding(
        grade="error",
        code="port-closed",
        about=f"{endpoint.ip} {endpoint.port}",
        text=f"{endpoint.service} on the listener {endpoint.listener} doesn't respond on port {endpoint.port}: {error}",
        commands=("systemctl restart moxlite", "journalctl -u moxlite -n 50", "nft list ruleset"),
    )


def _connectable(ip: IPAddress) -> IPAddress:
    """The address at which a listener on all addresses is reached from here."""
    if not ip.is_unspecified:
        return ip
    return type(ip)("127.0.0.1" if ip.version == 4 else "::1")


async def check_outgoing(examination: Examination) -> list[Finding]:
    """Check that port 25 of other servers can be reached, if this machine delivers directly."""
    ips = own_ips(examination.snapshot)
    closed = ips is not None and not any(ip.is_global for ip in ips)  # unknown ones are behind NAT, mostly at home
    if not examination.names or not examination.dial or closed:
        return []
    blocked, unknown = await try_targets(examination.resolver)
    grade, code, text = ("error", "port-25-blocked", blocked) if blocked else ("note", "not-checked", unknown)
    if not text:
        return []
    commands = ("moxlite config example transport",) if blocked else ()
    return [Finding(grade=grade, code=code, about="port 25 outside", text=text, commands=commands)]  # type: ignore[arg-type]  # of one tuple each


async def check_lists(examination: Examination) -> list[Finding]:
    """Look up our own addresses on block lists (ADMIN-59)."""
    findings: list[Finding] = []
    for zone in watched_zones(examination.snapshot) if examination.names else ():
        for ip in own_ips(examination.snapshot) or ():
            result = await check_list(examination.resolver, zone, ip)
            if result.status is DNSBLStatus.FAIL:
                why = f": {result.explanation}" if result.explanation else ""
                findings.append(
                    Finding(
                        grade="error",
                        code="listed",
                        about=f"{ip} {zone}",
                        text=f"{ip} is on the block list {zone}{why}",
                        commands=(
                            f"moxlite dnsbl check {zone} {ip}",
                            f"ask {zone} for removal",
                        ),
                    )
                )
            elif result.status is DNSBLStatus.TEMPERROR:
                text = f"couldn't check {ip} on {zone}: {result.problem}"
                findings.append(Finding(grade="note", code="not-checked", about=f"{ip} {zone}", text=text))
    return findings


async def check_certificates(examination: Examination) -> list[Finding]:
    """Check certificates in files; of those by ACME the server reports the problems by itself."""
    return await trio.to_thread.run_sync(_in_files, examination)


def _in_files(examination: Examination) -> list[Finding]:
    findings: list[Finding] = []
    static, now = examination.snapshot.static, time.time()
    for path in _certificate_files(examination):
        try:
            leaf = x509.load_pem_x509_certificates(path.read_bytes())[0]
        except (OSError, ValueError, IndexError) as error:
            if isinstance(error, PermissionError) and os.name == "posix" and os.geteuid() != 0:
                continue  # root reads it
            text = f"can't read {path}: {getattr(error, 'strerror', None) or error}"
            findings.append(Finding(grade="error", code="certificate-unreadable", about=str(path), text=text))
            continue
        begin, end = lifetime(leaf)
        if now > end - (end - begin) * ALARM_PART:
            days = (end - now) / 86_400
            words = f"expires in {days:.1f} days" if days > 0 else f"expired {-days:.1f} days ago"
            by_acme = path.is_relative_to(static.data_dir)
            commands = ("journalctl -u moxlite | grep autotls",) if by_acme else (f"renew {path}", "moxlite tls reload")
            findings.append(
                Finding(
                    grade="error",
                    code="certificate-ending",
                    about=str(path),
                    text=f"the certificate in {path} {words}",
                    commands=commands,
                )
            )
    return findings


def _certificate_files(examination: Examination) -> Iterator[Path]:
    """The certificate files of the configuration; also those by ACME if no server runs, which would report on them."""
    static = examination.snapshot.static
    files: dict[Path, None] = {}
    for listener in static.listeners.values():
        if listener.tls is not None:
            files.update(dict.fromkeys(pair.cert_file for pair in listener.tls.key_certs))
    if examination.running is None:
        for name in static.acme:
            folder = static.data_dir / "acme" / "keycerts" / name
            try:
                files.update(dict.fromkeys(sorted(path for path in folder.iterdir() if not path.name.startswith("."))))
            except OSError:
                continue
    yield from files
