"""A DMA channel of the chip (datasheet 2.5), as pulse engine and sampler use it."""

import rp2
from machine import mem32
from micropython import const

from nmes.hal.rp2 import registers as reg
from nmes.hal.rp2.chip import chip

HALF = const(1)  # of `config`: what one transfer carries
WORD = const(2)
STAYS = const(-1)  # the address is the same each time
EVER = const(0x3FFFFFFF)  # transfers; at 500 Hz, three a pulse, eight days

# Addresses above 2^30 are objects on the heap: this one, `Dma.ctrl` and `Dma.ctrl_clear` are made once, for what must
# not allocate.
ABORT = reg.DMA_BASE + chip.DMA_ABORT


class Dma:
    """A channel of its own."""

    def __init__(self):
        self.dma = rp2.DMA()
        self.channel = self.dma.channel  # type: ignore[attr-defined]  # the stubs leave it out
        self.ctrl = self.at(reg.DMA_CTRL)
        self.ctrl_clear = self.ctrl + reg.CLEAR

    def at(self, register):
        """Where a register of this channel is."""
        return reg.DMA_BASE + reg.DMA_CHANNEL * self.channel + register

    def config(self, read, write, count, size, treq, then, read_ring=STAYS, write_ring=STAYS):
        """`count` times `size` from `read` to `write`, each when `treq` asks for it; after the last `then` is started,
        which may be this channel itself: then nothing is. Rings: what the address goes round in, as a power of two of
        bytes; 0: on and on. Nothing moves before the channel is started."""
        self.dma.config(
            read=read,
            write=write,
            count=count,
            ctrl=self.dma.pack_ctrl(
                size=size,
                inc_read=read_ring != STAYS,
                inc_write=write_ring != STAYS,
                ring_sel=write_ring > 0,
                ring_size=max(read_ring, write_ring, 0),
                treq_sel=treq,
                chain_to=then.channel,
                irq_quiet=True,
            ),
        )

    def halt(self):
        """Out of every chain and off, whatever it was about to do. Both before it is aborted: that starts the next of a
        chain (erratum RP2350-E5); an aborted transfer may still end (erratum RP2040-E13)."""
        mem32[self.ctrl] = self.channel << chip.DMA_CHAIN_TO_SHIFT
        mem32[ABORT] = 1 << self.channel
        while mem32[self.ctrl] & chip.DMA_BUSY:
            pass
