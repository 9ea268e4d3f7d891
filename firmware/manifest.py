# The part of the frozen manifest that is the same on every board.
module("boot.py")
module("main.py")
package("nmes", files=None)
