"""DAVx5 as it speaks to a server: its requests in their order, with its headers and properties, written down from
its sources (bitfireAT/davx5-ose, dav4jvm).
"""

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, fromstring

import pytest

from tests.browsing import Answer
from tests.session.test_web_dav import CR, C, D, Program, card, event, found, responses, text
from tests.web_rig import Rig

pytestmark = pytest.mark.served

A, P = "{http://apple.com/ns/ical/}", "{https://bitfire.at/webdav-push}"
CS = "{http://calendarserver.org/ns/}"
XML = "application/xml; charset=UTF-8"
DISCOVERY = (
    D + "resourcetype",
    D + "displayname",
    D + "current-user-principal",
    D + "current-user-privilege-set",
    C + "calendar-home-set",
    C + "supported-calendar-component-set",
    A + "calendar-color",
    C + "calendar-description",
    C + "calendar-timezone",
)
COLLECTION = (
    D + "current-user-privilege-set",
    D + "displayname",
    D + "owner",
    D + "resourcetype",
    P + "transports",
    P + "topic",
)
OF_CALENDARS = (
    *COLLECTION,
    A + "calendar-color",
    C + "calendar-description",
    C + "calendar-timezone",
    C + "calendar-timezone-id",
    C + "supported-calendar-component-set",
    CS + "source",
)
BATCH = 10
"""Entries of a multiget."""


def props(names: Sequence[str]) -> str:
    """The prop element, with a declaration on each name, as its serializer writes them."""
    inner = (f'<n:{name.partition("}")[2]} xmlns:n="{name[1:].partition("}")[0]}" />' for name in names)
    return f"<prop>{''.join(inner)}</prop>"


class Phone(Program):
    """A phone with DAVx5."""

    async def send(self, method: str, path: str, body: str = "", **headers: str) -> Answer:
        """Ask with the headers of each of its requests."""
        fields = {
            "user_agent": "DAVx5/4.5.6-ose (dav4jvm; ktor) Android/16",
            "accept_language": "de-DE, de;q=0.7, *;q=0.5",
            "accept_charset": "UTF-8",
        }
        return await self.ask(method, path, body, **fields, **headers)

    async def propfind(self, path: str, names: Sequence[str], depth: str = "0") -> dict[str, dict[str, Element]]:
        """Properties by path and name."""
        body = f"<?xml version='1.0' encoding='UTF-8' ?><propfind xmlns=\"DAV:\">{props(names)}</propfind>"
        return found(await self.send("PROPFIND", path, body, depth=depth, content_type=XML))

    async def home(self, service: str, home_set: str) -> str:
        """Find the home from the well-known name on, as DavResourceFinder and ServiceRefresher do."""
        body = f'<?xml version="1.0"?><propfind xmlns="DAV:">{props(DISCOVERY)}</propfind>'
        answer = await self.browser.fetch(
            f"/.well-known/{service}", method="PROPFIND", headers={"depth": "0"}, body=body.encode()
        )
        assert answer.status == 301
        start = re.sub("^https://[^/]*", "", answer.headers["location"])
        bare = await self.browser.fetch(start, method="PROPFIND", headers={"depth": "0"}, body=body.encode())
        assert bare.status == 401
        [props_of] = (await self.propfind(start, DISCOVERY)).values()
        principal = props_of[D + "current-user-principal"].findtext(D + "href") or ""
        names = (
            D + "displayname",
            D + "group-membership",
            D + "resourcetype",
            home_set,
            CS + "calendar-proxy-read-for",
        )
        [props_of] = (await self.propfind(principal, names)).values()
        assert props_of[D + "resourcetype"].find(D + "principal") is not None
        return props_of[home_set].findtext(D + "href") or ""

    async def sync(self, path: str, token: str, limit: int = 0) -> tuple[dict[str, str], str, bool]:
        """Entity tags by path, "" for what is gone; the new token; whether there is more."""
        most = f"<limit><nresults>{limit}</nresults></limit>" if limit else ""
        inner = f"<sync-token>{token}</sync-token><sync-level>1</sync-level>{most}{props((D + 'getetag',))}"
        body = f"<?xml version='1.0' encoding='UTF-8' ?><sync-collection xmlns=\"DAV:\">{inner}</sync-collection>"
        answer = await self.send("REPORT", path, body, depth="0", content_type=XML)
        tags, more = dict[str, str](), False
        for response in responses(answer):
            name, status = response.findtext(D + "href") or "", response.findtext(D + "status") or ""
            if name == path:
                more = "507" in status
            else:
                tags[name] = next((one.text or "" for one in response.iter(D + "getetag")), "")
        return tags, fromstring(answer.body).findtext(D + "sync-token") or "", more

    async def multiget(self, path: str, names: Sequence[str], kind: str, data: str) -> dict[str, str]:
        """The data of entries, ten at a time."""
        texts: dict[str, str] = {}
        space = C if kind == "calendar" else CR
        for start in range(0, len(names), BATCH):
            hrefs = "".join(f"<D:href>{name}</D:href>" for name in names[start : start + BATCH])
            inner = f"<D:prop><D:getcontenttype/><D:getetag/><S:schedule-tag/>{data}</D:prop>{hrefs}"
            body = f'<S:{kind}-multiget xmlns:D="DAV:" xmlns:S="{space[1:-1]}">{inner}</S:{kind}-multiget>'
            answer = await self.send("REPORT", path, body, depth="0", content_type=XML)
            for name, given in found(answer).items():
                assert D + "getetag" in given
                texts[name] = text(given.get(space + ("calendar-data" if kind == "calendar" else "address-data")))
        return texts


@pytest.fixture
def phone(rig: Rig) -> Phone:
    return Phone(rig)


async def test_a_phone_is_set_up_and_synchronises_a_calendar(phone: Phone) -> None:
    """DAV-12 to DAV-20: found, read in steps, changed, made and removed; push and proxies are not there."""
    home = await phone.home("caldav", C + "calendar-home-set")
    collections = await phone.propfind(home, OF_CALENDARS, depth="1")
    calendars = [
        path
        for path, given in collections.items()
        if (kind := given.get(D + "resourcetype")) is not None and kind.find(C + "calendar") is not None
    ]
    assert calendars == [home + "calendar/"]
    [path] = calendars
    assert P + "transports" not in collections[path]
    assert "write" in {
        inner.tag.partition("}")[2] for inner in collections[path][D + "current-user-privilege-set"].iter()
    }
    capabilities = (C + "max-resource-size", D + "supported-report-set", CS + "getctag", D + "sync-token")
    [given] = (await phone.propfind(path, capabilities)).values()
    assert D + "sync-collection" in {one.tag for one in given[D + "supported-report-set"].iter()}

    for number in range(30):
        body, start = event(str(number), start="20261124T100000Z"), f"{path}{number}.ics"
        answer = await phone.send("PUT", start, body, if_none_match="*", content_type="text/calendar; charset=utf-8")
        assert answer.status == 201
    again = await phone.send("PUT", f"{path}0.ics", event("0"), if_none_match="*", content_type="text/calendar")
    assert again.status == 412

    tags, token, more = await phone.sync(path, "", 12)
    while more:
        page, token, more = await phone.sync(path, token, 12)
        tags |= page
    assert len(tags) == 30
    wanted = '<S:calendar-data content-type="text/calendar" version="2.0"/>'
    texts = await phone.multiget(path, sorted(tags), "calendar", wanted)
    assert all("BEGIN:VEVENT" in texts[name] for name in tags)

    name = f"{path}3.ics"
    changed = await phone.send(
        "PUT", name, event("3", "LOCATION:Room"), if_match=tags[name], content_type="text/calendar; charset=utf-8"
    )
    assert changed.status == 204
    stale = await phone.send("PUT", name, event("3"), if_match=tags[name], content_type="text/calendar; charset=utf-8")
    assert stale.status == 412
    gone = f"{path}4.ics"
    assert (await phone.send("DELETE", gone, if_match='"old"')).status == 412
    assert (await phone.send("DELETE", gone, if_match=tags[gone])).status == 204
    assert (await phone.send("DELETE", gone, if_match=tags[gone])).status == 404
    page, token, more = await phone.sync(path, token)
    assert page == {name: changed.headers["etag"], gone: ""}
    assert not more
    assert await phone.sync(path, token) == ({}, token, False)


async def test_a_phone_makes_a_calendar_and_changes_its_colour(phone: Phone) -> None:
    """DAV-17: MKCALENDAR with all that DAVx5 sets; its registration for push is refused, and changes nothing."""
    home = await phone.home("caldav", C + "calendar-home-set")
    path = f"{home}7c1e6a52-83b5-4e0c-9a3f-8f31c2a6d1f0/"
    made = (
        "<resourcetype><collection/><CAL:calendar/></resourcetype><displayname>Sport</displayname>"
        "<CAL:calendar-description>Runs</CAL:calendar-description>"
        '<A:calendar-color xmlns:A="http://apple.com/ns/ical/">#8BC34AFF</A:calendar-color>'
        "<CAL:calendar-timezone-id>Europe/Vienna</CAL:calendar-timezone-id>"
        '<CAL:supported-calendar-component-set><CAL:comp name="VEVENT"/><CAL:comp name="VTODO"/>'
        "</CAL:supported-calendar-component-set>"
    )
    spaces = 'xmlns="DAV:" xmlns:CAL="urn:ietf:params:xml:ns:caldav"'
    body = f"<CAL:mkcalendar {spaces}><set><prop>{made}</prop></set></CAL:mkcalendar>"
    assert (await phone.send("MKCALENDAR", path, body, content_type=XML)).status == 201
    colour = '<A:calendar-color xmlns:A="http://apple.com/ns/ical/">#FF5722FF</A:calendar-color>'
    body = f'<propertyupdate xmlns="DAV:"><set><prop>{colour}</prop></set></propertyupdate>'
    assert (await phone.send("PROPPATCH", path, body, content_type=XML)).status == 207
    [given] = (await phone.propfind(path, OF_CALENDARS)).values()
    assert text(given[A + "calendar-color"]) == "#FF5722FF"
    assert text(given[D + "displayname"]) == "Sport"
    assert [one.get("name") for one in given[C + "supported-calendar-component-set"]] == ["VEVENT", "VTODO"]
    push = (
        f'<push-register xmlns="{P[1:-1]}"><subscription><web-push-subscription>'
        "<push-resource>https://push.example/1</push-resource></web-push-subscription></subscription></push-register>"
    )
    assert (await phone.send("POST", path, push, content_type=XML)).status == 405
    assert (await phone.send("DELETE", path)).status == 204


async def test_a_phone_synchronises_contacts_with_groups(phone: Phone) -> None:
    """DAV-11, DAV-18: groups as categories of vCard 3.0, and as vCards 4.0 of their own."""
    home = await phone.home("carddav", CR + "addressbook-home-set")
    books = await phone.propfind(home, (*COLLECTION, CR + "addressbook-description"), depth="1")
    path = home + "contacts/"
    assert books[path][D + "resourcetype"].find(CR + "addressbook") is not None
    capabilities = (CR + "max-resource-size", CR + "supported-address-data", D + "supported-report-set")
    [given] = (await phone.propfind(path, capabilities)).values()
    versions = {one.get("version") for one in given[CR + "supported-address-data"]}
    assert versions == {"3.0", "4.0"}
    member = card("urn:uuid:ada", "N:Lovelace;Ada;;;", "CATEGORIES:Family,Work", version="3.0")
    group = card("urn:uuid:group", "KIND:group", "MEMBER:urn:uuid:ada", name="Family")
    for name, body, kind in (
        ("ada", member, "text/vcard; charset=utf-8"),
        ("group", group, "text/vcard; version=4.0; charset=utf-8"),
    ):
        answer = await phone.send("PUT", f"{path}{name}.vcf", body, if_none_match="*", content_type=kind)
        assert answer.status == 201
    tags, token, more = await phone.sync(path, "")
    assert (sorted(tags), more) == ([f"{path}ada.vcf", f"{path}group.vcf"], False)
    three = await phone.multiget(path, sorted(tags), "addressbook", "<S:address-data/>")
    assert "CATEGORIES:Family,Work" in three[f"{path}ada.vcf"]
    four = '<S:address-data content-type="text/vcard" version="4.0"/>'
    shown = await phone.multiget(path, sorted(tags), "addressbook", four)
    assert all("VERSION:4.0" in one for one in shown.values())
    assert "MEMBER:urn:uuid:ada" in shown[f"{path}group.vcf"]
    name = f"{path}ada.vcf"
    other = member.replace("Family,Work", "Work")
    answer = await phone.send("PUT", name, other, if_match=tags[name], content_type="text/vcard; charset=utf-8")
    assert answer.status == 204
    assert (await phone.sync(path, token))[0] == {name: answer.headers["etag"]}
