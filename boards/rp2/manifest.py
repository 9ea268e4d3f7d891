# What is frozen into a board's UF2, and nothing else can run (firmware/_boot.py). Of the port's own modules rp2.py is
# the one that we use; its _boot.py would format a file system that it cannot mount.
module("rp2.py", base_path="$(PORT_DIR)/modules")
include("$(NMES_FIRMWARE)/manifest.py")  # firmware, or firmware/witness
module("board.py", base_path="$(NMES_BUILD)")  # the board's facts, with the stage that the image is for
package("stages", base_path="$(BOARD_DIR)/..")
