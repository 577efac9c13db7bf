"""The baseline of an audit: read, applied, and rewritten where that is asked."""

from __future__ import annotations

import os
import sys

from cc_fleet import baseline
from cc_fleet.cli import InputError
from cc_fleet.cli._replace import replace
from cc_fleet.report import Report


def applied(report: Report, file: str, write: str | None) -> Report:
    """``report`` with what the baseline knows waived; ``write`` (prune, all) says what becomes of the file."""
    known = _read(file, may_miss=write is not None)
    if write is None and known is not None:
        return baseline.applied(known, report)
    today = report.time[:10]
    new = baseline.renewed(known, report, today) if write == "all" or known is None else baseline.pruned(known, report, today)
    text = baseline.dump(new)
    if known is None or text != baseline.dump(known):
        replace(file, text.encode())
    print(f"cc-fleet: {file}: {_written(known, new)}", file=sys.stderr)
    judged = baseline.applied(new, report)
    return judged._replace(fixed=baseline.applied(known, report).fixed if known is not None else 0)


def _written(known: baseline.Baseline | None, new: baseline.Baseline) -> str:
    before, after = set(known.findings if known else ()), set(new.findings)
    if before == after and known is not None:
        return f"nothing to change, {len(after)} known"
    return f"{len(after - before)} added, {len(before - after)} taken out, {len(after)} known"


def _read(file: str, *, may_miss: bool) -> baseline.Baseline | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            data = opened.read(baseline.SIZE + 1) or b""
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
        raise InputError(f"{file}:{err}") from None
