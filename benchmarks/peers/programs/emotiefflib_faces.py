"""EmotiEffLib: `predict_emotions` on face crops. It has no detector of its own, so that it takes no clip."""

import cv2
import numpy as np
from emotiefflib.facial_analysis import EmotiEffLibRecognizer
from sampling import parse_options, print_loaded, print_top, read_faces

MODEL = "enet_b0_8_best_vgaf"
OTHERS = ("Contempt",)
"""Classes that the others lack: the largest of the remaining ones counts."""


def main():
    """Run the program."""
    options = parse_options()
    recognizer = EmotiEffLibRecognizer(engine="onnx", model_name=MODEL, device="cpu")
    if options.load:
        print_loaded()
    elif options.faces:
        print_top([classify_face(recognizer, face) for face in read_faces(options.faces)])
    else:
        raise SystemExit("EmotiEffLib takes face crops: give --faces.")


def classify_face(recognizer, face):
    """Return a face's top emotion."""
    _, scores = recognizer.predict_emotions(cv2.cvtColor(face, cv2.COLOR_GRAY2RGB), logits=True)
    order = np.argsort(-scores[0])
    names = (recognizer.idx_to_emotion_class[int(index)] for index in order)
    return next(name for name in names if name not in OTHERS)


if __name__ == "__main__":
    main()
