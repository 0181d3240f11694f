"""Facial behaviour over time: what the mesh of a followed face says frame by frame, and the blinks in it.

frames, the subject's detections --MeshFollower--> a row a frame --behaviour_series--> FeatureSeries
                                                                  `--detect_blinks--> Blinks
"""

from __future__ import annotations
