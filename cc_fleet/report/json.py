"""The report as JSON, ``cc-fleet/report/1``: the contract that other programs rely on (DESIGN 6)."""

from __future__ import annotations

import json
from typing import Any

from cc_fleet import __version__
from cc_fleet.host.document import plain
from cc_fleet.model import Finding, Target
from cc_fleet.report import About, Report, Route, Style, verdict

_INSTALL = ("product", "version", "method", "active_for", "place", "bundled_in", "intact", "pinned")
_DECLARED = ("product", "spec", "installer", "resolved", "place")


def render(report: Report, style: Style = Style()) -> str:
    return json.dumps(document(report), indent=1) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as plain JSON values."""
    about, findings = report.about, report.by_target()
    verdicts = [verdict(target, findings.get(target.name, ())) for target in report.targets]
    return {
        "schema": "cc-fleet/report/1",
        "tool": {"name": "cc-fleet", "version": __version__},
        "policy": {"name": about.policy, "files": list(about.files), "sha256": about.sha256, "contact": about.contact, "parts": [_policy(part) for part in about.parts]},
        "advisories": {"count": about.advisories, "sha256": about.advisories_sha256},
        "time": report.time,
        "targets": [_target(*told) for told in zip(report.targets, verdicts, report.overlays(), report.routes(), strict=True)],
        "findings": [_finding(finding) for finding in report.findings],
        "summary": {
            "targets": len(report.targets),
            "errors": report.count("error"),
            "warnings": report.count("warning"),
            "notes": report.count("note"),
            "waived": sum(1 for finding in report.findings if finding.waived),
            "gaps": sum(len(target.gaps) for target in report.targets),
            "fixed": report.fixed,
            "verdict": overall(verdicts),
        },
    }


def overall(verdicts: list[str]) -> str:
    """The worst of the targets' verdicts; nothing-checked only where nothing was found anywhere."""
    for worst in ("findings", "gaps", "compliant"):
        if worst in verdicts:
            return worst
    return "nothing-checked"


def _policy(about: About) -> dict[str, Any]:
    return {"name": about.policy, "files": list(about.files), "sha256": about.sha256}


def _target(target: Target, found: str, overlays: tuple[str, ...], ways: tuple[Route, ...]) -> dict[str, Any]:
    return {
        "kind": target.kind, "name": target.name, "machine_id": target.machine_id, "groups": list(target.groups),
        "overlays": list(overlays), "os": target.os, "verdict": found, "collected_at": target.collected_at,
        "installs": [{name: plain(getattr(install, name)) for name in _INSTALL} for install in target.installs],
        "declared": [{name: plain(getattr(fact, name)) for name in _DECLARED} for fact in target.declared],
        "routes": [plain(route) for route in ways],
        "gaps": [plain(gap) for gap in target.gaps],
        "coverage": plain(target.coverage),
        **({"image": plain(target.images[0]), "layers": [plain(layer) for layer in target.layers]} if target.images else {}),
    }  # fmt: skip


def _finding(finding: Finding) -> dict[str, Any]:
    problem = finding.problem
    return {
        "check": finding.check, "advisory": problem.advisory, "severity": finding.severity, "target": finding.target,
        "subject": problem.subject, "message": problem.message, "place": plain(problem.place),
        "fix": plain(problem.fix) if problem.fix else None, "trace": [plain(step) for step in problem.trace],
        "because": problem.because, "fingerprint": finding.fingerprint,
        "waived": plain(finding.waived) if finding.waived else None,
    }  # fmt: skip
