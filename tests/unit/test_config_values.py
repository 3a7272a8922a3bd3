"""Durations, sizes, and other values of configuration files (ADMIN-2)."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from moxlite.config import values
from moxlite.config.values import format_duration, format_size, parse_duration, parse_size

BASE = Path("/etc/moxlite")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15s", 15), ("24h", 86400), ("7d", 604800), ("1h30m", 5400), ("0s", 0), ("250ms", 0.25), ("1.5h", 5400)],
)
def test_durations_are_texts_with_units(text: str, seconds: float) -> None:
    """ADMIN-2: "15s", "24h", "7d"."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "s", "1y", "-1s", " 1s", "1 s", "1s ", "١s", "99999999999d", "1h 30m"])
def test_other_texts_are_no_durations(text: str) -> None:
    """ADMIN-2."""
    with pytest.raises(ValueError):
        parse_duration(text)


@given(st.integers(0, 10**12))
def test_a_shown_duration_reads_back(milliseconds: int) -> None:
    """ADMIN-7: defaults are shown as what could be in the file."""
    assert round(parse_duration(format_duration(milliseconds / 1000)) * 1000) == milliseconds


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (104857600, 104857600),
        ("100m", 104857600),
        ("2g", 2 << 30),
        ("2G", 2 << 30),
        ("500k", 512000),
        ("7", 7),
        (-1, -1),
    ],
)
def test_sizes_are_integers_or_texts_in_powers_of_1024(value: object, octets: int) -> None:
    """ADMIN-2, WEB-81: case doesn't matter."""
    assert parse_size(value) == octets


@pytest.mark.parametrize("value", ["", "m", "1.5g", "1kb", True, 1.5, None, [1], "1e3", 1 << 60])
def test_other_values_are_no_sizes(value: object) -> None:
    """ADMIN-2."""
    with pytest.raises(ValueError):
        parse_size(value)


@given(st.integers(0, 1 << 50))
def test_a_shown_size_reads_back(size: int) -> None:
    """ADMIN-7."""
    assert parse_size(format_size(size)) == size


def test_domains_must_be_in_unicode_form_and_the_error_names_it() -> None:
    """ADMIN-2: other forms are an error that names the right form."""
    assert values.read_domain("bücher.example", BASE).ascii == "xn--bcher-kva.example"
    with pytest.raises(ValueError, match=r'use "bücher\.example"'):
        values.read_domain("xn--bcher-kva.example", BASE)
    with pytest.raises(ValueError, match=r'use "example\.org"'):
        values.read_domain("Example.ORG", BASE)


def test_mailboxes_must_be_nfc() -> None:
    """ADMIN-2, ADMIN-9: mailbox not NFC."""
    assert values.read_mailbox("Entwürfe", BASE) == "Entwürfe"
    with pytest.raises(ValueError, match="NFC"):
        values.read_mailbox("Entwu\u0308rfe", BASE)


def test_inbox_has_one_spelling() -> None:
    """ADMIN-9: checks for Inbox hold in any case."""
    assert values.read_mailbox("INBOX", BASE) == "Inbox"


def test_relative_paths_start_at_the_configuration() -> None:
    """ADMIN-4."""
    assert values.read_path("hostkeys/a.pem", BASE) == Path("/etc/moxlite/hostkeys/a.pem")
    assert values.read_path("/srv/a.pem", BASE) == Path("/srv/a.pem")


def test_networks_with_host_bits_are_an_error_with_the_network() -> None:
    """ADMIN-3: what is wrong, and the likely right form."""
    with pytest.raises(ValueError, match=r"here 192\.0\.2\.0/24"):
        values.read_network("192.0.2.1/24", BASE)


@pytest.mark.parametrize("text", ["ftp://x/", "http://", "https:///path", "//x", "x", "http://x:99999/"])
def test_only_http_urls_are_urls(text: str) -> None:
    """ADMIN-9: webhook URL not http(s)."""
    with pytest.raises(ValueError):
        values.read_url(text, BASE)


def test_control_characters_are_refused_in_texts() -> None:
    """ADMIN-65."""
    with pytest.raises(ValueError, match="control"):
        values.read_ascii("line\nline", BASE)
