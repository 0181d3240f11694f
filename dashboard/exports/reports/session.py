"""What a session's report says: the review on paper, with where every number came from and what it is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from dashboard.charts import clock
from dashboard.exports.reports.blocks import Block, Chart, Facts, Heading, Report, Rows, Words
from dashboard.exports.reports.figures import behaviour_figure, estimate_figure, shares_figure, timeline_figure
from dashboard.i18n import _, dates, mark, n_, render
from dashboard.i18n.numbers import decimal, lasting, percent, short
from dashboard.i18n.vocabulary import PROVENANCES, measure_text, modality_list, sampling_words
from dashboard.widgets import ui
from dashboard.widgets.behaviour import MEANING, NO_FACE, SHORT, STEADY_S, missing_sentences, why_not_followed
from dashboard.widgets.estimate import meaning
from dashboard.widgets.subject_faces import hand_choice_words
from dashboard.widgets.turns import choice_words
from db.records import AnalysisSummary, NoteRecord
from fer_phq import __version__
from fer_phq.behaviour.measures import SMILE, STILL
from fer_phq.core.phq import PhqEstimate, Provenance
from fer_phq.timeline.episodes import EXPRESSIONS
from service.views.face.behaviour import BLINK
from service.views.people import other_warnings
from service.views.review import Window, automatic_width, window_at
from service.views.session import AnalysisView, SessionView

LIMITS = (
    ui.NOT_A_DIAGNOSIS,
    mark(
        "Emotion shares are the mean of a model's frame-by-frame probabilities for seven expressions. A PHQ score "
        "comes from a questionnaire that a person filled in; a PHQ estimate comes from a model and holds only with its "
        "interval."
    ),
    mark(
        "In the European Union, inferring emotions of people in the workplace or in education is prohibited "
        "(Regulation (EU) 2024/1689, Article 5(1)(f)); where it is allowed, people must be told (Article 50(3))."
    ),
)
"""What stands at the end of every report."""

LISTED_EPISODES = 3
"""Of each expression: the strongest of all would be those of the most frequent one."""

DEMONSTRATION = mark("A demonstration: the recording is staged and everything said of the person is made up.")


def session_report(view: SessionView, zone: tzinfo, now: datetime) -> Report:
    """Make the report of one analysis of a session.

    Args:
        view: The session under review.
        zone: The zone in which times are shown.
        now: When the report is made, timezone-aware.
    """
    session = view.session
    summary = view.analysis.summary
    lead = _("Session of {moment}, {length} min").format(
        moment=instant_text(session.recorded_at, zone), length=clock(session.duration_s)
    )
    blocks: list[Block] = []
    if session.is_demo:
        blocks.append(Words(_(DEMONSTRATION), "warning"))
    if summary.faces_choice_at is not None:
        blocks.append(Words(hand_choice_words(instant_text(summary.faces_choice_at, zone))))
    blocks += [Words(render(warning), "warning") for warning in other_warnings(summary)]
    blocks += [Heading(_("PHQ estimate")), *estimate_blocks(summary)]
    blocks += [Heading(_("Emotions")), *_emotion_blocks(view.analysis), *_episode_blocks(view.analysis)]
    blocks += [Heading(_("Facial behaviour")), *_behaviour_blocks(view.analysis)]
    if view.measures or view.missing_measures:
        blocks += [Heading(_("Measures")), *_measure_blocks(view)]
    if view.notes:
        blocks += [Heading(_("Notes")), _notes(view.notes)]
    blocks += [Heading(_("Where the numbers come from")), Facts(_origin(view, zone))]
    blocks += [Heading(_("Limits")), *(Words(_(words)) for words in LIMITS)]
    return Report(view.detail.subject.label, lead, origin_line(zone, now), tuple(blocks))


def estimate_blocks(summary: AnalysisSummary) -> list[Block]:
    """Return the estimate with its interval, provenance and meaning, or why there is none."""
    estimate = summary.phq
    if not isinstance(estimate, PhqEstimate):
        return [Words(" ".join((_("No estimate."), ui.sentence(render(estimate.message)))))]
    numbers = {"score": decimal(estimate.score), "low": decimal(estimate.low), "high": decimal(estimate.high)}
    on_scale = _("{score} on the {scale} (0 to {maximum})").format(
        scale=estimate.scale, maximum=estimate.scale.maximum, **numbers
    )
    return [
        Facts(
            (
                (_("Estimate"), on_scale),
                (_("{level} interval").format(level=percent(estimate.level)), _("{low} to {high}").format(**numbers)),
                (_("Provenance"), _(PROVENANCES[estimate.provenance])),
                (_("From"), _("the {modalities}").format(modalities=modality_list(estimate.modalities))),
            )
        ),
        Chart(
            estimate_figure(estimate),
            _("The estimate {score} with its interval from {low} to {high}").format(**numbers),
        ),
        Words(_(ui.SIMULATED_SENTENCE), "warning")
        if estimate.provenance is Provenance.SIMULATED
        else Words(meaning(estimate)),
    ]


def _emotion_blocks(view: AnalysisView) -> list[Block]:
    summary = view.summary
    if view.shares is None:
        return [Words(_("The subject's face was not found in any sampled frame of this recording."))]
    shares = ", ".join(f"{_(row['emotion'])} {percent(row['value'])}" for row in view.shares.to_dict("records"))
    frames_seen = _("{part} of {whole}").format(part=summary.frames_with_face, whole=summary.frames_sampled)
    return [
        Facts(
            (
                (_("Coverage"), ui.percent(summary.coverage)),
                (_("Frames with the face"), frames_seen),
                (_("Most seen"), _((summary.dominant_emotion or "").capitalize())),
            )
        ),
        *_timeline_blocks(view),
        Chart(shares_figure(view.shares), _("Mean emotion probabilities: {shares}").format(shares=shares)),
    ]


def _timeline_blocks(view: AnalysisView) -> list[Block]:
    """Return the emotions over the recording, smoothed as far as its length asks for, which is said."""
    window = window_at(view.frames, 0.0, None)
    width = automatic_width(window)
    alt = _("Emotion probabilities over the recording, above where the face was found")
    blocks: list[Block] = [Chart(timeline_figure(view.draw_frames(width, window)), alt)]
    if width:
        words = _("Emotions are smoothed over {seconds} s, so short peaks are lower than they were measured.")
        blocks.append(Words(words.format(seconds=short(width)), "note"))
    return blocks


def _episode_blocks(view: AnalysisView) -> list[Block]:
    """Return the strongest episodes of each expression in order of time, and how many there are of each."""
    episodes = view.episodes
    if not len(episodes):
        return []
    by_strength = episodes.sort_values("peak", ascending=False, kind="stable")
    strongest = by_strength.groupby("emotion", sort=False).head(LISTED_EPISODES).sort_values("onset_s")
    names = {name: _(name.capitalize()) for name in EXPRESSIONS}
    cells = tuple(
        (
            names[row["emotion"]],
            clock(row["onset_s"]),
            clock(row["peak_s"]),
            lasting(row["dwell_s"], is_cut=row["cut"]),
            percent(row["peak"]),
        )
        for row in strongest.to_dict("records")
    )
    counts = episodes["emotion"].value_counts()
    each = ", ".join(f"{name} {counts[code]}" for code, name in names.items() if code in counts)
    every = n_("{n} expression episode: {each}.", "{n} expression episodes: {each}.", len(episodes), each=each)
    if len(episodes) > len(strongest):
        every = " ".join((every, _("The {n} strongest of each are listed.").format(n=LISTED_EPISODES)))
    head = (_("Expression"), _("Onset"), _("Peak"), _("Dwell"), _("Highest"))
    return [Words(every), Rows(head, cells)]


def _behaviour_blocks(view: AnalysisView) -> list[Block]:
    behaviour = view.behaviour
    if behaviour is None:
        return [Words(why_not_followed(view.summary))]
    if not behaviour.has_face:
        return [Words(_(NO_FACE))]
    rate = _("{rate} frames a second").format(rate=decimal(behaviour.rate_hz, 0 if behaviour.rate_hz >= 10 else 1))
    counts = {
        "still_share": (_("Times of stillness"), behaviour.episodes["kind"] == STILL),
        "mouth_smile_share": (_("Smiles of the mouth"), behaviour.episodes["kind"] == SMILE),
        "blinks_a_minute": (_("Blinks"), behaviour.blinks["kind"] == BLINK),
    }
    # A count of what was hardly seen would read as one of the whole recording: the reasons stand with the measures.
    seen = [(title, str(found.sum())) for name, (title, found) in counts.items() if name in behaviour.measures]
    facts = ((_("Looked at"), rate), *seen)
    curves = behaviour.draw(Window(0.0, behaviour.recording_s))
    alt = _("Head pose, opening of the eyes with a stroke for each blink, and smile over the recording")
    return [Facts(facts), Chart(behaviour_figure(curves, behaviour.blinks), alt), Words(_(MEANING), "note")]


def _measure_blocks(view: SessionView) -> list[Block]:
    """Build the measures with what a change of each means, and why some are missing."""
    head = (_("Measure"), _("Value"), _("What studies found"))
    cells = tuple(
        (_(measure.title), measure_text(measure, value), _(measure.direction)) for measure, value in view.measures
    )
    blocks: list[Block] = [Rows(head, cells)] if cells else []
    if view.analysis.behaviour is not None and view.analysis.behaviour.recording_s < STEADY_S:
        blocks.append(Words(_(SHORT), "note"))
    blocks += [Words(words, "note") for words in missing_sentences(view)]
    speaking = view.analysis.speaking
    if speaking is not None and len(speaking.series):
        blocks.append(Words(choice_words(speaking.choice), "note"))
        blocks += [Words(render(warning), "note") for warning in speaking.taking.warnings]
    return blocks


def _notes(notes: Sequence[NoteRecord]) -> Rows:
    return Rows(
        (_("At"), _("Tag"), _("Note")),
        tuple(("" if n.time_s is None else clock(n.time_s), n.tag or "", n.words) for n in notes),
    )


def _origin(view: SessionView, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    session = view.session
    summary = view.analysis.summary
    consent = session.consent
    agreed = _("withdrawn") if view.detail.is_withdrawn else _("none recorded")
    if consent:
        agreed = _("{day}, recorded by {name}").format(day=instant_text(consent.at, zone), name=consent.by)
    return (
        (_("Recording"), f"{session.original_name}, {session.width} × {session.height}, {session.codec}"),
        ("SHA-256", session.media_sha256),
        (_("Consent"), agreed),
        (_("Model"), summary.model_id),
        (_("Sampling"), sampling_words(summary.sampling)),
        (_("Analysed"), instant_text(summary.created_at, zone)),
        (_("Analysis"), summary.id),
        (_("People in view"), str(len(view.analysis.record.tracks))),
    )


def instant_text(at: datetime, zone: tzinfo) -> str:
    """Write a date and time of a zone, such as '3 Nov 2026, 14:05'.

    Args:
        at: The moment, timezone-aware.
        zone: The zone.
    """
    return dates.day_and_time(at.astimezone(zone))


def day(at: datetime, zone: tzinfo) -> str:
    """Write a date of a zone, such as '3 Nov 2026'.

    Args:
        at: The moment, timezone-aware.
        zone: The zone.
    """
    return dates.day(at.astimezone(zone))


def origin_line(zone: tzinfo, now: datetime) -> str:
    """Write when and by what version a report was made.

    Args:
        zone: The zone in which the time is shown.
        now: When the report is made, timezone-aware.
    """
    return _("fer-phq {version}, {moment}. Not a diagnosis.").format(
        version=__version__, moment=instant_text(now, zone)
    )
