"""Backups of a server that root starts in object storage, and back from there (STORE-184b, ADMIN-52a)."""

import os
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.config.toml.edit import Document
from tests.objectstorage import Bucket, bucket
from tests.rootserver import RootServer, hindrance, root_server
from tests.tools import moxlite_command, until

__all__ = ["bucket"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(bool(hindrance()), reason=hindrance() or "-"),
]

TARGET = "s3://backups/mail"


@pytest.fixture
def server(bucket: Bucket, tmp_path: Path) -> Iterator[RootServer]:
    """With a file of keys that only root can read. `encrypt_to`'s identity is tmp_path/identity."""
    pyrage = pytest.importorskip("pyrage")
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(f"{identity}\n")
    with root_server() as server:
        bucket.keys_file(server.config / "storagekeys").chmod(0o600)
        path = server.config / "moxlite.toml"
        document = Document(path.read_text())
        document.put(("user",), "nobody")
        settings = {
            "target": TARGET,
            "storage_keys_file": "storagekeys",
            "encrypt_to": [str(identity.to_public())],
            "schedule": "24h",
        }
        document.put(("backup",), settings)
        path.write_text(str(document))
        yield server


@pytest.mark.nightly(
    smoke="tests/integration/test_store_backup_process.py::test_a_backup_of_a_running_server_is_restored"
)
def test_a_server_is_backed_up_in_object_storage_and_restored_from_there(
    server: RootServer, bucket: Bucket, tmp_path: Path
) -> None:
    """STORE-184b, STORE-187, ADMIN-52a: by the clock and by hand with root's keys; list, verify and the restore of a
    whole server read it there, by keys of the environment where there is no configuration. Nothing in the bucket is
    readable, and storage that is away is a clear fault of the configuration.
    """
    assert server.cli("config", "test").stdout == "config OK\n"
    server.start()
    until(lambda: any("/snapshots/" in name for name in bucket.objects), what="a scheduled backup", pause=0.5)
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=60) as client:
        client.sendmail("", ["bob@example.org"], "Subject: hi\r\nFrom: <x@example.net>\r\n\r\nhello secret word\r\n")
    done = server.cli("backup", "--repo", TARGET)
    assert done.stdout == ""
    assert list((server.data / "tmp").glob("backup-*")) == []
    assert not any(b"secret word" in octets for octets in bucket.objects.values())
    assert "mail/locked" not in bucket.objects
    key = ("--identity", str(tmp_path / "identity"))
    assert len(server.cli("backup", "list", "--repo", TARGET).stdout.splitlines()) == 3
    assert server.cli("backup", "verify", "--repo", TARGET, "--deep", *key).stdout.endswith(f"\n{TARGET}: OK\n")
    signed = ("--signer", server.cli("backup", "signer").stdout.strip())
    server.stop()

    second = server.folder.with_name("second")
    places = ("--config-dir", str(second / "config"), "--data-dir", str(second / "data"))
    environment = {name: value for name, value in os.environ.items() if name != "MOXLITE_CONF"}
    environment |= {f"AWS_{name.upper()}": value for name, value in bucket.keys.items()}
    restored = subprocess.run(
        [*moxlite_command(server.python), "restore", TARGET, "--with-config", *places, *key, *signed],
        cwd=tmp_path,
        env=environment | server.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert restored.returncode == 0, restored.stderr
    assert ", 1 message checked\n" in restored.stdout, restored.stdout
    assert (second / "data/accounts/bob/account.db").exists()
    assert (second / "config/storagekeys").read_bytes() == (server.config / "storagekeys").read_bytes()

    bucket.key = "AKIACHANGED"
    refused = server.cli("config", "test", check=False)
    assert "rejected the keys" in refused.stdout + refused.stderr
