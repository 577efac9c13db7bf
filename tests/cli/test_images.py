"""Images on the command line: which files are read, in one run, from a stream, and what is said while it lasts."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.cli import demo, main
from tests.image import build
from tests.image.build import file, image, layer

PROJECT = Path(__file__).resolve().parents[2]


def environ(tmp: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
    return {**kept, "PATH": "/usr/bin:/bin", "HOME": str(tmp), "PYTHONPATH": str(PROJECT), "CC_FLEET_POLICY": "default", **more}


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["audit", "--format", "json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def layout(path: Path, name: str) -> Path:
    members = [file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"), file("root/.profile", "")]
    return build.unpacked(build.oci([image([layer(members, packed="gz")], tags=(name,))]), path)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CC_FLEET_POLICY", "default")


def test_several_and_a_folder_of_them_are_one_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "nightly"
    folder.mkdir()
    demo.save(str(folder / "a.tar"))
    layout(folder / "b", "acme/b:1")
    (folder / "notes.txt").write_text("no image", encoding="utf-8")
    demo.save(str(tmp_path / "single.tar"))
    code, told = report(capsys, "--image", str(folder), "--image", str(tmp_path / "single.tar"), "--image", str(folder / "b"))
    names = [target["name"] for target in told["targets"]]
    assert names == ["acme/ci:7", "acme/b:1", f"acme/ci:7 ({tmp_path}/single.tar)", f"acme/b:1 ({folder}/b)"]
    assert code == 1
    assert {finding["target"] for finding in told["findings"]} == {names[0], names[2]}


def test_one_that_is_broken_does_not_hide_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo.save(str(tmp_path / "a.tar"))
    (tmp_path / "b.tar").write_bytes((tmp_path / "a.tar").read_bytes()[:3000])
    code, told = report(capsys, "--image", str(tmp_path))
    assert code == 1
    assert [(target["name"], target["verdict"]) for target in told["targets"]] == [("acme/ci:7", "findings"), ("b.tar", "gaps")]


def test_of_several_platforms_one_is_judged_or_all_with_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def saved(name: str, *platforms: str) -> str:
        pictures = [image([layer([file("etc/passwd", one)])], platform=one, tags=("acme/ci:1",)) for one in platforms]
        return str(build.unpacked(build.oci(pictures, nested=True), tmp_path / name))

    def judged(*arguments: str) -> tuple[list[str], str]:
        main(["audit", "--format", "json", "--no-cache", *arguments])
        told = capsys.readouterr()
        return [f"{one['name']} {one['image']['platform'] if one.get('image') else one['gaps'][0]['reason']}" for one in json.loads(told.out)["targets"]], told.err

    both, arms = saved("both", "linux/arm64", "linux/amd64"), saved("arms", "linux/arm64", "linux/arm/v7")
    assert judged("--image", both) == (["acme/ci:1 linux/amd64"], "")
    assert judged("--image", both, "--platform", "linux/arm64") == (["acme/ci:1 linux/arm64"], "")
    names, note = judged("--image", arms)
    assert names == ["acme/ci:1 (linux/arm64) linux/arm64", "acme/ci:1 (linux/arm/v7) linux/arm/v7"]
    assert note == f"cc-fleet: note: {arms}: holds no image for linux/amd64; judged is what it has: linux/arm64, linux/arm/v7\n"
    main(["audit", "-q", "--image", arms])
    assert capsys.readouterr() == ("", "")
    assert judged("--image", arms, "--platform", "linux/s390x")[0] == ["acme/ci:1 is there for linux/arm64, linux/arm/v7, and not for linux/s390x"]


def test_beside_other_targets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo.save(str(tmp_path / "a.tar"))
    demo.write(str(tmp_path / "laptop"))
    _, told = report(capsys, "--image", str(tmp_path / "a.tar"), "--root", str(tmp_path / "laptop"), "--repo", str(tmp_path / "laptop" / demo.SHOP))
    assert [target["kind"] for target in told["targets"]] == ["filesystem", "image", "repository"]


def test_a_stream_and_a_pipe_say_what_the_file_says(tmp_path: Path) -> None:
    saved = tmp_path / "a.tar"
    demo.save(str(saved))

    def told(arguments: Sequence[str], **given: Any) -> list[Any]:
        done = subprocess.run([sys.executable, "-m", "cc_fleet", "audit", "--format", "json", *arguments], env=environ(tmp_path), capture_output=True, check=False, **given)
        assert done.returncode == 1, done.stderr
        return [(one["check"], one["place"], one["message"]) for one in json.loads(done.stdout)["findings"]]

    expected = told(["--image", str(saved)])
    with saved.open("rb") as stream:
        assert told(["--image", "-"], stdin=stream) == expected
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(saved.read_bytes()))
    writer.start()
    assert told(["--image", str(fifo)]) == expected
    writer.join()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--image", "-", "--image", "-"], "standard input can be read once"),
        (["--platform", "linux/arm64"], "--platform is about images; give --image as well"),
        (["--verify"], "--verify is about images"),
        (["--no-cache"], "--no-cache is about images"),
        (["--image", "x.tar", "--platform", "arm64"], "expected OS/ARCH"),
        (["--image", "x.tar"], "x.tar: no such file or folder"),
        (["--image", "node:22"], "docker save node:22 -o image.tar"),
        (["--image", "docker://acme/ci:7"], "skopeo copy docker://acme/ci:7 oci-archive:image.tar"),
        (["--image", "docker-daemon:acme/ci:7"], "docker save acme/ci:7"),
        (["--image", "acme/ci@sha256:" + "0" * 64], "is the name of an image, and no file"),
        (["--image", "empty"], "holds no image"),
        (["--image", "a.txt"], "is no image"),
        (["--image", "x.tar", "--probe"], "--probe runs programs of this machine"),
    ],
)
def test_what_is_wrong_is_said_at_once(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("a text\n" * 100, encoding="utf-8")
    assert main(["audit", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_facts_of_an_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo.save(str(tmp_path / "a.tar"))
    assert main(["facts", "--image", str(tmp_path / "a.tar"), "--no-cache"]) == 0
    saved = tmp_path / "facts.json"
    saved.write_text(capsys.readouterr().out, encoding="utf-8")
    facts = json.loads(saved.read_text(encoding="utf-8"))
    assert [layer["number"] for layer in facts["layers"]] == [1, 2, 3, 4]
    assert facts["installs"][0]["place"]["layer"] == 2
    assert facts["credentials"][0]["removed"] == 4
    _, there = report(capsys, "--facts", str(saved))
    _, here = report(capsys, "--image", str(tmp_path / "a.tar"))
    assert [one["fingerprint"] for one in there["findings"]] == [one["fingerprint"] for one in here["findings"]]
    assert [one["message"] for one in there["findings"]] == [one["message"] for one in here["findings"]]


@pytest.mark.parametrize("more, shown", [({}, True), ({"CI": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_sees_how_far_it_is(more: Mapping[str, str], shown: bool, tmp_path: Path) -> None:
    demo.save(str(tmp_path / "a\x1b[31m.tar"))
    master, terminal = pty.openpty()
    given = environ(tmp_path, TERM="xterm", **more) if "TERM" not in more else environ(tmp_path, **more)
    given.pop("CI", None) if "CI" not in more else None
    done = subprocess.run([sys.executable, "-m", "cc_fleet", "audit", "-q", "--image", str(tmp_path / "a\x1b[31m.tar")], env=given, stderr=terminal, check=False)
    os.close(terminal)
    try:
        told = os.read(master, 65536).decode()
    except OSError:  # nobody wrote anything
        told = ""
    os.close(master)
    assert done.returncode == 1
    assert ("100%" in told or "% a" in told) is shown, told
    assert "\x1b[31m" not in told
    assert not shown or told.endswith("\r\x1b[K")


def test_without_the_extra_gzip_is_read_the_same_and_zstandard_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    members = [file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"), file("root/.claude/.credentials.json", "{}")]
    for packed in ("gz", "zst"):
        build.unpacked(build.oci([image([layer(members, packed=packed)])]), tmp_path / packed)
    with_it = [report(capsys, "--no-cache", "--image", str(tmp_path / packed))[1]["findings"] for packed in ("gz", "zst")]
    assert with_it[0] == with_it[1]
    monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert report(capsys, "--no-cache", "--image", str(tmp_path / "gz"))[1]["findings"] == with_it[0]
    code, told = report(capsys, "--no-cache", "--image", str(tmp_path / "zst"))
    assert [gap["reason"] for gap in told["targets"][0]["gaps"]] == ["is packed with zstd, and the package zstandard is not installed; pip install 'cc-fleet[image]'"]
    assert code == 4


@pytest.mark.parametrize("packed", ["plain", "gz", "zst"])
def test_many_images_take_no_more_memory_than_one(packed: str, tmp_path: Path) -> None:
    """A reader that knows itself is never let go: it cost 100 kB an image and more."""
    path = str(build.unpacked(build.oci([image([layer([file("etc/passwd", "x" * 5000)], packed=packed)])]), tmp_path / "image"))
    program = (
        "import sys; from cc_fleet import image\n"
        "def read(times):\n"
        "    for _ in range(times): list(image.collect(sys.argv[1], options=image.Options(cache=False)))\n"
        "    return next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmRSS'))\n"  # kB
        "begin = read(10); print(read(150) - begin)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], env=environ(tmp_path), capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8 * 1024, done.stdout


def test_a_copy_that_no_path_leads_to_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = "opt/old/lib/node_modules/@anthropic-ai/claude-code"
    members = [file(f"{copy}/package.json", '{"version": "2.1.19", "bin": {"claude": "cli.js"}}'), file(f"{copy}/cli.js", "#!")]
    for packed in ("plain", "gz"):
        build.unpacked(build.oci([image([layer(members, packed=packed), layer([build.whiteout("opt/older")])])]), tmp_path / packed)
        _, told = report(capsys, "--no-cache", "--image", str(tmp_path / packed))
        assert [(one["version"], one["active_for"], one["place"]["layer"]) for one in told["targets"][0]["installs"]] == [("2.1.19", [], 1)]
    build.unpacked(build.oci([image([layer(members), layer([build.whiteout("opt/old")])])]), tmp_path / "removed")
    assert report(capsys, "--no-cache", "--image", str(tmp_path / "removed"))[1]["targets"][0]["installs"] == []
