"""What controls read, and why one is missing."""

from dataclasses import replace

import numpy as np
import pytest
from labelled_sessions import cohort

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.models.evidence.controls import ControlName
from training.phq.controls.sources import ControlInput, collect_inputs, measure_lengths
from training.simulation.sessions import Cohort, simulate


@pytest.fixture(scope="module")
def simulated():
    return simulate(Cohort(12, seconds=(40, 60)), 0).data


def with_groups(data, cells):
    sessions = [replace(session, groups=groups) for session, groups in zip(data.sessions, cells, strict=True)]
    return replace(data, sessions=tuple(sessions))


def test_lengths_are_those_of_the_session(simulated):
    features = simulated.features[0]
    lengths = measure_lengths(features)
    assert lengths["length_s"] == max(s.time_s[-1] for s in (features.face, features.voice, features.words,
                                                             features.behaviour))  # fmt: skip
    assert lengths["utterances"] == len(features.words)
    assert lengths["words"] == pytest.approx(features.words.values[:, 1].sum())
    assert lengths["face_rows"] == len(features.face)
    assert 0 < lengths["voice_rows"] < len(features.voice)


def test_each_control_reads_its_own(simulated):
    inputs = collect_inputs(simulated)
    assert set(inputs) == {ControlName.INTERVIEWER, ControlName.LENGTH, ControlName.GROUP}
    interviewer = inputs[ControlName.INTERVIEWER]
    assert isinstance(interviewer, ControlInput)
    questions = interviewer.matrix.rows[:, interviewer.columns.index("utterances")]
    assert questions.tolist() == [len(series) for series in simulated.interviewers]
    assert "talk_share" not in interviewer.columns, "what nobody was measured by is not read"
    assert inputs[ControlName.LENGTH].matrix.subject_count == 12


def test_without_speakers_the_interviewer_is_missing_with_the_reason(simulated):
    for data in (cohort(people=20), replace(simulated, interviewers=(None,) * len(simulated))):
        reason = collect_inputs(data)[ControlName.INTERVIEWER]
        assert isinstance(reason, Message)
        assert "names the speakers" in str(reason)


def test_an_interviewer_in_few_sessions_is_missing_with_their_number(simulated):
    few = (*simulated.interviewers[:4], *(None,) * 8)
    reason = collect_inputs(replace(simulated, interviewers=few))[ControlName.INTERVIEWER]
    assert "4 of 4 people" in str(reason)


def test_interviewers_of_some_sessions_are_compared_on_these(simulated):
    some = (None, *simulated.interviewers[1:11], None)
    part = collect_inputs(replace(simulated, interviewers=some))[ControlName.INTERVIEWER]
    assert part.positions.tolist() == list(range(1, 11))
    assert part.matrix.totals.tolist() == simulated.totals[1:11].tolist()


def test_interviewers_of_two_kinds_are_not_mixed(simulated):
    odd = FeatureSeries(np.ones((3, 2), np.float32), kind="own")
    reason = collect_inputs(replace(simulated, interviewers=(odd, *simulated.interviewers[1:])))
    assert "several ways" in str(reason[ControlName.INTERVIEWER])
    own = collect_inputs(replace(simulated, interviewers=(odd,) * 12))[ControlName.INTERVIEWER]
    assert own.columns == ("utterances", "0.mean", "1.mean", "0.sd", "1.sd")


def test_groups_are_sex_age_and_site_alone():
    data = cohort(people=12)
    cells = [
        {"sex": "fm"[i % 2], "Age": str(30 + i), "site": "north", "diagnosis": "depressed" if i < 6 else "none"}
        for i in range(12)
    ]
    group = collect_inputs(with_groups(data, cells))[ControlName.GROUP]
    assert group.columns == ("Age", "sex"), "a site that all share is not read"
    assert group.matrix.rows.tolist() == [[30 + i, float(i % 2 == 0), float(i % 2)] for i in range(12)]


def test_ages_in_classes_are_classes_and_gaps_are_gaps():
    data = cohort(people=12)
    cells = [{} if i == 0 else {"age": "18-39" if i % 2 else "40-60"} for i in range(12)]
    rows = collect_inputs(with_groups(data, cells))[ControlName.GROUP].matrix.rows
    assert rows[0].tolist() == [0, 0]
    assert rows[1].tolist() == [1, 0]
    ages = [{} if i == 0 else {"age": str(20 + i)} for i in range(12)]
    assert np.isnan(collect_inputs(with_groups(data, ages))[ControlName.GROUP].matrix.rows[0, 0])


def test_one_word_among_ages_leaves_the_others_numbers():
    """As classes of one person each, ages would tell nothing, and a head would be said to read more than them."""
    data = cohort(people=12)
    for word in ("NA", "90+", "inf"):
        cells = [{"age": word if i == 0 else str(20 + i)} for i in range(12)]
        rows = collect_inputs(with_groups(data, cells))[ControlName.GROUP].matrix.rows
        assert rows[1:].tolist() == [[20.0 + i, 0.0] for i in range(1, 12)]
        assert np.isnan(rows[0, 0])
        assert rows[0, 1] == 1


def test_without_groups_the_control_is_missing_with_the_reason():
    data = cohort(people=12)
    for cells in ([{}] * 12, [{"sex": "f"}] * 12, [{"diagnosis": str(i)} for i in range(12)],
                  [{"age": "40"}] * 12, [{"age": "nan"}] * 12):  # fmt: skip
        assert "tells people apart" in str(collect_inputs(with_groups(data, cells))[ControlName.GROUP])
