"""Requests of this server that others don't answer: whoever couldn't be asked has not said no.

`OUTGOING` has all requests that the server makes. Those whose failures are counted against somebody are made here with
each trouble; then nothing was counted.
"""

import ast
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import trio

from moxlite.migration import links, linksending
from moxlite.net.dial import Dialed, dial
from moxlite.net.httpclient import HTTPClient, HTTPError, HTTPResponse
from tests.loginprovider import ISSUER, PROVIDER, House, house_of, reply
from tests.session.test_web_account_links import FORM, IMPORT, logged_in, other
from tests.tools import eventually, top
from tests.web_rig import PASSWORD, STATIC, Rig

pytestmark = pytest.mark.served

__all__ = ["other"]

HTML = b"<!DOCTYPE html><title>Maintenance</title>"
PAGE = b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n"

HTTP: dict[str, HTTPResponse | HTTPError] = {
    "refused": HTTPError("connection refused"),
    "silent": HTTPError("no response within 10 s"),
    "503": HTTPResponse(503, (), HTML),
    "429": HTTPResponse(429, (("retry-after", "60"),), b""),
    "html": HTTPResponse(200, (("content-type", "text/html"),), HTML),
    "our credentials": reply({"error": "invalid_client"}, 401),
}
"""Answers to requests by HTTP. Who isn't asked for a password answers 401 because of ours."""

TCP: dict[str, bytes | None] = {
    "refused": None,
    "silent": b"",
    "503": PAGE % b"503 Service Unavailable",
    "429": PAGE % b"429 Too Many Requests",
    "html": (PAGE % b"200 OK") + HTML,
}
"""What a server sends at once, None for a closed port."""

TIMES = 12
"""More than the failed log-ins of a network, and than the rejected passwords at another server."""

Make: TypeAlias = Callable[[Rig, str, pytest.MonkeyPatch], Awaitable[None]]


async def by_provider(rig: Rig, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-182: the code is changed into tokens; the password of the same network opens the door."""
    await rig.auth.bindings.add(ISSUER, "mia-at-home", "mia")
    house: House = house_of(rig, monkeypatch)
    house.answers["/token"] = HTTP[trouble]
    for _ in range(TIMES):
        browser = rig.browser(app="/webmail/", port=443, tls=True)
        answered = house.approve(await browser.call("provider_login", stay=False))
        answer = await browser.post("provider_finish", {"answer": answered})
        assert answer.status == 503
        assert "your password" in answer.json["error"]["message"]
    await rig.browser(app="/webmail/", port=443, tls=True).log_in("mia@example.org", PASSWORD)


async def by_calendar_copy(rig: Rig, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-27, DAV-43."""

    async def request(*_: object, **options: Any) -> HTTPResponse:
        del options
        await trio.lowlevel.checkpoint()
        answer = HTTP[trouble]
        if isinstance(answer, HTTPError):
            raise answer
        return answer

    monkeypatch.setattr(HTTPClient, "request", request)
    browser = await logged_in(rig)
    for _ in range(TIMES):
        await browser.call("calendar_copy", url="https://dav.example.net/", user="zoe", password="wrong")
        look = rig.house.calendar_copies.look("mia")
        assert look is not None
        await eventually(lambda look=look: bool(look.ended))  # type: ignore[misc] # bound now


async def by_imap_link(rig: Rig, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-27, LINK-4."""
    await _add_links(rig, trouble, monkeypatch, FORM)


async def by_pop3_link(rig: Rig, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-27, LINK-18."""
    await _add_links(rig, trouble, monkeypatch, FORM | {"protocol": "pop3"})


async def _add_links(rig: Rig, trouble: str, monkeypatch: pytest.MonkeyPatch, form: dict[str, Any]) -> None:
    monkeypatch.setattr(links, "TEST_SECONDS", 0.3)
    browser = await logged_in(rig)
    async for port in listening(trouble):
        for _ in range(TIMES):
            wanted = form | {"host": "127.0.0.1", "port": port}
            assert await browser.error("link_add", link=wanted) == (400, "user:fields")


async def by_import(rig: Rig, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-27, IMAP-137."""
    monkeypatch.setattr(sys.modules["moxlite.net.imapclient.connect"], "LOGIN_SECONDS", 0.3)
    browser = await logged_in(rig)
    async for port in listening(trouble):
        for _ in range(TIMES):
            await browser.call("copy_look", server=IMPORT | {"host": "127.0.0.1", "port": port, "tls": "implicit"})

            def failed() -> bool:
                look = rig.house.background_imports.look("mia")
                return look is not None and look.phase == "failed"

            await eventually(failed)


async def by_submission_server(rig: Rig, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-27, LINK-14."""

    async def anywhere(addresses: Any, port: int, **options: Any) -> Dialed:
        return await dial(addresses, port, **options | {"inside": True})

    monkeypatch.setattr(linksending, "SECONDS", 0.3)
    monkeypatch.setattr(linksending, "dial", anywhere)
    browser = await logged_in(rig)
    await browser.call("link_add", link=FORM)
    async for port in listening(trouble):
        sending = {"link": "Tom", "smtp_host": "localhost", "smtp_port": port, "smtp_user": "zoe"}
        for _ in range(TIMES):
            assert await browser.error("link_set_sending", **sending) == (400, "user:fields")


async def listening(trouble: str) -> AsyncIterator[int]:
    """The port of a server with a trouble."""
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listener.socket.getsockname()[1]
    octets = TCP[trouble]
    if octets is None:
        await listener.aclose()
        yield port
        return

    async def answer(stream: trio.SocketStream) -> None:
        try:
            await stream.send_all(octets)
            while octets == b"" and await stream.receive_some():
                pass
        except trio.BrokenResourceError:
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, answer, [listener])
        yield port
        nursery.cancel_scope.cancel()


TROUBLES: dict[Make, Collection[str]] = {
    by_provider: HTTP,
    # The user gives the credentials there.
    by_calendar_copy: HTTP.keys() - {"our credentials"},
    **dict.fromkeys((by_imap_link, by_pop3_link, by_import, by_submission_server), TCP),
}

MADE: dict[str, tuple[Make, ...]] = {
    "logins/provider.py": (by_provider,),
    "groupware/davclient.py": (by_calendar_copy,),
    "net/imapclient/connect.py": (by_imap_link, by_import),
    "net/pop3client.py": (by_pop3_link,),
    "migration/linksending.py": (by_submission_server,),
}
"""Requests whose failures may be counted against the person for whom they are made."""

ELSEWHERE: dict[str, str] = {
    "web/notices/requests.py": "test_web_notices.py::test_a_push_service_that_refuses_is_given_up_after_a_week",
    "queue/sending/routing.py": "test_queue_guard.py::test_failures_of_our_own_stop_no_account",
    "net/dns/client.py": "test_smtpd_hostile_checks.py::test_a_block_list_that_does_not_work_refuses_nothing",
}
"""Requests whose failures are counted, or could be, with the test that has them fail."""

NOTHING: dict[str, str] = {
    "admin/dns/network.py": "shown to the administrator",
    "admin/doctor/machine.py": "findings about this server",
    "admin/doctor/mailtest.py": "shown to the administrator",
    "admin/doctor/nightly.py": "findings about this server",
    "admin/installation.py": "shown to the administrator",
    "admin/quickstart/environment.py": "shown to the administrator",
    "admin/quickstart/webserver.py": "shown to the administrator",
    "admin/standby/control.py": "a program of this machine",
    "admin/updates.py": "asked again later",
    "admin/dnsproviders/child.py": "shown to the administrator",
    "autotls/child.py": "asked again later",
    "autotls/rehearsal.py": "shown to the administrator",
    "admin/ownlistings.py": "gives `dial` to the queue, and counts connections",
    "cli/checks/dane.py": "shown on the command line",
    "cli/sendmail/handing.py": "kept on disk and tried again",
    "cli/webapi.py": "shown on the command line",
    "groupware/subscribing.py": "the calendar keeps what it had",
    "migration/autoconfig.py": "the next place is asked; searches are limited by their number",
    "net/httpclient.py": "the way of all requests by HTTP, which are listed by themselves",
    "net/rdap.py": "the age of a domain stays unknown",
    "net/storage/objectstore.py": "backups are tried again",
    "queue/tls/policies.py": "the known policy counts on, and mail waits",
    "queue/webhooks/calls.py": "tried again; a failing URL has one call at a time",
    "web/webmail/unsubscribing.py": "shown to the user, who tries again",
}
"""Requests whose failures count for nobody, with what happens."""

OUTGOING = MADE.keys() | ELSEWHERE.keys() | NOTHING.keys()
LIBRARIES = {"requests", "urllib.request", "http.client"}
WORDS = {"request(", "dial(", "obstore", "SOCK_DGRAM", *(f"import {name}" for name in LIBRARIES), "from requests"}


def requests_of(source: str) -> Iterator[str]:
    """What a module of the server does to reach others."""
    if not any(word in source for word in WORDS):  # most modules: to parse all of them takes half a minute
        return
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr="request"), args=[_, _, *_]):
                yield "request"
            case ast.Call(func=ast.Attribute(attr="dial") | ast.Name(id="dial")):
                yield "dial"
            case ast.Import(names=names) if LIBRARIES & {one.name for one in names}:
                yield "library"
            case ast.ImportFrom(module=str(module)) if module in LIBRARIES or module.partition(".")[0] in LIBRARIES:
                yield "library"
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value="obstore")]):
                yield "library"
            case ast.Attribute(attr="SOCK_DGRAM", value=ast.Name(id="socket")) if "recv" in source:
                yield "datagrams"
            case _:
                pass


def test_all_outgoing_requests_are_in_the_table() -> None:
    """SMTP-64, LINK-27: a new one is decided about: what does its failure count for?"""
    folder = top() / "moxlite"
    sources = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.py")}
    assert {path for path, source in sources.items() if [*requests_of(source)]} == OUTGOING
    assert len(OUTGOING) == len(MADE) + len(ELSEWHERE) + len(NOTHING)
    for test in ELSEWHERE.values():
        file, _, name = test.partition("::")
        assert f"def {name}(" in (Path(__file__).parent / file).read_text(), test


HOUSE = STATIC.replace('hostname = "mail', 'allow_private_webhooks = true\nhostname = "mail', 1) + PROVIDER


def cases(*makes: Make) -> list[Any]:
    """Each request with each of its troubles."""
    kinds = [(make, trouble) for make in makes for trouble in TROUBLES[make]]
    return [pytest.param(make, trouble, id=f"{make.__name__}-{trouble}") for make, trouble in kinds]


@pytest.mark.rig(static=HOUSE)
@pytest.mark.parametrize(
    ("make", "trouble"), cases(by_provider, by_calendar_copy, by_imap_link, by_pop3_link, by_import)
)
async def test_trouble_of_others_counts_for_nobody(
    rig: Rig, make: Make, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-182, LINK-27: 12 times, and nobody is locked out."""
    await make(rig, trouble, monkeypatch)


@pytest.mark.parametrize(("make", "trouble"), cases(by_submission_server))
async def test_trouble_of_submission_servers_counts_for_nobody(
    other: Rig, make: Make, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-27: as above, for the link of a mailbox that can be reached."""
    await make(other, trouble, monkeypatch)
