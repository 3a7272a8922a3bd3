"""Scripts in a whole server: a redirect to a suppressed address, uploads from two sides (SMTP-160a, IMAP-141)."""

from pathlib import Path

import pytest
import trio

from moxlite.operations.forwards import ConfirmForward
from moxlite.operations.queue import AddSuppression, Line, ListMessages
from moxlite.operations.sieve import SieveGet, SievePut
from tests.browsing import Browser
from tests.house import PASSWORD, SECONDS, STATIC, Running, house
from tests.session.test_imapd_sieve import Client as SieveClient, put

pytestmark = pytest.mark.served

MESSAGE = (
    b"From: <ann@remote.example>\r\nTo: <mia@example.org>\r\nSubject: boats\r\nMessage-ID: <1@remote.example>\r\n"
    b"\r\noars\r\n"
)
MANAGESIEVE, PAGE = 14190, 14180
DOORS = f"""\
managesieve = {{ enabled = true, port = {MANAGESIEVE}, require_tls = false }}
account_http = {{ enabled = true, port = {PAGE} }}
"""
SERVED = STATIC.replace("[listeners.two]", f"{DOORS}[listeners.two]")


async def install(running: Running, account: str, text: str) -> None:
    """Make it the active script."""
    async with running.ctl() as client:
        await client.call("account sieve put", SievePut("main", text, activate=True, account=account), type(None))


async def test_a_redirect_to_a_suppressed_address_comes_back(tmp_path: Path) -> None:
    """SMTP-160a, QUEUE-82, AUTH-114: nothing is sent; the notice goes home to the first sender."""
    async with house(tmp_path) as running:
        async with running.ctl() as client:
            args = AddSuppression(account="mia", address="dora@far.example", reason="does not want it")
            await client.call("queue suppress add", args, type(None))
        await install(running, "mia", 'redirect "dora@far.example";')
        async with running.ctl() as client:
            await client.call("account forward confirm", ConfirmForward("dora@far.example", account="mia"), type(None))
        smtp = await running.smtp()
        assert (await smtp.deliver("mia@example.org", MESSAGE)).startswith("250")
        with trio.fail_after(SECONDS):
            while True:
                async with running.ctl() as client:
                    waiting = await client.call("queue list", ListMessages(), list[Line])
                if any(one.sender == "" for one in waiting):
                    break
                await trio.sleep(0.05)
        [told] = [one for one in waiting if one.sender == ""]
        assert told.recipient == "ann@remote.example"


async def stored(running: Running, name: str) -> str:
    async with running.ctl() as client:
        return await client.call("account sieve get", SieveGet(name, account="mia"), str)


def script(old: str | None, text: str) -> dict[str, object]:
    """The arguments of a save of the page, which has read the text `old`."""
    return {"script": "a", "old": old, "text": text, "activate": False}


async def test_two_uploads_at_once_leave_one_of_both(tmp_path: Path) -> None:
    """IMAP-141, WEB-158: from a mail program and the page; the one that lost is told, or replaced, never mixed. A page
    that has read another text gets a conflict.
    """
    long = [f"# {number}\r\nkeep;{' ' * 20_000}\r\n" for number in range(2)]
    async with house(tmp_path, static=SERVED) as running:
        browser = Browser(running, {"port": PAGE}, "/")
        browser.host = f"127.0.0.1:{PAGE}"
        await browser.log_in("mia@example.org", PASSWORD)
        async with running.connect(port=MANAGESIEVE) as stream:
            client = SieveClient(stream)
            await client.response()
            await client.login()
            codes: list[int] = []

            async def upload() -> None:
                answer = await browser.post("account_sieve_put", script(None, long[1]))
                codes.append(answer.status)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(upload)
                assert await client.last(put("a", long[0])) == "OK"
            text = await stored(running, "a")
            assert (codes, text) in (([200], long[0]), ([409], long[0]), ([200], long[1]))
            assert await client.last(put("a", "discard;")) == "OK"
        answer = await browser.post("account_sieve_put", script(text, "keep;"))
        assert (answer.status, await stored(running, "a")) == (409, "discard;")
