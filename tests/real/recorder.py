"""A loopback double of the Messages API that remembers what a client sent.

It accepts every request, because its purpose is to see what the client puts on the wire;
a strict double would make a client retry and so hide its first choice.  Only where a test asks
what the client does after a refusal, it refuses the role "system" inside messages.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from email.message import Message

PORT = 8080
"""Fixed, since each run has a loopback of its own; so a settings file can name the address."""

URL = f"http://127.0.0.1:{PORT}"

USAGE = {"input_tokens": 1, "output_tokens": 1}


@dataclass(frozen=True)
class Request:
    """What one call to the Messages API carried; texts of prompts are left out on purpose."""

    path: str
    betas: tuple[str, ...]
    keys: tuple[str, ...]
    roles: tuple[str, ...]
    tools: tuple[str, ...]
    model: str
    agent: str


@dataclass
class Log:
    """The requests seen so far (`others` by method and path alone), how many parallel tool calls to ask for, once, and the text of a refusal."""

    tool: str = ""
    parallel: int = 0
    refusal: str = ""
    requests: list[Request] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, request: Request) -> int:
        """Remember `request`; return how many tool calls its answer must hold (0: plain text)."""
        with self.lock:
            self.requests.append(request)
            if not request.tools:
                return 0
            wanted, self.parallel = self.parallel, 0
            return wanted


Block = dict[str, object]


def answer_blocks(log: Log, wanted: int) -> list[Block]:
    """Return the content of the answer: `wanted` calls of the tool, or the text "ok"."""
    if not wanted:
        return [{"type": "text", "text": "ok"}]
    return [
        {"type": "tool_use", "id": f"toolu_{n:024}", "name": log.tool, "input": {"n": n}}
        for n in range(wanted)
    ]


def message(model: str, blocks: Sequence[Block]) -> Block:
    """Return the answer as one message, the shape that does not stream."""
    stop = "tool_use" if blocks[0]["type"] == "tool_use" else "end_turn"
    return {
        "id": "msg_000000000000000000000001",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": list(blocks),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": dict(USAGE),
    }


def stream(whole: Block, blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the same answer as the events of a stream."""
    yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}
    for index, block in enumerate(blocks):
        start: Block
        delta: Block
        if block["type"] == "text":
            start = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        else:
            start = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield {"type": "content_block_start", "index": index, "content_block": start}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": dict(USAGE)}
    yield {"type": "message_stop"}


def names(items: object, key: str) -> tuple[str, ...]:
    """Return the strings under `key` in a list of objects; anything else is passed over."""
    found = items if isinstance(items, list) else []
    return tuple(str(item[key]) for item in found if isinstance(item, dict) and key in item)


def read_request(path: str, headers: Message, body: Block) -> Request:
    """Return the record of one call."""
    betas = str(headers.get("anthropic-beta") or "")
    return Request(
        path=path,
        betas=tuple(name.strip() for name in betas.split(",") if name.strip()),
        keys=tuple(sorted(body)),
        roles=names(body.get("messages"), "role"),
        tools=names(body.get("tools"), "name"),
        model=str(body.get("model", "")),
        agent=str(headers.get("user-agent") or ""),
    )


class Server(ThreadingHTTPServer):
    """The double itself; `log` holds what it saw."""

    daemon_threads = True

    def __init__(self, log: Log) -> None:
        """Listen at once, so that the client cannot come too early."""
        super().__init__(("127.0.0.1", PORT), Handler)
        self.log = log


class Handler(BaseHTTPRequestHandler):
    """Answers every probe with 200 and every POST as the Messages API would."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Stay silent: the standard error stream belongs to the client under test."""

    def do_HEAD(self) -> None:
        """Answer the reachability probe; some clients give up without it."""
        self._pass_by()
        self._send("application/json", b"")

    def do_GET(self) -> None:
        """Answer any read with an empty object."""
        self._pass_by()
        self._send("application/json", b"{}")

    def do_POST(self) -> None:
        """Record a call and answer it, as a stream if the client asked for one."""
        body = json.loads(self._body() or b"{}")
        if "/v1/messages" not in self.path:
            self._pass_by()
            self._send("application/json", b"{}")
        elif "count_tokens" in self.path:
            self._send("application/json", b'{"input_tokens": 1}')
        else:
            request = read_request(self.path, self.headers, body)
            wanted = self.server.log.add(request)
            if self.server.log.refusal and "system" in request.roles:
                self._refuse(self.server.log.refusal)
                return
            blocks = answer_blocks(self.server.log, wanted)
            self._answer(message(str(body.get("model")), blocks), blocks, body.get("stream"))

    def _pass_by(self) -> None:
        with self.server.log.lock:
            self.server.log.others.append(f"{self.command} {self.path}")

    def _refuse(self, text: str) -> None:
        error = {"type": "error", "error": {"type": "invalid_request_error", "message": text}}
        self._send("application/json", json.dumps(error).encode(), 400)

    def _answer(self, whole: Block, blocks: Sequence[Block], streaming: object) -> None:
        if not streaming:
            self._send("application/json", json.dumps(whole).encode())
            return
        text = "".join(
            f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
            for event in stream(whole, blocks)
        )
        self._send("text/event-stream", text.encode())

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("transfer-encoding") or ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, kind: str, data: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
