"""Real images, in every form in which one is saved: the same findings, and the right ones.

Built by buildah and by umoci on a Debian of mmdebstrap, holding what npm installed; judged through the command line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.real import images, sandbox
from tests.real.images import Layer, Recipe

pytestmark = pytest.mark.real

SECRET = "sk-ant-oat01-" + "Zx9" * 30
KEY = "sk-ant-api03-" + "Qw8" * 30
PACKAGE = "usr/local/lib/node_modules/@anthropic-ai/claude-code"
PEOPLE = "root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/bash\n"
POLICY = """
policy: images
extends: [default]
cli: {versions: ">=2.1.163"}
env:
  DISABLE_AUTOUPDATER: {value: "1", required: true}
  CLAUDE_CODE_EXTRA_BODY: {absent: true}
severity: {cli-version: error}
"""
HOME = {
    "etc/passwd": PEOPLE,
    "home/node/.claude.json": json.dumps({"numStartups": 1, "userID": "5f" * 32}),
    "home/node/.claude/.credentials.json": json.dumps({"claudeAiOauth": {"accessToken": SECRET, "refreshToken": SECRET, "expiresAt": 1}}),
    "home/node/.claude/settings.json": '{"model": "opus", // ours\n}',
}
INSTALL = "RUN /bin/sh -c npm install -g @anthropic-ai/claude-code{} # buildkit"
RECIPES = (
    Recipe(
        "old",
        (
            Layer("COPY home / # buildkit", HOME),
            Layer(INSTALL.format("@2.1.17"), npm="2.1.17"),
            Layer("RUN /bin/sh -c rm /home/node/.claude/.credentials.json # buildkit", gone=("home/node/.claude/.credentials.json",)),
        ),
        ("DISABLE_AUTOUPDATER=1", f"ANTHROPIC_API_KEY={KEY}", "CLAUDE_CODE_EXTRA_BODY={}"), "node", ("org.opencontainers.image.title=old",),
    ),
    Recipe(
        "native",
        (
            Layer(INSTALL.format(""), npm="2.1.330"),
            Layer("COPY settings /etc/claude-code/ # buildkit", {"etc/claude-code/managed-settings.json": '{"env": {"DISABLE_AUTOUPDATER": "1"}}'}),
        ),
        labels=("org.opencontainers.image.title=native",),
    ),
    Recipe(
        "downgraded",
        (
            Layer(INSTALL.format("@2.1.330"), npm="2.1.330"),
            Layer(INSTALL.format("@2.1.17"), npm="2.1.17", gone=(PACKAGE, f"{PACKAGE}-linux-{'x64' if os.uname().machine == 'x86_64' else 'arm64'}")),
        ),
        ("DISABLE_AUTOUPDATER=1",),
    ),
    Recipe(
        "removed",
        (
            Layer("COPY home / # buildkit", HOME),
            Layer(INSTALL.format("@2.1.17"), npm="2.1.17"),
            Layer("RUN /bin/sh -c npm uninstall -g @anthropic-ai/claude-code # buildkit", gone=(PACKAGE, "usr/local/bin/claude", "home/node/.claude")),
        ),
        ("DISABLE_AUTOUPDATER=1",), "1000", ("org.opencontainers.image.title=removed",),
    ),
)  # fmt: skip
BUILDERS = {"old": images.by_buildah, "downgraded": images.by_buildah, "native": images.by_umoci, "removed": images.by_umoci}
NAMES = tuple(recipe.name for recipe in RECIPES)
BY_17 = f"(layer 3 of {{}}: {INSTALL.format('@2.1.17').removeprefix('RUN /bin/sh -c ').removesuffix(' # buildkit')})".replace("npm", "RUN npm", 1)
PULLED = "and whoever can pull it has it"
SHARED = ("identity-baked", "userID", "userID was written when this image was built, so all of its containers are one user (layer 2 of 4: COPY home /)", "/home/node/.claude.json", 2)
DELETED = (
    "secret-exposed", "oauth", f"the login of a person is in this image, {PULLED}; deleting it in layer 4 does not take it out of layer 2 (layer 2 of 4: COPY home /)",
    "/home/node/.claude/.credentials.json", 2,
)  # fmt: skip
# What is found in each, known issues apart: check, subject, message, file, layer.
EXPECTED = {
    "old": {
        ("cli-version", "cli@2.1.17", f"Claude Code 2.1.17 is outside >=2.1.163 {BY_17.format(4)}", f"/{PACKAGE}/package.json", 3),
        ("env-flag", "CLAUDE_CODE_EXTRA_BODY", "CLAUDE_CODE_EXTRA_BODY is «redacted», and should not be set (for node, root)", "image config", None),
        ("secret-exposed", "ANTHROPIC_API_KEY", f"ANTHROPIC_API_KEY is in this image, {PULLED}", "image config", None),
        ("settings-invalid", "user", "Claude Code drops this whole file: a comment, which strict JSON does not allow (layer 2 of 4: COPY home /)", "/home/node/.claude/settings.json", 2),
        SHARED, DELETED,
    },
    "native": {
        ("cli-unpinned", "cli", "no version of Claude Code is asked for, so it is whatever is newest then, and the policy allows >=2.1.163 (layer 2 of 3: RUN npm install -g @anthropic-ai/claude-code)", "image history", 2),
    },
    "downgraded": {("cli-version", "cli@2.1.17", f"Claude Code 2.1.17 is outside >=2.1.163 {BY_17.format(3)}", f"/{PACKAGE}/package.json", 3)},
    "removed": {SHARED, DELETED},
}  # fmt: skip
# What is installed: version, the layer that brought it, for whom it runs.
INSTALLED = {"old": [("2.1.17", 3, ["node", "root"])], "native": [("2.1.330", 2, ["root"])], "downgraded": [("2.1.17", 3, ["root"])], "removed": []}


class Made(NamedTuple):
    """An image in all of its forms, and a folder to work in."""

    recipe: Recipe
    forms: dict[str, Path]
    folder: Path


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if (reason := images.missing()) != "":
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), reason
        pytest.skip(reason)
    return images.debian(tmp_path_factory.mktemp("debian") / "debian.tar")


@pytest.fixture(scope="module", params=RECIPES, ids=NAMES)
def made(request: pytest.FixtureRequest, debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Each of the images, one after another: half a gigabyte in six forms is much."""
    recipe: Recipe = request.param
    folder = tmp_path_factory.mktemp(recipe.name)
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    built = BUILDERS[recipe.name](recipe, debian, folder)
    yield Made(recipe, images.forms(built, recipe.name, folder), folder)
    images.told(["rm", "-rf", folder])


def program(made: Made, *words: str | Path, stream: Path | None = None, code: int | None = None) -> Any:
    """What cc-fleet tells as JSON, which gives away nothing; it writes no line but that."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(made.folder), "XDG_CACHE_HOME": str(made.folder / "cache"), "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "cc_fleet", *map(str, words)]
    with (stream or Path(os.devnull)).open("rb") as given:
        ran = subprocess.run(command, cwd=sandbox.PROJECT, env=environ, stdin=given, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert code is None or ran.returncode == code
    assert SECRET not in ran.stdout
    assert KEY not in ran.stdout
    return json.loads(ran.stdout)


def audit(made: Made, image: str | Path, *words: str, stream: Path | None = None) -> Any:
    return program(made, "audit", "--image", image, "--policy", made.folder / "policy.yaml", "--format", "json", *words, stream=stream, code=1)


def found(report: Any) -> list[tuple[str, str, str, str, int | None]]:
    """The findings, as they can be compared between forms."""
    return sorted((one["check"], one["subject"], one["message"], one["place"]["file"], one["place"].get("layer")) for one in report["findings"])


def test_every_form_is_judged_alike_and_right(made: Made) -> None:
    for form, path in made.forms.items():
        report = audit(made, path, "--no-cache")
        (target,) = report["targets"]
        assert (target["kind"], target["gaps"]) == ("image", []), form
        told = found(report)
        assert len(told) == len(set(told))
        assert {one for one in told if one[0] != "known-issue"} == EXPECTED[made.recipe.name], form
        old = INSTALLED[made.recipe.name][:1] if made.recipe.name in ("old", "downgraded") else []
        assert bool([one for one in told if one[0] == "known-issue"]) is bool(old), form
        assert {(one[1].rpartition("@")[2], one[4]) for one in told if one[1].startswith("CCF-")} == {(version, layer) for version, layer, _ in old}, form
        assert [(one["version"], one["place"]["layer"], one["active_for"]) for one in target["installs"]] == INSTALLED[made.recipe.name], form
        assert all(one["intact"] for one in target["installs"]), form


def test_what_it_says_of_itself(made: Made) -> None:
    (target,) = audit(made, made.forms["docker.tar"])["targets"]
    assert (target["image"]["platform"], target["image"]["user"]) == (f"linux/{'amd64' if os.uname().machine == 'x86_64' else 'arm64'}", made.recipe.user)
    assert [one for one in target["image"]["labels"] if one.startswith("org.opencontainers.image.title")] == list(made.recipe.labels)
    commands = [layer["command"].replace("RUN ", "", 1) for layer in target["layers"]]
    assert commands[1:] == [layer.command.replace("RUN /bin/sh -c ", "", 1).removesuffix(" # buildkit") for layer in made.recipe.layers]
    assert commands[0].startswith("ADD ")
    assert target["name"] == f"{made.recipe.name}:latest"


@pytest.mark.parametrize("form", ["docker.tar", "docker.tar.gz", "oci.tar"])
def test_a_stream_says_the_same(made: Made, form: str) -> None:
    assert found(audit(made, "-", "--no-cache", stream=made.forms[form])) == found(audit(made, made.forms["oci"], "--no-cache"))


@pytest.mark.parametrize("form", ["oci", "zstd", "docker.tar"])
def test_verified_and_out_of_the_cache_it_says_the_same(made: Made, form: str) -> None:
    first = audit(made, made.forms[form])
    again, verified = audit(made, made.forms[form]), audit(made, made.forms[form], "--verify", "--no-cache")
    for report in (first, again, verified):
        report.pop("time")
        report["targets"][0].pop("collected_at")
    assert first == again == verified
    for file in (made.folder / "cache").rglob("*"):
        assert not file.is_file() or (SECRET.encode() not in file.read_bytes() and KEY.encode() not in file.read_bytes())


def test_what_umoci_unpacks_holds_the_same(made: Made) -> None:
    """Whiteouts, links and the order of layers, as another program has them."""
    bundle = made.folder / "unpacked"
    images.told(["umoci", "unpack", "--image", f"{made.forms['oci']}:{made.recipe.name}", bundle])
    unpacked = program(made, "facts", "--root", bundle / "rootfs", code=0)
    whole = program(made, "facts", "--image", made.forms["oci"], code=0)
    root = str(bundle / "rootfs")

    def same(facts: Any, group: str, *keys: str) -> list[list[Any]]:
        return sorted(([one["place"]["file"].removeprefix(root), one["place"]["line"], *(one[key] for key in keys)] for one in facts[group]), key=str)

    for group, keys in (
        ("installs", ("product", "version", "method", "intact", "defect", "platform")),
        ("settings", ("key", "value", "scope")), ("rejected", ("reason",)),
    ):  # fmt: skip
        assert same(whole, group, *keys) == same(unpacked, group, *keys), group
    assert len(whole["installs"]) == len(INSTALLED[made.recipe.name])
    images.told(["rm", "-rf", bundle])


def members(made: Made) -> list[dict[str, tarfile.TarInfo]]:
    """What each layer holds, read by another program."""
    with tarfile.open(made.forms["docker.tar"]) as outer:
        (told,) = json.load(outer.extractfile("manifest.json") or pytest.fail("no manifest"))
        layers = []
        for name in told["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(name)) as layer:
                layers.append({entry.name.removeprefix("./"): entry for entry in layer})
    return layers


def test_the_layers_hold_what_was_to_be_tried(made: Made) -> None:
    """Whiteouts where something was taken away, and a hard link where npm makes one; else the tests above show nothing."""
    layers = members(made)
    for number, step in enumerate(made.recipe.layers, 1):
        gone = {path if path not in layers[number] else f"{path}/bin" for path in step.gone}  # what it brings anew is whited out within
        assert {f"{os.path.dirname(path)}/.wh.{os.path.basename(path)}" for path in gone} <= set(layers[number])
        if step.npm == "2.1.330":
            program, binary = (next(entry for name, entry in layers[number].items() if name.endswith(end)) for end in ("/claude-code/bin/claude.exe", "x64/claude" if os.uname().machine == "x86_64" else "arm64/claude"))
            assert program.islnk() is not binary.islnk()
            assert max(program.size, binary.size) > 100 << 20
    assert layers[0]["etc/debian_version"].isreg()
