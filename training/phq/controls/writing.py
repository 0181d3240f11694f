"""Evidence on a head for a reader: as Markdown in a report, and as lines on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from fer_phq.models.evidence.claims import describe_group, judge_claims
from fer_phq.models.evidence.controls import Control
from fer_phq.models.evidence.fields import Bounded
from fer_phq.models.evidence.record import Evidence
from training.plots.markdown import markdown_table

CONTROL_COLUMNS = ["control", "sessions", "people", "MAE", "RMSE", "CCC", "below the mean's RMSE", "head's RMSE",
                   "head better by", "partial r of the head"]  # fmt: skip


def evidence_section(evidence: Evidence) -> str:
    """Write evidence as Markdown: which claims stand, then the figures."""
    ranking = ", ".join(f"{rank.model} {rank.first:.0%}" for rank in evidence.ranking)
    ranked = f"Lowest squared error when people are drawn anew (bootstrap): {ranking}.\n\n" if ranking else ""
    return (
        f"**Which claims stand.** {claims_paragraph(evidence)}\n\n"
        "Controls: the same scores told without the subject, by ridge regression on people left out; RMSE in points, "
        "in brackets the 95% bootstrap interval over people. Partial r: correlation of the head's estimates with the "
        "scores, the control's held constant. Each sentence above rests on an interval of its own: of forty, one lies "
        "off by chance.\n\n"
        + markdown_table(CONTROL_COLUMNS, _control_rows(evidence.controls))
        + f"\n{_read_columns(evidence.controls)}{ranked}{_coverage_table(evidence)}"
    )


def _coverage_table(evidence: Evidence) -> str:
    """Write where intervals hold what they say."""
    rows = [
        [describe_group(group), str(group.sessions), str(group.subjects), _percent(group.covered), f"{group.width:.1f}"]
        for group in evidence.coverage
    ]
    if not rows:
        return ""
    head = (
        f"Scores that lie in their {evidence.level:.0%} interval, in brackets Wilson's 95% interval with each person "
        "counted once. What is promised is the share of all people, not of each group:\n\n"
    )
    return head + markdown_table(["scores of", "sessions", "people", "in the interval", "width"], rows) + "\n"


def _percent(figure: Bounded) -> str:
    return f"{figure.value:.0%} [{figure.low:.0%}, {figure.high:.0%}]"


def evidence_as_text(evidence: Evidence) -> str:
    """Write evidence for a terminal: a line a control, and the paragraph of claims."""
    lines = [_control_line(control) for control in evidence.controls]
    lines += [
        f"{gap.name}: MAE of these people {gap.held_out_mae:.2f}, in the folds {gap.folds_mae:.2f} "
        f"(difference {_bracketed(gap.difference)})"
        for gap in evidence.gaps
    ]
    lines += [
        f"interval, {describe_group(group)} ({group.sessions} sessions of {group.subjects} people): holds "
        f"{_percent(group.covered)}, {group.width:.1f} points wide"
        for group in evidence.coverage
    ]
    lines += [
        f"{shift.name}: the {shift.subjects} people differ from the training by {shift.distance:.2f} SD (p "
        f"{shift.p:.4f}; most in {', '.join(shift.largest)}); their scores by {_bracketed(shift.scores)}"
        for shift in evidence.shifts
    ]
    return "\n".join([*lines, "", claims_paragraph(evidence)])


def claims_paragraph(evidence: Evidence) -> str:
    """Write which claims stand as one paragraph."""
    return " ".join(map(str, judge_claims(evidence)))


def _control_rows(controls: Sequence[Control]) -> list[list[str]]:
    rows = []
    for control in controls:
        figures = control.figures
        if figures is None:
            rows.append([str(control.name), "-", "-", *["-"] * 7])
            continue
        rows.append(
            [
                str(control.name),
                str(figures.sessions),
                str(figures.subjects),
                f"{figures.mae:.2f}",
                f"{figures.rmse:.2f}",
                _bracketed(figures.ccc),
                _bracketed(figures.above_mean),
                f"{figures.head_rmse:.2f}",
                _bracketed(figures.head_gain),
                "-" if figures.beyond is None else _bracketed(figures.beyond),
            ]
        )
    return rows


def _read_columns(controls: Sequence[Control]) -> str:
    """Say what controls read; what shuffled labels are read from is the head's."""
    sentences = [
        f"{control.name} reads {', '.join(control.figures.columns)}."
        for control in controls
        if control.figures is not None and control.figures.beyond is not None
    ]
    return f"{' '.join(sentences)}\n\n" if sentences else ""


def _control_line(control: Control) -> str:
    figures = control.figures
    if figures is None:
        return f"control {control.name}: none. {control.missing}"
    beyond = "" if figures.beyond is None else f"; partial r of the head {_bracketed(figures.beyond)}"
    return (
        f"control {control.name} ({figures.sessions} sessions of {figures.subjects} people): MAE {figures.mae:.2f}, "
        f"RMSE {figures.rmse:.2f}, CCC {_bracketed(figures.ccc)}; below the mean's RMSE by "
        f"{_bracketed(figures.above_mean)}; head's RMSE {figures.head_rmse:.2f}, better by "
        f"{_bracketed(figures.head_gain)}{beyond}"
    )


def _bracketed(figure: Bounded) -> str:
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"
