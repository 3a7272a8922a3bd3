"""Receipts of reading by JMAP (RFC 9007)."""

import pytest

from moxlite.proto.mdn import MDN, compose_mdn
from moxlite.proto.mime.types import MailAddress
from tests.jmap_rig import ACCOUNT, MAIL, Client, rig
from tests.web_rig import Rig

__all__ = ["rig"]

pytestmark = pytest.mark.served


async def test_a_receipt_of_reading_is_sent_once(rig: Rig) -> None:
    """JMAP-53: to the address that asks for it, with the email marked; each other one has its own error."""
    client = Client(rig)
    asking = MAIL.replace(b"To: mia", b"Disposition-Notification-To: mia@example.org\r\nTo: mia")
    number, silent = await client.imported(asking), await client.imported()
    [identity, *_] = (await client.call("Identity/get"))["list"]
    shown = {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"}
    wish = {"forEmailId": number, "disposition": shown, "textBody": "seen, thanks"}
    answer = await client.request(
        [
            "MDN/send",
            {
                "accountId": ACCOUNT,
                "identityId": identity["id"],
                "send": {
                    "a": wish,
                    "b": {**wish, "forEmailId": silent},
                    "c": {**wish, "forEmailId": "M999"},
                    "d": {**wish, "disposition": {**shown, "type": "eaten"}},
                    "e": {**wish, "extensionFields": {"X": "y"}},
                },
                "onSuccessUpdateEmail": {"#a": {"keywords/$seen": True}},
            },
            "0",
        ]
    )
    [[_, found, _], [implied, _, _]] = answer["methodResponses"]
    assert (found["sent"]["a"]["finalRecipient"], implied) == ("rfc822;mia@example.org", "Email/set")
    assert {key: one["type"] for key, one in found["notSent"].items()} == {
        "b": "notFound",
        "c": "notFound",
        "d": "invalidProperties",
        "e": "invalidProperties",
    }
    [email] = (await client.call("Email/get", ids=[number], properties=["keywords"]))["list"]
    assert email["keywords"] == {"$seen": True, "$mdnsent": True}
    again = await client.call("MDN/send", identityId=identity["id"], send={"a": wish})
    assert again["notSent"]["a"]["type"] == "mdnAlreadySent"

    async with rig.account() as account:
        assert await account.read(lambda r: r.value("SELECT count(*) FROM outgoing"), op="test") == 1


async def test_a_receipt_of_reading_is_read(rig: Rig) -> None:
    """JMAP-53: MDN/parse; what is no receipt is not parsable."""
    client = Client(rig)
    mia = MailAddress("", "mia", "example.org")
    octets = compose_mdn(
        MDN(reporting_ua="x; y", final_recipient="mia@example.org", original_message_id="<a@else.example>"),
        sender=mia,
        to=(mia,),
        subject="Read",
        text="seen, thanks\r\n",
        message_id="<r@x>",
        date=0,
        utf8=False,
    )
    receipt, other = await client.upload(octets), await client.upload(MAIL)
    parsed = await client.call("MDN/parse", blobIds=[receipt, other, "E999"])
    assert (parsed["notParsable"], parsed["notFound"]) == ([other], ["E999"])
    assert parsed["parsed"][receipt] == {
        "forEmailId": None,
        "subject": "Read",
        "textBody": "seen, thanks\n",
        "includeOriginalMessage": False,
        "reportingUA": "x; y",
        "disposition": {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"},
        "mdnGateway": None,
        "originalRecipient": None,
        "finalRecipient": "rfc822;mia@example.org",
        "originalMessageId": "<a@else.example>",
        "error": None,
        "extensionFields": None,
    }
