"""Keys of removed domains."""

from pathlib import Path

from moxlite.admin.domains.changes import retire_keys
from moxlite.config.load import load
from moxlite.proto.address import Domain
from tests.small_config import DOMAINS, STATIC


def test_a_key_that_another_domain_uses_stays(tmp_path: Path) -> None:
    """ADMIN-13: also where the other domain names the file by another path, or by a link."""
    (tmp_path / "dkim").mkdir()
    for name in ("shared", "linked", "own"):
        (tmp_path / f"dkim/{name}.pem").touch()
    (tmp_path / "link.pem").symlink_to("dkim/linked.pem")
    (tmp_path / "moxlite.toml").write_text(STATIC)
    keys = "\n".join(
        f'dkim.selectors.{name} = {{ key_file = "dkim/{name}.pem" }}' for name in ("shared", "linked", "own")
    )
    others = (
        f'dkim.selectors.a = {{ key_file = "../{tmp_path.name}/dkim/shared.pem" }}\n'
        'dkim.selectors.b = { key_file = "link.pem" }\n'
    )
    gone = f'[domains."gone.example"]\n{keys}\n'
    (tmp_path / "domains.toml").write_text(DOMAINS.replace("[accounts.me]", f"{others}{gone}[accounts.me]", 1))
    removed = load(tmp_path / "moxlite.toml")[0].domain(Domain.parse("gone.example"))
    assert removed is not None
    (tmp_path / "domains.toml").write_text(DOMAINS.replace("[accounts.me]", f"{others}[accounts.me]", 1))
    left, _ = load(tmp_path / "moxlite.toml")
    assert retire_keys(tmp_path, removed, left) == [tmp_path / "dkim/old/own.pem"]
    assert sorted(path.name for path in (tmp_path / "dkim").iterdir()) == ["linked.pem", "old", "shared.pem"]
