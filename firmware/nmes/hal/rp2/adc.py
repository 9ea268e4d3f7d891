"""Single conversions, for what is looked at while nothing is sampled: zero of the sense, temperature, supply."""

from machine import ADC, Pin, mem32
from micropython import const

from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.chip import chip

_REFERENCE_MV = const(3_300)
_COUNTS = const(4_096)
_SUPPLY_DIVIDER = const(3)  # VSYS on GP29, by two resistors of the Pico


class Adc:
    """The ADC, a conversion a call: only while nothing is sampled."""

    def __init__(self, supply):
        """`supply`: the pin with a third of VSYS, or None."""
        self._supply = supply
        if supply is not None:
            ADC(Pin(supply))
        self._cs = chip.ADC_BASE + reg.ADC_CS
        self._result = chip.ADC_BASE + reg.ADC_RESULT
        self._start = reg.ADC_CONVERT | reg.ADC_TEMPERATURE_ON

    def counts(self, pin):
        """What the ADC makes of a pin now, 0 to 4095. Allocates nothing. Not while the sampler is on."""
        return self._convert(pin - reg.ADC_FIRST_PIN)

    def _convert(self, number):
        cs = self._cs
        mem32[cs] = self._start | number << reg.ADC_INPUT_SHIFT
        while not mem32[cs] & reg.ADC_READY:  # 2 us
            pass
        return mem32[self._result] & reg.ADC_RESULT_BITS

    def temperature_dc(self):
        """The chip's temperature in tenths of a degree Celsius (4.9.5: 27 - (V - 0.706) / 0.001721), to some 5 K."""
        self._convert(reg.ADC_TEMPERATURE)  # the first one after the sensor is switched on is not to be trusted
        uv = self._convert(reg.ADC_TEMPERATURE) * _REFERENCE_MV * 1_000 // _COUNTS
        return 270 - (uv - 706_000) * 10 // 1_721

    def supply_mv(self):
        """VSYS, or None where it is not measured."""
        if self._supply is None:
            return None
        return self.counts(self._supply) * _REFERENCE_MV * _SUPPLY_DIVIDER // _COUNTS
