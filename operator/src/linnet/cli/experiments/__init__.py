"""`linnet experiment`: A/B experiments before and while they run, without a cluster."""
