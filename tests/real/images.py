"""Images that hold real installs, built without a daemon: by buildah, or by umoci, on a Debian of mmdebstrap.

What npm installed stands in the sandbox's cache of clients and is copied, hard links and all; nothing of it runs.
Needs root.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.real import sandbox

PROGRAMS = ("buildah", "skopeo", "umoci", "mmdebstrap", "igzip", "zstd")
FORMS = ("oci", "zstd", "oci.tar", "docker.tar", "docker.tar.gz")
MODULES = "usr/local/lib/node_modules"


class Layer(NamedTuple):
    """What one step of an image does: first it takes away, then it installs, then it writes."""

    command: str
    files: Mapping[str, str] = {}
    npm: str = ""
    gone: tuple[str, ...] = ()


class Recipe(NamedTuple):
    """An image: the layers on top of Debian's, and what its config says."""

    name: str
    layers: tuple[Layer, ...]
    env: tuple[str, ...] = ()
    user: str = ""
    labels: tuple[str, ...] = ()


def missing() -> str:
    """Return what this machine lacks to build images, "" if nothing: the reason for a skipped test."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "images are built as root on Linux"
    absent = [tool for tool in (*PROGRAMS, "npm") if not shutil.which(tool)]
    return f"not installed: {', '.join(absent)}" if absent else ""


def told(command: Sequence[str | Path], **environ: str) -> str:
    """What a program prints, which must succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, env={**os.environ, **environ})
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr.strip()[-2000:]}"
    return done.stdout.strip()


def debian(path: Path) -> Path:
    """A tar of the least Debian, from the sources of packages that this machine has."""
    suite = re.search(r"^VERSION_CODENAME=(\S+)", Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)
    assert suite is not None, "mmdebstrap needs a Debian"
    kept = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.list")), *sorted(Path("/etc/apt/sources.list.d").glob("*.sources"))]
    sources = [file for file in kept if file.is_file() and suite[1] in file.read_text(encoding="utf-8")]
    less = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "locale", "man", "info")]
    told(["mmdebstrap", "--quiet", "--mode=root", "--variant=essential", *less, suite[1], path, *sources])
    return path


def change(root: Path, layer: Layer) -> None:
    """Do to a file system what the step does."""
    for path in layer.gone:
        target = root / path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink()
    if layer.npm:
        modules = sandbox.install(layer.npm).parent.parent
        (root / MODULES).mkdir(parents=True, exist_ok=True)
        scopes = [modules / scope for scope in ("@anthropic-ai", "@img") if (modules / scope).is_dir()]
        told(["cp", "-a", *scopes, root / MODULES])
        program = (modules / ".bin/claude").readlink().as_posix().removeprefix("../")
        (root / "usr/local/bin").mkdir(parents=True, exist_ok=True)
        (root / "usr/local/bin/claude").unlink(missing_ok=True)
        (root / "usr/local/bin/claude").symlink_to(f"../lib/node_modules/{program}")
    for path, text in layer.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def by_buildah(recipe: Recipe, base: Path, folder: Path) -> Path:
    """An OCI layout, out of buildah's own storage."""
    at = ("--root", folder / "storage", "--runroot", folder / "run", "--storage-driver", "vfs")
    buildah = ("buildah", *at)
    if "localhost/debian" not in told([*buildah, "images", "--format", "{{.Name}}"]):
        first = told([*buildah, "from", "scratch"])
        told([*buildah, "add", "-q", "--add-history", first, base, "/"])
        told([*buildah, "config", "--created-by", "ADD debian.tar /", first])  # beside the line of its own, of no layer
        told([*buildah, "commit", "-q", "--rm", first, "debian"])
    name = "debian"
    for number, layer in enumerate(recipe.layers, 2):
        working = told([*buildah, "from", "--pull-never", name])
        change(Path(told([*buildah, "mount", working])), layer)
        words = [word for one in recipe.env for word in ("--env", one)] + [word for one in recipe.labels for word in ("--label", one)]
        words += ["--user", recipe.user] if recipe.user else []
        told([*buildah, "config", "--created-by", layer.command, *(words if number == len(recipe.layers) + 1 else []), working])
        name = f"{recipe.name}-{number}"
        told([*buildah, "commit", "-q", "--rm", working, name])
    source = f"containers-storage:[vfs@{folder / 'storage'}+{folder / 'run'}]localhost/{name}:latest"
    told(["skopeo", "copy", "-q", source, f"oci:{folder / recipe.name}:{recipe.name}"])
    return folder / recipe.name


def by_umoci(recipe: Recipe, base: Path, folder: Path) -> Path:
    """An OCI layout, changed in place."""
    layout, bundle = folder / f"{recipe.name}.umoci", folder / f"{recipe.name}.bundle"
    name = f"{layout}:{recipe.name}"
    told(["umoci", "init", "--layout", layout])
    told(["umoci", "new", "--image", name])
    told(["umoci", "unpack", "--image", name, bundle])
    told(["tar", "-xf", base, "-C", bundle / "rootfs"])
    told(["umoci", "repack", "--refresh-bundle", "--image", name, "--history.created_by", "ADD debian.tar /", bundle])
    for layer in recipe.layers:
        change(bundle / "rootfs", layer)
        told(["umoci", "repack", "--refresh-bundle", "--image", name, "--history.created_by", layer.command, bundle])
    words = [word for one in recipe.env for word in ("--config.env", one)] + [word for one in recipe.labels for word in ("--config.label", one)]
    words += ["--config.user", recipe.user] if recipe.user else []
    told(["umoci", "config", "--image", name, *words])
    shutil.rmtree(bundle)
    return layout


def forms(layout: Path, name: str, folder: Path) -> dict[str, Path]:
    """The image as skopeo saves it in every form, and what was built."""
    made = {form: folder / f"{name}.{form}" for form in FORMS}
    source = f"oci:{layout}:{name}"
    for words in (
        [f"oci:{made['oci']}:{name}"],
        ["--dest-compress-format", "zstd", f"oci:{made['zstd']}:{name}"],
        [f"oci-archive:{made['oci.tar']}:{name}"],
        [f"docker-archive:{made['docker.tar']}:{name}:latest"],
    ):
        told(["skopeo", "copy", "-q", source, *words])
    with made["docker.tar"].open("rb") as plain, made["docker.tar.gz"].open("wb") as packed:
        subprocess.run(["igzip", "-1", "-c"], stdin=plain, stdout=packed, check=True)
    return {"built": layout, **made}
