"""Claude Code in a prefix of npm's, with the real npm and small packages."""

from __future__ import annotations

import json
import os
import pwd
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.host import applying
from cc_fleet.host.change import INSTALL, VERIFY, Change
from cc_fleet.host.changes import _npm
from cc_fleet.host.ground import Ground
from cc_fleet.host.site import Ran
from tests.host.changes import packages
from tests.host.changes.laptop import USER, Laptop, states
from tests.host.changes.packages import OWN, PACKAGE, SECRET, SYSTEM, given, installed, npm, refused, sha256, tarball, tarballs, tree

OLD, MIDDLE, NEW = "2.1.17", "2.1.153", "2.1.330"


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laptop:
    packages.needs(packages.no_npm())
    home = tmp_path / "home"
    home.mkdir()
    (home / ".npmrc").write_text(f"//127.0.0.1:1/:_authToken={SECRET}\n//127.0.0.1/:_authToken={SECRET}\n@anthropic-ai:registry=http://ada:{SECRET}@127.0.0.1:1/\n")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1")
    return Laptop(home, tmp_path / "journal")


@pytest.fixture
def prefix(laptop: Laptop) -> Path:
    return laptop.home / ".npm-global"


@pytest.fixture
def tgz(tmp_path: Path) -> Path:
    return tmp_path / "tgz"


def said(prefix: Path) -> str:
    """What ``claude`` of the prefix says of itself."""
    return subprocess.run([prefix / "bin/claude", "--version"], capture_output=True, text=True, check=True).stdout.split(" ", maxsplit=1)[0].strip()


def folder(prefix: Path) -> Path:
    return prefix / "lib/node_modules" / PACKAGE


@pytest.mark.parametrize(("before", "after"), [(MIDDLE, NEW), (NEW, MIDDLE), (MIDDLE, OLD), (OLD, MIDDLE)], ids=("up", "down", "to cli.js", "from cli.js"))
def test_another_version_is_brought_once_and_taken_back(laptop: Laptop, prefix: Path, tgz: Path, before: str, after: str) -> None:
    installed(prefix, before)
    first = tree(laptop.home)
    change = npm(prefix, after, tarballs=given(tarballs(tgz, after)), sha256={SYSTEM: sha256(packages.saying(after)), "cli.js": sha256(packages.script(after))})
    plan, outcomes = packages.carried_out(laptop, change)
    assert states(outcomes) == ["done"]
    assert plan.changes[0].expects == {str(folder(prefix)): f"version {before}"}
    assert plan.changes[0].shows == (f"- Claude Code {before}", f"+ Claude Code {after}")
    assert said(prefix) == after
    name = "bin/claude.exe" if packages.is_native(after) else "cli.js"
    assert os.readlink(prefix / "bin/claude") == f"../lib/node_modules/{PACKAGE}/{name}"
    if packages.is_native(after):
        assert (folder(prefix) / name).samefile(folder(prefix) / f"node_modules/{OWN}/claude")
    assert not (laptop.home / "scripts-ran").exists()
    assert all(path.stat().st_mode & 0o055 == 0o055 for path in (folder(prefix), *(path for path in folder(prefix).rglob("*") if path.is_dir())))
    again = tree(laptop.home)
    assert laptop.sealed(change).changes == ()
    assert states(laptop.apply(plan)[1]) == ["same"]
    assert tree(laptop.home) == again
    assert states(laptop.rollback("000001")) == ["undone"]
    assert tree(laptop.home) == first
    assert said(prefix) == before


def test_what_an_npmrc_says_beside_registries_does_not_count(laptop: Laptop, prefix: Path, tgz: Path) -> None:
    installed(prefix, OLD)
    with (laptop.home / ".npmrc").open("a") as file:
        file.write("dry-run=true\nomit[]=optional\nengine-strict=true\nignore-scripts=false\npackage-lock-only=true\ninstall-strategy=linked\nprefix=/nonexistent\n")
    assert states(packages.carried_out(laptop, npm(prefix, MIDDLE, tarballs=given(tarballs(tgz, MIDDLE))))[1]) == ["done"]
    assert said(prefix) == MIDDLE


def test_what_is_installed_can_be_run_by_others_whatever_the_umask(laptop: Laptop, prefix: Path, tgz: Path) -> None:
    installed(prefix, OLD)
    was = os.umask(0o077)
    try:
        packages.carried_out(laptop, npm(prefix, MIDDLE, tarballs=given(tarballs(tgz, MIDDLE))))
    finally:
        os.umask(was)
    made = [folder(prefix), *folder(prefix).rglob("*")]
    assert len(made) > 5
    assert [path for path in made if path.stat().st_mode & 0o044 != 0o044 or (path.is_dir() and path.stat().st_mode & 0o011 != 0o011)] == []
    assert folder(prefix).joinpath("bin/claude.exe").stat().st_mode & 0o111 == 0o111


def test_from_a_registry_and_back(laptop: Laptop, prefix: Path, tgz: Path) -> None:
    installed(prefix, NEW)
    tarballs(tgz, MIDDLE)
    with packages.registry(tgz) as url:
        _, outcomes = packages.carried_out(laptop, npm(prefix, MIDDLE, registry=url))
        assert states(outcomes) == ["done"], outcomes
        assert said(prefix) == MIDDLE
        assert "the registry has no such version" in refused(laptop, npm(prefix, "2.1.154", registry=url))
        (laptop.home / ".npmrc").unlink()
        assert "registry" in refused(laptop, npm(prefix, OLD, registry=f"{url}/nowhere"))


def test_a_mirror_that_lies_is_refused(laptop: Laptop, prefix: Path, tgz: Path, tmp_path: Path) -> None:
    installed(prefix, NEW)
    files = tarballs(tgz, MIDDLE)
    evil = tarball(tmp_path / "evil", files[0].name, packages.wrapper(MIDDLE, description="evil"))
    with packages.registry(tgz, {evil.name: evil}) as url:
        assert "is not what the registry says it is (EINTEGRITY)" in refused(laptop, npm(prefix, MIDDLE, registry=url))


def test_a_mirror_that_lies_consistently_is_caught_by_the_policy(laptop: Laptop, prefix: Path, tmp_path: Path) -> None:
    installed(prefix, NEW)
    mark = tmp_path / "evil-ran"
    tarballs(tmp_path / "evil", MIDDLE, packages.saying(MIDDLE, more=f"touch {mark}; "))
    with packages.registry(tmp_path / "evil") as url:
        reason = refused(laptop, npm(prefix, MIDDLE, registry=url, sha256={SYSTEM: sha256(packages.saying(MIDDLE))}))
    assert "is not the one that the policy pins" in reason
    assert not mark.exists()  # it was not run to ask it for its version


def test_a_replaced_tarball_is_refused(laptop: Laptop, prefix: Path, tgz: Path) -> None:
    installed(prefix, NEW)
    named = given(tarballs(tgz, MIDDLE))
    for number in (0, 1):
        kept = Path(named[number]["file"]).read_bytes()
        Path(named[number]["file"]).write_bytes(kept + b"x")
        reason = refused(laptop, npm(prefix, MIDDLE, tarballs=named))
        assert reason.startswith(f"{named[number]['file']}: is not the tarball that the plan was made with")
        Path(named[number]["file"]).write_bytes(kept)


def test_a_replaced_script_is_refused(laptop: Laptop, prefix: Path, tgz: Path) -> None:
    installed(prefix, NEW)
    files = given(tarballs(tgz, OLD))
    assert "is not the one that the policy pins: its sha256 is" in refused(laptop, npm(prefix, OLD, tarballs=files, sha256={"cli.js": "0" * 64}))


def test_an_altered_program_of_the_right_version_is_put_right(laptop: Laptop, prefix: Path, tgz: Path) -> None:
    (installed(prefix, MIDDLE) / "bin/claude.exe").unlink()
    (folder(prefix) / "bin/claude.exe").write_bytes(packages.saying(MIDDLE, more=": altered; "))
    pinned = {SYSTEM: sha256(packages.saying(MIDDLE))}
    plan, outcomes = packages.carried_out(laptop, npm(prefix, MIDDLE, tarballs=given(tarballs(tgz, MIDDLE)), sha256=pinned))
    assert plan.changes[0].expects == {str(folder(prefix)): f"version {MIDDLE} altered"}
    assert states(outcomes) == ["done"]
    assert sha256(folder(prefix) / "bin/claude.exe") == pinned[SYSTEM]


@pytest.mark.parametrize("spoilt", ["stub", "no program", "odd", "empty", "bin", "version", "no launcher", "other launcher"])
def test_what_is_broken_is_seen_and_put_right(laptop: Laptop, prefix: Path, tgz: Path, spoilt: str) -> None:
    where = installed(prefix, MIDDLE)
    texts = {
        "odd": "[" * 100_000, "empty": "", "bin": '{"version": "2.1.153", "bin": {"claude": "../../../../etc/passwd"}}',
        "version": '{"version": "2\\n\\u001b[31m", "bin": {"claude": "bin/claude.exe"}}',
    }  # fmt: skip
    if spoilt in texts:
        (where / "package.json").write_text(texts[spoilt])
    elif "launcher" in spoilt:
        (prefix / "bin/claude").unlink()
        if spoilt == "other launcher":
            (prefix / "bin/claude").symlink_to(f"../lib/node_modules/{PACKAGE}/cli.js")
    else:
        (where / "bin/claude.exe").unlink()
        if spoilt == "stub":
            (where / "bin/claude.exe").write_bytes(packages.wrapper(MIDDLE)["bin/claude.exe"])
    change = npm(prefix, MIDDLE, tarballs=given(tarballs(tgz, MIDDLE)))
    (planned,) = laptop.sealed(change).changes
    assert planned.expects == {str(where): "version unknown" if spoilt in texts else f"version {MIDDLE} broken"}
    assert planned.produces == {str(where): f"version {MIDDLE}"}
    if spoilt in {"stub", "empty", "other launcher"}:
        assert states(packages.carried_out(laptop, change)[1]) == ["done"]
        assert said(prefix) == MIDDLE


def packed(tgz: Path, kind: str) -> list[Path]:
    """Tarballs of 2.1.153 that are not what they should be."""
    files = tarballs(tgz, MIDDLE)
    wrong: dict[str, tuple[int, dict[str, bytes]]] = {
        "says another": (1, packages.platforms(MIDDLE, packages.saying("2.1.154"))),
        "no program": (1, {"package.json": packages.platforms(MIDDLE)["package.json"]}),
        "is another": (1, packages.platforms("2.1.154")),
        "is another's": (1, packages.platforms(MIDDLE, name="@anthropic-ai/claude-code-win32-x64")),
        "outside": (0, packages.wrapper(MIDDLE, bin={"claude": "../../../../../bin/sh"})),
        "no json": (0, {"package.json": b"{"}),
        "deep json": (0, {"package.json": b"[" * 100_000}),
        "needs more": (0, packages.wrapper(MIDDLE, dependencies={"left-pad": "1.3.0"})),
    }
    if kind in wrong:
        number, held = wrong[kind]
        tarball(tgz, files[number].name, held)
    elif kind == "cut":
        files[1].write_bytes(files[1].read_bytes()[:-40])
    elif kind == "no tarball":
        files[1].write_bytes(b"PK\3\4" * 100)
    elif kind == "wrapper alone":
        files.pop()
    return files


@pytest.mark.parametrize(("kind", "reason"), [
    ("says another", "what came as 2.1.153 says that it is 2.1.154"),
    ("no program", "holds no program that can be linked"),
    ("is another", f"{OWN} 2.1.153 is not among the tarballs; `npm pack {OWN}@2.1.153` makes it"),
    ("is another's", f"{OWN} 2.1.153 is not among the tarballs"),
    ("outside", "its package.json names no program"),
    ("no json", "is no tarball of npm's; download it again"),
    ("deep json", "is no tarball of npm's; download it again"),
    ("needs more", "not among the tarballs"),
    ("cut", "a tarball is not whole; download it again"),
    ("no tarball", "is no tarball of npm's; download it again"),
    ("wrapper alone", f"{OWN} 2.1.153 is not among the tarballs"),
])  # fmt: skip
def test_tarballs_that_are_not_what_they_should_be(laptop: Laptop, prefix: Path, tgz: Path, kind: str, reason: str) -> None:
    installed(prefix, NEW)
    assert reason in refused(laptop, npm(prefix, MIDDLE, tarballs=given(packed(tgz, kind))))


@pytest.mark.parametrize(("more", "reason"), [
    ({"tarballs": [{"file": "/nowhere/a.tgz", "sha256": "0" * 64}]}, "/nowhere/a.tgz: no such file or directory"),
    ({"tarballs": [{"file": "a.tgz", "sha256": "0" * 64}]}, "a.tgz: is no absolute path of a tarball"),
    ({"tarballs": [{"file": "/dev/zero", "sha256": "0" * 64}]}, "/dev/zero: is not a regular file"),
    ({"tarballs": ["a.tgz"]}, "the plan's tarballs is not a list of objects"),
    ({"tarballs": 5}, "the plan's tarballs is not a list"),
    ({"version": "2.1.153; rm -rf /"}, "the plan's version is none"),
    ({"version": "../x"}, "the plan's version is none"),
    ({"platform": "../../x"}, "the plan's platform is none"),
    ({"platform": 5}, "the plan's platform is not a text"),
    ({"registry": "--prefix=/"}, "the plan's registry is no address"),
    ({"registry": "http://127.0.0.1:1"}, "the registry cannot be reached (ECONNREFUSED); give --tarballs DIR to install without a registry"),
], ids=range(11))  # fmt: skip
def test_what_a_plan_may_say(laptop: Laptop, prefix: Path, more: dict[str, Any], reason: str) -> None:
    installed(prefix, NEW)
    assert reason in refused(laptop, npm(prefix, MIDDLE, **more) if "version" not in more else npm(prefix, **more))


def test_a_fifo_is_not_waited_for(laptop: Laptop, prefix: Path, tmp_path: Path) -> None:
    installed(prefix, NEW)
    os.mkfifo(tmp_path / "a.tgz")
    assert "is not a regular file" in refused(laptop, npm(prefix, MIDDLE, tarballs=[{"file": str(tmp_path / "a.tgz"), "sha256": "0" * 64}]))


@pytest.mark.parametrize("there", ["npm", "node", ""])
def test_without_npm_or_node(laptop: Laptop, prefix: Path, tmp_path: Path, there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(prefix, MIDDLE)
    (tmp_path / "bin").mkdir()
    if there:
        (tmp_path / "bin" / there).symlink_to(os.path.realpath(str(shutil.which(there))))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    missing = "node" if there == "npm" else "npm"
    assert refused(laptop, npm(prefix, OLD, tarballs=given(tarballs(tmp_path / "tgz", OLD)))).startswith(f"{missing} is needed and is in no folder of PATH that others cannot write")


def test_npm_of_the_prefix_comes_before_that_of_path(laptop: Laptop, prefix: Path, tgz: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As nvm has it: node and npm are in the prefix itself, and in no PATH of root's."""
    installed(prefix, NEW)
    for name in ("npm", "node"):
        (prefix / "bin" / name).symlink_to(os.path.realpath(str(shutil.which(name))))
    monkeypatch.setenv("PATH", "/nowhere")
    assert states(packages.carried_out(laptop, npm(prefix, MIDDLE, tarballs=given(tarballs(tgz, MIDDLE))))[1]) == ["done"]


@pytest.mark.parametrize("how", ["folder", "link", "file"])
def test_a_program_that_others_can_change_is_not_run(laptop: Laptop, prefix: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(prefix, NEW)
    evil = tmp_path / "evil"
    evil.mkdir()
    script = f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n"
    place = tmp_path / "place"
    place.mkdir()
    (evil / "node").write_text(script)
    (evil / "node").chmod(0o777 if how == "file" else 0o755)
    evil.chmod(0o755 if how == "file" else 0o777)
    if how == "link":
        (place / "node").symlink_to(evil / "node")
    first = place if how == "link" else evil
    change = npm(prefix, MIDDLE, tarballs=given(tarballs(tmp_path / "tgz", MIDDLE)))
    if how == "folder":
        monkeypatch.setenv("PATH", f"{first}:{os.environ['PATH']}")
        assert states(packages.carried_out(laptop, change)[1]) == ["done"]
    else:
        (place / "npm").symlink_to(os.path.realpath(str(shutil.which("npm"))))
        monkeypatch.setenv("PATH", f"{first}:{place}")
        assert refused(laptop, change).startswith("node is needed")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("what", "reason"), [("link", "is a link, which npm does not make"), ("absent", "is not there"), ("file", "is no folder")])
def test_a_place_that_is_not_npms(laptop: Laptop, prefix: Path, what: str, reason: str) -> None:
    where = installed(prefix, NEW)
    elsewhere = prefix / "elsewhere"
    where.rename(elsewhere)
    if what == "link":
        where.symlink_to(elsewhere)
    elif what == "file":
        where.write_text("x")
    assert reason in refused(laptop, npm(prefix, MIDDLE))


@pytest.mark.parametrize("what", ["script", "link"])
def test_a_launcher_that_is_somebodys_own_is_left_alone(laptop: Laptop, prefix: Path, what: str) -> None:
    installed(prefix, NEW)
    launcher = prefix / "bin/claude"
    launcher.unlink()
    if what == "script":
        launcher.write_text("#!/bin/sh\nexec /opt/claude/claude --mine\n")
    else:
        launcher.symlink_to("../../.local/bin/claude")
    reason = refused(laptop, npm(prefix, MIDDLE))
    assert reason.startswith(f"{launcher}: ")
    assert reason.endswith("so it is left alone; move it away and plan again")


def test_below_a_folder_nothing_is_run(tmp_path: Path) -> None:
    home = tmp_path / "home/ada"
    installed(home / ".npm-global", NEW)
    laptop = Laptop(home, tmp_path / "journal", str(tmp_path))
    reason = "plan and apply it on the machine itself: below --root no program is run"
    assert laptop.previewed(npm(Path("/home/ada/.npm-global"), MIDDLE)) == reason
    assert laptop.previewed(packages.native(Path("/home/ada"), MIDDLE)) == reason
    assert laptop.previewed(Change("verify", "look", USER, {"user": USER, "version": MIDDLE, "of": []}, VERIFY)) == reason


def test_no_room_for_what_is_unpacked(laptop: Laptop, prefix: Path, tgz: Path) -> None:
    installed(prefix, NEW)
    files = tarballs(tgz, MIDDLE)
    tarball(tgz, files[0].name, packages.wrapper(MIDDLE) | {"sdk-tools.d.ts": b"x" * 3_000_000})
    place = prefix / "lib/node_modules/@anthropic-ai"
    place.rename(prefix / "kept")
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, check=False)
    packages.needs("needs to mount a small file system" if done.returncode else "")
    try:
        shutil.copytree(prefix / "kept/claude-code", place / "claude-code", symlinks=True)
        reason = refused(laptop, npm(prefix, MIDDLE, tarballs=given(files)))
    finally:
        subprocess.run(["umount", str(place)], check=True)
    assert reason == "npm did not install Claude Code 2.1.153: no space left on device; make room and run again"


def test_no_room_for_a_tarball(laptop: Laptop, prefix: Path, tgz: Path) -> None:
    installed(prefix, NEW)
    files = tarballs(tgz, MIDDLE)
    tarball(tgz, files[0].name, packages.wrapper(MIDDLE) | {"sdk-tools.d.ts": os.urandom(300_000)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    named = given(files)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        reason = refused(laptop, npm(prefix, MIDDLE, tarballs=named))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert reason.startswith(str(prefix))
    assert reason.endswith("file too large")


@pytest.mark.parametrize(("code", "out", "reason"), [
    (1, f"npm error code ETARGET\nnpm error notarget {SECRET}", "the registry has no such version, or .npmrc (before, min-release-age) hides it"),
    (1, "npm error code E401\nnpm error Unable to authenticate", "the registry asks for a login; `npm login` as whoever runs this"),
    (1, f"npm error code EWEIRD\nnpm error http://ada:{SECRET}@x", "it ended with 1 (EWEIRD); what `npm pack` of it says there tells more"),
    (-9, f"token={SECRET}", "it ended with -9; what `npm pack` of it says there tells more"),
    (1, "npm ERR! code CERT_HAS_EXPIRED", "the registry cannot be reached (CERT_HAS_EXPIRED); give --tarballs DIR to install without a registry"),
    (None, SECRET, "it did not end within 15 minutes; run again, or give --tarballs DIR"),
], ids=range(6))  # fmt: skip
def test_of_npms_words_only_its_codes_are_passed_on(code: int | None, out: str, reason: str) -> None:
    assert _npm._reason(Ran(code, out)) == reason


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user can reach."""
    made = Path(os.path.realpath(tempfile.mkdtemp(prefix="ccf-npm-")))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def test_root_installs_in_a_home_with_the_rights_of_its_user(shared: Path) -> None:
    packages.needs(packages.no_npm() or ("" if os.geteuid() == 0 else "needs root"))
    user = next(one for one in pwd.getpwall() if one.pw_name in {"daemon", "nobody"})
    home, tgz = shared / "home", shared / "tgz"
    home.mkdir()
    where = installed(home / ".npm-global", NEW)
    change = npm(home / ".npm-global", MIDDLE, tarballs=given(tarballs(tgz, MIDDLE, packages.saying(MIDDLE, more="id -u >&2; "))))._replace(user=user.pw_name)
    for path in (home, *home.rglob("*")):
        os.lchown(path, user.pw_uid, user.pw_gid)
    ground = Ground("", "linux", True, {user.pw_name: str(home)}, "root", str(shared / "journal"), "lab", None)
    laptop = Laptop(home, shared / "journal")
    plan = applying.seal(laptop.sealed()._replace(changes=(change,), sealed=False), ground)
    _, outcomes = applying.apply(plan, ground, lambda *_: None, {})
    assert states(outcomes) == ["done"], outcomes
    assert json.loads((where / "package.json").read_text())["version"] == MIDDLE
    owners = {path.lstat().st_uid for path in home.rglob("*")}
    assert owners == {user.pw_uid}
    assert len(list(home.rglob("*"))) > 10
    tarballs(tgz, OLD)[0].chmod(0o600)
    closed = npm(home / ".npm-global", OLD, tarballs=given([tgz / f"anthropic-ai-claude-code-{OLD}.tgz"]))._replace(user=user.pw_name, phase=INSTALL)
    _, outcomes = applying.apply(applying.seal(laptop.sealed()._replace(changes=(closed,), sealed=False), ground), ground, lambda *_: None, {})
    assert states(outcomes) == ["refused"]
    assert "permission denied" in outcomes[0].reason
