"""`fer-phq agree`: how far coders of one recording agree, and how far a coder and a model do."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fer_phq.core.paths import printable

if TYPE_CHECKING:
    from fer_phq.agreement.intervals import Coefficient
    from fer_phq.agreement.measuring import Agreement, CodeAgreement, GroupAgreement
    from fer_phq.agreement.scheme import Labels

_LABELS = ("auto", "labels", "tiers")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="agree")(agree_command)


def agree_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Two coders' files or more: BORIS (table or .boris), ELAN (.eaf), Praat (TextGrid), or an analysis "
            "of `fer-phq analyze --json`.",
        ),
    ],
    tolerance: Annotated[float, typer.Option(metavar="SECONDS", help="How far apart the same may be.")] = 0.5,
    duration: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.0, help="How long the recording lasts.")
    ] = None,
    observation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which observation of a file of BORIS that holds several.")
    ] = None,
    codes: Annotated[
        str,
        typer.Option(
            metavar="auto|labels|tiers",
            help="What the codes of ELAN and Praat are: the labels, or the tiers with labels as remarks.",
        ),
    ] = "auto",
    rename: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Another name of a code; may be repeated.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Compare this code alone; may be repeated.")
    ] = None,
    unit: Annotated[float, typer.Option(metavar="SECONDS", help="Length of a time unit, from 0.01.")] = 0.1,
    block: Annotated[
        float, typer.Option(metavar="SECONDS", help="Length of the blocks of intervals and of the ICC.")
    ] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how far coders of a recording agree: Cohen's or Fleiss' kappa, specific agreement and ICC(2,1).

    States are compared by time units, points are matched, both within the tolerance; intervals are bootstrapped over
    blocks of time. docs/ANNOTATIONS.md says how.

    Examples:
    - `fer-phq agree anna.boris ben.csv --duration 1800`
    - `fer-phq agree anna.eaf analysis.json --rename Lächeln=smile --only smile`
    """
    from fer_phq.agreement.document import agreement_document
    from fer_phq.agreement.measuring import measure_agreement
    from fer_phq.agreement.model import read_coder
    from fer_phq.agreement.scheme import join_files
    from service.cli.analysis.documents import print_document

    coders = {
        name: read_coder(path, observation=observation, duration_s=duration)
        for name, path in zip(coder_names(files), files, strict=True)
    }
    scheme = join_files(
        coders,
        labels=_labels(codes),
        renames=_renames(rename or ()),
        only=only or (),
        duration_s=duration,
    )
    agreement = measure_agreement(scheme, tolerance_s=tolerance, unit_s=unit, block_s=block)
    notes = [f"{name}: {warning}" for name, coder in coders.items() for warning in coder.warnings]
    if as_json:
        document = agreement_document(agreement)
        print_document(document | {"warnings": [*notes, *document["warnings"]]})
        return
    for warning in (*notes, *map(str, agreement.warnings)):
        print(printable(warning), file=sys.stderr)
    for line in _lines(agreement):
        print(printable(line))


def coder_names(files: Sequence[Path]) -> list[str]:
    """Return what to call the coders: their files' names, or their paths where two names are the same.

    Args:
        files: A file of each.
    """
    stems = [path.name.split(".")[0] or path.name for path in files]
    if len(set(stems)) == len(stems):
        return stems
    paths = [str(path) for path in files]
    return [path if paths.count(path) == 1 else f"{path} ({number})" for number, path in enumerate(paths, 1)]


def _labels(text: str) -> Labels:
    from fer_phq.agreement.scheme import Labels

    if text not in _LABELS:
        raise typer.BadParameter(f"write one of {', '.join(_LABELS)}", param_hint="--codes")
    return Labels(text)


def _renames(texts: Sequence[str]) -> dict[str, str]:
    from fer_phq.agreement import messages
    from fer_phq.agreement.scheme import AgreementError

    renames = {}
    for text in texts:
        old, equals, new = (part.strip() for part in text.partition("="))
        if not (old and equals and new):
            raise AgreementError(messages.WRONG_RENAME(text=text))
        renames[old] = new
    return renames


def _lines(agreement: Agreement) -> Iterator[str]:
    """Yield the lines of the result."""
    grid = agreement.grid
    yield f"{len(agreement.coders)} coders: {', '.join(agreement.coders)}"
    yield f"{agreement.compared_s:.1f} of {grid.duration_s:.1f} s compared, tolerance {grid.tolerance_s:g} s"
    yield f"Intervals: 95 %, over blocks of {grid.block_s:g} s ({agreement.blocks})"
    kappa = "Cohen's kappa" if len(agreement.coders) == 2 else "Fleiss' kappa"
    yield from _section(agreement.coders, agreement.groups, agreement.codes, kappa)
    for pair in agreement.pairs:
        yield ""
        yield f"{pair.coders[0]} and {pair.coders[1]}"
        yield from _section(pair.coders, pair.groups, pair.codes, "Cohen's kappa")


def _section(
    coders: Sequence[str], groups: Sequence[GroupAgreement], codes: Sequence[CodeAgreement], kappa: str
) -> Iterator[str]:
    for group in groups:
        yield ""
        yield f"{group.name or 'all codes'} ({group.kind}s: {', '.join(group.codes)})"
        yield f"  {'kappa of points' if group.kind == 'point' else kappa:20}{_figures(group.kappa)}"
    for code in codes:
        yield ""
        yield f"{code.code.name} ({code.code.kind})"
        for coder, amount in zip(coders, code.amounts, strict=True):
            length = f", {amount.seconds:.1f} s" if code.code.kind == "state" else ""
            yield f"  {amount.count} by {coder}{length}"
        if code.code.kind == "state":
            yield f"  {kappa:20}{_figures(code.kappa)}"
        yield f"  {'specific agreement':20}{_figures(code.specific)}"
        yield f"  {'ICC(2,1)':20}{_figures(code.icc)}"


def _figures(coefficient: Coefficient) -> str:
    reason = "" if coefficient.reason is None else f" ({coefficient.reason})"
    if coefficient.value is None:
        return f"missing{reason}"
    if coefficient.low is None or coefficient.high is None:
        return f"{coefficient.value:.2f}{reason}"
    return f"{coefficient.value:.2f} [{coefficient.low:.2f}, {coefficient.high:.2f}]"
