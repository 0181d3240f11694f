"""py-feat: `Detectorv1` with its default detector and emotions, and without what else it can read."""

from feat import Detectorv1
from sampling import parse_options, print_frames, print_loaded, sampling_step

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


def main():
    """Run the program."""
    options = parse_options()
    detector = Detectorv1(au_model=None, identity_model=None, gaze_model=None, device="cpu")
    if options.load:
        print_loaded()
    elif options.faces:
        raise SystemExit("py-feat takes pictures with faces and no crops.")
    else:
        print_frames(read_clip(detector, options.clip, options.fps))


def read_clip(detector, path, fps):
    """Return a row for each sampled picture of a clip."""
    import cv2

    capture = cv2.VideoCapture(path)
    step = sampling_step(capture.get(cv2.CAP_PROP_FPS), fps)
    table = detector.detect(path, data_type="video", skip_frames=step, progress_bar=False)
    rows = []
    for _, faces in table.groupby("frame"):
        faces = faces.dropna(subset=list(EMOTIONS))
        rows.append({"time_s": None, "faces": faces[list(EMOTIONS)].astype(float).to_dict("records")})
    return rows


if __name__ == "__main__":
    main()
