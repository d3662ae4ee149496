"""How traffic is split. One module per way, one line each in `registry`."""
