"""Addresses to give away by JMAP: MaskedEmail, with tokens for nothing else (MASK-13)."""

import json
from typing import Any

import pytest

from moxlite.admin.masked import MaskedAddresses
from moxlite.store.auth.apppasswords import add_token
from moxlite.store.errors import StorageBusy
from moxlite.store.mail import masked
from tests.jmap_rig import USING, Client, Object, rig
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

MASKED = "https://www.fastmail.com/dev/maskedemail"
CORE = "urn:ietf:params:jmap:core"


class Manager:
    """A password manager with a token."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, name: str, **arguments: Any) -> Object:
        given = {"accountId": self.client.account, **arguments}
        answer = await self.client.request([name, given, "0"], using=[CORE, MASKED])
        [[answered, found, _]] = answer["methodResponses"]
        assert answered == name, found
        result: Object = found
        return result


async def manager(rig: Rig, *, read_only: bool = False) -> Manager:
    client = Client(rig)
    name = "reader" if read_only else "manager"
    async with rig.account() as account:
        client.authorization = f"Bearer {await add_token(account, name, ['addresses'], read_only=read_only)}"
    return Manager(client)


async def test_a_password_manager_makes_an_address(rig: Rig) -> None:
    """MASK-13: the call of Bitwarden, with the session that it reads first."""
    client = (await manager(rig)).client
    session = json.loads((await client.http("GET", "/.well-known/jmap")).body)
    account = session["primaryAccounts"][MASKED]
    assert session["accounts"][account]["accountCapabilities"] == {MASKED: {}}
    new = {"state": "enabled", "description": "", "forDomain": "https://shop.example", "emailPrefix": None}
    create = {"accountId": account, "create": {"new-masked-email": new}}
    answer = await client.request(["MaskedEmail/set", create, "0"], using=[MASKED, CORE])
    made = answer["methodResponses"][0][1]["created"]["new-masked-email"]
    assert made["email"].startswith("shop.")
    addresses = MaskedAddresses(rig.holder, rig.accounts, rig.auth.masked)
    [one] = await addresses.list("mia")
    assert (one.address, one.given_to, one.active) == (made["email"], "shop.example", True)


async def test_addresses_are_read_changed_and_destroyed(rig: Rig) -> None:
    """MASK-13: each state turns mail on or off; values that are not kept are told as they are."""
    mia = await manager(rig)
    before = await mia.call("MaskedEmail/get")
    new = {"emailPrefix": "books", "description": "novels", "url": "app://1", "state": "disabled"}
    made = (await mia.call("MaskedEmail/set", create={"a": new}))["created"]["a"]
    assert (made["url"], made["email"].startswith("books.")) == (None, True)
    found = await mia.call("MaskedEmail/get", ids=[made["id"], "A0"])
    [one] = found["list"]
    assert (found["notFound"], found["state"] == before["state"]) == (["A0"], False)
    assert (one["state"], one["description"], one["lastMessageAt"], one["forDomain"]) == (
        "disabled",
        "novels",
        None,
        "",
    )
    for state, shown in (("enabled", None), ("deleted", {"state": "disabled"}), ("pending", {"state": "enabled"})):
        patch = {"state": state, "forDomain": "https://else.example"}
        done = await mia.call("MaskedEmail/set", update={one["id"]: patch})
        assert done["updated"] == {one["id"]: shown}
    [now] = (await mia.call("MaskedEmail/get", properties=["forDomain", "state"]))["list"]
    assert (now["forDomain"], now["state"]) == ("https://else.example", "enabled")
    for wrong in ({"state": "gone"}, {"email": "x@example.org"}, {"emailPrefix": "x"}, {"forDomain": "no host"}):
        refused = await mia.call("MaskedEmail/set", update={one["id"]: wrong})
        assert refused["notUpdated"][one["id"]]["type"] == "invalidProperties", wrong
    refused = await mia.call("MaskedEmail/set", create={"a": {"id": "A9"}}, destroy=["A0"])
    assert refused["notCreated"]["a"]["properties"] == ["id"]
    assert refused["notDestroyed"]["A0"]["type"] == "notFound"
    assert (await mia.call("MaskedEmail/set", destroy=[one["id"]]))["destroyed"] == [one["id"]]
    assert (await mia.call("MaskedEmail/get"))["list"] == []


async def test_an_address_is_made_switched_off_in_one_step(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """MASK-13: no mail comes by it meanwhile, and none if a second step fails."""

    async def fail(*_: object) -> None:
        raise StorageBusy("full")

    mia = await manager(rig)
    monkeypatch.setattr(MaskedAddresses, "change", fail)
    made = (await mia.call("MaskedEmail/set", create={"a": {"emailPrefix": "books", "state": "disabled"}}))["created"]
    [one] = await MaskedAddresses(rig.holder, rig.accounts, rig.auth.masked).list("mia")
    assert (one.address, one.active) == (made["a"]["email"], False)


async def test_a_day_has_a_limit(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """MASK-13, MASK-2"""
    monkeypatch.setattr(masked, "MAX_A_DAY", 1)
    mia = await manager(rig)
    done = await mia.call("MaskedEmail/set", create={"a": {}, "b": {}})
    assert ([*done["created"]], done["notCreated"]["b"]["type"]) == (["a"], "rateLimit")


async def test_its_token_does_nothing_else(rig: Rig) -> None:
    """MASK-13: no mail, no changes as they happen, no blobs; one that may only read makes none."""
    client = (await manager(rig)).client
    answer = await client.request(
        ["Core/echo", {"a": 1}, "0"],
        ["Mailbox/get", {"accountId": client.account}, "1"],
        ["PushSubscription/get", {}, "2"],
        ["Blob/copy", {"accountId": client.account, "fromAccountId": "utom", "blobIds": []}, "3"],
        using=[*USING, MASKED],
    )
    kinds = [one[1].get("type", one[0]) for one in answer["methodResponses"]]
    assert kinds == ["Core/echo", "forbidden", "forbidden", "forbidden"]
    assert (await client.http("POST", "/jmap/upload/umia/", b"x")).status == 403
    for path in ("download/umia/E1/x", "events"):
        assert (await client.http("GET", f"/jmap/{path}")).status == 403
    reader = (await manager(rig, read_only=True)).client
    create = ["MaskedEmail/set", {"accountId": "umia", "create": {"a": {}}}, "0"]
    answer = await reader.request(create, using=[MASKED])
    assert answer["methodResponses"][0][1]["type"] == "accountReadOnly"
    answer = await Client(rig).request(create, using=[MASKED])
    assert answer["methodResponses"][0][1]["created"]["a"]["state"] == "enabled"
