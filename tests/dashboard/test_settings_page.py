"""The Settings page: what is chosen there holds everywhere, and nobody's word is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from shown_pages import bare_session, html_of, open_page, press, tables, words
from streamlit.testing.v1 import AppTest

from dashboard import context, i18n
from dashboard.questionnaire import wording
from db.migrate import head_revision
from db.store import Store
from fer_phq.core import phq
from fer_phq.core.phq import Scale
from service.runtime_settings import change_settings, current_settings
from service.settings import CONSENT_TEXT, ITEM9_MESSAGE, AppSettings, load_settings

PAST = datetime.now(UTC) - timedelta(days=3)


def save(app: AppTest, by: str = "AB") -> AppTest:
    app.text_input(key="settings_by").set_value(by)
    press(app, "Save settings")
    return app


def test_what_is_chosen_holds_and_says_by_whom(installation: AppSettings, store: Store) -> None:
    app = open_page("settings")
    app.number_input(key="set_retention_days").set_value(90)
    app.number_input(key="set_fps").set_value(1.5)
    app.number_input(key="set_coverage_floor").set_value(45.0)
    app.text_area(key="set_item9_message").set_value("Call the ward on extension 12.")
    app.number_input(key="set_questionnaire_days").set_value(None)
    save(app)
    held = current_settings(installation, store)
    assert (held.retention_days, held.fps, held.coverage_floor) == (90, 1.5, 0.45)
    assert held.item9_message == "Call the ward on extension 12."
    assert held.questionnaire_days is None
    assert "Saved: Keep new recordings for (days), Sampled frames a second" in html_of(app)
    assert "'Who': 'dashboard, AB', 'Setting': 'Floor of coverage (%)', 'New value': '45 %'" in tables(app)
    assert context.settings().fps == 1.5, "every page goes by it"
    app = open_page("new_session")
    keep = next(box for box in app.selectbox if box.label == "Keep the recording")
    assert keep.value == "90 days"


def test_nobody_and_a_text_without_its_version_are_refused(installation: AppSettings, store: Store) -> None:
    app = save(open_page("settings"), by="")
    assert "Say who changes the settings" in html_of(app)
    app.text_area(key="set_consent_text").set_value("They agreed.")
    save(app)
    assert "give it a new version" in html_of(app)
    assert store.settings.list_all() == {}
    app.text_input(key="set_consent_version").set_value("2")
    save(app)
    assert store.settings.list_all() == {"consent_text": "They agreed.", "consent_version": "2"}
    assert "They agreed" in words(open_page("new_session"))


def test_what_the_environment_says_cannot_be_changed(
    installation: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERPHQ_COVERAGE_FLOOR", "0.6")
    context.use(load_settings(data_dir=installation.data_dir))
    app = open_page("settings")
    assert app.number_input(key="set_coverage_floor").disabled
    assert app.number_input(key="set_coverage_floor").value == 60
    assert "FERPHQ_COVERAGE_FLOOR cannot be changed on this page" in html_of(app)
    app.number_input(key="set_fps").set_value(1.0)
    save(app)
    assert store.settings.list_all() == {"fps": "1.0"}


def test_sessions_past_their_retention_are_listed_and_not_erased_unasked(
    installation: AppSettings, store: Store
) -> None:
    bare_session(store, "P-1")
    overdue = bare_session(store, "P-2")
    assert "No session is past its retention" in html_of(open_page("settings"))
    store.sessions.set_retention(session_id=overdue, retain_until=PAST)
    app = open_page("settings")
    press(app, "Erase these sessions")
    assert next(button for button in app.button if button.label == "Erase").disabled
    assert "'Subject': 'P-2'" in tables(app)
    assert "P-1" not in tables(app)
    assert len(store.sessions.list_recent()) == 2


def test_the_installation_says_what_it_is(installation: AppSettings) -> None:
    said = html_of(open_page("settings"))
    assert str(installation.data_dir) in said
    assert f"SQLite, schema {head_revision()}" in said


def test_the_language_is_one_that_there_is_or_each_viewers_own(installation: AppSettings, store: Store) -> None:
    app = open_page("settings")
    box = app.selectbox(key="set_language")
    assert box.options == ["As each viewer's browser", *i18n.languages().values()]
    assert box.value == ""
    box.set_value("de")
    save(app)
    assert store.settings.get(key=i18n.SETTING) == "de"
    assert current_settings(installation, store).language == "de"
    app = AppTest.from_function(choices_only, default_timeout=60).run()
    with i18n.speaking("de"):  # the test runner names the options outside of the page's run
        app.selectbox(key="set_language").set_value("")
        app.text_input(key="settings_by").set_value("AB")
        press(app, "Einstellungen speichern")
    assert store.settings.get(key=i18n.SETTING) == ""
    assert current_settings(installation, store).language is None
    table = tables(open_page("settings"))
    assert "'Setting': 'Language', 'New value': 'Deutsch'" in table
    assert "'Setting': 'Language', 'New value': \"as each viewer's browser\"" in table


def choices_only() -> None:
    from dashboard import context, i18n
    from dashboard.settings.choices import choices_card

    i18n.choose()
    choices_card(context.settings())


def test_the_installations_own_sentences_are_in_the_catalogues() -> None:
    assert (wording.CONSENT_TEXT, wording.ITEM9_MESSAGE) == (CONSENT_TEXT, ITEM9_MESSAGE)
    assert wording.ITEMS == phq.ITEMS
    assert (wording.PREAMBLE, wording.ANSWERS, wording.CREDIT) == (phq.PREAMBLE, phq.ANSWERS, phq.CREDIT)
    assert (wording.DIFFICULTY, wording.DIFFICULTY_ANSWERS) == (phq.DIFFICULTY, phq.DIFFICULTY_ANSWERS)
    with i18n.speaking("de"):
        assert i18n._(ITEM9_MESSAGE).startswith("Ein Mensch sollte jetzt")
        assert i18n._(phq.ITEMS[0]) == "Wenig Interesse oder Freude an Ihren Tätigkeiten"
        assert i18n._(phq.DIFFICULTY).startswith(
            "Wenn eines oder mehrere der in diesem Fragebogen beschriebenen Probleme"
        )
        assert "Löwe, Spitzer, Zipfel & Herzog 2002" in i18n._(phq.CREDIT)


def test_a_message_of_ones_own_stands_beside_the_translated_default(installation: AppSettings, store: Store) -> None:
    change_settings(
        installation, store, {"item9_message": f"{ITEM9_MESSAGE}\n\nStation 3: 4711", "language": "de"}, by="AB"
    )
    person = store.subjects.get_or_create(label="P-1").id
    store.questionnaires.save(subject_id=person, scale=Scale.PHQ9, items=[0] * 8 + [1], answered_at=PAST)
    said = html_of(AppTest.from_function(item9_only, default_timeout=60).run())
    assert "Ein Mensch sollte jetzt" in said
    assert "Station 3: 4711" in said
    assert "A person should speak" not in said


def item9_only() -> None:
    from dashboard import context, i18n
    from dashboard.questionnaire.item9 import item9_card
    from service.views.questionnaires import load_questionnaires_view

    i18n.choose()
    store = context.store()
    item9_card(load_questionnaires_view(store, store.subjects.list_all()[0].id).current)
