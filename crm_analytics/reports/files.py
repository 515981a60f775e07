"""Files that are whole or not there: what is written replaces the old file in one step.

A crash, a full disk or a pulled plug leaves the old file or the new one, never a torn one.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from contextlib import suppress
from pathlib import Path

from crm_analytics.errors import SourceError


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write a file in one step: beside its place first, then into it.

    The data reach the disk before the name does. What an earlier, killed writer of this file left behind is removed.

    Parameters
    ----------
    path
        Where to; missing folders are made, a link is followed, an existing file keeps its permissions.
    data
        The whole content.

    Returns
    -------
    Path
        The path as given.

    Raises
    ------
    SourceError
        If the file cannot be written; an older file is then untouched.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():  # a pipe or a device such as /dev/stdout
            target.write_bytes(data)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            _sweep(target)
            _replace(target, data)
    except OSError as error:
        raise SourceError.not_written(path, error.strerror or str(error)) from error
    return Path(path)


def _replace(target: Path, data: bytes) -> None:
    beside = target.with_name(f"{_prefix(target)}{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            beside.chmod(target.stat().st_mode)
        beside.replace(target)
    except BaseException:  # a Ctrl-C must not leave rubbish behind either
        with suppress(OSError):
            beside.unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network drives refuse; the file itself is safe
        pass
    finally:
        os.close(handle)


def _prefix(target: Path) -> str:
    host = re.sub(r"\W", "", socket.gethostname())[:20]
    return f".{target.name[:100]}.{host}-"


def _sweep(target: Path) -> None:
    """Remove what writers of this very file left that were killed on this machine."""
    prefix = _prefix(target)
    for left in target.parent.iterdir():
        if left.name.startswith(prefix) and left.name.endswith(".tmp"):
            pid = left.name.removeprefix(prefix).partition("-")[0]
            if pid.isdigit() and not _runs(int(pid)):
                left.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    if os.name != "posix":  # there, signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
