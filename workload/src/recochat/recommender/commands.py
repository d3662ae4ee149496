"""``recochat train``, ``evaluate``, ``generate`` and ``export``: offline, on files."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
from redis.exceptions import RedisError

from recochat.events import export
from recochat.recommender import artifact, builtin, evaluation, files, generator
from recochat.recommender.interactions import Dataset
from recochat.recommender.model import Weights
from recochat.recommender.training import TrainingOptions, train
from recochat.settings import PREFIX

Command = Callable[[argparse.Namespace], None]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to the command line."""
    made = _command(commands, "train", "train a model and write it to a file", _train)
    _data_options(made)
    made.add_argument("--out", type=Path, required=True, help="the file to write")
    made = _command(commands, "evaluate", "train on what came first, judge on the rest", _evaluate)
    _data_options(made)
    made.add_argument("--holdout", type=_share, default=0.2, help="share to judge on (0.2)")
    made.add_argument("--json", type=Path, help="write the figures to this file as well")
    made = _command(commands, "generate", "write made-up data with known preferences", _generate)
    made.add_argument("--out", type=Path, required=True, help="the folder to write")
    made.add_argument("--seed", type=int, default=1)
    made = _command(commands, "export", "add what people said to data, to train on it", _export)
    made.add_argument("--redis", help="URL of the service's Redis (RECOCHAT_REDIS_URL)")
    made.add_argument("--data", type=Path, help="folder with the tables (the built-in data)")
    made.add_argument("--out", type=Path, required=True, help="the folder to write")
    made.add_argument("--format", choices=("csv", "parquet"), default="csv")
    made.add_argument(
        "--likes", type=_names, default=(export.LIKE,), help="events that count as a like (like)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status: 0 done; 1 the data can't be used, which is said."""
    try:
        arguments.run(arguments)
    except (files.DataError, artifact.ModelError, RedisError, OSError, ValueError) as error:
        print(f"recochat {arguments.command}: {error}", file=sys.stderr)
        return 1
    return 0


def _train(arguments: argparse.Namespace) -> None:
    model = artifact.save(train(_data(arguments), _options(arguments)), arguments.out)
    print(
        f"{arguments.out}: model {model.version}, {len(model.catalog.items)} items, "
        f"{len(model.user_ids)} users, {model.interactions} interactions"
    )


def _evaluate(arguments: argparse.Namespace) -> None:
    result = evaluation.evaluate(_data(arguments), _options(arguments), arguments.holdout)
    if arguments.json:
        arguments.json.write_bytes(orjson.dumps(result.as_json(), option=orjson.OPT_INDENT_2))
    print(result.table())


def _generate(arguments: argparse.Namespace) -> None:
    world = generator.generate(arguments.seed)
    files.write(world.dataset, arguments.out)
    print(f"{arguments.out}: {len(world.dataset.interactions)} interactions")


def _export(arguments: argparse.Namespace) -> None:
    url = arguments.redis or os.environ.get(f"{PREFIX}REDIS_URL")
    if not url:
        raise ValueError(f"--redis or {PREFIX}REDIS_URL says where events are")
    before = files.read(arguments.data) if arguments.data else builtin.dataset()
    found = export.learned(before, export.read(url), arguments.likes)
    files.write(found.dataset, arguments.out, arguments.format)
    print(
        f"{arguments.out}: {len(found.dataset.interactions)} interactions "
        f"({len(before.interactions)} before), from {found.liked} likes and {found.disliked} "
        f"dislikes; {found.unknown} events were about items that aren't in the catalogue"
    )


def _data(arguments: argparse.Namespace) -> Dataset:
    if arguments.data is None:
        return builtin.dataset()
    return files.read(arguments.data, arguments.min_rating)


def _options(arguments: argparse.Namespace) -> TrainingOptions:
    return TrainingOptions(weights=arguments.weights, tune=not arguments.no_tuning)


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help_text: str,
    command: Command,
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=help_text, description=help_text)
    made.set_defaults(run=command)
    return made


def _data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="folder with the tables (the built-in data)")
    parser.add_argument("--min-rating", type=float, help="leave out interactions rated lower")
    parser.add_argument(
        "--weights",
        type=_weights,
        default=Weights(),
        help="collaborative,content,persona (0.4,0.4,0.2)",
    )
    parser.add_argument("--no-tuning", action="store_true", help="take the default tuning")


def _weights(text: str) -> Weights:
    return Weights(*(float(part) for part in text.split(",")))


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share < 1:
        raise ValueError(text)
    return share
