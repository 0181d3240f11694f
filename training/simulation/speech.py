"""How simulated subjects sound and what they say: voice and word features over a session, moved by severity.

The links, on from `training.simulation.severity`'s five:

6. Pauses grow longer with severity (Mundt et al., 2007, J Neurolinguistics 20:50-64; Mundt et al., 2012, Biol
   Psychiatry 72:580-587: speech pause time follows severity and its change under treatment).
7. Pitch varies less and speech is softer (Cummins et al., 2015, Speech Commun 71:10-49, sections 5 and 6; Wang et al.,
   2019, BMC Psychiatry 19:300 for loudness).
8. More first-person singular (Holtzman, 2017, J Res Pers 68:63-68: r = 0.13 over 21 studies) and more absolutist words
   (Al-Mosaiwi & Johnstone, 2018, Clin Psychol Sci 6:529-542).

As there, the sizes are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.voice.features import COLUMNS, KIND, ROWS_A_SECOND
from fer_phq.words.kinds import PLAIN, PLAIN_NAMES

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SpeechLinks:
    """Changes from PHQ 0 to PHQ 24, and spreads: see the module's links 6 to 8. All zero: no signal.

    pausing: log of the mean pause. monotony: log of the pitch's SD. softness: dB. first_person, absolutist: log-odds
    of a word. person, session: SD between people, and between two sessions of one, of each (loudness: four times that
    in dB).
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
    """What one session's speech is drawn from: the values that an ideal observer would know."""

    pause_s: float
    pitch_sd: float
    pitch: float
    loudness_db: float
    first_person: float
    absolutist: float

    def latents(self) -> list[float]:
        """The values on the scale on which they vary."""
        return [
            float(np.log(self.pause_s)),
            float(np.log(self.pitch_sd)),
            self.loudness_db,
            _logit(self.first_person),
            _logit(self.absolutist),
        ]


def draw_speaker(part: float, person: Float, links: SpeechLinks, rng: np.random.Generator) -> Speaker:
    """A session's speech parameters. part: severity, 0 to 1; person: (6,) the person's offsets, standard normal."""
    z = links.person * person + links.session * rng.normal(size=6)
    return Speaker(
        pause_s=float(0.7 * np.exp(links.pausing * part + z[0])),
        pitch_sd=float(2.6 * np.exp(links.monotony * part + z[1])),
        pitch=float(30 + 12 * person[5]),
        loudness_db=float(-28 + links.softness * part + 4 * z[2]),
        first_person=_share(_logit(0.06) + links.first_person * part + z[3]),
        absolutist=_share(_logit(0.012) + links.absolutist * part + z[4]),
    )


def draw_voice(speaker: Speaker, seconds: float, rng: np.random.Generator) -> FeatureSeries:
    """The voice features (rows, 23) of a session: runs of speech between pauses, at ten rows a second."""
    rows = max(1, int(seconds * ROWS_A_SECOND))
    speech = _speech(rows, speaker.pause_s, rng)
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
    """The word features (utterances, 9) of a session: an utterance every ten seconds or so, three words a second."""
    rows = max(1, int(seconds / 10))
    counted = rng.poisson(16, rows) + 1
    duration = counted / 3 * np.exp(0.1 * rng.normal(size=rows))
    pause = rng.exponential(speaker.pause_s, rows)
    columns = {
        "duration_s": duration,
        "words": counted,
        "pause_s": pause,
        "latency_s": rng.exponential(speaker.pause_s, rows),
        "words_per_minute": counted / duration * 60,
        "first_person": rng.binomial(counted, speaker.first_person) / counted,
        "absolutist": rng.binomial(counted, speaker.absolutist) / counted,
        "negation": rng.binomial(counted, 0.02) / counted,
        "type_token": np.clip(rng.normal(0.9, 0.04, rows), 0, 1),
    }
    times = np.cumsum(np.r_[0.0, (duration + pause)[:-1]])
    return FeatureSeries(
        np.stack([columns[name] for name in PLAIN_NAMES], 1).astype(np.float32), times, PLAIN, PLAIN_NAMES
    )


def _speech(rows: int, pause_s: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Runs of speech of 2.5 s and pauses of pause_s on average, longer than the shortest that counts as one."""
    turns = rows // ROWS_A_SECOND + 8
    runs = np.maximum(1, np.rint(ROWS_A_SECOND * rng.gamma(2, 2.5 / 2, turns))).astype(int)
    pauses = np.maximum(3, np.rint(ROWS_A_SECOND * rng.gamma(2, pause_s / 2, turns))).astype(int)
    lengths = np.stack([runs, pauses], 1).ravel()
    states = np.tile([True, False], turns)
    return np.asarray(np.repeat(states, lengths)[:rows])


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _share(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))
