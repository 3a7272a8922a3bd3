"""From the admin app's structs and calls: its JSON Schema, and TypeScript types, client and checks (WEB-61)."""

import json

from generators._typescript import typescript
from moxlite.web.admin.app import API
from moxlite.web.admin.calls.live import Happenings
from moxlite.web.calls import api_schema, calls_of


def outputs() -> dict[str, bytes]:
    """The schema and the TypeScript module."""
    calls = calls_of(*API)
    schema = api_schema("moxlite admin", calls, Happenings)
    return {
        "schema/admin.schema.json": (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode(),
        "frontend/gen/admin.ts": typescript("admin", calls, {}, (Happenings,))[0].encode(),
    }
