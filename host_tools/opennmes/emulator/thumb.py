# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Instructions of the emulated CPU that only move numbers between registers and memory, one after another in C.

rp2040py asks for each instruction where the memory is, calls a function of a table, and lets the clock look for alarms.
Nearly all instructions change nothing that an alarm, a peripheral or an interrupt could see or change: they are done
here, with the same result and the same cycles, until one comes that is not of this kind or that ends when an alarm is
due. tests/chip/test_thumb.py compares every instruction with rp2040py's.

thumb.pxd has the types by which `make setup` compiles this file (scripts/compiled.py). As Python it would be slower
than what it spares, and the driver does without (exact.py).
"""

from __future__ import annotations

from rp2040py.memory_map import FLASH_START_ADDRESS, RAM_START_ADDRESS, SIO_START_ADDRESS
from rp2040py.rp2040 import RP2040

COMPILED = not __file__.endswith(".py")
WORD = 0xFFFFFFFF
FLASH, FLASH_BYTES = FLASH_START_ADDRESS, 16 * 1024 * 1024
RAM, RAM_BYTES = RAM_START_ADDRESS, 264 * 1024
ROM_BYTES = 16 * 1024
CPUID = SIO_START_ADDRESS  # the register of SIO that says which core reads it: rp2040py has only the first
MOST_POSITIVE, SIGN = 0x7FFFFFFF, 0x8000_0000  # a bare literal of this size would be a Python object in C


class Thumb:
    """The CPU of `mcu`, whose memory has to stay the buffers that it is.

    `cycles` are those of the last instruction when run() has ended with one that the clock was not told of, else 0.
    """

    def __init__(self, mcu: RP2040) -> None:
        self._core = mcu.core
        self._registers = memoryview(mcu.core.registers)  # type: ignore[arg-type]
        ram, flash = memoryview(mcu.sram), memoryview(mcu.flash)
        rom = memoryview(mcu.bootrom).cast("B")  # type: ignore[arg-type]
        self._ram, self._ram16, self._ram32 = ram, ram.cast("H"), ram.cast("I")
        self._flash, self._flash16, self._flash32 = flash, flash.cast("H"), flash.cast("I")
        self._rom, self._rom16, self._rom32 = rom, rom.cast("H"), rom.cast("I")
        self.cycles = 0

    def run(self, nanos: float, alarm_nanos: float, cycle_nanos: float) -> float:  # long: one instruction after another
        """Carry out instructions from `nanos` on, each of its cycles `cycle_nanos` long. Returns when the last one of
        them began that ended at `alarm_nanos` or later, with its `cycles`; or when one that is not done here begins."""
        core = self._core
        self.cycles = 0
        if core.interrupts_updated:
            return nanos
        registers = self._registers
        negative: int = core.n
        zero: int = core.z
        carry: int = core.c
        overflow: int = core.v
        taken: int
        loads: int
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
            top = opcode >> 11
            low, middle = opcode & 7, opcode >> 3 & 7  # usually Rd or Rt, and Rm or Rn
            if top <= 1:  # LSLS, LSRS by a constant
                value, shift = registers[middle], opcode >> 6 & 31
                if top:
                    carry = value >> (shift - 1 if shift else 31) & 1
                    result = value >> shift if shift else 0
                else:
                    if shift:
                        carry = value >> (32 - shift) & 1
                    result = value << shift & WORD
                negative, zero = result >> 31, result == 0
                registers[low] = result
            elif top == 2:  # ASRS by a constant
                value, shift = registers[middle], opcode >> 6 & 31 or 32
                carry = value >> (shift - 1) & 1
                result = ((value ^ SIGN) - SIGN >> shift) & WORD
                negative, zero = result >> 31, result == 0
                registers[low] = result
            elif top == 3:  # ADDS, SUBS of a register or of 0 to 7
                value, operand = registers[middle], opcode >> 6 & 7
                if not opcode & 0x400:
                    operand = registers[operand]
                if opcode & 0x200:
                    result = value - operand & WORD
                    carry = value >= operand
                    overflow = ((value ^ operand) & (value ^ result)) >> 31
                else:
                    total = value + operand
                    result = total & WORD
                    carry = total >> 32
                    overflow = ((value ^ result) & (operand ^ result)) >> 31
                negative, zero = result >> 31, result == 0
                registers[low] = result
            elif top <= 7:  # MOVS, CMP, ADDS, SUBS with a constant
                target, operand = opcode >> 8 & 7, opcode & 0xFF
                value = registers[target]
                if top == 4:
                    result = operand
                elif top == 6:
                    total = value + operand
                    result = total & WORD
                    carry = total >> 32
                    overflow = (value ^ WORD) & result & SIGN != 0
                else:
                    result = value - operand & WORD
                    carry = value >= operand
                    overflow = value & (result ^ WORD) & SIGN != 0
                negative, zero = result >> 31, result == 0
                if top != 5:
                    registers[target] = result
            elif top == 8 and not opcode & 0x400:  # between two low registers
                value, operand, kind = registers[low], registers[middle], opcode >> 6 & 15
                if kind == 0:
                    result = value & operand  # ANDS
                elif kind == 1:
                    result = value ^ operand  # EORS
                elif kind == 2 or kind == 3 or kind == 4:  # LSLS, LSRS, ASRS
                    if not 1 <= operand & 0xFF <= 31:
                        break
                    shift = operand & 0xFF
                    if kind == 2:
                        carry = value >> (32 - shift) & 1
                        result = value << shift & WORD
                    else:
                        carry = value >> (shift - 1) & 1
                        if kind == 4:
                            value = (value ^ SIGN) - SIGN
                        result = value >> shift & WORD
                elif kind == 5:  # ADCS
                    if value & MOST_POSITIVE == MOST_POSITIVE:
                        break  # rp2040py's own answer: the carry is lost on the way
                    total = value + operand + carry
                    result = total & WORD
                    carry = total >> 32
                    overflow = ((value ^ result) & (operand ^ result)) >> 31
                elif kind == 6:  # SBCS
                    if operand & MOST_POSITIVE == MOST_POSITIVE:
                        break
                    operand = operand + 1 - carry
                    result = value - operand & WORD
                    carry = value >= operand
                    overflow = ((value ^ operand) & (value ^ result)) >> 31
                elif kind == 8:
                    result = value & operand  # TST
                elif kind == 9 or kind == 10:  # RSBS, CMP
                    if kind == 9:
                        value = 0
                    result = value - operand & WORD
                    carry = value >= operand
                    overflow = ((value ^ operand) & (value ^ result)) >> 31
                elif kind == 11:  # CMN
                    total = value + operand
                    result = total & WORD
                    carry = total >> 32
                    overflow = ((value ^ result) & (operand ^ result)) >> 31
                elif kind == 12:
                    result = value | operand  # ORRS
                elif kind == 13:
                    result = value * operand & WORD  # MULS
                elif kind == 14:
                    result = value & (operand ^ WORD)  # BICS
                elif kind == 15:
                    result = operand ^ WORD  # MVNS
                else:
                    break
                negative, zero = result >> 31, result == 0
                if kind != 8 and kind != 10 and kind != 11:
                    registers[low] = result
            elif top == 8:  # with any register
                source, target, kind = opcode >> 3 & 15, opcode >> 4 & 8 | low, opcode >> 8 & 3
                value = pc + 4 + odd if source == 15 else registers[source]
                if kind == 0 or kind == 2:  # ADD, MOV
                    if kind == 0:
                        value = value + (pc + 4 + odd if target == 15 else registers[target]) & WORD
                    if target == 15:
                        after, odd = value & ~1, 0
                        cycles = 2
                    elif target == 13:
                        registers[13] = value & ~3
                    else:
                        registers[target] = value
                elif kind == 1:  # CMP
                    if source == 15 or target == 15:
                        break
                    operand, value = value, registers[target]
                    result = value - operand & WORD
                    negative, zero = result >> 31, result == 0
                    carry = value >= operand
                    overflow = ((value ^ operand) & (value ^ result)) >> 31
                else:  # BX, BLX
                    if low or source == 15 or (in_handler and value >> 28 == 15 and not opcode & 0x80):
                        break
                    if opcode & 0x80:
                        registers[14] = pc + 2 | 1
                        # As rp2040py has it: where a call goes through the link register, it goes on after the call.
                        value = registers[source]
                    after, odd = value & ~1, 0
                    cycles = 2
            elif top <= 19:  # loads and stores
                if top == 9:  # LDR from the words after the code
                    address, target, size, loads = (pc + 4 & ~3) + ((opcode & 0xFF) << 2) & WORD, opcode >> 8 & 7, 4, 1
                elif top <= 11:  # at the sum of two registers
                    address, target = registers[middle] + registers[opcode >> 6 & 7] & WORD, low
                    kind = opcode >> 9 & 7  # STR, STRH, STRB, LDRSB, LDR, LDRH, LDRB, LDRSH
                    loads = kind >= 3
                    size = 4 if not kind & 3 else 2 if kind & 3 == 1 or kind == 7 else 1
                elif top <= 13:  # STR, LDR
                    address, target = registers[middle] + (opcode >> 4 & 0x7C) & WORD, low
                    size, loads = 4, top & 1
                elif top <= 15:  # STRB, LDRB
                    address, target = registers[middle] + (opcode >> 6 & 31) & WORD, low
                    size, loads = 1, top & 1
                elif top <= 17:  # STRH, LDRH
                    address, target = registers[middle] + (opcode >> 5 & 0x3E) & WORD, low
                    size, loads = 2, top & 1
                else:  # STR, LDR on the stack
                    address, target = registers[13] + ((opcode & 0xFF) << 2) & WORD, opcode >> 8 & 7
                    size, loads = 4, top & 1
                if address & (size - 1):
                    break
                cycles = 2
                if RAM <= address < RAM + RAM_BYTES:
                    place = address - RAM
                    if not loads:
                        value = registers[target]
                        if size == 4:
                            self._ram32[place >> 2] = value
                        elif size == 2:
                            self._ram16[place >> 1] = value & 0xFFFF
                        else:
                            self._ram[place] = value & 0xFF
                    elif size == 4:
                        value = self._ram32[place >> 2]
                    else:
                        value = self._ram16[place >> 1] if size == 2 else self._ram[place]
                elif not loads:
                    break
                elif FLASH <= address < FLASH + FLASH_BYTES:
                    place = address - FLASH
                    if size == 4:
                        value = self._flash32[place >> 2]
                    else:
                        value = self._flash16[place >> 1] if size == 2 else self._flash[place]
                elif address < ROM_BYTES:
                    if size == 4:
                        value = self._rom32[address >> 2]
                    else:
                        value = self._rom16[address >> 1] if size == 2 else self._rom[address]
                elif address == CPUID and size == 4:  # asked for with every interrupt that is held back
                    value = 0
                    cycles = 1
                else:
                    break
                if loads:
                    if top == 10 and opcode >> 9 & 3 == 3:
                        value = (value ^ 0x80) - 0x80 & WORD  # LDRSB
                    elif top == 11 and opcode >> 9 & 3 == 3:
                        value = (value ^ 0x8000) - 0x8000 & WORD  # LDRSH
                    registers[target] = value
            elif top == 20:  # ADR
                registers[opcode >> 8 & 7] = (pc + 4 & ~3) + ((opcode & 0xFF) << 2) & WORD
            elif top == 21:  # ADD to the stack pointer
                registers[opcode >> 8 & 7] = registers[13] + ((opcode & 0xFF) << 2) & WORD
            elif top == 22 or top == 23:
                kind = opcode >> 8 & 15
                if kind == 0:  # ADD, SUB of the stack pointer
                    operand = (opcode & 0x7F) << 2
                    registers[13] = registers[13] + (-operand if opcode & 0x80 else operand) & WORD & ~3
                elif kind == 2:  # SXTH, SXTB, UXTH, UXTB
                    value, kind = registers[middle], opcode >> 6 & 3
                    if kind == 0:
                        value = ((value & 0xFFFF) ^ 0x8000) - 0x8000 & WORD
                    elif kind == 1:
                        value = ((value & 0xFF) ^ 0x80) - 0x80 & WORD
                    registers[low] = value & 0xFFFF if kind == 2 else value & 0xFF if kind == 3 else value
                elif kind == 4 or kind == 5 or kind == 12 or kind == 13:  # PUSH, POP
                    count = 0
                    for number in range(9):
                        count += opcode >> number & 1
                    address = registers[13]
                    if kind <= 5:
                        address = address - 4 * count & WORD
                    if address & 3 or not RAM <= address <= RAM + RAM_BYTES - 4 * count:
                        break
                    place = (address - RAM) >> 2
                    if kind <= 5:
                        registers[13] = address
                        for number in range(8):
                            if opcode >> number & 1:
                                self._ram32[place] = registers[number]
                                place += 1
                                cycles += 1
                        if opcode & 0x100:
                            self._ram32[place] = registers[14]
                    else:
                        if opcode & 0x100:
                            value = self._ram32[place + count - 1]
                            if in_handler and value >> 28 == 15:
                                break
                            after, odd = value & ~1, 0
                            cycles = 3
                        for number in range(8):
                            if opcode >> number & 1:
                                registers[number] = self._ram32[place]
                                place += 1
                                cycles += 1
                        registers[13] = address + 4 * count
                elif opcode != 0xBF00:  # NOP
                    break
            elif top == 24 or top == 25:  # STMIA, LDMIA
                target = opcode >> 8 & 7
                address = registers[target]
                count = 0
                for number in range(8):
                    count += opcode >> number & 1
                if address & 3 or not RAM <= address <= RAM + RAM_BYTES - 4 * count:
                    break
                place = (address - RAM) >> 2
                for number in range(8):
                    if opcode >> number & 1:
                        if top == 25:
                            registers[number] = self._ram32[place]
                        else:
                            self._ram32[place] = registers[number]
                        place += 1
                cycles += count
                if not opcode >> target & 1:
                    registers[target] = address + 4 * count
            elif top == 26 or top == 27:  # B on a condition
                kind = opcode >> 9 & 7
                if kind == 0:
                    taken = zero
                elif kind == 1:
                    taken = carry
                elif kind == 2:
                    taken = negative
                elif kind == 3:
                    taken = overflow
                elif kind == 4:
                    taken = carry and not zero
                elif kind == 5:
                    taken = negative == overflow
                elif kind == 6:
                    taken = negative == overflow and not zero
                else:
                    break
                if taken != (opcode >> 8 & 1):
                    after = pc + 4 + (((opcode & 0xFF) ^ 0x80) - 0x80) * 2 & WORD
                    cycles = 2
            elif top == 28:  # B
                after = pc + 4 + (((opcode & 0x7FF) ^ 0x400) - 0x400) * 2 & WORD
                cycles = 2
            elif top == 30:  # BL; nobody here asks rp2040py to tell of calls (bl_taken)
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
        core.n, core.z, core.c, core.v = negative != 0, zero != 0, carry != 0, overflow != 0
        core.cycles += done
        return nanos
