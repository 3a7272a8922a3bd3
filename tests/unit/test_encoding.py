"""Decoding into types from several threads at once, and encoding (moxlite/encoding.py)."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest

from moxlite.encoding import (
    bounded,
    from_builtins,
    from_json,
    from_msgpack,
    json_decoder,
    msgpack_decoder,
    to_builtins,
    to_json,
    to_msgpack,
)
from moxlite.wording import remark, worded
from tests.trees import nodes, trees


class Closed(msgspec.Struct, forbid_unknown_fields=True):
    """A type that knows its fields, as the parameters of all calls do."""


TOP = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "octets", [b'{"\xff": 1}', b'{"a": "\xff"}', b'"\xff"', b"[" * 100_000, b'{"a": ' * 100_000, b"\xff"]
)
@pytest.mark.parametrize("kind", [object, str, dict[str, str], Closed, list[object]])
def test_whatever_octets_come_the_errors_are_those_of_msgspec(octets: bytes, kind: object) -> None:
    """WEB-134: msgspec itself has UnicodeDecodeError and RecursionError too."""
    with pytest.raises(msgspec.DecodeError):
        from_json(octets, kind)
    with pytest.raises(msgspec.DecodeError):
        json_decoder(kind).decode(octets)
    packed = b"\x81\xa1\xff\x01"
    with pytest.raises(msgspec.DecodeError):
        from_msgpack(packed, kind)
    with pytest.raises(msgspec.DecodeError):
        msgpack_decoder(kind).decode(packed)


class Open(msgspec.Struct):
    """Integers without bounds."""

    a: int | None = None
    b: list[dict[str, int]] = []
    c: str = ""


@pytest.mark.parametrize(
    "octets",
    [
        b'{"a": 9007199254740992}',
        b'{"a": -9007199254740992}',
        b'{"a": 1e30}',
        b'{"b": [{"x": 1}, {"x": %s}]}' % (b"9" * 400),
    ],
)
def test_integers_of_clients_have_an_end(octets: bytes) -> None:
    """WEB-134: without a bound in their type, in whatever form."""
    with pytest.raises(msgspec.DecodeError):
        bounded(from_json(octets, Open), octets)


def test_other_integers_and_digits_in_texts_are_taken() -> None:
    """WEB-134."""
    octets = b'{"a": 9007199254740991, "b": [{"x": -9007199254740991}], "c": "99999999999999999999"}'
    assert bounded(from_json(octets, Open), octets) == from_json(octets, Open)


PROGRAM = """
    import sys, threading
    import msgspec
    from moxlite.encoding import from_builtins, from_json, from_msgpack

    sys.setswitchinterval(1e-6)
    for number in range(100):
        class Inner(msgspec.Struct):
            a: int
            b: str

        class Middle(msgspec.Struct):
            a: tuple[Inner, ...]
            b: dict[str, str]

        class Outer(msgspec.Struct):
            a: int
            r: tuple[Middle, ...]
            b: str
            c: bool

        value = {"a": 1, "r": [{"a": [{"a": 1, "b": ""}], "b": {}}], "b": "x", "c": True}
        as_json, as_msgpack = msgspec.json.encode(value), msgspec.msgpack.encode(value)
        barrier = threading.Barrier(6)

        def use(which, Outer=Outer, barrier=barrier, value=value, as_json=as_json, as_msgpack=as_msgpack):
            barrier.wait()
            for _ in range(3):
                (lambda: from_builtins(value, Outer), lambda: from_json(as_json, Outer),
                 lambda: from_msgpack(as_msgpack, Outer))[which % 3]()

        threads = [threading.Thread(target=use, args=(n,)) for n in range(6)]
        for one in threads: one.start()
        for one in threads: one.join()
    print("done")
"""


def test_a_type_is_first_used_by_several_threads_at_once() -> None:
    """With msgspec alone the process dies by SIGSEGV in the first rounds: a server died so after it had taken over
    (STORE-186h), when a thread listed the queue while the loop read its first row.
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)], cwd=TOP, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-2000:]


def test_each_way_decodes_and_refuses() -> None:
    """The functions do as msgspec's of the same kind."""

    class Pair(msgspec.Struct):
        a: int
        b: str = ""

    assert from_json(b'{"a":1}', Pair) == json_decoder(Pair).decode(b'{"a":1}') == Pair(1)
    packed = msgspec.msgpack.encode({"a": 1})
    assert from_msgpack(packed, Pair) == msgpack_decoder(Pair).decode(packed) == Pair(1)
    assert from_builtins({"a": "1"}, Pair, strict=False) == Pair(1)
    assert from_builtins(Pair(2), Pair, from_attributes=True) == Pair(2)
    with pytest.raises(msgspec.ValidationError):
        from_json(b'{"a":"1"}', Pair)
    with pytest.raises(msgspec.ValidationError):
        from_msgpack(msgspec.msgpack.encode({}), Pair)
    with pytest.raises(msgspec.ValidationError):
        from_builtins({"a": "1"}, Pair)


def test_no_other_module_gives_a_type_to_msgspec() -> None:
    """A decoder that is made elsewhere would not wait for the lock."""
    functions = {"convert": 2, "json.decode": 2, "msgpack.decode": 2, "json.Decoder": 1, "msgpack.Decoder": 1}
    found = []
    for path in trees():
        if path == "encoding.py":
            continue
        for node in nodes(path, ast.Call):
            called = ast.unparse(node.func) if isinstance(node.func, ast.Attribute) else ""
            name = called.removeprefix("msgspec.")
            typed = len(node.args) >= functions.get(name, 99) or any(word.arg == "type" for word in node.keywords)
            if called.startswith("msgspec.") and name in functions and typed:
                found.append(f"{path}:{node.lineno}")
            if called in {"toml.decode", "yaml.decode"}:
                found.append(f"{path}:{node.lineno}")
    assert not found, f"use moxlite.encoding: {found}"


class Unknown:
    """A type that no encoder knows."""


def test_a_text_with_its_values_is_written_as_text() -> None:
    """MOVE-9: msgspec itself refuses subclasses of str."""
    reason = worded("{host}: {why}", host="mx.example", why=worded("closed"))
    with pytest.raises(TypeError, match="Worded"):
        msgspec.json.encode([reason])
    assert from_json(to_json({reason: [reason, remark(reason).words]}), object) == {
        "mx.example: closed": [
            "mx.example: closed",
            {"text": "{host}: {why}", "values": {"host": "mx.example", "why": {"text": "closed", "values": {}}}},
        ]
    }
    assert from_msgpack(to_msgpack([reason]), list[str]) == ["mx.example: closed"]
    assert [type(text) for text in to_builtins((reason,))] == [str]
    with pytest.raises(NotImplementedError, match="Unknown"):
        to_json(Unknown())


def test_no_other_module_encodes_by_msgspec() -> None:
    """An encoder that is made elsewhere would refuse a text with its values."""
    functions = {"json.encode", "msgpack.encode", "json.Encoder", "msgpack.Encoder", "to_builtins"}
    kept = {
        "admin/offer.py": "names of protocols and hosts, sorted",
        "encoding.py": "these are the encoders, and objects that were decoded",
        "proto/sieve/script.py": "a parsed script, whose octets are always the same",
    }
    found = [
        f"{path}:{node.lineno}"
        for path in trees()
        if path not in kept
        for node in nodes(path, ast.Attribute)
        if ast.unparse(node).removeprefix("msgspec.") in functions and ast.unparse(node).startswith("msgspec.")
    ]
    imported = [
        f"{path}:{node.lineno}"
        for path in trees()
        for node in nodes(path, ast.ImportFrom)
        if node.module in ("msgspec", "msgspec.json", "msgspec.msgpack")
        and {name.name for name in node.names} & {"json", "msgpack", "to_builtins", "encode", "Encoder"}
    ]
    assert not found + imported, f"use moxlite.encoding: {found + imported}"
