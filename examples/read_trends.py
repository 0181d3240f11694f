"""Read a subject's trends and the timeline of the newest session into pandas tables.

    FERPHQ_TOKEN=... python examples/read_trends.py http://127.0.0.1:8600 SUBJECT_ID

The token needs the scope `read` (`fer-phq tokens create script --user "Dr M" --scope read`); without accounts there is
none. Needs `pip install 'fer-phq[client]'`. An expression is not a feeling, an estimate of a model is not a score of a
person, and nothing here is a diagnosis.
"""

from __future__ import annotations

import os
import sys

from fer_phq_client import Client

EMOTIONS = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]


def main(url: str, subject_id: str) -> None:
    """Print the trends, and what expressions the newest session shows.

    Args:
        url: The server's address.
        subject_id: The subject's id.
    """
    with Client(url, os.environ.get("FERPHQ_TOKEN")) as client:
        trends = client.trend_table(subject_id)
        for sentence in trends.attrs["notes"]:
            print(sentence)
        estimate = ["phq_score", "phq_low", "phq_high", "phq_level", "phq_scale", "phq_provenance"]
        print(trends[["recorded_at", "model_id", "coverage", *estimate]].to_string(index=False))
        if trends.empty:
            return
        timeline = client.timeline(trends["analysis_id"].iloc[-1])
    seen = timeline.dropna(subset=EMOTIONS)  # a gap is a row without numbers
    # A row stands for its duration, so shares are sums over time and not means over rows.
    shares = seen[EMOTIONS].mul(seen["duration_s"], axis=0).sum() / seen["duration_s"].sum()
    print(f"\nNewest session, {len(timeline)} frames, face seen for {seen['duration_s'].sum():.1f} s")
    print(shares.round(3).to_string())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
