"""Writing files whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perturbviz.errors import UserError

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file that takes the place of ``path`` where the block ends well; otherwise the old file stays.

    It is called ``.NAME-….part``, so that what a killed process leaves behind is not taken for data.

    Raises
    ------
    UserError
        Where the disk is full or the folder cannot be written to: one sentence, nothing has changed.
    """
    path = Path(path)
    temporary = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".part", dir=path.parent)
        temporary = Path(name)
        os.close(handle)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if (code := _code(error)) in _DISK:
            raise UserError(
                f"{path} could not be written ({os.strerror(code)}), and nothing was changed: "
                "make room or choose another folder."
            ) from error
        raise


def _code(error: BaseException) -> int:
    """The system's error number, 0 where there is none; h5py only names it where closing a file fails."""
    if isinstance(error, OSError):
        return error.errno or 0
    named = re.search(r"errno = (\d+)", str(error)) if isinstance(error, RuntimeError) else None
    return int(named[1]) if named else 0


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
