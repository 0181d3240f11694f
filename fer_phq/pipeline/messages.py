"""Messages about the subject of a recording: which face track it is, how well it is seen, whose voice is measured."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

OTHER_TRACKS = counted(
    "pipeline.other_tracks",
    "{n} other face track was left out; the subject is track {tracks} (longest, largest, most central), "
    "and another can be chosen.",
    "{n} other face tracks were left out; the subject is track {tracks} (longest, largest, most central), "
    "and another can be chosen.",
)
FACES_BY_HAND = counted(
    "pipeline.faces_by_hand",
    "The subject's faces were chosen by hand: face track {tracks}.",
    "The subject's faces were chosen by hand: face tracks {tracks}.",
)
UNCERTAIN_TRACKS = counted(
    "pipeline.uncertain_tracks",
    "Whether face track {tracks} is the subject's too cannot be told for sure: it was left out.",
    "Whether face tracks {tracks} are the subject's too cannot be told for sure: they were left out.",
)
BEHAVIOUR_OF_OTHER_FACES = template(
    "pipeline.behaviour_of_other_faces",
    "The face mesh was followed on other faces: analyse the recording again for the behaviour of these.",
)
NO_BEHAVIOUR = template(
    "pipeline.no_behaviour",
    "Facial behaviour was not measured: the rate at which the face is followed was set to 0, for this analysis or with "
    "FERPHQ_FACE_RATE for all of them.",
)
NO_BEHAVIOUR_OF_KEY_FRAMES = template(
    "pipeline.no_behaviour_of_key_frames",
    "Facial behaviour was not measured: only key frames were analysed, which lie too far apart to follow a face.",
)
NO_PARTNER = template(
    "pipeline.no_partner",
    "The other person was asked for, and nobody is seen beside the subject for {seconds:.0f} seconds.",
)
PARTNER_LIKE_SUBJECT = template(
    "pipeline.partner_like_subject",
    "The other person's face is so like the subject's that it may be the subject's own, in a mirror, on a screen or in "
    "a picture: then what both have in common says nothing.",
)
TOO_FEW_FRAMES_FOR_SYNCHRONY = template(
    "pipeline.too_few_frames_for_synchrony",
    "Both faces were followed in {rate:.1f} frames a second: the synchrony of their movement needs {least:g}.",
)
TOO_LITTLE_TOGETHER = template(
    "pipeline.too_little_together",
    "Subject and partner are seen together in {windows:d} half minutes: their synchrony needs {least:d}.",
)
SPARSE_KEY_FRAMES = template(
    "pipeline.sparse_key_frames",
    "Key frames lie up to {seconds:.0f} s apart in this recording, and each stands for the time until the next: what "
    "happens between them is not seen. Analyse it at frames per second instead.",
)
NO_FACE = template(
    "pipeline.no_face",
    "No face was found in any sampled frame: check lighting, distance and that the face is in view and upright.",
)
FACE_ON_ITS_SIDE = template(
    "pipeline.face_on_its_side",
    "The face lies on its side in {share:.0%} of the time in which it was found: its expressions are less sure there, "
    "and facial behaviour is not measured. If the recording is turned, turn it by {degrees:.0f} degrees clockwise and "
    "analyse it again.",
)
FACE_UPSIDE_DOWN = template(
    "pipeline.face_upside_down",
    "The face is upside down in {share:.0%} of the time in which it was found: it is often missed, its expressions are "
    "less sure there, and facial behaviour is not measured. If the recording is upside down, turn it by 180 degrees "
    "and analyse it again.",
)
LOW_COVERAGE = template(
    "pipeline.low_coverage",
    "The subject's face was seen in {coverage:.0%} of the recording, below the floor of {floor:.0%}.",
)
UNKNOWN_TRACK = template(
    "pipeline.unknown_track", "There is no face track {track} in this recording; its tracks are: {tracks}."
)
NO_TRACKS = template("pipeline.no_tracks", "There is no face track {track} in this recording; its tracks are: none.")
TRACKS_TOGETHER = template(
    "pipeline.tracks_together",
    "Face tracks {first} and {second} are both in the picture at {seconds:.1f} s, so they are two people: leave one "
    "of them out.",
)
FACES_MISSING = template(
    "pipeline.faces_missing",
    "This analysis holds only the subject's faces: analyse the recording again to choose among everybody's.",
)
FACES_OF_OTHER_NETWORK = template(
    "pipeline.faces_of_other_network",
    "The faces of this analysis were read by another network than that of the model {model_id}: analyse the recording "
    "again, then choose.",
)
VOICE_OF_EVERYONE = template(
    "pipeline.voice_of_everyone", "Nothing says who speaks when: the voice is that of everyone who is heard."
)
SUBJECT_BY_MOUTH = template(
    "pipeline.subject_by_mouth",
    "Speaker {speaker} of {speakers} is taken for the subject, because the subject's mouth moves with that speech "
    "(correlation {correlation:.2f}, {score:.1f} deviations above chance): the voice is of these turns alone.",
)
VOICE_OF_SPEAKERS = template(
    "pipeline.voice_of_speakers",
    "{speakers} speakers are heard, and which of them is the subject is not known: the voice is that of all. {reason} "
    "Choose the subject's voice, or add a transcript that names the subject.",
)
VOICE_OF_ONE = template(
    "pipeline.voice_of_one",
    "One speaker is heard, and nothing shows that it is the subject: the voice may be another's. {reason}",
)
SUBJECT_BY_HAND = template(
    "pipeline.subject_by_hand",
    "Speaker {speaker} of {speakers} was chosen by hand as the subject: the voice is of these turns alone.",
)
MOUTH_AGAINST_CHOICE = template(
    "pipeline.mouth_against_choice",
    "Speaker {chosen} was chosen as the subject, while the mouth of the subject's face moves with the speech of "
    "speaker {speaker} (correlation {correlation:.2f}, {score:.1f} deviations above chance): listen to both again, and "
    "check whose face is the subject's.",
)
CHOICE_LOST = template(
    "pipeline.choice_lost",
    "Nobody is heard now who clearly speaks when the speaker spoke that was chosen as the subject: the voice is left "
    "out. Choose the subject's voice again.",
)
TRANSCRIPT_BEFORE_CHOICE = template(
    "pipeline.transcript_before_choice",
    "The transcript has the subject elsewhere than the speaker who was chosen as the subject: the transcript counts. "
    "Correct it, or take it away, if the choice is right.",
)
NOT_RECOGNISED = template("pipeline.not_recognised", "No words were recognised: {reason}")
RECOGNISED = template(
    "pipeline.recognised",
    "The words were recognised by {model_id}, not written by a person: some of them are wrong.",
)
RECOGNISED_OF_NOBODY = template(
    "pipeline.recognised_of_nobody",
    "The recognised words count in no estimate, because it is not known which of them are the subject's.",
)
RECOGNISED_UNSURE = template(
    "pipeline.recognised_unsure",
    "The recognised words count in no estimate: too many of them are doubtful, as where another language is spoken "
    "than the one that the recogniser knows ({language}).",
)
MOUTH_OF_OTHER_FACES = template(
    "pipeline.mouth_of_other_faces",
    "The mouth of these faces was not compared with who speaks.",
)
VOICE_OF_OTHER_FACES = template(
    "pipeline.voice_of_other_faces",
    "The voice was of the speaker with whom the mouth of other faces moved, so it is left out: analyse the recording "
    "again for the voice of these.",
)
SOUND_OF_OTHER_LENGTH = template(
    "pipeline.sound_of_other_length",
    "The separate sound lasts {sound:.1f} s and the recording {duration:.1f} s: check that it is this recording's "
    "sound and begins with it.",
)
VOICE_LEFT_OUT = template("pipeline.voice_left_out", "The voice was left out: {reason}")
TURNS_LEFT_OUT = template("pipeline.turns_left_out", "Who speaks when was left out: {reason}")
SPEAKER_LABELS_DISAGREE = template(
    "pipeline.speaker_labels_disagree",
    "Nobody who is heard speaks where the transcript has the subject, and only there: which of the speakers is the "
    "subject is not known. Check that it is this recording's transcript, its times and its speakers.",
)
TRANSCRIPT_BEYOND = template(
    "pipeline.transcript_beyond",
    "{count} of {total} utterances of the transcript begin after the recording's end ({duration} s): check that it is "
    "this recording's transcript and counts from its start.",
)
