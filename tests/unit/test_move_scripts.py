"""Sieve scripts of another server with the names of this one (moxlite/move/scripts.py)."""

from hypothesis import given, strategies as st

from moxlite.migration.names import Namespaces, places, uses_of
from moxlite.move.scripts import Folders, gaps_of, kept_name, quoted, rewritten
from moxlite.proto.imap.responses import ListData
from moxlite.proto.sieve.grammar import parse
from moxlite.store.options import INITIAL_SPECIAL_USE

OLD = Namespaces(personal=(("INBOX.", "."),), others=(("shared.", "."),))


def folders(*names: str) -> Folders:
    """The folders of a server that has all below Inbox."""
    found = [ListData((), name, ".") for name in ("INBOX", *names)]
    return Folders.of(places(uses_of(found, (), ".", google=False, namespaces=OLD), own=INITIAL_SPECIAL_USE))


SCRIPT = """\
require ["fileinto", "mailbox"]; # "INBOX.Work.2019"
if header :contains "subject" "INBOX.Work.2019" { fileinto "INBOX.Work.2019"; stop; }
if mailboxexists ["INBOX.Papierkorb", "INBOX"] {
\tfileinto :create "INBOX.New.x";
} /* fileinto "INBOX.Papierkorb"; */
elsif not true { fileinto :copy "inbox"; fileinto "INBOX.Gone"; fileinto "shared.anna.Alpha"; }
"""


def test_only_names_of_folders_are_rewritten() -> None:
    """MOVE-12: all other characters stay; folders that aren't there are named."""
    found = rewritten(SCRIPT, folders("INBOX.Work", "INBOX.Work.2019", "INBOX.Papierkorb"))
    assert found.text == (
        SCRIPT.replace('{ fileinto "INBOX.Work.2019"', '{ fileinto "Work/2019"')
        .replace('["INBOX.Papierkorb", "INBOX"]', '["Trash", "Inbox"]')
        .replace("INBOX.New.x", "New/x")
        .replace(':copy "inbox"', ':copy "Inbox"')
    )
    assert found.problems == [
        "folder 'INBOX.Gone' doesn't exist there, so this mail will stay in Inbox",
        "folder 'shared.anna.Alpha' doesn't exist there, so this mail will stay in Inbox",
    ]


def test_a_script_of_this_form_stays_as_it_is() -> None:
    """MOVE-12: so does one that can't be parsed."""
    plain = 'require "fileinto";\r\nfileinto "Inbox"; fileinto "Work";'
    assert rewritten(plain, Folders({"INBOX": "Inbox", "Work": "Work"}, "/", "")) == (plain, [])
    assert rewritten("fileinto [", folders()) == ("fileinto [", [])


def test_what_a_script_needs_is_named_before() -> None:
    """MOVE-12: variables, extensions, and scripts of the administrator."""
    script = """\
require ["fileinto", "variables", "vnd.dovecot.pipe", "include", "envelope", "vnd.dovecot.pipe"];
include :personal "own"; include :global "spam";
if true { fileinto "INBOX.${1}"; fileinto "INBOX.Work"; }
"""
    assert gaps_of(script) == [
        "extension 'vnd.dovecot.pipe' isn't available",
        "includes the global script 'spam', which isn't copied",
        "folder name 'INBOX.${1}' has variables, so it isn't rewritten",
    ]
    found = rewritten(script, folders("INBOX.Work"))
    assert found == (script.replace('"INBOX.Work"', '"Work"'), [])
    assert gaps_of("keep;") == []
    assert gaps_of('require "fileinto"; fileinto "a${b}";') == []  # without variables, a name as any other
    assert gaps_of("fileinto [")[0].startswith("can't read it: ")


def test_encoded_characters_are_a_name_too() -> None:
    """MOVE-12: RFC 5228 §2.4.2.4."""
    script = 'require ["fileinto", "encoded-character"]; fileinto "INBOX.Entw${unicode:fc}rfe";'
    assert rewritten(script, folders("INBOX.Entwürfe")).text.endswith('fileinto "Drafts";')


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: "\0" not in text))
def test_every_name_survives_being_quoted(name: str) -> None:
    """MOVE-12"""
    script = f"fileinto {quoted(name)};"
    assert parse(script)[0].arguments[0].texts == (name,)  # type: ignore[union-attr] # a string
    assert rewritten(script, Folders({name: "Work"}, "", "")).text.startswith("fileinto ")


def test_the_script_that_is_kept_has_a_valid_name() -> None:
    """MOVE-12"""
    assert kept_name("main") == "main (old server)"
    assert len(kept_name("x" * 128)) == 128
