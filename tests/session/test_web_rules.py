"""Rules that are offered when a message is moved by hand."""

from typing import Any

import pytest

from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.store.mail.facts import MessageFacts, SMTPFacts
from moxlite.store.mail.mailboxes import create_mailbox, set_special_use
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import SpecialUse
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

PLAIN = b"From: ada@nordlicht.example\r\nSubject: x\r\n\r\nx\r\n"
LISTED = b"From: ada@nordlicht.example\r\nList-Id: Garden <garden.lists.club.example>\r\nSubject: x\r\n\r\nx\r\n"


class Mover:
    """A browser that moves messages between Inbox and a mailbox, Garden."""

    def __init__(self, rig: Rig, browser: Browser) -> None:
        self.rig = rig
        self.browser = browser
        self.inbox = self.garden = 0

    async def begin(self) -> None:
        async with self.rig.account() as account:
            self.garden = int((await account.write(lambda tx: create_mailbox(tx, "Garden")))[0].id)
            box = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="test")
            assert box is not None
            self.inbox = int(box.id)

    async def arrived(self, octets: bytes, *, dkim: tuple[str, ...] = (), recipient: str = "mia") -> int:
        smtp = SMTPFacts(
            rcptto=recipient,
            rcptto_domain="example.org",
            msgfrom="ada",
            msgfrom_domain="nordlicht.example",
        )
        async with self.rig.account() as account:
            return (await deliver_mail(account, octets, facts=MessageFacts(smtp=smtp, dkim_domains=dkim))).message_id

    async def imported(self, octets: bytes) -> int:
        """The id of a message of whose arrival nothing is known."""
        async with self.rig.account() as account:
            return int((await deliver_mail(account, octets)).message_id)

    async def move(self, message: int, *, back: bool = False) -> dict[str, int]:
        source, target = (self.garden, self.inbox) if back else (self.inbox, self.garden)
        await self.browser.call("message_move", message_ids=[message], mailbox_id=target)
        return {"message_id": message, "from_mailbox_id": source, "to_mailbox_id": target}

    async def offered(self, moved: dict[str, int]) -> Any:
        return await self.browser.call("ruleset_suggest_move", **moved)

    @property
    def rules(self) -> list[dict[str, Any]]:
        destination = self.rig.holder.current.domains.accounts["mia"].destinations["mia@example.org"]
        return [
            {
                "mailbox": rule.mailbox,
                "from": [(one.part, one.test, one.value) for one in rule.conditions],
                "headers": dict(rule.headers_regexp),
                "allow": rule.list_allow_domain and rule.list_allow_domain.unicode,
                "proven": rule.verified_domain and rule.verified_domain.unicode,
            }
            for rule in destination.rulesets
        ]


@pytest.fixture
async def mover(rig: Rig) -> Mover:
    browser = rig.browser()
    await browser.log_in()
    found = Mover(rig, browser)
    await found.begin()
    return found


async def test_a_rule_for_a_sender_is_offered_added_and_removed(mover: Mover) -> None:
    """WEBMAIL-101, WEBMAIL-102, WEBMAIL-103: out of the default mailbox it is added, back into it removed."""
    message = await mover.arrived(PLAIN)
    moved = await mover.move(message)
    offer = await mover.offered(moved)
    assert offer == {
        "recipient": "mia@example.org",
        "list_id": "",
        "msg_from": "ada@nordlicht.example",
        "remove": False,
        "mailbox": "Garden",
    }
    await mover.browser.call("ruleset_accept", **moved)
    rule: dict[str, object] = {"mailbox": "Garden", "headers": {}, "allow": None, "proven": None}
    rule["from"] = [("from", "is", "ada@nordlicht.example")]
    assert mover.rules == [rule]
    assert 'comment = "by webmail on 20' in mover.rig.holder.domains_path.read_text()
    assert await mover.offered(moved) is None
    assert await mover.browser.error("ruleset_accept", **moved) == (409, "user:conflict")
    back = await mover.move(message, back=True)
    assert (await mover.offered(back))["remove"] is True
    await mover.browser.call("ruleset_accept", **back)
    assert mover.rules == []


async def test_a_rule_for_a_sender_that_was_made_as_a_pattern_is_the_same(mover: Mover) -> None:
    """WEBMAIL-103, STORE-64a: no second one is offered, and moving back removes it."""
    moved = await mover.move(await mover.arrived(PLAIN))

    def change(document: Document, snapshot: Snapshot) -> None:
        old = {
            "mailbox": "Garden",
            "msg_from_regexp": r"^ada@nordlicht\.example$",
            "comment": "by webmail on 2026-01-02",
        }
        document.put(("accounts", "mia", "destinations", "mia@example.org", "rulesets"), [old])

    await mover.rig.holder.edit(change)
    assert await mover.offered(moved) is None
    back = await mover.move(moved["message_id"], back=True)
    assert (await mover.offered(back))["remove"] is True
    await mover.browser.call("ruleset_accept", **back)
    assert mover.rules == []


async def test_a_rule_for_a_list_needs_a_domain_that_vouches_for_it(mover: Mover) -> None:
    """WEBMAIL-102: the shortest that is verified, equal to the list's or above it."""
    message = await mover.arrived(LISTED, dkim=("nordlicht.example", "lists.club.example", "club.example"))
    moved = await mover.move(message)
    assert (await mover.offered(moved))["list_id"] == "garden.lists.club.example"
    await mover.browser.call("ruleset_accept", **moved)
    assert mover.rules == [
        {
            "mailbox": "Garden",
            "from": [],
            "headers": {"^list-id$": r"<garden\.lists\.club\.example>$"},
            "allow": "club.example",
            "proven": "club.example",
        }
    ]
    # One that was made before rules had the proven domain is the same rule.
    path = mover.rig.holder.domains_path
    path.write_text(path.read_text().replace('verified_domain = "club.example"\n', ""))
    assert await mover.rig.holder.reload()
    assert mover.rules[0]["proven"] is None
    again = await mover.arrived(LISTED, dkim=("nordlicht.example", "club.example"))
    assert await mover.offered(await mover.move(again)) is None
    other = await mover.arrived(LISTED.replace(b"garden", b"tools"), dkim=("nordlicht.example", "ub.example"))
    assert await mover.offered(await mover.move(other)) is None


@pytest.mark.parametrize("never", ["message", "from_mailbox", "to_mailbox"])
async def test_no_rule_is_offered_again_after_a_never(mover: Mover, never: str) -> None:
    """WEBMAIL-104: for the sender at this address, or for the mailbox that it went from or to."""
    moved = await mover.move(await mover.arrived(PLAIN))
    assert await mover.offered(moved) is not None
    await mover.browser.call("ruleset_never", **moved, never=never)
    assert await mover.offered(moved) is None
    assert await mover.offered(await mover.move(await mover.arrived(PLAIN))) is None


async def test_a_list_is_declined_at_one_address_alone(mover: Mover) -> None:
    """WEBMAIL-104."""
    moved = await mover.move(await mover.arrived(LISTED, dkim=("club.example",)))
    await mover.browser.call("ruleset_never", **moved, never="message")
    assert await mover.offered(await mover.move(await mover.arrived(LISTED, dkim=("club.example",)))) is None
    other = await mover.arrived(LISTED, dkim=("club.example",), recipient="büro")
    assert await mover.offered(await mover.move(other)) is not None


async def test_mailboxes_with_a_role_and_mail_of_others_offer_nothing(mover: Mover, rig: Rig) -> None:
    """WEBMAIL-101: nor does mail to an address of somebody else, arrived or imported."""
    assert await mover.offered(await mover.move(await mover.arrived(PLAIN, recipient="tom"))) is None
    assert await mover.offered(await mover.move(await mover.imported(PLAIN))) is None
    assert await mover.offered(await mover.move(await mover.imported(b"To: tom@example.org\r\n" + PLAIN))) is None
    moved = await mover.move(await mover.arrived(PLAIN))
    async with rig.account() as account:
        await account.write(lambda tx: set_special_use(tx, mover.garden, SpecialUse.ARCHIVE))  # type: ignore[arg-type]
    assert await mover.offered(moved) is None


async def test_a_rule_for_imported_mail_is_by_address(mover: Mover) -> None:
    """WEBMAIL-101, WEBMAIL-102: the sender in From, and the own address among others in Cc."""
    octets = b"To: tom@example.org\r\nCc: Mia <MIA@example.org>\r\n" + PLAIN
    moved = await mover.move(await mover.imported(octets))
    offer = await mover.offered(moved)
    assert (offer["recipient"], offer["msg_from"]) == ("mia@example.org", "ada@nordlicht.example")
    await mover.browser.call("ruleset_accept", **moved)
    assert [rule["from"] for rule in mover.rules] == [[("from", "is", "ada@nordlicht.example")]]


@pytest.mark.parametrize("to", [b"To: mia@example.org\r\n", b"To: list@club.example\r\n", b""])
async def test_the_sender_of_any_message_can_be_blocked(mover: Mover, to: bytes) -> None:
    """WEBMAIL-142: of imported mail, and of mail that names no own address, by the account's first address."""
    message = await mover.imported(to + PLAIN)
    rule = await mover.browser.call("ruleset_for_sender", message_id=message, mailbox_id=mover.garden)
    assert (rule["recipient"], rule["msg_from"]) == ("mia@example.org", "ada@nordlicht.example")
    other = await mover.imported(to + b"From: a@x.example, b@x.example\r\n\r\nx\r\n")
    answer = await mover.browser.post("ruleset_for_sender", {"message_id": other, "mailbox_id": mover.garden})
    assert "sender is missing or invalid" in answer.json["error"]["message"]


async def test_an_address_of_a_catchall_has_no_rules(mover: Mover) -> None:
    """WEBMAIL-104: nothing is offered, and the answer says what to do."""
    path = ("accounts", "mia", "destinations", "@example.org")
    await mover.rig.holder.edit(lambda document, _: document.put(path, {}))
    moved = await mover.move(await mover.arrived(PLAIN, recipient="anything"))
    assert await mover.offered(moved) is None
    answer = await mover.browser.post("ruleset_accept", moved)
    assert answer.status == 400
    assert "catchall address @example.org" in answer.json["error"]["message"]


async def test_a_rule_of_the_same_mail_gives_way(mover: Mover) -> None:
    """WEBMAIL-103: it would come first, and the new one never."""
    moved = await mover.move(await mover.arrived(PLAIN))
    await mover.browser.call("ruleset_accept", **moved)
    await mover.browser.call("mailbox_create", name="Shed")
    async with mover.rig.account() as account:
        shed = await account.read(lambda r: mailbox_by_name(r, "Shed"), op="test")
    assert shed is not None
    message = await mover.arrived(PLAIN)
    await mover.browser.call("message_move", message_ids=[message], mailbox_id=shed.id)
    other = {"message_id": message, "from_mailbox_id": mover.inbox, "to_mailbox_id": int(shed.id)}
    assert (await mover.offered(other))["mailbox"] == "Shed"
    await mover.browser.call("ruleset_accept", **other)
    assert [rule["mailbox"] for rule in mover.rules] == ["Shed"]
