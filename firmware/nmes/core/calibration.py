"""From an output stage's raw numbers to units and back: the one place where gain and offset are applied.

A stage's facts hold one row a channel: gains in ppm, offsets in counts of the DAC or of the ADC. What is set is
corrected before it is queued, what is sensed before it is judged. All within 30 bits, so nothing is allocated.

A device that has been calibrated keeps rows of its own, which take the place of the stage's (nmes/calibrated.py). What
a row may say is bounded here, once: a stage that needs more than that is to be mended, not calibrated.
"""

from nmes.core.reason import Reasons, check_int, reason

# 5 %: 1000 levels and a gain stay within 30 bits, and nobody gets more than that beyond a nominal stage's current.
GAIN_MOST_PPM = 50_000
DAC_OFFSET_MOST = 10  # levels, 1 % of full scale: what the sense may be off before it is a fault
SENSE_OFFSET_MOST = 40  # counts, 2 % of the range either way
# What a row holds: {key: (least, most)}; command_words.py says what it means.
ROW = {
    "dac_gain_ppm": (-GAIN_MOST_PPM, GAIN_MOST_PPM),
    "dac_offset": (-DAC_OFFSET_MOST, DAC_OFFSET_MOST),
    "current_gain_ppm": (-GAIN_MOST_PPM, GAIN_MOST_PPM),
    "current_offset": (-SENSE_OFFSET_MOST, SENSE_OFFSET_MOST),
    "voltage_gain_ppm": (-GAIN_MOST_PPM, GAIN_MOST_PPM),
    "voltage_offset": (-SENSE_OFFSET_MOST, SENSE_OFFSET_MOST),
}
# What of a stage the rows correct: with another of these they are for another stage.
FACTS = (
    "name",
    "channels",
    "full_scale_ua",
    "levels",
    "sense_zero",
    "sense_ua_per_count",
    "sense_mv_per_count",
    "calibration",
)
FIELDS = ("condition", "stage", "unix_s", "digest", "rows")  # what a device says of the one that it keeps

_MILLION = 1_000_000
_SOURCE = "the calibration's bounds"


def nominal(stage):
    """The rows that a stage's own facts have, {number of the channel as a text: row}."""
    return {str(channel): dict(row) for channel, row in enumerate(stage["calibration"])}


def facts(stage):
    """What `FACTS` names, of a stage that measures."""
    return {key: stage[key] for key in FACTS}


def check(rows, stage):
    """The reasons why `rows`, {number of the channel as a text: row}, cannot be a calibration of the stage: all of its
    channels, and of each all that ROW names, within its bounds."""
    reasons = Reasons()
    if not stage["measures"]:
        bound = "an output stage that measures"
        reasons.append(reason("not_measured", "rows", stage["name"], bound, "output stage " + stage["name"]))
        return reasons
    channels = [str(channel) for channel in range(stage["channels"])]
    for channel in sorted(rows):
        if channel not in channels:
            reasons.append(reason("unknown", "rows", channel, "channels " + ", ".join(channels), _SOURCE))
    for channel in channels:
        if channel not in rows:
            reasons.append(reason("missing", "rows", None, "channel " + channel, _SOURCE))
        elif not isinstance(rows[channel], dict):
            reasons.append(reason("not_a_table", "rows", rows[channel], "channel " + channel, _SOURCE))
        else:
            _check_row(reasons, rows[channel], "%s, channel %s" % (_SOURCE, channel))
    return reasons


def _check_row(reasons, row, source):
    for key in sorted(row):
        if key not in ROW:
            reasons.append(reason("unknown", key, row[key], "no such key", source))
    for key in sorted(ROW):
        least, most = ROW[key]
        if key not in row:
            reasons.append(reason("missing", key, None, "%d to %d" % (least, most), source))
        else:
            check_int(reasons, key, row[key], least, most, source)


def level_ua(stage):
    """The current of one level of the stage: a whole number, as tests/architecture/test_target.py sees to."""
    return stage["full_scale_ua"] // stage["levels"]


class Calibration:
    """Channel `channel` of the output stage `stage` (a dictionary of boards/stages), by the stage's own row or by
    another. Of a stage that measures nothing, only what is set. Raises ValueError for what ROW does not allow."""

    def __init__(self, stage, channel, row=None):
        row = row or stage["calibration"][channel]
        for key in row:
            least, most = ROW[key]
            if not least <= row[key] <= most:
                raise ValueError("%s: %d, %d to %d" % (key, row[key], least, most))
        self._levels = stage["levels"]
        self._level_ua = level_ua(stage)
        self.dac_scale = _MILLION + row["dac_gain_ppm"]
        self.dac_offset = row["dac_offset"]
        if not stage["measures"]:
            return
        # Read by delivery.py, pulse by pulse. In nanoampere and microvolt a count, so that 4096 of them and a gain stay
        # within 30 bits.
        self.current_na = stage["sense_ua_per_count"] * (_MILLION + row["current_gain_ppm"]) // 1_000
        self.current_zero = stage["sense_zero"] + row["current_offset"]
        self.voltage_uv = stage["sense_mv_per_count"] * (_MILLION + row["voltage_gain_ppm"]) // 1_000
        self.voltage_zero = stage["sense_zero"] + row["voltage_offset"]

    def code(self, level, ratio=1):
        """The DAC code that delivers a `ratio`th of `level`; `times` as much is never more than `level` itself
        would get, nor beyond the DAC's range. Zero is zero, whatever the offset."""
        if not level:
            return 0
        counts = (level * self.dac_scale + _MILLION // 2) // _MILLION
        if counts > self._levels - self.dac_offset:
            counts = self._levels - self.dac_offset
        code = counts // ratio + self.dac_offset
        return code if code > 0 else 0

    def times(self, code, ratio):
        """The DAC code that delivers `ratio` times as much as `code`: the offset counts once in each."""
        return (code - self.dac_offset) * ratio + self.dac_offset if code else 0

    def set_ua(self, code):
        """The current that a DAC code was meant to deliver, to half a level."""
        if not code:
            return 0
        return (code - self.dac_offset) * 10_000 // (self.dac_scale // 100) * self._level_ua

    def current_ua(self, counts):
        """The load current that the ADC says, positive in phase A."""
        return (counts - self.current_zero) * self.current_na // 1_000

    def voltage_mv(self, counts):
        """The load voltage that the ADC says, positive in phase A."""
        return (counts - self.voltage_zero) * self.voltage_uv // 1_000
