"""The face mesh: points, head pose, gaze and blendshapes of faces.

    Detection --Square--> FaceLandmarker.fit --> FaceMesh (478 points) --fit_heads--> HeadPose
                                                          |--FaceLandmarker.blendshapes--> 52 scores
                                       the image's eyes --`--measure_gaze--> Gaze

`measure_face` joins them for one face of one image, and says what is missing and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names

if TYPE_CHECKING:
    from fer_phq.mesh.gaze import Gaze
    from fer_phq.mesh.geometry import FaceGeometry, measure_face
    from fer_phq.mesh.head_pose import HeadPose, estimate_head_pose
    from fer_phq.mesh.landmarker import FaceLandmarker, FaceMesh

__all__ = ["FaceGeometry", "FaceLandmarker", "FaceMesh", "Gaze", "HeadPose", "estimate_head_pose", "measure_face"]

# Imported on first use: whoever reads the messages must not wait for onnxruntime.
__getattr__ = lazy_names(
    __name__,
    {
        "FaceGeometry": "fer_phq.mesh.geometry",
        "FaceLandmarker": "fer_phq.mesh.landmarker",
        "FaceMesh": "fer_phq.mesh.landmarker",
        "Gaze": "fer_phq.mesh.gaze",
        "HeadPose": "fer_phq.mesh.head_pose",
        "estimate_head_pose": "fer_phq.mesh.head_pose",
        "measure_face": "fer_phq.mesh.geometry",
    },
)
