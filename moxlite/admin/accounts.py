"""Changes of accounts and addresses in domains.toml: the one implementation behind command line, control socket and
admin app (ADMIN-14..17).

Each function changes the document that `ConfigHolder.edit` gives it, or raises `Refused`. The checks that follow the
edit find mistakes in the configuration as a whole.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from moxlite.config.checks.accounts import account_name_problem
from moxlite.config.domains import Account, JunkFilter
from moxlite.config.fields import ArrayShape, Field, PlainShape, Shape, TableShape, TablesShape, fields_of
from moxlite.config.snapshot import AccountRecipient, Snapshot
from moxlite.config.toml.decode import encode, near
from moxlite.config.toml.edit import Document
from moxlite.config.values import format_size, parse_size
from moxlite.operations.accounts import SettingInfo
from moxlite.proto.address import Address, AddressError, Domain, unmarked
from moxlite.store.junkflags import JunkFlagRules
from moxlite.store.rows.personnames import alike

STANDARD_FILTER: Final = JunkFilter(threshold=0.95, onegrams=True, file_unsure=True)
"""Starting values of a junk filter."""


class Refused(Exception):
    """The change cannot be made; the text says why and what to do. `field`: the argument that is wrong, "" if no single
    one is.
    """

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


def require_account(snapshot: Snapshot, name: str) -> None:
    """Raise Refused if there is no account of this name."""
    if snapshot.account(name) is None:
        raise Refused(snapshot.no_account(name))


def new_address(snapshot: Snapshot, text: str, field: str = "address") -> str:
    """Return an address, or ``@domain`` for a catchall, in the spelling that domains.toml uses. Raises Refused about
    the argument `field`.
    """
    if not text:
        raise Refused("enter an address", field)
    try:
        text = unmarked(text)
        if text.startswith("@"):
            domain = Domain.parse(text[1:])
            address = f"@{domain.unicode}"
        else:
            parsed = Address.parse(text)
            domain, address = parsed.domain, parsed.pack(True)
    except AddressError as error:
        raise Refused(f'"{text}" isn\'t a valid address: {error}', field) from None
    if snapshot.domain(domain) is None:
        advice = near(domain.unicode, snapshot.domains.domains) or "add it first"
        raise Refused(f'"{domain.unicode}" isn\'t a domain on this server; {advice}', field)
    return address


def add_account(
    document: Document, snapshot: Snapshot, name: str, address: str, further: Mapping[str, Any] | None = None
) -> None:
    """Add an account with one address, the usual settings (ADMIN-14), and `further` ones in the form of the file."""
    problem = account_name_problem(name)
    if problem is not None:
        raise Refused(f'"{name}" {problem}', "account")
    if name in snapshot.domains.accounts:
        raise Refused(f'account "{name}" already exists', "account")
    settings = {**account_settings(new_address(snapshot, address)), **(further or {})}
    document.put(("accounts", name), settings)


def account_settings(address: str) -> dict[str, Any]:
    """The table of a new account with this address, in the form of the file (ADMIN-14)."""
    rules, own = JunkFlagRules(), STANDARD_FILTER
    return {
        "domain": address.rpartition("@")[2],
        "rejects_mailbox": "Rejects",
        "no_custom_password": True,
        "destinations": {address: {}},
        "subject_pass": {"period": "12h"},
        "automatic_junk_flags": {
            "enabled": True,
            "junk_mailbox_regexp": rules.junk_mailbox_regexp,
            "neutral_mailbox_regexp": rules.neutral_mailbox_regexp,
        },
        "junk_filter": {
            "threshold": own.threshold,
            "onegrams": own.onegrams,
            "max_power": own.max_power,
            "top_words": own.top_words,
            "ignore_words": own.ignore_words,
            "rare_words": own.rare_words,
            "file_unsure": own.file_unsure,
        },
    }


def remove_account(document: Document, snapshot: Snapshot, name: str) -> None:
    """Remove an account from the file, and its addresses from aliases. The caller deletes its data (ADMIN-15)."""
    require_account(snapshot, name)
    if name == snapshot.static.postmaster.account:
        raise Refused(f'"{name}" receives postmaster mail; choose another account in moxlite.toml first')
    reports = snapshot.static.host_tlsrpt
    if reports is not None and reports.account == name:
        raise Refused(f'"{name}" gets the host\'s TLS reports; choose another account in moxlite.toml first')
    for domain, settings in snapshot.domains.domains.items():
        for kind, report in (("DMARC", settings.dmarc), ("TLS", settings.tlsrpt)):
            if report is not None and report.account == name:
                raise Refused(f'"{name}" gets the {kind} reports for {domain}; choose another account for them first')
    _leave_aliases(document, snapshot, {address.canonical for address in _addresses_of(snapshot, name)})
    document.drop(("accounts", name))


def enable_account(document: Document, snapshot: Snapshot, name: str) -> None:
    """Let the account log in again."""
    require_account(snapshot, name)
    document.drop(("accounts", name, "login_disabled"))


def disable_account(document: Document, snapshot: Snapshot, name: str, message: str) -> None:
    """Refuse log-ins with this message (ADMIN-17)."""
    require_account(snapshot, name)
    if not message.strip():
        raise Refused("enter a message for the user")
    document.put(("accounts", name, "login_disabled"), message)


def set_quota(document: Document, snapshot: Snapshot, name: str, size: str) -> None:
    """Set the room for the messages of an account: a size as in the file, ``none``, or ``default`` for the server's."""
    require_account(snapshot, name)
    path = ("accounts", name, "quota_message_size")
    if size == "default":
        document.drop(path)
        return
    try:
        octets = -1 if size == "none" else parse_size(int(size) if size.isascii() and size.isdecimal() else size)
    except ValueError:
        octets = 0
    forgotten = size.isascii() and size.isdecimal() and octets < LEAST_WITHOUT_UNIT
    if octets == 0 or octets < -1 or forgotten:
        raise Refused('quota must be "none", "default", or a size like "5g" (up to 1 PiB)', "size")
    document.put(path, format_size(octets))


LEAST_WITHOUT_UNIT: Final = 1 << 20
"""Octets of a quota below which a number without a unit lacks one: no room for a photo."""

QUOTA: Final = "quota"
"""The short name of `quota_message_size` on the command line."""


def set_setting(document: Document, snapshot: Snapshot, name: str, key: str, text: str) -> None:
    """Set a key of an account to the value that the text stands for; ``default`` takes it out of the file."""
    if key in (QUOTA, "quota_message_size"):
        set_quota(document, snapshot, name, text)
        return
    require_account(snapshot, name)
    field = next((setting for setting in _settings() if setting.name == key), None)
    if field is None:
        names = [setting.name for setting in _settings()]
        known = any(setting.name == key for setting in fields_of(Account))
        advice = ("" if known else near(key, names)) or f"available settings: {', '.join(names)}"
        raise Refused(f'"{key}" can\'t be set here; {advice}', "key")
    path = ("accounts", name, key)
    if text == "default":
        document.drop(path)
    else:
        document.put(path, _value(field, text))


def settings_of(account: Account) -> list[SettingInfo]:
    """The settings of an account that have one value or a list of texts."""
    shown, kept = encode(account, whole=True), encode(account)
    return [
        SettingInfo(setting.name, _words(shown.get(setting.name)), setting.name in kept, setting.doc)
        for setting in _settings()
    ]


def _settings() -> list[Field]:
    """The keys of an account that `set_setting` changes."""
    return [field for field in fields_of(Account) if _simple(field.shape) and not field.required]


def _simple(shape: Shape) -> bool:
    match shape:
        case ArrayShape():
            return not isinstance(shape.item, TableShape | ArrayShape | TablesShape)
        case TableShape() | TablesShape():
            return False
        case _:
            return True


def _value(field: Field, text: str) -> Any:
    """The value in the form of the file. Raises Refused."""
    match field.shape:
        case PlainShape(type=kind) if kind is bool:
            if text not in SWITCH:
                raise Refused(f"{field.name} must be true or false", "value")
            return SWITCH[text]
        case PlainShape(type=kind) if kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                raise Refused(f'{field.name} must be a number, not "{text}"', "value") from None
        case ArrayShape():
            return [one.strip() for one in text.split(",") if one.strip()]
        case _:
            return text


SWITCH: Final = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def add_address(document: Document, snapshot: Snapshot, address: str, name: str) -> None:
    """Give an account one more address, or with ``@domain`` all addresses of the domain that no other account has."""
    require_account(snapshot, name)
    address = new_address(snapshot, address)
    if address in snapshot.domains.accounts[name].destinations:
        raise Refused(f'"{name}" already has the address "{address}"', "address")
    document.put(("accounts", name, "destinations", address), {})


def looking_alike(snapshot: Snapshot, addresses: Collection[str], account: str = "") -> dict[str, str]:
    """Addresses that people may take for an alias or an address of another account, and which. `account`: the name of
    the one that has them.
    """
    known = [
        address
        for name, settings in snapshot.domains.accounts.items()
        if name != account
        for address in settings.destinations
    ]
    known += [
        f"{localpart}@{domain}"
        for domain, settings in snapshot.domains.domains.items()
        for localpart in settings.aliases
    ]
    return alike(addresses, known)


def remove_address(document: Document, snapshot: Snapshot, address: str) -> None:
    """Remove an address from its account and from all aliases (ADMIN-16)."""
    address = new_address(snapshot, address)
    if address.startswith("@"):
        account_recipient = snapshot.derived.catchall.get(Domain.parse(address[1:]).ascii)
    else:
        recipient = snapshot.lookup_configured(Address.parse(address))
        account_recipient = recipient if isinstance(recipient, AccountRecipient) and recipient.reports is None else None
    if account_recipient is None:
        raise Refused(f'"{address}" doesn\'t belong to an account')
    if not account_recipient.catchall:
        _leave_aliases(document, snapshot, {account_recipient.canonical})
    document.drop(("accounts", account_recipient.account, "destinations", account_recipient.configured))


def _addresses_of(snapshot: Snapshot, name: str) -> list[AccountRecipient]:
    return [
        one
        for one in snapshot.derived.by_address.values()
        if isinstance(one, AccountRecipient) and one.account == name and one.reports is None
    ]


def _leave_aliases(document: Document, snapshot: Snapshot, addresses: set[Address]) -> None:
    """Remove addresses from aliases. Raises Refused if an alias would have no member left (ADMIN-16, SMTP-107)."""
    for domain, settings in snapshot.domains.domains.items():
        for localpart, alias in settings.aliases.items():
            left = [str(member) for member in alias.addresses if snapshot.canonical(member) not in addresses]
            if len(left) == len(alias.addresses):
                continue
            if not any(snapshot.domain(Address.parse(one).domain) for one in left):
                raise Refused(f"{localpart}@{domain} would have no members; delete the alias or add members first")
            document.put(("domains", domain, "aliases", localpart, "addresses"), left)
