"""fer: `FER.detect_emotions` on the sampled pictures of a clip."""

import numpy as np
from fer.fer import FER
from sampling import parse_options, print_frames, print_loaded, print_top, read_faces, sampled_pictures, top_name

OFFSET = 10
"""Pixels by which fer widens a face's box on each side."""


def main():
    """Run the program."""
    options = parse_options("--mtcnn")
    detector = FER(mtcnn=options.mtcnn)
    if options.load:
        print_loaded()
    elif options.faces:
        print_top([classify_face(detector, face) for face in read_faces(options.faces)])
    else:
        print_frames([detect(detector, *sample) for sample in sampled_pictures(options.clip, options.fps)])


def detect(detector, time_s, picture):
    """Return a picture's faces."""
    return {"time_s": time_s, "faces": [face["emotions"] for face in detector.detect_emotions(picture)]}


def classify_face(detector, face):
    """Return a face's top emotion; the box is narrower by what fer widens it, so that it sees all of the face."""
    side = len(face)
    inner = side - 2 * OFFSET
    answers = detector.detect_emotions(np.repeat(face[..., None], 3, axis=2), [(OFFSET, OFFSET, inner, inner)])
    return top_name(answers[0]["emotions"])


if __name__ == "__main__":
    main()
