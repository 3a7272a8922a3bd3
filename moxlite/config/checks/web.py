"""Cross checks of ``[[web_handlers]]`` (ADMIN-9, WEB-36)."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from moxlite.config.domains import WebBasicAuth, WebHandler, WebRedirect
from moxlite.config.toml.decode import Finding, KeyPath
from moxlite.config.webrules import compile_pattern, parse_template

HANDLERS: Final = ("static", "redirect", "forward", "internal")
FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""Names of HTTP fields (RFC 9110 §5.1)."""
REALM: Final = re.compile(r"[ !#-\[\]-~]+")
"""Text of a quoted string that needs no escapes (RFC 9110 §5.6.4)."""
HASH: Final = re.compile(
    r"\$argon2id\$v=19\$m=(?P<memory>[0-9]{1,7}),t=(?P<time>[0-9]{1,3}),p=(?P<lanes>[0-9]{1,3})"
    r"\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{22,86}"
)
"""A hash of argon2id in the form of the PHC: its costs, salt and hash."""
MAX_MEMORY: Final = 128 << 10
"""KiB that verifying may take: two run at a time."""
MAX_PASSES: Final = 10
MAX_LANES: Final = 8
FRAMING: Final = frozenset({"connection", "content-length", "date", "transfer-encoding", "upgrade"})
"""HTTP fields that only the server may set (RFC 9112 §6)."""


def handler_findings(path: KeyPath, handler: WebHandler) -> Iterator[Finding]:
    """Mistakes within one web handler."""
    given = [name for name in HANDLERS if getattr(handler, name) is not None]
    if len(given) != 1:
        yield Finding(path, "must have exactly one of static, redirect, forward, internal")
    if not handler.path_regexp.startswith("^"):
        yield Finding((*path, "path_regexp"), 'must start with "^"')
    if handler.static is not None:
        if handler.static.strip_prefix and not handler.static.strip_prefix.startswith("/"):
            yield Finding((*path, "static", "strip_prefix"), "must start with a slash")
        yield from _response_headers((*path, "static", "response_headers"), handler.static.response_headers)
    if handler.redirect is not None:
        yield from _redirect((*path, "redirect"), handler.redirect)
    if handler.cache and handler.static is None and handler.forward is None:
        yield Finding((*path, "cache"), "goes with static or forward only")
    for index, one in enumerate(handler.cache):
        yield from _response_headers((*path, "cache", index), {"cache_control": one.cache_control})
    if handler.basic_auth is not None:
        yield from _basic_auth((*path, "basic_auth"), handler.basic_auth)
    if handler.forward is not None:
        yield from _response_headers((*path, "forward", "response_headers"), handler.forward.response_headers)


def _basic_auth(path: KeyPath, settings: WebBasicAuth) -> Iterator[Finding]:
    if not REALM.fullmatch(settings.realm):
        yield Finding((*path, "realm"), "must be ASCII without quotation marks and backslashes")
    for name, hashed in settings.users.items():
        if not name or ":" in name or not name.isprintable():
            yield Finding((*path, "users", name), "is not a name: it must be printable, without a colon")
        found = HASH.fullmatch(hashed)
        if found is None:
            yield Finding((*path, "users", name), "is not a hash of `moxlite config hash-password`")
        elif int(found["memory"]) > MAX_MEMORY or int(found["time"]) > MAX_PASSES or int(found["lanes"]) > MAX_LANES:
            yield Finding((*path, "users", name), "is a hash that costs too much memory or time to verify")


def _redirect(path: KeyPath, redirect: WebRedirect) -> Iterator[Finding]:
    if not 300 <= redirect.status_code <= 399 or redirect.status_code == 304:
        yield Finding((*path, "status_code"), "must be 300 to 399, and not 304")
    if redirect.base_url is None and redirect.orig_path_regexp is None:
        yield Finding(path, "must have base_url or orig_path_regexp")
    if (redirect.orig_path_regexp is None) != (not redirect.replace_path):
        yield Finding(path, "needs orig_path_regexp and replace_path together")
    if redirect.orig_path_regexp is not None:
        try:
            parse_template(redirect.replace_path, compile_pattern(redirect.orig_path_regexp))
        except ValueError as error:
            yield Finding((*path, "replace_path"), str(error))


def _response_headers(path: KeyPath, fields: Mapping[str, str]) -> Iterator[Finding]:
    for name, value in fields.items():
        if not FIELD_NAME.fullmatch(name):
            yield Finding((*path, name), "is not the name of a header field")
        elif name.lower() in FRAMING:
            yield Finding((*path, name), "is a field that only the server can set")
        if not all(" " <= c <= "~" or "\xa0" <= c <= "\xff" for c in value) or value != value.strip():
            yield Finding(
                (*path, name), "is not the value of a header field: no control characters, no space around it"
            )
