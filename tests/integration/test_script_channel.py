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
    """A copy of this project with a channel, as a publisher has it."""
    folder = tmp_path / "project"
    copy_project(folder)
    write_channel(folder, KEY, next_key=NEXT_KEY)
    return folder


def test_packages_look_for_versions_where_their_publisher_says(net: Path, project: Path, tmp_path: Path) -> None:
    """ADMIN-60, ADMIN-60g, ADMIN-43a: a wheel's owner sets nothing and learns of a new version, and how to install it;
    apt's address stays from one version to the next. The signing key must be one of the build's two.
    """
    program = stand_in(tmp_path / "program", project)
    site = net / "site/moxlite"
    keys = {"99.0.0": KEY, "99.0.1": NEXT_KEY}
    strange = write_key(tmp_path / "strange.pem", Ed25519PrivateKey.generate())
    with made_keyrings(tmp_path) as homes:

        def sign(release: Path, pem: Path) -> subprocess.CompletedProcess[str]:
            words = ("sign", "--key", "release@moxlite.example", "--signing-key", pem, release)
            return package(*words, project=project, environment={"GNUPGHOME": str(homes["release"])})

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
            done = sign(release, write_key(tmp_path / "changes.pem", keys[version]))
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


def name_version(release: Path, version: str) -> None:
    """Add a change for the version to a release's list."""
    path = release / "changelog.json"
    changes = json.loads(path.read_text())["changes"]
    path.write_text(json.dumps({"changes": [{"version": version, "text": "- Better."}, *changes]}))
