"""What can be chosen while the product runs, and who chose what when."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import context, i18n
from dashboard.i18n import _, mark, render
from dashboard.widgets import permission, ui
from dashboard.widgets.author import author_input
from fer_phq.core.errors import SettingsError
from service.runtime_settings import change_settings, environment_variables
from service.settings import AppSettings

LABELS = {
    "retention_days": mark("Keep new recordings for (days)"),
    "fps": mark("Sampled frames a second"),
    "coverage_floor": mark("Floor of coverage (%)"),
    "item9_message": mark("Message shown with item 9"),
    "consent_text": mark("Consent text"),
    "consent_version": mark("Version of the consent text"),
    "questionnaire_days": mark("Another questionnaire is due after (days)"),
    "language": mark("Language"),
}
RETENTION_HELP = mark(
    "Empty keeps a recording until it is erased by hand. It can be chosen otherwise for each session."
)
FPS_HELP = mark("More frames show shorter expressions and take longer. Analyses that are stored stay as they are.")
FLOOR_HELP = mark("An analysis whose face was seen in a smaller share of the recording gives no PHQ estimate.")
DUE_HELP = mark("Home then lists the person as overdue. Empty lists nobody.")
ITEM9_HELP = mark("Write who is called here and under which number: a colleague on duty, the local help lines.")
CONSENT_HELP = mark("Confirmed for every recording before it is taken in. Give each wording a version of its own.")
LANGUAGE_HELP = mark(
    "Pages and reports are in it for everybody. Recordings and results are the same in every language."
)
BROWSER = mark("As each viewer's browser")
MOST_LINES = 50


def choices_card(settings: AppSettings) -> None:
    """Draw the form: what holds now, and what a person would have instead."""
    fixed_by = environment_variables(context.environment_settings())
    with ui.card("choices", _("Choices")):
        show_saved()
        if fixed_by:
            names = ", ".join(sorted(fixed_by.values()))
            ui.note(_("The environment comes first: {names} cannot be changed on this page.").format(names=names))
        if refusal := permission.administration_refusal():
            ui.note(refusal)
            ui.facts([(_(words), _display(name, str(getattr(settings, name) or ""))) for name, words in LABELS.items()])
            return
        with st.form("choices", border=False):
            values = {
                **analysis_fields(settings, fixed_by),
                **words_fields(settings, fixed_by),
                **people_fields(settings, fixed_by),
            }
            by = author_input(_("Changed by"), "settings_by")
            if st.form_submit_button(_("Save settings"), type="primary"):
                save({name: value for name, value in values.items() if name not in fixed_by}, by)


def analysis_fields(settings: AppSettings, fixed_by: dict[str, str]) -> dict[str, Any]:
    """Draw the fields for retention, sampling and the floor of coverage.

    Args:
        settings: The settings in force.
        fixed_by: The environment variable of each setting that the environment decides, by the setting's name.

    Returns:
        What the fields hold, by the setting's name.
    """
    left, middle, right = st.columns(3, gap="large")
    floor = right.number_input(
        label("coverage_floor"),
        min_value=0.0,
        max_value=100.0,
        value=round(settings.coverage_floor * 100, 2),
        step=1.0,
        format="%g",
        **_state("coverage_floor", fixed_by, FLOOR_HELP),
    )
    return {
        "retention_days": days_field(
            left,
            "retention_days",
            36500,
            settings,
            _state("retention_days", fixed_by, RETENTION_HELP),
            _("Until erased by hand"),
        ),
        "fps": middle.number_input(
            label("fps"),
            min_value=0.01,
            max_value=240.0,
            value=settings.fps,
            step=0.5,
            format="%g",
            **_state("fps", fixed_by, FPS_HELP),
        ),
        "coverage_floor": floor / 100,
    }


def words_fields(settings: AppSettings, fixed_by: dict[str, str]) -> dict[str, Any]:
    """Draw the fields for the message for item 9 and the consent text.

    Args:
        settings: The settings in force.
        fixed_by: The environment variable of each setting that the environment decides, by the setting's name.

    Returns:
        What the fields hold, by the setting's name.
    """
    message = st.text_area(
        label("item9_message"),
        value=settings.item9_message,
        max_chars=2000,
        height=130,
        **_state("item9_message", fixed_by, ITEM9_HELP),
    )
    consent = st.text_area(
        label("consent_text"),
        value=settings.consent_text,
        max_chars=2000,
        height=110,
        **_state("consent_text", fixed_by, CONSENT_HELP),
    )
    version = st.columns([0.33, 0.67])[0].text_input(
        label("consent_version"),
        value=settings.consent_version,
        max_chars=40,
        **_state("consent_version", fixed_by, CONSENT_HELP),
    )
    return {"item9_message": message, "consent_text": consent, "consent_version": version}


def days_field(
    column: Any, name: str, most: int, settings: AppSettings, state: dict[str, Any], words: str
) -> int | None:
    """Draw the field for a number of days that may be empty.

    Args:
        column: Where it is drawn.
        name: The setting's name.
        most: The most days.
        settings: The settings in force.
        state: Of `_state`.
        words: What stands in the empty field.

    Returns:
        Days; None where the field is empty.
    """
    # Only a field whose own default is empty can be emptied in a browser.
    st.session_state.setdefault(state["key"], getattr(settings, name))
    days: int | None = column.number_input(
        label(name), min_value=1, max_value=most, value=None, step=1, placeholder=words, **state
    )
    return days


def people_fields(settings: AppSettings, fixed_by: dict[str, str]) -> dict[str, Any]:
    """Draw the fields for the days until another questionnaire is due, and for the language.

    Args:
        settings: The settings in force.
        fixed_by: The environment variable of each setting that the environment decides, by the setting's name.

    Returns:
        What the fields hold, by the setting's name.
    """
    left, middle, _right = st.columns(3, gap="large")
    state = _state("questionnaire_days", fixed_by, DUE_HELP)
    return {
        "questionnaire_days": days_field(left, "questionnaire_days", 3650, settings, state, _("Never")),
        "language": language_field(middle, settings, fixed_by),
    }


def language_field(column: Any, settings: AppSettings, fixed_by: dict[str, str]) -> str:
    """Draw the field for the dashboard's language.

    Args:
        column: Where it is drawn.
        settings: The settings in force.
        fixed_by: The environment variable of each setting that the environment decides, by the setting's name.

    Returns:
        The language's code; '' for each viewer's own.
    """
    languages = i18n.languages()
    if settings.language is not None:  # one that there is no catalogue for is not lost by saving
        languages.setdefault(settings.language, settings.language)
    options = ["", *languages]
    code: str = column.selectbox(
        label("language"),
        options,
        index=options.index(settings.language or ""),
        format_func=lambda option: languages[option] if option else _(BROWSER),
        **_state("language", fixed_by, LANGUAGE_HELP),
    )
    return code


def label(name: str) -> str:
    """Return what a setting is called on the page."""
    return _(LABELS.get(name, name))


def save(values: dict[str, Any], by: str) -> None:
    """Store what was chosen, or say why not.

    Args:
        values: The value of each setting by its name.
        by: The person who changes them; empty where nobody is named.
    """
    try:
        changed = change_settings(context.environment_settings(), context.store(), values, by=by)
    except SettingsError as error:
        ui.warn(render(error.message))
        return
    st.session_state.settings_saved = list(changed)
    st.rerun()


def show_saved() -> None:
    """Say what was saved by the last run of the page."""
    changed = st.session_state.pop("settings_saved", None)
    if changed is not None:
        names = ", ".join(label(name) for name in changed)
        words = _("Saved: {names}.").format(names=names) if changed else _("Nothing was changed.")
        st.html(f'<p class="fp-done">{ui.text(words)}</p>')


def history() -> None:
    """Draw the audit's lines about settings, newest first."""
    lines = context.store().audit.list_newest(object_kind="setting", limit=MOST_LINES)
    with st.expander(_("Who changed what, and when")):
        if not lines:
            ui.note(_("No setting has been changed yet."))
            return
        table = pd.DataFrame(
            {
                _("When"): [ui.day_and_time(line.at) for line in lines],
                _("Who"): [line.who for line in lines],
                _("Setting"): [label(line.object_id) for line in lines],
                _("New value"): [_display(line.object_id, line.detail) for line in lines],
            }
        )
        st.dataframe(table, hide_index=True)


def _display(name: str, value: str) -> str:
    if name == "retention_days" and not value:
        return _("until erased by hand")
    if name == "questionnaire_days" and not value:
        return _("never")
    if name == "language":
        return i18n.languages().get(value, value) if value else _("as each viewer's browser")
    if name == "coverage_floor":
        return ui.percent(float(value))
    return value


def _state(name: str, fixed_by: dict[str, str], words: str) -> dict[str, Any]:
    """Return whether a field can be changed, and its help."""
    if name in fixed_by:
        help_text = _("Set by {variable}. Unset it to choose here.").format(variable=fixed_by[name])
        return {"disabled": True, "help": help_text, "key": f"set_{name}"}
    return {"help": _(words), "key": f"set_{name}"}
