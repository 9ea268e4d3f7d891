// The name that MicroPython's own banner and os.uname() show.
#define MICROPY_HW_BOARD_NAME          "OpenNMES on Raspberry Pi Pico"
// What rp2.Flash() reaches: the store's raw sectors, the file system, the raw sectors of the sessions' records.
// boards/pico/board.py divides it, and our own _boot.py mounts only the file system, which begins where MicroPython has
// it on every Pico.
#define MICROPY_HW_FLASH_STORAGE_BYTES ((128 + 1216 + 192) * 1024)
// Where a name was found last is kept for 128 of them; our firmware has some thousand, which took each other's place.
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE (4096)
// A Python function's frame of up to so many words lies on the stack. The largest of ours has 41
// (tests/architecture/test_micropython_build.py), so that what claims to allocate nothing takes no frame from the heap.
#define VM_MAX_STATE_ON_STACK          (sizeof(mp_uint_t) * 48)
