"""What crosses between two processes of a server, as octets (docs/decisions/031-workers.md)."""

import os
import string

import msgspec
import pytest
from hypothesis import given, strategies as st

from moxlite.encoding import to_msgpack
from moxlite.store.auth.sessions import Session, SessionStolen
from moxlite.store.errors import AccountUnknown, LimitExceeded, OverQuota, StorageBroken, StoreError, WrongFile
from moxlite.wording import Worded, worded
from moxlite.workers import messages
from moxlite.workers.messages import (
    IN_FILE,
    MAX_MESSAGE,
    Answer,
    Ask,
    Garbled,
    Message,
    Refuse,
    TooLong,
    Value,
    Withdraw,
    decode,
    encode,
)
from moxlite.workers.questions import Descriptors, error_of, refusal

numbers = st.integers(0, 2**63)
texts = st.text(string.printable + "äß漢😀", max_size=50)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | texts | st.binary(max_size=200)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=10
).map(lambda value: Value(to_msgpack(value)))
every_message = st.one_of(
    st.builds(Ask, numbers, texts, values),
    st.builds(Answer, numbers, values),
    st.builds(
        Refuse,
        numbers,
        st.lists(texts, max_size=3).map(tuple),
        st.lists(texts, max_size=3).map(tuple),
        st.dictionaries(texts, values, max_size=3),
    ),
    st.builds(Withdraw, numbers),
)


@given(every_message)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    """Decision 031: questions, replies and errors cross as MessagePack."""
    octets = encode(message)
    assert decode(octets) == message
    assert not octets.startswith(IN_FILE)


@given(st.binary(max_size=400))
def test_any_octets_are_a_message_or_garbled(octets: bytes) -> None:
    """Decision 031: garbage from a process that has crashed raises one error."""
    try:
        message = decode(octets)
    except Garbled:
        return
    assert decode(encode(message)) == message


@given(every_message, st.data())
def test_a_cut_or_changed_message_is_never_taken_for_more_than_one(message: Message, data: st.DataObject) -> None:
    """Decision 031: octets beyond a message, or too few of them, are garbage."""
    octets = encode(message)
    cut = data.draw(st.integers(0, len(octets) - 1))
    with pytest.raises(Garbled):
        decode(octets[:cut])
    with pytest.raises(Garbled):
        decode(octets + b"\x00")


def test_a_message_has_a_bound() -> None:
    """Decision 031: no process can make another one hold more."""
    with pytest.raises(TooLong):
        encode(Answer(1, Value(to_msgpack(b"x" * MAX_MESSAGE))))


def test_a_long_message_is_a_file_in_memory() -> None:
    """Decision 031: what is longer than a packet goes in a file."""
    descriptor = messages.write_file(b"x" * 200_000)
    try:
        assert messages.read_file(descriptor) == b"x" * 200_000
    finally:
        os.close(descriptor)


def test_what_is_no_file_in_memory_is_garbled() -> None:
    """Decision 031: nobody waits for octets of a pipe, and a file has a bound, too."""
    for descriptor in os.pipe():
        os.write(descriptor, b"x") if os.get_inheritable(descriptor) else None
        with pytest.raises(Garbled):
            messages.read_file(descriptor)
        os.close(descriptor)
    large = os.memfd_create("large")
    os.truncate(large, MAX_MESSAGE + 1)
    with pytest.raises(Garbled):
        messages.read_file(large)
    os.close(large)
    with pytest.raises(Garbled):
        messages.read_file(large)


def test_descriptors_that_are_not_taken_are_closed() -> None:
    """Decision 031: a question with descriptors that fails leaves none of them open."""
    kept, left = os.pipe()
    descriptors = Descriptors([kept, left])
    assert descriptors.take() == kept
    descriptors.close()
    os.fstat(kept)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(left)
    os.close(kept)


def crossed(error: StoreError) -> Exception:
    """An error after it has crossed."""
    message = decode(encode(refusal(1, error, (StoreError,))))
    assert isinstance(message, Refuse)
    return error_of(message, (StoreError,))


SESSION = Session(7, "webmail", "mia", "mia@example.org", "192.0.2.1", "browser", 1, 2, 3)


@pytest.mark.parametrize(
    "error", [AccountUnknown("mia"), OverQuota(12, 10), StorageBroken("no disk"), SessionStolen(SESSION)]
)
def test_an_error_has_its_type_text_and_attributes(error: StoreError) -> None:
    """Decision 031: protocols translate an error in the same way wherever it was raised."""
    found = crossed(error)
    assert type(found) is type(error)
    assert (str(found), vars(found)) == (str(error), vars(error))


def test_an_errors_text_can_still_be_translated() -> None:
    """Decision 031, WEBMAIL-143: the template and its values cross, not the English text alone."""
    found = crossed(LimitExceeded(worded("{n} messages a day", n=10)))
    assert isinstance(found, LimitExceeded)
    assert isinstance(found.args[0], Worded)
    assert found.args[0].template == "limit exceeded: {name}"
    assert found.name == "10 messages a day"


def test_an_error_that_cannot_cross_whole_becomes_its_base() -> None:
    """Decision 031: a path is no plain value, and the protocols only tell the bases apart."""
    from pathlib import Path

    found = crossed(WrongFile(Path("/data/auth.db"), "no database"))
    assert type(found) is StorageBroken
    assert str(found) == "/data/auth.db: no database"


def test_an_error_of_another_tree_is_garbled() -> None:
    """Decision 031: a process can't make another one raise whatever it names."""
    with pytest.raises(Garbled):
        error_of(Refuse(1, ("builtins.KeyboardInterrupt", "builtins.SystemExit")), (StoreError,))
    stolen = refusal(1, SessionStolen(SESSION), (StoreError,))
    wrong = msgspec.structs.replace(stolen, attributes={"session": Value(to_msgpack("no session"))})
    with pytest.raises(Garbled):
        error_of(wrong, (StoreError,))
