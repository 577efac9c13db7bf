"""A repository's own policy, ``.cc-fleet.yaml`` at its root: from its files, or from one of its revisions.

It is what the repository's people say of themselves, and hostile where somebody else's policy is given:
it reads nothing outside of the repository, and brings neither advisories nor groups.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import posixpath
from collections.abc import Callable

from cc_fleet.host.tree import Disk, Missing, Unreadable
from cc_fleet.policy.load import Loaded, PolicyError, load

NAME = ".cc-fleet.yaml"


def on_disk(root: str) -> Loaded | None:
    """The policy of the repository at ``root`` as it stands there; None where it has none."""
    tree = Disk(root)
    try:
        tree.stat(f"/{NAME}")
    except Missing:
        return None
    except Unreadable as err:
        raise PolicyError(f"{NAME}: {err}") from None

    def read(path: str, most: int) -> bytes:
        try:
            return tree.read(f"/{path}", most)
        except Missing:
            raise PolicyError(f"{path}: no such file in the repository") from None
        except Unreadable as err:
            raise PolicyError(f"{path}: {err}") from None

    return _loaded(read)


def at(show: Callable[[str], bytes | None]) -> Loaded | None:
    """The policy of a revision, of which ``show`` gives a file's bytes, or None where it has no such file."""
    if show(NAME) is None:
        return None

    def read(path: str, _: int) -> bytes:
        data = show(path)
        if data is None:
            raise PolicyError(f"{path}: no such file in that revision")
        return data

    return _loaded(read)


def _loaded(read: Callable[[str, int], bytes]) -> Loaded:
    def inside(path: str, most: int) -> bytes:
        normal = posixpath.normpath(path.replace("\\", "/"))
        if normal.startswith(("../", "/")) or normal == "..":
            raise PolicyError(f"{NAME}:1:1: extends: {path} is outside of the repository")
        data = read(normal, most)
        if len(data) > most:
            raise PolicyError(f"{normal}: is larger than {most // 1024} KiB")
        return data

    loaded = load([NAME], inside)
    if loaded.folders:
        raise PolicyError(f"{NAME}:1:1: advisories: a repository's policy cannot bring advisories; put them beside the policy that is given")
    return loaded
