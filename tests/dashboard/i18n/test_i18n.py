"""Languages: which are chosen, what is said in them, and that the catalogues hold what the code says."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, get_args

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from streamlit.testing.v1 import AppTest

from dashboard import loaders
from dashboard.exports.reports.html import to_html
from dashboard.exports.reports.pdf import to_pdf
from dashboard.exports.reports.session import session_report
from dashboard.i18n import dates
from dashboard.i18n import translation as i18n
from dashboard.i18n import vocabulary as words
from db.records import JobState, QuestionnaireSource
from db.store import Store
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import REASON_TEMPLATES, Band, Modality, Provenance
from fer_phq.features.measures import BY_NAME, MEASURES, Measure, Unit
from fer_phq.longitudinal.change import Direction
from fer_phq.longitudinal.periods import Verdict
from service.settings import AppSettings

MAIN = Path(__file__).parents[3] / "dashboard" / "main.py"
CATALOGUES = sorted(i18n.LOCALES.glob("*.po"))
PLACEHOLDER = re.compile(r"\{[^{}]*\}")


@pytest.fixture
def locales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of catalogues of our own: German with one text, French with none."""
    folder = tmp_path / "locale"
    folder.mkdir()
    for code in ("de", "fr"):
        made = Catalog(locale=code)
        made.add("Home", "Start" if code == "de" else "")
        made.add(("{n} session", "{n} sessions"), ("{n} Sitzung", "{n} Sitzungen") if code == "de" else ("", ""))
        made.add("Trends", "Doubtful" if code == "de" else "", flags=["fuzzy"])
        with (folder / f"{code}.po").open("wb") as file:
            write_po(file, made)
    monkeypatch.setattr(i18n, "LOCALES", folder)
    forget()
    yield folder
    forget()


def forget() -> None:
    """Read every catalogue anew."""
    i18n.catalogue.cache_clear()
    i18n.read_catalogue.cache_clear()


def messages(path: Path) -> list[Message]:
    """Everything in a catalogue but its head."""
    with path.open("rb") as file:
        return [message for message in read_po(file, locale=path.stem) if message.id]


def forms(given: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """A text, or the forms of one that counts."""
    return (given,) if isinstance(given, str) else tuple(given)


@cache
def extracted() -> frozenset[Any]:
    """Every text that the extractor finds, read once."""
    return frozenset(message.id for message in i18n.template() if message.id)


@cache
def said_in_code() -> set[str | tuple[str, str]]:
    """Every text in a call of `_`, `mark` or `n_`, and of a template of the packages below, read from the code."""
    found: set[str | tuple[str, str]] = set()
    for package in i18n.PACKAGES:
        for path in (i18n.ROOT / package).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
                if name in i18n.MESSAGE_KEYWORDS and isinstance(call, ast.Call) and len(call.args) > 1:
                    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
                    if len(texts) == len(call.args):
                        found.add((texts[1], texts[2]) if name == "counted" else texts[1])
    for path in MAIN.parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or getattr(call.func, "id", "") not in i18n.KEYWORDS:
                continue
            texts = [one.value for one in call.args if isinstance(one, ast.Constant)]
            if getattr(call.func, "id", "") == "n_":
                found.add((texts[0], texts[1]))
            elif texts and texts[0]:
                found.add(texts[0])
    return found


# ------------------------------------------------------------------------------------------------------ the catalogues


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_translations_have_the_placeholders_of_their_source(path: Path) -> None:
    for message in messages(path):
        wanted = {frozenset(PLACEHOLDER.findall(source)) for source in forms(message.id)}
        for text in filter(None, forms(message.string)):
            assert frozenset(PLACEHOLDER.findall(text)) in wanted, text
            list(Formatter().parse(text))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_no_entry_is_fuzzy_and_every_plural_is_whole(path: Path) -> None:
    with path.open("rb") as file:
        number = read_po(file, locale=path.stem).num_plurals
    for message in messages(path):
        assert not message.fuzzy, message.id
        if not isinstance(message.id, str):
            filled = [bool(text) for text in forms(message.string)]
            assert filled in ([True] * number, [False] * number), message.id


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_lines_begin_and_end_as_in_the_source(path: Path) -> None:
    for message in messages(path):
        for source, text in zip(forms(message.id), forms(message.string), strict=False):
            if text:
                assert source.startswith("\n") == text.startswith("\n"), message.id
                assert source.endswith("\n") == text.endswith("\n"), message.id
                assert text.endswith(".") or not source.endswith("."), message.id
                # What is asked in one language may be a request in the other.
                assert source.endswith((".", "?")) or not text.endswith("."), message.id
                assert text == text.strip(" "), message.id


@pytest.mark.slow
def test_the_extractor_finds_what_the_code_says_and_nothing_else() -> None:
    """It is blind within f-strings, and takes other words in a call for a text."""
    assert extracted() == said_in_code()


# ------------------------------------------------------------------------------------------------- choosing a language


def test_languages_are_those_with_a_catalogue_under_their_own_names(locales: Path) -> None:
    assert i18n.languages() == {"en": "English", "de": "Deutsch", "fr": "Français"}
    (locales / "fr.po").unlink()
    assert list(i18n.languages()) == ["en", "de"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de", "de"), ("de-AT", "de"), ("de_CH", "de"), ("en", "en"), ("en-GB", "en"), ("fr-CA", "fr"), ("ja", "en"),
        ("", "en"), (None, "en"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("locales")
def test_the_best_language_for_what_a_browser_asks_for(wanted: str | None, found: str) -> None:
    assert i18n.best(wanted) == found


@pytest.mark.usefixtures("locales")
def test_a_language_is_spoken_until_the_block_ends() -> None:
    assert i18n.language() == "en"
    with i18n.speaking("de"):
        assert (i18n.language(), i18n._("Home")) == ("de", "Start")
        with i18n.speaking("en"):
            assert i18n._("Home") == "Home"
        with pytest.raises(RuntimeError), i18n.speaking("fr"):
            raise RuntimeError
        assert i18n.language() == "de"
    assert i18n._("Home") == "Home"


@pytest.mark.usefixtures("locales")
def test_counting_takes_the_form_of_the_language() -> None:
    with i18n.speaking("de"):
        said = [i18n.n_("{n} session", "{n} sessions", number) for number in (0, 1, 2)]
    assert said == ["0 Sitzungen", "1 Sitzung", "2 Sitzungen"]
    assert i18n.n_("{n} file of {name}", "{n} files of {name}", 1, name="A") == "1 file of A"


@pytest.mark.usefixtures("locales")
def test_what_a_catalogue_lacks_is_said_in_english() -> None:
    with i18n.speaking("de"):
        assert i18n._("Cohort") == "Cohort", "not in the catalogue"
        assert i18n._("Trends") == "Trends", "marked as fuzzy"
        assert i18n._("") == "", "not the catalogue's head"
    with i18n.speaking("fr"):
        assert i18n._("Home") == "Home", "in the catalogue without a translation"
        assert i18n.n_("{n} session", "{n} sessions", 2) == "2 sessions"
    with i18n.speaking("ja"):
        assert i18n._("Home") == "Home", "no catalogue"


@pytest.mark.slow
def test_a_new_language_begins_with_every_text_and_keeps_what_was_filled_in(locales: Path) -> None:
    path = i18n.refresh("it")
    assert {message.id for message in messages(path)} == said_in_code()
    assert {form for message in messages(path) for form in forms(message.string)} == {""}
    i18n.refresh("de")
    assert next(one.string for one in messages(locales / "de.po") if one.id == "Home") == "Start"


# ------------------------------------------------------------------------------------------------------------ the pages


@pytest.mark.usefixtures("installation")
def test_a_page_speaks_the_language_of_the_settings(store: Store) -> None:
    store.settings.set(key=i18n.SETTING, value="de")
    app = AppTest.from_file(str(MAIN), default_timeout=60).run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Start"]
    assert [title.value for title in app.subheader] == ["Was die Aufnahme einer Sitzung zeigt"]


@pytest.mark.usefixtures("installation", "locales")
def test_a_page_is_english_in_a_language_without_a_catalogue(store: Store, locales: Path) -> None:
    (locales / "fr.po").unlink()
    store.settings.set(key=i18n.SETTING, value="fr")
    app = AppTest.from_file(str(MAIN), default_timeout=60).run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Home"]
    assert [title.value for title in app.subheader] == ["What a recording of a session shows"]


def test_a_session_is_shown_in_german_from_title_to_chart(filled: AppSettings, store: Store) -> None:
    store.settings.set(key=i18n.SETTING, value="de")
    app = AppTest.from_file(str(MAIN), default_timeout=60).run()
    app.switch_page("app_pages/session.py").run()
    assert not app.exception
    said = "".join(part.value for part in app.get("html"))
    assert "Simulierte Werte" in said
    assert "Abdeckung" in said
    assert {"Zeitverlauf", "PHQ-Schätzwert", "Über die ganze Sitzung"} <= {part.value for part in app.subheader}
    charts = "".join(json.dumps(json.loads(chart.proto.spec), ensure_ascii=False) for chart in app.get("plotly_chart"))
    assert "Ärger" in charts
    assert re.search(r"\d\N{NO-BREAK SPACE}%", charts), "percentages as German writes them"
    assert "Anger" not in charts


def test_a_report_speaks_the_language_in_which_it_is_made(filled: AppSettings, store: Store) -> None:
    detail = store.sessions.get_detail(session_id=store.sessions.list_recent(limit=1)[0].session.id)
    found = detail.analyses[0]
    with i18n.speaking("de"):
        report = session_report(loaders.session(detail, found.id), UTC, datetime(2026, 5, 1, tzinfo=UTC))
        html, pdf = to_html(report), to_pdf(report)
    assert '<html lang="de">' in html
    assert "Woher die Zahlen stammen" in html
    assert "1. Mai 2026" in html
    assert "Provenance" not in html
    assert b"/Lang (de)" in pdf


# ------------------------------------------------------------------------------------------- words of the layers below


def vocabulary() -> set[str]:
    """What pages show of the layers below."""
    found = {text for name in EMOTIONS for text in (name, name.capitalize())}
    found |= {str(one) for kind in (Band, Provenance, Modality, JobState, Direction, Verdict) for one in kind}
    found |= {str(one) for one in QuestionnaireSource} | {
        *(one.text for one in REASON_TEMPLATES.values()),
        *get_args(Unit),
    }
    found |= {one.title for one in MEASURES} | {one.description for one in BY_NAME.values()}
    found |= {one.direction for one in MEASURES}
    return found


def test_every_word_of_the_layers_below_is_marked() -> None:
    assert not vocabulary() - {message.id for message in i18n.template()}


def test_the_words_by_member_are_whole() -> None:
    assert set(words.PROVENANCES) == set(Provenance)
    assert set(words.ANALYSIS_STATES) == set(JobState)
    assert [words.ANALYSIS_STATES[state] for state in JobState] == [f"Analysis {state}" for state in JobState]
    assert len(words.MODALITIES) == 2 ** len(Modality) - 1
    assert words.modality_list([Modality.WORDS, Modality.FACE, Modality.VOICE]) == "face, voice and words"


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.name)
def test_measures_are_said_in_english_as_they_say_themselves(measure: Measure) -> None:
    values = (0.234, 3.0, float("nan"))
    assert words.heading(measure) == measure.heading
    assert [words.measure_text(measure, value) for value in values] == [measure.format(value) for value in values]


def test_measures_are_said_in_german() -> None:
    with i18n.speaking("de"):
        assert words.heading(BY_NAME["smiling_share"]) == "Lächeln, %"
        assert words.measure_text(BY_NAME["pauses_a_minute"], 3.0) == "3,0 pro Minute"
        assert words.measure_text(BY_NAME["smiling_share"], 0.5) == "50 %"


def test_the_angles_of_a_head_are_called_the_same_wherever_they_stand() -> None:
    """German has several words for each, and a measure, nods, that is called as pitch is elsewhere."""
    translate = i18n.catalogue("de").gettext
    titles = "Head up (pitch)", "Head to the person's left (yaw)", "Head to the right shoulder (roll)"
    called = [translate(title).partition("(")[2].rstrip(")") for title in titles]
    live = (
        "Pitch (positive: up)", "Yaw (positive: to the person's left)",
        "Roll (positive: to the person's right shoulder)",
    )  # fmt: skip
    assert [translate(words).partition(" (")[0] for words in live] == called
    moment = translate("Pitch {pitch}°, yaw {yaw}°, roll {roll}°")
    assert moment == f"{called[0]} {{pitch}}°, {called[1]} {{yaw}}°, {called[2]} {{roll}}°"
    assert translate("Nods") not in called


# ---------------------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(("code", "said"), [("en", "3 Sep 2026, 14:05"), ("de", "3. Sept. 2026, 14:05")])
def test_dates_are_written_as_in_the_language(code: str, said: str) -> None:
    with i18n.speaking(code):
        at = datetime(2026, 9, 3, 14, 5, tzinfo=UTC)
        assert dates.day_and_time(at) == said
        assert dates.day(at) == said.partition(",")[0]
        assert dates.day_and_month(at) == ("03 Sep" if code == "en" else "3. Sept.")


def test_english_dates_are_those_of_the_standard_library() -> None:
    for month in range(1, 13):
        at = datetime(2026, month, 9, 8, 7, tzinfo=UTC)
        assert dates.day_and_time(at) == f"{at.day} {at:%b %Y, %H:%M}"
        assert dates.day_and_month(at) == f"{at:%d %b}"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_everything_is_translated(path: Path) -> None:
    known = {message.id if isinstance(message.id, str) else tuple(message.id): message for message in messages(path)}
    missing = [text for text in said_in_code() if text not in known or not all(forms(known[text].string))]
    assert missing == [], "run `python -m dashboard.i18n` and fill in what is empty"
    assert set(known) == {text if isinstance(text, str) else tuple(text) for text in extracted()}
