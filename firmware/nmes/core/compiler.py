"""What MicroPython's compiler knows by itself, for Pythons that do not: `const`, and machine code (viper).

A function under `@micropython.viper` becomes machine code on the device: its whole numbers are machine words, ptr8,
ptr16 and ptr32 are arrays of bytes, halves and words, and nothing is allocated. Elsewhere it is like any other.
"""

import sys

if sys.implementation.name == "micropython":
    import micropython
    from micropython import const

    ptr8 = ptr16 = ptr32 = None  # the compiler's own are meant where they stand in such a function
else:

    def ptr32(numbers):
        return numbers

    ptr8 = ptr16 = ptr32

    class micropython:  # type: ignore[no-redef]
        @staticmethod
        def viper(function):
            return function

    def const(value):
        return value
