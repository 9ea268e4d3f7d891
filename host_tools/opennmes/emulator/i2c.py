"""The chip's I2C where rp2040py's is not as silicon has it (RP2040 datasheet, 4.3.7.5 and 4.3.17)."""

from __future__ import annotations

from rp2040py.peripherals.i2c import ENABLE, IC_ENABLE, R_TX_EMPTY, RPI2C, I2CState


class I2c(RPI2C):
    """An abort empties the queue and says so, and a block that is disabled ends its transfer after the byte under way:
    what waits for either, as the SDK does, waits for ever on rp2040py's."""

    def _abort(self, reason: int) -> None:
        super()._abort(reason)
        self._set_interrupts(R_TX_EMPTY)

    def write_uint32(self, offset: int, value: int) -> None:
        ends = offset == IC_ENABLE and not value & ENABLE
        if ends and self._state != I2CState.IDLE:
            self._stop = True  # behind the byte under way
        super().write_uint32(offset, value)
        if ends and self._state == I2CState.CONNECTED and not self._busy:  # it waits for a byte that will not come
            self._busy = True
            self._state = I2CState.STOP
            self.on_stop()


def as_silicon_has_it(blocks: list[RPI2C]) -> None:
    """Let these blocks, which are at rest, do so from here on."""
    for block in blocks:
        block.__class__ = I2c
