"""The calls of an app: the operations that it offers, and the marked methods of its pages (WEB-61, WEBMAIL-23..26).

A method marked `@call` is a call of its name. Its parameters after ``self`` and the caller become a strict msgspec
struct, its return type the result: one source for decoding, for the JSON Schema and for the TypeScript client. An
operation has both in its description.
"""

import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from moxlite.encoding import bounded, from_json, to_json
from moxlite.operations import Description
from moxlite.web.errors import APIError, FieldErrors, UserError
from moxlite.wording import Worded, worded, words_of

MAX_BODY: Final = 1024 * 1024  # WEB-20, WEBMAIL-23

MAX_PUBLIC: Final = 64 * 1024
"""Octets of a call that needs no session: log-ins, with answers of security keys, have a few hundred to a few thousand.
"""

PARSED: Final = 13
"""Times the octets of a call that it takes with its parameters: measured with a list of texts of two letters."""

BEYOND: Final = re.compile(r"Expected `(str|array|int)`( of length)? (<=|>=) (-?[0-9]+) - at `\$([^`]+)`")
"""Texts of msgspec about a value beyond its bounds: its type, the bound, the path."""

Method = TypeVar("Method", bound=Callable[..., Awaitable[Any]])


def _plain(value: object) -> str:
    """A text in a result that knows of what it was made. Raises NotImplementedError for another type."""
    if isinstance(value, Worded):
        return str(value)
    raise NotImplementedError(f"unsupported result type {type(value).__name__}")


Source: TypeAlias = type | Description
"""A page, whose marked methods are calls, or an operation, which is one."""


class Call(msgspec.Struct, frozen=True):
    """A call. ``parameters`` is a struct type, ``result`` any msgspec type; ``public`` calls need no session.
    ``confirm`` calls need that the user gave the password or a second factor within the last 10 minutes (WEB-63a).
    ``audit``: the action under which the audit log has the call (WEB-160), "" for one that changes nothing by itself.
    ``once``: a repetition gets the first result (WEB-61b). ``secret``: the result is a secret that is shown once, and a
    repetition gets another one.
    """

    name: str
    source: Source
    parameters: type[msgspec.Struct]
    result: Any
    summary: str
    public: bool = False
    confirm: bool = False
    audit: str = ""
    once: bool = False
    secret: bool = False


def call(
    *, public: bool = False, confirm: bool = False, audit: str = "", once: bool = False, secret: bool = False
) -> Callable[[Method], Method]:
    """Make a method a call of the API. Without ``public`` it needs a session.

    Sensitive calls have ``confirm``: they are refused with ``user:confirm`` unless the user gave the password or a
    second factor within the last 10 minutes, at log-in or by the call `confirm` (WEB-63a). The page's client then asks
    the user, and makes the call again.

    A call that changes something has ``audit``, the action in the audit log, unless it runs a command of the control
    socket, which is recorded there (WEB-160).

    A call with ``audit`` is done once, however often it is repeated with the same id, and so is one with ``once``: that
    makes or sends something, or would be refused the second time. One has ``secret`` if its result is a secret that is
    shown once: that is not kept, and a repetition gets another one in its place (WEB-61b).
    """

    def mark(method: Method) -> Method:
        method.__dict__["call_public"] = public
        method.__dict__["call_confirm"] = confirm
        method.__dict__["call_audit"] = audit
        method.__dict__["call_once"] = once or secret or (audit != "" and not public)
        method.__dict__["call_secret"] = secret
        return method

    return mark


@cache
def calls_of(*api: Source) -> Mapping[str, Call]:
    """All calls of an app by name, in the order of their definition, a page's inherited ones first."""
    found = chain.from_iterable([_described(one)] if isinstance(one, Description) else _of_page(one) for one in api)
    return {one.name: one for one in found}


def _described(operation: Description) -> Call:
    summary = " ".join(operation.about.partition("\n\n")[0].split())
    return Call(
        operation.call,
        operation,
        operation.request,
        operation.result,
        summary,
        confirm=operation.confirm,
        once=operation.audit,
        secret=operation.secret,
    )


def _of_page(page: type) -> Iterator[Call]:
    for name, method in chain.from_iterable(vars(one).items() for one in reversed(page.__mro__)):
        if "call_public" not in getattr(method, "__dict__", {}):
            continue
        types = typing.get_type_hints(method, include_extras=True)
        fields: list[tuple[str, type] | tuple[str, type, Any]] = []
        for parameter in list(inspect.signature(method).parameters.values())[2:]:
            if parameter.default is inspect.Parameter.empty:
                fields.append((parameter.name, types[parameter.name]))
            else:
                fields.append((parameter.name, types[parameter.name], parameter.default))
        struct = msgspec.defstruct(
            "".join(word.title() for word in name.split("_")) + "Params",
            fields,
            frozen=True,
            forbid_unknown_fields=True,
            module=page.__module__,
        )
        summary = (inspect.getdoc(method) or "").partition("\n")[0]
        marks = (method.__dict__[f"call_{key}"] for key in ("public", "confirm", "audit", "once", "secret"))
        yield Call(name, page, struct, types["return"], summary, *marks)


def decode_parameters(entry: Call, body: bytes) -> msgspec.Struct:
    """Decode the parameters of a call.

    Raises UserError with the path of what is wrong.
    """
    try:
        return bounded(from_json(body or b"{}", entry.parameters), body)
    except msgspec.DecodeError as e:  # ValidationError, which names the path, is a subclass
        raise UserError(_beyond(str(e)) or worded("{name}: {reason}", name=entry.name, reason=e)) from e


def _beyond(problem: str) -> Worded | None:
    """The words for a value beyond its bounds, which a user can have typed, from msgspec's text. None for any other
    problem: it is a fault of a program.
    """
    match = BEYOND.fullmatch(problem)
    if match is None:
        return None
    kind, length, relation, bound, path = match.groups()
    place, limit = path.removeprefix("."), int(bound)
    match "number" if length is None else kind, relation:
        case "str", "<=":
            return worded("{place}: must be {limit} characters or fewer", place=place, limit=limit)
        case "str", _ if limit == 1:
            return worded("{place}: can't be empty", place=place)
        case "str", _:
            return worded("{place}: must be at least {limit} characters", place=place, limit=limit)
        case "array", "<=":
            return worded("{place}: you can have up to {limit} entries", place=place, limit=limit)
        case "array", _ if limit == 1:
            return worded("{place}: choose at least one", place=place)
        case "array", _:
            return worded("{place}: you need at least {limit} entries", place=place, limit=limit)
        case _, "<=":
            return worded("{place}: must be a number up to {limit}", place=place, limit=limit)
        case _:
            return worded("{place}: must be {limit} or more", place=place, limit=limit)


def encode_result(result: object) -> bytes:
    """The body of a successful call."""
    return to_json({"result": result})


def encode_error(error: APIError) -> bytes:
    """The body of a refused call."""
    body: dict[str, object] = {"code": error.code, "message": str(error.text), **_words(error.text)}
    if isinstance(error, FieldErrors):
        body["fields"] = [
            {"field": field.field, "text": str(field.text), **_words(field.text)} for field in error.fields
        ]
    return to_json({"error": body})


def _words(text: str) -> dict[str, object]:
    """Template and values by which a page finds the text in another language (WEBMAIL-143)."""
    words = words_of(text)
    return {} if words is None else {"words": words}


def unindent(definitions: dict[str, dict[str, Any]]) -> None:
    """Take the indentation of docstrings out of descriptions, as Python does by itself from 3.13 on."""
    for definition in definitions.values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])


def openapi(
    info: Mapping[str, str],
    scheme: Mapping[str, str],
    paths: Mapping[str, object],
    schemas: Mapping[str, object],
    responses: Mapping[str, object],
) -> dict[str, Any]:
    """A document of OpenAPI 3.1 without the URL of its server; `scheme` is the way to log in, `paths` have the
    operations by their names, all POST, `schemas` and `responses` are those that they refer to.
    """
    return {
        "openapi": "3.1.0",
        "info": info,
        "security": [{scheme["scheme"]: []}],
        "paths": {f"/{name}": {"post": operation} for name, operation in paths.items()},
        "components": {
            "schemas": schemas,
            "securitySchemes": {scheme["scheme"]: {"type": "http", **scheme}},
            "responses": responses,
        },
    }


CALL_ID_FIELD: Final[Mapping[str, object]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "If you repeat a call with the same value, you'll get the first response. It isn't made again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
"""The parameter of operations that may be repeated, as OpenAPI describes it (WEB-61b, WEB-154)."""


def json_content(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A body of JSON, as OpenAPI describes it."""
    return {"application/json": {"schema": schema}}


def api_schema(title: str, calls: Mapping[str, Call], events: Any = None, request: Any = None) -> dict[str, Any]:
    """A document of JSON Schema 2020-12. The top level describes an event of a stream, if the app has any; ``x-calls``
    has the calls; ``x-request`` has the requests to a stream.
    """
    roots: list[Any] = [one for one in (events, request) if one is not None]
    first = len(roots)
    for entry in calls.values():
        roots += [entry.parameters, entry.result]
    schemas, definitions = msgspec.json.schema_components(roots, ref_template="#/$defs/{name}")
    unindent(definitions)
    described = {
        entry.name: {
            "summary": entry.summary,
            "public": entry.public,
            "confirm": entry.confirm,
            "once": entry.once,
            "parameters": schemas[first + 2 * i],
            "result": schemas[first + 2 * i + 1],
        }
        for i, entry in enumerate(calls.values())
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **({} if events is None else schemas[0]),
        **({} if request is None else {"x-request": schemas[1]}),
        "x-calls": described,
        "$defs": definitions,
    }
