"""How a command ends: 0 done, 1 something is wrong, 2 bad settings or arguments; an error is one line on stderr."""

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from resources.errors import RagError, SettingsError


def command(*, json_flag: bool = True) -> Callable[[Callable[..., int | None]], Callable[..., None]]:
    """Errors become one line on stderr and an exit code: 1, or 2 for what the settings or arguments say."""

    def decorate(function: Callable[..., int | None]) -> Callable[..., None]:
        @click.option("--debug", is_flag=True, help="Show the whole trace of an error.")
        @wraps(function)
        def wrapped(debug: bool, **arguments: Any) -> None:
            from resources.index import prepare_environment

            prepare_environment()
            try:
                code = function(**arguments)
            except BrokenPipeError:
                sys.exit(1)
            except Exception as error:
                if debug:
                    raise
                click.echo(f"rag: {in_one_line(error)}", err=True)
                sys.exit(2 if isinstance(error, SettingsError) else 1)
            sys.exit(code or 0)

        return (
            click.option("--json", "as_json", is_flag=True, help="One JSON document.")(wrapped)
            if json_flag
            else wrapped
        )

    return decorate


def in_one_line(error: Exception) -> str:
    """The sentence of our own errors; what the system said of others; of the rest only the place.

    An unforeseen error may quote what it stumbled over, and that may be text of a document.
    """
    if isinstance(error, RagError):
        return _folded(str(error))
    said = getattr(error, "orig", error)  # a database's own words, without the statement and its values
    if said is not error or isinstance(error, OSError | RuntimeError):
        return f"{type(error).__name__}: {_folded(str(said))[:300]}; `--debug` shows the whole trace."
    at = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(at.filename).name}:{at.lineno}"
    return f"an unforeseen {type(error).__name__} in {place}; `--debug` shows the whole trace."


def _folded(text: str) -> str:
    return " ".join(text.split())


class OneLineErrors(click.Group):
    """A wrong argument is one line on stderr and exit code 2, like every other refusal."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            path = error.ctx.command_path if error.ctx else "rag"
            click.echo(f"rag: {path} needs a command. `{path} --help` lists what there is.", err=True)
            sys.exit(2)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "rag"
            click.echo(f"rag: {_folded(error.format_message())} `{path} --help` lists what there is.", err=True)
            sys.exit(2)
        except click.Abort:
            sys.exit(130)
