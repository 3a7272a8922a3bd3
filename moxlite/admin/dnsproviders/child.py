"""The process that speaks with a DNS provider (`own_program`): one job from stdin, one answer to stdout.

The only module that imports `lexicon` (and with it requests). It uses the library's classes of providers alone: the
library's client would guess the zone by a list that it fetches from the internet and keeps in the home folder. The
environment is the few variables that `accounts` leaves; memory and time are limited, because a provider may send
anything.

Where the library gets a provider wrong, a class here corrects it (docs/dns.md).
"""

import importlib
import os
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import dns.exception
import msgspec
import requests

from moxlite.admin.dnsproviders.messages import (
    Account,
    Answer,
    Edit,
    Failed,
    Job,
    Ping,
    Pong,
    Read,
    Record,
    Records,
    Why,
    Written,
    comparable,
    data_of,
    is_same,
    text_data,
)
from moxlite.encoding import from_json, to_json
from moxlite.prctl import bound_child

SECONDS: Final = 280
"""Seconds after which the system ends the process; the caller waits longer. deSEC takes 15 changes a minute."""
MEMORY: Final = 768 << 20
"""Octets of address space; 100 MB are in use with the library loaded."""
REQUEST_SECONDS: Final = 30.0
"""Seconds for one request to the provider."""

MAX_JOB: Final = 4 << 20
"""Octets of a job, which is one line: all changes of a zone."""

TEXT: Final = 300
"""Characters of an error's text."""
TTL: Final = 300
"""Seconds, as in `config dnsrecords`."""
KINDS: Final = frozenset({"A", "AAAA", "TXT", "CNAME", "MX", "SRV", "TLSA", "CAA"})


class Form(NamedTuple):
    """Peculiarities of the library and of a provider.

    whole: sets are replaced as a whole. by_id: records have identifiers. preference: that of MX is an option of its
    own. quoted: texts are sent in quotes, as zone files have them. bare: names in data without final dot are absolute.
    """

    module: str
    correct: Callable[[Any], type]
    options: Mapping[str, str] = MappingProxyType({})
    ttl: int = TTL
    whole: bool = False
    by_id: bool = True
    preference: bool = False
    quoted: bool = True
    bare: bool = False


def _cloudflare(module: Any) -> type:
    class Cloudflare(module.Provider):  # type: ignore[misc]  # the library has no types
        """Its listing leaves out preferences and priorities, and its values of CAA would be sent with quotes."""

        def _get(self, url: str = "/", query_params: Any = None) -> Any:
            found = super()._get(url, query_params)
            for one in found["result"] if isinstance(found["result"], list) else ():
                if one.get("type") == "MX" and "priority" in one:
                    one["content"] = f"{one['priority']} {one['content']}"
                elif one.get("type") == "SRV" and isinstance(data := one.get("data"), dict):
                    one["content"] = " ".join(str(data[key]) for key in ("priority", "weight", "port", "target"))
            return found

        def _format_content(self, rtype: str, content: str) -> Any:
            return super()._format_content(rtype, content.replace('"', "") if rtype == "CAA" else content)

    return Cloudflare


def _hetzner(module: Any) -> type:
    class Hetzner(module.HetznerCloud):  # type: ignore[misc]
        """The name of the zone itself is "@", where the library sends an empty one."""

        def _relative_name(self, record_name: str) -> str:
            return super()._relative_name(record_name) or "@"

    return Hetzner


def _desec(module: Any) -> type:
    class DeSEC(module.Provider):  # type: ignore[misc]
        """The name of the zone itself is "@" in addresses, where the library sends an empty one. Its listing cuts off
        the last quote of CAA records.
        """

        def _request(self, action: str = "GET", url: str = "/", data: Any = None, query_params: Any = None) -> Any:
            return super()._request(action, f"@{url}" if url.startswith("/") else url, data, query_params)

        def _sanitize_response_content(self, rec_set: Any, index: int) -> Any:
            content = rec_set["records"][index]
            return content, content, {}

    return DeSEC


def _gandi(module: Any) -> type:
    class Gandi(module.Provider):  # type: ignore[misc]
        """As Hetzner; of a listing the library reads the first page alone; a set that is replaced would get a TTL of
        three hours.
        """

        def _get(self, url: str = "/", query_params: Any = None) -> Any:
            found = super()._get(url, query_params)
            while isinstance(found, list) and heard.following:
                found += super()._get(heard.following)
            return found

        def _relative_name(self, record_name: str) -> str:
            return super()._relative_name(record_name) or "@"

        def _put(self, url: str = "/", data: Any = None, query_params: Any = None) -> Any:
            return super()._put(url, {**data, "rrset_ttl": TTL}, query_params)

    return Gandi


FORMS: Final = {
    "cloudflare": Form("cloudflare", _cloudflare, preference=True, bare=True),
    "desec": Form("desec", _desec, ttl=3600),
    "gandi": Form("gandi", _gandi, options={"api_protocol": "rest"}, whole=True),
    "hetzner": Form("hetzner", _hetzner, by_id=False, quoted=False),
}


class LastResponse:
    """The last response, for the words of failures and the pages of listings."""

    response: requests.Response | None = None

    @property
    def status(self) -> int:
        """HTTP status; 0 before there is a response."""
        return 0 if self.response is None else self.response.status_code

    @property
    def following(self) -> str:
        """URL of the next page of a listing (RFC 8288), "" without one."""
        return "" if self.response is None else str(self.response.links.get("next", {}).get("url", ""))

    def retry_after(self) -> float | None:
        """Seconds in the field Retry-After (RFC 9110 §10.2.3)."""
        text = "" if self.response is None else self.response.headers.get("Retry-After", "")
        if text.isdecimal() and len(text) < 8:
            return float(text)
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
        except (ValueError, TypeError):
            return None

    def words(self) -> str:
        """The provider's own explanation, if its JSON has one where most have it."""
        try:
            found = None if self.response is None else self.response.json()
        except ValueError:
            return ""
        return " ".join(_messages(found))


def _messages(found: Any, depth: int = 0) -> Iterator[str]:
    if depth > 3:
        return
    for one in found[:3] if isinstance(found, list) else ():
        yield from _messages(one, depth + 1)
    for key in ("message", "detail", "cause", "error", "errors") if isinstance(found, dict) else ():
        value = found.get(key)
        if isinstance(value, str):
            yield value
            return
        yield from _messages(value, depth + 1)


heard: Final = LastResponse()


def bound_requests() -> None:
    """Give each request of the library a time-out, which it does not set, and the roots of the system."""
    send = requests.Session.send

    def bounded(session: requests.Session, request: Any, **options: Any) -> requests.Response:
        options["timeout"] = REQUEST_SECONDS
        heard.response = None
        heard.response = send(session, request, **options)
        return heard.response

    requests.Session.send = bounded  # type: ignore[method-assign,assignment]  # it takes any options
    paths = ssl.get_default_verify_paths()
    if roots := paths.cafile or paths.capath:
        os.environ["REQUESTS_CA_BUNDLE"] = roots


def load_provider(name: str) -> tuple[Any, Any]:
    """The library's module of a provider, and its resolver of settings. Raises ImportError."""
    from lexicon.config import ConfigResolver

    return importlib.import_module(f"lexicon._private.providers.{FORMS[name].module}"), ConfigResolver()  # type: ignore[no-untyped-call]  # the library has few types


class Zone:
    """One zone at its provider. Raises what the library raises."""

    def __init__(self, account: Account) -> None:
        self._form = FORMS[account.provider]
        module, resolver = load_provider(account.provider)
        self._zone = account.zone.lower()
        self._unread: set[tuple[str, str]] = set()
        self._options: dict[str, Any] = {
            "provider_name": account.provider,
            "domain": self._zone,
            "ttl": self._form.ttl,
            account.provider: {**self._form.options, **account.secrets},
        }
        self._at: Any = self._form.correct(module)(resolver.with_dict(self._options))
        self._at.authenticate()

    def records(self) -> list[tuple[Record, dict[str, Any]]]:
        """All records of our kinds, each with what the library said of it."""
        found = []
        for raw in self._at.list_records():
            name, kind = str(raw["name"]).lower().removeprefix("@.").rstrip("."), raw["type"]
            if kind not in KINDS:
                continue
            try:
                data = self._data(kind, str(raw["content"]))
            except (dns.exception.DNSException, ValueError, IndexError):
                self._unread.add((f"{name}.", kind))
                continue
            ttl = raw.get("ttl")
            found.append((Record(f"{name}.", kind, data, int(ttl) if str(ttl).isdecimal() else 0), raw))
        return found

    def change(self, edits: Sequence[Edit]) -> Answer:
        """Make edits whose sets have not changed meanwhile."""
        present = self.records()
        for edit in edits:
            name = edit.name.lower()
            here = [(record, raw) for record, raw in present if (record.name, record.kind) == (name, edit.kind)]
            if (name, edit.kind) in self._unread:  # what is written as a whole set would lose it
                return Failed("odd", f"{edit.name} {edit.kind} has a record that isn't supported, so it wasn't changed")
            if not is_same(edit.kind, (record.data for record, _ in here), edit.before):
                return Failed("changed", f"{edit.name} {edit.kind} was changed elsewhere; try again")
            self._edit(edit, here)
        return Written()

    def _edit(self, edit: Edit, here: Sequence[tuple[Record, dict[str, Any]]]) -> None:
        same = comparable(edit.kind)
        gone = set(map(same, edit.remove))
        if self._form.whole:
            kept = [str(entry["content"]) for record, entry in here if same(record.data) not in gone]
            # as the provider has them; the library has taken the outermost quotes
            self._replace(edit, [f'"{content}"' if edit.kind == "TXT" else content for content in kept])
            return
        gone_here = [(record, entry) for record, entry in here if same(record.data) in gone]
        if edit.kind == "TXT" and self._form.by_id and len(edit.add) == len(gone_here) == 1:
            # in one request, as two texts of SPF or DMARC are as bad as none: a limit of requests may come in between
            content = self._content(edit.kind, edit.add[0])
            self._at.update_record(gone_here[0][1]["id"], edit.kind, edit.name.rstrip("."), content)
            return
        if edit.kind == "CNAME":  # an alias has one target (RFC 2181 §10.1): providers take no second one
            self._remove(edit, gone_here)
            gone_here = []
        # what is new comes first: there is no moment without a record
        for data in edit.add:
            self._add(edit.name, edit.kind, data)
        self._remove(edit, gone_here)

    def _remove(self, edit: Edit, gone: Sequence[tuple[Record, dict[str, Any]]]) -> None:
        for _, raw in gone:
            if self._form.by_id:
                self._at.delete_record(raw["id"], edit.kind, edit.name.rstrip("."))
            else:
                self._at.delete_record(None, edit.kind, edit.name.rstrip("."), raw["content"])

    def _add(self, name: str, kind: str, data: str) -> None:
        content = self._content(kind, data)
        if self._form.preference and kind == "MX":
            self._options["priority"], _, content = content.partition(" ")
        try:
            self._at.create_record(kind, name.rstrip("."), content)
        finally:
            self._options.pop("priority", None)

    def _replace(self, edit: Edit, kept: Sequence[str]) -> None:
        name = edit.name.rstrip(".")
        wanted = [*kept, *(self._content(edit.kind, one) for one in edit.add)]
        if not wanted:
            self._at.delete_record(None, edit.kind, name)
        elif not edit.before and len(wanted) == 1:
            self._at.create_record(edit.kind, name, wanted[0])
        else:
            self._at.update_record(None, edit.kind, name, wanted)

    def _content(self, kind: str, data: str) -> str:
        if kind == "TXT" and not self._form.quoted:
            return b"".join(getattr(data_of("TXT", data), "strings", ())).decode()
        return data

    def _data(self, kind: str, content: str) -> str:
        """Data in our form."""
        if kind == "TXT":
            return text_data(_unquoted(content).encode())
        if kind in ("CNAME", "MX", "SRV") and not content.endswith("."):
            content += "." if self._form.bare else f".{self._zone}."
        return data_of(kind, content).to_text()


def _unquoted(content: str) -> str:
    """The text of a TXT record, from strings in quotes of which the library may have removed the outermost."""
    if len(content) > 1 and content[0] == content[-1] == '"':
        content = content[1:-1]
    parts = content.replace('\\"', "\0").split('"')
    return "".join(parts[::2]).replace("\0", '"').replace("\\\\", "\\")  # between them are the blanks


def _unreachable(error: Exception) -> str:
    """Why there is no answer, in words."""
    match error:
        case requests.exceptions.SSLError():
            return "TLS failed; check this machine's clock (`date`) and its CA certificates (ca-certificates)"
        case requests.exceptions.ProxyError():
            return "the proxy in HTTPS_PROXY isn't responding"
        case requests.exceptions.Timeout():
            return "response timed out"
        case requests.exceptions.ConnectionError():
            return "no connection; check DNS and the network"
    return "the request failed"


def failure(error: Exception) -> Failed:
    """The answer for an exception."""
    status, words = heard.status, heard.words()
    said = f"HTTP status {status}{f': {words}' if words else ''}"
    kind = type(error).__name__
    match error:
        case ImportError():
            return Failed("absent", "the DNS provider library isn't installed; run: pip install 'moxlite[dns]'")
        case MemoryError():
            return Failed("odd", "the provider's response is too large")
        case requests.RequestException() if heard.response is None:
            return Failed("unreachable", f"can't reach the provider: {_unreachable(error)}")
        case _ if status in (401, 403):
            return _failed("refused", f"the provider rejected the token or its permissions ({said})")
        case _ if status == 429:
            return _failed("throttled", f"too many requests to the provider ({said})")
        case _ if status >= 500:
            return _failed("unreachable", f"the provider returned an error ({said})")
        case _ if "Too many" in str(error):
            return Failed("ambiguous", "the account has more than one zone with this name")
        case _ if status == 404 or kind == "AuthenticationError":
            return _failed("missing", "the token's account doesn't have this zone")
        case _ if status >= 400:
            return _failed("odd", f"the provider rejected the change ({said})")
        case _:
            return Failed("odd", "unexpected response from the provider")


def _failed(why: Why, text: str) -> Failed:
    return Failed(why, text, heard.retry_after())


def work(job: Job) -> Answer:
    """Do a job."""
    try:
        if isinstance(job, Ping):
            load_provider(job.account.provider)
            return Pong()
        zone = Zone(job.account)
        if isinstance(job, Read):
            return Records(tuple(record for record, _ in zone.records()))
        return zone.change(job.edits)
    except Exception as error:  # noqa: BLE001 - the library raises Exception itself, and answers have any form
        return failure(error)


def without_secrets(answer: Answer, account: Account) -> Answer:
    """A failure's text, short and without a secret that the provider has repeated."""
    if not isinstance(answer, Failed):
        return answer
    text = answer.text
    for secret in account.secrets.values():
        text = text.replace(secret, "…") if secret else text
    return msgspec.structs.replace(answer, text=text[:TEXT])


def main() -> None:
    """Do the one job of this process."""
    bound_child(SECONDS, MEMORY)
    job: Job = from_json(sys.stdin.buffer.read(MAX_JOB), Job)
    bound_requests()
    answer = without_secrets(work(job), job.account)
    sys.stdout.buffer.write(to_json(answer))
    sys.stdout.buffer.flush()
