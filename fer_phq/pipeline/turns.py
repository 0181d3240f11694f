"""Who speaks when in a session, which of the speakers is the subject, and what that means for the voice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fer_phq.core.analysis import SessionAnalysis, SpeakerChoice
from fer_phq.core.arrays import TimeArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.pipeline import messages
from fer_phq.speakers import messages as reasons
from fer_phq.speakers.files.series import BY_PART, BY_VOICES, subject_of, turn_series, turns_of
from fer_phq.speakers.turn import Diarization, Turn
from fer_phq.words import Transcript, intervals

LEAST_SHARE = 0.8
"""How much of a speaker's talk time must lie where the transcript has the subject's."""
LEAST_RATIO = 2.0
"""How many times as much it must be as that of any other speaker."""
LEAST_PART = 0.5
"""How much of all that is heard there must be this speaker's."""
LEAST_COMMON = 0.8
"""How much of the time in which either of them speaks a speaker must have in common with the one whom a person chose:
nobody is taken for that one who is two people's voices, or half of one's."""

MOUTH_REASONS = {
    reasons.NO_MOUTH.code: SpeakerChoice.NO_MOUTH,
    reasons.MOUTH_TOO_SELDOM.code: SpeakerChoice.MOUTH_TOO_SELDOM,
    reasons.MOUTH_TOO_BRIEF.code: SpeakerChoice.MOUTH_TOO_BRIEF,
    reasons.TOO_LITTLE_SPEECH.code: SpeakerChoice.TOO_LITTLE_SPEECH,
    reasons.MOUTH_STILL.code: SpeakerChoice.MOUTH_STILL,
    reasons.MOUTH_WITH_TWO.code: SpeakerChoice.MOUTH_WITH_TWO,
}
"""Why the mouth does not say which speaker is the subject, by the reason's code."""
WITHOUT_MOUTH = (
    None,
    SpeakerChoice.TRANSCRIPT,
    SpeakerChoice.LABELS_DISAGREE,
    SpeakerChoice.OTHER_FACES,
    SpeakerChoice.HAND,
    SpeakerChoice.CHOICE_LOST,
)
"""Choices in which the mouth of the analysis's faces had no say."""
MOUTH_WARNINGS = (messages.SUBJECT_BY_MOUTH, messages.VOICE_OF_SPEAKERS, messages.VOICE_OF_ONE)
"""What is said of a speaker who was, or was not, chosen by the mouth."""


@dataclass(frozen=True, eq=False)
class SpeakerTurns:
    """Who speaks when.

    Attributes:
        series: Everybody's turns, of `turn_series`; None where they are not told.
        choice: How the subject's speaker was found, or why it is not known; None without a turn.
        warnings: What limits them.
    """

    series: FeatureSeries | None
    choice: SpeakerChoice | None
    warnings: tuple[Message, ...]


NO_TURNS = turn_series((), None, BY_VOICES)
"""The turns of sound in which nobody speaks."""


def choose_speaker(
    diarization: Diarization,
    transcript: Transcript | None,
    speaker: str | None,
    behaviour: FeatureSeries | None,
    subject_turns: Sequence[tuple[float, float]] = (),
) -> SpeakerTurns:
    """Choose the subject among the speakers of a recording.

    Args:
        diarization: Who speaks when.
        transcript: The transcript, or None.
        speaker: The subject's name in it; None where it is not known.
        behaviour: The subject's facial behaviour, whose mouth says who the subject is where no transcript and no person
            does.
        subject_turns: `Settings.subject_turns`, which a transcript that names the subject comes before.
    """
    # Nobody said that two people talk: a single voice is no reason to doubt.
    warnings = tuple(warning for warning in diarization.warnings if warning.code != reasons.ONE_VOICE.code)
    if not diarization.turns:
        return SpeakerTurns(NO_TURNS, None, warnings)
    if transcript is not None and speaker is not None:
        subject, how, doubts = _choose_by_labels(diarization.turns, intervals(transcript, speaker))
        if subject_turns and speaker_by_turns(diarization.turns, subject_turns) != subject:
            doubts = (*doubts, messages.TRANSCRIPT_BEFORE_CHOICE())
    elif subject_turns:
        subject, how, doubts = _choose_by_hand(diarization, subject_turns, behaviour)
    else:
        subject, how, doubts = _choose_by_mouth(diarization, behaviour)
    kind = BY_PART if diarization.is_by_part else BY_VOICES
    return SpeakerTurns(turn_series(diarization.turns, subject, kind), how, (*warnings, *doubts))


def subject_intervals(series: FeatureSeries) -> list[tuple[float, float]] | None:
    """Return starts and ends of the subject's turns in seconds; None where the subject's speaker is not known.

    Args:
        series: Everybody's turns, of `turn_series`.
    """
    subject = subject_of(series)
    if subject is None:
        return None
    return [(turn.start_s, turn.end_s) for turn in turns_of(series) if turn.speaker == subject]


def forget_mouth(analysis: SessionAnalysis) -> SessionAnalysis:
    """Return an analysis without what the mouth of its faces said of who speaks, for whom other faces are chosen.

    A voice that is one of several speakers' is left out with it, and so are recognised words: the mouth of these faces
    may move with another's. Recognised words stay to be read.

    Args:
        analysis: The analysis. It is returned as it is where the mouth had no say.
    """
    choice = analysis.speaker_choice
    if choice is SpeakerChoice.HAND:
        code = messages.MOUTH_AGAINST_CHOICE.code
        return replace(analysis, warnings=tuple(warning for warning in analysis.warnings if warning.code != code))
    if analysis.turns is None or choice in WITHOUT_MOUTH:
        return analysis
    turns = turns_of(analysis.turns)
    codes = {declared.code for declared in MOUTH_WARNINGS}
    warnings = [warning for warning in analysis.warnings if warning.code not in codes]
    is_left_out = choice is SpeakerChoice.MOUTH and _count(turns) > 1
    if is_left_out:
        warnings.append(messages.VOICE_OF_OTHER_FACES())
    else:
        warnings.append(_voice_of_all(turns, messages.MOUTH_OF_OTHER_FACES()))
    words = analysis.words
    if analysis.transcription is not None and words is not None:
        words = None
        warnings = [warning for warning in warnings if warning.code != messages.RECOGNISED.code]
        warnings.append(messages.RECOGNISED_OF_NOBODY())
    return replace(
        analysis,
        turns=turn_series(turns, None, analysis.turns.kind),
        speaker_choice=SpeakerChoice.OTHER_FACES,
        words=words,
        voice=None if is_left_out else analysis.voice,
        warnings=tuple(warnings),
    )


def speaker_by_labels(turns: Sequence[Turn], spans: TimeArray) -> int | None:
    """Find the speaker whose turns are where a transcript has the subject's.

    Nearly all of that speaker's talk must lie there, clearly more than of anybody else's, and most of what is heard
    there must be of that speaker: whose voices were confused is not chosen.

    Args:
        turns: Everybody's turns.
        spans: (n, 2) starts and ends of the subject's utterances in seconds, ascending, apart from each other.

    Returns:
        The speaker; None where none is that clearly the subject.
    """
    talk_s: defaultdict[int, float] = defaultdict(float)
    inside_s: defaultdict[int, float] = defaultdict(float)
    for turn in turns:
        talk_s[turn.speaker] += turn.duration_s
        common = spans.clip(turn.start_s, turn.end_s)
        inside_s[turn.speaker] += float((common[:, 1] - common[:, 0]).sum())
    ranked = sorted(((inside_s[speaker] / talk_s[speaker], speaker) for speaker in talk_s), reverse=True)
    share, best = ranked[0] if ranked else (0.0, 0)
    others = max((other for other, _ in ranked[1:]), default=0.0)
    if share < LEAST_SHARE or share < LEAST_RATIO * others:
        return None
    return best if inside_s[best] > LEAST_PART * sum(inside_s.values()) else None


def speaker_by_turns(turns: Sequence[Turn], subject_turns: Sequence[tuple[float, float]]) -> int | None:
    """Find the speaker who speaks when somebody spoke that a person chose, whatever number that one had.

    Args:
        turns: Everybody's turns.
        subject_turns: (start, end) in seconds of the turns of the chosen one, apart from each other.

    Returns:
        The speaker; None where none is clearly that one.
    """
    spans = np.array(subject_turns, np.float64).reshape(-1, 2)
    subject_s = float((spans[:, 1] - spans[:, 0]).sum())
    talk_s: defaultdict[int, float] = defaultdict(float)
    common_s: defaultdict[int, float] = defaultdict(float)
    for turn in turns:
        talk_s[turn.speaker] += turn.duration_s
        common = spans.clip(turn.start_s, turn.end_s)
        common_s[turn.speaker] += float((common[:, 1] - common[:, 0]).sum())
    shares = {
        speaker: common_s[speaker] / max(subject_s + talk_s[speaker] - common_s[speaker], 1e-9) for speaker in talk_s
    }
    ranked = sorted(((share, speaker) for speaker, share in shares.items()), reverse=True)
    share, best = ranked[0] if ranked else (0.0, 0)
    next_share = ranked[1][0] if len(ranked) > 1 else 0.0
    return best if share >= LEAST_COMMON and share >= LEAST_RATIO * next_share else None


def _choose_by_hand(
    diarization: Diarization, subject_turns: Sequence[tuple[float, float]], behaviour: FeatureSeries | None
) -> tuple[int | None, SpeakerChoice, tuple[Message, ...]]:
    """Return the speaker whom a person chose, and a warning where the mouth says clearly that it is another."""
    from fer_phq.speakers.subject import choose_subject

    turns = diarization.turns
    subject = speaker_by_turns(turns, subject_turns)
    if subject is None:
        return None, SpeakerChoice.CHOICE_LOST, ()
    choice = messages.SUBJECT_BY_HAND(speaker=subject, speakers=_count(turns))
    mouth = choose_subject(turns, behaviour, diarization.duration_s)
    if mouth.speaker is None or mouth.speaker == subject:
        return subject, SpeakerChoice.HAND, (choice,)
    evidence = {"correlation": mouth.correlation or 0.0, "score": mouth.score or 0.0}
    doubt = messages.MOUTH_AGAINST_CHOICE(speaker=mouth.speaker, chosen=subject, **evidence)
    return subject, SpeakerChoice.HAND, (choice, doubt)


def _choose_by_labels(turns: Sequence[Turn], spans: TimeArray) -> tuple[int | None, SpeakerChoice, tuple[Message, ...]]:
    """Return the subject's speaker by the transcript, how it was found or why it is not known, and warnings."""
    subject = speaker_by_labels(turns, spans)
    if subject is None:
        return None, SpeakerChoice.LABELS_DISAGREE, (messages.SPEAKER_LABELS_DISAGREE(),)
    return subject, SpeakerChoice.TRANSCRIPT, ()


def _choose_by_mouth(
    diarization: Diarization, behaviour: FeatureSeries | None
) -> tuple[int | None, SpeakerChoice, tuple[Message, ...]]:
    """Return the same by the subject's mouth. Of a single speaker who is the subject nothing needs to be said."""
    from fer_phq.speakers.subject import choose_subject

    turns = diarization.turns
    choice = choose_subject(turns, behaviour, diarization.duration_s)
    if choice.reason is not None:
        return None, MOUTH_REASONS[choice.reason.code], (_voice_of_all(turns, choice.reason),)
    if _count(turns) == 1:
        return choice.speaker, SpeakerChoice.MOUTH, ()
    evidence = {"correlation": choice.correlation or 0.0, "score": choice.score or 0.0}
    warning = messages.SUBJECT_BY_MOUTH(speaker=choice.speaker or 0, speakers=_count(turns), **evidence)
    return choice.speaker, SpeakerChoice.MOUTH, (warning,)


def _voice_of_all(turns: Sequence[Turn], reason: Message) -> Message:
    """Say whose voice it is where the subject's speaker is not known."""
    if _count(turns) == 1:
        return messages.VOICE_OF_ONE(reason=reason)
    return messages.VOICE_OF_SPEAKERS(speakers=_count(turns), reason=reason)


def _count(turns: Sequence[Turn]) -> int:
    return len({turn.speaker for turn in turns})
