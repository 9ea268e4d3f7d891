"""What a turn of the main loop calls of the supervisor stands in its class itself: MicroPython looks in one class after
the other, and that is time which every turn would take."""

import sys
from collections import Counter

import pytest
from bench_hal import Bench
from biofeedback_bench import Listening, waiting

from nmes.recording import Recording
from nmes.supervisor import Supervisor
from nmes.triggered import Triggered

TURNS = 40
OFTEN = TURNS // 3  # a queue is filled in every second turn


def called(bench):
    """The methods of the supervisor that are called in many of the turns."""
    counts: Counter[str] = Counter()

    def see(frame, event, _):
        if event == "call" and frame.f_locals.get("self") is bench.supervisor:
            counts[frame.f_code.co_name] += 1

    sys.setprofile(see)
    try:
        bench.turn(count=TURNS)
    finally:
        sys.setprofile(None)
    return {name for name, count in counts.items() if count >= OFTEN}


def recorded():
    idle = Bench()
    idle.turn(count=20)
    running = Bench()
    running.run()
    return idle, running


def triggered():
    idle, running = Listening(), Listening()
    idle.turn(count=20)
    running.run(waiting())
    running.tighten()
    return idle, running


@pytest.mark.parametrize(("layer", "benches"), [(Recording, recorded), (Triggered, triggered)])
def test_what_every_turn_calls_is_found_in_the_class_itself(layer, benches):
    found = set().union(*[called(bench) for bench in benches()])
    assert {"_passes", "_passes_at_rest", "fill", "_judge"} <= found
    missing = found - set(vars(layer)) - {"step"}  # nmes/app.py holds it, bound
    assert not missing, f"{layer.__name__}: give it {', '.join(sorted(missing))} as an attribute"


@pytest.mark.parametrize("layer", [Recording, Triggered])
def test_what_stands_there_again_is_what_the_class_below_has(layer):
    below = layer.__bases__[0]
    again = {
        name: value
        for name, value in vars(layer).items()
        if callable(value) and not value.__qualname__.startswith(f"{layer.__name__}.")
    }
    assert again
    for name, value in again.items():
        assert value is getattr(below, name), f"{name} is {value.__qualname__}"


def test_the_layers_are_these():
    assert Triggered.__mro__[:3] == (Triggered, Recording, Supervisor)
