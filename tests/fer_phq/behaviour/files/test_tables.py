"""What files and JSON have of a behaviour series."""

from __future__ import annotations

from behaviour_samples import sample_behaviour

from fer_phq.behaviour.files.tables import behaviour_document, episode_table
from fer_phq.behaviour.measures import behaviour_episodes, behaviour_measures
from service.views.face.behaviour import BehaviourView


def test_json_and_the_page_have_the_same_episodes():
    series = sample_behaviour(seconds=60.0)
    listed = behaviour_document(series, 60.0)["episodes"]
    assert {episode["kind"] for episode in listed} == {"still", "smile"}
    assert listed == BehaviourView(series, 60.0, 0.3).episodes.to_dict("records")


def test_episodes_come_to_what_the_measures_say():
    series = sample_behaviour(seconds=60.0)
    table = episode_table(behaviour_episodes(series))
    assert table["onset_s"].is_monotonic_increasing
    smiling_s = table[table["kind"] == "smile"]["duration_s"].sum()
    assert round(smiling_s / 60, 3) == round(behaviour_measures(series)["smile_share"], 3)


def test_a_series_without_episodes_has_a_table_with_its_columns():
    assert list(episode_table([])) == ["kind", "onset_s", "offset_s", "duration_s", "cut"]
