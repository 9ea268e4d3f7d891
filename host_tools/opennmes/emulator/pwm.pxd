cimport cython
from opennmes.emulator.watcher cimport Wave, may_wave
from rp2040py.native._cortex_m0_core cimport CortexM0Core
from rp2040py.native._gpio_pin cimport GPIOPin
from rp2040py.native._simulation_clock cimport ClockAlarm, SimulationClock

cdef long FUNCTION_PWM, FEWEST_WRAPS, SOME_WRAPS


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
    cdef public SteadyAlarm steady
    cdef object _channel, _pwm
    cdef list _pins, _shown
    cdef long _inverts, _mask
    cdef double _low_nanos
    cdef SimulationClock _clock

    cpdef happens(self)
    cpdef bint is_spare(self)
    @cython.locals(steady=SteadyAlarm, at=double, bit=cython.long, pin=GPIOPin)
    cdef bint may_park(self, double now, double period)
    @cython.locals(at=double, pin=GPIOPin)
    cdef park(self, double now, double period, list waves)
    @cython.locals(at=double, high=cython.bint, pin=GPIOPin)
    cdef resume(self, double since, double period)
    @cython.locals(before=cython.long, bit=cython.long, pin=GPIOPin)
    cpdef set(self, bint high)


cdef class _Wrap(_Event):
    cdef object _channel, _pwm, _mcu, _request, _wanted
    cdef CortexM0Core _core
    cdef long _raw, _unchanged
    cdef bint _is_heard, _parked
    cdef _Side _a, _b
    cdef public list alarms
    cdef list _waves
    cdef double _begin_nanos, _period_nanos
    cdef SimulationClock _clock

    cpdef bint has(self, long pin)
    @cython.locals(wave=Wave)
    cpdef tell(self, double now_nanos)
    @cython.locals(now=double, since=double, wave=Wave, side=_Side, alarm=SteadyAlarm)
    cpdef unpark(self)
    @cython.locals(now=double, period=double, side=_Side, alarm=SteadyAlarm)
    cdef _park(self)
    cpdef forget(self)
    cpdef happens(self)
    cdef bint _is_told(self)
