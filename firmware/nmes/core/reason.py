"""Why something was refused: one reason for each bound that was broken."""


class Refused(Exception):
    """A request that was refused and changed nothing. `reasons` is a list of what `reason` makes."""

    def __init__(self, reasons):
        super().__init__("; ".join([r["code"] for r in reasons]))
        self.reasons = reasons


def reason(code, parameter, asked, bound, source, phase=None):
    """One reason for a refusal.

    code: short name of the rule; parameter: name with its unit; asked: what was asked; bound: what would have been
    accepted (a number, or a text that says it); source: where the bound comes from; phase: name of the programme's
    phase, or None.
    """
    return {"code": code, "parameter": parameter, "asked": asked, "bound": bound, "source": source, "phase": phase}


def refuse(code, parameter, asked, bound, source, phase=None):
    """Raise Refused with a single reason."""
    raise Refused([reason(code, parameter, asked, bound, source, phase)])


def is_int(value):
    """True for an integer that is not a boolean (JSON and TOML keep the two apart; Python does not)."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_int(reasons, parameter, value, least, most, source, phase=None):
    """Append a reason unless `value` is an integer in least..most. Returns True when it is."""
    if not is_int(value):
        reasons.append(reason("not_an_integer", parameter, value, "%d to %d" % (least, most), source, phase))
        return False
    if value < least or value > most:
        bound = least if value < least else most
        code = "below_range" if value < least else "above_range"
        reasons.append(reason(code, parameter, value, bound, source, phase))
        return False
    return True
