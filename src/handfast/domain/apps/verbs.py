"""What can be done with an app: register it, change its keys, disable it; and give a number to something."""

from msgspec import Struct
from msgspec.structs import replace

from handfast.core.errors import Conflict, NotFound
from handfast.core.ids import Id
from handfast.core.states import move
from handfast.domain.apps.model import APP_STATES, Alias, App
from handfast.domain.apps.tables import ALIASES, APPS, app_id
from handfast.domain.notifications import open_gateway
from handfast.domain.parties import active_parties
from handfast.store.verb import Tx, verb


class RegisterApp(Struct, frozen=True):
    """A new app of a merchant; see App for the fields."""

    gateway: str
    number: str
    party: Id
    public_key: bytes
    certificate: bytes = b""
    secret: bytes = b""
    sign_type: str = ""
    notify_url: str = ""
    permissions: str = ""


class ChangeApp(Struct, frozen=True):
    """Change those of an app's facts that are given; with a certificate comes the public key that is in it."""

    app: Id
    public_key: bytes | None = None
    certificate: bytes | None = None
    secret: bytes | None = None
    sign_type: str | None = None
    notify_url: str | None = None
    permissions: str | None = None


class MoveApp(Struct, frozen=True):
    """Disable or enable an app."""

    app: Id
    step: str


class NameObject(Struct, frozen=True):
    """Let an alias (`alias_id`) name an object, as a gateway's number names a user."""

    alias: Id
    object: Id


@verb("apps.register", about="party")
async def register(tx: Tx, command: RegisterApp) -> App:
    """Let an app speak for a merchant. Raises NotFound, Forbidden(party_suspended), Conflict(object_exists)."""
    await active_parties(tx, party=command.party)
    key = app_id(command.gateway, command.number)
    if await tx.get(APPS, key) is not None:
        raise Conflict("object_exists", "there is an app of this number", "number")
    app = App(
        id=key,
        gateway=command.gateway,
        number=command.number,
        party=command.party,
        state="active",
        public_key=command.public_key,
        certificate=command.certificate,
        secret=command.secret,
        sign_type=command.sign_type,
        notify_url=command.notify_url,
        permissions=command.permissions,
        version=1,
        created=tx.now,
    )
    tx.put(APPS, app)
    await open_gateway(tx, app.party, app.gateway)
    return app


@verb("apps.change", about="app")
async def change(tx: Tx, command: ChangeApp) -> App:
    """Change an app. Raises NotFound."""
    app = await _load(tx, command.app)
    given = {name: getattr(command, name) for name in ChangeApp.__struct_fields__[1:]}
    changes = {name: value for name, value in given.items() if value is not None}
    changed = replace(app, version=app.version + 1, **changes)
    tx.put(APPS, changed)
    return changed


@verb("apps.move", about="app")
async def move_app(tx: Tx, command: MoveApp) -> App:
    """Disable or enable an app. Raises NotFound, Conflict(state_conflict)."""
    app = await _load(tx, command.app)
    changed = replace(app, state=move(APP_STATES, app.state, command.step), version=app.version + 1)
    tx.put(APPS, changed)
    return changed


async def _load(tx: Tx, key: Id) -> App:
    app = await tx.get(APPS, key)
    if app is None:
        raise NotFound("object_not_found", "no such app", "app")
    return app


async def give_number(tx: Tx, key: Id, thing: Id, digest: bytes) -> Id | None:
    """Let a number name a new thing; the thing that an equal request named by it before, or None. Key: `alias_id`.

    Raises Conflict(number_reused) where another request gave this number.
    """
    known = await tx.get(ALIASES, key)
    if known is None:
        tx.put(ALIASES, Alias(key, thing, digest))
        return None
    if known.digest != digest:
        raise Conflict("number_reused", "this number names something else", "number")
    return known.object


@verb("apps.name", about="object")
async def name(tx: Tx, command: NameObject) -> Alias:
    """Name an object; naming it so again changes nothing. Raises Conflict(number_reused)."""
    known = await tx.get(ALIASES, command.alias)
    if known is None:
        known = Alias(command.alias, command.object, b"")
        tx.put(ALIASES, known)
    elif known.object != command.object:
        raise Conflict("number_reused", "this number names something else", "number")
    return known


VERBS = (register, change, move_app, name)
