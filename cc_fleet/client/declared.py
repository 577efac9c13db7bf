"""What a repository brings to work: the clients that its images and jobs get, and those that its settings alone would meet.

A declaration of one exact version is a copy of its image or job, or of its file where it has none.
The environment of an image or job is all written in the repository; that of a ``package.json`` is
not, so there (``complete`` is False) only what is said can be judged, never what is missing.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import re
from collections.abc import Iterator

from cc_fleet.client import EXTENSION, View
from cc_fleet.client.effective import Index
from cc_fleet.model import Declared, Install, Job, Place, Target

ROOT = "."
_NUMBER = r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(?:-[0-9A-Za-z.-]{1,80})?(?:\+[0-9A-Za-z.-]{1,80})?"
_EXACT = re.compile(rf"=?\s*v?({_NUMBER})")
_PYTHON = re.compile(r"(?:===?\s*)?v?([0-9]{1,9}(?:\.[0-9]{1,9}){1,3}(?:(?:a|b|rc|\.post|\.dev)[0-9]{1,9}){0,2})")
_TAG = re.compile(r"(?:^|[_-])v?([0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9})(?![0-9])(?:[.-]?(rc|a|b)\.?([0-9]{1,9}))?")


def kind(product: str) -> str:
    """cli, extension, action or gateway."""
    if product == "cli":
        return product
    if "/" in product or product.endswith("-action"):
        return "action"
    return "extension" if "." in product else "gateway"


def version(asked: Declared) -> str | None:
    """The one version that comes of it: what its lock has, else what it asks for; None where that may be several."""
    said = asked.resolved if asked.resolved is not None else None if asked.unresolved else asked.spec
    if said is None:
        return None
    if kind(asked.product) != "gateway":
        found = _EXACT.fullmatch(said.strip())
        return found[1] if found else None
    if (found := _PYTHON.fullmatch(said.strip())) is not None:
        return found[1]
    if asked.scheme != "exact" or said.startswith("sha256:") or (found := _TAG.search(said[:200])) is None:
        return None
    return f"{found[1]}{found[2] or ''}{found[3] or ''}"


def judged(target: Target) -> Iterator[Declared]:
    """What is asked for and is judged as that: in a repository all of it.

    An image has what its lines brought, and that is judged; of a line only that the next build may bring something else,
    and only of the last line of those that ask for a product that is still there.
    """
    if target.kind != "image":
        yield from target.declared
        return
    there = {install.product for install in target.installs if install.bundled_in is None} | {gateway.kind for gateway in target.gateways}
    last = {asked.product: asked for asked in target.declared}
    yield from (asked for product, asked in last.items() if product in there and version(asked) is None)


def views(target: Target) -> Iterator[View]:
    """Every client at work in a repository; of each user the name of an image or job, or of a file that has none."""
    index = Index(target)
    copies: dict[str, dict[Install, None]] = {}
    for asked in target.declared:
        found = version(asked) if asked.product == "cli" else None
        if found is not None:
            user = asked.job or (asked.used or asked.place).file
            copies.setdefault(user, {})[Install("cli", found, asked.installer, asked.place, (user,), user)] = None
    for job in dict.fromkeys(target.jobs):
        for copy in copies.pop(job.name, (None,)):
            yield View(job.name, _opened(job), copy, target, index, job=job)
    for user, found_here in copies.items():
        for copy in found_here:
            yield View(user, user.rpartition("/")[0] or ROOT, copy, target, index, complete=False)
    for user, project in _settled(target):
        yield View(user, project, None, target, index, complete=False)
    for file, folder in dict.fromkeys((v.place.file, v.project) for v in target.variables if v.origin == "editor"):
        yield View(file, folder, Install(EXTENSION, "", "vscode", Place(file), (file,), file), target, index, complete=False)


def _opened(job: Job) -> str | None:
    """The folder that Claude Code is started in: a job's checkout, a devcontainer's workspace; an image's is not known."""
    if job.kind == "image":
        return None
    folder = job.place.file.partition(".devcontainer")[0].rstrip("/") if job.kind == "devcontainer" else ""
    return folder or ROOT


def _settled(target: Target) -> Iterator[tuple[str, str | None]]:
    """Whom the committed settings are for where no job is: a project's by its folder, managed ones by their file."""
    found: dict[tuple[str, str | None], None] = {}
    jobs = {job.name for job in target.jobs}
    for setting in target.settings:
        if setting.user is None and setting.project is not None and not setting.scope.startswith("editor"):
            found[_settings_file(setting.project), setting.project] = None
        elif setting.user is not None and setting.user not in jobs:
            found[setting.user, None] = None
    for rejected in target.rejected:
        folder, inside, _ = f"/{rejected.place.file}".rpartition("/.claude/")
        if rejected.user is None and inside:
            project = folder.lstrip("/") or ROOT
            found[_settings_file(project), project] = None
        elif rejected.user is not None and rejected.user not in jobs:
            found[rejected.user, None] = None
    yield from found


def _settings_file(project: str) -> str:
    return ".claude/settings.json" if project == ROOT else f"{project}/.claude/settings.json"
