"""Files of programs in which people code, and of programs that measure faces."""

from fer_phq.annotations.readers.files import AnnotationFile, SeriesFile, UnusableFile
from fer_phq.annotations.readers.reading import parse_annotations, read_annotations, read_series

__all__ = ["AnnotationFile", "SeriesFile", "UnusableFile", "parse_annotations", "read_annotations", "read_series"]
