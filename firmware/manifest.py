# The part of the frozen manifest that is the same on every board.
import os

# What the chip never imports: the virtual board's hardware, and words that only the host and people read
# (host_tools/opennmes/device/modules.py leaves out the same; a test compares).
NOT_FROZEN = (
    "nmes/hal/contract.py",
    "nmes/hal/virtual.py",
    "nmes/core/command_words.py",
    "nmes/core/fault_words.py",
    "nmes/core/reason_words.py",
)

module("_boot.py")
module("boot.py")
module("main.py")
package(
    "nmes",
    files=sorted(
        os.path.relpath(os.path.join(folder, name), "nmes")
        for folder, _, names in os.walk("nmes")
        for name in names
        if name.endswith(".py") and os.path.join(folder, name).replace(os.sep, "/") not in NOT_FROZEN
        if folder.replace(os.sep, "/") != "nmes/hal/rp2"
    ),
)
# Made by scripts/toolchain.py: nmes/hal/rp2 with the numbers of the chip's registers in the place of their names
# (host_tools/opennmes/device/numbers.py), and the digest of all this.
package("nmes", base_path="$(NMES_BUILD)")
module("nmes_build.py", base_path="$(NMES_BUILD)")
