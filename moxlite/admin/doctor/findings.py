"""Findings: graded, sorted, comparable with earlier ones (ADMIN-70)."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

import msgspec

from moxlite.decoders import from_json

Grade = Literal["error", "warning", "note"]

GRADES: Final[tuple[Grade, ...]] = ("error", "warning", "note")
"""The grades, worst first. error: mail is lost or refused, or will be. warning: the owner has to act, but has time.
note: no fault; something could be better, or could not be checked.
"""

Code = Literal[
    "account-broken",
    "account-stopped",
    "address-blocked",
    "backup-clock",
    "backup-kept",
    "backup-none",
    "backup-old",
    "backup-rehearsal",
    "backup-same-disk",
    "backup-sample",
    "backup-unwritable",
    "backup-without-keys",
    "certificate-ending",
    "certificate-order",
    "certificate-unreadable",
    "child-down",
    "clock-unsynchronised",
    "clock-wrong",
    "config-error",
    "config-warning",
    "disk-low",
    "dns",
    "dns-changed",
    "dns-provider",
    "dns-server",
    "ipv6-only",
    "key-not-in-effect",
    "key-rotation",
    "listed",
    "mail-not-delivered",
    "mail-not-read",
    "mail-not-sent",
    "mail-rejected",
    "memory-short",
    "no-admin-pages",
    "not-checked",
    "password-foreign",
    "password-known",
    "password-weak",
    "peer",
    "permissions",
    "placement",
    "port-25-blocked",
    "port-closed",
    "port-taken",
    "program-address",
    "program-in-clear",
    "queue-held",
    "queue-stuck",
    "quota-reached",
    "sandbox-weak",
    "server-down",
    "server-fault",
    "signature-wrong",
    "standby-behind",
    "standby-lease",
    "task-down",
    "update",
]
"""The kinds of findings; docs/doctor.md has a section for each."""

_NUMBER: Final = re.compile(r"\d+")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list.

    about: its subject: a domain and topic, a path, a port. text: the fault. commands: the remedy: commands, or words.
    detail: more about it, which may differ the next time though the fault is the same.
    """

    grade: Grade
    code: Code
    about: str
    text: str
    commands: tuple[str, ...] = ()
    detail: str = ""

    @property
    def words(self) -> str:
        """Text and detail."""
        return f"{self.text} {self.detail}".rstrip()

    @property
    def key(self) -> str:
        """An identity that the same fault has at another time: the numbers of its text, which count days and octets,
        are masked.
        """
        return f"{self.grade} {self.code} {self.about} {_NUMBER.sub('#', self.text)}"


FIRST: Final = "child-down"
"""The kind that comes before all others of its grade: without a child process much else fails, and says so in other
words.
"""


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings without duplicates, sorted by grade (worst first), code (`FIRST` first) and subject."""
    found = {finding.key: finding for finding in findings}
    return sorted(
        found.values(),
        key=lambda finding: (
            GRADES.index(finding.grade),
            finding.code != FIRST,
            finding.code,
            finding.about,
            finding.text,
        ),
    )


def in_groups(findings: Iterable[Finding]) -> Iterator[tuple[list[Finding], tuple[str, ...]]]:
    """Group adjacent findings with the same subject and the same remedy; each group with its commands."""
    for (_, commands), group in groupby(findings, key=lambda finding: (finding.about, finding.commands)):
        yield list(group), commands


def worst(findings: Iterable[Finding]) -> Grade | None:
    """The worst grade; None for no findings."""
    found = {finding.grade for finding in findings}
    return next((grade for grade in GRADES if grade in found), None)


# The file with the findings of the last nightly examination.


STATE: Final = "doctor.json"
"""Name of the file, in the data directory."""


class Night(msgspec.Struct, frozen=True):
    """at: seconds UTC of an examination, 0 for never. findings: its errors and warnings."""

    at: float = 0.0
    findings: list[Finding] = []


def read_night(data: Path) -> Night:
    """The last examination; an empty one if there was none, or the file cannot be read. Blocks."""
    try:
        return from_json((data / STATE).read_bytes(), Night)
    except (OSError, msgspec.DecodeError):
        return Night()
