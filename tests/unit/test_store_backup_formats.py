"""Repositories of all released formats (fixtures/repositories/) are restored (STORE-183)."""

from pathlib import Path

import pytest
import zstandard

from moxlite.cli import run
from moxlite.store.backup.packs import FORMATS
from tests.tools import top, untar, write_own

pytestmark = pytest.mark.served

Capture = pytest.CaptureFixture[str]

FOLDER = top() / "fixtures/repositories"
SUFFIX = ".tar.zst"
IDENTITY = "AGE-SECRET-KEY-12TT04FGU4ZT3DTTF5WHV8X29Q7X2WELSFTPA562KT7WM8DRK4KYQKEU5VW"
"""Of the encrypted ones; it opens nothing else."""


def fixtures() -> list[str]:
    return sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}"))


def test_each_format_has_its_fixtures() -> None:
    """STORE-183: a new format comes with a repository of the one before."""
    wanted = {f"format-{number}-signed-{kind}" for number in FORMATS for kind in ("plain", "encrypted")}
    assert wanted == set(fixtures())


@pytest.mark.parametrize("name", fixtures())
def test_a_repository_of_each_format_is_restored(name: str, tmp_path: Path, capsys: Capture) -> None:
    """STORE-183, STORE-184f: by one command on a new machine, the older snapshot as well; it is checked, and takes
    another snapshot.
    """
    repo = tmp_path / "repo"
    with zstandard.ZstdDecompressor().stream_reader((FOLDER / f"{name}{SUFFIX}").read_bytes()) as packed:
        untar(packed.read(), repo)
    key: tuple[str, ...] = ()
    if name.endswith("encrypted"):
        pytest.importorskip("pyrage")
        (tmp_path / "identity").write_text(f"{IDENTITY}\n")
        key = ("--identity", str(tmp_path / "identity"))
    (first, second) = sorted(one.name for one in (repo / "snapshots").iterdir())

    def moxlite(place: str, *words: str) -> tuple[int, str]:
        code = run(["--config", str(tmp_path / place / "config/moxlite.toml"), *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    assert moxlite("none", "backup", "verify", "--repo", str(repo), "--deep", *key)[0] == 0
    code, said = moxlite(
        "none", "restore", str(repo), "--with-config", "--config-dir", str(tmp_path / "none/config"), *key
    )
    assert (code, "isn't signed" in said) == (1, "signed" not in name), said
    for place, more in (("new", ()), ("older", ("--snapshot", first))):
        config = tmp_path / place / "config"
        write_own(config)
        restore = ("restore", str(repo), "--with-config", "--config-dir", str(config), "--unsigned", *more, *key)
        code, said = moxlite(place, *restore)
        assert code == 0, said
        assert "messages checked" in said
        assert (config / "dkim/key.pem").read_text() == "a key\n"
        code, said = moxlite(place, "verifydata", "--deep", str(tmp_path / place / "data"))
        assert (code, said.splitlines()[-1]) == (0, f"{tmp_path / place / 'data'}: OK")
    code, said = moxlite("new", "backup", "--repo", str(repo))
    assert code == 0, said
    assert second in moxlite("new", "backup", "list", "--repo", str(repo))[1]
