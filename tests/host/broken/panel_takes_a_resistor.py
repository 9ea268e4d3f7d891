# A panel that begins what is for a resistor.
from nmes import patient

patient.DUMMY = "none"
