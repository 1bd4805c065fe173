"""Click's options, made of the fields of an options' dataclass."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import click

from specprod_copy.option import AS_FIELD, Option

Made = TypeVar("Made")
Complete = Callable[[click.Context, click.Parameter, str], list[str]]
Command = TypeVar("Command", bound=Callable[..., Any])


def options_of(cls: type, *names: str, **helps: str) -> Callable[[Command], Command]:
    """Add the options of a dataclass to a command.

    Parameters
    ----------
    cls : type
        A dataclass; fields that are no `Option` are left out.
    *names : str
        Fields; without them all.
    **helps : str
        Help texts by field, where the command means something else by it.
    """
    described = _described(cls)
    defaults = {field.name: field.default for field in fields(cls)}

    def decorate(command: Command) -> Command:
        for name in reversed(names or tuple(described)):
            kind, option = described[name]
            option = replace(option, help=helps.get(name, option.help))
            default = defaults[name] if option.default is AS_FIELD else option.default
            add = _click_option(name, kind, option, None if default is MISSING else default)
            command = add(command)
        return command

    return decorate


def make(cls: type[Made], values: Mapping[str, Any], **more: Any) -> Made:
    """Return an instance of a dataclass: its options from the command's values, and the rest."""
    given = {name: values[name] for name in _described(cls) if name in values}
    return cls(**(given | more))


def _described(cls: type) -> dict[str, tuple[Any, Option]]:
    """Return type and option of each field that has an option."""
    hints = get_type_hints(cls, include_extras=True)
    found = {}
    for name, hint in hints.items():
        for extra in get_args(hint)[1:] if hasattr(hint, "__metadata__") else ():
            if isinstance(extra, Option):
                found[name] = get_args(hint)[0], extra
    return found


def _click_option(name: str, kind: Any, option: Option, default: Any) -> Any:
    declarations = [*option.names.split(), name]
    settings: dict[str, Any] = {
        "help": option.help,
        "metavar": option.metavar,
        "required": option.required,
        "envvar": option.variable,
        "show_envvar": option.variable is not None,
        "shell_complete": option.names_known and completed_to(option.names_known),
    }
    if kind is bool:
        if default:
            settings["callback"] = lambda context, parameter, given: not given
        return click.option(*declarations, is_flag=True, **settings)
    kind, multiple = _single(kind, option)
    return click.option(
        *declarations,
        type=_value_type(kind, option),
        multiple=multiple,
        default=default,
        show_default=option.default_text or default not in (None, ()),
        callback=absolute if option.absolute else None,
        **settings,
    )


def _single(kind: Any, option: Option) -> tuple[Any, bool]:
    """Return the type of one value, and whether there may be several."""
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
    if get_origin(kind) is tuple and (option.several or option.parse is None):
        return get_args(kind)[0], True
    return kind, False


def _value_type(kind: Any, option: Option) -> click.ParamType:
    if option.parse is not None:
        return _Parsed(option.parse, option.metavar)
    if option.choices:
        return click.Choice(option.choices)
    if kind is Path:
        return click.Path(
            path_type=Path,
            exists=option.exists,
            file_okay=option.path != "folder",
            dir_okay=option.path != "file",
        )
    if kind is int:
        bounded = (option.low, option.high) != (None, None)
        return click.IntRange(option.low, option.high) if bounded else click.INT
    return click.STRING


class _Parsed(click.ParamType):
    """Values that a function makes of their text."""

    def __init__(self, parse: Callable[[str], Any], name: str | None) -> None:
        self.name = name or "text"
        self._parse = parse

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the text means."""
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def completed_to(known: Callable[[], Iterable[str]]) -> Complete:
    """Return how a shell completes a value to one of some names: for a parameter of click."""
    return lambda context, parameter, begun: [name for name in known() if name.startswith(begun)]


def absolute(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """Return a path that holds in any folder: the callback of a parameter."""
    return path if path is None else path.expanduser().absolute()
