"""From an output stage's raw numbers to units and back: the one place where gain and offset are applied.

A stage's facts hold one row a channel: gains in ppm, offsets in counts of the DAC or of the ADC. What is set is
corrected before it is queued, what is sensed before it is judged. All within 30 bits, so nothing is allocated.
"""

GAIN_MOST_PPM = 50_000
_MILLION = 1_000_000


class Calibration:
    """Channel `channel` of the output stage `stage` (a dictionary of boards/stages). Of a stage that measures nothing,
    only what is set."""

    def __init__(self, stage, channel):
        row = stage["calibration"][channel]
        for key in row:
            if key.endswith("_gain_ppm") and not -GAIN_MOST_PPM <= row[key] <= GAIN_MOST_PPM:
                raise ValueError("%s: %d, at most %d either way" % (key, row[key], GAIN_MOST_PPM))
        self._levels = stage["levels"]
        self._grain_ua = stage["full_scale_ua"] // stage["levels"]
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
        return (code - self.dac_offset) * 10_000 // (self.dac_scale // 100) * self._grain_ua

    def current_ua(self, counts):
        """The load current that the ADC says, positive in phase A."""
        return (counts - self.current_zero) * self.current_na // 1_000

    def voltage_mv(self, counts):
        """The load voltage that the ADC says, positive in phase A."""
        return (counts - self.voltage_zero) * self.voltage_uv // 1_000
