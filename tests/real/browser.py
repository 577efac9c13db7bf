"""A real Chromium without a window, driven over a pipe by its own protocol.

``python -m tests.real.browser docs/report.png`` writes the picture that the docs show.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from cc_fleet.report import Style, html
from tests.report import sample

SECONDS = 60


class BrowserError(Exception):
    """The browser said no, or nothing."""


def program() -> str | None:
    """A Chromium of this machine."""
    return next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


class Browser:
    """One browser with one page, its own profile, and no network but files; a context manager."""

    def __init__(self, *options: str) -> None:
        self.profile = tempfile.mkdtemp(prefix="cc-fleet-browser-")
        self.options, self.number, self.session, self.buffer = options, 0, "", b""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        out, theirs = (fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in os.pipe())  # out of the way of 3 and 4
        into, ours = (fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in os.pipe())
        self.reader, self.writer = out, ours
        for fd in (out, ours):
            os.set_inheritable(fd, False)
        command = [
            program() or "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            f"--user-data-dir={self.profile}", "--remote-debugging-pipe", "--window-size=1280,860", *self.options, "about:blank",
        ]  # fmt: skip
        quiet = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, into, 3), (os.POSIX_SPAWN_DUP2, theirs, 4), (os.POSIX_SPAWN_DUP2, quiet, 1), (os.POSIX_SPAWN_DUP2, quiet, 2)]
        self.pid = os.posix_spawn(command[0], command, {**os.environ, "HOME": self.profile, "XDG_CONFIG_HOME": self.profile}, file_actions=actions, setsid=True)
        for fd in (into, theirs, quiet):
            os.close(fd)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.reader)
        os.close(self.writer)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the browser answers; its events on the way are kept."""
        self.number += 1
        sent = {"id": self.number, "method": method, "params": parameters, **({"sessionId": self.session} if self.session else {})}
        os.write(self.writer, json.dumps(sent).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            told = self._message(deadline)
            if told.get("id") != self.number:
                self.events.append(told)
            elif "error" in told:
                raise BrowserError(f"{method}: {told['error']}")
            else:
                return dict(told["result"])

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            if not select.select([self.reader], [], [], max(0, deadline - time.monotonic()))[0]:
                raise BrowserError("no answer")
            data = os.read(self.reader, 1 << 16)
            if not data:
                raise BrowserError("the browser ended")
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def open(self, file: Path, fragment: str = "") -> None:
        """Open a file, and wait until it is ready."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=f"{file.as_uri()}{fragment}")
        self.wait("location.protocol === 'file:' && document.readyState === 'complete'")

    def ask(self, expression: str) -> Any:
        """The value of JavaScript, by the debugger, which no page's policy stops."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in told:
            raise BrowserError(f"{expression}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until JavaScript is true."""
        deadline = time.monotonic() + SECONDS
        while not self.ask(expression):
            if time.monotonic() > deadline:
                raise BrowserError(f"never true: {expression}")
            time.sleep(0.02)

    def click(self, selector: str) -> None:
        """Click in the middle of an element, as a mouse does."""
        x, y = self.ask(f"(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})(document.querySelector({json.dumps(selector)}))")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press a key: one letter, or Tab, Enter, Space."""
        codes = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " "), "Escape": (27, "")}
        code, text = codes.get(key, (ord(key[0].upper()), key))
        told = {"key": " " if key == "Space" else key, "code": key if key in codes else f"Key{key.upper()}", "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **told)
        self.call("Input.dispatchKeyEvent", type="keyUp", **told)

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def complaints(self) -> list[str]:
        """What the page logged, threw, or asked the network for."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        found = [json.dumps(event["params"]) for event in self.events if event.get("method") in kinds]
        asked = [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return found + [url for url in asked if not url.startswith(("file:", "about:"))]


def shown() -> str:
    """The page of the picture: a laptop and a repository."""
    both = sample.FULL._replace(targets=(sample.SHOP, sample.LAPTOP), findings=(*sample.DECLARED, *sample.FINDINGS))
    return html.render(both, Style())


def main(file: str) -> int:
    with tempfile.TemporaryDirectory() as folder, Browser("--hide-scrollbars") as browser:
        page = Path(folder, "report.html")
        page.write_text(shown(), encoding="utf-8")
        browser.open(page)
        Path(file).write_bytes(browser.picture())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
