"""Settings for mail programs of a domain: hosts, ports and encryption of its services (WEB-123..126, ADMIN-34).

One record is the source of the printed settings, of the settings that programs look up (autoconfig, autodiscover, Apple
profiles), and of the domain's SRV records.
"""

from typing import Final, Literal

import msgspec

from moxlite.config.listeners import Listener
from moxlite.config.snapshot import Snapshot, is_inner, jmap_session
from moxlite.proto import pacc
from moxlite.proto.address import Domain

DAV_PATH: Final = "/dav/"
"""Path of calendars and contacts, at the ports of the account app (DAV-12)."""

OLD_DAV_PATHS: Final = ("/SOGo/dav/", "/remote.php/dav/", "/cloud/remote.php/dav/", "/nextcloud/remote.php/dav/")
"""Paths of SOGo and Nextcloud, which devices keep when their user moves here (DAV-12b)."""

Security = Literal["tls", "starttls", "plain"]


class Server(msgspec.Struct, frozen=True):
    """A host and port of a service. ``on_https``: the port of web pages, where ALPN selects the service."""

    host: Domain
    port: int
    security: Security
    on_https: bool = False


class Offer(msgspec.Struct, frozen=True):
    """The services of a domain, best first; empty if no listener has one.

    ``dav``: of calendars and contacts (DAV-12). ``host``: the machine itself, which serves autoconfig and MTA-STS.
    """

    domain: Domain
    imap: tuple[Server, ...]
    submission: tuple[Server, ...]
    managesieve: tuple[Server, ...]
    dav: tuple[Server, ...]
    jmap: tuple[Server, ...]
    host: Domain


def offer_for(snapshot: Snapshot, domain: Domain) -> Offer:
    """The services that the users of a domain connect to (WEB-125): of the listener ``public`` first, then of the
    others by name; TLS from the start before STARTTLS.
    """
    settings = snapshot.domain(domain)
    own = None if settings is None else settings.client_settings_domain
    imap: list[Server] = []
    submission: list[Server] = []
    managesieve: list[Server] = []
    dav: list[Server] = []
    jmap: list[Server] = []
    for name, listener in public_first(snapshot):
        if is_inner(snapshot, name):
            continue
        host = own or snapshot.hostname(name)
        upgrade: Security = "plain" if listener.tls is None else "starttls"
        if listener.imaps.enabled:
            imap.append(Server(host, listener.imaps.port, "tls"))
        if listener.imap.enabled:
            imap.append(Server(host, listener.imap.port, upgrade))
        if listener.submissions.enabled:
            submission.append(Server(host, listener.submissions.port, "tls"))
        if listener.submission.enabled:
            submission.append(Server(host, listener.submission.port, upgrade))
        if listener.managesieve.enabled:
            managesieve.append(Server(host, listener.managesieve.port, upgrade))
        if listener.dav_https.enabled:
            dav.append(Server(host, listener.dav_https.port, "tls"))
        if listener.jmap_https.enabled and not (settings and settings.no_jmap):
            jmap.append(Server(host, listener.jmap_https.port, "tls"))
        https = _https_port(listener)
        if https is not None and listener.imaps.enabled and listener.imaps.alpn_on_https:
            imap.append(Server(host, https, "tls", on_https=True))
        if https is not None and listener.submissions.enabled and listener.submissions.alpn_on_https:
            submission.append(Server(host, https, "tls", on_https=True))
    host = snapshot.hostname("public") if "public" in snapshot.static.listeners else snapshot.static.hostname
    return Offer(
        domain,
        tuple(dict.fromkeys(imap)),
        tuple(dict.fromkeys(submission)),
        tuple(dict.fromkeys(managesieve)),
        tuple(dict.fromkeys(dav)),
        tuple(dict.fromkeys(jmap)),
        host,
    )


def dav_url(server: Server) -> str:
    """The address of calendars and contacts."""
    port = "" if server.port == 443 else f":{server.port}"
    return f"https://{server.host.ascii}{port}{DAV_PATH}"


def agent_configuration(offer: Offer) -> bytes:
    """What programs find at ``ua-auto-config.D`` (PACC, draft-ietf-mailmaint-pacc-03): JSON whose SHA-256 is in DNS
    (`agent_record`). It names services on their usual ports with TLS from the start alone, so ManageSieve is not there.
    """
    protocols: dict[str, dict[str, str]] = {}
    for name, servers, port in (("imap", offer.imap, 993), ("submit", offer.submission, 465)):
        usual = [one for one in servers if one.security == "tls" and one.port == port and not one.on_https]
        if usual:
            protocols[name] = {"host": usual[0].host.ascii}
    for server in [one for one in offer.jmap if one.port == 443][:1]:
        protocols["jmap"] = {"url": jmap_session(server.host, server.port)}
    for server in [one for one in offer.dav if one.port == 443][:1]:
        protocols |= {name: {"url": dav_url(server)} for name in ("caldav", "carddav")}
    info = {"provider": {"name": offer.domain.unicode}}
    return msgspec.json.encode(
        {"protocols": protocols, "authentication": {"password": True}, "info": info}, order="sorted"
    )


def agent_record(offer: Offer) -> str:
    """The text of the TXT record ``_ua-auto-config.D``, by which programs trust the configuration."""
    return pacc.record_of(agent_configuration(offer))


def public_first(snapshot: Snapshot) -> list[tuple[str, Listener]]:
    """All listeners: ``public`` first, the others sorted by name."""
    return sorted(snapshot.static.listeners.items(), key=lambda one: (one[0] != "public", one[0]))


def _https_port(listener: Listener) -> int | None:
    """The port on which a listener serves https, or None."""
    services = (
        listener.account_https,
        listener.admin_https,
        listener.webmail_https,
        listener.webapi_https,
        listener.jmap_https,
        listener.dav_https,
    )
    ports = [one.port for one in (*services, listener.webserver_https) if one.enabled]
    ports += [
        policy_service.port
        for policy_service in (listener.autoconfig_https, listener.mtasts_https)
        if policy_service.enabled and not policy_service.non_tls
    ]
    return 443 if 443 in ports else min(ports, default=None)
