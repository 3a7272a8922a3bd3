"""Records for the checks of receivers, merged with records that are there (docs/spec/admin.md §9)."""

import pytest

from moxlite.admin.dns.senders import merged_spf

OWN = "v=spf1 ip4:192.0.2.1 mx ~all"


def test_no_term_of_a_long_record_is_lost() -> None:
    """ADMIN-48b: a record that is replaced keeps what else it permits, and its own `all`."""
    terms = [f"ip4:198.51.100.{number}" for number in range(60)]
    merged = merged_spf(OWN, [" ".join(["v=spf1", *terms, "-all"])])
    assert merged.split() == ["v=spf1", "ip4:192.0.2.1", "mx", *terms, "-all"]


@pytest.mark.parametrize(
    ("found", "merged"),
    [
        ([], OWN),
        (["v=spf1 include:provider.example -all"], "v=spf1 ip4:192.0.2.1 mx include:provider.example -all"),
        (["v=spf1 a ?ALL"], "v=spf1 ip4:192.0.2.1 mx a ?all"),
        (["v=spf1 a ~all", "v=spf1 b.example -all"], "v=spf1 ip4:192.0.2.1 mx a b.example -all"),
        (["v=spf1 a +all"], OWN.replace("~", "a ~")),
        (["v=spf1 redirect=other.example"], "v=spf1 ip4:192.0.2.1 mx include:other.example ~all"),
        (["v=spf1 mx ip4:192.0.2.1 -all"], "v=spf1 mx ip4:192.0.2.1 -all"),
    ],
)
def test_the_owners_own_qualifier_stays(found: list[str], merged: str) -> None:
    """ADMIN-71a: `-all` is not weakened to `~all`; a record that permits all senders is not kept."""
    assert merged_spf(OWN, found) == merged
