"""Facial behaviour over time: what the mesh of a followed face says frame by frame, and the blinks in it.

frames, the subject's detections --MeshFollower--> faces --describe_faces--> a row a frame --behaviour_series-->
FeatureSeries --closures--> blinks
"""

from __future__ import annotations
