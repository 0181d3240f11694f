"""What can be chosen while the product runs, and who chose what when."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import context, ui
from fer_phq.errors import SettingsError
from service.choices import choose, fixed
from service.settings import AppSettings

LABELS = {
    "retention_days": "Keep new recordings for (days)",
    "fps": "Sampled frames a second",
    "coverage_floor": "Floor of coverage (%)",
    "item9_message": "Message shown with item 9",
    "consent_text": "Consent text",
    "consent_version": "Version of the consent text",
}
RETENTION_HELP = "Empty keeps a recording until it is erased by hand. It can be chosen otherwise for each session."
FPS_HELP = "More frames show shorter expressions and take longer. Analyses that are stored stay as they are."
FLOOR_HELP = "An analysis whose face was found in a smaller share of the sampled frames gives no PHQ estimate."
ITEM9_HELP = "Write who is called here and under which number: a colleague on duty, the local help lines."
CONSENT_HELP = "Confirmed for every recording before it is taken in. Give each wording a version of its own."
MOST_LINES = 50


def choices_card(settings: AppSettings) -> None:
    """The form: what holds now, and what a person would have instead."""
    held = fixed(context.given())
    with ui.card("choices", "Choices"):
        said()
        if held:
            names = ", ".join(sorted(held.values()))
            ui.note(f"The environment comes first: {names} cannot be changed on this page.")
        with st.form("choices", border=False):
            wanted = {**analysis_fields(settings, held), **words_fields(settings, held)}
            by = st.text_input("Changed by", placeholder="Your name or initials", max_chars=80, key="settings_by")
            if st.form_submit_button("Save settings", type="primary"):
                save({name: value for name, value in wanted.items() if name not in held}, by)


def analysis_fields(settings: AppSettings, held: dict[str, str]) -> dict[str, Any]:
    """Retention, sampling, floor of coverage."""
    left, middle, right = st.columns(3, gap="large")
    floor = right.number_input(
        LABELS["coverage_floor"],
        min_value=0.0,
        max_value=100.0,
        value=round(settings.coverage_floor * 100, 2),
        step=1.0,
        format="%g",
        **_state("coverage_floor", held, FLOOR_HELP),
    )
    return {
        "retention_days": left.number_input(
            LABELS["retention_days"],
            min_value=1,
            max_value=36500,
            value=settings.retention_days,
            step=1,
            placeholder="Until erased by hand",
            **_state("retention_days", held, RETENTION_HELP),
        ),
        "fps": middle.number_input(
            LABELS["fps"],
            min_value=0.01,
            max_value=240.0,
            value=settings.fps,
            step=0.5,
            format="%g",
            **_state("fps", held, FPS_HELP),
        ),
        "coverage_floor": floor / 100,
    }


def words_fields(settings: AppSettings, held: dict[str, str]) -> dict[str, Any]:
    """The message for item 9 and the consent text."""
    message = st.text_area(
        LABELS["item9_message"],
        value=settings.item9_message,
        max_chars=2000,
        height=130,
        **_state("item9_message", held, ITEM9_HELP),
    )
    consent = st.text_area(
        LABELS["consent_text"],
        value=settings.consent_text,
        max_chars=2000,
        height=110,
        **_state("consent_text", held, CONSENT_HELP),
    )
    left, _ = st.columns([0.33, 0.67])
    version = left.text_input(
        LABELS["consent_version"],
        value=settings.consent_version,
        max_chars=40,
        **_state("consent_version", held, CONSENT_HELP),
    )
    return {"item9_message": message, "consent_text": consent, "consent_version": version}


def save(wanted: dict[str, Any], by: str) -> None:
    """Keep what was chosen, or say why not."""
    try:
        changed = choose(context.given(), context.store(), wanted, by=by)
    except SettingsError as error:
        ui.warn(str(error))
        return
    st.session_state.settings_saved = [LABELS[name] for name in changed]
    st.rerun()


def said() -> None:
    """What was saved a moment ago."""
    changed = st.session_state.pop("settings_saved", None)
    if changed is not None:
        words = f"Saved: {', '.join(changed)}." if changed else "Nothing was changed."
        st.html(f'<p class="fp-done">{ui.text(words)}</p>')


def history() -> None:
    """The audit's lines about settings, newest first."""
    lines = context.store().list_audit(object_kind="setting", limit=MOST_LINES)
    with st.expander("Who changed what, and when"):
        if not lines:
            ui.note("No setting has been changed yet.")
            return
        table = pd.DataFrame(
            {
                "When": [ui.day_and_time(line.at) for line in lines],
                "Who": [line.actor for line in lines],
                "Setting": [LABELS.get(line.object_id, line.object_id) for line in lines],
                "New value": [_shown(line.object_id, line.detail) for line in lines],
            }
        )
        st.dataframe(table, hide_index=True)


def _shown(name: str, value: str) -> str:
    if name == "retention_days" and not value:
        return "until erased by hand"
    if name == "coverage_floor":
        return ui.percent(float(value))
    return value


def _state(name: str, held: dict[str, str], words: str) -> dict[str, Any]:
    """Whether a field can be changed, and its help."""
    if name in held:
        return {"disabled": True, "help": f"Set by {held[name]}. Unset it to choose here.", "key": f"set_{name}"}
    return {"help": words, "key": f"set_{name}"}
