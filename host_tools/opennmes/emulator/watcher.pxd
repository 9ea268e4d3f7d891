cimport cython
from rp2040py.native._gpio_pin cimport GPIOPin as Pin


cdef class Wave:
    cdef list _listeners, _offsets, _levels
    cdef long _edges
    cdef long long _start_fp, _round_fp, _told

    cpdef long long cycle(self, long long number)
    cpdef long level(self, long long number)
    @cython.locals(number=cython.longlong, begin=cython.longlong)
    cpdef catch_up(self, long long now_fp, long long rounds)
    cpdef end(self, long long now_fp, long long rounds)


cpdef bint may_wave(Pin pin)


cdef class Watcher:
    cdef long _level
    cdef object _changed, _late
