"""``moxlite dns``: look-ups as the server makes them (AUTH-90), and changes of our records (`cli.setup.dnsupdate`)."""

from typing import TYPE_CHECKING

import click

from moxlite.cli.common import LazyGroup
from moxlite.cli.prompts import NO, TEMPORARY, YES, ip_argument, resolver_option, tell, with_resolver

if TYPE_CHECKING:
    from moxlite.net.resolver import Answer, Resolver

TYPES = ("ptr", "mx", "cname", "ips", "a", "aaaa", "ns", "txt", "srv", "tlsa")


@click.group(
    cls=LazyGroup,
    lazy={"update": ("moxlite.cli.setup.dnsupdate:update", "Change our DNS records at a server that takes updates.")},
)
def dns() -> None:
    """Look names up in DNS as the server does, and change our records."""


@dns.command()
@click.argument("words", nargs=-1, required=True, metavar="[TYPE] NAME")
@resolver_option
def lookup(words: tuple[str, ...], resolver: str | None) -> int:
    """Print the records of NAME, and whether DNSSEC vouches for them. TYPE is one of ptr (of an IP address), mx, cname,
    ips (the default), a, aaaa, ns, txt, srv, tlsa.
    """
    import msgspec

    from moxlite.net.resolver import DNSError, NotFound, RecordType, TempError, absolute

    if len(words) > 2 or (len(words) == 2 and words[0].lower() not in TYPES):
        raise click.UsageError(f"say a type out of {', '.join(TYPES)}, and one name")
    kind, name = (words[0].lower(), words[1]) if len(words) == 2 else ("ips", words[0])
    address = ip_argument(name) if kind == "ptr" else None

    async def ask(found: "Resolver") -> "Answer[object]":
        if address is not None:
            return await found.ptr(address)  # type: ignore[return-value]  # records of any kind are printed
        if kind == "ips":
            return await found.ips(absolute(name))  # type: ignore[return-value]  # as above
        return await found.lookup(absolute(name), RecordType(kind.upper()))  # type: ignore[return-value]  # as above

    result: dict[str, object] = {"type": kind, "name": name, "status": "found", "problem": ""}
    code = YES
    try:
        answer = with_resolver(resolver, ask)
    except DNSError as error:
        result |= {"status": "notfound" if isinstance(error, NotFound) else "permerror", "problem": str(error)}
        result["authentic"] = error.authentic
        code = NO
        if isinstance(error, NotFound):
            result["nonexistent"] = error.nonexistent
        elif isinstance(error, TempError):
            result |= {"status": "temperror", "code": error.code, "dnssec": error.dnssec}
            code = TEMPORARY
    else:
        records = [msgspec.to_builtins(one) if isinstance(one, msgspec.Struct) else str(one) for one in answer.records]
        result |= {"records": records, "authentic": answer.authentic, "ttl": answer.ttl, "final_name": answer.name}
        result["chain"] = list(answer.chain)
    tell(result)
    return code
