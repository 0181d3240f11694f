"""Why the lines of a chart over sessions are broken, in a few words: the reasons that apply, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboard.i18n import _, dates, mark, n_
from dashboard.widgets import ui
from service.views.line_breaks import LineBreaks, Unmeasured

MOST = 2
"""The most days that a sentence names: what stands below a chart has two lines."""
MODELS = mark("Lines are broken where another model measured: {days}.")
RATES = mark("Those of facial behaviour are broken where the face was looked at more or less often a second: {days}.")
GAZES = mark("Those of looks are broken where the gaze was hardly seen any more, or was seen again: {days}.")
VOICES = mark(
    "Those of the voice are broken where the person's voice was found in another way, or everybody's was measured: "
    "{days}."
)
WORDS = mark(
    "Those of words are broken where words were recognised and no longer given, or the reverse, or the person among "
    "the speakers was found in another way: {days}."
)
TURNS = mark(
    "Those of turn taking are broken where who speaks, or which speaker is the person, was told in another way: {days}."
)
UNMEASURED = mark("Not measured: {days}.")


def break_words(breaks: LineBreaks, gap_days: int) -> str:
    """Write why lines are broken; empty where they are not.

    Args:
        breaks: The reasons, with local times.
        gap_days: Days between two sessions beyond which a line is broken.
    """
    sentences = []
    if breaks.gaps:
        between = [
            _("{first} to {last}").format(first=dates.day(first), last=dates.day(last)) for first, last in breaks.gaps
        ]
        sentences.append(
            n_(
                "Lines are broken where sessions lie more than {n} day apart: {days}.",
                "Lines are broken where sessions lie more than {n} days apart: {days}.",
                gap_days,
                days=_listed(between),
            )
        )
    changes = (
        *((MODELS, breaks.models), (RATES, breaks.rates), (GAZES, breaks.gazes)),
        *((VOICES, breaks.voices), (WORDS, breaks.words), (TURNS, breaks.turns)),
    )
    for words, moments in changes:
        if moments:
            sentences.append(_(words).format(days=_days(moments)))
    if breaks.unmeasured:
        sentences.append(_(UNMEASURED).format(days=_listed([_session(session) for session in breaks.unmeasured])))
    return " ".join(sentences)


def _session(session: Unmeasured) -> str:
    if session.coverage is None:
        return dates.day(session.at)
    return _("{day} (face seen in {share})").format(day=dates.day(session.at), share=ui.percent(session.coverage))


def _days(moments: Sequence[datetime]) -> str:
    return _listed([dates.day(at) for at in moments])


def _listed(words: Sequence[str]) -> str:
    """Join a few texts, and say how many more there are."""
    joined = ", ".join(words[:MOST])
    if len(words) <= MOST:
        return joined
    return _("{some} and {n} more").format(some=joined, n=len(words) - MOST)
