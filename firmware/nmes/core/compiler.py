"""What MicroPython's compiler knows by itself, for Pythons that do not: `const`, and machine code (viper).

A function under `@micropython.viper` becomes machine code on the device: its whole numbers are machine words, ptr8,
ptr16 and ptr32 are arrays of bytes, halves and words, and nothing is allocated. Elsewhere it is like any other.
"""

__all__ = ("const", "micropython", "ptr16", "ptr32", "ptr8")

try:
    from micropython import heap_lock  # in no imitation of the module on a computer
except ImportError:

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

    ptr8 = ptr16 = ptr32 = heap_lock  # type: ignore[misc, assignment]  # machine code means the compiler's own
