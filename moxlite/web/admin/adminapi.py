"""The admin API for programs: operations by JSON over HTTP, with a token (WEB-168, docs/adminapi.md).

It is the app's API without a session: the same operations, parameters, results and errors, by POST to ``v1/NAME`` below
the app's path. Each operation says whether a token may ask for it (`Role.TOKEN`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from moxlite import __version__
from moxlite.admin.doctor import requests as doctor
from moxlite.encoding import to_json
from moxlite.lazyimport import Lazy
from moxlite.logins.identity import LoginRefused, RateLimited
from moxlite.operations import Description, Role, described_in
from moxlite.operations.subjects import SUBJECTS
from moxlite.web import metrics
from moxlite.web.calls import CALL_ID_FIELD, Call, calls_of, json_content, openapi, unindent
from moxlite.web.callserver import CallServer, described
from moxlite.web.errors import BadAuth, NoAuth, NotAllowed, RateLimited as TooMany
from moxlite.web.http.programlogin import attempt_of, bearer_token
from moxlite.web.sessions import FAILURE_DELAY
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.logins.logins import Logins
    from moxlite.operations.performing import Perform
    from moxlite.store.auth.authdb import KeptAnswers
    from moxlite.web.cookies import Caller
    from moxlite.web.http.exchange import ResponseWriter

VERSION: Final = "v1/"
"""Path of the API below the app's. It changes when a program that uses it would have to."""

DOCUMENT: Final = "openapi.json"

REF: Final = "#/components/schemas/Error"

OPERATIONS: Final = (
    *(description for subject in SUBJECTS for description in subject.operations),
    *described_in(doctor),
)
"""All operations, in the order of their descriptions."""

API: Final = tuple(operation for operation in OPERATIONS if Role.TOKEN in operation.who)
"""Operations that a token may ask for."""

CHALLENGE: Final = ("www-authenticate", 'Bearer realm="moxlite admin"')
WRONG: Final = ("www-authenticate", 'Bearer realm="moxlite admin", error="invalid_token"')
NO_SCOPE: Final = ("www-authenticate", 'Bearer realm="moxlite admin", error="insufficient_scope"')

ABOUT: Final = """\
Manage a moxlite server from API clients. For each call, POST the parameters as a JSON object. The response contains
`result`, or `error` if the status isn't 200. Create a token on the server with `moxlite admin token add NAME SCOPE...`,
or in the admin app."""


class AdminAPI:
    """Answers requests below `VERSION`."""

    def __init__(self, logins: Logins, perform: Perform, answers: KeptAnswers) -> None:
        self._calls: Final = CallServer(
            API,
            type,
            TokenAuth(logins),
            metrics.admin_api_seconds,
            title="moxlite admin API",
            perform=perform,
            answers=answers,
        )
        self._description: Final = Lazy(_description)  # as that of `CallServer`

    async def answer(self, caller: Caller, name: str, writer: ResponseWriter) -> None:
        """Answer the call `name`; GET of ``openapi.json`` gets the description."""
        request = caller.request
        if name in ("", DOCUMENT) and request.method in ("GET", "HEAD"):
            # the URL is where the program asked, and the rest the same for all
            server = {"url": f"{request.origin}{caller.path}{VERSION}".rstrip("/")}
            description = {**await self._description.get(), "servers": [server]}
            await described(to_json(description), request, writer)
        else:
            await self._calls.answer(caller, name, writer)


class TokenAuth:
    """Lets programs in that have a token with the right scope."""

    app: Final = "adminapi"

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    async def admit(self, caller: Caller, entry: Call) -> str:
        """The token's name, as an actor in the audit log. Raises NoAuth, BadAuth, NotAllowed, RateLimited."""
        request = caller.request
        token = bearer_token(request.headers)
        if token is None:
            raise NoAuth("Send an admin API token as Authorization: Bearer TOKEN.", CHALLENGE)
        try:
            admin_token = await self._logins.admin_token(attempt_of(request, "webadmin"), token)
        except RateLimited as error:
            raise TooMany(str(error)) from None
        except LoginRefused as error:
            # After the attempt is counted, so that parallel guesses meet the limit and not the delay.
            await trio.sleep(FAILURE_DELAY)
            raise BadAuth(str(error), WRONG) from None
        assert isinstance(entry.source, Description)
        if not entry.source.scopes.intersection(admin_token.scopes):
            words = " or ".join(sorted(entry.source.scopes))
            raise NotAllowed(worded("the token must have the scope {words}", words=words), NO_SCOPE)
        return f"(token {admin_token.name})"


def _description() -> dict[str, Any]:
    """The description of the API for programs (OpenAPI 3.1), without its URL."""
    calls = calls_of(*API)
    roots = [kind for call in calls.values() for kind in (call.parameters, call.result)]
    shown, schemas = msgspec.json.schema_components(roots, ref_template="#/components/schemas/{name}")
    unindent(schemas)
    schemas["Error"] = {
        "type": "object",
        "description": "An error: a code for clients, a message for users, and the invalid fields.",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "fields": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"field": {"type": "string"}, "text": {"type": "string"}},
                            "required": ["field", "text"],
                        },
                    },
                },
                "required": ["code", "message"],
            }
        },
        "required": ["error"],
    }
    pairs = zip(shown[::2], shown[1::2], strict=True)
    return openapi(
        {"title": "moxlite admin API", "version": f"1 ({__version__})", "description": ABOUT},
        {"scheme": "bearer"},
        {call.name: _operation(call, *pair) for call, pair in zip(calls.values(), pairs, strict=True)},
        schemas,
        {"Error": {"description": "The call failed.", "content": json_content({"$ref": REF})}},
    )


def _operation(call: Call, parameters: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    assert isinstance(call.source, Description)
    scopes = " or ".join(f"`{scope}`" for scope in sorted(call.source.scopes))
    answer = {"type": "object", "properties": {"result": result}, "required": ["result"]}
    return {
        "operationId": call.name,
        "summary": call.summary,
        "description": f"{call.source.about}\n\nScope: {scopes}.",
        **({"parameters": [CALL_ID_FIELD]} if call.once else {}),
        "requestBody": {"required": True, "content": json_content(parameters)},
        "responses": {
            "200": {"description": "Done.", "content": json_content(answer)},
            "4XX": {"$ref": "#/components/responses/Error"},
            "5XX": {"$ref": "#/components/responses/Error"},
        },
    }
