"""Organizational domains by the list of public suffixes (AUTH-9)."""

import pytest

from moxlite.proto.publicsuffix import organizational_domain


@pytest.mark.parametrize(
    ("domain", "organization"),
    [
        ("example.org", "example.org"),
        ("a.b.example.org", "example.org"),
        ("mail.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("org", "org"),
        ("a.b.c.ck", "b.c.ck"),  # *.ck
        ("a.www.ck", "www.ck"),  # !www.ck
        ("a.b.unlisted", "b.unlisted"),
        ("me.github.io", "github.io"),  # of the private section, which does not count
        ("x.straße.example", "straße.example"),
    ],
)
def test_the_domain_of_an_organization(domain: str, organization: str) -> None:
    """AUTH-9: rules with `*` and `!`, the ICANN section alone, top-level domains that it does not have."""
    assert organizational_domain(domain) == organization
