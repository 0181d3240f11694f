"""`fer-phq analyze`: the command and its options.

What it takes is imported once it is known what is to be done: recordings need much that a picture would wait for.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fer_phq.core.errors import SettingsError
from fer_phq.core.messages import Template
from service.cli import messages
from service.cli.analysis.tracks import TRACK_IDS, parse_tracks
from service.runtime_settings import current_settings
from service.settings import load_settings

EXAMPLES = """
Analyse recordings: files, or every recording in a folder.

Examples:

- `fer-phq analyze session.mp4`
- `fer-phq analyze photo.jpg` (the faces of pictures; nothing of them is stored)
- `fer-phq analyze session.mp4 --json | jq .dominant_emotion`
- `fer-phq analyze session.mp4 --transcript session.vtt --speaker Client`
- `fer-phq analyze recordings/ --csv results/ --features features/`
- `fer-phq analyze session.mp4 --subject P01 --consent-by "Dr Meyer"` (kept in the store, shown in the dashboard)
- `fer-phq analyze --queue recordings.csv --report report.csv` (thousands, by the workers, when nobody else waits)

With `--queue`, a table (CSV) has the columns file, subject_id, recorded_at, consent_by, keep_days, transcript and
speaker; in a folder, the folders right in it are named like their subjects, and transcripts lie beside their
recordings. What is stored already is not stored again: start an interrupted batch once more, and it goes on. What is
stored otherwise than the table says is reported, and left as it is.

Exit code 0 when every recording was analysed, 1 when one could not be (the others still are) or a file not be written.
"""

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""Endings of files that are taken for pictures; whether they are, their content says."""

CHANNELS = {"left": 1, "right": 2}
"""Names of channels beside their numbers."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="analyze", help=EXAMPLES)(analyze_command)


def analyze_command(
    recordings: Annotated[list[Path], typer.Argument(metavar="RECORDING...", help="Files or folders.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a recording on standard output.")] = False,
    csv_dir: Annotated[Path | None, typer.Option("--csv", help="Write one CSV timeline a recording here.")] = None,
    features_dir: Annotated[
        Path | None, typer.Option("--features", help="Write one file of features a recording (.npz) here.")
    ] = None,
    mesh_dir: Annotated[
        Path | None,
        typer.Option("--mesh", help="Write all points of the face mesh, a Parquet file a recording, here."),
    ] = None,
    transcript: Annotated[
        Path | None, typer.Option(help="Transcript of the one recording: WebVTT, SRT, CSV, tab-separated or JSON.")
    ] = None,
    speaker: Annotated[str | None, typer.Option(help="Whose turns of the transcript are the subject's.")] = None,
    audio: Annotated[Path | None, typer.Option(help="Sound of the one recording, recorded apart.")] = None,
    subject: Annotated[str | None, typer.Option(help="Keep the results for this subject (with --save).")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames a second that are analysed (default 2).")] = None,
    key_frames: Annotated[bool, typer.Option("--key-frames", help="Analyse only key frames: quicker.")] = False,
    face_rate: Annotated[
        float | None,
        typer.Option(
            help="Frames a second in which the face is followed: head pose, blinks, blendshapes (default: all, up to "
            "30; 0: none)."
        ),
    ] = None,
    speech: Annotated[
        bool | None,
        typer.Option("--speech/--no-speech", help="Tell who speaks when (default: yes, unless FERPHQ_SPEECH is 0)."),
    ] = None,
    partner: Annotated[
        bool, typer.Option("--partner", help="Follow the other person's face, too, who must have agreed to it.")
    ] = False,
    recognition: Annotated[
        bool | None,
        typer.Option(
            "--recognition/--no-recognition",
            help="Recognise the words where there is no transcript (default: no, unless FERPHQ_RECOGNITION is 1).",
        ),
    ] = None,
    track: Annotated[
        str | None,
        typer.Option(
            metavar=TRACK_IDS, help="Analyse the person of this face track, or exactly these tracks (0,3), instead."
        ),
    ] = None,
    sound_track: Annotated[int | None, typer.Option(min=1, help="Hear this sound track alone, counted from 1.")] = None,
    sound_channel: Annotated[
        str | None, typer.Option(metavar="left|right|N", help="Hear this channel of the sound track alone.")
    ] = None,
    save: Annotated[
        bool | None, typer.Option("--save/--no-save", help="Keep recording and results (default: with --subject).")
    ] = None,
    consent_by: Annotated[str | None, typer.Option(help="Who recorded the subject's consent; kept with it.")] = None,
    recorded_at: Annotated[
        datetime | None, typer.Option(help="When it was recorded, local time (default: the file's date).")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name, id or folder of a checkpoint bundle.")] = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Store the recordings of tables or folders and have workers analyse them.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="With --queue: write what became of each recording (CSV).")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --queue: queue what failed before once more.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="With --queue: wait until everything is analysed.")
    ] = True,
) -> None:
    """Analyse recordings, print the results and store them where a subject is named. `EXAMPLES` is the help."""
    if key_frames and face_rate:
        raise SettingsError(messages.NO_MESH_OF_KEY_FRAMES())
    if queue:
        _refuse(
            messages.NOT_WITH_QUEUE,
            **{
                "--csv": csv_dir,
                "--features": features_dir,
                "--mesh": mesh_dir,
                "--transcript": transcript,
                "--speaker": speaker,
                "--audio": audio,
                "--partner": partner or None,
                "--recognition/--no-recognition": recognition,
                "--track": track,
                "--save/--no-save": save,
                "--recorded-at": recorded_at,
                "--model": model,
            },
        )
        analysis = {
            "fps": fps,
            "key_frames": key_frames or None,
            "sound_track": sound_track,
            "sound_channel": channel_number(sound_channel),
            "face_rate": face_rate,
            "speech": speech,
        }
        job_settings = {name: value for name, value in analysis.items() if value is not None}
        from service.cli.analysis.batch import BatchOptions, run_batch  # half a second, which only a batch needs

        choice = BatchOptions(subject, consent_by or "", job_settings, report, as_json, retry_failed, wait)
        raise typer.Exit(run_batch(recordings, choice, current_settings(load_settings())))
    _refuse(
        messages.ONLY_WITH_QUEUE,
        **{"--report": report, "--retry-failed": retry_failed or None, "--no-wait": None if wait else False},
    )
    app_settings = current_settings(load_settings(**({"model": model} if model else {})))
    pictures = [path for path in recordings if path.suffix.lower() in PICTURE_SUFFIXES and not path.is_dir()]
    code = 0
    if pictures:
        _refuse(
            messages.NOT_WITH_PICTURES,
            **{
                "--csv": csv_dir,
                "--features": features_dir,
                "--mesh": mesh_dir,
                "--transcript": transcript,
                "--speaker": speaker,
                "--audio": audio,
                "--subject": subject,
                "--save": save or None,
                "--partner": partner or None,
                "--track": track,
                "--sound-track": sound_track,
                "--sound-channel": sound_channel,
                "--face-rate": face_rate,
                "--speech/--no-speech": speech,
                "--recognition/--no-recognition": recognition,
                "--consent-by": consent_by,
                "--recorded-at": recorded_at,
            },
        )
        from service.cli.analysis.pictures import analyze_pictures

        code = analyze_pictures(pictures, app_settings, as_json=as_json)
        recordings = [path for path in recordings if path not in pictures]
        if not recordings:
            raise typer.Exit(code)
    from fer_phq.core.analysis import Sampling, Settings, SoundChoice
    from fer_phq.core.sidecar import Sidecar
    from service.cli.analysis.recordings import Options, analyze_recordings

    if save is None:
        save = subject is not None
    if save and subject is None:
        raise SettingsError(messages.SAVE_NEEDS_SUBJECT())
    if save and not (consent_by or "").strip():
        raise SettingsError(messages.SAVE_NEEDS_CONSENT())
    if not save and (consent_by or recorded_at):
        raise SettingsError(messages.NOT_SAVED())
    try:
        sampling = Sampling(fps=app_settings.fps if fps is None else fps, key_frames=key_frames)
        tracks = () if track is None else parse_tracks(track)
        settings = Settings(
            sampling=sampling,
            coverage_floor=app_settings.coverage_floor,
            track=tracks[0] if len(tracks) == 1 else None,
            tracks=tracks if len(tracks) > 1 else (),
            all_faces=save,
            sound=SoundChoice(sound_track, channel_number(sound_channel)),
            face_rate=app_settings.face_rate if face_rate is None else face_rate,
            speech=app_settings.speech if speech is None else speech,
            partner=partner,
            recognition=app_settings.recognition if recognition is None else recognition,
        )
    except ValueError as error:
        raise SettingsError(str(error)) from None
    if recognition:
        from fer_phq.transcription import load_recognizer

        load_recognizer()  # an extra that is missing is told before the work, not after it
    if not settings.follows_mesh:
        _refuse(messages.NEEDS_FACE_RATE, **{"--mesh": mesh_dir, "--partner": partner or None})
    sidecar = Sidecar(transcript, speaker, audio)
    if speaker is not None and transcript is None:
        raise SettingsError(messages.SPEAKER_ALONE())
    if sidecar != Sidecar() and (len(recordings) > 1 or recordings[0].is_dir()):
        raise SettingsError(messages.ONE_RECORDING())
    label_to_save = subject if save else None
    folders = (csv_dir, features_dir, mesh_dir)
    options = Options(settings, sidecar, as_json, *folders, label_to_save, consent_by, recorded_at)
    raise typer.Exit(max(code, analyze_recordings(recordings, options, app_settings)))


def _refuse(refusal: Template, **options: object) -> None:
    """Refuse the first option that has a value.

    Raises:
        SettingsError: One has.
    """
    for option, value in options.items():
        if value is not None:
            raise SettingsError(refusal(option=option))


def channel_number(name: str | None) -> int | None:
    """Return the number of a channel from 1, which is the left one of two; None for no name.

    Args:
        name: `left`, `right` or the number.

    Raises:
        SettingsError: It is none of them.
    """
    if name is None:
        return None
    number = CHANNELS.get(name.strip().lower(), name)
    if not str(number).isdecimal() or int(number) < 1:
        raise SettingsError(messages.UNKNOWN_CHANNEL(name=name))
    return int(number)
