"""What a user writes and reads: the models of a CanaryRelease. No logic, no I/O."""
