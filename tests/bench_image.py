"""cc-fleet on an image of 1.3 GB, side by side with igzip, zstd, tarfile, syft and umoci.

    python tests/bench_image.py BIN [RUNS]    BIN holds cc-fleet and syft; igzip, zstd, pigz, umoci and mmdebstrap are the machine's

The image is Debian with git, Python and ripgrep; node with Claude Code 2.1.330; virtual environments with 2.1.17;
and a layer of settings. It stands there as `docker save` writes it, and as OCI layouts with gz and with zst layers,
built anew, or kept in the folder that CC_FLEET_BENCH_IMAGES names. Measured is the CPU of whole process trees, medians of
interleaved runs, and the memory of cc-fleet alone. Fails where a ratio is over its bound; no bound is in milliseconds.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))  # run with -I, which leaves it out

GZ, ZST, TARFILE, OTHERS, WARM, MEMORY = 1.4, 1.5, 1 / 5, 1 / 8, 0.1, 64.0
SLOW = 3  # runs of what takes half a minute
VENVS = 400 << 20
FORMS = ("docker", "gz", "zst")
# The child is started from a small process: what a process is as it is started counts as its memory.
LAUNCHER = """
import os, sys
null = os.open(os.devnull, os.O_RDWR)
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)])
_, status, used = os.wait4(child, 0)
print(1000 * (used.ru_utime + used.ru_stime), used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""
MANAGED = '{"model": "opus", "permissions": {"deny": ["Read(.env)"]}, "env": {"DISABLE_AUTOUPDATER": "1"}}\n'
SETTINGS = {
    "etc/claude-code/managed-settings.json": MANAGED,
    "etc/profile.d/claude.sh": "export CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1\n",
    "root/.claude/settings.json": '{"model": "sonnet", "cleanupPeriodDays": 30}\n',
    "root/.claude.json": '{"numStartups": 3, "userID": "' + "ab" * 32 + '", "projects": {}}\n',
}
HISTORY = (
    "/bin/sh -c #(nop) ADD file:debian in / ",
    "RUN /bin/sh -c npm install -g @anthropic-ai/claude-code@2.1.330 # buildkit",
    "RUN /bin/sh -c npm install -g --prefix /opt/old @anthropic-ai/claude-code@2.1.17 # buildkit",
    "COPY settings / # buildkit",
)
CONFIG = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DISABLE_AUTOUPDATER=1", "CLAUDE_CODE_MAX_OUTPUT_TOKENS=8000"], "Cmd": ["bash"], "Labels": {"org.opencontainers.image.title": "bench"}}


# The images


class Blob(NamedTuple):
    """A file and what its name is in an image."""

    path: str
    digest: str
    size: int


def blob(path: str) -> Blob:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return Blob(path, digest.hexdigest(), os.path.getsize(path))


def said(folder: str, value: Any) -> Blob:
    """``value`` as a JSON blob."""
    path = os.path.join(folder, "said.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)
    return blob(path)


def built(folder: str) -> None:
    """Write the three forms into ``folder``, each whole or not at all."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".build-") as tmp:
        layers = []
        for name, make in (("base", base), ("node", node), ("venvs", venvs), ("settings", settings)):
            make(os.path.join(tmp, f"{name}.tar"))
            layers.append(blob(os.path.join(tmp, f"{name}.tar")))
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        config = {
            "architecture": machine, "os": "linux", "created": "2026-11-01T00:00:00Z", "config": CONFIG,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
            "history": [{"created": "2026-11-01T00:00:00Z", "created_by": line} for line in HISTORY],
        }  # fmt: skip
        docker_save(os.path.join(tmp, "docker"), layers, said(tmp, config))
        layout(os.path.join(tmp, "gz"), [squeezed(layer, "gz", ["pigz", "-6", "-n", "-c"]) for layer in layers], said(tmp, config), "gzip")
        layout(os.path.join(tmp, "zst"), [squeezed(layer, "zst", ["zstd", "-3", "-q", "-c"]) for layer in layers], said(tmp, config), "zstd")
        for form in FORMS:
            os.rename(os.path.join(tmp, form), image(folder, form))


def image(folder: str, form: str) -> str:
    return os.path.join(folder, "docker.tar" if form == "docker" else form)


def base(path: str) -> None:
    """A small Debian, by what this machine says of where its packages are."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    suite = re.search(r"^VERSION_CODENAME=(\S+)", release, re.MULTILINE)
    if suite is None:
        raise SystemExit("this machine is no Debian, and mmdebstrap makes the image from its sources of packages")
    sources = [str(file) for file in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.*"))) if file.suffix in (".list", ".sources") and file.is_file() and suite[1] in file.read_text(encoding="utf-8")]
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=git,python3,ripgrep", suite[1], path, *sources]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def node(path: str) -> None:
    """Node, npm and a native Claude Code, whose binary is a hard link."""
    from tests.real import sandbox

    modules = sandbox.install("2.1.330").parent.parent
    program = os.path.realpath(shutil.which("node") or "node")
    npm = next((folder for folder in Path(os.path.realpath(shutil.which("npm") or "npm")).parents if folder.name == "npm"), None)
    with tarfile.open(path, "w") as layer:
        add(layer, program, "usr/local/bin/node")
        if npm:
            add(layer, str(npm), "usr/local/lib/node_modules/npm")
        add(layer, str(modules / "@anthropic-ai"), "usr/local/lib/node_modules/@anthropic-ai")
        link(layer, "usr/local/bin/claude", "../lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe")


def venvs(path: str) -> None:
    """What this interpreter has installed, as often as it takes, and an old Claude Code."""
    from tests.real import sandbox

    modules = sandbox.install("2.1.17").parent.parent
    packages = sysconfig.get_path("purelib")
    with tarfile.open(path, "w") as layer:
        number = 0
        while layer.offset < VENVS:
            number += 1
            add(layer, packages, f"opt/tools{number}/venv/lib/python3.11/site-packages")
        add(layer, str(modules / "@anthropic-ai"), "opt/old/lib/node_modules/@anthropic-ai")
        add(layer, str(modules / "@img"), "opt/old/lib/node_modules/@img")
        link(layer, "opt/old/bin/claude", "../lib/node_modules/@anthropic-ai/claude-code/cli.js")


def settings(path: str) -> None:
    with tarfile.open(path, "w") as layer:
        for name, text in SETTINGS.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            layer.addfile(entry, io.BytesIO(text.encode()))


def add(layer: tarfile.TarFile, source: str, name: str) -> None:
    """``source`` with all that is below it, as root's."""

    def owned(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = int(entry.mtime)  # as those who build images have it: no member needs a PAX header for its time
        return entry

    layer.inodes = {}  # type: ignore[attr-defined]  # a second copy is one, and no link to the first
    layer.add(source, name, filter=owned)


def link(layer: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    layer.addfile(entry)


def squeezed(layer: Blob, end: str, command: list[str]) -> Blob:
    path = f"{layer.path}.{end}"
    with open(path, "wb") as out:
        subprocess.run([*command, layer.path], check=True, stdout=out)
    return blob(path)


def docker_save(path: str, layers: list[Blob], config: Blob) -> None:
    """What `docker save` and skopeo write: plain layers beside a manifest."""
    told = [{"Config": f"{config.digest}.json", "RepoTags": ["bench:latest"], "Layers": [f"{layer.digest}.tar" for layer in layers]}]
    with tarfile.open(path, "w") as out:
        for layer in layers:
            out.add(layer.path, f"{layer.digest}.tar")
        out.add(config.path, f"{config.digest}.json")
        out.add(said(os.path.dirname(path), told).path, "manifest.json")


def layout(path: str, layers: list[Blob], config: Blob, how: str) -> None:
    """A folder as the OCI has it; takes the layers."""
    blobs = os.path.join(path, "blobs", "sha256")
    os.makedirs(blobs)
    for one in (*layers, config):
        os.rename(one.path, os.path.join(blobs, one.digest))
    kind = "application/vnd.oci.image"
    manifest = said(path, {
        "schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", "digest": f"sha256:{config.digest}", "size": config.size},
        "layers": [{"mediaType": f"{kind}.layer.v1.tar+{how}", "digest": f"sha256:{one.digest}", "size": one.size} for one in layers],
    })  # fmt: skip
    os.rename(manifest.path, os.path.join(blobs, manifest.digest))
    index = {"mediaType": f"{kind}.manifest.v1+json", "digest": f"sha256:{manifest.digest}", "size": manifest.size, "annotations": {"org.opencontainers.image.ref.name": "bench"}}
    for name, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", {"schemaVersion": 2, "manifests": [index]})):
        os.rename(said(path, value).path, os.path.join(path, name))


def blobs_of(layout: str) -> list[str]:
    """The layers of a layout, in order."""

    def told(digest: str) -> Any:
        with open(os.path.join(layout, "blobs", *digest.split(":")), encoding="utf-8") as file:
            return json.load(file)

    with open(os.path.join(layout, "index.json"), encoding="utf-8") as file:
        (one,) = json.load(file)["manifests"]
    return [os.path.join(layout, "blobs", *layer["digest"].split(":")) for layer in told(one["digest"])["layers"]]


# What it costs


def wanted() -> str:
    """One regular expression of every path that a source of cc-fleet reads on Linux: a ``*`` crosses folders where it begins."""
    from cc_fleet.host import facts

    wants = {want for source in facts.sources("linux").values() for want in source.WANTS} - {"*", "~"}  # any name may be a launcher's
    begins = {"~": "/(?:root|home/[^/]+)", "*": ".*", "/": ""}
    rules = {begin: "|".join("[^/]*".join(map(re.escape, want.lstrip("~*").split("*"))) for want in sorted(wants) if want[0] == begin) for begin in begins}
    return f"(?:{'|'.join(f'{begins[begin]}(?:{ends})' for begin, ends in rules.items())})$"


class Spent(NamedTuple):
    """Milliseconds of CPU of a command and its children, and the mebibytes of the largest of them."""

    cpu: float
    memory: float


def spent(command: list[str], environ: dict[str, str]) -> Spent:
    """What ``command`` costs, which must succeed."""
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCHER, *command], env=environ, capture_output=True, text=True, check=True)
    cpu, memory, code = ran.stdout.split()
    if code != "0":
        raise SystemExit(f"{' '.join(command)[:200]} ended with {code}")
    return Spent(float(cpu), float(memory))


class Row(NamedTuple):
    """A command that is measured, how often, and a folder that is emptied before each run."""

    command: list[str]
    runs: int
    empty: str = ""


def measured(rows: dict[str, Row], environ: dict[str, str]) -> dict[str, Spent]:
    """The medians of each row, run in turns; those that run often after one warm-up."""
    found: dict[str, list[Spent]] = {name: [] for name in rows}
    for turn in range(max(row.runs for row in rows.values()) + 1):
        for name, row in rows.items():
            slow = row.runs <= SLOW
            if (turn == 0 and slow) or turn > row.runs:
                continue
            if row.empty:
                shutil.rmtree(row.empty, ignore_errors=True)
            one = spent(row.command, environ)
            if turn:
                found[name].append(one)
    return {name: Spent(statistics.median(one.cpu for one in all_), max(one.memory for one in all_)) for name, all_ in found.items()}


def shell(words: list[str], files: list[str]) -> list[str]:
    """A program that reads each of the files to nowhere."""
    return ["sh", "-c", "for file; do " + " ".join(words) + ' <"$file" >/dev/null || exit; done', "sh", *files]


def peers(bin_: str, folder: str, tmp: str) -> dict[str, Row]:
    gz, zst, docker = image(folder, "gz"), image(folder, "zst"), image(folder, "docker")
    unpacked = os.path.join(tmp, "unpacked")
    syft = [os.path.join(bin_, "syft"), "scan", "-q", "-o", "json"]
    return {
        "igzip -dc of the layers": Row(shell(["igzip", "-dc"], blobs_of(gz)), 0),
        "zstd -dc of the layers": Row(shell(["zstd", "-dcq"], blobs_of(zst)), 0),
        "tarfile, docker": Row([sys.executable, "-I", os.path.join(HERE, "tarfile_reader.py"), docker, wanted()], 0),
        "syft, docker": Row([*syft, f"docker-archive:{docker}"], SLOW),
        "syft, gz": Row([*syft, f"oci-dir:{gz}"], SLOW),
        "umoci unpack, gz": Row(["umoci", "unpack", "--image", f"{gz}:bench", unpacked], SLOW, unpacked),
    }


def ours(bin_: str, folder: str, tmp: str) -> dict[str, Row]:
    nothing = os.path.join(tmp, "nothing")
    os.makedirs(nothing)
    rows = {"cc-fleet, nothing there": Row([os.path.join(bin_, "cc-fleet"), "audit", "--root", nothing, "--exit-zero"], 0)}
    for form in FORMS:
        audit = [os.path.join(bin_, "cc-fleet"), "audit", "--image", image(folder, form), "--exit-zero"]
        cache = os.path.join(tmp, f"cache-{form}")
        cached = ["env", f"XDG_CACHE_HOME={cache}", *audit]
        rows[f"cc-fleet, {form}"] = Row([*audit, "--no-cache"], 0)
        if form != "docker":  # whose plain layers are not worth keeping
            rows[f"cc-fleet, {form}, cold cache"] = Row(cached, 0, cache)
            rows[f"cc-fleet, {form}, warm cache"] = Row(cached, 0)
    return rows


def main(bin_: str, runs: int = 7) -> int:
    kept = os.environ.get("CC_FLEET_BENCH_IMAGES")
    with tempfile.TemporaryDirectory(prefix="cc-fleet-bench-") as tmp:
        folder = os.path.abspath(kept) if kept else os.path.join(tmp, "images")
        os.makedirs(folder, exist_ok=True)
        if not all(os.path.exists(image(folder, form)) for form in FORMS):
            built(folder)
        environ = {"PATH": os.environ["PATH"], "HOME": tmp, "LANG": "C.UTF-8", "SYFT_CHECK_FOR_APP_UPDATE": "false", "TMPDIR": tmp}
        rows = peers(bin_, folder, tmp) | ours(bin_, folder, tmp)
        found = measured({name: row._replace(runs=row.runs or runs) for name, row in rows.items()}, environ)
    return report(found)


def report(found: dict[str, Spent]) -> int:
    for name, one in found.items():
        print(f"{name:<28} {one.cpu:8.0f} ms CPU  {one.memory:6.0f} MiB")
    bounds = [
        ("gz / igzip -dc", found["cc-fleet, gz"].cpu / found["igzip -dc of the layers"].cpu, GZ),
        ("zst / zstd -dc", found["cc-fleet, zst"].cpu / found["zstd -dc of the layers"].cpu, ZST),
        ("docker / tarfile", found["cc-fleet, docker"].cpu / found["tarfile, docker"].cpu, TARFILE),
        ("docker / syft", found["cc-fleet, docker"].cpu / found["syft, docker"].cpu, OTHERS),
        ("gz / syft", found["cc-fleet, gz"].cpu / found["syft, gz"].cpu, OTHERS),
        ("gz / umoci unpack", found["cc-fleet, gz"].cpu / found["umoci unpack, gz"].cpu, OTHERS),
        *((f"{form}, warm cache / cold", found[f"cc-fleet, {form}, warm cache"].cpu / found[f"cc-fleet, {form}, cold cache"].cpu, WARM) for form in FORMS[1:]),
        *((f"{form}, MiB", found[f"cc-fleet, {form}"].memory, MEMORY) for form in FORMS),
    ]
    start = found["cc-fleet, nothing there"].cpu
    print(f"docker / tarfile after cc-fleet's start-up, for orientation: {(found['cc-fleet, docker'].cpu - start) / found['tarfile, docker'].cpu:.3f}")
    failed = [name for name, value, bound in bounds if value > bound]
    for name, value, bound in bounds:
        print(f"{name:<28} {value:7.3f}  (bound {bound:.3g}) {'MISSED' if name in failed else 'ok'}")
    print(f"{len(bounds) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 7))
