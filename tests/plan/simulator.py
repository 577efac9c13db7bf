"""What a change does to a system below a folder, in a few lines of its own: enough to plan again after it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cc_fleet.host import jsonc
from cc_fleet.host.change import Change, Owned
from tests import case

BEGIN, END = "# >>> cc-fleet >>>\n", "# <<< cc-fleet <<<\n"


def carry_out(root: Path, changes: Iterable[Change], owned: Iterable[Owned]) -> tuple[Owned, ...]:
    """Do ``changes`` below ``root``; what is ours in files of others afterwards."""
    ours = {(one.file, one.key): one for one in owned}
    for change in changes:
        args = dict(change.args)
        _DO[change.kind](root, args)
        for key, value in args.get("set", ()):
            ours[args["file"], tuple(key)] = Owned(args["file"], tuple(key), value, change.user)
        for key in args.get("remove", ()):
            ours.pop((args["file"], tuple(key)), None)
        if change.kind == "shell-block":
            ours.pop((args["file"], ("shell-block",)), None)
            if args["lines"]:
                ours[args["file"], ("shell-block",)] = Owned(args["file"], ("shell-block",), args["lines"], change.user)
        if change.kind == "extension-pin":
            file, key = f"{args['folder']}/extensions.json", (args["id"], "pinned")
            ours.pop((file, key), None)
            if args["pinned"]:
                ours[file, key] = Owned(file, key, True, change.user)
    return tuple(ours.values())


def _at(root: Path, path: str) -> Path:
    return root / path.removeprefix("C:").lstrip("/")


def _own_file(root: Path, args: dict[str, Any]) -> None:
    if args["content"] is None:
        _at(root, args["file"]).unlink()
    else:
        if args["file"].endswith(".json"):
            json.loads(args["content"])
        case.write(root, args["file"], args["content"])


def _settings(root: Path, args: dict[str, Any]) -> None:
    file = _at(root, args["file"])
    text = file.read_text() if file.exists() else "{}"
    whole = jsonc.parse(text).value if args.get("repair") else json.loads(text)
    _edit(whole, args)
    case.write(root, args["file"], json.dumps(whole, indent=1))


def _editor_settings(root: Path, args: dict[str, Any]) -> None:
    file = _at(root, args["file"])
    whole = jsonc.parse(file.read_text()).value if file.exists() else {}
    assert all(len(key) == 1 for key, _ in args["set"])
    _edit(whole, args)
    case.write(root, args["file"], json.dumps(whole, indent=1))


def _edit(whole: dict[str, Any], args: dict[str, Any]) -> None:
    for key, value in args["set"]:
        below = whole
        for part in key[:-1]:
            below = below.setdefault(part, {})
        below[key[-1]] = value
    for key in args["remove"]:
        below = whole
        for part in key[:-1]:
            below = below.get(part, {})
        below.pop(key[-1], None)


def _shell_block(root: Path, args: dict[str, Any]) -> None:
    file = _at(root, args["file"])
    text = file.read_text() if file.exists() else ""
    if BEGIN in text:
        before, _, rest = text.partition(BEGIN)
        text = before + rest.partition(END)[2]
    if args["lines"]:
        text += BEGIN + "".join(f"{line}\n" for line in args["lines"]) + END
    case.write(root, args["file"], text)


def _npm(root: Path, args: dict[str, Any]) -> None:
    prefix = _at(root, args["prefix"])
    shutil.rmtree(prefix / case.PACKAGE)
    (prefix / "bin/claude").unlink()
    case.npm(root, args["prefix"], args["version"])


def _native(root: Path, args: dict[str, Any]) -> None:
    home = _at(root, args["home"])
    program = case.write(root, f"{args['home']}/.local/share/claude/versions/{args['version']}", "\x7fELF")
    program.chmod(0o755)
    (home / ".local/bin/claude").unlink(missing_ok=True)
    (home / ".local/bin/claude").symlink_to(f"../share/claude/versions/{args['version']}")


def _extension(root: Path, args: dict[str, Any]) -> None:
    file = _at(root, f"{args['folder']}/extensions.json")
    entries = json.loads(file.read_text())
    for entry in entries:
        if entry["identifier"]["id"] == args["id"]:
            entry.update(version=args["version"], relativeLocation=f"{args['id']}-{args['version']}", metadata={"pinned": True})
    case.write(root, f"{args['folder']}/{args['id']}-{args['version']}/package.json", "{}")
    file.write_text(json.dumps(entries))


def _extension_pin(root: Path, args: dict[str, Any]) -> None:
    file = _at(root, f"{args['folder']}/extensions.json")
    entries = json.loads(file.read_text())
    for entry in entries:
        if entry["identifier"]["id"] == args["id"]:
            assert entry["version"] == args["version"]
            entry["metadata"]["pinned"] = args["pinned"]
    file.write_text(json.dumps(entries))


def _removal(root: Path, args: dict[str, Any]) -> None:
    path = _at(root, args["path"])
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)


def _nothing(root: Path, args: dict[str, Any]) -> None:
    assert args["of"]


_DO = {
    "own-file": _own_file, "settings": _settings, "editor-settings": _editor_settings, "shell-block": _shell_block, "npm": _npm, "native": _native,
    "extension": _extension, "extension-pin": _extension_pin, "removal": _removal, "verify": _nothing,
}  # fmt: skip
