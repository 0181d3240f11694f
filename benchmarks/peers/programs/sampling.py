"""Pictures of a clip by OpenCV, and the answer that every program of a peer gives. Knows nothing of fer-phq."""

import argparse
import json

FACE_SIDE = 48


def parse_options(*flags):
    """Parse a program's command line.

    Args:
        flags: Further switches, for example `--mtcnn`.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("clip", nargs="?", help="a recording")
    parser.add_argument("--fps", type=float, default=2.0, help="pictures a second that are analysed")
    parser.add_argument("--faces", help="a file of grey faces of 48x48 bytes each, in place of a clip")
    parser.add_argument("--load", action="store_true", help="only load the networks")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    return parser.parse_args()


def sampling_step(capture_fps, fps):
    """Return how many pictures lie from one that is analysed to the next."""
    return max(1, round(capture_fps / fps))


def sampled_pictures(path, fps):
    """Yield (time in seconds, BGR picture): every picture is decoded, and the sampled ones are converted."""
    import cv2

    capture = cv2.VideoCapture(path)
    if not capture.isOpened():
        raise SystemExit(f"OpenCV cannot open {path}.")
    rate = capture.get(cv2.CAP_PROP_FPS)
    step = sampling_step(rate, fps)
    number = 0
    while capture.grab():
        if number % step == 0:
            has_picture, picture = capture.retrieve()
            if not has_picture:
                raise SystemExit(f"OpenCV cannot read picture {number} of {path}.")
            yield number / rate, picture
        number += 1


def read_faces(path):
    """Yield the grey faces of a file, uint8 (48, 48)."""
    import numpy as np

    yield from np.fromfile(path, np.uint8).reshape(-1, FACE_SIDE, FACE_SIDE)


def print_frames(rows):
    """Print the answer on a clip: one entry a sampled picture, with its time and its faces' emotions (or None)."""
    print(json.dumps({"frames": len(rows), "faces": sum(len(row["faces"]) for row in rows), "rows": rows}))


def print_top(names):
    """Print the answer on faces: each face's top emotion, in the peer's own words; None where there is no answer."""
    print(json.dumps({"top": names}))


def print_loaded():
    """Print that the networks are loaded."""
    print(json.dumps({"loaded": True}))


def top_name(emotions):
    """Return the name of the largest of a dictionary's values."""
    return max(emotions, key=emotions.get)
