# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Instructions of the emulated CPU that only move numbers between registers and memory, one after another in C.

rp2040py asks for each instruction where the memory is, calls a function of a table, and lets the clock look for alarms.
Nearly all instructions change nothing that an alarm, a peripheral or an interrupt could see or change: they are done
here, with the same result and the same cycles, until one comes that is not of this kind or that ends when an alarm is
due. Of the registers, those of SIO that only the CPU sees (sio.py) and the timer's time are used here too.
tests/chip/test_thumb.py compares every instruction with rp2040py's.

thumb.pxd has the types by which `make setup` compiles this file (scripts/compiled.py). As Python it would be slower
than what it spares, and the driver does without (exact.py).
"""

from __future__ import annotations

from rp2040py.memory_map import FLASH_START_ADDRESS, RAM_START_ADDRESS, SIO_START_ADDRESS
from rp2040py.rp2040 import RP2040

from opennmes.emulator.sio import quick_registers

COMPILED = not __file__.endswith(".py")
WORD = 0xFFFFFFFF
FLASH, FLASH_BYTES = FLASH_START_ADDRESS, 16 * 1024 * 1024
RAM, RAM_BYTES = RAM_START_ADDRESS, 264 * 1024
ROM_BYTES = 16 * 1024
SIO, SIO_BYTES = SIO_START_ADDRESS, 0x180
TIMERAWH, TIMERAWL = 0x40054024, 0x40054028  # the timer's microseconds, which nothing happens by reading
MOST_POSITIVE, SIGN = 0x7FFFFFFF, 0x8000_0000  # a bare literal of this size would be a Python object in C
COUNT = bytes(bits.bit_count() for bits in range(256))
LOWEST = bytes((bits & -bits).bit_length() - 1 if bits else 0 for bits in range(256))  # of the bits that are set
# With what the instructions of each branch of run() begin: the first prefix is branch 1, and there is none for others.
PREFIXES = (
    "00000", "00001", "00010",  # 1: LSLS, LSRS, ASRS by a constant
    "0001100", "0001101", "0001110", "0001111",  # 4: ADDS, SUBS of a register; of 0 to 7
    "00100", "00101", "00110", "00111",  # 8: MOVS, CMP, ADDS, SUBS with a constant
    "0100000000", "0100000001", "0100000010", "0100000011", "0100000100",  # 12: ANDS, EORS, LSLS, LSRS, ASRS
    "0100000101", "0100000110",  # 17: ADCS, SBCS; RORS is left
    "0100001000", "0100001001", "0100001010", "0100001011",  # 19: TST, RSBS, CMP, CMN
    "0100001100", "0100001101", "0100001110", "0100001111",  # 23: ORRS, MULS, BICS, MVNS
    "01000100", "01000101", "01000110", "01000111",  # 27: ADD, CMP, MOV of any register; BX and BLX
    "01001",  # 31: LDR from the words after the code
    "0101000", "0101001", "0101010",  # 32: STR, STRH, STRB at the sum of two registers
    "0101011", "0101100", "0101101", "0101110", "0101111",  # 35: LDRSB, LDR, LDRH, LDRB, LDRSH there
    "01100", "01101", "01110", "01111", "10000", "10001",  # 40: STR, LDR, STRB, LDRB, STRH, LDRH after a register
    "10010", "10011",  # 46: STR, LDR on the stack
    "10100", "10101", "10110000",  # 48: ADR, ADD to the stack pointer, ADD and SUB of the stack pointer
    "1011001000", "1011001001", "1011001010", "1011001011",  # 51: SXTH, SXTB, UXTH, UXTB
    "1011010", "1011110", "10111111",  # 55: PUSH, POP, NOP
    "11000", "11001",  # 58: STMIA, LDMIA
    "1101000", "1101001", "1101010", "1101011", "1101100", "1101101", "1101110",  # 60: B on a condition, or not
    "11100", "11110",  # 67: B, BL
)  # fmt: skip


def _branches() -> bytes:
    """The branch of run() for each ten bits that an instruction can begin with; 0 for none."""
    branches = bytearray(1024)
    for branch, prefix in enumerate(PREFIXES, 1):
        begin = int(prefix.ljust(10, "0"), 2)
        end = begin + (1 << 10 - len(prefix))
        branches[begin:end] = bytes([branch]) * (end - begin)
    return bytes(branches)


BRANCHES = _branches()


class Thumb:
    """The CPU of `mcu`, whose memory has to stay the buffers that it is.

    `cycles` are those of the last instruction when run() has ended with one that the clock was not told of, else 0.
    """

    def __init__(self, mcu: RP2040) -> None:
        self._core = mcu.core
        self._sio = quick_registers(mcu)
        self._timer = mcu.timer
        self._registers = memoryview(mcu.core.registers)  # type: ignore[arg-type]
        ram, flash = memoryview(mcu.sram), memoryview(mcu.flash)
        rom = memoryview(mcu.bootrom).cast("B")  # type: ignore[arg-type]
        self._ram, self._ram16, self._ram32 = ram, ram.cast("H"), ram.cast("I")
        self._flash, self._flash16, self._flash32 = flash, flash.cast("H"), flash.cast("I")
        self._rom, self._rom16, self._rom32 = rom, rom.cast("H"), rom.cast("I")
        self.cycles = 0

    def _word(self, address: int) -> int:
        """The word at an address; -1 where rp2040py has to read it, as for the two below."""
        if address & 3:
            return -1
        if RAM <= address < RAM + RAM_BYTES:
            return self._ram32[(address - RAM) >> 2]
        if FLASH <= address < FLASH + FLASH_BYTES:
            return self._flash32[(address - FLASH) >> 2]
        if address < ROM_BYTES:
            return self._rom32[address >> 2]
        return -1

    def _half(self, address: int) -> int:
        if address & 1:
            return -1
        if RAM <= address < RAM + RAM_BYTES:
            return self._ram16[(address - RAM) >> 1]
        if FLASH <= address < FLASH + FLASH_BYTES:
            return self._flash16[(address - FLASH) >> 1]
        if address < ROM_BYTES:
            return self._rom16[address >> 1]
        return -1

    def _byte(self, address: int) -> int:
        if RAM <= address < RAM + RAM_BYTES:
            return self._ram[address - RAM]
        if FLASH <= address < FLASH + FLASH_BYTES:
            return self._flash[address - FLASH]
        if address < ROM_BYTES:
            return self._rom[address]
        return -1

    def _put_word(self, address: int, value: int) -> bool:
        """Write a word; False where rp2040py has to do it, as for the two below."""
        if address & 3 or not RAM <= address < RAM + RAM_BYTES:
            return False
        self._ram32[(address - RAM) >> 2] = value
        return True

    def _put_half(self, address: int, value: int) -> bool:
        if address & 1 or not RAM <= address < RAM + RAM_BYTES:
            return False
        self._ram16[(address - RAM) >> 1] = value & 0xFFFF
        return True

    def _put_byte(self, address: int, value: int) -> bool:
        if not RAM <= address < RAM + RAM_BYTES:
            return False
        self._ram[address - RAM] = value & 0xFF
        return True

    def _register(self, address: int, nanos: float) -> int:
        """What the register of SIO or of the timer at an address reads as, at `nanos`; -1 where rp2040py has to read
        it."""
        if address & 3 == 0 and SIO <= address < SIO + SIO_BYTES:
            return self._sio.read(address - SIO)
        if address != TIMERAWH and address != TIMERAWL:
            return -1
        micros = int((nanos - self._timer._epoch_nanos) / 1000)
        return micros >> 32 if address == TIMERAWH else micros & WORD

    def _put_sio(self, address: int, value: int) -> int:
        """Write a register of SIO. Returns the cycles of a division, else 0; -1 where rp2040py has to do it."""
        if address & 3 or not SIO <= address < SIO + SIO_BYTES:
            return -1
        return self._sio.write(address - SIO, value)

    def run(self, nanos: float, alarm_nanos: float, cycle_nanos: float) -> float:  # long: one branch a kind
        """Carry out instructions from `nanos` on, each of its cycles `cycle_nanos` long. Returns when the last one of
        them began that ended at `alarm_nanos` or later, with its `cycles`; or when one that is not done here begins.

        In a branch nothing is decided that the instruction alone decides: a computer guesses one way through a table
        well, and a chain of questions badly, which would take most of the time.
        """
        core = self._core
        self.cycles = 0
        if core.interrupts_updated:
            return nanos
        registers = self._registers
        branches, lowest, count_of = BRANCHES, LOWEST, COUNT
        negative: int = core.n
        zero: int = core.z
        carry: int = core.c
        overflow: int = core.v
        # The last result: the flag Z stands for its lower 32 bits being 0, and N for any bit above them or the 32nd.
        last = (SIGN << 1 if zero else SIGN) if negative else 1 - zero
        in_handler = core.current_mode != 0
        done = 0  # cycles
        odd = registers[15] & 1  # of a vector, until the first return or jump to a register
        pc = registers[15] - odd
        while True:
            if FLASH <= pc < FLASH + FLASH_BYTES:
                opcode = self._flash16[(pc - FLASH) >> 1]
            elif RAM <= pc < RAM + RAM_BYTES:
                opcode = self._ram16[(pc - RAM) >> 1]
            elif pc < ROM_BYTES:
                opcode = self._rom16[pc >> 1]
            else:
                break
            after = pc + 2
            cycles = 1
            low, middle = opcode & 7, opcode >> 3 & 7  # usually Rd or Rt, and Rm or Rn
            branch = branches[opcode >> 6]
            if branch == 1:  # LSLS by a constant; by 0, MOVS
                value, shift = registers[middle], opcode >> 6 & 31
                if shift:
                    carry = value >> (32 - shift) & 1
                last = value << shift & WORD
                registers[low] = last
            elif branch == 2:  # LSRS by a constant
                value, shift = registers[middle], opcode >> 6 & 31
                carry = value >> (shift - 1 if shift else 31) & 1
                last = value >> shift if shift else 0
                registers[low] = last
            elif branch == 3:  # ASRS by a constant
                value, shift = registers[middle], opcode >> 6 & 31 or 32
                carry = value >> (shift - 1) & 1
                last = ((value ^ SIGN) - SIGN >> shift) & WORD
                registers[low] = last
            elif branch == 4:  # ADDS of two registers
                value, operand = registers[middle], registers[opcode >> 6 & 7]
                total = value + operand
                last = total & WORD
                carry = total >> 32
                overflow = ((value ^ last) & (operand ^ last)) >> 31
                registers[low] = last
            elif branch == 5:  # SUBS of two registers
                value, operand = registers[middle], registers[opcode >> 6 & 7]
                last = value - operand & WORD
                carry = value >= operand
                overflow = ((value ^ operand) & (value ^ last)) >> 31
                registers[low] = last
            elif branch == 6:  # ADDS of 0 to 7
                value = registers[middle]
                total = value + (opcode >> 6 & 7)
                last = total & WORD
                carry = total >> 32
                overflow = (value ^ WORD) & last & SIGN != 0
                registers[low] = last
            elif branch == 7:  # SUBS of 0 to 7
                value, operand = registers[middle], opcode >> 6 & 7
                last = value - operand & WORD
                carry = value >= operand
                overflow = value & (last ^ WORD) & SIGN != 0
                registers[low] = last
            elif branch == 8:  # MOVS of a constant
                last = opcode & 0xFF
                registers[opcode >> 8 & 7] = last
            elif branch == 9:  # CMP with a constant
                value, operand = registers[opcode >> 8 & 7], opcode & 0xFF
                last = value - operand & WORD
                carry = value >= operand
                overflow = value & (last ^ WORD) & SIGN != 0
            elif branch == 10:  # ADDS of a constant
                target = opcode >> 8 & 7
                value = registers[target]
                total = value + (opcode & 0xFF)
                last = total & WORD
                carry = total >> 32
                overflow = (value ^ WORD) & last & SIGN != 0
                registers[target] = last
            elif branch == 11:  # SUBS of a constant
                target, operand = opcode >> 8 & 7, opcode & 0xFF
                value = registers[target]
                last = value - operand & WORD
                carry = value >= operand
                overflow = value & (last ^ WORD) & SIGN != 0
                registers[target] = last
            elif branch == 12:  # ANDS
                last = registers[low] & registers[middle]
                registers[low] = last
            elif branch == 13:  # EORS
                last = registers[low] ^ registers[middle]
                registers[low] = last
            elif branch == 14:  # LSLS
                value, shift = registers[low], registers[middle] & 0xFF
                if not 1 <= shift <= 31:
                    break
                carry = value >> (32 - shift) & 1
                last = value << shift & WORD
                registers[low] = last
            elif branch == 15:  # LSRS
                value, shift = registers[low], registers[middle] & 0xFF
                if not 1 <= shift <= 31:
                    break
                carry = value >> (shift - 1) & 1
                last = value >> shift
                registers[low] = last
            elif branch == 16:  # ASRS
                value, shift = registers[low], registers[middle] & 0xFF
                if not 1 <= shift <= 31:
                    break
                carry = value >> (shift - 1) & 1
                last = ((value ^ SIGN) - SIGN >> shift) & WORD
                registers[low] = last
            elif branch == 17:  # ADCS
                value, operand = registers[low], registers[middle]
                if value & MOST_POSITIVE == MOST_POSITIVE:
                    break  # rp2040py's own answer: the carry is lost on the way
                total = value + operand + carry
                last = total & WORD
                carry = total >> 32
                overflow = ((value ^ last) & (operand ^ last)) >> 31
                registers[low] = last
            elif branch == 18:  # SBCS
                value, operand = registers[low], registers[middle]
                if operand & MOST_POSITIVE == MOST_POSITIVE:
                    break
                operand = operand + 1 - carry
                last = value - operand & WORD
                carry = value >= operand
                overflow = ((value ^ operand) & (value ^ last)) >> 31
                registers[low] = last
            elif branch == 19:  # TST
                last = registers[low] & registers[middle]
            elif branch == 20:  # RSBS
                operand = registers[middle]
                last = -operand & WORD
                carry = operand == 0
                overflow = (operand & last) >> 31
                registers[low] = last
            elif branch == 21:  # CMP
                value, operand = registers[low], registers[middle]
                last = value - operand & WORD
                carry = value >= operand
                overflow = ((value ^ operand) & (value ^ last)) >> 31
            elif branch == 22:  # CMN
                value, operand = registers[low], registers[middle]
                total = value + operand
                last = total & WORD
                carry = total >> 32
                overflow = ((value ^ last) & (operand ^ last)) >> 31
            elif branch == 23:  # ORRS
                last = registers[low] | registers[middle]
                registers[low] = last
            elif branch == 24:  # MULS
                value, operand = registers[low], registers[middle]
                last = value * operand & WORD
                registers[low] = last
            elif branch == 25:  # BICS
                last = registers[low] & (registers[middle] ^ WORD)
                registers[low] = last
            elif branch == 26:  # MVNS
                last = registers[middle] ^ WORD
                registers[low] = last
            elif branch == 27:  # ADD of any registers
                source, target = opcode >> 3 & 15, opcode >> 4 & 8 | low
                value = pc + 4 + odd if source == 15 else registers[source]
                value = value + (pc + 4 + odd if target == 15 else registers[target]) & WORD
                if target == 15:
                    after, odd = value & ~1, 0
                    cycles = 2
                else:
                    registers[target] = value & ~3 if target == 13 else value
            elif branch == 28:  # CMP of any registers
                source, target = opcode >> 3 & 15, opcode >> 4 & 8 | low
                if source == 15 or target == 15:
                    break
                value, operand = registers[target], registers[source]
                last = value - operand & WORD
                carry = value >= operand
                overflow = ((value ^ operand) & (value ^ last)) >> 31
            elif branch == 29:  # MOV of any register
                source, target = opcode >> 3 & 15, opcode >> 4 & 8 | low
                value = pc + 4 + odd if source == 15 else registers[source]
                if target == 15:
                    after, odd = value & ~1, 0
                    cycles = 2
                else:
                    registers[target] = value & ~3 if target == 13 else value
            elif branch == 30:  # BX, BLX
                source = opcode >> 3 & 15
                value = registers[source]
                if low or source == 15 or (in_handler and value >> 28 == 15 and not opcode & 0x80):
                    break
                if opcode & 0x80:
                    registers[14] = pc + 2 | 1
                    # As rp2040py has it: where a call goes through the link register, it goes on after the call.
                    value = registers[source]
                after, odd = value & ~1, 0
                cycles = 2
            elif branch == 31:  # LDR from the words after the code
                value = self._word((pc + 4 & ~3) + ((opcode & 0xFF) << 2) & WORD)
                if value < 0:
                    break
                registers[opcode >> 8 & 7] = value
                cycles = 2
            elif branch == 32:  # STR at the sum of two registers
                address = registers[middle] + registers[opcode >> 6 & 7] & WORD
                cycles = 2
                if not self._put_word(address, registers[low]):
                    divides = self._put_sio(address, registers[low])
                    if divides < 0:
                        break
                    done += divides  # rp2040py counts them, and lets no time pass for them
                    cycles = 1
            elif branch == 33:  # STRH
                if not self._put_half(registers[middle] + registers[opcode >> 6 & 7] & WORD, registers[low]):
                    break
                cycles = 2
            elif branch == 34:  # STRB
                if not self._put_byte(registers[middle] + registers[opcode >> 6 & 7] & WORD, registers[low]):
                    break
                cycles = 2
            elif branch == 35:  # LDRSB
                value = self._byte(registers[middle] + registers[opcode >> 6 & 7] & WORD)
                if value < 0:
                    break
                registers[low] = (value ^ 0x80) - 0x80 & WORD
                cycles = 2
            elif branch == 36:  # LDR
                address = registers[middle] + registers[opcode >> 6 & 7] & WORD
                value = self._word(address)
                cycles = 2
                if value < 0:
                    value = self._register(address, nanos)
                    if value < 0:
                        break
                    cycles = 1 if address >= SIO else 4
                registers[low] = value
            elif branch == 37:  # LDRH
                value = self._half(registers[middle] + registers[opcode >> 6 & 7] & WORD)
                if value < 0:
                    break
                registers[low] = value
                cycles = 2
            elif branch == 38:  # LDRB
                value = self._byte(registers[middle] + registers[opcode >> 6 & 7] & WORD)
                if value < 0:
                    break
                registers[low] = value
                cycles = 2
            elif branch == 39:  # LDRSH
                value = self._half(registers[middle] + registers[opcode >> 6 & 7] & WORD)
                if value < 0:
                    break
                registers[low] = (value ^ 0x8000) - 0x8000 & WORD
                cycles = 2
            elif branch == 40:  # STR after a register
                address = registers[middle] + (opcode >> 4 & 0x7C) & WORD
                cycles = 2
                if not self._put_word(address, registers[low]):
                    divides = self._put_sio(address, registers[low])
                    if divides < 0:
                        break
                    done += divides  # rp2040py counts them, and lets no time pass for them
                    cycles = 1
            elif branch == 41:  # LDR
                address = registers[middle] + (opcode >> 4 & 0x7C) & WORD
                value = self._word(address)
                cycles = 2
                if value < 0:
                    value = self._register(address, nanos)
                    if value < 0:
                        break
                    cycles = 1 if address >= SIO else 4
                registers[low] = value
            elif branch == 42:  # STRB
                if not self._put_byte(registers[middle] + (opcode >> 6 & 31) & WORD, registers[low]):
                    break
                cycles = 2
            elif branch == 43:  # LDRB
                value = self._byte(registers[middle] + (opcode >> 6 & 31) & WORD)
                if value < 0:
                    break
                registers[low] = value
                cycles = 2
            elif branch == 44:  # STRH
                if not self._put_half(registers[middle] + (opcode >> 5 & 0x3E) & WORD, registers[low]):
                    break
                cycles = 2
            elif branch == 45:  # LDRH
                value = self._half(registers[middle] + (opcode >> 5 & 0x3E) & WORD)
                if value < 0:
                    break
                registers[low] = value
                cycles = 2
            elif branch == 46:  # STR on the stack
                if not self._put_word(registers[13] + ((opcode & 0xFF) << 2) & WORD, registers[opcode >> 8 & 7]):
                    break
                cycles = 2
            elif branch == 47:  # LDR on the stack
                value = self._word(registers[13] + ((opcode & 0xFF) << 2) & WORD)
                if value < 0:
                    break
                registers[opcode >> 8 & 7] = value
                cycles = 2
            elif branch == 48:  # ADR
                registers[opcode >> 8 & 7] = (pc + 4 & ~3) + ((opcode & 0xFF) << 2) & WORD
            elif branch == 49:  # ADD to the stack pointer
                registers[opcode >> 8 & 7] = registers[13] + ((opcode & 0xFF) << 2) & WORD
            elif branch == 50:  # ADD, SUB of the stack pointer
                operand = (opcode & 0x7F) << 2
                registers[13] = registers[13] + (-operand if opcode & 0x80 else operand) & WORD & ~3
            elif branch == 51:  # SXTH
                value = registers[middle]
                registers[low] = ((value & 0xFFFF) ^ 0x8000) - 0x8000 & WORD
            elif branch == 52:  # SXTB
                value = registers[middle]
                registers[low] = ((value & 0xFF) ^ 0x80) - 0x80 & WORD
            elif branch == 53:  # UXTH
                registers[low] = registers[middle] & 0xFFFF
            elif branch == 54:  # UXTB
                registers[low] = registers[middle] & 0xFF
            elif branch == 55:  # PUSH
                bits = opcode & 0xFF
                count = count_of[bits] + (opcode >> 8 & 1)
                address = registers[13] - 4 * count & WORD
                if address & 3 or not RAM <= address <= RAM + RAM_BYTES - 4 * count:
                    break
                registers[13] = address
                place = (address - RAM) >> 2
                while bits:
                    self._ram32[place] = registers[lowest[bits]]
                    bits &= bits - 1
                    place += 1
                    cycles += 1
                if opcode & 0x100:
                    self._ram32[place] = registers[14]
            elif branch == 56:  # POP
                bits = opcode & 0xFF
                count = count_of[bits] + (opcode >> 8 & 1)
                address = registers[13]
                if address & 3 or not RAM <= address <= RAM + RAM_BYTES - 4 * count:
                    break
                place = (address - RAM) >> 2
                if opcode & 0x100:
                    value = self._ram32[place + count - 1]
                    if in_handler and value >> 28 == 15:
                        break
                    after, odd = value & ~1, 0
                    cycles = 3
                while bits:
                    registers[lowest[bits]] = self._ram32[place]
                    bits &= bits - 1
                    place += 1
                    cycles += 1
                registers[13] = address + 4 * count
            elif branch == 57:  # NOP
                if opcode & 0xFF:
                    break
            elif branch == 58 or branch == 59:  # STMIA, LDMIA
                bits, target = opcode & 0xFF, opcode >> 8 & 7
                count, address = count_of[bits], registers[target]
                if address & 3 or not RAM <= address <= RAM + RAM_BYTES - 4 * count:
                    break
                place = (address - RAM) >> 2
                cycles += count
                if branch == 58:
                    while bits:
                        self._ram32[place] = registers[lowest[bits]]
                        bits &= bits - 1
                        place += 1
                else:
                    while bits:
                        registers[lowest[bits]] = self._ram32[place]
                        bits &= bits - 1
                        place += 1
                if not opcode >> target & 1:
                    registers[target] = address + 4 * count
            elif branch == 60:  # BEQ, BNE
                if (last & WORD == 0) != (opcode >> 8 & 1):
                    after = pc + 4 + (((opcode & 0xFF) ^ 0x80) - 0x80) * 2 & WORD
                    cycles = 2
            elif branch == 61:  # BCS, BCC
                if carry != (opcode >> 8 & 1):
                    after = pc + 4 + (((opcode & 0xFF) ^ 0x80) - 0x80) * 2 & WORD
                    cycles = 2
            elif branch == 62:  # BMI, BPL
                if (last >> 31 != 0) != (opcode >> 8 & 1):
                    after = pc + 4 + (((opcode & 0xFF) ^ 0x80) - 0x80) * 2 & WORD
                    cycles = 2
            elif branch == 63:  # BVS, BVC
                if overflow != (opcode >> 8 & 1):
                    after = pc + 4 + (((opcode & 0xFF) ^ 0x80) - 0x80) * 2 & WORD
                    cycles = 2
            elif branch == 64:  # BHI, BLS
                if (carry and last & WORD != 0) != (opcode >> 8 & 1):
                    after = pc + 4 + (((opcode & 0xFF) ^ 0x80) - 0x80) * 2 & WORD
                    cycles = 2
            elif branch == 65:  # BGE, BLT
                if ((last >> 31 != 0) == overflow) != (opcode >> 8 & 1):
                    after = pc + 4 + (((opcode & 0xFF) ^ 0x80) - 0x80) * 2 & WORD
                    cycles = 2
            elif branch == 66:  # BGT, BLE
                if ((last >> 31 != 0) == overflow and last & WORD != 0) != (opcode >> 8 & 1):
                    after = pc + 4 + (((opcode & 0xFF) ^ 0x80) - 0x80) * 2 & WORD
                    cycles = 2
            elif branch == 67:  # B
                after = pc + 4 + (((opcode & 0x7FF) ^ 0x400) - 0x400) * 2 & WORD
                cycles = 2
            elif branch == 68:  # BL; nobody here asks rp2040py to tell of calls (bl_taken)
                if FLASH <= pc < FLASH + FLASH_BYTES - 2:
                    second = self._flash16[(pc + 2 - FLASH) >> 1]
                elif RAM <= pc < RAM + RAM_BYTES - 2:
                    second = self._ram16[(pc + 2 - RAM) >> 1]
                elif pc < ROM_BYTES - 2:
                    second = self._rom16[pc + 2 >> 1]
                else:
                    break
                if second & 0xD000 != 0xD000:
                    break
                sign = opcode >> 10 & 1
                operand = (opcode & 0x3FF) << 12 | (second & 0x7FF) << 1
                operand |= (1 - (sign ^ second >> 13 & 1)) << 23 | (1 - (sign ^ second >> 11 & 1)) << 22
                registers[14] = pc + 4 | 1
                after = pc + 4 + operand - (sign << 24) & WORD
                cycles = 3
            else:
                break
            pc = after
            done += cycles
            end_nanos = nanos + cycles * cycle_nanos
            if end_nanos >= alarm_nanos:
                self.cycles = cycles
                break
            nanos = end_nanos
        registers[15] = pc | odd
        core.n, core.z, core.c, core.v = last >> 31 != 0, last & WORD == 0, carry != 0, overflow != 0
        core.cycles += done
        return nanos
