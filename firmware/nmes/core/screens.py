"""What the display shows: rows of text, and the intensity in large digits. Pure: told what is so.

A number is shown whole or not at all: cut by the width of the display it would be another one.
"""

from nmes.core import texts
from nmes.core.font import WIDTH
from nmes.core.texts import BLOCK_ROWS, COLUMNS, ROW_PAIR, wrapped

PIXELS = 128  # columns of the display
ROWS = 8
BAR_COLUMNS = PIXELS - 2  # between the ends of its frame
TRIES, WAIT = 3, "wait"  # of core/biofeedback.py, which only a stage with the input loads
LARGE_FROM, LARGE_ROWS = 1, 4  # rows that large text takes
LARGE_WIDES = (3, 2, 1)  # columns of a glyph's column, as many of these as there is room for


class Screen:
    """`rows`: ROWS texts of at most COLUMNS characters; `large`: one text over LARGE_ROWS of them, or two, from the
    left and from the middle, or none; `bar`: over the last row, how many columns of pixels are filled and which one is
    marked, -1 for none; or None."""

    def __init__(self, rows, large=(), bar=None):
        self.rows = rows
        self.large = tuple(large)
        self.bar = bar


def large_part(count):
    """How many columns of the display each of `count` large texts has."""
    return PIXELS // count


def large_wide(text, columns):
    """How wide a large text is drawn where it has so many columns; 0 where there is no room for all of it."""
    for wide in LARGE_WIDES:
        if len(text) * wide * (WIDTH + 1) <= columns:
            return wide
    return 0


def ma(current_ua):
    """A current in mA, with as many decimals as it has."""
    whole, rest = current_ua // 1000, current_ua % 1000
    return ("%d.%03d" % (whole, rest)).rstrip("0") if rest else "%d" % whole


def minutes(ms):
    """A time as minutes and seconds, rounded up."""
    seconds = -(-ms // 1000)
    return "%d:%02d" % (seconds // 60, seconds % 60)


class Screens:
    """The screens in a language, by its number in texts.LANGUAGES."""

    def __init__(self, language):
        self._language = language

    def row(self, key, *filled):
        """A text of one row; nothing of it where it has no room for what is filled in."""
        text = texts.ROWS[key][self._language]
        return _whole(text % filled) if filled else text

    def _figures(self, key, current, most_rows):
        """The rows of a text with a current in mA: one, or as many as it needs up to `most_rows`, the last of them with
        the number."""
        text = texts.ROWS[key][self._language] % current
        return [text] if len(text) <= COLUMNS else wrapped(text, most_rows)

    def choose(self, title, number, count, last, few=False, condition=""):
        """`count` programmes, of which the one with `title` is the `number`th. `last`: what was reached with it. `few`:
        soon a record is overwritten that no host has taken. `condition`: why it cannot be used, a code of a refusal."""
        if not count:
            return Screen(["", self.row("none"), ""] + self._no_programme() + ["", ""])
        rows = [self.row("few_records" if few else "choose"), self.row("of", number, count)]
        rows += wrapped(self._refusal(condition), 2) + wrapped(title, 2) if condition else self._title(title, last)
        return Screen(rows + [self.row("next"), self.row("go_on")])

    def _no_programme(self):
        return wrapped(texts.NO_PROGRAMME[self._language], 3)

    def _title(self, title, last):
        """Four rows, all of them for the title where there is no last time."""
        figures = self._figures("last", last + " mA", 2) if last else []
        return wrapped(title, 4 - len(figures)) + figures

    def checked(self, version, day, by):
        """Who went through the whole checklist with the person, and when: `day` is a text, "" where it is not known;
        `by` is "" where nobody has stated it."""
        if not by:
            block = wrapped(texts.NOT_STATED[self._language], BLOCK_ROWS)
            return Screen([self.row("checked")] + block + [self.row("go_on"), self.row("not_now")])
        rows = [self.row("checked"), self.row("checked_with", version)] + wrapped(by, 2)
        rows += [self.row("checked_on", day) if day else self.row("checked_day"), ""]
        return Screen(rows + [self.row("true"), self.row("not_true")])

    def ask(self, at, count):
        """Question `at` of `count`, from 0 on."""
        block = wrapped(texts.QUESTIONS[at][self._language], BLOCK_ROWS)
        return Screen([self.row("question", at + 1, count)] + block + [self.row("true"), self.row("not_true")])

    def ready(self, title, last):
        """Everything has been answered."""
        rows = [self.row("ready")] + self._title(title, last)
        return Screen(rows + [self.row("hold"), self.row("from_zero"), self.row("not_now")])

    def time(self, key, rule):
        """Whether a rule of the schedule is met, whose time the device does not know."""
        block = wrapped(texts.TIMES[key][self._language] % rule, BLOCK_ROWS)
        return Screen([self.row("no_clock")] + block + [self.row("true"), self.row("not_true")])

    def told(self, code, wait):
        """Why it cannot be; `wait`: when it can, "" where that is not known."""
        cannot, block = self.row("cannot"), wrapped(self._refusal(code), 3)
        if code == "no_programme":
            cannot, block = self.row("none"), self._no_programme()
        return Screen([cannot, ""] + block + [_whole(wait), code[:COLUMNS], self.row("any")])

    def _refusal(self, code):
        return texts.REFUSALS.get(code, texts.OTHER_REFUSAL)[self._language]

    def working(self, title, levels, selected, part, part_ms, left_ms, code, last):
        """`title`: "" when the load has risen; `levels`: the current of each channel, as (number, mA); `part`: "work"
        or "rest", "" for no end; `part_ms`: until it is over; `left_ms`: until the session is; `code`: of a refusal
        just now, or ""."""
        rows = [wrapped(title, 1)[0] or self.row("electrode"), "", "", "", ""]
        if code:
            rows += wrapped(self._refusal(code), ROW_PAIR) + [code[:COLUMNS]]
            return Screen(rows, [level for _, level in levels])
        now = self.row(part, "%d s" % -(-part_ms // 1000)) if part else self.row("running")
        rows += [self._channels(levels, selected, last), now, self.row("left", minutes(left_ms))]
        return Screen(rows, [level for _, level in levels])

    def waiting(self, warns, levels, trigger, clock_ms, left_ms, last):
        """While no train runs of a session whose contractions its person starts. `warns`: the load has risen;
        `trigger`: see core/biofeedback.py; the others as `working` has them."""
        first = self.row("electrode") if warns else self.row("left", minutes(left_ms))
        if trigger.learns and not warns:
            first = self.row("try_of", trigger.tries + 1, TRIES)
        place = trigger.place
        if place == WAIT and not trigger.by_signal:
            place = "edge" if trigger.by_edge else "press"
        now = self.row(place, "%d s" % -(-trigger.left_ms(clock_ms) // 1000))
        rows = [first, "", "", "", "", self._channels(levels, None, last), now, ""]
        return Screen(rows, [level for _, level in levels], trigger.bar(BAR_COLUMNS) if trigger.by_signal else None)

    def held(self, channels, left_ms):
        """Paused: so many channels at zero."""
        rows = [self.row("paused"), "", "", "", "", self.row("go_on"), self.row("end")]
        return Screen(rows + [self.row("left", minutes(left_ms))], ["0"] * channels)

    def ended(self, title, completed, done_ms, most):
        """`done_ms`: for so long the programme ran; a second that was not whole does not count. `most`: the largest
        current that was set, in mA."""
        rows = [self.row("finished" if completed else "stopped")] + wrapped(title, 3)
        figures = self._figures("most", most, 2) + [""]
        return Screen(rows + [self.row("done", minutes(done_ms // 1000 * 1000))] + figures[:2] + [self.row("any")])

    def foreign(self, levels):
        """A host's session."""
        rows = [self.row("computer"), "", "", "", "", self._channels(levels, None, ""), self.row("controls")]
        return Screen(rows + [self.row("end")], [level for _, level in levels])

    def faulty(self, number, clears, code):
        """`clears`: a person may clear it here; `code`: of a refusal just now, or ""."""
        text = texts.FAULTS.get(number, texts.OTHER_FAULT)[self._language]
        fault, then = self.row("fault", number), self.row("then_hold" if clears else "ask_clinic")
        electrode = self.row("electrode")
        if text.startswith(electrode) and not code:
            rows = [fault, "", "", "", ""] + wrapped(text[len(electrode) :], ROW_PAIR) + [then]
            return Screen(rows, [electrode])
        rows = [fault] + wrapped(self._refusal(code) if code else text, BLOCK_ROWS)
        return Screen(rows + [then, code[:COLUMNS]])

    def _channels(self, levels, selected, last):
        """Below the large digits: the unit; of two channels which is which, and > before the one that is set."""
        if len(levels) < 2:
            return _whole("mA " + self.row("last", last)) or "mA" if last else "mA"
        row = ""
        for number, _ in levels:
            row += "%-8s" % ((">" if number == selected else " ") + "%d: mA" % (number + 1))
        return row


def _whole(text):
    """A text where it fits a row, else nothing."""
    return text if len(text) <= COLUMNS else ""
