"""Settings that people choose: environment before choice before default, refusals in words, and who uses them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from db.migrate import upgrade
from db.store import Store
from fer_phq.core.errors import SettingsError
from service import runtime_settings
from service.runtime_settings import CHANGEABLE, change_settings, current_settings
from service.settings import ITEM9_MESSAGE, AppSettings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> AppSettings:
    return load_settings(data_dir=tmp_path / "data")


def test_environment_before_choice_before_default(
    settings: AppSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert current_settings(settings, store) == settings
    assert change_settings(settings, store, {"fps": "1.5", "coverage_floor": 0.5, "retention_days": 30}, by="AB") == {
        "fps": "1.5",
        "coverage_floor": "0.5",
        "retention_days": "30",
    }
    held = current_settings(settings, store)
    assert (held.fps, held.coverage_floor, held.retention_days) == (1.5, 0.5, 30)
    assert held.analysis_settings().sampling.fps == 1.5
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert held.retain_until(now) == now + timedelta(days=30)
    monkeypatch.setenv("FERPHQ_FPS", "4")
    told = load_settings(data_dir=settings.data_dir)
    assert runtime_settings.environment_variables(told) == {"fps": "FERPHQ_FPS"}
    assert (current_settings(told, store).fps, current_settings(told, store).coverage_floor) == (4, 0.5)
    with pytest.raises(SettingsError, match="FERPHQ_FPS decides"):
        change_settings(told, store, {"fps": 1, "coverage_floor": 0.1}, by="AB")
    assert current_settings(told, store).coverage_floor == 0.5


def test_what_is_chosen_holds_without_a_store_at_hand(settings: AppSettings) -> None:
    assert current_settings(settings) == settings, "there is no database yet"
    settings.prepare()
    upgrade(settings.database_url)
    with Store(settings.database_url) as own:
        change_settings(settings, own, {"fps": 3}, by="AB")
    assert current_settings(settings).fps == 3


def test_retention_can_go_back_to_without_end(settings: AppSettings, store: Store) -> None:
    change_settings(settings, store, {"retention_days": "90"}, by="AB")
    change_settings(settings, store, {"retention_days": ""}, by="AB")
    assert current_settings(settings, store).retention_days is None
    assert current_settings(settings, store).retain_until(datetime.now(UTC)) is None
    assert change_settings(settings, store, {"retention_days": None}, by="AB") == {}, "nothing changed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fps", "0"),
        ("fps", "many"),
        ("fps", float("nan")),
        ("coverage_floor", 1.1),
        ("coverage_floor", ""),
        ("retention_days", 0),
        ("retention_days", "1.5"),
        ("retention_days", "99999"),
        ("questionnaire_days", 0),
        ("questionnaire_days", "soon"),
        ("item9_message", "  "),
        ("item9_message", "x" * 2001),
        ("consent_version", "two\nlines"),
        ("consent_version", ""),
        ("language", "de/../x"),
        ("language", "german words"),
    ],
)
def test_a_value_that_cannot_be_used_is_one_sentence(
    settings: AppSettings, store: Store, name: str, value: object
) -> None:
    with pytest.raises(SettingsError) as caught:
        change_settings(settings, store, {name: value}, by="AB")
    assert str(caught.value) == str(CHANGEABLE[name])
    assert store.settings.list_all() == {}


def test_a_language_can_be_given_up_again(settings: AppSettings, store: Store) -> None:
    change_settings(settings, store, {"language": "de"}, by="AB")
    assert current_settings(settings, store).language == "de"
    change_settings(settings, store, {"language": None}, by="AB")
    assert current_settings(settings, store).language is None
    assert change_settings(settings, store, {"language": ""}, by="AB") == {}, "nothing changed"


def test_who_chooses_must_be_said_and_is_noted(settings: AppSettings, store: Store) -> None:
    for nobody in ("", "  ", "a\nb", "x" * 81):
        with pytest.raises(SettingsError, match="Say who"):
            change_settings(settings, store, {"fps": 1}, by=nobody)
    with pytest.raises(SettingsError, match="no setting named colour"):
        change_settings(settings, store, {"colour": 1}, by="AB")
    change_settings(settings, store, {"fps": 1}, by="AB")
    (line,) = store.audit.list_newest(object_kind="setting")
    assert (line.who, line.object_id, line.detail) == ("dashboard, AB", "fps", "1.0")


def test_a_new_consent_text_needs_a_new_version(settings: AppSettings, store: Store) -> None:
    with pytest.raises(SettingsError, match="new version"):
        change_settings(settings, store, {"consent_text": "They agreed.", "consent_version": "1"}, by="AB")
    change_settings(settings, store, {"consent_text": "They agreed.", "consent_version": "2"}, by="AB")
    held = current_settings(settings, store)
    assert (held.consent_text, held.consent_version) == ("They agreed.", "2")
    change_settings(settings, store, {"consent_text": "They agreed.", "consent_version": "2b"}, by="AB")


def test_a_stored_value_that_is_damaged_leaves_the_default(settings: AppSettings, store: Store) -> None:
    store.settings.set_many(values={"fps": "-1", "coverage_floor": "0.4", "unheard_of": "x"})
    assert (current_settings(settings, store).fps, current_settings(settings, store).coverage_floor) == (2.0, 0.4)


def test_help_lines_of_before_are_not_lost(settings: AppSettings, store: Store) -> None:
    store.settings.set(key="help_line", value="Call the ward on extension 12.")
    assert current_settings(settings, store).item9_message == f"{ITEM9_MESSAGE}\n\nCall the ward on extension 12."
    change_settings(settings, store, {"item9_message": "Call extension 13."}, by="AB")
    assert current_settings(settings, store).item9_message == "Call extension 13."


def test_no_countrys_number_is_named_by_default() -> None:
    assert not any(character.isdigit() for character in ITEM9_MESSAGE)
