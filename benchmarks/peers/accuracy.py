"""How often fer-phq and its peers name the emotion that people named, on the same face images.

FER+'s `valid` part (FER2013's public test) in grey crops of 48 px. Each emotion network is given the whole crop,
without a detector before it, by its package's own preprocessing. Names are brought to the seven classes; contempt,
where a network has it, is passed over. Labels: FER+'s majority over the seven classes, all images that have one; and
FER2013's own. The network of fer and human (Arriaga's) was trained on FER2013's labels, ours on FER+'s.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers import environments
from benchmarks.peers.catalogue import Peer
from benchmarks.peers.contestants import OURS
from benchmarks.peers.processes import run_tree
from fer_phq.core.emotions import EMOTIONS, canonical_name
from training.emotion.data.corpora import FaceSet, load_faces, parse_source

SIDE = 48
LIMIT_S = 3600.0
RARE = ("fear", "disgust")
"""Classes whose recall is shown, too."""
NO_CLASS = -1


@dataclass(frozen=True, eq=False)
class Labelling:
    """What people called the images of a corpus.

    Attributes:
        images: Which of the crops, (n,) indices; an image whose pixels stand there twice counts twice.
        labels: Their classes, (n,) indices of `EMOTIONS`.
    """

    images: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LabelledFaces:
    """The images, and what people called them.

    Attributes:
        crops: uint8 (n, 48, 48), grey.
        labellings: By name; FER+'s first.
    """

    crops: npt.NDArray[np.uint8]
    labellings: Mapping[str, Labelling]


def read_labelled_faces(path: Path, limit: int | None) -> LabelledFaces:
    """Read the images with both labels.

    Args:
        path: FER+'s `valid` part as parquet, with FER2013's label.
        limit: The first so many; all where omitted.
    """
    own = load_faces(parse_source(f"fer2013:{path}"), side=SIDE, grey=True)
    votes = load_faces(parse_source(f"ferplus:{path}"), side=SIDE, grey=True)
    count = min(limit or len(own), len(own))
    crops = own.crops(np.arange(count))
    grey = crops if crops.ndim == 3 else crops[..., 0]
    keys = own.keys[:count]
    return LabelledFaces(grey, {"FER+": find_images(keys, votes), "FER2013": find_images(keys, own)})


def find_images(keys: npt.NDArray[np.str_], faces: FaceSet) -> Labelling:
    """Find the images of a set among crops, by their pixels; those that are not among them are left out.

    Args:
        keys: Hashes of the crops' pixels.
        faces: The set.
    """
    places = {key: place for place, key in enumerate(keys)}
    pairs = [(places[key], label) for key, label in zip(faces.keys, faces.labels, strict=True) if key in places]
    images, labels = np.array(pairs, np.int64).reshape(-1, 2).T
    return Labelling(images, labels)


def classify_ours(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return fer-phq's top emotion of each crop."""
    from fer_phq.models.model import load_model

    model = load_model()
    result: npt.NDArray[np.int64] = model.predict_emotions(np.repeat(crops[..., None], 3, axis=3)).argmax(1)
    return result


def classify_by_peer(folder: Path, peer: Peer, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return a peer's top emotion of each crop; `NO_CLASS` where it names none.

    Args:
        folder: Of the environments.
        peer: Which.
        crops: uint8 (n, 48, 48).

    Raises:
        RuntimeError: It failed.
    """
    with tempfile.NamedTemporaryFile(suffix=".faces") as file:
        file.write(crops.tobytes())
        file.flush()
        words = [*environments.command(folder, peer), "--faces", file.name]
        place = environments.working_folder(folder, peer)
        run = run_tree(words, folder=place, variables=environments.variables(folder, peer), limit_s=LIMIT_S)
    if run.code != 0:
        raise RuntimeError(environments.shorten_error(run.error, run.code or -9))
    names = json.loads(run.output.strip().splitlines()[-1])["top"]
    if len(names) != len(crops):
        raise RuntimeError(f"It named {len(names)} of {len(crops)} faces.")
    return np.array([class_index(name) for name in names], np.int64)


def class_index(name: str | None) -> int:
    """Return the index of a class in `EMOTIONS` by any package's name for it; `NO_CLASS` where it is none of them."""
    canonical = canonical_name(name) if name else None
    return EMOTIONS.index(canonical) if canonical in EMOTIONS else NO_CLASS


def score(predictions: npt.NDArray[np.int64], labellings: Mapping[str, Labelling]) -> dict[str, Any]:
    """Compute accuracy under each labelling, and the recall of each class under the first.

    Args:
        predictions: Classes of the crops, indices of `EMOTIONS`; an image without an answer counts as wrong.
        labellings: By name.
    """
    result: dict[str, Any] = {"accuracy": {}, "images": {}, "recall": {}}
    for name, labelling in labellings.items():
        result["accuracy"][name] = float((predictions[labelling.images] == labelling.labels).mean())
        result["images"][name] = len(labelling.labels)
    first = next(iter(labellings.values()))
    for index, emotion in enumerate(EMOTIONS):
        answers = predictions[first.images[first.labels == index]]
        result["recall"][emotion] = float((answers == index).mean()) if len(answers) else None
    return result


def measure(
    path: Path, folder: Path, peers: Sequence[Peer], limit: int | None, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Measure the accuracy of fer-phq and of every peer whose network takes face crops.

    Args:
        path: FER+'s `valid` part.
        folder: Of the environments.
        peers: Those that are ready.
        limit: The first so many images; all where omitted.
        say: Is told of each.
    """
    faces = read_labelled_faces(path, limit)
    results = {OURS: score(classify_ours(faces.crops), faces.labellings)}
    for peer in peers:
        if not peer.takes_faces:
            continue
        try:
            results[peer.name] = score(classify_by_peer(folder, peer, faces.crops), faces.labellings)
        except RuntimeError as error:
            results[peer.name] = {"error": str(error)}
        say(f"accuracy of {peer.name}: {results[peer.name]}")
    return results


def table_rows(results: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Return a row for each; the most accurate first."""
    finished = {name: entry for name, entry in results.items() if "error" not in entry}
    rows = []
    for name, entry in sorted(finished.items(), key=lambda item: -item[1]["accuracy"]["FER+"]):
        accuracies = [f"{value:.1%}" for value in entry["accuracy"].values()]
        recalls = ["-" if entry["recall"][emotion] is None else f"{entry['recall'][emotion]:.0%}" for emotion in RARE]
        rows.append([f"**{name}**" if name == OURS else name, *accuracies, *recalls])
    rows += [[name, f"failed: {entry['error']}", "", "", ""] for name, entry in results.items() if name not in finished]
    return rows


HEADS = ("", "FER+ labels", "FER2013 labels", *(f"recall of {emotion} (FER+)" for emotion in RARE))
