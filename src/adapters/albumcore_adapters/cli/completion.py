"""`albumcore completion`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from albumcore_adapters.cli.base import app
from albumcore_adapters.cli.commands import load_commands


@app.command
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell.")],
    /,
) -> None:
    """Print a script with which a shell completes the commands of albumcore and their options.

    For example:

        source <(albumcore completion bash)
        albumcore completion zsh > ~/.zfunc/_albumcore
        albumcore completion fish > ~/.config/fish/completions/albumcore.fish
    """
    load_commands()
    print(app.generate_completion(shell=shell))
