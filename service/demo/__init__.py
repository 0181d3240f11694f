"""The demonstration: rendered clips of one marked subject, analysed for real (`fer-phq demo`)."""

from service.demo.subject import DemoErasure, DemoReport, create_demo, queue_demo, remove_demo

__all__ = ["DemoErasure", "DemoReport", "create_demo", "queue_demo", "remove_demo"]
