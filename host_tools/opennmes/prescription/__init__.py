"""Prescriptions: the files that people write, what they come to, and the library of programmes."""

from opennmes.prescription.file import Prescription, PrescriptionError, Problem, canonical, programme_of

__all__ = ["Prescription", "PrescriptionError", "Problem", "canonical", "programme_of"]
