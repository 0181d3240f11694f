"""Messages are facts: a code and parameters. A template gives the English, a catalogue any other language.

    NO_PICTURES = template("video.no_pictures", "'{file}' has sound but no pictures: choose a recording with video.")
    raise RecordingError(NO_PICTURES(file="session.mp4"))

Every room declares its templates in a module `messages` of its own. Such a module imports nothing but this one, so that
whoever reads a stored message can load them all. A stored message keeps code and parameters, and stays translatable
when the template's wording changes. Parameters are never translated, unless they are messages themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from string import Formatter
from typing import Any

COUNT = "n"
"""The parameter that decides between the singular and the plural of a counted template."""


@dataclass(frozen=True)
class Template:
    """The English of a message. Call it with its fields to make one.

    Attributes:
        code: Its room and what it says, as 'video.no_pictures'. Codes are stored, so they never change.
        text: English with `{fields}`, each with a format if it is a number, as '{share:.0%}'.
        plural: The form for any number but one of `{n}`; empty where nothing is counted.
    """

    code: str
    text: str
    plural: str = ""
    fields: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Collect the fields. Raises ValueError for one that is not a plain name."""
        parsed = [*Formatter().parse(self.text), *Formatter().parse(self.plural)]
        names = frozenset(name for _, name, _, _ in parsed if name is not None)
        if not all(name.isidentifier() for name in names):
            raise ValueError(f"The fields of {self.code} must be plain names, got {sorted(names)}.")
        object.__setattr__(self, "fields", names | ({COUNT} if self.plural else set()))

    def __call__(self, **params: Param) -> Message:
        """Fill in the template.

        Args:
            **params: A value for each field.

        Raises:
            TypeError: The parameters are not exactly the fields.
        """
        if params.keys() != self.fields:
            raise TypeError(f"{self.code} has the fields {sorted(self.fields)}, got {sorted(params)}.")
        return Message(self.code, {name: _plain(value) for name, value in params.items()})


def _plain(value: Param) -> Param:
    """Convert NumPy's numbers and enumerations to plain values that JSON can hold."""
    if isinstance(value, Message | tuple):
        return value
    if isinstance(value, str):
        return str(value)
    return int(value) if isinstance(value, Integral) else float(value)


TEMPLATES: dict[str, Template] = {}
"""Every declared template by its code."""


def template(code: str, text: str) -> Template:
    """Declare a template.

    Args:
        code: Its room and what it says, as 'video.no_pictures'.
        text: English with `{fields}`.

    Raises:
        ValueError: The code is declared already, or a field is not a plain name.
    """
    return _declare(Template(code, text))


def counted(code: str, singular: str, plural: str) -> Template:
    """Declare a template whose form depends on `{n}`.

    Args:
        code: Its room and what it says, as 'video.no_pictures'.
        singular: English with `{fields}`, for an `n` of 1.
        plural: English with `{fields}`, for any other `n`.

    Raises:
        ValueError: The code is declared already, or a field is not a plain name.
    """
    return _declare(Template(code, singular, plural))


def _declare(declared: Template) -> Template:
    if declared.code in TEMPLATES:
        raise ValueError(f"There are two templates {declared.code}.")
    TEMPLATES[declared.code] = declared
    return declared


@dataclass(frozen=True)
class Message:
    """A text for a person, as a code and parameters. `str` gives the English.

    Attributes:
        code: The template's code; `LITERAL` for a text that no template made, such as a row stored before there were
            codes.
        params: What fills in the template: texts, numbers, further messages, or tuples of these.
        text: The English of the time when it was stored, for a code that this version does not know.
    """

    code: str
    params: Mapping[str, Param] = field(default_factory=dict, hash=False)
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        """Return the English."""
        return render(self)


LITERAL = ""
"""The code of a text that no template made. It is its parameter `text`."""
Param = str | int | float | Message | tuple[str, ...] | tuple[Message, ...]


def literal(text: str) -> Message:
    """Wrap a text that no template made."""
    return Message(LITERAL, {"text": text})


def render(
    message: Message,
    gettext: Callable[[str], str] = str,
    ngettext: Callable[[str, str, int], str] = lambda singular, plural, n: singular if n == 1 else plural,
    decimal_mark: str = ".",
    percent: str = "{}%",
) -> str:
    """Write a message in a language.

    Args:
        message: The message.
        gettext: A template's text in the language.
        ngettext: A counted template's text in the language, for a number.
        decimal_mark: How the language writes the decimal point of numbers.
        percent: How the language writes a percentage; `{}` stands for the number.

    Returns:
        The text; a message whose code is not declared as the English that was stored with it.
    """
    if message.code == LITERAL:
        return str(message.params.get("text", ""))
    declared = TEMPLATES.get(message.code)
    if declared is None or message.params.keys() != declared.fields:
        return message.text

    def write(value: Param) -> str | int | float:
        if isinstance(value, Message):
            return render(value, gettext, ngettext, decimal_mark, percent)
        return ", ".join(str(write(part)) for part in value) if isinstance(value, tuple) else value

    params = {name: write(value) for name, value in message.params.items()}
    number = message.params.get(COUNT)
    if declared.plural and isinstance(number, int):
        text = ngettext(declared.text, declared.plural, number)
    else:
        text = gettext(declared.text)
    return _LocalFormatter(decimal_mark, percent).vformat(text, (), params)


class _LocalFormatter(Formatter):
    """Formatter that writes numbers with the decimal mark of a language, and percentages as it does."""

    def __init__(self, decimal_mark: str, percent: str) -> None:
        self._decimal_mark = decimal_mark
        self._percent = percent

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format one parameter."""
        if not isinstance(value, float) and not format_spec.endswith("%"):
            return str(format(value, format_spec))
        text = format(value, format_spec or "g").replace(".", self._decimal_mark)
        return self._percent.replace("{}", text.removesuffix("%")) if text.endswith("%") else text


def to_json(message: Message) -> str | dict[str, Any]:
    """Convert a message to JSON-able values: `{"code", "params", "text"}`, a literal to its text."""
    if message.code == LITERAL:
        return str(message)
    params = {name: _param_to_json(value) for name, value in message.params.items()}
    return {"code": message.code, "params": params, "text": str(message)}


def _param_to_json(value: Param) -> Any:
    if isinstance(value, Message):
        return to_json(value)
    return [_param_to_json(part) for part in value] if isinstance(value, tuple) else value


def from_json(value: Any) -> Message:
    """Read what `to_json` returned.

    Args:
        value: A text, which becomes a literal, or a mapping with a code.

    Raises:
        ValueError: The value is neither.
    """
    if isinstance(value, str):
        return literal(value)
    if not isinstance(value, Mapping) or not isinstance(value.get("code"), str):
        raise ValueError("A message is a text or has a code.")
    params = {str(name): _param_from_json(param) for name, param in dict(value.get("params") or {}).items()}
    return Message(value["code"], params, str(value.get("text", "")))


def code_and_params(message: Message) -> dict[str, Any]:
    """Return a message's `code` and `params` as JSON-able values, beside which its English stands elsewhere.

    A literal has an empty code and no parameters.
    """
    encoded = to_json(message)
    if isinstance(encoded, str):
        return {"code": LITERAL, "params": {}}
    return {"code": encoded["code"], "params": encoded["params"]}


def to_text(message: Message) -> str:
    """Write a message as one text, for a column of texts: as JSON, a literal as it stands."""
    encoded = to_json(message)
    return encoded if isinstance(encoded, str) else json.dumps(encoded, ensure_ascii=False)


def from_text(text: str) -> Message:
    """Read what `to_text` wrote; any other text is a literal."""
    if text.startswith("{"):
        try:
            return from_json(json.loads(text))
        except ValueError:
            pass
    return literal(text)


def _param_from_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return from_json(value)
    return tuple(_param_from_json(part) for part in value) if isinstance(value, list) else value
