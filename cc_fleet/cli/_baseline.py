"""The baseline of an audit: read, applied, and rewritten where that is asked."""

from __future__ import annotations

import os
import sys
import tempfile

from cc_fleet import baseline
from cc_fleet.cli import InputError
from cc_fleet.report import Report, counts


def applied(report: Report, file: str, write: str | None) -> Report:
    """``report`` with what the baseline knows waived; the file is made where it is not there and ``write`` says so."""
    known = _read(file, may_miss=write is not None)
    repositories = {target.name for target in report.targets if target.kind == "repository"}
    gone = baseline.fixed(known or (), report.findings, repositories)
    if write is not None:
        kept = [one for one in known or () if one not in gone]
        found = [baseline.of(finding, repositories) for finding in report.findings if counts(finding)]
        _write(file, baseline.dump(found if write == "all" or known is None else kept))
        known = tuple(found) if write == "all" or known is None else tuple(kept)
    elif gone:
        print(f"cc-fleet: {len(gone)} of {len(known or ())} in {file} are fixed; --write-baseline prune takes them out", file=sys.stderr)
    prints = frozenset(one.fingerprint for one in known or ())
    return report._replace(findings=tuple(baseline.applied(known or (), report.findings, repositories)), baseline=prints)


def _read(file: str, *, may_miss: bool) -> tuple[baseline.Known, ...] | None:
    try:
        with open(file, "rb") as opened:
            data = opened.read(baseline.SIZE + 1)
    except FileNotFoundError:
        if may_miss:
            return None
        raise InputError(f"{file}: no such baseline; --write-baseline all makes it") from None
    except OSError as err:
        raise InputError(f"{file}: {(err.strerror or 'cannot be read').lower()}") from None
    if len(data) > baseline.SIZE:
        raise InputError(f"{file}: is larger than {baseline.SIZE // 1024**2} MiB")
    try:
        return baseline.load(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(f"{file}: is not UTF-8 text") from None
    except baseline.BaselineError as err:
        where, _, what = str(err).partition(": ")
        raise InputError(f"{file}:{where.removeprefix('line ')}: {what}") from None


def _write(file: str, text: str) -> None:
    """Write the whole file or nothing of it."""
    folder = os.path.dirname(os.path.abspath(file))
    try:
        descriptor, name = tempfile.mkstemp(prefix=".cc-fleet-", dir=folder)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
                out.write(text)
            os.chmod(name, os.stat(file).st_mode & 0o777 if os.path.exists(file) else 0o644)
            os.replace(name, os.path.realpath(file))
        except OSError:
            os.unlink(name)
            raise
    except OSError as err:
        raise InputError(f"{file}: {(err.strerror or 'cannot be written').lower()}") from None
