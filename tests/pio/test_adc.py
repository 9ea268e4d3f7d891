"""hal/rp2/adc.py on an ADC that converts for a while: each input its own, and what counts mean."""

import pytest
import registers_model
import shipped
from guarded import PINS

ADC = shipped.module(shipped.PROGRAM_FILE.with_name("adc.py"))

# RP2040 datasheet, 4.9.6.
CS, RESULT = 0x4004C000, 0x4004C004
ON, SENSOR_ON, START, READY = 1, 1 << 1, 1 << 2, 1 << 8
SENSOR = 4
STALE, NOISE = 0xF123, 0xF000  # a result that is not there yet, and bits beside the twelve


class Chip(registers_model.Registers):
    """An ADC whose inputs are `counts`; a conversion takes some looks, the first after the sensor is on is wrong."""

    def __init__(self):
        super().__init__()
        self.counts = {number: 100 + number for number in range(5)}
        self._looks = self._input = 0
        self._warm = False
        self.reads = {CS: self._look, RESULT: self._result}
        self.on_write = self._start

    def _start(self, at, value):
        if at == CS and value & START and value & ON:
            self._looks, self._input = 3, value >> 12 & 7

    def _look(self):
        self._looks -= 1
        return self.values.get(CS, 0) | (READY if self._looks < 0 else 0)

    def _result(self):
        if self._looks >= 0:
            return STALE
        if self._input == SENSOR:
            is_on = bool(self.values[CS] & SENSOR_ON)
            warm, self._warm = self._warm and is_on, is_on
            if not warm:
                return 0
        return self.counts[self._input] | NOISE


@pytest.fixture
def chip(monkeypatch):
    made = Chip()
    monkeypatch.setattr(ADC, "mem32", made)
    return made


def test_each_pin_is_an_input_of_its_own_and_nothing_is_read_before_it_is_there(chip):
    adc = ADC.Adc(PINS["supply"])
    assert [adc.counts(pin) for pin in (26, 27, 28, 29)] == [100, 101, 102, 103]


@pytest.mark.parametrize("celsius", [-10, 0, 27, 70, 110])
def test_the_temperature_is_that_of_the_datasheet_s_formula(chip, celsius):
    volt = 0.706 - (celsius - 27) * 0.001721  # 4.9.5
    chip.counts[SENSOR] = round(volt / 3.3 * 4_096)
    assert abs(ADC.Adc(None).temperature_dc() - 10 * celsius) <= 5


@pytest.mark.parametrize("mv", [1_800, 3_300, 5_000, 5_500])
def test_the_supply_is_three_times_what_its_pin_sees(chip, mv):
    chip.counts[3] = round(mv / 3 / 3_300 * 4_096)
    assert abs(ADC.Adc(29).supply_mv() - mv) <= 3
    assert ADC.Adc(None).supply_mv() is None
