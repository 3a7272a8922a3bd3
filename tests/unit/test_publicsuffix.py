"""Organizational domains by the list of public suffixes (AUTH-9)."""

from pathlib import Path
from typing import Any

import publicsuffixlist
import pytest
from publicsuffixlist import PublicSuffixList

from moxlite.proto import publicsuffix
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


def test_the_list_is_the_one_that_the_library_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-9: all rules of the ICANN section, with A-labels for those that have U-labels, and no others."""
    source = Path(publicsuffixlist.PSLFILE).read_bytes()
    monkeypatch.setattr(publicsuffix, "_lists", [])
    publicsuffix.use(source)
    ours, theirs = publicsuffix._lists[0], PublicSuffixList(source, only_icann=True)
    assert (ours._publicsuffix, ours._maxlabel) == (theirs._publicsuffix, theirs._maxlabel)
    assert ours.privatesuffix("a.b.xn--55qw42g.cn") == theirs.privatesuffix("a.b.xn--55qw42g.cn")


def test_a_list_that_was_replaced_gives_no_more_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-9: not even the answer to a look-up that ran in a thread while the list was replaced."""
    monkeypatch.setattr(publicsuffix, "_lists", [])
    frame = b"// ===BEGIN ICANN DOMAINS===\n%b\n// ===END ICANN DOMAINS===\n"

    class Slow(PublicSuffixList):
        def privatesuffix(self, *args: Any, **options: Any) -> Any:
            publicsuffix.use(frame % b"example\nco.example")
            return super().privatesuffix(*args, **options)

    publicsuffix._lists[:] = [Slow(["example"])]
    assert organizational_domain("a.b.co.example") == "co.example"
    assert organizational_domain("a.b.co.example") == "b.co.example"
