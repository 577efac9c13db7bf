"""SHA-256 without loading OpenSSL, which costs 4 ms of start-up: the interpreter has its own.

``random`` of the standard library does the same.  Where the interpreter has none, hashlib is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any


def sha256(data: bytes) -> str:
    """The digest of ``data`` in hex."""
    return str(_found()(data).hexdigest())


@cache
def _found() -> Callable[[bytes], Any]:
    try:
        from _sha2 import sha256 as found  # type: ignore[import-not-found]  # Python 3.12 and later
    except ImportError:
        try:
            from _sha256 import sha256 as found  # type: ignore[import-not-found]
        except ImportError:
            from hashlib import sha256 as found
    return found  # type: ignore[no-any-return]
