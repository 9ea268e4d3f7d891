# MicroPython's board definition of the Raspberry Pi Pico with the OpenNMES firmware frozen in. What it changes in
# MicroPython's own sources is in patches/ (scripts/toolchain.py).
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
# What of MicroPython's py/ our Python runs through in every turn is compiled for speed like vm.c and map.c, and not for
# size: 7 KB more of flash; all of py/ would be 34 KB. Not the collector: it takes 9.8 ms so instead of 6.0 (measured
# on the emulated chip).
foreach(NAME argcheck bc binary obj objarray objboundmeth objdict objfun objint objint_mpz objlist objtuple objtype
        runtime scheduler stream)
    set_source_files_properties(${MICROPY_DIR}/py/${NAME}.c PROPERTIES COMPILE_OPTIONS "-O2")
endforeach()
