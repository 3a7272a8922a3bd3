"""DMARC by tables: records, the walk up the tree, and outcomes (RFC 9989; AUTH-50..58)."""

from collections.abc import Mapping

import pytest

from moxlite.mailauth.dmarc import Discovery, NoPolicy, RecordError, is_record, parse_record, validation, verify
from moxlite.mailauth.results import DKIMResult, DMARCResult, SignatureStatus, SPFResult, SPFStatus
from moxlite.net.resolver import FakeResolver


def world(records: Mapping[str, str | list[str]], *, names: tuple[str, ...] = (), **more: object) -> FakeResolver:
    """`records` are at ``_dmarc.`` of their domains; `names` exist beside."""
    txt = {f"_dmarc.{name}.": [text] if isinstance(text, str) else text for name, text in records.items()}
    return FakeResolver({"TXT": txt, "A": {f"{name}.": ["192.0.2.1"] for name in names}}, **more)  # type: ignore[arg-type]  # as FakeResolver


NONE = "v=DMARC1; p=none"


def spf(domain: str, status: SPFStatus = SPFStatus.PASS) -> SPFResult:
    return SPFResult(status=status, domain=domain)


def dkim(domain: str, status: SignatureStatus = SignatureStatus.PASS) -> DKIMResult:
    return DKIMResult(status=status, domain=domain)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=DMARC1; p=reject", ("reject", None, None, False, "u")),
        ("v=DMARC1;p=quarantine;sp=none;np=reject", ("quarantine", "none", "reject", False, "u")),
        ("v = DMARC1 ; sp=reject; P=REJECT", ("reject", "reject", None, False, "u")),
        ("v=DMARC1; p=reject; pct=0", ("reject", None, None, True, "u")),
        ("v=DMARC1; p=reject; pct=50; rf=afrf; ri=5; zz=1", ("reject", None, None, False, "u")),
        ("v=DMARC1; p=reject; t=y; psd=y", ("reject", None, None, True, "y")),
        ("v=DMARC1; rua=mailto:r@x.example!10m", ("none", None, None, False, "u")),
        ("v=DMARC1; rua=mailto:a@b.example", ("none", None, None, False, "u")),
        ("v=DMARC1; p=rejct; sp=reject; rua=mailto:r@x.example", ("none", None, None, False, "u")),
        ("v=DMARC1; p=reject; garbage; =x; adkim=x", ("reject", None, None, False, "u")),
    ],
)
def test_records_are_read_generously(text: str, expected: tuple[object, ...]) -> None:
    """AUTH-52: unknown tags and bad values fall back to defaults; without a policy it is `none`."""
    assert is_record(text)
    record = parse_record(text)
    got = (record.policy, record.subdomains, record.nonexistent, record.testing, record.psd)
    assert got == expected
    assert all("!" not in uri for uri in record.rua)


@pytest.mark.parametrize("text", ["v=DMARC1; p=rejct", "v=DMARC1; p=none; p=reject", "v=DMARC1; p=none; sp=some"])
def test_records_without_sense_are_refused(text: str) -> None:
    """AUTH-52, RFC 9989 §4.10.1."""
    with pytest.raises(RecordError):
        parse_record(text)


@pytest.mark.parametrize("text", ["p=none; v=DMARC1", "v=DMARC12; p=none", "v=dmarc1; p=none", "", "v=spf1 -all"])
def test_what_is_no_record(text: str) -> None:
    """AUTH-52: the version stands first, as written in the RFC."""
    assert not is_record(text)


@pytest.mark.parametrize(
    ("records", "domain", "organization", "policy_at"),
    [
        ({}, "a.b.example", "a.b.example", None),
        ({"b.example": "v=DMARC1; p=none"}, "a.b.example", "b.example", "b.example"),
        (
            {"a.b.example": "v=DMARC1; p=none", "b.example": "v=DMARC1; p=none"},
            "a.b.example",
            "b.example",
            "a.b.example",
        ),
        (
            {"b.example": "v=DMARC1; p=none; psd=n", "example": "v=DMARC1; p=none"},
            "a.b.example",
            "b.example",
            "b.example",
        ),
        ({"example": "v=DMARC1; p=none; psd=y"}, "a.b.example", "b.example", "example"),
        ({"b.example": "v=DMARC1; p=none; psd=y"}, "b.example", "b.example", "b.example"),
        # a policy between the domain and its organization counts for neither
        (
            {"b.c.example": "v=DMARC1; p=reject", "c.example": "v=DMARC1; p=none"},
            "a.b.c.example",
            "c.example",
            "c.example",
        ),
        ({"b.example": ["v=DMARC1; p=none", "v=DMARC1; p=none"]}, "a.b.example", "a.b.example", None),
        ({"b.example": ["v=DMARC1; p=none", "other"]}, "a.b.example", "b.example", "b.example"),
    ],
)
async def test_the_walk_up_the_tree(
    records: dict[str, str | list[str]], domain: str, organization: str, policy_at: str | None
) -> None:
    """AUTH-51, RFC 9989 §4.10.2: psd=n, one below psd=y, the shortest name, the start."""
    discovery = Discovery(world(records))
    assert await discovery.organizational(domain) == organization
    found = await discovery.policy(domain, organization)
    assert (found and found.domain) == policy_at


async def test_a_walk_asks_eight_questions_at_most() -> None:
    """AUTH-51: from a long name it jumps to the last seven labels."""
    resolver = world({})
    await Discovery(resolver).organizational(".".join(f"l{n}" for n in range(30)) + ".example")
    asked = [name for name, _ in resolver.asked]
    assert len(asked) == 8
    assert asked[1] == "_dmarc.l24.l25.l26.l27.l28.l29.example."
    assert asked[-1] == "_dmarc.example."


async def test_the_list_of_public_suffixes_is_an_option() -> None:
    """AUTH-51: `psl` asks at the domain and at its organizational domain."""
    resolver = world({"x.co.uk": "v=DMARC1; p=reject; sp=quarantine"})
    result = await verify(resolver, ["a.b.x.co.uk"], None, method="psl")
    assert (result.org_domain, result.record_domain, result.policy) == ("x.co.uk", "x.co.uk", "quarantine")
    assert [name for name, _ in resolver.asked] == ["_dmarc.a.b.x.co.uk.", "_dmarc.x.co.uk."]


REJECT = {"b.example": "v=DMARC1; p=reject"}


@pytest.mark.parametrize(
    ("records", "spf_result", "dkim_results", "expected"),
    [
        (REJECT, spf("b.example"), [], ("pass", True, False, False)),
        (REJECT, spf("sub.b.example"), [], ("pass", True, False, False)),
        (REJECT, None, [dkim("x.example"), dkim("a.b.example")], ("pass", False, True, False)),
        (REJECT, spf("evil.example"), [dkim("evil.example")], ("fail", False, False, True)),
        (REJECT, spf("xb.example"), [], ("fail", False, False, True)),
        (REJECT, spf("example"), [], ("fail", False, False, True)),
        ({"b.example": "v=DMARC1; p=reject; aspf=s"}, spf("sub.b.example"), [], ("fail", False, False, True)),
        ({"b.example": "v=DMARC1; p=reject; adkim=s"}, None, [dkim("b.example")], ("pass", False, True, False)),
        ({"b.example": "v=DMARC1; p=quarantine"}, None, [], ("fail", False, False, False)),
        ({}, spf("b.example"), [], ("none", False, False, False)),
        ({"b.example": "v=DMARC1; p=x"}, spf("b.example"), [], ("permerror", False, False, False)),
        # a domain below with an organization of its own is no longer aligned
        (
            {**REJECT, "own.b.example": "v=DMARC1; p=none; psd=n"},
            None,
            [dkim("own.b.example")],
            ("fail", False, False, True),
        ),
        (REJECT, spf("b.example", SPFStatus.TEMPERROR), [], ("temperror", False, False, False)),
        (REJECT, None, [dkim("m.b.example", SignatureStatus.TEMPERROR)], ("temperror", False, False, False)),
        (
            REJECT,
            spf("evil.example", SPFStatus.TEMPERROR),
            [dkim("evil.example", SignatureStatus.TEMPERROR)],
            ("fail", False, False, True),
        ),
        (
            REJECT,
            spf("b.example", SPFStatus.TEMPERROR),
            [dkim("b.example")],
            ("pass", False, True, False),
        ),
    ],
)
async def test_alignment_decides(
    records: dict[str, str | list[str]],
    spf_result: SPFResult | None,
    dkim_results: list[DKIMResult],
    expected: tuple[object, ...],
) -> None:
    """AUTH-53, AUTH-54: of what could not be checked only an aligned domain counts."""
    result = await verify(world(records), ["b.example"], spf_result, dkim_results)
    assert (result.status.value, result.aligned_spf, result.aligned_dkim, result.reject) == expected


@pytest.mark.parametrize(
    ("record", "domain", "policy", "override"),
    [
        ("p=reject", "b.example", "reject", ""),
        ("p=reject; sp=none", "sub.b.example", "none", ""),
        ("p=none; np=reject", "gone.b.example", "reject", ""),
        ("p=none; np=reject", "sub.b.example", "none", ""),
        ("p=none; sp=quarantine; np=reject", "empty.b.example", "quarantine", ""),
        ("p=reject; np=none", "b.example", "reject", ""),
        ("p=reject; t=y", "b.example", "quarantine", "policy_test_mode"),
        ("p=quarantine; pct=0", "b.example", "none", "policy_test_mode"),
        ("p=none; t=y", "b.example", "none", ""),
    ],
)
async def test_the_policy_that_applies(record: str, domain: str, policy: str, override: str) -> None:
    """AUTH-51, AUTH-54, AUTH-55: `np` for NXDOMAIN alone; a name with something below it exists."""
    resolver = world({"b.example": f"v=DMARC1; {record}"}, names=("sub.b.example", "x.empty.b.example"))
    result = await verify(resolver, [domain], spf("evil.example"))
    assert (result.status.value, result.policy, result.override) == ("fail", policy, override)
    assert result.reject == (policy == "reject")


async def test_trouble_with_dns() -> None:
    """AUTH-52, AUTH-54: a record that cannot be asked for is a temperror, and asks for nothing."""
    result = await verify(world(REJECT, failing=["_dmarc.b.example"]), ["b.example"], spf("b.example"))
    assert (result.status.value, result.policy, result.reject) == ("temperror", "none", False)
    # the organization of a signer's domain cannot be found: it may be aligned
    failing = world(REJECT, failing=["_dmarc.m.b.example"])
    result = await verify(failing, ["b.example"], None, [dkim("m.b.example")])
    assert (result.status.value, result.policy) == ("temperror", "reject")
    # a stranger's zone is not even asked
    resolver = world(REJECT, failing=["_dmarc.evil.example"])
    assert (await verify(resolver, ["b.example"], None, [dkim("evil.example")])).reject
    assert "_dmarc.evil.example." not in [name for name, _ in resolver.asked]


async def test_of_several_authors_the_strictest_outcome_counts() -> None:
    """AUTH-50."""
    resolver = world({"a.example": "v=DMARC1; p=none", "b.example": "v=DMARC1; p=reject"})
    both = await verify(resolver, ["a.example", "b.example"], spf("a.example"))
    assert (both.domain, both.reject) == ("b.example", True)
    assert (await verify(resolver, ["a.example"], spf("a.example"))).status.value == "pass"
    assert (await verify(resolver, [], spf("a.example"))).status.value == "none"
    many = [f"d{n}.example" for n in range(50)]
    await verify(resolver, many, None)
    assert len(resolver.asked) < 30


async def test_dnssec_of_all_answers() -> None:
    """AUTH-12."""
    assert (await verify(world(REJECT, authentic=True), ["b.example"], spf("b.example"))).authentic
    signed = {"_dmarc.b.example."}
    assert not (await verify(world(REJECT, authentic=signed), ["b.example"], spf("b.example"))).authentic


@pytest.mark.parametrize(
    ("records", "spf_domain", "expected"),
    [
        (REJECT, "b.example", "strict"),
        (REJECT, "m.b.example", "dmarc"),
        ({}, "m.b.example", "relaxed"),
        ({}, "evil.test", "none"),
    ],
)
async def test_how_the_author_is_validated(records: dict[str, str | list[str]], spf_domain: str, expected: str) -> None:
    """AUTH-58, SMTP-77."""
    result: DMARCResult = await verify(world(records), ["b.example"], spf(spf_domain))
    assert validation(result, spf(spf_domain), []) == expected


async def test_without_p_and_rua_there_is_no_record() -> None:
    """AUTH-51: status none, not an error, and the record above it counts (RFC 9989 §4.7)."""
    for text in ("v=DMARC1", "v=DMARC1; sp=reject; adkim=s"):
        with pytest.raises(NoPolicy):
            parse_record(text)
    records: dict[str, str | list[str]] = {"a.b.example": "v=DMARC1; sp=reject", "b.example": "v=DMARC1"}
    result = await verify(world(records), ["a.b.example"], None, [])
    assert (result.status.value, result.policy) == ("none", "none")
    records["b.example"] = "v=DMARC1; p=reject"
    result = await verify(world(records), ["a.b.example"], None, [])
    assert (result.status.value, result.policy) == ("fail", "reject")
