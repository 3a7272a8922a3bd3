"""Which names and addresses of strangers are connected to, and that each connection asks (QUEUE-152)."""

import ast
import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from random import Random
from typing import Final, NoReturn

import pytest
import trio

from moxlite.net.addresses import is_address_text, is_internal
from moxlite.net.dial import INNER, DialError, dial
from moxlite.net.dns.client import DNSResolver
from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.net.imapclient.connect import addresses_of as server_addresses
from moxlite.net.imapclient.transport import ConnectionLost
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import FakeResolver, TempError
from moxlite.proto.address import Domain, is_local_name
from moxlite.queue.hosts.hosts import NoHosts, addresses_of, hosts_of
from moxlite.queue.tls.hostpolicy import decide
from moxlite.queue.tls.policies import EffectivePolicy
from tests.tools import free_port
from tests.trees import nodes, trees


@pytest.mark.parametrize(
    "text",
    [
        *("0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.255.0.1", "169.254.9.9"),
        *("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.0.1", "198.18.0.1", "198.51.100.1"),
        *("192.88.99.1", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *(
            "::",
            "::1",
            "fe80::1",
            "fe80::1%eth0",
            "febf::1",
            "fec0::1",
            "feff::1",
            "fc00::1",
            "fdff::1",
            "ff02::1",
            "ff0e::1",
        ),
        *("2001:db8::1", "3fff::1", "3fff:fff:ffff::1", "5f00::1", "100::1", "2001::1", "4000::1", "1::1"),
        *("::ffff:10.0.0.1", "::ffff:100.64.0.1", "::ffff:0:10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1"),
        *("2002:7f00:1::1", "2002:6440:1::", "::127.0.0.1", "2002:c0a8:101::"),
    ],
)
def test_addresses_of_inner_networks(text: str) -> None:
    """QUEUE-152, QUEUE-92: by the registries of IANA, and the forms of IPv6 that hold such an IPv4 address."""
    assert is_internal(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1"),
        *("223.255.255.254", "::ffff:0:8.8.8.8", "2a00::1", "2606:4700::1", "3ffe::1", "2001:4860::8888"),
        *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
    ],
)
def test_addresses_of_the_internet(text: str) -> None:
    """QUEUE-152: their neighbours too."""
    assert not is_internal(ip_address(text))


@pytest.mark.parametrize(
    "name",
    [
        *("127.0.0.1", "127.0.0.1.", "10.0.0.94.", "127.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "0X7F000001"),
        *("2130706433", "017700000001", "1.2.3.0x", "256.256.256.256", "mx.10", "::1", "fe80::1%eth0", "[::1]"),
        *("[127.0.0.1]", "::ffff:127.0.0.1"),
    ],
)
def test_texts_of_addresses_are_no_names(name: str) -> None:
    """QUEUE-152: whatever inet_aton(3) or a resolver makes of them."""
    assert is_address_text(name)


@pytest.mark.parametrize(
    "name", ["mx.example", "10.mx.example.", "0x7f.example", "127.0.0.1.nip.io", "mx1", "xn--p1ai"]
)
def test_names_are_no_texts_of_addresses(name: str) -> None:
    """QUEUE-152: numbers before the last label are of a name; where it leads, its addresses say."""
    assert not is_address_text(name)


def test_names_of_this_machine_and_its_network() -> None:
    """QUEUE-152."""
    for name in (
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "localhost.localdomain",
        "mail",
        "nas.local",
        "a.b.internal",
    ):
        assert is_local_name(name), name
    for name in ("pi.home.arpa", "home.arpa", "router.lan", "x.corp", "ip6-localhost", "localhost6.localdomain6"):
        assert is_local_name(name), name
    for name in ("mx.example", "localhost.example", "local.example", "arpa.example"):
        assert not is_local_name(name), name


async def test_an_inner_address_is_not_dialled() -> None:
    """QUEUE-152: the last look is at the address that would be connected to, whatever way led to it."""
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    for text in ("127.0.0.1", "::ffff:127.0.0.1"):
        with pytest.raises(DialError) as caught:
            await dial([ip_address(text)], port, inside=False)
        assert caught.value.failures == ((ip_address(text), INNER),)
    await (await dial([ip_address("127.0.0.1")], port, inside=True)).stream.aclose()
    await listener.aclose()


NAMES: Final = {
    "127.0.0.1.nip.io": "127.0.0.1",
    "app.10-0-0-1.nip.io": "10.0.0.1",
    "7f000001.nip.io": "127.0.0.1",
    "100.64.0.1.sslip.io": "100.64.0.1",
    "www-192-168-1-1.sslip.io": "192.168.1.1",
    "--1.sslip.io": "::1",
    "fe80--1.sslip.io": "fe80::1",
    "localtest.me": "127.0.0.1",
    "lvh.me": "127.0.0.1",
    "169.254.169.254.traefik.me": "169.254.169.254",
}
"""Names of the internet that anyone can use for an address of an inner network."""


@pytest.mark.parametrize(("name", "address"), NAMES.items())
async def test_names_are_judged_by_the_address_that_is_dialled(name: str, address: str) -> None:
    """QUEUE-152, QUEUE-92: whatever name leads there, neither mail nor a web request goes to an inner address."""
    kind = "AAAA" if ":" in address else "A"
    resolver = FakeResolver({kind: {name: [address]}})
    with pytest.raises(NoHosts, match=r"private.*`allow_private_mx = true` at the top of moxlite.toml"):
        await addresses_of(name, resolver, Random(1))
    for url in (f"http://{name}/", f"https://{name}:8443/x"):
        with pytest.raises(HTTPError, match="private network"):
            await HTTPClient(resolver).request("GET", url)


async def test_hosts_of_the_configuration_may_be_in_etc_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-180: the login provider, and web servers behind this one; nobody else's URL is looked up there."""
    hosts = tmp_path / "hosts"
    hosts.write_bytes(
        b"127.0.0.1 localhost\n# 192.0.2.1 login.home.example\n\n\xff\n300.0.0.1 login.home.example\n"
        b"127.0.0.2\tother  Login.Home.example # the provider\n::1 login.home.example\n"
    )
    monkeypatch.setattr("moxlite.net.httpclient.HOSTS", hosts)
    asked: list[str] = []

    async def dialled(addresses: Sequence[IPAddress], port: int, **_: object) -> NoReturn:
        asked.extend(map(str, addresses))
        raise DialError([(address, "nobody answers") for address in addresses])

    monkeypatch.setattr("moxlite.net.httpclient.dial", dialled)
    resolver = FakeResolver({"A": {"login.home.example": ["8.8.8.5"], "far.example": ["8.8.8.6"]}})
    ours = HTTPClient(resolver, allow_internal=True, hosts_file=True)
    for client, host in (
        (ours, "login.home.example"),
        (ours, "far.example"),
        (HTTPClient(resolver), "login.home.example"),
    ):
        with pytest.raises(HTTPError):
            await client.request("GET", f"https://{host}/")
    assert asked == ["127.0.0.2", "::1", "8.8.8.6", "8.8.8.5"]
    with pytest.raises(HTTPError, match="private network"):
        await HTTPClient(resolver, hosts_file=True).request("GET", "https://login.home.example/")
    hosts.unlink()
    with pytest.raises(HTTPError):
        await ours.request("GET", "https://login.home.example/")
    assert asked[4:] == ["8.8.8.5"]


SOCKETS: Final = {
    "moxlite/admin/quickstart/listeners.py": "a datagram socket that sends nothing: which address leads to others",
    "moxlite/net/dial.py": "the one way to other hosts",
    "moxlite/net/dns/client.py": "the name servers that the configuration or the system names",
    "moxlite/net/control/tcp.py": "this machine's control port, at loopback",
    "moxlite/queue/hosts/hosts.py": "a datagram socket that sends nothing: which source address the system takes",
    "moxlite/autotls/rehearsal.py": "a datagram socket that sends nothing: whether an address is of this machine",
    "moxlite/net/listeners.py": "listens",
    "moxlite/process/localserve.py": "tries whether IPv6 can be listened at",
    "moxlite/patterns/child.py": "the socket to the server, which it is given",
    "moxlite/sandbox/child.py": "the socket to the server, which it is given",
    "moxlite/sandbox/confine.py": "tries whether sockets are refused",
    "moxlite/workers/forking.py": "the socket to the first process, which it is given",
}
"""Modules that make sockets of the internet, and what for."""

LIBRARIES: Final = {
    "moxlite/admin/dnsproviders/child.py": {"requests"},  # the provider that the owner names
    "moxlite/autotls/child.py": {"requests"},  # the certificate authority of the configuration
    "moxlite/admin/standby/control.py": {"http.client"},  # Litestream, by its Unix socket
    "moxlite/cli/webapi.py": {"http.client"},  # the server that the user of the command names
}
"""Modules that connect by a library, with the servers that they call."""

CONNECTING: Final = {"requests", "urllib.request", "http.client", "smtplib", "imaplib", "ftplib", "poplib", "aiohttp"}

INSIDE: Final = {
    "moxlite/admin/dns/network.py": "the administrator looks at the own domains' servers",
    "moxlite/admin/doctor/machine.py": "own ports",
    "moxlite/admin/doctor/mailtest.py": "own ports",
    "moxlite/admin/quickstart/webserver.py": "own ports",
    "moxlite/autotls/rehearsal.py": "own ports",
    "moxlite/cli/checks/dane.py": "the host of the command line",
    "moxlite/cli/checks/smtp.py": "the host of the command line",
    "moxlite/cli/sendmail/handing.py": "the smarthost of the configuration",
    "moxlite/migration/copies.py": "the server that the administrator copies from; users' own say otherwise",
    "moxlite/net/imapclient/connect.py": "the same server",
    "moxlite/queue/localdelivery.py": "the own listener",
    "moxlite/queue/sending/direct.py": "the smarthost of the configuration",
    "moxlite/queue/sending/routing.py": "the SOCKS proxy of the configuration",
}
"""Modules that dial addresses of inner networks whatever the configuration says, and whose they are."""

ASKING: Final = {
    "moxlite/admin/doctor/machine.py": "the certificate authority of the configuration",
    "moxlite/periodic.py": "the examination of each night: servers of the configuration and of this program",
    "moxlite/wiring.py": "the web servers behind this one, of the configuration",
    "moxlite/cli/checks/mtasts.py": "the host of the command line",
    "moxlite/cli/info.py": "the server that this program names, or the configuration",
    "moxlite/cli/setup/doctor.py": "as each night",
    "moxlite/cli/setup/installation.py": "the server of new versions, of the configuration",
}
"""Modules that ask web servers at inner addresses whatever the configuration says, and whose they are."""

DIALS: Final = {"dial", "connect"}
MAKERS: Final = {"open_tcp_stream", "open_ssl_over_tcp_stream", "create_connection", "open_connection", "urlopen"}
"""Functions of libraries that connect by a name."""


def called(node: ast.Call) -> str:
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def imported(path: str) -> set[str]:
    found = {one.name for node in nodes(path, ast.Import) for one in node.names}
    for node in nodes(path, ast.ImportFrom):
        if node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found


def family(node: ast.AST) -> str:
    """The socket family that an expression names, ``AF_INET`` or another."""
    return next((one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute) and "AF_" in one.attr), "")


def defaults_to_inside(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function dials inner addresses where its caller does not say."""
    given = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return any(one.arg == "inside" and isinstance(what, ast.Constant) and what.value is True for one, what in given)


def test_each_connection_asks_whether_its_address_may_be_dialled() -> None:
    """QUEUE-152, QUEUE-92, AUTH-106: sockets are connected by `net.dial`, and who dials inner addresses is listed."""
    sockets, inside, asking = set(), set(), set()
    for module in trees():
        path = f"moxlite/{module}"
        calls = list(nodes(module, ast.Call))
        assert not MAKERS & set(map(called, calls)), path
        assert imported(module) & CONNECTING == LIBRARIES.get(path, set()), path
        if any(called(node) == "socket" and family(node) != "AF_UNIX" for node in calls):
            sockets.add(path)
        functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = [*nodes(module, ast.FunctionDef)]
        functions += nodes(module, ast.AsyncFunctionDef)
        if any(defaults_to_inside(function) for function in functions):
            inside.add(path)
        for node in calls:
            wanted = [one.value for one in node.keywords if one.arg == "inside"]
            if called(node) in DIALS and any(isinstance(one, ast.Constant) and one.value is True for one in wanted):
                inside.add(path)
            wanted = [one.value for one in node.keywords if one.arg == "allow_internal"]
            if any(isinstance(one, ast.Constant) and one.value is True for one in wanted):
                asking.add(path)
    assert sockets == set(SOCKETS)
    assert inside == set(INSIDE)
    assert asking == set(ASKING)


@pytest.mark.parametrize("way", ["https", "IMAP and POP3", "MX records", "a mail server", "TLSA records"])
async def test_users_learn_nothing_of_the_dns_servers(way: str, caplog: pytest.LogCaptureFixture) -> None:
    """DAV-44, IMAP-136, QUEUE-41: by errors of subscriptions, of copies from other servers, and of mail that they
    send. The log has the reason.
    """
    resolver = DNSResolver([ip_address("127.0.0.1")], port=free_port())
    with pytest.raises(TempError, match=r"can't reach DNS server 127\.0\.0\.1.*like unbound is installed") as inside:
        await resolver.mx("other.example.")
    caplog.set_level("INFO")

    async def connect() -> object:
        match way:
            case "https":
                return await HTTPClient(resolver).request("GET", "https://other.example/calendar.ics")
            case "IMAP and POP3":
                return await server_addresses("other.example", resolver)
            case "MX records":
                return await hosts_of(Domain.parse("other.example"), resolver, Random(1))
            case "a mail server":
                return await addresses_of("other.example", resolver, Random(1))
        policy = decide(host="mx.other.example", standing=EffectivePolicy(), records=inside.value)
        assert policy.refusal is not None
        raise NoHosts(policy.refusal.text)

    with pytest.raises((HTTPError, ConnectionLost, NoHosts)) as failure:
        await connect()
    assert "other.example" in str(failure.value)
    for word in ("127.0.0.1", "Errno", "unbound", "resolv.conf"):
        assert word not in str(failure.value)
    if way != "TLSA records":
        [record] = [record for record in caplog.records if record.message == "DNS lookup failed"]
        assert record.__dict__["kv"] == {"host": "other.example", "err": str(inside.value)}


FOR_USERS: Final = ("net/httpclient.py", "net/imapclient/", "queue/", "groupware/", "migration/", "submission/", "web/")
"""Modules whose errors users read."""

FOR_OWNERS: Final = ("queue/reports/", "web/admin/")


def words_of(handler: ast.ExceptHandler) -> Iterator[ast.AST]:
    """What a handler makes texts of: values in f-strings, of keywords and of `str`, but for the log."""
    for statement in handler.body:
        if isinstance(statement, ast.Expr) and ast.unparse(statement).startswith("logger."):
            continue
        for node in ast.walk(statement):
            match node:
                case ast.FormattedValue(value=value) | ast.keyword(value=value):
                    yield value
                case ast.Call(func=ast.Name("str"), args=[value]):
                    yield value


def test_errors_for_users_take_the_words_that_are_for_them() -> None:
    """DAV-44, IMAP-136, QUEUE-41: `outside` of what DNS raises, and not its text."""
    leaks = []
    for path in trees():
        if path.startswith(FOR_USERS) and not path.startswith(FOR_OWNERS):
            for handler in nodes(path, ast.ExceptHandler):
                caught = "" if handler.type is None else ast.unparse(handler.type)
                if re.search(r"\b(DNSError|TempError|PermError)\b", caught) and handler.name:
                    words = [node.id for node in words_of(handler) if isinstance(node, ast.Name)]
                    leaks += [f"{path}:{handler.lineno}"] * words.count(handler.name)
    assert leaks == []
