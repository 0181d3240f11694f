"""A store filled with labelled sessions made of numbers, so that PHQ heads can be trained from it in seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from analysis_samples import MONDAY, NO_HEAD, new_session, sample_analysis, sample_recording

from db.store import Store
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import Bundle


def fill_labelled(store: Store, bundle: Bundle, people: int = 12, sessions: int = 1, frames: int = 40) -> list[str]:
    """`people` with as many sessions each, analysed by the bundle's backbone, and a PHQ-8 a day after each.

    Their faces tell a little of the score. Ids of the sessions.
    """
    rng, ids = np.random.default_rng(0), []
    direction = rng.normal(size=bundle.config.dim)
    for person in range(people):
        subject = store.subjects.create(label=f"P-{person + 1:02d}").id
        for number in range(sessions):
            name, at = f"{person}-{number}.mp4", MONDAY + timedelta(days=30 * number)
            total = int(rng.integers(0, 25))
            analysis = sample_analysis(
                sample_recording(name),
                model_id=bundle.model_id,
                frames=frames,
                phq=NO_HEAD,
                dim=bundle.config.dim,
                seed=person * 100 + number,
                face_kind=bundle.face_kind,
            )
            told = analysis.embeddings + 0.1 * (total / 24 - 0.5) * direction
            session = new_session(store, subject, name, at)
            store.analyses.save(session_id=session.id, analysis=replace(analysis, embeddings=told.astype(np.float32)))
            store.questionnaires.save(
                subject_id=subject, scale=Scale.PHQ8, items=items_of(total), answered_at=at + timedelta(days=1)
            )
            ids.append(session.id)
    return ids


def items_of(total: int) -> list[int]:
    """Eight answers from 0 to 3 that add up to a total."""
    return [total // 8 + (number < total % 8) for number in range(8)]
