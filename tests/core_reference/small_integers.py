"""Integers that watch that they stay within the 30 bits that the RP2040's MicroPython does not allocate."""

MOST = 2**30 - 1


class Small(int):
    """An integer whose results are small too."""


def _watched(name):
    plain = getattr(int, name)

    def operation(self, *others):
        result = plain(self, *others)
        if result is NotImplemented or isinstance(result, bool):
            return result
        assert -MOST - 1 <= result <= MOST, f"{name} of {int(self)} and {others} needs more than 30 bits"
        return Small(result)

    return operation


for _name in ("add", "sub", "mul", "floordiv", "mod", "and", "or", "xor", "lshift", "rshift"):
    for _prefix in ("__", "__r"):
        setattr(Small, f"{_prefix}{_name}__", _watched(f"{_prefix}{_name}__"))
Small.__neg__ = _watched("__neg__")


def small(thing):
    """A copy of a dictionary, or the same object, with all its integers watched."""
    if isinstance(thing, dict):
        return {key: Small(value) if isinstance(value, int) else value for key, value in thing.items()}
    for key, value in vars(thing).items():
        if isinstance(value, int) and not isinstance(value, bool):
            setattr(thing, key, Small(value))
    return thing
