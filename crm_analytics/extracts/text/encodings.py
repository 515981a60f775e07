"""Bring the bytes of a text file to UTF-8 with one kind of line end, and say what was done."""

from __future__ import annotations

import codecs
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from crm_analytics.errors import OptionError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
Bytes: TypeAlias = bytes | mmap.mmap
"""The content of a file, in memory or mapped from the disk."""

_STEP: Final = 1 << 20
_SAMPLE: Final = 1 << 16
_LARGE: Final = 1 << 30


_JAPANESE: Final = (
    "顧客",
    "会員",
    "お客様",
    "注文",
    "受注",
    "購入",
    "売上",
    "金額",
    "日付",
    "数量",
    "商品",
    "回答",
    "満足",
)


@dataclass(frozen=True)
class Text:
    """The text of a file in UTF-8 with LF or CRLF line ends.

    `as_stored` says that the bytes are those of the file itself, so that an engine may read it from the disk.
    """

    data: Bytes
    encoding: str
    as_stored: bool
    notes: tuple[str, ...] = ()


def to_utf8(data: Bytes, encoding: str | None = None) -> Text:
    """Decode bytes of any usual encoding.

    Parameters
    ----------
    data
        The whole file.
    encoding
        Its encoding where known; found out from byte order mark, NUL pattern, validity and letters if None.
    """
    facts = _look(data)
    name = _checked(encoding) if encoding else _found(data, facts)
    if name in ("utf-8", "utf-8-sig", "ascii") and facts.is_utf8:
        said = "utf-8 with byte order mark" if data[:3] == codecs.BOM_UTF8 else name
        return _clean(data, said, facts, as_stored=True)
    whole = bytes(data)
    if name == "mixed":
        note = "Most of the text is UTF-8 and some lines are not; those were read as cp1252."
        return _recoded(_mixed(whole), "utf-8 and cp1252", (note,))
    text = whole.decode(name, errors="replace").removeprefix("\ufeff")
    unread = text.count("\ufffd")
    notes = (f"{unread:,} characters could not be read as {name} and show as \ufffd.",) if unread else ()
    return _recoded(text, name, notes)


def _recoded(text: str, encoding: str, notes: tuple[str, ...]) -> Text:
    data = text.encode("utf-8", "replace")
    return _clean(data, encoding, _look(data), as_stored=False, notes=notes)


def chunks(data: Bytes, step: int = _STEP) -> Iterator[bytes]:
    """Give the bytes piece by piece."""
    for at in range(0, len(data), step):
        yield data[at : at + step]
        let_go(data, at, min(at + step, len(data)))


def let_go(data: Bytes, start: int, end: int) -> None:
    """Let go of what was looked at of a very large file, so that memory does not fill with it."""
    if isinstance(data, bytes) or len(data) < _LARGE or not hasattr(mmap, "MADV_DONTNEED"):
        return
    first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
    if end > first:
        data.madvise(mmap.MADV_DONTNEED, first, end - first)


def _checked(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, ValueError):
        raise OptionError.out_of_range(
            "encoding", encoding, "the name of a text encoding, e.g. 'utf-8' or 'cp1252'"
        ) from None
    return name


@dataclass
class _Facts:
    """What one pass over the bytes finds."""

    is_ascii: bool = True
    is_utf8: bool = True
    n_nul: int = 0
    n_lone_cr: int = 0
    n_lf_beside_cr: int = 0

    @property
    def ends_in_cr(self) -> bool:
        """Tell whether lines end in CR, as on Macs of old."""
        return self.n_lone_cr > self.n_lf_beside_cr


def _look(data: Bytes) -> _Facts:
    """Look at all bytes once; a large file is not worth a second pass."""
    facts, decoder = _Facts(), codecs.getincrementaldecoder("utf-8")()
    for chunk in chunks(data):
        if not chunk.isascii() or decoder.getstate()[0]:
            facts.is_ascii = False
            facts.is_utf8 = facts.is_utf8 and _decodes(decoder, chunk)
        if b"\x00" in chunk:
            facts.n_nul += chunk.count(0)
        if b"\r" in chunk:
            facts.n_lone_cr += chunk.count(b"\r") - chunk.count(b"\r\n")
            facts.n_lf_beside_cr += chunk.count(b"\n")
    facts.is_utf8 = facts.is_utf8 and _decodes(decoder, b"", final=True)
    return facts


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final=final)
    except UnicodeDecodeError:
        return False
    return True


def _found(data: Bytes, facts: _Facts) -> str:
    head = data[:4096]
    for mark, name in _MARKS:
        if head.startswith(mark) and (name != "utf-8-sig" or facts.is_utf8):
            return name
    wide = _wide(head)
    if wide:
        return wide
    if facts.is_utf8:
        return "ascii" if facts.is_ascii else "utf-8"
    return "mixed" if _mostly_utf8(data) else _eight_bit(data)


def _is_utf8(line: bytes) -> bool:
    return _decodes(codecs.getincrementaldecoder("utf-8")(), line, final=True)


def _wide(head: bytes) -> str | None:
    """Tell UTF-16 and UTF-32 without a mark by where their NULs stand."""
    n = len(head) // 4
    if n == 0:
        return None
    empty = [head[i : n * 4 : 4].count(0) / n for i in range(4)]
    if min(empty[1:]) > 0.9 and empty[0] < 0.1:  # noqa: PLR2004 - shares of Latin text
        return "utf-32-le"
    if min(empty[:3]) > 0.9 and empty[3] < 0.1:  # noqa: PLR2004
        return "utf-32-be"
    odd, even = (empty[1] + empty[3]) / 2, (empty[0] + empty[2]) / 2
    if odd > 0.6 and even < 0.1:  # noqa: PLR2004
        return "utf-16-le"
    return "utf-16-be" if even > 0.6 and odd < 0.1 else None  # noqa: PLR2004


def _high_lines(data: Bytes, most: int) -> list[bytes]:
    """Give the first lines that hold bytes above ASCII."""
    lines = (line for chunk in chunks(data) for line in chunk.splitlines())
    found: list[bytes] = []
    for line in lines:
        if not line.isascii():
            found.append(line)
            if len(found) >= most:
                break
    return found


def _mostly_utf8(data: Bytes) -> bool:
    high = _high_lines(data, 1000)
    good = sum(_is_utf8(line) for line in high)
    return good >= 3 and good >= 0.5 * len(high)  # noqa: PLR2004 - three are no chance


def _mixed(data: bytes) -> str:
    return "".join(_one(line) for line in data.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True))


def _one(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def _eight_bit(data: Bytes) -> str:
    """Tell the eight-bit encoding: Western unless the letters clearly say otherwise."""
    sample = b"\n".join(_high_lines(data, 2000))[:_SAMPLE]
    high = sum(byte >= 128 for byte in sample)  # noqa: PLR2004 - above ASCII
    japanese = _japanese(sample)
    if japanese:
        return japanese
    if high < 8:  # noqa: PLR2004 - too few to tell
        return _western(data)
    from charset_normalizer import from_bytes  # noqa: PLC0415 - only odd files need it

    best = from_bytes(sample).best()
    name = codecs.lookup(best.encoding).name if best else "cp1252"
    return _western(data) if name in ("cp1252", "iso8859-1", "iso8859-15", "ascii", "utf-8") else name


def _japanese(sample: bytes) -> str | None:
    """Tell Japanese by words that every such extract has: its headings alone are too few letters to guess from."""
    for name in ("cp932", "euc_jp"):
        text = sample.decode(name, errors="ignore")
        if any(word in text for word in _JAPANESE):
            return name
    return None


def _western(data: Bytes) -> str:
    undefined = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
    return "iso8859-1" if any(data.find(byte) >= 0 for byte in undefined) else "cp1252"


def _clean(
    data: Bytes, encoding: str, facts: _Facts, *, as_stored: bool, notes: tuple[str, ...] = ()
) -> Text:
    said = (f"{facts.n_nul:,} NUL bytes were left out.",) if facts.n_nul else ()
    if facts.n_nul:
        data, as_stored = bytes(data).replace(b"\x00", b""), False
    if facts.ends_in_cr:
        data, as_stored = bytes(data).replace(b"\r\n", b"\n").replace(b"\r", b"\n"), False
    return Text(data, encoding, as_stored, notes + said)
