"""Where the webmail is served, and what its documents and schema promise."""

import json
import re

import pytest

from tests.tools import top
from tests.web_rig import STATIC, Rig

LISTENERS = """
[listeners.elsewhere]
ips = ["127.0.0.1"]
webmail_http = { enabled = true, port = 82, path = "/mail/" }

[listeners.without]
ips = ["127.0.0.1"]
account_http = { enabled = true, port = 83 }
"""

pytestmark = [pytest.mark.served, pytest.mark.rig(static=STATIC + LISTENERS)]


async def test_each_listener_says_whether_and_where_it_has_the_webmail(rig: Rig) -> None:
    """WEBMAIL-1: enabled by itself, at its own path; not where it is not asked for."""
    here = rig.browser()
    assert (await here.fetch("/webmail/")).status == 200
    elsewhere = rig.browser(app="/mail/", port=82)
    assert (await elsewhere.fetch("/mail/")).status == 200
    assert (await elsewhere.fetch("/webmail/")).status == 404
    await elsewhere.log_in()
    assert all("path=/mail/" in cookie.lower() for cookie in (await elsewhere.post("login_prep", {})).cookies)
    without = rig.browser(port=83)
    answer = await without.fetch("/webmail/")
    assert b"Webmail" not in answer.body


async def test_the_page_and_its_parts_are_for_all_and_mail_is_not(rig: Rig) -> None:
    """WEBMAIL-6: before the log-in the page comes with its parts; what shows mail wants a session."""
    stranger = rig.browser()
    page = await stranger.fetch("/webmail/")
    tags = dict(re.findall(r'(\w+): "([0-9a-f]{8})"', page.body.decode()))
    assert {"login", "compose", "message"} <= set(tags)
    for name, tag in tags.items():
        part = await stranger.fetch(f"/webmail/part/{name}.{tag}.js")
        assert part.status == 200, name
        assert part.headers["content-type"].startswith("text/javascript")
        assert "immutable" in part.headers["cache-control"]
    for path in ("events", "msg/1/raw", "msg/1/view/1", "msg/1/attachments.zip"):
        assert (await stranger.fetch(f"/webmail/{path}")).status in (401, 403), path


async def test_a_browser_without_scripts_is_told_so(rig: Rig) -> None:
    """WEBMAIL-107: in one sentence, by each app."""
    for path in ("/webmail/", "/"):
        body = (await rig.browser().fetch(path)).body.decode()
        sentence = body.partition("<noscript>")[2].partition("</noscript>")[0]
        assert "JavaScript" in sentence
        assert sentence.count(".") == 1


async def test_values_of_the_outside_world_are_plain_strings(rig: Rig) -> None:
    """WEBMAIL-25: what other servers say has no list of values; what this server defines has."""
    schema = json.loads((top() / "schema" / "webmail.schema.json").read_text())
    delivery = schema["$defs"]["Delivery"]["properties"]
    for name in ("error", "reply", "host", "tls"):
        assert delivery[name] == {"type": "string"}
    assert "delivered" in delivery["state"]["enum"]
