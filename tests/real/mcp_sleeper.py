"""An MCP server over stdio with one read-only tool that sleeps, to count overlapping calls.

Run as `python3 mcp_sleeper.py PEAK_FILE`; PEAK_FILE always holds the highest overlap so far.
It uses no MCP library, so that a run needs nothing but an interpreter.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 1.0
"""Long enough that calls sent at once overlap even on a busy machine."""

TOOL = {
    "name": "nap",
    "description": "Sleep for a moment.",
    "inputSchema": {"type": "object", "properties": {"n": {"type": "number"}}},
    "annotations": {"readOnlyHint": True},
}


@dataclass
class Sleeper:
    """Counts the calls that run at one time, and is the only writer of the output stream."""

    peak_file: Path
    now: int = 0
    peak: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def change(self, step: int) -> None:
        """Count a call in or out; the peak is on disk before the call sleeps."""
        with self.lock:
            self.now += step
            if self.now > self.peak:
                self.peak = self.now
                self.peak_file.write_text(str(self.peak), encoding="utf-8")

    def reply(self, ident: object, result: dict[str, object]) -> None:
        """Send one answer as one line."""
        with self.lock:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": ident, "result": result}) + "\n")
            sys.stdout.flush()

    def nap(self, ident: object) -> None:
        """Run one call of the tool."""
        self.change(1)
        time.sleep(SECONDS)
        self.change(-1)
        self.reply(ident, {"content": [{"type": "text", "text": "slept"}]})

    def handle(self, call: dict[str, object]) -> None:
        """Answer one line of the client; notifications have no id and need no answer."""
        ident, method, params = call.get("id"), call.get("method"), call.get("params")
        if ident is None:
            return
        if method == "initialize" and isinstance(params, dict):
            self.reply(
                ident,
                {
                    "protocolVersion": params.get("protocolVersion"),
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "sleeper", "version": "1"},
                },
            )
        elif method == "tools/list":
            self.reply(ident, {"tools": [TOOL]})
        elif method == "tools/call":
            threading.Thread(target=self.nap, args=(ident,)).start()
        else:
            self.reply(ident, {})


def main(peak_file: Path) -> None:
    """Serve until the client closes its end."""
    sleeper = Sleeper(peak_file)
    for line in sys.stdin:
        if line.strip():
            sleeper.handle(json.loads(line))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
