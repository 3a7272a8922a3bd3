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

from moxlite.admin.settings import NotValid, change_keys
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
from moxlite.config.values import Section
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
            raise NotFound("This was removed from the configuration.")
        names = {field.name for field in fields}
        shown = [field for field in _fields(section) if field.name in names]
        return SettingsForm(shown, encode(found, only=names))  # without the accounts of a whole file

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
            raise NotFound("This was removed from the configuration.")
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
            text = f"Nothing was saved, the old settings still apply: {error.strerror or error}"
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
    return _described(field.shape, field.name, field.doc, required=field.required, default=_default(field))


@cache  # one entry per section class
def _fields(section: type[Section]) -> tuple[FieldInfo, ...]:
    return tuple(describe(field) for field in fields_of(section))


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
    shape: Shape, name: str = "", doc: str = "", *, required: bool = False, default: Any = None
) -> FieldInfo:
    info = FieldInfo(
        name=name,
        label=label(name),
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
            return msgspec.structs.replace(info, type="enum", words=list(shape.words))
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
    "accept_rejects_to_mailbox": "Folder for mail that would be rejected",
    "after": "Use after",
    "allow_ips": "Allowed networks",
    "allow_msg_from": "Members can send from this address",
    "arc": "Trusted forwarders (ARC)",
    "auto_rotate": "Replace the signing key after",
    "automatic_junk_flags": "Junk marks by folder",
    "base_path": "Path",
    "base_url": "Target",
    "basic_auth": "Password",
    "body": "Body canonicalization",
    "cache": "Cache rules",
    "cache_control": "Cache-Control value",
    "carrier": "Forwarding account",
    "client_settings_domain": "Server name in mail client settings",
    "compress": "Compress responses",
    "continue_not_found": "Continue if the file doesn't exist",
    "deliver_to_sender": "Send members copies of their own messages",
    "dmarc": "DMARC reports",
    "domain": "Host",
    "dont_redirect_plain_http": "Serve without encryption",
    "expire_after": "Delete old messages",
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
    "headers": "Signed header fields",
    "headers_regexp": "Header field patterns",
    "ignore_words": "Ignore words near 0.5",
    "imap_capabilities_disabled": "Disabled IMAP capabilities",
    "incoming_webhook": "Webhook for received messages",
    "internal": "App of this server",
    "introbox": "Folder for unknown senders",
    "invitations": "Add invitations to the calendar",
    "is_forward": "Forwards from the verified domain",
    "junk_filter": "Junk filter",
    "junk_mailbox_regexp": "Pattern of junk folders",
    "keep_copy": "Keep a copy of forwarded mail",
    "keep_rejects": "Keep rejected mail permanently",
    "keep_retired_message_period": "Keep finished messages for",
    "keep_retired_webhook_period": "Keep finished webhooks for",
    "label": "Add label",
    "list_allow_domain": "Accept mailing list from",
    "list_files": "List directories",
    "list_members": "Members can see other members",
    "localpart": "Name before the @",
    "localpart_case_sensitive": "Uppercase and lowercase differ before the @",
    "localpart_separators": "Separators in addresses",
    "log_name": "Name in logs and metrics",
    "login_disabled": "Disable login",
    "mailbox": "Folder",
    "max_age": "Keep the policy for",
    "max_first_time_recipients_per_day": "First-time recipients per day",
    "max_outgoing_messages_per_day": "Recipients per day",
    "max_power": "Strongest word probability",
    "max_recipients_per_hour": "Recipients per hour",
    "message_auth_required_smtp_error": "Reject unverified mail",
    "minimum_attempts": "Use after failed attempts",
    "monitor_dnsbls": "Monitored block lists",
    "msg_from_regexp": "From pattern",
    "mtasts": "MTA-STS policy",
    "mx": "Mail servers",
    "neutral_mailbox_regexp": "Pattern of ignored folders",
    "never_junk": "Never junk",
    "new_accounts": "New accounts at first login",
    "no_custom_password": "Generated passwords only",
    "no_dsn_suppression": "Keep sending to addresses that bounce",
    "no_first_time_sender_delay": "Don't delay unknown senders",
    "no_jmap": "Disable JMAP",
    "no_sending_guard": "Disable sending guard",
    "not_junk_mailbox_regexp": "Pattern of folders without junk",
    "onegrams": "Use single words",
    "orig_path_regexp": "Path pattern",
    "outgoing_webhook": "Webhook for sent messages",
    "part": "Message part",
    "path_regexp": "Path pattern",
    "peer": "Previous mail servers of this domain",
    "policy_id": "Policy version",
    "post_public": "Anyone can write to this address",
    "precompressed": "Serve compressed files",
    "queue_mailbox": "Show Outgoing folder",
    "quota_message_size": "Storage limit",
    "rare_words": "Ignore rare words",
    "realm": "Password prompt",
    "refused_addresses": "Rejected addresses",
    "rejects_mailbox": "Folder for rejected mail",
    "replace_path": "Replacement path",
    "require_app_passwords": "Require app passwords",
    "response_headers": "Response header fields",
    "root": "Folder",
    "routes": "Routes",
    "rulesets": "Rules",
    "seal": "Protect header fields from additions",
    "service": "App",
    "sign": "Signing keys",
    "smtp_error": "Reject all mail",
    "smtp_mail_from_regexp": "Envelope sender pattern",
    "static": "Static site",
    "status_code": "Status code",
    "strict_records": "Strict policies in DNS",
    "strip_path": "Remove the matched path",
    "strip_prefix": "Remove from the path",
    "subject_pass": "Subject tokens for suspected senders",
    "test": "Comparison",
    "threegrams": "Use word triples",
    "tlsrpt": "TLS reports",
    "to_domain": "Recipient domains",
    "top_words": "Words that count",
    "trusted_sealers": "Trusted forwarding domains",
    "twograms": "Use word pairs",
    "unsealed_headers": "Header fields signed if present",
    "url": "Address",
    "users": "Password hashes",
    "verified_domain": "Verified domain",
    "web_domain_redirects": "Host redirects",
    "web_handlers": "Handlers",
}
"""Labels of fields in forms, by key (WEB-89b). A key of one usual word has none: the word is its label."""


def label(name: str) -> str:
    """The label of a key; "" for what a list or map holds."""
    return LABELS.get(name, name.capitalize())
