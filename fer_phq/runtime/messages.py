"""Messages about how networks run."""

from __future__ import annotations

from fer_phq.core.messages import template

THREADS_UNUSABLE = template(
    "runtime.threads_unusable", "{name} is '{value}': it must be a whole number of threads, at least 1."
)
NETWORK_DAMAGED = template(
    "runtime.network_damaged", "The network in {path} cannot be used ({error}): install fer-phq again."
)
DEVICE_UNUSABLE = template(
    "runtime.device_unusable",
    "{name} is '{value}': it must be cpu, cuda, or cuda:1 for the second graphics card.",
)
NO_CUDA = template(
    "runtime.no_cuda",
    "{name} is {device}, and onnxruntime {version} as installed here runs on the processor alone: install "
    "onnxruntime-gpu in place of onnxruntime, or set {name} to cpu.",
)
DEVICE_NOT_STARTED = template(
    "runtime.device_not_started",
    "{name} is {device}, and no network starts there ({reason}): see that the driver shows the graphics card "
    "(nvidia-smi) and that CUDA and cuDNN are those that onnxruntime-gpu needs, or set {name} to cpu.",
)
DEVICE_FAILED = template(
    "runtime.device_failed",
    "A network failed on {device} ({error}): free the graphics card's memory and try again, or set FERPHQ_DEVICE to "
    "cpu.",
)
