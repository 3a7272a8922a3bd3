"""The account app's calls about addresses, rules, junk, keys and sent mail."""

import datetime as dt
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.store.delivery.perform import append
from moxlite.store.delivery.reasons import Why, pack
from moxlite.store.file.transaction import Tx
from moxlite.store.mail.adding import Append
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.facts import MessageFacts, SMTPFacts
from moxlite.store.options import DAY
from moxlite.store.types import Flag
from moxlite.web.account.calls.addresses import OWN
from tests.browsing import ADDRESS, Browser
from tests.interfaces import command_line
from tests.keyproof import proof_of
from tests.store_mail import box, deliver_mail, look, prepared
from tests.web_rig import Rig
from tests.webserver import WebServer, web_server

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/")]

RULE = {
    "conditions": [],
    "match": "all",
    "mailbox": "Lists",
    "label": "",
    "star": False,
    "read": False,
    "forward_to": [],
    "never_junk": False,
    "smtp_mail_from_regexp": "",
    "msg_from_regexp": "@nordlicht\\.example$",
    "verified_domain": "",
    "headers_regexp": [{"name": "^subject$", "value": "letter"}],
    "is_forward": False,
    "list_allow_domain": "",
    "accept_rejects_to_mailbox": "",
    "comment": "letters",
}


def says(part: str, test: str = "contains", value: str = "x") -> dict[str, str]:
    """A condition in words."""
    return {"part": part, "test": test, "value": value}


@pytest.fixture
async def hook() -> AsyncIterator[WebServer]:
    """A web server that is called."""
    async with web_server() as found:
        yield found


async def test_settings_of_the_webmail_are_read_and_saved(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-105: with the addresses that can have a signature; labels stay, and the webmail hears of it."""
    found = await browser.call("preferences")
    assert ADDRESS in found["addresses"]
    assert found["settings"]["density"] == "comfortable"
    webmail = rig.browser(app="/webmail/")
    await webmail.log_in()
    await webmail.call("label_save", name="boats", color=1)
    changed = found["settings"] | {
        "density": "compact",
        "signature": "Mia",
        "signatures": [{"address": ADDRESS, "text": "M.", "html": "<b>M.</b>"}],
        "labels": [],
    }
    events = await webmail.events()
    await events.until("start")
    await browser.call("preferences_save", settings=changed)
    told = await events.change("settings")
    assert (told["settings"]["density"], told["settings"]["signature"]) == ("compact", "Mia")
    now = (await browser.call("preferences"))["settings"]
    assert [label["name"] for label in now["labels"]] == ["boats"]
    assert now["signatures"] == changed["signatures"]
    await browser.call("preferences_save", settings={"density": "comfortable"})
    assert (await browser.call("preferences"))["settings"] == now | {"density": "comfortable"}
    assert (await browser.error("preferences_save", settings={"density": "huge"}))[0] == 400


async def destination(browser: Browser) -> Any:
    """The form of the first address."""
    return (await browser.call("account_rule_list"))[0]["form"]


async def fields(browser: Browser, name: str, /, **parameters: Any) -> list[str]:
    """The fields at which a call tells mistakes."""
    answer = await browser.post(name, parameters)
    assert (answer.status, answer.json["error"]["code"]) == (400, "user:fields"), answer.body
    return [one["field"] for one in answer.json["error"]["fields"]]


async def test_rules_are_saved_and_keep_comments_in_the_file(rig: Rig, browser: Browser) -> None:
    """WEB-64, WEB-65."""
    old = await destination(browser)
    changed = old | {"rulesets": [RULE, RULE | {"mailbox": "Other", "comment": ""}], "full_name": "Mia  M"}
    await browser.call("account_rule_set", address=ADDRESS, old=old, changed=changed)
    assert await destination(browser) == changed
    settings = rig.holder.current.account("mia")
    assert settings is not None
    first = settings.destinations[ADDRESS].rulesets[0]
    assert (first.mailbox, dict(first.headers_regexp)) == ("Lists", {"^subject$": "letter"})
    again = changed | {"rulesets": changed["rulesets"][::-1]}
    await browser.call("account_rule_set", address=ADDRESS, old=changed, changed=again)
    assert [one["mailbox"] for one in (await destination(browser))["rulesets"]] == ["Other", "Lists"]


async def test_one_rule_is_changed_without_touching_the_others(rig: Rig, browser: Browser) -> None:
    """ADMIN-6, WEB-65: not a comment, an empty line or a key that is set to its default is lost."""
    header = f'[[accounts.mia.destinations."{ADDRESS}".rulesets]]'
    rules = (
        f"\n# friends\n{header} # first\nmailbox = 'Friends' # since May\nis_forward = false # on purpose\n"
        f"msg_from_regexp = 'x'\n\n# lists\n  {header}\n  mailbox = 'Lists'\n"
        "  headers_regexp = { a = 'b' } # of one\n"
    )
    path = rig.holder.domains_path
    path.write_text(path.read_text() + rules)
    assert await rig.holder.reload()
    before = path.read_text()
    old = await destination(browser)
    changed = old | {"rulesets": [old["rulesets"][0] | {"mailbox": "Family"}, old["rulesets"][1]]}
    await browser.call("account_rule_set", address=ADDRESS, old=old, changed=changed)
    assert path.read_text() == before.replace("'Friends'", '"Family"')
    await browser.call("account_rule_set", address=ADDRESS, old=changed, changed=changed | {"rulesets": []})
    assert "Lists" not in path.read_text()


async def test_a_save_upon_old_values_is_a_conflict_and_writes_nothing(rig: Rig, browser: Browser) -> None:
    """WEB-64, WEB-89."""
    old = await destination(browser)

    def change(document: Document, snapshot: Snapshot) -> None:
        document.put(("accounts", "mia", "destinations", ADDRESS, "mailbox"), "Elsewhere")

    await rig.holder.edit(change)
    answer = await browser.post("account_rule_set", {"address": ADDRESS, "old": old, "changed": old | {"mailbox": "x"}})
    assert (answer.status, answer.json["error"]["code"]) == (409, "user:conflict")
    assert "Elsewhere" in answer.json["error"]["message"]
    assert (await destination(browser))["mailbox"] == "Elsewhere"
    await browser.call("account_rule_set", address=ADDRESS, old=old, changed=old | {"full_name": "x"})
    found = await destination(browser)
    assert (found["full_name"], found["mailbox"]) == ("x", "Elsewhere"), "another field is no conflict"


async def test_own_settings_are_saved(rig: Rig, browser: Browser) -> None:
    """WEB-64, ADMIN-16d: those that the description of an account gives to its user, and no others."""
    old = await browser.call("settings")
    assert set(old) <= set(OWN)
    for name in OWN:
        answer = await browser.post("settings_save", {"old": old, "changed": old | {name: 1.5}})
        if answer.status == 400:
            assert [one["field"] for one in answer.json["error"]["fields"]] == [name]
    changed = old | {"full_name": "Mia M"}
    await browser.call("settings_save", old=old, changed=changed)
    assert await browser.call("settings") == changed
    answer = await browser.post("settings_save", {"old": old, "changed": old | {"full_name": "Other"}})
    assert answer.status == 409
    await browser.call("settings_save", old=changed, changed={})
    assert await browser.call("settings") == old
    for name in ("quota_message_size", "login_disabled", "none"):
        answer = await browser.post("settings_save", {"old": old, "changed": old | {name: "x"}})
        assert answer.status == 400, name


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"msg_from_regexp": "(unclosed"}, "rulesets[0].msg_from_regexp"),
        ({"mailbox": ""}, "rulesets[0]"),
        ({"label": "two words"}, "rulesets[0].label"),
        ({"forward_to": [ADDRESS]}, "rulesets[0].forward_to[0]"),
        ({"forward_to": ["no address"]}, "rulesets[0].forward_to[0]"),
        ({"conditions": [says("subject", value=" ")]}, "rulesets[0].conditions[0]"),
        ({"conditions": [says("text", test="is")]}, "rulesets[0].conditions[0]"),
        ({"conditions": [says("larger", value="much")]}, "rulesets[0].conditions[0]"),
        ({"verified_domain": "-x-"}, "rulesets[0].verified_domain"),
        ({"msg_from_regexp": "", "headers_regexp": []}, "rulesets[0]"),
        ({"headers_regexp": [{"name": "(", "value": "x"}]}, "rulesets[0].headers_regexp"),
        ({"headers_regexp": [{"name": "x", "value": ""}]}, "rulesets[0].headers_regexp"),
        ({"headers_regexp": [{"name": "x", "value": "a"}, {"name": "x", "value": "b"}]}, "rulesets[0].headers_regexp"),
        ({"is_forward": True}, "rulesets[0].is_forward"),
        ({"accept_rejects_to_mailbox": "Inbox"}, "rulesets[0].accept_rejects_to_mailbox"),
    ],
)
async def test_mistakes_in_a_rule_are_told_at_their_field(browser: Browser, change: dict[str, Any], field: str) -> None:
    """WEB-64a, WEB-65."""
    old = await destination(browser)
    changed = old | {"rulesets": [RULE | change]}
    assert await fields(browser, "account_rule_set", address=ADDRESS, old=old, changed=changed) == [field]
    assert await destination(browser) == old


async def test_mistakes_of_an_address_are_told_at_their_field(browser: Browser) -> None:
    """WEB-64a."""
    old = await destination(browser)
    for change, field in (
        ({"smtp_error": "999 no"}, "smtp_error"),
        ({"mailbox": ""}, None),
        ({"refused_addresses": ["x@elsewhere.example"]}, "refused_addresses[0]"),
    ):
        if field is not None:
            parameters = {"address": ADDRESS, "old": old, "changed": old | change}
            assert await fields(browser, "account_rule_set", **parameters) == [field]
    assert await browser.error("account_rule_set", address="tom@example.org", old=old, changed=old) == (
        404,
        "user:notFound",
    )


async def arrive(rig: Rig, subject: str, *, recipient: str = "mia", sender: str = "ada") -> None:
    """A message that came by SMTP."""
    smtp = SMTPFacts(rcptto=recipient, rcptto_domain="example.org", msgfrom=sender, msgfrom_domain="nordlicht.example")
    octets = f"From: {sender}@nordlicht.example\r\nSubject: {subject}\r\n\r\nhello\r\n".encode()
    async with rig.account() as account:
        await deliver_mail(account, octets, facts=MessageFacts(smtp=smtp))


async def test_rules_are_tried_on_the_mail_that_came(rig: Rig, browser: Browser) -> None:
    """WEB-65: which rule takes which, the latest first, of this address alone; nothing is moved."""
    async with rig.account() as account:
        await deliver_mail(account, b"Subject: a letter by IMAP\r\n\r\n")
    for subject in ("letter one", "a bill", "letter two"):
        await arrive(rig, subject)
    await arrive(rig, "letter of the office", recipient="b\u00fcro")
    rules = [RULE, RULE | {"headers_regexp": [], "msg_from_regexp": "^ada@"}]
    found = await browser.call("rules_try", address=ADDRESS, rules=rules)
    assert [(one["subject"], one["rule"]) for one in found["messages"]] == [
        ("letter two", 0),
        ("a bill", 1),
        ("letter one", 0),
    ]
    assert found["complete"] is True
    assert [one["total"] for one in await browser.call("mailboxes") if one["name"] == "Inbox"] == [5]


async def test_rules_in_words_are_saved_and_tried(rig: Rig, browser: Browser) -> None:
    """STORE-64a, WEB-65: in the file as they read, and found as at delivery, also in the text of stored mail."""
    await arrive(rig, "Grüße vom Verein")
    await arrive(rig, "a bill")
    words = RULE | {"headers_regexp": [], "msg_from_regexp": "", "mailbox": "", "star": True, "label": "club"}
    rules = [
        words | {"conditions": [says("subject", "begins", "GRÜSSE"), says("larger", value="1g")], "match": "any"},
        words | {"conditions": [says("text", value="no such words")]},
        words | {"conditions": [says("subject", "is", "a bill"), says("from", "ends", "@nordlicht.example")]},
    ]
    old = await destination(browser)
    changed = old | {"rulesets": rules}
    await browser.call("account_rule_set", address=ADDRESS, old=old, changed=changed)
    assert await destination(browser) == changed
    assert 'part = "subject"\ntest = "begins"\nvalue = "GRÜSSE"\n' in rig.holder.domains_path.read_text()
    tried = (await browser.call("rules_try", address=ADDRESS, rules=rules))["messages"]
    assert [(one["subject"], one["rule"]) for one in tried] == [("a bill", 2), ("Grüße vom Verein", 0)]


async def test_owners_of_addresses_to_which_rules_forward_are_asked(rig: Rig, browser: Browser) -> None:
    """SMTP-82a, SMTP-159: when the rule is saved, and the page of forwarding shows it."""
    old = await destination(browser)
    rule = RULE | {"mailbox": "", "forward_to": ["mia@far.example"]}
    await browser.call("account_rule_set", address=ADDRESS, old=old, changed=old | {"rulesets": [rule]})
    [target] = (await browser.call("account_forward_list"))["targets"]
    assert (target["address"], target["state"]) == ("mia@far.example", "asked")


async def test_a_rule_that_never_ends_is_refused_in_time(rig: Rig, browser: Browser) -> None:
    """WEB-65, STORE-162: also a broken pattern has its place in a dry run. One that could backtrack for ever cannot be
    tried, and never matches in a rule that the address has already.
    """
    bad = RULE | {"msg_from_regexp": "(x"}
    assert await fields(browser, "rules_try", address=ADDRESS, rules=[RULE, bad]) == ["rulesets[1].msg_from_regexp"]
    assert (await browser.error("rules_try", address="tom@example.org", rules=[]))[0] == 404
    await arrive(rig, "a" * 5000)
    pattern = "(a|aa)+$(?<!b)b"
    endless = RULE | {"msg_from_regexp": "", "headers_regexp": [{"name": "^subject$", "value": pattern}]}
    trying = {"address": ADDRESS, "rules": [RULE, endless]}
    assert await fields(browser, "rules_try", **trying) == ["rulesets[1].headers_regexp"]

    def change(document: Document, snapshot: Snapshot) -> None:
        old = {"mailbox": "Old", "headers_regexp": {"^subject$": pattern}}
        document.put(("accounts", "mia", "destinations", ADDRESS, "rulesets"), [old])

    await rig.holder.edit(change)
    assert (await browser.call("rules_try", **trying))["complete"] is True
    found = await browser.call("overview")
    assert [one["address"] for one in found["old_patterns"]] == [ADDRESS]
    assert found["old_patterns"][0]["remark"]["words"]["values"]["pattern"] == pattern


async def test_old_patterns_of_junk_mailboxes_stay_and_new_ones_are_refused(rig: Rig, browser: Browser) -> None:
    """STORE-162, WEB-66: unchanged settings can be saved with other changes."""

    def change(document: Document, snapshot: Snapshot) -> None:
        document.put(("accounts", "mia", "automatic_junk_flags", "junk_mailbox_regexp"), "^spam(?!y)")

    await rig.holder.edit(change)
    old = (await browser.call("account_junk_show"))["form"]
    flags = old["automatic_junk_flags"]
    kept = old | {"rejects_mailbox": "Rejects"}
    await browser.call("account_junk_set", old=old, changed=kept)
    for pattern in ("^ham(?!y)", "a" * 257):
        anew = kept | {"automatic_junk_flags": flags | {"neutral_mailbox_regexp": pattern}}
        assert await fields(browser, "account_junk_set", old=kept, changed=anew) == [
            "automatic_junk_flags.neutral_mailbox_regexp"
        ]
    assert [one["address"] for one in (await browser.call("overview"))["old_patterns"]] == [""]


async def test_junk_settings_are_saved_and_the_filter_is_taught(rig: Rig, browser: Browser) -> None:
    """WEB-66, STORE-89: with the folders of the latest mail, and what the filter must still learn."""
    await arrive(rig, "a bill")
    await arrive(rig, "a letter")
    found = await browser.call("account_junk_show")
    old = found["form"]
    assert (old["junk_filter"], found["hams"], found["latest"]) == (None, 0, {"Inbox": 2})
    assert found["lacks"] == [{"kind": kind, "count": 0, "needed": 50} for kind in ("hams", "spams")]
    assert (await browser.error("junk_teach"))[0] == 400
    changed = old | {"junk_filter": FILTER, "rejects_mailbox": "Rejects"}
    await browser.call("account_junk_set", old=old, changed=changed)
    found = await browser.call("account_junk_show")
    assert found["form"] == changed
    assert [lack["needed"] for lack in found["lacks"]] == [50, 20]
    assert await browser.call("junk_teach") == {"wanted": 0, "junk": 0}
    assert await browser.call("junk_retrain") == 0
    assert await browser.call("junk_training") == {"running": False, "done": 0, "total": 0}
    bad = changed | {"junk_filter": FILTER | {"threshold": 2}, "introbox": "Inbox"}
    assert sorted(await fields(browser, "account_junk_set", old=changed, changed=bad)) == [
        "introbox",
        "junk_filter.threshold",
    ]
    assert await browser.error("account_junk_set", old=old, changed=changed) == (409, "user:conflict")


FILTER = {"threshold": 0.9, "onegrams": True, "twograms": False, "threegrams": False, "max_power": 0.01}
FILTER |= {"top_words": 10, "ignore_words": 0.1, "rare_words": 2, "file_unsure": True}


async def keep_mail(rig: Rig, count: int, flags: Flag, days: int, mailbox: str = "Inbox") -> list[int]:
    """Messages that came so many days ago, each from another sender; returns their ids."""
    received = time.time_ns() // 1000 - days * DAY
    mails = [f"From: <p{number % 20}@far.example>\r\n\r\nlunch {days} {number}\r\n" for number in range(count)]
    async with rig.account() as account:
        items = [Append(await prepared(mail.encode()), flags=flags, received=received) for mail in mails]
        return [added.message_id for added in await append(account, (await box(account, mailbox)).id, items)]


async def with_flag(rig: Rig, flag: Flag) -> list[int]:
    """The ids of the messages with a flag."""
    query = "SELECT id FROM message WHERE flags & ? ORDER BY id"
    async with rig.account() as account:
        return await look(account, lambda r: [number for (number,) in r.rows(query, int(flag))])


async def test_kept_mail_trains_the_filter_of_who_only_marks_junk(rig: Rig, browser: Browser) -> None:
    """WEB-66a: read mail of the Inbox, older than 14 days, if its owner agrees; it's taken back as it was."""
    old = (await browser.call("account_junk_show"))["form"]
    assert (await browser.error("account_junk_mark_inbox"))[0] == 400
    await browser.call("account_junk_set", changed={"junk_filter": FILTER}, old={"junk_filter": old["junk_filter"]})
    kept = await keep_mail(rig, 60, Flag.SEEN, 15)
    for flags, days in ((Flag.SEEN, 13), (Flag(0), 20), (Flag.SEEN | Flag.DELETED, 20), (Flag.SEEN | Flag.JUNK, 20)):
        await keep_mail(rig, 1, flags, days)
    await keep_mail(rig, 1, Flag.SEEN, 20, "Drafts")
    own = await keep_mail(rig, 1, Flag.SEEN | Flag.NOTJUNK, 20)  # a mark that the owner has set stays

    async def shown() -> Any:
        async with rig.account() as account:
            await account.settle()
        found = await browser.call("account_junk_show")
        return found["hams"], found["kept"], found["marked"], [lack["kind"] for lack in found["lacks"]]

    assert await shown() == (1, 60, 0, ["hams", "spams"])
    assert await browser.call("account_junk_mark_inbox") == 60
    assert await with_flag(rig, Flag.NOTJUNK) == [*kept, *own]
    assert await shown() == (61, 0, 60, ["spams"])
    async with rig.account() as account:
        archive = (await box(account, "Archive")).id
        await account.write(lambda tx: move_ids(tx, kept[:2], archive))
    assert await shown() == (61, 0, 58, ["spams"])
    assert await browser.call("account_junk_unmark_inbox") == 58
    assert await with_flag(rig, Flag.NOTJUNK) == [*kept[:2], *own]
    assert await shown() == (3, 58, 0, ["hams", "spams"])
    assert await browser.call("account_junk_unmark_inbox") == 0


async def test_no_more_than_a_thousand_messages_train_the_filter(rig: Rig, browser: Browser) -> None:
    """WEB-66a: the latest ones, also after a mark was interrupted; all of them are taken back."""
    await browser.call("account_junk_set", changed={"junk_filter": FILTER})
    oldest = await keep_mail(rig, 1, Flag.SEEN, 60)
    await keep_mail(rig, 1200, Flag.SEEN, 30)
    assert await browser.call("account_junk_mark_inbox") == 1000
    assert await browser.call("account_junk_mark_inbox") == 0
    marked = await with_flag(rig, Flag.NOTJUNK)
    assert (len(marked), set(marked) & set(oldest)) == (1000, set())
    assert await browser.call("account_junk_unmark_inbox") == 1000
    assert await with_flag(rig, Flag.NOTJUNK) == []


async def test_the_command_line_says_what_the_filter_lacks_and_trains_it(
    rig: Rig, browser: Browser, tmp_path: Path
) -> None:
    """WEB-66, WEB-66a, WEB-66b: with the numbers of junk and of the others, when junk is too little."""

    async def say(*words: str) -> str:
        async with rig.account() as account:
            await account.settle()
        printed, failure = await command_line(tmp_path, "account", "junk", *words)
        return printed + failure

    await browser.call("account_junk_set", changed={"junk_filter": FILTER})
    await keep_mail(rig, 60, Flag.SEEN, 15)
    await keep_mail(rig, 30, Flag.JUNK, 1, "Junk")
    said = await say("show", "mia")
    assert "the filter doesn't know yet: has 0 of 50 good messages\n" in said
    assert "read mail in Inbox, older than 14 days: 60 messages\n" in said
    assert await say("mark-inbox", "mia") == "marked 60 messages as not junk\n"
    assert "marked by mark-inbox: 60 messages\nlast 7 days: 0 moved to Junk, 0 rejected\n" in await say("show", "mia")
    assert await say("unmark-inbox", "mia") == "removed the mark from 60 messages\n"
    await keep_mail(rig, 301, Flag.NOTJUNK, 1, "Archive")
    assert "30 junk messages and 301 others: too few junk messages to catch much\n" in await say("show", "mia")


def explain(tx: Tx, message_id: int, at: int, word: str) -> None:
    """Let a message have come at a time, and be where it is for this reason."""
    tx.execute("UPDATE message_smtp SET received = ? WHERE message_id = ?", at, message_id)
    tx.execute("UPDATE message_header SET why = ? WHERE email_id = ?", pack(Why(reason=word)), message_id)


async def test_the_page_says_what_the_filter_did_in_a_week(rig: Rig, browser: Browser) -> None:
    """WEB-66b: how much it moved to Junk and rejected, also of what has been moved since; nothing older."""
    for word, mailbox, days, count in (
        ("junk-content-unsure", "Junk", 1, 3),
        ("junk-content-unsure", "Archive", 1, 1),
        ("junk-content-unsure", "Junk", 8, 5),
        ("junk-content", "Rejects", 1, 2),
        ("junk-content-strict", "Rejects", 6, 1),
        ("dmarc-policy", "Rejects", 1, 4),
    ):
        for number in range(count):
            octets = f"Subject: {word} {mailbox} {days} {number}\r\n\r\n".encode()
            async with rig.account() as account:
                added = await deliver_mail(account, octets, mailbox, MessageFacts(smtp=SMTPFacts()))
                at = time.time_ns() // 1000 - days * DAY
                await account.write(partial(explain, message_id=added.message_id, at=at, word=word))
    found = await browser.call("account_junk_show")
    assert (found["filed"], found["refused"]) == (4, 3)


def certificate(key: Any) -> str:
    """A self-signed certificate in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "my computer")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(start).not_valid_after(start + dt.timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


async def test_this_was_not_me_removes_all_keys(browser: Browser) -> None:
    """WEB-63b: a stranger who was logged in may have added one, which needs no password."""
    key = ec.generate_private_key(ec.SECP256R1())
    proof = proof_of(key, (await browser.call("config_tlspubkey_challenge"))["command"])
    await browser.call("config_tlspubkey_add", certificate=certificate(key), address=ADDRESS, proof=proof)
    await browser.call("not_me")
    assert await browser.call("config_tlspubkey_list") == []


async def test_keys_are_added_changed_and_removed(browser: Browser) -> None:
    """WEB-67."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = certificate(key)
    proof = proof_of(key, (await browser.call("config_tlspubkey_challenge"))["command"])
    good = {"certificate": pem, "address": ADDRESS, "proof": proof}
    item = await browser.call("config_tlspubkey_add", **good)
    assert (item["name"], item["type"]) == ("my computer", "ecdsa-p256")
    assert await browser.call("config_tlspubkey_list") == [item]
    assert await fields(browser, "config_tlspubkey_add", **good) == ["certificate"]
    own = {"fingerprint": item["fingerprint"], "mark": item["mark"]}
    await browser.call("config_tlspubkey_set", **own, changed={"name": "laptop"})
    assert await browser.error("config_tlspubkey_set", **own, changed={"name": "x"}) == (409, "user:conflict")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for text in (private, private + pem, pem + pem, "hello"):
        assert await fields(browser, "config_tlspubkey_add", **good | {"certificate": text}) == ["certificate"]
    small = certificate(rsa.generate_private_key(65537, 1024))
    answer = await browser.post("config_tlspubkey_add", good | {"certificate": small})
    assert (answer.status, "2048" in answer.json["error"]["message"]) == (400, True)
    assert await fields(browser, "config_tlspubkey_add", **good | {"address": "tom@example.org"}) == ["address"]
    await browser.call("config_tlspubkey_rm", fingerprint=item["fingerprint"])
    assert await browser.error("config_tlspubkey_rm", fingerprint=item["fingerprint"]) == (404, "user:notFound")


async def test_webhooks_are_saved_and_called_for_a_test(rig: Rig, browser: Browser, hook: WebServer) -> None:
    """WEB-68."""
    old = (await browser.call("sending"))["form"]
    out = {"url": hook.url(), "authorization": "Bearer x", "events": ["failed"], "secret": ""}
    changed = old | {"outgoing_webhook": out, "keep_retired_message_period": "7d"}
    assert await browser.call("sending_save", old=old, changed=changed) == changed
    assert sorted(
        await fields(
            browser,
            "sending_save",
            old=changed,
            changed=changed | {"outgoing_webhook": out | {"url": "x"}, "keep_retired_webhook_period": "soon"},
        )
    ) == ["keep_retired_webhook_period", "outgoing_webhook.url"]
    assert await fields(browser, "webhook_test", hook=out | {"url": "ftp://x"}, incoming=False) == ["url"]
    for incoming in (False, True):
        found = await browser.call("webhook_test", hook=out, incoming=incoming)
        assert found["status"] == 0  # an address of the inner network is not called (WEB-111)
        assert found["error"]
    assert hook.asked == []


async def test_suppressed_addresses_are_added_and_removed(browser: Browser) -> None:
    """WEB-68."""
    await browser.call("queue_suppress_add", address="ada@nordlicht.example", reason="moved")
    (one,) = await browser.call("queue_suppress_list")
    assert (one["address"], one["manual"], one["reason"]) == ("ada@nordlicht.example", True, "moved")
    assert (await browser.error("queue_suppress_add", address="nonsense", reason=""))[0] == 400
    await browser.call("queue_suppress_remove", address="ada@nordlicht.example")
    assert (await browser.error("queue_suppress_remove", address="ada@nordlicht.example"))[0] == 400


async def test_rules_are_shown_as_a_sieve_script(browser: Browser) -> None:
    """WEBMAIL-130: with the rules that a script cannot express."""
    odd = RULE | {"verified_domain": "nordlicht.example"}
    found = await browser.call("rules_as_sieve", rules=[RULE, odd])
    assert 'address :matches "from" "*@nordlicht.example"' in found["script"]
    assert 'header :matches "subject" "*letter*"' in found["script"]
    assert [one["rule"] for one in found["left_out"]] == [1]
    assert await browser.call("script_check", text=found["script"]) == []
