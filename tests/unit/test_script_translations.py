"""`script/check translations`: translations that nobody has compared with what their English text is now."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tools import top


@pytest.fixture
def check() -> Any:
    """The check's module."""
    if (path := str(top() / "script")) not in sys.path:
        sys.path.insert(0, path)
    from checks import translations

    return translations


@pytest.fixture
def i18n(tmp_path: Path) -> Path:
    """A copy of the texts."""
    return shutil.copytree(top() / "frontend/i18n", tmp_path / "i18n")


def test_changed_texts_count_until_a_reader_has_decided(
    check: Any, i18n: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """WEBMAIL-143c: a reworded English text keeps its translation, and a new translation its English text."""
    path = i18n / "de.json"
    texts = json.loads(path.read_text())
    before = len(check.undecided("de", i18n))
    decided = [key for key in texts if check.Pair("", key, texts[key]).hash in check.decided("de", i18n)]
    reworded, translated = decided[:2]
    changed = {f"{key}!" if key == reworded else key: text for key, text in texts.items()}
    path.write_text(json.dumps(changed | {translated: "anders"}))
    found = [pair for pair in check.undecided("de", i18n) if pair.english in (f"{reworded}!", translated)]
    assert len(found) == 2
    assert len(check.undecided("de", i18n)) == before + 2

    assert check.main([], i18n) == 0
    assert f", de {before + 2:,}, " in capsys.readouterr().out
    assert check.main(["de", "--right", found[0].hash], i18n) == 0
    assert check.main(["de", "--right", found[0].hash], i18n) == 1
    assert f"no undecided translation has the hash {found[0].hash}" in capsys.readouterr().err
    assert check.main(["de"], i18n) == 0
    assert found[1].hash in (listed := capsys.readouterr().out)
    assert found[0].hash not in listed
    assert len(check.undecided("de", i18n)) == before + 1


def test_several_texts_are_decided_at_once(check: Any, i18n: Path) -> None:
    """WEBMAIL-143c: each by its hash; one that isn't undecided keeps the others undecided too."""
    check.keep("de", set(), i18n)
    first, second, *rest = check.undecided("de", i18n)
    assert check.main(["de", "--right", first.hash, "0123456789"], i18n) == 1
    assert check.decided("de", i18n) == set()
    assert check.main(["de", "--right", first.hash, second.hash], i18n) == 0
    assert check.undecided("de", i18n) == rest


def test_decisions_about_texts_that_are_gone_are_forgotten(check: Any, i18n: Path) -> None:
    """WEBMAIL-143c."""
    check.keep("de", check.decided("de", i18n) | {"0123456789"}, i18n)
    left = check.undecided("de", i18n)
    check.main(["--tidy"], i18n)
    assert "0123456789" not in check.decided("de", i18n)
    assert check.undecided("de", i18n) == left


def test_all_texts_of_all_languages_are_looked_at(check: Any) -> None:
    """WEBMAIL-143c: of the apps, errors, plain pages, settings, and messages about events."""
    i18n = top() / "frontend/i18n"
    for language in check.languages(i18n):
        places = {pair.place.partition(" ")[0] for pair in check.pairs(language, i18n)}
        files = {f"{part}{language}.json" for part in check.PARTS}
        assert places == files | {"settings/account.json", "letters"}
