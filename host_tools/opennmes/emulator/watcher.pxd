cimport cython
from rp2040py.native._gpio_pin cimport GPIOPin as Pin


cdef long OVERRIDES


cdef class Wave:
    cdef list _listeners, _offsets, _levels
    cdef long _edges
    cdef double _start_nanos, _round_nanos, _grid_nanos
    cdef long long _told

    @cython.locals(nanos=double, offset=double, grid=double)
    cpdef double nanos(self, long long number)
    cpdef long level(self, long long number)
    @cython.locals(number=cython.longlong, begin=cython.longlong)
    cpdef catch_up(self, double now_nanos, long long rounds)
    cpdef end(self, double now_nanos, long long rounds)


cpdef bint may_wave(Pin pin)


cdef class Watcher:
    cdef long _level
    cdef object _changed, _late
