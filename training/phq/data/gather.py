"""Features of labelled sessions: read from files, or computed from recordings by a model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from fer_phq.core.analysis import RecordingInfo, Settings, usable_features
from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.phq import Modality
from fer_phq.core.sidecar import Sidecar
from fer_phq.features.files import read_features, write_features
from fer_phq.models.checkpoint import Bundle
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.pipeline.session import analyze
from fer_phq.pipeline.speech import extract_speech, load_sidecar
from fer_phq.video import probe
from fer_phq.words import has_minilm
from fer_phq.words.kinds import MINILM, PLAIN, without_embeddings
from training.phq.data.sessions import LabelledSession, SourceKind
from training.phq.data.tables import Gathered

Tell = Callable[[str], None]


class Gatherer:
    """Loads sessions one by one. keep: a folder for what recordings gave, so that they are analysed once; or None."""

    def __init__(self, bundle: Bundle, keep: Path | None = None) -> None:
        self._bundle = bundle
        self._keep = keep
        try:
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FerPhqError(f"The folder {keep} cannot be made: {error.strerror}.") from None

    @cached_property
    def _model(self) -> FerPhqModel:
        return load_model(self._bundle.path)

    def load(self, session: LabelledSession) -> SessionFeatures:
        """A session's features. Raises FerPhqError when one of its files cannot be used."""
        beside = Sidecar(session.transcript, session.speaker, session.audio)
        if session.kind is SourceKind.RECORDING:
            return self._recording(session.path, beside)
        return _with_beside(session.load(), beside)

    def _recording(self, path: Path, beside: Sidecar) -> SessionFeatures:
        info = probe(path)
        kept = self._kept(info, beside)
        if kept is not None and kept.is_file():
            return read_features(kept)
        features = usable_features(analyze(path, self._model, sidecar=beside), Settings())
        if kept is not None:
            write_features(features, kept)
        return features

    def _kept(self, info: RecordingInfo, beside: Sidecar) -> Path | None:
        """Where a recording's features are kept: the name tells other content, company or backbone apart."""
        if self._keep is None:
            return None
        words = "" if beside.transcript is None else str(has_minilm())
        facts = f"{info.sha256} {beside.digest()} {self._bundle.face_kind} {words}"
        return self._keep / f"{Path(info.path).stem}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}.npz"


def gather(
    sessions: Sequence[LabelledSession], gatherer: Gatherer, skip_bad: bool = False, tell: Tell = lambda _: None
) -> Gathered:
    """Every session's features. Raises FerPhqError that lists the sessions that cannot be used.

    skip_bad: leaves those out. tell: is told what happens, a sentence at a time.
    """
    kept = []
    features = []
    bad = []
    for number, session in enumerate(sessions, 1):
        if session.kind is SourceKind.RECORDING:
            tell(f"Analysing {number} of {len(sessions)}: {session.path.name}")
        try:
            features.append(gatherer.load(session))
            kept.append(session)
        except FerPhqError as error:
            bad.append(f"{session.name}: {error}")
    if bad and not skip_bad:
        said = "\n".join(bad[:20] + ([f"and {len(bad) - 20} more"] if len(bad) > 20 else []))
        raise FerPhqError(
            f"{len(bad)} of {len(sessions)} sessions cannot be used (--skip-bad leaves them out).\n{said}"
        )
    for line in bad:
        tell(f"Left out: {line}")
    if not kept:
        raise FerPhqError("No session is left.")
    return Gathered(tuple(kept), tuple(of_one_kind(features)))


def of_one_kind(features: Sequence[SessionFeatures]) -> list[SessionFeatures]:
    """Words without embeddings, where some sessions have none: the extra that makes them came or went between."""
    kinds = {one.words.kind for one in features if one.words is not None}
    if not kinds >= {PLAIN, MINILM}:
        return list(features)
    return [
        replace(one, words=without_embeddings(one.words)) if one.words and one.words.kind == MINILM else one
        for one in features
    ]


def _with_beside(features: SessionFeatures, beside: Sidecar) -> SessionFeatures:
    """Features with the voice and words of files named beside them, where the features file has none."""
    if beside == Sidecar():
        return features
    silent = RecordingInfo("", "", 0.0, 0, 0, "", 0, has_audio=False)
    heard = extract_speech(silent, load_sidecar(beside))
    return replace(
        features,
        voice=features.series(Modality.VOICE) or heard.voice,
        words=features.series(Modality.WORDS) or heard.words,
    )
