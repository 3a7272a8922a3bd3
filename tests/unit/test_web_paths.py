"""Paths and hosts of requests, as routing sees them."""

import pytest
from hypothesis import given, strategies as st

from moxlite.web.http.paths import normalise_path, parse_host, split_target


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("", "/"),
        ("/", "/"),
        ("/a//b/", "/a/b/"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("/%2e%2e/%2E%2e/x", "/x"),
        ("/a/b/..", "/a/"),
        ("/a%2Fb", "/a/b"),
        ("/b%C3%BCro", "/büro"),
        ("/%zz", "/%zz"),
        ("*", "/*"),
    ],
)
def test_paths_are_decoded_once_and_lose_their_dots(raw: str, path: str) -> None:
    """WEB-6, WEB-131."""
    assert normalise_path(raw) == path


def test_a_path_is_decoded_only_once() -> None:
    """WEB-6: what was encoded twice stays encoded once."""
    assert normalise_path("/%252e%252e/x") == "/%2e%2e/x"


@given(st.text(max_size=60))
def test_a_normalised_path_never_leaves_its_root(raw: str) -> None:
    """WEB-6, WEB-131."""
    path = normalise_path(raw)
    assert path.startswith("/")
    assert "//" not in path
    assert not {".", ".."} & set(path.split("/"))


@pytest.mark.parametrize(
    ("authority", "name", "is_ip"),
    [
        ("Mail.Example.ORG", "mail.example.org", False),
        ("mail.example.org.:8080", "mail.example.org", False),
        ("127.0.0.1:1080", "127.0.0.1", True),
        ("[::1]:1080", "::1", True),
        ("[0:0::1]", "::1", True),
        ("b\u00c3\u00bccher.example", "xn--bcher-kva.example", False),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", False),
        ("", None, False),
        ("a b", None, False),
        ("user@host", None, False),
        ("[::1", None, False),
        ("a" * 300, None, False),
        ("..", None, False),
        ("-a.example", None, False),
    ],
)
def test_hosts_are_recognised(authority: str, name: str | None, is_ip: bool) -> None:
    """WEB-7."""
    host = parse_host(authority)
    assert (host.name, host.is_ip) == (name, is_ip)


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=80))
def test_no_host_makes_the_parser_fail(authority: str) -> None:
    """WEB-7, WEB-132."""
    assert parse_host(authority).authority == authority


def test_the_authority_of_an_absolute_target_is_found() -> None:
    """WEB-5: absolute form."""
    assert split_target("http://a.example:80/x?y=1") == ("a.example:80", "/x", "y=1")
    assert split_target("http://a.example?y") == ("a.example", "", "y")
    assert split_target("/x?y") == (None, "/x", "y")
