"""The groups of machines, from the CSV file that a policy names: ``machine,group``, further columns are further groups.

A machine is named by its machine id or its name.  A first line ``machine,group``, empty lines
and lines that begin with ``#`` say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cc_fleet.decode import DecodeError

SIZE = 64 * 1024 * 1024  # a million machines
_TOLD = 20


def parse(data: bytes, file: str) -> Mapping[str, tuple[str, ...]]:
    """The groups of each machine; DecodeError with the lines of ``file`` that are wrong."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise DecodeError(f"{file}:{line}: is not UTF-8 text") from None
    found: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    wrong: list[str] = []
    for line, (machine, *groups) in _rows(text, file):
        if what := _wrong(machine, groups, lines):
            wrong.append(f"{file}:{line}: {what}")
            if len(wrong) == _TOLD:
                break
            continue
        if found or not _is_header(machine, groups):
            found[machine] = tuple(dict.fromkeys(filter(None, groups)))
            lines[machine] = line
    if wrong:
        raise DecodeError("\n".join(wrong))
    return found


def _wrong(machine: str, groups: list[str], lines: dict[str, int]) -> str | None:
    if not machine:
        return "the machine is missing; write its id or name, then its group"
    if not groups or not groups[0]:
        return f"the group of {machine} is missing; write {machine},GROUP"
    if machine in lines:
        return f"{machine} stands here and in line {lines[machine]}; write all its groups in one line"
    return "a quotation mark inside a name" if '"' in machine or any('"' in group for group in groups) else None


def _is_header(machine: str, groups: list[str]) -> bool:
    return machine.lower() == "machine" and all(group.lower() in ("group", "groups") for group in groups)


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line, with its number."""
    import csv

    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    reader = csv.reader(("" if line.lstrip()[:1] == "#" else line for line in lines), strict=True)
    at = 0
    wrong = "a quotation mark that its line does not close, or text after one that does"
    try:
        for at, row in enumerate(reader, 1):
            if reader.line_num != at:
                break
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield at, cells
        else:
            return
    except csv.Error:
        at += 1
    raise DecodeError(f"{file}:{at}: {wrong}")
