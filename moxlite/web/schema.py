"""The JSON Schema of an app's API: definitions, parameters and results of the calls, events (WEB-61, WEBMAIL-24)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from moxlite.web.calls import Call

__all__ = ["api_schema"]


def api_schema(title: str, calls: Mapping[str, Call], events: Any = None, request: Any = None) -> dict[str, Any]:
    """A document of JSON Schema 2020-12. The top level describes an event of a stream, if the app has any; ``x-calls``
    has the calls; ``x-request`` has the requests to a stream.
    """
    roots: list[Any] = [one for one in (events, request) if one is not None]
    first = len(roots)
    for entry in calls.values():
        roots += [entry.parameters, entry.result]
    schemas, definitions = msgspec.json.schema_components(roots, ref_template="#/$defs/{name}")
    described = {
        entry.name: {
            "summary": entry.summary,
            "public": entry.public,
            "confirm": entry.confirm,
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
