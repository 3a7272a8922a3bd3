"""The calls that show and save the settings of any object of domains.toml (WEB-80..82, 87, 89, 165): one description of
the fields, from the same source as ``config describe-domains``, for the form and for its checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final

import msgspec
import trio
from msgspec import Meta

from moxlite.admin.formedits import NotValid, change_keys
from moxlite.config.domains import Account, Alias, Destination, DKIMConfig, DomainConfig, Domains, Selector
from moxlite.config.fields import (
    ArrayShape,
    EnumShape,
    Field,
    KindShape,
    PlainShape,
    Shape,
    TableShape,
    TablesShape,
    fields_of,
    type_name,
)
from moxlite.config.holder import ChangedMeanwhile, ObjectChanged, object_at
from moxlite.config.load import ConfigError
from moxlite.config.toml.decode import encode
from moxlite.config.values import DURATION_PART, SIZE, Section
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.types import FieldInfo, SettingsForm
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, FieldError, FieldErrors, NotFound, ServerFailed, Unavailable, UserError

Path = Annotated[list[Annotated[str, Meta(max_length=1000)]], Meta(max_length=6)]

Table = dict[str, Any]

OBJECTS: Final[Mapping[tuple[str, ...], tuple[type[Section], frozenset[str]]]] = {
    (): (Domains, frozenset({"domains", "accounts"})),
    ("accounts", "*"): (Account, frozenset({"domain", "destinations"})),
    ("accounts", "*", "destinations", "*"): (Destination, frozenset()),
    ("domains", "*"): (DomainConfig, frozenset({"aliases", "dkim"})),
    ("domains", "*", "aliases", "*"): (Alias, frozenset({"addresses"})),
    ("domains", "*", "dkim"): (DKIMConfig, frozenset({"selectors"})),
    ("domains", "*", "dkim", "selectors", "*"): (Selector, frozenset({"key_file"})),
}
"""Objects by their place in domains.toml, each with its struct and the keys that have calls of their own. The account's
``domain`` only preselects new addresses and is no property (ADMIN-14); key files are made, not typed.
"""


class SettingsCalls(AdminCalls):
    """Forms for every object of domains.toml."""

    @call()
    async def settings(self, caller: Caller, path: Path) -> SettingsForm:
        """The form of an object: its fields with explanations and defaults, and the values that are set."""
        await trio.lowlevel.checkpoint()
        section, fields = _object(path)
        found = object_at(self._server.config(), tuple(path)) if path else self._server.config().domains
        if not isinstance(found, section):
            raise NotFound("These settings were removed from the configuration.")
        names = frozenset(field.name for field in fields)
        values = encode(found, only=names)  # without the accounts of a whole file
        return SettingsForm(list(_fields(section, names)), values)

    @call(audit="settings changed", confirm=True)
    async def settings_save(self, caller: Caller, path: Path, before: Table, after: Table) -> None:
        """Change the fields that differ between `before`, as `settings` gave them, and `after`."""
        section, fields = _object(path)
        names = [field.name for field in fields]
        unknown = (set(before) | set(after)) - set(names)
        if unknown:
            raise UserError(f"Unknown field: {min(unknown)!r}")
        holder = self._server.holder
        if path and object_at(holder.current, tuple(path)) is None:
            raise NotFound("These settings were removed from the configuration.")
        try:
            await change_keys(holder.edit, section, tuple(path), before, after, names, administrator=True)
        except NotValid as error:
            raise FieldErrors([FieldError(finding.about, finding.text) for finding in error.findings]) from None
        except ObjectChanged as error:
            raise Conflict(f"These settings were changed elsewhere: {error}") from None
        except ChangedMeanwhile as error:
            raise Unavailable(str(error)) from None
        except ConfigError as error:
            raise UserError(f"Your changes weren't saved: {error.problems[0]}") from None
        except OSError as error:
            text = f"Your changes weren't saved: {error.strerror or error}"
            raise ServerFailed(text) from None


def _object(path: Sequence[str]) -> tuple[type[Section], tuple[Field, ...]]:
    """The struct at a path, and its fields that a form has. Raises NotFound."""
    names = frozenset({"accounts", "domains", "destinations", "aliases", "selectors"})
    place = tuple("*" if i and path[i - 1] in names else name for i, name in enumerate(path))
    found = OBJECTS.get(place)
    if found is None:
        raise NotFound("Settings not found")
    section, hidden = found
    return section, tuple(field for field in fields_of(section) if field.name not in hidden)


def describe(field: Field) -> FieldInfo:
    """A field for a form."""
    default = _default(field)
    info = _described(field.shape, field.name, field.doc, field.owner, required=field.required, default=default)
    usual = "" if field.required else _in_words(info, default)
    about = (info.doc, EXAMPLES.get(info.kind, ""), f"Default: {usual}." if usual else "")
    return msgspec.structs.replace(info, doc=" ".join(filter(None, about)))


EXAMPLES: Final[Mapping[str, str]] = {
    "duration": "Seconds, minutes, hours, or days. For example, 15s, 1h30m, or 7d.",
    "size": "Kilobytes, megabytes, or gigabytes. For example, 500k, 100m, or 2g.",
}
"""How values are typed, by the kind of their field."""


UNITS: Final[Mapping[str, Mapping[str, str]]] = {
    "duration": {"ms": "millisecond", "s": "second", "m": "minute", "h": "hour", "d": "day"},
    "size": {"k": "KB", "m": "MB", "g": "GB", "t": "TB"},
}
"""Units of values by the kind of their field, in words."""


def _in_words(info: FieldInfo, value: Any) -> str:
    """A default in words; a table's fields have their own, and a choice marks it."""
    match value:
        case None | [] | dict():
            return ""
        case bool():
            return "on" if value else "off"
        case list():
            return ", ".join(map(str, value))
        case str() if info.kind in UNITS:
            return _with_units(value, info.kind)
        case _:
            return "" if info.words else str(value)


def _with_units(text: str, kind: str) -> str:
    """A number with units as the file has it, in words: ``1h30m`` is "1 hour 30 minutes". Others, as ``auto``, stay."""
    pattern, plural = (DURATION_PART, "s") if kind == "duration" else (SIZE, "")
    parts = pattern.findall(text)
    return (
        " ".join(f"{n} {UNITS[kind][unit]}{'' if n == '1' else plural}" for n, unit in parts if unit in UNITS[kind])
        or text
    )


@cache  # one entry per section class and form
def _fields(section: type[Section], names: frozenset[str] | None = None) -> tuple[FieldInfo, ...]:
    """The fields of a section in a form; all of them without names."""
    return tuple(describe(field) for field in fields_of(section) if names is None or field.name in names)


def _default(field: Field) -> Any:
    if field.required or field.default is None:
        return None
    if isinstance(field.default, Section):
        return encode(field.default)
    return _plain(field)


def _plain(field: Field) -> Any:
    match field.shape:
        case KindShape():
            return field.shape.kind.show(field.default)
        case ArrayShape() if isinstance(field.default, tuple):
            return [_shown(field.shape.item, one) for one in field.default]
        case TablesShape():
            return {}
        case _:
            return field.default


def _shown(shape: Shape, value: Any) -> Any:
    return shape.kind.show(value) if isinstance(shape, KindShape) else value


def _described(
    shape: Shape, name: str = "", doc: str = "", owner: str = "", *, required: bool = False, default: Any = None
) -> FieldInfo:
    info = FieldInfo(
        name=name,
        label=LABELS.get(name, owner),
        type="text",
        kind=type_name(shape),
        doc=doc,
        required=required,
        default=default,
    )
    match shape:
        case PlainShape():
            kinds = {bool: "boolean", int: "integer", float: "number", str: "text"}
            return msgspec.structs.replace(info, type=kinds[shape.type])
        case EnumShape():
            return msgspec.structs.replace(info, type="enum", words={word: CHOICES[name][word] for word in shape.words})
        case ArrayShape():
            return msgspec.structs.replace(info, type="list", item=_described(shape.item))
        case TablesShape():
            return msgspec.structs.replace(info, type="map", item=_described(shape.item))
        case TableShape():
            below = list(_fields(shape.section))
            heading = " ".join((shape.section.__doc__ or "").split())
            return msgspec.structs.replace(info, type="table", fields=below, doc=doc or heading)
        case _:
            return info


LABELS: Final[dict[str, str]] = {
    "": "",
    "accept_rejects_to_mailbox": "Folder for mail that would be rejected",
    "account": "Account for reports",
    "after": "Use after",
    "allow_ips": "Allowed networks",
    "allow_msg_from": "Members can send from this address",
    "allowed": "Allowed senders",
    "arc": "Trusted forwarders (ARC)",
    "authorization": "Authorization header",
    "auto_rotate": "Replace the signing key after",
    "automatic_junk_flags": "Mark junk by folder",
    "base_path": "Path",
    "base_url": "Target",
    "basic_auth": "Password",
    "blocked": "Blocked senders",
    "body": "Body canonicalization",
    "cache": "Cache rules",
    "cache_control": "Cache-Control value",
    "carrier": "Forwarding account",
    "client_settings_aliases": "More server names that mail clients use",
    "client_settings_domain": "Server name in mail client settings",
    "comment": "Note",
    "compress": "Compress responses",
    "conditions": "Conditions",
    "continue_not_found": "Continue if the file doesn't exist",
    "deliver_to_sender": "Send members copies of their own messages",
    "description": "Description",
    "disabled": "Turn off domain",
    "dmarc": "DMARC reports",
    "domain": "Host",
    "dont_redirect_plain_http": "Serve without encryption",
    "enabled": "Mark messages by their folder",
    "events": "Events",
    "expiration": "Signature lifetime",
    "expire_after": "Delete old messages",
    "file_unsure": "Move probable junk to Junk, and only reject mail that's almost certainly junk",
    "follow_symlinks": "Follow symbolic links",
    "former_mx": "Previous mail servers",
    "forward": "Proxy",
    "forward_to": "Forward to",
    "free_busy": "Calendar visibility",
    "from_domain": "Sender domains",
    "from_id_login_addresses": "Logins with unique sender addresses",
    "full_name": "Full name",
    "hash": "Hash algorithm",
    "header": "Header canonicalization",
    "headers": "Header fields to sign",
    "headers_regexp": "Header field patterns",
    "ignore_words": "Ignore words near 0.5",
    "imap_capabilities_disabled": "Disabled IMAP capabilities",
    "imap_prefix": "Mailbox name prefix of a previous server",
    "incoming_webhook": "Webhook for received messages",
    "internal": "moxlite app",
    "introbox": "Folder for unknown senders",
    "invitations": "Add invitations to the calendar",
    "is_forward": "Forwarded by the verified domain",
    "junk_filter": "Junk filter",
    "junk_mailbox_regexp": "Pattern for junk folders",
    "keep_copy": "Keep a copy of forwarded mail",
    "keep_rejects": "Keep rejected mail permanently",
    "keep_retired_message_period": "Keep finished messages for",
    "keep_retired_webhook_period": "Keep finished webhooks for",
    "label": "Add label",
    "list_allow_domain": "Accept mailing list from",
    "list_files": "List directories",
    "list_members": "Members can see other members",
    "localpart": "Name before the @",
    "localpart_case_sensitive": "Case-sensitive before the @",
    "localpart_separators": "Address separators",
    "log_name": "Name in logs and metrics",
    "login_disabled": "Disable login",
    "login_names": "More user names for logging in",
    "mailbox": "Folder",
    "match": "Match conditions",
    "max_age": "Keep the policy for",
    "max_first_time_recipients_per_day": "First-time recipients per day",
    "max_outgoing_messages_per_day": "Recipients per day",
    "max_power": "Maximum word weight",
    "max_recipients_per_hour": "Recipients per hour",
    "message_auth_required_smtp_error": "Reject unverified mail",
    "minimum_attempts": "Use after failed attempts",
    "mode": "Policy mode",
    "monitor_dnsbls": "Monitored block lists",
    "msg_from_regexp": "From pattern",
    "mtasts": "MTA-STS policy",
    "mx": "Mail servers",
    "neutral_mailbox_regexp": "Pattern for ignored folders",
    "never_junk": "Never junk",
    "new_accounts": "New accounts at first login",
    "no_custom_password": "Generated passwords only",
    "no_dsn_suppression": "Keep sending to addresses that bounce",
    "no_first_time_sender_delay": "Don't delay unknown senders",
    "no_jmap": "Disable JMAP",
    "no_sending_guard": "Disable sending guard",
    "not_junk_mailbox_regexp": "Pattern for folders without junk",
    "onegrams": "Use single words",
    "orig_path_regexp": "Path pattern",
    "outgoing_webhook": "Webhook for sent messages",
    "part": "Message part",
    "path_regexp": "Path pattern",
    "peer": "Previous mail servers of this domain",
    "period": "Token lifetime",
    "policy_id": "Policy version",
    "post_public": "Anyone can write to this address",
    "precompressed": "Serve compressed files",
    "queue_mailbox": "Show Outgoing folder",
    "quota_message_size": "Storage limit",
    "rare_words": "Ignore rare words",
    "read": "Mark as read",
    "realm": "Password prompt",
    "redirect": "Redirect",
    "refused_addresses": "Rejected addresses",
    "rejects_mailbox": "Folder for rejected mail",
    "replace_path": "Replacement path",
    "require_app_passwords": "Require app passwords",
    "response_headers": "Response header fields",
    "root": "Folder",
    "routes": "Routes",
    "rulesets": "Rules",
    "seal": "Protect header fields from additions",
    "secret": "Signing secret",
    "senders": "Blocked and allowed senders",
    "service": "App",
    "sign": "Signing keys",
    "smtp_error": "Reject all mail",
    "smtp_mail_from_regexp": "Envelope sender pattern",
    "star": "Flag",
    "static": "Static site",
    "status_code": "Status code",
    "strict_records": "Strict policies in DNS",
    "strip_path": "Remove the matched path",
    "strip_prefix": "Remove from the path",
    "subject_pass": "Subject tokens for suspected senders",
    "test": "Comparison",
    "threegrams": "Use groups of 3 words",
    "threshold": "Reject above this probability",
    "tlsrpt": "TLS reports",
    "to_domain": "Recipient domains",
    "top_words": "Words in explanations",
    "transport": "Transport",
    "trusted_sealers": "Trusted forwarding domains",
    "twograms": "Use word pairs",
    "unsealed_headers": "Header fields to sign if present",
    "url": "Address",
    "users": "Password hashes",
    "value": "Text",
    "verified_domain": "Verified domain",
    "web_domain_redirects": "Host redirects",
    "web_handlers": "Handlers",
}
"""Labels of fields in forms, by key (WEB-89b); "" is what a list or map holds."""

CHOICES: Final[dict[str, dict[str, str]]] = {
    "after": {"": "Always", "blocked": "Only if this server's address is blocked"},
    "body": {"relaxed": "Relaxed", "simple": "Simple"},
    "free_busy": {"details": "Event details", "busy": "Busy times only", "nothing": "Nothing"},
    "hash": {"sha256": "SHA-256", "sha1": "SHA-1"},
    "header": {"relaxed": "Relaxed", "simple": "Simple"},
    "invitations": {"known": "From known senders", "all": "From all verified addresses", "never": "Never"},
    "match": {"all": "All conditions", "any": "Any condition"},
    "mode": {"enforce": "Enforce", "testing": "Test", "none": "None"},
    "part": {
        "from": "From",
        "to": "To",
        "subject": "Subject",
        "text": "Any text",
        "list": "Mailing list",
        "larger": "Larger than",
        "attachment": "Has an attachment",
    },
    "service": {
        "admin": "Admin app",
        "account": "Account page",
        "webmail": "Webmail",
        "webapi": "Web API",
        "dav": "CalDAV and CardDAV",
    },
    "test": {"contains": "Contains", "is": "Is", "begins": "Begins with", "ends": "Ends with"},
}
"""Values of fields that have a choice, in words, by the field's key."""
