cimport cython
from rp2040py.native._cortex_m0_core cimport CortexM0Core
from rp2040py.native._gpio_pin cimport GPIOPin
from rp2040py.native._simulation_clock cimport ClockAlarm, SimulationClock


cdef class _Event:
    cpdef happens(self)
    cpdef bint is_spare(self)


cdef class SteadyAlarm:
    cdef object _alarm, _timer
    cdef _Event _event
    cdef double _period_nanos
    cdef SimulationClock _clock
    cdef ClockAlarm _clock_alarm


cdef class _Side(_Event):
    cdef public object alarm
    cdef object _channel, _pwm
    cdef list _pins
    cdef long _inverts, _mask

    cpdef happens(self)
    cpdef bint is_spare(self)
    @cython.locals(before=cython.long, bit=cython.long, pin=GPIOPin)
    cpdef set(self, bint high)


cdef class _Wrap(_Event):
    cdef object _channel, _pwm, _mcu, _request
    cdef CortexM0Core _core
    cdef long _raw
    cdef bint _is_heard
    cdef _Side _a, _b

    cpdef forget(self)

    cpdef happens(self)
    cdef bint _is_told(self)
