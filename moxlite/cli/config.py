"""``moxlite config``: check, describe, and change the configuration (ADMIN-11, ADMIN-12..17)."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from moxlite.cli.common import (
    Failure,
    config_path,
    for_root,
    new_password,
    note,
    perform,
    performed,
    show,
    talk,
    unusable,
)
from moxlite.cli.described import described, for_people
from moxlite.cli.setup.domainrecords import clientconfig, dnscheck, dnsrecords
from moxlite.cli.setup.domainsfile import add_commands
from moxlite.cli.setup.hostkeys import ensure_acme_host_keys
from moxlite.cli.setup.listeners import listeners
from moxlite.cli.setup.quickstart import program
from moxlite.escapes import printable
from moxlite.operations import access, described_in, server
from moxlite.operations.access import TLSKeyInfo
from moxlite.store.auth.loginattempts import protocol_words

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.findings import Finding
    from moxlite.proto.address import Address

# ``moxlite tls``: the certificates that the running server shows (ADMIN-19, WEB-121).


@click.group()
def tls() -> None:
    """Manage certificates on the running server."""


@tls.command()
def reload() -> None:
    """Reload certificate and key files (key_certs). Do this after another program renewed them. For example, use this
    with certbot's --deploy-hook.

    New connections will use the new certificates. If there's a problem with a certificate, this prints the problem with
    exit code 1, and the server continues to use the old certificate. The server also reloads these files every 6 hours.
    You don't need this for ACME certificates.
    """
    problems = perform(server.ReloadCertificates()).problems
    for problem in problems[:-1]:
        note(problem)
    if problems:
        raise Failure(f"{problems[-1]}; still using the old certificate")


described(tls, described_in(server), {}, {}, without={server.ReloadCertificates})


# ``moxlite config tlspubkey``, also ``moxlite tlspubkey``: client certificates for log-in (STORE-104).


YEARS: Final = 10
"""Years that a new certificate is valid; the server looks at its key only."""


@click.group()
def tlspubkey() -> None:
    """Manage client certificates to log in without a password."""


def _show_key(key_info: TLSKeyInfo, as_json: bool) -> None:
    if as_json:
        show([key_info], (), as_json=True)
        return
    for label, value in (
        ("name", key_info.name),
        ("account", key_info.account),
        ("address", key_info.login_address),
        ("type", key_info.type),
        ("added", f"{key_info.created:%Y-%m-%d %H:%M} UTC"),
        ("last used", _last_use(key_info)),
        ("IMAP without a login command", "no" if key_info.no_imap_preauth else "yes"),
    ):
        print(f"{label}: {printable(value)}")
    print(key_info.certificate, end="")


def _show_challenge(challenge: access.KeyChallenge) -> None:
    print(challenge.command)


def _last_use(key_info: TLSKeyInfo) -> str:
    if key_info.last_used is None:
        return "not in the last 30 days"
    return f"{key_info.last_used:%Y-%m-%d %H:%M} UTC, {protocol_words(key_info.last_protocol)}, {key_info.last_ip}"


described(
    tlspubkey,
    described_in(access),
    {},
    {access.GetKey: _show_key, access.ChallengeKey: for_people(_show_challenge)},
    words="config tlspubkey",
    without={access.AddKey},
)


@tlspubkey.command("add")
@click.argument("address")
@click.argument("name", required=False, default="")
@click.option("--no-imap-preauth", is_flag=True, help="Require IMAP clients to request login (EXTERNAL).")
def key_add(address: str, name: str, no_imap_preauth: bool) -> None:
    """Let a client certificate log in to ADDRESS. The certificate is on stdin (PEM).

    NAME is shown in lists. The default is the certificate's common name. After the certificate, stdin needs the output
    of the command from `tlspubkey challenge`. You can leave this out if a mail client that has the certificate has
    logged in to the account within a day.
    """
    pem = sys.stdin.read(1 << 17)
    if "PRIVATE KEY" in pem:
        raise Failure("this is a private key; use the certificate instead")
    proof = pem if "CERTIFICATE REQUEST" in pem else ""
    added = perform(access.AddKey(address, pem, name, no_imap_preauth, proof))
    print(f"{added.fingerprint} {printable(added.name)}")


@tlspubkey.command("gen")
@click.argument("stem")
def key_gen(stem: str) -> None:
    """Create a key with a certificate for `tlspubkey add`. It's an Ed25519 key. You don't need a running server.

    This creates STEM.key.pem, STEM.certificate.pem, and STEM.combined.pem with both, which some clients require. Prints
    the fingerprint.
    """
    from cryptography.hazmat.primitives.asymmetric import ed25519

    from moxlite.net.tls.certificates import self_signed
    from moxlite.store.auth.tlskeys import read_certificate

    pair = self_signed([Path(stem).name], days=YEARS * 365, key=ed25519.Ed25519PrivateKey.generate())
    certificate = pair.certificate_pem()
    files = {"key": pair.key_pem(), "certificate": certificate, "combined": pair.key_pem() + certificate}
    made: list[Path] = []
    try:
        for kind, data in files.items():
            path = Path(f"{stem}.{kind}.pem")
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644 if kind == "certificate" else 0o600)
            made.append(path)
            with os.fdopen(fd, "wb") as file:
                file.write(data)
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        raise Failure(f"{error.filename or stem}: {error.strerror or error}") from None
    print(read_certificate(certificate, "", "").fingerprint)


# ``moxlite config``: check, describe, and change the configuration (ADMIN-11, ADMIN-12..17).

BACKUPS: Final = Path("/var/backups/moxlite")
DATA: Final = Path("/var/lib/moxlite")
"""The place of backups in the documentation and of the Debian package."""


@click.group()
def config() -> None:
    """Check, describe, and change the configuration."""


config.add_command(tlspubkey)
config.add_command(dnsrecords)
config.add_command(dnscheck)
config.add_command(clientconfig)
config.add_command(ensure_acme_host_keys)
config.add_command(listeners)


@config.command("hash-password")
def hash_password() -> None:
    """Print a password hash for `basic_auth` in a web handler. Enter the password twice when prompted, or use the first
    line of stdin.
    """
    from moxlite.store.auth.credentials import derive_credential
    from moxlite.store.auth.weakpasswords import refuse_weak
    from moxlite.store.errors import BadPassword

    password = new_password()
    try:
        refuse_weak(password, ())
        print(derive_credential(password).password)
    except BadPassword as error:
        raise Failure(str(error)) from None


@config.command()
@click.option(
    "--explain",
    "texts",
    metavar="ADDR",
    multiple=True,
    help="Also show how mail to and from ADDR is handled.",
)
def test(texts: tuple[str, ...]) -> None:
    """Check both configuration files, keys, and certificates.

    As root, this also checks for problems that could prevent a start on this machine: owners and modes, addresses, and
    folders that systemd hides or makes read-only. If a server is running, it also says which settings need a restart.

    Prints errors and warnings with file, line, and key. Exit code 1 if there are errors.
    """
    from moxlite.config.load import ConfigError, is_error
    from moxlite.process.configtest import test_config

    findings = sorted(test_config(config_path(), machine=True), key=is_error, reverse=True)
    errors = [finding for finding in findings if is_error(finding)]
    if any(for_root(finding.file) for finding in errors):
        raise unusable(ConfigError(errors))
    if not errors:
        findings += _unapplied()
    for finding in findings:
        print(f"{'error' if is_error(finding) else 'warning'}: {finding}", file=sys.stderr)
    if errors:
        raise Failure(f"{len(errors)} error{'s' if len(errors) > 1 else ''} in the configuration")
    print("config OK")
    if texts:
        from moxlite.cli.common import load_config

        snapshot = load_config()
        for text in texts:
            address = _address(snapshot, text)
            print(f"to {address}: {_mail_to(snapshot, address)}")
            print(f"from {address}: {_mail_from(snapshot, address)}")


def _address(snapshot: "Snapshot", text: str) -> "Address":
    """The address of an option. Raises click.UsageError, for an account's name with its first address."""
    from moxlite.proto.address import Address, AddressError

    try:
        return Address.parse(text)
    except AddressError as error:
        account = snapshot.account(text)
        meant = "" if account is None else "".join(f'; did you mean "{own}"?' for own in [*account.destinations][:1])
        raise click.UsageError(f"{printable(text)}: {error}{meant}") from None


def _unapplied() -> "list[Finding]":
    """Lines of the running server about changes to moxlite.toml since its start; nothing without a server."""
    import trio

    from moxlite.admin.doctor.elsewhere import still_running
    from moxlite.admin.doctor.requests import ReadState
    from moxlite.findings import Finding

    try:
        findings = talk(lambda client: performed(client, ReadState()), noting=False).findings
    except Failure:
        moved = trio.run(still_running)
        return [Finding(grade="warning", code="restart-needed", about="server", text=moved)] if moved else []
    return [finding for finding in findings if finding.code == "restart-needed"]


def _mail_to(snapshot: "Snapshot", address: "Address") -> str:
    """Tell what the files do with mail to an address (SMTP-69). It knows no addresses to give away."""
    from moxlite.config.snapshot import AccountRecipient, AliasRecipient, DomainDisabled, NotLocal, PeerRecipient

    recipient = snapshot.lookup(address)
    if isinstance(recipient, NotLocal):
        return f"another server's; it leaves {_way(snapshot, address)}"
    if isinstance(recipient, AliasRecipient):
        members = [*(f"account {one.account}" for one in recipient.members), *map(str, recipient.external)]
        return f"alias {recipient.canonical} for {', '.join(members)}"
    if isinstance(recipient, PeerRecipient):
        what = "the domain is disabled" if recipient.whole else "not here yet"
        return f"{what}; it's passed on to {', '.join(recipient.hosts)}"
    if isinstance(recipient, DomainDisabled):
        return "deferred: the domain is disabled"
    if not isinstance(recipient, AccountRecipient):
        return "rejected: no account, alias, or catchall has this address"
    refused = map(snapshot.folded, recipient.destination.refused_addresses)
    if recipient.destination.smtp_error or snapshot.folded(address) in refused:
        return f"rejected: account {recipient.account} has this set at {recipient.configured}"
    if recipient.reports is not None:
        return (
            f"account {recipient.account}, mailbox {recipient.destination.mailbox}, for reports ({recipient.reports})"
        )
    rules = len(recipient.destination.rulesets)
    filed = ", unless a rule files it" if rules else ""
    return f"account {recipient.account}, by {recipient.configured}, mailbox {recipient.destination.mailbox}{filed}"


def _way(snapshot: "Snapshot", address: "Address") -> str:
    from moxlite.queue.sending.routing import matching_route

    route = matching_route(snapshot.domains.routes, "", address.domain.ascii, 0)
    if route is None:
        return "to the hosts in MX records (not including account and domain routes)"
    return f"by transport {route.transport} (not including account and domain routes)"


def _mail_from(snapshot: "Snapshot", address: "Address") -> str:
    """Name the accounts that may send as an address (SMTP-68), and the selectors that sign that mail."""
    senders = [name for name in snapshot.domains.accounts if snapshot.may_send_as(name, address)]
    settings = snapshot.domain(address.domain)
    if settings is None or not senders:
        return "no account can send from it"
    if settings.disabled:
        return "deferred: the domain is disabled"
    signed = f"signed with {', '.join(settings.dkim.sign)}" if settings.dkim.sign else "not signed"
    routes = f"; {len(settings.routes)} domain routes" if settings.routes else ""
    return f"account{'s' if len(senders) > 1 else ''} {', '.join(senders)} can send from it; {signed}{routes}"


@config.command("describe-static")
def describe_static() -> None:
    """Print all keys of moxlite.toml. This also explains them and shows their defaults."""
    from moxlite.config.reference import describe
    from moxlite.config.static import Static

    print(describe(Static), end="")


@config.command("describe-domains")
def describe_domains() -> None:
    """Print all domains.toml keys with explanations and defaults."""
    from moxlite.config.domains import Domains
    from moxlite.config.reference import describe

    print(describe(Domains), end="")


@config.command("describe-sendmail")
def describe_sendmail() -> None:
    """Print an example of /etc/moxlite-submit.toml. This is the configuration of `moxlite sendmail`."""
    from moxlite.cli.sendmail.settings import EXAMPLE

    print(EXAMPLE, end="")


@config.command()
@click.argument("name", required=False)
def example(name: str | None) -> None:
    """Print example NAME, or list all examples."""
    from moxlite.config.reference import EXAMPLES

    if name is None:
        for known, (about, _) in EXAMPLES.items():
            print(f"{known:<12} {about}")
        return
    if name not in EXAMPLES:
        raise Failure(f"unknown example {name!r}; use one of {', '.join(EXAMPLES)}")
    print(EXAMPLES[name][1], end="")


@config.command()
@click.option("--follow", is_flag=True, help="Print the unit moxlite-follow, for a standby server.")
def printservice(follow: bool) -> None:
    """Print a systemd unit with this installation's paths. These are the configuration, data, `backup.target`,
    `standby.target`, and the folder of `log_file`.
    """
    from moxlite.admin.quickstart.files import follow_unit_file, unit_file
    from moxlite.cli.common import load_config

    if follow:
        print(follow_unit_file(program=program(), config=config_path().resolve(), data=DATA), end="")
        return
    path, static = config_path().resolve(), load_config().static
    more = [static.backup.target if isinstance(static.backup.target, Path) else BACKUPS]
    if isinstance(static.standby.target, Path):
        more.append(static.standby.target)
    if static.log_file is not None:
        more.append(static.log_file.parent)
    data = static.data_dir.resolve()
    more = [
        fromkey
        for fromkey in dict.fromkeys(more)
        if not fromkey.is_relative_to(path.parent) and not fromkey.is_relative_to(data)
    ]
    print(unit_file(program=program(), config=path, data=data, more=more), end="")


add_commands(config)
