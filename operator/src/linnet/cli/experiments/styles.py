"""How results of experiments look in a terminal."""

STYLES = {
    "Success": "green",
    "Conditional": "yellow",
    "Stopped": "yellow",
    "Failure": "red",
    "Invalid": "red",
}
