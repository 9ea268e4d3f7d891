"""Why something was refused: one reason for each bound that was broken."""

REASONS_MOST = 32  # that are kept of one refusal: what is wrong in more places is counted, and costs no memory
_TEXT_MAX = 60
_INT_MAX = 999_999_999_999


class Reasons(list):
    """The reasons for one refusal: of many the first `most`; `more` is how many came after them."""

    def __init__(self, most=REASONS_MOST):
        super().__init__()
        self.most = most
        self.more = 0

    @property
    def full(self):
        """Whether a further reason would only be counted: who finds many need not make it."""
        return len(self) >= self.most

    def append(self, made):
        """Keep a further reason, or only count it where there are enough."""
        if self.full:
            self.more += 1
        else:
            super().append(made)

    def extend(self, several):
        """The same with each of several."""
        for made in several:
            self.append(made)


class Refused(Exception):
    """A request that was refused and changed nothing. `reasons` is a list of what `reason` makes; `more` is how many
    there were beside them."""

    def __init__(self, reasons):
        super().__init__("; ".join([r["code"] for r in reasons]))
        self.reasons = reasons
        self.more = reasons.more if isinstance(reasons, Reasons) else 0


def reason(code, parameter, asked, bound, source, phase=None):
    """One reason for a refusal.

    code: short name of the rule; parameter: name with its unit; asked: what was asked; bound: what would have been
    accepted (a number, or a text that says it); source: where the bound comes from; phase: name of the programme's
    phase, or None. Whatever was asked, JSON can hold the reason and it is short.
    """
    return {
        "code": code,
        "parameter": _shown(parameter),
        "asked": _shown(asked),
        "bound": bound,
        "source": source,
        "phase": _shown(phase),
    }


def _shown(asked):
    """`asked` as an answer can carry it: numbers and short texts as they are, of anything else what it is."""
    if isinstance(asked, dict):
        return "a table"
    if isinstance(asked, (list, tuple)):
        return "a list"
    if isinstance(asked, str):
        return printable(asked[:_TEXT_MAX])
    if is_int(asked) and not -_INT_MAX <= asked <= _INT_MAX:
        return "a number beyond %d" % (_INT_MAX if asked > 0 else -_INT_MAX)
    if isinstance(asked, float) and not -_INT_MAX <= asked <= _INT_MAX:
        return str(asked)  # JSON has no way to write inf and nan
    return asked


def printable(text):
    """`text` with "?" for control characters and for what JSON escapes as two halves, which interpreters read apart."""
    return "".join([character if _is_printable(ord(character)) else "?" for character in text])


def _is_printable(code):
    return 0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 or 0xE000 <= code <= 0xFFFF


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
