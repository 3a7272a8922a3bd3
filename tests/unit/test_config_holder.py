"""Reloading and changing domains.toml while the server runs."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from moxlite.admin import accounts as changes
from moxlite.config import holder as holder_module, inotify
from moxlite.config.files import write_atomically
from moxlite.config.holder import ChangedMeanwhile, ConfigHolder, ObjectChanged
from moxlite.config.inotify import folders_of
from moxlite.config.load import ConfigError
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from tests.tools import eventually, settled, slowness

STATIC = """\
hostname = "mx.example.org"
[postmaster]
account = "me"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
"""

DOMAINS = """\
# who we are
[domains."example.org"]   # the main one
localpart_separators = ["+"]

[domains."example.org".aliases.team]
addresses = [
  "me@example.org",   # boss
  "you@example.org",
]
[domains."example.org".aliases.solo]
addresses = ["you@example.org"]

[accounts.me]
domain = "example.org"
  [accounts.me.destinations."me@example.org"]

[accounts.you]
domain = "example.org"
[accounts.you.destinations]
"you@example.org" = { mailbox = "Work" }
"second@example.org" = {}
"""


@pytest.fixture
def holder(tmp_path: Path) -> ConfigHolder:
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    return ConfigHolder.open(tmp_path / "moxlite.toml")[0]


def change(what: Callable[..., None], *args: str) -> Callable[[Document, Snapshot], None]:
    return lambda document, snapshot: what(document, snapshot, *args)


def in_place(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.flush()  # empty, and then half of it, as an editor may do
        file.write(text[: len(text) // 2])
        file.flush()
        file.write(text[len(text) // 2 :])


def renamed_over(path: Path, text: str) -> None:
    (path.parent / "new").write_text(text)
    (path.parent / "new").rename(path)


def in_a_new_folder(path: Path, text: str) -> None:
    path.parent.rename(path.parent.with_name("old"))
    path.parent.mkdir()
    path.write_text(text)


def by_another_name(path: Path, text: str) -> None:
    link = path.parent.with_name("link")
    link.hardlink_to(path)
    in_place(link, text)


@pytest.mark.parametrize("save", [in_place, renamed_over, in_a_new_folder, by_another_name])
async def test_a_valid_file_becomes_active_when_it_is_saved(
    holder: ConfigHolder, caplog: pytest.LogCaptureFixture, save: Callable[[Path, str], None]
) -> None:
    """ADMIN-5: the system tells of it; one log line for one change."""
    caplog.set_level("INFO")
    seen: list[tuple[Snapshot, Snapshot]] = []
    holder.on_change(lambda old, new: seen.append((old, new)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder.watch)
        await settled()
        before = holder.current
        save(holder.domains_path, DOMAINS + '[domains."example.net"]\n')
        await eventually(lambda: seen, what="the change")
        assert "example.net" in holder.current.domains.domains
        assert seen == [(before, holder.current)]
        assert "example.net" not in before.domains.domains  # an operation keeps its snapshot
        holder.domains_path.write_text(DOMAINS)
        await eventually(lambda: len(seen) == 2, what="the next change")
        nursery.cancel_scope.cancel()
    assert not [record for record in caplog.records if "looked at" in record.message]


async def test_a_part_that_starts_late_hears_of_an_earlier_change(holder: ConfigHolder) -> None:
    """ADMIN-5: the change came while the server started; without one, nothing is told."""
    first, seen = holder.current, list[tuple[Snapshot, Snapshot]]()
    holder.on_change(lambda old, new: seen.append((old, new)), since=first)
    assert seen == []
    holder.domains_path.write_text(DOMAINS + '[domains."example.net"]\n')
    assert await holder.reload()
    late: list[tuple[Snapshot, Snapshot]] = []
    holder.on_change(lambda old, new: late.append((old, new)), since=first)
    assert late == seen == [(first, holder.current)]


async def test_a_file_behind_links_is_followed(tmp_path: Path) -> None:
    """ADMIN-5: as Kubernetes and NixOS give them: the file is a link through a link to a folder, which is exchanged."""
    for name, text in (("one", DOMAINS), ("two", DOMAINS + '[domains."two.example"]\n')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "domains.toml").write_text(text)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/moxlite.toml").write_text(STATIC)
    (tmp_path / "current").symlink_to("one")
    (tmp_path / "config/domains.toml").symlink_to(tmp_path / "elsewhere/../current/domains.toml")
    (tmp_path / "elsewhere").mkdir()
    holder = ConfigHolder.open(tmp_path / "config/moxlite.toml")[0]
    assert folders_of(holder.domains_path) == {tmp_path / "config", tmp_path, tmp_path / "one"}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder.watch)
        await settled()
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").rename(tmp_path / "current")
        await eventually(lambda: "two.example" in holder.current.domains.domains, what="the exchanged folder")
        (tmp_path / "two/domains.toml").write_text(DOMAINS + '[domains."three.example"]\n')
        await eventually(lambda: "three.example" in holder.current.domains.domains, what="the file in it")
        nursery.cancel_scope.cancel()


class Everything(frozenset[int]):
    def __contains__(self, one: object) -> bool:
        return True


@pytest.mark.parametrize(("what", "value"), [("REMOTE", Everything()), ("_LIBRARY", None)])
async def test_without_inotify_the_file_is_looked_at_each_second(
    holder: ConfigHolder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    autojump_clock: MockClock,
    what: str,
    value: object,
) -> None:
    """ADMIN-5: mtime, size and inode; on file systems that others change, too. The log says so once."""
    caplog.set_level("INFO")
    monkeypatch.setattr(inotify, what, value)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder.watch)
        await trio.sleep(5)
        holder.domains_path.write_text(DOMAINS + '[domains."example.net"]\n')
        await eventually(lambda: "example.net" in holder.current.domains.domains, what="the change")
        nursery.cancel_scope.cancel()
    assert len([record for record in caplog.records if "polling domains.toml every second" in record.message]) == 1


async def test_nobody_is_woken_up_while_the_file_stays(holder: ConfigHolder, mock_clock: MockClock) -> None:
    """ADMIN-5, IMAP-170: the next time that the server looks by itself is an hour away."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder.watch)
        await settled()
        assert trio.lowlevel.current_statistics().seconds_to_next_deadline > 3000
        nursery.cancel_scope.cancel()


async def test_an_invalid_file_leaves_the_old_one_active_and_is_logged_once(
    holder: ConfigHolder, caplog: pytest.LogCaptureFixture
) -> None:
    """ADMIN-5, ADMIN-61: also a half-written file."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder.watch)
        await settled()
        before = holder.current
        holder.domains_path.write_text(DOMAINS + "[accounts.half")
        await eventually(lambda: holder.problems, what="the mistake")
        (holder.domains_path.parent / "other").touch()  # a look that finds the same
        await holder.reload()
        assert holder.current is before
        assert len(holder.problems) == 1
        assert len([record for record in caplog.records if "invalid" in record.message]) == 1
        holder.domains_path.write_text(DOMAINS)
        await eventually(lambda: not holder.problems, what="the right file")
        nursery.cancel_scope.cancel()


async def test_a_missing_file_counts_as_invalid(holder: ConfigHolder) -> None:
    """ADMIN-5."""
    holder.domains_path.unlink()
    assert not await holder.reload()
    assert "can't be read" in holder.problems[0].text


async def test_an_edit_keeps_comments_order_and_formatting(holder: ConfigHolder) -> None:
    """ADMIN-6: mox drops comments, we don't."""
    await holder.edit(change(changes.add_address, "new@example.org", "me"))
    text = holder.domains_path.read_text()
    for line in DOMAINS.splitlines():
        assert line in text
    assert list(holder.current.domains.accounts["me"].destinations) == ["me@example.org", "new@example.org"]


async def test_an_edit_that_makes_no_valid_whole_changes_nothing(holder: ConfigHolder) -> None:
    """ADMIN-6: the whole is checked before anything is written."""
    before = holder.current
    with pytest.raises(ConfigError, match="belongs to the account"):
        await holder.edit(change(changes.add_address, "me@example.org", "you"))
    assert holder.current is before
    assert holder.domains_path.read_text() == DOMAINS


async def test_an_edit_works_on_what_a_person_saved_meanwhile(holder: ConfigHolder) -> None:
    """ADMIN-6, ADMIN-62: no lost change."""
    holder.domains_path.write_text("# by hand\n" + DOMAINS)
    await holder.edit(change(changes.add_address, "new@example.org", "me"))
    assert holder.domains_path.read_text().startswith("# by hand\n")


async def test_a_save_during_an_edit_is_built_upon(holder: ConfigHolder) -> None:
    """ADMIN-6, ADMIN-62: the file is read again when it changed in between."""
    calls = 0

    def edit(document: Document, snapshot: Snapshot) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            holder.domains_path.write_text("# in between\n" + DOMAINS)
        document.put(("accounts", "me", "description"), "edited")

    await holder.edit(edit)
    text = holder.domains_path.read_text()
    assert text.startswith("# in between\n")
    assert 'description = "edited"' in text


async def test_an_edit_of_a_file_with_mistakes_is_refused(holder: ConfigHolder) -> None:
    """ADMIN-5, ADMIN-6: somebody is in the middle of editing."""
    holder.domains_path.write_text(DOMAINS + "[accounts.half")
    with pytest.raises(ConfigError):
        await holder.edit(change(changes.add_address, "new@example.org", "me"))


async def test_what_is_saved_right_after_our_own_change_is_used(
    holder: ConfigHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-5, ADMIN-6: also when it is there before we have looked at what we wrote."""
    ours = write_atomically

    def and_theirs(path: Path, data: bytes, **options: Any) -> os.stat_result:
        written = ours(path, data, **options)
        path.write_text(DOMAINS + '[domains."example.net"]\n')
        return written

    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder.watch)
        await settled()
        monkeypatch.setattr(holder_module, "write_atomically", and_theirs)
        await holder.edit(change(changes.add_address, "a@example.org", "me"))
        await eventually(lambda: "example.net" in holder.current.domains.domains, what="their change")
        nursery.cancel_scope.cancel()


async def test_a_link_to_the_file_stays_a_link(holder: ConfigHolder, tmp_path: Path) -> None:
    """ADMIN-6: who keeps the configuration elsewhere, such as under version control, finds our changes there."""
    real = tmp_path / "versioned" / "ours.toml"
    real.parent.mkdir()
    holder.domains_path.rename(real)
    holder.domains_path.symlink_to(real)
    await holder.edit(change(changes.add_address, "a@example.org", "me"))
    assert holder.domains_path.is_symlink()
    assert "a@example.org" in real.read_text()
    assert [path.name for path in real.parent.iterdir()] == ["ours.toml"]


async def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    """ADMIN-62: and nothing is replaced."""
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(OSError, match="symbolic links"):
        write_atomically(link, b"text")
    assert link.is_symlink()


async def test_two_edits_at_once_are_both_kept(holder: ConfigHolder) -> None:
    """ADMIN-6: one lock."""
    async with trio.open_nursery() as nursery:
        for name in ("a", "b", "c"):
            nursery.start_soon(holder.edit, change(changes.add_address, f"{name}@example.org", "me"))
    assert len(holder.current.domains.accounts["me"].destinations) == 4


async def test_a_change_based_on_what_an_object_was_fails_if_that_one_changed(holder: ConfigHolder) -> None:
    """WEB-64, WEB-87, WEB-89: other objects may have changed; the error shows both values."""
    me, you = (holder.current.domains.accounts[name] for name in ("me", "you"))
    describe = lambda document, snapshot: document.put(("accounts", "you", "description"), "ours")  # noqa: E731
    await holder.edit(change(changes.disable_account, "me", "gone"), expected={("accounts", "me"): me})
    await holder.edit(describe, expected={("accounts", "you"): you, ("accounts", "new"): None})
    before = holder.domains_path.read_text()
    with pytest.raises(
        ObjectChanged, match=r"accounts.you was changed elsewhere: description was '', is 'ours'"
    ) as raised:
        await holder.edit(describe, expected={("accounts", "you"): you})
    assert (raised.value.was, raised.value.now) == (you, holder.current.domains.accounts["you"])
    with pytest.raises(ObjectChanged, match="it was added"):
        await holder.edit(describe, expected={("accounts", "you"): None})
    with pytest.raises(ObjectChanged, match="it no longer exists"):
        await holder.edit(describe, expected={("accounts", "gone"): you})
    assert holder.domains_path.read_text() == before


@pytest.mark.parametrize("save", [in_place, renamed_over])
async def test_a_save_while_our_own_is_written_is_built_upon(
    holder: ConfigHolder, monkeypatch: pytest.MonkeyPatch, save: Callable[[Path, str], None]
) -> None:
    """ADMIN-6, ADMIN-62: the file is looked at once more when ours is on disk and only the rename is left."""
    sync, saved = os.fsync, 0

    def slow(fd: int) -> None:
        nonlocal saved
        sync(fd)
        saved += 1
        if saved == 1:
            save(holder.domains_path, "# in between\n" + DOMAINS)

    monkeypatch.setattr(os, "fsync", slow)
    await holder.edit(change(changes.add_address, "new@example.org", "me"))
    text = holder.domains_path.read_text()
    assert text.startswith("# in between\n")
    assert "new@example.org" in text


async def test_a_file_that_others_keep_changing_ends_the_edit(
    holder: ConfigHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-6, ADMIN-62: theirs stays."""
    sync, saved = os.fsync, 0

    def slow(fd: int) -> None:
        nonlocal saved
        sync(fd)
        saved += 1
        holder.domains_path.write_text(f"# {saved}\n" + DOMAINS)

    monkeypatch.setattr(os, "fsync", slow)
    before = holder.current
    with pytest.raises(ChangedMeanwhile):
        await holder.edit(change(changes.add_address, "new@example.org", "me"))
    assert holder.current is before
    assert holder.domains_path.read_text() == f"# {saved}\n" + DOMAINS
    assert [path.name for path in holder.domains_path.parent.iterdir() if path.name.startswith(".")] == []


async def test_an_address_that_the_account_has_keeps_its_settings(holder: ConfigHolder) -> None:
    """ADMIN-16: adding it once more is refused."""
    with pytest.raises(changes.Refused, match="already"):
        await holder.edit(change(changes.add_address, "you@example.org", "you"))
    assert holder.domains_path.read_text() == DOMAINS


@pytest.mark.nightly
@pytest.mark.slow
async def test_a_change_in_a_file_of_a_thousand_accounts_is_quick(tmp_path: Path) -> None:
    """ADMIN-81: at most 0.5 s of the processor; the other objects are neither written nor read again."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    holder = ConfigHolder.open(tmp_path / "moxlite.toml")[0]

    def many(document: Document, snapshot: Snapshot) -> None:
        for number in range(1000):
            changes.add_account(document, snapshot, f"a{number}", f"a{number}@example.org")

    await holder.edit(many)
    before = holder.current.domains.accounts["a7"]
    took = []
    for account in ("a500", "a501", "a502"):  # the best of them: garbage of other tests is collected meanwhile
        began = time.process_time()
        await holder.edit(change(changes.add_address, f"more-{account}@example.org", account))
        took.append(time.process_time() - began)
    assert min(took) < 0.5 * slowness()
    assert holder.current.domains.accounts["a7"] is before
    assert (await reloaded(holder)).domains == holder.current.domains


async def reloaded(holder: ConfigHolder) -> Snapshot:
    """The configuration as the whole file says it."""
    return ConfigHolder.open(holder.path)[0].current


async def test_a_failed_write_leaves_file_and_configuration(
    holder: ConfigHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-62: disk full at save."""

    def full(path: Path, data: bytes, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(holder_module, "write_atomically", full)
    before = holder.current
    with pytest.raises(OSError, match="No space"):
        await holder.edit(change(changes.add_address, "a@example.org", "me"))
    assert holder.current is before
    assert holder.domains_path.read_text() == DOMAINS
    assert [path.name for path in holder.domains_path.parent.iterdir() if path.name.startswith(".")] == []


async def test_the_file_keeps_its_mode(holder: ConfigHolder) -> None:
    """ADMIN-6: the file's owner and mode stay."""
    holder.domains_path.chmod(0o604)
    await holder.edit(change(changes.add_address, "a@example.org", "me"))
    assert holder.domains_path.stat().st_mode & 0o777 == 0o604
    assert os.listdir(holder.domains_path.parent) != []


async def test_a_new_account_has_the_usual_settings(holder: ConfigHolder) -> None:
    """ADMIN-14."""
    snapshot = await holder.edit(change(changes.add_account, "new", "new@example.org"))
    account = snapshot.domains.accounts["new"]
    assert account.rejects_mailbox == "Rejects"
    assert account.no_custom_password
    assert account.automatic_junk_flags.enabled
    assert account.automatic_junk_flags.junk_mailbox_regexp == "^(junk|spam)"
    assert account.junk_filter is not None
    assert (account.junk_filter.threshold, account.junk_filter.top_words, account.junk_filter.rare_words) == (
        0.95,
        10,
        2,
    )
    assert account.subject_pass is not None
    assert account.subject_pass.period == 12 * 3600
    assert snapshot.login("new@example.org") is not None


@pytest.mark.parametrize(
    ("name", "address", "words"),
    [
        ("me", "x@example.org", "already"),
        ("..", "x@example.org", "isn't a valid account name"),
        ("con", "x@example.org", "Windows"),
        ("new", "x@elsewhere.example", "isn't a domain on this server; add it first"),
        ("new", "x@exmaple.org", 'isn\'t a domain on this server; did you mean "example.org"'),
        ("new", "nonsense", "isn't a valid address"),
        ("new", "مد\u200fير@example.org", "an invisible character"),
    ],
)
async def test_accounts_that_cannot_be_are_refused(holder: ConfigHolder, name: str, address: str, words: str) -> None:
    """ADMIN-14, ADMIN-63."""
    with pytest.raises(changes.Refused, match=words):
        await holder.edit(change(changes.add_account, name, address))


async def test_an_address_is_added_without_the_marks_that_are_pasted_with_it(holder: ConfigHolder) -> None:
    """SMTP-2b, SMTP-2d: and no second one that differs by joiners alone."""
    snapshot = await holder.edit(change(changes.add_account, "new", "\u200fعلی\u200cرضا@example.org\u200e "))
    assert list(snapshot.domains.accounts["new"].destinations) == ["علی\u200cرضا@example.org"]
    for twin in ("علیرضا@example.org", "علی\u200dرضا@example.org"):
        with pytest.raises((changes.Refused, ConfigError), match="already belongs"):
            await holder.edit(change(changes.add_address, twin, "me"))


async def test_an_address_leaves_its_aliases_too(holder: ConfigHolder) -> None:
    """ADMIN-16, SMTP-107."""
    put_two = lambda document, snapshot: document.put(  # noqa: E731
        ("domains", "example.org", "aliases", "solo", "addresses"), ["you@example.org", "me@example.org"]
    )
    await holder.edit(put_two)
    snapshot = await holder.edit(change(changes.remove_address, "You+x@example.org"))
    aliases = snapshot.domains.domains["example.org"].aliases
    assert [str(one) for one in aliases["team"].addresses] == ["me@example.org"]
    assert list(snapshot.domains.accounts["you"].destinations) == ["second@example.org"]
    assert "# the main one" in holder.domains_path.read_text()


async def test_the_last_member_of_an_alias_cannot_go(holder: ConfigHolder) -> None:
    """ADMIN-16: the error says what to do."""
    with pytest.raises(changes.Refused, match="delete the alias or add members"):
        await holder.edit(change(changes.remove_address, "you@example.org"))
    assert holder.domains_path.read_text() == DOMAINS


async def test_the_postmasters_account_cannot_go(holder: ConfigHolder) -> None:
    """ADMIN-15: refused for postmaster and reporting accounts."""
    with pytest.raises(changes.Refused, match="postmaster"):
        await holder.edit(change(changes.remove_account, "me"))


async def test_disabling_and_enabling_log_ins_is_one_key(holder: ConfigHolder) -> None:
    """ADMIN-17, ADMIN-65."""
    snapshot = await holder.edit(change(changes.disable_account, "you", "come back later"))
    assert snapshot.domains.accounts["you"].login_disabled == "come back later"
    with pytest.raises(ConfigError, match="control characters"):
        await holder.edit(change(changes.disable_account, "you", "a\nb"))
    snapshot = await holder.edit(change(changes.enable_account, "you"))
    assert snapshot.domains.accounts["you"].login_disabled is None
    assert [*filter(None, holder.domains_path.read_text().splitlines())] == [*filter(None, DOMAINS.splitlines())]


async def test_a_catchall_comes_and_goes_like_an_address(holder: ConfigHolder) -> None:
    """ADMIN-16, SMTP-72."""
    snapshot = await holder.edit(change(changes.add_address, "@example.org", "you"))
    assert snapshot.login("whatever@example.org") is not None
    snapshot = await holder.edit(change(changes.remove_address, "@example.org"))
    assert snapshot.login("whatever@example.org") is None
