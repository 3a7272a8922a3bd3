"""Mail that was made to be expensive, opened and answered as its owner does: it costs its owner seconds, and no other
user anything.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape

import pytest
import trio

from moxlite.net.metrics import panics
from moxlite.sandbox import processes
from moxlite.sandbox.metrics import deaths, starts
from tests.browsing import typed_fields
from tests.house import soon
from tests.memory import at_most
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig, first_request

pytestmark = pytest.mark.served

CAUSES = ("deadline", "ended", "answer", "start")
INSTEAD = "View the plain text or the source instead."


def html_mail(html: str, *more: str) -> bytes:
    """A mail of HTML, with further parts beside it."""
    parts = [f"Content-Type: text/html; charset=utf-8\r\n\r\n{html}", *more]
    inside = "".join(f"--b\r\n{part}\r\n" for part in parts)
    head = "From: a@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
    return f'{head}Content-Type: multipart/related; boundary="b"\r\n\r\n{inside}--b--\r\n'.encode()


def text_mail(text: str, *, subject: str = "x", kind: str = "text/plain") -> bytes:
    head = f"From: a@example.com\r\nTo: mia@example.org\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    return f"{head}Content-Type: {kind}; charset=utf-8\r\n\r\n{text}".encode()


@asynccontextmanager
async def watched() -> AsyncIterator[list[float]]:
    """The longest time that the event loop's thread worked without a look at the clock, in seconds of the processor,
    which others may take meanwhile. In a list, when the block has ended.
    """
    longest = [0.0]

    async def look() -> None:
        last = time.thread_time()
        while True:
            await trio.sleep(0.01)
            now = time.thread_time()
            longest[0] = max(longest[0], now - last)
            last = now

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        yield longest
        nursery.cancel_scope.cancel()


async def delivered(rig: Rig, data: bytes) -> int:
    async with rig.account() as account:
        return (await deliver_mail(account, data)).message_id


def dead() -> float:
    return sum(deaths.labels(cause=cause).value for cause in CAUSES)


FORMATS = "".join(f"<b id={number}>" for number in range(4900)) + "<p>x" * 4900


def hidden_attributes(count: int) -> str:
    """A tag whose attributes the bounds do not see to be of one tag."""
    return "<p " + " ".join(f"a{number}='>'" for number in range(count)) + ">words"


EXPENSIVE = {
    "formats and blocks": FORMATS,
    "formats in a block": "<p>" + "".join(f"<b id={number}>" for number in range(4900)) + "<p>x" * 4900,
    "bodies in a comment": "<!--" + "<body " * 1_700_000 + "-->words",
    "attributes": "<p " + " ".join(f"a{number}" for number in range(1_200_000)) + ">words",
    "attributes that hide": hidden_attributes(200_000),
    "paragraphs": "<p>x" * 2_000_000,
    "depth": "<div>" * 200_000,
}


@pytest.mark.landing("attributes", "depth")
@pytest.mark.slow
@pytest.mark.parametrize("name", EXPENSIVE)
async def test_html_that_is_expensive_costs_the_server_nothing(rig: Rig, browser: Browser, name: str) -> None:
    """WEBMAIL-109, WEBMAIL-109a, WEBMAIL-109b: opened three times; other HTML is shown as before."""
    message = f"/webmail/msg/{await delivered(rig, html_mail(EXPENSIVE[name]))}"
    plain = f"/webmail/msg/{await delivered(rig, html_mail('<p>plain <b>words</b>'))}"
    assert "plain <b>words</b>" in (await browser.fetch(f"{plain}/html")).body.decode()
    crashes = sum(sample for _, _, sample in panics.samples())
    with at_most(150 << 20):
        async with watched() as longest, trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(opened, browser, message)
    assert longest[0] < 1.0
    assert "plain <b>words</b>" in (await browser.fetch(f"{plain}/html")).body.decode()
    assert sum(sample for _, _, sample in panics.samples()) == crashes


async def opened(browser: Browser, message: str) -> None:
    answer = await browser.fetch(f"{message}/html")
    assert answer.status == 200
    text = answer.body.decode()
    assert any(words in text for words in ("to display", "words", processes.TOO_LONG, processes.BUSY))


async def test_html_that_is_not_shown_is_shown_as_text(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-109a: the page says why, has the text of the HTML, and names the raw message; the death is counted."""
    monkeypatch.setattr(processes, "JOB_SECONDS", 2.0)
    message = f"/webmail/msg/{await delivered(rig, html_mail('<h1>Dear A &amp; B</h1>' + hidden_attributes(60_000)))}"
    before = dead()
    page = (await browser.fetch(f"{message}/html?sameorigin=true")).body.decode()
    assert processes.TOO_LONG in page
    assert "Only the plain text is shown. For the full message, view the source." in page
    assert "Dear A &amp; B" in page
    assert dead() == before + 1
    metrics = (await rig.browser(port=8010).fetch("/metrics")).body.decode()
    assert 'moxlite_sandbox_deaths_total{cause="deadline"}' in metrics


async def test_each_reference_to_an_image_counts(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-54: 9,000 references to one image of 30 kB are not 270 MB."""
    image = "Content-Type: image/png\r\nContent-ID: <x>\r\n\r\n" + "A" * 30_000
    message = await delivered(rig, html_mail("<img src=cid:x>" * 9000, image))
    with at_most(150 << 20):
        page = (await browser.fetch(f"/webmail/msg/{message}/html")).body
    shown = (10 << 20) // 30_000
    assert page.count(b'src="data:image/png;base64,') == shown
    assert len(page) < 16 << 20
    assert f"{9000 - shown} images are too large to display here" in page.decode()


@pytest.mark.landing("tabs", "blanks in the subject", "marks in the subject", "quotes", "flowed", "blockquotes")
@pytest.mark.parametrize(
    "data",
    [
        text_mail("\t" * 70_000 + "x"),
        text_mail("hello", subject="re" + " \r\n" + (" " * 900 + "\r\n") * 1000 + " x"),
        text_mail("hello", subject="re: " * 200_000),
        text_mail("> " * 500_000),
        text_mail("a \r\n" * 500_000, kind="text/plain; format=flowed"),
        text_mail("<" * 2_000_000, kind="text/html"),
        text_mail("<blockquote>" * 150_000 + "x", kind="text/html"),
    ],
    ids=["tabs", "blanks in the subject", "marks in the subject", "quotes", "flowed", "signs", "blockquotes"],
)
async def test_answers_to_what_was_made_to_be_expensive(rig: Rig, browser: Browser, data: bytes) -> None:
    """WEBMAIL-92, WEBMAIL-109a: the composer is there, and no other task waits for it."""
    message = await delivered(rig, data)
    for kind in ("reply", "forward", "edit"):
        async with watched() as longest:
            answer = await browser.post("compose_prepare", {"kind": kind, "message_id": message})
        assert longest[0] < 1.0
        if answer.status == 200:
            begun = answer.json["result"]
            assert len(begun["subject"]) <= 5000
            assert not (begun["notes"] and begun["text"])
        else:
            assert (kind, answer.status) == ("edit", 503)


def folded(items: list[str]) -> str:
    return " ".join(items).replace(" ", "\r\n ")


async def test_an_answer_is_a_draft_whatever_its_original_holds(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-91: recipients, names and references are within the limits of a draft; the list has short rows."""
    head = (
        "Message-ID: <last@example.com>",
        f"To: {folded([f'r{n}@example.com,' for n in range(3000)])} z@example.com",
        f"References: {folded([f'<{n}@example.com>' for n in range(3000)])}",
        f'From: "{"n" * 900_000}" <a@example.com>',
        f"Subject: {'s' * 900_000}",
    )
    message = await delivered(rig, "\r\n".join([*head, "", "hello"]).encode())
    begun = await browser.call("compose_prepare", kind="reply_all", message_id=message)
    assert len(begun["to"]) + len(begun["cc"]) == 1000
    [note] = begun["notes"]
    assert note["message"] == "Only the first 1000 recipients were added. That's the maximum for a message."
    assert note["words"]["values"] == {"most": 1000}
    assert (len(begun["references"]), begun["references"][-1]) == (50, "<last@example.com>")
    fields = typed_fields(begun)
    draft = {**fields, "reply_to": [], "uploads": []}
    assert await browser.call("draft_save", draft=draft, save_id="00" * 16)
    events = await browser.events(first_request(count=10))
    items = [thread[0] for thread in (await events.until("view_msgs"))["items"]]
    assert [len(item["subject"]) for item in items] == [1000]
    assert len(items[0]["from"][0]["name"]) == 1000
    await events.aclose()


async def test_an_answer_without_its_text_says_so(rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-92, WEBMAIL-109a, WEBMAIL-143: and a draft is never opened without its text, which would be lost."""
    message = await delivered(rig, text_mail("hello", subject="Re: lunch"))
    monkeypatch.setattr(processes, "JOB_SECONDS", 0.0)
    begun = await browser.call("compose_prepare", kind="reply", message_id=message)
    assert (begun["text"], begun["subject"]) == ("", "Re: Re: lunch")
    [note] = begun["notes"]
    assert note["message"] == f"The message text isn't quoted. {processes.TOO_LONG}"
    assert note["words"]["values"] == {"reason": {"text": processes.TOO_LONG, "values": {}}}
    assert [one["address"] for one in begun["to"]] == ["a@example.com"]
    assert await browser.error("compose_prepare", kind="edit", message_id=message) == (503, "server:error")


@pytest.mark.nightly
async def test_many_views_of_a_large_text_share_little_memory(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-109d: 190 at once by one account, none of them read by its client for a while."""
    message = await delivered(rig, text_mail("words and more \u00e4\r\n" * 30_000))
    pages: list[int] = []

    async def view() -> None:
        pages.append((await browser.fetch(f"/webmail/msg/{message}/text")).status)

    with at_most(150 << 20):
        async with trio.open_nursery() as nursery:
            for _ in range(190):
                nursery.start_soon(view)
    assert len(pages) == 190
    assert set(pages) <= {200, 503}


@pytest.mark.parametrize("kind", ["text", "raw"])
async def test_the_fifth_view_waits_and_is_refused_in_words(
    rig: Rig, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-109d: four are under way as long as their clients do not read."""
    monkeypatch.setattr("moxlite.web.webmail.reading.views.SECONDS", 0.3)
    browser = rig.browser()
    await browser.log_in()
    message = await delivered(rig, text_mail("words and more\r\n" * 120_000))
    streams = []
    for _ in range(4):
        stream = rig.connect(small=True)
        _, octets = browser.request("GET", f"/webmail/msg/{message}/{kind}")
        await stream.send_all(octets)
        assert (await stream.receive_some(100)).startswith(b"HTTP/1.1 200")
        streams.append(stream)
    answer = await browser.fetch(f"/webmail/msg/{message}/{kind}")
    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    words = {"text": "Still loading 4 other messages", "raw": "already downloading 4 files"}
    assert words[kind] in answer.body.decode()
    for stream in streams:
        await trio.aclose_forcefully(stream)
    while (await browser.fetch(f"/webmail/msg/{message}/{kind}")).status == 503:
        continue


async def test_a_page_that_connects_starts_the_process(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-109a: before a message is opened."""
    sandbox = rig.house.services.sandbox
    assert sandbox.pids == []
    events = await browser.events(first_request())
    await events.until("start")
    await soon(lambda: sandbox.pids, "a process")
    await events.aclose()


async def test_where_no_process_can_be_confined_html_is_shown_as_text(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-46, WEBMAIL-109a: the page says so; no process is started, and none is missed."""
    monkeypatch.setattr(processes, "SUPPORTED", False)
    started, before = starts.value, dead()
    message = f"/webmail/msg/{await delivered(rig, html_mail('<style>p {}</style><h1>Dear A &amp; B</h1>'))}"
    page = (await browser.fetch(f"{message}/html?sameorigin=true")).body.decode()
    assert escape(processes.UNSUPPORTED) in page
    assert "Only the plain text is shown. For the full message, view the source." in page
    assert "Dear A &amp; B" in page
    assert "p {}" not in page
    assert (starts.value, dead()) == (started, before)
