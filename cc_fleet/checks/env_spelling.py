"""A variable looks like one of Claude Code's and is not, or its value means something else.

`CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETA` is nobody's variable, and `"2"` is no way to say yes.
Some variables are switched on by any text, so that `0` switches them on: those are advisories
(`check: env-spelling`). The list of documented names ages, so a name is only reported where it
is a near miss of a known one.

**Fix**: write the name or value that is meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, reported, who
from cc_fleet.client import shown, truth
from cc_fleet.model import REDACTED, Fix, Place, Problem
from cc_fleet.policy import Policy

SEVERITY = "warning"
# Of a number in another form the advisories tell which version reads what.
ADVISED = frozenset(("MAX_THINKING_TOKENS", "CLAUDE_CODE_MAX_OUTPUT_TOKENS"))


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    yield from reported(policy, subject, "env-spelling")
    said = [(v.name, v.value, v.place) for v in subject.target.variables]
    said += [(s.key[1], s.value, s.place) for s in subject.target.settings if s.key[0] == "env" and len(s.key) == 2]
    for name, value, place in said:
        if name in policy.env:
            continue  # the policy's own rule speaks of its value
        if (meant := truth.meant(name)) is not None:
            yield Problem(name, f"{name} is not a variable of Claude Code; {meant} is", place, Fix(who(place), f"rename it to {meant}"))
        elif value not in (None, "", REDACTED):
            yield from _value(name, value, place)


def _value(name: str, value: object, place: Place) -> Iterator[Problem]:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if name in truth.NUMBERS and truth.integer(text) is None and not (name in ADVISED and text[:1].isdigit()):
        read = truth.concurrency(text, (2, 1, 153)) if name == truth.CONCURRENCY else None
        told = f", and up to 2.1.153 is read as {read}" if read is not None else ""
        message = f"{name} is {shown(value)}, which is no whole number in plain digits{told}"
        yield Problem(name, message, place, Fix(who(place), "write plain digits"))
    elif truth.is_switch(name) and not truth.is_switch_word(text):
        yield Problem(name, f"{name} is {shown(value)}, which the client reads as off", place, Fix(who(place), 'write "1" to switch it on, "0" to say that it is off'))
