"""A full disk: a small tmpfs fills up under deliveries and appends; afterwards there is room again.

Deliveries must be refused with 452, appends with NO [UNAVAILABLE] (IMAP-153), nothing may be corrupt, all that was
acknowledged must be there, and the service resumes by itself. Once with SQLITE_FULL itself (no reserve), once with the
reserve of `store.min_free_space` (STORE-157), where flags and expunges go on. Needs root, for mount.
"""

import contextlib
import os
import random
import smtplib
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.campaigns.kill import Ledger, compare_bodies, marks, session, verify
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer

__all__ = ["run"]

DISK = 128 << 20
ROUNDS = 20
PATIENCE = 300.0
"""Seconds for what only has to happen: a sender is refused, deliveries go on. The machine may be busy otherwise."""


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A tmpfs of DISK octets."""
    if os.geteuid() != 0:
        if os.environ.get("CI") == "true":
            pytest.fail("the full-disk campaign needs root for mount")
        pytest.skip("the full-disk campaign needs root for mount")
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill_up(server: ServedServer, ledger: Ledger, rng: random.Random) -> list[str]:
    """16 senders until each was refused; the refusals."""
    refusals: list[str] = []

    def sender(seed: int) -> None:
        own = random.Random(seed)
        with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=PATIENCE) as client:
            while True:
                mark, content = ledger.make("in", own)
                try:
                    client.sendmail("", ["eve@example.org"], content)
                except smtplib.SMTPResponseException as refusal:
                    refusals.append(f"{refusal.smtp_code} {refusal.smtp_error!r}")
                    return
                except smtplib.SMTPRecipientsRefused as refused:
                    [(code, text)] = refused.recipients.values()
                    refusals.append(f"{code} {text!r}")
                    return
                ledger.acknowledged.add(mark)

    threads = [threading.Thread(target=sender, args=(rng.getrandbits(32),), daemon=True) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)
        if thread.is_alive():
            raise Finding(f"a sender is still busy after {PATIENCE:.0f} s on a full disk")
    return refusals


def append_refused(server: ServedServer, ledger: Ledger, rng: random.Random) -> str:
    """What an APPEND of a megabyte is answered with; nothing of it may be stored."""
    client = session(server, "Archive")
    before = len(marks(client))
    _, content = ledger.make("append", rng)
    code, answer = client.append("Archive", "", "", content + b"x" * (1 << 20) + b"\r\n")
    text = answer[0].decode() if answer and isinstance(answer[0], bytes) else repr(answer)
    client.noop()
    client.select("Archive")
    if code == "OK" or "[UNAVAILABLE]" not in text:
        raise Finding(f"APPEND on a full disk was answered with {code} {text}")
    if len(marks(client)) != before:
        raise Finding("an APPEND that was refused is in the mailbox")
    client.logout()
    return f"{code} {text}"


def one_round(
    server: ServedServer, free: Callable[[], object], reserve: int, rng: random.Random
) -> tuple[int, set[str], str]:
    """Fill the disk of a server, be refused, `free` some room, go on; (acknowledged messages, refusals by SMTP, refusal
    by IMAP).
    """
    ledger = Ledger()
    with server:
        refusals = fill_up(server, ledger, rng)
        if strange := [text for text in refusals if not text.startswith("452 b'4.3.1")]:
            raise Finding(f"on a full disk SMTP answered {strange[:3]}")
        told = append_refused(server, ledger, rng)
        verify(server, ledger, drained=False)
        if reserve:
            client = session(server)
            code, answer = client.uid("STORE", "1:10", "+FLAGS", "(\\Deleted)")
            if code != "OK":
                raise Finding(f"flags within the reserve: {code} {answer!r}")
            with ledger.lock:
                ledger.expunging |= {mark for _, mark in marks(client, "1:10")}
            code, answer = client.expunge()
            if code != "OK":
                raise Finding(f"expunge within the reserve: {code} {answer!r}")
            client.logout()
        free()
        resume(server, ledger, rng)
        verify(server, ledger, drained=False)
        compare_bodies(server, ledger)
    if status := server.stop():
        raise Finding(f"the server ended with {status}: {server.log()[-2000:]}")
    checked = server.cli("store", "check", "--deep", check=False)
    if checked.returncode != 0:
        raise Finding(f"store check --deep: {checked.stdout}{checked.stderr}")
    return len(ledger.acknowledged), {text[:12] for text in refusals}, told


def on_a_tmpfs(folder: Path, reserve: int, rng: random.Random) -> tuple[int, set[str], str]:
    """A round of a process whose data is on a small disk."""
    with small_disk(folder / "disk") as disk:
        filler = disk / "filler"
        filler.write_bytes(b"\0" * (DISK // 2))  # the text index grows, too, once there is room
        server = ServedServer(
            folder / "server", top=f'store.min_free_space = "{reserve}"', environment={"TMPDIR": str(folder)}
        )
        path = server.config_folder / "moxlite.toml"
        path.write_text(path.read_text().replace('data_dir = "../data"', f'data_dir = "{disk}/data"'))
        return one_round(server, filler.unlink, reserve, rng)


def resume(server: ServedServer, ledger: Ledger, rng: random.Random) -> None:
    """With room again, deliveries succeed by themselves: STORE-157 retries every 10 s, and the machine may be busy."""
    deadline = time.monotonic() + PATIENCE
    while True:
        mark, content = ledger.make("in", rng)
        try:
            with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=PATIENCE) as client:
                client.sendmail("", ["eve@example.org"], content)
        except (smtplib.SMTPException, OSError) as refusal:
            if time.monotonic() > deadline:
                raise Finding(f"with room again deliveries are still refused: {refusal}") from refusal
            time.sleep(0.5)
        else:
            ledger.acknowledged.add(mark)
            return


def run(seed: int, share: float, report: Report) -> None:
    """ROUNDS × share rounds, half of them without a reserve."""
    rng = random.Random(seed)
    rounds = max(2, round(ROUNDS * share))
    acknowledged, refusals, told = 0, set[str](), ""
    for number in range(rounds):
        reserve = (8 << 20) if number % 2 else 0
        with tempfile.TemporaryDirectory(prefix="moxlite-full-") as folder:
            count, texts, told = on_a_tmpfs(Path(folder), reserve, rng)
        acknowledged += count
        refusals |= texts
    report.tell(f"{rounds} rounds on a tmpfs of {DISK >> 20} MiB, 16 senders each, until refused")
    report.tell(f"SMTP refused with {sorted(refusals)}, IMAP APPEND with `{told}`")
    report.tell(f"{acknowledged} messages acknowledged, all there, none twice, octets equal; service resumed by itself")
    report.tell("`store check --deep`: clean each time")
