"""Calls are read from the methods of a class, and generated files from the calls."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from moxlite.web.account.app import API as ACCOUNT
from moxlite.web.calls import call, calls_of, decode_parameters, encode_error, encode_result
from moxlite.web.errors import UserError
from moxlite.web.webmail.api import API as WEBMAIL
from moxlite.web.webmail.querytypes import IDs
from moxlite.wording import Remark, remark, worded
from tests.tools import top


class Example:
    """Two calls, and a method that is no call."""

    @call(public=True)
    async def greet(self, caller: object, name: str, loud: bool = False) -> str:
        """Say hello.

        More words.
        """
        raise NotImplementedError

    @call()
    async def remove(self, caller: object, message_ids: IDs) -> None:
        """Remove."""

    async def helper(self) -> None:
        raise NotImplementedError


def test_marked_methods_are_calls() -> None:
    """WEB-61, WEBMAIL-24."""
    calls = calls_of(Example)
    assert list(calls) == ["greet", "remove"]
    assert (calls["greet"].public, calls["remove"].public) == (True, False)
    assert calls["greet"].summary == "Say hello."


def test_texts_with_values_are_texts_in_results() -> None:
    """WEBMAIL-143: an error's text may be a value of a result, as in lists of problems; other types stay faults."""
    assert encode_result([worded("{n} rules", n=12_000)]) == b'{"result":["12,000 rules"]}'
    with pytest.raises(NotImplementedError):
        encode_result(object())


def test_parameters_are_strict() -> None:
    """WEBMAIL-23."""
    entry = calls_of(Example)["greet"]
    assert decode_parameters(entry, b'{"name": "x"}').loud is False  # type: ignore[attr-defined]
    for body in (b"", b"{}", b'{"name": 1}', b'{"name": "x", "other": 1}', b'{"name": "x", "loud": 1}', b"[1]"):
        with pytest.raises(UserError):
            decode_parameters(entry, body)


BASES = {"changed", "mark", "draft_id"}
"""Parameters that say what the user was shown. A draft that is changed gets another id."""

WHOLE = frozenset(
    {
        *("account_app_password_rm", "app_password_remove_all", "session_remove", "session_remove_others"),
        *("account_delegate_rm", "account_remove_access", "calendar_link_rm", "config_tlspubkey_rm", "factor_remove"),
        *("address_rm", "link_rm", "notices_remove", "queue_suppress_remove", "upload_remove", "message_delete"),
        *("mailbox_delete", "calendar_remove", "address_book_remove", "contact_group_remove", "label_remove"),
    }
)
"""Calls that remove what isn't written and changed: access, addresses, messages; and mailboxes, calendars, address
books, groups, and labels, with whatever is in them.
"""


def test_what_was_changed_meanwhile_is_not_removed_without_a_word() -> None:
    """WEBMAIL-24b: a call that removes what people write says how it was shown."""
    entries = {**calls_of(*WEBMAIL), **calls_of(*ACCOUNT)}
    removals = {name for name in entries if re.search(r"remove|delete(?!d)|_rm$|merge", name)}
    assert removals >= WHOLE
    unsafe = {name for name in removals - WHOLE if not {*entries[name].parameters.__struct_fields__} & BASES}
    assert unsafe == set()


class Bounded:
    """A call with bounds."""

    @call()
    async def write(
        self,
        caller: object,
        subject: Annotated[str, Meta(max_length=5, min_length=2)],
        to: Annotated[list[int], Meta(max_length=2)] = [],  # noqa: B006
        name: Annotated[str, Meta(min_length=1)] = "",
        undo: Annotated[int, Meta(ge=1, le=60)] = 1,
    ) -> None:
        """Write."""
        raise NotImplementedError


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"subject": "too long"}', "subject: must be 5 characters or fewer"),
        (b'{"subject": "x"}', "subject: must be at least 2 characters"),
        (b'{"subject": "xyz", "to": [1, 2, 3]}', "to: you can have up to 2 entries"),
        (b'{"subject": "xyz", "undo": 61}', "undo: must be a number up to 60"),
        (b'{"subject": "xyz", "undo": 0}', "undo: must be 1 or more"),
    ],
)
def test_a_value_beyond_its_bounds_is_told_in_words(body: bytes, text: str) -> None:
    """WEBMAIL-23, WEBMAIL-143: with the bound as a value, so that a page can say it in its language."""
    with pytest.raises(UserError) as caught:
        decode_parameters(calls_of(Bounded)["write"], body)
    assert caught.value.text == text
    assert msgspec.json.decode(encode_error(caught.value))["error"]["words"]["values"]["limit"] in (1, 2, 5, 60)


def test_a_text_that_must_not_be_empty_is_told_so() -> None:
    """WEBMAIL-23: without "at least 1 characters"."""
    with pytest.raises(UserError) as caught:
        decode_parameters(calls_of(Bounded)["write"], b'{"subject": "xyz", "name": ""}')
    assert caught.value.text == "name: can't be empty"


def test_a_remark_brings_what_it_was_made_of() -> None:
    """WEBMAIL-143."""
    assert remark("plain") == Remark("plain")
    made = remark(worded("line {line}: {reason}", line=3, reason=ValueError("odd")))
    reason = {"text": "odd", "values": {}}
    assert made == Remark("line 3: odd", {"text": "line {line}: {reason}", "values": {"line": 3, "reason": reason}})


def test_only_logging_in_is_public() -> None:
    """WEB-53."""
    public = {name for name, entry in calls_of(*WEBMAIL).items() if entry.public}
    assert public == {
        "login_prep",
        "login",
        "login_factor",
        "provider_name",
        "provider_login",
        "provider_finish",
    }


def generators() -> Path:
    path = top() / "script"
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))
    return path


def test_the_schema_and_the_types_are_those_of_the_code() -> None:
    """WEBMAIL-24."""
    generators()
    from generators import webmail

    for name, content in webmail.outputs().items():
        assert (top() / name).read_bytes() == content, f"{name}: run script/gen"
        if name.endswith(".json"):
            schema = json.loads(content)
            assert "#/$defs/MessageItem" in json.dumps(schema)


@pytest.mark.nightly
@pytest.mark.slow
def test_the_bundles_are_those_of_their_sources() -> None:
    """WEBMAIL-5, WEBMAIL-106."""
    generators()
    from generators import bundles

    if not bundles.ESBUILD.exists() or shutil.which("node") is None:
        pytest.skip("frontend/node_modules is missing")
    for name, content in bundles.outputs().items():
        assert (top() / name).read_bytes() == content, f"{name}: run script/gen"


@pytest.mark.slow
def test_the_frontend_is_strictly_typed() -> None:
    """WEBMAIL-106."""
    tsc = top() / "frontend" / "node_modules" / ".bin" / "tsc"
    if not tsc.exists() or shutil.which("node") is None:
        pytest.skip("frontend/node_modules is missing")
    subprocess.run([tsc, "--noEmit", "-p", "."], cwd=top() / "frontend", check=True)
    settings = json.loads((top() / "frontend" / "tsconfig.json").read_text())["compilerOptions"]
    for name in ("strict", "noUnusedLocals", "noUnusedParameters", "noImplicitReturns", "noFallthroughCasesInSwitch"):
        assert settings[name] is True
    package = json.loads((top() / "frontend" / "package.json").read_text())
    assert set(package["devDependencies"]) == {"@biomejs/biome", "typescript", "esbuild", "axe-core"}
    assert set(package["dependencies"]) == {"squire-rte"}, "the editor, a part of its own (decisions/013)"
