"""Files that are dropped on a mailbox of the webmail: what becomes of them, and what a stream tells."""

from typing import Any

import pytest
import trio

from moxlite.store.changelog.account import Account
from moxlite.store.imports import engine
from moxlite.store.mail.mailboxes import delete_mailbox, rename_mailbox
from moxlite.web.importing import browser as imports, upload
from moxlite.web.webmail.live import importing
from tests.session.test_web_imports import BOUNDARY, LARGE, Gate, gate
from tests.store_imports import AppearingGate, contents, mbox, zipped
from tests.store_mail import box, deliver_mail, look, mail
from tests.web_rig import STATIC, Answer, Browser, Rig, open_rig
from tests.web_sharing import SALES, mia, opened, share, tom

__all__ = ["gate", "mia", "tom"]

SMALL_ROOM = STATIC.replace("min_free_space = 0 ", 'min_free_space = 0, import_max_size = "100k" ')


@pytest.fixture(autouse=True)
def quick_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told once a second, which tests of other things need not pay."""
    monkeypatch.setattr(importing, "TICK", 0.01)


def form(files: dict[str, bytes], **fields: str) -> bytes:
    """The body of a form with these files."""
    body = b""
    for name, data in files.items():
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"'
        body += f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n"
    for name, value in fields.items():
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    return body + f"--{BOUNDARY}--\r\n".encode()


async def drop(browser: Browser, mailbox_id: int, files: dict[str, bytes], **headers: str) -> Answer:
    """Post these files to a mailbox."""
    fields = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "x-moxlite-csrf": browser.csrf}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await browser.fetch(
        f"/webmail/import?mailbox_id={mailbox_id}", method="POST", headers=fields, body=form(files)
    )


async def ended(browser: Browser, mailbox_id: int, files: dict[str, bytes]) -> Any:
    """Import files; the state at the end."""
    answer = await drop(browser, mailbox_id, files)
    assert answer.status == 200, answer.body
    return await state_of(browser, answer.json["token"])


async def state_of(browser: Browser, token: str, wanted: tuple[str, ...] = ("done", "aborted")) -> Any:
    """The state of an import when it is one of these."""
    with trio.fail_after(60):
        while (state := await browser.call("import_state", token=token))["state"] not in wanted:  # noqa: ASYNC110 - told to pages only
            await trio.sleep(0.05)
    return state


async def id_of(rig: Rig, name: str, account: str = "mia") -> int:
    """The id of a mailbox in its account."""
    async with rig.account(account) as opened_account:
        return int((await box(opened_account, name)).id)


@pytest.mark.served
async def test_files_of_several_kinds_come_into_the_mailbox_at_once(rig: Rig, mia: Browser) -> None:
    """WEBMAIL-141: a message is read, messages of an mbox have its flags; another file is named, and left out."""
    archive = await id_of(rig, "Archive")
    old = mbox([b"Status: RO\r\n" + mail(2), b"X-Status: F\r\n" + mail(3)])
    files = {
        "one.eml": mail(1),
        "old": old,
        "pho\x01to.pdf": b"%PDF-1.7",
        "all.zip": zipped({"A.mbox": mbox([mail(4)])}),
    }
    state = await ended(mia, archive, files)
    assert (state["state"], state["messages"], state["problems"]) == ("done", 3, 2)
    assert state["message"] == "pho_to.pdf: not a mail file"
    async with rig.account() as account:
        found = (await contents(account))["Archive"]
        assert [octets for octets, _, _ in found] == [mail(1), mail(2), mail(3)]
        assert await look(account, lambda r: r.rows("SELECT flags & 1 FROM message ORDER BY uid")) == [(1,), (1,), (0,)]


@pytest.mark.served
async def test_an_archive_is_imported_below_the_mailbox(rig: Rig, mia: Browser) -> None:
    """WEBMAIL-141, STORE-126."""
    state = await ended(mia, await id_of(rig, "Archive"), {"a.zip": zipped({"Old.mbox": mbox([mail(1)])})})
    assert state["messages"] == 1
    async with rig.account() as account:
        assert len((await contents(account))["Archive/Old"]) == 1


@pytest.mark.served
async def test_a_stream_tells_of_an_import_from_its_beginning_to_its_end(rig: Rig, mia: Browser, gate: Gate) -> None:
    """WEBMAIL-141: in each tab, also in one that comes later; not a new page of one that has ended."""
    inbox = await id_of(rig, "Inbox")
    events, _, _ = await opened(mia, "Inbox")
    token = (await drop(mia, inbox, {"a.mbox": mbox([mail(n, body=LARGE.decode()) for n in range(3)])})).json["token"]
    first = await events.until("importing")
    assert (first["token"], first["mailbox_id"], first["state"]) == (token, inbox, "reading")
    await gate.wait()
    later, _, _ = await opened(mia, "Inbox")
    assert (await later.until("importing"))["token"] == token
    assert (await drop(mia, inbox, {"b.eml": mail(9)})).status == 409
    assert await mia.error("import_check", mailbox_id=inbox, size=1) == (409, "user:conflict")
    gate.go.set()
    for stream in (events, later):
        while (state := await stream.until("importing"))["state"] != "done":
            pass
        assert (state["messages"], state["problems"]) == (3, 0)
    again, _, _ = await opened(mia, "Inbox")
    async with rig.account() as account:
        await deliver_mail(account, mail(77))
    while (event := await again.next())["kind"] != "view_changes":
        assert event["kind"] != "importing"


@pytest.mark.served
async def test_the_number_of_messages_is_foretold(rig: Rig, mia: Browser, gate: Gate) -> None:
    """WEBMAIL-141."""
    gate.octets = 2_000_000
    file = mbox([mail(n, body="x" * 10_000 + "\r\n") for n in range(300)])
    token = (await drop(mia, await id_of(rig, "Inbox"), {"a.mbox": file})).json["token"]
    await gate.wait()
    with trio.fail_after(60):
        while not (state := await mia.call("import_state", token=token))["messages"]:  # noqa: ASYNC110 - told to pages only
            await trio.sleep(0.2)
    assert (state["state"], state["messages"] in (100, 200)) == ("reading", True)
    assert state["messages"] <= state["about"] < 900
    gate.go.set()


@pytest.mark.served
async def test_a_stream_tells_how_many_messages_are_filed(
    rig: Rig, mia: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-141."""
    filing = AppearingGate(monkeypatch, 2)
    events, _, _ = await opened(mia, "Inbox")
    file = mbox([mail(number) for number in range(4)])
    await drop(mia, await id_of(rig, "Inbox"), {"a.mbox": file})
    while (state := await events.until("importing"))["messages"] != 1 or state["state"] != "finishing":
        assert state["state"] in ("reading", "finishing")
    assert state["about"] == 4
    filing.opened.set()
    while (state := await events.until("importing"))["state"] != "done":
        pass
    assert state["messages"] == 4


@pytest.mark.served
async def test_an_import_is_stopped_and_nothing_of_it_stays(rig: Rig, mia: Browser, gate: Gate) -> None:
    """WEBMAIL-141, STORE-129: by its user alone."""
    inbox = await id_of(rig, "Inbox")
    token = (await drop(mia, inbox, {"a.mbox": mbox([mail(n, body=LARGE.decode()) for n in range(3)])})).json["token"]
    await gate.wait()
    async with rig.account("tom") as account:
        from moxlite.store.auth.credentials import change_password

        await change_password(account, "another horse battery")
    stranger = rig.browser()
    await stranger.log_in("tom@example.org", "another horse battery")
    assert await stranger.error("import_abort", token=token) == (404, "user:notFound")
    assert await stranger.call("import_state", token=token) is None
    await mia.call("import_abort", token=token)
    gate.go.set()
    state = await state_of(mia, token)
    assert state["state"] == "aborted"
    assert state["message"] == "", "it was stopped"
    assert await mia.error("import_abort", token=token) == (400, "user:error")
    async with rig.account() as account:
        assert (await contents(account))["Inbox"] == []


@pytest.mark.served
async def test_an_import_is_taken_back_exactly(rig: Rig, mia: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-141: mail from before and after stays, and so does what was moved away."""
    monkeypatch.setattr(engine, "SLICE", 2)
    inbox = await id_of(rig, "Inbox")
    async with rig.account() as account:
        await deliver_mail(account, mail(50))
        state = await ended(mia, inbox, {"a.mbox": mbox([mail(n) for n in range(6)])})
        await deliver_mail(account, mail(51))
        first = state["first_id"]
        await mia.call("message_move", message_ids=[first], mailbox_id=await id_of(rig, "Archive"))
        assert await mia.call("import_undo", first_id=first, messages=6) == 5
        assert await mia.error("import_undo", first_id=first, messages=6) == (404, "user:notFound")
        found = await contents(account)
        assert [octets for octets, _, _ in found["Inbox"]] == [mail(50), mail(51)]
        assert len(found["Archive"]) == 1
    assert await mia.error("import_undo", first_id=first, messages=100_001) == (400, "user:error")


@pytest.mark.served
async def test_ids_stay_small_when_many_files_are_dropped(rig: Rig, mia: Browser) -> None:
    """WEBMAIL-141, WEBMAIL-62: ids of the browser have 32 bits within an account."""
    inbox = await id_of(rig, "Inbox")
    ids = [(await ended(mia, inbox, {"a.eml": mail(number)}))["first_id"] for number in range(20)]
    assert ids == sorted(ids)
    assert ids[-1] < 1 << 18


@pytest.mark.served
async def test_what_is_no_mail_or_too_much_is_refused(rig: Rig, mia: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-141, WEB-136: with words, and nothing is left."""
    inbox = await id_of(rig, "Inbox")
    for files in ({"a.pdf": b"%PDF-1.7"}, {"a": b"", "b": b"\x00" * 100}, {}):
        answer = await drop(mia, inbox, files)
        assert (answer.status, answer.json["error"]["code"]) == (400, "user:error"), answer.body
    monkeypatch.setattr(imports, "MAX_FILES", 3)
    answer = await drop(mia, inbox, {f"{number}.eml": mail(number) for number in range(4)})
    assert (answer.status, "up to 3 files" in answer.json["error"]["message"]) == (400, True)
    assert (await drop(mia, 999_999, {"a.eml": mail(1)})).status == 404
    assert (await drop(mia, 0, {"a.eml": mail(1)})).status == 404
    assert (await drop(mia, inbox, {"a.eml": mail(1)}, x_moxlite_csrf="wrong")).status == 403
    assert (await drop(mia, inbox, {"a.eml": mail(1)}, sec_fetch_site="cross-site")).status == 403
    assert (await drop(rig.browser(), inbox, {"a.eml": mail(1)})).status == 403
    assert (await mia.fetch("/webmail/import")).status == 405
    fields = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "x-moxlite-csrf": mia.csrf}
    named = await mia.fetch(
        f"/webmail/import?mailbox_id={inbox}",
        method="POST",
        headers=fields,
        body=form({"a.eml": mail(1)}, mailbox="Other"),
    )
    assert named.status == 400
    async with rig.account() as account:
        assert (await contents(account))["Inbox"] == []


@pytest.mark.served
async def test_a_line_of_ten_megabytes_is_a_message(rig: Rig, mia: Browser) -> None:
    """WEBMAIL-141, WEB-136."""
    state = await ended(mia, await id_of(rig, "Inbox"), {"a.eml": mail(1, body="x" * 10_000_000), "b.eml": mail(2)})
    assert (state["state"], state["messages"]) == ("done", 2)


@pytest.mark.served
async def test_files_over_the_limit_are_refused_before_and_when_they_come(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-141, WEB-20, STORE-156, STORE-157: and so they are when the disk is full."""
    async with trio.open_nursery() as nursery:
        room = await open_rig(tmp_path / "room", nursery, static=SMALL_ROOM)
        browser = room.browser()
        await browser.log_in()
        inbox = await id_of(room, "Inbox")
        assert await browser.error("import_check", mailbox_id=inbox, size=102_401) == (413, "user:error")
        files = {f"{number}.eml": mail(number, body="x" * 2_000_000) for number in range(2)}
        assert (await drop(browser, inbox, files)).status == 413
        bomb = zipped({"A.mbox": mbox([mail(1, body="x" * 200_000)])})
        assert (await ended(browser, inbox, {"a.zip": bomb}))["state"] == "aborted"
        monkeypatch.setattr(upload, "room_for", lambda *_: False)
        answer = await drop(browser, inbox, {"a.eml": mail(1)})
        assert (answer.status, answer.json["error"]["message"]) == (507, upload.DISK_FULL)
        nursery.cancel_scope.cancel()


@pytest.mark.served
async def test_a_mailbox_that_is_gone_or_renamed_at_the_end_gets_nothing(rig: Rig, mia: Browser, gate: Gate) -> None:
    """WEBMAIL-141, STORE-121: no mailbox of its old name is made."""
    large = mbox([mail(n, body=LARGE.decode()) for n in range(3)])
    for change, words in (
        (lambda tx, there: rename_mailbox(tx, there, "Elsewhere"), "renamed"),
        (delete_mailbox, "folder not found"),
    ):
        gate.reached.clear()
        gate.go.clear()
        name = {"renamed": "Work", "folder not found": "Play"}[words]
        there = await mia.call("mailbox_create", name=name)
        token = (await drop(mia, there, {"a.mbox": large})).json["token"]
        await gate.wait()
        async with rig.account() as account:
            await account.write(lambda tx, change=change, there=there: change(tx, there))  # type: ignore[misc]
            gate.go.set()
            state = await state_of(mia, token)
            assert state["state"] == "aborted"
            assert words in state["message"]
            assert name not in await contents(account)


@pytest.mark.served
async def test_a_guest_imports_with_the_rights_that_the_owner_gives(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-141, WEBMAIL-62: `i` lets messages in, without `s` they are unread; an archive would make mailboxes."""
    await share(rig, "lr")
    _, start, _ = await opened(mia)
    sales = next(one["id"] for one in start["mailboxes"] if one["name"] == SALES)
    assert (await drop(mia, sales, {"a.eml": mail(70)})).status == 403
    assert await mia.error("import_check", mailbox_id=sales, size=1) == (403, "user:notAllowed")
    await share(rig, "lri")
    state = await ended(mia, sales, {"a.eml": mail(70)})
    assert (state["state"], state["messages"], state["mailbox_id"]) == ("done", 1, sales)
    assert await look(tom, lambda r: r.value("SELECT max(id) FROM message")) == state["first_id"] % (1 << 32)
    assert await look(tom, lambda r: r.rows("SELECT flags FROM message ORDER BY id DESC LIMIT 1")) == [(0,)]
    assert await mia.error("import_undo", first_id=state["first_id"], messages=1) == (403, "user:notAllowed")
    answer = await drop(mia, sales, {"a.zip": zipped({"A.mbox": mbox([mail(1)])})})
    assert (answer.status, answer.json["error"]["message"]) == (400, imports.OWN_ARCHIVES)
    await share(rig, "lrite")
    assert await mia.call("import_undo", first_id=state["first_id"], messages=1) == 1


@pytest.mark.served
async def test_rights_that_are_taken_during_an_import_end_it(rig: Rig, tom: Account, mia: Browser, gate: Gate) -> None:
    """WEBMAIL-141, WEBMAIL-62."""
    await share(rig, "lri")
    _, start, _ = await opened(mia)
    sales = next(one["id"] for one in start["mailboxes"] if one["name"] == SALES)
    token = (await drop(mia, sales, {"a.mbox": mbox([mail(n, body=LARGE.decode()) for n in range(3)])})).json["token"]
    await gate.wait()
    await share(rig, "lr")
    gate.go.set()
    state = await state_of(mia, token)
    assert state["state"] == "aborted"
    assert len((await contents(tom))["Sales"]) == 3
