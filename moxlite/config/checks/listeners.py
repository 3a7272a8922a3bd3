"""Cross checks of ``[listeners.NAME]`` (ADMIN-9)."""

from collections.abc import Iterator
from typing import Final

from moxlite.config.listeners import Listener, ListenerTLS
from moxlite.config.static import Static
from moxlite.config.toml.decode import Finding, KeyPath, near

PLAIN_SERVICES: Final = (
    "account_http",
    "admin_http",
    "webmail_http",
    "webapi_http",
    "metrics_http",
    "debug_http",
    "webserver_http",
)
TLS_SERVICES: Final = ("account_https", "admin_https", "webmail_https", "webapi_https", "webserver_https")
POLICY_SERVICES: Final = ("autoconfig_https", "mtasts_https")
MAIL_SERVICES: Final = ("smtp", "submission", "submissions", "imap", "imaps", "managesieve")
SERVICES: Final = (*MAIL_SERVICES, *PLAIN_SERVICES, *TLS_SERVICES, *POLICY_SERVICES)


def listener_findings(path: KeyPath, listener: Listener, static: Static) -> Iterator[Finding]:
    """Mistakes within one listener."""
    if not listener.ips:
        yield Finding(
            (*path, "ips"), "must have at least one address", 'such as "0.0.0.0" and "::" for all of the machine'
        )
    for index, ip in enumerate(listener.nat_ips):
        if ip.is_unspecified or ip.is_loopback:
            yield Finding((*path, "nat_ips", index), "must be a public address")
    if listener.tls is not None:
        yield from _tls((*path, "tls"), listener.tls, static)
    else:
        for service in _needing_tls(listener):
            yield Finding(
                (*path, service), "needs TLS, but the listener has none", f"add [{'.'.join(map(str, path))}.tls]"
            )
    yield from _ports(path, listener)
    zones = {zone.unicode for zone in listener.smtp.dnsbls}
    for zone in listener.smtp.dnsbl_codes:
        if zone not in zones:
            yield Finding((*path, "smtp", "dnsbl_codes", zone), "is not one of dnsbls", near(zone, zones))


def _needing_tls(listener: Listener) -> Iterator[str]:
    """Enabled services that require TLS."""
    for service in ("submissions", "imaps", *TLS_SERVICES):
        if getattr(listener, service).enabled:
            yield service
    for service in POLICY_SERVICES:
        settings = getattr(listener, service)
        if settings.enabled and not settings.non_tls:
            yield service
    if listener.smtp.enabled and listener.smtp.starttls:
        yield "smtp"
    for service in ("submission", "imap", "managesieve"):
        settings = getattr(listener, service)
        if settings.enabled and settings.require_tls:
            yield service


def _tls(path: KeyPath, tls: ListenerTLS, static: Static) -> Iterator[Finding]:
    if tls.acme is not None and tls.key_certs:
        yield Finding(path, "has both acme and key_certs", "give one of them")
    elif tls.acme is None and not tls.key_certs:
        yield Finding(path, "has neither acme nor key_certs", "give one of them")
    if tls.acme is not None and tls.acme not in static.acme:
        yield Finding(
            (*path, "acme"), "is not the name of an [acme.NAME] table", near(tls.acme, static.acme), ("acme", tls.acme)
        )


def _ports(path: KeyPath, listener: Listener) -> Iterator[Finding]:
    """Mistakes in ports: each port serves one protocol (WEB-21)."""
    used: dict[int, tuple[str, str]] = {}
    for service in SERVICES:
        settings = getattr(listener, service)
        if not settings.enabled:
            continue
        if service in POLICY_SERVICES:
            kind = "http" if settings.non_tls else "https"
        elif service == "debug_http":
            kind = service
        else:
            kind = "http" if service in PLAIN_SERVICES else "https" if service in TLS_SERVICES else service
        other = used.setdefault(settings.port, (kind, service))
        if other[0] != kind:
            yield Finding((*path, service), f"cannot share port {settings.port} with {other[1]}")
