"""How the client reads the text of a variable."""

from __future__ import annotations

import re

TRUE = frozenset(("1", "true", "yes", "on"))
# Any text at all switches these on, "0" too (facts/claude-code.md 2).
ANY_TEXT = frozenset(
    """
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC DISABLE_TELEMETRY DISABLE_ERROR_REPORTING
    CLAUDE_CODE_TMUX_TRUECOLOR FALLBACK_FOR_ALL_PRIMARY_MODELS IS_DEMO
    """.split()
)
FALSE = frozenset(("0", "false", "no", "off"))


def is_on(name: str, text: str | None) -> bool:
    """Whether the switch ``name`` is on when it holds ``text`` (None: unset)."""
    if text is None:
        return False
    return text != "" if name in ANY_TEXT else text.strip().lower() in TRUE


def integer(text: str) -> int | None:
    """The whole number that a client of any version reads in ``text``: plain digits only."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else None


def same(name: str, text: str, wanted: str) -> bool:
    """Whether the client reads ``text`` as it reads ``wanted``: a switch by its state, else letter by letter."""
    if wanted.lower() in TRUE | FALSE:
        if name in ANY_TEXT and wanted.lower() in FALSE:
            return not is_on(name, text)
        return is_on(name, text) == is_on(name, wanted) and (is_on(name, text) or text.strip().lower() in FALSE or text == "")
    return text == wanted
