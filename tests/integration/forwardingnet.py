"""Mail of every kind is sent on to other servers, and its bounces come home, in a net of its own: run by
test_smtpd_forwarding as root, in new namespaces for network and mounts, with a folder as its argument.

A moxlite forwards. A second moxlite, which trusts its seals, and Postfix with opendkim and rspamd receive, and say by
their Authentication-Results how they judge. Postfix is also the host of the first senders, to whom bounces must come.
Messages are signed by dkimpy. DNS is knot and unbound at port 53.
"""

import email
import imaplib
import re
import signal
import smtplib
import sys
import time
from collections import Counter
from contextlib import ExitStack
from email.message import Message
from pathlib import Path
from typing import Final, NamedTuple

import dkim

from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from tests.campaigns._rspamd import RESULTS, Rspamd
from tests.campaigns._spfzones import quoted
from tests.dnsworld import DNSWorld
from tests.integration.mail import contents
from tests.ownnet import set_up_net
from tests.realservers import Postfix, opendkim
from tests.running import ServedServer
from tests.tools import free_port, until

OWN, FAR, POSTFIX, SENDER = (f"5.45.100.{number}" for number in (10, 21, 22, 50))

KEY: Final = generate("rsa")
"""Signs for all."""

POLICIES: Final = {
    "strict.example": "reject",
    "loose.example": "none",
    "list.example": "none",
    "provider.example": "none",
    "agency.example": "none",
}
"""Domains of authors and signers, and the DMARC policy of each."""

PROVEN, EXCUSED = "pass", "excused"


class Kind(NamedTuple):
    """A message, and how it must be judged after it was sent on.

    Attributes:
      author: the domain of From and, without a list, of the envelope's sender.
      signers: domains whose signatures it has, the first one below.
      list: a mailing list, which adds to Subject what breaks the author's signature, and signs.
      judged: `PROVEN` by an aligned pass, or `EXCUSED`: DMARC does not pass, ARC does, and its seals say why.
      renamed: From is the forwarding address.
    """

    author: str
    signers: tuple[str, ...] = ()
    list: bool = False
    judged: str = PROVEN
    renamed: bool = False


KINDS: Final = {
    "signed": Kind("strict.example", ("strict.example",)),
    "three": Kind("strict.example", ("strict.example", "provider.example", "agency.example")),
    "unsigned": Kind("strict.example", renamed=True),
    "unsigned-loose": Kind("loose.example", judged=EXCUSED),
    "list": Kind("strict.example", ("strict.example",), list=True, renamed=True),
    "list-loose": Kind("loose.example", ("loose.example",), list=True, judged=EXCUSED),
}

LISTENER: Final = """\
[listeners.net]
ips = ["{ip}"]
tls.key_certs = [{{ cert_file = "cert.pem", key_file = "key.pem" }}]
smtp = {{ enabled = true, first_time_sender_delay = "0s" }}
[queue]
retry_delays = ["1s"]
"""

FORWARDS: Final = """\
[domains."ours.example"]
dkim = { sign = ["f"], selectors = { f = { key_file = "f.pem" } } }
[accounts.mia]
domain = "ours.example"
forward_to = ["mia@far.example", "mia@postfix.example"]
[accounts.mia.destinations."mia@ours.example"]
[[accounts.mia.destinations."mia@ours.example".rulesets]]
smtp_mail_from_regexp = "@list"
list_allow_domain = "list.example"
mailbox = "Lists"
[accounts.ned]
domain = "ours.example"
forward_to = ["gone@far.example", "later@postfix.example"]
[accounts.ned.destinations."ned@ours.example"]
[[accounts.ned.destinations."ned@ours.example".rulesets]]
smtp_mail_from_regexp = "@list"
list_allow_domain = "list.example"
mailbox = "Lists"
"""
"""Mail to mia arrives; that to ned comes back: at once from the second moxlite, later from Postfix."""

RECEIVES: Final = """\
[domains."far.example"]
[accounts.mia]
domain = "far.example"
[accounts.mia.destinations."mia@far.example"]
"""

MAIN_CF: Final = """\
myhostname = mx.postfix.example
disable_dns_lookups = no
smtp_bind_address = {ip}
virtual_mailbox_domains = postfix.example {domains}
virtual_mailbox_limit = 0
virtual_mailbox_base = {mail}
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_alias_maps = inline:{{ {{ later@postfix.example = gone@gone.example }} }}
transport_maps = inline:{{ {{ gone.example = error:5.1.1 no such user }} }}
smtpd_milters = inet:127.0.0.1:{opendkim} inet:127.0.0.1:{rspamd}
milter_default_action = tempfail
milter_command_timeout = 60s
milter_content_timeout = 60s
"""

OPENDKIM: Final = "Mode v\nAuthservID opendkim.postfix.example\nAlwaysAddARHeader yes\nNameservers 127.0.0.1\n"
"""Without these name servers it asks the root servers, which are not in this net."""


def say(text: str) -> None:
    print(f"{time.monotonic():8.1f} {text}", flush=True)


def zones() -> dict[str, str]:
    """All names; the mail host of the senders is Postfix."""
    record = quoted(key_record(KEY))
    found = {
        domain: f'@ MX 10 mx\nmx A {POSTFIX}\n@ TXT "v=spf1 ip4:{SENDER} -all"\n'
        f's._domainkey TXT {record}\n_dmarc TXT "v=DMARC1; p={policy}"'
        for domain, policy in POLICIES.items()
    }
    for domain, ip in (("ours.example", OWN), ("far.example", FAR), ("postfix.example", POSTFIX)):
        found[domain] = f'@ MX 10 mx\nmx A {ip}\nmx TXT "v=spf1 a -all"\n@ TXT "v=spf1 mx -all"'
    found["ours.example"] += f'\nf._domainkey TXT {record}\n_dmarc TXT "v=DMARC1; p=reject"'
    found["sender.example"] = f"mx A {SENDER}"
    pointers = {OWN: "ours", FAR: "far", POSTFIX: "postfix", SENDER: "sender"}
    lines = [f"{ip.rpartition('.')[2]} PTR mx.{name}.example." for ip, name in pointers.items()]
    return {**found, "100.45.5.in-addr.arpa": "\n".join(lines)}


def signed(octets: bytes, domain: str) -> bytes:
    """The message with one more signature, by dkimpy."""
    fields = [b"from", b"to", b"subject", b"date", b"message-id"]
    signature: bytes = dkim.sign(octets, b"s", domain.encode(), to_pem(KEY), include_headers=fields)
    return signature + octets


def mail(name: str, kind: Kind, to: str) -> tuple[str, bytes]:
    """The envelope's sender of a message of this kind, and its octets."""
    octets = (
        f"From: Ann <ann@{kind.author}>\r\nTo: <{to}@ours.example>\r\nSubject: {name}\r\n"
        f"Date: {email.utils.formatdate()}\r\nMessage-ID: <{name}.{to}@{kind.author}>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBoats, oars \r\n.and a dot\r\n"
    ).encode()
    for domain in kind.signers:
        octets = signed(octets, domain)
    if not kind.list:
        return f"{name}@{kind.author}", octets
    octets = octets.replace(b"Subject: ", b"List-Id: <boats.list.example>\r\nSubject: [boats] ")
    return f"{name}@list.example", signed(octets, "list.example")


class Net:
    """The servers."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._mail = folder / "postfix/mail"
        self._mail.mkdir(parents=True)
        self._mail.chmod(0o777)
        (folder / "rspamd").mkdir()
        stack.enter_context(DNSWorld(zones(), unsigned=["loose.example"], port=53))
        milter = free_port()
        stack.enter_context(Rspamd(folder / "rspamd", "example\n", free_port(), milter))
        text = MAIN_CF.format(
            ip=POSTFIX,
            domains=" ".join(POLICIES),
            mail=self._mail,
            opendkim=stack.enter_context(opendkim(folder / "opendkim", OPENDKIM)),
            rspamd=milter,
        )
        self.postfix = stack.enter_context(Postfix(folder / "postfix", text, 25, POSTFIX))
        self.own = self._moxlite(folder / "own", "mx.ours.example", OWN, FORWARDS)
        (folder / "own/config/f.pem").write_bytes(to_pem(KEY))
        self.far = self._moxlite(folder / "far", "mx.far.example", FAR, RECEIVES)
        config = folder / "far/config/domains.toml"
        config.write_text('arc = { trusted_sealers = ["ours.example"] }\n' + config.read_text())
        for server in (self.own, self.far):
            stack.enter_context(server)
        self.far.cli("account", "set-password", "mia", stdin=self.far.password + "\n")
        for name, local in (("mia", "mia"), ("ned", "gone")):
            self.own.cli("--yes", "account", "forward", "confirm", name, f"{local}@far.example")
        for name, local in (("mia", "mia"), ("ned", "later")):
            self.own.cli("--yes", "account", "forward", "confirm", name, f"{local}@postfix.example")
        say("the net stands")

    def _moxlite(self, folder: Path, hostname: str, ip: str, domains: str) -> ServedServer:
        server = ServedServer(folder, static=LISTENER.format(ip=ip), domains=domains)
        config = folder / "config/moxlite.toml"
        config.write_text(config.read_text().replace("mx.moxlite.example", hostname))
        return server

    def send(self, sender: str, to: str, octets: bytes) -> None:
        """To the server that forwards, from the senders' host."""
        with smtplib.SMTP(OWN, 25, "mx.sender.example", source_address=(SENDER, 0), timeout=60) as client:
            client.sendmail(sender, [f"{to}@ours.example"], octets)

    def at_far(self) -> list[Message]:
        """The messages that the second moxlite has stored, Junk left out."""
        session = imaplib.IMAP4("127.0.0.1", self.far.ports["imap"])
        session.starttls()
        session.login("mia@far.example", self.far.password)
        found = contents(session)
        session.logout()
        return [email.message_from_bytes(one) for one in found]

    def at_postfix(self) -> list[Message]:
        """The messages that Postfix has stored, of all recipients."""
        return [email.message_from_bytes(path.read_bytes()) for path in (self._mail / "all/new").glob("*")]

    def arrived(self) -> list[Message]:
        """Of these the forwarded ones."""
        return [one for one in self.at_postfix() if one["Delivered-To"] == "mia@postfix.example"]

    def home(self) -> Counter[str]:
        """Names of messages, and how many bounces have come to the sender of each."""
        names = (str(one["Delivered-To"]) for one in self.at_postfix() if one["Return-Path"] == "<>")
        return Counter(name.partition("@")[0] for name in names)

    def logs(self) -> str:
        """The last words of all."""
        return "\n".join(one.log()[-3000:] for one in (self.own, self.far, self.postfix))


def results(one: Message, field: str = "Authentication-Results", by: str = "") -> str:
    """The results that a server has written on top, on one line."""
    found = [" ".join(str(value).split()) for value in one.get_all(field, [])]
    assert any(value.startswith(by) for value in found), str(one)[:1500]
    return next(value for value in found if value.startswith(by))


def judged(one: Message, kind: Kind) -> None:
    """Check how both see it."""
    sender = email.utils.parseaddr(str(one["From"]))[1]
    assert sender == ("mia@ours.example" if kind.renamed else f"ann@{kind.author}"), one.as_string()
    if kind.renamed:
        assert str(one["X-Original-From"]).endswith(f"ann@{kind.author}>"), one.as_string()
        assert f"ann@{kind.author}" in str(one["Reply-To"])


def at_moxlite(one: Message, kind: Kind) -> None:
    """As the second moxlite says; a policy of the author that does not pass is excused by the seal."""
    said = results(one, by="mx.far.example")
    assert " arc=pass " in said, said
    assert " spf=pass " in said, said
    passed = set(re.findall(r" dkim=pass [^;]*header\.d=(\S+)", said))
    assert passed >= signers(kind), said
    assert (" dmarc=pass " in said) == (kind.judged == PROVEN), said


def by_opendkim_and_rspamd(one: Message, kind: Kind) -> None:
    """As Postfix has it."""
    said = results(one, by="opendkim.postfix.example")
    assert ("dkim=pass" in said) == bool(signers(kind)), said
    said = results(one, RESULTS)
    assert "arc=pass" in said, said
    assert "spf=pass" in said, said
    passed = set(re.findall(r"dkim=pass header\.d=([^\s;]+)", said))
    assert passed >= signers(kind), said
    wanted = "dmarc=pass" if kind.judged == PROVEN else "(policy=none)"
    assert wanted in said, said


def signers(kind: Kind) -> set[str]:
    """Domains whose signatures must pass after the way: of the forwarder where it has changed From."""
    if kind.renamed:
        return {"ours.example"}
    return {"list.example"} if kind.list else set(kind.signers)


def play(net: Net) -> None:
    """Every kind, to both; then those that come back."""
    for name, kind in KINDS.items():
        for to in ("mia", "ned"):
            sender, octets = mail(name, kind, to)
            net.send(sender, to, octets)
    until(lambda: len(net.arrived()) >= len(KINDS), what=f"all at Postfix\n{net.logs()}", pause=0.25)
    until(lambda: len(net.at_far()) >= len(KINDS), what=f"all at moxlite\n{net.logs()}", pause=1)
    for place, found, check in (
        ("moxlite", net.at_far(), at_moxlite),
        ("postfix", net.arrived(), by_opendkim_and_rspamd),
    ):
        named = {str(one["Subject"]).removeprefix("[boats] "): one for one in found}
        assert named.keys() == KINDS.keys(), (place, *named)
        assert len(found) == len(KINDS), (place, [str(one["Subject"]) for one in found])
        for name, kind in KINDS.items():
            say(f"{name} at {place}: {[results(named[name]), named[name][RESULTS]]}")
            judged(named[name], kind)
            check(named[name], kind)
    until(lambda: net.home().total() >= 2 * len(KINDS), what=f"bounces: {net.home()}\n{net.logs()}", pause=0.25)
    assert net.home() == dict.fromkeys(KINDS, 2), net.home()
    assert net.postfix.queued() == 0, net.logs()
    say("two bounces of each have come home")


def main() -> None:
    """Play in the folder that is given."""
    signal.alarm(600)  # whatever hangs: the caller has given up by then
    folder = Path(sys.argv[1])
    set_up_net(folder, OWN, FAR, POSTFIX, SENDER)
    with ExitStack() as stack:
        play(Net(folder, stack))
    say("done")


if __name__ == "__main__":
    main()
