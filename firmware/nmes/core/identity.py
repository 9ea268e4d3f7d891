"""What runs, as `identify` says it: the digests of firmware, board, stage and limits. Both ends compute them here."""

from nmes.core import digest, limits, phase, programme, session

# What is told apart, and what has to be made the same when it differs.
FIELDS = ("firmware", "board_digest", "stage_digest", "limits_digest")

_OF_LIMITS = (limits, phase, programme, session)


def limits_in_use():
    """Every public constant of the modules that decide what is accepted, as it is in memory; a name means the same in
    all of them."""
    # Not dir(): MicroPython's asks for each of its thousand names whether the module has it, 50 ms a module.
    return {
        name: value
        for module in _OF_LIMITS
        for name, value in module.__dict__.items()
        if name.isupper() and not name.startswith("_")
    }


def digests(firmware, board, stage):
    """The fields of FIELDS: `firmware` as given, the digests of a board and of a stage with its board's ceiling
    (limits.with_board) as they are in memory, and that of the limits."""
    facts = [digest.of_facts(fact) for fact in (board, stage, limits_in_use())]
    return dict(zip(FIELDS, [firmware] + facts))
