"""The command line: `handfast` and its commands, each loaded when it is called."""

from importlib import import_module
from typing import Any

import click

from handfast.core.errors import Refusal

COMMANDS = {
    "serve": "handfast.cli.commands:serve",
    "migrate": "handfast.cli.commands:migrate",
    "verify": "handfast_verify.cli:verify",
    "backup": "handfast.cli.copies:backup",
    "restore": "handfast.cli.copies:restore",
    "compare": "handfast.cli.commands:compare",
    "explain": "handfast.cli.explain:explain",
    "alipay": "handfast.cli.alipay:alipay",
    "antom": "handfast.cli.antom:antom",
    "policy": "handfast.cli.policy:policy",
    "intercept": "handfast.cli.intercept:intercept",
    "sandbox": "handfast.sandbox.commands:sandbox",
    "demo": "handfast.sandbox.demo:demo",
}
"""Where each command is."""


class Commands(click.Group):
    """Loads a command when it is called.

    A refusal ends a command with exit code 1 and `code: message` on standard error, wrong usage with exit code 2.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, name = place.split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Refusal as no:
            click.echo(str(no), err=True)
            ctx.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="handfast")
def main() -> None:
    """Handfast: guaranteed trades, a double-entry ledger, and books that equal the bank."""
