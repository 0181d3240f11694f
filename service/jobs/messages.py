"""Messages of jobs: where one stands, why one failed, and why a worker cannot start."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

NO_WORKER = template("jobs.no_worker", "No worker is running; start one with `fer-phq worker`.")
WAITING = template("jobs.waiting", "Waiting to be analysed.")
WAITING_BEHIND = counted(
    "jobs.waiting_behind", "Waiting: {n} recording is ahead.", "Waiting: {n} recordings are ahead."
)
WORKER_GONE = template("jobs.worker_gone", "The worker that analysed this has gone; a running worker takes it over.")
STOPPING = template("jobs.stopping", "Stopping.")
OPENING = template("jobs.opening", "Analysing: opening the recording.")
FACES = template("jobs.faces", "Finding faces: {done} frames so far.")
FACES_OF = template("jobs.faces_of", "Finding faces: {done} of about {total} frames.")
FACES_LEFT = template(
    "jobs.faces_left",
    "Finding faces: {done} of about {total} frames, {pace:.1f} frames/s, about {left} left.",
)
BEHAVIOUR = template("jobs.behaviour", "Following the face: {done} frames so far.")
BEHAVIOUR_OF = template("jobs.behaviour_of", "Following the face: {done} of about {total} frames.")
BEHAVIOUR_LEFT = template(
    "jobs.behaviour_left", "Following the face: {done} of about {total} frames, about {left} left."
)
SOUND = template("jobs.sound", "Analysing the sound: {done} s so far.")
SOUND_OF = template("jobs.sound_of", "Analysing the sound: {done} of {total} s.")
SOUND_LEFT = template("jobs.sound_left", "Analysing the sound: {done} of {total} s, about {left} left.")
WORDS = template("jobs.words", "Reading the words.")
WORDS_OF = template("jobs.words_of", "Reading the words: {done} of {total} utterances.")
WORDS_LEFT = template("jobs.words_left", "Reading the words: {done} of {total} utterances, about {left} left.")
ESTIMATE = template("jobs.estimate", "Estimating.")
DONE = template("jobs.done", "Analysed.")
CANCELLED = template("jobs.cancelled", "Cancelled.")
FAILED = template("jobs.failed", "The analysis failed.")

SECONDS = template("jobs.seconds", "{seconds} s")
MINUTES = template("jobs.minutes", "{minutes} min")
HOURS = template("jobs.hours", "{hours} h {minutes} min")

ABANDONED = template(
    "jobs.abandoned",
    "The worker stopped {times} times while it analysed this recording, perhaps for want of memory; retry it, or send "
    "a smaller recording.",
)
RECORDING_REMOVED = template(
    "jobs.recording_removed",
    "The recording of this session has been removed, so it cannot be analysed again.",
)
RECORDING_MISSING = template(
    "jobs.recording_missing",
    "The recording of this session is missing from the media folder; upload it again.",
)
NO_TURNS_TO_CHOOSE = template(
    "jobs.no_turns_to_choose",
    "This analysis does not hold who speaks when: analyse the recording again, then choose the subject's voice.",
)
NOBODY_TO_CHOOSE = template(
    "jobs.nobody_to_choose", "Nobody is heard to speak in this recording: there is no voice to choose."
)
UNKNOWN_SPEAKER = template(
    "jobs.unknown_speaker", "This analysis has no speaker {speaker}; its speakers are: {speakers}."
)
SPEAKERS_TOGETHER = template(
    "jobs.speakers_together",
    "Speaker {speaker} speaks when another does, so that they cannot be told apart when the recording is analysed "
    "again: choose the sound of one microphone, then the voice.",
)
TRANSCRIPT_NAMES_SUBJECT = template(
    "jobs.transcript_names_subject",
    "The transcript of this session names the subject, and counts: correct it, or take it away, to choose a voice.",
)
ANALYSED_MEANWHILE = template(
    "jobs.analysed_meanwhile", "This session is being analysed: choose the subject's voice when that has ended."
)
ANALYSIS_CANCELLED = template("jobs.analysis_cancelled", "The analysis was cancelled.")
OUT_OF_MEMORY = template(
    "jobs.out_of_memory",
    "There was not enough memory to analyse the recording (number {number} in the worker's log).",
)
UNFORESEEN = template(
    "jobs.unforeseen",
    "The analysis failed for an unforeseen reason (number {number} in the worker's log); retry it once.",
)
NO_RESULT = template("jobs.no_result", "The analysis ended without a result that could be stored; retry it.")

NO_BATCH = template("jobs.no_batch", "{path} is a recording: --queue takes tables (CSV) and folders.")
SUBJECT_OF_MANIFEST = template(
    "jobs.subject_of_manifest", "--subject names the subject of a folder; a table has a column subject_id."
)
NOT_BESIDE_MANIFEST = template(
    "jobs.not_beside_manifest", "There is no file {file}; files are named relative to the table's folder."
)
NO_SUBJECT_FOLDER = template(
    "jobs.no_subject_folder",
    "it lies in no subject's folder; put it in a folder with the subject's name, or name the subject with --subject",
)
OF_FILE = template("jobs.of_file", "{file}: {problem}")
SPEAKER_NEEDED = template(
    "jobs.speaker_needed",
    "the transcript {name} beside it has several speakers, and it is not known who of them is the subject; list the "
    "recordings in a table, with one of {speakers} in its column speaker",
)
FILE_DATE = template(
    "jobs.file_date",
    "Nothing says when it was recorded, and {date}, the file's own date, cannot be it: list the recording in a table "
    "with recorded_at.",
)
SESSION_ERASED = template("jobs.session_erased", "Its session was erased before it was analysed.")

ENGINE_DATABASE = template(
    "jobs.engine_database",
    "The job engine's database cannot be used ({name}); look at FERPHQ_DBOS_DATABASE_URL.",
)
WORKER_NAME_IN_USE = template(
    "jobs.worker_name_in_use",
    "A worker named {worker_id} runs already; give FERPHQ_WORKER_ID another name.",
)
NO_FREE_NAME = template(
    "jobs.no_free_name",
    "{workers} workers run on this data folder already; stop one or set FERPHQ_WORKER_ID.",
)
MASK_TOO_LONG = template(
    "jobs.mask_too_long",
    "The recording is longer than {minutes} minutes, which takes too long for a page: use the command "
    "fer-phq sessions mask {session_id} --out FILE.",
)
MASK_RUNS = template(
    "jobs.mask_runs",
    "A page has a recording masked, whose file is in plain: cancel it there, or wait until it is done.",
)
MASK_ENCRYPTED = template(
    "jobs.mask_encrypted",
    "Recordings are encrypted here, and a masked one that waits for its download would not be: use the command "
    "fer-phq sessions mask {session_id} --out FILE.",
)
