"""Code shared by the commands that ask DNS: the resolver, the verdict as text or JSON, its exit code (AUTH-90).

They need no configuration and no server. Exit 0: pass or found; 1: any other verdict; 75: a temporary error of DNS.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import click

from moxlite.cli.common import HostPort, HostPortType, settings
from moxlite.escapes import printable

if TYPE_CHECKING:
    from moxlite.net.dns.client import DNSResolver
    from moxlite.net.limits import IPAddress
    from moxlite.net.resolver import Resolver

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])

YES: Final = 0
NO: Final = 1
TEMPORARY: Final = 75
"""EX_TEMPFAIL of sysexits.h."""

DNS_SERVER: Final = HostPortType(53, ip=True)


def resolver_option(command: F) -> F:
    """Add the option ``--resolver IP[:PORT]``."""
    return click.option("--resolver", type=DNS_SERVER, help="DNS server.  [default: servers from /etc/resolv.conf]")(
        command
    )


def ip_argument(text: str) -> "IPAddress":
    """Parse an IP address. Raises click.UsageError."""
    from ipaddress import ip_address

    try:
        return ip_address(text)
    except ValueError:
        raise click.UsageError(f"{text!r} isn't a valid IP address") from None


def resolver_at(server: HostPort) -> "DNSResolver":
    """A resolver for the DNS server that a user named."""
    from ipaddress import ip_address

    from moxlite.net.dns.client import DNSResolver

    return DNSResolver([ip_address(server.host)], port=server.port)


def with_resolver(server: HostPort | None, work: "Callable[[Resolver], Awaitable[T]]") -> T:
    """Run `work` with a resolver and return its result."""
    import trio

    from moxlite.net.dns.client import DNSResolver

    return trio.run(work, DNSResolver() if server is None else resolver_at(server))


def tell(found: Mapping[str, object]) -> None:
    """Print a result: a JSON object, or a line for each value that is not empty."""
    if settings().as_json:
        print(json.dumps(found, ensure_ascii=True, default=str))
        return
    _lines(found, "")


def _lines(found: Mapping[str, object], indent: str) -> None:
    for name, value in found.items():
        if isinstance(value, Mapping):
            print(f"{indent}{printable(name)}:")
            _lines(value, indent + "  ")
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            for number, one in enumerate(value, 1):
                print(f"{indent}{printable(name)} {number}:")
                _lines(one, indent + "  ")
        elif value not in (None, "", [], ()):
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else _word(value)
            print(f"{indent}{printable(name.replace('_', ' '))}: {printable(text)}")


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
