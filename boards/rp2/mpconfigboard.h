// The board's name and what rp2.Flash() reaches are in nmes_board.h: see mpconfigboard.cmake.
// Where a name was found last is kept for 128 of them; our firmware has some thousand, which took each other's place.
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE (4096)
// A Python function's frame of up to so many words lies on the stack. The largest of ours has 41
// (tests/architecture/test_micropython_build.py), so that what claims to allocate nothing takes no frame from the heap.
#define VM_MAX_STATE_ON_STACK          (sizeof(mp_uint_t) * 48)
// Nothing of ours uses these, and what is frozen alone runs. Not so MICROPY_PY_DEFLATE, with which binascii.crc32 comes,
// and MICROPY_PY_MATH_SPECIAL_FUNCTIONS, with which math.log10 does.
#define MICROPY_PY_ASYNCIO             (0)
#define MICROPY_PY_BUILTINS_COMPLEX    (0)
#define MICROPY_PY_CMATH               (0)
#define MICROPY_PY_HEAPQ               (0)
#define MICROPY_PY_RANDOM              (0)
#define MICROPY_PY_RE                  (0)
#define MICROPY_PY_WEBSOCKET           (0)
