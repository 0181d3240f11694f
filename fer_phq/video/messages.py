"""Messages about recordings that cannot be read, and about what is wrong with those that can."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

FILE_MISSING = template("video.file_missing", "There is no file '{file}': check the path.")
FOLDER = template("video.folder", "'{file}' is a folder, not a recording: give the path of a recording's file.")
NOT_ORDINARY = template("video.not_ordinary", "'{file}' is not an ordinary file: give the path of a recording's file.")
NO_PERMISSION = template("video.no_permission", "'{file}' may not be read by this user: change its permissions.")
CANNOT_OPEN = template("video.cannot_open", "'{file}' cannot be opened ({error}): check the path and the disk.")
CANNOT_READ = template("video.cannot_read", "'{file}' cannot be read to its end ({error}): check the disk.")
UNUSABLE_NAME = template(
    "video.unusable_name",
    "The name of '{file}' is the fault: it holds bytes that are no UTF-8 text, or control characters. Rename the file.",
)
HOLES = template(
    "video.holes",
    "'{file}' is not whole: the disk stores {share:.1%} of its length; copy or upload the recording again.",
)
EMPTY = template("video.empty", "'{file}' is empty (0 bytes): copy or upload the recording again.")

NOT_A_VIDEO = template(
    "video.not_a_video",
    "'{file}' is not a video file, whatever its name says: give an MP4, MOV, MKV, WebM or AVI recording.",
)
WEBP = template(
    "video.webp",
    "'{file}' is a WebP picture, which is no video format that is read: give an MP4, MOV, MKV, WebM or AVI recording.",
)
NOT_MEDIA = template(
    "video.not_media",
    "'{file}' is neither a sound nor a video file, whatever its name says: "
    "give a WAV, FLAC, MP3, M4A or Ogg file, or a video with sound.",
)
INDEX_MISSING = template(
    "video.index_missing",
    "'{file}' is cut short, the index at its end is missing and nothing can be read: "
    "copy or export the recording again.",
)
HEADER_DAMAGED = template(
    "video.header_damaged",
    "'{file}' is damaged or cut short, its header cannot be read: copy or export the recording again.",
)
ZERO_LENGTH = template(
    "video.zero_length", "'{file}' has a length of zero seconds: copy or export the recording again."
)

SOUND_ONLY = template("video.sound_only", "'{file}' holds sound but no picture: give a video recording.")
NO_PICTURES = template(
    "video.no_pictures", "'{file}' holds no pictures (its length is zero): copy or export the recording again."
)
UNKNOWN_PICTURE_FORMAT = template(
    "video.unknown_picture_format", "The picture format of '{file}' is not known here: export it as an H.264 MP4."
)
NO_PICTURE_DECODED = template(
    "video.no_picture_decoded",
    "No picture of '{file}' can be decoded, it is damaged or cut short: copy or export the recording again.",
)
TOO_LARGE = template(
    "video.too_large",
    "'{file}' has pictures of {width}x{height} pixels, more than {limit} a side: export it smaller.",
)
TOO_MANY_PIXELS = template(
    "video.too_many_pixels",
    "'{file}' has pictures of {width}x{height} pixels, more than 8K video has: export it smaller.",
)
TOO_SMALL = template(
    "video.too_small",
    "'{file}' has pictures of {width}x{height} pixels, too small to show a face: "
    "give a recording of at least {limit} pixels a side.",
)

NO_SOUND_TRACK = template(
    "video.no_sound_track", "'{file}' has no sound track: give a recording with sound, or its sound as a file."
)
NO_SOUND = template(
    "video.no_sound", "'{file}' holds no sound (its length is zero): copy or export the recording again."
)
UNKNOWN_SOUND_FORMAT = template(
    "video.unknown_sound_format",
    "The sound format of '{file}' is not known here: export it as WAV, FLAC or M4A.",
)
NO_SOUND_DECODED = template(
    "video.no_sound_decoded",
    "No sound of '{file}' can be decoded, it is damaged or cut short: copy or export the recording again.",
)
LOW_SOUND_RATE = template(
    "video.low_sound_rate",
    "The sound of '{file}' has {rate} samples a second, too few for speech: give a recording with at least {limit}.",
)

LEFT = template("video.left", "the left channel")
RIGHT = template("video.right", "the right channel")
CHANNEL = template("video.channel", "channel {channel}")
CHANNEL_ALONE = template(
    "video.channel_alone",
    "Of the sound's {channels} channels, {channel} alone is heard: the others are fainter or hold the same.",
)
CHANNEL_OF_OPPOSITES = template(
    "video.channel_of_opposites",
    "The channels of the sound are in opposite phase and would cancel each other out: {channel} alone is heard.",
)
CHANNELS_ADDED = template(
    "video.channels_added",
    "The channels {channels} of the sound hold different voices: all of them are heard at their full level. "
    "Where each is one person's microphone, choose the subject's, and only the subject is heard.",
)
TRACKS_ADDED = template(
    "video.tracks_added",
    "The recording has {count} sound tracks, of which these are heard together: {tracks}. "
    "Where each is one person's microphone, choose the subject's, and only the subject is heard.",
)
TRACK_ALONE = template(
    "video.track_alone",
    "The recording has {count} sound tracks, of which only this is heard: {track}. "
    "The others are silent, hold the same or are in another language; another can be chosen.",
)
OF_TRACK = template("video.of_track", "Sound track {track}: {message}")

PICTURES_LOST = template(
    "video.pictures_lost",
    "Pictures from {start_s:.1f} s to {end_s:.1f} s cannot be decoded and were left out: "
    "the recording is damaged there.",
)
PICTURES_END = template(
    "video.pictures_end", "The recording is cut short: its pictures end at {end_s:.1f} s, the rest is missing."
)
PICTURES_END_EARLY = template(
    "video.pictures_end_early",
    "The recording is cut short: its pictures end at {end_s:.1f} s of {total_s:.1f} s, the rest is missing.",
)
JOINED = template(
    "video.joined",
    "The recording's clock starts anew at {time_s:.1f} s, as when takes are joined: what follows counts from there on, "
    "and how much time lies between is not known.",
)
NOT_READ = template(
    "video.not_read",
    "The last {percent:.0f} % of the file, perhaps another recording, are not read: "
    "give what follows the first recording as a file of its own.",
)
PICTURE_FROZEN = template(
    "video.picture_frozen",
    "The picture stays exactly the same from {start_s:.1f} s to {end_s:.1f} s: the camera may have frozen.",
)
SOUND_LOST = template(
    "video.sound_lost",
    "The sound from {start_s:.1f} s to {end_s:.1f} s cannot be decoded and counts as silence: it is damaged there.",
)
SOUND_GAP = template(
    "video.sound_gap", "There is no sound from {start_s:.1f} s to {end_s:.1f} s: this counts as silence."
)
SOUND_ENDS = template("video.sound_ends", "The sound is cut short: it ends at {end_s:.1f} s, the rest is missing.")
SOUND_ENDS_EARLY = template(
    "video.sound_ends_early",
    "The sound is cut short: it ends at {end_s:.1f} s of {total_s:.1f} s, the rest is missing.",
)
FURTHER_PLACES = counted(
    "video.further_places", "The same happens at {n} further place.", "The same happens at {n} further places."
)

NO_PROGRESS = template(
    "video.no_progress",
    "Reading '{file}' made no progress for {seconds:g} s and was stopped: "
    "the file is probably damaged; export it again.",
)
OVER_TIME = template(
    "video.over_time",
    "Reading '{file}' took over {seconds} s of processor time and was stopped: "
    "the file is probably damaged; export it again.",
)
OVER_MEMORY = template(
    "video.over_memory",
    "Reading '{file}' needs more than the {gibibytes:.3g} GiB of memory allowed: export it at a lower resolution.",
)
KILLED = template(
    "video.killed",
    "The process that read '{file}' was killed, probably for want of memory: close other programs "
    "or export the recording at a lower resolution.",
)
CRASHED = template(
    "video.crashed",
    "The decoder broke down on '{file}' ({reason}): the file is probably damaged; export it again.",
)
EXIT_CODE = template("video.exit_code", "exit code {code}")
MALFORMED_FRAME = template(
    "video.malformed_frame",
    "The decoder broke down on '{file}' (a malformed frame): export the recording again.",
)
MALFORMED_SOUND = template(
    "video.malformed_sound",
    "The decoder broke down on '{file}' (a malformed block of sound): export the recording again.",
)
