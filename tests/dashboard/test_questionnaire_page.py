"""The Questionnaire page: item 9, corrections with their history, and tables."""

from __future__ import annotations

import pytest
from shown_pages import WHEN, calm, html_of, open_page, press, raw_html_of, tables, words

from db.store import Store
from fer_phq.core.phq import CREDIT, DIFFICULTY, DIFFICULTY_ANSWERS, ITEMS, PREAMBLE, Scale
from service.ingest.questionnaire_csv import EXAMPLE
from service.settings import AppSettings

NO_ANSWER = len(DIFFICULTY_ANSWERS)


def test_the_official_wording_and_its_terms_are_there(installation: AppSettings) -> None:
    app = open_page("questionnaire")
    assert [radio.label for radio in app.radio] == [*(f"{n}. {item}" for n, item in enumerate(ITEMS, 1)), DIFFICULTY]
    assert app.radio[-1].options == [*DIFFICULTY_ANSWERS, "No answer"]
    assert PREAMBLE in words(app)
    assert CREDIT in html_of(app)
    assert "No permission required to reproduce, translate, display or distribute" in CREDIT
    assert "Its answer is kept beside the score and is not part of it." in html_of(app)


def test_item_9_shows_the_message_of_the_installation(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[0] * 8 + [1], answered_at=WHEN)
    said = html_of(open_page("questionnaire", subject=subject.id))
    assert "The answer to item 9" in said
    assert "No local help lines are set for this installation yet" in said
    store.settings.set(key="item9_message", value="Call <b>extension</b> 12.\nStay with them.")
    app = open_page("questionnaire", subject=subject.id)
    body = raw_html_of(app)
    assert "Call &lt;b&gt;extension&lt;/b&gt; 12.<br><br>Stay with them." in body
    assert "No local help lines" not in body


def test_a_correction_is_kept_beside_what_it_corrects(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    first = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, answered_at=WHEN, by="AB")
    app = open_page("questionnaire", subject=subject.id)
    app.selectbox(key="phq_to_correct").set_value(first.id).run()
    press(app, "Correct it")
    assert [radio.value for radio in app.radio] == [*[1] * 8, None], (
        "the scale and the answers are those of the one corrected"
    )
    app.radio[0].set_value(3)
    press(app, "Save correction")
    assert "Say who corrects it" in html_of(app)
    app.text_input(key=f"{first.id}_by").set_value("CD")
    press(app, "Save correction")
    (now,) = store.questionnaires.list_by_subject(subject_id=subject.id)
    assert (now.total, now.supersedes_id, now.answered_at) == (10, first.id, WHEN)
    said = tables(app)
    assert "'Who': 'CD'" in said
    assert "8 → 10" in said
    assert all(button.label != "Save correction" for button in app.button)


@pytest.mark.parametrize(
    ("items", "chosen", "kept"),
    [
        ([1] * 9, 2, 2),
        ([0] * 8 + [1], 0, 0),
        ([1] * 9, None, None),
        ([1] * 9, NO_ANSWER, None),
        ([0] * 9, 2, None),
    ],
)
def test_the_difficulty_is_kept_where_it_is_asked(
    installation: AppSettings, store: Store, items: list[int], chosen: int | None, kept: int | None
) -> None:
    subject = store.subjects.create(label="P-1")
    app = open_page("questionnaire", subject=subject.id)
    for radio, value in zip(app.radio, [*items, chosen], strict=True):
        radio.set_value(value)
    press(app, "Save questionnaire")
    (saved,) = store.questionnaires.list_by_subject(subject_id=subject.id)
    assert (saved.items, saved.total, saved.difficulty) == (tuple(items), sum(items), kept)
    said = "no answer" if kept is None else DIFFICULTY_ANSWERS[kept]
    assert (f"Difficulty in daily life: {said}" in html_of(app)) == any(items)
    assert ("'Difficulty': ''" in tables(app)) == (kept is None)
    assert [radio.value for radio in app.radio] == [None] * 10, "the form is empty again"


@pytest.mark.parametrize(("before", "chosen", "after"), [(None, 3, 3), (1, 2, 2), (1, NO_ANSWER, None)])
def test_another_difficulty_alone_is_a_correction_and_is_told(
    installation: AppSettings, store: Store, before: int | None, chosen: int, after: int | None
) -> None:
    subject = store.subjects.create(label="P-1")
    first = store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ8, items=[1] * 8, difficulty=before, answered_at=WHEN
    )
    app = open_page("questionnaire", subject=subject.id)
    app.selectbox(key="phq_to_correct").set_value(first.id).run()
    press(app, "Correct it")
    assert app.radio[-1].value == before
    app.radio[-1].set_value(chosen)
    app.text_input(key=f"{first.id}_by").set_value("CD")
    press(app, "Save correction")
    (now,) = store.questionnaires.list_by_subject(subject_id=subject.id)
    assert (now.supersedes_id, now.items, now.total, now.difficulty) == (first.id, first.items, 8, after)
    words_of = ["no answer" if one is None else DIFFICULTY_ANSWERS[one] for one in (before, after)]
    assert f"'Difficulty': '{' → '.join(words_of)}'" in tables(app)
    assert "'Who': 'CD'" in tables(app)


def test_the_difficulty_goes_with_the_last_problem(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    first = store.questionnaires.save(
        subject_id=subject.id, scale=Scale.PHQ8, items=[1] + [0] * 7, difficulty=1, answered_at=WHEN
    )
    app = open_page("questionnaire", subject=subject.id)
    app.selectbox(key="phq_to_correct").set_value(first.id).run()
    press(app, "Correct it")
    app.radio[0].set_value(0)
    app.text_input(key=f"{first.id}_by").set_value("CD")
    press(app, "Save correction")
    (now,) = store.questionnaires.list_by_subject(subject_id=subject.id)
    assert (now.total, now.difficulty) == (0, None)


def test_an_answer_to_item_9_is_acted_on_before_it_is_corrected(installation: AppSettings, store: Store) -> None:
    subject = store.subjects.create(label="P-1")
    flagged = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[0] * 8 + [1], answered_at=WHEN)
    app = open_page("questionnaire", subject=subject.id)
    app.selectbox(key="phq_to_correct").set_value(flagged.id)
    calm(app.run())
    assert next(button for button in app.button if button.label == "Correct it").disabled
    assert "nobody has acted on it yet" in html_of(app)
    store.questionnaires.acknowledge(questionnaire_id=flagged.id, by="AB")
    assert not next(button for button in calm(app.run()).button if button.label == "Correct it").disabled


def test_a_table_that_may_count_from_1_is_kept_only_once_that_is_confirmed(
    installation: AppSettings, store: Store
) -> None:
    app = open_page("questionnaire")
    row = "P01,PHQ9,2025-11-03,2,3,2,3,1,2,2,1,1,"
    document = f"{EXAMPLE.splitlines()[0]}\n{row}\n".encode()
    app.file_uploader(key="phq_table").upload("q.csv", document, "text/csv").run()
    assert "No answer of this table is 0." in html_of(calm(app))
    app.text_input(key="phq_import_by").set_value("AB").run()
    assert next(button for button in app.button if button.label == "Import 1 questionnaire").disabled
    app.checkbox(key="phq_coding").check().run()
    press(app, "Import 1 questionnaire")
    assert [subject.label for subject in store.subjects.list_all()] == ["P01"]


def test_a_table_is_kept_as_a_whole_or_not_at_all(installation: AppSettings, store: Store) -> None:
    app = open_page("questionnaire")
    bad = EXAMPLE.replace("PHQ-8", "PHQ-7")
    app.file_uploader(key="phq_table").upload("q.csv", bad.encode(), "text/csv").run()
    assert "Row 3: the scale 'PHQ-7' is unknown; write PHQ-8 or PHQ-9." in html_of(calm(app))
    assert store.subjects.list_all() == []
    app.file_uploader(key="phq_table").upload("q.csv", EXAMPLE.replace("2026", "2025").encode(), "text/csv").run()
    app.text_input(key="phq_import_by").set_value("AB").run()
    press(app, "Import 2 questionnaires")
    assert "2 questionnaires kept, 0 were there already." in html_of(app)
    assert {subject.label for subject in store.subjects.list_all()} == {"P01", "P02"}
    later = EXAMPLE.replace("2026", "2025").replace("0,1\n", "0,3\n").replace("0,,\n", "0,,2\n")
    app.file_uploader(key="phq_table").upload("q.csv", later.encode(), "text/csv").run()
    press(app, "Import 2 questionnaires")
    assert "0 questionnaires kept, 2 were there already." in html_of(app)
    assert "In 2 that were there the difficulty was corrected." in html_of(app)
    found = {one.label: store.questionnaires.list_by_subject(subject_id=one.id) for one in store.subjects.list_all()}
    assert {label: [one.difficulty for one in kept] for label, kept in found.items()} == {"P01": [3], "P02": [2]}
