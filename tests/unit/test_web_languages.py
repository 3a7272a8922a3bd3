"""The languages of the webmail and the account app: their texts, and the choice among them (WEBMAIL-143)."""

import json
import re
import sys
from typing import Any

import pytest

from moxlite.store.errors import NoSuchMessage
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.messages import Headers
from moxlite.web.http.pagetexts import chosen_language, page_text
from moxlite.web.storeerrors import page_error
from moxlite.wording import ReaderLanguage, worded
from tests.tools import top

OTHER_ADDRESS = {
    "ar": r"(حساب|بريد|رسائل|جهاز|متصفح|عنوان|لدي|يمكن|إلي|كلمت)كم\b|\b(أدخلوا|اختاروا|حاولوا|افتحوا|انتظروا)\b",
    "cs": r"(?i)\b(tě|tobě|tebe|tebou|tvůj|tvoj[eií]|tvá|tvé(ho|mu|m)?|tvou|můžeš|zadej|zvol|vyber|klikni|zkus)\b",
    "de": r"\b([Dd]u|[Dd]ich|[Dd]ir|[Dd]ein(e[mnrs]?)?|[Ee]uch|[Ee]uer)\b",
    "es": r"(?i)\b(usted(es)?|introduzca|elija|escriba|inicie|inténtelo|pregunte|pegue|déjel[ao]|obtenga|añada)\b",
    "fr": r"(?i)\b(tu|toi|ton|tes|te)\b|\bt’",
    "he": r"\b(אתם|אתן|שלכם|לכם|אליכם|אתכם|הזינו|בחרו|המתינו|נסו|לחצו|הקלידו|התחברו|הפעילו)\b",
    "it": r"(?i)\b((con|a|per) lei|esegua|incolli|lasci vuoto|scelga|inserisca|riprovi|acceda|chieda|attenda)\b",
    "ja": r"(しろ|せよ|なさい|してくれ)",
    "nl": r"(?i)\b(u|uw|uwe|uzelf)\b",
    "pl": r"\b(Pan|Pani|Pana|Panu|Państw\w+|[Pp]roszę)\b",
    "pt": r"(?i)\b(tu|teus?|tuas?|contigo|consigo|partilh\w+|contactos?|palavra-passe|ficheiros?|noutr[oa])\b",
    "sv": r"\b(Ni|[Ee]ra|[Ee]rt)\b",
    "uk": r"(?i)\b(ти|тебе|тобі|тобою|твій|твоя|твоє|твої|твого|твоєї|введи|обери|вибери|спробуй|увійди)\b",
    "zh": r"你",
}
"""Words of the form of address that a language doesn't use; for Portuguese, also words of Portugal."""

OFFERED = ("ar", "cs", "de", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "uk", "zh")

ENOUGH = 0.97
"""Share of the texts that each language has."""


@pytest.fixture(name="texts")
def generator() -> Any:
    """The module that makes the parts."""
    path = str(top() / "script")
    if path not in sys.path:
        sys.path.insert(0, path)
    from generators import _languages

    return _languages


def test_each_language_has_nearly_all_errors(texts: Any) -> None:
    """WEBMAIL-143: the texts with which the code raises errors that pages show; what is missing is counted."""
    from generators import _errors

    wanted = set(_errors.source_texts())
    assert len(wanted) > 250
    assert len(set(map(_errors.hashed, wanted))) == len(wanted)
    assert set(_errors.languages()) == set(OFFERED)
    for name, known in _errors.languages().items():
        missing = wanted - set(known)
        print(f"{name}: {len(missing)} of {len(wanted)} errors are missing: {sorted(missing)}")
        assert len(missing) <= (1 - ENOUGH) * len(wanted), f"translate them in frontend/i18n/errors/{name}.json"
        assert not set(known) - wanted, "no error any more: remove it from frontend/i18n/errors"
        assert {key: why for key, text in known.items() if (why := texts.fault(key, text, name))} == {}


def test_each_language_has_all_texts_of_plain_pages(texts: Any) -> None:
    """WEBMAIL-143, WEBMAIL-143e: of error pages, messages in a tab or on paper, pages without scripts, and mail."""
    from generators import pages

    wanted = pages.source_texts()
    assert len(wanted) > 30
    assert set(pages.languages()) == set(OFFERED)
    for name, known in pages.languages().items():
        assert wanted == set(known) | set(pages.shared(name)), f"translate them in frontend/i18n/pages/{name}.json"
        assert {key: why for key, text in known.items() if (why := texts.fault(key, text, name))} == {}


def test_an_error_page_is_in_the_language_of_its_reader() -> None:
    """WEBMAIL-143: a text of the code, an error of the store as a sentence, values; what is not known stays English."""
    german = Headers([("accept-language", "de-AT,de;q=0.9")])
    assert page_text(HTTPError(404, "Page not found."), german) == (
        "Unter dieser Adresse gibt es nichts.",
        (("vary", "Accept-Language, Cookie"), ("content-language", "de")),
    )
    missing = page_error(NoSuchMessage(7))
    assert missing is not None
    assert (missing.text, page_text(missing, german)[0]) == ("Message not found: 7.", "Es gibt keine Nachricht 7.")
    reason = worded("folder not found: {mailbox}", mailbox="Boats")
    within = HTTPError(400, worded("Couldn't export: {reason}.", reason=reason))
    assert page_text(within, german)[0] == "Das kann nicht exportiert werden: es gibt keinen Ordner Boats."
    for headers in (german, Headers([])):
        assert page_text(HTTPError(400, "Odd."), headers) == ("Odd.", (("vary", "Accept-Language, Cookie"),))


@pytest.mark.parametrize("app", ["webmail", "account"])
def test_each_language_has_nearly_all_texts(texts: Any, app: str) -> None:
    """WEBMAIL-143: what is missing is counted, and shown in English; no text of before is left over."""
    wanted = set(texts.source_texts(app))
    shared = set(texts.source_texts("webmail")) if app == "account" else set()
    assert set(texts.languages(app)) == set(OFFERED)
    for name, known in texts.languages(app).items():
        missing = wanted - set(known)
        print(f"{name}: {len(missing)} of {len(wanted)} texts are missing: {sorted(missing)}")
        assert len(missing) <= (1 - ENOUGH) * len(wanted), f"translate them in frontend/i18n/{name}.json"
        assert not set(known) - wanted - shared, f"no text of the {app} any more: remove it from frontend/i18n"
        assert {key: why for key, text in known.items() if (why := texts.fault(key, text, name))} == {}


PLURAL_ALONE = {
    "More than {n} messages from this address",
    "Showing the newest {n} messages. To see all of them, turn off conversations in the list.",
    "Importing {n} of about {all} messages into {mailbox}…",
    "Training with {wanted} good and {junk} junk messages",
    "{n} messages",
    "{n} seconds",
}
"""Texts with a number that is never 1, or only about right."""


@pytest.mark.parametrize("app", ["webmail", "account", "admin"])
def test_a_text_with_a_number_of_things_has_a_singular(texts: Any, app: str) -> None:
    """WEBMAIL-143: for one message, entry, second or backup it has a form of its own."""
    counted = re.compile(r"\{\w+\} (?:\w+ )?(?:messages|entries|seconds|backups)\b")
    found = {key for key in texts.source_texts(app) if "|" not in key and counted.search(key)}
    assert found <= PLURAL_ALONE, found - PLURAL_ALONE


@pytest.mark.parametrize("app", ["webmail", "account", "admin"])
def test_no_text_is_put_together_with_another(texts: Any, app: str) -> None:
    """WEBMAIL-143: the order of words differs by language, so none begins or ends where another would follow."""
    parts = {
        one for key in texts.source_texts(app) for one in key.split("|") if one != one.strip() or one[:1] in ",;:."
    }
    assert parts == set()


@pytest.mark.parametrize("app", ["webmail", "account", "admin"])
def test_a_thing_is_either_deleted_or_removed(texts: Any, app: str) -> None:
    """What ceases to exist is deleted, what is taken out of something is removed: dialog, failure and result agree."""
    keys = texts.source_texts(app)

    def things(start: str) -> set[str]:
        return {key.removeprefix(start).rstrip("…?") for key in keys if key.startswith(start)}

    deleted = things("Couldn't delete ") | things("Delete ")
    removed = things("Couldn't remove ") | things("Remove ")
    # a masked address is deleted, one of an account removed; names stand for things of both kinds
    assert {one for one in deleted & removed if "{" not in one} <= {"address"}
    sources = [path.read_text() for path in (top() / "frontend" / app).rglob("*.ts")]
    for source in sources:
        if "Couldn't delete" in source and "Couldn't remove" not in source:
            assert re.search(r't\("Remove…?"\)', source) is None, source[:200]


def test_a_text_is_translated_once(texts: Any) -> None:
    """WEBMAIL-143: the files of the account app have only texts that the webmail does not have."""
    shared = texts.languages("webmail")
    for path in (top() / "frontend" / "i18n" / "account").glob("*.json"):
        assert not set(json.loads(path.read_text())) & set(shared[path.stem]), path


def test_a_language_has_one_form_of_address(texts: Any) -> None:
    """WEBMAIL-143f: texts on pages, of errors, in mail and in letters about events speak to a reader in one way."""
    from checks import translations

    assert set(OTHER_ADDRESS) == set(OFFERED)
    for name, other in OTHER_ADDRESS.items():
        found = {
            pair.english: pair.translation
            for pair in translations.pairs(name, top() / "frontend" / "i18n")
            if re.search(other, pair.translation)
        }
        assert found == {}, f"write it as the other texts of {name}"


def test_faults_of_a_translation_are_found(texts: Any) -> None:
    """WEBMAIL-143."""
    assert texts.fault("Moved to {mailbox}", "Nach {mailbox} verschoben") == ""
    assert texts.fault("{n} day|{n} days", "ein Tag|{n} Tage") == ""
    for key, text in [
        ("Moved to {mailbox}", "Verschoben"),
        ("Moved to {mailbox}", "Nach {ordner} verschoben"),
        ("{n} day|{n} days", "{n} Tage"),
        ("{n} day|{n} days", "ein Tag|Tage"),
        (", for ", "für"),
        ("Archive", " "),
        ("Archive", "Archiv\nx"),
    ]:
        assert texts.fault(key, text), (key, text)


def test_a_language_has_as_many_forms_as_it_needs(texts: Any) -> None:
    """WEBMAIL-143b: one, two, few, as CLDR has them; the last one, for all others, has the number."""
    key = "{n} day of {all}|{n} days of {all}"
    assert texts.fault(key, "{n} den z {all}|{n} dny z {all}|{n} dnů z {all}", "cs") == ""
    assert texts.fault(key, "يوم من {all}|يوم|يومان|{n} أيام|{n} يومًا|{n} يوم من {all}", "ar") == ""
    assert texts.fault(key, "{all} 天中的 {n} 天", "zh") == ""
    for text, language in [
        ("{n} den z {all}|{n} dnů z {all}", "cs"),
        ("{n} den z {all}|{n} dny z {all}|dnů z {all}", "cs"),
        ("{n} den z {all}|{n} dny ze {vseho}|{n} dnů z {all}", "cs"),
        ("{n} 天|{n} 天", "zh"),
    ]:
        assert texts.fault(key, text, language), text
    assert texts.fault("Archive", "归档", "zh") == ""
    assert texts.fault("Archive", "Archiwum|Archiwa|Archiwów", "pl")


def test_arabic_and_hebrew_pages_run_from_right_to_left() -> None:
    """WEBMAIL-143b: told by the document, whose sheets then mirror."""
    assert ReaderLanguage("he").attributes == 'lang="he" dir="rtl"'
    assert ReaderLanguage("pl").attributes == 'lang="pl"'


SEVERAL_MEANINGS = {
    *("none", "me", "you", "it", "any", "all", "other", "no", "Next", "Last", "Code", "Set", "Clear"),
    *("Right", "Left", "Light", "Open", "Mark", "Match", "Free", "Second"),
}
"""English words that other languages have several for, by what they are about, or by gender."""
ONE_MEANING = {
    "no": "the answer to a question",
    "Code": "what a phone shows for a login",
    "Clear": "the button that empties",
    "Light": "the color scheme",
    "Left": "the alignment",
    "Right": "the alignment",
}
"""Of these, those that mean the same wherever `t` has them alone."""


WORDS_ALONE = {"webmail": 223, "account": 161}
"""Number of texts of one word without a context, which may only fall: English often uses a word for several things.
What the account app takes from the webmail counts there.
"""


@pytest.mark.parametrize("app", ["webmail", "account"])
def test_a_word_of_several_meanings_says_which(texts: Any, app: str) -> None:
    """WEBMAIL-143: `meant("alert", "none")`, not `t("none")`; other texts of one word are listed, and get no more."""
    keys = set(texts.source_texts(app))
    own = {
        key for key, module in texts.source_texts(app).items() if app == "webmail" or not module.startswith("webmail/")
    }
    alone = sorted(key for key in own if key.isalpha())
    print(f"texts of one word in {app}, without a context: {alone}")
    assert len(alone) <= WORDS_ALONE[app], "say what a new one means: meant(context, text)"
    found = {key for key in keys if key.strip("…:. ") in SEVERAL_MEANINGS} - set(ONE_MEANING)
    assert found == set(), "say what is meant: meant(context, text)"


def test_texts_are_found_in_modules(texts: Any) -> None:
    """WEBMAIL-143a: literals, also after a number that is computed; not what another function of that name gets."""
    module = """
    t("Plain"); x.t("not ours"); t( "With \\"quotes\\" {n}", { n: 2 });
    many(items.filter((one) => one.ok).length, "{n} item", "{n} items"); meant("alert", "none");
    """
    quotes = 'With "quotes" {n}'
    assert list(texts.texts(module)) == [
        ("Plain", "Plain"),
        (quotes, quotes),
        ("{n} item|{n} items", "{n} item|{n} items"),
        ("alert none", "none"),
    ]


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ([], "en"),
        ([("accept-language", "de-DE,de;q=0.9,en;q=0.8")], "de"),
        ([("accept-language", "ro,fr;q=0.3,nl;q=0.7")], "nl"),
        ([("accept-language", "ro, *;q=0.5")], "en"),
        ([("accept-language", "en-GB,de;q=0.9")], "en"),
        ([("accept-language", "de;q=0, fr;q=0.1")], "fr"),
        ([("accept-language", "de;q=x;;,=")], "de"),
        ([("accept-language", "x," * 100_000 + "de")], "en"),
        ([("accept-language", "fr"), ("cookie", "a=b; moxlite-language=de; c=d")], "de"),
        ([("accept-language", "fr"), ("cookie", "moxlite-language=en")], "en"),
        ([("accept-language", "fr"), ("cookie", "moxlite-language=tlh")], "fr"),
        ([("accept-language", "fr"), ("cookie", "xmoxlite-language=de")], "fr"),
        ([("cookie", "moxlite-language=" + "d" * 100_000)], "en"),
    ],
)
def test_the_language_is_the_chosen_or_the_preferred_one(fields: list[tuple[str, str]], language: str) -> None:
    """WEBMAIL-143, RFC 9110 §12.5.4."""
    assert chosen_language(Headers(fields), OFFERED) == language


def test_numbers_are_written_by_the_language_of_the_page() -> None:
    """WEBMAIL-143: `toFixed` has a point whatever the language; it is for coordinates, and for sizes in English."""
    sources = top() / "frontend"
    files = [path for app in ("lib", "webmail", "account") for path in (sources / app).rglob("*.ts")]
    fixed = {str(path.relative_to(sources)) for path in files if ".toFixed(" in path.read_text()}
    assert fixed == {"lib/plot.ts", "lib/pages.ts", "lib/numbers.ts"}


def test_dates_and_numbers_are_of_the_language_of_the_page() -> None:
    """WEBMAIL-143, WEBMAIL-143g: never the browser's, nor another locale's, whose digits may be others. The service
    worker knows no page; the others read what a user typed, count in English, or begin from the page's own locale.
    """
    sources = top() / "frontend"
    used = re.compile(r"(?:toLocale\w*String|Intl\.\w+(?:Format|Rules|Collator))\((?!\))(?!locale\(\))")
    unset = re.compile(r"toLocale(?:Date|Time)?String\(\)")
    found = {
        str(path.relative_to(sources))
        for app in ("lib", "webmail", "account")
        for path in (sources / app).rglob("*.ts")
        if used.search(path.read_text()) or unset.search(path.read_text())
    }
    assert found == {
        "lib/language.ts",
        "webmail/event/times.ts",
        "webmail/later/vocabulary.ts",
        "webmail/message/trust.ts",
        "webmail/worker/notices.ts",
    }


def test_a_translation_has_the_digits_of_the_page() -> None:
    """WEBMAIL-143g: also Arabic texts, since dates and counts are written with 0 to 9."""
    from checks import translations

    for name in OFFERED:
        strange = [
            pair.translation
            for pair in translations.pairs(name, top() / "frontend" / "i18n")
            if any(one.isdecimal() and one not in "0123456789" for one in pair.translation)
        ]
        assert strange == [], name


def test_each_text_that_counts_has_a_key(texts: Any) -> None:
    """WEBMAIL-143: what the generator cannot read, such as a number with a string in it, would stay English."""
    sources = top() / "frontend"
    call = re.compile(r"(?<![\w.$!])many\(\s*")
    unread = []
    for path in (path for app in ("lib", "webmail", "account") for path in (sources / app).rglob("*.ts")):
        module = path.read_text()
        calls = [one.end() for one in call.finditer(module) if not module[: one.start()].endswith("function ")]
        unread += [f"{path.name}: {module[at : at + 60]}" for at in calls if texts.COUNTED.match(module, at) is None]
    assert unread == []
