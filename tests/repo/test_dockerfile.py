"""What cases of Dockerfiles do not hold: places, Docker's own rules word for word, and bounds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from cc_fleet import repo
from cc_fleet.repo.reading import dockerfile
from cc_fleet.repo.reading.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from cc_fleet.model import Target

PACKAGE = "@anthropic-ai/claude-code"


def parsed(text: str) -> dockerfile.Dockerfile:
    return dockerfile.parse(Source.whole("Dockerfile", text))


def collected(root: Path, **files: str) -> Target:
    for name, text in files.items():
        path = root / name.replace("__", ".").replace("_S_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return repo.collect(str(root))


def specs(target: Target) -> list[tuple[Any, ...]]:
    return [(fact.spec, fact.place.file, fact.place.line) for fact in target.declared]


def test_escape_directive_comments_and_empty_lines() -> None:
    file = parsed("# escape=`\nFROM a\nRUN x `\n  # gone\n\n  y `  \n  z\\\nUSER q\n")
    assert [one.keyword for one in file.instructions] == ["FROM", "RUN", "USER"]
    run = file.instructions[1]
    assert run.body.text == "x `\n  y `\n  z\\"
    assert run.body.lines == (3, 6, 7)
    assert dockerfile.shell_script(run, file.escape).text == "x \\\n  y \\\n  z\\"


def test_a_backslash_before_the_last_one_ends_the_line() -> None:
    assert [one.keyword for one in parsed("FROM a\nRUN x \\\\\nUSER b\n").instructions] == ["FROM", "RUN", "USER"]


def test_heredocs_are_no_instructions() -> None:
    file = parsed("FROM a\nCOPY --chmod=1 <<'A' <<-\"B\" /d/\nENV X=1\nA\n\tRUN y\n\tB\nRUN echo '<<C' $((1<<2))\nUSER b\n")
    copy = file.instructions[1]
    assert [one.keyword for one in file.instructions] == ["FROM", "COPY", "RUN", "USER"]
    assert copy.options == ("--chmod=1",)
    assert copy.option("chmod") == "1"
    assert copy.option("from") is None
    assert [(one.name, one.body.text, one.body.lines, one.body.columns, one.expands) for one in copy.heredocs] == [
        ("A", "ENV X=1", (3,), (1,), False), ("B", "RUN y", (5,), (2,), False),
    ]  # fmt: skip


def test_a_heredoc_that_nothing_ends_is_none() -> None:
    assert [one.keyword for one in parsed("FROM a\nRUN cat <<EOF\nUSER b\n").instructions] == ["FROM", "RUN", "USER"]


def test_lines_are_joined_before_the_shell_sees_a_comment() -> None:
    run = parsed("RUN npm -v # says it \\\n && npm i -g x\n").instructions[0]
    assert dockerfile.shell_script(run, "\\").text == "npm -v "
    quoted = parsed("RUN echo '# no' \"a # b\" \\\n && x\n").instructions[0]
    assert dockerfile.shell_script(quoted, "\\").text.endswith("&& x")


def test_columns_of_the_json_form(tmp_path: Path) -> None:
    target = collected(tmp_path, Dockerfile=f'FROM a\nRUN ["npm", "i", \\\n  "{PACKAGE}@1.0.1"]\n')
    assert [(fact.place.line, fact.place.column, fact.pin and fact.pin.column) for fact in target.declared] == [(3, 4, 4 + len(PACKAGE) + 1)]


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("ARG V=1.0.1\nENV V=1.0.2\nARG V=1.0.3", "1.0.2"),  # ENV beats ARG, before and after
        ("ENV A=1.0.1\nENV A=1.0.2 V=$A", "1.0.1"),  # one instruction sees what was before it
        ("ENV V='1.0.1'", "1.0.1"),
        ("ENV V 1.0.1", "1.0.1"),
        ('ENV V="1.0.1" W=2', "1.0.1"),
        ("ENV V=${W:-1.0.1}", "1.0.1"),
        ("ARG W\nENV V=${W:+9}1.0.1", "1.0.1"),
        ("ARG W=x\nENV V=${W:+1.0.1}", "1.0.1"),
        ("ARG W=v1.0.1\nENV V=${W#v}", "1.0.1"),
        ("ENV V=1.\\\n0.1", "1.0.1"),
        ("ARG A=1.0 B=.1\nENV V=$A$B", "1.0.1"),
        ("ENV V=\\$W", "$W"),
        ("ENV V='$W'", "$W"),
    ],
)
def test_names(tmp_path: Path, text: str, spec: str) -> None:
    target = collected(tmp_path, Dockerfile=f"FROM a\n{text}\nRUN npm i -g {PACKAGE}@$V\n")
    assert [fact.spec for fact in target.declared] == [spec]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ARG V", "build argument `V`, not set here"),
        ("ENV V=$W", "`$W`, not set here"),
        ("ENV V={{ version }}", "`{{ version }}`, which a template fills in"),
        (f"ENV V={'${A:-' * 30}", "an expression that is nested too deep"),
        (f"ENV V={'x' * 4000}\nENV V=$V$V$V", "a value of more than 10000 characters"),
        ("ENV V=xxxxxxxxxx\n" + "ENV V=$V$V\n" * 40, "a value of more than 100 parts"),
    ],
)
def test_names_that_are_not_known(tmp_path: Path, text: str, why: str) -> None:
    target = collected(tmp_path, Dockerfile=f"FROM a\n{text}\nRUN npm i -g {PACKAGE}@$V\n")
    assert [(fact.spec, fact.unresolved) for fact in target.declared] == [(None, why)]


def test_a_child_inherits_arguments_and_a_copy_does_not(tmp_path: Path) -> None:
    text = f"FROM a AS One\nARG V=1.0.1\nFROM one\nRUN npm i -g {PACKAGE}@$V\nFROM b\nCOPY --from=one /x /x\nRUN npm i -g {PACKAGE}@$V\n"
    assert [(fact.spec, fact.place.line) for fact in collected(tmp_path, Dockerfile=text).declared] == [("1.0.1", 2), (None, 7)]


def test_one_image_for_a_chain_with_the_environment_of_its_end(tmp_path: Path) -> None:
    text = f"FROM a AS base\nENV DISABLE_AUTOUPDATER=0\nRUN npm i -g {PACKAGE}@1.0.1\nFROM base AS mid\nFROM mid AS end\nENV DISABLE_AUTOUPDATER=1\n"
    target = collected(tmp_path, Dockerfile=text)
    assert [(job.name, job.kind, job.place.line) for job in target.jobs] == [("Dockerfile#end", "image", 3)]
    assert [(one.value, one.place.line, one.user) for one in target.variables] == [("1", 6, "Dockerfile#end")]
    assert target.declared[0].job == "Dockerfile#end"


def test_who_gives_build_arguments(tmp_path: Path) -> None:
    target = collected(
        tmp_path,
        Dockerfile=f"FROM a\nARG CLAUDE_VERSION=1.0.1\nRUN npm i -g {PACKAGE}@$CLAUDE_VERSION\n",
        compose__yaml="services:\n  a:\n    build: {context: ., args: {CLAUDE_VERSION: 1.0.2}}\n",
        docker_bake__hcl="",
        Makefile="V ?= 1.0.3\nimage:\n\tdocker build --build-arg CLAUDE_VERSION=$(V) .\n",
        build__sh='V=1.0.4\ndocker build -f ./Dockerfile \\\n  --build-arg "CLAUDE_VERSION=${V}" .\n',
        other__sh="docker build --build-arg CLAUDE_VERSION=1.0.9 -f other/Dockerfile other\n",
        other_S_Dockerfile="FROM a\n",
    )  # fmt: skip
    (tmp_path / "docker-bake.hcl").write_text('variable "V" {\n  default = "1.0.5"\n}\ntarget "x" {\n  args = {\n    CLAUDE_VERSION = V # here\n  }\n}\n')
    target = repo.collect(str(tmp_path))
    assert sorted(specs(target)) == [
        ("1.0.1", "Dockerfile", 2), ("1.0.2", "compose.yaml", 3), ("1.0.3", "Makefile", 1), ("1.0.4", "build.sh", 1), ("1.0.5", "docker-bake.hcl", 2),
    ]  # fmt: skip


def test_settings_that_are_written_in_the_dockerfile(tmp_path: Path) -> None:
    text = (
        f"FROM a\nRUN npm i -g {PACKAGE}@2.1.310\n"
        'RUN mkdir -p /etc/claude-code && \\\n    echo \'{"env": {"DISABLE_AUTOUPDATER": "1"}}\' > /etc/claude-code/managed-settings.json\n'
        'COPY <<EOF /etc/claude-code/managed-settings.d/a.json\n{\n  "model": "opus"\n}\nEOF\n'
    )
    found = collected(tmp_path, Dockerfile=text).settings
    assert [(one.key, one.value, one.scope, one.place.line, one.user) for one in found] == [
        (("env", "DISABLE_AUTOUPDATER"), "1", "managed", 4, "Dockerfile"), (("model",), "opus", "drop-in", 7, "Dockerfile"),
    ]  # fmt: skip


def test_settings_are_copied_from_where_the_image_is_built(tmp_path: Path) -> None:
    target = collected(
        tmp_path,
        images_S_Dockerfile=f"FROM a\nRUN npm i -g {PACKAGE}@2.1.310\nCOPY config/ /etc/claude-code/\n",
        compose__yml="services:\n  a:\n    build: {context: ., dockerfile: images/Dockerfile}\n# claude\n",
        config_S_README__md="{}",
    )
    (tmp_path / "config" / "managed-settings.json").write_text('{"model": "opus"}')
    target = repo.collect(str(tmp_path))
    assert [(one.value, one.place.file) for one in target.settings if one.user == "images/Dockerfile"] == [("opus", "config/managed-settings.json")]


def test_no_secret_is_in_a_fact(tmp_path: Path) -> None:
    secret = "sk-ant-api03-CANARY-7hQ2mZ9xLw4RtB6s"  # nobody's
    text = f"FROM a\nARG ANTHROPIC_API_KEY={secret}\nENV ANTHROPIC_AUTH_TOKEN=$ANTHROPIC_API_KEY HTTPS_PROXY=http://u:{secret}@p\nRUN npm i -g {PACKAGE}@1.0.1\n"
    target = collected(tmp_path, Dockerfile=text, compose__yml=f"services:\n  a:\n    image: a\n    command: claude\n    environment: {{ANTHROPIC_API_KEY: {secret}}}\n")
    assert {(one.kind, one.place.file) for one in target.credentials} >= {("ANTHROPIC_API_KEY", "Dockerfile"), ("url", "Dockerfile"), ("ANTHROPIC_API_KEY", "compose.yml")}
    assert "CANARY" not in repr(target)


HOSTILE = {
    "a line without end": f"FROM a\nRUN npm i -g {PACKAGE}@1.0.1 \\\n" + "a \\\n" * 240_000,
    "arguments without end": "ARG A=claude\n" * 80_000,
    "stages without end": "".join(f"FROM a AS s{at}\nRUN npm i {PACKAGE}\n" for at in range(5_000)),
    "names without end": "FROM a\n" + "".join(f"ENV A{at}=claude\n" for at in range(2_000)),
    "dollars": f"FROM a\nENV A={'${' * 200_000}\nRUN npm i {PACKAGE}@{'${A:-' * 50_000}$A",
    "a long line": f"FROM a\nRUN npm i {PACKAGE} {'a' * 900_000}",
    "quotes": f"FROM a\nENV A={chr(39) + chr(34)}{chr(34) * 300_000} claude",
    "heredocs": "".join(f"RUN claude <<E{at}\n" for at in range(40_000)),
    "braces": f"FROM a\nRUN npm i {PACKAGE}@{'{{' * 300_000}",
    "a long list": f"FROM a\nCMD [{','.join(['claude'.join(chr(34) * 2)] * 50_000)}]",
    "brackets": f"FROM a\nCMD {'[' * 300_000}claude",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_take_bounded_time(tmp_path: Path, name: str) -> None:
    (tmp_path / "Dockerfile").write_text(HOSTILE[name])
    begun = time.process_time()
    repo.collect(str(tmp_path))
    assert time.process_time() - begun < 15  # each takes less than 3 s; what is quadratic takes minutes


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("FROM a\nclaude --version\n", "Dockerfile:2"),
        ("FROM a\0claude", "Dockerfile"),
        (f"FROM a\nRUN claude {'a' * 1_100_000}", "Dockerfile"),
        ("FROM a\n" + "".join(f"ENV A{at}=claude\n" for at in range(2_000)), "Dockerfile:1002"),
        ("FROM a\n" * 300 + "RUN claude", "Dockerfile:201"),
    ],
)
def test_what_cannot_be_read_is_a_gap(tmp_path: Path, text: str, gap: str) -> None:
    assert [str(one.place) for one in collected(tmp_path, Dockerfile=text).gaps] == [gap]


@pytest.mark.parametrize("name", ["Dockerfile.md", "Dockerfile.dockerignore", "dockerfiles_S_notes"])
def test_what_is_no_dockerfile(tmp_path: Path, name: str) -> None:
    target = collected(tmp_path, **{name.replace(".", "__"): f"To install claude:\n\nnpm i -g {PACKAGE}\n"})
    assert (target.declared, target.gaps) == ((), ())


@pytest.mark.parametrize("name", ["Dockerfile.j2", "x.Dockerfile.tpl", "Dockerfile-dev", "dockerfiles_S_agent", "Containerfile.base", "a-dockerfile", "b.containerfile"])
def test_names_of_dockerfiles(tmp_path: Path, name: str) -> None:
    text = f"{{% if x %}}\nFROM {{{{ base }}}}\n{{% endif %}}\nRUN npm i -g {PACKAGE}@1.0.1\n"
    assert [fact.spec for fact in collected(tmp_path, **{name.replace(".", "__"): text}).declared] == ["1.0.1"]
