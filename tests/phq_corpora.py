"""Generated PHQ corpora in the layouts in which DAIC-WOZ and E-DAIC are given out, with their known traps.

Every file of the layout is there, six seconds long: 180 frames at 30 frames/s, 600 rows of 10 ms. Values are noise but
for what a loader must act on: frames 10 to 19 have success 0, frame 20 a confidence of 0.1; rows 0 to 49 of the voice
are unvoiced (VUV and pitch 0), and of COVAREP rows 50 to 59 scrubbed (all zero).
"""

import csv
import wave
from pathlib import Path

import numpy as np

FRAMES, VOICE_ROWS = 180, 600
ITEMS = ("NoInterest", "Depressed", "Sleep", "Tired", "Appetite", "Failure", "Concentrating", "Moving")
DAIC_WOZ = {
    "train": {302: 4, 303: 0, 305: 12, 409: 10},
    "dev": {401: 7, 440: 19},
    "test": {300: 2, 316: 6},
}
"""Participants' PHQ-8 totals. 440's archive is truncated; 409's class contradicts its total."""
E_DAIC = {
    "train": {302: 4, 303: 0, 601: 15},
    "dev": {401: 7, 657: 11},
    "test": {700: 3, 705: 21, 716: 9},
}
"""657 lacks its CNN_VGG.mat; 716 is labelled and has no folder; 718 has a folder and no label."""

AUS_R = [f"AU{n:02}_r" for n in (1, 2, 4, 5, 6, 9, 10, 12, 14, 15, 17, 20, 25, 26)]
AUS_C = [f"AU{n:02}_c" for n in (4, 12, 15, 23, 28, 45)]
GAZE = [f"{axis}_{eye}" for eye in ("0", "1", "h0", "h1") for axis in "xyz"]
POSE = ["Tx", "Ty", "Tz", "Rx", "Ry", "Rz"]
OPENFACE_R = [f"AU{n:02}_r" for n in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)]
OPENFACE_C = [*(name.replace("_r", "_c") for name in OPENFACE_R[:-1]), "AU28_c", "AU45_c"]
OPENFACE = [
    *(f"pose_{name}" for name in POSE),
    *(f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"),
    *("gaze_angle_x", "gaze_angle_y"),
    *OPENFACE_R,
    *OPENFACE_C,
]
EGEMAPS = [
    *("Loudness_sma3", "alphaRatio_sma3", "hammarbergIndex_sma3", "slope0-500_sma3", "slope500-1500_sma3"),
    *("spectralFlux_sma3", "mfcc1_sma3", "mfcc2_sma3", "mfcc3_sma3", "mfcc4_sma3"),
    *("F0semitoneFrom27.5Hz_sma3nz", "jitterLocal_sma3nz", "shimmerLocaldB_sma3nz", "HNRdBACF_sma3nz"),
    *("logRelF0-H1-H2_sma3nz", "logRelF0-H1-A3_sma3nz", "F1frequency_sma3nz", "F1bandwidth_sma3nz"),
    *("F1amplitudeLogRelF0_sma3nz", "F2frequency_sma3nz", "F2amplitudeLogRelF0_sma3nz"),
    *("F3frequency_sma3nz", "F3amplitudeLogRelF0_sma3nz"),
]


def write_daic_woz(folder: Path) -> Path:
    """DAIC-WOZ: label files and session folders side by side."""
    folder.mkdir(parents=True)
    for part in ("train", "dev"):
        scored = ["Participant_ID", "PHQ8_Binary", "PHQ8_Score", "Gender", *(f"PHQ8_{item}" for item in ITEMS)]
        rows = [[p, int(s >= 10 and p != 409), s, p % 2, *_items(s)] for p, s in DAIC_WOZ[part].items()]
        _table(folder / f"{part}_split_Depression_AVEC2017.csv", [scored, *rows])
    test = DAIC_WOZ["test"].items()
    _table(
        folder / "test_split_Depression_AVEC2017.csv", [["participant_ID", "Gender"], *([p, p % 2] for p, _ in test)]
    )
    rows = [[p, int(s >= 10), s, p % 2] for p, s in test]
    _table(folder / "full_test_split.csv", [["Participant_ID", "PHQ_Binary", "PHQ_Score", "Gender"], *rows])
    for participant in (p for part in DAIC_WOZ.values() for p in part):
        write_daic_session(folder / f"{participant}_P", participant)
    for name in ("CLNF_pose.txt", "COVAREP.csv", "FORMANT.csv", "TRANSCRIPT.csv"):
        (folder / "440_P" / f"440_{name}").unlink()
    return folder


def write_daic_session(folder: Path, participant: int) -> None:
    """A session's folder `<id>_P` of DAIC-WOZ."""
    folder.mkdir()
    rng, stem = np.random.default_rng(participant), folder / f"{participant}_"
    frames = _frames(rng)
    for name, columns in (
        ("AUs", [*AUS_R, *AUS_C]),
        ("gaze", GAZE),
        ("pose", POSE),
        ("features", [f"{axis}{i}" for axis in "xy" for i in range(68)]),
        ("features3D", [f"{axis}{i}" for axis in "XYZ" for i in range(68)]),
    ):
        header = ["frame", "timestamp", "confidence", "success", *columns]
        rows = [[*frame, *_numbers(rng, len(columns))] for frame in frames]
        _table(Path(f"{stem}CLNF_{name}.txt"), [header, *rows], ", ")
    covarep = rng.normal(5, 1, (VOICE_ROWS, 74))
    covarep[:, 0], covarep[:, 1] = 120, 1
    covarep[:50, :2] = 0
    covarep[50:60] = 0
    _table(Path(f"{stem}COVAREP.csv"), [[f"{value:.6g}" for value in row] for row in covarep])
    _table(Path(f"{stem}FORMANT.csv"), [_numbers(rng, 5) for _ in range(VOICE_ROWS)])
    Path(f"{stem}CLNF_hog.bin").write_bytes(bytes(64))
    turns = [["start_time", "stop_time", "speaker", "value"], [0.1, 0.6, "Ellie", "hi i'm ellie"]]
    _table(Path(f"{stem}TRANSCRIPT.csv"), [*turns, [0.9, 1.8, "Participant", "good <laughter>"]], "\t")
    _wav(Path(f"{stem}AUDIO.wav"))


def write_e_daic(folder: Path) -> Path:
    """E-DAIC: label files in `labels/`, session folders in `data/`."""
    for name in ("labels", "data"):
        (folder / name).mkdir(parents=True)
    detailed = [["Participant_ID", *(f"PHQ_8{item}" for item in ITEMS), "PHQ_8Total"]]
    for part, scores in E_DAIC.items():
        header = ["Participant_ID", "Gender", "PHQ_Binary", "PHQ_Score", "PCL-C (PTSD)", "PTSD Severity"]
        rows = [[p, "female" if p % 2 else "male", int(s >= 10), s, 0, 20] for p, s in scores.items()]
        _table(folder / "labels" / f"{part}_split.csv", [header, *rows])
        detailed += [[p, *_items(s), s] for p, s in scores.items()]
    _table(folder / "labels" / "Detailed_PHQ8_Labels.csv", detailed)
    for participant in {p for part in E_DAIC.values() for p in part} - {716} | {718}:
        write_e_daic_session(folder / "data" / f"{participant}_P", participant)
    (folder / "data/657_P/features/657_CNN_VGG.mat").unlink()
    return folder


def write_e_daic_session(folder: Path, participant: int) -> None:
    """A session's folder `<id>_P` of E-DAIC."""
    (folder / "features").mkdir(parents=True)
    rng, stem = np.random.default_rng(participant), folder / "features" / f"{participant}_"
    header = ["frame", "timestamp", "confidence", "success", *OPENFACE]
    rows = [[*frame, *_numbers(rng, len(OPENFACE))] for frame in _frames(rng)]
    _table(Path(f"{stem}OpenFace2.1.0_Pose_gaze_AUs.csv"), [header, *rows])
    for name, columns in (("egemaps", EGEMAPS), ("mfcc", [f"mfcc_{i}" for i in range(39)])):
        rows = [["'unknown'", f"{i / 100:.2f}", *_numbers(rng, len(columns))] for i in range(VOICE_ROWS)]
        for row in rows[:50] if name == "egemaps" else ():
            row[2 + EGEMAPS.index("F0semitoneFrom27.5Hz_sma3nz")] = "0"
        _table(Path(f"{stem}OpenSMILE2.3.0_{name}.csv"), [["name", "frameTime", *columns], *rows], ";")
    for name in ("BoAW_openSMILE_2.3.0_eGeMAPS", "BoAW_openSMILE_2.3.0_MFCC", "BoVW_openFace_2.1.0_Pose_Gaze_AUs"):
        _table(Path(f"{stem}{name}.csv"), [["'unknown'", i, *_numbers(rng, 4)] for i in range(4)], ";")
    for name in ("densenet201", "vgg16"):
        _table(Path(f"{stem}{name}.csv"), [["name", "timeStamp", "neuron_1"], ["x", 0, 0.5]])
    for name in ("CNN_ResNet", "CNN_VGG"):
        Path(f"{stem}{name}.mat").write_bytes(b"MATLAB 5.0 MAT-file".ljust(128, b"\0"))
    said = [["Start_Time", "End_Time", "Text", "Confidence"], [0.9, 1.8, "good thank you", 0.93]]
    _table(folder / f"{participant}_Transcript.csv", said)
    _wav(folder / f"{participant}_AUDIO.wav")


def _items(score: int) -> list[int]:
    """Eight answers that sum to a score."""
    return [score // 8 + (i < score % 8) for i in range(8)]


def _frames(rng: np.random.Generator) -> list[list[str]]:
    """The four columns that all of the tracker's files start with."""
    rows = []
    for i in range(FRAMES):
        confidence = 0.1 if i == 20 else rng.uniform(0.85, 0.98)
        rows.append([str(i + 1), f"{i / 30:.6g}", f"{confidence:.4f}", "0" if 10 <= i < 20 else "1"])
    return rows


def _numbers(rng: np.random.Generator, count: int) -> list[str]:
    return [f"{value:.5f}" for value in rng.normal(size=count)]


def _table(path: Path, rows: list[list], delimiter: str = ",") -> None:
    if delimiter in ("\t", ";", ", "):
        path.write_text("".join(delimiter.join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def _wav(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(3200))
