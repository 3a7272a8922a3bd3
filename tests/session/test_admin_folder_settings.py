"""Settings that name folders follow these, whichever program renames or deletes them."""

from collections.abc import Iterator

import pytest
import trio

from moxlite.admin import foldersettings
from moxlite.admin.foldersettings import FOLLOWED
from moxlite.config.domains import Domains
from moxlite.config.fields import ArrayShape, KindShape, Shape, TableShape, TablesShape, fields_of
from moxlite.config.static import HostTLSRPT, InitialMailboxes, Postmaster, Static
from moxlite.config.values import Section
from moxlite.store.delivery.actions import AnyAction, Delivery, FileInto, KeepReject, Mark
from moxlite.store.delivery.perform import perform
from moxlite.store.errors import StorageBusy
from moxlite.store.mail.facts import MessageFacts
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox, rename_mailbox
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes
from tests.jmap_rig import Client, Object, rig
from tests.store_mail import box, deliver_mail, prepared
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

SETTINGS = """
[accounts.mia]
rejects_mailbox = "Proj/Refused"
introbox = "Proj"
expire_after = { "Proj" = "30d" }"""
RULES = """[accounts.mia.destinations."mia@example.org"]
mailbox = "Proj/New"

[[accounts.mia.destinations."mia@example.org".rulesets]]
# my friends
msg_from_regexp = "ann@else"
mailbox = "Proj"
accept_rejects_to_mailbox = "Proj/Taken"
"""


UNFOLLOWED: dict[tuple[type[Section], str], str] = {
    (Postmaster, "mailbox"): "moxlite.toml is written by its administrator alone",
    (HostTLSRPT, "mailbox"): "moxlite.toml",
    (InitialMailboxes, "regular"): "folders of accounts that are yet to be made",
}
"""Settings that do not follow, with the reason."""


def sections(section: type[Section]) -> Iterator[type[Section]]:
    """A table of the configuration, and those below it."""
    yield section
    for field in fields_of(section):
        shape: Shape = field.shape
        while isinstance(shape, ArrayShape | TablesShape):
            shape = shape.item
        if isinstance(shape, TableShape):
            yield from sections(shape.section)


def test_all_settings_that_name_folders_are_in_the_list() -> None:
    """ADMIN-10c: each follows its folder, but for those with a reason."""
    found = set()
    for section in {*sections(Domains), *sections(Static)}:
        for field in fields_of(section):
            shape = field.shape.item if isinstance(field.shape, ArrayShape) else field.shape
            if (isinstance(shape, KindShape) and shape.kind.name == "mailbox") or field.name == "expire_after":
                found.add((section, field.name))
    assert found == FOLLOWED.keys() | UNFOLLOWED.keys()


async def configured(rig: Rig) -> None:
    """Settings that name folders below Proj."""
    path = rig.running.folder / "config/domains.toml"
    text = path.read_text().replace("\n[accounts.mia]\n", f"{SETTINGS}\n", 1)
    path.write_text(text.replace('[accounts.mia.destinations."mia@example.org"]\n', RULES, 1))
    assert await rig.holder.reload(), rig.holder.problems
    async with rig.account() as account:
        for name in ("Proj/Refused", "Proj/New", "Proj/Taken"):
            await account.write(lambda tx, name=name: create_mailbox(tx, name))  # type: ignore[misc]  # bound now


def named(rig: Rig) -> list[object]:
    """The folders that the settings name."""
    settings = rig.holder.current.account("mia")
    assert settings is not None
    destination = settings.destinations["mia@example.org"]
    [rule] = destination.rulesets
    places = [rule.mailbox, rule.accept_rejects_to_mailbox, destination.mailbox]
    return [*places, settings.rejects_mailbox, settings.introbox, *settings.expire_after]


async def settled(rig: Rig, folders: list[object]) -> None:
    with trio.fail_after(20):
        while named(rig) != folders:  # noqa: ASYNC110  of another task
            await trio.sleep(0.02)


async def test_settings_follow_a_renamed_folder(rig: Rig) -> None:
    """ADMIN-10c: by all programs, with what is below it; comments stay."""
    await configured(rig)
    client = Client(rig)
    async with rig.account() as account:
        there = (await box(account, "Proj")).id
        await account.write(lambda tx: rename_mailbox(tx, there, "Work/Proj"))
        await settled(rig, ["Work/Proj", "Work/Proj/Taken", "Work/Proj/New", "Work/Proj/Refused", *["Work/Proj"] * 2])
    boxes = {one["name"]: one["id"] for one in (await client.call("Mailbox/get"))["list"]}
    swap: Object = {boxes["Refused"]: {"name": "New"}, boxes["New"]: {"name": "Refused"}}
    assert (await client.call("Mailbox/set", update=swap))["notUpdated"] is None
    await settled(rig, ["Work/Proj", "Work/Proj/Taken", "Work/Proj/Refused", "Work/Proj/New", *["Work/Proj"] * 2])
    assert "# my friends" in (rig.running.folder / "config/domains.toml").read_text()


async def test_mail_of_a_deleted_folder_goes_to_the_inbox(rig: Rig) -> None:
    """ADMIN-10c: and its user is told which settings named it; rejected mail never gets there."""
    await configured(rig)
    async with rig.account() as account:
        for name in ("Proj/New", "Proj/Refused", "Proj/Taken", "Proj"):
            there = (await box(account, name)).id
            await account.write(lambda tx, there=there: delete_mailbox(tx, there))  # type: ignore[misc]  # bound now
        await settled(rig, ["Inbox", "Proj/Taken", "Inbox", "Proj/Refused", None, "Proj"])
    client = Client(rig)
    ids = (await client.call("Email/query"))["ids"]
    found = await client.call("Email/get", ids=ids, fetchTextBodyValues=True, properties=["subject", "bodyValues"])
    texts = [next(iter(one["bodyValues"].values()))["value"] for one in found["list"]]
    assert all("Folder deleted" in one["subject"] for one in found["list"])
    assert sorted(text.split("was deleted")[0].strip() for text in texts) == [
        "The folder Proj",
        "The folder Proj/New",
    ]
    assert any("- Folder for mia@example.org" in text for text in texts)


async def test_mail_goes_on_while_settings_cannot_follow(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-10c: by the new name; the old one isn't made again."""
    await configured(rig)

    async def busy(*_: object) -> None:
        raise StorageBusy("busy")

    monkeypatch.setattr(foldersettings.FolderSettings, "carry", busy)
    async with rig.account() as account:
        there = (await box(account, "Proj")).id
        await account.write(lambda tx: rename_mailbox(tx, there, "Projects"))
        gone = (await box(account, "Projects/New")).id
        await account.write(lambda tx: delete_mailbox(tx, gone))
        for name in ("Proj", "Proj/New", "Proj/Refused"):
            await deliver_mail(account, b"Subject: a\r\n\r\nb", name)
        counts = {one.name: one.total for one in await account.read(mailboxes, op="test")}
        assert (counts["Projects"], counts["Projects/Refused"], counts["Inbox"]) == (1, 1, 1)
        assert await account.read(lambda r: mailbox_by_name(r, "Proj"), op="test") is None


async def test_rejected_mail_never_comes_to_the_inbox(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-10c: its folder is made again, also while settings cannot follow."""
    await configured(rig)

    async def busy(*_: object) -> None:
        raise StorageBusy("busy")

    monkeypatch.setattr(foldersettings.FolderSettings, "carry", busy)
    async with rig.account() as account:
        for name in ("Proj/Refused", "Proj/Taken"):
            there = (await box(account, name)).id
            await account.write(lambda tx, there=there: delete_mailbox(tx, there))  # type: ignore[misc]  # bound now
        kept: list[AnyAction] = [
            KeepReject(mailbox="Proj/Refused", destined="Inbox"),
            FileInto(mailbox="Proj/Taken", mark=Mark.REJECT),
        ]
        for number, action in enumerate(kept):
            octets = b"Message-ID: <%d@q>\r\n\r\nb" % number
            await perform(account, await prepared(octets), Delivery(facts=MessageFacts(), actions=(action,)))
        counts = {one.name: one.total for one in await account.read(mailboxes, op="test")}
        assert (counts["Inbox"], counts["Proj/Refused"], counts["Proj/Taken"]) == (0, 1, 1)


async def test_rules_mean_their_folder_when_another_takes_its_name(rig: Rig) -> None:
    """ADMIN-10c: after a rename the renamed one, after a deletion Inbox."""
    await configured(rig)
    client = Client(rig)

    async def take(*names: str) -> None:
        for name in names:
            assert (await client.call("Mailbox/set", create={"a": {"name": name}}))["created"]

    async with rig.account() as account:
        there = (await box(account, "Proj")).id
        await account.write(lambda tx: rename_mailbox(tx, there, "Work"))
        await take("Proj")
        await settled(rig, ["Work", "Work/Taken", "Work/New", "Work/Refused", "Work", "Work"])
        for name in ("Work/New", "Work/Refused", "Work/Taken", "Work"):
            gone = (await box(account, name)).id
            await account.write(lambda tx, gone=gone: delete_mailbox(tx, gone))  # type: ignore[misc]  # bound now
        await take("Work")
        await settled(rig, ["Inbox", "Work/Taken", "Inbox", "Work/Refused", None, "Work"])
        taken = {one.name: one.total for one in await account.read(mailboxes, op="test")}
        assert (taken["Proj"], taken["Work"]) == (0, 0)
