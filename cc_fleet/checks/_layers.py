"""What is found in an image, as its builder needs it: with the layer that brought it, and what to write in the Dockerfile."""

from __future__ import annotations

import re

from cc_fleet.model import Finding, Fix, Target

_LONGEST = 80  # characters of a layer's command
_MANAGED = "/etc/claude-code/managed-settings.json"
_TAKES_AWAY = re.compile(r"(?:rm|chmod) |[\w-]+ (?:uninstall|remove|del) |yarn global remove ")
# Where npm puts global packages in an image anyway.
_PREFIX = re.compile(r" --prefix /usr(?:/local)?(?= )")


def told(finding: Finding, target: Target) -> Finding:
    """A finding on an image; its fingerprint stays what it is, however the image is cut into layers."""
    problem = finding.problem
    fix = _in_dockerfile(problem.fix) if problem.fix is not None else None
    return finding._replace(problem=problem._replace(message=f"{problem.message}{named(target, problem.place.layer)}", fix=fix))


def named(target: Target, number: int | None) -> str:
    """A layer in brackets, with the command that made it; nothing where a thing is of none."""
    if number is None:
        return ""
    command = next((layer.command for layer in target.layers if layer.number == number), None) or ""
    command = command if len(command) <= _LONGEST else f"{command[: _LONGEST - 1].rstrip()}…"
    return f" (layer {number} of {len(target.layers)}{f': {command}' if command else ''})" if target.layers else f" (layer {number})"


def built(command: str) -> str:
    """A command for a machine as a build runs it: nobody answers it, and no copy is there that could install another."""
    command = _PREFIX.sub("", command, count=1)
    command = re.sub(r"^claude install (?=\S+$)", "curl -fsSL https://claude.ai/install.sh | bash -s ", command)
    return re.sub(r"^(apt-get|dnf) (install|remove) ", r"\1 \2 -y ", command)


def _in_dockerfile(fix: Fix) -> Fix:
    """What to write where the image is made: nobody changes an image by hand."""
    who = "you" if fix.who == "admin" else fix.who
    if fix.command is None:
        return Fix(who, f"{fix.summary}, by `COPY managed-settings.json {_MANAGED.rpartition('/')[0]}/`" if _MANAGED in fix.summary else fix.summary)
    command = built(fix.command)
    if _TAKES_AWAY.match(command):
        return Fix(who, f"in the Dockerfile, {fix.summary} in the RUN that brings it, so that no layer has it: `{command}`")
    return Fix(who, f"in the Dockerfile, {fix.summary}: `RUN {command}`")
