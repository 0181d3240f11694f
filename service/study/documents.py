"""What lies beside the tables of a study: what it is, how to cite it, of which versions and models it is."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from fer_phq import __version__
from fer_phq.core.texts import NOT_A_DIAGNOSIS
from service.study.models import StudyModel
from service.study.selection import Study
from service.study.tables import StudyTable

PACKAGES = ("av", "numpy", "onnxruntime", "pandas", "pyarrow", "scipy")
"""Packages on which the numbers depend."""
UNNAMED = "Authors not named"
"""Who is cited where nobody was named: the format asks for somebody."""


def title(study: Study) -> str:
    """Return what the study is called: as was asked, else by its dates.

    Args:
        study: The study.
    """
    at = study.sessions["recorded_at"]
    return study.request.title or f"Sessions of {at.min():%Y-%m-%d} to {at.max():%Y-%m-%d}, analysed with fer-phq"


def citation(study: Study) -> str:
    """Write the study's `CITATION.cff` (Citation File Format 1.2.0, Druskat et al. 2021).

    Args:
        study: The study.
    """
    names = study.request.authors or (UNNAMED,)
    lines = [
        "cff-version: 1.2.0",
        "type: dataset",
        "message: If you use these data, please cite them, and the software that measured them.",
        f"title: {_quoted(title(study))}",
        "authors:",
        *(f"  - name: {_quoted(name)}" for name in names),
        f"date-released: {study.made_at:%Y-%m-%d}",
        "references:",
        "  - type: software",
        "    title: fer-phq",
        f"    version: {_quoted(__version__)}",
        "    license: Apache-2.0",
        "    authors:",
        "      - name: the fer-phq authors",
        "  - type: article",
        '    title: "The PHQ-9: validity of a brief depression severity measure"',
        "    authors:",
        *_people(("Kroenke", "K."), ("Spitzer", "R. L."), ("Williams", "J. B. W.")),
        "    journal: Journal of General Internal Medicine",
        "    volume: 16",
        "    start: 606",
        "    end: 613",
        "    year: 2001",
        "  - type: article",
        '    title: "The PHQ-8 as a measure of current depression in the general population"',
        "    authors:",
        *_people(
            *(("Kroenke", "K."), ("Strine", "T. W."), ("Spitzer", "R. L."), ("Williams", "J. B. W.")),
            *(("Berry", "J. T."), ("Mokdad", "A. H.")),
        ),
        "    journal: Journal of Affective Disorders",
        "    volume: 114",
        "    start: 163",
        "    end: 173",
        "    year: 2009",
    ]
    return "\n".join(lines) + "\n"


def description(study: Study, models: Sequence[StudyModel]) -> str:
    """Write `study.json`: the filter, the numbers, versions, and where each model comes from.

    Args:
        study: The study.
        models: Its models.
    """
    cohort = study.request.cohort
    body: dict[str, Any] = {
        "title": title(study),
        "made_at": study.made_at.isoformat(timespec="seconds"),
        "filter": {
            "tags": list(cohort.tags),
            "since": None if cohort.since is None else cohort.since.isoformat(),
            "until": None if cohort.until is None else cohort.until.isoformat(),
            "model_id": cohort.model_id,
            "preferred_model_id": study.request.prefer_model,
            "min_coverage": cohort.min_coverage,
            "demonstrations": cohort.demo,
        },
        "sessions": len(study.sessions),
        "people": study.people,
        "demonstration_sessions": study.demonstrations,
        "simulated_estimates": study.simulated,
        "left_out": {str(reason): number for reason, number in study.omissions.items()},
        "versions": {
            "fer-phq": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "models": [model.to_dict() for model in models],
    }
    return json.dumps(body, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def readme(study: Study, tables: Sequence[StudyTable], models: Sequence[StudyModel]) -> str:
    """Write what a person who opens the folder must know.

    Args:
        study: The study.
        tables: The tables that are in it.
        models: Its models.
    """
    rows = "\n".join(f"- `{table.entry.name}`: one row is {table.entry.row}" for table in tables)
    warnings = "".join(f"- **{sentence}**\n" for sentence in study.sentences)
    cards = ", ".join(f"`models/{model.model_id}`" for model in models if model.bundle is not None)
    return f"""# {title(study)}

{study.total}, written by fer-phq {__version__} on {study.made_at:%Y-%m-%d %H:%M} UTC.

**{NOT_A_DIAGNOSIS()}**

{warnings}
## Files

Each table is there twice, as CSV and as Parquet, with the same numbers. `DATA_DICTIONARY.md` says what each column
means.

{rows}

`METHODS.md` is a paragraph for a paper, `CITATION.cff` how to cite, `study.json` the filter, versions and where each
model comes from, `SHA256SUMS` the hash of every file: `sha256sum -c SHA256SUMS`. Model cards: {cards or "none"}.

In CSV a text that a spreadsheet would calculate has an apostrophe before it.

## What is not in it

Labels, names of files, recordings, pictures, notes, events, transcripts and embeddings. People are called by
pseudonyms, whose key stays in the installation. Dates, tags and the course of sessions are in it: it is not anonymous,
and whoever knows a person may know them again. Hand it on as data about health.

## When somebody is erased or withdraws

An erasure in the installation does not reach this folder, and neither does a consent that is withdrawn after it was
made. Remove the rows of that person's `subject_id` from every table here and from every copy, or export the study
again and destroy this one. The installation's audit says when studies were exported.
"""


def _people(*names: tuple[str, str]) -> list[str]:
    return [
        line
        for family, given in names
        for line in (f"      - family-names: {family}", f'        given-names: "{given}"')
    ]


def _quoted(text: str) -> str:
    """Write a text as YAML has it between quotes, which JSON's are, too."""
    return json.dumps(text, ensure_ascii=False)
