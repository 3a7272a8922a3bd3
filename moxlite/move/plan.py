"""What moves here, as values and as a TOML file that its owner reads and changes (MOVE-1).

The file has hashes and passwords: it is made for its owner alone, and read only as long as no one else can read it.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from moxlite.config.toml.edit import text_of
from moxlite.encoding import to_builtins
from moxlite.escapes import printable
from moxlite.operations.copies import CopyByImap

VERSION: Final = 1
"""Of the file's form: a later form is not read by halves."""

MAX_FILE: Final = 64 << 20
"""Octets of a plan: 5,000 users with ten scripts each have 30 MB."""

ANYWHERE: Final = "anywhere"
NOWHERE: Final = "nowhere"

TLS: TypeAlias = Literal["implicit", "starttls", "none"]


class BadPlan(Exception):
    """The file cannot be used; the text gives the reason."""


class Part(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A table of the file; a key that is misspelt is refused, because it would be left out silently."""


class IMAPServer(Part):
    """The server of all users' mail. With `master_user`, all are read with its password, as USER*MASTER."""

    host: str
    port: int = 0
    tls: TLS = "implicit"
    master_user: str = ""
    master_password: str = ""
    master_separator: str = "*"


class IMAPUser(Part):
    """A user's mail there. `host`, `port`, `tls`: where it is not on the server of all."""

    user: str
    password: str = ""
    host: str = ""
    port: int = 0
    tls: TLS = "implicit"


class DAVUser(Part):
    """A user's calendars and address books at another server."""

    url: str
    user: str
    password: str


class Script(Part):
    """A Sieve script."""

    name: str
    text: str
    active: bool = False


class Key(Part):
    """A DKIM key of the old server: PEM, PKCS#8. `signs`: outgoing mail is signed with it there."""

    domain: str
    selector: str
    pem: str
    signs: bool = True


class User(Part):
    """A user who moves. The first address names the user in status and report.

    Attributes:
      hash: of the password, as `read_hash` takes it; password: in clear, where the old server has it so.
      quota: as in domains.toml, "" for the server's.
      settings: of the account, in the form of domains.toml; destinations: of its addresses, with their rules.
      files: a folder with mail, on the machine where `move run` is typed: a Maildir, a home directory, or any mix.
      login_from: the networks from which the user could log in on the old server, which has no counterpart here: the
        owner of the plan writes `ANYWHERE` or `NOWHERE` in their place. "" for no such.
      problems: what could not be read, or has no counterpart here.
    """

    account: str
    addresses: list[str]
    full_name: str = ""
    quota: str = ""
    hash: str = ""
    password: str = ""
    settings: dict[str, Any] = {}
    destinations: dict[str, dict[str, Any]] = {}
    files: str = ""
    imap: IMAPUser | None = None
    dav: list[DAVUser] = []
    scripts: list[Script] = []
    login_from: str = ""
    problems: list[str] = []

    @property
    def address(self) -> str:
        """The first address."""
        return self.addresses[0]


class Alias(Part):
    """An address that delivers to several."""

    address: str
    members: list[str]
    public: bool = True
    list_members: bool = False
    send_as: bool = False
    problems: list[str] = []


class Plan(Part):
    """All that moves.

    Attributes:
      kind: of the source.
      public: the account that takes folders for everybody, and shares them; "" to leave them out.
      problems: of no single user or alias.
    """

    version: int = VERSION
    kind: str = ""
    domains: list[str] = []
    keys: list[Key] = []
    imap: IMAPServer | None = None
    public: str = ""
    users: list[User] = []
    aliases: list[Alias] = []
    problems: list[str] = []
    finished: bool = False

    def problem_lines(self) -> Iterator[str]:
        """All problems, a line each, with whose they are."""
        yield from self.problems
        for user in self.users:
            yield from (f"{user.address}: {problem}" for problem in user.problems)
        for alias in self.aliases:
            yield from (f"{alias.address}: {problem}" for problem in alias.problems)


def imap_order(plan: Plan, user: User) -> CopyByImap | None:
    """The copy of a user's mail, or None without a source."""
    place, server = user.imap, plan.imap
    if place is None or not (place.host or server):
        return None
    own = server is None or bool(place.host)
    host, port, tls = (
        (place.host, place.port, place.tls) if own or server is None else (server.host, server.port, server.tls)
    )
    name, password = place.user, place.password
    if not password and server is not None and server.master_user:
        name, password = f"{name}{server.master_separator}{server.master_user}", server.master_password
    order = CopyByImap(account=user.account, host=host, port=port, tls=tls, user=name, password=password)
    if not plan.public:
        return order
    return msgspec.structs.replace(order, public="copied" if user.account == plan.public else "elsewhere")


HEAD: Final = """\
# What moves to this server. Read it, change it, then type: moxlite move run FILE
# It has hashes and passwords: keep it to yourself, mode 0600. `moxlite move finish` removes them.
"""


def text_of_plan(plan: Plan) -> str:
    """The file, with all problems as comments above it."""
    table: dict[str, Any] = to_builtins(plan)
    table = {"version": plan.version, **table}
    lines = "".join(f"# {printable(line)}\n" for line in plan.problem_lines())
    head = f"#\n# What has no counterpart here, or could not be read:\n{lines}" if lines else ""
    return f"{HEAD}{head}\n{text_of(table)}"


def read_plan(text: str) -> Plan:
    """The plan in a file. Raises BadPlan."""
    try:
        plan = msgspec.toml.decode(text, type=Plan)
    except msgspec.DecodeError as error:
        raise BadPlan(str(error)) from None
    if plan.version != VERSION:
        raise BadPlan(f"unsupported plan version {plan.version}")
    if any(not user.addresses for user in plan.users):
        raise BadPlan("every user must have at least one address")
    return plan


def write_new(path: Path, text: str) -> None:
    """Write a file that only its owner can read. Raises BadPlan if it is there, OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise BadPlan(f"{path} already exists") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def read_secret(path: Path) -> str:
    """The text of a file that its owner alone can read. Raises BadPlan, OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise BadPlan(f"{path} isn't a regular file")
        if facts.st_mode & 0o077:
            raise BadPlan(f"other users can read secrets in {path}; run: chmod 600 {path}")
        octets = file.read(MAX_FILE + 1)
    if len(octets) > MAX_FILE:
        raise BadPlan(f"{path} exceeds {MAX_FILE >> 20} MiB")
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise BadPlan(f"{path} isn't UTF-8: {error}") from None


def without_secrets(plan: Plan) -> Plan:
    """The plan when all is done."""
    server = plan.imap
    if server is not None:
        server = msgspec.structs.replace(server, master_password="")
    users = [
        msgspec.structs.replace(
            user,
            hash="",
            password="",
            settings={},  # webhooks have passwords
            imap=None if user.imap is None else msgspec.structs.replace(user.imap, password=""),
            dav=[msgspec.structs.replace(place, password="") for place in user.dav],
        )
        for user in plan.users
    ]
    return msgspec.structs.replace(plan, imap=server, users=users, keys=[], finished=True)
