"""Exchanges of webapi v0, as its clients make them (fixtures/webapi): fields, types and codes on the wire."""

import datetime as dt
import json
import re
from typing import Any

import pytest

from tests.session.test_web_webapi import API, MAIL, add
from tests.session.test_web_webapi_send import configured
from tests.tools import top
from tests.web_rig import STATIC, Rig
from tests.webapi import REQUESTS, RESULTS, TIME, Client, check

pytestmark = [pytest.mark.served, pytest.mark.rig(static=STATIC + API, domains=configured())]

EXCHANGES: list[dict[str, Any]] = json.loads((top() / "fixtures/webapi/v0.json").read_text())


def filled(value: Any, number: int) -> Any:
    """A request without its placeholders."""
    if isinstance(value, dict):
        return {name: filled(one, number) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, number) for one in value]
    if value == "@+1d":
        return (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat()
    return number if value == "$id" else value


def differences(found: Any, wanted: Any, path: str = "") -> list[str]:
    """Places at which an answer differs from its fixture."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        names = set(wanted) ^ set(found)
        shared = wanted.keys() & found.keys()
        return sorted(f"{path}.{name} is missing or unknown" for name in names) + [
            one for name in shared for one in differences(found[name], wanted[name], f"{path}.{name}")
        ]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [
            one
            for at, pair in enumerate(zip(found, wanted, strict=True))
            for one in differences(*pair, f"{path}[{at}]")
        ]
    match wanted:
        case "#":
            same = type(found) is int
        case "@":
            same = isinstance(found, str) and TIME.fullmatch(found) is not None
        case str() if wanted.startswith("~"):
            same = isinstance(found, str) and re.fullmatch(wanted[1:], found, re.DOTALL) is not None
        case _:
            same = type(found) is type(wanted) and found == wanted
    return [] if same else [f"{path}: {found!r} instead of {wanted!r}"]


def test_every_method_has_exchanges() -> None:
    """WEB-94: each method has one that succeeds, and requests have each field of the specification."""
    assert {one["Method"] for one in EXCHANGES if one["Status"] == 200} == set(REQUESTS)
    for one in EXCHANGES:
        if one.get("Answer", {}).get("Code") != "protocol":
            assert set(one["Request"]) == set(REQUESTS[one["Method"]]), one


async def test_exchanges_are_as_in_the_fixtures(rig: Rig) -> None:
    """WEB-91, WEB-93, WEB-94, WEB-95: each answer has the fixture's status, fields, types and codes."""
    api = Client(rig, port=82)
    number = await add(rig, MAIL)
    for one in EXCHANGES:
        body = json.dumps(filled(one["Request"], number)).encode()
        answer = await api.post(one["Method"], body, "application/json")
        assert answer.status == one["Status"], (one, answer.body)
        if "Body" in one:
            wanted = MAIL if one["Body"] == "$raw" else one["Body"].encode()
            assert (answer.body, answer.headers["content-type"]) == (wanted, one["ContentType"])
            continue
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert differences(answer.json, one["Answer"]) == [], one
        if answer.status == 200:
            check(answer.json, RESULTS[one["Method"]])
