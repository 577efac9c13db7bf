"""A plugin is a module in the right folder; its file name is its name."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import import_module
from types import ModuleType

from .layout import LAYOUTS


@lru_cache(maxsize=None)
def names(package: str) -> tuple[str, ...]:
    """The module names of ``package``, sorted.

    A folder is listed, which costs a tenth of ``pkgutil`` with its imports; only inside a
    zipapp, where there is no folder to list, does ``pkgutil`` look.
    """
    (folder,) = import_module(package).__path__
    try:
        found = [name[:-3] for name in os.listdir(folder) if name.endswith(".py")]
    except NotADirectoryError:
        import pkgutil

        found = [module.name for module in pkgutil.iter_modules([folder])]
    return tuple(sorted(name for name in found if not name.startswith("_")))


@lru_cache(maxsize=None)
def modules(package: str, system: str = "") -> dict[str, ModuleType]:
    """The modules of ``package`` by name, sorted, ``env_flag`` shown as ``env-flag``.

    With a ``system``, those whose names begin with another one (``windows_``) are not loaded.
    """
    others = tuple(f"{other}_" for other in LAYOUTS if system and other != system)
    return {n.replace("_", "-"): import_module(f"{package}.{n}") for n in names(package) if not n.startswith(others)}
