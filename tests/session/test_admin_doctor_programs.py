"""What the doctor finds at the addresses where programs look for JMAP, calendars and contacts (ADMIN-70c)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.machine import check_programs
from moxlite.admin.doctor.requests import Running
from moxlite.config.load import load
from moxlite.findings import Finding
from moxlite.net.httpclient import HTTPClient, Roots
from moxlite.net.resolver import FakeResolver
from tests.pushservice import HOST, push_service
from tests.small_config import DOMAINS, STATIC
from tests.webserver import Answer, WebServer

pytestmark = pytest.mark.served

PUBLIC = """
[listeners.public]
ips = ["192.0.2.1"]
hostname = "{host}"
tls = {{ key_certs = [{{ cert_file = "{folder}/push.pem", key_file = "{folder}/push.pem" }}] }}
jmap_https = {{ enabled = true, port = {port} }}
dav_https = {{ enabled = true, port = {port} }}
"""
LOG_IN = Answer(401, headers=[("WWW-Authenticate", 'Basic realm="moxlite"')])


def _der(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


class World:
    """A configuration whose host leads to a web server on loopback, as a proxy in front would be."""

    def __init__(self, folder: Path, server: WebServer) -> None:
        self.folder, self.server = folder, server

    async def found(self, more: str = PUBLIC, *, running: bool = True, **changed: Any) -> list[Finding]:
        path = self.folder / "moxlite.toml"
        path.write_text(STATIC + more.format(folder=self.folder, host=HOST, port=self.server.port))
        (self.folder / "domains.toml").write_text(DOMAINS)
        unused: Any = None
        roots = Roots([_der(self.folder / "root.pem")], system=False)
        examination = Examination(
            snapshot=load(path)[0],
            path=path,
            resolver=FakeResolver({}),
            network=unused,
            http=HTTPClient(FakeResolver({}), allow_internal=True, roots=roots),
            running=Running("1") if running else None,
        )
        return await check_programs(msgspec.structs.replace(examination, **changed))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with push_service(tmp_path) as (server, _):
        yield World(tmp_path, server)


async def test_who_is_asked_for_a_log_in_has_found_the_service(world: World) -> None:
    """ADMIN-70c: JMAP at once; CalDAV and CardDAV lead there."""
    world.server.answers[:] = [Answer(301, headers=[("Location", "/dav/")]), LOG_IN]
    assert await world.found() == []
    paths = {one.target for one in world.server.asked}
    assert paths == {"/.well-known/jmap", "/.well-known/caldav", "/.well-known/carddav", "/dav/"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(404), "expected a login prompt, got status 404"),
        (Answer(200), "expected a login prompt, got status 200"),
        (Answer(401), "the response doesn't offer a login method"),
        (Answer(302, headers=[("Location", "/login")]), "too many redirects"),
        (Answer(302, headers=[("Location", "http://elsewhere.example/")]), "without TLS"),
    ],
)
async def test_what_is_there_instead_is_told(world: World, answer: Answer, words: str) -> None:
    """ADMIN-70c."""
    world.server.answers[:] = [answer]
    found = await world.found()
    assert [(one.grade, one.code) for one in found] == [("warning", "program-address")] * 3
    assert all(words in one.text for one in found)
    assert found[0].commands[1].startswith("set up a proxy to forward requests to listeners.public.")


async def test_what_cannot_be_reached_from_here_is_a_note(world: World) -> None:
    """ADMIN-70c: a name without an address, and nothing is asked while no server runs or no name is looked up."""
    more = PUBLIC.replace("{host}", "nowhere.example")
    found = await world.found(more)
    assert [(one.grade, one.code) for one in found] == [("note", "not-checked")] * 3
    assert await world.found(running=False) == []
    assert await world.found(names=False) == []
    assert world.server.asked == []


async def test_passwords_in_the_clear_are_told(world: World) -> None:
    """ADMIN-70c: at another address than loopback, unless a proxy has the TLS."""
    more = '[listeners.public]\nips = ["192.0.2.1"]\njmap_http = {{ enabled = true }}\n'
    more += "dav_http = {{ enabled = true, port = 80 }}\n"
    found = await world.found(more, running=False)
    assert [(one.code, one.about) for one in found] == [
        ("program-in-clear", "listeners.public.jmap_http"),
        ("program-in-clear", "listeners.public.dav_http"),
    ]
    assert await world.found(more.replace("192.0.2.1", "127.0.0.2"), running=False) == []
    assert await world.found(more.replace("true", "true, forwarded = true"), running=False) == []
