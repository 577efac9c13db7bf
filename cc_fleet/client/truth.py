"""How the client reads the text of a variable."""

from __future__ import annotations

import re
from functools import lru_cache

from cc_fleet.data import variables

CONCURRENCY = "CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY"
TRUE = frozenset(("1", "true", "yes", "on"))
# Any text at all switches these on, "0" too (facts/claude-code.md 2).
ANY_TEXT = frozenset(
    """
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC DISABLE_TELEMETRY DISABLE_ERROR_REPORTING
    CLAUDE_CODE_TMUX_TRUECOLOR FALLBACK_FOR_ALL_PRIMARY_MODELS IS_DEMO
    """.split()
)
FALSE = frozenset(("0", "false", "no", "off"))
NUMBERS = frozenset(
    """
    CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY MAX_THINKING_TOKENS CLAUDE_CODE_MAX_OUTPUT_TOKENS MCP_TIMEOUT
    MCP_TOOL_TIMEOUT BASH_DEFAULT_TIMEOUT_MS BASH_MAX_TIMEOUT_MS BASH_MAX_OUTPUT_LENGTH MAX_MCP_OUTPUT_TOKENS
    """.split()
)
_SWITCH = r"(CLAUDE_CODE_)?(DISABLE|USE|SKIP|FORCE)_(?!.*(MODEL|URL|PATH|NAME|_MS$))"


def is_switch(name: str) -> bool:
    """Whether ``name`` is a documented switch that takes words for yes and no."""
    return re.match(_SWITCH, name) is not None and name in variables() and name not in ANY_TEXT


def is_switch_word(text: str) -> bool:
    return text.strip().lower() in TRUE | FALSE


@lru_cache(maxsize=10_000)  # a fleet sets the same names again and again
def meant(name: str) -> str | None:
    """The documented variable that ``name`` almost is; None where it is one, or is nobody's."""
    if name in variables() or not re.search(r"CLAUDE|ANTHROPIC|^(MAX|DISABLE|ENABLE)_", name):
        return None
    if f"CLAUDE_CODE_{name}" in variables():
        return f"CLAUDE_CODE_{name}"
    import difflib

    if name.startswith("VERTEX_REGION_"):  # one a model, and there are new models
        return None
    close = difflib.get_close_matches(name, [known for known in variables() if abs(len(known) - len(name)) < 3], n=1, cutoff=0.93)
    digits = str.maketrans("", "", "0123456789_")
    return close[0] if close and close[0].translate(digits) != name.translate(digits) else None


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


def concurrency(text: str, version: tuple[int, int, int]) -> int | None:
    """How many tools a client runs at once for this text of ``CONCURRENCY``.

    JavaScript's ``parseInt``: ``1e1`` is 1.  0 and no number are the default, 10; below 0 no tool
    runs before 2.1.112.  None from 2.1.154 on, where it is not asked (measured).
    """
    if version >= (2, 1, 154):
        return None
    found = re.match(r"\s*[+-]?[0-9]+", text)
    number = int(found[0]) if found else 0
    if number < 0 and version < (2, 1, 112):
        return 0
    return number if number > 0 else 10
