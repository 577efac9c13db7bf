"""A version that is asked for, with where it is written, as the fact ``Declared``."""

from __future__ import annotations

from cc_fleet.host import redact
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

    A version is at the place where it is written, if that is another line than the statement's. ``pin``
    has an empty text where the statement would say a version.
    """
    about = Declared(asked.product, None, asked.installer, asked.statement, job=asked.job, pin=pin, scheme=asked.scheme)
    if spec is None or spec.text == "":
        return about
    if UNKNOWN in spec.text or spec.why:
        return about._replace(unresolved=spec.why or "what cannot be read here", pin=None)
    if redact.is_token(spec.text):
        return about._replace(unresolved="a text that looks like a secret", pin=None)
    if spec.place is None or spec.place[:2] == asked.statement[:2]:
        return about._replace(spec=spec.text, pin=pin or _written(spec))
    return about._replace(spec=spec.text, place=spec.place, used=asked.statement, pin=_written(spec))


def _written(spec: Filled) -> Place | None:
    """The characters of the version, where they are known one by one."""
    place = spec.place
    return place if place is not None and place.column is not None and place.text == spec.text else None
