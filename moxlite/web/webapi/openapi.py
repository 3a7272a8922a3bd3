"""The OpenAPI 3.1 document of the web API, made from the table of methods (WEB-154)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from moxlite import __version__
from moxlite.web.calls import unindent
from moxlite.web.webapi.errors import CODES
from moxlite.web.webapi.methods import METHODS, OCTETS, Method
from moxlite.web.webapi.types import Encoded

REF: Final = "#/components/schemas/{name}"
FORM_FILES: Final = ("alternativefile", "inlinefile", "attachedfile")

DESCRIPTION: Final = (
    "Send and receive mail. Log in by HTTP Basic authentication with an address of the account and its password"
    " or an app password for the web API. Each method is called by POST, with a JSON object as the body or as the"
    " field request of a form. An error has status 400, a code for programs and a text for people."
)

Schema = dict[str, Any]


def document(base: str) -> Schema:
    """The document of the service at a URL that ends in a slash."""
    kinds = [one.request for one in METHODS.values()]
    kinds += [one.result for one in METHODS.values() if one.result is not OCTETS]
    _, components = msgspec.json.schema_components(list(dict.fromkeys(kinds)), ref_template=REF, schema_hook=_hook)
    unindent(components)
    schemas: dict[str, Any] = {name: _without_prefixes(schema) for name, schema in components.items()}
    for name in _reachable([one.request.__name__ for one in METHODS.values()], schemas):
        schemas[name] = _request(schemas[name])
    schemas["Error"] = {
        "type": "object",
        "description": "A refused call.",
        "properties": {
            "Code": {"type": "string", "enum": list(CODES), "description": "For programs."},
            "Message": {"type": "string", "description": "For people."},
        },
        "required": ["Code", "Message"],
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "moxlite web API", "version": f"0 ({__version__})", "description": DESCRIPTION},
        "servers": [{"url": base.rstrip("/")}],
        "security": [{"basic": []}],
        "paths": {f"/{one.name}": {"post": _operation(one)} for one in METHODS.values()},
        "components": {
            "schemas": schemas,
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
            "responses": {
                "Error": {"description": "The call was refused.", "content": _json(REF.format(name="Error"))},
                "Refused": {"description": "The request has no right credentials.", "content": _text()},
                "TooMany": {"description": "Too many requests, or failed log-ins.", "content": _text()},
                "TooLarge": {"description": "The request is too large.", "content": _text()},
            },
        },
    }


def _hook(kind: type) -> Schema:
    if kind is Encoded:
        return {"type": "string", "contentEncoding": "base64"}
    raise NotImplementedError


def _without_prefixes(schema: Any) -> Any:
    """A schema whose pairs are lists of two: generators of clients do not know `items: false`, which closes a list of
    `prefixItems`.
    """
    if isinstance(schema, list):
        return [_without_prefixes(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _without_prefixes(value) for name, value in schema.items() if name != "prefixItems"}
    if "prefixItems" in schema:
        first, *others = schema["prefixItems"]
        assert all(one == first for one in others)
        found["items"] = first
    return found


def _reachable(names: list[str], schemas: Mapping[str, Any]) -> set[str]:
    """The schemas that requests consist of."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names += [
                other for other in schemas if f'"{REF.format(name=other)}"' in str(schemas[name]).replace("'", '"')
            ]
    return found


def _request(schema: Schema) -> Schema:
    """The schema of a request's object: each field may be null, and others are refused."""
    fields = {name: _nullable(field) for name, field in schema.get("properties", {}).items()}
    return schema | {"properties": fields, "additionalProperties": False, "required": []}


def _nullable(field: Schema) -> Schema:
    # a field with a default is required in TypeScript's types of openapi-typescript
    plain = {key: value for key, value in field.items() if key != "default"}
    if any(one.get("type") == "null" for one in field.get("anyOf", ())):
        return plain
    plain.pop("description", None)
    described = {"description": field["description"]} if "description" in field else {}
    return {"anyOf": [plain, {"type": "null"}], **described}


def _operation(method: Method) -> Schema:
    json = _json(REF.format(name=method.request.__name__))
    json["application/json"]["example"] = dict(method.example)
    operation: Schema = {
        "operationId": method.name,
        "summary": method.summary,
        "requestBody": {"required": True, "content": json | (_forms() if method.files else {})},
        "responses": {
            "200": _success(method),
            "400": {"$ref": "#/components/responses/Error"},
            "401": {"$ref": "#/components/responses/Refused"},
            "413": {"$ref": "#/components/responses/TooLarge"},
            "429": {"$ref": "#/components/responses/TooMany"},
        },
    }
    if method.files:
        operation["parameters"] = [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A repeated call with the same value gets the first answer, and sends nothing.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        ]
    return operation


def _forms() -> Schema:
    """The bodies of curl and browsers. All methods take them; only the one with files names them, since generated
    clients of the others need no second way, and some generators make a client that does not compile from several.
    """
    form: Schema = {"request": {"type": "string", "contentMediaType": "application/json"}}
    files = {name: {"type": "array", "items": {"type": "string", "format": "binary"}} for name in FORM_FILES}
    return {
        kind: {"schema": {"type": "object", "properties": properties, "required": ["request"]}}
        for kind, properties in (
            ("application/x-www-form-urlencoded", form),
            ("multipart/form-data", form | files),
        )
    }


def _success(method: Method) -> Schema:
    if method.result is OCTETS:
        octets = {"schema": {"type": "string", "format": "binary"}}
        # generators of clients know the first type, answers have any
        return {"description": "Octets of the message.", "content": {"application/octet-stream": octets, "*/*": octets}}
    return {"description": "The result.", "content": _json(REF.format(name=method.result.__name__))}


def _json(ref: str) -> Schema:
    return {"application/json": {"schema": {"$ref": ref}}}


def _text() -> Schema:
    return {"text/plain": {"schema": {"type": "string"}}}
