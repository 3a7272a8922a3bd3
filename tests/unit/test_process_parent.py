"""The parent that stays root, by itself: what it answers, and what not (ADMIN-36, WEB-121)."""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from moxlite.net.tls.certificates import self_signed
from moxlite.ownprogram import own_program
from moxlite.process import keeper
from moxlite.process.parent import Parent

pytestmark = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="files that only root can replace")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Root's, all the way up."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextmanager
def running(*files: Path) -> Iterator[tuple[Parent, subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    """The program, with a server that only sleeps: our end, the program, the server."""
    ours, theirs = socket.socketpair()
    alive, held = os.pipe()
    server = subprocess.Popen(["sleep", "600"])
    command = [*own_program("keeper"), str(server.pid), str(theirs.fileno()), *map(str, files)]
    process = subprocess.Popen(command, pass_fds=(theirs.fileno(), held))
    theirs.close()
    os.close(held)
    parent = Parent(ours, alive, files)
    try:
        yield parent, process, server
    finally:
        for one in (process, server):
            one.kill()
            one.wait(timeout=60)
        parent.close()


def test_certificates_and_keys_are_passed_on_and_nothing_else(folder: Path) -> None:
    """WEB-121, STORE-184a: a file that the configuration named by mistake, or text around the keys, stays with root."""
    pair = self_signed(["a.example"])
    names = ("chain", "mixed", "other", "ssh", "absent", "large")
    chain, mixed, other, ssh, absent, large = (folder / name for name in names)
    chain.write_bytes(pair.certificate_pem() * 2)
    mixed.write_bytes(b"password: 1234\n" + pair.key_pem() + b"Bag Attributes\n" + pair.certificate_pem() + b"more")
    other.write_bytes(
        b"root:x:0:0:\n-----BEGIN PGP PRIVATE KEY BLOCK-----\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n"
    )
    ssh.write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    large.write_bytes(b"x" * (keeper.MAX_FILE + 1))
    with running(chain, mixed, other, ssh, absent, large, folder) as (parent, _, _):
        assert parent.read(chain) == chain.read_bytes()
        assert parent.read(mixed) == pair.key_pem() + pair.certificate_pem()
        assert parent.read(other) == b""
        assert parent.read(ssh) == ssh.read_bytes()
        for path, error in ((absent, FileNotFoundError), (large, OSError), (folder, OSError)):
            with pytest.raises(error) as caught:
                parent.read(path)
            assert caught.value.filename == str(path)


def test_what_another_user_could_replace_is_left_to_that_user(folder: Path) -> None:
    """ADMIN-37: root opens no path that the service user chose."""
    pair = self_signed(["a.example"])
    file, elsewhere = folder / "cert.pem", folder / "users"
    elsewhere.mkdir()
    (elsewhere / "cert.pem").write_bytes(b"the user's own\n" + pair.certificate_pem())
    os.chown(elsewhere, 54321, 54321)
    file.symlink_to(elsewhere / "cert.pem")
    assert keeper.answer(str(file)) == (keeper.YOURS, b"")
    with running(file) as (parent, _, _):
        assert parent.read(file).startswith(b"the user's own")


def test_a_late_answer_is_passed_over_and_the_next_file_is_read(tmp_path: Path) -> None:
    """ADMIN-36: a disk that was slow once costs one read, even where half of an answer had come."""
    ours, theirs = socket.socketpair()
    alive, held = os.pipe()
    files = tmp_path / "slow", tmp_path / "good"
    parent = Parent(ours, alive, files)
    ours.settimeout(0.05)
    try:
        for part in (b"", keeper.CONTENT + b"\0\0", b"\0\x04la"):
            theirs.sendall(part)
            with pytest.raises(OSError, match="the parent process isn't reading it"):
                parent.read(files[0])
        theirs.sendall(b"te" + keeper.CONTENT + b"\0\0\0\x04good")
        assert parent.read(files[1]) == b"good"
        assert theirs.recv(64) == b"\0\0\0\0\0\0\0\x01"  # one request for each file
        theirs.sendall(keeper.ERROR + b"\0\0\0\x012")
        with pytest.raises(FileNotFoundError):
            parent.read(files[1])
    finally:
        os.close(held)
        theirs.close()
        parent.close()


@pytest.mark.parametrize("request_", [b"\0\0\0\x01", b"\xff\xff\xff\xff"])
def test_a_request_for_another_file_ends_the_conversation_and_nothing_else(folder: Path, request_: bytes) -> None:
    """WEB-121: a request is the number of a file, never a path; signals are passed on all the same."""
    file = folder / "cert.pem"
    file.write_bytes(self_signed(["a.example"]).certificate_pem())
    with running(file) as (parent, process, server):
        parent._requests.sendall(request_)
        with pytest.raises(OSError, match="the parent process isn't reading it"):
            parent.read(file)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) == -signal.SIGTERM


@pytest.mark.parametrize("label", [b"CERTIFICATE", b"PRIVATE KEY", b"EC PRIVATE KEY"])
def test_a_block_that_is_not_whole_is_left_out(label: bytes) -> None:
    """WEB-121: nothing but base64 is in a block, and it ends by its own label."""
    whole = b"-----BEGIN %b-----\nQUJD\n-----END %b-----\n" % (label, label)
    assert keeper.pem_blocks(whole) == whole
    assert keeper.pem_blocks(whole.replace(b"\n", b"\r\n")) == whole
    for old, new in ((b"QUJD", b"QU:JD"), (b"END", b"FIN"), (b"-----END", b"-----BEGIN"), (b"-----\n", b"----\n")):
        assert keeper.pem_blocks(whole.replace(old, new)) == b""
    assert keeper.pem_blocks(whole[:-5] + b"\n" + whole) == whole
