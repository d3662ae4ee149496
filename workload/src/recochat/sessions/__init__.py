"""Where conversations are kept: one protocol, in the process or in Redis."""
