"""Results of the admin app's calls (docs/spec/web.md §6).

From these structs `script/gen` writes the JSON Schema, and the TypeScript types and checks. Times are µs UTC, sizes
octets; 0 is for never and for none.
"""

from typing import Any, Literal

import msgspec

from moxlite.admin.doctor.requests import Provider, QueueState
from moxlite.admin.figures import AccountDisk
from moxlite.findings import Finding
from moxlite.metrics import DailyKind
from moxlite.store.reports.history import Sum

Flow = Literal["flowing", "slow", "none-in", "none-out", "unknown"]


class AdminSession(msgspec.Struct, frozen=True):
    """A session of the administrator; `own` is the one that asks. `subject`: the person at the login provider, "" for a
    log-in without that.
    """

    id: int
    remote_ip: str
    user_agent: str
    created: int
    last_used: int
    own: bool
    subject: str


class Certificate(msgspec.Struct, frozen=True):
    """A certificate in use. `automatic`: it is renewed by ACME. `own`: no authority has signed it."""

    listener: str
    names: list[str]
    issuer: str
    ends: int
    automatic: bool
    own: bool


class Disk(msgspec.Struct, frozen=True):
    """The file system of the data directory."""

    free: int
    size: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the server at `at`. `findings`: of now, and errors and warnings of the examination of this machine
    at `examined`, 0 for none yet.

    `backup_interval`: µs between two backups, 0 without a schedule. `last_rehearsal`: of a
    restore, 0 for never. `standby`: whether a second place is current, null without one. `queue`: null while no queue
    runs. `placement`: where mail to the postmaster's linked mailboxes lands. `helpers_tried`: when child processes
    were last tried, 0 for not yet; `helpers_failed`: the number that does not work.
    """

    at: int
    hostname: str
    version: str
    update: str
    flow: Flow
    findings: list[Finding]
    examined: int
    config_problems: list[Finding]
    certificates: list[Certificate]
    disk: Disk | None
    queue: QueueState | None
    last_backup: int
    last_rehearsal: int
    rehearsal_failed: bool
    standby: bool | None
    backup_interval: int
    domains: int
    accounts: int
    placement: list[Provider]
    helpers_tried: int
    helpers_failed: int


class FieldInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a form. `label`: its name in words. `kind`: the kind of its values, as in docs/config.md. `doc`: with
    the units and the default in words. `default`: in the form of the file, null without one. `words`: the values of an
    enum, and what each is called. `fields`: of a table. `item`: what a list or map has.
    """

    name: str
    label: str
    type: Literal["boolean", "integer", "number", "text", "enum", "list", "map", "table"]
    kind: str
    doc: str
    required: bool
    default: Any
    words: dict[str, str] = {}
    fields: list["FieldInfo"] = []
    item: "FieldInfo | None" = None


class SettingsForm(msgspec.Struct, frozen=True):
    """An object of domains.toml as a form. `values`: what is set, in the form of the file; others have their
    default.
    """

    fields: list[FieldInfo]
    values: dict[str, Any]


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """An account in the list. `disabled`: the text for log-ins, "" when they are allowed. `broken`: why it is out of
    service, or "". `limit`: of its storage.
    """

    name: str
    description: str
    full_name: str
    disabled: str
    broken: str
    first_address: str
    addresses: int
    limit: int


class AccountPage(msgspec.Struct, frozen=True):
    """A page of the list of accounts, by name, and the number of all that match."""

    accounts: list[AccountRow]
    total: int


class AccountUse(msgspec.Struct, frozen=True):
    """Use of an account: octets, and its last log-in, with the protocol. `problem`: why it is not known, or ""."""

    name: str
    used: int
    last_login: int
    last_protocol: str
    problem: str


class AddressRow(msgspec.Struct, frozen=True):
    """An address of an account. `aliases`: of which it is a member. `alike`: an address of others that people may take
    it for.
    """

    address: str
    catchall: bool
    mailbox: str
    aliases: list[str]
    alike: str


class AccountDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An account on its page. `domain`: preselected for new addresses."""

    row: AccountRow
    domain: str
    use: AccountUse
    addresses: list[AddressRow]
    domains: list[str]


class AccountRemains(msgspec.Struct, frozen=True):
    """Numbers of things that go with an account. `queued` messages stay, and are still sent; `held` ones are on hold or
    scheduled for later, and go.
    """

    messages: int
    octets: int
    mailboxes: int
    addresses: int
    aliases: list[str]
    queued: int
    held: int


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Equal log-in attempts between `first` and `last`. `result`: ``ok``, or a word for what was wrong."""

    account: str
    address: str
    remote_ip: str
    protocol: str
    mechanism: str
    user_agent: str
    result: str
    tls: str
    first: int
    last: int
    count: int


class DomainRow(msgspec.Struct, frozen=True, kw_only=True):
    """A domain in the list. `peer`: it moves here from another server, which has the mail for addresses that are not
    here.
    """

    domain: str
    description: str
    disabled: bool
    peer: bool
    reports_only: bool
    addresses: int
    aliases: int


class AliasRow(msgspec.Struct, frozen=True, kw_only=True):
    """An alias with its members. `alike`: another address that people may take it for."""

    localpart: str
    address: str
    alike: str
    members: list[str]
    post_public: bool
    list_members: bool
    allow_msg_from: bool


class SelectorRow(msgspec.Struct, frozen=True, kw_only=True):
    """A DKIM key. `algorithm`: "" if it cannot be read, for the reason `problem`. `record`: the value of its TXT
    record.
    """

    selector: str
    algorithm: str
    bits: int
    signs: bool
    name: str
    record: str
    problem: str


class DomainDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A domain on its page. `users`: what keeps it from being removed, one line each."""

    row: DomainRow
    addresses: list[str]
    aliases: list[AliasRow]
    selectors: list[SelectorRow]
    users: list[str]


class DNSRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record that a domain should have. `line`: of a zone file. `optional`: its absence is no fault. `live`: it has
    an effect in a zone that is not signed, too.
    """

    topic: str
    about: str
    name: str
    kind: str
    value: str
    line: str
    optional: bool
    live: bool


class DNSReport(msgspec.Struct, frozen=True, kw_only=True):
    """The check of one topic, as lines for people. `at`: when it was made, 0 for never; `running`: one is under way;
    `unused`: the domain works without what the topic is about.
    """

    topic: str
    at: int
    running: bool
    errors: list[str]
    warnings: list[str]
    instructions: list[str]
    found: list[str]
    unused: bool = False


class DaySeries(msgspec.Struct, frozen=True):
    """Numbers of one kind, one for each day, the oldest first."""

    kind: DailyKind
    numbers: list[int]


class History(msgspec.Struct, frozen=True):
    """Series of days up to `today`, which is in days since 1970, UTC. ``filed``, ``filtered``: messages that junk
    filters moved to Junk in these days, and those that they rejected.
    """

    today: int
    series: list[DaySeries]
    filed: int
    filtered: int


class DayFigures(msgspec.Struct, frozen=True):
    """Numbers of one kind on one day, by reason or network."""

    kind: DailyKind
    sums: list[Sum]


class LoginFailures(msgspec.Struct, frozen=True):
    """Failed log-ins by network. `others`: networks that are not listed, with `rest` failures."""

    networks: list[Sum]
    others: int
    rest: int


class DiskUse(msgspec.Struct, frozen=True):
    """Octets on the disk by account. `others`: accounts that are not listed, with `rest` octets."""

    accounts: list[AccountDisk]
    others: int
    rest: int


# Results of the admin app's calls about the machine and the process: own addresses, transports, log, configuration,
# metrics, backups (WEB-87, WEB-88). Times are µs UTC, sizes octets; 0 is for never and for none.


LevelName = Literal["error", "warn", "info", "debug", "trace", "traceauth", "tracedata"]
LevelOrNone = Literal["", "error", "warn", "info", "debug", "trace", "traceauth", "tracedata"]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A block list and an own address. `status`: ``unknown`` before the first query; ``temperror`` if the list did not
    answer, for the reason `problem`. `explanation`: the list's own words about a listed address.
    """

    zone: str
    ip: str
    status: Literal["pass", "fail", "temperror", "unknown"]
    at: int = 0
    explanation: str = ""
    problem: str = ""


class OwnAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses by which others know this server, and the block lists that are watched for them. `known`: false if
    the configuration does not tell them. `refusing`: zones by whose word mail is refused. `asks`: false in localserve.
    """

    hostname: str
    known: bool
    asks: bool
    ips: list[str]
    refusing: list[str]
    listings: list[Listing]


class ReverseName(msgspec.Struct, frozen=True, kw_only=True):
    """Reverse names of an address. `status` ``pass``: `name` leads back to it. `names`: all that it has. `authentic`:
    proven by DNSSEC.
    """

    ip: str
    status: Literal["pass", "fail", "temperror", "permerror"]
    name: str
    names: list[str]
    problem: str
    authentic: bool


class TransportRow(msgspec.Struct, frozen=True, kw_only=True):
    """A transport of moxlite.toml. `settings`: its values, defaults as well, without secrets. `used`: the places in
    domains.toml whose routes choose it.
    """

    name: str
    method: Literal["submissions", "submission", "smtp", "socks", "direct", "fail"]
    settings: dict[str, Any]
    used: list[str]


class Level(msgspec.Struct, frozen=True):
    """The log level of a package, "" for all that have no level of their own. `level` is "" where it has none."""

    pkg: str
    level: LevelOrNone


class Logged(msgspec.Struct, frozen=True):
    """A line of the log. `at`: 0 for a line of a file, which begins with its time. `level`: "" for a line of a file."""

    at: int
    level: LevelOrNone
    text: str


class LogFound(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of the log, oldest first. `cid`: the connection id that was looked for, or "". `file`: the log file that
    was searched, or "" for the lines in memory; `since`: when the oldest of these was written. `whole`: everything in
    that place was searched. `problem`: why the file was not read, or "".
    """

    cid: str
    lines: list[Logged]
    file: str
    since: int
    whole: bool
    problem: str


class ConfigFile(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration file without secrets. `text`: as the file is, its beginning if `cut`; "" if it cannot be read,
    for the reason `problem`. `current`: the text is the version in use. `effective`: all values in use, defaults as
    well, as TOML; `left_out` accounts and domains are not among them.
    """

    path: str
    text: str
    cut: bool
    problem: str
    current: bool
    effective: str
    left_out: int


class MetricSample(msgspec.Struct, frozen=True):
    """A value of a metric. `count`: observations of a histogram, whose sum is `value`; 0 for others."""

    labels: dict[str, str]
    value: float
    count: int


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """A metric with its values; `left_out`: values beyond the limit."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    samples: list[MetricSample]
    left_out: int


class SnapshotRow(msgspec.Struct, frozen=True):
    """A snapshot in the repository. `files` and `octets`: -1 where only the identity of the repository can tell."""

    id: str
    created: int
    files: int
    octets: int


class BackupRun(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was started in the admin app. `ended`: 0 while it runs. `errors`: why it is not whole."""

    began: int
    ended: int = 0
    octets: int = 0
    stored: int = 0
    errors: list[str] = []
    warnings: list[str] = []
    left_out: list[str] = []


class SecondMachine(msgspec.Struct, frozen=True):
    """The copy to a second machine. `target`: "" without one in moxlite.toml. `lease`: the second machine may take
    over by itself, and this one may hand over. `well`: it gets all changes. `words`: sentences about the state.
    """

    target: str
    lease: bool
    well: bool
    words: list[str]


class Backups(msgspec.Struct, frozen=True, kw_only=True):
    """Backups of the server. `target`: "" without one in moxlite.toml; `interval`: µs between two, 0 without a
    schedule. `running`: one is being made. `snapshots`: newest first; `problem`: why they cannot be listed, or "".
    """

    target: str
    interval: int
    keep_daily: int
    keep_weekly: int
    encrypted: bool
    last: int
    running: bool
    run: BackupRun | None
    snapshots: list[SnapshotRow]
    problem: str
