"""Analysis of a session: a recording becomes a `SessionAnalysis`.

recording --decode--> frames --detect, track--> faces --embed--> embeddings --emotion head--> timeline
          --> sound --> everybody's voice and turns   --follow--> behaviour
          everybody's voice and turns --mouth, transcript--> the subject's speech: voice, words
timeline, embeddings, voice, words, behaviour --PHQ head--> estimate with its interval, or the reason why there is none
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace

from fer_phq.behaviour.measures import BEHAVIOUR_WARNINGS
from fer_phq.core.analysis import (
    Progress,
    ProgressHook,
    SessionAnalysis,
    Settings,
    Step,
    check_behaviour,
    check_face,
    usable_features,
)
from fer_phq.core.errors import ModelError
from fer_phq.core.phq import PhqUnavailable, UnavailableReason
from fer_phq.core.sidecar import Sidecar
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.pipeline import messages
from fer_phq.pipeline.behaviour import FaceHook, extract_behaviour, warn_of_behaviour, warn_of_partner
from fer_phq.pipeline.faces import extract_faces
from fer_phq.pipeline.speech import check_sound, describe_speech, hear_sound, ignore_progress, load_sidecar
from fer_phq.pipeline.subject import FACE_WARNINGS, reselect_subject
from fer_phq.pipeline.timing import STAGES, StageTimer
from fer_phq.pipeline.turns import forget_mouth
from fer_phq.runtime.devices import selected_device
from fer_phq.runtime.sessions import release_step
from fer_phq.video import prepare_decoder, sample_recording

log = logging.getLogger(__name__)

SHORT_S = 120.0
"""Up to this duration the process that reads the sound starts while faces are looked for: it would be waited for. In a
longer recording it would only take memory meanwhile."""


def analyze(
    path: str | os.PathLike[str],
    model: FerPhqModel | None = None,
    settings: Settings | None = None,
    on_progress: ProgressHook | None = None,
    sidecar: Sidecar | None = None,
    display_name: str | None = None,
    on_faces: FaceHook | None = None,
) -> SessionAnalysis:
    """Analyse one recording. A recording without any face is a result (coverage 0), not an error.

    Args:
        path: The recording.
        model: From `load_model`; the active bundle when omitted.
        settings: Sampling, thresholds, the subject's tracks and the sound.
        on_progress: Called as each step (faces, sound, words, estimate) goes on; it may raise `AnalysisCancelled`.
        sidecar: A transcript, and sound that was recorded separately.
        display_name: What errors and warnings call the recording; its path when omitted.
        on_faces: Receives the meshes of all frames in which the face is followed, as they become sure.

    Raises:
        RecordingError: The recording, or the separate sound, cannot be analysed.
        FerPhqError: The transcript cannot be used, or has no such speaker.
        SettingsError: The recording has no face track of the settings' ids, two of them are in view at once, or it has
            no such sound track or channel.
    """
    if model is None:
        prepare_decoder()
        model = load_model()
    settings = settings or Settings()
    sidecar = sidecar or Sidecar()
    report = on_progress or ignore_progress
    timer = StageTimer()

    recording, frames = sample_recording(path, settings.sampling, max_side=settings.max_side, display_name=display_name)
    with frames:
        sidecar_digest = sidecar.digest()
        # Fail on a misspelt speaker's name or an impossible sound track before decoding, not after.
        loaded = load_sidecar(sidecar)
        check_sound(recording, loaded.audio, settings.sound)
        if recording.has_audio and recording.duration_s <= SHORT_S:
            prepare_decoder()
        faces, face_warnings = extract_faces(recording, frames, model, settings, timer, report)

    release_step(recording.duration_s)
    source = (recording, loaded, report, display_name, settings.sound)
    with timer.measure("listen"):  # before the behaviour, whose rows of three hours take 80 MB
        everyone = hear_sound(*source, with_turns=settings.speech)
    release_step(recording.duration_s)
    series, repeats = extract_behaviour(path, recording, faces, settings, timer, report, display_name, on_faces)
    behaviour, partner = (*series, None, None)[:2]
    release_step(recording.duration_s)
    with timer.measure("listen"):
        speech = describe_speech(
            everyone,
            behaviour,
            *source,
            with_recognition=settings.recognition,
            subject_turns=settings.subject_turns,
        )

    report(Progress(Step.ESTIMATE, 0, 1))
    with timer.measure("heads"):
        timeline = faces.timeline(model.classify(faces.embeddings))

    analysis = SessionAnalysis(
        recording=recording,
        model_id=model.model_id,
        sampling=settings.sampling,
        timeline=timeline,
        embeddings=faces.embeddings,
        phq=PhqUnavailable(UnavailableReason.NO_HEAD),
        tracks=faces.tracks,
        warnings=(
            *face_warnings,
            *repeats,
            *warn_of_behaviour(behaviour, settings),
            *speech.warnings,
        ),
        timing=timer.timing(str(selected_device()), model.bundle.config.precision),
        face_kind=model.face_kind,
        voice=speech.voice,
        words=speech.words,
        behaviour=behaviour,
        turns=speech.turns,
        speaker_choice=speech.speaker_choice,
        transcription=speech.transcription,
        sidecar_digest=sidecar_digest,
        faces=faces.all_faces,
        partner=partner,
        partner_warnings=warn_of_partner(behaviour, partner, faces, settings),
    )
    analysis = with_estimate(analysis, model, settings)
    report(Progress(Step.ESTIMATE, 1, 1))
    stages = ", ".join(f"{stage} {getattr(analysis.timing, stage):.1f} s" for stage in STAGES)
    log.info("stages on %s in %s: %s", analysis.timing.device, analysis.timing.precision, stages)
    return analysis


def choose_faces(analysis: SessionAnalysis, model: FerPhqModel, settings: Settings) -> SessionAnalysis:
    """Analyse other faces of an analysed recording as the subject's, from what the analysis holds: nothing is decoded.

    Words stay as they are. So do voice and turns, unless the mouth of the analysis's faces said which speaker is the
    subject.

    Args:
        analysis: An analysis with everybody's faces.
        model: Its emotion head and PHQ heads are run; its backbone made the faces' embeddings.
        settings: The analysis's settings, with the `tracks` of the subject.

    Raises:
        SettingsError: The analysis has only one person's faces, there is no such track, or two of them are in view at
            the same time.
        ModelError: Another backbone made the embeddings.
    """
    faces = reselect_subject(analysis, settings.tracks)
    analysis = forget_mouth(analysis)
    if analysis.face_kind != model.face_kind:
        raise ModelError(messages.FACES_OF_OTHER_NETWORK(model_id=model.model_id))
    codes = {declared.code for declared in (*FACE_WARNINGS, *BEHAVIOUR_WARNINGS)}
    remaining = [warning for warning in analysis.warnings if warning.code not in codes]
    if analysis.behaviour is not None:
        remaining.append(messages.BEHAVIOUR_OF_OTHER_FACES())
    selected = replace(
        analysis,
        timeline=faces.timeline(model.classify(faces.embeddings)),
        embeddings=faces.embeddings,
        tracks=faces.tracks,
        behaviour=None,
        partner=None,
        partner_warnings=(),
        warnings=(*faces.warnings(settings), *remaining),
    )
    return with_estimate(selected, model, settings)


def with_estimate(analysis: SessionAnalysis, model: FerPhqModel, settings: Settings) -> SessionAnalysis:
    """Return an analysis with a model's id and PHQ estimate, or with the reason why it must not have one.

    A face that was seen too little does not count; the voice and the words still may.

    Args:
        analysis: An analysis whose embeddings this model made, or one that shares its backbone.
        model: Estimates.
        settings: Coverage and number of frames that a face needs.
    """
    phq = model.estimate_phq(usable_features(analysis, settings), check_behaviour(analysis, settings))
    face_unavailable = check_face(analysis, settings)
    if face_unavailable is not None and isinstance(phq, PhqUnavailable):
        phq = face_unavailable
    return replace(analysis, model_id=model.model_id, phq=phq)
