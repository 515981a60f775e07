"""crm.toml: where the extracts lie, and what cannot be read off them (currency, time zone, window).

Every error names the file and the line, and a misspelt key is answered with the one that was probably meant.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from crm_analytics import tables
from crm_analytics.errors import ConfigError, OptionError, SourceError
from crm_analytics.extracts.extract import WeekStart
from crm_analytics.extracts.readers import ReadOptions, check_time_zone

FILE_NAME: Final = "crm.toml"


def _time_zone(name: str) -> str:
    try:
        check_time_zone(name)
    except OptionError as error:
        raise PydanticCustomError("time_zone", "an IANA name such as 'Europe/Berlin' or 'UTC'") from error
    return name


Currency = Annotated[
    str, Field(pattern=r"^[A-Z]{3}$", description="an ISO code of three capital letters such as 'EUR'")
]
TimeZone = Annotated[str, AfterValidator(_time_zone)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BaseSettings(_Section):
    """[base]: the firm and the window. `as_of` is exclusive; `start` is the first day that counts."""

    name: str | None = None
    currency: Currency | None = None
    time_zone: TimeZone | None = None
    as_of: date | None = None
    start: date | None = None
    week_start: WeekStart = "monday"

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.start and self.as_of and self.start >= self.as_of:
            raise PydanticCustomError("window", "start before as_of")
        return self


class SourceSettings(_Section):
    """[sources.<table>]: where one table comes from, and how to read it."""

    path: str | None = None
    paths: list[str] | None = Field(default=None, min_length=1)
    url: str | None = None
    query: str | None = None
    table: str | None = None
    sheet: str | int | None = None
    encoding: str | None = None
    separator: str | None = None
    columns: dict[str, str] | None = None
    currency: Currency | None = None
    time_zone: TimeZone | None = None
    not_after: date | None = None
    duplicates: Literal["keep", "reject"] = "keep"
    day_first: bool | None = None
    timeout_seconds: float = Field(default=60.0, gt=0)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(p is not None for p in (self.path, self.paths, self.url)) != 1:
            raise PydanticCustomError("one_place", "exactly one of path, paths and url")
        return self

    def source(self, folder: Path) -> str | Path | list[Path]:
        """Give the source, with relative paths taken from the folder of crm.toml."""
        if self.paths is not None:
            return [folder / Path(p).expanduser() for p in self.paths]
        if self.path is not None:
            return folder / Path(self.path).expanduser()
        return _from_folder(self.url or "", folder)

    def options(self, base: BaseSettings) -> ReadOptions:
        """Give the options for the reader; the base's currency, zone and week hold where the source says nothing."""
        own = self.model_dump(exclude={"path", "paths", "url"}, exclude_none=True)
        shared = {"currency": base.currency, "time_zone": base.time_zone, "week_start": base.week_start}
        return ReadOptions(**{**shared, **own})  # type: ignore[typeddict-item]


class Settings(_Section):
    """The whole of crm.toml."""

    base: BaseSettings = BaseSettings()
    sources: dict[str, SourceSettings] = Field(default_factory=dict)
    names: dict[str, str] = Field(default_factory=dict)


def load(path: str | Path) -> Settings:
    """Read a crm.toml.

    Raises
    ------
    SourceError
        If there is no such file.
    ConfigError
        If it is not TOML, has an unknown key, or a value that cannot be; the error names the line.
    """
    file = Path(path)
    if not file.is_file():
        raise SourceError.not_found(path)
    text = _text_of(file)
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(file, error) from None
    _check_tables(said, file, text)
    try:
        return Settings.model_validate(said)
    except ValidationError as error:
        raise _worded(error.errors()[0], file, text) from None


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError.not_toml(file.name, "it is not UTF-8 text") from None


def _not_toml(file: Path, error: tomllib.TOMLDecodeError) -> ConfigError:
    why, _, place = str(error).rstrip(")").partition(" (at ")
    line = re.match(r"line (\d+)", place)
    return ConfigError.not_toml(
        f"{file.name}, line {line[1]}" if line else file.name, why[:1].lower() + why[1:]
    )


def _check_tables(said: Mapping[str, Any], file: Path, text: str) -> None:
    sources = said.get("sources", {})
    if not isinstance(sources, dict):
        return
    for name in sources:
        if name not in tables.TABLES:
            raise ConfigError.unknown_key(
                _place(file, text, ("sources", name)), name, "[sources]", list(tables.TABLES)
            )


def _worded(error: ErrorDetails, file: Path, text: str) -> ConfigError:
    loc = tuple(str(part) for part in error["loc"])
    place = _place(file, text, loc)
    if error["type"] == "extra_forbidden":
        return ConfigError.unknown_key(place, loc[-1], _within(loc[:-1]), _known_keys(loc[:-1]))
    key = ".".join(loc) or file.name
    return ConfigError.bad_value(place, key, _brief(error["input"]), _expected(error))


def _brief(value: object) -> object:
    return sorted(value) if isinstance(value, dict) else value


def _expected(error: ErrorDetails) -> str:
    if error["type"] == "string_pattern_mismatch":
        return "an ISO code of three capital letters such as 'EUR'"
    if error["type"].startswith("date"):
        return "a day such as 2026-01-31"
    message = error["msg"]
    return message.removeprefix("Input should be ").removeprefix("a valid ").rstrip(".")


def _within(loc: Sequence[str]) -> str:
    return f"[{'.'.join(loc)}]" if loc else "the file"


def _known_keys(loc: Sequence[str]) -> list[str]:
    model: type[BaseModel] = Settings
    if loc[:1] == ("base",):
        model = BaseSettings
    elif loc[:1] == ("sources",):
        model = SourceSettings
    return list(model.model_fields)


def _place(file: Path, text: str, loc: Sequence[str]) -> str:
    line = line_of(text, loc)
    return f"{file.name}, line {line}" if line else file.name


def line_of(text: str, loc: Sequence[str]) -> int | None:
    r"""Find the line on which a key stands, or the nearest table around it.

    >>> line_of('[base]\nname = "x"\n[sources.transactions]\npath = "a.csv"', ("sources", "transactions", "path"))
    4
    """
    best: int | None = None
    depth, header = 0, tuple[str, ...]()
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        key = re.match(
            r"""((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""", stripped
        )
        if stripped.startswith("["):
            header = _parts(stripped.strip("[] \t").split("]")[0])
            here = header
        elif key:
            here = (*header, *_parts(key[1]))
        else:
            continue
        if len(here) > depth and tuple(loc[: len(here)]) == here:
            best, depth = number, len(here)
    return best


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(p.strip().strip("\"'") for p in dotted.split("."))


def _from_folder(url: str, folder: Path) -> str:
    """Take the path of a file database from the folder of crm.toml, as other paths are."""
    kind, mark, rest = url.partition(":///")
    if (
        kind not in ("sqlite", "duckdb")
        or not mark
        or rest.startswith(("/", "~"))
        or re.match(r"[A-Za-z]:", rest)
    ):
        return url
    return f"{kind}:///{(folder / rest).resolve()}"
