"""Gateway software on a system: packages, containers, services, each read from the real layout of a disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.host import facts
from cc_fleet.host.facts import gateways, prepared
from cc_fleet.host.system import under
from cc_fleet.host.tree import Disk, Unreadable
from cc_fleet.model import Gap, Gateway, Place
from tests.case import write
from tests.host.test_sources import strict, system

SITE = "lib/python3.12/site-packages"
DOCKER = "/var/lib/docker/containers/0f1e/config.v2.json"
PODMAN = "storage/overlay-containers/containers.json"


def found(root: Path, files: dict[str, str], **more: Any) -> list[Any]:
    """What the source says of ada's system with these files; WANTS are held."""
    return list(gateways.read(strict(prepared(system(root, files, **more)), gateways.WANTS)))


def told(facts_: list[Any]) -> list[tuple[str, str | None, str]]:
    return [(fact.kind, fact.version, str(fact.place)) for fact in facts_]


def image(name: str) -> str:
    return json.dumps({"Config": {"Image": name}, "Name": "/gw"})


@pytest.mark.parametrize("folder", [
    f"/opt/litellm/{SITE}", f"/opt/gw/.venv/{SITE}", f"/home/ada/.venv/{SITE}", f"/home/ada/venv/{SITE}", f"/home/ada/litellm/.venv/{SITE}",
    "/usr/lib/python3/dist-packages", "/usr/local/lib/python3.11/dist-packages", f"/home/ada/.local/{SITE}",
    f"/home/ada/.local/share/pipx/venvs/litellm/{SITE}", f"/home/ada/.local/share/uv/tools/litellm/{SITE}", f"/home/ada/miniconda3/envs/gw/{SITE}",
])  # fmt: skip
def test_a_python_gateway_is_told_by_its_dist_info(tmp_path: Path, folder: str) -> None:
    files = {f"{folder}/litellm-1.82.7.dist-info/METADATA": "", f"{folder}/litellm_proxy_extras-0.4.1.dist-info/METADATA": "", f"{folder}/litellm/__init__.py": ""}
    assert told(found(tmp_path, files)) == [("litellm", "1.82.7", f"{folder}/litellm-1.82.7.dist-info")]


@pytest.mark.parametrize(("top", "folder"), [
    ("Library/x", "opt/homebrew/lib/python3.13/site-packages"), ("Library/x", "Users/ada/Library/Python/3.9/lib/python/site-packages"),
    ("Windows/x", "Users/ada/AppData/Local/Programs/Python/Python312/Lib/site-packages"), ("Windows/x", "Users/ada/proj-venv/Lib/site-packages"),
])  # fmt: skip
def test_other_systems_have_their_own_places(tmp_path: Path, top: str, folder: str) -> None:
    write(tmp_path, top, "")
    write(tmp_path, f"{folder}/LiteLLM-1.82.8.dist-info/METADATA", "")
    write(tmp_path, "Users/ada/.claude/settings.json", "{}")
    machine = prepared(under(str(tmp_path)))
    drive = "C:/" if top.startswith("Windows") else "/"
    assert told(list(gateways.read(machine))) == [("litellm", "1.82.8", f"{drive}{folder}/LiteLLM-1.82.8.dist-info")]


@pytest.mark.parametrize(("name", "kind", "version"), [
    ("ghcr.io/berriai/litellm:main-v1.83.14-stable", "litellm", "1.83.14"), ("ghcr.io/berriai/litellm:v1.90.7", "litellm", "1.90.7"),
    ("docker.io/litellm/litellm:v1.92.0-rc.1", "litellm", "1.92.0rc1"), ("litellm/litellm:v1.92.0.rc2", "litellm", "1.92.0rc2"),
    ("registry.acme.example:5000/mirror/berriai/litellm-database:main-v1.82.8", "litellm", "1.82.8"),
    ("ghcr.io/berriai/litellm:litellm_stable_release_branch-v1.55.8-stable", "litellm", "1.55.8"),
    ("ghcr.io/berriai/litellm:main-stable", "litellm", None), ("ghcr.io/berriai/litellm", "litellm", None),
    ("ghcr.io/berriai/litellm:main-v1.83.14@sha256:" + "0" * 64, "litellm", None), ("ghcr.io/berriai/litellm@sha256:" + "0" * 64, "litellm", None),
    ("portkeyai/gateway:1.15.2", "portkey", "1.15.2"), ("musistudio/claude-code-router:2.0.0", "ccr", "2.0.0"),
])  # fmt: skip
def test_a_container_is_told_by_its_image(tmp_path: Path, name: str, kind: str, version: str | None) -> None:
    podman = json.dumps([{"id": "a", "metadata": json.dumps({"image-name": name})}, {"id": "b", "metadata": '{"image-name": "postgres:16"}'}, {"id": "c"}])
    files = {
        DOCKER: image(name), "/var/lib/docker/containers/22/config.v2.json": image("nginx:1"), f"/var/lib/containers/{PODMAN}": podman,
        f"/home/ada/.local/share/containers/{PODMAN}": podman, "/home/ada/.local/share/docker/containers/33/config.v2.json": image(name),
        "/etc/containers/systemd/gw.container": f"[Container]\nImage={name}\n", "/home/ada/.config/containers/systemd/gw.container": f"Image = {name}\n",
    }  # fmt: skip
    assert {(k, v) for k, v, _ in told(found(tmp_path, files))} == {(kind, version)}
    assert len(told(found(tmp_path / "again", files))) == 6


@pytest.mark.parametrize("name", ["postgres:16", "acme/not-litellm:1.2.3", "x" * 5000, "a/" * 400 + "litellm", "sha256:" + "0" * 64, ":litellm", ""])
def test_another_image_is_no_gateway(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, {DOCKER: image(name).replace("/gw", "/litellm")}) == []


def test_a_service_leads_to_what_it_starts(tmp_path: Path) -> None:
    files = {
        "/etc/systemd/system/litellm.service": "[Service]\nExecStart=/srv/gw/bin/litellm --port 4000\n", f"/srv/gw/{SITE}/litellm-1.83.14.dist-info/METADATA": "",
        "/etc/systemd/system/other.service": "[Service]\nExecStart=/srv/other/bin/litellm\n",
    }  # fmt: skip
    machine = prepared(system(tmp_path, files))  # no WANTS can name what a service may name
    assert told(list(gateways.read(machine))) == [("litellm", "1.83.14", f"/srv/gw/{SITE}/litellm-1.83.14.dist-info")]


def test_a_service_that_says_no_version_is_told_by_itself(tmp_path: Path) -> None:
    machine = prepared(system(tmp_path, {"/etc/systemd/system/my-litellm.service": "[Service]\n\nExecStart=/srv/gw/bin/litellm\n"}))
    assert told(list(gateways.read(machine))) == [("litellm", None, "/etc/systemd/system/my-litellm.service:3")]


def test_a_service_that_starts_a_container(tmp_path: Path) -> None:
    text = "[Service]\nExecStart=/usr/bin/docker run --name litellm -v litellm:/data ghcr.io/berriai/litellm:v1.90.7 --port 4000\n"
    assert told(found(tmp_path, {"/etc/systemd/system/litellm.service": text})) == [("litellm", "1.90.7", "/etc/systemd/system/litellm.service:2")]


@pytest.mark.parametrize("prefix", ["/usr/local", "/home/ada/.npm-global", "/home/ada/.nvm/versions/node/v22.1.0", "/home/ada/mine", "/srv/node"])
def test_npm_gateways(tmp_path: Path, prefix: str) -> None:
    modules = f"{prefix}/lib/node_modules"
    files = {
        f"{modules}/@musistudio/claude-code-router/package.json": '{"name": "x", "version": "2.0.0"}', f"{modules}/@portkey-ai/gateway/package.json": '{"version": "1.15.2"}',
        f"{modules}/@portkey-ai/other/package.json": '{"version": "9.9.9"}', "/home/ada/.npmrc": "prefix=~/mine\n", "/home/ada/.profile": "PATH=/srv/node/bin:$PATH\n",
    }  # fmt: skip
    assert [(kind, version) for kind, version, _ in told(found(tmp_path, files))] == [("ccr", "2.0.0"), ("portkey", "1.15.2")]


def test_what_a_hostile_file_says_is_no_version(tmp_path: Path) -> None:
    secret = "sk-ant-" + "a1" * 20
    site = f"/home/ada/.venv/{SITE}"
    files = {
        f"{site}/litellm-{secret.replace('-', '.')}.dist-info/METADATA": "", f"{site}/litellm-1.2.3+{'9' * 50}.dist-info/METADATA": "",
        "/usr/local/lib/node_modules/@portkey-ai/gateway/package.json": json.dumps({"version": secret}),
        DOCKER: image(f"litellm:{secret}"),
    }  # fmt: skip
    assert {(kind, version) for kind, version, _ in told(found(tmp_path, files))} == {("litellm", None), ("portkey", None)}


@pytest.mark.parametrize("text", ['{"litellm"', '["litellm"]', '{"Config": "litellm"}', '"litellm"', "[" * 100_000 + "litellm", "litellm" * 200_000])
def test_a_broken_file_is_a_gap(tmp_path: Path, text: str) -> None:
    (gap,) = found(tmp_path, {DOCKER: text})
    assert gap in (Gap("is not what a container engine writes", Place(DOCKER)), Gap("is larger than 1024 KiB", Place(DOCKER)))
    again = found(tmp_path / "again", {f"/var/lib/containers/{PODMAN}": text})
    assert [fact for fact in again if not isinstance(fact, Gap)] == []


class Locked(Disk):
    """A disk on which some folders cannot be listed: a test as root meets no such folder."""

    locked: tuple[str, ...] = ()

    def names(self, path: str) -> list[str]:
        if path in self.locked:
            raise Unreadable("permission denied")
        return super().names(path)


@pytest.mark.parametrize(("locked", "privileged", "gap"), [
    ("/var/lib/docker/containers", False, False), ("/var/lib/docker/containers", True, True), ("/opt/agent", False, False), ("/home/ada/.venv", False, True),
])  # fmt: skip
def test_what_only_root_lists_is_a_gap_for_root(tmp_path: Path, locked: str, privileged: bool, gap: bool) -> None:
    machine = system(tmp_path, {DOCKER: image("litellm"), "/opt/agent/x": "", f"/home/ada/.venv/{SITE}/x": ""})
    disk = Locked(str(tmp_path))
    disk.locked = (locked,)
    gaps = [fact for fact in gateways.read(prepared(machine._replace(tree=disk, privileged=privileged))) if isinstance(fact, Gap)]
    assert gaps == ([Gap("permission denied", Place(locked))] if gap else [])


def test_a_folder_of_thousands_is_bounded_and_told(tmp_path: Path) -> None:
    for number in range(510):
        (tmp_path / f"opt/{number:04}").mkdir(parents=True)
    assert found(tmp_path, {}) == [Gap("holds more than 500 entries, and what follows was not read", Place("/opt"))]


class Counting(Disk):
    """A disk that counts what it is asked."""

    asked = 0

    def names(self, path: str) -> list[str]:
        self.asked += 1
        return super().names(path)

    def read(self, path: str, limit: int = 0) -> bytes:
        self.asked += 1
        return super().read(path, limit)


def test_a_system_without_gateways_costs_a_few_listings(tmp_path: Path) -> None:
    machine = prepared(system(tmp_path, {"/usr/lib/os-release": "", "/var/lib/dpkg/status": ""}, native={"ada": ["2.1.330"]}))
    disk = Counting(str(tmp_path))
    assert list(gateways.read(machine._replace(tree=disk))) == []
    assert disk.asked <= 20


def test_facts_with_gateways_travel(tmp_path: Path) -> None:
    target = facts.collect(system(tmp_path, {f"/opt/litellm/{SITE}/litellm-1.82.7.dist-info/METADATA": ""}))
    assert target.gateways == (Gateway("", "litellm", "1.82.7", Place(f"/opt/litellm/{SITE}/litellm-1.82.7.dist-info")),)
