"""The HTTP APIs of four DNS providers, as far as dns-lexicon uses them, behind one proxy on loopback.

    with FakeProviders({"example.org": {}}) as fake:
        subprocess.run(..., env={**os.environ, **fake.environment})
        fake.records("example.org")

The library has the providers' addresses built in. So a program is led here by ``HTTPS_PROXY``, and trusts the fake
hosts by ``SSL_CERT_FILE``. Zones are kept in the form of zone files; each API shows them in its own.
"""

import json
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

import dns.flags
import dns.message
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest

from moxlite.admin.dns.zones import Authorities
from moxlite.admin.dnsproviders.messages import Account, Edit, Record, text_data
from moxlite.net.dns.client import Servers
from tests.certs import Authority

__all__ = ["TOKENS", "Entry", "FakeProviders", "NameServer", "straight"]

TOKENS: Final = {
    "cloudflare": "cf-token-of-the-tests",
    "desec": "desec-token-of-the-tests",
    "gandi": "gandi-personal-access-token-of-the-tests",
    "hetzner": "h" * 64,
}
HOSTS: Final = {
    "api.cloudflare.com": "cloudflare",
    "desec.io": "desec",
    "api.gandi.net": "gandi",
    "api.hetzner.cloud": "hetzner",
}


class Refusal(Exception):
    """A response that is an error: status, text, fields."""

    def __init__(self, status: int, text: str, **fields: str) -> None:
        super().__init__(text)
        self.status = status
        self.fields = fields


class Page(list[Any]):
    """A page of a listing, and the field Link of its response."""

    def __init__(self, rows: list[Any], link: str) -> None:
        super().__init__(rows)
        self.link = link


class Entry:
    """A record: name without a final dot, data as in zone files."""

    def __init__(self, number: int, name: str, kind: str, data: str, ttl: int) -> None:
        self.number, self.name, self.kind, self.data, self.ttl = number, name, kind, data, ttl


class FakeProviders:
    """The providers, with the same zones at each.

    `tokens`: those that are valid. Attributes that make them misbehave: `ignoring`: changes are answered and not made.
    `refusal`: raised by each request, or with `refuse_after` by those after that many. `spoil`: changes a name and data
    on their way in. `twice`: Cloudflare has two zones of each name. `before_reading`: called before the request of that
    number, once.
    """

    def __init__(self, zones: dict[str, list[tuple[str, str, str]]]) -> None:
        self._numbers = 0
        self.zones: dict[str, list[Entry]] = {}
        for zone, records in zones.items():
            self.zones[zone] = []
            for name, kind, data in records:
                self.add(zone, name, kind, data)
        self.requests: list[str] = []
        self.tokens = dict(TOKENS)
        self.ignoring = self.twice = False
        self.refusal: Refusal | None = None
        self.refuse_after = 0
        self.spoil: Callable[[str, str], tuple[str, str]] = lambda name, data: (name, data)
        self.before_reading: tuple[int, Callable[[], None]] | None = None

    def add(self, zone: str, name: str, kind: str, data: str, ttl: int = 3600) -> None:
        """Put a record into a zone; names in data end with a dot."""
        self._numbers += 1
        data = dns.rdata.from_text("IN", kind, data).to_text()
        if not any((one.name, one.kind, one.data) == (name, kind, data) for one in self.zones[zone]):
            self.zones[zone].append(Entry(self._numbers, name, kind, data, ttl))

    def records(self, zone: str) -> set[tuple[str, str, str]]:
        """All records of a zone."""
        return {(one.name, one.kind, one.data) for one in self.zones[zone]}

    def data(self, name: str, kind: str) -> set[str]:
        """The data of a set."""
        return {one.data for zone in self.zones.values() for one in zone if (one.name, one.kind) == (name, kind)}

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a program that is to find us."""
        return {"HTTPS_PROXY": f"http://127.0.0.1:{self._server.server_address[1]}", "SSL_CERT_FILE": str(self._roots)}

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="dnsproviders")
        self.authority = Authority()
        self._roots = Path(self._folder.name, "roots.pem")
        self._roots.write_bytes(self.authority.pem)
        pair = self.authority.issue(*HOSTS)
        own = Path(self._folder.name, "own.pem")
        own.write_bytes(pair.key_pem() + pair.certificate_pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own)

        class Handler(_Handler):
            tls = context

        Handler.providers = self
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()

    def answer(self, host: str, method: str, path: str, headers: Any, body: Any) -> Any:
        """The JSON of a response. Raises Refusal."""
        provider = HOSTS[host]
        address = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(address.query, keep_blank_values=True).items()}
        self.requests.append(f"{method} {host}{path}")
        if self.refusal is not None and len(self.requests) > self.refuse_after:
            raise self.refusal
        if self.tokens[provider] not in (headers.get("Authorization") or ""):
            status = 403 if provider == "cloudflare" else 401
            raise Refusal(status, f"Invalid token {headers.get('Authorization')}")
        if self.before_reading is not None and len(self.requests) >= self.before_reading[0]:
            change, self.before_reading = self.before_reading[1], None
            change()
        parts = [unquote(one) for one in address.path.split("/")[1:]]
        return getattr(self, f"_{provider}")(method, parts, query, body)

    def _find(self, zone: str) -> list[Entry]:
        if zone not in self.zones:
            raise Refusal(404, "zone not found")
        return self.zones[zone]

    def _put(self, zone: str, name: str, kind: str, data: str, ttl: int) -> None:
        if not self.ignoring:
            name, data = self.spoil(name, data)
            if kind == "CNAME" and self.data(name, kind) - {data}:
                raise Refusal(400, "a CNAME record exists already")
            self.add(zone, name, kind, data, ttl)

    def _drop(self, zone: str, keep: Callable[[Entry], bool]) -> None:
        if not self.ignoring:
            self.zones[zone] = [one for one in self.zones[zone] if keep(one)]

    # Cloudflare: records with numbers; names and targets without final dots; preferences apart.

    def _cloudflare(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Any:
        def found(result: Any) -> Any:
            page = int(query.get("page", 1))
            size = int(query.get("per_page", 100))
            info = {"page": page, "total_pages": max(1, -(-len(result) // size))}
            return {"success": True, "result": result[(page - 1) * size : page * size], "result_info": info}

        if parts[2:] == ["zones"]:
            return found([{"id": f"id-{one}", "name": one} for one in self.zones] * (2 if self.twice else 1))
        zone = parts[3].removeprefix("id-")
        entries = self._find(zone)
        match method, parts[4:]:
            case "GET", ["dns_records"]:
                return found([self._cloudflare_record(one) for one in entries])
            case "POST", ["dns_records"]:
                kind, data = body["type"], body["content"]
                if kind == "MX":
                    data = f"{body['priority']} {data}"
                elif kind in ("SRV", "TLSA"):
                    data = " ".join(str(one) for one in body["data"].values())
                elif kind == "CAA":
                    assert '"' not in body["data"]["value"]
                    data = '{flags} {tag} "{value}"'.format(**body["data"])
                self._put(zone, body["name"], kind, data, body["ttl"])
            case "DELETE", ["dns_records", number]:
                self._drop(zone, lambda one: str(one.number) != number)
            case "PUT", ["dns_records", number]:
                self._drop(zone, lambda one: str(one.number) != number)
                self._put(zone, body["name"], body["type"], body["content"], body["ttl"])
        return {"success": True, "result": {}}

    def _cloudflare_record(self, one: Entry) -> dict[str, Any]:
        found: dict[str, Any] = {"id": str(one.number), "type": one.kind, "name": one.name, "ttl": one.ttl}
        content = one.data.rstrip(".") if one.kind != "TXT" else one.data
        if one.kind == "MX":
            priority, _, content = content.partition(" ")
            found["priority"] = int(priority)
        elif one.kind == "SRV":
            words = content.split(" ")
            found["data"] = {
                "priority": int(words[0]),
                "weight": int(words[1]),
                "port": int(words[2]),
                "target": words[3] or ".",
            }
            content = " ".join(words[1:])
        return {**found, "content": content}

    # Hetzner and deSEC, Gandi: sets of records with names relative to the zone, "@" or "" for its own.

    def _sets(self, zone: str) -> dict[tuple[str, str], list[Entry]]:
        found: dict[tuple[str, str], list[Entry]] = {}
        for one in self._find(zone):
            found.setdefault((one.name.removesuffix(zone).rstrip("."), one.kind), []).append(one)
        return found

    def _hetzner(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Any:
        zone = parts[2]
        sets = self._sets(zone)
        if len(parts) == 3:
            return {"zone": {"id": zone}}
        if method == "GET":
            rows = [
                {
                    "name": name or "@",
                    "type": kind,
                    "ttl": entries[0].ttl,
                    "records": [{"value": one.data} for one in entries],
                }
                for (name, kind), entries in sets.items()
                if query.get("name", name or "@") == (name or "@") and query.get("type", kind) == kind
            ]
            return {"rrsets": rows, "meta": {"pagination": {"page": 1, "last_page": 1}}}
        _, _, _, _, name, kind, _, action = parts
        full = zone if name == "@" else f"{name}.{zone}"
        values = [_normal(kind, one["value"]) for one in body["records"]]
        for value in values if action == "add_records" else ():
            self._put(zone, full, kind, value, body["ttl"])
        if action == "remove_records":
            self._drop(zone, lambda one: (one.name, one.kind) != (full, kind) or one.data not in values)
        return {"action": {"id": 1, "status": "success"}}

    def _desec(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Any:
        zone = parts[3]
        sets = self._sets(zone)
        if parts[4] == "":
            return {"name": zone}
        if method == "GET":
            return [
                {
                    "subname": name,
                    "name": f"{name}.{zone}.".lstrip("."),
                    "type": kind,
                    "ttl": entries[0].ttl,
                    "records": [one.data for one in entries],
                }
                for (name, kind), entries in sets.items()
                if query.get("subname", name) == name and query.get("type", kind) == kind
            ]
        if method == "PATCH":
            name, kind = "" if parts[5] == "@" else parts[5], parts[6]
            assert parts[5], "an empty name leads nowhere"
        else:
            name, kind = body["subname"], body["type"]
        full = f"{name}.{zone}".lstrip(".")
        wanted = [_normal(kind, one) for one in body["records"]]
        self._drop(zone, lambda one: (one.name, one.kind) != (full, kind) or one.data in wanted)
        for one in wanted:
            self._put(zone, full, kind, one, int(body.get("ttl", 3600)))
        return body

    def _gandi(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Any:
        zone = parts[3]
        sets = self._sets(zone)
        if len(parts) == 4:
            return {"fqdn": zone}
        rows = {
            (name or "@", kind): {
                "rrset_name": name or "@",
                "rrset_type": kind,
                "rrset_ttl": entries[0].ttl,
                "rrset_values": [one.data for one in entries],
            }
            for (name, kind), entries in sets.items()
        }
        if len(parts) == 5:
            page, last = int(query.get("page", 1)), -(-len(rows) // 100)
            following = f'<https://api.gandi.net{"/".join(("", *parts))}?page={page + 1}>; rel="next"'
            return Page(list(rows.values())[(page - 1) * 100 : page * 100], following if page < last else "")
        name, kind = parts[5], parts[6]
        full = zone if name == "@" else f"{name}.{zone}"
        if method == "GET":
            if (name, kind) not in rows:
                raise Refusal(404, "no such set")
            return rows[name, kind]
        wanted = [_normal(kind, one) for one in (body or {}).get("rrset_values", ())]
        self._drop(zone, lambda one: (one.name, one.kind) != (full, kind) or one.data in wanted)
        for one in wanted:
            self._put(zone, full, kind, one, body["rrset_ttl"])
        return {"message": "done"}


def _normal(kind: str, value: str) -> str:
    data = dns.rdata.from_text("IN", kind, value)
    return text_data(b"".join(getattr(data, "strings", ()))) if kind == "TXT" else data.to_text()


class NameServer:
    """Serves the zones of providers by UDP on loopback, as their authoritative server, and as a resolver of nothing
    else. `silent`: it does not answer. `minimum`: of the SOA record.
    """

    def __init__(self, fake: FakeProviders) -> None:
        self._fake = fake
        self.silent = False
        self.minimum = 3600
        self.frozen: dict[str, list[Entry]] | None = None

    @property
    def authorities(self) -> Authorities:
        """As found by a resolver on the same port."""
        port = self._server.server_address[1]
        return Authorities(Servers((ip_address("127.0.0.1"),), True, port), port)

    def __enter__(self) -> Self:
        served = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, sock = self.request
                if not served.silent:
                    sock.sendto(served._answer(data), self.client_address)

        self._server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text().rstrip(".").lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        zones = self._fake.zones if self.frozen is None else self.frozen
        found = [(one.data, one.ttl) for zone in zones.values() for one in zone if (one.name, one.kind) == (name, kind)]
        if name in zones and kind == "SOA":
            found = [(f"ns.{name}. hostmaster.{name}. 1 3600 600 86400 {self.minimum}", 3600)]
        elif name in zones and kind == "NS":
            found = [(f"ns.{name}.", 3600)]
        elif name.startswith("ns.") and kind == "A":
            found = [("127.0.0.1", 3600)]
        if found:
            texts = [one for one, _ in found]
            answer.answer.append(dns.rrset.from_text(question.name, found[0][1], "IN", kind, *texts))
        return answer.to_wire()


def straight(fake: FakeProviders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process reach the zones without HTTP and without a process for it, for tests of many steps."""

    def read(account: Account) -> tuple[Record, ...]:
        return tuple(Record(f"{one.name}.", one.kind, one.data, one.ttl) for one in fake.zones[account.zone])

    def write(account: Account, edits: tuple[Edit, ...]) -> None:
        for edit in () if fake.ignoring else edits:
            name = edit.name.rstrip(".")
            assert set(edit.before) == fake.data(name, edit.kind)
            for data in edit.add:
                fake.add(account.zone, name, edit.kind, data, 300)
            gone = {(name, edit.kind, data) for data in edit.remove}
            kept = [one for one in fake.zones[account.zone] if (one.name, one.kind, one.data) not in gone]
            fake.zones[account.zone] = kept

    monkeypatch.setattr("moxlite.admin.dns.zones.read_zone", read)
    monkeypatch.setattr("moxlite.admin.dns.zones.write_zone", write)


class _Handler(BaseHTTPRequestHandler):
    providers: FakeProviders
    tls: ssl.SSLContext
    protocol_version = "HTTP/1.1"
    host = ""

    def do_CONNECT(self) -> None:
        self.host = self.path.partition(":")[0]
        self.send_response(200)
        self.end_headers()
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = socketserver._SocketWriter(self.connection)  # type: ignore[attr-defined]
        self.close_connection = False

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        status, fields = 200, dict[str, str]()
        try:
            body = json.loads(text) if text else None
            answer = self.providers.answer(self.host, self.command, self.path, self.headers, body)
            fields = {"Link": answer.link} if isinstance(answer, Page) and answer.link else {}
        except Refusal as refusal:
            status, fields = refusal.status, refusal.fields
            answer = {"errors": [{"message": str(refusal)}]}
        data = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""
