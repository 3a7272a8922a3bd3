"""Structs of ``[listeners.NAME]`` in moxlite.toml: IPs, ports and their services (docs/spec/admin.md §1)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal, get_args

from moxlite.config.values import IP, Domain, Duration, Network, Origin, Path, Port, Section, Size, URLPath, doc

TLSVersion = Literal["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]


class KeyCert(Section, frozen=True):
    """A certificate with its private key, both PEM."""

    cert_file: Annotated[Path, doc("Certificate chain in PEM form, the host's own certificate first.")]
    key_file: Annotated[
        Path, doc("Private key in PEM form. When the server starts as root, only root needs to be able to read it.")
    ]


class ListenerTLS(Section, frozen=True):
    """TLS certificates and versions for this listener. Set either `acme` or `key_certs`."""

    acme: Annotated[str | None, doc("Name of the `[acme.NAME]` table to get certificates from.")] = None
    key_certs: Annotated[
        tuple[KeyCert, ...],
        doc("Your own certificates. Uses the certificate that matches the requested name (SNI), or the first one."),
    ] = ()
    min_version: Annotated[TLSVersion, doc("Minimum TLS version. 1.0 and 1.1 are known to be weak.")] = "TLSv1.2"
    host_private_key_files: Annotated[
        tuple[Path, ...],
        doc(
            "Private keys for the host's ACME certificates and TLSA records: PEM (PKCS#8, PKCS#1, EC), RSA-2048 "
            "and P-256."
        ),
    ] = ()
    client_auth: Annotated[
        bool, doc("Ask clients for a certificate, so users can log in with one. Clients don't have to send one.")
    ] = True
    session_tickets: Annotated[bool, doc("Let web clients resume TLS sessions with tickets.")] = True


class SMTPService(Section, frozen=True):
    """Incoming mail from other mail servers."""

    enabled: Annotated[bool, doc("Accept mail for local domains.")] = False
    port: Annotated[Port, doc("Port. Other servers always use 25.")] = 25
    starttls: Annotated[bool, doc("Offer STARTTLS. Turn it off only to test without certificates.")] = True
    require_starttls: Annotated[
        bool, doc("Reject mail over connections without TLS. Some legitimate senders don't support TLS.")
    ] = False
    requiretls_ext: Annotated[bool, doc("Announce REQUIRETLS (RFC 8689) once TLS is active.")] = True
    dsn_ext: Annotated[
        bool, doc("Offer DSN (RFC 3461) to other servers, so senders can request delivery notifications.")
    ] = False
    dnsbls: Annotated[
        tuple[Domain, ...], doc("DNS block lists, checked in this order and only for unknown senders.")
    ] = ()
    dnsbl_codes: Annotated[
        Mapping[str, tuple[IP, ...]],
        doc("Responses that count as listed, for each zone in `dnsbls`. If not set, all of 127.0.0.0/8 except errors."),
    ] = {}
    first_time_sender_delay: Annotated[
        Duration, doc("How long to wait before accepting mail from an unknown sender. Spammers don't wait.")
    ] = 15.0
    greet_delay: Annotated[
        Duration, doc("How long to wait before greeting. Clients that send earlier are rejected.")
    ] = 0.0
    tls_session_tickets: Annotated[bool, doc("Issue TLS session tickets. Some senders fail to resume with them.")] = (
        False
    )
    tolerate_space: Annotated[
        bool, doc("Accept a space after `MAIL FROM:` and `RCPT TO:`, with the strict junk threshold.")
    ] = False
    reject_unknown_at_rcpt: Annotated[
        bool, doc("Reject unknown recipients immediately. This lets anyone probe for addresses.")
    ] = False


class SubmissionService(Section, frozen=True):
    """Mail from your users, with STARTTLS."""

    enabled: Annotated[bool, doc("Let users submit mail here.")] = False
    port: Annotated[Port, doc("Port.")] = 587
    require_tls: Annotated[
        bool, doc("Require STARTTLS to log in. Otherwise passwords may be sent over the network in plain text.")
    ] = True
    requiretls_ext: Annotated[bool, doc("Announce REQUIRETLS (RFC 8689) once TLS is active.")] = True


class SubmissionsService(Section, frozen=True):
    """Mail from your users, with implicit TLS (RFC 8314)."""

    enabled: Annotated[bool, doc("Let users submit mail here.")] = False
    port: Annotated[Port, doc("Port.")] = 465
    alpn_on_https: Annotated[
        bool, doc("Also serve clients that connect to the https port and ask for ALPN `smtp`.")
    ] = False
    requiretls_ext: Annotated[bool, doc("Announce REQUIRETLS (RFC 8689).")] = True


class IMAPService(Section, frozen=True):
    """Mailboxes for mail clients, with STARTTLS."""

    enabled: Annotated[bool, doc("Serve IMAP here.")] = False
    port: Annotated[Port, doc("Port.")] = 143
    require_tls: Annotated[
        bool, doc("Require STARTTLS to log in. Otherwise passwords may be sent over the network in plain text.")
    ] = True


class IMAPSService(Section, frozen=True):
    """Mailboxes for mail clients, with implicit TLS (RFC 8314)."""

    enabled: Annotated[bool, doc("Serve IMAP over TLS here.")] = False
    port: Annotated[Port, doc("Port.")] = 993
    alpn_on_https: Annotated[
        bool, doc("Also serve clients that connect to the https port and ask for ALPN `imap`.")
    ] = False


class ManageSieveService(Section, frozen=True):
    """Sieve scripts for mail clients (RFC 5804), with STARTTLS."""

    enabled: Annotated[bool, doc("Let mail clients save Sieve scripts.")] = False
    port: Annotated[Port, doc("Port.")] = 4190
    require_tls: Annotated[
        bool, doc("Require STARTTLS to log in. Otherwise passwords may be sent over the network in plain text.")
    ] = True


class WebService(Section, frozen=True):
    """A web app."""

    enabled: Annotated[bool, doc("Serve the app on this listener.")] = False
    port: Annotated[Port, doc("Port. Services on the same listener can share it.")] = 80
    path: Annotated[URLPath, doc("URL path, which must start and end with a slash.")] = "/"
    forwarded: Annotated[bool, doc("Trust `X-Forwarded-*` fields from a reverse proxy (see `forwarded_from`).")] = False


class JMAPService(WebService, frozen=True):
    """JMAP for mail clients."""

    path: Annotated[URLPath, doc("URL path, which must start and end with a slash.")] = "/jmap/"
    origins: Annotated[
        tuple[Origin, ...],
        doc(
            "Sites that can use JMAP here, like a webmail app on another host: `https://webmail.example.net`. "
            "Users still have to log in."
        ),
    ] = ()


class MetricsService(Section, frozen=True):
    """Prometheus metrics and health checks."""

    enabled: Annotated[bool, doc("Serve `/metrics`, `/healthz`, and `/readyz` here.")] = False
    port: Annotated[Port, doc("Port.")] = 8010


class DebugService(Section, frozen=True):
    """Pages for debugging: task tree, memory, profile. Not in effect yet."""

    enabled: Annotated[bool, doc("Serve debugging pages here. Never use this on a public IP. Not supported yet.")] = (
        False
    )
    port: Annotated[Port, doc("Separate port.")] = 8011


class PolicyService(Section, frozen=True):
    """Files that other mail software gets by https from well-known names."""

    enabled: Annotated[bool, doc("Serve them here.")] = False
    port: Annotated[Port, doc("Port. Clients always use 443.")] = 443
    non_tls: Annotated[bool, doc("Serve without TLS, behind a reverse proxy that handles TLS.")] = False
    forwarded: Annotated[bool, doc("Trust `X-Forwarded-*` fields from a reverse proxy (see `forwarded_from`).")] = False


class DAVService(Section, frozen=True):
    """Calendars and contacts for phones and programs, at `/dav/`."""

    enabled: Annotated[bool, doc("Serve them here.")] = False
    port: Annotated[Port, doc("Port.")] = 443
    forwarded: Annotated[bool, doc("Trust `X-Forwarded-*` fields from a reverse proxy (see `forwarded_from`).")] = False


class WebserverService(Section, frozen=True):
    """Web handlers and redirects in domains.toml."""

    enabled: Annotated[bool, doc("Serve them here.")] = False
    port: Annotated[Port, doc("Port.")] = 80
    rate_limit_disabled: Annotated[bool, doc("Don't limit requests per IP network on this port.")] = False
    forwarded: Annotated[bool, doc("Trust `X-Forwarded-*` fields from a reverse proxy (see `forwarded_from`).")] = False


class Listener(Section, frozen=True):
    """IP addresses and their services. If there's a listener named `public`, its IPs are compared to DNS."""

    ips: Annotated[
        tuple[IP, ...],
        doc(
            "Addresses to listen on. Specific addresses are also used to send mail. Use `0.0.0.0` and `::` for "
            "all of the machine's addresses."
        ),
    ]
    nat_ips: Annotated[tuple[IP, ...], doc("Public addresses if this machine is behind NAT.")] = ()
    ips_natted: Annotated[
        bool, doc("This machine is behind NAT and you don't know its public addresses. Address checks are skipped.")
    ] = False
    hostname: Annotated[Domain | None, doc("Host name for these addresses, if it isn't the global one.")] = None
    tls: Annotated[ListenerTLS | None, doc("TLS for this listener. Required by every service that uses it.")] = None
    max_message_size: Annotated[Size, doc("Largest message accepted, incoming and submitted.")] = 104857600
    proxy_protocol_from: Annotated[
        tuple[Network, ...],
        doc("Networks with connections that start with a PROXY protocol header for the client's address."),
    ] = ()
    forwarded_from: Annotated[
        tuple[Network, ...] | None,
        doc("Proxies whose `X-Forwarded-*` fields are trusted. If not set, loopback and private networks."),
    ] = None

    smtp: Annotated[SMTPService, doc("Incoming mail.")] = SMTPService()
    submission: Annotated[SubmissionService, doc("Submission with STARTTLS.")] = SubmissionService()
    submissions: Annotated[SubmissionsService, doc("Submission over TLS.")] = SubmissionsService()
    imap: Annotated[IMAPService, doc("IMAP with STARTTLS.")] = IMAPService()
    imaps: Annotated[IMAPSService, doc("IMAP over TLS.")] = IMAPSService()
    managesieve: Annotated[ManageSieveService, doc("Sieve scripts, with STARTTLS.")] = ManageSieveService()

    account_http: Annotated[WebService, doc("Account app without TLS.")] = WebService()
    account_https: Annotated[WebService, doc("Account app.")] = WebService(port=443)
    admin_http: Annotated[WebService, doc("Admin app without TLS.")] = WebService(path="/admin/")
    admin_https: Annotated[WebService, doc("Admin app.")] = WebService(port=443, path="/admin/")
    webmail_http: Annotated[WebService, doc("Webmail without TLS.")] = WebService(path="/webmail/")
    webmail_https: Annotated[WebService, doc("Webmail.")] = WebService(port=443, path="/webmail/")
    webapi_http: Annotated[WebService, doc("HTTP API for programs, without TLS.")] = WebService(path="/webapi/")
    webapi_https: Annotated[WebService, doc("HTTP API for programs.")] = WebService(port=443, path="/webapi/")
    jmap_http: Annotated[JMAPService, doc("JMAP for mail clients, without TLS.")] = JMAPService()
    jmap_https: Annotated[JMAPService, doc("JMAP for mail clients.")] = JMAPService(port=443)
    dav_http: Annotated[DAVService, doc("Calendars and contacts, behind a reverse proxy that handles TLS.")] = (
        DAVService(port=80)
    )
    dav_https: Annotated[DAVService, doc("Calendars and contacts.")] = DAVService()
    metrics_http: Annotated[MetricsService, doc("Metrics and health.")] = MetricsService()
    debug_http: Annotated[DebugService, doc("Debugging pages. Not supported yet.")] = DebugService()
    autoconfig_https: Annotated[PolicyService, doc("Mail client settings for domains.")] = PolicyService()
    mtasts_https: Annotated[PolicyService, doc("MTA-STS policies for domains.")] = PolicyService()
    webserver_http: Annotated[WebserverService, doc("Web server without TLS.")] = WebserverService()
    webserver_https: Annotated[WebserverService, doc("Web server.")] = WebserverService(port=443)
    http2: Annotated[bool, doc("Offer HTTP/2 on https ports.")] = True
    hsts: Annotated[
        bool | None,
        doc(
            "Tell browsers to only use https for these hosts (HSTS). If not set, the web apps do this at the "
            "listener's host name after its certificate has been valid for a day. The duration is the "
            "certificate's age, up to 180 days."
        ),
    ] = None


Protocol = Literal["smtp", "submission", "submissions", "imap", "imaps", "managesieve", "http", "https"]
"""The protocol of a port."""

TLS_FIRST: Final[tuple[Protocol, ...]] = ("submissions", "imaps", "https")
"""Protocols in which TLS begins with the connection."""


def enabled_services(listener: Listener) -> Iterator[tuple[str, Protocol, int]]:
    """The services of a listener that are on: the field's name, the protocol, and the port."""
    for name in listener.__struct_fields__:
        settings = getattr(listener, name)
        if getattr(settings, "enabled", False):
            yield name, _protocol(name, settings), settings.port


def _protocol(name: str, settings: Section) -> Protocol:
    if name in (protocols := get_args(Protocol)):
        protocol: Protocol = protocols[protocols.index(name)]
        return protocol
    return "http" if name.endswith("_http") or getattr(settings, "non_tls", False) else "https"
