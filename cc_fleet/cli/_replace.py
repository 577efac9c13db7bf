"""A file replaced in one step: all of it or nothing, its mode and owner as they were."""

from __future__ import annotations

import os
import stat

from cc_fleet.cli import InputError


def replace(file: str, data: bytes) -> None:
    """The file that ``file`` names, through a link, with ``data`` in it; made where it is not there."""
    real = os.path.realpath(file)
    beside = os.path.join(os.path.dirname(real), f".{os.path.basename(real)}.{os.getpid()}")
    try:
        found = os.stat(real) if os.path.lexists(real) else None
        if found is not None:
            os.close(os.open(real, os.O_WRONLY | os.O_NONBLOCK))  # whoever may not write it may not replace it either
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if found is None else 0o600)
        try:
            with os.fdopen(descriptor, "wb") as out:
                if found is not None:
                    if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
                        os.fchown(descriptor, found.st_uid, found.st_gid)
                    os.fchmod(descriptor, stat.S_IMODE(found.st_mode))
                out.write(data)
                out.flush()
                os.fsync(descriptor)
            os.replace(beside, real)
        except OSError:
            os.unlink(beside)
            raise
    except OSError as err:
        raise InputError(f"{file}: {(err.strerror or 'cannot be written').lower()}; nothing was changed") from None
