"""Findings: what is wrong with a server, its files or its configuration, how bad, where, and what to do (ADMIN-70)."""

import re
from typing import Final, Literal

import msgspec

from moxlite.escapes import printable

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
    "disk-slow",
    "dns",
    "dns-changed",
    "dns-provider",
    "dns-server",
    "ipv6-only",
    "key-not-in-effect",
    "key-rotation",
    "listed",
    "machine-slow",
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
    "restart-needed",
    "sandbox-weak",
    "search-preparing",
    "server-down",
    "server-fault",
    "signature-wrong",
    "standby-behind",
    "standby-lease",
    "store-damaged",
    "task-down",
    "update",
]
"""The kinds of findings; docs/doctor.md has a section for each."""

_NUMBER: Final = re.compile(r"\d+")


LOG: Final = "journalctl -u moxlite -p err"
"""The command that shows the log's errors."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong.

    about: its subject: a domain and topic, a path, a port, a key, an account. text: the fault. commands: the remedy:
    commands, or words. detail: more about it, which may differ the next time though the fault is the same. file, line:
    the place to change, "" and 0 for none. cause: what it comes from, "" for nothing else: findings with the same cause
    are one for their reader.
    """

    grade: Grade
    code: Code
    about: str
    text: str
    commands: tuple[str, ...] = ()
    detail: str = ""
    file: str = ""
    line: int = 0
    cause: str = ""

    def __str__(self) -> str:
        """All in one line: ``FILE:LINE: ABOUT: TEXT (COMMANDS)``."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        remedy = f" ({', '.join(self.commands)})" if self.commands else ""
        return printable(": ".join(part for part in (place, self.about, self.text) if part) + remedy)

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


def address_cause(name: str) -> str:
    """The cause of findings about a name whose address in DNS is missing or another machine's."""
    return f"address {name}"


def fault(about: str, text: str) -> Finding:
    """A fault of the running server, which the log explains."""
    return Finding(grade="error", code="server-fault", about=about, text=text, commands=(LOG,))
