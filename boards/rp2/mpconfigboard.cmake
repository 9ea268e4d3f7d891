# MicroPython's board definition for every image of OpenNMES, with our firmware frozen in. scripts/toolchain.py says which
# of the Pico SDK's boards it is (NMES_SDK_BOARD, boards/*/about.py) and which chip (NMES_PLATFORM); what it changes in
# MicroPython's own sources is in patches/.
set(PICO_BOARD "${NMES_SDK_BOARD}")
set(PICO_PLATFORM "${NMES_PLATFORM}")
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
# Name and flash of one board, in a header that scripts/toolchain.py writes. Only these files see it, so that all boards
# of a chip share what is compiled: the next board is seconds, not a minute.
foreach(NAME py/modsys extmod/modos shared/runtime/pyexec ports/rp2/rp2_flash)
    set_source_files_properties(${MICROPY_DIR}/${NAME}.c PROPERTIES
        COMPILE_OPTIONS "-include;${MICROPY_MANIFEST_NMES_BUILD}/nmes_board.h")
endforeach()
# What of MicroPython's py/ our Python runs through in every turn is compiled for speed like vm.c and map.c, and not for
# size: 7 KB more of flash; all of py/ would be 34 KB. Not the collector: it takes 9.8 ms so instead of 6.0 (measured
# on the emulated chip).
foreach(NAME argcheck bc binary obj objarray objboundmeth objdict objfun objint objint_mpz objlist objtuple objtype
        runtime scheduler stream)
    set_source_files_properties(${MICROPY_DIR}/py/${NAME}.c PROPERTIES COMPILE_OPTIONS "-O2")
endforeach()
