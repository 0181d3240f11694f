"""Where the models of a study come from: what their bundles say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fer_phq.models.checkpoint import SHIPPED, Bundle, list_bundles
from service.study.selection import Study


@dataclass(frozen=True)
class StudyModel:
    """A model by which sessions of a study were analysed or estimated.

    Attributes:
        model_id: The bundle's name with a hash of its weights.
        analyses: Number of sessions that it measured.
        estimates: Number of sessions that have an estimate of its heads.
        bundle: Its bundle; None where it is not on this machine any more.
    """

    model_id: str
    analyses: int
    estimates: int
    bundle: Bundle | None

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with fer-phq."""
        return self.bundle is not None and self.bundle.path == SHIPPED

    def to_dict(self) -> dict[str, Any]:
        """Return its provenance as JSON-able values."""
        facts: dict[str, Any] = {
            "model_id": self.model_id,
            "sessions_analysed": self.analyses,
            "sessions_estimated": self.estimates,
            "is_on_the_machine": self.bundle is not None,
            "comes_with_fer_phq": self.is_shipped,
        }
        if self.bundle is None:
            return facts
        config = self.bundle.config
        facts |= {
            "backbone": config.backbone,
            "image_size": config.image_size,
            "precision": config.precision,
            "sha256": dict(self.bundle.hashes),
            "phq": None,
        }
        if config.phq is not None:
            facts["phq"] = {
                "scale": str(config.phq.scale),
                "provenance": str(config.phq.provenance),
                "interval_level": config.phq.interval_level,
                "training": str(config.phq.training),
                "modalities": ["+".join(modalities) for modalities in config.phq.modalities],
            }
        return facts


def study_models(study: Study) -> Sequence[StudyModel]:
    """Return the models of a study, by their ids.

    Args:
        study: The study.
    """
    bundles = {bundle.model_id: bundle for bundle in list_bundles()}
    analyses = study.sessions["model_id"].value_counts()
    estimates = study.sessions["phq_model_id"].dropna().value_counts()
    return [
        StudyModel(model_id, int(analyses.get(model_id, 0)), int(estimates.get(model_id, 0)), bundles.get(model_id))
        for model_id in sorted({*analyses.index, *estimates.index})
    ]
