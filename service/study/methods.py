"""The paragraph that a paper's methods need, with the figures of the study filled in. It is English, as papers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from fer_phq import __version__
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Provenance, Scale
from fer_phq.core.texts import NOT_A_DIAGNOSIS
from fer_phq.features.measures import RATE, RECOGNISED_SHARE
from service.study.models import StudyModel
from service.study.selection import Study
from service.views.speech.voices import EVERYBODY, subject_unknown, voice_of

HAS: Mapping[str, str] = {
    "has_voice": "the voice",
    "has_words": "words",
    "has_behaviour": "facial behaviour",
    "has_turns": "who speaks when",
}
"""What a session may have beside the face's expressions."""


def methods(study: Study, models: Sequence[StudyModel], answers: pd.DataFrame) -> str:
    """Write the methods of a study as Markdown.

    Args:
        study: The study.
        models: Its models.
        answers: Its questionnaires, of `service.study.selection.load_answers`.
    """
    paragraphs = [
        _warning(study),
        _recordings(study),
        _expressions(study, models),
        _other_measures(study),
        _estimates(study, models),
        _questionnaires(study, answers),
        _missing(study),
        str(NOT_A_DIAGNOSIS()),
    ]
    return "# Methods\n\n" + "\n\n".join(filter(None, paragraphs)) + "\n"


def _warning(study: Study) -> str:
    if not study.demonstrations:
        return ""
    return f"**{study.demonstrations} of the {len(study.sessions)} sessions are demonstrations: made up, of nobody.**"


def _recordings(study: Study) -> str:
    sessions = study.sessions
    first = sessions["recorded_at"].min()
    last = sessions["recorded_at"].max()
    lasting = _spread(sessions["duration_s"] / 60, " minutes", 1)
    return (
        f"{_count(len(sessions), 'recording')} of {_count(study.people, 'person', 'people')}, made from "
        f"{first:%Y-%m-%d} to {last:%Y-%m-%d}, lasting {lasting}, were analysed with fer-phq, of which version "
        f"{__version__} wrote these tables."
    )


def _expressions(study: Study, models: Sequence[StudyModel]) -> str:
    measured = [model for model in models if model.analyses]
    names = ", ".join(f"{model.model_id} ({_count(model.analyses, 'session')})" for model in measured)
    rates = study.sessions["fps"].map("{:g} frames a second".format, na_action="ignore").fillna("the key frames")
    sampling = ", ".join(f"{rate} ({_count(int(number), 'session')})" for rate, number in rates.value_counts().items())
    gone = [model.model_id for model in models if model.bundle is None]
    lost = f" Of {', '.join(gone)} nothing but the name is known here any more." if gone else ""
    seen = _spread(study.sessions["coverage"] * 100, "% of the recording", 0)
    several = " Face measures of two models differ even where nothing has changed." if len(measured) > 1 else ""
    by_frames = int(study.sessions["counts_by_frames"].sum())
    counted = (
        f" In {_count(by_frames, 'session')} an earlier version counted coverage and shares by frames, not by time "
        "(column `counts_by_frames`)."
        if by_frames
        else ""
    )
    return (
        f"Faces were sampled at {sampling}. The probabilities of {len(EMOTIONS)} expressions ({', '.join(EMOTIONS)}) "
        f"were computed by {names}.{several}{lost} The subject's face was seen in {seen}. Shares and means are "
        f"integrals over the time in which it was seen.{counted}"
    )


def _other_measures(study: Study) -> str:
    sessions = study.sessions
    parts = [f"{words} in {_count(int(sessions[name].sum()), 'session')}" for name, words in HAS.items()]
    rates = sorted({round(rate, 1) for rate in sessions[RATE].dropna()}) if RATE in sessions else []
    looked = f" Faces were followed at {', '.join(f'{rate:g}' for rate in rates)} frames a second." if rates else ""
    return f"Measured besides: {', '.join(parts)}.{looked}{_voices(sessions)}{_words(sessions)}{_turns(sessions)}"


def _voices(sessions: pd.DataFrame) -> str:
    """Say whose voice was measured, and how the subject's was found among several."""
    rows = sessions[sessions["has_voice"]]
    voices = [
        voice_of(choice if isinstance(choice, str) else None, has_sidecar=bool(has_sidecar))
        for choice, has_sidecar in zip(rows["speaker_choice"], rows["has_sidecar"], strict=True)
    ]
    counts = pd.Series(voices, dtype=object).value_counts()
    parts = [
        f"everybody's in {_count(number, 'session')}"
        if voice == EVERYBODY
        else f"the subject's, found by {voice}, in {_count(number, 'session')}"
        for voice, number in counts.items()
    ]
    return f" The voice is {', '.join(parts)}." if parts else ""


def _words(sessions: pd.DataFrame) -> str:
    """Say whether words were given or recognised, as far as it is known."""
    if RECOGNISED_SHARE not in sessions:
        return ""
    shares = sessions.loc[sessions["has_words"], RECOGNISED_SHARE].dropna()
    if shares.empty:
        return ""
    recognised = int((shares > 0).sum())
    return (
        f" Of those whose words are enough to be measured, the words were recognised in "
        f"{_count(recognised, 'session')} and given in {_count(len(shares) - recognised, 'session')}."
    )


def _turns(sessions: pd.DataFrame) -> str:
    """Say of how many sessions the turns are nobody's in particular."""
    rows = sessions[sessions["has_turns"]]
    unknown = sum(subject_unknown(rows))
    return f" In {_count(unknown, 'session')} it is not known which speaker is the subject." if unknown else ""


def _estimates(study: Study, models: Sequence[StudyModel]) -> str:
    sessions = study.sessions
    estimated = sessions[sessions["phq_score"].notna()]
    if estimated.empty:
        return "No session has a model's estimate of a questionnaire."
    parts = []
    for (model_id, scale, provenance), rows in estimated.groupby(["phq_model_id", "phq_scale", "phq_provenance"]):
        level = ", ".join(f"{value:.0%}" for value in sorted(rows["phq_level"].unique()))
        parts.append(
            f"{_count(len(rows), 'session')} by the {scale} head of {model_id} ({provenance} labels, intervals meant "
            f"to hold {level} of new people's scores)"
        )
    text = f"A model's estimate exists of {'; '.join(parts)}."
    if not study.simulated:
        return text
    shipped = any(model.is_shipped and model.estimates for model in models)
    whose = " The head that comes with fer-phq is one of them." if shipped else ""
    return (
        f"{text}\n\n**{_count(study.simulated, 'estimate')} came from a head that was trained on "
        f"{Provenance.SIMULATED} labels.{whose} Such estimates are a demonstration, say nothing about any person, and "
        "must not be reported as results.**"
    )


def _questionnaires(study: Study, answers: pd.DataFrame) -> str:
    if answers.empty:
        return "None of these people answered a PHQ-8 or PHQ-9."
    parts = []
    for scale in Scale:
        rows = answers[answers["scale"] == str(scale)]
        if len(rows):
            people = _count(rows["subject_id"].nunique(), "person", "people")
            parts.append(f"{len(rows)} {scale} of {people}, totals of {_points(rows['total'])}")
    without = study.people - answers["subject_id"].nunique()
    lacking = f" {_count(without, 'person', 'people')} answered none." if without else ""
    return f"Questionnaires, whenever they were answered: {'; '.join(parts)}.{lacking}"


def _missing(study: Study) -> str:
    """Return what is missing and why: sessions that were left out, then values of those that are there."""
    sessions = study.sessions
    left_out = [f"{number} {reason.replace('_', ' ')}" for reason, number in study.omissions.items()]
    omitted = f"{sum(study.omissions.values())} further sessions of the filter were left out"
    first = f"{omitted}, by the first reason that holds: {', '.join(left_out)}." if left_out else "None was left out."
    reasons = sessions["phq_unavailable"].dropna().value_counts()
    unavailable = ", ".join(f"{number} {str(reason).replace('_', ' ')}" for reason, number in reasons.items())
    second = f" Sessions without an estimate, by reason: {unavailable}." if unavailable else ""
    faceless = int(sessions["frames_with_face"].eq(0).sum())
    third = f" In {_count(faceless, 'session')} no face was found." if faceless else ""
    return f"Missing data: {first}{second}{third} Every other missing value is an empty cell of `sessions`."


def _spread(values: pd.Series, unit: str, digits: int) -> str:
    """Return median and range, as '12.0 minutes (median; 3.0 to 50.0)'."""
    numbers = [f"{value:.{digits}f}" for value in (values.median(), values.min(), values.max())]
    return f"{numbers[0]}{unit} (median; {numbers[1]} to {numbers[2]})"


def _points(totals: pd.Series) -> str:
    """Return median and range of totals; the median of an even number of them may have a half."""
    return f"{totals.median():g} points (median; {totals.min():g} to {totals.max():g})"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
