"""What stands before the API: limits, back-pressure, and writes that can be repeated."""
