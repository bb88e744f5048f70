"""``python -m adapters`` is the command ``albumcore``."""

from adapters.cli import main

main()
