"""A client of the web API that openapi-python-client has made (`moxclient`): calls each method once, at the URL, with
the log-in, of the environment. The names of the methods that answered as they should go to stdout.
"""

import base64
import json
import os
import time
from typing import TypeVar

from moxclient import Client
from moxclient.api.default import (
    message_delete,
    message_flags_add,
    message_flags_remove,
    message_get,
    message_move,
    message_part_get,
    message_raw_get,
    send,
    suppression_add,
    suppression_list,
    suppression_present,
    suppression_remove,
)
from moxclient.models import (
    AddressText,
    Error,
    ErrorCode,
    FileData,
    FlagsRequest,
    MessageGetResult,
    MessageMoveRequest,
    MessagePartRequest,
    MessageRequest,
    NoParameters,
    NoResult,
    SendRequest,
    SendRequestExtraType0,
    SendResult,
    SuppressionAddRequest,
    SuppressionListResult,
    SuppressionPresentResult,
    SuppressionRequest,
)
from moxclient.types import File

T = TypeVar("T")

USER = os.environ["API_USER"]
done: list[str] = []


def given(name: str, answer: object, kind: type[T]) -> T:
    """The result of a call that must succeed."""
    assert isinstance(answer, kind), (name, answer)
    done.append(name)
    return answer


def octets(file: File) -> bytes:
    """The octets of an answer."""
    found = file.payload.read()
    assert isinstance(found, bytes)
    return found


def find(client: Client, message_id: str) -> int:
    """The MsgID of the message that was sent, once it has come back."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for number in range(1, 31):
            found = message_get.sync(client=client, body=MessageRequest(msg_id=number))
            if isinstance(found, MessageGetResult) and found.message.message_id.strip("<>") == message_id.strip("<>"):
                return number
        time.sleep(0.1)
    raise AssertionError("it has not come back")


pair = base64.b64encode(f"{USER}:{os.environ['API_PASSWORD']}".encode()).decode()
client = Client(base_url=os.environ["API_URL"], headers={"Authorization": f"Basic {pair}"}, timeout=None)

extra = SendRequestExtraType0()
extra["x-order"] = "1"
request = SendRequest(
    to=[AddressText(name="Jörg", address=USER)],
    subject="from Python",
    text="hello\n",
    headers=[["X-Made-By", "openapi-python-client"]],
    extra=extra,
    attached_files=[FileData(name="a.txt", content_type="text/plain", data="aGVsbG8=")],
)
sent = given("Send", send.sync(client=client, body=request, idempotency_key="python-1"), SendResult)
assert [one.address for one in sent.submissions] == [USER]
number = find(client, sent.message_id)
message = MessageRequest(msg_id=number)
got = given("MessageGet", message_get.sync(client=client, body=message), MessageGetResult)
assert (got.message.subject, got.message.to[0].name, len(got.structure.parts)) == ("from Python", "Jörg", 2)
assert got.message.date is not None
raw = given("MessageRawGet", message_raw_get.sync(client=client, body=message), File)
assert b"X-Made-By: openapi-python-client\r\n" in octets(raw)
path = MessagePartRequest(msg_id=number, part_path=[1])
part = given("MessagePartGet", message_part_get.sync(client=client, body=path), File)
assert octets(part) == b"hello"
flags = FlagsRequest(msg_id=number, flags=["\\seen", "py"])
given("MessageFlagsAdd", message_flags_add.sync(client=client, body=flags), NoResult)
flags = FlagsRequest(msg_id=number, flags=["py"])
given("MessageFlagsRemove", message_flags_remove.sync(client=client, body=flags), NoResult)
move = MessageMoveRequest(msg_id=number, dest_mailbox_name="Archive")
given("MessageMove", message_move.sync(client=client, body=move), NoResult)
moved = message_get.sync(client=client, body=message)
assert isinstance(moved, MessageGetResult)
assert moved.meta.mailbox_name == "Archive"
assert "\\seen" in moved.meta.flags
assert "py" not in moved.meta.flags
given("MessageDelete", message_delete.sync(client=client, body=message), NoResult)
gone = message_get.sync(client=client, body=message)
assert isinstance(gone, Error)
assert gone.code is ErrorCode.MESSAGENOTFOUND

address = "py@example.org"
adding = SuppressionAddRequest(email_address=address, manual=True, reason="asked")
given("SuppressionAdd", suppression_add.sync(client=client, body=adding), NoResult)
listed = given("SuppressionList", suppression_list.sync(client=client, body=NoParameters()), SuppressionListResult)
assert [one.base_address for one in listed.suppressions] == [address]
present = suppression_present.sync(client=client, body=SuppressionRequest(email_address=address))
assert given("SuppressionPresent", present, SuppressionPresentResult).present
removed = suppression_remove.sync(client=client, body=SuppressionRequest(email_address=address))
given("SuppressionRemove", removed, NoResult)
print(json.dumps(done))
