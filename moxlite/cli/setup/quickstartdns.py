"""The DNS provider in ``moxlite quickstart``: tried before anything is made, then the records (ADMIN-35b).

Whatever goes wrong with DNS is a warning: the records can be published again at any time.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click
import msgspec

from moxlite.cli.setup.dnsprovider import ask_for, known_provider
from moxlite.cli.setup.dnsupdate import telling

if TYPE_CHECKING:
    from moxlite.admin.dns.publishing import Plans, Publishing
    from moxlite.admin.dns.zones import Located
    from moxlite.admin.dnsproviders.accounts import Stored
    from moxlite.net.dns.client import Servers
    from moxlite.net.resolver import Resolver
    from moxlite.proto.address import Domain


class Said(Protocol):
    """Where lines for the owner go."""

    def say(self, text: str) -> None:
        """A line."""

    def warn(self, text: str) -> None:
        """A problem."""


def choose_provider(name: str | None, domain: "Domain") -> "Stored | None":
    """The provider of the domain's zone, which knows the token; None to publish the records by hand. Asked on a
    terminal. Raises click.UsageError, Failure.
    """
    from moxlite.admin.dns.publishing import make_stored
    from moxlite.admin.dnsproviders.accounts import KNOWN

    if name is None and sys.stdin.isatty():
        name = click.prompt(
            f"DNS provider of {domain}: {', '.join(KNOWN)}; Enter to add the records yourself",
            default="",
            show_default=False,
        )
    if not name:
        return None
    known = known_provider(name)
    if sys.stdin.isatty():
        click.echo(f"{known.title}: {known.rights}")
    answers = ask_for(known)
    with telling():
        return make_stored(domain, name, answers)


def offer_peer(said: Said, config: Path, domain: "Domain", resolver: "Resolver") -> None:
    """Where MX leads to another server today: ask whether mail for addresses that are not here yet goes on to it, and
    set that. Without a terminal, say how.
    """
    import trio

    from moxlite.admin.delivery.moving import mail_elsewhere, set_peer
    from moxlite.config.holder import ConfigHolder

    holder, _ = ConfigHolder.open(config)
    hosts = trio.run(mail_elsewhere, holder.current, domain, resolver)
    if not hosts:
        return
    shown = ", ".join(hosts)
    if not sys.stdin.isatty():
        said.say(f"Mail for {domain} goes to {shown} today. So that none is lost while people move here, have mail for")
        said.say(f"addresses that are not here yet go on there: moxlite config domain peer set {domain}")
        return
    question = (
        f"Mail for {domain} goes to {shown} today. Once it comes here, have mail for addresses that are not here yet "
        "go on there, until you end that?"
    )
    if click.confirm(question, default=True):
        trio.run(holder.edit, lambda document, snapshot: set_peer(document, snapshot, domain.unicode, hosts))
        said.say(f"Once everybody has moved: moxlite config domain peer rm {domain}")


def publish_records(said: Said, config: Path, domain: "Domain", stored: "Stored", servers: "Servers") -> bool:
    """Publish all records at the provider, and wait for its name servers. Returns whether that was done; if not, the
    reason was said.

    Args:
      servers: those that this run asks about DNS.
    """
    from moxlite.admin.dns.publishing import Publishing
    from moxlite.admin.dns.update import NoAnswer, UpdateRefused
    from moxlite.admin.dns.zones import Authorities
    from moxlite.admin.dnsproviders.accounts import KNOWN, Busy
    from moxlite.config.load import load

    snapshot, _ = load(config)
    publishing = Publishing(snapshot, config, authorities=Authorities(servers))
    try:
        publishing.files.set_provider(domain, stored)
        publishing.try_out(domain, stored)
        located = publishing.located(domain)
        plans = _plan(said, publishing, located, domain)
        said.say(f"records at {KNOWN[stored.provider].title}:")
        for line in plans.lines():
            said.say(f"   {line}")
        for note in plans.notes():
            said.say(f"   ; {note}")
        if sys.stdin.isatty() and plans.changes and not click.confirm("Publish them?", default=True):
            return False
        missing = publishing.make(domain, located, plans)
        for line in missing or publishing.wait(located, plans):
            said.warn(f"DNS: {line}")
    except (NoAnswer, UpdateRefused, Busy, OSError, msgspec.DecodeError) as error:
        said.warn(f"DNS: {error}; to publish the records later: moxlite dns update {domain} --addresses")
        return False
    return not missing


def _plan(said: Said, publishing: "Publishing", located: "Located", domain: "Domain") -> "Plans":
    """The plan, with our MX record instead of another server's if the owner wants that. Raises as `Publishing.plan`."""
    elsewhere = publishing.mail_elsewhere(domain, located)
    plans = publishing.plan(domain, located, addresses=True)
    if not elsewhere:
        return plans
    question = f"Mail for {domain} goes to {', '.join(elsewhere)} today. Have new mail come here from now on?"
    if sys.stdin.isatty() and click.confirm(question, default=False):
        return publishing.with_mail_here(domain, located, plans)
    said.warn(
        f"mail for {domain} still goes to {', '.join(elsewhere)}. Bring the old mail here first (docs/migrate.md), "
        f"then: moxlite dns update {domain} --replace"
    )
    return plans
