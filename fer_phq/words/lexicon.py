"""Words of a text, the English word lists that are counted in them, and a rule for whether a text is English.

Lists: first-person singular pronouns, whose share is higher in depressed and formerly depressed writers (Rude, Gortner
& Pennebaker, 2004, Cogn Emot 18:1121-1133); the absolutist words that Al-Mosaiwi & Johnstone validated (2018, Clin
Psychol Sci 6:529-542); negations, after the category of that name in LIWC (Pennebaker, Boyd, Jordan & Blackburn, 2015,
The Development and Psychometric Properties of LIWC2015). Contractions are counted as one word, as there.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, deque
from collections.abc import Iterable, Sequence


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIRST_PERSON = _listed("i me my mine myself i'm i've i'll i'd im ive")
"""First-person singular pronouns with their contractions; 'im' and 'ive' are how speech recognisers spell two."""

ABSOLUTIST = _listed(
    "absolutely all always complete completely constant constantly definitely entire ever every everyone "
    "everything full must never nothing totally whole"
)
"""The 19 absolutist words of Al-Mosaiwi & Johnstone (2018)."""

NEGATIONS = _listed(
    "no not nope nah none nobody nothing nowhere neither nor never without cannot "
    "aint arent cant couldnt didnt doesnt dont hadnt hasnt havent isnt mustnt neednt shouldnt wasnt werent wont "
    "wouldnt"
)
"""Negations; every word that ends in n't is one besides."""

FUNCTION_WORDS = _listed(
    "the and you that it my but with they what like just know this not she when there or would because about from "
    "have has been your can could really some out think his them their then how who which were our than more very "
    "other into only where these those should after before here of if by did does now every through "
    "i'm i've i'll i'd don't didn't can't"
)
"""Frequent English words that are rare in other languages (so neither 'a', 'i', 'in', 'is', 'to', 'was' nor 'for')."""

MIN_ENGLISH = 0.08
"""Share of function words from which a text counts as English: English talk has about 0.3, other languages up to 0.05,
even with English phrases in them."""
MIN_WORDS = 50
"""Fewer words than this cannot tell a language and count as English."""

WINDOW = 10
"""Words of a window of `type_token`: short, so that it exists for an answer of two lines."""

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´＇", "'"))
_BREAKS = re.compile(r"[—–…/]|--+|\.\.+")
_WORD = re.compile(r"[^\W_](?:\S*[^\W_])?")
_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")


def split_words(text: str) -> list[str]:
    """Split a text into words, case folded: between spaces, dashes, slashes or dots, each with a letter or digit."""
    text = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold()
    return _WORD.findall(_BREAKS.sub(" ", text))


def is_negation(word: str) -> bool:
    """Return whether a word of `split_words` is a negation."""
    return word in NEGATIONS or word.endswith("n't")


def is_english(utterances: Iterable[Sequence[str]]) -> bool:
    """Return whether the words of all utterances hold enough English function words, or are too few to judge.

    Args:
        utterances: The words of each utterance, by `split_words`.
    """
    tokens = [word for utterance in utterances for word in utterance]
    if len(tokens) < MIN_WORDS:
        return True
    function_words = sum(word in FUNCTION_WORDS or word.partition("'")[0] in FUNCTION_WORDS for word in tokens)
    return function_words >= MIN_ENGLISH * len(tokens)


def is_spaceless(texts: Iterable[str]) -> bool:
    """Return whether most letters are of a script that leaves no spaces between words (Chinese, Japanese, Thai ...)."""
    letters = 0
    spaceless = 0
    for text in texts:
        letters += sum(map(str.isalnum, text))
        spaceless += len(_SPACELESS.findall(text))
    return spaceless > letters / 2


def type_token(tokens: Sequence[str], window: int = WINDOW) -> float:
    """Compute the moving-average type-token ratio (Covington & McFall, 2010, J Quant Linguist 17:94-100).

    It is the mean share of different words over every window of so many words, which does not fall with the text's
    length as the plain ratio does.

    Args:
        tokens: The words of an utterance.
        window: Words of a window.

    Returns:
        A ratio in (0, 1], or NaN when there are fewer words than one window.
    """
    if len(tokens) < window:
        return float("nan")
    inside: Counter[str] = Counter()
    recent: deque[str] = deque()
    total = 0
    for word in tokens:
        inside[word] += 1
        recent.append(word)
        if len(recent) > window:
            oldest = recent.popleft()
            inside[oldest] -= 1
            if not inside[oldest]:
                del inside[oldest]
        if len(recent) == window:
            total += len(inside)
    return total / window / (len(tokens) - window + 1)
