"""What programs are told of by event stream and push: all types, and nothing that hasn't changed (JMAP-40)."""

import json
from typing import Any

import pytest

from moxlite.store.changelog.account import Account
from moxlite.store.delivery.scripts import put_script
from moxlite.store.forms import IdentityChange
from moxlite.store.mail.identities import patch_identity
from moxlite.web.jmap import table
from moxlite.web.jmap.states import TYPES
from tests.jmap_rig import ACCOUNT, Client, rig
from tests.session.test_web_jmap_push import World, world
from tests.session.test_web_jmap_shared_push import TOM, Stream, events
from tests.web_rig import Rig
from tests.web_sharing import share, tom

pytestmark = pytest.mark.served

__all__ = ["rig", "tom", "world"]

UNTOLD = {"PushSubscription": "of a log-in", "MaskedEmail": "its state looks at 10,000 rows"}
"""Types whose states aren't told."""


async def states(client: Client, stream: Stream, *names: str) -> None:
    """The next message on a stream names the states of exactly these types, as /get has them."""
    told = await stream.until(ACCOUNT)
    assert {*told} == {*names}
    for name in {*names} - {"EmailDelivery"}:
        assert told[name] == (await client.call(f"{name}/get", ids=[]))["state"], name


def test_all_types_are_told() -> None:
    """JMAP-40: each type with a state, but for those with a reason."""
    kinds = {name.partition("/")[0] for name in table.METHODS if name.endswith("/get")}
    assert (kinds - {"Blob", "SearchSnippet"} - UNTOLD.keys()) | {"EmailDelivery"} == TYPES


async def test_settings_are_told(rig: Rig) -> None:
    """JMAP-40: whoever changes them."""
    client = Client(rig)
    async with events(rig) as stream:
        await client.call("VacationResponse/set", update={"singleton": {"subject": "Away"}})
        await states(client, stream, "VacationResponse")
        blob = await client.upload(b"keep;", "application/sieve")
        made = await client.call("SieveScript/set", create={"a": {"name": "s", "blobId": blob}})
        await states(client, stream, "SieveScript")
        number = made["created"]["a"]["id"]
        for arguments in (
            {"onSuccessActivateScript": number},
            {"update": {number: {"name": "t"}}},
            {"onSuccessDeactivateScript": True},
            {"destroy": [number]},
        ):
            await client.call("SieveScript/set", **arguments)
            await states(client, stream, "SieveScript")
        one, *_ = (await client.call("Identity/get"))["list"]
        await client.call("Identity/set", update={one["id"]: {"textSignature": "Bye"}})
        await states(client, stream, "Identity")
        async with rig.account() as account:
            await account.write(lambda tx: patch_identity(tx, one["email"], IdentityChange(text="Cheers")))
            await states(client, stream, "Identity")
            await account.write(lambda tx: put_script(tx, "u", b"stop;", b""))
            await states(client, stream, "SieveScript")


async def test_the_configuration_is_told(rig: Rig) -> None:
    """JMAP-40: names, addresses and quota belong to it."""
    client = Client(rig)
    path = rig.running.folder / "config/domains.toml"
    async with events(rig) as stream:
        path.write_text(path.read_text().replace("[accounts.mia]", '[accounts.mia]\nfull_name = "Mia M."', 1))
        assert await rig.holder.reload()
        await states(client, stream, "Identity", "ParticipantIdentity", "Principal")
        path.write_text(path.read_text().replace("[accounts.mia]", '[accounts.mia]\nquota_message_size = "1g"', 1))
        assert await rig.holder.reload()
        await states(client, stream, "Principal", "Quota")
        await client.imported()
        await states(client, stream, "Mailbox", "Email", "Thread", "EmailDelivery", "Quota")


async def test_only_new_mail_is_a_delivery(rig: Rig, tom: Account) -> None:
    """JMAP-40: no move, copy, flag, draft or deletion (RFC 8621 §1.5)."""
    client = Client(rig)
    await share(rig, "lrswite")
    first, second = await client.imported(), await client.imported()
    mail = "Mailbox", "Email", "Thread"
    changes: list[dict[str, Any]] = [
        {"update": {second: {"keywords/$seen": True}}},
        {"update": {second: {"mailboxIds": {"F2": True}}}},
        {"update": {second: {"mailboxIds/F1": True}}},
        {"create": {"d": {"mailboxIds": {"F3": True}, "keywords": {"$draft": True}, "subject": "d"}}},
        {"destroy": [second]},
    ]
    async with events(rig) as stream:
        for change in changes:
            assert not (await client.call("Email/set", **change))["notUpdated"]
            told = await stream.until(ACCOUNT)
            assert {*told} == {*mail}, change
        third = await client.imported()
        assert {*await stream.until(ACCOUNT)} == {*mail, "EmailDelivery"}
        await client.call("Email/set", destroy=[first, third])
        assert {*await stream.until(ACCOUNT)} == {*mail}
        await client.imported()
        assert {*await stream.until(ACCOUNT)} == {*mail, "EmailDelivery"}
        guest = Client(rig)
        guest.account = TOM
        boxes = (await guest.call("Mailbox/get"))["list"]
        await guest.imported(mailbox=boxes[0]["id"])
        assert {*await stream.until(TOM)} == {*mail, "EmailDelivery"}


async def test_a_push_subscription_is_told_of_deliveries_and_settings_alone(world: World) -> None:
    """JMAP-41: a phone that sleeps isn't woken by mail that moves."""
    made = await world.subscribe(types=["EmailDelivery", "VacationResponse", "Principal"])
    await world.confirm(made["id"], json.loads((await world.asked(1)).body)["verificationCode"])
    client = world.client
    email = await client.imported()
    told = json.loads((await world.asked(2)).body)["changed"][ACCOUNT]
    assert {*told} == {"EmailDelivery"}
    await client.call("Email/set", update={email: {"mailboxIds": {"F2": True}, "keywords/$seen": True}})
    await world.silence(2)
    await client.call("VacationResponse/set", update={"singleton": {"subject": "Away"}})
    told = json.loads((await world.asked(3)).body)["changed"][ACCOUNT]
    assert told == {"VacationResponse": (await client.call("VacationResponse/get"))["state"]}
    path = world.rig.running.folder / "config/domains.toml"
    path.write_text(path.read_text() + "\n# changed\n")
    assert await world.rig.holder.reload()
    assert {*json.loads((await world.asked(4)).body)["changed"][ACCOUNT]} == {"Principal"}
