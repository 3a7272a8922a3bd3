"""Debian's firefox-esr, driven by WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/).

Playwright drives a Firefox of its own only, or one newer than the ESR; of BiDi the tests need a dozen commands, over
one websocket. All is synchronous: a command waits for its answer, and notes the events that come before it.
"""

import base64
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Request, TextMessage

from tests.tools import need

__all__ = ["BiDiError", "Firefox", "firefox"]

READY_SECONDS = 120.0
"""Seconds within which Firefox listens, and within which a command is answered: a loaded machine."""

#: No window, no first-run pages, and nothing of its own asked of the network.
PREFERENCES: Mapping[str, object] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutConfig.showWarning": False,
    "browser.contentblocking.category": "custom",
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage": "about:blank",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "general.smoothScroll": False,
    "geo.provider.network.url": "",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "network.proxy.allow_hijacking_localhost": True,
    "network.trr.mode": 5,
    "services.settings.server": "http://127.0.0.1:9/",
    "signon.rememberSignons": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "toolkit.telemetry.server": "",
}

#: Keys by their names, as WebDriver has them (https://www.w3.org/TR/webdriver2/#keyboard-actions).
KEYS: Mapping[str, str] = {
    "Backspace": "\ue003",
    "Tab": "\ue004",
    "Enter": "\ue006",
    "Shift": "\ue008",
    "Control": "\ue009",
    "Alt": "\ue00a",
    "Escape": "\ue00c",
    "End": "\ue010",
    "Home": "\ue011",
    "ArrowUp": "\ue013",
    "ArrowDown": "\ue015",
}


class BiDiError(Exception):
    """A command that Firefox refused, or a script that threw."""


class Firefox:
    """A browser with one page. `dark`: what pages are told of the colours wanted; `proxy`: the port on loopback through
    which it asks for everything.
    """

    def __init__(
        self, folder: Path, *, width: int = 1280, height: int = 800, dark: bool = False, proxy: int = 0
    ) -> None:
        folder.mkdir(parents=True)
        preferences = {**PREFERENCES, "layout.css.prefers-color-scheme.content-override": 0 if dark else 1}
        if proxy:
            preferences |= {"network.proxy.type": 1, "network.proxy.no_proxies_on": ""}
            for kind in ("http", "ssl"):
                preferences |= {f"network.proxy.{kind}": "127.0.0.1", f"network.proxy.{kind}_port": proxy}
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
        (folder / "user.js").write_text("".join(lines))
        self.log = folder / "firefox.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    need("firefox-esr"),
                    "--headless",
                    "--profile",
                    str(folder),
                    "--remote-debugging-port",
                    "0",
                    "about:blank",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"MOZ_HEADLESS": "1", "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
            )
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self._received = ""
        try:
            self._connect(self._address())
            # a page that has something unsaved is left all the same, as Playwright leaves it
            unasked = {"default": "dismiss", "beforeUnload": "accept"}
            wanted = {"unhandledPromptBehavior": unasked, "acceptInsecureCerts": True}
            self.command("session.new", capabilities={"alwaysMatch": wanted})
            # in the first tab the address bar has the focus: keys come to the page as events that click no button
            [tree] = self.command("browsingContext.getTree")["contexts"]
            self.page = str(self.command("browsingContext.create", type="tab")["context"])
            self.command("browsingContext.close", context=tree["context"])
            self.command("session.subscribe", events=["browsingContext.userPromptOpened", "log.entryAdded"])
            self.resize(width, height)
        except BaseException:
            self.close()
            raise

    def _address(self) -> tuple[str, int]:
        """Where it listens, which it writes to its log."""
        end = time.monotonic() + READY_SECONDS
        while (
            found := re.search(r"BiDi listening on ws://([\d.]+):(\d+)", self.log.read_text(errors="replace"))
        ) is None:
            if self.process.poll() is not None or time.monotonic() > end:
                raise BiDiError(f"firefox-esr does not listen: {self.log.read_text(errors='replace')}")
            time.sleep(0.05)
        return found[1], int(found[2])

    def _connect(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=READY_SECONDS)
        self._websocket = WSConnection(ConnectionType.CLIENT)
        self._send(Request(host=f"{address[0]}:{address[1]}", target="/session"))
        while not any(isinstance(event, AcceptConnection) for event in self._receive()):
            pass

    def _send(self, event: Request | TextMessage) -> None:
        self._socket.sendall(self._websocket.send(event))

    def _receive(self) -> Iterator[object]:
        """The events that the next octets bring."""
        data = self._socket.recv(1 << 20)
        self._websocket.receive_data(data or None)
        for event in self._websocket.events():
            if isinstance(event, Ping):
                self._socket.sendall(self._websocket.send(event.response()))
            elif isinstance(event, CloseConnection):
                raise BiDiError("firefox-esr has closed the connection")
            yield event

    def _messages(self) -> Iterator[dict[str, Any]]:
        """The messages that the next octets complete."""
        for event in self._receive():
            assert not isinstance(event, BytesMessage)
            if isinstance(event, TextMessage):
                self._received += event.data
                if event.message_finished:
                    text, self._received = self._received, ""
                    yield json.loads(text)

    def command(self, method: str, **parameters: object) -> dict[str, Any]:
        """The result of a command; raises BiDiError where it is refused."""
        self._number += 1
        number = self._number
        self._send(TextMessage(data=json.dumps({"id": number, "method": method, "params": parameters})))
        while True:
            answer = None
            for message in self._messages():
                if message.get("id") == number:
                    answer = message
                elif message["type"] == "event":  # and not the late answer to a command that was given up
                    self.events.append(message)
            if answer is not None:
                if answer["type"] == "error":
                    raise BiDiError(f"{method}: {answer['error']}: {answer['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, url: str) -> None:
        """Load a page."""
        self.command("browsingContext.navigate", context=self.page, url=url, wait="complete")

    def run(self, function: str, *arguments: object) -> Any:
        """Call a function of JavaScript in the page, awaited; arguments and result are of JSON."""
        wrapped = f"async (given) => JSON.stringify(await ({function})(...JSON.parse(given)) ?? null)"
        answer = self.command(
            "script.callFunction",
            functionDeclaration=wrapped,
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            awaitPromise=True,
            target={"context": self.page},
            userActivation=True,
        )
        if answer["type"] == "exception":
            raise BiDiError(str(answer["exceptionDetails"]["text"]))
        return json.loads(answer["result"]["value"])

    def wait(self, expression: str, seconds: float = 60.0) -> None:
        """Until an expression of the page is true."""
        end = time.monotonic() + seconds
        while not self.run(f"() => Boolean({expression})"):
            if time.monotonic() > end:
                raise BiDiError(f"not true within {seconds} s: {expression}")
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        """Press keys together, named as in `KEYS`: ("Control", "a")."""
        self._act(
            [{"type": "keyDown", "value": KEYS.get(key, key)} for key in keys]
            + [{"type": "keyUp", "value": KEYS.get(key, key)} for key in reversed(keys)]
        )

    def type(self, text: str) -> None:
        """Type a text, key by key."""
        self._act([{"type": kind, "value": sign} for sign in text for kind in ("keyDown", "keyUp")])

    def click(self, x: int, y: int, *, touch: bool = False) -> None:
        """Click, or tap, at this place of the window, px."""
        actions = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        kind = "touch" if touch else "mouse"
        source = {"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": actions}
        self.command("input.performActions", context=self.page, actions=[source])

    def _act(self, actions: Sequence[Mapping[str, str]]) -> None:
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self.command("input.performActions", context=self.page, actions=[source])

    def fill(self, selector: str, text: str) -> None:
        """Focus a field, and type into it."""
        self.wait(f"document.querySelector({json.dumps(selector)})")
        self.run(f"() => document.querySelector({json.dumps(selector)}).focus()")
        self.type(text)

    def resize(self, width: int, height: int) -> None:
        """Make the page so many px wide and high."""
        self.command("browsingContext.setViewport", context=self.page, viewport={"width": width, "height": height})

    def screenshot(self, path: Path) -> None:
        """What the page shows, as PNG."""
        answer = self.command("browsingContext.captureScreenshot", context=self.page, origin="viewport")
        path.write_bytes(base64.b64decode(answer["data"]))

    def prompts(self) -> int:
        """How many dialogs scripts of the page have opened, but for the question before unsaved work is left."""
        opened = [event["params"] for event in self.events if event["method"] == "browsingContext.userPromptOpened"]
        return sum(prompt["type"] != "beforeunload" for prompt in opened)

    def close(self) -> None:
        """End it."""
        if hasattr(self, "_socket"):
            self._socket.close()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)


@contextmanager
def firefox(folder: Path, **options: Any) -> Iterator[Firefox]:
    """A Firefox for as long as it is needed."""
    found = Firefox(folder, **options)
    try:
        yield found
    finally:
        found.close()
