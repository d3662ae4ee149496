"""PromQL that can't work, found before it is sent."""

from functools import lru_cache

import promql_parser


@lru_cache(maxsize=4096)
def check(promql: str) -> str:
    """Say what is wrong with a query, '' if nothing is. Placeholders must be filled in before."""
    try:
        parsed = promql_parser.parse(promql)
    except ValueError as error:
        return f"correct the PromQL: {error}"
    if isinstance(parsed, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        return (
            "the query gives a range of values: put rate(), increase() or ..._over_time() round it"
        )
    if isinstance(parsed, promql_parser.StringLiteral):
        return "the query gives a text, not a number"
    return ""
