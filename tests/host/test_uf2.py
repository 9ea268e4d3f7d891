"""UF2 files: what is not whole, or not for this chip, is refused before a byte goes to a board."""

from __future__ import annotations

import hashlib
from pathlib import Path

import bootsel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toolchain
from opennmes.device.uf2 import BLOCK, Uf2Error, read_uf2

FLASH = 2 * 1024 * 1024
DATA = bytes(range(256)) * 8


def written(tmp_path: Path, raw: bytes) -> Path:
    path = tmp_path / "image.uf2"
    path.write_bytes(raw)
    return path


def test_a_whole_file_is_taken_with_what_has_to_be_in_flash(tmp_path):
    image = read_uf2(written(tmp_path, bootsel.uf2(DATA)), FLASH)
    assert (image.chip, image.start, image.data, image.blocks) == ("rp2040", 0x10000000, DATA, 8)
    assert image.sha256 == hashlib.sha256(DATA).hexdigest()


def test_our_own_image_is_taken():
    image = read_uf2(toolchain.uf2("pico"), FLASH)
    assert image.chip == "rp2040"
    assert len(image.data) > 300_000


def test_an_image_of_an_rp2350_may_begin_with_the_block_that_its_rom_ignores(tmp_path):
    ignored = bootsel.uf2(bytes(256), family=0xE48BFF57, start=0x10FFFF00, count=2)
    image = read_uf2(written(tmp_path, ignored + bootsel.uf2(DATA, family=0xE48BFF59)), FLASH)
    assert (image.chip, image.data) == ("rp2350", DATA)


whole = bootsel.uf2(DATA)
swapped = whole[BLOCK : 2 * BLOCK] + whole[:BLOCK] + whole[2 * BLOCK :]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "no UF2"),
        (b"MZ" + bytes(1022), "no UF2"),
        (whole[:-1], "cut short"),
        (whole[: 4 * BLOCK], "4 of the 8 blocks"),
        (whole + whole[:BLOCK], "9 of the 8 blocks"),
        (whole[: 3 * BLOCK] + whole[4 * BLOCK :] + whole[7 * BLOCK :], "block 3 belongs to another"),
        (swapped, "block 0 belongs to another"),
        (bootsel.uf2(DATA, family=0xE48BFF58), "is for data"),
        (bootsel.uf2(DATA, family=0x12345678), "family 0x12345678"),
        (bootsel.uf2(DATA, start=0x10000100), "begins at 0x10000100"),
        (bootsel.uf2(DATA, start=0x20000000), "begins at 0x20000000"),
        (bootsel.uf2(bytes(FLASH + 256)), "do not fit"),
        (whole[:5] + b"\0" + whole[6:], "no UF2"),
        (whole[: BLOCK + 510] + b"\0" + whole[BLOCK + 511 :], "block 1 is damaged"),
    ],
)
def test_what_could_not_be_flashed_whole_is_refused(tmp_path, raw, says):
    with pytest.raises(Uf2Error, match=says):
        read_uf2(written(tmp_path, raw), FLASH)


def test_a_hole_in_the_addresses_is_found(tmp_path):
    first, second = bootsel.uf2(DATA), bootsel.uf2(DATA, start=0x10000100)
    with pytest.raises(Uf2Error, match="hole before block 5"):
        read_uf2(written(tmp_path, first[: 5 * BLOCK] + second[5 * BLOCK :]), FLASH)


@settings(max_examples=200)
@given(at=st.integers(0, len(whole) - 1), bit=st.integers(0, 7))
def test_a_bit_that_changed_outside_the_payload_never_yields_another_image(tmp_path_factory, at, bit):
    raw = bytearray(whole)
    raw[at] ^= 1 << bit
    try:
        image = read_uf2(written(tmp_path_factory.mktemp("uf2"), bytes(raw)), FLASH)
    except Uf2Error:
        return
    # Payload and padding have no check sum in a UF2; reading back after flashing is what finds that.
    assert 32 <= at % BLOCK < BLOCK - 4 or image.data == DATA


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(Uf2Error, match="cannot be read"):
        read_uf2(tmp_path / "none.uf2", FLASH)
    with pytest.raises(Uf2Error, match="cannot be read"):
        read_uf2(tmp_path, FLASH)
