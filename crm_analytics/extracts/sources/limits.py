"""Read a file in a child process with bounds on memory and time, so that no file can take the program down.

The reading libraries are written for trusted data: a crafted file may ask them for any amount of memory or end
their process. The child has bounds, hands its result back in Arrow files in a private folder, and whatever becomes
of it, the parent gets a table or a typed error.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from crm_analytics import errors
from crm_analytics.errors import CrmError, SourceError, TooLargeError
from crm_analytics.extracts.raw import RawTable

_PACKAGE_HOME: Final = Path(__file__).resolve().parents[2]
_KEPT_ENVIRONMENT: Final = (
    "PATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "HOME",
    "LD_LIBRARY_PATH",
)
_OUT_OF_TIME: Final = {-24, -14, 152}  # SIGXCPU and its kin


@dataclass(frozen=True)
class Limits:
    """What a reader may use.

    Parameters
    ----------
    memory_mb
        Address space in MiB (POSIX only). 4 GiB holds a sheet of a million rows many times over.
    cpu_seconds
        Processor time (POSIX only).
    wall_seconds
        Time by the clock; an upload that takes longer would look like a page that hangs.
    """

    memory_mb: int = 4096
    cpu_seconds: int = 120
    wall_seconds: float = 120.0


def read_in_child(path: Path, options: Mapping[str, Any], limits: Limits | None = None) -> RawTable:
    """Read one file in a child process.

    Parameters
    ----------
    path
        The file.
    options
        What `any_source.read_file` takes beside the path; JSON values only.
    limits
        Bounds; the usual ones if None.

    Raises
    ------
    TooLargeError
        The file asked for more memory or time than is allowed.
    SourceError
        The reader failed, in whichever way.
    """
    bounds = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="crm-analytics-read-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        request = {"path": str(path.resolve()), "options": dict(options), "limits": asdict(bounds)}
        (home / "request.json").write_text(json.dumps(request), encoding="utf-8")
        code = _run(home, bounds, path.name)
        return _answer(home, path.name, bounds, code)


def _run(home: Path, bounds: Limits, name: str) -> int:
    command = [sys.executable, "-m", "crm_analytics.extracts.sources.child", str(home)]
    child = subprocess.Popen(  # noqa: S603 - our own module, no shell
        command,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=home,
    )
    try:
        return child.wait(timeout=bounds.wall_seconds)
    except subprocess.TimeoutExpired:
        raise _too_slow(name, f"{bounds.wall_seconds:g} seconds") from None
    finally:
        with suppress(OSError):
            child.kill()
        child.wait()


def _environment() -> dict[str, str]:
    """Give the child what it needs to start and nothing else: no passwords of ours are in reach of a hostile file."""
    kept = {key: os.environ[key] for key in _KEPT_ENVIRONMENT if key in os.environ}
    places = [str(_PACKAGE_HOME), *(place for place in sys.path if place)]
    return kept | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(places)), "POLARS_MAX_THREADS": "2"}


def _answer(home: Path, name: str, bounds: Limits, code: int) -> RawTable:
    said = home / "answer.json"
    if code != 0 or not said.exists():
        raise _ended(name, bounds, code)
    answer = json.loads(said.read_text(encoding="utf-8"))
    if "error" in answer:
        raise _error(answer["error"])
    frame, unreadable = (_held(home / f"{part}.arrow") for part in ("frame", "unreadable"))
    return RawTable(
        frame.lazy(), answer["source"], answer["kind"], answer["details"], unreadable, tuple(answer["notes"])
    )


def _held(file: Path) -> pl.DataFrame:
    """Load a frame into memory, so that nothing points into the folder that is about to go."""
    return pl.read_ipc(io.BytesIO(file.read_bytes()))


def _error(told: Mapping[str, str]) -> CrmError:
    kind = getattr(errors, told["class"], SourceError)
    made: CrmError = kind(told["found"], told["expected"], told["remedy"])
    return made


def _ended(name: str, bounds: Limits, code: int) -> SourceError:
    if code in _OUT_OF_TIME:
        return _too_slow(name, f"{bounds.cpu_seconds} seconds of processor time")
    return TooLargeError(
        f"{name} could not be read within {bounds.memory_mb:,} MB of memory.",
        "A file whose cells fit into memory was expected.",
        "It may be damaged or made to do harm. If it is sound, save it as CSV with only the columns needed.",
    )


def _too_slow(name: str, bound: str) -> TooLargeError:
    return TooLargeError(
        f"{name} could not be read within {bound}.",
        "A file that opens sooner was expected.",
        "Save it as CSV or Parquet with only the columns and years needed.",
    )
