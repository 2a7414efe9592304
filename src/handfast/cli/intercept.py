"""The command `intercept`: runs the local front for the vendors' hosts, or prints what leads other code to it."""

import signal
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import anyio
import click

from handfast.app.serve import listen
from handfast.app.telemetry import set_up_logs
from handfast.core.clocks import wall_clock
from handfast.core.errors import Invalid
from handfast.core.settings import Settings, load
from handfast.gateways.intercept import (
    Door,
    Front,
    Outside,
    export_lines,
    hosts_lines,
    open_authority,
    parse_upstream,
    roots_files,
    variables,
    write_bundle,
)

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where a service that listens anywhere is found from here


@click.command(short_help="Answer for Alipay's and Antom's hosts.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="The data directory; its folder intercept holds the keys."
)
@click.option("--to", metavar="URL", help="Where Handfast runs; by default where the data directory's settings say.")
@click.option("--direct", is_flag=True, help="Stand in the hosts' place on 443 and 80, instead of being a proxy.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8899, show_default=True, help="The proxy's port.")
@click.option("--https-port", type=click.IntRange(0, 65_535), default=443, help="With --direct, instead of 443.")
@click.option("--http-port", type=click.IntRange(0, 65_535), default=80, help="With --direct, instead of 80.")
@click.option(
    "--others",
    type=click.Choice(["refuse", "tunnel"]),
    default="refuse",
    show_default=True,
    help="What the proxy does for every other host.",
)
@click.option("--allow-private", is_flag=True, help="With --others tunnel, also to addresses that are not public.")
@click.option("--print-env", is_flag=True, help="Print the variables to set, as lines for a shell, and end.")
@click.option("--hosts-lines", "print_hosts", is_flag=True, help="Print the lines for /etc/hosts, and end.")
def intercept(
    data: Path | None,
    to: str | None,
    host: str,
    port: int,
    https_port: int,
    http_port: int,
    others: str,
    *,
    direct: bool,
    allow_private: bool,
    print_env: bool,
    print_hosts: bool,
) -> None:
    """Answer for the vendors' hosts on this machine, for code that cannot be changed, and pass its requests on.

    A proxy that HTTPS_PROXY and HTTP_PROXY name, or with --direct a stand-in that /etc/hosts leads to.
    """
    if print_hosts:
        click.echo(hosts_lines(host))
        return
    settings = load(data=data)
    keys = open_authority(settings.data.absolute(), wall_clock)
    bundle = write_bundle(keys, roots_files())
    if print_env:
        proxy = None if direct else _url(host, port)
        click.echo(export_lines(variables(proxy, bundle, keys.certificate_file)))
        return
    tunnels = others == "tunnel"
    if tunnels and direct:
        raise Invalid("settings_invalid", "only the proxy can tunnel: without --direct", "others")
    if tunnels and not _is_loopback(host):
        raise Invalid("settings_invalid", f"tunnels for everybody who reaches {host} would be an open relay", "others")
    outside = Outside(private=allow_private) if tunnels else None
    front = Front(keys, parse_upstream(to or _service(settings)), outside)
    if direct:
        sockets = {"https": listen(host, https_port, 1)[0], "http": listen(host, http_port, 1)[0]}
        doors = [(sockets["https"], front.secure), (sockets["http"], front.plain)]
    else:
        sockets = {"http": listen(host, port, 1)[0]}
        doors = [(sockets["http"], front.proxy)]
    if keys.fresh:
        click.echo(f"a new authority was made: let clients trust {keys.certificate_file} (see --print-env)", err=True)
    set_up_logs(settings)
    ready = " and ".join(_url(*door.getsockname()[:2], scheme=scheme) for scheme, door in sockets.items())
    anyio.run(_run, front, doors, f"handfast intercept is ready at {ready}")


async def _run(front: Front, doors: Sequence[Door], ready: str) -> None:
    """Serve until a signal asks to stop."""
    stop = anyio.Event()
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with anyio.create_task_group() as running:
            running.start_soon(front.serve, doors, stop)
            click.echo(ready)
            async for _ in signals:
                stop.set()
                break


def _service(settings: Settings) -> str:
    """Where the service of these settings is found from this machine. Raises Invalid(settings_invalid)."""
    if settings.port == 0:
        raise Invalid("settings_invalid", "the service takes any free port: say where it runs", "to")
    return _url(_ANY.get(settings.host, settings.host), settings.port)


def _url(host: str, port: int, *, scheme: str = "http") -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
