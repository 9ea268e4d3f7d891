"""What a person must have read and confirmed before each session: contraindications and precautions.

Sources are in docs/safety.md. Raise VERSION with every change of the text; a session's record keeps the version.
"""

VERSION = 3

STOP = (
    "No pacemaker, defibrillator or any other active electronic implant",
    "Not pregnant and not trying to conceive: in pregnancy only a professional decides, and uses other equipment",
    "No metal implant or conductive coil (IUD) near the electrodes",
    "No known or suspected cancer at or near the electrodes",
    "No epilepsy; able to feel and to say when it hurts",
    "No infection, discharge, bleeding or broken skin where the electrodes are",
    "Normal feeling at the electrodes, no known loss of the muscle's nerves; bladder empties by itself",
    "Electrodes not on head, eyes, mouth, front of the neck, chest or across the heart",
    "The USB cable goes through an isolator made for patients and nothing is charging, or only a resistor is connected",
)
WAIT = (
    "At least 6 weeks since birth or pelvic surgery, and bleeding has stopped, or a professional has agreed",
    "If it is less than 12 weeks, a professional knows of it",
)
CARE = (
    "A professional has shown how to use it and has set this prescription",
    "With heart disease, insulin, bleeding risk, MS, Parkinson's or another serious illness: a doctor has agreed",
    "Not a child; no large prolapse in the probe's way; no probe during menstruation",
    "Not driving, working machines, bathing or sleeping meanwhile",
    "No surgical diathermy, shortwave or microwave equipment within a metre",
    "Probe and electrodes are clean and one's own",
)

ITEMS = STOP + WAIT + CARE
