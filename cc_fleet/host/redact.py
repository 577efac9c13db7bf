"""What may leave a file as a value.  An allow-list: a value is kept only where it cannot be a secret.

It is applied where a value is read, before a fact exists, so that nothing later has to
remember it.  A name that a policy speaks of is kept too, unless it sounds like a secret;
and what looks like a key or token is never kept, whatever its name.
"""

from __future__ import annotations

import re

from ..model import JSON, REDACTED

# Documented variables whose value is a switch, a number, a name of a model or a region.
_VARIABLES = frozenset(
    """
    ANTHROPIC_BETAS ANTHROPIC_MODEL ANTHROPIC_SMALL_FAST_MODEL ANTHROPIC_DEFAULT_OPUS_MODEL
    ANTHROPIC_DEFAULT_SONNET_MODEL ANTHROPIC_DEFAULT_HAIKU_MODEL ANTHROPIC_DEFAULT_FABLE_MODEL
    ANTHROPIC_CUSTOM_MODEL_OPTION ANTHROPIC_BEDROCK_REGION_PREFIX AWS_REGION CLOUD_ML_REGION
    BASH_DEFAULT_TIMEOUT_MS BASH_MAX_OUTPUT_LENGTH BASH_MAX_TIMEOUT_MS CLAUDE_CONFIG_DIR
    CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC CLAUDE_CODE_DISABLE_ADAPTIVE_THINKING
    CLAUDE_CODE_DISABLE_THINKING CLAUDE_CODE_DISABLE_1M_CONTEXT CLAUDE_CODE_EFFORT_LEVEL
    CLAUDE_CODE_ALWAYS_ENABLE_EFFORT CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING
    CLAUDE_CODE_ATTRIBUTION_HEADER CLAUDE_CODE_IDE_SKIP_AUTO_INSTALL CLAUDE_CODE_MAX_OUTPUT_TOKENS
    CLAUDE_CODE_PACKAGE_MANAGER_AUTO_UPDATE CLAUDE_CODE_DISABLE_ADMIN_ENV_UNION
    CLAUDE_CODE_USE_BEDROCK CLAUDE_CODE_USE_VERTEX CLAUDE_CODE_USE_FOUNDRY CLAUDE_CODE_USE_MANTLE
    CLAUDE_CODE_USE_GATEWAY CLAUDE_CODE_USE_ANTHROPIC_AWS CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD
    CLAUDE_CODE_SKIP_BEDROCK_AUTH CLAUDE_CODE_SKIP_VERTEX_AUTH CLAUDE_CODE_SKIP_FOUNDRY_AUTH
    CLAUDE_CODE_FORCE_MID_CONVERSATION_SYSTEM CLAUDE_CODE_TMUX_TRUECOLOR CLAUDE_CODE_SUBAGENT_MODEL
    CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY CLAUDE_CODE_ENABLE_TELEMETRY
    CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK CLAUDE_CODE_FORCE_GLOBAL_CACHE
    DISABLE_AUTOUPDATER DISABLE_UPDATES DISABLE_UPGRADE_COMMAND DISABLE_TELEMETRY
    DISABLE_ERROR_REPORTING DISABLE_INTERLEAVED_THINKING DISABLE_PROMPT_CACHING
    DISABLE_PROMPT_CACHING_OPUS DISABLE_PROMPT_CACHING_SONNET DISABLE_PROMPT_CACHING_HAIKU
    ENABLE_PROMPT_CACHING_1H ENABLE_TOOL_SEARCH FALLBACK_FOR_ALL_PRIMARY_MODELS FORCE_AUTOUPDATE_PLUGINS
    FORCE_PROMPT_CACHING_5M IS_DEMO MAX_MCP_OUTPUT_TOKENS MAX_THINKING_TOKENS MCP_TIMEOUT MCP_TOOL_TIMEOUT
    """.split()
)

# Settings whose value is a switch, a number, a version or one of a few words; lists only of such.
_SETTINGS = frozenset(
    """
    allowManagedHooksOnly allowManagedMcpServersOnly allowManagedPermissionRulesOnly
    alwaysThinkingEnabled autoCompactEnabled autoConnectIde autoInstallIdeExtension autoMemoryEnabled
    autoUpdates autoUpdatesChannel autoUpdatesProtectedForNative availableModels cleanupPeriodDays diffTool
    disableAllHooks disableSideloadFlags editorMode effortLevel enforceAvailableModels fallbackModel
    fastMode forceLoginMethod forceRemoteSettingsRefresh includeCoAuthoredBy installMethod language
    minimumVersion model outputStyle permissions.defaultMode
    permissions.disableBypassPermissionsMode requiredMaximumVersion requiredMinimumVersion
    sandbox.enabled skipAutoPermissionPrompt spinnerTipsEnabled verbose
    """.split()
)

_URLS = ("URL", "_PROXY")
# What sounds like the name of a secret.
SENSITIVE = (
    r"(?i:API_?KEY|TOKEN(?!S)|SECRET|PASSW|CREDENTIAL|HEADER(?!$)|HEADERS|HELPER|PRIVATE|COOKIE|BODY"
    r"|AUTH(?!OR)|BEARER|(?:^|[_?&])KEY)"
)
_SECRET_VALUE = re.compile(
    r"sk-|gh[opsu]_|github_pat_|glpat-|xox[abprs]-|A[KS]IA[A-Z0-9]{4}|AIza|ya29\.|eyJ|npm_[A-Za-z0-9]{20}"
    r"|hvs\.|-----BEGIN|[Bb]earer\s|[Bb]asic\s"
)
_LONG = r"[A-Za-z0-9+/_=-]{32,}"


def concerns(name: str, keep: frozenset[str] = frozenset()) -> bool:
    """Whether the variable is Claude Code's, one of the policy's, or meant to be one of them."""
    return (
        "CLAUDE" in name or "ANTHROPIC" in name or name in _VARIABLES or name in keep
        or f"CLAUDE_CODE_{name}" in _VARIABLES
    )  # fmt: skip


def variable(name: str, value: JSON, keep: frozenset[str] = frozenset()) -> JSON:
    """``value`` of the variable ``name``, or ``«redacted»``.  An empty text is no secret, and matters."""
    if value in ("", None) or isinstance(value, bool):
        return value
    if name.upper().endswith(_URLS):
        return url(value) if isinstance(value, str) else shape(value)
    spoken_of = name in keep and not re.search(SENSITIVE, name)
    if name not in _VARIABLES and not spoken_of:
        return shape(value)
    return [_plain(item) for item in value] if isinstance(value, list) else _plain(value)


def setting(key: tuple[str, ...], value: JSON, keep: frozenset[str] = frozenset()) -> JSON:
    """``value`` of the setting at ``key``, or ``«redacted»``.  True and false are no secret."""
    if isinstance(value, bool):
        return value
    if len(key) > 1 and key[0] == "env":
        return variable(key[1], value, keep)
    path = ".".join(key)
    if path not in _SETTINGS and (path not in keep or re.search(SENSITIVE, path)):
        return shape(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _plain(value)


def shape(value: JSON) -> JSON:
    """What is left of a value that is not shown: of which type it is, because that may void a file."""
    if isinstance(value, dict):
        return {REDACTED: REDACTED} if value else {}
    if isinstance(value, list):
        return [item if isinstance(item, bool) else 0 if isinstance(item, int) else REDACTED for item in value[:100]]
    return REDACTED


def name(text: str) -> str:
    """A key or variable name as it may be shown: people paste secrets there as well."""
    if len(text) > 120 or _looks_secret(text):
        return REDACTED
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def url(text: str) -> str:
    """A URL without its user-info, query and fragment, and without anything in it that looks like a key.

    Where a credential stood, ``«redacted»`` stands, so that its being there can be told.
    """
    scheme, slashes, rest = text.strip().partition("://")
    if not slashes or len(text) > 2000 or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,11}", scheme):
        return REDACTED
    _, at, rest = rest.rpartition("@")  # the last one: a password may hold any character
    found = re.fullmatch(r"([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", rest, re.DOTALL)
    if found is None or not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:[0-9]+)?", found[1]) or _looks_secret(_unquoted(found[1])):
        return REDACTED
    kept = "/".join(REDACTED if _is_odd_part(_unquoted(part)) else part for part in found[2].split("/"))
    kept = f"/{REDACTED}" if _looks_secret(_unquoted(kept)) else kept
    query = f"?{REDACTED}" if found[3] and re.search(SENSITIVE, found[3]) else ""
    return f"{scheme}://{f'{REDACTED}@' if at else ''}{found[1]}{kept}{query}".encode("utf-8", "backslashreplace").decode("utf-8")


def _is_odd_part(part: str) -> bool:
    """A part of a path that is a secret, or looks like a query whose mark was lost: ``key=…``."""
    return _looks_secret(part) or ("=" in part and re.search(rf"{SENSITIVE}[^/]*=", part) is not None)


def _unquoted(text: str) -> str:
    """``%2D`` as ``-``: a key may be written so."""
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), text)


def has_secret(url: JSON) -> bool:
    """Whether a URL, as ``url`` returned it, held a credential."""
    return isinstance(url, str) and (f"//{REDACTED}@" in url or url.endswith(f"?{REDACTED}"))


def is_token(text: str) -> bool:
    """Whether something in ``text`` begins as keys and tokens do."""
    return _SECRET_VALUE.search(text) is not None


def _looks_secret(text: str) -> bool:
    if is_token(text):
        return True
    runs = re.findall(_LONG, text) if len(text) >= 32 else ()
    return any(re.search(r"[0-9]", run) and re.search(r"[A-Za-z]", run) for run in runs)


def _plain(value: JSON) -> JSON:
    if isinstance(value, float) and value * 0 != 0:  # 1e999, or no number: JSON has none of them
        return REDACTED
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (dict, list)):
        return shape(value)
    if not isinstance(value, str) or len(value) > 200 or _looks_secret(value):
        return REDACTED
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
