"""What MicroPython's compiler knows by itself, for Pythons that do not: `const`, and machine code (viper).

A function under `@micropython.viper` becomes machine code on the device: its whole numbers are machine words, ptr8,
ptr16 and ptr32 are arrays of bytes, halves and words, and nothing is allocated. Elsewhere it is like any other.
"""

import sys

if sys.implementation.name == "micropython":
    import micropython
    from micropython import const
else:

    class micropython:  # type: ignore[no-redef]
        @staticmethod
        def viper(function):
            return function

    def const(value):  # type: ignore[misc]
        return value


class ptr32:
    """For Pythons without: what is cast to one stays what it is. In machine code the compiler's own is meant."""

    def __new__(cls, numbers):
        return numbers

    def __getitem__(self, at): ...

    def __setitem__(self, at, value): ...


class ptr16(ptr32): ...


class ptr8(ptr32): ...
