"""OAUTHBEARER and XOAUTH2, client side (RFC 7628)."""

import pytest

from moxlite.proto.sasl import choose_oauth
from moxlite.proto.sasl.types import AuthenticationFailed, Malformed


def test_the_message_is_that_of_the_rfc() -> None:
    """IMAP-136: RFC 7628 §4.1."""
    bearer = choose_oauth(
        {"PLAIN", "oauthbearer", "XOAUTH2"}, "user@example.com", "vF9dft4qmT", host="server", port=143
    )
    assert bearer is not None
    assert bearer.name == "OAUTHBEARER"
    assert bearer.initial() == (b"n,a=user@example.com,\x01host=server\x01port=143\x01auth=Bearer vF9dft4qmT\x01\x01")
    bearer.finish()


def test_a_refusal_is_explained_and_answered_once() -> None:
    """IMAP-136: RFC 7628 §3.2.3."""
    for offers, answer in (({"OAUTHBEARER"}, b"\x01"), ({"XOAUTH2"}, b"")):
        bearer = choose_oauth(offers, "u", "t")
        assert bearer is not None
        assert bearer.step(b'{"status":"401"}') == answer
        with pytest.raises(Malformed):
            bearer.step(b"again")
        with pytest.raises(AuthenticationFailed, match="401"):
            bearer.finish()


def test_only_tokens_are_sent() -> None:
    """IMAP-136: a token that would break the message is refused; without an offer there is nothing to do."""
    assert choose_oauth({"PLAIN"}, "u", "t") is None
    for token in ("", "a\x01b", "a b", "é"):
        with pytest.raises(ValueError, match="invalid bearer token"):
            choose_oauth({"OAUTHBEARER"}, "u", token)
    named = choose_oauth({"OAUTHBEARER"}, "a=b,c", "t")
    assert named is not None
    assert named.initial() == b"n,a=a=3Db=2Cc,\x01auth=Bearer t\x01\x01"


def test_a_refusal_without_words_or_in_odd_octets_is_one() -> None:
    """IMAP-136: RFC 7628 §3.2.2."""
    for octets, text in ((b"", "no reason given"), (b"\xff", "\ufffd")):
        client = choose_oauth(["OAUTHBEARER"], "a,b=c", "token")
        assert client is not None
        assert client.initial() == b"n,a=a=2Cb=3Dc,\x01auth=Bearer token\x01\x01"
        client.step(octets)
        with pytest.raises(AuthenticationFailed, match=text):
            client.finish()
