"""Ports of ours that another program of this machine has: which, and what to type (ADMIN-29a)."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from moxlite.net.holders import Holder, holder_of
from moxlite.net.limits import IPAddress

MAIL_PORTS: Final = (25, 465, 993, 4190)
WEB_PORTS: Final = (80, 443)

SMTP: Final = 25
SENDMAIL: Final = Path("/usr/sbin/sendmail")
"""With which programs of this machine send mail (Linux Standard Base, "sendmail")."""

PROGRAM: Final = "moxlite"


class Taken(NamedTuple):
    """A port, the program that has it, if that can be found out, and the command that ends it for good; "" where that
    isn't known, or would be wrong: a web server is more often kept.
    """

    port: int
    holder: Holder | None
    command: str

    @property
    def listing(self) -> str:
        """The command that names the program."""
        return f"ss -ltnp 'sport = :{self.port}'"

    @property
    def advice(self) -> str:
        """A line about what else ends with a mail server: its sendmail; "" for nothing."""
        if not self.command or self.port != SMTP or not _other_sendmail():
            return ""
        return f"programs here send mail with its {SENDMAIL}; to replace it, see `moxlite help docs/queue.md`"


def look(ip: IPAddress, port: int) -> Taken:
    """Find out who has a port that responds. Blocks."""
    holder = holder_of(ip, port)
    stoppable = holder is not None and holder.service and holder.service != PROGRAM and port not in WEB_PORTS
    return Taken(port, holder, f"systemctl disable --now {holder.service}" if holder and stoppable else "")


def _other_sendmail() -> bool:
    return os.access(SENDMAIL, os.X_OK) and SENDMAIL.resolve().name != PROGRAM
