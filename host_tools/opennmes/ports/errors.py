"""What a port raises."""


class PortError(Exception):
    """The other end is gone, or never was; the message says what happened."""
