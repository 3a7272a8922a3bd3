"""A publisher's update channel: built into packages, signed, published by HTTPS and DNS, and followed by owners who
configure nothing (ADMIN-60).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ownnet import own_net, play
from tests.packagerig import copy_project, made_keyrings, package, stand_in, write_channel, write_key
from tests.tools import need

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KEY, NEXT_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
"""Of the channel: the second release is signed with the second one, as if the first were lost."""


@pytest.fixture
def net() -> Iterator[Path]:
    """A folder for what is played."""
    need("apt-get")
    with own_net() as folder:
        yield folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of this project, as a publisher has it."""
    folder = tmp_path / "project"
    copy_project(folder)
    return folder


def test_packages_look_for_versions_where_their_publisher_says(net: Path, project: Path, tmp_path: Path) -> None:
    """ADMIN-60, ADMIN-60g, ADMIN-60h, ADMIN-43a: a wheel's owner sets nothing and learns of a new version, and how to
    install it; apt's address stays from one version to the next. The signing key must be one of the build's two, and
    the apt key the build's own.
    """
    site = net / "site/moxlite"
    keys = {"99.0.0": KEY, "99.0.1": NEXT_KEY}
    strange = write_key(tmp_path / "strange.pem", Ed25519PrivateKey.generate())
    with made_keyrings(tmp_path) as homes:
        write_channel(project, KEY, next_key=NEXT_KEY, apt_fingerprint=fingerprint(homes["release"]))
        program = stand_in(tmp_path / "program", project)

        def sign(release: Path, pem: Path, name: str = "release") -> subprocess.CompletedProcess[str]:
            words = ("sign", "--key", f"{name}@moxlite.example", "--signing-key", pem, release)
            return package(*words, project=project, environment={"GNUPGHOME": str(homes[name])})

        for version in ("99.0.0", "99.0.1"):
            more = ("--version", version, "--compression", "none", "--program", program)
            done = package("release", "--to", site, *more, project=project)
            assert done.returncode == 0, done.stderr
            release = site / version
            name_version(release, version)
            refused = sign(release, strange)
            assert refused.returncode == 1
            assert "has another public key" in refused.stderr
            assert "in packaging/channel.toml" in refused.stderr
            assert not (site / version / "SHA256SUMS.asc").exists()
            pem = write_key(tmp_path / "changes.pem", keys[version])
            refused = sign(release, pem, "stranger")
            assert refused.returncode == 1
            assert f"another apt key, {fingerprint(homes['release'])}: set apt_fingerprint = " in refused.stderr
            assert not (site / version / "SHA256SUMS.asc").exists()
            done = sign(release, pem)
            assert done.returncode == 0, done.stderr
            if version == "99.0.0":
                [wheel] = release.glob("*.whl")
                pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
                subprocess.run([*pip, "--target", str(net / "installed"), str(wheel)], check=True)
            said = play("tests.integration.publisher", net, seconds=300, log=tmp_path / f"play-{version}.log")
            assert f"newest: {version}" in said
            assert "To update, install the new version: docs/upgrade.md" in said
            assert "this command requires the single file" in said
            assert f"Candidate: {version}" in said
    assert {"99.0.0", "99.0.1", "apt", "changelog.json", "latest"} == {path.name for path in site.iterdir()}


def fingerprint(home: Path) -> str:
    """The fingerprint of the key in a home of gpg."""
    command = ["gpg", "--homedir", str(home), "--batch", "--with-colons", "--list-keys"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))


def name_version(release: Path, version: str) -> None:
    """Add a change for the version to a release's list."""
    path = release / "changelog.json"
    changes = json.loads(path.read_text())["changes"]
    path.write_text(json.dumps({"changes": [{"version": version, "text": "- Better."}, *changes]}))
