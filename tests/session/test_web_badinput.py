"""Bad input of people, files and other programs, as a browser hands it over: it costs bounded work, and is taken as far
as it makes sense or refused in words (WEBMAIL-128, 129, 135, 84).

Push services that fail for a week: test_web_notices. Times to send at that are past or too far ahead: test_web_later.
"""

import re
from typing import Any

import pytest

from tests.session.test_web_compose import Queue, carried, queue, written
from tests.session.test_web_contacts import import_file
from tests.session.test_web_expensive_mail import watched
from tests.session.test_web_rich import submit
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig, first_request

pytestmark = pytest.mark.served

__all__ = ["queue"]

ACCEPTED_STEP = 0.2
"""Seconds of the processor that a step may take: 50 ms (WEBMAIL-119a), and what the test itself does in this thread."""


async def invited(rig: Rig, browser: Browser, *lines: str, head: str = "") -> Any:
    """The whole answer to the call for the card of an event with these lines."""
    calendar = "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "METHOD:REQUEST",
            *([head] if head else []),
            "BEGIN:VEVENT",
            "UID:1@nordlicht.example",
            "SUMMARY:Plan",
            "ORGANIZER:mailto:ada@nordlicht.example",
            "ATTENDEE:mailto:mia@example.org",
            *lines,
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )
    mail = f"From: ada@nordlicht.example\r\nMIME-Version: 1.0\r\nContent-Type: text/calendar\r\n\r\n{calendar}"
    async with rig.account() as account:
        number = (await deliver_mail(account, mail.encode())).message_id
    async with watched() as longest:
        answer = await browser.post("invitation", {"message_id": number, "path": "0"})
    assert longest[0] < ACCEPTED_STEP
    return answer


async def card(rig: Rig, browser: Browser, *lines: str, head: str = "") -> dict[str, Any]:
    """The card of an event with these lines."""
    answer = await invited(rig, browser, *lines, head=head)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json["result"]
    return found


async def test_a_calendar_of_ten_thousand_instances(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-129: changed ones of a repeated event are counted; dates in one line are not even looked at."""
    moved = "BEGIN:VEVENT\r\nUID:1@nordlicht.example\r\nRECURRENCE-ID:20260701T100000Z\r\nSUMMARY:x\r\nEND:VEVENT\r\n"
    found = await card(rig, browser, "DTSTART:20260701T100000Z", "RRULE:FREQ=DAILY", head=(moved * 10_000).strip())
    assert (found["title"], found["others"], found["repeats"]["frequency"]) == ("Plan", 10_000, "daily")
    dates = ",".join(
        f"2026{month:02}{day:02}T{hour:02}0000Z" for month in range(1, 13) for day in range(1, 29) for hour in range(24)
    )[: 17 * 10_000 - 1]
    assert dates.count(",") >= 8_000
    found = await card(rig, browser, "DTSTART:20260701T100000Z", f"RDATE:{dates}", f"EXDATE:{dates}")
    assert found["start"]["utc"] == 1782900000
    refused = await invited(rig, browser, head=(moved * 20_000).strip())
    assert refused.status == 400
    assert "1 MiB" in refused.json["error"]["message"]


@pytest.mark.parametrize(
    ("rule", "frequency"),
    [
        ("FREQ=DAILY", "daily"),
        ("FREQ=SECONDLY", ""),
        ("FREQ=DAILY;COUNT=999999999999;INTERVAL=1", "daily"),
        ("FREQ=YEARLY;UNTIL=99991231T235959Z", "yearly"),
        ("FREQ=DAILY;BYSECOND=" + ",".join(map(str, range(60))), ""),
    ],
)
async def test_a_rule_without_end_is_told_and_not_followed(
    rig: Rig, browser: Browser, rule: str, frequency: str
) -> None:
    """WEBMAIL-129: the card has its first date, and the rule in words where there are words for it."""
    found = await card(rig, browser, "DTSTART:20260701T100000Z", f"RRULE:{rule}")
    assert (found["start"]["utc"], found["repeats"]["frequency"]) == (1782900000, frequency)


@pytest.mark.parametrize(
    ("zone", "offset", "utc"),
    [
        ("Europe/Berlin", "+1400", 1782900000 - 2 * 3600),
        ("W. Europe Standard Time", "-1200", 1782900000 - 2 * 3600),
        ("/softwarestudio.org/Tzfile/Europe/Berlin", "+1400", 1782900000 - 2 * 3600),
        ("Own time", "+0300", 1782900000 - 3 * 3600),
        ("Own time", "+9999", None),
        ("Own time", "east", None),
        ("../../etc/passwd", "", None),
        ("Own time", "", None),
    ],
)
async def test_zones_that_lie(rig: Rig, browser: Browser, zone: str, offset: str, utc: int | None) -> None:
    """WEBMAIL-129: of a known zone its name counts, not what the file says of it; a zone that no one knows has no
    moment in the reader's zone.
    """
    head = f"BEGIN:VTIMEZONE\r\nTZID:{zone}\r\nBEGIN:STANDARD\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE"
    found = await card(rig, browser, f"DTSTART;TZID={zone}:20260701T100000", head=head if offset else "")
    assert found["start"]["local"] == "2026-07-01T10:00:00"
    assert found["start"]["utc"] == utc


@pytest.mark.parametrize("fold", ["", "\r\n "], ids=["one line", "folded"])
async def test_a_card_with_a_large_photo(rig: Rig, browser: Browser, fold: str) -> None:
    """WEBMAIL-128: 10 MB in base64; the contact comes, the picture is left out, and that is told."""
    lines = "A" * 75 + fold
    photo = "PHOTO;ENCODING=b;TYPE=JPEG:" + lines * (13_400_000 // 75) + "AA"
    data = f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\n{photo}\r\nEMAIL:ada@a.example\r\nEND:VCARD\r\n" * 2
    async with watched() as longest:
        done = await import_file(browser, data.replace("FN:Ada", "FN:Bo", 1).replace("ada@", "bo@", 1).encode())
    assert longest[0] < ACCEPTED_STEP
    assert (done["added"], done["dropped"], done["unread"], done["problems"]) == (2, 2, 0, [])
    assert [one["emails"] for one in (await browser.call("contacts"))["contacts"]] == [
        ["ada@a.example"],
        ["bo@a.example"],
    ]


@pytest.mark.nightly
async def test_a_thousand_cards_with_photos(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-128: as a telephone exports them, 40 MB; a table of this size is refused in words."""
    photo = "PHOTO;ENCODING=b;TYPE=JPEG:" + ("A" * 75 + "\r\n ") * 53
    cards = "".join(
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:P{n}\r\n{photo * (n % 2 * 19 + 1)}\r\nEND:VCARD\r\n" for n in range(1_000)
    )
    assert len(cards) > 40_000_000
    done = await import_file(browser, cards.encode())
    assert (done["added"], done["unread"]) == (1_000, 0)
    target, headers = "/webmail/upload?filename=x", {"x-moxlite-csrf": browser.csrf}
    table = await browser.fetch(
        target, method="POST", headers=headers, body=b"Name,E-mail Address\n" + b"a,\n" * 4_000_000
    )
    refused = await browser.post("contacts_import", {"upload_id": table.json["result"]["upload_id"]})
    assert refused.json["error"]["message"] == "can't read this file: the file is larger than 10 MiB"


WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word">
<head><meta name=Generator content="Word 15"><style>@font-face { font-family: Calibri; src: url(https://t.example/f) }
p.MsoNormal { mso-style-unhide: no; margin: 0cm }</style><!--[if gte mso 9]><xml><w:WordDocument></w:WordDocument></xml>
<![endif]--></head><body lang=DE><!--StartFragment--><h1>Plan</h1><p class="MsoNormal" style="mso-margin-top-alt:auto">
<b style="mso-bidi-font-weight:normal">Bold<o:p></o:p></b></p><p class="MsoListParagraph"><![if !supportLists]>
<span style="mso-list:Ignore">1.</span><![endif]>First</p><img src="file:///C:/Users/x/clip_image001.png">
<v:shape><v:imagedata src="https://t.example/i"/></v:shape><table><tr><td>a</td><td>b</td></tr></table>"""

HOSTILE = """<base href="https://evil.example/">
<style>@import "https://t.example/c"; .composer { display: none }</style>
<img src=x onerror="steal()"><img srcset="https://t.example/2 2x"><svg onload=steal()><script>steal()</script></svg>
<a href="java&#10;script:steal()">go</a><a href="data:text/html,<script>steal()</script>">to</a>
<form action="https://evil.example/"><input name=p><button formaction="javascript:steal()">send</button></form>
<iframe srcdoc="<script>steal()</script>"></iframe><object data="https://t.example/o"></object>
<video poster="https://t.example/v"></video><p style="background:url(https://t.example/3)">words</p>
<meta http-equiv=refresh content="0;url=https://evil.example/"><link rel=stylesheet href="https://t.example/s">
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=steal()&gt;"></mglyph></table>"""


DANGERS = re.compile(
    r"steal|onerror|onload|javascript:|<script|<iframe|<form|<base|<meta http|srcdoc|t\.example|evil\.example|file:"
)


@pytest.mark.parametrize(("html", "words"), [(WORD, ["Plan", "Bold", "First", "a", "b"]), (HOSTILE, ["words"])])
async def test_pasted_html_goes_out_without_its_dangers(
    rig: Rig, browser: Browser, queue: Queue, html: str, words: list[str]
) -> None:
    """WEBMAIL-108, WEBMAIL-135: also where no browser has looked at it before: no script, no handler, no address that
    is fetched, in the draft and in the message that is sent; its words are there, in the plain text too.
    """
    message = written(text="", html=html)
    draft = await browser.call("draft_save", draft=message, save_id="00" * 16)
    again = await browser.call("compose_prepare", kind="edit", message_id=draft)
    await submit(browser, message)
    plain, rich = (await carried(rig, queue))[0].parsed.iter_parts()
    for found in (again["html"], rich.get_content()):
        assert not re.search(
            r"steal|onerror|onload|javascript:|<script|<iframe|<form|<base|<meta http|srcdoc", found
        ), found
        assert not re.search(r"t\.example|evil\.example|file:", found), found
        assert all(word in found for word in words)
    assert set(words) <= set(re.findall(r"\w+", plain.get_content()))


async def test_fifty_labels_on_one_message(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-84: set in one call, shown to all pages, found by each, taken off again."""
    events = await browser.events()
    await events.until("view_msgs")
    keywords = [(await browser.call("label_save", name=f"Label {n}", color=n % 9))["keyword"] for n in range(50)]
    async with rig.account() as account:
        number = (await deliver_mail(account, b"From: a@b.example\r\nSubject: Much\r\n\r\nwords\r\n")).message_id
    await events.change("msg_add")
    await browser.call("flags_add", message_ids=[number], flags=keywords)
    assert sorted((await events.change("msg_flags"))["keywords"]) == sorted(keywords)
    item = await browser.call("message_item", message_id=number)
    assert sorted(item["keywords"]) == sorted(keywords)
    assert len(str(item)) < 2_500
    for label in (keywords[0], keywords[49]):
        request = first_request()
        request["query"]["filter"]["labels"] = [label]
        found = await browser.events(request)
        assert [[one["id"] for one in thread] for thread in (await found.until("view_msgs"))["items"]] == [[number]]
        await found.aclose()
    await browser.call("flags_clear", message_ids=[number], flags=keywords)
    assert (await events.change("msg_flags"))["keywords"] == []
    await events.aclose()
