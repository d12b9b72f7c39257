"""When a file was made: what tells it from a later one that got the inode of a deleted file.

Python's `os.stat` does not say it on Linux; statx(2) does, where the file system keeps it (ext4, xfs, btrfs, tmpfs).
"""

import ctypes
import os
import struct
from functools import cache
from typing import Any

_AT_FDCWD, _AT_SYMLINK_NOFOLLOW = -100, 0x100
_STATX_INO, _STATX_BTIME = 0x100, 0x800
_SIZE, _INO_AT, _BTIME_AT = 256, 32, 80


@cache
def _statx() -> Any:
    function = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p)
    return function


def born(path: str, inode: int) -> str | None:
    """Seconds and nanoseconds of the birth of the file of this inode at a path; None where nobody knows."""
    statx, answer = _statx(), ctypes.create_string_buffer(_SIZE)
    wanted = _STATX_INO | _STATX_BTIME
    if statx is None or statx(_AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, wanted, answer):
        return None
    (mask,) = struct.unpack_from("=I", answer)
    (found,) = struct.unpack_from("=Q", answer, _INO_AT)
    seconds, nanoseconds = struct.unpack_from("=qI", answer, _BTIME_AT)
    return f"{seconds}.{nanoseconds}" if mask & _STATX_BTIME and found == inode else None
