"""`moxlite` as the benchmark of receiving starts it (`bench.receiving`): its DNS is at a port, and senders are not
checked where the environment says so. The program itself has a setting for neither.
"""

import os
from functools import partialmethod
from typing import Final

from moxlite.cli import run
from moxlite.net.dns.client import DNSResolver
from moxlite.smtpd.session import Session

__all__ = ["PORT", "UNCHECKED"]

PORT: Final = "MOXLITE_BENCH_DNS_PORT"
UNCHECKED: Final = "MOXLITE_BENCH_UNCHECKED"
"""Names in the environment."""

if __name__ == "__main__":
    setattr(DNSResolver, "__init__", partialmethod(DNSResolver.__init__, port=int(os.environ[PORT])))  # noqa: B010
    if os.environ.get(UNCHECKED):
        setattr(Session, "network_checks", False)  # noqa: B010
    raise SystemExit(run())
