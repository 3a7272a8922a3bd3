"""Programs read and send as docs/clients.md has them set up: rows with settings in code are run exactly as printed
(SMTP-179, IMAP-177).

A server started here takes the place of the page's host, ports, address and password. The campaign runs the programs
of this machine. The full count also runs the programs of Debian 12 and 13, in root file systems `programs12` and
`programs13`: from the folder that MOXLITE_ROOTS names, else mmdebstrap makes them, which takes the network. The report
names missing programs, and npm libraries that NODE_PATH doesn't have.
"""

import fcntl
import imaplib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import termios
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.campaigns._addresses import unverified
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer
from tests.terminal import Terminal
from tests.tools import free_port, moxlite_command, top, until

__all__ = ["run"]

MESSAGE: Final = "From: {user}\nTo: {user}\nSubject: {subject}\n\nGrüße\n"

USER: Final = "bob@example.org"
"""The account. git takes no address at localhost."""

WAITING: Final = "to be read"
"""Subject of the message that programs read."""

SECONDS: Final = 120

PHP: Final = "/usr/share/php"

RELEASES: Final = {
    "programs12": ("bookworm", ("php-horde-imap-client", "php-horde-smtp")),  # Debian 13 hasn't got Horde
    "programs13": ("trixie", ()),
}
"""By the name of the root file system: the release, and packages that it alone has."""

PACKAGES: Final = (
    *("ca-certificates", "msmtp", "s-nail", "git", "git-email", "curl", "php-cli", "php-mbstring", "libphp-phpmailer"),
    *("php-symfony-mailer", "python3-django", "nodejs", "mutt", "neomutt", "isync", "offlineimap3", "alpine", "aerc"),
    *("fetchmail", "getmail6", "bsd-mailx", "libmailtools-perl", "libauthen-sasl-perl"),
)

ENTER: Final = 'mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
"""Run a program in a root file system, with terminals for those that it starts."""

OLD_DEVICE: Final = """\
[listeners.old]
ips = ["127.0.0.1"]
tls = {{ {version}, key_certs = [{{ cert_file = "rsa/cert.pem", key_file = "rsa/key.pem" }}] }}
submissions = {{ enabled = true, port = {port} }}
"""


class Place(msgspec.Struct, frozen=True):
    """Where programs run: this machine, or a root file system below `root`. `name`: in the report."""

    name: str
    root: Path

    def has(self, path: str) -> bool:
        """Whether a program, or a file by its whole path, is there."""
        if path.startswith("/"):
            return (self.root / path[1:]).exists()
        return any((self.root / folder / path).exists() for folder in ("usr/bin", "usr/local/bin", "usr/sbin"))

    def command(self, words: tuple[str, ...], folder: str) -> list[str]:
        """The words that run a program there, in a folder of its own."""
        enter = [] if self.root == Path("/") else ["unshare", "--mount", "sh", "-c", ENTER, str(self.root)]
        return [*enter, "env", "-C", folder, *words]


class Row:
    """A row of the page: its settings, with the values of the server in their place.

    Attributes:
      settings: of the cells that have code, each a list. ports: of the server.
      folder: of the program, as this machine sees it. inside: as the program does.
    """

    def __init__(self, cells: list[str], server: ServedServer, place: Place, name: str) -> None:
        values = {
            "me%40example.org": USER.replace("@", "%40"),
            "me@example.org": USER,
            "you@example.org": USER,
            "mail.example.org": "localhost",
            "465": str(server.ports["submissions"]),
            "993": str(server.ports["imaps"]),
            "PASSWORD": server.password,
        }
        printed = re.compile(rf"\b(?:{'|'.join(map(re.escape, values))})\b")
        self.settings = [
            [printed.sub(lambda match: values[match[0]], span) for span in re.findall(r"`([^`]+)`", cell)]
            for cell in cells
        ]
        self.subject, self.user, self.password, self.ports = f"{name} {place.name}", USER, server.password, server.ports
        self.inside = f"/tmp/moxlite-{os.getpid()}-" + re.sub(r"\W+", "-", self.subject)
        self.folder, self.place = place.root / self.inside[1:], place
        self.folder.mkdir()
        shutil.copy(server.config_folder / "cert.pem", self.folder / "ca.pem")
        self.ca = f"{self.inside}/ca.pem"
        self.text = MESSAGE.format(user=USER, subject=self.subject)
        self.environment = {
            "HOME": self.inside,
            "TMPDIR": "/tmp",
            "SSL_CERT_FILE": self.ca,
            "NODE_EXTRA_CA_CERTS": self.ca,
        }
        self.environment |= {"XDG_CONFIG_HOME": f"{self.inside}/config", "MAILRC": f"{self.inside}/mailrc"}

    @property
    def incoming(self) -> list[str]:
        """Settings to read with."""
        return self.settings[0]

    @property
    def outgoing(self) -> list[str]:
        """Settings to send with."""
        return self.settings[-1]

    def write(self, name: str, *lines: str) -> None:
        """Write a file of settings, which others can't read."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*lines, ""]))
        path.chmod(0o600)

    def play(self, *command: str, stdin: str = "") -> str:
        """Run a program to its end; what it wrote. Raises Finding if it fails."""
        done = subprocess.run(
            self.place.command(command, self.inside),
            env=os.environ | self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise Finding(f"{self.subject}: {done.stdout}{done.stderr}"[:2000])
        return done.stdout

    def show(self, *command: str, keys: tuple[tuple[str, str], ...] = (), ends: bool = True) -> str:
        """Run a program on a terminal; what it showed. `keys`: what it must show, and what is typed then. `ends`: the
        last of them ends it.
        """
        words = ("sh", "-c", 'stty rows 24 columns 100; exec "$@"', "sh", *command)
        environment = self.environment | {"TERM": "xterm"}
        entered = self.place.command(words, self.inside)
        with Terminal(entered, environment=environment, first=_control_terminal) as terminal:
            for question, typed in keys:
                terminal.answer(question, typed)
            if ends:
                terminal.end()
            return terminal.shown

    def holds(self, text: str) -> bool:
        """Whether a file of the program has a text."""
        return any(text.encode() in path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


def _control_terminal() -> None:
    """Make the terminal that of the session, which aerc opens as /dev/tty."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


# Reading. Each program fetches the message that waits, or shows its subject.


def _expect(row: Row, shown: str = "") -> None:
    if WAITING not in shown and not row.holds(f"Subject: {WAITING}"):
        raise Finding(f"{row.subject}: the message wasn't read: {shown[-1000:]}")


def _mbsync(row: Row) -> None:
    host, port, user, password, kind, old = row.incoming
    version = re.search(r"\d+\.\d+", row.play("mbsync", "--version"))
    kind = old if version is not None and version[0] < "1.5" else kind
    stores = ["MaildirStore near", f"Path {row.inside}/", f"Inbox {row.inside}/inbox", ""]
    channel = ["Channel c", "Far :far:", "Near :near:", "Patterns INBOX", "Create Near", "Sync Pull"]
    account = ["IMAPStore far", host, port, user, password, kind, f"CertificateFile {row.ca}", ""]
    row.write("rc", *account, *stores, *channel)
    row.play("mbsync", "-c", "rc", "c")
    _expect(row)


def _offlineimap(row: Row) -> None:
    near = ["type = Maildir", f"localfolders = {row.inside}/mail"]
    settings = [line.replace("OS-DEFAULT", row.ca) for line in row.incoming]
    account = ["[general]", "accounts = a", f"metadata = {row.inside}/meta", "[Account a]", "localrepository = near"]
    row.write("rc", *account, "remoterepository = far", "[Repository near]", *near, "[Repository far]", *settings)
    row.play("offlineimap", "-c", "rc", "-o", "-u", "quiet")
    _expect(row)


def _fetchmail(row: Row) -> None:
    [poll] = row.incoming
    row.write("rc", f'{poll} sslcertck sslcertfile "{row.ca}" keep mda "cat >{row.inside}/got"')
    row.play("fetchmail", "-f", "rc", "--pidfile", f"{row.inside}/pid", "--idfile", f"{row.inside}/ids")
    _expect(row)


def _getmail(row: Row) -> None:
    port = f"port = {row.ports['imaps']}"  # the page means its default
    row.write("keep", "#!/bin/sh", f"cat >{row.inside}/got")
    (row.folder / "keep").chmod(0o755)
    target = ["[destination]", "type = MDA_external", f"path = {row.inside}/keep", "allow_root_commands = true"]
    row.write("getmailrc", "[retriever]", *row.incoming, port, f"ca_certs = {row.ca}", *target)
    row.play("getmail", "--getmaildir", row.inside)
    _expect(row)


def _mutt(program: str, row: Row) -> None:
    settings = [line.replace("imaps://localhost", f"imaps://localhost:{row.ports['imaps']}") for line in row.incoming]
    login = [f'set certificate_file="{row.ca}"', "set ssl_verify_host=no"]
    keys = 'push "<first-entry><pipe-message>cat >got<enter><exit>"'
    row.write("rc", *settings, *login, "set wait_key=no quit=yes pipe_decode=no", keys)
    row.show(program, "-n", "-F", "rc", "-R")
    _expect(row)
    url = row.outgoing[0].replace("@localhost", f"@localhost:{row.ports['submissions']}")
    row.write("rc", url, *row.outgoing[1:], *login, 'set record=""')
    row.play(program, "-n", "-F", "rc", "-s", row.subject, "--", row.user, stdin="x\n")


def _alpine(row: Row) -> None:
    [inbox] = row.incoming
    inbox = inbox.replace("{localhost/", f"{{localhost:{row.ports['imaps']}/")
    row.write("pinerc", inbox, "feature-list=quit-without-confirm", "last-version-used=9.99", "personal-name=Bob")
    (row.folder / "mail").mkdir()
    login = (("ENTER PASSWORD", f"{row.password}\r"), ("Preserve password", "n"))
    _expect(row, row.show("alpine", "-p", "pinerc", "-i", keys=(*login, (WAITING, "q"))))
    settings = ("feature-list=quit-without-confirm", 'default-fcc=""', "last-version-used=9.99")
    row.write("pinerc", *row.outgoing, *settings)
    keys = (("Message Text", "\x18"), ("Send message", "y"), *login)
    row.show("alpine", "-p", "pinerc", "-url", f"mailto:{row.user}?subject={row.subject}", keys=keys)


def _aerc(row: Row) -> None:
    source, outgoing, sender = (*row.incoming, *row.outgoing)
    source = f"{source}:{row.ports['imaps']}"
    outgoing = f"{outgoing}:{row.ports['submissions']}"
    row.write("config/aerc/accounts.conf", "[me]", source, outgoing, sender)
    row.write("config/aerc/aerc.conf", "[compose]", "editor = true")
    shutil.copy(row.place.root / "usr/share/aerc/binds.conf", row.folder / "config/aerc")
    compose = f":compose -H 'To: {row.user}' -H 'Subject: {row.subject}'\r"
    row.write("attached.eml", row.text)
    attach = f":attach {row.inside}/attached.eml\r"
    # "Message sent" takes the place of "Sending", of which the second letter stays.
    keys = ((WAITING, compose), ("Send this email?", attach), ("attached.eml", "y"), ("ssage sent", ""))
    _expect(row, row.show("aerc", keys=keys, ends=False))


# Sending. Each program sends one message with the row's subject.


def _msmtp(row: Row) -> None:
    row.write("rc", "defaults", f"tls_trust_file {row.ca}", "account a", *row.outgoing)
    row.play("msmtp", "-C", "rc", "-a", "a", "-t", stdin=row.text)


def _snail(row: Row) -> None:
    row.write("mailrc", *row.outgoing, f"set tls-ca-file={row.ca}")
    row.play("s-nail", "-:u", "-S", "sendwait", "-s", row.subject, row.user, stdin="x\n")


def _git(row: Row) -> None:
    row.write("patch", row.text)
    row.play("git", "init", "--quiet")
    more = (f"sendemail.smtpsslcertpath={row.ca}", f"user.email={row.user}", "user.name=me")
    for setting in (*row.outgoing, *more):
        row.play("git", "config", *setting.split("=", 1))
    people = (f"--from={row.user}", f"--to={row.user}", "--suppress-cc=all")
    row.play("git", "send-email", "--quiet", "--confirm=never", "--8bit-encoding=UTF-8", *people, "patch")


def _curl(row: Row) -> None:
    options = row.outgoing[0].split()
    row.play("curl", "--silent", "--show-error", "--cacert", row.ca, *options, "-T", "-", stdin=row.text)


def _php(row: Row, *code: str) -> str:
    return row.play("php", "-d", f"openssl.cafile={row.ca}", "-r", " ".join(code))


def _phpmailer(row: Row) -> None:
    loads = [f"require '{PHP}/libphp-phpmailer/src/{name}.php';" for name in ("Exception", "SMTP", "PHPMailer")]
    made = "$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);"
    rest = f"$mail->addAddress('{row.user}'); $mail->Subject = '{row.subject}'; $mail->Body = 'x'; $mail->send();"
    _php(row, *loads, made, row.outgoing[0], rest)


def _nextcloud(row: Row) -> None:
    """Nextcloud Mail makes these objects of Horde's libraries."""
    words = row.outgoing[-1].split()
    load = "spl_autoload_register(function ($name) { @include strtr($name, '_\\\\', '//') . '.php'; });"

    def settings(host: str, values: list[str]) -> str:
        names = (host, "port", "secure", "username", "password")
        return ", ".join(f"'{name}' => '{value}'" for name, value in zip(names, values, strict=True))

    read = f"$imap = new Horde_Imap_Client_Socket([{settings('hostspec', words[-10:-5])}]);"
    query = "$query = new Horde_Imap_Client_Fetch_Query(); $query->envelope();"
    shown = "foreach ($imap->fetch('INBOX', $query) as $one) echo $one->getEnvelope()->subject, PHP_EOL;"
    _expect(row, _php(row, load, read, query, shown))
    send = f"$smtp = new Horde_Mail_Transport_Smtphorde([{settings('host', words[-5:])}]);"
    header = f"['From' => '{row.user}', 'To' => '{row.user}', 'Subject' => '{row.subject}']"
    _php(row, load, send, f"$smtp->send('{row.user}', {header}, 'x');")


def _symfony(row: Row) -> None:
    loads = [f"require '{PHP}/Symfony/Component/{name}/autoload.php';" for name in ("Mailer", "Mime")]
    made = "$mail = new Symfony\\Component\\Mime\\Email();"
    filled = f"$mail->from('{row.user}')->to('{row.user}')->subject('{row.subject}')->text('x');"
    sent = f"Symfony\\Component\\Mailer\\Transport::fromDsn('{row.outgoing[0]}')->send($mail);"
    _php(row, *loads, made, filled, sent)


def _python(row: Row, *code: str) -> None:
    row.play("/usr/bin/python3", "-c", " ".join(code))


def _django(row: Row) -> None:
    begin = f"from django.conf import settings; settings.configure({', '.join(row.outgoing)});"
    send = f"from django.core.mail import send_mail; send_mail({row.subject!r}, 'x', None, [{row.user!r}])"
    _python(row, begin, send)


def _smtplib(row: Row) -> None:
    values = dict(setting.split(": ") for setting in row.outgoing)
    begin = "import smtplib, ssl; s = smtplib.SMTP_SSL({server!r}, {port}, context=ssl.create_default_context());"
    send = "s.login({username!r}, {password!r}); s.sendmail({sender!r}, [{sender!r}], {text!r}.encode())"
    _python(row, begin.format(**values), send.format(text=row.text, **values))


def _node(row: Row, package: str, code: str) -> None:
    shutil.copytree(_node_module(package), row.folder / "node_modules" / package)
    row.play("node", "-e", code)


def _nodemailer(row: Row) -> None:
    mail = f"{{ from: '{row.user}', to: '{row.user}', subject: '{row.subject}', text: 'x' }}"
    _node(row, "nodemailer", f"require('nodemailer').createTransport({row.outgoing[0]}).sendMail({mail})")


def _emailjs(row: Row) -> None:
    mail = f"{{ from: '{row.user}', to: '{row.user}', subject: '{row.subject}', text: 'x' }}"
    send = f"new SMTPClient({row.outgoing[0]}).sendAsync({mail}).then(() => process.exit(0))"
    _node(row, "emailjs", f"import('emailjs').then(({{ SMTPClient }}) => {send})")


def _mail(row: Row) -> None:
    """The call of `mail` is recorded: `moxlite sendmail` gets it here."""
    keep = f'printf "%s\\n" "$@" >{row.inside}/words; cat >{row.inside}/message'
    row.write("sendmail", "#!/bin/sh", keep)
    (row.folder / "sendmail").chmod(0o755)
    row.write("mailrc", f"set sendmail={row.inside}/sendmail")
    row.play("bsd-mailx", "-s", row.subject, row.user, stdin="x\n")
    until((row.folder / "message").exists, what="the call of sendmail")
    file = [setting for setting in row.outgoing if " = " in setting]
    row.write("submit.toml", *file, f"port = {row.ports['submissions']}", "tls = true", 'local_hostname = "x"')
    words = (row.folder / "words").read_text().split()
    done = subprocess.run(
        [*moxlite_command(), "sendmail", "-C", str(row.folder / "submit.toml"), *words],
        input=(row.folder / "message").read_bytes(),
        env=os.environ | {"HOME": str(row.folder), "SSL_CERT_FILE": str(row.folder / "ca.pem")},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise Finding(f"{row.subject}: {shlex.join(words)}: {done.stderr.decode()}")


def _scanner(row: Row) -> None:
    """A device that knows TLS 1.0 and RSA alone."""
    begin = "import smtplib, ssl; c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT); c.check_hostname = False;"
    old = "c.verify_mode = ssl.CERT_NONE; c.minimum_version = c.maximum_version = ssl.TLSVersion.TLSv1;"
    ciphers = "c.set_ciphers('AES128-SHA:AES256-SHA:@SECLEVEL=0');"
    connect = f"s = smtplib.SMTP_SSL('localhost', {row.ports['old']}, context=c);"
    send = f"s.login({row.user!r}, {row.password!r}); s.sendmail({row.user!r}, [{row.user!r}], {row.text!r}.encode())"
    _python(row, begin, old, ciphers, connect, send)


def _node_module(name: str) -> Path:
    """The folder of an npm library; one that isn't there for none."""
    folders = [Path(folder, name) for folder in os.environ.get("NODE_PATH", "").split(":") if folder]
    return next((folder for folder in folders if folder.exists()), Path("/nonexistent"))


class Program(msgspec.Struct, frozen=True):
    """A program of the page: the name of its row, what must be there, and how it reads or sends one message."""

    row: str
    needs: str
    play: Callable[[Row], None]
    sends: bool = True
    node: str = ""

    @property
    def name(self) -> str:
        """In the report."""
        return self.needs if self.row == "mutt, NeoMutt" else self.row

    def is_in(self, place: Place) -> bool:
        """Whether it can be run in a place."""
        return place.has(self.needs) and (not self.node or _node_module(self.node).exists())


PROGRAMS: Final = (
    Program("mbsync", "mbsync", _mbsync, sends=False),
    Program("OfflineIMAP 3", "offlineimap", _offlineimap, sends=False),
    Program("fetchmail", "fetchmail", _fetchmail, sends=False),
    Program("getmail 6", "getmail", _getmail, sends=False),
    Program("mutt, NeoMutt", "mutt", partial(_mutt, "mutt")),
    Program("mutt, NeoMutt", "neomutt", partial(_mutt, "neomutt")),
    Program("alpine", "alpine", _alpine),
    Program("aerc", "aerc", _aerc),
    Program("msmtp", "msmtp", _msmtp),
    Program("s-nail", "s-nail", _snail),
    Program("git send-email", "/usr/lib/git-core/git-send-email", _git),
    Program("curl", "curl", _curl),
    Program("PHPMailer", f"{PHP}/libphp-phpmailer", _phpmailer),
    Program("Nextcloud Mail", f"{PHP}/Horde/Imap", _nextcloud),
    Program("Symfony, Laravel", f"{PHP}/Symfony/Component/Mailer", _symfony),
    Program("Django", "/usr/lib/python3/dist-packages/django", _django),
    Program("nodemailer", "node", _nodemailer, node="nodemailer"),
    Program("emailjs", "node", _emailjs, node="emailjs"),
    Program("Home Assistant", "/usr/bin/python3", _smtplib),
    Program("`mail`, cron", "bsd-mailx", _mail),
    Program("Scanners, printers", "/usr/bin/python3", _scanner),
)


def rows() -> dict[str, list[str]]:
    """The cells with settings of each program that reads or sends."""
    page = (top() / "docs/clients.md").read_text()
    found: dict[str, list[str]] = {}
    for title, last in (("### Settings by app", 3), ("### Programs and devices that send", 2)):
        table = page.partition(title)[2].partition("\n###")[0]
        lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
        found |= {cells[0]: cells[1:last] for cells in lines}
    return found


def _has_come(server: ServedServer, subject: str) -> bool:
    with imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=unverified()) as session:
        session.login(USER, server.password)
        session.select("INBOX", readonly=True)
        return session.search(None, "SUBJECT", f'"{subject}"')[1] != [b""]


def _put_message(server: ServedServer) -> None:
    """Have one message wait in the Inbox: others would fill the list that a program shows."""
    with imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=unverified()) as session:
        session.login(USER, server.password)
        session.select("INBOX")
        session.uid("STORE", "1:*", "+FLAGS", r"(\Deleted)")
        session.expunge()
        message = MESSAGE.format(user=USER, subject=WAITING).replace("\n", "\r\n").encode()
        assert session.append("INBOX", "", "", message)[0] == "OK"


def _releases(folder: Path, share: float) -> Iterator[Place]:
    """Two releases of Debian, in the full count."""
    if share < 1 or os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        return
    for name, (suite, own) in RELEASES.items():  # of which `localhost` is the address that the server has
        kept = Path(os.environ.get("MOXLITE_ROOTS", "/nonexistent"), name)
        root = kept if kept.exists() else folder / name
        if root != kept:
            included = f"--include={','.join((*PACKAGES, *own))}"
            command = ["mmdebstrap", "--quiet", "--variant=minbase", included, suite, str(root)]
            subprocess.run(command, check=True, timeout=3600)
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        yield Place(suite, root)


class Played(msgspec.Struct, frozen=True):
    """What was run in a place: names of programs, those that aren't there, and what failed."""

    place: Place
    done: list[str]
    missing: list[str]
    failures: list[str]

    @property
    def line(self) -> str:
        """In the report."""
        missing = f" (not installed: {', '.join(self.missing)})" if self.missing else ""
        return f"{self.place.name}: {len(self.done)} programs: {', '.join(self.done)}{missing}"


def _play(place: Place, server: ServedServer, settings: dict[str, list[str]]) -> Played:
    """Run each program that a place has."""
    played = Played(place, [], [], [])
    for program in PROGRAMS:
        if not program.is_in(place):
            played.missing.append(program.name)
            continue
        row = Row(settings[program.row], server, place, program.name)
        _put_message(server)
        try:
            program.play(row)
            if program.sends:
                until(partial(_has_come, server, row.subject), what=f"the message from {row.subject}")
        except (AssertionError, subprocess.TimeoutExpired, pytest.fail.Exception) as error:
            played.failures.append(f"{place.name}: {program.name}: {error}")
        else:
            played.done.append(program.name)
        finally:
            shutil.rmtree(row.folder)
    return played


def _rsa(folder: Path) -> None:
    """Write a certificate with an RSA key for localhost."""
    folder.mkdir()
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "30"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command, *files], check=True, capture_output=True)


def run(seed: int, share: float, report: Report) -> None:
    """Each program once in each place; `seed` decides nothing."""
    settings = rows()
    if unknown := {program.row for program in PROGRAMS} - settings.keys():
        raise Finding(f"docs/clients.md has no row {', '.join(unknown)}")
    [version] = re.findall(r"`(min_version[^`]+)`", settings["Scanners, printers"][0])
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="moxlite-clients-") as home:
        server = ServedServer(Path(home) / "server", static=OLD_DEVICE.format(version=version, port=port))
        server.ports["old"] = port
        _rsa(server.config_folder / "rsa")
        with server:
            places = [Place("here", Path("/")), *_releases(Path(home), share)]
            played = [_play(place, server, settings) for place in places]
    report.tell("; ".join(one.line for one in played))
    failures = [failure for one in played for failure in one.failures]
    for failure in failures:
        report.tell(failure)
    if failures:
        raise Finding(f"{len(failures)} programs failed")
