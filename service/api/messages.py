"""Messages of the HTTP interface."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

UPLOAD_BROKEN_OFF = template("api.upload_broken_off", "The upload was broken off.")
UPLOAD_CUT_SHORT = template(
    "api.upload_cut_short", "The upload ended after {received} of {size} bytes; send the recording again."
)
RECORDING_REMOVED = template(
    "api.recording_removed", "The recording of this session has been removed; its results are kept."
)
RECORDING_MISSING = template("api.recording_missing", "The recording of this session is missing from the media folder.")
UPLOAD_WITHOUT_CONSENT = template(
    "api.upload_without_consent",
    "This link notes no consent of the person, so the recording is not taken in: ask for it, and upload on the New "
    "session page.",
)

NO_SUCH_PATH = template("api.no_such_path", "There is nothing at this path: GET /v1/openapi.json says what there is.")
NO_SUCH_METHOD = template("api.no_such_method", "This path does not answer to {method}: it answers to {methods}.")
UNUSABLE_REQUEST = template("api.unusable_request", "{field} cannot be used: {reason}.")
MEDIA_TYPE = template(
    "api.media_type", "The request's Content-Type cannot be read here: send multipart/form-data or application/json."
)
BODY_TOO_LARGE = template("api.body_too_large", "The request has more than {limit:g} MB: send less at once.")
NOT_CONFIRMED = template(
    "api.not_confirmed", "Nothing was changed: confirm must be the label of the subject who goes, as it stands."
)
SESSION_NOT_CONFIRMED = template(
    "api.session_not_confirmed",
    "Nothing was erased: confirm must be the label of the session's subject, as it stands.",
)
BODY_TOO_SLOW = template(
    "api.body_too_slow", "The request did not arrive whole within {seconds} seconds: send it again."
)
CURSOR_UNUSABLE = template(
    "api.cursor_unusable", "after cannot be used: send `next` of the answer before as it stands, or leave it out."
)
CHANGED_SINCE = template(
    "api.changed_since",
    "Nothing was changed: what you read has changed since, as If-Match says. Read it again, and decide anew.",
)
KEY_UNUSABLE = template(
    "api.key_unusable", "Idempotency-Key cannot be used: send 1 to {longest} visible ASCII characters, such as a UUID."
)
KEY_OF_ANOTHER = template(
    "api.key_of_another", "Nothing was done: another request was sent with this Idempotency-Key. Send a new key."
)
KEY_PENDING = template(
    "api.key_pending",
    "The first request with this Idempotency-Key is still carried out, or was broken off half-way: look whether it was "
    "done before you send it with a new key.",
)
NO_FORM = template("api.no_form", "The form cannot be read: send pictures as files in the field file.")
OTHER_FIELD = template(
    "api.other_field", "The form holds something else than files in the field file: send pictures as such, and no more."
)
NO_PICTURES = template("api.no_pictures", "The request holds no picture: send 1 to {most}.")
TOO_MANY_PICTURES = template(
    "api.too_many_pictures", "The request holds {count} pictures: send at most {most} at once."
)
NO_IMAGES = template("api.no_images", 'The JSON is not understood: send {{"images": [...]}}, each picture in base64.')
NO_BASE64 = template(
    "api.no_base64", "The picture is no base64: encode the bytes of its file, without a prefix and without line breaks."
)
BUSY = template("api.busy", "As many predictions as can wait here wait already; try again in {seconds} seconds.")
MODEL_UNUSABLE = template(
    "api.model_unusable", "The model in use cannot be loaded here; its administrator finds the reason in the log."
)
TOO_MANY_STREAMS = template(
    "api.too_many_streams",
    "{n} streams of events are open, as many as may be; try again in {seconds} seconds, or ask for the job itself.",
)
JOB_DONE = template(
    "api.job_done",
    "The job is done and is not done again: POST /v1/sessions/{session_id}/analyses asks for another analysis.",
)
OTHER_ANALYSIS = template(
    "api.other_analysis",
    "The session is being analysed in another way, by job {job_id}: wait for its end or cancel it, then ask again.",
)
RECORDED_AT = template(
    "api.recorded_at", "recorded_at lies before 1990 or in the future: send when the recording was made, with its zone."
)
CONSENT_NEEDED = template(
    "api.consent_needed",
    "Nobody is named who noted the person's consent, so the recording is not taken in: ask, and send consent_by.",
)
CONSENT_VERSION = template(
    "api.consent_version",
    "The consent text here has the version {version}: show the person that text, and send consent_version with it.",
)
NOT_BASE64 = template("api.not_base64", "it is no base64; encode the file's bytes, without line breaks")
TWO_SAMPLINGS = template("api.two_samplings", "fps chooses the frames already; send one of the two")
SPEAKER_ALONE = template("api.speaker_alone", "it names a speaker of a transcript, and none is sent")
SPEAKER_NEEDED = template(
    "api.speaker_needed",
    "The transcript {name} has several speakers, and it is not known who of them is the subject: send speaker with it, "
    "one of {speakers}.",
)
NO_TRANSCRIPT = template("api.no_transcript", "The session has no transcript: PUT one here.")
ANALYSES_STAY = template(
    "api.analyses_stay", "The analyses that there are stay as they are, with the words that they were made with."
)
ANALYSED_BEFORE = template(
    "api.analysed_before",
    "The analysis {analysis_id} was made with this transcript; another one stands for the session.",
)
ANALYSE_WITH_IT = template(
    "api.analyse_with_it",
    "No analysis was made with this transcript: POST /v1/sessions/{session_id}/analyses asks for one.",
)
JOB_WITH_WORDS = template("api.job_with_words", "The job {job_id} analyses the session with this transcript.")
JOB_WITH_EARLIER_WORDS = template(
    "api.job_with_earlier_words",
    "The job {job_id} began before this transcript was given and may end with the words of before: look when it has "
    "ended.",
)
WITHOUT_RECORDING = template(
    "api.without_recording",
    "The recording has been removed, so no analysis can be made with this transcript.",
)
METADATA = template(
    "api.metadata", "{name} of Upload-Metadata cannot be read: send names with values in base64, with commas between."
)
BYTES_HEADER = template("api.bytes_header", "The header {name} must be a whole number of bytes.")
EMPTY_UPLOAD = template("api.empty_upload", "A recording of 0 bytes is none: send Upload-Length of the file.")
MORE_THAN_LENGTH = template(
    "api.more_than_length", "More came than the {size} bytes of Upload-Length, and was not taken: look at the file."
)
TUS_VERSION = template("api.tus_version", "Uploads follow tus {version}: send the header Tus-Resumable: {version}.")
OFFSET_TYPE = template("api.offset_type", "Send the recording's bytes with the Content-Type {type}.")
LIVE_TEXT = template("api.live_text", "This is no picture: send each picture's file as a binary message.")
LIVE_TOO_LARGE = template("api.live_too_large", "The picture has more than {limit:g} MB: send a smaller one.")
LIVE_UNREADABLE = template(
    "api.live_unreadable", "None of the last {n} messages was a picture that can be read: look at what is sent."
)
LIVE_IDLE = template("api.live_idle", "No picture came for {seconds:.0f} seconds: connect again when there is one.")
LIVE_OVER = template("api.live_over", "The connection lasted as long as one may: connect again.")
LIVE_FULL = template("api.live_full", "{n} live connections are open, as many as may be; try again later.")
METRICS_CLOSED = template(
    "api.metrics_closed", "The metrics are for programs on this machine, and for administrators with a login or token."
)
PORT_UNUSABLE = template(
    "api.port_unusable",
    "The API cannot listen on {address} port {port} ({reason}); stop what uses it or set FERPHQ_API_PORT to another "
    "port.",
)

NOT_ACCEPTABLE = template(
    "api.not_acceptable", "The answer cannot be had like that: ask for one of {formats} by Accept or by ?format=."
)
NO_SUCH_SERIES = template("api.no_such_series", "The analysis holds no series of that name: it holds {names}.")
NO_SERIES = template("api.no_series", "The analysis holds no feature series.")
INCOMPLETE_TABLE = template(
    "api.incomplete_table", "What is stored of the analysis changed while it was read: ask again."
)
SIMULATED = template(
    "api.simulated",
    "Demonstration only: this head was trained on simulated labels. It says nothing about this person.",
)
SIMULATED_MODEL = template(
    "api.simulated_model",
    "Demonstration only: this head was trained on simulated labels. It says nothing about any person.",
)
UNKNOWN_TIME_ZONE = template(
    "api.unknown_time_zone", "There is no time zone {name}: send a name such as Europe/Berlin, or none for UTC."
)
WITHOUT_ANALYSIS = template("api.without_analysis", "The session has no such analysis, so there is no report of it.")
SIMULATED_ROWS = template(
    "api.simulated_rows",
    "Estimates whose provenance is simulated come from heads that were trained on made-up labels: they demonstrate the "
    "software and say nothing about anyone.",
)
TWO_PERIODS = template(
    "api.two_periods",
    "Two periods need four days: send first_from, first_to, second_from and second_to, or none of them.",
)
PERIOD_ORDER = template("api.period_order", "{end} lies before {begin}: send the first day of a period as {begin}.")
SEVERAL_HEADS = template(
    "api.several_heads",
    "The estimates come from several models. They are not one series: a difference between two of them may be the "
    "models' alone.",
)
COUNTED_BY_FRAMES = counted(
    "api.counted_by_frames",
    "Of {n} session an earlier version counted coverage and shares by frames, not by time: score it again on the "
    "Models page.",
    "Of {n} sessions an earlier version counted coverage and shares by frames, not by time: score them again on "
    "the Models page.",
)
WITHDRAWN_LEFT_OUT = counted(
    "api.withdrawn_left_out",
    "{n} session more is left out: its consent was withdrawn.",
    "{n} sessions more are left out: their consent was withdrawn.",
)
WITHDRAWN = counted(
    "api.withdrawn",
    "The consent to {n} of these sessions was withdrawn: it is shown as long as it is stored, is in no cohort and no "
    "training, and can be erased on its page.",
    "The consent to {n} of these sessions was withdrawn: they are shown as long as they are stored, are in no cohort "
    "and no training, and can be erased on their pages.",
)
