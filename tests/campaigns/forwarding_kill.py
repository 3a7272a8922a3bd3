"""kill -9 while mail comes in that is sent on: each message is sent on once, or kept (SMTP-159, SMTP-160a, QUEUE-179).

Accounts of three kinds get mail: one keeps no copy, one keeps a copy, one has a Sieve script with `redirect`. A sink
stands for the mail hosts of all domains (`_mailhosts`): it takes what is sent on, refuses each tenth message for good,
and takes the bounces, which go home to the first senders. At the end, for each message that was acknowledged:
- it was taken by its target, or refused, or it is in the account's Inbox;
- of each that was refused the bounce came home to its first sender;
- it was taken again only where the kill came before our server could read the answer;
- where a copy is kept it is in the Inbox once;
- without a copy it is also in the Inbox only where the kill came between two units of its delivery (SMTP-160a).
"""

import imaplib
import math
import random
import re
import smtplib
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaigns._mailhosts import Hosts, Server, Taken
from tests.campaigns.kill import CUT, insecure
from tests.campaigns.report import Finding, Report
from tests.campaigns.sending_kill import drain
from tests.running import ServedServer
from tests.sendserver import DOMAINS

__all__ = ["run"]

MESSAGES = 8_000
KILLS = 40
FEWEST = 60, 2
"""Messages and kills, however small the share."""

SENDERS = 6
PER_ACCOUNT = 400
"""Messages for one account: fewer than its limit of a day."""

LONGEST_REST = 1.0
"""Seconds between the last message of a round and its kill, at most: the queue works on."""

REFUSED_EACH = 10
"""Each message of whose number this is a divisor is refused by its target."""

STATIC = '[queue]\nretry_delays = ["1s"]\nmax_attempts = 1000\ndelay_dsn_attempt = 1000\n'
ACCOUNT = """\
[accounts.f{n}]
domain = "example.org"
max_first_time_recipients_per_day = 1000000
{forward}
[accounts.f{n}.destinations."f{n}@example.org"]
"""
KINDS = (
    'forward_to = ["t{n}@d{domain}.example"]\nkeep_copy = false',
    'forward_to = ["t{n}@d{domain}.example"]\nkeep_copy = true',
    "",
)
"""Lines of the configuration of an account, by its number modulo 3: without and with a copy, by a script."""

COPY, SCRIPT = 1, 2
NUMBER = re.compile(rb"^X-Number: (\d+)\r$", re.MULTILINE)
TARGET = re.compile(rb"RCPT TO:<t\d+@d\d+\.example>", re.IGNORECASE)
HOME = re.compile(rb"RCPT TO:<s(\d+)@d\d+\.example>", re.IGNORECASE)


@dataclass
class World(Hosts):
    """The answers of all targets, and the bounces that came home, by number of the message."""

    taken: defaultdict[int, list[Taken]] = field(default_factory=lambda: defaultdict(list))
    refused: set[int] = field(default_factory=set)
    home: defaultdict[int, list[Taken]] = field(default_factory=lambda: defaultdict(list))

    def recipient(self, line: bytes) -> bytes:
        """Targets and first senders are there."""
        if not TARGET.match(line) and not HOME.match(line):
            raise AssertionError(line)
        return b"250 2.1.5 ok"

    def take(self, line: bytes, octets: bytes) -> tuple[bytes, Taken | None]:
        """A bounce and the question of consent are taken; of the others each tenth is refused."""
        home = HOME.match(line)
        with self.lock:
            if home is not None:
                self.home[int(home[1])].append(Taken())
                return b"250 2.0.0 home", self.home[int(home[1])][-1]
            found = NUMBER.search(octets)
            if found is None:  # the answers are known to the configuration already
                return b"250 2.0.0 asked", None
            number = int(found[1])
            if number % REFUSED_EACH == 0:
                self.refused.add(number)
                return b"550 5.7.1 not wanted", None
            self.taken[number].append(Taken())
            return b"250 2.0.0 taken", self.taken[number][-1]


@dataclass
class Ledger:
    """The numbers of messages, and what senders were told of them."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: int = 0
    acknowledged: set[int] = field(default_factory=set)


def send(server: ServedServer, ledger: Ledger, accounts: int, wanted: int, stop: threading.Event) -> None:
    """Messages of strangers, one after the other, until `wanted` are acknowledged in all."""
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=60) as client:
        while not stop.is_set() and len(ledger.acknowledged) < wanted:
            with ledger.lock:
                ledger.numbers += 1
                number = ledger.numbers
            sender, to = f"s{number}@d{number % DOMAINS}.example", f"f{number % accounts}@example.org"
            text = (
                f"From: {sender}\r\nTo: {to}\r\nSubject: boats {number}\r\nX-Number: {number}\r\n"
                f"Date: Thu, 01 Oct 2026 10:00:00 +0000\r\nMessage-ID: <{number}@soak.example>\r\n"
                f"\r\n{'x' * (number % 3000)}\r\n"
            )
            client.sendmail(sender, [to], text)
            with ledger.lock:
                ledger.acknowledged.add(number)


def work(server: ServedServer, ledger: Ledger, accounts: int, wanted: int, rest: float | None) -> None:
    """Send until so many are acknowledged; after `rest` seconds kill the server, without it let it be."""
    stop = threading.Event()
    failures: list[str] = []

    def worker() -> None:
        try:
            send(server, ledger, accounts, wanted, stop)
        except CUT as error:
            if not stop.is_set():
                failures.append(repr(error))

    threads = [threading.Thread(target=worker, daemon=True) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    while len(ledger.acknowledged) < wanted and not failures:
        time.sleep(0.01)
    if rest is not None:
        time.sleep(rest)
        stop.set()
        server.kill()
    for thread in threads:
        thread.join(timeout=120)
    if failures:
        raise Finding(f"the server refused mail before it was killed: {failures[:3]}\n{server.log()[-2000:]}")


def inbox(server: ServedServer, account: str) -> tuple[Counter[int], list[int]]:
    """The numbers of the messages in an account's Inbox, and of those that DSNs there are about."""
    with imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=insecure(), timeout=120) as client:
        client.login(f"{account}@example.org", server.password)
        client.select("INBOX", readonly=True)
        _, answer = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
    kept: Counter[int] = Counter()
    told: list[int] = []
    for octets in (item[1] for item in answer if isinstance(item, tuple)):
        header, _, text = octets.partition(b"\r\n\r\n")
        if found := NUMBER.search(header + b"\r\n"):
            kept[int(found[1])] += 1
        elif found := NUMBER.search(text):
            told.append(int(found[1]))
    return kept, told


def configure(server: ServedServer, accounts: int) -> None:
    """Confirm the targets, activate the scripts, set the passwords."""
    for number in range(accounts):
        name, target = f"f{number}", f"t{number}@d{number % DOMAINS}.example"
        server.cli("account", "set-password", name, stdin=server.password + "\n")
        if number % 3 == SCRIPT:
            script = server.folder / f"{name}.sieve"
            script.write_text(f'if header :contains "subject" "boats" {{ redirect "{target}"; }}\n')
            server.cli("account", "sieve", "put", name, "boats", str(script), "--activate")
        server.cli("--yes", "account", "forward", "confirm", name, target)


def judge(
    world: World, ledger: Ledger, inboxes: list[tuple[Counter[int], list[int]]], kills: int
) -> tuple[int, int, int]:
    """Compare; how many were taken more than once, kept in place of being sent on, and kept as well."""
    accounts = len(inboxes)
    inbox: Counter[int] = sum((kept for kept, _ in inboxes), Counter())
    told = [number for _, numbers in inboxes for number in numbers]
    sent = world.taken.keys() | world.refused
    if lost := ledger.acknowledged - sent - inbox.keys():
        raise Finding(f"acknowledged, and neither sent on nor kept: {sorted(lost)[:10]} ({len(lost)})")
    for place in (world.taken, world.home):
        if wrong := [number for number, times in place.items() if any(one.seen for one in times[:-1])]:
            raise Finding(f"sent again though the answer had been read: {wrong[:10]} ({len(wrong)})")
    if both := world.taken.keys() & world.refused:
        raise Finding(f"taken and refused: {sorted(both)[:10]}")
    if odd := world.home.keys() ^ world.refused:
        raise Finding(f"bounces that came home and refusals differ: {sorted(odd)[:10]}")
    if told:
        raise Finding(f"DSNs of refusals in an account: {sorted(told)[:10]}")
    if doubled := [number for number, count in inbox.items() if count > 1]:
        raise Finding(f"in an Inbox twice: {doubled[:10]}")
    copies = {number for number in ledger.acknowledged if number % accounts % 3 == COPY}
    if missing := copies - inbox.keys():
        raise Finding(f"a copy was to be kept, and is not there: {sorted(missing)[:10]}")
    as_well = {number for number in inbox if number % accounts % 3 != COPY} & sent
    if len(as_well) > kills * SENDERS:
        raise Finding(f"sent on and kept without a kill between: {sorted(as_well)[:10]} ({len(as_well)})")
    return sum(len(times) > 1 for times in world.taken.values()), len(inbox.keys() - sent), len(as_well)


def run(seed: int, share: float, report: Report) -> None:
    """MESSAGES and KILLS × share."""
    rng = random.Random(seed)
    messages, kills = max(FEWEST[0], round(MESSAGES * share)), max(FEWEST[1], round(KILLS * share))
    accounts = max(3, math.ceil(messages / PER_ACCOUNT))
    domains = "".join(
        ACCOUNT.format(n=n, forward=KINDS[n % 3].format(n=n, domain=n % DOMAINS)) for n in range(accounts)
    )
    ledger, world = Ledger(), World()
    with tempfile.TemporaryDirectory(prefix="moxlite-forwarding-kill-") as folder, Server(world) as hosts:
        threading.Thread(target=hosts.serve_forever, daemon=True).start()
        server = ServedServer(Path(folder) / "server", static=STATIC, domains=domains, module="tests.sendserver")
        server.environment = {"SINK": str(hosts.server_address[1])}
        try:
            with server:
                configure(server, accounts)
            for stage in sorted(rng.randrange(1, messages) for _ in range(kills)):
                server.start()
                work(server, ledger, accounts, stage, rng.uniform(0, LONGEST_REST))
            server.start()
            work(server, ledger, accounts, messages, None)
            server.cli("queue", "retry", "--all")
            drain(server)
            inboxes = [inbox(server, f"f{number}") for number in range(accounts)]
            if (code := server.stop()) != 0:
                raise Finding(f"the server ended with exit code {code}:\n{server.log()[-2000:]}")
        finally:
            if server.process.poll() is None:  # there was a finding
                server.kill()
        hosts.shutdown()
        checked = server.cli("store", "check", "--deep", check=False)
        if checked.returncode != 0:
            raise Finding(f"store check --deep: {checked.stdout}{checked.stderr}")
    twice, instead, as_well = judge(world, ledger, inboxes, kills)
    report.tell(f"{kills} kills (SIGKILL) under {SENDERS} senders, {accounts} accounts that send their mail on")
    report.tell(f"{len(ledger.acknowledged)} messages acknowledged, each sent on or kept")
    report.tell(f"{len(world.taken)} taken by their targets over {world.connections} connections")
    report.tell(f"{twice} of them came again: each time the kill came between the host's answer and our next word")
    report.tell(f"{len(world.refused)} refused by their targets, the bounce of each came home")
    report.tell(f"{instead} kept and not sent on where no copy was asked for, or not yet; {as_well} kept as well")
    report.tell("`store check --deep`: clean")
