"""The demonstration: rendered recordings of one marked subject, analysed for real (`fer-phq demo`)."""

from service.demo.subject import Made, Removed, create_demo, remove_demo

__all__ = ["Made", "Removed", "create_demo", "remove_demo"]
