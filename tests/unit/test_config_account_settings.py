"""A setting of an account is described once, in `Account` of moxlite/config/domains.py (ADMIN-16d): the file, the forms
of the admin app and the account app, the command line and the documentation come from there.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from moxlite.admin.accounts import Refused, set_setting, settings_of
from moxlite.config.holder import ConfigHolder
from tests.small_config import STATIC
from tests.tools import top

DOMAINS = """\
[domains."example.org"]
localpart_separators = ["+"]
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""

VALUES = {
    "login_disabled": "Ask at the office.",
    "from_id_login_addresses": "me@example.org",
    "forward_to": "me@example.net",
    "rejects_mailbox": "Rejects",
    "introbox": "New people",
    "quota_message_size": "5g",
    "imap_prefix": "INBOX.",
    "imap_capabilities_disabled": "IDLE, NOTIFY",
    "max_recipients_per_hour": "30",
}
"""Values of settings that have none by default."""


@pytest.fixture
def holder(tmp_path: Path) -> ConfigHolder:
    """A server's configuration with one account."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    return ConfigHolder.open(tmp_path / "moxlite.toml")[0]


def shown(holder: ConfigHolder) -> dict[str, str]:
    """The settings of the account, in words."""
    return {one.key: one.value for one in settings_of(holder.current.domains.accounts["me"])}


async def put(holder: ConfigHolder, key: str, value: str) -> None:
    """Change a setting."""
    await holder.edit(lambda document, snapshot: set_setting(document, snapshot, "me", key, value))


async def test_each_setting_takes_the_text_that_it_is_shown_as(holder: ConfigHolder) -> None:
    """ADMIN-16d: and "default" takes it out of the file."""
    before = shown(holder)
    for key, value in before.items():
        wanted = value or VALUES.get(key, "Some words")
        await put(holder, key, wanted)
        assert shown(holder)[key] == wanted
        await put(holder, key, "default")
    assert shown(holder) == before
    assert holder.domains_path.read_text() == DOMAINS


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("junk_filter", "true", "available settings"),
        ("destinations", "x", "available settings"),
        ("keep_rejects", "perhaps", "must be true or false"),
        ("max_outgoing_messages_per_day", "many", "must be a number"),
        ("quota", "0", 'or a size like "5g"'),
        ("quota", "5", 'or a size like "5g"'),
        ("quota_message_size", "5", 'or a size like "5g"'),
        ("max_outgoing_mesages_per_day", "5", 'did you mean "max_outgoing_messages_per_day"'),
    ],
)
async def test_what_is_no_value_is_refused(holder: ConfigHolder, key: str, value: str, text: str) -> None:
    """ADMIN-16d."""
    with pytest.raises(Refused, match=text):
        await put(holder, key, value)


ABOUT = "Your telephone number, for the administrator."
PHONE = f"""\
    phone: Annotated[str, doc("{ABOUT}", owner="Telephone")] = ""
    login_disabled:"""
TEXTS = {
    "de": ("Telefon", "Ihre Telefonnummer, für die Verwaltung."),
    "es": ("Teléfono", "Tu número de teléfono, para la administración."),
    "fr": ("Téléphone", "Votre numéro de téléphone, pour l’administration."),
    "it": ("Telefono", "Il tuo numero di telefono, per chi amministra."),
    "nl": ("Telefoon", "Je telefoonnummer, voor de beheerder."),
}


@pytest.mark.nightly
def test_a_new_setting_takes_two_files(tmp_path: Path) -> None:
    """ADMIN-16d: its description, and its texts in other languages; the rest is generated, and works."""
    if not (top() / "frontend" / "node_modules").is_dir():
        pytest.skip("bundles are made with the packages of npm")
    copy = tmp_path / "tree"
    left_out = shutil.ignore_patterns("__pycache__", "node_modules", ".*", "integration", "campaigns", "images")
    shutil.copytree(top(), copy, ignore=left_out)
    (copy / "frontend" / "node_modules").symlink_to(top() / "frontend" / "node_modules")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file() and not path.is_symlink()}

    description = copy / "moxlite" / "config" / "domains.py"
    start, account = description.read_text().split("class Account(")
    description.write_text(f"{start}class Account({account.replace('    login_disabled:', PHONE, 1)}")
    translations = copy / "frontend" / "i18n" / "settings" / "account.json"
    texts = json.loads(translations.read_text())
    texts |= {"Telephone": {language: label for language, (label, _) in TEXTS.items()}}
    texts |= {ABOUT: {language: about for language, (_, about) in TEXTS.items()}}
    translations.write_text(json.dumps(texts, ensure_ascii=False))

    environment = {**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'script'}"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("-m", "generators")
    changed = {str(path.relative_to(copy)) for path, octets in before.items() if path.read_bytes() != octets}
    static = "moxlite/web/static/account"
    assert {"docs/config.md", "frontend/gen/accountsettings.ts", f"{static}-you.js"} <= changed
    assert {f"{static}-lang-{language}.js" for language in TEXTS} <= changed
    run(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow and not nightly"),
        "tests/unit/test_config_account_settings.py",
        "tests/session/test_web_account_settings.py::test_own_settings_are_saved",
        "tests/unit/test_web_languages.py",
        "tests/unit/test_web_admin_parity.py",
    )
    assert "phone" in run("-m", "moxlite", "config", "describe-domains")
