"""A year of six-day certificates with a real server and pebble, by a clock that the campaign moves: what TLSA records
name never changes. In its first third the CA leaves renewal to the server, in the second one it says when, and hears
what is replaced (RFC 9773), in the last one it is away (WEB-115, WEB-116, WEB-117, WEB-140).
"""

import signal
import tempfile
import time
from pathlib import Path

from cryptography import x509

from tests.acmeca import Pebble
from tests.acmeserver import CertifiedServer, public_key
from tests.campaigns.report import Finding, Report
from tests.fakeclock import FakeClock
from tests.tools import free_port, until

__all__ = ["run"]

HOST = "mx.example.org"
DAY = 86_400.0
DAYS = 365
LIFETIME = 6 * DAY
STEP = 3.05 * DAY
"""Seconds by which the clock is moved each time: half of the lifetime is over then, when renewal is due."""
PARTS = (0.30, 0.40)
"""Of the lifetime, between which the CA wants a renewal."""
EARLY = 2.45 * DAY
"""The same as `STEP` for that: the window has ended, and half of the lifetime is not over."""
AWAY = (503, {"Content-Type": "text/html"}, b"away")
WORDS = "HTTP status 503"


def run(seed: int, share: float, report: Report) -> None:
    """A year, or a part of it; `seed` decides nothing."""
    with tempfile.TemporaryDirectory(prefix="moxlite-year-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        clock = FakeClock(folder / "clock")
        (folder / "ca").mkdir()
        with Pebble(folder / "ca", free_port(), free_port(), validity=int(LIFETIME)) as ca:
            server = CertifiedServer(folder / "server", environment=clock.environment(), ca=ca, https=False)
            domains = server.folder / "config/domains.toml"  # one name, one order at a time
            domains.write_text(domains.read_text().replace('client_settings_domain = "mail.example.org"', ""))
            with server:
                _year(server, ca, clock, share, report)


def _year(server: CertifiedServer, ca: Pebble, clock: FakeClock, share: float, report: Report) -> None:
    key = server.host_key
    shown = server.issued(HOST)
    for words, parts, step in (("by half of the lifetime", None, STEP), ("when the CA says", PARTS, EARLY)):
        began, ordered = time.monotonic(), len(ca.orders)
        ca.parts = parts
        renewals = max(2, round(DAYS * DAY / 3 / step * share))
        for _ in range(renewals):
            _move(server, ca, clock, step)
            shown = _renewed(server, ca, shown, key)
        replaced = {order.get("replaces", "") for order in ca.orders[ordered:]} - {""}
        if len(ca.orders) - ordered != renewals or len(replaced) != (renewals if parts else 0):
            orders = len(ca.orders) - ordered
            raise Finding(f"{renewals} renewals made {orders} orders that replace {len(replaced)} certificates")
        report.tell(
            f"{words}: {renewals} renewals of {LIFETIME / DAY:.0f}-day certificates, {renewals * step / DAY:.0f} days "
            f"by the clock, {(time.monotonic() - began) / renewals:.1f} s each: the host's key is the same"
            f"{', each order names the certificate that it replaces' if parts else ''}"
        )

    ca.err = lambda _: AWAY
    asked, days = len(ca.asked), max(10, round(DAYS / 3 * share))
    for _ in range(days):
        told = server.log().count(WORDS)
        _move(server, ca, clock, 1.01 * DAY)  # more than the longest pause between tries
        until(lambda told=told: server.log().count(WORDS) > told, seconds=120, what="a try", pause=0.25)  # type: ignore[misc]
        if server.shown("smtp", HOST) != shown:
            raise Finding("another certificate came from a CA that is away")
    well = server.cli("healthcheck", check=False)
    if well.returncode == 0 or HOST not in well.stdout + well.stderr:
        raise Finding(f"healthcheck says nothing of a certificate that has ended: {well.stdout}{well.stderr}")
    tries = len(ca.asked) - asked
    if not 2 <= tries <= 4 * days + 20:
        raise Finding(f"a CA that is away was asked {tries} times in {days} days")
    report.tell(
        f"the CA was away for {days} days: asked {tries} times; the old certificate is shown, with the same key"
    )

    ca.err = lambda _: None
    _move(server, ca, clock, DAY)
    _renewed(server, ca, shown, key)
    report.tell("it is back: a new certificate with the same key at the next try")
    if ca.wrong:
        raise Finding(f"orders name the wrong certificate: {ca.wrong[:3]}")


def _move(server: CertifiedServer, ca: Pebble, clock: FakeClock, seconds: float) -> None:
    """Both clocks; the server looks at its certificates by a signal, as it would each hour."""
    clock.move(seconds)
    ca.ahead = clock.ahead
    server.process.send_signal(signal.SIGHUP)


def _renewed(server: CertifiedServer, ca: Pebble, old: x509.Certificate, key: bytes) -> x509.Certificate:
    """The certificate that has come in place of `old`."""
    found: list[x509.Certificate] = []

    def look() -> bool:
        found[:] = [server.shown("smtp", HOST)]
        return found[0] != old

    until(look, seconds=120, what=f"renewal; {server.log()[-3000:]}", pause=0.25)
    if public_key(found[0]) != key:
        raise Finding("the key that TLSA records name has changed")
    if not found[0].not_valid_before_utc.timestamp() < ca.now() < found[0].not_valid_after_utc.timestamp():
        raise Finding("the new certificate does not hold now")
    return found[0]
