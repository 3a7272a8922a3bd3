"""Sieve beside Pigeonhole, the Sieve of Dovecot: the same scripts and messages give the same actions (IMAP-142)."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sievecases import Case, all_cases

CONFIG = """
log_path = /dev/stderr
mail_uid = {user}
mail_gid = {user}
first_valid_uid = 1
first_valid_gid = 1
mail_home = {home}
mail_location = maildir:{home}/mail
plugin {{
  sieve = file:{home}/scripts;active={home}/active
  sieve_extensions = +spamtest +spamtestplus +vacation-seconds
  sieve_vacation_min_period = 0
  sieve_max_redirects = 5
  sieve_spamtest_status_type = score
  sieve_spamtest_status_header = X-Junk: ([0-9.]+)
  sieve_spamtest_max_value = 1
}}
"""


def _by_pigeonhole(case: Case, home: Path) -> list[str]:
    """The actions of a case by sieve-test."""
    scripts = home / "scripts"
    shutil.rmtree(scripts, ignore_errors=True)
    scripts.mkdir()
    for name, text in {**case.includes, "tried": case.script}.items():
        (scripts / f"{name}.sieve").write_text(text)
    boxes = [name for name in case.options.get("mailboxes", "").split(", ") if name]
    for name in boxes:
        for folder in ("cur", "new", "tmp"):
            (home / "mail" / f".{name.replace('/', '.')}" / folder).mkdir(parents=True, exist_ok=True)
    message = shutil.copy(case.message, home / "message.eml")  # others can't read a clone in a private folder
    subprocess.run(["chown", "-R", "mail:mail", str(home)], check=True)
    words = ["sieve-test", "-C", "-c", str(home / "conf"), "-f", case.sender, "-a", case.recipient]
    words += ["-r", case.recipient, "-m", "INBOX", str(scripts / "tried.sieve"), str(message)]
    zone = {**os.environ, "TZ": "UTC"}
    done = subprocess.run(words, capture_output=True, text=True, env=zone, timeout=30, check=False, cwd=home)
    return _read(done.stdout, done.stderr)


def _read(printed: str, errors: str) -> list[str]:
    if "Performed actions:" not in printed:
        return ["error"] if "final result: failed; resolved" in errors else ["refused"]
    performed, _, implicit = printed.partition("Implicit keep:")
    lines = [_line(text) for text in re.split(r"^ \* ", performed, flags=re.MULTILINE)[1:]]
    lines = [line for line in lines if line != "track duplicate"]
    lines += [f"{_line(text)} implicit" for text in re.split(r"^ \* ", implicit, flags=re.MULTILINE)[1:]]
    if "final result: failed" in errors or "final result: partial" in errors:
        return ["error"]
    return lines


def _line(text: str) -> str:
    """One printed action in the words of `tests.sievecases.line`."""
    first, _, rest = text.partition("\n")
    flags = re.search(r"add IMAP flags: (.*)", rest)
    words = sorted(f"+{flag.lower()}" for flag in (flags[1].split() if flags else []) if flag != "(none)")
    if found := re.match(r"store message in folder: (.*)", first):
        name = "keep" if found[1] == "INBOX" else f"fileinto {found[1]}"
        return " ".join([name, *words, *(["create"] if "create mailbox" in rest else [])])
    if found := re.match(r"redirect message to: <(.*)>", first):
        return f"redirect {found[1]}"
    if first.startswith("send vacation message"):
        seconds, subject = re.search(r"seconds : (\d+)", rest), re.search(r"subject : (.*)", rest)
        body = re.search(r"START MESSAGE\n(.*)\nEND MESSAGE", rest, re.DOTALL)
        said = ["vacation", f"seconds={seconds[1]}" if seconds else "", f"subject={subject[1]}" if subject else ""]
        return " ".join(filter(None, [*said, f"text={' '.join(body[1].split()) if body else ''}"]))
    if first.startswith("reject message"):
        return f"reject {' '.join(text.partition('reason:')[2].replace('?', ' ').split())}"
    return first.strip()


def _wanted(case: Case) -> list[str]:
    """Our actions of a case, as far as sieve-test tells them."""
    if case.wanted[0].startswith("refused "):
        return ["refused"]
    if "error" in case.wanted:
        return ["error"]
    return [line.replace("fileinto Inbox", "keep") for line in case.wanted]


@pytest.mark.skipif(shutil.which("sieve-test") is None or os.geteuid() != 0, reason="needs dovecot-sieve and root")
@pytest.mark.parametrize(
    "case", [case for case in all_cases() if "compare" not in case.options], ids=lambda case: case.title
)
def test_pigeonhole_decides_alike(case: Case, tmp_path: Path) -> None:
    """IMAP-142: Pigeonhole's actions are ours, but for the cases with the reason of a difference."""
    home = tmp_path / "home"
    (home / "mail").mkdir(parents=True)
    (home / "conf").write_text(CONFIG.format(user="mail", home=home))
    for folder in (home, *home.parents):
        if os.stat(folder).st_uid == os.geteuid() and folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    assert sorted(_by_pigeonhole(case, home)) == sorted(_wanted(case))
