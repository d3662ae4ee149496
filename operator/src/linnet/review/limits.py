"""A check's two limits in words."""

from linnet.core.catalog import Check


def goes_on(check: Check) -> str:
    """The limit that lets the release go on; '' without one."""
    if check.at_most is not None:
        return f"≤ {check.at_most:g}{check.unit}"
    return "" if check.at_least is None else f"≥ {check.at_least:g}{check.unit}"


def rolls_back(check: Check) -> str:
    """The limit that rolls back, and how often in a row."""
    limit = f"> {check.above:g}" if check.above is not None else f"< {check.below:g}"
    return f"{limit}{check.unit} {check.consecutive} times in a row"
