"""Apps that speak for merchants through a gateway, and the numbers that they give to things."""

from handfast.domain.apps.model import APP_STATES, Alias, App
from handfast.domain.apps.tables import ALIASES, APPS, alias_id, app_id, apps_of
from handfast.domain.apps.verbs import (
    VERBS,
    ChangeApp,
    MoveApp,
    NameObject,
    RegisterApp,
    change,
    give_number,
    move_app,
    name,
    register,
)

__all__ = [
    "ALIASES",
    "APPS",
    "APP_STATES",
    "VERBS",
    "Alias",
    "App",
    "ChangeApp",
    "MoveApp",
    "NameObject",
    "RegisterApp",
    "alias_id",
    "app_id",
    "apps_of",
    "change",
    "give_number",
    "move_app",
    "name",
    "register",
]
