cimport cython

cdef long CPUID, DIV_CSR, DIV_QUOTIENT, DIV_REMAINDER, DIV_SDIVIDEND, DIV_SDIVISOR, DIV_UDIVIDEND, DIV_UDIVISOR
cdef long SPINLOCK0, SPINLOCK31, SPINLOCK_ST, DIRTY, READY, DIVIDER_CYCLES, NOT_HERE
cdef long long WORD, SIGN, LOWEST_LOCK


@cython.final
cdef class Registers:
    cdef long long _locks, _csr, _dividend, _divisor, _quotient, _remainder

    cpdef reset(self)
    @cython.locals(bit=cython.longlong)
    cpdef long long read(self, long offset)
    cpdef long write(self, long offset, long long value)
    @cython.locals(dividend=cython.longlong, divisor=cython.longlong, of=cython.longlong, by=cython.longlong,
                   quotient=cython.longlong, remainder=cython.longlong)
    cdef _divide(self, bint signed)
