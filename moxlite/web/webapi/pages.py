"""Descriptions of the web API, made from the table of methods: pages for people with an example and a form (WEB-91),
and the OpenAPI 3.1 document (WEB-154).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any, Final

import msgspec
from msgspec import inspect

from moxlite import __version__
from moxlite.encoding import to_json
from moxlite.web.calls import CALL_ID_FIELD, json_content, openapi, unindent
from moxlite.web.headers import SERVICE_HEADERS, page_policy
from moxlite.web.webapi.errors import CODES
from moxlite.web.webapi.methods import METHODS, OCTETS, Method
from moxlite.web.webapi.types import Encoded

STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 50rem; margin: 0 auto; padding: 1rem; }
code, pre, textarea { font: 14px/1.45 ui-monospace, monospace; }
pre, textarea { box-sizing: border-box; width: 100%; padding: .75rem; border: 1px solid #8886; border-radius: 6px;
  overflow: auto; background: #8881; color: inherit; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid #8884; }
td { overflow-wrap: anywhere; }
label { display: block; margin: .5rem 0; }
button { font: inherit; padding: .4rem 1.2rem; }
"""
HASH: Final = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PAGE_HEADERS: Final = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-cache"),
    ("content-security-policy", page_policy((), (HASH,))),
    *SERVICE_HEADERS,
)

PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
INTRODUCTION: Final = (
    "<p>Send or receive mail with a single HTTP call. Log in using HTTP Basic authentication, with one of the "
    "account's addresses and its password, or an app password for the web API. Send the parameters as a JSON "
    "object, either as the body or as the form field <code>request</code>. Errors have status 400 and return an "
    "object with <code>Code</code> and <code>Message</code>.</p><p>For a description of all methods, see <a "
    'href="openapi.json">openapi.json</a>.</p>'
)


def index_page(base: str) -> str:
    """The list of methods of the service at the URL `base`."""
    rows = "".join(
        f'<tr><td><a href="{name}">{name}</a></td><td>{escape(method.summary)}</td></tr>'
        for name, method in METHODS.items()
    )
    body = f"<h1>Web API</h1>{INTRODUCTION}<p>Base URL: <code>{escape(base)}</code></p><table>{rows}</table>"
    return PAGE.format(title="Web API", style=STYLE, body=body)


def method_page(method: Method, base: str) -> str:
    """The page of a method."""
    example = example_of(method)
    files = ""
    if method.files:
        files = "".join(
            f'<label>{label} <input type="file" name="{name}" multiple></label>'
            for name, label in (("attachedfile", "Attachments"), ("inlinefile", "Inline images"))
        )
    command = f"curl --user you@example.org {base}{method.name} --data-urlencode request='{_compact(method.example)}'"
    result = (
        "<p>Returns raw bytes, not JSON.</p>"
        if method.result is OCTETS
        else f"<p>{escape(_summary(method.result))}</p>{_table(method.result)}"
    )
    body = (
        f'<p><a href="./">Web API</a></p><h1>{method.name}</h1><p>{escape(method.summary)}</p>'
        f"<h2>Parameters</h2><p>{escape(_summary(method.request))}</p>{_table(method.request)}"
        f"<h2>Result</h2>{result}"
        f"<h2>Example</h2><pre>{escape(command)}</pre>"
        f'<h2>Try it</h2><form method="post" enctype="multipart/form-data">'
        f'<label for="request">request</label><textarea id="request" name="request" rows="{example.count(chr(10)) + 3}"'
        f' spellcheck="false">{escape(example)}</textarea>{files}<p><button>Call {method.name}</button></p></form>'
    )
    return PAGE.format(title=f"{method.name} – Web API", style=STYLE, body=body)


def example_of(method: Method) -> str:
    """Parameters of an example as indented JSON."""
    return msgspec.json.format(to_json(method.example), indent=2).decode()


def _compact(example: Any) -> str:
    return to_json(example).decode().replace("'", "'\\''")


def _summary(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split())


def describe(kind: Any) -> list[tuple[str, str, str]]:
    """Name, type and description of each field of a struct, fields of structs in it after a dot."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return list(_described(info, "", ()))


def _described(info: inspect.StructType, prefix: str, above: tuple[type, ...]) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for field in info.fields:
        kind, description = _unwrapped(field.type)
        shown, inner = _named(kind)
        found.append((prefix + field.encode_name, shown, description))
        if inner is not None and inner.cls not in above:
            found += _described(inner, f"{prefix}{field.encode_name}.", (*above, info.cls, inner.cls))
    return found


def _unwrapped(kind: inspect.Type) -> tuple[inspect.Type, str]:
    description = ""
    while True:
        match kind:
            case inspect.Metadata():
                description = str((kind.extra_json_schema or {}).get("description", "")) or description
                kind = kind.type
            case inspect.UnionType():
                [kind] = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
            case _:
                return kind, description


def _named(kind: inspect.Type) -> tuple[str, inspect.StructType | None]:
    """The type in words, and the struct inside it."""
    match kind:
        case inspect.StructType():
            return "object", kind
        case inspect.ListType():
            item, inner = _named(_unwrapped(kind.item_type)[0])
            return f"list of {item}", inner
        case inspect.TupleType():
            return f"list of {len(kind.item_types)} strings", None
        case inspect.DictType():
            return "object with string values", None
        case inspect.DateTimeType():
            return "time (RFC 3339)", None
        case inspect.IntType():
            return "integer", None
        case inspect.BoolType():
            return "boolean", None
        case inspect.CustomType():
            return "base64", None
    return "text", None


def _table(kind: Any) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(shown)}</td><td>{escape(text)}</td></tr>"
        for name, shown, text in describe(kind)
    )
    return f"<table><tr><th>Field</th><th>Type</th><th>Meaning</th></tr>{rows}</table>" if rows else ""


# The OpenAPI 3.1 document of the web API, made from the table of methods (WEB-154).


REF: Final = "#/components/schemas/{name}"
FORM_FILES: Final = ("alternativefile", "inlinefile", "attachedfile")

DESCRIPTION: Final = (
    "Send and receive mail. Log in using HTTP Basic authentication, with an account address and its password or "
    "an app password. Call methods with POST. Send a JSON object as the body or as the form field request. "
    "Errors have status 400, with a code for clients and a message for users."
)

Schema = dict[str, Any]


def document(base: str) -> Schema:
    """The document of the service at a URL that ends in a slash."""
    kinds = [method.request for method in METHODS.values()]
    kinds += [method.result for method in METHODS.values() if method.result is not OCTETS]
    _, components = msgspec.json.schema_components(list(dict.fromkeys(kinds)), ref_template=REF, schema_hook=_hook)
    unindent(components)
    schemas: dict[str, Any] = {name: _without_prefixes(schema) for name, schema in components.items()}
    for name in _reachable([method.request.__name__ for method in METHODS.values()], schemas):
        schemas[name] = _request(schemas[name])
    schemas["Error"] = {
        "type": "object",
        "description": "An error.",
        "properties": {
            "Code": {"type": "string", "enum": list(CODES), "description": "For clients."},
            "Message": {"type": "string", "description": "For users."},
        },
        "required": ["Code", "Message"],
    }
    document = openapi(
        {"title": "moxlite web API", "version": f"0 ({__version__})", "description": DESCRIPTION},
        {"scheme": "basic"},
        {method.name: _operation(method) for method in METHODS.values()},
        schemas,
        {
            "Error": {"description": "The call failed.", "content": _json(REF.format(name="Error"))},
            "Refused": {"description": "Invalid or missing credentials.", "content": _text()},
            "TooMany": {"description": "Too many requests or failed logins.", "content": _text()},
            "TooLarge": {"description": "The request is too large.", "content": _text()},
        },
    )
    return {**document, "servers": [{"url": base.rstrip("/")}]}


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
        assert all(other == first for other in others)
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
        operation["parameters"] = [CALL_ID_FIELD]
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
        return {
            "description": "Message content, as bytes.",
            "content": {"application/octet-stream": octets, "*/*": octets},
        }
    return {"description": "The result.", "content": _json(REF.format(name=method.result.__name__))}


def _json(ref: str) -> Schema:
    return json_content({"$ref": ref})


def _text() -> Schema:
    return {"text/plain": {"schema": {"type": "string"}}}
