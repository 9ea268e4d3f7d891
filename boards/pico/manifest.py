# What is frozen into this board's UF2. The port's own manifest asks for micropython-lib, which Debian's source
# package leaves out and which we do not need.
freeze("$(PORT_DIR)/modules")
include("$(BOARD_DIR)/../../firmware/manifest.py")
module("board.py", base_path="$(BOARD_DIR)")
package("stages", base_path="$(BOARD_DIR)/..")
