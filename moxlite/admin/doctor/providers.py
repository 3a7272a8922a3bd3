"""Findings about DNS providers: records of ours that are gone or were changed, refused tokens, keys that wait
(ADMIN-71d). Blocks.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from moxlite.admin.dns.ledger import Ledger
from moxlite.admin.dns.plan import Change, Plan, ZonePlan
from moxlite.admin.dns.publishing import NoProvider, Plans, Publishing
from moxlite.admin.dns.rotation import Keys, read_keys_state
from moxlite.admin.dns.update import NoAnswer, UpdateRefused
from moxlite.admin.dns.wanted import Kind
from moxlite.admin.dns.zones import Located, plan_zones
from moxlite.admin.dnsproviders.accounts import Busy
from moxlite.admin.doctor.examination import Examination
from moxlite.autotls.hostkeys import FOLDER, HostKeyState, read_host_state
from moxlite.findings import Finding, Grade
from moxlite.proto.address import Domain

BESIDE: Final[frozenset[Kind]] = frozenset({"TLSA", "CAA"})
"""Kinds of which records of others take nothing from ours: further keys, further authorities."""


def look_at_domain(examination: Examination, domain: Domain) -> list[Finding]:
    """The findings about one domain."""
    publishing = Publishing(examination.snapshot, examination.path, examination.held)
    try:
        return [*_rotation(publishing, domain), *_records(examination, publishing, domain)]
    except NoProvider:
        return list(_rotation(publishing, domain))
    except NoAnswer as error:
        return [_finding("warning", domain, str(error), f"moxlite dns provider test {domain}")]
    except UpdateRefused as error:
        again = f"moxlite dns provider set {domain} PROVIDER" if error.credentials else f"moxlite dns update {domain}"
        return [_finding("error", domain, str(error), again)]
    except (OSError, msgspec.DecodeError) as error:
        text = f"can't read the published records: {error}"
        return [_finding("warning", domain, text, f"moxlite dns provider set {domain} PROVIDER")]


def _finding(grade: Grade, domain: Domain, text: str, command: str) -> Finding:
    return Finding(
        grade=grade, code="dns-provider", about=domain.unicode, text=f"{domain}: {text}", commands=(command,)
    )


def look_at_hosts(examination: Examination) -> list[Finding]:
    """The findings about the rotation of hosts' keys."""
    acme = examination.snapshot.static.data_dir / "acme"
    try:
        hosts = sorted(path.name for path in (acme / FOLDER).iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    findings: list[Finding] = []
    for host in hosts:
        try:
            state = read_host_state(acme, host)
        except (OSError, ValueError) as error:
            text = f"{host}: using the configured key, because the key in {acme / FOLDER} can't be used: {error}"
            findings.append(
                Finding(grade="error", code="key-rotation", about=host, text=text, commands=("moxlite doctor",))
            )
            continue
        findings += _waiting(
            host, "key for DANE", state, "moxlite dns host-key show", f"moxlite dns host-key start {host}"
        )
    return findings


def _rotation(publishing: Publishing, domain: Domain) -> Iterator[Finding]:
    try:
        state = read_keys_state(publishing.files, domain)
    except (OSError, msgspec.DecodeError):
        return iter(())  # the rotation begins anew, and says so itself
    commands = (f"moxlite dns rotation {verb} {domain}" for verb in ("show", "start"))
    return _waiting(domain.unicode, "signing key", state, *commands)


def _waiting(about: str, key: str, state: Keys | HostKeyState, show: str, start: str) -> Iterator[Finding]:
    """The reason why a rotation waits; `show` and `start` are commands."""

    def finding(grade: Grade, text: str, *commands: str) -> Finding:
        return Finding(grade=grade, code="key-rotation", about=about, text=f"{about}: {text}", commands=commands)

    if state.stopped and state.stage != "resting":
        yield finding("note", f"{key} rotation is paused ({state.stage})", start)
    elif state.todo:
        yield finding("warning", f"the next {key} is waiting for DNS", *state.todo)
    elif state.problem:
        yield finding("warning", f"the next {key} is waiting: {state.problem}", show)


def _records(examination: Examination, publishing: Publishing, domain: Domain) -> Iterator[Finding]:
    """Raises NoProvider, NoAnswer, UpdateRefused, OSError, msgspec.DecodeError."""
    stored = publishing.stored(domain)
    located = publishing.located(domain)
    at = located.of(f"{domain.ascii}.")
    if at is None:
        raise UpdateRefused(f"the provider doesn't have a zone for {domain}", credentials=True)
    at[0].found(at[1], [(f"{domain.ascii}.", "TXT")])  # the token is tried where nothing is published, too
    ours = Ledger(publishing.files, domain).ours()
    wanted_records = [
        wanted_record
        for wanted_record in publishing.wanted(domain, addresses=True)
        if (wanted_record.name.lower(), wanted_record.kind) in ours
    ]
    plans = Plans(tuple(map(_undoing, plan_zones(located, wanted_records, replace=True))), tuple(wanted_records))
    if not plans.changes:
        return
    if examination.inside and stored.enforce and _restored(publishing, domain, located, plans):
        text = f"{domain}: records changed by someone else were restored"
        yield Finding(grade="note", code="dns-changed", about=domain.unicode, text=text, commands=tuple(plans.lines()))
        return
    for plan in plans.zones:
        for change in plan.plan.changes:
            yield _changed(domain, change)


def _undoing(zone: ZonePlan) -> ZonePlan:
    """The part of a plan that undoes what others have done to our records. What they have put beside ours stays, except
    texts of which there may be only one.
    """
    changes = [
        msgspec.structs.replace(change, remove=()) if change.kind in BESIDE else change
        for change in zone.plan.changes
        if change.add or change.kind == "TXT"
    ]
    return msgspec.structs.replace(zone, plan=Plan(tuple(changes), zone.plan.left))


def _restored(publishing: Publishing, domain: Domain, located: Located, plans: Plans) -> bool:
    try:
        return not publishing.make(domain, located, plans)
    except Busy:
        return False


def _changed(domain: Domain, change: Change) -> Finding:
    what = "isn't as expected" if change.before else "is gone"
    text = f"{change.name} {change.kind}, which this server published, {what}"
    commands = (*change.lines(), f"moxlite dns update {domain}{' --replace' if change.remove else ''}")
    return Finding(grade="warning", code="dns-changed", about=domain.unicode, text=text, commands=commands)
