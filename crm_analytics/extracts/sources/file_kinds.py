"""Tell what a file is by its bytes; its name is only what somebody called it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Final, Literal

from crm_analytics.errors import SourceError, TooLargeError

FileKind = Literal[
    "text", "xlsx", "xls", "ods", "parquet", "arrow", "gzip", "bzip2", "xz", "sqlite", "duckdb"
]

_HEADS: Final[tuple[tuple[int, bytes, FileKind], ...]] = (
    (0, b"PAR1", "parquet"),
    (0, b"ARROW1", "arrow"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
    (0, b"SQLite format 3\x00", "sqlite"),
    (8, b"DUCK", "duckdb"),
)
_REFUSED: Final = (
    (b"%PDF", "a PDF document", "Export the table behind it as CSV or Excel."),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"\x89PNG", "a picture", "Export the table behind it as CSV or Excel."),
    (b"\xff\xd8\xff", "a picture", "Export the table behind it as CSV or Excel."),
    (b"\x7fELF", "a program", "Give a table."),
)
_MOST_UNPACKED: Final = 2 << 30
_MOST_RATIO: Final = 200  # tables of text shrink to a tenth or a twentieth
_ALWAYS_FINE: Final = 16 << 20
_STEP: Final = 1 << 20


def sniff(path: Path) -> FileKind:
    """Tell the kind of a file by its first bytes.

    Raises
    ------
    SourceError
        It does not exist, cannot be opened, or is of a kind that holds no table.
    """
    head = _head(path)
    for at, mark, kind in _HEADS:
        if head[at:].startswith(mark):
            return kind
    if head.startswith(b"PK"):
        return _in_zip(path)
    for mark, what, remedy in _REFUSED:
        if head.startswith(mark):
            raise _refused(path, what, remedy)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<table")):
        raise _refused(
            path, "a web page or XML", "Download the file itself, or save it from Excel as .xlsx or CSV."
        )
    if start.startswith((b'{"', b"[{", b"[ {", b"[\n")):
        raise _refused(path, "a JSON file", "Export the table as CSV, Excel or Parquet.")
    return "text"


def unpacked(path: Path, kind: FileKind) -> bytes:
    """Unpack a compressed text file, but no more of it than a table of text can hold.

    Raises
    ------
    TooLargeError
        It unfolds to more than 2 GiB, or to more than 200 times its size.
    """
    most = max(_ALWAYS_FINE, min(_MOST_UNPACKED, _MOST_RATIO * path.stat().st_size))
    out = io.BytesIO()
    try:
        with _stream(path, kind) as stream:
            while piece := stream.read(_STEP):
                if out.tell() + len(piece) > most:
                    raise _unfolds(path, most)
                out.write(piece)
    except (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError) as error:
        raise SourceError(
            f"{path.name} cannot be unpacked: {error}.",
            "A whole compressed file was expected.",
            "Copy it again.",
        ) from error
    return out.getvalue()


def _stream(path: Path, kind: FileKind) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    if kind == "gzip":
        return gzip.open(path)
    return bz2.open(path) if kind == "bzip2" else lzma.open(path)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except FileNotFoundError:
        raise SourceError.not_found(path) from None
    except OSError as error:
        raise SourceError(
            f"{path.name} cannot be opened: {error.strerror}.", remedy="Check that it is a file you may read."
        ) from None


def _in_zip(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as package:
            names = set(package.namelist())
            if any(name.startswith("xl/") for name in names):
                return "xlsx"
            if "content.xml" in names:
                return "ods"
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _refused(
            path, f"a damaged workbook or zip archive ({error})", "Copy or save it again."
        ) from error
    raise _refused(path, "a zip archive", "Unpack it first, then give the folder or the files.")


def _refused(path: Path, what: str, remedy: str) -> SourceError:
    return SourceError(f"{path.name} is {what}.", "A CSV, Excel or Parquet file was expected.", remedy)


def _unfolds(path: Path, most: int) -> TooLargeError:
    return TooLargeError(
        f"{path.name} unfolds to more than {most >> 20:,} MB.",
        f"At most {_MOST_UNPACKED >> 20:,} MB and {_MOST_RATIO} times the size of the file are unpacked.",
        "Unpack it yourself, check that it is what it should be, and read the plain file.",
    )
