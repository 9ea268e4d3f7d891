# What is frozen into the witness's image beside rp2.py and the table of pins: boards/*/manifest.py includes this one in
# the place of firmware/manifest.py (scripts/toolchain.py, witness_uf2).
module("_boot.py")
module("main.py")
package("witness", ("__init__.py", "app.py", "edges_pio.py", "frames.py", "recorder.py", "wires.py"), base_path="..")
# Made by scripts/toolchain.py: the digest of all this.
module("witness_build.py", base_path="$(NMES_BUILD)")
