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
    ),
)
# Made by scripts/toolchain.py: the digest of all this.
module("nmes_build.py", base_path="$(NMES_BUILD)")
