"""Labelled sessions whose features move with the score by a known amount."""

from pathlib import Path

import numpy as np

from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Scale
from training.phq.data.dataset import LabelledDataset
from training.phq.data.sessions import LabelledSession, SourceKind


def cohort(people=40, sessions=1, signal=1.0, voice=0.5, seed=0, **kinds):
    """Sessions whose face (and, for a share, voice) moves with the total."""
    rng = np.random.default_rng(seed)
    labelled, features = [], []
    for person in range(people):
        total = int(np.clip(np.rint(rng.gamma(1.35, 5)), 0, 24))
        z = (total - 6.7) / 5.7
        for number in range(sessions):
            rows = int(rng.integers(20, 60))
            face = rng.normal(size=(rows, 6)) + rng.normal(size=6) * 0.5
            face[:, 0] += signal * z
            sound = rng.normal(size=(rows, 3)) + 0.5 * np.random.default_rng((seed, person, number)).normal(size=3)
            sound[:, 1] += signal * z
            has_voice = rng.random() < voice
            features.append(
                SessionFeatures(
                    face=FeatureSeries(face.astype(np.float32), np.arange(rows) / 2, kinds.get("face", "k")),
                    voice=FeatureSeries(sound.astype(np.float32), np.arange(rows) / 10, "v") if has_voice else None,
                )
            )
            name = f"row {len(labelled) + 2}"
            labelled.append(
                LabelledSession(
                    name,
                    f"P{person}",
                    Scale.PHQ8,
                    float(total),
                    SourceKind.FEATURES,
                    Path(f"{person}-{number}"),
                    groups={"sex": "fm"[person % 2]},
                )
            )
    return LabelledDataset(tuple(labelled), tuple(features))
