"""Changes of domains and aliases in domains.toml: the one implementation behind command line, control socket,
quickstart and admin app (ADMIN-12, 13, 17, SMTP-105..107).

As in `accounts`, each function changes the document of an edit, or raises `Refused`.
"""

import datetime as dt
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import trio
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from moxlite.admin.accounts import Refused, account_settings, new_address
from moxlite.admin.commandedits import edit
from moxlite.admin.dkimkeys import FILE_KINDS, SIGNING, KeyUnreadable, NewKey, read_key, write_new
from moxlite.config.checks.accounts import account_name_problem
from moxlite.config.domains import POLICY_ID_TIME, Alias, DKIMConfig, DomainConfig, Selector
from moxlite.config.holder import ConfigHolder
from moxlite.config.load import DKIM_FOLDER
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from moxlite.net.control.server import CommandFailed
from moxlite.proto.address import Address, AddressError, Domain, unmarked

MTASTS_SECONDS: Final = 7 * 86_400
"""Seconds that senders keep the first policy. Its mode is ``testing``: with ``enforce``, mail would be lost until there
is a certificate. The DNS check warns of a day or less.
"""

PUBLIC: Final = frozenset(
    [
        "126.com",
        "163.com",
        "aol.com",
        "fastmail.com",
        "free.fr",
        "freenet.de",
        "gmail.com",
        "gmx.at",
        "gmx.ch",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hey.com",
        "hotmail.com",
        "hotmail.co.uk",
        "hotmail.de",
        "hotmail.fr",
        "icloud.com",
        "laposte.net",
        "libero.it",
        "live.com",
        "mac.com",
        "mail.com",
        "mail.ru",
        "mailbox.org",
        "me.com",
        "msn.com",
        "naver.com",
        "orange.fr",
        "outlook.com",
        "outlook.de",
        "pm.me",
        "posteo.de",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "seznam.cz",
        "t-online.de",
        "tuta.com",
        "tutanota.com",
        "web.de",
        "wp.pl",
        "yahoo.co.jp",
        "yahoo.co.uk",
        "yahoo.com",
        "yahoo.de",
        "yahoo.fr",
        "yandex.com",
        "yandex.ru",
        "ymail.com",
        "zoho.com",
    ]
)
"""Domains of the largest providers with addresses for all: a slip, or a misunderstanding."""

OLD_KEYS: Final = "old"
"""Folder of keys that no domain uses any more; they are never deleted."""


def parse_domain(text: str) -> Domain:
    """Parse a domain that a person typed. Raises Refused."""
    if not text:
        raise Refused("enter a domain", "domain")
    try:
        domain = Domain.parse(text, strict=True)
    except AddressError as error:
        raise Refused(f'"{text}" isn\'t a valid domain: {error}', "domain") from None
    if "." not in domain.ascii or domain.is_numeric:
        raise Refused(f'"{text}" isn\'t a full domain name, like example.org', "domain")
    return domain


def refuse_public(domain: Domain) -> None:
    """Raise Refused for the domain of a public mail provider: its mail can't come to another server."""
    for name in PUBLIC:
        if domain.ascii == name or domain.ascii.endswith(f".{name}"):
            raise Refused(f"{name} belongs to a public mail provider, so you can't add it", "domain")


def require_domain(snapshot: Snapshot, name: str) -> tuple[Domain, DomainConfig]:
    """A domain of ours, with its settings. Raises Refused."""
    try:
        domain = Domain.parse(name)
    except AddressError:
        domain = Domain(name, name)
    settings = snapshot.domain(domain)
    if settings is None:
        raise Refused(f'"{name}" isn\'t a domain on this server')
    return domain, settings


def domain_settings(
    domain: Domain,
    account: str,
    keys: Sequence[NewKey],
    *,
    mtasts: bool,
    now: dt.datetime,
    strict: bool,
    disabled: bool = False,
) -> dict[str, Any]:
    """The table of a new domain, in the form that domains.toml has (ADMIN-12).

    Args:
      account: gets the reports about the domain.
      mtasts: a listener serves policies.
      strict: its DNS records bind others.
    """
    settings: dict[str, Any] = {
        "client_settings_domain": f"mail.{domain.unicode}",
        "strict_records": strict,
        "localpart_separators": ["+"],
        "dkim": {
            "sign": [key.selector for key in keys[:SIGNING]],
            "selectors": {key.selector: {"key_file": key.file} for key in keys},
        },
        "dmarc": {"localpart": "dmarcreports", "account": account, "mailbox": "DMARC"},
        "tlsrpt": {"localpart": "tlsreports", "account": account, "mailbox": "TLSRPT"},
    }
    if mtasts:
        settings["mtasts"] = {
            "policy_id": now.strftime(POLICY_ID_TIME),
            "mode": "testing",
            "max_age": f"{MTASTS_SECONDS // 86_400}d",
        }
    return {"disabled": True, **settings} if disabled else settings


def add_domain(
    document: Document,
    snapshot: Snapshot,
    name: str,
    account: str,
    localpart: str,
    keys: Sequence[NewKey],
    *,
    now: dt.datetime,
    strict: bool,
    disabled: bool,
) -> None:
    """Add a domain. With a localpart, also add the new account that gets its reports."""
    domain = parse_domain(name)
    refuse_public(domain)
    if snapshot.domain(domain) is not None:
        raise Refused(f'"{domain.unicode}" is already a domain on this server', "domain")
    new_account = snapshot.account(account) is None
    if new_account and not localpart:
        text = f'account "{account}" doesn\'t exist; to create it, specify the localpart of its first address'
        raise Refused(text, "account" if not account else "localpart")
    if not new_account and localpart:
        text = f'account "{account}" already exists; leave out the localpart and add an address later'
        raise Refused(text, "localpart")
    served = any(listener.mtasts_https.enabled for listener in snapshot.static.listeners.values())
    settings = domain_settings(domain, account, keys, mtasts=served, now=now, strict=strict, disabled=disabled)
    document.put(("domains", domain.unicode), settings)
    if new_account:
        try:
            address = Address.parse(f"{localpart}@{domain.unicode}")
        except AddressError as error:
            text = f'"{localpart}" isn\'t a valid localpart (the part before the @): {error}'
            raise Refused(text, "localpart") from None
        problem = account_name_problem(account)
        if problem is not None:
            raise Refused(f'"{account}" {problem}', "account")
        document.put(("accounts", account), account_settings(address.pack(True)))


def remove_domain(document: Document, snapshot: Snapshot, name: str) -> None:
    """Remove a domain from the file. Raises Refused, with a list, while something uses it (ADMIN-13)."""
    domain, _ = require_domain(snapshot, name)
    users = users_of(snapshot, domain)
    if users:
        raise Refused(f'"{domain.unicode}" is still in use: {"; ".join(users)}')
    document.drop(("domains", domain.unicode))


def disable_domain(document: Document, snapshot: Snapshot, name: str) -> None:
    """Refuse mail of the domain, in and out, until it is enabled again (ADMIN-17)."""
    domain, _ = require_domain(snapshot, name)
    document.put(("domains", domain.unicode, "disabled"), True)


def enable_domain(document: Document, snapshot: Snapshot, name: str) -> None:
    """Accept mail of the domain again."""
    domain, _ = require_domain(snapshot, name)
    document.drop(("domains", domain.unicode, "disabled"))


def set_strict(document: Document, snapshot: Snapshot, name: str, strict: bool) -> None:
    """Choose whether DNS records of the domain bind others. Raises Refused."""
    domain, _ = require_domain(snapshot, name)
    document.put(("domains", domain.unicode, "strict_records"), strict)


def lenient(domain: Domain, others: Collection[str]) -> str:
    """Why the records of a domain don't bind others, and until when."""
    return (
        f"Strict policies are off for {domain}, because others may use it ({', '.join(others)}). Receivers will "
        "only report forged mail (DMARC p=none), and any CA can issue certificates. If the reports of a month show "
        "that all your senders pass, turn strict policies on"
    )


def strict_commands(domain: Domain) -> list[str]:
    """Commands that have the records bind others."""
    return [f"moxlite config domain strict {domain}", f"moxlite dns update {domain}"]


def retire_keys(folder: Path, removed: DomainConfig, left: Snapshot) -> list[Path]:
    """Move the key files of a removed domain to ``dkim/old``, and return the new paths. Files that another domain uses,
    and files outside of `folder`, stay. Raises OSError.
    """
    used = {
        selector.key_file.resolve()
        for domain in left.domains.domains.values()
        for selector in domain.dkim.selectors.values()
    }
    moved: list[Path] = []
    home = folder / DKIM_FOLDER
    for selector in removed.dkim.selectors.values():
        path = selector.key_file
        if path.resolve() in used or path.parent.resolve() != home.resolve() or not path.is_file():
            continue
        (home / OLD_KEYS).mkdir(mode=0o750, exist_ok=True)
        target = home / OLD_KEYS / path.name
        number = 0
        while target.exists():  # removed and added again within a second
            number += 1
            target = home / OLD_KEYS / f"{path.name}.{number}"
        os.rename(path, target)  # noqa: PTH104 - a file of ours, to a name that is free
        moved.append(target)
    return moved


def find_alias(snapshot: Snapshot, address: str) -> tuple[str, str, Alias]:
    """Find an alias by its address: domain and localpart as in the file, and its settings. Raises Refused."""
    try:
        wanted = snapshot.canonical(Address.parse(address))
    except AddressError as error:
        raise Refused(f'"{address}" isn\'t a valid address: {error}') from None
    for domain, settings in snapshot.domains.domains.items():
        if wanted.domain != Domain.parse(domain):
            continue
        for localpart, alias in settings.aliases.items():
            if snapshot.canonical(Address.parse(f"{localpart}@{domain}")) == wanted:
                return domain, localpart, alias
    raise Refused(f'alias not found: "{address}"')


def add_alias(document: Document, snapshot: Snapshot, address: str, members: Sequence[str]) -> None:
    """Add an alias that everyone may write to."""
    text = new_address(snapshot, address, "alias")
    if text.startswith("@"):
        raise Refused("an alias must have a localpart", "alias")
    if not members:
        raise Refused("an alias must have at least one member", "members")
    domain, localpart = _parts(text)
    if localpart in snapshot.domains.domains[domain].aliases:
        raise Refused(f'alias "{text}" already exists', "alias")
    settings = {"addresses": [new_member(snapshot, member) for member in members], "post_public": True}
    document.put(("domains", domain, "aliases", localpart), settings)


def new_member(snapshot: Snapshot, text: str) -> str:
    """An address of this server as `new_address` has it, or one of another server. Raises Refused."""
    try:
        address = Address.parse(unmarked(text))
    except AddressError as error:
        raise Refused(f'"{text}" isn\'t a valid address: {error}', "members") from None
    return new_address(snapshot, text, "members") if snapshot.domain(address.domain) is not None else address.pack(True)


def update_alias(document: Document, snapshot: Snapshot, address: str, changes: Mapping[str, bool]) -> None:
    """Set the permissions of members and others."""
    domain, localpart, _ = find_alias(snapshot, address)
    for key, value in changes.items():
        document.put(("domains", domain, "aliases", localpart, key), value)


def remove_alias(document: Document, snapshot: Snapshot, address: str) -> None:
    """Remove an alias."""
    domain, localpart, _ = find_alias(snapshot, address)
    document.drop(("domains", domain, "aliases", localpart))


def add_alias_members(document: Document, snapshot: Snapshot, address: str, members: Sequence[str]) -> None:
    """Add members to an alias in `domains.toml`."""
    domain, localpart, alias = find_alias(snapshot, address)
    new = [new_member(snapshot, member) for member in members]
    document.put(("domains", domain, "aliases", localpart, "addresses"), [*map(_text, alias.addresses), *new])


def remove_alias_members(document: Document, snapshot: Snapshot, address: str, members: Sequence[str]) -> None:
    """Remove members. Raises Refused if no member would be left (SMTP-107)."""
    domain, localpart, alias = find_alias(snapshot, address)
    gone = set()
    have = {snapshot.canonical(one) for one in alias.addresses}
    for text in members:
        member = snapshot.canonical(Address.parse(new_member(snapshot, text)))
        if member not in have:
            raise Refused(f'"{text}" isn\'t a member of "{address}"', "members")
        gone.add(member)
    left = [_text(one) for one in alias.addresses if snapshot.canonical(one) not in gone]
    if not left:
        raise Refused(f'"{address}" must have at least one member; delete the alias instead')
    document.put(("domains", domain, "aliases", localpart, "addresses"), left)


def users_of(snapshot: Snapshot, domain: Domain) -> list[str]:
    """Uses of a domain in the configuration, as lines for people."""
    found: list[str] = []
    for name, account in snapshot.domains.accounts.items():
        found += [
            f'address {address} of account "{name}"'
            for address in account.destinations
            if Domain.parse(address.rpartition("@")[2]) == domain
        ]
        found += [
            f'login address {login_address} of account "{name}"'
            for login_address in account.from_id_login_addresses
            if login_address.domain == domain
        ]
        if account.domain == domain and not any(f'"{name}"' in one for one in found):
            found.append(f'account "{name}" uses this domain')
    for other, settings in snapshot.domains.domains.items():
        if Domain.parse(other) == domain:
            continue
        for localpart, alias in settings.aliases.items():
            found += [
                f"member {address} of alias {localpart}@{other}"
                for address in alias.addresses
                if address.domain == domain
            ]
        for kind, report in (("DMARC", settings.dmarc), ("TLS", settings.tlsrpt)):
            if report is not None and report.domain == domain:
                found.append(f"{kind} reports for {other} are sent there")
    return found


def _parts(address: str) -> tuple[str, str]:
    """Domain and localpart of an address as written in the file."""
    localpart, _, domain = address.rpartition("@")
    return domain, localpart


def _text(address: Address) -> str:
    return address.pack(True)


# DKIM keys of a domain: made, removed, looked at (WEB-80, AUTH-41).

Algorithm = Literal["rsa", "ed25519"]

LONGEST: Final = 63
"""Characters of a selector: one label of a domain name."""


class KeyFacts(msgspec.Struct, frozen=True):
    """Public facts of a key: its algorithm, its bits and the value of its TXT record, or why it cannot be read."""

    algorithm: str = ""
    bits: int = 0
    record: str = ""
    problem: str = ""


def key_facts(selector: Selector) -> KeyFacts:
    """Read a key file. Blocks."""
    try:
        key = read_key(selector.key_file)
    except KeyUnreadable as error:
        return KeyFacts(problem=str(error))
    if isinstance(key, RSAPrivateKey):
        return KeyFacts("rsa", key.key_size, key_record(key))
    return KeyFacts("ed25519", 256, key_record(key))


class Selectors:
    """Adds and removes the keys of domains."""

    def __init__(self, config: ConfigHolder) -> None:
        self._config = config
        self._making = trio.CapacityLimiter(1)  # an RSA key is up to a second of a core

    async def add(self, name: str, selector: str, algorithm: Algorithm) -> None:
        """Make a key in a new file, and add it to a domain; it does not sign yet. Raises CommandFailed."""
        domain, dkim = self._dkim(name)
        problem = _selector_problem(selector)
        if problem or selector in dkim.selectors:
            text = problem or f'"{domain.unicode}" already has a selector "{selector}"'
            raise CommandFailed("badRequest", text, "selector")
        now = dt.datetime.now(dt.UTC)
        kind = FILE_KINDS[algorithm]
        file = f"{selector}._domainkey.{domain.ascii}.{now:%Y%m%dT%H%M%S}.{kind}.privatekey.pkcs8.pem"
        path = self._config.domains_path.parent / DKIM_FOLDER / file
        with trio.CancelScope(shield=True):  # bounded: a key, a file
            try:
                await trio.to_thread.run_sync(_make, path, algorithm, limiter=self._making)
            except OSError as error:
                raise CommandFailed("failed", f"couldn't create the DKIM key: {error.strerror or error}") from None

            def change(document: Document, snapshot: Snapshot) -> None:
                here, _ = require_domain(snapshot, name)
                settings = {"key_file": f"{DKIM_FOLDER}/{file}"}
                document.put(("domains", here.unicode, "dkim", "selectors", selector), settings)

            try:
                await edit(self._config, change)
            except BaseException:
                path.unlink(missing_ok=True)
                raise

    async def remove(self, name: str, selector: str) -> None:
        """Remove a key from a domain, and from what signs; its file is put aside. Raises CommandFailed."""
        domain, dkim = self._dkim(name)
        if selector not in dkim.selectors:
            raise CommandFailed("notFound", f'"{domain.unicode}" doesn\'t have a selector named "{selector}"')
        if selector in dkim.sign and len(dkim.sign) == 1:
            text = f'"{selector}" is the only selector signing mail for "{domain.unicode}"; choose another one first'
            raise CommandFailed("refused", text)
        gone = msgspec.structs.replace(dkim, selectors={selector: dkim.selectors[selector]})

        def change(document: Document, snapshot: Snapshot) -> None:
            here, settings = require_domain(snapshot, name)
            document.drop(("domains", here.unicode, "dkim", "selectors", selector))
            if selector in settings.dkim.sign:
                left = [one for one in settings.dkim.sign if one != selector]
                document.put(("domains", here.unicode, "dkim", "sign"), left)

        with trio.CancelScope(shield=True):  # bounded: a file and a rename
            left = await edit(self._config, change)
            settings = left.domains.domains[domain.unicode]
            try:
                retire_keys(self._config.domains_path.parent, msgspec.structs.replace(settings, dkim=gone), left)
            except OSError as error:
                raise CommandFailed("failed", f"selector removed, but couldn't delete the key: {error}") from None

    def _dkim(self, name: str) -> tuple[Domain, DKIMConfig]:
        try:
            domain, settings = require_domain(self._config.current, name)
        except Refused as error:
            raise CommandFailed("notFound", str(error)) from None
        return domain, settings.dkim


def _make(path: Path, algorithm: Algorithm) -> None:
    path.parent.mkdir(mode=0o750, exist_ok=True)
    write_new(path, to_pem(generate(algorithm)))


def _selector_problem(selector: str) -> str:
    """Why a text is no selector, or ""."""
    if not selector or len(selector) > LONGEST:
        return f"a selector must be 1 to {LONGEST} characters"
    try:
        Domain.parse(f"{selector}.example")
    except AddressError:
        return f'"{selector}" isn\'t a selector; use letters, digits, and hyphens'
    return "" if selector.isascii() and "." not in selector else "a selector must be a single ASCII label"
