"""From the account app's structs and calls: its JSON Schema, and TypeScript types, client and run-time checks
(WEB-61).
"""

import json

from generators._typescript import typescript
from moxlite.web.account.app import API
from moxlite.web.calls import api_schema, calls_of
from moxlite.web.importing.browser import ImportEvent


def outputs() -> dict[str, bytes]:
    """The schema and the TypeScript module."""
    calls = calls_of(*API)
    schema = api_schema("moxlite account", calls, ImportEvent)
    unions = {"ImportEvent": (ImportEvent, "Anything that an import tells.")}
    return {
        "schema/account.schema.json": (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode(),
        "frontend/gen/account.ts": typescript("account", calls, unions, ())[0].encode(),
    }
