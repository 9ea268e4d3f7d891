cimport cython
from opennmes.emulator.watcher cimport Wave
from rp2040py.native._simulation_clock cimport ClockAlarm, SimulationClock


cdef class LevelMeter:
    cdef public long level
    cdef SimulationClock _clock
    cdef long _levels, _target
    cdef double _settle_nanos
    cdef object _changed
    cdef bint _pin_level, _listening
    cdef double _edge_nanos, _rise_nanos, _fall_nanos, _period_nanos, _high_nanos, _late_nanos
    cdef ClockAlarm _settle_alarm, _silence_alarm

    cdef _measure(self, double period_nanos, double high_nanos)
    cdef _aim(self, long target, double since_nanos)


cdef class Pump:
    cdef public bint charged
    cdef SimulationClock _clock
    cdef double _hold_nanos, _edge_nanos, _late_nanos
    cdef object _changed
    cdef long _edges
    cdef ClockAlarm _alarm
