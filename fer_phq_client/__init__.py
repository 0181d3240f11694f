"""A client of the fer-phq API, for scripts: `Client(url, token).timeline(analysis_id)` is a pandas table.

Answers are plain dictionaries with types (`fer_phq_client.answers`), tables are pandas tables, and an error of the
server is a `ProblemError`. Nothing that comes from here is a diagnosis.
"""

from fer_phq_client.answers import (
    Analysis,
    ChosenSpeaker,
    Estimate,
    Face,
    FaceTrack,
    Job,
    NewSession,
    NoEstimate,
    Note,
    Picture,
    Prediction,
    Series,
    Session,
    SessionTranscript,
    Speaker,
    Subject,
    Trends,
    WaitingTranscript,
)
from fer_phq_client.client import Client
from fer_phq_client.connection import Options
from fer_phq_client.errors import IncompleteError, ProblemError

__all__ = [
    "Analysis",
    "ChosenSpeaker",
    "Client",
    "Estimate",
    "Face",
    "FaceTrack",
    "IncompleteError",
    "Job",
    "NewSession",
    "NoEstimate",
    "Note",
    "Options",
    "Picture",
    "Prediction",
    "ProblemError",
    "Series",
    "Session",
    "SessionTranscript",
    "Speaker",
    "Subject",
    "Trends",
    "WaitingTranscript",
]
