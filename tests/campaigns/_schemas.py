"""Values for a JSON Schema: mostly such that a call takes them, some of them strange, some of another type, and JSON
that is broken. What answers contain is used again, by the name of its field, so that calls find things that are there.
"""

import json
import random
from collections import defaultdict
from typing import Any, Final

__all__ = ["Maker"]

TEXTS: Final = (
    *("", " ", "a", "Inbox", "Archive", "x" * 300, "moxlite", "localhost", "moxlite@localhost", "ada@a.example"),
    *("0", "-1", "1h", "24h", "^.*$", "(((", "\\seen", "$junk", "from:ada", '"', "'; DROP TABLE message; --", "%s%n"),
    *("\0", "a\r\nBcc: b@b.example", "\u202e\u0000", "ä" * 200, "\U0001f600" * 50, "../../etc/passwd", "http://[::1"),
    *("xn--a", "a" * 64 + ".example", "*.example", "[]", "{}", "null", "=?utf-8?b?/w==?=", "BEGIN:VCARD\r\nEND:VCARD"),
    *("127.0.0.1", "::", "0.0.0.0/0", "2026-02-30", "9999-12-31T23:59:59Z", "keep;", "redirect :copy 5;", "\ufeff"),
)
NUMBERS: Final = (0, 1, 2, 3, 5, 10, -1, 2**31, 2**32, 2**53 - 1, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30, 10**400)
FLOATS: Final = (0.0, 0.5, -0.0, 1.5, 1e-300, 1e308, -1e308)
NAMES: Final = ("__class__", "", "a", "ä", "\0", "id" * 200)
STRANGE: Final = 0.06
"""Probability that a value is not of its type, at each place."""

DEEP: Final = 100_000
KEPT: Final = 40


class Maker:
    """Makes bodies of calls."""

    def __init__(self, chance: random.Random, definitions: dict[str, Any]) -> None:
        self._chance = chance
        self._definitions = definitions
        self._seen: dict[str, list[Any]] = defaultdict(list)

    def note(self, value: Any, name: str = "") -> None:
        """Remember what an answer contains."""
        if isinstance(value, dict):
            for key, one in value.items():
                self.note(one, key)
        elif isinstance(value, list):
            for one in value[:20]:
                self.note(one, name.removesuffix("s"))
        elif value is not None and len(str(value)) < 2000:
            kept = self._seen[name]
            if len(kept) >= KEPT:
                kept.pop(self._chance.randrange(KEPT))
            kept.append(value)

    def body(self, schema: Any) -> bytes:
        """The octets of a request."""
        text = json.dumps(self.value(schema), ensure_ascii=self._chance.random() < 0.5)
        octets = text.encode("utf-8", "surrogatepass")
        return self._broken(octets) if self._chance.random() < 0.15 else octets

    def value(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """A value, mostly of the schema."""
        chance = self._chance
        if chance.random() < STRANGE:
            return self._anything(depth)
        known = self._known(name)
        if known and chance.random() < 0.5:
            return chance.choice(known)
        if (reference := schema.get("$ref")) is not None:
            return self.value(self._definitions[reference.rpartition("/")[2]], name, depth + 1)
        if (choices := schema.get("anyOf")) is not None:
            return self.value(chance.choice(choices), name, depth + 1)
        if (choices := schema.get("enum")) is not None:
            return chance.choice(choices)
        if "const" in schema:
            return schema["const"]
        return self._typed(schema, name, depth)

    def _known(self, name: str) -> list[Any]:
        for key in (name, name.removesuffix("_id"), name.rpartition("_")[2], "id" if name.endswith("_id") else ""):
            if self._seen.get(key):
                return self._seen[key]
        return []

    def _typed(self, schema: Any, name: str, depth: int) -> Any:
        chance = self._chance
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                least, most = schema.get("minItems", 0), schema.get("maxItems", 5)
                count = chance.choice((least, min(most, least + 1), min(most, least + 3)))
                if depth > 12:
                    count = least
                inner = schema.get("items") or {}
                return [self.value(inner, name.removesuffix("s"), depth + 1) for _ in range(count)]
            case "integer":
                return chance.choice(NUMBERS) if chance.random() < 0.3 else chance.randrange(1, 30)
            case "number":
                return chance.choice(FLOATS)
            case "boolean":
                return chance.random() < 0.5
            case "null":
                return None
            case "string":
                text = chance.choice(TEXTS)
                least, most = schema.get("minLength", 0), schema.get("maxLength", 10_000)
                return text.ljust(least, "x")[:most]
            case _:
                return self._anything(depth)

    def _object(self, schema: Any, depth: int) -> dict[str, Any]:
        chance = self._chance
        properties, needed = schema.get("properties", {}), schema.get("required", ())
        found = {
            key: self.value(one, key, depth + 1)
            for key, one in properties.items()
            if (key in needed and chance.random() > STRANGE / 2)
            or (key not in needed and depth < 12 and chance.random() < 0.6)
        }
        more = schema.get("additionalProperties")
        if isinstance(more, dict):
            found |= {chance.choice(TEXTS): self.value(more, "", depth + 1) for _ in range(chance.randrange(3))}
        if chance.random() < STRANGE / 2:
            found[chance.choice(NAMES)] = self._anything(depth)
        return found

    def _anything(self, depth: int) -> Any:
        chance = self._chance
        kinds: tuple[Any, ...] = (None, True, {}, [], chance.choice(NUMBERS), chance.choice(FLOATS))
        kinds += (chance.choice(TEXTS), "\ud800", "x" * 20_000, float("nan"))
        return chance.choice((*kinds, [chance.choice(kinds)], {chance.choice(NAMES): chance.choice(kinds)}))

    def _broken(self, octets: bytes) -> bytes:
        """Octets that are no JSON, or not UTF-8, mostly."""
        chance = self._chance
        at = chance.randrange(len(octets) + 1)
        match chance.randrange(8):
            case 0:
                return octets[:at] + bytes((chance.randrange(128, 256),)) + octets[at:]
            case 1:
                return octets[:at]
            case 2:
                return b'{"\xff": 1}'
            case 3:
                quotes = [place for place, octet in enumerate(octets) if octet == 0x22] or [0]
                at = chance.choice(quotes) + 1
                return octets[:at] + chance.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5")) + octets[at:]
            case 4:
                return chance.choice((b"[", b'{"a":', b'[{"a":')) * DEEP
            case 5:
                return octets.replace(b"1", b"9" * 5000, 1)
            case 6:
                return octets[:at] + chance.choice((b"\0", b"\\", b'"', b"\\ud83d", b"1e999", b"-")) + octets[at:]
            case _:
                return chance.randbytes(chance.randrange(200))
