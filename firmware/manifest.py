# The part of the frozen manifest that is the same on every board.
module("_boot.py")
module("boot.py")
module("main.py")
package("nmes", files=None)
# Made by scripts/toolchain.py: the digest of all this.
module("nmes_build.py", base_path="$(NMES_BUILD)")
