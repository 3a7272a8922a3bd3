"""docs/standby.md, played: its settings and commands as they are written, but for places, keys and moments of the test;
and its table of failures, each with its test.
"""

import os
import shlex
import shutil
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyrage
import pytest

from moxlite.admin.standby.layout import FOLLOWED, STATE, StandbyState, State, read_document
from tests.objectstorage import Bucket, serving
from tests.pages import commands, example, follow_options
from tests.realservers import tree
from tests.running import ServedServer
from tests.tools import free_port, top, until

PAGE: Final = "standby.md"

FAST: Final = "tests.campaigns._fastlease"

SESSION: Final = "tests/session/test_admin_"
TABLE: Final = {
    "Litestream dies or hangs": "standby.py::test_a_killed_litestream_is_started_again_and_misses_nothing",
    "the server is killed": "standby.py::test_a_litestream_that_a_killed_server_left_is_ended",
    "the target is away": "standby_outages.py::test_nothing_acknowledged_is_lost_in_an_outage",
    "the target's keys": "standby_keys.py::test_the_first_machine_with_wrong_keys_of_the_storage_goes_on",
    "the second machine's `--identity`": "standby_keys.py::test_a_second_machine_with_wrong_keys_tells_them_and_",
    "`encrypt_to` isn't a valid key": "standby_keys.py::test_a_key_of_the_configuration_that_is_none_is_told",
    "the first machine's disk": "standby.py::test_in_mode_sync_an_acknowledged_message_is_in_the_target",
    "the first machine comes back": "standby.py::test_the_second_machine_takes_over_and_the_first_one_stays_out",
    "a server is restored from": "standby.py::test_the_second_machine_takes_over_and_the_first_one_stays_out",
    "the first machine loses its power": "../campaigns/standby.py::power_offs",
    "the first machine is stopped": "lease.py::test_a_server_that_was_stopped_on_purpose_has_time_to_come_back",
    "the first machine loses the storage": "../campaigns/standby.py::cuts",
    "the storage is away for both": "lease.py::test_a_server_without_its_lease_for_long_ends",
    "the storage doesn't support": "lease.py::test_storage_that_honours_no_conditions_stops_the_start",
    "the first machine sleeps": "lease.py::test_a_machine_that_slept_does_not_acknowledge",
    "both machines are started by hand (lease)": (
        "../crash/test_admin_standby_machines.py::test_of_two_that_are_started_at_once_one_acknowledges"
    ),
    "both machines are started by hand (no": (
        "../crash/test_admin_standby_machines.py::test_a_message_that_both_queues_have_comes_once_or_twice"
    ),
    "a clone of the first machine's disk is started (lease)": (
        "lease.py::test_a_copy_of_the_data_waits_until_the_lease_is_over"
    ),
    "a clone of the first machine's disk is started (no": (
        "standby.py::test_a_clone_of_the_disk_does_not_copy_beside_the_first_machine"
    ),
    "clocks are hours apart": "lease.py::test_a_lease_is_over_when_one_version_was_seen_for_its_lifetime",
    "the machine is killed during a failover": (
        "../crash/test_admin_standby_machines.py::test_a_take_over_that_is_killed_again_and_again_goes_on"
    ),
    "the second machine |": "standby.py::test_a_follower_that_was_away_goes_on",
    "the follower or a child": "standby.py::test_a_process_that_ends_unasked_is_told",
    "the first machine is upgraded": "standby_upgrades.py::test_an_older_second_machine_copies_what_is_newer_and_",
    "the second machine is upgraded": "standby_upgrades.py::test_an_upgrade_of_the_first_machine_is_followed",
    "an account is removed": "standby.py::test_any_moment_of_an_account_comes_back_beside_the_live_one",
    "a damaged page": "standby_damage.py::test_a_damaged_page_that_was_copied_is_told_and_an_earlier_moment_comes_back",
    "the first machine dies before": "lease.py::test_a_copy_that_was_never_complete_is_not_taken_over_by_itself",
    "storage or Litestream hangs": "standby.py::test_a_litestream_that_hangs_does_not_end_a_take_over",
    "the storage lists fewer files": "standby_storage.py::test_a_listing_that_lacks_copies_is_not_believed",
    "another version": "standby_programs.py::test_a_program_that_cannot_be_used_is_told_and_mail_goes_on",
}
"""Beginnings of the rows of the table, and the test of each."""


def test_each_failure_of_the_table_has_its_test() -> None:
    """STORE-186: a row added to docs/standby-failures.md needs a test, and a renamed test is noticed."""
    text = (top() / "docs/standby-failures.md").read_text().partition("|---|---|---|\n")[2]
    rows = [line.removeprefix("| ") for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == len(TABLE)
    for row in rows:
        assert row.count(" | ") == 2, row
        (found,) = [one for one in TABLE if row.startswith(one)]
        file, _, name = TABLE[found].partition("::")
        path = top() / "tests" / file.removeprefix("../") if file.startswith("../") else top() / (SESSION + file)
        assert f"def {name}" in path.read_text(), found


class Place:
    """Two machines in folders, and the words of the page as they are there."""

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        self.folder = folder
        self.key = folder / "key.txt"
        self.public = self._make_key()
        keys = bucket.keys_file(folder / "storage-keys")
        self.moment = "1s"
        self.smtp = free_port()
        self.replaced = {
            "/mnt/second-disk/moxlite": str(folder / "disk"),
            "age1...": self.public,
            "/var/lib/moxlite-standby": str(folder / "copy"),
            "/etc/moxlite/storage-keys": str(keys),
            "/etc/moxlite-standby-key.txt": str(self.key),
            "/etc/moxlite-standby-storage-keys": str(keys),
            "192.0.2.7:25": f"127.0.0.1:{self.smtp}",
            "2026-11-20T10:15": "MOMENT",
            "--account mia": "--account bob",
            "--identity KEY": f"--identity {self.key}",
            "--out rest": f"--out {folder / 'rest'}",
        }

    def _make_key(self) -> str:
        """Make the key of the second machine, by the page's command where its program is installed. Returns the public
        key.
        """
        (command,) = [one for one in commands(PAGE, "The first machine") if one.startswith("age-keygen ")]
        program, option, _ = shlex.split(command, comments=True)
        if shutil.which(program) is not None:
            done = subprocess.run([program, option, self.key], capture_output=True, text=True, check=True)
            return done.stderr.strip().removeprefix("Public key: ")
        identity = pyrage.x25519.Identity.generate()
        self.key.write_text(f"{identity}\n")
        return str(identity.to_public())

    def here(self, text: str) -> str:
        """Words of the page with the places of the test."""
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        return text.replace("MOMENT", self.moment)

    def words(self, heading: str, beginning: str) -> list[str]:
        """The command of the page below a heading that begins so."""
        (found,) = [one for one in commands(PAGE, heading) if one.startswith(beginning)]
        return shlex.split(self.here(found), comments=True)

    def follow(self, heading: str) -> list[str]:
        """What the unit of the second machine runs, with the options of the page."""
        words = ["moxlite", "standby", "follow", *follow_options(PAGE, heading), "--into", "/var/lib/moxlite-standby"]
        return [self.here(word) for word in words]

    def note_signer(self, machine: Path) -> None:
        """Put the signer of the first machine into the key's file, as the page says, once it has one."""
        until((machine / "config/backup-signing.key").exists, what="the first machine's signer")
        signer = self.run(machine, ["moxlite", "backup", "signer"])
        with self.key.open("a") as file:
            file.write(f"# {signer}")

    def wait_for_copy(self) -> None:
        """Wait until the second machine has all."""

        def current() -> bool:
            found = read_document(self.folder / "copy" / FOLLOWED, StandbyState)
            return found is not None and found.current > time.time() - 30 and not found.behind

        until(current, what="a current copy")

    def run(self, machine: Path, words: list[str]) -> str:
        """Type a command on a machine; what it prints. It must succeed."""
        assert words[0] == "moxlite"
        environment = os.environ | {
            "PYTHONPATH": str(top()),
            "MOXLITE_CONF": str(machine / "config/moxlite.toml"),
        }
        done = subprocess.run(
            [sys.executable, "-m", *words], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The folders and the storage."""
    with serving() as bucket:
        yield Place(tmp_path, bucket)


def deliver(server: ServedServer, subject: str) -> None:
    """A message for bob."""
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=60) as client:
        text = f"From: a@elsewhere.example\r\nMessage-ID: <{subject}@x.example>\r\nSubject: {subject}\r\n\r\nText.\r\n"
        client.sendmail("", ["bob@example.org"], text)


def complete(server: ServedServer) -> bool:
    """Whether the first machine has copied all."""
    found = read_document(server.folder / "data" / STATE, State)
    return found is not None and found.databases > 0 and not found.missing and not found.problem


@pytest.mark.served
@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.nightly(smoke="tests/integration/test_admin_standby_docs.py::test_each_failure_of_the_table_has_its_test")
def test_a_second_disk_as_the_page_says(place: Place) -> None:
    """STORE-186, STORE-186d: a target on another disk, its status, and moments of it, for one account and for all."""
    static = place.here(example(PAGE, "The first machine", "toml"))
    with ServedServer(place.folder / "first", static=static) as server:
        until(lambda: complete(server), what="a complete copy")
        deliver(server, "kept")
        time.sleep(7)
        place.note_signer(server.folder)
        said = place.run(server.folder, ["moxlite", "standby", "status"]).splitlines()
        assert said[0] == f"5 databases are copied to {place.folder / 'disk'}, as epoch 1."
        assert said[1].startswith("The standby server can have all changes up to ")
        place.moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 1))  # before the mail of `one`
        one, whole = (
            shlex.split(place.here(line), comments=True) for line in commands(PAGE, "Any minute of the last days")
        )
        assert "1 message" in place.run(server.folder, one)
    assert "1 message checked" in place.run(place.folder / "empty", whole)


@pytest.mark.served
@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.nightly(smoke="tests/integration/test_admin_standby_docs.py::test_each_failure_of_the_table_has_its_test")
def test_a_second_machine_as_the_page_says(place: Place) -> None:
    """STORE-186b, STORE-186e, STORE-186j: following, taking over when the first machine is gone, and its last mail."""
    static = place.here(example(PAGE, "The first machine", "toml")).replace(
        str(place.folder / "disk"), "s3://bucket/prefix"
    )
    static += f'\nstorage_keys_file = "{place.folder / "storage-keys"}"\n'
    first = ServedServer(place.folder / "first", static=static)
    with first:
        until(lambda: complete(first), what="a complete copy")
        follow = place.follow("The second machine")
        follower = subprocess.Popen([sys.executable, "-m", *follow], stderr=subprocess.DEVNULL)
        try:
            deliver(first, "kept")
            place.wait_for_copy()
            with smtplib.SMTP("127.0.0.1", place.smtp, timeout=60) as client:
                assert client.ehlo()[0] == 250
                assert client.mail("a@elsewhere.example")[0] == 451
            time.sleep(7)
            status = ["moxlite", "standby", "status", str(place.folder / "copy")]
            assert "5 databases are copied here" in place.run(place.folder, status)
        finally:
            follower.terminate()
            follower.wait(timeout=60)
        for pid in tree(first.process.pid):
            os.kill(pid, 9)
        first.process.wait(timeout=60)

    second = object.__new__(ServedServer)
    second.__dict__.update(first.__dict__)
    second.folder = place.folder / "second"
    gone = "When the first machine is gone"
    assert "now owns epoch 2" in place.run(second.folder, place.words(gone, "moxlite standby takeover"))
    listed = commands(PAGE, gone)
    assert [line for line in listed if line.startswith("moxlite config test")]
    place.run(first.folder, place.words(gone, "moxlite standby send-rest"))
    second.start()
    try:
        place.run(second.folder, shlex.split(place.here(listed[-2]), comments=True))
        assert "only in epoch 1" in place.run(second.folder, shlex.split(place.here(listed[-1]), comments=True))
    finally:
        assert second.stop() == 0
    shutil.rmtree(place.folder / "copy")


@pytest.mark.served
@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.nightly(smoke="tests/integration/test_admin_standby_docs.py::test_each_failure_of_the_table_has_its_test")
def test_a_take_over_without_a_person_as_the_page_says(place: Place) -> None:
    """STORE-186g, STORE-186h, STORE-186j: the first machine loses its power, the second one serves by itself, and has
    what was acknowledged; later `send-rest` there and `orphans` here find nothing more.
    """
    heading = "Taking over without a person"
    static = place.here(example(PAGE, heading, "toml"))
    static += f'\nencrypt_to = ["{place.public}"]\nstorage_keys_file = "{place.folder / "storage-keys"}"\n'
    first = ServedServer(place.folder / "first", static=static, module=FAST)
    second, log = place.folder / "second", place.folder / "second.log"
    with first, log.open("wb") as output:
        until(lambda: complete(first), what="a complete copy")
        _, *words = place.follow(heading)
        words += ["--config-dir", str(second / "config"), "--data-dir", str(second / "data"), "--no-drop"]
        follower = subprocess.Popen([sys.executable, "-m", FAST, *words], stderr=output)
        try:
            place.wait_for_copy()
            deliver(first, "kept")
            for pid in tree(first.process.pid):
                os.kill(pid, 9)
            first.process.wait(timeout=60)
            until(lambda: "ready to serve" in log.read_text(), what="the second machine serves", seconds=180)
            place.run(first.folder, ["moxlite", "standby", "send-rest"])
            gone = commands(PAGE, "When the first machine is gone")
            (orphans,) = [one for one in gone if "orphans" in one and "--import" not in one]
            assert "0 messages" in place.run(second, shlex.split(place.here(orphans), comments=True))
            deliver(first, "later")  # its ports are as in the configuration
        finally:
            for pid in tree(follower.pid):
                os.kill(pid, 9)
            follower.wait(timeout=60)
