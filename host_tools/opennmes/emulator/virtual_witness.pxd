cimport cython
from opennmes.emulator.watcher cimport Wave

cdef long long WORD


cdef class _Pin:
    cdef public long level
    cdef public long long looked, rounds, total, _rounds
    cdef public list pending, words

    @cython.locals(base=cython.longlong, least=cython.longlong, rounds=cython.longlong)
    cpdef change(self, double cycle, long level)
    @cython.locals(look=cython.longlong)
    cdef _settle(self)
    cpdef list take(self, double cycle)


cdef class _Level:
    cdef public long level
    cdef public double since
    cdef public dict looks
    cdef public long long over

    cpdef change(self, double cycle, long level)
    @cython.locals(window=cython.longlong, at=cython.longlong, first=cython.longlong, last=cython.longlong)
    cdef _was_high(self, double begin, double end)
    cpdef list take(self, double cycle)


cdef long long _ceil(double value) noexcept


@cython.locals(number=cython.longlong)
cdef _tell(object pin, Wave wave, long long begin, long long end, object go_nanos, object per_nano)
