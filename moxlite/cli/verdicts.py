"""Code shared by the commands that ask DNS: the resolver, the verdict as text or JSON, its exit code (AUTH-90).

They need no configuration and no server. Exit 0: pass or found; 1: any other verdict; 75: a temporary error of DNS.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import click

from moxlite.cli.common import settings
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


def resolver_option(command: F) -> F:
    """Add the option ``--resolver IP[:PORT]``."""
    return click.option(
        "--resolver", metavar="IP[:PORT]", help="DNS server.  [default: servers from /etc/resolv.conf]"
    )(command)


def ip_argument(text: str) -> "IPAddress":
    """Parse an IP address. Raises click.UsageError."""
    from ipaddress import ip_address

    try:
        return ip_address(text)
    except ValueError:
        raise click.UsageError(f"{text!r} isn't a valid IP address") from None


def resolver_at(server: str) -> "DNSResolver":
    """A resolver for the DNS server that a user named. Raises click.UsageError if `server` is not an address."""
    from moxlite.net.dns.client import DNSResolver

    ip, port = server_address(server)
    return DNSResolver([ip], port=port)


def server_address(server: str) -> "tuple[IPAddress, int]":
    """Address and port of a DNS server that a user named. Raises click.UsageError if `server` is not an address."""
    from moxlite.net.dns.client import PORT

    host, port = server, PORT
    if server.startswith("["):
        host, _, rest = server[1:].partition("]")
        port = _port(rest.removeprefix(":")) if rest else PORT
    elif server.count(":") == 1:
        host, _, number = server.partition(":")
        port = _port(number)
    return ip_argument(host), port


def with_resolver(server: str | None, work: "Callable[[Resolver], Awaitable[T]]") -> T:
    """Run `work` with a resolver and return its result. Raises click.UsageError if `server` is not an address."""
    import trio

    from moxlite.net.dns.client import DNSResolver

    return trio.run(work, DNSResolver() if server is None else resolver_at(server))


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise click.UsageError(f"{text!r} isn't a valid port number")
    return int(text)


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
