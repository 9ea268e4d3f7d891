cdef class Watcher:
    cdef long _level
    cdef object _changed
