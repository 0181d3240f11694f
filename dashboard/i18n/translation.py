"""The dashboard's words in the viewer's language: gettext catalogues, `locale/<language>.po`, one file a language.

Whoever adds `locale/fr.po` (made with `python -m dashboard.i18n fr`, then filled in) has added French: nothing is
compiled. English is what stands in the code. `_` translates a sentence, `n_` one that counts; both take sentences with
`{names}` that are filled in afterwards with `format`, and sentences are never put together from pieces. Messages of the
packages below (`fer_phq.core.messages`) are written by `render`; their templates are in the catalogues too.
"""

from __future__ import annotations

import functools
import gettext
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import streamlit as st
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import context
from fer_phq.core import messages
from fer_phq.core.messages import Message
from service.messages import load_messages

LOCALES = Path(__file__).with_name("locale")
SOURCE = "en"
SETTING = "language"
"""The setting: a language's code; without it each viewer's browser decides."""
KEYWORDS = {"_": None, "n_": (1, 2), "mark": None}
MESSAGE_KEYWORDS = {"template": (2,), "counted": (2, 3)}
"""What declares the templates of messages in the packages below; see `fer_phq.core.messages`."""
ROOT = Path(__file__).parents[2]
PACKAGES = ("fer_phq", "db", "training", "service")

load_messages()  # a stored message is written by its template, whatever module declares it

_language: ContextVar[str | None] = ContextVar("spoken", default=None)


def _(text: str) -> str:
    """Return a text in the viewer's language; the English one where the catalogue has none."""
    return catalogue(language()).gettext(text) if text else ""


def n_(singular: str, plural: str, number: int, **names: object) -> str:
    """Return the form for a number in the viewer's language, filled in.

    Args:
        singular: English for an `n` of 1, with `{n}` and further `{names}`.
        plural: English for any other `n`.
        number: What becomes `{n}`.
        **names: What becomes the further fields.
    """
    return catalogue(language()).ngettext(singular, plural, number).format(n=number, **names)


def render(message: Message, code: str | None = None) -> str:
    """Write a message of the packages below in a language.

    Args:
        message: What is said.
        code: The language, as `languages` lists it; None for the viewer's.

    Returns:
        The text; English where the catalogue has none.
    """
    code = code or language()
    translations = catalogue(code)
    return messages.render(message, translations.gettext, translations.ngettext, marks(code)[0], percent_pattern(code))


@functools.cache
def marks(code: str) -> tuple[str, str]:
    """Return a language's decimal mark, and what stands between thousands."""
    if code == SOURCE:
        return ".", ","
    symbols = Locale.parse(code, sep="-").number_symbols["latn"]
    return str(symbols["decimal"]), str(symbols["group"])


@functools.cache
def percent_pattern(code: str) -> str:
    """Return how a language writes a percentage, `{}` for the number: '{}%' in English, with a space in German.

    Args:
        code: The language, as `languages` lists it.
    """
    locale = Locale.parse(code, sep="-")
    pattern = re.sub(r"[#0,.]+", "{}", locale.percent_formats[None].pattern.split(";")[0])
    return pattern.replace("%", str(locale.number_symbols["latn"]["percentSign"]))


def mark(text: str) -> str:
    """Return a text as it is, marked so that the catalogues have it; `_` translates it where it is shown."""
    return text


def choose() -> None:
    """Settle the language of a page's run, and of the fragments that follow it."""
    st.session_state[SETTING] = best(context.settings().language or st.context.locale)


def language() -> str:
    """Return the language that is spoken: `speaking`'s, else the page's; English where there is neither."""
    if (code := _language.get()) is not None:
        return code
    return str(st.session_state.get(SETTING, SOURCE)) if get_script_run_ctx(suppress_warning=True) else SOURCE


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak a language in this thread: for what is made after the page has run, such as a report."""
    token = _language.set(code)
    try:
        yield
    finally:
        _language.reset(token)


def languages() -> dict[str, str]:
    """Return the languages that can be chosen, each under its own name: {'en': 'English', 'de': 'Deutsch'}."""
    codes = [SOURCE, *sorted(path.stem for path in LOCALES.glob("*.po"))]
    return {code: (Locale.parse(code, sep="-").get_display_name(code) or code).capitalize() for code in codes}


def best(requested: str | None) -> str:
    """Return the available language for a browser's 'de-AT'; English for any that is not available."""
    code = (requested or SOURCE).replace("_", "-")
    available = languages()
    return next((option for option in (code, code.partition("-")[0]) if option in available), SOURCE)


@functools.cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Load the language's catalogue; of English an empty one. What is marked as fuzzy is not used."""
    if (entries := read_catalogue(language)) is None:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, entries)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@functools.cache
def read_catalogue(language: str) -> Catalog | None:
    """Read the language's catalogue as its file holds it; None of English, and where there is no file."""
    path = LOCALES / f"{language}.po"
    if language == SOURCE or not path.is_file():
        return None
    with path.open("rb") as file:
        return read_po(file, locale=language)


def template() -> Catalog:
    """Collect every text that the dashboard marks and every sentence of the layers below, with where they stand."""
    folder = Path(__file__).parents[1]
    entries = Catalog(project="fer-phq", charset="utf-8")
    methods = [("**.py", "python")]
    for name, line, message, comments, _context in extract_from_dir(folder, methods, keywords=KEYWORDS):
        entries.add(message, locations=[(f"dashboard/{name}", line)], auto_comments=comments)
    for package in PACKAGES:
        for name, line, message, comments, _context in extract_from_dir(
            ROOT / package, methods, keywords=MESSAGE_KEYWORDS
        ):
            entries.add(message, locations=[(f"{package}/{name}", line)], auto_comments=comments)
    return entries


def refresh(language: str) -> Path:
    """Bring a language's catalogue up to the code, made where there is none: its translations stay."""
    path = LOCALES / f"{language}.po"
    entries = Catalog(locale=language, project="fer-phq", charset="utf-8", fuzzy=False)
    if path.is_file():
        with path.open("rb") as file:
            entries = read_po(file, locale=language)
    entries.update(template(), no_fuzzy_matching=True)
    entries.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, entries, sort_output=True, width=120, omit_header=False, include_lineno=False)
    return path
