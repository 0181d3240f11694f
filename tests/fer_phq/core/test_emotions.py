import pytest

from fer_phq.core.emotions import AFFECTNET_LABELS, EMOTIONS, FER2013_LABELS, FERPLUS_VOTES, RAFDB_LABELS, emotion_index


def test_the_order_is_alphabetical_and_has_seven():
    assert list(EMOTIONS) == sorted(EMOTIONS)
    assert len(EMOTIONS) == 7


@pytest.mark.parametrize("mapping", [FER2013_LABELS, AFFECTNET_LABELS, RAFDB_LABELS])
def test_every_corpus_maps_onto_all_seven_once(mapping):
    assert sorted(mapping.values()) == list(EMOTIONS)


def test_orders_are_those_of_the_corpora():
    assert [FER2013_LABELS[i] for i in range(7)] == [
        "anger",
        "disgust",
        "fear",
        "happiness",
        "sadness",
        "surprise",
        "neutral",
    ]
    assert [AFFECTNET_LABELS[i] for i in range(7)] == [
        "neutral",
        "happiness",
        "sadness",
        "surprise",
        "fear",
        "disgust",
        "anger",
    ]
    assert [RAFDB_LABELS[i] for i in range(1, 8)] == [
        "surprise",
        "fear",
        "disgust",
        "happiness",
        "sadness",
        "anger",
        "neutral",
    ]
    assert FERPLUS_VOTES[:2] == ("neutral", "happiness")
    assert set(EMOTIONS) < set(FERPLUS_VOTES)


def test_index_of_a_name():
    assert emotion_index("neutral") == 4
    with pytest.raises(ValueError, match="contempt"):
        emotion_index("contempt")
