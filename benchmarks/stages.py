"""The stages of an analysis one by one: processor seconds of starting, decoding, detecting, embedding and so on.

    python benchmarks/stages.py CLIP FPS          answers on standard output what is asked on standard input

A line names a stage; the answer is a line of JSON with its processor seconds, those of its child processes included,
and the number of rows that it made. What a stage needs of earlier ones is made before its time begins. The program
knows the project by its public doors alone, so that it also runs on an older checkout: see `against_base.py`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

CROP_SIDE = 96
CHUNK = 16
STORED_S = 600.0
STORED_SESSIONS = 8
START = """
from fer_phq.faces import FaceDetector
from fer_phq.models.model import load_model
from fer_phq.pipeline.session import analyze

FaceDetector(threads=1)
load_model()
"""


class Stages:
    """The stages on one clip, each as a method that does its work once and returns the number of rows."""

    def __init__(self, clip: str, fps: float, folder: Path) -> None:
        """Take a clip, the frames a second that are sampled, and a folder for databases."""
        self._clip = clip
        self._fps = fps
        self._folder = folder
        self._databases = 0

    def prepare(self, stage: str) -> Callable[[], int]:
        """Make what a stage needs of earlier ones, run it once, and return it."""
        call: Callable[[], int] = getattr(self, stage)
        call()
        return call

    def start(self) -> int:
        """Import the analysis and load its networks, in a new process."""
        subprocess.run([sys.executable, "-P", "-c", START], check=True, stdout=subprocess.DEVNULL)
        return 1

    def decode(self) -> int:
        """Decode the sampled frames, in the decoder's own process."""
        return len(self._sample())

    def detect(self) -> int:
        """Detect, align and track the faces."""
        from fer_phq.faces import FaceRecognizer, Tracker, align_crop

        tracker = Tracker(recognizer=FaceRecognizer())
        faces = 0
        frames = self._frames
        for start in range(0, len(frames), CHUNK):
            chunk = frames[start : start + CHUNK]
            for frame, detections in zip(chunk, self._detector.detect([f.rgb for f in chunk]), strict=True):
                crops = [align_crop(frame.rgb, detection.landmarks, CROP_SIDE) for detection in detections]
                size = (frame.rgb.shape[1], frame.rgb.shape[0])
                tracker.update(frame.time_s, detections, size, crops, frame.rgb)
                faces += len(detections)
        return faces

    def embed(self) -> int:
        """Compute embeddings and emotions of the crops."""
        return len(self._model.classify(self._model.embed(self._crops)))

    def behaviour(self) -> int:
        """Decode every frame and follow the subject's mesh through them."""
        import numpy as np

        from fer_phq.pipeline.behaviour import extract_behaviour
        from fer_phq.pipeline.timing import StageTimer

        recording, faces, settings = self._subject
        (series,), _ = extract_behaviour(self._clip, recording, faces, settings, StageTimer(), lambda _: None)
        return int(np.isfinite(series.values[:, 0]).sum())

    def store(self) -> int:
        """Store sessions of ten minutes with all that comes of them, in a new SQLite database."""
        from benchmarks.scale.content import fill_store
        from db.migrate import upgrade
        from db.store import Store

        self._databases += 1
        url = f"sqlite:///{self._folder / f'{self._databases}.db'}"
        upgrade(url)
        with Store(url, actor="cli") as store:
            return len(fill_store(store, self._analysis, STORED_SESSIONS).sessions)

    def _sample(self) -> list[Any]:
        from fer_phq.core.analysis import Sampling
        from fer_phq.video import sample_frames

        with sample_frames(self._clip, Sampling(fps=self._fps)) as stream:
            return list(stream)

    @cached_property
    def _frames(self) -> list[Any]:
        return self._sample()

    @cached_property
    def _detector(self) -> Any:
        from fer_phq.faces import FaceDetector

        return FaceDetector(threads=1)

    @cached_property
    def _model(self) -> Any:
        from fer_phq.models.model import load_model

        return load_model()

    @cached_property
    def _crops(self) -> list[Any]:
        from fer_phq.faces import align_crop

        crops = []
        for frame in self._frames:
            faces = self._detector.detect([frame.rgb])[0]
            crops += [align_crop(frame.rgb, face.landmarks, CROP_SIDE) for face in faces]
        return crops

    @cached_property
    def _subject(self) -> tuple[Any, Any, Any]:
        """The recording's facts, the subject's faces, and settings with every frame's mesh."""
        from fer_phq.core.analysis import Sampling, Settings
        from fer_phq.pipeline.faces import extract_faces
        from fer_phq.pipeline.timing import StageTimer
        from fer_phq.video import sample_recording

        settings = Settings(sampling=Sampling(fps=self._fps), face_rate=30.0)
        recording, stream = sample_recording(self._clip, settings.sampling)
        with stream:
            faces, _ = extract_faces(recording, stream, self._model, settings, StageTimer(), lambda _: None)
        return recording, faces, settings

    @cached_property
    def _analysis(self) -> Any:
        from benchmarks.scale.content import repeat_analysis
        from fer_phq.pipeline.session import analyze

        return repeat_analysis(analyze(self._clip, self._model), STORED_S)


STAGES = ("start", "decode", "detect", "embed", "behaviour", "store")


def processor_s() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def answer(stages: Stages, prepared: dict[str, Callable[[], int]], stage: str) -> dict[str, Any]:
    """Run a stage once.

    Args:
        stages: The stages.
        prepared: Those that have run before.
        stage: Which.
    """
    try:
        call = prepared.get(stage) or prepared.setdefault(stage, stages.prepare(stage))
        before = processor_s()
        rows = call()
        return {"cpu_s": processor_s() - before, "rows": rows}
    except Exception as error:  # whatever an older checkout lacks, the others of its stages run
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Answer until the input ends."""
    import fer_phq

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    print(json.dumps({"tree": str(Path(fer_phq.__file__).parents[1])}), file=answers, flush=True)
    prepared: dict[str, Callable[[], int]] = {}
    with tempfile.TemporaryDirectory(prefix="ferphq-stages-") as folder:
        stages = Stages(sys.argv[1], float(sys.argv[2]), Path(folder))
        for line in sys.stdin:
            print(json.dumps(answer(stages, prepared, line.strip())), file=answers, flush=True)


if __name__ == "__main__":
    main()
