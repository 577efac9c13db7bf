"""Files into a policy: which one judges, what it extends, who may write it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cc_fleet import compiled
from cc_fleet.data import FOLDER
from cc_fleet.decode import SIZE
from cc_fleet.policy.lint import lint
from cc_fleet.policy.load import SYSTEM, Loaded, PolicyError, folder, load, packaged, which
from tests.case import as_nobody, opened

ROOT = os.geteuid() == 0


def write(where: Path, **files: str) -> Path:
    """Files by their names (``.yaml`` is added); the first one's path."""
    for name, text in files.items():
        (where / f"{name}.yaml").write_text(text, encoding="utf-8")
    return where / f"{next(iter(files))}.yaml"


def loaded(where: Path, **files: str) -> Loaded:
    return load([str(write(where, **files))])


def error(file: Path | str) -> str:
    with pytest.raises(PolicyError) as caught:
        load([str(file)])
    return str(caught.value)


# Which policy judges


@pytest.mark.parametrize(
    ("given", "environ", "expected"),
    [
        ([], {}, ["default"]),
        ([], {"CC_FLEET_POLICY": "e.yaml"}, ["e.yaml"]),
        ([], {"CC_FLEET_POLICY": ""}, ["default"]),
        (["a.yaml"], {"CC_FLEET_POLICY": "e.yaml"}, ["a.yaml"]),
        (["a.yaml", "b.yaml"], {}, ["a.yaml", "b.yaml"]),
    ],
)
def test_which_policy_judges(given: list[str], environ: dict[str, str], expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "policy.yaml"
    monkeypatch.setitem(SYSTEM, "linux", str(file))
    assert which(given, environ, "linux") == expected
    file.write_text("policy: system")
    assert which(given, environ, "linux") == ([str(file)] if expected == ["default"] else expected)


def test_a_system_policy_that_leads_nowhere_is_an_error_and_not_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "policy.yaml"
    link.symlink_to("nothing")
    monkeypatch.setitem(SYSTEM, "linux", str(link))
    assert which([], {}, "linux") == [str(link)]
    assert "no such file" in error(link)


def test_a_repositorys_policy_does_not_judge_a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".cc-fleet.yaml").write_text("policy: mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(SYSTEM, "linux", str(tmp_path / "none"))
    assert which([], {}, "linux") == ["default"]
    assert which([], {}, "a new platform") == ["default"]


# Extends


def test_later_scalars_win_and_rules_are_replaced_by_name(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        top="policy: top\nextends: [./base.yaml]\ncli: {auto-update: true}\nenv: {A: '2', C: '3'}\nother-gateways: allow\n",
        base="policy: base\ncli: {versions: '>=2.1.1', auto-update: false}\nenv: {A: {value: '1', locked: true}, B: '1'}\nother-gateways: deny\ncontact: me\n",
    )
    policy = found.policy
    assert (policy.policy, policy.contact, policy.other_gateways) == ("top", "me", "allow")
    assert (str(policy.cli.versions), policy.cli.auto_update and policy.cli.auto_update.allowed) == (">=2.1.1", True)
    assert {name: (rule.value, rule.locked) for name, rule in policy.env.items()} == {"A": ("2", False), "B": ("1", False), "C": ("3", False)}
    assert [Path(file).name for file in found.files] == ["base.yaml", "top.yaml"]
    place = policy.env["B"].place
    assert (os.path.normpath(place.file), place.line) == (str(tmp_path / "base.yaml"), 3)


def test_denials_waivers_gateways_and_advisories_are_united(tmp_path: Path) -> None:
    lists = "deny: [{{id: {0}, versions: '2.1.1'}}]\ngateways: [{{url: 'https://{0}'}}]\nwaivers: [{{check: {0}, until: 2027-01-01, reason: r}}]\nadvisories: [./{0}]\n"
    found = loaded(tmp_path, top="policy: t\nextends: [base.yaml]\n" + lists.format("top"), base="policy: b\n" + lists.format("base"))
    policy = found.policy
    assert [d.id for d in policy.deny] == ["base", "top"]
    assert [g.url for g in policy.gateways] == ["https://base", "https://top"]
    assert [w.check for w in policy.waivers] == ["base", "top"]
    assert [os.path.normpath(beside) for beside in found.folders] == [str(tmp_path / "base"), str(tmp_path / "top")]


def test_a_denial_is_lifted_by_its_id_only(tmp_path: Path) -> None:
    base = "policy: b\ndeny: [{id: A, versions: '2.1.1'}, {id: B, versions: '2.1.2'}]\n"
    again = loaded(tmp_path, top="policy: t\nextends: [base.yaml]\ndeny: []\n", base=base).policy
    assert [d.id for d in again.deny] == ["A", "B"]
    lifted = loaded(tmp_path, top="policy: t\nextends: [base.yaml]\ndeny: [{id: A, lifted: fixed}]\n", base=base).policy
    assert [d.id for d in lifted.deny] == ["B"]


def test_packaged_policies_are_extended_by_name(tmp_path: Path) -> None:
    found = loaded(tmp_path, mine="policy: mine\nextends: [strict]\n")
    assert found.files == ("default.yaml", "strict.yaml", str(tmp_path / "mine.yaml"))
    assert "CCF-DENY-1" in [d.id for d in found.policy.deny]
    assert found.policy.cli.gate == "derive"


def test_an_own_file_may_be_named_like_a_packaged_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, default="policy: mine\nextends: [default]\nother-gateways: deny\n")
    monkeypatch.chdir(tmp_path)
    assert load(["default.yaml"]).policy.other_gateways == "deny"


def test_what_several_files_extend_does_not_come_back_over_them(tmp_path: Path) -> None:
    base, left = "policy: b\ncontact: base\n", "policy: l\nextends: [./base.yaml]\ncontact: left\n"
    found = loaded(tmp_path, top="policy: t\nextends: [left.yaml, right.yaml]\n", left=left, right="policy: r\nextends: [base.yaml]\n", base=base)
    assert found.policy.contact == "left"


def test_several_policies_add_to_each_other(tmp_path: Path) -> None:
    write(tmp_path, a="policy: a\nenv: {A: '1'}\n", b="policy: b\nenv: {B: '1'}\n")
    found = load([str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")])
    assert (found.policy.policy, list(found.policy.env)) == ("b", ["A", "B"])


def test_a_diamond_is_read_once(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, top="policy: t\nextends: [left.yaml, right.yaml]\n", left="policy: l\nextends: [base.yaml]\n", right="policy: r\nextends: [base.yaml]\n",
        base="policy: b\ndeny: [{id: A, versions: '2.1.1'}]\n",
    )  # fmt: skip
    assert [Path(file).stem for file in found.files] == ["base", "left", "right", "top"]
    assert [d.id for d in found.policy.deny] == ["A"]


def test_a_diamond_over_two_folders_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub", right="policy: r\nextends: [../base.yaml]\n")
    found = loaded(
        tmp_path, top="policy: t\nextends: [base.yaml, sub/right.yaml]\ncontact: me\n", base="policy: b\ndeny: [{id: A, versions: '2.1.1'}]\n",
    )  # fmt: skip
    assert [Path(file).stem for file in found.files] == ["base", "right", "top"]
    assert [d.id for d in found.policy.deny] == ["A"]


def test_relative_files_are_beside_the_file_that_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub", mid="policy: m\nextends: [../base.yaml]\n")
    top = write(tmp_path, top="policy: t\nextends: [sub/mid.yaml]\n", base="policy: b\ncontact: base\n")
    monkeypatch.chdir("/")
    assert load([str(top)]).policy.contact == "base"
    monkeypatch.chdir(tmp_path)
    assert load(["top.yaml"]).policy.contact == "base"


def test_the_digest_is_of_every_file(tmp_path: Path) -> None:
    files = {"top": "policy: t\nextends: [base.yaml]\n", "base": "policy: b\n"}
    before = loaded(tmp_path, **files).sha256
    assert loaded(tmp_path, **files).sha256 == before
    assert loaded(tmp_path, **{**files, "base": "policy: b\n# more\n"}).sha256 != before


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a": "policy: a\nextends: [a.yaml]\n"}, "/a.yaml:1:1: extends: it extends itself"),
        ({"a": "policy: a\nextends: [b.yaml]\n", "b": "policy: b\nextends: [a.yaml]\n"}, "/a.yaml:1:1: extends: it extends itself"),
        ({"a": "policy: a\nextends: [b.yaml]\n", "b": "policy: b\nextends: [./b.yaml]\n"}, "/b.yaml:1:1: extends: it extends itself"),
        ({"a": "policy: a\nextends: [missing.yaml]\n"}, "/missing.yaml: no such file or directory"),
        ({"a": "policy: a\nextends: [defualt]\n"}, "/a.yaml:2:11: extends: no packaged policy 'defualt'; there is " + ", ".join(packaged())),
        ({"a": "policy: a\nextends: [b.yaml]\n", "b": "policy: b\nenv: {X: {}}\n"}, "/b.yaml:2:10: env.X: needs exactly one of 'value'"),
        ({"a": "policy: a\nextends: [b.yaml]\n", "b": "policy: [\n"}, "/b.yaml:2:1: did not find expected node content"),
        ({"a": "policy: a\nextends: [b.yaml]\n", "b": "- x\n"}, "/b.yaml:1:1: the document: expected a mapping"),
        ({"a": "policy: a\nextends: [b.yaml]\n", "b": ""}, "/b.yaml:1:1: the document is empty"),
        ({"a": "policy: a\nextends: [b.yaml]\n", "b": "policy: b\ncolour: x\n"}, "/b.yaml:2:1: the document: 'colour' is not "),
        ({"a": "policy: a\nextends: [b.yaml]\n", "b": "policy: b\npolicy: c\n"}, "/b.yaml:2:1: the document: 'policy' stands here twice"),
        ({"a": "policy: a\nextends: [b.yaml]\n", "b": "policy: b\nenv: {A: '1', A: '2'}\n"}, "/b.yaml:2:15: env: 'A' stands here twice"),
        ({"a": "policy: a\nextends: [b.yaml]\nenv: {A: '3'}\n", "b": "policy: b\nenv: {A: '1', A: '2'}\n"}, "/b.yaml:2:15: env: 'A' stands here twice"),
        ({"a": "policy: a\nextends: default\n"}, "/a.yaml:2:10: extends: expected a list"),
        ({"a": "policy: a\nextends: [[default]]\n"}, "/a.yaml:2:11: extends.0: expected a single value"),
        ({"a": "policy: a\nextends: [b.yaml]\ndeny: {}\n", "b": "policy: b\ndeny: [{id: A, versions: '2.1.1'}]\n"}, "/a.yaml:3:7: deny: expected a list"),
        ({"a": "policy: a\nextends: [b.yaml]\nenv: []\n", "b": "policy: b\nenv: {A: '1'}\n"}, "/a.yaml:3:6: env: expected a mapping"),
    ],
)
def test_errors_name_the_file_that_is_wrong(files: dict[str, str], expected: str, tmp_path: Path) -> None:
    assert error(write(tmp_path, **files)).replace("/./", "/").startswith(str(tmp_path) + expected)


def test_each_files_policy_name_is_its_own(tmp_path: Path) -> None:
    """``policy`` is required; a file that extends another does not borrow its name."""
    assert "'policy' is required" in error(write(tmp_path, a="extends: [default]\n"))


# Files that are none


def test_no_file_and_no_packaged_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert error("missing.yaml") == "missing.yaml: no such file or directory"
    assert "defualt" in error("defualt")


def test_a_folder_a_pipe_and_a_device_are_not_files(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, Path("/dev/null")):
        assert error(path) == f"{path}: is not a file"


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = write(tmp_path, a="policy: a")
    file.chmod(0)
    opened(tmp_path)
    assert as_nobody("audit", "--policy", str(file)) == (2, f"cc-fleet: {file}: permission denied\n")


@pytest.mark.parametrize("data", [b"\xff\xfep\x00", b"policy: \xff\n", b"policy: x\n# \xe9t\xe9\n"])
def test_what_is_not_utf_8(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(data)
    assert error(file) == f"{file}: is not UTF-8 text"


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfpolicy: x\n", b"policy: x\r\ncontact: me\r\n", b"policy: x", b"\n\npolicy: x\n\n"])
def test_marks_and_line_ends_are_no_matter(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(data)
    assert load([str(file)]).policy.policy == "x"


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    file = write(tmp_path, a="policy: a\n#" + "x" * SIZE)
    assert error(file) == f"{file}: is larger than 1024 KiB"


def test_a_link_is_followed(tmp_path: Path) -> None:
    write(tmp_path, real="policy: real")
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert load([str(tmp_path / "link.yaml")]).policy.policy == "real"
    assert "symbolic links" in error(tmp_path / "loop.yaml")


def test_a_circle_by_way_of_a_link_ends(tmp_path: Path) -> None:
    write(tmp_path, a="policy: a\nextends: [b.yaml]\n")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    assert "it extends itself" in error(tmp_path / "a.yaml")


# As root


needs_root = pytest.mark.skipif(not ROOT, reason="only root asks who may write a policy")
OTHERS = "run as root, a policy must belong to root alone"


@needs_root
@pytest.mark.parametrize(("mode", "owner"), [(0o666, 0), (0o664, 0), (0o602, 0), (0o600, 1000)])
def test_as_root_a_file_that_others_can_write_is_refused(mode: int, owner: int, tmp_path: Path) -> None:
    file = write(tmp_path, a="policy: a")
    os.chown(file, owner, -1)
    file.chmod(mode)
    assert OTHERS in error(file)


@needs_root
@pytest.mark.parametrize(("mode", "owner", "fine"), [(0o777, 0, False), (0o775, 0, False), (0o755, 1000, False), (0o1777, 0, True), (0o755, 0, True)])
def test_as_root_a_folder_that_others_can_write_is_refused(mode: int, owner: int, fine: bool, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    inner = outer / "inner"
    inner.mkdir(parents=True)
    file = write(inner, a="policy: a")
    os.chown(outer, owner, -1)
    outer.chmod(mode)
    if fine:
        assert load([str(file)]).policy.policy == "a"
    else:
        assert f"others can write its folder {outer}" in error(file)


@needs_root
def test_as_root_a_link_that_others_can_replace_is_refused(tmp_path: Path) -> None:
    """The file is root's, but whoever owns the folder of the link chooses which file it is."""
    file = write(tmp_path, a="policy: a")
    loose = tmp_path / "loose"
    loose.mkdir()
    loose.chmod(0o777)
    (loose / "link.yaml").symlink_to(file)
    assert "others can write" in error(loose / "link.yaml")


@needs_root
def test_as_root_what_a_policy_extends_is_asked_as_well(tmp_path: Path) -> None:
    file = write(tmp_path, a="policy: a\nextends: [b.yaml]\n", b="policy: b")
    (tmp_path / "b.yaml").chmod(0o666)
    assert error(file).startswith(f"{tmp_path}/b.yaml: others can write it")


def test_an_ordinary_user_may_judge_by_any_policy(tmp_path: Path) -> None:
    file = write(tmp_path, a="policy: a")
    file.chmod(0o666)
    if not ROOT:
        assert load([str(file)]).policy.policy == "a"
        return
    # A child that has imported all of it, opened the folder as root, and then drops its rights.
    child = (
        "import os; from cc_fleet.policy.load import load; load(['default']); os.chdir({0!r}); os.setgroups([]); os.setgid(65534); os.setuid(65534); "
        "print(load(['a.yaml']).policy.policy)"
    )
    tmp_path.chmod(0o755)
    ran = subprocess.run([sys.executable, "-c", "import encodings.utf_8_sig, hashlib, yaml; " + child.format(str(tmp_path))], env={k: v for k, v in os.environ.items() if not k.startswith("COV")}, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("a\n", "")


# What is packaged


@pytest.mark.parametrize("name", packaged())
def test_a_packaged_policy_is_what_its_yaml_gives_and_lints_clean(name: str, tmp_path: Path) -> None:
    copy = tmp_path / f"{name}.yaml"
    copy.write_bytes(Path(folder(), copy.name).read_bytes())
    mine, theirs = load([name]), load([str(copy)])
    assert mine.policy.policy == name
    assert repr(mine.policy) == repr(theirs.policy).replace(f"{tmp_path}/", "")
    assert [remark for remark in lint(mine) if remark.severity != "note"] == []


def test_compiled_data_are_what_yaml_gives() -> None:
    for name, text in compiled.compiled().items():
        assert Path(FOLDER, name).read_text(encoding="utf-8") == text, "run `nox -s generate`"


def test_main_writes_the_compiled_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "FOLDER", str(tmp_path))
    compiled.main()
    assert {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()} == compiled.compiled()


# Variables without their prefix


def test_a_variable_without_its_prefix_is_understood_and_told(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, top="policy: t\nextends: [base.yaml]\nenv:\n  MAX_TOOL_USE_CONCURRENCY: {integer: '>=1'}\noverlays: [{name: o, when: {}, env: {USE_BEDROCK: '1'}}]\n",
        base="policy: b\nenv: {CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY: '5'}\n",
    )  # fmt: skip
    (rule,) = found.policy.env.items()
    assert (rule[0], rule[1].integer and rule[1].integer.text) == ("CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY", ">=1")
    assert list(found.policy.overlays[0].env) == ["CLAUDE_CODE_USE_BEDROCK"]
    assert [(str(place), given, real) for place, given, real in found.renamed] == [
        (f"{tmp_path}/top.yaml:4", "MAX_TOOL_USE_CONCURRENCY", "CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY"),
        (f"{tmp_path}/top.yaml:5", "USE_BEDROCK", "CLAUDE_CODE_USE_BEDROCK"),
    ]


@pytest.mark.parametrize("name", ["SHELL", "TMPDIR", "SIMPLE", "MAX_THINKING_TOKENS", "MY_OWN", "CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_MODEL"])
def test_a_name_that_means_itself_stays(name: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, top=f"policy: t\nenv: {{{name}: '1'}}\n")
    assert (list(found.policy.env), found.renamed) == ([name], ())


def test_with_and_without_prefix_are_one_key(tmp_path: Path) -> None:
    file = write(tmp_path, a="policy: a\nenv:\n  CLAUDE_CODE_USE_BEDROCK: '1'\n  USE_BEDROCK: '0'\n")
    assert error(file) == f"{file}:4:3: env: 'CLAUDE_CODE_USE_BEDROCK' stands here twice"


@pytest.mark.parametrize("text", ["env: [a]", "env: {[a]: b}", "overlays: {a: b}", "overlays: [a, {env: b}]"])
def test_a_section_of_another_shape_is_the_decoders_to_tell(text: str, tmp_path: Path) -> None:
    file = write(tmp_path, a=f"policy: a\n{text}\n")
    assert error(file).startswith(f"{file}:2:")
