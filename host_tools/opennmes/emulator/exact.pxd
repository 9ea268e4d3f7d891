cimport cython
from opennmes.emulator.loops cimport Loop, find_loop
from opennmes.emulator.thumb cimport Thumb
from rp2040py.native._cortex_m0_core cimport CortexM0Core
from rp2040py.native._pio cimport RPPIO as Pio
from rp2040py.native._simulation_clock cimport ClockAlarm, SimulationClock
from rp2040py.native._state_machine cimport StateMachine as Machine

cdef long long NEVER


cdef class Driver:
    cdef public object rp2040
    cdef public double cpu_factor
    cdef public SimulationClock clock
    cdef SimulationClock _clock
    cdef Thumb _thumb
    cdef double _cycle_nanos
    cdef list _pios
    cdef Pio _first, _second
    cdef public bint skip_loops
    cdef list _loops
    cdef long long _loop_ends_fp, _due_cycle
    cdef ClockAlarm _step_alarm, _stop_alarm
    cdef public bint stopped
    cdef bint _is_set
    cdef list _written
    cdef object _pwm

    @cython.locals(core=CortexM0Core, clock=SimulationClock, thumb=Thumb, instruction_nanos=double)
    cpdef run(self, double nanos)
    cpdef stop(self)
    cpdef sync(self)
    @cython.locals(loop=Loop)
    cpdef sync_input(self, long pin)
    cpdef sync_received(self)
    cdef _do_what_is_due(self)
    @cython.locals(nanos=double, cycle_fp=cython.longlong)
    cdef _leave_now(self, list loops)
    @cython.locals(loop=Loop, now_fp=cython.longlong)
    cpdef tell(self)
    @cython.locals(loop=Loop)
    cpdef leave_waves(self, object pin=*)
    @cython.locals(due_fp=cython.longlong, due_cycle=cython.longlong)
    cpdef arm(self)
    @cython.locals(cycle_fp=cython.longlong)
    cpdef _step(self)
    @cython.locals(pio=Pio, machine=Machine, loop=Loop, found=cython.bint)
    cdef _enter_loops(self)
    @cython.locals(loop=Loop)
    cdef bint _skips(self, Machine machine)


cdef class _OnBus:
    cdef Driver _driver
    cdef object _peripheral

    cpdef read_uint32(self, offset)
    cpdef write_uint32(self, offset, value)
    cpdef write_uint32_atomic(self, offset, value, atomic_type)
    cdef _before_write(self)
