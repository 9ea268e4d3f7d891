"""nmes/prescriptions.py against a dictionary: any history of puts and removals, with the power cut anywhere in any of
them, and again in what came after."""

import random

from test_prescriptions import Flash, cuts, holds, on, put, text_of

from nmes.core.reason import Refused

SECTORS = (0, 1, 2, 3)
NUMBERS = (1, 2, 3)
WALKS, STEPS = 80, 25


def one_step(dice, kept, model):
    """Do something. Returns (what the model is if it is done, the act)."""
    number = dice.choice(NUMBERS)
    if number in model and dice.random() < 0.35:
        return {key: model[key] for key in model if key != number}, lambda: kept.remove(number)
    text = text_of(dice.choice("abcdefgh"), dice.choice((2, 60, 256, 300)))
    return {**model, number: text.decode()}, lambda: put(kept, text, number)


def test_h16_any_history_with_any_power_cuts_holds_what_was_accepted_or_what_was_being_written():
    cut = done = 0
    for seed in range(WALKS):
        dice = random.Random(seed)
        flash, model = Flash(), {}
        for step in range(STEPS):
            before = flash.copy()
            flash.done = []
            after, act = one_step(dice, on(flash, SECTORS), model)
            act()
            if dice.random() < 0.5:
                model = after
                done += 1
            else:
                # The power goes somewhere in it; what is left is the flash from here on.
                left = [0, None]
                for count, (_, image) in enumerate(cuts(before, flash.done, dice.random() < 0.5)):
                    if dice.random() * (count + 1) < 1:
                        left = [count, image.copy()]
                flash = left[1]
                found = holds(on(flash, SECTORS))
                assert found in (model, after), f"seed {seed}, step {step}, cut {left[0]}"
                model = found
                cut += 1
            assert holds(on(flash, SECTORS)) == model, f"seed {seed}, step {step}"
    assert cut > 700 and done > 700


def test_h16_a_flash_of_random_bytes_is_read_without_an_error_and_takes_prescriptions():
    for seed in range(300):
        dice = random.Random(seed)
        flash = Flash()
        put(on(flash, SECTORS), text_of("a"), 1)
        for sector in SECTORS:
            held = flash.sector(sector)
            for _ in range(dice.choice((0, 3, 200))):
                held[dice.randrange(0, 600)] = dice.choice((0, 0xFF, dice.randrange(256)))
        found = holds(on(flash, SECTORS))
        for number, text in found.items():
            assert text in ("damaged", "newer", text_of("a").decode())
            assert text != text_of("a").decode() or number == 1
        try:
            put(on(flash, SECTORS), text_of("b"), 2)
        except Refused as refused:
            assert [reason["code"] for reason in refused.reasons] == ["newer"]
        else:
            assert holds(on(flash, SECTORS))[2] == text_of("b").decode()
