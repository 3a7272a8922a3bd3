"""Types of JMAP objects (JMAP-5b)."""

import pytest

from moxlite.web.jmap.protocol import SetError
from moxlite.web.jmap.standard import ObjectType

TYPE = ObjectType("Thing", "RFC 1 §2", settable=("name", "marks"), fixed=("id", "email"), once=("email",))
THING = {"id": "T1", "name": "a", "marks": {"x": True}, "email": "a@example.org"}


def test_a_patch_changes_settable_properties_alone() -> None:
    """JMAP-5b: the server's may be repeated."""
    assert TYPE.properties == ("id", "name", "marks", "email")
    assert TYPE.patched(THING, {"marks/y": True, "id": "T1"}) == {"name": "a", "marks": {"x": True, "y": True}}
    for patch in ({"email": "b@example.org"}, {"id": "T2"}, {"more": 1}):
        with pytest.raises(SetError):
            TYPE.patched(THING, patch)
