"""Features of utterances and of sessions: what is counted is what was said, and what is not known is NaN."""

from __future__ import annotations

import csv
import html
import io
import math

import numpy as np
import pytest

from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.features.files import read_features, write_features
from fer_phq.words import (
    PLAIN,
    PLAIN_NAMES,
    Transcript,
    Utterance,
    language_warning,
    read_transcript,
    subject_speaker,
    word_features,
    word_functionals,
)
from fer_phq.words.features import interviewer_words
from fer_phq.words.lexicon import ABSOLUTIST, is_english, is_negation, split_words, type_token

ENGLISH = (
    "well i've been feeling pretty good lately um i guess the hardest thing was when my mother got sick last year and "
    "i had to move back home to take care of her yeah it was a lot but you know my sister helped me and we got through "
    "it i don't really sleep that well anymore maybe four or five hours a night"
)
TERSE = (
    "I work in construction. Mostly roofing, sometimes framing. Hard work, long days. Weekends I go fishing, drink "
    "beer, watch football. Wife left in March. Kids live with her now, Tucson. See them every other month or so. "
    "Money's tight. Back hurts. Doctor says surgery, insurance says no. So, same old story, day after day."
)
OTHERS = {
    "German": "also ich habe mich in letzter zeit ziemlich gut gefühlt ähm ich glaube das schwerste war als meine "
    "mutter letztes jahr krank wurde und ich wieder nach hause ziehen musste um mich um sie zu kümmern ja es war viel "
    "aber meine schwester hat mir geholfen und wir haben es geschafft ich schlafe nicht mehr so gut",
    "German with English phrases": "also mein job ist bei einem startup im marketing team wir machen viel content und "
    "social media das ist total the best aber der stress you know ich habe einen burnout gehabt und mein coach sagt "
    "ich soll mehr chillen und relaxen aber das meeting und der call und das feedback das ist alles zu viel für mich",
    "Dutch": "nou ik voel me de laatste tijd best goed ehm ik denk dat het moeilijkste was toen mijn moeder vorig jaar "
    "ziek werd en ik weer naar huis moest verhuizen om voor haar te zorgen ja het was veel maar mijn zus heeft me "
    "geholpen of zo en we zijn erdoorheen gekomen ik slaap niet meer zo goed misschien vier of vijf uur per nacht",
    "French": "eh bien je me sens plutôt bien ces derniers temps euh je crois que le plus dur c'était quand ma mère "
    "est tombée malade l'année dernière et que j'ai dû retourner à la maison pour m'occuper d'elle oui c'était "
    "beaucoup mais ma soeur m'a aidée on s'en est sortis je ne dors plus très bien",
    "Polish": "no więc ostatnio czuję się całkiem dobrze myślę że to najtrudniejsze było kiedy moja mama zachorowała w "
    "zeszłym roku i musiałem wrócić do domu żeby się nią zająć tak to było dużo ale siostra mi pomogła i to jakoś "
    "przeszliśmy my nie śpimy już tak dobrze może cztery albo pięć godzin to wszystko co mogę powiedzieć",
}


def talk(*rows: tuple[float, float, str | None, str]) -> Transcript:
    return Transcript(tuple(Utterance(*row) for row in rows))


TALK = talk(
    (0, 2, "Ellie", "how are you"),
    (3, 6, "Participant", "I'm... never good, never."),
    (6.5, 7.5, "Participant", "don’t know"),
    (7, 9, "Ellie", "okay and what else"),
    (8.5, 12.5, "Participant", "everything — my whole life was one of the well-worn roads to nowhere"),
)


class Lengths:
    """An encoder whose two numbers are a text's letters and one."""

    kind = "minilm-1"
    width = 2

    def __call__(self, texts):
        return np.array([[len(text), 1] for text in texts], np.float32).reshape(-1, 2)


def column(channel: FeatureSeries, name: str) -> np.ndarray:
    return channel.values[:, channel.names.index(name)]


def test_one_row_for_each_of_the_subjects_utterances():
    channel = word_features(TALK, "participant")
    assert (channel.kind, channel.names, channel.values.dtype) == (PLAIN, PLAIN_NAMES, np.float32)
    np.testing.assert_array_equal(channel.time_s, [3, 6.5, 8.5])
    nan = np.nan
    expected = {
        "duration_s": [3, 1, 4],
        "words": [4, 2, 12],
        "pause_s": [nan, 0.5, nan],
        "latency_s": [1, nan, 0],
        "words_per_minute": [80, 120, 180],
        "first_person": [1 / 4, 0, 1 / 12],
        "absolutist": [2 / 4, 0, 2 / 12],
        "negation": [2 / 4, 1 / 2, 1 / 12],
        "type_token": [nan, nan, 1],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(column(channel, name), values, rtol=1e-6, err_msg=name)


def test_a_session_in_one_row():
    found = word_functionals(word_features(TALK, "Participant", Lengths()), duration_s=16)
    assert found["talk_s"] == 8
    assert found["talk_share"] == 0.5
    assert (found["utterances"], found["words"]) == (3, 18)
    assert found["words_per_minute"] == 18 / 8 * 60
    assert found["words.mean"] == 6
    assert found["duration_s.mean"] == pytest.approx(8 / 3)
    assert found["pause_s.mean"] == 0.5
    assert math.isnan(found["pause_s.sd"])
    assert (found["latency_s.mean"], found["latency_s.sd"]) == (0.5, 0.5)
    assert found["first_person"] == pytest.approx(2 / 18)
    assert found["absolutist"] == pytest.approx(4 / 18)
    assert found["negation"] == pytest.approx(4 / 18)
    assert found["type_token"] == 1
    letters = np.array([len(u.text) for u in TALK.utterances if u.speaker == "Participant"])
    assert found["embedding_000.mean"] == pytest.approx(np.average(letters, weights=[4, 2, 12]))
    spread = np.average((letters - found["embedding_000.mean"]) ** 2, weights=[4, 2, 12]) ** 0.5
    assert found["embedding_000.sd"] == pytest.approx(spread)
    assert found["embedding_001.sd"] == 0


def written(rows: list[tuple[float, float, str, str]]) -> dict[str, str]:
    """The same talk in four formats."""

    def clock(seconds: float, mark: str) -> str:
        whole, milliseconds = divmod(round(seconds * 1000), 1000)
        return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{mark}{milliseconds:03}"

    vtt, srt = "WEBVTT\n\n", ""
    for i, (start, end, speaker, text) in enumerate(rows, 1):
        vtt += f"{clock(start, '.')} --> {clock(end, '.')}\n<v {speaker}>{html.escape(text, quote=False)}</v>\n\n"
        srt += f"{i}\n{clock(start, ',')} --> {clock(end, ',')}\n{speaker}: {text}\n\n"
    commas = io.StringIO()
    csv.writer(commas).writerows([("Start", "End", "Speaker", "Text"), *rows])
    tabs = "start_time\tstop_time\tspeaker\tvalue\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows)
    return {"talk.vtt": vtt, "talk.srt": srt, "talk.csv": commas.getvalue(), "talk.tsv": tabs}


@pytest.mark.parametrize("seed", range(5))
def test_the_same_talk_in_any_format_gives_the_same_features(tmp_path, seed):
    rng = np.random.default_rng(seed)
    vocabulary = [
        "i",
        "never",
        "don't",
        "fish & chips",
        "x < 3",
        'so "called"',
        "all,",
        "ja; nein",
        "mañana",
        "the",
        "שלום",
    ]
    rows, now = [], 0.0
    for _ in range(40):
        start = round(max(0.0, now + rng.uniform(-0.5, 2)), 3)
        now = round(start + rng.uniform(0.01, 9), 3)
        text = " ".join(rng.choice(vocabulary, rng.integers(1, 30)))
        rows.append((start, now, str(rng.choice(["Ellie", "Participant"])), text))
    rows.sort()
    channels = []
    for name, text in written(rows).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        transcript = read_transcript(tmp_path / name)
        speaker, warning = subject_speaker(transcript)
        assert (speaker, warning) == ("Participant", None)
        channels.append(word_features(transcript, speaker, Lengths()))
    for channel in channels:
        assert len(channel) == sum(row[2] == "Participant" for row in rows)
        np.testing.assert_array_equal(channel.time_s, channels[0].time_s)
        np.testing.assert_array_equal(channel.values, channels[0].values)
        assert str(word_functionals(channel, 300)) == str(word_functionals(channels[0], 300))


def test_words_and_lists():
    assert split_words("I’m  fine -- re-read it… NO/yes, 'tis “so” _ 3.5 ... ok.then...") == [
        *("i'm", "fine", "re-read", "it", "no", "yes", "tis", "so", "3.5", "ok.then")
    ]
    assert len(ABSOLUTIST) == 19
    assert [word for word in split_words("isn't it nothing or not, can't knot") if is_negation(word)] == [
        *("isn't", "nothing", "not", "can't")
    ]


def test_the_type_token_ratio_does_not_fall_with_length():
    rng = np.random.default_rng(0)
    drawn = [str(word) for word in rng.zipf(1.5, 3000)]
    short = np.mean([type_token(drawn[i : i + 20]) for i in range(0, 3000, 20)])
    assert type_token(drawn) == pytest.approx(short, abs=0.02)
    plain = [len(set(drawn[:n])) / n for n in (20, 3000)]
    assert plain[0] - plain[1] > 0.2
    windows = [len(set(drawn[i : i + 10])) / 10 for i in range(2991)]
    assert type_token(drawn) == pytest.approx(np.mean(windows))
    assert math.isnan(type_token(["one"] * 9))
    assert type_token(["one"] * 10) == 0.1


@pytest.mark.parametrize("text", [ENGLISH, TERSE, "nein " * 49])
def test_english_and_what_is_too_short_to_tell(text):
    assert is_english([split_words(text)])
    assert language_warning(talk((0, 60, "a", text))) is None


@pytest.mark.parametrize("language", OTHERS)
def test_english_lists_say_nothing_of_other_languages(language):
    transcript = talk((0, 1, "b", ENGLISH), (1, 61, "a", OTHERS[language]))
    assert "does not look English" in str(language_warning(transcript, "a"))
    channel = word_features(transcript, "a")
    for name in ("first_person", "absolutist", "negation"):
        assert np.isnan(column(channel, name)).all()
        assert math.isnan(word_functionals(channel)[name])
    assert 50 <= column(channel, "words")[0] == column(channel, "words_per_minute")[0]
    assert column(channel, "type_token")[0] > 0.9


def test_words_are_not_counted_where_no_spaces_part_them():
    transcript = talk((0, 2, "a", "我最近感觉很好，谢谢你。"), (3, 5, "a", "就是睡不好 OK"))
    assert "no spaces" in str(language_warning(transcript))
    channel = word_features(transcript, "a", Lengths())
    for name in (*PLAIN_NAMES[4:], "words"):
        assert np.isnan(column(channel, name)).all()
    found = word_functionals(channel, 10)
    assert found["talk_share"] == 0.4
    assert math.isnan(found["words"])
    assert math.isnan(found["words_per_minute"])
    assert found["embedding_001.mean"] == 1


def test_everybody_but_the_subject_is_the_interviewer():
    talks = talk(
        (0, 2, "Ellie", "how are you"),
        (2, 3, "Nurse", "yes, how"),
        (3, 6, "Participant", "never good"),
        (6, 7, None, "who says this?"),
        (8, 9, "Ellie", "okay and what else"),
    )
    series = interviewer_words(talks, "participant")
    np.testing.assert_array_equal(series.time_s, [0, 2, 8])
    np.testing.assert_array_equal(column(series, "words"), [3, 2, 4])
    assert column(series, "latency_s")[2] == 2, "after the subject's last word"
    assert interviewer_words(talks, "participant", Lengths()).width == len(PLAIN_NAMES) + 2
    assert interviewer_words(talk((0, 2, "Participant", "alone"), (3, 4, None, "hm")), "Participant") is None


def test_whose_turn_it_was_is_not_known_without_speakers():
    for channel in (word_features(TALK), word_features(talk((0, 1, None, "a"), (2, 3, None, "b")))):
        assert np.isnan(column(channel, "pause_s")).all()
        assert np.isnan(column(channel, "latency_s")).all()
    assert len(word_features(TALK)) == 5


def test_a_remark_within_a_turn_does_not_end_it():
    transcript = talk((0, 10, "a", "so"), (4, 5, "b", "mhm"), (11, 12, "a", "and"))
    np.testing.assert_array_equal(column(word_features(transcript, "a"), "pause_s"), [np.nan, 1])


def test_an_utterance_that_lasts_no_time_has_no_rate():
    channel = word_features(talk((1, 1, "a", "so it is")), "a")
    assert np.isnan(column(channel, "words_per_minute"))
    found = word_functionals(channel, 10)
    assert math.isnan(found["words_per_minute"])
    assert (found["talk_s"], found["talk_share"], found["words"]) == (0, 0, 3)


@pytest.mark.parametrize("embed", [None, Lengths()])
def test_no_rows(embed):
    channel = word_features(Transcript(()), "a", embed)
    full = word_functionals(word_features(TALK, "Ellie", embed), 20)
    empty = word_functionals(channel, 20)
    assert list(empty) == list(full)
    zero = {"talk_s", "talk_share", "utterances", "words"}
    assert {name for name, value in empty.items() if value == 0} == zero
    assert all(math.isnan(value) for name, value in empty.items() if name not in zero)


@pytest.mark.parametrize("duration_s", [None, 0.0, -1.0, math.nan])
def test_the_share_of_time_needs_a_duration(duration_s):
    assert math.isnan(word_functionals(word_features(TALK, "Ellie"), duration_s)["talk_share"])


def test_overlaps_count_once_and_the_share_stays_within_the_recording():
    channel = word_features(talk((0, 6, "a", "so"), (2, 3, "a", "it"), (5, 8, "a", "is"), (20, 30, "a", "late")), "a")
    found = word_functionals(channel, 10)
    assert (found["talk_s"], found["talk_share"]) == (18, 0.8)
    timeless = FeatureSeries(channel.values, None, PLAIN)
    assert word_functionals(timeless, 10)["talk_share"] == 1


def test_an_unknown_speaker_or_kind_is_told():
    with pytest.raises(FerPhqError, match="no speaker 'Eve'"):
        word_features(TALK, "Eve")
    for kind, width in (("bert", 9), (PLAIN, 10), ("minilm-1", 9)):
        with pytest.raises(FerPhqError, match="cannot be summarised"):
            word_functionals(FeatureSeries(np.zeros((2, width), np.float32), None, kind))


def test_features_files_hold_numbers_and_no_text(tmp_path, caplog, capsys):
    secret = talk((0, 2, "Ann", "zebra crossing"), (3, 4, "Ann", "zebra"))
    channel = word_features(secret, "Ann", Lengths())
    path = tmp_path / "session.npz"
    write_features(SessionFeatures(words=channel), path)
    again = read_features(path).words
    assert again is not None
    assert (again.kind, again.names) == (channel.kind, channel.names)
    assert str(word_functionals(again, 9)) == str(word_functionals(channel, 9))
    with np.load(path) as arrays:
        held = " ".join(str(arrays[name]) for name in arrays.files)
    for shown in (held, caplog.text, *capsys.readouterr()):
        assert "zebra" not in shown
        assert "Ann" not in shown
