"""No pulses: the main program alone, to know what it takes by itself."""


def start():
    pass


def halt():
    pass
