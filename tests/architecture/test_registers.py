"""Numbers of registers: each stands once, and is what the Pico SDK's own headers say, for the RP2040 and the RP2350."""

import ast
import functools
import re
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

import toolchain

ROOT = Path(__file__).resolve().parent.parent.parent
HAL = ROOT / "firmware" / "nmes" / "hal" / "rp2"
CHIPS = ("rp2040", "rp2350")
SAME, TABLES = "registers", ("registers", *CHIPS)

# What each name is in the SDK's headers, src/<chip>/hardware_regs/include/hardware/regs.
OF_SDK = {
    "XOR": "REG_ALIAS_XOR_BITS",
    "SET": "REG_ALIAS_SET_BITS",
    "CLEAR": "REG_ALIAS_CLR_BITS",
    "DMA_BASE": "DMA_BASE",
    "DMA_CHANNEL": "DMA_CH1_READ_ADDR_OFFSET - DMA_CH0_READ_ADDR_OFFSET",
    "DMA_READ_ADDR": "DMA_CH0_READ_ADDR_OFFSET",
    "DMA_WRITE_ADDR": "DMA_CH0_WRITE_ADDR_OFFSET",
    "DMA_CTRL": "DMA_CH0_AL1_CTRL_OFFSET",
    "DMA_ENABLE": "DMA_CH0_CTRL_TRIG_EN_BITS",
    "DMA_READ_ADDR_TRIG": "DMA_CH0_AL3_READ_ADDR_TRIG_OFFSET",
    "DMA_CHAIN_TO_SHIFT": "DMA_CH0_CTRL_TRIG_CHAIN_TO_LSB",
    "DMA_BUSY": "DMA_CH0_CTRL_TRIG_BUSY_BITS",
    "DMA_MULTI_TRIGGER": "DMA_MULTI_CHAN_TRIGGER_OFFSET",
    "DMA_ABORT": "DMA_CHAN_ABORT_OFFSET",
    "PIO0_BASE": "PIO0_BASE",
    "PIO1_BASE": "PIO1_BASE",
    "PIO_CTRL": "PIO_CTRL_OFFSET",
    "PIO_RESTART": "PIO_CTRL_SM_RESTART_LSB",
    "PIO_CLKDIV_RESTART": "PIO_CTRL_CLKDIV_RESTART_LSB",
    "PIO_FLEVEL": "PIO_FLEVEL_OFFSET",
    "PIO_FLEVEL_SM": "PIO_FLEVEL_TX1_LSB - PIO_FLEVEL_TX0_LSB",
    "PIO_FLEVEL_TX": "PIO_FLEVEL_TX0_BITS",
    "PIO_TXF0": "PIO_TXF0_OFFSET",
    "PIO_RXF0": "PIO_RXF0_OFFSET",
    "PIO_IRQ": "PIO_IRQ_OFFSET",
    "PIO_SM0_EXECCTRL": "PIO_SM0_EXECCTRL_OFFSET * (PIO_SM0_EXECCTRL_EXEC_STALLED_LSB == 31)",
    "PIO_SM0_SHIFTCTRL": "PIO_SM0_SHIFTCTRL_OFFSET",
    "PIO_FJOIN_RX": "PIO_SM0_SHIFTCTRL_FJOIN_RX_BITS",
    "PIO_SM0_ADDR": "PIO_SM0_ADDR_OFFSET",
    "PIO_ADDR": "PIO_SM0_ADDR_BITS",
    "PIO_SM": "PIO_SM1_ADDR_OFFSET - PIO_SM0_ADDR_OFFSET",
    "PWM_BASE": "PWM_BASE",
    "PWM_SLICE": "PWM_CH1_CSR_OFFSET - PWM_CH0_CSR_OFFSET",
    "PWM_DIV": "PWM_CH0_DIV_OFFSET",
    "PWM_DIV_ONE": "1 << PWM_CH0_DIV_INT_LSB",
    "PWM_CC": "PWM_CH0_CC_OFFSET",
    "PWM_TOP": "PWM_CH0_TOP_OFFSET",
    "TREQ_PIO0_TX0": "DREQ_PIO0_TX0",
    "TREQ_PIO0_RX0": "DREQ_PIO0_RX0",
    "TREQ_ADC": "DREQ_ADC",
    "TREQ_PERMANENT": "DMA_CH0_CTRL_TRIG_TREQ_SEL_VALUE_PERMANENT",
    "ADC_BASE": "ADC_BASE",
    "ADC_CS": "ADC_CS_OFFSET",
    "ADC_RESULT": "ADC_RESULT_OFFSET",
    "ADC_RESULT_BITS": "ADC_RESULT_BITS",
    "ADC_FCS": "ADC_FCS_OFFSET",
    "ADC_FIFO": "ADC_FIFO_OFFSET",
    "ADC_FCS_LEVEL": "ADC_FCS_LEVEL_BITS",
    "ADC_FCS_TO_DMA": "1 << ADC_FCS_THRESH_LSB | ADC_FCS_DREQ_EN_BITS | ADC_FCS_EN_BITS",
    "ADC_CONVERT": "ADC_CS_START_ONCE_BITS | ADC_CS_EN_BITS",
    "ADC_TEMPERATURE_ON": "ADC_CS_TS_EN_BITS",
    "ADC_INPUT_SHIFT": "ADC_CS_AINSEL_LSB",
    "ADC_READY": "ADC_CS_READY_BITS",
    "IO_BANK0_BASE": "IO_BANK0_BASE",
    "IO_CTRL0": "IO_BANK0_GPIO0_CTRL_OFFSET",
    "IO_PIN": "IO_BANK0_GPIO1_CTRL_OFFSET - IO_BANK0_GPIO0_CTRL_OFFSET",
    "IO_OUTPUT_LOW": "IO_BANK0_GPIO0_CTRL_OUTOVER_VALUE_LOW << IO_BANK0_GPIO0_CTRL_OUTOVER_LSB",
    "IO_INPUT_LOW": "IO_BANK0_GPIO0_CTRL_INOVER_VALUE_LOW << IO_BANK0_GPIO0_CTRL_INOVER_LSB",
    "IO_INPUT_HIGH": "IO_BANK0_GPIO0_CTRL_INOVER_VALUE_HIGH << IO_BANK0_GPIO0_CTRL_INOVER_LSB",
    "IO_INTR0": "IO_BANK0_INTR0_OFFSET",
    # The first pin of the second register is 8, and it is 4 bytes behind the first.
    "IO_INTR_PINS": "8 * (IO_BANK0_INTR1_GPIO8_EDGE_LOW_BITS == IO_BANK0_INTR0_GPIO0_EDGE_LOW_BITS)"
    " * (IO_BANK0_INTR1_OFFSET - IO_BANK0_INTR0_OFFSET == 4)",
    "IO_INTR_BITS": "IO_BANK0_INTR0_GPIO1_EDGE_LOW_LSB - IO_BANK0_INTR0_GPIO0_EDGE_LOW_LSB",
    "IO_EDGE_LOW": "IO_BANK0_INTR0_GPIO0_EDGE_LOW_BITS",
    "PADS_BASE": "PADS_BANK0_BASE",
    "PADS_GPIO0": "PADS_BANK0_GPIO0_OFFSET",
    "PADS_PIN": "PADS_BANK0_GPIO1_OFFSET - PADS_BANK0_GPIO0_OFFSET",
    "PADS_PULL_DOWN": "PADS_BANK0_GPIO0_PDE_BITS",
    "PADS_PULL_UP": "PADS_BANK0_GPIO0_PUE_BITS",
    "SIO_GPIO_IN": "SIO_BASE + SIO_GPIO_IN_OFFSET",
    "WATCHDOG_BASE": "WATCHDOG_BASE",
    "WATCHDOG_CTRL": "WATCHDOG_CTRL_OFFSET",
    "WATCHDOG_LOAD": "WATCHDOG_LOAD_OFFSET",
    "WATCHDOG_REASON": "WATCHDOG_REASON_OFFSET",
    "WATCHDOG_CAUSE": "WATCHDOG_REASON_FORCE_BITS | WATCHDOG_REASON_TIMER_BITS",
    "WATCHDOG_SCRATCH0": "WATCHDOG_SCRATCH0_OFFSET",
    "WATCHDOG_ENABLE": "WATCHDOG_CTRL_ENABLE_BITS",
    "WATCHDOG_PAUSES": "WATCHDOG_CTRL_PAUSE_DBG0_BITS | WATCHDOG_CTRL_PAUSE_DBG1_BITS | WATCHDOG_CTRL_PAUSE_JTAG_BITS",
    "PSM_BASE": "PSM_BASE",
    "PSM_WDSEL": "PSM_WDSEL_OFFSET",
    "PSM_ALL_BUT_OSCILLATORS": "PSM_WDSEL_BITS & ~(PSM_WDSEL_ROSC_BITS | PSM_WDSEL_XOSC_BITS)",
    "SYSINFO_BASE": "SYSINFO_BASE",
    "SYSINFO_CHIP_ID": "SYSINFO_CHIP_ID_OFFSET",
    "SYSINFO_REVISION_SHIFT": "SYSINFO_CHIP_ID_REVISION_LSB",
}  # fmt: skip
# Instructions, as MicroPython's own assembler makes them.
INSTRUCTIONS = {
    "WAIT_1_GPIO_0": "wait(1, gpio, 0)",
    "PULL_BLOCK": "pull(block)",
    "MOV_ISR_OSR": "mov(isr, osr)",
    "MOV_Y_OSR": "mov(y, osr)",
    "SET_X_0": "set(x, 0)",
    "SET_PINS_0": "set(pins, 0)",
    "SET_PINS_1": "set(pins, 1)",
}
# Other sources of the SDK, or no number of a register: see the tests below.
OTHERWISE = {"JMP", "CPU_HZ", "ADC_FIRST_PIN", "ADC_TEMPERATURE", "WATCHDOG_TICKS_PER_MS", "STEPPINGS_WITH_E9"}


def table(name: str) -> dict[str, int]:
    """The numbers of one of the tables, which holds nothing else, by their names."""
    found: dict[str, int] = {}
    for node in ast.parse((HAL / f"{name}.py").read_text()).body:
        if isinstance(node, ast.Assign):
            (target,), value = node.targets, node.value
            assert isinstance(target, ast.Name) and isinstance(value, ast.Call) and ast.unparse(value.func) == "const"
            assert target.id not in found
            found[target.id] = eval(ast.unparse(value.args[0]), {"__builtins__": {}})
    return found


def of_chip(chip: str) -> dict[str, int]:
    return {**table(SAME), **table(chip)}


@functools.cache
def headers(chip: str) -> dict[str, int]:
    """Every number that the SDK's headers give a name, for a chip."""
    found: dict[str, int] = {}
    for path in (toolchain.sources() / "pico-sdk" / "src" / chip / "hardware_regs").rglob("regs/*.h"):
        for name, text in re.findall(r"^#define (\w+) +([^\n\"/]+)$", path.read_text(), re.M):
            number = re.sub(r"_u\((\w+)\)", r"\1", text).strip()
            if re.fullmatch(r"(?:0x[0-9a-f]+|\d+|[\s<()])+", number):
                found[name] = eval(number, {"__builtins__": {}})
    return found


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", OF_SDK)
def test_every_number_is_what_the_sdk_says(chip, name):
    wanted = eval(OF_SDK[name], {"__builtins__": {}}, headers(chip))
    assert of_chip(chip)[name] == wanted, f"{name} of the {chip}: {wanted:#x} in the SDK"


def test_every_name_of_the_tables_is_compared():
    for chip in CHIPS:
        assert set(of_chip(chip)) == {*OF_SDK, *INSTRUCTIONS, *OTHERWISE}


def test_what_stands_in_the_common_table_stands_nowhere_else_and_what_differs_differs():
    rp2040, rp2350 = (table(chip) for chip in CHIPS)
    assert rp2040.keys() == rp2350.keys() and not rp2040.keys() & table(SAME).keys()
    assert [name for name in rp2040 if rp2040[name] == rp2350[name]] == []


def test_instructions_are_those_of_the_assembler():
    chip, language = ModuleType("_rp2"), ModuleType("micropython")
    chip.PIO = mock.MagicMock()
    language.const = lambda value: value
    made: dict[str, Any] = {}
    with mock.patch.dict("sys.modules", {"_rp2": chip, "micropython": language, "machine": mock.MagicMock()}):
        exec((toolchain.sources() / "micropython/ports/rp2/modules/rp2.py").read_text(), made)
    assemble: Any = made["asm_pio_encode"]
    assert {name: assemble(text, 0) for name, text in INSTRUCTIONS.items()} == {
        name: table(SAME)[name] for name in INSTRUCTIONS
    }
    # It assembles no jump by itself.
    header = (
        toolchain.sources() / "pico-sdk/src/rp2_common/hardware_pio/include/hardware/pio_instructions.h"
    ).read_text()
    assert re.findall(r"pio_instr_bits_jmp = (\w+),", header) == [f"0x{table(SAME)['JMP']:04x}"]


@pytest.mark.parametrize("chip", CHIPS)
def test_the_adc_s_inputs_are_those_of_the_sdk(chip):
    platform = (toolchain.sources() / f"pico-sdk/src/{chip}/hardware_regs/include/hardware/platform_defs.h").read_text()
    # Of the RP2350, the smaller package: RP2350A, as on the Pico 2.
    first = min(int(number) for number in re.findall(r"#define ADC_BASE_PIN _u\((\d+)\)", platform))
    channels = [int(number) for number in re.findall(r"#define NUM_ADC_CHANNELS _u\((\d+)\)", platform)]
    assert of_chip(chip)["ADC_FIRST_PIN"] == first == 26
    assert of_chip(chip)["ADC_TEMPERATURE"] == min(channels) - 1


def test_the_watchdog_counts_as_the_sdk_lets_it():
    source = (toolchain.sources() / "pico-sdk/src/rp2_common/hardware_watchdog/watchdog.c").read_text()
    factors = re.search(
        r"#if PICO_RP2040\n.*\n#define WATCHDOG_XFACTOR (\d)\n#else\n#define WATCHDOG_XFACTOR (\d)", source
    )
    assert factors
    assert [of_chip(chip)["WATCHDOG_TICKS_PER_MS"] for chip in CHIPS] == [
        1_000 * int(each) for each in factors.groups()
    ]


def test_the_steppings_that_have_e9_are_those_up_to_a2():
    source = (toolchain.sources() / "pico-sdk/src/rp2350/pico_platform/platform.c").read_text()
    assert "// 0 == A0, 1 == A1, 2 == A2" in source
    assert [of_chip(chip)["STEPPINGS_WITH_E9"] for chip in CHIPS] == [0, 3]


# ---- and nowhere else ----

# The witness shares nothing with what it judges, the table of registers neither: it has its own numbers, of an RP2040.
WITNESS = ROOT / "firmware" / "witness"
OF_WITNESS = {
    "app.py": {"_CHIP_ID": "SYSINFO_BASE + SYSINFO_CHIP_ID_OFFSET", "_FLASH": "XIP_BASE"},
    "recorder.py": {
        "_DMA": "DMA_BASE",
        "_DMA_STEP": "DMA_CH1_READ_ADDR_OFFSET - DMA_CH0_READ_ADDR_OFFSET",
        "_DMA_COUNT": "DMA_CH0_TRANS_COUNT_OFFSET",
        "_DMA_ABORT": "DMA_CHAN_ABORT_OFFSET",
        "_DMA_CTRL": "DMA_CH0_AL1_CTRL_OFFSET",
        "_PIO0": "PIO0_BASE",
        "_PIO1": "PIO1_BASE",
        "_FDEBUG": "PIO_FDEBUG_OFFSET",
        "_RXF0": "PIO_RXF0_OFFSET",
        "_TIMERAWL": "TIMER_BASE + TIMER_TIMERAWL_OFFSET",
        "_GPIO_IN": "SIO_BASE + SIO_GPIO_IN_OFFSET",
    },
}
OTHERS = sorted(
    {*(ROOT / "firmware").rglob("*.py")}
    - {HAL / f"{name}.py" for name in TABLES}
    - {WITNESS / name for name in OF_WITNESS}
)
LEAST_ADDRESS = 0x1000_0000  # the flash; nothing else is as large


def numbers(path: Path) -> list[int]:
    return [
        n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant) and type(n.value) is int
    ]


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_address_stands_anywhere_else(path):
    bases = {number & ~0xFFF for chip in CHIPS for name, number in of_chip(chip).items() if number >= LEAST_ADDRESS}
    assert [hex(number) for number in numbers(path) if number & ~0xFFF in bases] == []


@pytest.mark.parametrize("file", OF_WITNESS)
def test_the_witness_s_own_numbers_are_what_the_sdk_says(file):
    text = (WITNESS / file).read_text()
    found = {name: eval(number) for name, number in re.findall(r"^(\w+) = const\((0x\w+)\)", text, re.M)}
    sdk = headers("rp2040")
    wanted = {name: eval(said, {"__builtins__": {}}, sdk) for name, said in OF_WITNESS[file].items()}
    assert {name: found.get(name) for name in wanted} == wanted
    # And no address stands there that is none of these.
    pages = {number & ~0xFFF for name, number in sdk.items() if name.endswith("_BASE") and number >= LEAST_ADDRESS}
    assert {number for number in numbers(WITNESS / file) if number & ~0xFFF in pages} <= set(wanted.values())


@pytest.mark.parametrize(
    "path", sorted({*HAL.glob("*.py")} - {HAL / f"{name}.py" for name in TABLES}), ids=lambda p: p.name
)
def test_what_is_read_from_and_written_to_registers_has_names(path):
    """No figure stands with `mem32[...]` but 0, 1, and those of words."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Assign) and any("mem32[" in ast.unparse(target) for target in node.targets):
            parts = [node]
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "mem32":
            parts = [node.slice]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd) and "mem32[" in ast.unparse(node.left):
            parts = [node.right]
        for part in parts:
            values = {n.value for n in ast.walk(part) if isinstance(n, ast.Constant) and type(n.value) is int}
            # 1 is a bit that is shifted, or the level before the top; 8: two words of a table in memory.
            found += [f"line {node.lineno}: {value}" for value in sorted(values - {0, 1, 4, 8})]
    assert found == []
