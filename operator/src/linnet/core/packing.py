"""The comparison's state as text, small enough for a status.

A line of JSON says which parts there are, and of how many numbers each; the numbers themselves
follow in eight bytes each. All of it is compressed, and written in base64.
"""

import base64
import json
import zlib
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from linnet.core import compared_pods, comparison
from linnet.core.compared_pods import Followed, PodsCompared
from linnet.core.comparison import CPU, LATENCY, Comparison
from linnet.stats.state import Array, State

NUMBERS = np.dtype("<f8")
FASTEST = 1
"""The compression that takes the least time; more of it makes the text hardly shorter."""


def packed(state: Comparison) -> str:
    """The comparison as status has it."""
    both = vars(state) | vars(state.pods)
    parts = {name: part.flat() for name, part in both.items() if isinstance(part, State)}
    head: dict[str, Any] = {
        "weight": state.weight,
        "edges": state.edges,
        "parts": {name: numbers.size for name, numbers in parts.items()},
    }
    if state.pods.followed != compared_pods.NOBODY:
        head["followed"] = state.pods.followed.to_json()
    numbers = np.concatenate(list(parts.values())).astype(NUMBERS)
    told = json.dumps(head).encode() + b"\n" + numbers.tobytes()
    return base64.b64encode(zlib.compress(told, FASTEST)).decode()


def unpacked(text: str) -> Comparison:
    """What was packed; the beginning where there is nothing that can be read.

    Older operators wrote JSON alone, in one line.
    """
    try:
        head, _, numbers = zlib.decompress(base64.b64decode(text)).partition(b"\n")
        told = json.loads(head)
        if not numbers:
            return Comparison.from_json(told)
        return _filled(told, np.frombuffer(numbers, NUMBERS))
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
        return comparison.begin()


def _filled(head: dict[str, Any], numbers: Array) -> Comparison:
    edges = tuple(float(edge) for edge in head["edges"])
    blank = _blank(len(edges))
    parts: dict[str, Any] = {}
    pods: dict[str, Any] = {}
    if "followed" in head:
        pods["followed"] = Followed.from_json(head["followed"])
    for name, size in head["parts"].items():
        of_pods = hasattr(blank.pods, name)
        part = getattr(blank.pods if of_pods else blank, name).filled(numbers[:size])
        (pods if of_pods else parts)[name], numbers = part, numbers[size:]
    weight = int(head["weight"])
    return Comparison(weight=weight, edges=edges, pods=PodsCompared(**pods), **parts)


@lru_cache(maxsize=16)
def _blank(edges: int) -> Comparison:
    """A comparison with all parts there may be."""
    return replace(
        comparison.begin(),
        latency=LATENCY.begin(edges),
        cpu=CPU.begin(),
        pods=compared_pods.whole(),
    )
