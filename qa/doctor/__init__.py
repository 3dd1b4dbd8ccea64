"""`qa doctor`: whether an index is sound, and mending it."""

from qa.doctor.examination import SAMPLE, check
from qa.doctor.finding import Finding, Remedy
from qa.doctor.mending import mend

__all__ = ["SAMPLE", "Finding", "Remedy", "check", "mend"]
