"""What the panel says to the person who is treated, in each language: short, plain, and as wide as the display.

Each text stands once for each language, in their order. What has one row has at most COLUMNS characters; questions,
faults and refusals are broken at spaces into at most BLOCK_ROWS, ROW_PAIR for a refusal. tests/core/test_texts.py sees
to all of that.
"""

LANGUAGES = ("English", "Deutsch")
COLUMNS = 16
BLOCK_ROWS = 5
ROW_PAIR = 2
_CUT = "..."
_OF_NUMBERS = "0123456789.,"

# One row each; %d and %s are filled in, and have to fit then.
ROWS = {
    "choose": ("Choose programme", "Programm wählen"),
    "few_records": ("Show your clinic", "Praxis zeigen"),
    "of": ("%d of %d", "%d von %d"),
    "next": ("programme: next", "Programm: weiter"),
    "go_on": ("start: go on", "Start: weiter"),
    "none": ("No programme", "Kein Programm"),
    "ask_clinic": ("Ask your clinic", "Praxis fragen"),
    "question": ("Question %d of %d", "Frage %d von %d"),
    "checked": ("Whole checklist", "Ganze Liste"),
    "checked_with": ("version %d, with", "Version %d, mit"),
    "checked_on": ("on %s", "am %s"),
    "checked_day": ("day not known", "Tag unbekannt"),
    "no_clock": ("Time not known", "Uhrzeit fehlt"),
    "true": ("start: true", "Start: stimmt"),
    "not_true": ("stop: not true", "Stopp: nein"),
    "ready": ("Ready", "Bereit"),
    "hold": ("hold start:", "Start halten:"),
    "from_zero": ("begins at 0 mA", "beginnt bei 0 mA"),
    "not_now": ("stop: not now", "Stopp: nein"),
    "last": ("last %s", "zuletzt %s"),
    "work": ("Work %s", "Anspannen %s"),
    "rest": ("Rest %s", "Loslassen %s"),
    "wait": ("Tighten %s", "Jetzt fest %s"),
    "press": ("Press %s", "Drücken %s"),
    "edge": ("Trigger? %s", "Auslöser? %s"),
    "relax": ("Let go %s", "Loslassen %s"),
    "try": ("Tighten %s", "Jetzt fest %s"),
    "try_of": ("Try %d of %d", "Probe %d von %d"),
    "running": ("Running", "Läuft"),
    "left": ("%s left", "noch %s"),
    "paused": ("Paused", "Angehalten"),
    "end": ("stop: end", "Stopp: beenden"),
    "electrode": ("Electrode?", "Elektrode?"),
    "finished": ("Finished", "Fertig"),
    "stopped": ("Stopped", "Beendet"),
    "done": ("%s done", "%s gemacht"),
    "most": ("most %s mA", "bis %s mA"),
    "any": ("press a button", "Taste drücken"),
    "computer": ("A computer", "Ein Computer"),
    "controls": ("is in control", "steuert"),
    "fault": ("Fault %d", "Fehler %d"),
    "then_hold": ("then hold start", "dann Start lang"),
    "cannot": ("Not possible", "Geht nicht"),
}

# Of each item of checklist.STOP, in their order: the person says that it is so.
QUESTIONS = (
    (
        "No pacemaker or other implant with a battery",
        "Kein Schrittmacher, kein Implantat mit Batterie",
    ),
    (
        "Not pregnant and not trying to be",
        "Nicht schwanger, auch nicht geplant",
    ),
    (
        "No metal and no coil (IUD) near the electrodes",
        "Kein Metall und keine Spirale nahe den Elektroden",
    ),
    (
        "No cancer, known or suspected, near the electrodes",
        "Kein Krebs, auch kein Verdacht, nahe den Elektroden",
    ),
    (
        "No epilepsy; I can feel and say when it hurts",
        "Keine Epilepsie; Schmerz spüre und sage ich",
    ),
    (
        "No infection, discharge, bleeding or broken skin there",
        "Keine Infektion, kein Ausfluss, keine Blutung, keine Wunde dort",
    ),
    (
        "Normal feeling there, nerves whole; bladder empties by itself",
        "Gefühl dort normal, Nerven heil; Blase leert sich selbst",
    ),
    (
        "Electrodes not on head, neck, chest or across the heart",
        "Elektroden nicht an Kopf, Hals, Brust oder am Herzen",
    ),
    (
        "Nothing charges; USB only by a patient isolator",
        "Nichts lädt; USB nur über Trenner für Patienten",
    ),
)

# Of each rule of the schedule that asks for a time: what a person may know without a clock. %d is the rule's number.
TIMES = {
    "hours_between": (
        "The last session was %d hours ago or more",
        "Die letzte Sitzung ist %d Stunden her oder mehr",
    ),
    "sessions_per_day": (
        "Fewer than %d sessions in the last 24 hours",
        "Weniger als %d Sitzungen in den letzten 24 Stunden",
    ),
    "sessions_per_week": (
        "Fewer than %d sessions in the last 7 days",
        "Weniger als %d Sitzungen in den letzten 7 Tagen",
    ),
}

# What happened, and what the person does. Of one that begins with the row "electrode" that is shown large, and what is
# left has ROW_PAIR rows.
FAULTS = {
    1: ("Device error. Electrodes off, switch off and on", "Gerätefehler. Elektroden ab, aus- und einschalten"),
    2: ("Wrong pulse. Electrodes off. Do not use it", "Falscher Puls. Elektroden ab. Nicht benutzen"),
    3: ("Wrong count. Electrodes off. Do not use it", "Falsche Zahl. Elektroden ab. Nicht benutzen"),
    4: ("It restarted. Check the electrodes", "Neu gestartet. Elektroden prüfen"),
    5: ("Emergency stop. Find out why, then close it", "Not-Aus. Grund suchen, dann schließen"),
    6: ("Over-current. Electrodes off. Do not use it", "Zu viel Strom. Elektroden ab. Nicht benutzen"),
    7: ("Pulse too long. Electrodes off. Do not use it", "Puls zu lang. Elektroden ab. Nicht benutzen"),
    8: ("Both phases. Electrodes off. Do not use it", "Beide Phasen. Elektroden ab. Nicht benutzen"),
    9: ("Pulses too near. Electrodes off. Do not use it", "Pulse zu dicht. Elektroden ab. Nicht benutzen"),
    10: ("It was too slow and switched off", "Es war zu langsam und hat abgeschaltet"),
    11: ("Electrode? It is off, dry or not connected", "Elektrode? Ab, trocken oder nicht verbunden"),
    12: ("Electrode? They touch each other", "Elektrode? Sie berühren sich"),
    13: ("Direct current. Electrodes off, look at the skin", "Gleichstrom. Elektroden ab, Haut ansehen"),
    14: ("Wrong current. Electrodes off. Do not use it", "Falscher Strom. Elektroden ab. Nicht benutzen"),
    15: ("Current at rest. Electrodes off. Do not use it", "Strom in Ruhe. Elektroden ab. Nicht benutzen"),
    16: ("Memory lost. Do not use it", "Gedächtnis weg. Nicht benutzen"),
    17: ("Output switch. Electrodes off. Do not use it", "Schalter defekt. Elektroden ab. Nicht benutzen"),
    18: ("Guard failed. Do not use it", "Wächter defekt. Nicht benutzen"),
    19: ("Measuring fails. Electrodes off. Do not use it", "Messung defekt. Elektroden ab. Nicht benutzen"),
    20: ("Memory changed. Switch off and on", "Speicher anders. Aus- und einschalten"),
    21: ("Too warm or cold. Electrodes off, wait", "Zu warm oder kalt. Elektroden ab, warten"),
    22: ("Battery? Charge or change it", "Batterie? Laden oder wechseln"),
    23: ("It was too slow and switched off", "Es war zu langsam und hat abgeschaltet"),
    24: ("Clock wrong. Electrodes off. Do not use it", "Uhr falsch. Elektroden ab. Nicht benutzen"),
    25: ("Memory is short. Switch off and on", "Speicher knapp. Aus- und einschalten"),
    26: ("Electrode? Look at skin and set it anew", "Elektrode? Haut ansehen, neu anlegen"),
    27: ("Newer memory. Do not use it", "Neuerer Speicher. Nicht benutzen"),
    28: ("Button stuck. Let go of every button", "Taste klemmt. Alle Tasten loslassen"),
    29: ("Button unsteady. Let go of every button", "Taste unruhig. Alle Tasten loslassen"),
    30: ("Buttons touch. Do not use it", "Tasten berühren sich. Nicht benutzen"),
    31: ("Signal? Sensor off, switch or trigger on", "Signal? Sensor ab, Schalter oder Auslöser an"),
}
OTHER_FAULT = ("Electrodes off. Do not use it", "Elektroden ab. Nicht benutzen")

# Who went through the checklist with the person, where nobody has said so.
NOT_STATED = ("not stated who went through it with you", "keine Angabe, wer sie mit Ihnen durchging")

# Where the device keeps none: three rows.
NO_PROGRAMME = ("A clinician has to put one onto the device", "Eine Fachperson muss eines auf das Gerät laden")

# By the code of the refusal, which is shown beside it.
REFUSALS = {
    "only_in_work": ("Up only while it works", "Mehr nur beim Anspannen"),
    "above_limit": ("This is the most", "Das ist das Höchste"),
    "step_too_soon": ("Wait a moment", "Kurz warten"),
    "ending": ("It is ending", "Es endet gerade"),
    "no_display": ("No display", "Keine Anzeige"),
    "locked_out": ("Rest after a session", "Erholung nach der Sitzung"),
    "too_soon_again": ("Too soon after the last", "Zu früh nach der letzten"),
    "too_many": ("Enough for these days", "Genug für diese Tage"),
    "all_done": ("All sessions are done", "Alle Sitzungen gemacht"),
    "before_its_days": ("It begins later", "Beginnt erst später"),
    "after_its_days": ("It is over. Ask your clinic", "Vorbei. Praxis fragen"),
    "clock_unknown": ("Time not known. Ask your clinic", "Uhrzeit fehlt. Praxis fragen"),
    "not_recorded": ("No room for records", "Kein Platz für Einträge"),
    "not_safe": ("Emergency stop is open", "Not-Aus ist offen"),
    "not_there": ("Programme is gone", "Programm ist weg"),
    "damaged": ("Programme is damaged", "Programm ist beschädigt"),
    "newer": ("Programme is too new", "Programm ist zu neu"),
    "other_digest": ("Changed. Choose again", "Geändert. Neu wählen"),
    "other_programme": ("Changed. Choose again", "Geändert. Neu wählen"),
    "not_acknowledged": ("Changed. Choose again", "Geändert. Neu wählen"),
    "said_no": ("Do not start. Ask your clinic", "Nicht beginnen. Praxis fragen"),
    "for_resistor": ("Not for people. Ask your clinic", "Nicht am Körper. Praxis fragen"),
    "let_go": ("Let go too early", "Zu früh losgelassen"),
    "cause_there": ("The cause is still there", "Die Ursache ist noch da"),
    "self_test": ("Self-test failed", "Selbsttest nicht bestanden"),
    "signal_floats": ("Signal? Connect the sensor", "Signal? Sensor anschließen"),
    "signal_saturated": ("Signal? Check the sensor", "Signal? Sensor prüfen"),
    "switch_closed": ("Let go of the hand switch", "Handtaste loslassen"),
    "no_memory": ("Switch off and on", "Aus- und einschalten"),
}
OTHER_REFUSAL = ("Not now. Ask your clinic", "Jetzt nicht. Praxis fragen")


def wrapped(text, rows):
    """A text broken at its spaces into so many rows of COLUMNS characters, empty ones behind it; a word that is longer
    goes on in the next row. What does not fit is cut at a word, and ends with three dots. No number is cut: one that
    has no room is left out."""
    made = []
    row = ""
    for word in text.split():
        if row and len(row) + 1 + len(word) > COLUMNS:
            made.append(row)
            row = word
        else:
            row = row + " " + word if row else word
        while len(row) > COLUMNS:
            end = _end_of_number(row, COLUMNS)
            made.append(row[:end])
            row = row[end:]
    made.append(row)
    if len(made) > rows:
        made[rows - 1] = _cut(made[rows - 1])
    return made[:rows] + [""] * (rows - len(made))


def _cut(row):
    """A row behind which something is left out. A number at its end is, too: behind it may have stood its unit."""
    most = COLUMNS - len(_CUT)
    if len(row) > most:
        end = row.rfind(" ", 0, most + 1)
        row = row[: end if end > 0 else most]
    return row.rstrip(_OF_NUMBERS + " ") + _CUT


def _end_of_number(row, end):
    """`end`, or where the number begins that would be cut there; `end` where that is the row's begin."""
    begin = end
    while begin and row[begin - 1] in _OF_NUMBERS and row[begin] in _OF_NUMBERS:
        begin -= 1
    return begin or end
