"""As much of redis-cli as guides use: `redis-cli -p PORT COMMAND...`; the answer a line each."""

from __future__ import annotations

import sys

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError


def main() -> int:
    """Ask, and say what was answered."""
    assert sys.argv[1] == "-p"
    with Redis(port=int(sys.argv[2]), decode_responses=True) as redis:
        try:
            answer = redis.execute_command(*sys.argv[3:])
        except RedisConnectionError:
            if sys.argv[3].upper() != "SHUTDOWN":
                raise
            return 0
    sys.stdout.write("\n".join(map(str, answer if isinstance(answer, list) else [answer])) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
