"""A kind of change that takes any of the site's steps, one after the other.

args: ``steps``, a list of ``[write, path, text]``, ``[remove, path]``, ``[link, path, target]``, ``[folder, path, text]`` (a folder with one file takes
the place of the path) and ``[foreign, path, text]`` (a program of somebody else writes there, and is watched).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cc_fleet.host.change import Preview
from cc_fleet.host.files import ABSENT, digest
from cc_fleet.host.site import Site


def preview(site: Site, args: Mapping[str, Any]) -> Preview:
    expects, produces = {}, {}
    for verb, path, *more in args["steps"]:
        looked = f"{path}/file" if verb == "folder" else path
        if verb == "write":
            site.read(path)
        expects[looked] = site.state(looked, follow=verb == "write")
        produces[looked] = ABSENT if verb == "remove" else f"link {more[0]}" if verb == "link" else digest(more[0].encode())
    return Preview(expects, produces)


def apply(site: Site, args: Mapping[str, Any]) -> None:
    for verb, path, *more in args["steps"]:
        if verb == "write":
            site.write(path, more[0].encode(), args.get("mode", 0o644))
        elif verb == "remove":
            site.remove(path)
        elif verb == "link":
            site.symlink(path, more[0])
        elif verb == "folder":
            staged = f"{site.staging(path)}/made"
            os.mkdir(staged)
            with open(f"{staged}/file", "w", encoding="utf-8") as file:
                file.write(more[0])
            site.exchange(staged, path)
        else:
            ended = site.watch([path])
            with open(site.area.top + path, "w", encoding="utf-8") as file:
                file.write(more[0])
            ended()
