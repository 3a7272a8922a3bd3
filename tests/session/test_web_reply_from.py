"""The From address of an answer: the own address that a message came to (WEBMAIL-90). Mail comes by SMTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import Browser
from tests.house import Running, house
from tests.session.test_web_expensive_mail import watched

pytestmark = pytest.mark.served

DOMAINS = """\
[domains."example.org"]
localpart_separators = ["+"]
[domains."example.org".aliases.desk]
addresses = ["mia@example.org", "tom@example.org"]
post_public = true
allow_msg_from = true
[domains."example.org".aliases.quiet]
addresses = ["mia@example.org", "tom@example.org"]
post_public = true
[domains."caught.example"]
[domains."bücher.example"]
[domains."off.example"]
disabled = true
[accounts.mia]
domain = "example.org"
full_name = "Mia M"
[accounts.mia.destinations."mia@example.org"]
[accounts.mia.destinations."second@example.org"]
[accounts.mia.destinations."@caught.example"]
[accounts.mia.destinations."mia@bücher.example"]
[accounts.mia.destinations."mia@off.example"]
[accounts.tom]
domain = "example.org"
[accounts.tom.destinations."tom@example.org"]
"""
LOGIN = "mia@example.org"


class Post:
    """A server, and the webmail of mia, who opens the mail that comes."""

    def __init__(self, running: Running, browser: Browser) -> None:
        self.running = running
        self.browser = browser
        self.answering: dict[str, Any] = {}
        """Facts of an answer without a connection, of the last message."""

    async def prepare(self, recipient: str, fields: str, kind: str = "reply") -> dict[str, Any]:
        """The initial content of an answer to a message with these header fields, which came to `recipient`."""
        message = f"{fields}\r\nSubject: Boats\r\nMessage-ID: <b@remote.example>\r\n\r\nWhich boat?\r\n"
        smtp = await self.running.smtp()
        assert (await smtp.deliver(recipient, message.encode(), "ann@remote.example")).startswith("250")
        events = await self.browser.events()
        found = await events.until("view_msgs")
        await events.aclose()
        self.answering = found["parsed_message"]["answering"]
        shown = found["items"][0][0]["id"]
        opened = await self.browser.call("parsed_message", message_id=shown)
        assert opened["answering"] == self.answering
        begun: dict[str, Any] = await self.browser.call("compose_prepare", kind=kind, message_id=shown)
        assert begun["from"]["name"] == "Mia M"
        alone = "{user}@{host}".format(**self.answering["from"])
        assert alone.casefold() == begun["from"]["address"].casefold(), "as without a connection (WEBMAIL-121)"
        return begun

    async def author(self, recipient: str, fields: str, kind: str = "reply") -> str:
        """The From address of an answer."""
        found: str = (await self.prepare(recipient, fields, kind))["from"]["address"]
        return found


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with house(tmp_path, domains=DOMAINS) as running:
        yield Post(running, await running.web())


@pytest.mark.parametrize("kind", ["reply", "reply_all", "forward"])
async def test_an_own_address_in_exactly_its_form(post: Post, kind: str) -> None:
    """WEBMAIL-90: as it is written in the message, whoever else is in To."""
    fields = "From: ann@remote.example\r\nTo: Bob <bob@remote.example>, Mia <MIA@Example.org>"
    assert (await post.author(LOGIN, fields, kind)).split("@")[0] == "MIA"


async def test_an_address_with_a_separator(post: Post) -> None:
    """WEBMAIL-90, WEBMAIL-91: it is the author, and the answer to all does not go there."""
    fields = "From: ann@remote.example\r\nTo: bob@remote.example\r\nCc: mia+Boats@example.org"
    begun = await post.prepare("mia+Boats@example.org", fields, "reply_all")
    assert begun["from"]["address"] == "mia+Boats@example.org"
    assert [one["address"] for one in begun["to"]] == ["ann@remote.example", "bob@remote.example"]
    assert begun["cc"] == []
    assert [one["user"] for one in post.answering["own"]] == ["mia+Boats"]


async def test_an_address_of_a_catchall(post: Post) -> None:
    """WEBMAIL-90."""
    fields = "From: ann@remote.example\r\nTo: Shop.17@caught.example"
    assert await post.author("Shop.17@caught.example", fields) == "Shop.17@caught.example"


@pytest.mark.parametrize("domain", ["xn--bcher-kva.example", "XN--BCHER-KVA.example", "B\u00fccher.example"])
async def test_an_internationalized_domain(post: Post, domain: str) -> None:
    """WEBMAIL-90: in each form that a message may have it."""
    begun = await post.prepare("mia@xn--bcher-kva.example", f"From: ann@remote.example\r\nTo: mia@{domain}")
    assert begun["from"]["address"].casefold() == "mia@b\u00fccher.example"


async def test_an_alias_that_members_may_write_as(post: Post) -> None:
    """WEBMAIL-90: an alias with `allow_msg_from`. It stays a recipient: its other members read there."""
    fields = "From: ann@remote.example\r\nTo: desk@example.org"
    begun = await post.prepare("desk@example.org", fields, "reply_all")
    assert begun["from"]["address"] == "desk@example.org"
    assert [one["address"] for one in begun["to"]] == ["ann@remote.example", "desk@example.org"]
    assert await post.author("desk+x@example.org", fields.replace("desk", "desk+x")) == "desk+x@example.org"


async def test_an_alias_that_members_may_not_write_as(post: Post) -> None:
    """WEBMAIL-90: the login address; another own address in To or Cc comes first."""
    fields = "From: ann@remote.example\r\nTo: quiet@example.org"
    assert await post.author("quiet@example.org", fields) == LOGIN
    assert await post.author("quiet@example.org", f"{fields}\r\nCc: second@example.org") == "second@example.org"


@pytest.mark.parametrize(
    "recipient", ["second@example.org", "mia+hidden@example.org", "any@caught.example", "desk@example.org"]
)
async def test_a_blind_copy_is_answered_from_where_it_came(post: Post, recipient: str) -> None:
    """WEBMAIL-90: Delivered-To alone names the address."""
    assert await post.author(recipient, "From: ann@remote.example\r\nTo: bob@remote.example") == recipient


async def test_of_several_own_addresses_the_one_that_it_came_to(post: Post) -> None:
    """WEBMAIL-90: else the first one."""
    fields = "From: ann@remote.example\r\nTo: mia@example.org, desk@example.org\r\nCc: second@example.org"
    assert await post.author("second@example.org", fields) == "second@example.org"
    assert await post.author("desk@example.org", fields) == "desk@example.org"
    assert await post.author("any@caught.example", fields) == LOGIN


async def test_strangers_fields_name_no_address_of_others(post: Post) -> None:
    """WEBMAIL-90: a Delivered-To of the sender counts after the server's, and only with an own address; a disabled
    domain sends nothing.
    """
    forged = "Delivered-To: tom@example.org\r\nDelivered-To: second@example.org\r\nFrom: ann@remote.example"
    assert await post.author("mia+x@example.org", f"{forged}\r\nTo: bob@remote.example") == "mia+x@example.org"
    assert await post.author("quiet@example.org", f"{forged}\r\nTo: bob@remote.example") == "second@example.org"
    assert await post.author("quiet@example.org", "From: ann@remote.example\r\nTo: mia@off.example") == LOGIN


async def test_mail_of_another_member_of_an_alias_is_answered_to_the_alias(post: Post) -> None:
    """WEBMAIL-90, WEBMAIL-91: it was delivered, so mia did not write it."""
    begun = await post.prepare("second@example.org", "From: desk@example.org\r\nTo: second@example.org")
    assert begun["from"]["address"] == "second@example.org"
    assert [one["address"] for one in begun["to"]] == ["desk@example.org"]
    assert not post.answering["own_mail"]


async def test_own_mail_is_answered_from_its_author(post: Post) -> None:
    """WEBMAIL-90, WEBMAIL-91: also mail that was written as an alias, which goes to its recipients again."""
    for number, author in enumerate(("mia+x@example.org", "desk@example.org")):
        draft = {
            "from": {"name": "", "address": author},
            "to": [{"name": "", "address": "ann@remote.example"}],
            "cc": [],
            "bcc": [],
            "reply_to": [],
            "subject": "Mine",
            "text": "Hello",
            "uploads": [],
            "message_id": f"<{author}>",
            "in_reply_to": "",
            "references": [],
        }
        kept = await post.browser.call("draft_save", draft=draft, save_id=f"{number:032x}")
        begun = await post.browser.call("compose_prepare", kind="reply", message_id=kept)
        assert begun["from"]["address"] == author
        assert [one["address"] for one in begun["to"]] == ["ann@remote.example"]
        assert (await post.browser.call("parsed_message", message_id=kept))["answering"]["own_mail"]


async def test_a_quoted_localpart_stays_an_address(post: Post) -> None:
    """WEBMAIL-91: an answer goes to the address as it was written."""
    begun = await post.prepare(LOGIN, 'From: "ann b"@remote.example\r\nTo: mia@example.org')
    assert begun["to"][0]["address"] == '"ann b"@remote.example'


@pytest.mark.nightly
async def test_ten_thousand_addresses_are_searched_within_bounds(post: Post) -> None:
    """WEBMAIL-90, WEBMAIL-119a: foreign addresses of costly domains in each field; Delivered-To tells, and the event
    loop is never held.
    """
    many = ",\r\n ".join(f"u{n}@b\u00fccher{n}.example" for n in range(10_000))
    fields = f"From: ann@remote.example\r\nTo: {many}\r\nCc: {many}, mia@example.org\r\nReply-To: {many}"
    async with watched() as longest:
        begun = await post.prepare("mia+late@example.org", fields, "reply_all")
        assert begun["from"]["address"] == "mia+late@example.org"
        forwarded = await post.author("mia+late@example.org", fields, "forward")
    assert forwarded == "mia+late@example.org"
    assert longest[0] < 0.3
    assert len(begun["to"]) + len(begun["cc"]) == 1_000
