"""VS Code, its forks and their remote servers: what each is called, and where it keeps its things.

Only a home that has the editor's own folder (``~/.vscode``) is looked at further, so that a home
without editors costs two listings (facts/claude-code.md 4, facts/enforcement.md B).
"""

# Annotations are not postponed here: as texts each would be compiled at start.
from typing import Iterator, NamedTuple, Union

from ..model import Gap
from .machine import Machine, User
from .text import read_folder

# The folder in the home: the editor, and its folder where programs keep a user's settings.
_DESKTOP = {
    ".vscode": ("vscode", "Code"), ".vscode-insiders": ("vscode-insiders", "Code - Insiders"),
    ".vscode-oss": ("vscodium", "VSCodium"), ".vscodium": ("vscodium", "VSCodium"),
    ".cursor": ("cursor", "Cursor"), ".windsurf": ("windsurf", "Windsurf"),
    ".antigravity": ("antigravity", "Antigravity"), ".antigravity-ide": ("antigravity", "Antigravity"),
}  # fmt: skip
_SERVERS = {
    ".vscode-server": "vscode-server", ".vscode-server-insiders": "vscode-server-insiders", ".vscode-remote": "vscode-remote",
    ".vscodium-server": "vscodium-server", ".cursor-server": "cursor-server", ".windsurf-server": "windsurf-server",
    ".antigravity-server": "antigravity-server",
}  # fmt: skip
CODE_SERVER = "code-server"


class Editor(NamedTuple):
    """An editor of a user: the folder of its extensions, and that of its data (``User``, ``Machine``)."""

    name: str
    extensions: str
    data: str


def found(machine: Machine, user: User) -> Iterator[Union[Editor, Gap]]:
    """The editors that ``user`` has."""
    names = read_folder(machine.tree, user.home)
    if isinstance(names, Gap):
        yield names
        return
    present = set(names) if machine.os == "linux" else {name.lower() for name in names}
    home, config, data = (folder.replace("~", user.home, 1) for folder in ("~", machine.layout.config, machine.layout.data))
    for folder, (name, product) in _DESKTOP.items():
        if folder in present:
            yield Editor(name, f"{home}/{folder}/extensions", f"{config}/{product}")
    for folder, name in _SERVERS.items():
        if folder in present:
            yield Editor(name, f"{home}/{folder}/extensions", f"{home}/{folder}/data")
    own = f"{data}/code-server/Data" if machine.os == "windows" else f"{data}/code-server"
    names = read_folder(machine.tree, own)
    if names and not isinstance(names, Gap):
        yield Editor(CODE_SERVER, f"{own}/extensions", own)


WANTS = ("~", "~/*/code-server", "~/*/code-server/Data")
