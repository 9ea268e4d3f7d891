"""The lock against references: HMAC against CPython's own, and any history of requests against a few lines of model."""

from __future__ import annotations

import hashlib
import hmac
import random
from typing import Any

from bench_hal import Linked
from hypothesis import given, settings
from hypothesis import strategies as st
from test_link_lock import powered
from test_link_prescriptions import code

from nmes.core import lock

UID = "virtual"
KEYS = ("0" * 64, "5a" * 32)
WALKS, STEPS = 60, 60


@given(st.binary(max_size=200), st.binary(max_size=300))
@settings(max_examples=400)
def test_hmac_is_that_of_cpython_for_every_key_and_text(key: bytes, text: bytes) -> None:
    assert lock.hmac_sha256(key, text) == hmac.new(key, text, hashlib.sha256).digest()


@given(st.binary(max_size=40), st.binary(max_size=40))
@settings(max_examples=400)
def test_only_what_is_equal_is_the_same(one: bytes, other: bytes) -> None:
    assert lock.same(one, other) == (one == other)
    assert lock.same(one, bytes(one))


class Model:
    """What a device must do, written once more: which key, which counters are used, and until when it does not look."""

    def __init__(self) -> None:
        self.key = ""
        self.used = 0
        self.volume = 10
        self.now_ms = self.until_ms = self.wrong = 0

    def takes(self, counter: int, right: bool) -> str:
        """The reason why a signed command is not carried out; "" when it is."""
        if not self.key:
            return ""
        if self.now_ms < self.until_ms:
            return "sign_later"
        if not right:
            self.wrong += 1
            self.until_ms = self.now_ms + 1_000 * min(64, 2 ** (self.wrong - 1))
            return "wrong_signature"
        self.wrong = 0
        if counter <= self.used:
            return "counter_used"
        if counter > self.used + 1_000:
            return "counter_ahead"
        self.used = counter
        return ""

    def power_cut(self) -> None:
        self.now_ms = self.until_ms = self.wrong = 0


def one_step(dice: random.Random, bench: Linked, model: Model) -> tuple[str, str]:
    """A request. Returns (what the device said: the code of its refusal, or ""; what the model says)."""
    command, arguments = dice.choice((
        ("set", {"settings": {"buzzer_volume": dice.randint(1, 10)}}),
        ("set", {"settings": {"buzzer_volume": dice.randint(1, 10)}}),
        ("lock", {"key": dice.choice(KEYS)}),
        ("unlock", {}),
    ))  # fmt: skip
    counter = max(1, model.used + dice.choice((0, 0, 1, 1, 1, 1, 2, 1_000, 1_001, -1)))
    signed_by = dice.choice((model.key, model.key, model.key, *KEYS)) or KEYS[0]
    signed_for = dice.choice((UID, UID, UID, UID, "other"))
    signed_as = dice.choice((counter, counter, counter, counter + 1))
    right = (signed_by, signed_for, signed_as) == (model.key, UID, counter)
    fields: dict[str, Any] = {}
    if dice.random() < 0.85:
        fields = {
            "counter": counter, "signature": lock.signature(signed_by, signed_for, signed_as, command, arguments),
        }  # fmt: skip
        wanted = model.takes(counter, right)
    else:
        wanted = "unsigned" if model.key else ""
    if not wanted:
        if command == "lock":
            model.key = arguments["key"]
        elif command == "unlock":
            wanted, model.key = "" if model.key else "not_locked", ""
        else:
            model.volume = arguments["settings"]["buzzer_volume"]
    answer = bench.said(command, **arguments, **fields)
    return "" if answer["ok"] else code(answer), wanted


def test_h15_any_history_of_signed_and_forged_requests_and_power_cuts_is_that_of_the_model() -> None:
    seen: dict[str, int] = {}
    for seed in range(WALKS):
        dice = random.Random(seed)
        bench, model = Linked(), Model()
        for step in range(STEPS):
            if dice.random() < 0.07:
                bench = powered(bench)
                model.power_cut()
            ms = dice.choice((0, 0, 500, 1_000, 5_000, 70_000))
            bench.hal.pass_ms(ms)
            model.now_ms += ms
            said, wanted = one_step(dice, bench, model)
            assert said == wanted, f"seed {seed}, step {step}"
            seen[said] = seen.get(said, 0) + 1
            kept = bench.store.get("lock")
            assert (kept["key"], kept["counter"]) == (model.key, model.used), f"seed {seed}, step {step}"
            assert bench.supervisor.settings()["buzzer_volume"] == model.volume, f"seed {seed}, step {step}"
    assert min(seen.values()) > 20 and len(seen) == 7, seen
