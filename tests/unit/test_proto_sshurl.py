"""URLs of folders on another machine (docs/spec/store.md, STORE-184a)."""

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.sshurl import SSHURL, parse_ssh_url

names = st.text("abcXYZ019._", min_size=1)
paths = st.lists(
    st.text(st.characters(categories=("L", "N", "P"), include_characters=" "), min_size=1), min_size=1
).map("/".join)


@given(names, paths, names | st.just(""), st.integers(1, 65535))
def test_a_url_is_read_as_it_was_written(host: str, path: str, user: str, port: int) -> None:
    """STORE-184a."""
    url = SSHURL(host.lower(), f"/{path}".rstrip("/") or "/x", user, port)
    assert parse_ssh_url(str(url)) == url


def test_parts_have_defaults() -> None:
    """STORE-184a."""
    assert parse_ssh_url("ssh://nas/moxlite/") == SSHURL("nas", "/moxlite")
    assert parse_ssh_url("ssh://me@[2001:db8::1]:23/x") == SSHURL("2001:db8::1", "/x", "me", 23)
    assert str(parse_ssh_url("ssh://me@[2001:db8::1]:23/x%20y")) == "ssh://me@[2001:db8::1]:23/x%20y"


@pytest.mark.parametrize(
    "text",
    [
        "ssh://nas",
        "ssh://nas/",
        "ssh:///path",
        "ssh://nas:port/x",
        "ssh://me:secret@nas/x",
        "ssh://-oProxyCommand=id/x",
        "ssh://-l@nas/x",
        "ssh://na%20s/x",
        "ssh://nas/a%0Ab",
        "ssh://nas/x?y",
        "sftp://nas/x",
        "ssh://[::1/x",
    ],
)
def test_what_is_no_such_url_is_refused(text: str) -> None:
    """STORE-184a: among others, what the ssh program would take for an option, and a line end in a batch."""
    with pytest.raises(ValueError, match=r"[a-z]"):
        parse_ssh_url(text)
