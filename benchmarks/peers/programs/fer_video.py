"""fer: `Video.analyze` with its own sampling, which seeks. Nothing is written or drawn, which is its quickest way."""

import os
import tempfile

import cv2
from fer.classes import Video
from fer.fer import FER
from sampling import parse_options, print_frames, print_loaded, sampling_step

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def main():
    """Run the program."""
    options = parse_options()
    detector = FER()
    if options.load:
        print_loaded()
        return
    path = os.path.abspath(options.clip)
    capture = cv2.VideoCapture(path)
    rate = capture.get(cv2.CAP_PROP_FPS)
    pictures = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    step = sampling_step(rate, options.fps)
    with tempfile.TemporaryDirectory() as folder:
        table = Video(path, outdir=folder).analyze(
            detector,
            frequency=step,
            output="pandas",
            save_frames=False,
            save_video=False,
            annotate_frames=False,
            zip_images=False,
        )
    # fer keeps no row of a picture without a face, and no times.
    rows = [{"time_s": None, "faces": [{name: row[name] for name in EMOTIONS}]} for _, row in table.iterrows()]
    rows += [{"time_s": None, "faces": []}] * (-(-pictures // step) - len(rows))
    print_frames(rows)


if __name__ == "__main__":
    main()
