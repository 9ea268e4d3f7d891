"""Reading prescriptions: what is understood, and what is said about everything else."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmes.core import programme
from opennmes import paths
from opennmes.boards import stage_of
from opennmes.prescription import Prescription, PrescriptionError, Problem, file, keys
from opennmes.prescription.keys import QUANTITIES, Quantity, plain

PHASE_KEYS = sorted(keys.PHASE)


def read(tmp_path: Path, text: str | bytes) -> Prescription:
    path = tmp_path / "prescription.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Prescription.read(path)


def problems(tmp_path: Path, text: str | bytes) -> list[Problem]:
    with pytest.raises(PrescriptionError) as caught:
        read(tmp_path, text)
    return caught.value.problems


def only_problem(tmp_path: Path, text: str | bytes) -> Problem:
    found = problems(tmp_path, text)
    assert len(found) == 1, found
    return found[0]


def test_the_example_is_read_into_integers(tmp_path: Path, example: str) -> None:
    assert read(tmp_path, example).data == {
        "title": "Stress incontinence, 35 Hz",
        "effect": "motor",
        "electrode": {"kind": "probe", "area_mm2": 400},
        "max_current_ua": 40_000,
        "phases": [
            {
                "name": "work",
                "rate_mhz": 35_000,
                "width_us": 250,
                "gap_us": 50,
                "work_ms": 5_000,
                "rest_ms": 10_000,
                "ramp_up_ms": 1_000,
                "ramp_down_ms": 1_000,
                "duration_ms": 900_000,
            }
        ],
    }


def test_what_may_be_left_out(tmp_path: Path) -> None:
    text = """
        title = "Least"
        electrode = {kind = "pads", area_cm2 = 25}
        limits.max_current_ma = 10
        [[phase]]
        frequency_hz = 10
        pulse_width_us = 100
        duration_min = 1
    """
    phase = read(tmp_path, text).data["phases"][0]
    assert phase["name"] == "phase 1"
    assert (phase["gap_us"], phase["work_ms"], phase["rest_ms"]) == (50, 0, 0)
    assert (phase["ramp_up_ms"], phase["ramp_down_ms"]) == (1_000, 1_000)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path, example: str) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf" + example.encode()).title.startswith("Stress")


def test_every_prescription_of_the_library_is_accepted() -> None:
    files = sorted(paths.PROGRAMMES.glob("*.toml"))
    assert len(files) >= 8
    for each in files:
        programme.accept(Prescription.read(each).data, stage_of("pico"))


def test_the_example_of_a_refusal_can_be_read_and_is_refused() -> None:
    root = paths.checkout()
    assert root is not None
    data = Prescription.read(root / "docs" / "examples" / "refused-small-probe.toml").data
    with pytest.raises(programme.Refused):
        programme.accept(data, stage_of("pico"))


# ---- values ----


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ("pulse_width_us = 250.5", "phase 1.pulse_width_us", "250 and 251 us"),
        ("pulse_width_us = 1e-9999999999", "phase 1.pulse_width_us", "0 and 1 us"),
        ("frequency_hz = 35.0005", "phase 1.frequency_hz", "35 and 35.001 Hz"),
        ("frequency_hz = -0.0005", "phase 1.frequency_hz", "-0.001 and 0 Hz"),
        ("work_s = 5.00049", "phase 1.work_s", "5 and 5.001 s"),
        ("duration_min = 0.33333", "phase 1.duration_min", "0.3333 and 0.33335 min"),
        ("area_cm2 = 4.005", "electrode.area_cm2", "4 and 4.01 cm2"),
        ("max_current_ma = 39.9999", "limits.max_current_ma", "39.999 and 40 mA"),
    ],
)
def test_what_is_not_exact_is_refused_with_its_neighbours(
    tmp_path: Path, example: str, line: str, key: str, says: str
) -> None:
    name = line.split(" ")[0]
    text = "\n".join(line if old.startswith(name + " ") else old for old in example.splitlines())
    problem = only_problem(tmp_path, text)
    assert (problem.code, problem.key) == ("not_representable", key)
    assert says in problem.text
    assert text.splitlines()[(problem.line or 0) - 1] == line


@pytest.mark.parametrize(
    "value",
    [
        "inf",
        "-inf",
        "nan",
        "true",
        '"250"',
        "2026-01-01",
        "12:00:00",
        "[250]",
        "{a = 1}",
        "1e10",
        "1e999999999",
        "-99999999999999999999",
        "0x" + "f" * 6000,
    ],
)
def test_what_is_no_number_of_use(tmp_path: Path, example: str, value: str) -> None:
    problem = only_problem(tmp_path, example.replace("pulse_width_us = 250", f"pulse_width_us = {value}"))
    assert (problem.code, problem.key) == ("not_a_number", "phase 1.pulse_width_us")
    assert len(problem.text) < 200


@pytest.mark.parametrize("value", ["9" * 5000, "1e99999999999999999999"])
def test_a_number_that_python_does_not_take(tmp_path: Path, example: str, value: str) -> None:
    text = example.replace("pulse_width_us = 250", f"pulse_width_us = {value}")
    assert len(str(only_problem(tmp_path, text))) < 300


@given(st.sampled_from(sorted(QUANTITIES)), st.integers(-(10**6), 10**6))
def test_exact_values_are_read_exactly(key: str, steps: int) -> None:
    quantity = QUANTITIES[key]
    reader = file._Reader("")
    value = Decimal(plain(steps * quantity.step))
    assert reader._integer(key, value, quantity) == steps * quantity.per_step
    assert reader.problems == []
    assert keys.in_file_unit(quantity, steps * quantity.per_step) == f"{plain(value)} {quantity.unit}"


@given(
    st.sampled_from(sorted(QUANTITIES)),
    st.decimals(-(10**6), 10**6, allow_nan=False, allow_infinity=False),
)
def test_inexact_values_lie_between_the_neighbours_that_are_named(key: str, value: Decimal) -> None:
    quantity = QUANTITIES[key]
    reader = file._Reader("")
    reader._integer(key, value, quantity)
    if not reader.problems:
        assert value % quantity.step == 0
        return
    words = reader.problems[0].text.split()
    lower, upper = Decimal(words[-4]), Decimal(words[-2])
    assert lower < value < upper
    assert upper - lower == quantity.step
    for neighbour in (lower, upper):
        again = file._Reader("")
        again._integer(key, neighbour, quantity)
        assert again.problems == []


def test_the_steps_are_the_smallest_that_are_exact() -> None:
    for quantity in QUANTITIES.values():
        per_unit = quantity.per_step / quantity.step  # of the programme's unit in one of the file's
        assert per_unit == per_unit.to_integral_value()
        for smaller in (quantity.step / 2, quantity.step / 5):
            assert smaller * per_unit % 1 != 0


# ---- keys ----


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ("ramp_up_s", "ramp_upp_s", "phase 1.ramp_upp_s", 'did you mean "ramp_up_s"?'),
        ("kind = ", "colour = 1\nkind = ", "electrode.colour", "known here: kind, area_cm2"),
        ("title = ", "efect = 1\ntitle = ", "efect", 'did you mean "effect"?'),
        ("max_current_ma", "max_curent_ma", "limits.max_curent_ma", 'did you mean "max_current_ma"?'),
    ],
)
def test_unknown_keys(tmp_path: Path, example: str, old: str, new: str, key: str, says: str) -> None:
    found = {problem.key: problem for problem in problems(tmp_path, example.replace(old, new))}
    assert found[key].code == "unknown"
    assert says in found[key].text
    assert found[key].line


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("title", "title"),
        ("kind", "electrode.kind"),
        ("area_cm2", "electrode.area_cm2"),
        ("max_current_ma", "limits.max_current_ma"),
        ("frequency_hz", "phase 1.frequency_hz"),
        ("pulse_width_us", "phase 1.pulse_width_us"),
        ("duration_min", "phase 1.duration_min"),
    ],
)
def test_what_must_be_there(tmp_path: Path, example: str, line: str, key: str) -> None:
    text = "\n".join(old for old in example.splitlines() if not old.startswith(line))
    problem = only_problem(tmp_path, text)
    assert (problem.code, problem.key) == ("missing", key)


def test_a_missing_area_is_explained(tmp_path: Path, example: str) -> None:
    text = "\n".join(line for line in example.splitlines() if not line.startswith("area_cm2"))
    assert "current density cannot be limited without it" in str(only_problem(tmp_path, text))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('kind = "probe"', 'kind = "needle"', "not_a_choice"),
        ('kind = "probe"', "kind = 1", "not_a_choice"),
        ('title = "Stress incontinence, 35 Hz"', "title = 35", "not_a_text"),
        ('title = "Stress incontinence, 35 Hz"', 'title = ""', "not_a_text"),
        ('title = "Stress incontinence, 35 Hz"', f'title = "{"x" * 61}"', "not_a_text"),
        ('title = "Stress incontinence, 35 Hz"', 'title = "a\\nb"', "not_a_text"),
        ('name = "work"', "name = true", "not_a_text"),
        ("[[phase]]", "[phase]", "missing"),
        ("[limits]\nmax_current_ma = 40", "limits = 3", "not_a_table"),
    ],
)
def test_wrong_types(tmp_path: Path, example: str, old: str, new: str, code: str) -> None:
    text = example.replace(old, new)
    if new == "limits = 3":
        text = "limits = 3\n" + example.replace(old, "")
    assert code in [problem.code for problem in problems(tmp_path, text)]


def test_too_many_phases(tmp_path: Path, example: str) -> None:
    phase = example[example.index("[[phase]]") :]
    problem = only_problem(tmp_path, example + phase * programme.PHASES_MAX)
    assert "at most 8" in problem.text


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path, example: str) -> None:
    text = example.replace("area_cm2 = 4.0", "area_cm2 = 4.001").replace("frequency_hz = 35", "frequenzy_hz = 35")
    found = problems(tmp_path, text.replace("duration_min = 15", "duration_min = inf"))
    assert [problem.key for problem in found if problem.line] == [
        "electrode.area_cm2",
        "phase 1.frequency_hz",
        "phase 1.frequenzy_hz",
        "phase 1.duration_min",
    ]


# ---- files ----


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"\xff\xfe t", b"title = ", b"[[phase", b'title = "half', b"="])
def test_files_that_are_not_toml(tmp_path: Path, content: bytes) -> None:
    problem = only_problem(tmp_path, content)
    assert problem.code in ("not_toml", "unreadable")
    assert "\n" not in str(problem)


def test_the_place_of_a_syntax_error_is_told(tmp_path: Path, example: str) -> None:
    assert "line 5" in str(only_problem(tmp_path, example.replace("area_cm2 = 4.0", "area_cm2 = 4,0")))


def test_deep_nesting(tmp_path: Path) -> None:
    assert only_problem(tmp_path, "a = " + "[" * 30_000).code == "not_toml"


def test_a_huge_file(tmp_path: Path) -> None:
    assert "64 KiB" in str(only_problem(tmp_path, b"#" * 100_000))


def test_a_folder_a_missing_file_and_one_without_end(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.toml", Path("/dev/zero")):
        with pytest.raises(PrescriptionError) as caught:
            Prescription.read(path)
        assert caught.value.problems[0].code == "unreadable"


def test_no_half_of_the_example_is_understood_as_another(tmp_path: Path, example: str) -> None:
    whole = read(tmp_path, example).data
    for length in range(len(example)):
        try:
            cut = read(tmp_path, example[:length]).data
        except PrescriptionError:
            continue
        # Cut after all that is required: only the last number may have lost digits.
        assert length >= example.index("duration_min = 1")
        whole["phases"][0].pop("duration_ms", None)
        cut["phases"][0].pop("duration_ms")
        assert cut == whole


@given(st.text(max_size=200))
def test_any_text_is_understood_or_told_off(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "any.toml"
    path.write_text(text, errors="surrogatepass")
    with pytest.raises(PrescriptionError):
        Prescription.read(path)


@given(st.sampled_from(PHASE_KEYS), st.one_of(st.integers(), st.floats(), st.booleans(), st.text(), st.none()))
def test_any_value_is_understood_or_told_off(key: str, value: object) -> None:
    quantity: Quantity = keys.PHASE[key]
    read_value = Decimal(str(value)) if isinstance(value, float) else value
    number = file._Reader("")._integer(key, read_value, quantity)
    assert isinstance(number, int)
