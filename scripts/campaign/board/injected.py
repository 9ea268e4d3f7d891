"""What breaks, and when: the faults of a plan, each by the method of its kind."""

from nmes.core import faults


class Injected:
    """The faults of a case that are still to come."""

    def __init__(self, world):
        self._world = world
        self._events = sorted(world.plan["faults"], key=lambda event: event["at_us"])

    def next_us(self):
        """When the next one comes; the end of the case when there is none."""
        return self._events[0]["at_us"] if self._events else self._world.plan["end_us"]

    def is_due(self):
        return self._events and self._world.now_us >= self._events[0]["at_us"]

    def happens(self):
        """The next one. Raises Gone where it takes the power."""
        event = self._events.pop(0)
        more = {key: event[key] for key in event if key not in ("kind", "at_us")}
        self._world.note("injected", event["kind"], more)
        getattr(self, "_do_" + event["kind"])(event)

    def forget_past(self):
        """What would have come while the board was down does not come."""
        self._events = [event for event in self._events if event["at_us"] > self._world.now_us]

    # ---- the link ----

    def _damages(self, event):
        self._world.cable.damage(event["towards"], event["kind"], event["bytes"], event["bit"])

    _do_link_lost = _do_link_doubled = _do_link_flipped = _do_link_reordered = _damages

    def _do_link_overtaken(self, event):
        self._world.cable.damage("device", "link_overtaken", 1, 0)

    def _do_link_pulled(self, event):
        self._world.cable.pull()

    def _do_port_echoes(self, event):
        self._world.cable.echo = b"\r\n" if event["cooked"] else b"\n"

    def _do_watched(self, event):
        self._world.hosts.watched(event["seq"], event["deed"], event["deed_us"])

    def _do_host_dies(self, event):
        self._world.hosts.host.dead = True
        self._world.cable.abandon()

    def _do_not_a_number(self, event):
        self._world.hosts.host.first([0, "raw", {"text": event["text"]}])

    # ---- stage, load and what is around the board ----

    def _do_sense_stuck(self, event):
        self._world.around.loads[event["channel"]].stuck = event["counts"]

    def _do_sense_drift(self, event):
        self._world.around.loads[event["channel"]].drift = (self._world.now_us, event["counts_per_s"])

    def _do_sense_rest(self, event):
        self._world.around.loads[event["channel"]].rest = event["counts"]

    def _do_stage_strong(self, event):
        self._world.around.loads[event["channel"]].strong = event["per_mille"]

    def _do_stage_unequal(self, event):
        self._world.around.loads[event["channel"]].weak_b = event["per_mille"]

    def _set_load(self, event):
        self._world.around.loads[event["channel"]].ohm = event["ohm"]

    _do_load_open = _do_load_short = _do_load_10k = _do_load_back = _set_load

    def _do_stop_bounces(self, event):
        around = self._world.around
        around.safe = not around.safe
        if not around.safe:
            around.opened = True
            self._world.hal.trip(faults.EMERGENCY_STOP)
        if event["us"]:
            left = event["us"]
            self._events.insert(0, {"at_us": self._world.now_us + left[0], "kind": "stop_bounces", "us": left[1:]})
            self._events.sort(key=lambda event: event["at_us"])

    def _do_temperature(self, event):
        self._world.around.temperature = event["dc"]

    def _do_supply(self, event):
        self._world.around.supply = event["mv"]

    def _do_enable_low(self, event):
        self._world.around.reads_low = True

    # ---- the panel ----

    def _do_display_fails(self, event):
        self._world.person.display = "fails"

    def _do_display_hangs(self, event):
        self._world.person.display = "hangs"

    def _do_display_back(self, event):
        self._world.person.display = "there"

    # ---- the chip ----

    def _do_memory_low(self, event):
        self._world.person.memory = event["bytes"]

    def _do_cpu_stop(self, event):
        self._world.stop_until(self._world.now_us + event["us"])

    def _do_clock_back(self, event):
        self._world.hal.clock_us -= event["us"]

    def _do_clock_ahead(self, event):
        self._world.hal.clock_us += event["us"]

    def _do_power_cut(self, event):
        # `corrupt`: a bit at a third of the slot; `damage`: anywhere, and of any length.
        third = [{"slot": slot, "place": 1 / 3, "bytes": 0, "bit": 4} for slot in event.get("corrupt", ())]
        self._world.flash.damage = event.get("damage", third)
        self._world.note("cut")
        raise self._world.hal.gone("power")

    _do_flash_corrupt = _do_store_damaged = _do_power_cut

    def _do_power_cut_in_write(self, event):
        self._world.notes.pop()  # it is injected when there is a write
        self._world.flash.cut_at(event["write"], event["per_mille"])

    def _do_flash_error(self, event):
        self._world.flash.errors = event["count"]
