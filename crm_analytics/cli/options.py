"""Options of an analysis as text: what its signature says decides how `name=value` is read."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from crm_analytics.errors import OptionError, UnknownNameError
from crm_analytics.registry import ANALYSES, Analysis
from crm_analytics.tables import TABLES


def parse(entry: Analysis, pairs: Sequence[str]) -> dict[str, Any]:
    """Read options such as ``bins=4`` or ``cut_offs=0.5,0.8`` for an analysis.

    Parameters
    ----------
    entry
        The analysis whose signature decides.
    pairs
        Texts ``name=value``; a list is written with commas or as JSON, a mapping as JSON.

    Returns
    -------
    dict
        Values by name, of the types that the analysis asks for.

    Raises
    ------
    OptionError
        If a text is no ``name=value``, or the value is not of the option's type.
    UnknownNameError
        If the analysis has no such option.
    """
    return dict(_parse_one(entry, pair) for pair in pairs)


def written_out(option: str, arguments: Sequence[str]) -> str | None:
    """Say how to write an option of an analysis that was given as one of the command; None where none is meant.

    >>> written_out("--period", ["cohort_retention", "orders.csv", "--period", "week"])
    'period is an option of cohort_retention. Write: --option period=week'
    """
    found = [a for a in ANALYSES if a.name in arguments]
    name = option.lstrip("-").partition("=")[0].replace("-", "_")
    if not found or name not in names(found[0]):
        meant = get_close_matches(name, names(found[0]), n=1) if found else []
        return f"Did you mean: --option {meant[0]}=…" if meant else None
    place = next(i for i, a in enumerate(arguments) if a.partition("=")[0] == option.partition("=")[0])
    _, equals, text = arguments[place].partition("=")
    following = arguments[place + 1 : place + 2]
    value = text if equals else "".join(a for a in following if not a.startswith("-"))
    return f"{name} is an option of {found[0].name}. Write: --option {name}={value or '…'}"


def names(entry: Analysis) -> list[str]:
    """List the options that can be given as text."""
    parameters = inspect.signature(entry.function).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in TABLES]


def described(entry: Analysis) -> list[tuple[str, str, str]]:
    """Give each option that can be given as text: its name, what it is unless said, and what its docstring says of it.

    >>> from crm_analytics import registry
    >>> described(registry.analysis("cohort_retention"))[2][:2]
    ('period', 'month')
    """
    parameters, said = (
        inspect.signature(entry.function).parameters,
        _said(inspect.getdoc(entry.function) or ""),
    )
    return [(name, _default(parameters[name].default), said.get(name, "")) for name in names(entry)]


def _said(doc: str) -> dict[str, str]:
    """Read the section on parameters of a docstring: its unindented lines are names, the lines after them their text."""
    section = re.split(r"\n\n\w+\n-{3,}\n", doc.partition("\nParameters\n----------\n")[2])[0]
    said: dict[str, list[str]] = {}
    current: list[str] = []
    for line in section.splitlines():
        if line.startswith(" "):
            current.append(line.strip())
        else:
            current = []
            said |= dict.fromkeys((name.strip() for name in line.split(",")), current)
    return {name: " ".join(lines) for name, lines in said.items()}


def _default(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return ",".join(str(v) for v in value) or "none"
    return "none" if value is None else str(value)


def _parse_one(entry: Analysis, pair: str) -> tuple[str, Any]:
    name, equals, text = pair.partition("=")
    name = name.strip().replace("-", "_")
    if not equals:
        raise OptionError.not_a_pair(pair)
    if name not in names(entry):
        raise UnknownNameError.of(f"option of {entry.name}", name, names(entry))
    return name, _value(entry, name, text.strip())


def _value(entry: Analysis, name: str, text: str) -> Any:  # noqa: ANN401 as wide as the options are
    hint = _hint(entry, name)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(hint)
    except PydanticSchemaGenerationError:
        raise OptionError.only_in_python(name, entry.name) from None
    problem = "a value"
    for candidate in _readings(text):
        try:
            return adapter.validate_python(candidate)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
    raise OptionError.unreadable(name, text, _in_words(hint), problem)


def _readings(text: str) -> list[Any]:
    """Give what a text may mean, the plainest first."""
    if text.casefold() == "none":
        return [None, text]
    if text.startswith(("[", "{")):
        for read in (json.loads, ast.literal_eval):  # as JSON, or as the help and Python write it
            try:
                return [read(text), text]
            except (ValueError, SyntaxError):
                continue
        return [text]
    return [text, [part.strip() for part in text.split(",") if part.strip()]]


def _hint(entry: Analysis, name: str) -> Any:  # noqa: ANN401 a hint may be anything
    try:
        return get_type_hints(entry.function)[name]
    except (NameError, KeyError):  # a name known to the type checker alone, or no hint
        default = inspect.signature(entry.function).parameters[name].default
        return str if default in (None, inspect.Parameter.empty) else type(default)


_WORDS: Final = {
    int: "a whole number", float: "a number", str: "a text", bool: "true or false", date: "a day such as 2026-01-31",
    datetime: "an instant such as 2026-01-31 12:00", type(None): "none", dict: "a mapping as JSON",
    Any: "a value as JSON",
}  # fmt: skip


def _in_words(hint: Any) -> str:  # noqa: ANN401 a hint may be anything
    """Say what an option takes.

    >>> _in_words(Literal["on", "streak"] | int | None)
    'on, streak, a whole number or none'
    >>> _in_words(Sequence[float])
    'a list of: a number'
    """
    parts = list(dict.fromkeys(_kinds(hint)))
    return " or ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def _kinds(hint: Any) -> Iterator[str]:  # noqa: ANN401 a hint may be anything
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        yield from map(str, arguments)
    elif origin in (Union, UnionType):
        for one in arguments:
            yield from _kinds(one)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield _WORDS[dict]
    elif isinstance(origin, type) and issubclass(origin, Sequence):
        yield f"a list of: {_in_words(arguments[0])}"
    else:
        yield _WORDS.get(hint, str(getattr(hint, "__name__", hint)))
