"""Do something with a user's rights: in a child that gave up root's, and that tells its parent each step before it takes it.

A home is its owner's. Root that writes there can be led by a link to write anywhere, so root does not: a child takes the
user's groups, group and number first. The journal stays root's: the child sends what it is about to do, with the bytes that it
replaces, and goes on when the parent has it on disk. What comes from the child is the user's word, and is taken as data only.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import time
from typing import Any, Callable, Optional

from ..model import JSON
from . import replacing
from .area import told
from .change import Failed, PlanError

_LONGEST = 32 * 1024 * 1024
_PATIENCE = 3600.0  # seconds for one step of a user's part, which its user could stop
Serve = Callable[[dict[str, Any], Optional[bytes]], JSON]
Channel = Callable[..., JSON]  # message, and bytes or None


def needed(user: Optional[str]) -> bool:
    """Whether this process is root and works for somebody else."""
    if user is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    import pwd

    try:
        return pwd.getpwnam(user).pw_uid != 0
    except KeyError:
        raise PlanError(f"{user}: is no user of this machine") from None


def run(user: Optional[str], job: Callable[[Channel], None], serve: Serve) -> None:
    """Let ``job`` work with the rights of ``user``; what it says through its channel ``serve`` answers, here."""
    if not needed(user):
        job(lambda message, data=None: serve(message, data))
        return
    from . import program  # noqa: F401  # the child may not be able to read where modules lie

    replacing.ready()
    up, down = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(up[0])
            os.close(down[1])
            _give_up(str(user))
            channel = _channel(down[0], up[1])
            job(channel)
            channel({"end": True})
            code = 0
        except Exception as err:  # noqa: BLE001  # whatever it is, the parent says it, and no traceback leaves the child
            reason = told(err) if isinstance(err, OSError) else f"{type(err).__name__}: {err}"
            _send(up[1], {"failed": f"what is done for {user} was cut short: {reason}"[:300]})
        finally:
            os._exit(code)
    os.close(up[1])
    os.close(down[0])
    ended = False
    try:
        failed = _served(up[0], down[1], serve)
        ended = failed is None
    finally:
        os.close(up[0])
        os.close(down[1])
        _reaped(child, 0.0 if ended else 2.0)
    if failed is not None:
        raise Failed(failed)


def _reaped(child: int, seconds: float) -> None:
    """Wait for the child's end; where it went wrong it has ``seconds`` to end by itself, and with it what it runs."""
    until = time.monotonic() + seconds
    while seconds and time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.01)
    if seconds:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _give_up(user: str) -> None:
    """Become ``user`` for good: groups first, for afterwards they cannot be changed any more."""
    import pwd

    entry = pwd.getpwnam(user)
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    if os.getuid() != entry.pw_uid or os.geteuid() != entry.pw_uid or os.getegid() != entry.pw_gid:
        raise PlanError(f"{user}: their rights could not be taken")
    replacing.hide()
    os.umask(0o022)
    os.environ.update({"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name})
    os.chdir("/")


def _served(read: int, write: int, serve: Serve) -> Optional[str]:
    """Answer until the child says that it has ended; what is wrong where it did not say so.  PlanError, once it has ended, where ``serve`` raised it."""
    wrong: Optional[PlanError] = None
    while (message := _receive(read, time.monotonic() + _PATIENCE)) is not None:
        if message.get("end"):
            break
        if "failed" in message:
            if wrong is not None:
                raise wrong
            return line(message["failed"])
        data = message.pop("data", None)
        try:
            answer = {"answer": serve(message, base64.b64decode(data) if isinstance(data, str) else None)}
        except PlanError as err:
            wrong, answer = err, {"error": str(err)}
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError):
            return "was cut short, for it said what makes no sense"
        try:
            _send(write, answer)
        except BrokenPipeError:
            return "was cut short"
    if wrong is not None:
        raise wrong
    return None if message is not None else "was cut short"


def line(text: Any) -> str:
    """What a user's part says, as one line that no terminal takes for more."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text)[:2000]).rstrip()


def _channel(read: int, write: int) -> Channel:
    def ask(message: dict[str, Any], data: Optional[bytes] = None) -> JSON:
        _send(write, {**message, **({} if data is None else {"data": base64.b64encode(data).decode()})})
        if message.get("end"):
            return None
        answer = _receive(read)
        if answer is None:
            os._exit(1)  # the parent is gone: what it did not write down is not done
        if "error" in answer:
            raise PlanError(str(answer["error"]))
        return answer.get("answer")

    return ask


def _send(write: int, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    rest = memoryview(len(body).to_bytes(4, "big") + body)
    while rest:
        rest = rest[os.write(write, rest) :]


def _receive(read: int, until: Optional[float] = None) -> Optional[dict[str, Any]]:
    head = _exactly(read, 4, until)
    size = int.from_bytes(head, "big") if head is not None else 0
    body = _exactly(read, size, until) if 0 < size <= _LONGEST else None
    try:
        message = json.loads(body) if body is not None else None
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _exactly(read: int, size: int, until: Optional[float]) -> Optional[bytes]:
    parts = []
    while size:
        if until is not None and not _is_ready(read, until - time.monotonic()):
            return None
        piece = os.read(read, min(size, 1024 * 1024))
        if not piece:
            return None
        parts.append(piece)
        size -= len(piece)
    return b"".join(parts)


def _is_ready(read: int, seconds: float) -> bool:
    waiting = select.poll()
    waiting.register(read, select.POLLIN)
    return bool(waiting.poll(max(0.0, seconds) * 1000))
