"""A server that asks the DNS server at $DNS_PORT on 127.0.0.1: configurations name servers at port 53 only."""

import ipaddress
import os
import sys

from moxlite import wiring
from moxlite.cli import run
from moxlite.net.dns.client import DNSResolver

if __name__ == "__main__":
    resolver = DNSResolver([ipaddress.IPv4Address("127.0.0.1")], port=int(os.environ["DNS_PORT"]))
    setattr(wiring, "_resolver", lambda _: resolver)  # noqa: B010 - its own is of another type
    sys.exit(run(sys.argv[1:]))
