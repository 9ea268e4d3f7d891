import micropython

# From the first line on Ctrl-C is a byte like any other, for the link to judge: held down while a locked board starts
# it would end at the prompt, where the key can be read.
micropython.kbd_intr(-1)

from nmes.app import run  # noqa: E402

run()
