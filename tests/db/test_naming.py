"""What may name a person and what not: every column and every parameter of a stored message is one or the other."""

from __future__ import annotations

import importlib
from string import Formatter

from sqlalchemy import JSON, Column, String, Table

from db.encryption.columns import EncryptedText
from db.pseudonyms import Pseudonyms, use_pseudonyms
from db.queries.mapping import HIDDEN, NAMING, readable_message
from db.tables import Base, PersonalText, SubjectLabel, SubjectRow
from db.visibility import FREE_TEXTS_AND_PICTURES, OF_ANALYSIS, OF_SESSION, OF_SUBJECT
from fer_phq.core.messages import Message, Template, literal
from service.messages import MODULES

OF_THE_INSTALLATION = {
    *("accounts", "api_tokens", "attempts", "audit", "audit_head", "audit_names", "idempotency_keys", "logins"),
    *("settings", "subject_shares", "workers"),
}
"""Tables without a subject's data."""
READABLE = {
    "subjects": {"pseudonym"},
    "subject_tags": {"tag"},  # arms and sites of a study
    "questionnaires": {"scale", "items", "source"},
    "sessions": {"media_sha256", "codec", "consent_text_version"},
    "analyses": {
        *("settings", "settings_hash", "beside", "dominant_emotion", "tracks", "timing"),
        *("phq_scale", "phq_provenance", "phq_modalities", "phq_unavailable"),
        *("phq_detail", "warnings"),  # messages, of which `readable_message` leaves out the names
    },
    "behaviours": {"kind", "names"},  # names of features
    "channels": {"modality", "kind", "names"},
    "embeddings": {"kind"},
    "measures": {"name"},
    "turns": {"kind", "names", "speaker_choice"},
}
"""Texts that a reader of pseudonyms reads, by table: they name nobody. A new column is here, or hidden by its type."""
NAMELESS = {
    *("array", "bound", "cells", "channel", "channels", "characters", "classes", "code", "count", "days", "device"),
    *(
        "duration",
        "emotions",
        "fewest",
        "first",
        "format",
        "found",
        "has",
        "heading",
        "height",
        "high",
        "items",
        "kind",
        "limit",
    ),
    *(
        "line",
        "low",
        "mib",
        "minimum",
        "modality",
        "mode",
        "model_id",
        "n",
        "options",
        "package",
        "pattern",
        "pixels",
        "precision",
    ),
    *(
        "control",
        "group",
        "largest",
        "people",
        "products",
        "quantized",
        "rate",
        "most",
        "highest",
        "dtype",
        "language",
        "least",
        "suffixes",
    ),
    *("row", "rows", "rule", "scale", "second", "seconds", "shape", "side", "takes", "times", "total"),
    *("track", "tracks", "values", "version", "width"),
    *("byte", "face", "faces", "frame", "number", "unit"),
}
"""Parameters of an analysis's messages that name nobody: numbers, and words of the program's own."""


def stored_texts(table: Table) -> list[Column[str]]:
    """The columns of a table that hold texts as they are, apart from ids."""
    plain = [column for column in table.columns if type(column.type) in (String, JSON)]
    return [column for column in plain if column.name != "id" and not column.name.endswith("_id")]


def rows_of_persons() -> set[type[Base]]:
    return {SubjectRow, *OF_SUBJECT, *OF_SESSION, *OF_ANALYSIS}


def text_parameters() -> set[str]:
    """The parameters of the messages that an analysis can store, without those that are written as numbers."""
    modules = [importlib.import_module(name) for name in MODULES if name.startswith("fer_phq.")]
    templates = [value for module in modules for value in vars(module).values() if isinstance(value, Template)]
    assert len(templates) > 100
    parsed = [part for one in templates for text in (one.text, one.plural) for part in Formatter().parse(text)]
    return {name for _, name, form, _ in parsed if name and not (form and form[-1] in "dfg%e")}


def test_every_table_is_a_persons_or_the_installations() -> None:
    persons = {row.__tablename__ for row in rows_of_persons()}
    assert persons | OF_THE_INSTALLATION == Base.metadata.tables.keys()
    assert not persons & OF_THE_INSTALLATION


def test_every_text_of_a_person_is_hidden_or_names_nobody() -> None:
    shown = {row.__table__ for row in rows_of_persons() - {*FREE_TEXTS_AND_PICTURES}}
    texts = {table.name: {column.name for column in stored_texts(table)} for table in shown}  # type: ignore[arg-type]
    assert {name: columns for name, columns in texts.items() if columns} == READABLE


def test_every_parameter_of_a_stored_message_may_name_somebody_or_not() -> None:
    assert text_parameters() - NAMING == NAMELESS
    assert not NAMING & NAMELESS


def test_a_parameter_that_is_called_like_a_hidden_column_is_hidden() -> None:
    hidden = (SubjectLabel, PersonalText, EncryptedText)
    columns = [
        column.name for row in rows_of_persons() for column in row.__table__.columns if isinstance(column.type, hidden)
    ]
    assert {"label", "original_name", "media_path", "consent_by", "speaker"} <= set(columns)
    called = {part for name in columns for part in (name, name.rpartition("_")[2])}
    assert called & text_parameters() <= NAMING


def test_a_message_within_a_message_is_read_without_its_names() -> None:
    inner = Message("x", {"file": "Ottilie.mov", "n": 3})
    message = Message(
        "y", {"reason": inner, "problem": "Ottilie", "tracks": (1, 2), "parts": (inner, literal("Ottilie"))}
    )
    assert readable_message(message) is message
    with use_pseudonyms(Pseudonyms({})):
        params = readable_message(message).params
    assert params["reason"] == Message("x", {"file": HIDDEN, "n": 3})
    assert params["problem"] == HIDDEN
    assert params["tracks"] == (1, 2)
    assert params["parts"] == (Message("x", {"file": HIDDEN, "n": 3}), literal(HIDDEN))
