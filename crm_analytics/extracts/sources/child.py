"""The child process of `limits`: bound itself, read one file, leave the answer in the folder it was given."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from crm_analytics.errors import CrmError, SourceError, TooLargeError


def main(folder: str) -> None:
    """Read what request.json asks for and write answer.json, frame.arrow and unreadable.arrow."""
    home = Path(folder)
    request = json.loads((home / "request.json").read_text(encoding="utf-8"))
    _bound(request["limits"])
    path = Path(request["path"])
    try:
        answer = _read(home, path, request["options"])
    except CrmError as error:
        answer = _told(error)
    except MemoryError:
        answer = _told(_too_large(path))
    except Exception as error:  # noqa: BLE001 - whatever a library throws, the parent gets a sentence
        answer = _told(_too_large(path) if "File too large" in str(error) else _failed(path, error))
    (home / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _bound(limits: dict[str, Any]) -> None:
    try:
        import resource  # noqa: PLC0415 - POSIX only
    except ImportError:
        return
    space = int(limits["memory_mb"]) << 20
    seconds = int(limits["cpu_seconds"])
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (space // 2, space // 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(home: Path, path: Path, options: dict[str, Any]) -> dict[str, Any]:
    from crm_analytics.extracts.sources.any_source import read_file  # noqa: PLC0415 - after the bounds are set

    raw = read_file(path, **options, held=True)
    raw.frame.sink_ipc(home / "frame.arrow")
    raw.unreadable.write_ipc(home / "unreadable.arrow")
    return {"source": raw.source, "kind": raw.kind, "details": dict(raw.details), "notes": list(raw.notes)}


def _told(error: CrmError) -> dict[str, Any]:
    told = {
        "class": type(error).__name__,
        "found": error.found,
        "expected": error.expected,
        "remedy": error.remedy,
    }
    return {"error": told}


def _too_large(path: Path) -> TooLargeError:
    return TooLargeError(
        f"{path.name} asks for more memory than is allowed.",
        remedy="Save it as CSV with only the columns needed.",
    )


def _failed(path: Path, error: Exception) -> SourceError:
    why = (str(error).splitlines() or [type(error).__name__])[0][:300]
    return SourceError(
        f"{path.name} cannot be read: {why}",
        "A whole, undamaged file was expected.",
        "Open it in the program that made it and save it again, or export it as CSV.",
    )


if __name__ == "__main__":
    main(sys.argv[1])
