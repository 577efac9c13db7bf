"""One report with everything in it, the same every time."""

from __future__ import annotations

from cc_fleet.model import Coverage, Declared, Finding, Fix, Gap, Install, Place, Problem, Step, Target, Waived
from cc_fleet.report import About, Report

ABOUT = About("acme", ("default.yaml", "/etc/cc-fleet/policy.yaml"), "0123456789abcdef" * 4, 28, "fedcba9876543210" * 4, "#claude-help")
TIME = "2026-11-23T12:00:00Z"
HOME = "/home/ada"
SETTINGS = f"{HOME}/.claude/settings.json"
CLI = Place("/usr/local/lib/node_modules/@anthropic-ai/claude-code/package.json", 3, 3, '"version": "2.1.19"')
LAPTOP = Target(
    "machine", "ada-laptop", "linux", TIME, "cc-fleet 0", Coverage(True, ("ada",), (HOME,), 12, ("PATH: /usr/bin", "homes: /home/ada")),
    installs=(
        Install("cli", "2.1.19", "npm", CLI, ("ada",)),
        Install("anthropic.claude-code", "2.1.330", "vscode", Place(f"{HOME}/.vscode/extensions/extensions.json"), ("ada",), pinned=False),
        Install("cli", "2.1.330", "vscode", Place(f"{HOME}/.vscode/claude"), None, bundled_in="anthropic.claude-code"),
        Install("cli", "2.1.17", "npm", Place("/opt/claude/package.json"), ()),
        Install("cli", "2.1.18", "npm", Place("/mnt/claude/package.json"), None),
        Install("cli", "2.1.16", "npm", Place("/srv/claude/package.json"), ("a", "b", "c", "d", "e", "f")),
    ),
    gaps=(Gap("permission denied", Place("/home/bob/.claude/settings.json")),),
)  # fmt: skip
FLAG = "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"
FINDINGS = (
    Finding("cli-version", "error", "ada-laptop", Problem(
        "cli@2.1.19", "Claude Code 2.1.19 is denied by CCF-DENY-1: every session may die of duplicate tool_use ids (API Error 400)", CLI,
        Fix("you", "install 2.1.330", "npm install -g @anthropic-ai/claude-code@2.1.330")), "a" * 64),
    Finding("known-issue", "error", "ada-laptop", Problem(
        "CCF-2026-0001", "requests repeat a tool_use id (Claude Code 2.1.19)", CLI, Fix("you", "install a later version"), "a" * 64,
        (), None, "CCF-2026-0001"), "b" * 64),
    Finding("env-flag", "warning", "ada-laptop", Problem(
        FLAG, f"{FLAG} is off, and should be on", Place(SETTINGS, 4, 5, f'"{FLAG}": "0"'), Fix("admin", f"set it to 1 in {SETTINGS}", f"edit {SETTINGS}"), None,
        (Step("user settings", '"0"', Place(SETTINGS, 4, 5)), Step("the shell's start-up file", '"1"', Place(f"{HOME}/.bashrc", 2)))), "c" * 64),
    Finding("env-spelling", "note", "ada-laptop", Problem(
        "X", "ANTHROPIC_MODLE looks like ANTHROPIC_MODEL", Place(SETTINGS, 2, 3, '"x": "' + "y" * 200 + '"'), None, None, (Step("user settings", '"0"'),)), "d" * 64),
    Finding("extension-unpinned", "error", "ada-laptop", Problem("anthropic.claude-code", "the extension updates itself", Place(f"{HOME}/.vscode/extensions/extensions.json")),
            "e" * 64, Waived("an old SDK", "2026-12-31", "ml@acme.example", "OPS-1")),
    Finding("unreadable", "warning", "ada-laptop", Problem("gap", "could not be judged: permission denied", LAPTOP.gaps[0].place, Fix("admin", "run as root, or as its owner")), "f" * 64),
    Finding("waiver-expired", "warning", "policy", Problem("env-flag", "the waiver ran out on 2026-11-01", Place("/etc/cc-fleet/policy.yaml", 30, 5), Fix("admin", "decide anew")), "0" * 64),
)  # fmt: skip
FULL = Report(ABOUT, TIME, (LAPTOP,), FINDINGS, HOME)
CLEAN = Report(ABOUT, TIME, (LAPTOP._replace(gaps=()),), (), HOME)
NOTHING = Report(ABOUT, TIME, (LAPTOP._replace(installs=(), gaps=(), name="empty"),), (), HOME)
GAPS = Report(ABOUT, TIME, (LAPTOP,), (FINDINGS[5],), HOME)
TWO = Report(ABOUT, TIME, (LAPTOP, LAPTOP._replace(name="image", kind="image", installs=(), gaps=())), FINDINGS, HOME)
WINDOWS = Report(ABOUT, TIME, (LAPTOP._replace(name="ada-pc", os="windows", gaps=(), coverage=LAPTOP.coverage._replace(homes=("C:/Users/ada",)), installs=(
    Install("cli", "2.1.19", "npm", Place("C:/Users/ada/AppData/Roaming/npm/node_modules/@anthropic-ai/claude-code/package.json"), ("ada",)),
)),), (
    Finding("setting-value", "error", "ada-pc", Problem(
        "model", "model is not set (https://docs.example/a/b)", Place("C:/Program Files/ClaudeCode/managed-settings.json", 4, 5, '"x": "https://llm.example/v1"'),
        Fix("admin", "set model in C:/Program Files/ClaudeCode/managed-settings.json, or in ~/.claude/settings.json")), "a" * 64),
    Finding("env-flag", "error", "ada-pc", Problem("X", "X is set", Place("C:/Users/ada/.claude/settings.json", 2), Fix("you", "install it", "npm install -g --prefix 'C:/a b/npm' @anthropic-ai/claude-code@2.1.330")), "b" * 64),
), "C:\\Users\\ada")  # fmt: skip
"""A Windows machine, read on itself."""
NOTES = tuple(
    Finding("known-issue", "note", "ada-laptop", Problem(f"cli@{number}", f"issue {number}", CLI, Fix("you", "update"), None, (), None, f"CCF-2026-{number:04}"), f"{number:064}")
    for number in range(1, 6)
)  # fmt: skip
MANY = Report(ABOUT, TIME, (LAPTOP._replace(gaps=()),), (*FINDINGS[:2], *(n._replace(problem=n.problem._replace(because="a" * 64)) for n in NOTES)), HOME)
ALONE = MANY._replace(findings=NOTES)
INSTALL = Place("images/web tools/Dockerfile", 7, 12, "@anthropic-ai/claude-code@$CLAUDE_VERSION")
SHOP = Target(
    "repository", "shop", "linux", TIME, "cc-fleet 0", Coverage(False, (), (), 4, ("212 files below .",)),
    gaps=(Gap("is not YAML: line 3: found a tab", Place(".gitlab-ci.yml", 3, 1)),),
    declared=(
        Declared("cli", "2.1.19", "npm", Place("images/web tools/Dockerfile", 2, 20, "2.1.19"), used=INSTALL, job="images/web tools/Dockerfile"),
        Declared("cli", "^2.1.0", "npm", Place("package.json", 5, 5, '"@anthropic-ai/claude-code": "^2.1.0"'), resolved="2.1.330", lock=Place("package-lock.json", 40), scheme="npm"),
        Declared("claude-code-action", "v1", "github-actions", Place(".github/workflows/review.yml", 14, 15, "anthropics/claude-code-action@v1")),
    ),
)
DECLARED = (
    Finding("cli-version", "error", "shop", Problem(
        "cli@2.1.19", "Claude Code 2.1.19 is denied: every session may die of duplicate tool_use ids", SHOP.declared[0].place,
        Fix("repository", "pin 2.1.330"), None, (Step("ARG CLAUDE_VERSION", "2.1.19", SHOP.declared[0].place), Step("used by npm install", "2.1.19", INSTALL))), "1" * 64),
    Finding("known-issue", "error", "shop", Problem(
        "CCF-2026-0001", "requests repeat a tool_use id (Claude Code 2.1.19)", SHOP.declared[0].place, Fix("repository", "pin a later version"), "1" * 64, (), None, "CCF-2026-0001"), "2" * 64),
    Finding("cli-unpinned", "warning", "shop", Problem(
        "claude-code-action", "the action follows v1 | whatever that is tomorrow", SHOP.declared[2].place, Fix("repository", "pin v1.0.93")), "3" * 64),
    Finding("unreadable", "warning", "shop", Problem("gap", "could not be judged: is not YAML: line 3: found a tab", SHOP.gaps[0].place, Fix("you", "correct it")), "4" * 64),
    Finding("env-flag", "note", "shop", Problem(FLAG, f"{FLAG} is not set", Place("deploy/prod.env")), "5" * 64, Waived("moved next week", "2026-12-01", None, "OPS-7")),
)  # fmt: skip
REPO = Report(ABOUT._replace(files=("default.yaml",)), TIME, (SHOP,), DECLARED, HOME)
"""A repository: what it declares, and how a version came about."""
