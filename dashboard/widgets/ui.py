"""Pieces that several pages draw: cards, badges, session rows, the footer. Every text from a store is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from dashboard import context
from dashboard.charts import clock
from dashboard.i18n import SOURCE, _, dates, language, mark, n_, numbers, percent_pattern, render
from dashboard.i18n.vocabulary import ANALYSIS_STATES, PROVENANCES, ROLES
from db.records import SessionSummary
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.core.phq import PhqEstimate, PhqResult, Provenance
from service.models.active_model import active_model

CSS = Path(__file__).parents[1] / "style.css"
NEW_SESSION = "app_pages/new_session.py"
SESSION = "app_pages/session.py"
TRENDS = "app_pages/trends.py"
MODELS = "app_pages/models.py"
QUESTIONNAIRE = "app_pages/questionnaire.py"
SETTINGS = "app_pages/settings.py"

SIMULATED = mark("Simulated")
SIMULATED_SENTENCE = mark(
    "Demonstration only: this head was trained on simulated labels. It says nothing about this person."
)
NOT_A_DIAGNOSIS = mark(
    "fer-phq is not a medical device and its output is not a diagnosis. An expression on a face is not the feeling "
    "behind it, and a PHQ estimate of a model is not a PHQ score of a person."
)
ABOUT = mark("""
**What the numbers are.** Emotion shares are the mean of a model's frame-by-frame probabilities for seven expressions.
A PHQ *score* comes from a questionnaire that a person filled in. A PHQ *estimate* comes from a model, is always shown
with its interval and its provenance, and is withheld when the face was seen too rarely. Provenance *simulated* means
that the head was trained on made-up labels: it demonstrates the software and says nothing about anyone.

**Where it may not be used.** In the European Union, inferring emotions of people in the workplace or in education is
prohibited (Regulation (EU) 2024/1689, Article 5(1)(f); medical or safety reasons are excepted). Where emotion
recognition is allowed, the people exposed to it must be told (Article 50(3)). Ask a lawyer, not this page, about your
own case.

**Where the data is.** Recordings and results stay in this installation's data folder and database. The dashboard sends
nothing anywhere else.
""")


def style() -> None:
    """Put the palette of the viewer's mode and our style sheet onto the page."""
    colours = context.colours()
    names = ("page", "card", "inset", "line", "ink", "muted", "accent", "accent_soft", "warning", "danger", "gap")
    rules = "".join(f"--fp-{name.replace('_', '-')}:{getattr(colours, name)};" for name in names)
    st.html(f"<style>:root{{{rules}}}</style>")
    st.html(CSS)


@contextmanager
def card(name: str, title: str | None = None, *, stretch: bool = False, anchor: bool = False) -> Iterator[None]:
    """Draw a white surface around what is drawn in the `with` block.

    Args:
        name: Names it; unique on the page.
        title: Its title; None for none.
        stretch: Whether it is as high as its neighbours.
        anchor: Whether `jumps` can lead to its title.
    """
    with st.container(key=f"card_{name}", height="stretch" if stretch else "content", gap="small"):
        if title:
            st.subheader(title, anchor=name if anchor else False)
        yield


def jumps(targets: Sequence[tuple[str, str]]) -> None:
    """Draw links to cards of the page, in one line where there is room.

    Args:
        targets: The name of each card that has an anchor, and what the link says.
    """
    links = "".join(f'<a href="#{escape(name)}" target="_self">{escape(words)}</a>' for name, words in targets)
    title = escape(_("On this page"))
    st.html(f'<nav class="fp-jumps" aria-label="{title}">{links}</nav>')


def heading(title: str, lead: str = "", badges: Sequence[str] = ()) -> None:
    """Draw the page's title and one line below it.

    Args:
        title: The title.
        lead: The line's text, or ''.
        badges: HTML of badges that begin the line.
    """
    st.title(title, anchor=False)
    if lead or badges:
        marks = " ".join(badges)
        st.html(f'<p class="fp-lead">{marks}{"&ensp;" if marks and lead else ""}{escape(lead)}</p>')
    else:
        st.html('<div class="fp-gap"></div>')


def badge(words: str, kind: str = "") -> str:
    """Return a small label as HTML.

    Args:
        words: Its text.
        kind: Its colour: '', 'demo', 'clinical' or 'danger'.
    """
    return f'<span class="fp-badge {kind}">{escape(words)}</span>'


def provenance_badge(provenance: Provenance) -> str:
    """Return what kind of labels trained the head, as a badge."""
    simulated = provenance is Provenance.SIMULATED
    return badge(_(PROVENANCES[provenance]), "demo" if simulated else "clinical")


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Draw names and values in a grid."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    st.html(f'<dl class="fp-facts">{items}</dl>')


def note(words: str) -> None:
    """Draw a quiet line."""
    st.html(f'<p class="fp-note">{text(words)}</p>')


def warn(words: str) -> None:
    """Draw a line that must not be overlooked, without alarm."""
    st.html(f'<p class="fp-warning">{text(words)}</p>')


def counting_sentence(sessions: pd.DataFrame) -> str:
    """Return how many sessions an earlier version counted by frames, as a sentence; empty for none.

    Args:
        sessions: Rows with the column `counts_by_frames`.
    """
    n = int(sessions["counts_by_frames"].sum())
    if not n:
        return ""
    return n_(
        "Of {n} session an earlier version counted coverage and shares by frames, not by time: score it again on the "
        "Models page.",
        "Of {n} sessions an earlier version counted coverage and shares by frames, not by time: score them again on "
        "the Models page.",
        n,
    )


def left_out_sentence(withdrawn: int) -> str:
    """Return how many sessions are left out because their consent was withdrawn, as a sentence; empty for none."""
    if not withdrawn:
        return ""
    return n_(
        "{n} session more is left out: its consent was withdrawn.",
        "{n} sessions more are left out: their consent was withdrawn.",
        withdrawn,
    )


def demonstration_sentence(demonstrations: int) -> str:
    """Return how many of the sessions on show are made up, as a sentence; empty for none."""
    if not demonstrations:
        return ""
    return n_(
        "{n} session on this page is a demonstration: made up, of nobody.",
        "{n} sessions on this page are demonstrations: made up, of nobody.",
        demonstrations,
    )


def withdrawn_sentence(withdrawn: int) -> str:
    """Return how many of the sessions on show are those whose consent was withdrawn, as a sentence; empty for none."""
    if not withdrawn:
        return ""
    return n_(
        "The consent to {n} of these sessions was withdrawn: it is shown as long as it is stored, is in no cohort and "
        "no training, and can be erased on its page.",
        "The consent to {n} of these sessions was withdrawn: they are shown as long as they are stored, are in no "
        "cohort and no training, and can be erased on their pages.",
        withdrawn,
    )


def problems(title: str, sentences: Sequence[str]) -> None:
    """Draw everything that is wrong, a line each, under what it means.

    Args:
        title: What it means.
        sentences: What is wrong.
    """
    lines = "".join(f"<li>{text(sentence)}</li>" for sentence in sentences)
    st.html(f'<div class="fp-danger" role="alert"><b>{escape(title)}</b><ul class="fp-problems">{lines}</ul></div>')


def problem(error: FerPhqError) -> None:
    """Draw what went wrong, in the error's own sentence."""
    st.error(md(render(error.message)), icon=":material/error:")


def empty(title: str, words: str) -> None:
    """Draw what stands where nothing is yet.

    Args:
        title: What is missing.
        words: What to do.
    """
    st.html(f'<div class="fp-empty"><h3>{escape(title)}</h3><p>{text(words)}</p></div>')


def logged_out() -> None:
    """Say that the login has ended, with the way to the next."""
    words = _("Your login has ended.")
    way_in = _("Log in")
    st.html(f'<p class="fp-lead">{escape(words)} <a href="/login" target="_self">{escape(way_in)}</a></p>')


def footer() -> None:
    """Draw what stands below every page."""
    _who()
    title = _("Not a diagnosis.")
    words = _(NOT_A_DIAGNOSIS)
    st.html(f'<div class="fp-foot"><p class="fp-note"><b>{escape(title)}</b> {escape(words)}</p></div>')
    with st.expander(_("About these numbers, their limits and the law")):
        st.markdown(_(ABOUT))
        note(_active_model())


def _who() -> None:
    """Say who is logged in, with the way out; nothing where nobody has to."""
    try:
        account = context.account()
    except FerPhqError:  # the page above has said what is wrong
        return
    if account is None:
        return
    words = _("Logged in as {name}, {role}.").format(name=account.name, role=_(ROLES[account.role]))
    way_out = escape(_("Log out"))
    st.html(f'<p class="fp-note">{escape(words)} <a href="/logout" target="_self">{way_out}</a></p>')


def _active_model() -> str:
    try:
        model_id = active_model(context.settings(), context.store())
    except FerPhqError:  # the page above has said what is wrong
        return _("Active model: unknown.")
    if not model_id:
        return _("Active model: the one that ships with fer-phq.")
    return _("Active model: {model}.").format(model=model_id)


# ------------------------------------------------------------------------------------------------ words for values


def zone() -> tzinfo:
    """Return the viewer's time zone, UTC when the browser does not say."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def day(instant: datetime) -> str:
    """Write a date in the viewer's time zone, such as '3 Nov 2026'."""
    return dates.day(instant.astimezone(zone()))


def day_and_time(instant: datetime) -> str:
    """Write a date and time in the viewer's time zone, such as '3 Nov 2026, 14:05'."""
    return dates.day_and_time(instant.astimezone(zone()))


def display_name(label: str, is_demo: bool) -> str:
    """Return what a subject is called in a list: demonstration subjects are marked.

    Args:
        label: The subject's label.
        is_demo: Whether the subject is made up.
    """
    return _("{label} (demonstration)").format(label=label) if is_demo else label


def capitalised(words: str) -> str:
    """Return words with a capital first letter."""
    return f"{words[:1].upper()}{words[1:]}"


def sentence(words: str) -> str:
    """Return words with a capital first letter and one full stop at the end."""
    bare = words.strip().rstrip(".")
    return f"{capitalised(bare)}." if bare else ""


def percent(share: float) -> str:
    """Write a share as whole percent, never rounded up to 100 % or down to 0 %."""
    # English has no space in running text; in tables the pages set one.
    pattern = "{} %" if language() == SOURCE else percent_pattern(language())
    if 0 < share < 0.01:
        return f"< {pattern.replace('{}', '1')}"
    return pattern.replace("{}", str(min(round(share * 100), 99) if share < 1 else 100))


def phq_words(phq: PhqResult | None) -> str:
    """Write an estimate in one short phrase for a row: always with its interval."""
    if isinstance(phq, PhqEstimate):
        return _("{score} ({low} to {high})").format(
            score=f"{phq.score:.0f}", low=f"{phq.low:.0f}", high=f"{phq.high:.0f}"
        )
    return _("No estimate") if phq is not None else ""


# ---------------------------------------------------------------------------------------------------- session rows


def session_rows(rows: Sequence[SessionSummary], *, with_subject: bool = True) -> None:
    """Draw sessions one below the other: a link, what was found, and the emotion mix as a bar.

    Args:
        rows: The sessions, in the order in which they are drawn.
        with_subject: Whether the link names the subject; if not, it has the time of day.
    """
    left, right = st.columns([0.27, 0.73], vertical_alignment="center")
    left.html(_head_html((_("Session"),)))
    right.html(_head_html(_result_heads()))
    for row in rows:
        left, right = st.columns([0.27, 0.73], vertical_alignment="center")
        when = day(row.session.recorded_at)
        words = f"{row.subject_label} · {when}" if with_subject else day_and_time(row.session.recorded_at)
        left.page_link(SESSION, label=md(words), query_params={"session": row.session.id})
        right.html(_row_html(row))
    st.html(f'<div class="fp-keys">{_keys()}</div>')


def result(row: SessionSummary) -> None:
    """Draw what was analysed of one session under its heads: leading emotion, shares, coverage and estimate.

    Args:
        row: The session.
    """
    st.html(_head_html(_result_heads()) + _row_html(row))


def _result_heads() -> tuple[str, ...]:
    return _("Most seen"), _("Emotion shares"), _("Coverage"), _("PHQ estimate (interval)")


def _head_html(names: Sequence[str]) -> str:
    return f'<div class="fp-row head">{"".join(f"<span>{escape(name)}</span>" for name in names)}</div>'


def _row_html(row: SessionSummary) -> str:
    summary = row.analysis
    if summary is None:
        state = _(ANALYSIS_STATES[row.job.state]) if row.job is not None else _("Not analysed")
        return f'<div class="fp-row"><span class="muted">{escape(state)}</span></div>'
    simulated = isinstance(summary.phq, PhqEstimate) and summary.phq.provenance is Provenance.SIMULATED
    cells = (
        f"{escape(_((summary.dominant_emotion or '–').capitalize()))} "
        f'<span class="muted">· {clock(row.session.duration_s)} min</span>',
        _mix_html(summary.emotions or {}),
        escape(percent(summary.coverage)),
        f"{escape(phq_words(summary.phq))} {badge(_(SIMULATED), 'demo') if simulated else ''}",
    )
    parts = (  # on a phone each cell has its head above it
        f'<div data-head="{escape(head)}">{cell}</div>' for head, cell in zip(_result_heads(), cells, strict=True)
    )
    return f'<div class="fp-row">{"".join(parts)}</div>'


def _mix_html(emotions: Mapping[str, float]) -> str:
    """Write the emotion shares as one bar of seven colours."""
    if not emotions:
        nothing = _("No face found")
        return f'<span class="muted">{escape(nothing)}</span>'
    colours = context.colours()
    texts = {name: escape(f"{_(name)} {numbers.percent(share)}") for name, share in emotions.items()}
    words = ", ".join(texts.values())
    parts = "".join(
        f'<span style="width:{share * 100:.2f}%;background:{colours.emotion(name)}" title="{texts[name]}"></span>'
        for name, share in emotions.items()
    )
    return f'<div class="fp-mix" role="img" aria-label="{words}">{parts}</div>'


def _keys() -> str:
    colours = context.colours()
    return "".join(
        f'<span><i style="background:{colours.emotion(name)}"></i>{escape(_(name.capitalize()))}</span>'
        for name in EMOTIONS
    )


def text(words: str) -> str:
    """Return text as HTML, with `commands` between backticks set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words))


def md(words: str) -> str:
    """Return text from the store with Markdown's signs made harmless."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]()<>#+-.!|~$:" else sign for sign in words)
