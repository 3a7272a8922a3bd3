"""Results of the admin app's calls (docs/spec/web.md §6).

From these structs `script/gen` writes the JSON Schema, and the TypeScript types and checks. Times are µs UTC, sizes
octets; 0 is for never and for none.
"""

from typing import Literal

import msgspec

from moxlite.admin.doctor.findings import Finding
from moxlite.admin.doctor.requests import QueueState

__all__ = [
    "AdminSession",
    "Certificate",
    "ConfigProblem",
    "Disk",
    "Flow",
    "Overview",
]

Flow = Literal["flowing", "slow", "none-in", "none-out"]


class AdminSession(msgspec.Struct, frozen=True):
    """A session of the administrator; `own` is the one that asks."""

    id: int
    remote_ip: str
    user_agent: str
    created: int
    last_used: int
    own: bool


class ConfigProblem(msgspec.Struct, frozen=True):
    """A mistake in a configuration file; while there is one, the version before it stays in use."""

    file: str
    line: int
    key: str
    text: str
    hint: str


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
    """The state of the server at `at`. `findings`: of now, and errors and warnings of the examination at `examined`.

    `backup_interval`: µs between two backups, 0 without a schedule. `queue`: null while no queue runs.
    """

    at: int
    hostname: str
    version: str
    update: str
    flow: Flow
    findings: list[Finding]
    examined: int
    config_problems: list[ConfigProblem]
    certificates: list[Certificate]
    disk: Disk | None
    queue: QueueState | None
    last_backup: int
    backup_interval: int
    domains: int
    accounts: int
