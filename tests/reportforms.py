"""The form of reports, read off the RFCs: which elements there are, how often, in which order, with which words. It
shares no code with our writers and readers; a report that breaks the form fails an assertion that names the place.
"""

import datetime as dt
import json
import re
from ipaddress import ip_address
from typing import Any, Final
from xml.etree import ElementTree as ET

__all__ = ["check_dmarc_form", "check_tls_form"]

NAMESPACE: Final = "{urn:ietf:params:xml:ns:dmarc-2.0}"

ELEMENTS: Final = {
    "feedback": "version? report_metadata policy_published extension? record+",
    "report_metadata": "org_name email extra_contact_info? report_id date_range error? generator?",
    "date_range": "begin end",
    "policy_published": "domain discovery_method? p sp? np? fo? adkim? aspf? testing?",
    "record": "row identifiers auth_results",
    "row": "source_ip count policy_evaluated",
    "policy_evaluated": "disposition dkim spf reason*",
    "reason": "type comment?",
    "identifiers": "header_from envelope_from? envelope_to?",
    "auth_results": "dkim* spf?",
    "auth_results/dkim": "domain selector result human_result?",
    "auth_results/spf": "domain scope? result human_result?",
}
"""Children of each element that has some (RFC 9990 §3.1.1); the key names the parent where the name is used twice."""

ORDERED: Final = frozenset({"feedback", "record", "policy_evaluated", "auth_results"})
"""Elements whose children "MUST appear in the order listed"."""

POLICY: Final = "none|quarantine|reject"
WORDS: Final = {
    "version": r"1\.0",
    "begin": r"\d+",
    "end": r"\d+",
    "count": r"[1-9]\d*",
    "discovery_method": "psl|treewalk",
    "p": POLICY,
    "sp": POLICY,
    "np": POLICY,
    "adkim": "r|s",
    "aspf": "r|s",
    "testing": "n|y",
    "disposition": f"{POLICY}|pass",
    "policy_evaluated/dkim": "pass|fail",
    "policy_evaluated/spf": "pass|fail",
    "type": "local_policy|mailing_list|other|policy_test_mode|trusted_forwarder",
    "scope": "mfrom",
    "dkim/result": "none|pass|fail|policy|neutral|temperror|permerror",
    "spf/result": "none|neutral|pass|fail|softfail|temperror|permerror",
}
"""What the text of an element looks like, where that is fixed (RFC 9990 §3.1.1, RFC 8601 §2.7.1, §2.7.2)."""

ROW_LIMIT: Final = 100
"""Signatures of a row (RFC 9990 §3.1.3)."""


def check_dmarc_form(xml: bytes) -> None:
    """Check an aggregate report against RFC 9990 §3.1."""
    root = ET.fromstring(xml)
    assert root.tag == f"{NAMESPACE}feedback", root.tag
    _check_element(root, "", "feedback")


def _check_element(element: ET.Element, parent: str, name: str) -> None:
    place = f"{parent}/{name}"
    expected = ELEMENTS.get(place, ELEMENTS.get(name) if place != "policy_evaluated/dkim" else None)
    if expected is None:
        text = element.text or ""
        assert len(element) == 0, place
        form = WORDS.get(place, WORDS.get(name, ".*"))
        assert re.fullmatch(form, text, re.DOTALL), (place, text)
        if name == "source_ip":
            ip_address(text)
        return
    names = [child.tag.removeprefix(NAMESPACE) for child in element]
    pattern = [(word.rstrip("?*+"), word[-1] if word[-1] in "?*+" else "") for word in expected.split()]
    assert set(names) <= {word for word, _ in pattern}, (place, names)
    order = [word for word, _ in pattern]
    if name in ORDERED:
        assert names == sorted(names, key=order.index), (place, names)
    for word, often in pattern:
        least, most = {"": (1, 1), "?": (0, 1), "*": (0, 1 << 30), "+": (1, 1 << 30)}[often]
        assert least <= names.count(word) <= most, (place, word, names.count(word))
    assert names.count("dkim") <= ROW_LIMIT, place
    for child, child_name in zip(element, names, strict=True):
        _check_element(child, name, child_name)


TEXT, COUNT, TIME = "text", "count", "time"
DETAIL: Final = {
    "result-type": "starttls-not-supported|certificate-host-mismatch|certificate-expired|certificate-not-trusted|"
    "validation-failure|tlsa-invalid|dnssec-invalid|dane-required|"
    "sts-policy-fetch-error|sts-policy-invalid|sts-webpki-invalid",
    "sending-mta-ip?": TEXT,
    "receiving-mx-hostname?": TEXT,
    "receiving-mx-helo?": TEXT,
    "receiving-ip?": TEXT,
    "failed-session-count": COUNT,
    "additional-information?": TEXT,
    "failure-reason-code?": TEXT,
}
MEMBERS: Final = {
    "organization-name": TEXT,
    "date-range": {"start-datetime": TIME, "end-datetime": TIME},
    "contact-info": TEXT,
    "report-id": TEXT,
    "policies": [
        {
            "policy": {
                "policy-type": "tlsa|sts|no-policy-found",
                "policy-string?": [TEXT],
                "policy-domain": TEXT,
                "mx-host?": [TEXT],
            },
            "summary": {"total-successful-session-count": COUNT, "total-failure-session-count": COUNT},
            "failure-details?": [DETAIL],
        }
    ],
}
"""Members of the object, `?` where one may be missing; else the words that may be there (RFC 8460 §4.3, §4.4)."""


def check_tls_form(octets: bytes) -> None:
    """Check a TLS report against RFC 8460 §4."""
    report = json.loads(octets)
    _check_member(report, MEMBERS, "")
    for one in report["policies"]:
        policy = one["policy"]
        assert ("policy-string" in policy) == (policy["policy-type"] != "no-policy-found"), policy
        assert "mx-host" not in policy or policy["policy-type"] == "sts", policy
        for detail in one.get("failure-details", ()):
            assert detail["failed-session-count"] <= one["summary"]["total-failure-session-count"], one
            for name in ("sending-mta-ip", "receiving-ip"):
                if name in detail:
                    ip_address(detail[name])


def _check_member(value: Any, form: Any, place: str) -> None:
    if isinstance(form, dict):
        members = {name.removesuffix("?"): one for name, one in form.items()}
        needed = {name for name in form if not name.endswith("?")}
        assert isinstance(value, dict), place
        assert needed <= value.keys() <= members.keys(), (place, value.keys())
        for name, one in value.items():
            _check_member(one, members[name], f"{place}/{name}")
    elif isinstance(form, list):
        assert isinstance(value, list), place
        assert value, place
        for one in value:
            _check_member(one, form[0], place)
    elif form == COUNT:
        assert type(value) is int, place
        assert value >= 0, place
    elif form == TIME:
        assert isinstance(value, str), place
        assert dt.datetime.fromisoformat(value).tzinfo is not None, place
    else:
        assert isinstance(value, str), place
        assert form == TEXT or re.fullmatch(form, value), (place, value)
