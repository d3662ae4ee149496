"""Sequential tests for canary analysis: numbers in, evidence out. Knows nothing of Kubernetes.

Every test is built the same way. A frozen state starts with `begin`, takes in one window of counts
with `advance`, and can be asked for its evidence after every window: stopping at any moment, for
any reason, keeps the promised rate of false alarms. A state is small, costs the same after a week
as after a minute, and goes through JSON without changing a bit.

Numbers may be arrays of any shape. The operator passes plain numbers; the simulation passes
thousands of releases at once, through the very same code.
"""
