"""A version that is asked for, with where it is written, as the fact ``Declared``."""

from __future__ import annotations

from cc_fleet.model import Declared, Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading.values import UNKNOWN, Filled


class Asked(NamedTuple):
    """What installs: the product, by what, at which statement, for which image or job.

    ``scheme`` is how it writes ranges: npm, pep440 or exact.
    """

    product: str
    installer: str
    statement: Place
    job: str | None = None
    scheme: str = "exact"


def declared(asked: Asked, spec: Filled | None, pin: Place | None = None) -> Declared:
    """``asked`` with the version ``spec`` (None: it names none).

    A version that a name stands for is at the place of its value. ``pin`` has the characters in the
    statement that say the version, where it says one itself; with an empty text, where one would go.
    """
    about = Declared(asked.product, None, asked.installer, asked.statement, job=asked.job, pin=pin, scheme=asked.scheme)
    if spec is None or spec.text == "":
        return about
    if UNKNOWN in spec.text or spec.why:
        return about._replace(unresolved=spec.why or "what cannot be read here", pin=None)
    if spec.place is None or spec.place[:3] == asked.statement[:3]:
        return about._replace(spec=spec.text)
    pin = spec.place if spec.place.text == spec.text and spec.place.column is not None else None
    return about._replace(spec=spec.text, place=spec.place, used=asked.statement, pin=pin)
