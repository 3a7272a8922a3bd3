"""Programs send as docs/clients.md has them set up: rows with settings in code are run exactly as printed (SMTP-179).

A server started here takes the place of the page's host, port, address and password. Programs that aren't installed are
left out, and named; so are the npm libraries unless NODE_PATH has them.
"""

import imaplib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tests.campaigns._addresses import unverified
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer
from tests.tools import top, until

__all__ = ["run"]

MESSAGE: Final = "From: {user}\nTo: {user}\nSubject: {subject}\n\nGrüße\n"

USER: Final = "bob@example.org"
"""The account. git takes no address at localhost."""

SECONDS: Final = 120

PHP: Final = "/usr/share/php"


class Row:
    """A row of the page: its settings, with the values of the server in their place."""

    def __init__(self, cell: str, server: ServedServer, folder: Path, subject: str) -> None:
        address = USER
        values = {
            "me%40example.org": address.replace("@", "%40"),
            "me@example.org": address,
            "you@example.org": address,
            "mail.example.org": "localhost",
            "465": str(server.ports["submissions"]),
            "PASSWORD": server.password,
        }
        found = re.compile(rf"\b(?:{'|'.join(map(re.escape, values))})\b")
        self.settings = [found.sub(lambda match: values[match[0]], span) for span in re.findall(r"`([^`]+)`", cell)]
        self.folder, self.subject, self.user, self.port = folder, subject, address, server.ports["submissions"]
        self.ca = server.config_folder / "cert.pem"
        self.text = MESSAGE.format(user=address, subject=subject)

    def play(self, *command: str, stdin: str = "") -> None:
        """Run a program to its end. Raises Finding if it fails."""
        # s-nail takes no other home than root's
        place = {"HOME": str(self.folder), "MAILRC": str(self.folder / "mailrc")}
        trusts = {"SSL_CERT_FILE": str(self.ca), "NODE_EXTRA_CA_CERTS": str(self.ca)}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | place | trusts,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise Finding(f"{self.subject}: {done.stdout}{done.stderr}"[:2000])


def _msmtp(row: Row) -> None:
    (row.folder / "rc").write_text("\n".join(["defaults", f"tls_trust_file {row.ca}", "account a", *row.settings, ""]))
    (row.folder / "rc").chmod(0o600)
    row.play("msmtp", "-C", "rc", "-a", "a", "-t", stdin=row.text)


def _snail(row: Row) -> None:
    (row.folder / "mailrc").write_text("\n".join([*row.settings, f"set tls-ca-file={row.ca}", ""]))
    row.play("s-nail", "-:u", "-S", "sendwait", "-s", row.subject, row.user, stdin="x\n")


def _git(row: Row) -> None:
    (row.folder / "patch").write_text(row.text)
    row.play("git", "init", "--quiet")
    more = (f"sendemail.smtpsslcertpath={row.ca}", f"user.email={row.user}", "user.name=me")
    for setting in (*row.settings, *more):
        row.play("git", "config", *setting.split("=", 1))
    people = (f"--from={row.user}", f"--to={row.user}", "--suppress-cc=all")
    row.play("git", "send-email", "--quiet", "--confirm=never", "--8bit-encoding=UTF-8", *people, "patch")


def _curl(row: Row) -> None:
    row.play(
        "curl", "--silent", "--show-error", "--cacert", str(row.ca), *row.settings[0].split(), "-T", "-", stdin=row.text
    )


def _phpmailer(row: Row) -> None:
    loads = "".join(f"require '{PHP}/libphp-phpmailer/src/{name}.php';" for name in ("Exception", "SMTP", "PHPMailer"))
    code = f"{loads} $mail = new PHPMailer\\PHPMailer\\PHPMailer(true); {row.settings[0]}"
    code += f" $mail->addAddress('{row.user}'); $mail->Subject = '{row.subject}'; $mail->Body = 'x'; $mail->send();"
    row.play("php", "-d", f"openssl.cafile={row.ca}", "-r", code)


def _symfony(row: Row) -> None:
    loads = "".join(f"require '{PHP}/Symfony/Component/{name}/autoload.php';" for name in ("Mailer", "Mime"))
    mail = f"(new Symfony\\Component\\Mime\\Email())->from('{row.user}')->to('{row.user}')->subject('{row.subject}')"
    code = f"{loads} Symfony\\Component\\Mailer\\Transport::fromDsn('{row.settings[0]}')->send({mail}->text('x'));"
    row.play("php", "-d", f"openssl.cafile={row.ca}", "-r", code)


def _django(row: Row) -> None:
    settings = ", ".join(row.settings)
    code = f"from django.conf import settings; settings.configure({settings}); from django.core.mail import send_mail;"
    row.play("/usr/bin/python3", "-c", f"{code} send_mail({row.subject!r}, 'x', None, [{row.user!r}])")


def _nodemailer(row: Row) -> None:
    mail = f"{{ from: '{row.user}', to: '{row.user}', subject: '{row.subject}', text: 'x' }}"
    row.play("node", "-e", f"require('nodemailer').createTransport({row.settings[0]}).sendMail({mail})")


def _emailjs(row: Row) -> None:
    mail = f"{{ from: '{row.user}', to: '{row.user}', subject: '{row.subject}', text: 'x' }}"
    client = row.settings[0].replace("{", f"{{ port: {row.port},", 1)  # the page means its default
    row.play(
        "node", "-e", f"new (require('emailjs').SMTPClient)({client}).sendAsync({mail}).then(() => process.exit(0))"
    )


def _smtplib(row: Row) -> None:
    values = dict(setting.split(": ") for setting in row.settings)
    code = "import smtplib, ssl; s = smtplib.SMTP_SSL({server!r}, {port}, context=ssl.create_default_context());"
    code += " s.login({username!r}, {password!r}); s.sendmail({sender!r}, [{sender!r}], {text!r}.encode())"
    row.play("/usr/bin/python3", "-c", code.format(text=row.text, **values))


def _has_come(server: ServedServer, subject: str) -> bool:
    with imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=unverified()) as session:
        session.login(USER, server.password)
        session.select("INBOX", readonly=True)
        return session.search(None, "SUBJECT", f'"{subject}"')[1] != [b""]


def _php_has(name: str) -> bool:
    return shutil.which("php") is not None and Path(PHP, name).exists()


def _node_has(name: str) -> bool:
    return any(Path(folder, name).exists() for folder in os.environ.get("NODE_PATH", "").split(":") if folder)


PROGRAMS: Final[dict[str, tuple[Callable[[], bool], Callable[[Row], None]]]] = {
    "msmtp": (lambda: shutil.which("msmtp") is not None, _msmtp),
    "s-nail": (lambda: shutil.which("s-nail") is not None, _snail),
    "git send-email": (lambda: Path("/usr/lib/git-core/git-send-email").exists(), _git),
    "curl": (lambda: shutil.which("curl") is not None, _curl),
    "PHPMailer": (lambda: _php_has("libphp-phpmailer"), _phpmailer),
    "Symfony, Laravel": (lambda: _php_has("Symfony/Component/Mailer"), _symfony),
    "Django": (lambda: Path("/usr/lib/python3/dist-packages/django").exists(), _django),
    "nodemailer": (lambda: _node_has("nodemailer"), _nodemailer),
    "emailjs": (lambda: _node_has("emailjs"), _emailjs),
    "Home Assistant": (lambda: True, _smtplib),
}
"""Names of the page, whether the program is there, and how it sends one message."""


def rows() -> dict[str, str]:
    """The settings of each program in the table of those that send."""
    page = (top() / "docs/clients.md").read_text()
    table = page.partition("### Programs and devices that send")[2].partition("\n###")[0]
    return {found[1]: found[2] for found in re.finditer(r"^\| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)}


def run(seed: int, share: float, report: Report) -> None:
    """Each program once; `seed` and `share` decide nothing."""
    settings = rows()
    sent, missing, failed = [], [], []
    place = tempfile.TemporaryDirectory(prefix="moxlite-clients-")
    with place as home, ServedServer(Path(home) / "server") as server:
        for name, (is_there, send) in PROGRAMS.items():
            if name not in settings:
                raise Finding(f"docs/clients.md has no row {name}")
            if not is_there():
                missing.append(name)
                continue
            folder = Path(home) / name.replace(" ", "-")
            folder.mkdir()
            try:
                send(Row(settings[name], server, folder, f"from {name}"))
            except Finding as finding:
                failed.append(str(finding))
            else:
                sent.append(name)
        report.tell(f"{len(sent)} programs sent: {', '.join(sent)}; not installed: {', '.join(missing) or 'none'}")
        for failure in failed:
            report.tell(failure)
        for name in sent:
            until(partial(_has_come, server, f"from {name}"), what=f"the message from {name}")
    if failed:
        raise Finding(f"{len(failed)} programs couldn't send")
