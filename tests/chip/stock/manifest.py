# What a stock rp2 build freezes, but for the sensor drivers of micropython-lib, which nothing here uses.
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
