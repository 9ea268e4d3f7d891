cimport cython
from opennmes.emulator.watcher cimport Wave, may_wave
from rp2040py.native._gpio_pin cimport GPIOPin as Pin
from rp2040py.native._pio cimport RPPIO as Pio
from rp2040py.native._state_machine cimport StateMachine as Machine

cdef double NANOS_PER_FP
cdef long PULL_NO_BLOCK, X_FROM_OSR, FUNCTION_PIO
cdef long JMP, OUT, MOV, SET, WAIT, IN, PUSH_PULL, IRQ, OSR_FROM_PINS, NOP_ARGUMENT, RIGHT, RIGHT_NO_AUTOPULL
cdef long long FIRST_PIN, ALL_PINS


cdef class Loop:
    cdef public Machine machine
    cdef public long long end_fp
    cdef long long _start_fp, _round_fp, _rounds, _x, _y, _x_step, _y_step, _looks
    cdef public bint waves
    cdef public long pin
    cdef Wave _wave

    @cython.locals(machine=Machine, rounds=cython.longlong)
    cpdef catch_up(self, long long now_fp)
    cpdef bint ends_with(self, long pin)
    cdef makes(self, Wave wave, long pin)
    cpdef tell(self, long long now_fp)
    @cython.locals(pio=Pio, bit=cython.long, shown=Pin)
    cdef _show(self)


cdef class _Round:
    cdef dict registers, counted
    cdef set assigned, not_zero
    cdef bint compared, waves
    cdef object osr
    cdef list edges
    cdef long level
    cdef long long pulled, looks

    cdef bint jumps(self, Machine machine, long condition, list pins)
    @cython.locals(kind=cython.long, argument=cython.long, destination=cython.long, value=cython.long,
                   count=cython.long)
    cdef bint does(self, Pio pio, Machine machine, long opcode)
    cdef sets(self, long level, long long offset_fp)
    @cython.locals(pin=cython.long, wave=Wave, start_nanos=double, round_nanos=double)
    cdef Loop wave(self, Machine machine, Loop loop, long long round_fp, list pins)
    cdef repeated(self, Machine machine, long long round_fp)


@cython.locals(
    a_round=_Round, start=cython.long, pc=cython.long, opcode=cython.long, field=cython.long, elapsed=cython.long,
    side_count=cython.long, side_enable=cython.long, delay_mask=cython.long, width=cython.long, value=cython.long,
    taken=cython.bint, kind=cython.long, side_base=cython.long, wrap_top=cython.long, waves=cython.bint, loop=Loop,
)
cpdef find_loop(Pio pio, Machine machine, list pins)

@cython.locals(bit=cython.long, other=Machine, pin=Pin, shows=cython.bint)
cdef bint _may_wave(Pio pio, Machine machine, list pins)
@cython.locals(mask=cython.longlong, other=Machine)
cdef bint _keeps(Pio pio, Machine machine, long long value, long base, long count)
cdef long long _written(Machine machine)
cdef long _side_count(Machine machine)
cdef long _set_count(Machine machine)
cdef long _out_count(Machine machine)
cdef long _side_base(Machine machine)
cdef long _set_base(Machine machine)
cdef long _out_base(Machine machine)
cdef long long _mask(long base, long count)
