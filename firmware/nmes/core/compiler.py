"""What MicroPython's compiler knows by itself, for Pythons that do not: `const`, and machine code (viper).

A function under `@micropython.viper` becomes machine code on the device: its whole numbers are machine words, ptr8,
ptr16 and ptr32 are arrays of bytes, halves and words, and nothing is allocated. Elsewhere it is like any other.
"""

import sys

if sys.implementation.name != "micropython":

    class micropython:
        @staticmethod
        def viper(function):
            return function

    def const(value):
        return value

    class ptr32:
        """What is cast to one stays what it is."""

        def __new__(cls, numbers):
            return numbers

        def __getitem__(self, at): ...

        def __setitem__(self, at, value): ...

    class ptr16(ptr32): ...

    class ptr8(ptr32): ...

else:
    import micropython  # type: ignore[assignment, no-redef]
    from micropython import const  # type: ignore[assignment]

    ptr8 = ptr16 = ptr32 = None  # type: ignore[misc, assignment]  # in machine code the compiler's own are meant
