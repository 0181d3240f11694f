"""deepface: `DeepFace.analyze` for emotions on the sampled pictures of a clip."""

import cv2
import numpy as np
from deepface import DeepFace
from sampling import parse_options, print_frames, print_loaded, print_top, read_faces, sampled_pictures


def main():
    """Run the program."""
    options = parse_options()
    if options.load:
        classify_face(np.zeros((48, 48), np.uint8))
        print_loaded()
    elif options.faces:
        print_top([classify_face(face) for face in read_faces(options.faces)])
    else:
        print_frames([detect(*sample) for sample in sampled_pictures(options.clip, options.fps)])


def detect(time_s, picture):
    """Return a picture's faces; deepface raises where there is none."""
    try:
        answers = DeepFace.analyze(picture, actions=["emotion"], silent=True)
    except ValueError as error:
        if "detected" not in str(error):
            raise
        answers = []
    faces = [{name: float(value) for name, value in answer["emotion"].items()} for answer in answers]
    return {"time_s": time_s, "faces": faces}


def classify_face(face):
    """Return a face's top emotion, without detection."""
    picture = cv2.cvtColor(face, cv2.COLOR_GRAY2BGR)
    answers = DeepFace.analyze(picture, actions=["emotion"], detector_backend="skip", silent=True)
    return answers[0]["dominant_emotion"]


if __name__ == "__main__":
    main()
