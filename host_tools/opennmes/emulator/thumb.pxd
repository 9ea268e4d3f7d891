cimport cython
from opennmes.emulator.sio cimport Registers
from rp2040py.native._cortex_m0_core cimport CortexM0Core

cdef long long WORD, FLASH, FLASH_BYTES, RAM, RAM_BYTES, ROM_BYTES, MOST_POSITIVE, SIGN, SIO, SIO_BYTES
cdef long long TIMERAWH, TIMERAWL


@cython.final
cdef class Thumb:
    cdef CortexM0Core _core
    cdef Registers _sio
    cdef object _timer
    cdef unsigned char[::1] _ram, _flash, _rom
    cdef unsigned short[::1] _ram16, _flash16, _rom16
    cdef unsigned int[::1] _ram32, _flash32, _rom32, _registers
    cdef public int cycles

    cdef long long _word(self, long long address) noexcept
    cdef long long _half(self, long long address) noexcept
    cdef long long _byte(self, long long address) noexcept
    cdef bint _put_word(self, long long address, unsigned int value) noexcept
    cdef bint _put_half(self, long long address, unsigned int value) noexcept
    cdef bint _put_byte(self, long long address, unsigned int value) noexcept
    @cython.locals(micros=cython.longlong)
    cdef long long _register(self, long long address, double nanos) noexcept
    cdef long _put_sio(self, long long address, unsigned int value) noexcept

    @cython.locals(
        core=CortexM0Core, registers="unsigned int[::1]", branches="const unsigned char *",
        lowest="const unsigned char *", count_of="const unsigned char *",
        negative=cython.bint, zero=cython.bint, carry=cython.bint, overflow=cython.bint, in_handler=cython.bint,
        pc=cython.longlong, after=cython.longlong, opcode=cython.long, second=cython.long, branch=cython.int,
        low=cython.long, middle=cython.long, source=cython.long, target=cython.long, count=cython.long, bits=cython.long,
        shift=cython.long, cycles=cython.int, done=cython.longlong, value=cython.longlong, operand=cython.longlong,
        last=cython.longlong, total=cython.longlong, address=cython.longlong, offset=cython.longlong, divides=cython.long, place=cython.longlong,
        sign=cython.longlong, odd=cython.longlong, end_nanos=double,
    )
    cpdef double run(self, double nanos, double alarm_nanos, double cycle_nanos)
