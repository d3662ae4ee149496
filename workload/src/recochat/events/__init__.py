"""What people did with what they were shown: for experiments, and for the next training."""
