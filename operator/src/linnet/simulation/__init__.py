"""Made-up traffic to try decisions on: thousands of releases at once, the same for a seed."""
