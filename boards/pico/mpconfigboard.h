// The name that MicroPython's own banner and os.uname() show.
#define MICROPY_HW_BOARD_NAME          "OpenNMES on Raspberry Pi Pico"
#define MICROPY_HW_FLASH_STORAGE_BYTES (1408 * 1024)
