"""The operations about the server as a whole: its process, log, certificates, backup, and the audit log."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from moxlite.operations import Operation, Role, change, query


class HelperState(msgspec.Struct, frozen=True):
    """The last trial of a kind of child process. tried, worked: when it was tried, and has worked last, seconds UTC; 0
    for never. problem: why it does not work, or "". weakness: what could bound it better, or "".
    """

    name: str
    tried: float
    worked: float
    problem: str = ""
    weakness: str = ""


class Wellness(msgspec.Struct, frozen=True):
    """Problems, one line each: of the server, and of single accounts, which do not affect the rest of the server.
    helpers: the last trials of child processes; none before the first one. warnings: what is missing, and stops only
    what needs it.
    """

    problems: list[str]
    accounts: list[str]
    helpers: list[HelperState] = []
    warnings: list[str] = []


class CertificatesRead(msgspec.Struct, frozen=True):
    """Certificate files that could not be read again, one line each; the old certificates stay in use."""

    problems: list[str]


class Process(msgspec.Struct, frozen=True):
    """Process id and version of the running server."""

    pid: int
    version: str


@query("healthcheck", Role.COMMAND_LINE | Role.TOKEN)
class CheckHealth(Operation[Wellness], frozen=True):
    """List server health problems."""


@query("tls reload", Role.COMMAND_LINE | Role.TOKEN)
class ReloadCertificates(Operation[CertificatesRead], frozen=True):
    """Reload certificate and key files (WEB-121)."""


@change("tls account-key", Role.COMMAND_LINE, done="the account key of {acme} will be replaced within a minute")
class ChangeAccountKey(Operation[None], frozen=True):
    """Replace the ACME account key within a minute. ACME is a name in moxlite.toml.

    Use this if someone else has seen the key. Certificates and the CAA record aren't changed. If the authority refuses,
    `moxlite doctor` will show it.
    """

    acme: Annotated[str, Meta(max_length=100)]


@query("stop", Role.COMMAND_LINE)
class Stop(Operation[Process], frozen=True):
    """Shut the server down gracefully."""


@change("log levels", Role.COMMAND_LINE | Role.PAGES)
class SetLogLevels(Operation[dict[str, str]], frozen=True):
    """Set log levels by package, or "" for all. An empty level resets a package. Returns the current levels."""

    levels: dict[str, str] = msgspec.field(default_factory=dict)


class BackedUp(msgspec.Struct, frozen=True):
    """Result of a backup, which is complete without `errors`. `left_out` has a line for each private key of the host
    that the backup lacks.
    """

    databases: int
    octets: int
    stored: int
    errors: list[str] = []
    warnings: list[str] = []
    left_out: list[str] = []


@change("backup", Role.COMMAND_LINE | Role.PAGES)
class BackUp(Operation[BackedUp], frozen=True):
    """Back up the server to `target`, an absolute path on the server. With `verbose`, each file is listed.

    With `repo`, the target is a repository, which is created if it doesn't exist. It's encrypted to `recipients` or
    with a `passphrase`.
    """

    target: str
    verbose: bool = False
    repo: bool = False
    recipients: list[str] = msgspec.field(default_factory=list)
    passphrase: str = ""

    def __repr__(self) -> str:
        """Without the passphrase, which must not reach a log."""
        return f"BackUp(target={self.target!r}, repo={self.repo!r})"


class ValueChange(msgspec.Struct, frozen=True):
    """A value of domains.toml that was changed, by its path; null where it is not set."""

    path: str
    before: Any
    after: Any


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the audit log; `at`: µs UTC. `via`: ``cli``, ``webadmin``, ``adminapi``, ``webaccount``, ``webmail``,
    or ``file`` for an edit by hand. `outcome` ``begun``: the server ended in the middle; the change may have been made
    or not. `why`: the reason of a refusal. `given`: the arguments, without secrets.
    """

    id: int
    at: int
    actor: str
    via: str
    remote_ip: str
    action: str
    object: str
    outcome: Literal["begun", "done", "refused", "failed"]
    why: str
    given: dict[str, Any]
    changes: list[ValueChange]


@query("audit list", Role.COMMAND_LINE | Role.TOKEN)
class AuditList(Operation[list[AuditLine]], frozen=True, kw_only=True):
    """List matching audit log entries, newest first. Use "" and 0 to match anything. `before`: only smaller IDs."""

    actor: str = ""
    object: str = ""
    via: str = ""
    words: str = ""
    since: int = 0
    before: int = 0
    count: Annotated[int, Meta(ge=1, le=1000)] = 100
