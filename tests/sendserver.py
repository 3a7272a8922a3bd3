"""`python -m tests.sendserver ARGS`: moxlite in a world of many domains, ``d0.example`` and so on, each with a host of
its own for mail; all of them answer at one port of loopback, which the variable SINK names. Loopback may send for them.
"""

import os
import sys
from collections.abc import Sequence
from ipaddress import ip_address

from moxlite import wiring
from moxlite.admin.ownlistings import OwnListings
from moxlite.cli import run
from moxlite.net.dial import Dialed, LocalAddresses, dial
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import FakeResolver

__all__ = ["DOMAINS"]

DOMAINS = 50
UNPROVEN = "unproven.example"
"""A domain whose mail neither SPF nor DKIM proves."""


async def dial_sink(
    _: object,
    addresses: Sequence[IPAddress],
    port: int,
    *,
    inside: bool,
    local: LocalAddresses | None = None,
    seconds: float = 30.0,
) -> Dialed:
    """In place of `OwnListings.dial`: the address counts as that of the host."""
    del port, inside, local
    found = await dial([ip_address("127.0.0.1")], int(os.environ["SINK"]), inside=True, seconds=seconds)
    return Dialed(found.stream, addresses[0])


def main() -> int:
    """Put up the world, and run the command."""
    names = [f"d{number}.example" for number in range(DOMAINS)]
    world = FakeResolver(
        {
            "MX": {name: [f"10 mx.{name}"] for name in names} | {UNPROVEN: ["10 mx.d0.example"]},
            "TXT": {name: ["v=spf1 ip4:127.0.0.1 -all"] for name in names},
            "A": {f"mx.{name}": [f"5.45.100.{number + 1}"] for number, name in enumerate(names)},
        }
    )
    setattr(wiring, "_resolver", lambda _: world)  # noqa: B010 - its own is of another type
    setattr(wiring, "OwnZones", lambda *_: world)  # noqa: B010 - of `localserve`
    setattr(OwnListings, "dial", dial_sink)  # noqa: B010
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
