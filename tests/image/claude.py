"""Layers that hold Claude Code, as images of CI have it, and secrets in every place where one is kept."""

from __future__ import annotations

import json
import random

from tests.image.build import Blob, Member, Picture, file, folder, hardlink, image, layer, symlink, whiteout

PACKAGE = "usr/local/lib/node_modules/@anthropic-ai/claude-code"
SECRET = "hunter2swordfish"
TOKEN = f"sk-ant-api03-{SECRET}"


def base() -> list[Member]:
    return [
        folder("etc"), file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\n"), file("etc/hostname", "builder\n"),
        folder("root", 0o700), folder("home"), folder("home/ada", uid=1000), folder("tmp", 0o1777), file("usr/bin/env", b"\x7fELF" + bytes(1000), 0o755),
    ]  # fmt: skip


def npm(version: str = "2.1.330") -> list[Member]:
    """A global install by npm; the program is one file under two names."""
    package = {"name": "@anthropic-ai/claude-code", "version": version, "bin": {"claude": "cli.js"}}
    return [
        folder(f"{PACKAGE}/"), file(f"{PACKAGE}/package.json", json.dumps(package)), file(f"{PACKAGE}/cli.js", "#!/usr/bin/env node\n// hi\n", 0o755),
        file(f"{PACKAGE}/bin/claude.exe", b"\x7fELF" + bytes(5000), 0o755),
        hardlink(f"{PACKAGE}/node_modules/@anthropic-ai/claude-code-linux-x64/claude", f"{PACKAGE}/bin/claude.exe"),
        symlink("usr/local/bin/claude", "../lib/node_modules/@anthropic-ai/claude-code/cli.js"),
    ]  # fmt: skip


def own() -> list[Member]:
    """What a user has, with secrets."""
    settings = {"model": "opus", "env": {"ANTHROPIC_API_KEY": TOKEN, "DISABLE_AUTOUPDATER": "1"}, "apiKeyHelper": f"echo {TOKEN}"}
    return [
        file("home/ada/.claude/settings.json", json.dumps(settings), uid=1000), file("home/ada/.claude/.credentials.json", json.dumps({"claudeAiOauth": {"accessToken": TOKEN}}), 0o600, 1000),
        file("home/ada/.claude.json", json.dumps({"userID": "a" * 64, "primaryApiKey": TOKEN, "autoUpdates": False}), 0o600, 1000),
        file("home/ada/.npmrc", f"//registry.example/:_authToken={TOKEN}\nprefix=/usr/local\n", 0o600, 1000),
        file("etc/environment", f"ANTHROPIC_API_KEY={TOKEN}\nANTHROPIC_BASE_URL=https://u:{SECRET}@llm.acme.example/x\n"),
        file("home/ada/.bashrc", f"export ANTHROPIC_AUTH_TOKEN={TOKEN}\nexport ANTHROPIC_MODEL=opus\n", uid=1000),
        file("etc/profile", f"export CLAUDE_CODE_OAUTH_TOKEN={TOKEN}\n"),
    ]  # fmt: skip


def layers(packed: str = "plain", form: str = "pax", more: int = 0) -> list[Blob]:
    """A base, an install, what is a user's, and a layer that takes a credential away; each with ``more`` bytes that do not pack."""
    taken = [whiteout("home/ada/.claude/.credentials.json"), file("opt/x", "x")]
    noise = random.Random(5)
    return [layer([*one, file(f"opt/noise{at}", noise.randbytes(more))] if more else one, form, packed) for at, one in enumerate((base(), npm(), own(), taken))]


def picture(packed: str = "plain", tags: tuple[str, ...] = ("acme/ci:1",), more: int = 0) -> Picture:
    return image(layers(packed, more=more), tags=tags, inner={"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", f"ANTHROPIC_API_KEY={TOKEN}", "DISABLE_AUTOUPDATER=1"], "User": "ada"})
