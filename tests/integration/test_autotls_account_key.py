"""The key of our account at a CA is changed at Debian's pebble (RFC 8555 §7.3.5)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.autotls.child import Conversation, work
from moxlite.autotls.files import account_key
from moxlite.autotls.messages import Authority, Failed, KeyChange, KeyChanged
from tests.acmeca import Answer, Pebble
from tests.tools import free_port

pytestmark = [pytest.mark.integration, pytest.mark.served]

BROKEN = (500, {"Content-Type": "text/plain"}, b"out of order")


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[Pebble]:
    """A CA that refuses a part of all nonces."""
    with Pebble(tmp_path, free_port(), free_port(), nonces=20) as running:
        yield running


def authority(ca: Pebble, key: str) -> Authority:
    return Authority(ca.directory, "admin@example.org", key, ca_file=str(ca.ca_file))


def registered(ca: Pebble, key: str) -> str:
    """The account of a key, which is made."""
    conversation = Conversation(authority(ca, key))
    conversation.open()
    conversation.register()
    assert conversation.net.account is not None
    return str(conversation.net.account.uri)


def test_the_account_stays_and_its_key_is_another(ca: Pebble) -> None:
    """WEB-112a: the account's URI, which a CAA record names, is the same under the next key; asked again, the CA is
    not troubled twice, as after an answer that was lost.
    """
    first, second = account_key(), account_key()
    uri = registered(ca, first)
    change = KeyChange(authority(ca, first), second)
    assert work(change) == KeyChanged(uri)
    assert registered(ca, second) == uri
    before = len(ca.asked)
    assert work(change) == KeyChanged(uri)
    assert "/rollover-account-key" not in ca.asked[before:]
    assert registered(ca, first) != uri, "the former key is free"


def test_an_answer_that_is_lost_counts(ca: Pebble) -> None:
    """WEB-112a: the CA has made the change, and answers with an error; one that has not made it keeps the former
    key.
    """
    first, second, third = account_key(), account_key(), account_key()
    uri = registered(ca, first)

    def err(path: str) -> Answer | None:
        return BROKEN if path == "/rollover-account-key" else None

    ca.err = err
    assert work(KeyChange(authority(ca, first), second)) == KeyChanged(uri, "the CA returned HTTP status 500")
    assert registered(ca, first) == uri
    ca.err = lambda _: None
    ca.lost = "/rollover-account-key"
    assert work(KeyChange(authority(ca, first), second)) == KeyChanged(uri)
    assert registered(ca, second) == uri
    ca.err = lambda _: BROKEN
    assert isinstance(work(KeyChange(authority(ca, second), third)), Failed)


def test_a_ca_without_changes_of_keys(ca: Pebble) -> None:
    """WEB-112a: and an account that another key has is not taken from it."""
    first, second = account_key(), account_key()
    assert work(KeyChange(authority(ca, first), second)) == KeyChanged("")
    uri = registered(ca, first)
    ca.alter = lambda text: text.replace(b'"keyChange"', b'"other"')
    assert work(KeyChange(authority(ca, first), second)) == KeyChanged(
        uri, "the CA doesn't support account key changes"
    )
