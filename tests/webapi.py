"""A client of the web API as strict as those in typed languages: every answer is checked against the types of webapi
v0, written down here apart from the server's own (WEB-93..95).
"""

import base64
import json
import re
from typing import Any, Final

from tests.browsing import Answer, Browser, Connecting

__all__ = ["Client", "Refused", "check_incoming", "check_outgoing", "every_field"]

TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


class Time:
    """A time of RFC 3339, or null."""


class Texts:
    """An object whose values are texts."""


ADDRESS: Final = {"Name": str, "Address": str}
STRUCTURE: Final[dict[str, Any]] = {
    "ContentType": str,
    "ContentTypeParams": Texts,
    "ContentID": str,
    "ContentDisposition": str,
    "Filename": str,
    "DecodedSize": int,
}
STRUCTURE["Parts"] = [STRUCTURE]
MESSAGE: Final = {
    "From": [ADDRESS],
    "To": [ADDRESS],
    "CC": [ADDRESS],
    "BCC": [ADDRESS],
    "ReplyTo": [ADDRESS],
    "MessageID": str,
    "References": [str],
    "Date": Time,
    "Subject": str,
    "Text": str,
    "HTML": str,
}
RESULTS: Final[dict[str, Any]] = {
    "Send": {"MessageID": str, "Submissions": [{"Address": str, "QueueMsgID": int, "FromID": str}]},
    "SuppressionList": {
        "Suppressions": [
            {
                "ID": int,
                "Created": Time,
                "Account": str,
                "BaseAddress": str,
                "OriginalAddress": str,
                "Manual": bool,
                "Reason": str,
            }
        ]
    },
    "SuppressionAdd": {},
    "SuppressionRemove": {},
    "SuppressionPresent": {"Present": bool},
    "MessageGet": {
        "Message": MESSAGE,
        "Structure": STRUCTURE,
        "Meta": {
            "Size": int,
            "DSN": bool,
            "Flags": [str],
            "MailFrom": str,
            "MailFromValidated": bool,
            "RcptTo": str,
            "MsgFrom": str,
            "MsgFromValidated": bool,
            "DKIMVerifiedDomains": [str],
            "RemoteIP": str,
            "MailboxName": str,
        },
    },
    "MessageDelete": {},
    "MessageFlagsAdd": {},
    "MessageFlagsRemove": {},
    "MessageMove": {},
}
REQUESTS: Final[dict[str, dict[str, Any]]] = {
    "Send": {
        **{name: [] for name in ("From", "To", "CC", "BCC", "ReplyTo", "References", "Headers")},
        **dict.fromkeys(("MessageID", "Subject", "Text", "HTML"), ""),
        "Date": None,
        "Extra": {},
        "AlternativeFiles": [],
        "InlineFiles": [],
        "AttachedFiles": [],
        "RequireTLS": None,
        "FutureRelease": None,
        "SaveSent": False,
    },
    "SuppressionList": {},
    "SuppressionAdd": {"EmailAddress": "", "Manual": False, "Reason": ""},
    "SuppressionRemove": {"EmailAddress": ""},
    "SuppressionPresent": {"EmailAddress": ""},
    "MessageGet": {"MsgID": 0},
    "MessageRawGet": {"MsgID": 0},
    "MessagePartGet": {"MsgID": 0, "PartPath": []},
    "MessageDelete": {"MsgID": 0},
    "MessageFlagsAdd": {"MsgID": 0, "Flags": []},
    "MessageFlagsRemove": {"MsgID": 0, "Flags": []},
    "MessageMove": {"MsgID": 0, "DestMailboxName": ""},
}
CODES: Final = frozenset(
    {
        *("user", "server", "protocol", "error", "badAddress", "missingBody", "multipleFrom", "badFrom"),
        *("domainDisabled", "noRecipients", "messageLimitReached", "recipientLimitReached", "messageTooLarge"),
        *("malformedMessageID", "sentOverQuota", "messageNotFound", "partNotFound", "mailboxNotFound"),
    }
)
OUTGOING: Final = {
    "Version": int,
    "Event": str,
    "DSN": bool,
    "Suppressing": bool,
    "QueueMsgID": int,
    "FromID": str,
    "MessageID": str,
    "Subject": str,
    "WebhookQueued": Time,
    "SMTPCode": int,
    "SMTPEnhancedCode": str,
    "Error": str,
    "Extra": Texts,
}
INCOMING: Final = {
    **MESSAGE,
    "Version": int,
    "InReplyTo": str,
    "Structure": STRUCTURE,
    "Meta": {
        "MsgID": int,
        "MailFrom": str,
        "MailFromValidated": bool,
        "MsgFromValidated": bool,
        "RcptTo": str,
        "DKIMVerifiedDomains": [str],
        "RemoteIP": str,
        "Received": Time,
        "MailboxName": str,
        "Automated": bool,
    },
}


def check(value: Any, kind: Any, path: str = "") -> None:
    """Whether a value is of a type: all fields, no others, no null but for a time."""
    if isinstance(kind, dict):
        assert isinstance(value, dict), path
        assert set(value) == set(kind), path
        for name, inner in kind.items():
            check(value[name], inner, f"{path}.{name}")
    elif isinstance(kind, list):
        assert isinstance(value, list), path
        for index, one in enumerate(value):
            check(one, kind[0], f"{path}[{index}]")
    elif kind is Texts:
        assert isinstance(value, dict), path
        assert all(isinstance(one, str) for one in value.values()), path
    elif kind is Time:
        assert value is None or TIME.fullmatch(value), (path, value)
    else:
        assert type(value) is kind, (path, value)


def check_outgoing(body: bytes) -> Any:
    """The JSON of a call about a sent message, checked."""
    found = json.loads(body)
    check(found, OUTGOING)
    return found


def check_incoming(body: bytes) -> Any:
    """The JSON of a call about a message that came in, checked."""
    found = json.loads(body)
    check(found, INCOMING)
    return found


def every_field(method: str, *, empty: bool = False, **given: Any) -> dict[str, Any]:
    """Parameters as clients in typed languages send them: all fields, those not given null, or `empty`."""
    return {name: value if empty else None for name, value in REQUESTS[method].items()} | given


class Refused(Exception):
    """An error of the API."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Client:
    """Calls methods at a rig, and checks each answer."""

    def __init__(
        self,
        rig: Connecting,
        username: str = "mia@example.org",
        password: str = "correct horse battery",
        *,
        path: str = "/webapi/v0/",
        **connection: Any,
    ) -> None:
        self._browser = Browser(rig, connection, path)
        self._path = path
        self.credentials = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    async def post(self, method: str, body: bytes, kind: str, headers: dict[str, str] | None = None) -> Answer:
        """Any body."""
        fields = {"content-type": kind, "authorization": self.credentials, **(headers or {})}
        return await self._browser.fetch(self._path + method, method="POST", headers=fields, body=body)

    async def get(self, name: str = "") -> Answer:
        """A page."""
        return await self._browser.fetch(self._path + name)

    async def answer(self, method: str, parameters: Any, headers: dict[str, str] | None = None) -> Answer:
        """The answer to a call, with its type checked."""
        body = parameters if isinstance(parameters, bytes) else json.dumps(parameters).encode()
        return self.checked(method, await self.post(method, body, "application/json", headers))

    def checked(self, method: str, answer: Answer) -> Answer:
        """The answer. Raises Refused."""
        if answer.status == 400:
            assert len(answer.body) <= 10 << 10
            check(answer.json, {"Code": str, "Message": str})
            assert answer.json["Code"] in CODES
            raise Refused(answer.json["Code"], answer.json["Message"])
        assert answer.status == 200, (answer.status, answer.body)
        if method in RESULTS:
            assert answer.headers["content-type"] == "application/json; charset=utf-8"
            assert len(answer.body) <= 3 << 20
            check(answer.json, RESULTS[method])
        return answer

    async def call(self, method: str, /, **parameters: Any) -> Any:
        """The result of a call with these parameters; all others are null."""
        return (await self.answer(method, every_field(method, **parameters))).json

    async def code(self, method: str, /, **parameters: Any) -> str:
        """The code of a call that is refused."""
        try:
            await self.answer(method, every_field(method, **parameters))
        except Refused as error:
            return error.code
        raise AssertionError("not refused")
