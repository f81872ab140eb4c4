"""``python -m foveal``."""

from foveal.cli.app import main

main()
