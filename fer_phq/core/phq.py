"""PHQ-8 and PHQ-9: items, scoring, severity bands, and the model's estimate of a total.

A questionnaire that a person filled in has a PHQ *score*; a model gives a PHQ *estimate*. An estimate
cannot be constructed without its interval and its provenance: there is no bare number.

After the items the form asks how difficult the problems have made daily life. The answer is stored with the score and
is part of nothing else: neither of the total nor of what a model learns.

Sources: PHQ-9 and its question of difficulty, Kroenke, Spitzer & Williams 2001 (J Gen Intern Med 16:606-613); PHQ-8,
Kroenke et al. 2009 (J Affect Disord 114:163-173). The instruments were developed by Drs Robert L. Spitzer,
Janet B.W. Williams, Kurt Kroenke and colleagues, with an educational grant from Pfizer Inc. No permission is required
to reproduce, translate, display or distribute them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fer_phq.core import texts
from fer_phq.core.errors import AnswersError
from fer_phq.core.messages import Message, Template

PREAMBLE = "Over the last 2 weeks, how often have you been bothered by any of the following problems?"

ITEMS: tuple[str, ...] = (
    "Little interest or pleasure in doing things",
    "Feeling down, depressed, or hopeless",
    "Trouble falling or staying asleep, or sleeping too much",
    "Feeling tired or having little energy",
    "Poor appetite or overeating",
    "Feeling bad about yourself, or that you are a failure or have let yourself or your family down",
    "Trouble concentrating on things, such as reading the newspaper or watching television",
    "Moving or speaking so slowly that other people could have noticed, or the opposite, being so fidgety "
    "or restless that you have been moving around a lot more than usual",
    "Thoughts that you would be better off dead, or of hurting yourself in some way",
)
"""The nine items in the instrument's wording; PHQ-8 is the first eight."""

ANSWERS: tuple[str, ...] = ("Not at all", "Several days", "More than half the days", "Nearly every day")
"""The answers with the values 0, 1, 2 and 3."""

DIFFICULTY = (
    "If you checked off any problems, how difficult have these problems made it for you to do your work, take care of "
    "things at home, or get along with other people?"
)
"""The form's last question, which is not scored (Kroenke, Spitzer & Williams 2001)."""

DIFFICULTY_ANSWERS: tuple[str, ...] = (
    "Not difficult at all",
    "Somewhat difficult",
    "Very difficult",
    "Extremely difficult",
)
"""The answers to the last question with the values 0, 1, 2 and 3."""

CREDIT = (
    "Developed by Drs. Robert L. Spitzer, Janet B.W. Williams, Kurt Kroenke and colleagues, with an educational "
    "grant from Pfizer Inc. No permission required to reproduce, translate, display or distribute."
)


class Scale(StrEnum):
    """Which questionnaire a total belongs to."""

    PHQ8 = "PHQ-8"
    PHQ9 = "PHQ-9"

    @property
    def items(self) -> int:
        """Number of items: 8 or 9."""
        return 8 if self is Scale.PHQ8 else 9

    @property
    def maximum(self) -> int:
        """The highest total: 24 for PHQ-8, 27 for PHQ-9."""
        return 3 * self.items


def parse_scale(text: str) -> Scale | None:
    """Return the scale of PHQ-8, phq8, PHQ 8, ...; None for anything else."""
    bare = re.sub(r"[\s_\-\u2010-\u2015]", "", text).upper()
    return next((scale for scale in Scale if bare == scale.replace("-", "")), None)


class Band(StrEnum):
    """Severity band of a total, cut at 5, 10, 15 and 20 (Kroenke 2001; the same cuts for PHQ-8, 2009)."""

    MINIMAL = "minimal"
    MILD = "mild"
    MODERATE = "moderate"
    MODERATELY_SEVERE = "moderately severe"
    SEVERE = "severe"


BAND_STARTS: tuple[tuple[int, Band], ...] = (
    (0, Band.MINIMAL),
    (5, Band.MILD),
    (10, Band.MODERATE),
    (15, Band.MODERATELY_SEVERE),
    (20, Band.SEVERE),
)
"""Each band with the lowest total that belongs to it, ascending."""


class Provenance(StrEnum):
    """Where the labels that trained a PHQ head came from."""

    CLINICAL = "clinical"
    SIMULATED = "simulated"


class Modality(StrEnum):
    """A source of features."""

    FACE = "face"
    VOICE = "voice"
    WORDS = "words"
    BEHAVIOUR = "behaviour"


MODALITY_NAMES: Mapping[Modality, Template] = {
    Modality.FACE: texts.FACE,
    Modality.VOICE: texts.VOICE,
    Modality.WORDS: texts.WORDS,
    Modality.BEHAVIOUR: texts.BEHAVIOUR,
}
"""The name of each modality, for use inside another message."""


class UnavailableReason(StrEnum):
    """The closed list of reasons why there is no estimate."""

    NO_FACE = "no_face"
    LOW_COVERAGE = "low_coverage"
    TOO_SHORT = "too_short"
    NO_HEAD = "no_head"
    OUT_OF_DISTRIBUTION = "out_of_distribution"


REASON_TEMPLATES: Mapping[UnavailableReason, Template] = {
    UnavailableReason.NO_FACE: texts.NO_FACE,
    UnavailableReason.LOW_COVERAGE: texts.LOW_COVERAGE,
    UnavailableReason.TOO_SHORT: texts.TOO_SHORT,
    UnavailableReason.NO_HEAD: texts.NO_HEAD,
    UnavailableReason.OUT_OF_DISTRIBUTION: texts.OUT_OF_DISTRIBUTION,
}
"""What each reason says to a person when there is no more to say."""


def band_of(total: float) -> Band:
    """Return the severity band of a total.

    Args:
        total: PHQ-8 or PHQ-9 points, 0 or more; a fraction is rounded half up.
    """
    points = math.floor(total + 0.5)
    return next(band for start, band in reversed(BAND_STARTS) if points >= start)


def bands_between(low: float, high: float) -> tuple[Band, ...]:
    """Return every band that the closed interval from low to high touches, mildest first.

    Args:
        low: Lower bound in points, 0 or more.
        high: Upper bound, low or more.
    """
    order = [band for _, band in BAND_STARTS]
    return tuple(order[order.index(band_of(low)) : order.index(band_of(high)) + 1])


def score_items(items: Sequence[int], scale: Scale) -> int:
    """Compute the total of a completed questionnaire.

    Args:
        items: 8 (PHQ-8) or 9 (PHQ-9) integers from 0 to 3, in the instrument's order.
        scale: The questionnaire.

    Raises:
        AnswersError: An item is missing or outside 0 to 3; an incomplete questionnaire has no score.
    """
    if len(items) != scale.items:
        raise AnswersError(texts.ITEM_COUNT(scale=str(scale), items=scale.items, count=len(items)))
    if any(type(value) is not int or not 0 <= value <= 3 for value in items):
        raise AnswersError(texts.ITEM_VALUE(scale=str(scale)))
    return sum(items)


def asks_difficulty(items: Sequence[int | None]) -> bool:
    """Tell whether the form's last question is asked.

    Args:
        items: The answers, None where not answered. The question follows when one of them is above 0.
    """
    return any(items)


def check_difficulty(difficulty: int | None, items: Sequence[int]) -> None:
    """Check an answer to the form's last question.

    Args:
        difficulty: Its index in `DIFFICULTY_ANSWERS`; None where it was not answered.
        items: The answers to the items.

    Raises:
        AnswersError: The answer is none of the four, or the question is not asked after these items.
    """
    if difficulty is None:
        return
    if type(difficulty) is not int or not 0 <= difficulty < len(DIFFICULTY_ANSWERS):
        raise AnswersError(texts.DIFFICULTY_VALUE())
    if not asks_difficulty(items):
        raise AnswersError(texts.DIFFICULTY_NOT_ASKED())


@dataclass(frozen=True)
class PhqEstimate:
    """A model's estimate of a PHQ total. Raises ValueError for impossible combinations.

    Attributes:
        score: Point estimate, 0 to `scale.maximum`.
        low: Lower bound of the prediction interval, 0 to score.
        high: Upper bound, score to `scale.maximum`.
        level: Nominal coverage of the interval, between 0 and 1 (0.9 is 90 %).
        scale: The questionnaire whose total is estimated.
        provenance: Kind of labels that the head was trained on; `simulated` is a demonstration, never clinical.
        model_id: The model.
        modalities: What the total was estimated from, at least one, in the order of `Modality`.
    """

    score: float
    low: float
    high: float
    level: float
    scale: Scale
    provenance: Provenance
    model_id: str
    modalities: tuple[Modality, ...]

    def __post_init__(self) -> None:
        """Make enumerations of texts, and check the values."""
        object.__setattr__(self, "scale", Scale(self.scale))
        object.__setattr__(self, "provenance", Provenance(self.provenance))
        object.__setattr__(self, "modalities", tuple(modality for modality in Modality if modality in self.modalities))
        if not self.modalities:
            raise ValueError("A PHQ estimate needs the modalities that it was made from.")
        if not 0 <= self.low <= self.score <= self.high <= self.scale.maximum:
            raise ValueError(
                f"A PHQ estimate needs 0 <= low <= score <= high <= {self.scale.maximum}, "
                f"got low {self.low}, score {self.score}, high {self.high}."
            )
        if not 0 < self.level < 1:
            raise ValueError(f"The interval's level must lie between 0 and 1, got {self.level}.")
        if not self.model_id:
            raise ValueError("A PHQ estimate needs the id of the model that gave it.")

    @property
    def band(self) -> Band:
        """Severity band of the point estimate (do not colour it when the interval spans several)."""
        return band_of(self.score)


@dataclass(frozen=True)
class PhqUnavailable:
    """The reason why there is no estimate.

    Attributes:
        reason: From the closed list.
        detail: What is known of this very session, such as its coverage; None when there is no more to say.
    """

    reason: UnavailableReason
    detail: Message | None = None

    def __post_init__(self) -> None:
        """Make the reason a member of the list. Raises ValueError for any other."""
        object.__setattr__(self, "reason", UnavailableReason(self.reason))

    @property
    def message(self) -> Message:
        """The detail, else what the reason says by itself."""
        return REASON_TEMPLATES[self.reason]() if self.detail is None else self.detail


PhqResult = PhqEstimate | PhqUnavailable
