"""Cross checks of single sections: ``[listeners.NAME]``, ``[[web_handlers]]``, ``[backup]`` and ``[standby]`` (ADMIN-9,
WEB-36, STORE-184a, STORE-186, STORE-187).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from moxlite.config.listeners import TLS_FIRST, Listener, ListenerTLS, enabled_services
from moxlite.config.static import Backup, Static
from moxlite.config.toml.decode import KeyPath, Mistake, near
from moxlite.config.webrules import compile_pattern, parse_template
from moxlite.config.webserver import WebBasicAuth, WebHandler, WebRedirect
from moxlite.proto.sshurl import SSHURL, ObjectURL


def listener_findings(path: KeyPath, listener: Listener, static: Static) -> Iterator[Mistake]:
    """Mistakes within one listener."""
    if not listener.ips:
        yield Mistake(
            (*path, "ips"), "must have at least one address", 'for example, "0.0.0.0" and "::" for all addresses'
        )
    for index, ip in enumerate(listener.nat_ips):
        if ip.is_unspecified or ip.is_loopback:
            yield Mistake((*path, "nat_ips", index), "must be a public address")
    if listener.tls is not None:
        yield from _tls((*path, "tls"), listener.tls, static)
    else:
        for service in _needing_tls(listener):
            yield Mistake(
                (*path, service),
                "requires TLS, which isn't set up for this listener",
                f"add [{'.'.join(map(str, path))}.tls]",
            )
    yield from _ports(path, listener)
    zones = {zone.unicode for zone in listener.smtp.dnsbls}
    for zone in listener.smtp.dnsbl_codes:
        if zone not in zones:
            yield Mistake((*path, "smtp", "dnsbl_codes", zone), "isn't listed in dnsbls", near(zone, zones))


def _needing_tls(listener: Listener) -> Iterator[str]:
    """Enabled services that require TLS."""
    for service, protocol, _ in enabled_services(listener):
        if protocol in TLS_FIRST:
            yield service
    if listener.smtp.enabled and listener.smtp.starttls:
        yield "smtp"
    for service in ("submission", "imap", "managesieve"):
        settings = getattr(listener, service)
        if settings.enabled and settings.require_tls:
            yield service


def _tls(path: KeyPath, tls: ListenerTLS, static: Static) -> Iterator[Mistake]:
    if tls.acme is not None and tls.key_certs:
        yield Mistake(path, "can't have both acme and key_certs", "set one of them")
    elif tls.acme is None and not tls.key_certs:
        yield Mistake(path, "requires acme or key_certs", "set one of them")
    if tls.acme is not None and tls.acme not in static.acme:
        yield Mistake(
            (*path, "acme"), "doesn't match any [acme.NAME] table", near(tls.acme, static.acme), ("acme", tls.acme)
        )


def challenge_findings(static: Static) -> Iterator[Mistake]:
    """Authorities that could ask for a proof nowhere (WEB-113)."""
    for name, acme in static.acme.items():
        listeners = {
            key: listener
            for key, listener in static.listeners.items()
            if listener.tls is not None and listener.tls.acme == name
        }
        if listeners and not any(_answers(listener, acme.port) for listener in listeners.values()):
            yield Mistake(
                ("listeners", next(iter(listeners)), "tls", "acme"),
                f"can't verify host names if another service uses port {acme.port} and http is off",
                f"free port {acme.port}, or enable a service such as webserver_http",
            )


def _answers(listener: Listener, port: int) -> bool:
    """Whether the listener answers challenges, by http or at the port for TLS, which it opens where that is free."""
    used = {number: protocol for _, protocol, number in enabled_services(listener)}
    return "http" in used.values() or used.get(port, "https") == "https"


def _ports(path: KeyPath, listener: Listener) -> Iterator[Mistake]:
    """Mistakes in ports: each port serves one protocol (WEB-21)."""
    used: dict[int, tuple[str, str]] = {}
    for service, protocol, port in enabled_services(listener):
        kind = service if service == "debug_http" else protocol
        other = used.setdefault(port, (kind, service))
        if other[0] != kind:
            yield Mistake((*path, service), f"can't share port {port} with {other[1]}")


# Cross checks of ``[[web_handlers]]`` (ADMIN-9, WEB-36).


HANDLERS: Final = ("static", "redirect", "forward", "internal")
FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""Names of HTTP fields (RFC 9110 §5.1)."""
REALM: Final = re.compile(r"[ !#-\[\]-~]+")
"""Text of a quoted string that needs no escapes (RFC 9110 §5.6.4)."""
HASH: Final = re.compile(
    r"\$argon2id\$v=19\$m=(?P<memory>[1-9][0-9]{0,6}),t=(?P<time>[1-9][0-9]{0,2}),p=(?P<lanes>[1-9][0-9]{0,2})"
    r"\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{22,86}"
)
"""A hash of argon2id in the form of the PHC: its costs, salt and hash."""
LEAST_MEMORY: Final = 8
"""KiB for each lane (RFC 9106 §3.1): the library fails to verify with less."""

MAX_MEMORY: Final = 128 << 10
"""KiB that verifying may take: two run at a time."""
MAX_PASSES: Final = 10
"""Passes over that memory, each of which takes as long as the first: strangers make the server verify."""

MAX_LANES: Final = 8
"""Lanes of one hash, each of which may take a thread of its own."""

FRAMING: Final = frozenset({"connection", "content-length", "date", "transfer-encoding", "upgrade"})
"""HTTP fields that only the server may set (RFC 9112 §6)."""


def handler_findings(path: KeyPath, handler: WebHandler) -> Iterator[Mistake]:
    """Mistakes within one web handler."""
    given = [name for name in HANDLERS if getattr(handler, name) is not None]
    if len(given) != 1:
        yield Mistake(path, "must have exactly one of static, redirect, forward, or internal")
    if not handler.path_regexp.startswith("^"):
        yield Mistake((*path, "path_regexp"), 'must start with "^"')
    if handler.static is not None:
        if handler.static.strip_prefix and not handler.static.strip_prefix.startswith("/"):
            yield Mistake((*path, "static", "strip_prefix"), "must start with a slash")
        yield from _response_headers((*path, "static", "response_headers"), handler.static.response_headers)
    if handler.redirect is not None:
        yield from _redirect((*path, "redirect"), handler.redirect)
    if handler.cache and handler.static is None and handler.forward is None:
        yield Mistake((*path, "cache"), "can only be used with static or forward")
    for index, web_cache in enumerate(handler.cache):
        yield from _response_headers((*path, "cache", index), {"cache_control": web_cache.cache_control})
    if handler.basic_auth is not None:
        yield from _basic_auth((*path, "basic_auth"), handler.basic_auth)
    if handler.forward is not None:
        yield from _response_headers((*path, "forward", "response_headers"), handler.forward.response_headers)


def _basic_auth(path: KeyPath, settings: WebBasicAuth) -> Iterator[Mistake]:
    if not REALM.fullmatch(settings.realm):
        yield Mistake((*path, "realm"), "must be ASCII without quotation marks or backslashes")
    for name, hashed in settings.users.items():
        if not name or ":" in name or not name.isprintable():
            yield Mistake((*path, "users", name), "isn't a valid user name; use printable characters and no colons")
        match = HASH.fullmatch(hashed)
        if match is None or int(match["memory"]) < LEAST_MEMORY * int(match["lanes"]):
            yield Mistake((*path, "users", name), "must be a hash from `moxlite config hash-password`")
        elif int(match["memory"]) > MAX_MEMORY or int(match["time"]) > MAX_PASSES or int(match["lanes"]) > MAX_LANES:
            yield Mistake((*path, "users", name), "takes too much memory or time to verify")


def _redirect(path: KeyPath, redirect: WebRedirect) -> Iterator[Mistake]:
    if not 300 <= redirect.status_code <= 399 or redirect.status_code == 304:
        yield Mistake((*path, "status_code"), "must be between 300 and 399, except 304")
    if redirect.base_url is None and redirect.orig_path_regexp is None:
        yield Mistake(path, "must have base_url or orig_path_regexp")
    if (redirect.orig_path_regexp is None) != (not redirect.replace_path):
        yield Mistake(path, "must have both orig_path_regexp and replace_path, or neither")
    if redirect.orig_path_regexp is not None:
        try:
            parse_template(redirect.replace_path, compile_pattern(redirect.orig_path_regexp))
        except ValueError as error:
            yield Mistake((*path, "replace_path"), str(error))


def _response_headers(path: KeyPath, fields: Mapping[str, str]) -> Iterator[Mistake]:
    for name, value in fields.items():
        if not FIELD_NAME.fullmatch(name):
            yield Mistake((*path, name), "isn't a valid header field name")
        elif name.lower() in FRAMING:
            yield Mistake((*path, name), "can only be set by the server")
        if not all(" " <= c <= "~" or "\xa0" <= c <= "\xff" for c in value) or value != value.strip():
            yield Mistake(
                (*path, name), "isn't a valid header field value; remove control characters and surrounding spaces"
            )


# Cross checks of the section [backup] (STORE-187, STORE-184a).


SHORTEST_BACKUP: Final = 600.0
"""Seconds: each one reads all that has changed."""

ENCRYPT: Final = (
    "backups on another machine must be encrypted: create a key with `age-keygen -o backup-key.txt`, enter the "
    "public key it prints (age1…), and store the file on another machine"
)

KEY_TEXT: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=@.-")
"""Characters of the type of a public key and of its base64."""


SLOWEST_UPLOAD: Final = 16 << 10
"""Octets a second: a pack of 64 MiB has to be sent before another machine may take the lock over, after 2 hours."""


def backup_findings(static: Static) -> Iterator[Mistake]:
    """Findings within [backup]."""
    backup = static.backup
    if (backup.schedule is None) != (backup.target is None):
        missing = "target" if backup.target is None else "schedule"
        yield Mistake(
            ("backup",), f"also requires {missing}", 'for example, schedule = "24h" and target = "/mnt/backup"'
        )
    if backup.schedule is not None and backup.schedule < SHORTEST_BACKUP:
        yield Mistake(("backup", "schedule"), "must be at least 10m")
    if 0 < backup.upload_limit < SLOWEST_UPLOAD:
        yield Mistake(
            ("backup", "upload_limit"), "must be 0, or at least 16k per second", 'for example, upload_limit = "1m"'
        )
    if isinstance(backup.target, SSHURL):
        yield from _far_backup(backup)
    elif isinstance(backup.target, ObjectURL):
        yield from missing_findings(
            "backup",
            backup,
            {
                "storage_keys_file": "create a file with access_key_id, secret_access_key, region, and endpoint, "
                "each on its own line",
                "encrypt_to": ENCRYPT,
            },
        )
    # Resolved, or a link would let each backup contain the ones before.
    elif backup.target is not None and backup.target.resolve().is_relative_to(static.data_dir.resolve()):
        yield Mistake(("backup", "target"), "can't be inside data_dir")
    for key in ("keep_daily", "keep_weekly"):
        if getattr(backup, key) < 0:
            yield Mistake(("backup", key), "can't be negative")


def missing_findings(section: str, settings: object, needed: Mapping[str, str]) -> Iterator[Mistake]:
    """Settings that a target elsewhere needs and that are not there; `needed` has a hint for each."""
    for key, hint in needed.items():
        if not getattr(settings, key):
            yield Mistake((section, key), "required for a target on another machine", hint)


def _far_backup(backup: Backup) -> Iterator[Mistake]:
    """Problems of a target on another machine: keys and values that it needs."""
    needed = {
        "ssh_key_file": "to create it, run `ssh-keygen -t ed25519 -N '' -f FILE`; then authorize "
        "FILE.pub on the other machine",
        "ssh_host_keys": "copy the lines in /etc/ssh/ssh_host_*_key.pub on the other machine",
        "encrypt_to": ENCRYPT,
    }
    yield from missing_findings("backup", backup, needed)
    yield from host_key_findings("backup", backup.ssh_host_keys)


def host_key_findings(section: str, lines: Sequence[str]) -> Iterator[Mistake]:
    """Lines of `ssh_host_keys` that are no public keys."""
    for index, line in enumerate(lines):
        words = line.split()
        if len(words) < 2 or not KEY_TEXT.issuperset(words[0] + words[1]) or words[0].startswith("@"):
            hint = 'for example, "ssh-ed25519 AAAA..."'
            yield Mistake((section, "ssh_host_keys", index), "isn't a valid SSH host key", hint)


# Cross checks of the section [standby] (STORE-186).


SHORTEST: Final = 3600.0
"""Seconds: a follower that was away for some minutes must still find all changes."""

STANDBY_ENCRYPT: Final = (
    "configuration and private keys must be encrypted: create a key with `age-keygen -o standby-key.txt`, enter "
    "the public key it prints (age1...), and copy the file to the second machine"
)


def standby_findings(static: Static) -> Iterator[Mistake]:
    """Findings within [standby]."""
    standby = static.standby
    target = standby.target
    if target is None:
        return
    yield from _standby_target(static, target)
    if standby.lease and not isinstance(target, ObjectURL):
        hint = "otherwise, decide when the second machine takes over, and run: moxlite standby takeover"
        yield Mistake(("standby", "lease"), "requires a target in object storage (s3://)", hint)
    if target == static.backup.target:
        yield Mistake(
            ("standby", "target"), "can't be the same as backup.target", "use another folder in the same location"
        )
    if not standby.encrypt_to:
        yield Mistake(("standby", "encrypt_to"), "is missing", STANDBY_ENCRYPT)
    if standby.keep < SHORTEST:
        yield Mistake(("standby", "keep"), "must be at least 1h")


def _standby_target(static: Static, target: Path | SSHURL | ObjectURL) -> Iterator[Mistake]:
    standby = static.standby
    if isinstance(target, SSHURL):
        needed = {
            "ssh_key_file": "to create it, run `ssh-keygen -t ed25519 -N '' -f FILE`; then authorize "
            "FILE.pub on the other "
            "machine",
            "ssh_host_keys": "copy the lines in /etc/ssh/ssh_host_*_key.pub on the other machine",
        }
        yield from missing_findings("standby", standby, needed)
        yield from host_key_findings("standby", standby.ssh_host_keys)
        if target.user == "":
            yield Mistake(("standby", "target"), "must include a user", "ssh://USER@host/path")
    elif isinstance(target, ObjectURL):
        if target.scheme != "s3://":
            yield Mistake(("standby", "target"), "must be an s3:// or ssh:// URL, or a folder")
        needed = {
            "storage_keys_file": "create a file with access_key_id, secret_access_key, region, and endpoint, "
            "each on its own line"
        }
        yield from missing_findings("standby", standby, needed)
    elif target.resolve().is_relative_to(static.data_dir.resolve()):
        yield Mistake(("standby", "target"), "can't be inside data_dir")
