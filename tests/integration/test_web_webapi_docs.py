"""Each example of docs/webapi.md runs as it is written, by curl, against localserve; programs verify signed calls."""

import base64
import email
import email.policy
import json
import re
import shutil
import subprocess
import time
from functools import partial
from pathlib import Path

import dkim
import pytest
import trio
from cryptography.hazmat.primitives.asymmetric import rsa
from standardwebhooks import Webhook

from moxlite.mailauth.dkim.sign import key_record, to_pem
from tests.running import LocalServer
from tests.tools import top, until
from tests.webapi import CODES, check_incoming, check_outgoing
from tests.webserver import web_server

pytestmark = [pytest.mark.served, pytest.mark.slow]

EXAMPLE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def examples() -> list[str]:
    """The examples with curl, one text for each."""
    found: list[str] = []
    for block in EXAMPLE.findall((top() / "docs/webapi.md").read_text()):
        found += re.split(r"\n(?=curl )", block.strip()) if block.startswith("curl ") else []
    return found


def sign_mail(config: Path) -> str:
    """Give the domain a DKIM key; the record of the public one."""
    key = rsa.generate_private_key(65537, 2048)
    (config / "dkim.pem").write_bytes(to_pem(key))
    text = (config / "domains.toml").read_text()
    selector = '[domains.localhost.dkim]\nsign = ["one"]\n'
    selector += '[domains.localhost.dkim.selectors.one]\nkey_file = "dkim.pem"\n'
    (config / "domains.toml").write_text(text + selector)
    return key_record(key)


def check_sent(server: LocalServer, url: str, public: str) -> None:
    """Look at what the examples have sent, which comes back to the sender."""
    found: dict[str, bytes] = {}

    def arrived() -> bool:
        for number in range(1, 12):
            done = server.cli("webapi", "MessageRawGet", url, stdin=json.dumps({"MsgID": number}), check=False)
            raw = done.stdout.encode().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            mail = email.message_from_bytes(raw, policy=email.policy.default)
            if done.returncode == 0 and "Delivered-To" in mail:
                found[str(mail["Subject"])] = raw
        return {"Hello", "Logo", "Order 1234"} <= set(found)

    until(arrived, what="what the examples send", pause=0.5)
    for subject, raw in found.items():
        assert dkim.verify(raw, dnsfunc=lambda *_, **__: public.encode()), subject
    logo = email.message_from_bytes(found["Logo"], policy=email.policy.default)
    assert [part.get_content_type() for part in logo.walk()] == (
        ["multipart/mixed", "multipart/related", "text/html", "image/png", "text/plain"]
    )
    assert [part["Content-ID"] for part in logo.walk() if part.get_content_type() == "image/png"] == ["<logo@x>"]
    assert logo["To"] == "Jörg <moxlite@localhost>"


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_examples_run_as_they_are_written(tmp_path: Path) -> None:
    """WEB-91, WEB-94, WEB-98, WEB-99, WEB-154: form, multipart with both kinds of files, JSON with a key that is
    repeated. What they send is parsed by Python's email, and its signature verified by dkimpy.
    """
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    (tmp_path / "terms.txt").write_text("Terms\n")
    server = LocalServer(tmp_path / "local")
    public = sign_mail(server.folder / "config")
    with server:
        assert len(examples()) >= 7
        for example in examples():
            script = example.replace("127.0.0.1:1080", f"127.0.0.1:{server.port(80)}").replace("curl ", "curl -sS ", 1)
            for _ in range(2 if "Idempotency-Key" in script else 1):
                done = subprocess.run(
                    ["bash", "-c", script], cwd=tmp_path, capture_output=True, timeout=60, check=True,
                    env={"PATH": "/usr/bin:/bin", "no_proxy": "*"},
                )  # fmt: skip
                answer = json.loads(done.stdout)
                assert "Code" not in answer, (script, answer)
        present = json.loads(done.stdout)
        assert present == {"Present": True}
        url = f"http://moxlite%40localhost:moxmoxmox@127.0.0.1:{server.port(80)}/webapi/v0/"
        (tmp_path / "password").write_text("moxmoxmox\n")
        call = ("webapi", "SuppressionList", url.replace(":moxmoxmox", ""), "--password-file", tmp_path / "password")
        listed = json.loads(server.cli(*map(str, call), stdin="{}").stdout)
        assert [one["BaseAddress"] for one in listed["Suppressions"]] == ["jane@example.org"]
        check_sent(server, url, public)
        refused = server.cli("webapi", "MessageGet", url, stdin='{"MsgID": 999}', check=False)
        assert (refused.returncode, "messageNotFound" in refused.stderr) == (1, True)


def test_codes_are_described() -> None:
    """WEB-93: each code is in the documentation."""
    text = (top() / "docs/webapi.md").read_text()
    assert [code for code in CODES if f"`{code}`" not in text] == []


async def test_programs_verify_calls_and_get_them_soon(tmp_path: Path) -> None:
    """WEB-101, WEB-106, WEB-107, WEB-109, WEB-111: both calls about a message to oneself, verified by the library of
    Standard Webhooks; the FromID of Send is in the event, and a plain answer to the sender address is an event.
    """
    async with web_server() as web:
        server = LocalServer(tmp_path / "local")
        domains = server.folder / "config/domains.toml"
        more = "".join(
            f'[accounts.moxlite.{kind}_webhook]\nurl = "{web.url(f"/{kind}")}"\nsecret = "{SECRET}"\n'
            f'authorization = "Bearer {kind}"\n'
            for kind in ("outgoing", "incoming")
        )
        domains.write_text(domains.read_text() + more)
        await trio.to_thread.run_sync(server.start)
        try:
            url = f"http://moxlite%40localhost:moxmoxmox@127.0.0.1:{server.port(80)}/webapi/v0/"
            request = {"To": [{"Address": "moxlite@localhost"}], "Text": "x", "Subject": "mine", "Extra": {"x-a": "1"}}
            call = partial(server.cli, "webapi", "Send", url, stdin=json.dumps(request))
            sent = json.loads((await trio.to_thread.run_sync(call)).stdout)
            await web.wait(2)
            by_path = {one.target: one for one in web.asked}
            for kind, asked in by_path.items():
                assert Webhook(SECRET).verify(asked.body, asked.headers)
                assert asked.headers["authorization"] == f"Bearer {kind[1:]}"
            event = check_outgoing(by_path["/outgoing"].body)
            [submission] = sent["Submissions"]
            assert (event["FromID"], event["QueueMsgID"]) == (submission["FromID"], submission["QueueMsgID"])
            assert (event["MessageID"], event["Extra"], event["Event"]) == (
                sent["MessageID"],
                {"x-a": "1"},
                "delivered",
            )
            assert check_incoming(by_path["/incoming"].body)["Subject"] == "mine"
            reply = {"To": [{"Address": f"moxlite+{event['FromID']}@localhost"}], "Text": "thanks", "Subject": "answer"}
            began = time.monotonic()
            call = partial(server.cli, "webapi", "Send", url, stdin=json.dumps(reply))
            await trio.to_thread.run_sync(call)
            await web.wait(4)
            assert time.monotonic() - began < 30
            events = {check_outgoing(one.body)["Event"] for one in web.asked[2:] if one.target == "/outgoing"}
            assert "unrecognized" in events
        finally:
            await trio.to_thread.run_sync(server.stop)
