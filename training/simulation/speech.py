"""Speech of simulated subjects: voice and word features over a session, moved by severity.

The links continue the five of `training.simulation.severity`:

6. Pauses grow longer with severity (Mundt et al., 2007, J Neurolinguistics 20:50-64; Mundt et al., 2012, Biol
   Psychiatry 72:580-587: speech pause time follows severity and its change under treatment).
7. Pitch varies less and speech is softer (Cummins et al., 2015, Speech Commun 71:10-49, sections 5 and 6; Wang et al.,
   2019, BMC Psychiatry 19:300 for loudness).
8. More first-person singular (Holtzman, 2017, J Res Pers 68:63-68: r = 0.13 over 21 studies) and more absolutist words
   (Al-Mosaiwi & Johnstone, 2018, Clin Psychol Sci 6:529-542).

As in that module, the sizes are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.voice.kinds import COLUMNS, KIND, ROWS_A_SECOND
from fer_phq.words.kinds import PLAIN, PLAIN_NAMES

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SpeechLinks:
    """How strongly severity moves speech: changes from PHQ 0 to PHQ 24 by links 6 to 8, and spreads.

    Links of zero make a cohort without signal.

    Attributes:
        pausing: Change of the mean pause's logarithm.
        monotony: Change of the logarithm of the pitch's SD.
        softness: Change of the loudness in dB.
        first_person: Change of the log-odds of a first-person word.
        absolutist: Change of the log-odds of an absolutist word.
        person: SD between people of each of these; of loudness four times that in dB.
        session: The same between two sessions of one person.
    """

    pausing: float = 0.5
    monotony: float = -0.35
    softness: float = -3.0
    first_person: float = 0.25
    absolutist: float = 0.3
    person: float = 0.3
    session: float = 0.12


@dataclass(frozen=True)
class Speaker:
    """The parameters of one session's speech, which an ideal observer would know.

    Attributes:
        pause_s: Mean pause in seconds.
        pitch_sd: SD of the pitch in semitones.
        pitch: Mean pitch in semitones above 27.5 Hz.
        loudness_db: Mean loudness in dB.
        first_person: Share of first-person words, 0 to 1.
        absolutist: Share of absolutist words, 0 to 1.
    """

    pause_s: float
    pitch_sd: float
    pitch: float
    loudness_db: float
    first_person: float
    absolutist: float

    def latents(self) -> list[float]:
        """Return the values on the scale on which they vary."""
        return [
            float(np.log(self.pause_s)),
            float(np.log(self.pitch_sd)),
            self.loudness_db,
            _logit(self.first_person),
            _logit(self.absolutist),
        ]


def draw_speaker(severity: float, person: Float, links: SpeechLinks, rng: np.random.Generator) -> Speaker:
    """Draw a session's speech parameters.

    Args:
        severity: 0 to 1.
        person: (6,) the person's offsets, standard normal.
        links: How severity moves speech.
        rng: Draws the session's offsets.
    """
    z = links.person * person + links.session * rng.normal(size=6)
    return Speaker(
        pause_s=float(0.7 * np.exp(links.pausing * severity + z[0])),
        pitch_sd=float(2.6 * np.exp(links.monotony * severity + z[1])),
        pitch=float(30 + 12 * person[5]),
        loudness_db=float(-28 + links.softness * severity + 4 * z[2]),
        first_person=_inverse_logit(_logit(0.06) + links.first_person * severity + z[3]),
        absolutist=_inverse_logit(_logit(0.012) + links.absolutist * severity + z[4]),
    )


def draw_voice(speaker: Speaker, seconds: float, rng: np.random.Generator) -> FeatureSeries:
    """Draw the voice features of a session: runs of speech between pauses.

    Args:
        speaker: The session's parameters.
        seconds: Duration.
        rng: Draws the rows.

    Returns:
        A feature series (rows, 23), ten rows a second.
    """
    rows = max(1, int(seconds * ROWS_A_SECOND))
    speech = _draw_speech(rows, speaker.pause_s, rng)
    values = rng.normal(size=(rows, len(COLUMNS))).astype(np.float32)
    column = {name: i for i, name in enumerate(COLUMNS)}
    values[:, column["speech_probability"]] = np.where(speech, 0.95, 0.04)
    voiced = speech & (rng.random(rows) < 0.7)
    pitch = speaker.pitch + speaker.pitch_sd * values[:, column["f0_semitones"]]
    values[:, column["f0_semitones"]] = np.where(voiced, pitch, np.nan)
    values[:, column["voicing"]] = np.where(voiced, 0.9, 0.1)
    loudness = speaker.loudness_db + 4 * values[:, column["loudness_db"]]
    values[:, column["loudness_db"]] = np.where(speech, loudness, -70)
    values[:, column["syllable_nuclei"]] = np.where(speech, rng.random(rows) < 0.42, 0)
    times = (np.arange(rows) + 0.5) / ROWS_A_SECOND
    return FeatureSeries(values, times, KIND, COLUMNS)


def draw_words(speaker: Speaker, seconds: float, rng: np.random.Generator) -> FeatureSeries:
    """Draw the word features of a session: an utterance every ten seconds or so, three words a second.

    Args:
        speaker: The session's parameters.
        seconds: Duration.
        rng: Draws the utterances.

    Returns:
        A feature series (utterances, 9).
    """
    rows = max(1, int(seconds / 10))
    word_counts = rng.poisson(16, rows) + 1
    duration = word_counts / 3 * np.exp(0.1 * rng.normal(size=rows))
    pause = rng.exponential(speaker.pause_s, rows)
    columns = {
        "duration_s": duration,
        "words": word_counts,
        "pause_s": pause,
        "latency_s": rng.exponential(speaker.pause_s, rows),
        "words_per_minute": word_counts / duration * 60,
        "first_person": rng.binomial(word_counts, speaker.first_person) / word_counts,
        "absolutist": rng.binomial(word_counts, speaker.absolutist) / word_counts,
        "negation": rng.binomial(word_counts, 0.02) / word_counts,
        "type_token": np.clip(rng.normal(0.9, 0.04, rows), 0, 1),
    }
    times = np.cumsum(np.r_[0.0, (duration + pause)[:-1]])
    return FeatureSeries(
        np.stack([columns[name] for name in PLAIN_NAMES], 1).astype(np.float32), times, PLAIN, PLAIN_NAMES
    )


@dataclass(frozen=True)
class InterviewerLinks:
    """How an interviewer speaks, and how much severity moves it: a leak, planted where a link is not 0.

    An interviewer who asks on where answers are sad gives the score away. By default none does.

    Attributes:
        questions: Change of the logarithm of the questions' number from PHQ 0 to PHQ 24.
        length: Change of the logarithm of a question's number of words from PHQ 0 to PHQ 24.
        spread: SD between sessions of either logarithm.
    """

    questions: float = 0.0
    length: float = 0.0
    spread: float = 0.25


def draw_interviewer(
    severity: float, seconds: float, links: InterviewerLinks, rng: np.random.Generator
) -> FeatureSeries:
    """Draw the word features of an interviewer: a question every thirty seconds or so, three words a second.

    Args:
        severity: The subject's, 0 to 1.
        seconds: Duration.
        links: How the interviewer speaks.
        rng: Draws the questions.

    Returns:
        A feature series (questions, 9), as `draw_words` returns it.
    """
    log_rate, log_length = links.spread * rng.normal(size=2)
    rows = max(1, int(seconds / 30 * np.exp(links.questions * severity + log_rate)))
    word_counts = rng.poisson(9 * np.exp(links.length * severity + log_length), rows) + 1
    duration = word_counts / 3 * np.exp(0.1 * rng.normal(size=rows))
    columns = {
        "duration_s": duration,
        "words": word_counts,
        "pause_s": np.full(rows, np.nan),
        "latency_s": rng.exponential(0.7, rows),
        "words_per_minute": word_counts / duration * 60,
        "first_person": rng.binomial(word_counts, 0.01) / word_counts,
        "absolutist": rng.binomial(word_counts, 0.01) / word_counts,
        "negation": rng.binomial(word_counts, 0.01) / word_counts,
        "type_token": np.clip(rng.normal(0.93, 0.03, rows), 0, 1),
    }
    values = np.stack([columns[name] for name in PLAIN_NAMES], 1).astype(np.float32)
    return FeatureSeries(values, np.sort(rng.uniform(0, seconds, rows)), PLAIN, PLAIN_NAMES)


def join_words(words: FeatureSeries, interviewer: FeatureSeries) -> FeatureSeries:
    """Join utterances of subject and interviewer, as a transcript that names no speakers has them.

    Args:
        words: The subject's, with times.
        interviewer: The interviewer's, with times.

    Raises:
        ValueError: One of them has no times.
    """
    if words.time_s is None or interviewer.time_s is None:
        raise ValueError("Utterances without times have no order in which they could be joined.")
    times = np.concatenate([words.time_s, interviewer.time_s])
    order = np.argsort(times, kind="stable")
    return FeatureSeries(np.concatenate([words.values, interviewer.values])[order], times[order], PLAIN, PLAIN_NAMES)


def _draw_speech(rows: int, pause_s: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Draw runs of speech of 2.5 s and pauses of `pause_s` on average; every pause is long enough to count as one."""
    turns = rows // ROWS_A_SECOND + 8
    runs = np.maximum(1, np.rint(ROWS_A_SECOND * rng.gamma(2, 2.5 / 2, turns))).astype(int)
    pauses = np.maximum(3, np.rint(ROWS_A_SECOND * rng.gamma(2, pause_s / 2, turns))).astype(int)
    lengths = np.stack([runs, pauses], 1).ravel()
    states = np.tile([True, False], turns)
    return np.asarray(np.repeat(states, lengths)[:rows])


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _inverse_logit(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))
