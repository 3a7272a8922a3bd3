"""A snapshot of the whole configuration with the look-up tables derived from it.

A snapshot never changes: an operation takes ``ConfigHolder.current`` once and works with it to its end (ADMIN-8).
Lookups cost a few dictionary accesses, however many accounts there are (SMTP-52, 68..72, ADMIN-81).
"""

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

import msgspec

from moxlite.config.domains import Account, Alias, Destination, DomainConfig, Domains
from moxlite.config.listeners import Listener
from moxlite.config.static import Static
from moxlite.config.toml.decode import near
from moxlite.config.webrules import WebRule, web_redirects, web_rules
from moxlite.proto.address import Address, AddressError, Domain, Localpart, Path, is_local_name

ReportKind = Literal["dmarc", "tlsrpt", "host_tlsrpt"]
Key: TypeAlias = tuple[str, str]
"""Canonical localpart and A-label form of the domain."""


class AccountRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """An address that belongs to an account.

    `canonical` is the address after SMTP-71; `configured` the key of the destination as written in the file
    (``@domain`` for a catchall, and the address itself for addresses that the configuration implies: postmaster,
    reports). `reports`: the kind of reports that arrive here, None for ordinary mail. `implied`: the address of the
    postmaster, which no file names. `only_from`: addresses and
    domains that may write to it, where it is an address to give away (MASK-5); empty for everybody.
    """

    account: str
    destination: Destination
    canonical: Address
    configured: str
    catchall: bool = False
    reports: ReportKind | None = None
    implied: bool = False
    only_from: tuple[str, ...] = ()


class AliasRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """An alias; `members` are its addresses at this server resolved, in the order of the file. `external`: its other
    addresses, to which the account of the member `carrier` sends mail on (SMTP-166); None without external ones.
    """

    alias: Alias
    canonical: Address
    members: tuple[AccountRecipient, ...]
    external: tuple[Address, ...] = ()
    carrier: AccountRecipient | None = None


class UnknownLocalpart(msgspec.Struct, frozen=True):
    """An address whose domain is local but whose localpart does not exist."""

    domain: Domain


class DomainDisabled(msgspec.Struct, frozen=True):
    """An address of a local domain that is disabled. Whether the address exists is not revealed."""

    domain: Domain


class PeerRecipient(msgspec.Struct, frozen=True):
    """An address of a local domain that the server knows from which the domain moves here, if any: `hosts` of that
    server. `whole`: the domain is disabled, and all its mail goes there.
    """

    domain: Domain
    hosts: tuple[str, ...]
    whole: bool


class NotLocal(msgspec.Struct, frozen=True):
    """An address of another server, or an IP literal."""


Recipient: TypeAlias = AccountRecipient | AliasRecipient | UnknownLocalpart | PeerRecipient | DomainDisabled | NotLocal
NOT_LOCAL = NotLocal()


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """Look-up tables computed from the files when they are read; made by `derive`.

    Attributes:
      domains: settings by the domain's A-labels. reports_only: the domains among them that accept only reports.
      by_address: the recipient of each address. catchall: the recipient for all other localparts, per domain.
      login_names: accounts by the `login_key` of their further user names.
      report_localparts: localparts of report addresses, per domain.
      client_hosts: the first domain of each host in client settings, both as A-labels; disabled domains too.
      hostnames: the machine's name and the listeners', A-labels.
      aliases_of: the aliases with a member in the account, by its name.
      web_rules: the handlers of each host. web_redirects: the host that each of these hosts is redirected to.
    """

    domains: Mapping[str, DomainConfig]
    reports_only: frozenset[str]
    by_address: Mapping[Key, AccountRecipient | AliasRecipient]
    catchall: Mapping[str, AccountRecipient]
    login_names: Mapping[str, str]
    client_hosts: Mapping[str, str]
    report_localparts: Mapping[str, frozenset[str]]
    hostnames: frozenset[str]
    postmaster: AccountRecipient
    aliases_of: Mapping[str, tuple[AliasRecipient, ...]]
    web_rules: Mapping[str, tuple[WebRule, ...]]
    web_redirects: Mapping[str, str]


def canonical_localpart(localpart: Localpart, domain: DomainConfig, reports: frozenset[str] = frozenset()) -> Localpart:
    """The localpart by which an address is looked up: lower case unless the domain is case-sensitive, cut at the first
    occurrence of each separator in order. A localpart in `reports` is not cut (SMTP-71).
    """
    text = str(localpart) if domain.localpart_case_sensitive else localpart.lower()
    if text in reports:
        return Localpart(text)
    for separator in domain.localpart_separators:
        head, _, _ = text.partition(separator)
        text = head or text  # one that begins with the separator has nothing before it, and stays an address
    return Localpart(text)


def login_key(name: str) -> str:
    """The form by which a user name of `login_names` is looked up."""
    return name.casefold()


def jmap_session(host: Domain, port: int) -> str:
    """URL of the session of JMAP at a host (RFC 8620 §2.2)."""
    return f"https://{host.ascii}{'' if port == 443 else f':{port}'}/.well-known/jmap"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the configuration.

    `revision` identifies the content of domains.toml.
    """

    static: Static
    domains: Domains
    derived: Derived
    revision: str

    def domain(self, domain: Domain) -> DomainConfig | None:
        """The settings of a domain that mail is accepted for, reports-only domains included."""
        return self.derived.domains.get(domain.ascii)

    def account(self, name: str) -> Account | None:
        """The account of this name."""
        return self.domains.accounts.get(name)

    def no_account(self, name: str) -> str:
        """The text for an administrator that there is no account of this name, with the one that was likely meant: of
        that address, or spelt alike.
        """
        if not name:
            return "enter an account name"
        owner = next((one for one, settings in self.domains.accounts.items() if name in settings.destinations), "")
        hint = f'did you mean "{owner}"?' if owner else near(name, self.domains.accounts)
        return f'account not found: "{name}"' + (f"; {hint}" if hint else "")

    def listener(self, name: str) -> Listener:
        """The listener of this name; raises KeyError."""
        return self.static.listeners[name]

    def hostname(self, listener: str) -> Domain:
        """Hostname of this listener: its own name, or else the machine's."""
        return self.static.listeners[listener].hostname or self.static.hostname

    @property
    def hostnames(self) -> frozenset[str]:
        """The hostnames of all listeners, and the machine's name: A-labels."""
        names = [self.static.hostname, *(listener.hostname for listener in self.static.listeners.values())]
        return frozenset(name.ascii for name in names if name is not None)

    @property
    def trusted_sealers(self) -> frozenset[str]:
        """Domains whose ARC seals count, A-labels (AUTH-112)."""
        arc = self.domains.arc
        return frozenset() if arc is None else frozenset(trusted_sealer.ascii for trusted_sealer in arc.trusted_sealers)

    def quota(self, account: str) -> int:
        """Maximum octets of messages in the account; 0 is without limit."""
        settings = self.domains.accounts.get(account)
        own = None if settings is None else settings.quota_message_size
        return max(0, self.static.quota_message_size if own is None else own)

    def lookup(self, address: Address | Path) -> Recipient:
        """The recipient behind `address` (SMTP-69..72). A path without a host is postmaster."""
        if isinstance(address, Path):
            if address.host is None:  # RFC 5321 §4.5.1: RCPT TO:<Postmaster>, in any case
                return self.derived.postmaster if address.localpart.lower() == "postmaster" else NOT_LOCAL
            if not isinstance(address.host, Domain):
                return NOT_LOCAL
            address = Address(address.localpart, address.host)
        derived, domain = self.derived, address.domain.ascii
        settings = derived.domains.get(domain)
        if settings is None or domain in derived.reports_only:
            return self._lookup_host(address)
        away = PeerRecipient(address.domain, settings.peer, settings.disabled) if settings.peer else None
        if settings.disabled:  # before the look-up, so that the answer does not tell which addresses there are
            return away or DomainDisabled(address.domain)
        found = self._find(address, settings)
        if found is not None:
            return found
        if domain in derived.catchall:
            return msgspec.structs.replace(derived.catchall[domain], canonical=self.canonical(address))
        # Each domain has a postmaster (RFC 5321 §4.5.1), who may be an account or a catchall of its own.
        if address.localpart.lower() == "postmaster":
            return derived.postmaster
        host = self._lookup_host(address)
        return away or UnknownLocalpart(address.domain) if isinstance(host, NotLocal) else host

    def canonical(self, address: Address) -> Address:
        """The canonical form of a local address; a foreign address unchanged."""
        settings = self.derived.domains.get(address.domain.ascii)
        if settings is None:
            return address
        reports = self.derived.report_localparts.get(address.domain.ascii, frozenset())
        return Address(canonical_localpart(address.localpart, settings, reports), address.domain)

    def folded(self, address: Address) -> Address:
        """A local address with its whole localpart, in lower case unless the domain is case-sensitive. Addresses equal
        in this form are the same to their owner, who may use text after a separator to tell addresses apart.
        """
        settings = self.derived.domains.get(address.domain.ascii)
        if settings is None or settings.localpart_case_sensitive:
            return address
        return Address(Localpart(address.localpart.lower()), address.domain)

    def login(self, username: str) -> AccountRecipient | None:
        """The account that a user name belongs to: one of its `login_names`, or any of its addresses, also by catchall,
        of disabled domains too; never an alias, postmaster or a report address (SMTP-52).
        """
        if (account := self.derived.login_names.get(login_key(username))) is not None:
            return self.login_of(account)
        try:
            address = Address.parse(username)
        except AddressError:
            return None
        return self.owner(address)

    def owner(self, address: Address) -> AccountRecipient | None:
        """The account whose own address this is (SMTP-68a); None for an address of several people or of no account.

        Own are the addresses that the file names for an account, with text after a separator, and all others of a
        domain for its catchall; in a disabled domain, too. Mail for an alias, for reports, and for a postmaster that no
        file names arrives at accounts as well, but their users aren't that address: they don't answer in its name.
        """
        settings = self.derived.domains.get(address.domain.ascii)
        if settings is None:
            return None
        found = self._find(address, settings)
        if found is None and address.domain.ascii in self.derived.catchall:
            found = msgspec.structs.replace(
                self.derived.catchall[address.domain.ascii], canonical=self.canonical(address)
            )
        return found if isinstance(found, AccountRecipient) and found.reports is None else None

    def login_of(self, account: str) -> AccountRecipient | None:
        """The first address of an account, for a log-in that names no address; None if it has none."""
        settings = self.account(account)
        for text in settings.destinations if settings else ():
            account_recipient = self.owner(Address.parse(f"{account}{text}" if text.startswith("@") else text))
            if account_recipient is not None and account_recipient.account == account:
                return account_recipient
        return None

    def lookup_configured(self, address: Address) -> AccountRecipient | AliasRecipient | None:
        """The account that the file itself names for `address`: no catchall, no implied postmaster."""
        settings = self.derived.domains.get(address.domain.ascii)
        return None if settings is None else self._find(address, settings)

    def names(self, path: Path) -> bool:
        """Whether the file names this very address: no catchall, and no text after a separator."""
        if not isinstance(path.host, Domain):
            return False
        address = Address(path.localpart, path.host)
        return self.lookup_configured(address) is not None and self.folded(address) == self.canonical(address)

    def may_send_as(self, account: str, address: Address) -> bool:
        """Whether the account may put `address` into MAIL FROM and From (SMTP-68): one of its own, or an alias that
        lets members do so.
        """
        alias = self.lookup_configured(address)
        if isinstance(alias, AliasRecipient):
            return alias.alias.allow_msg_from and any(member.account == account for member in alias.members)
        return owns(self, account, address)

    def passed_on(self, account: str) -> dict[str, Address | None]:
        """The addresses to which the account sends mail on, as text: `forward_to` of the account and of its rules
        (SMTP-159), with None, and members at other servers of aliases that it carries (SMTP-166), with the alias.
        """
        settings = self.account(account)
        own: list[Address] = [] if settings is None else [*settings.forward_to]
        for destination in settings.destinations.values() if settings else ():
            own += [address for ruleset in destination.rulesets for address in ruleset.forward_to]
        addresses: dict[str, Address | None] = {str(one): None for one in own}
        for alias in self.derived.aliases_of.get(account, ()):
            if alias.carrier is not None and alias.carrier.account == account:
                for address in alias.external:
                    addresses.setdefault(str(address), alias.canonical)
        return addresses

    def _find(self, address: Address, settings: DomainConfig) -> AccountRecipient | AliasRecipient | None:
        domain = address.domain.ascii
        reports = self.derived.report_localparts.get(domain, frozenset())
        return self.derived.by_address.get((canonical_localpart(address.localpart, settings, reports), domain))

    def _lookup_host(self, address: Address) -> Recipient:
        """Addresses at the host's own name: postmaster, and TLS reports about the host (SMTP-70)."""
        if address.domain.ascii not in self.derived.hostnames:
            return NOT_LOCAL
        localpart = address.localpart.lower()
        if localpart == "postmaster":
            return self.derived.postmaster
        report = self.static.host_tlsrpt
        if report is not None and address.domain == self.static.hostname and localpart == report.localpart.lower():
            return AccountRecipient(
                account=report.account,
                destination=Destination(mailbox=report.mailbox),
                canonical=Address(Localpart(localpart), address.domain),
                configured=str(address),
                reports="host_tlsrpt",
            )
        return NOT_LOCAL


def is_inner(snapshot: Snapshot, listener: str) -> bool:
    """Whether the hostname of a listener means something in the inner network alone, and the machine's does not."""
    return is_local_name(snapshot.hostname(listener).ascii) and not is_local_name(snapshot.static.hostname.ascii)


def jmap_url(snapshot: Snapshot) -> str:
    """URL of the session of JMAP (RFC 8620 §2) over TLS, at the listener ``public`` if that has it; "" if it is not
    served.
    """
    listeners = sorted(snapshot.static.listeners.items(), key=lambda one: (one[0] != "public", one[0]))
    for name, listener in listeners:
        if listener.jmap_https.enabled and not is_inner(snapshot, name):
            return jmap_session(snapshot.hostname(name), listener.jmap_https.port)
    return ""


def outgoing_name(snapshot: Snapshot, listener: str) -> Domain:
    """The hostname of a listener in what others see (messages, trace fields, URLs): the machine's in place of an inner
    one.
    """
    return snapshot.static.hostname if is_inner(snapshot, listener) else snapshot.hostname(listener)


class CurrentConfig(Protocol):
    """Access to the configuration in use, which may be another one after each checkpoint: `ConfigHolder` of a running
    server, `FixedConfig` elsewhere.
    """

    @property
    def current(self) -> Snapshot:
        """The snapshot in use."""


class FixedConfig(msgspec.Struct, frozen=True):
    """A configuration that does not change, for programs that work on a stopped server's files."""

    current: Snapshot


def derive(static: Static, domains: Domains) -> Derived:
    """Everything that lookups need, from files that have passed their checks."""
    by_ascii = {Domain.parse(name).ascii: settings for name, settings in domains.domains.items()}
    reports = _report_addresses(domains)
    report_localparts: dict[str, set[str]] = {}
    by_address: dict[Key, AccountRecipient | AliasRecipient] = {}
    for (localpart, domain), recipient in reports.items():
        report_localparts.setdefault(domain, set()).add(localpart)
        by_address[localpart, domain] = recipient
    catchall: dict[str, AccountRecipient] = {}
    for name, account in domains.accounts.items():
        for configured, destination in account.destinations.items():
            if configured.startswith("@"):
                address = Address(Localpart(""), Domain.parse(configured[1:]))
                catchall[address.domain.ascii] = AccountRecipient(
                    account=name, destination=destination, canonical=address, configured=configured, catchall=True
                )
                continue
            address = Address.parse(configured)
            localpart = canonical_localpart(address.localpart, by_ascii[address.domain.ascii])
            by_address[localpart, address.domain.ascii] = AccountRecipient(
                account=name,
                destination=destination,
                canonical=Address(localpart, address.domain),
                configured=configured,
            )
    aliases_of: dict[str, list[AliasRecipient]] = {}
    alias_recipients: dict[Key, AliasRecipient] = {}
    for name, settings in domains.domains.items():
        for localpart_text, alias in settings.aliases.items():
            address = Address.parse(f"{localpart_text}@{name}")
            localpart = canonical_localpart(address.localpart, settings)
            members = []
            external = tuple(one for one in alias.addresses if one.domain.ascii not in by_ascii)
            for member in (one for one in alias.addresses if one.domain.ascii in by_ascii):
                key = (canonical_localpart(member.localpart, by_ascii[member.domain.ascii]), member.domain.ascii)
                target = by_address[key]
                if isinstance(target, AccountRecipient):
                    members.append(target)
            carriers = [
                account_recipient for account_recipient in members if alias.carrier in (None, account_recipient.account)
            ]
            entry = AliasRecipient(
                alias=alias,
                canonical=Address(localpart, address.domain),
                members=tuple(members),
                external=external,
                carrier=carriers[0] if external and carriers else None,
            )
            alias_recipients[localpart, address.domain.ascii] = entry
            for account_name in {member.account for member in members}:
                aliases_of.setdefault(account_name, []).append(entry)
    by_address.update(alias_recipients)  # last: a member is an account, never another alias, so nothing goes in circles
    hostnames = {static.hostname.ascii} | {
        listener.hostname.ascii for listener in static.listeners.values() if listener.hostname
    }
    postmaster = Address(Localpart("postmaster"), static.hostname)
    return Derived(
        domains=by_ascii,
        reports_only=frozenset(_reports_only(domains, catchall, by_address)),
        by_address=by_address,
        catchall=catchall,
        client_hosts={host.ascii: domain for domain, one in reversed(by_ascii.items()) for host in one.client_hosts},
        login_names={login_key(text): name for name, one in domains.accounts.items() for text in one.login_names},
        report_localparts={domain: frozenset(parts) for domain, parts in report_localparts.items()},
        hostnames=frozenset(hostnames),
        postmaster=AccountRecipient(
            account=static.postmaster.account,
            destination=Destination(mailbox=static.postmaster.mailbox),
            canonical=postmaster,
            configured=str(postmaster),
            implied=True,
        ),
        aliases_of={name: tuple(entries) for name, entries in aliases_of.items()},
        web_rules=web_rules(domains),
        web_redirects=web_redirects(domains),
    )


def _report_addresses(domains: Domains) -> dict[Key, AccountRecipient]:
    """The addresses for DMARC and TLS reports. They match whole, separators included."""
    account_recipients: dict[Key, AccountRecipient] = {}
    for name, settings in domains.domains.items():
        own = Domain.parse(name)
        kinds: tuple[ReportKind, ReportKind] = ("dmarc", "tlsrpt")
        for kind, report in zip(kinds, (settings.dmarc, settings.tlsrpt), strict=True):
            if report is None:
                continue
            address = Address(Localpart(report.localpart), report.domain or own)
            at = domains.domains[address.domain.unicode]
            localpart = Localpart(address.localpart if at.localpart_case_sensitive else address.localpart.lower())
            account_recipients[localpart, address.domain.ascii] = AccountRecipient(
                account=report.account,
                destination=Destination(mailbox=report.mailbox),
                canonical=Address(localpart, address.domain),
                configured=str(address),
                reports=kind,
            )
    return account_recipients


def _reports_only(domains: Domains, catchall: Mapping[str, object], by_address: Mapping[Key, object]) -> set[str]:
    """Domains without any address: their reports go to another domain (docs/spec/admin.md §1, Domain). One with `peer`
    is not a reports-only one: the server from which it moves has its addresses.
    """
    with_address = {domain for _, domain in by_address} | set(catchall)
    return {Domain.parse(name).ascii for name, one in domains.domains.items() if not one.peer} - with_address


def full_name(snapshot: Snapshot, account: str, address: str) -> str:
    """The name in mail of an account from an address."""
    settings = snapshot.account(account)
    if settings is None:
        return ""
    destination = settings.destinations.get(address)
    return (destination.full_name if destination is not None else "") or settings.full_name


def owns(snapshot: Snapshot, account: str, address: Address) -> bool:
    """Whether an address is the account's own, as `Snapshot.owner` says."""
    owner = snapshot.owner(address)
    return owner is not None and owner.account == account


def may_post_to(snapshot: Snapshot, author: Address | None, alias: AliasRecipient) -> bool:
    """Whether an author, None for no address, may write to an alias (SMTP-106)."""
    if alias.alias.post_public:
        return True
    if author is None:
        return False
    if alias.alias.allow_msg_from and snapshot.canonical(author) == alias.canonical:
        return True
    return any(owns(snapshot, member.account, author) for member in alias.members)
