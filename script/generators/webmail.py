"""From the webmail's structs and calls: its JSON Schema, and TypeScript types, client and run-time checks
(WEBMAIL-24).
"""

import json

from generators._typescript import typescript
from moxlite.web.calls import api_schema, calls_of
from moxlite.web.webmail import querytypes, types
from moxlite.web.webmail.api import API


def outputs() -> dict[str, bytes]:
    """The schema and the TypeScript modules."""
    calls = calls_of(*API)
    schema = api_schema("moxlite webmail", calls, types.StreamEvent, querytypes.Request)
    unions = {
        "StreamEvent": (types.StreamEvent, "Anything that a stream sends."),
        "Change": (types.Change, "Anything that can happen to an account."),
    }
    first = ("provider_name", "token", "request")
    module, rest = typescript("webmail", calls, unions, (querytypes.Request,), first_calls=first)
    return {
        "schema/webmail.schema.json": (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode(),
        "frontend/gen/webmail.ts": module.encode(),
        "frontend/gen/webmailrest.ts": rest.encode(),
    }
