"""Login by OIDC (Flask AppBuilder), and which group of the provider has which role of Airflow.

    Admin    roles, connections, pools
    Op       starts, stops and clears builds; approves what a gate left open
    User     starts builds
    Viewer   sees them

Client id and secret are files that only Airflow can read. The provider may be any that speaks OIDC
inside the account's network, such as Keycloak; nothing here calls out of it.
"""

from __future__ import annotations

from pathlib import Path

from flask_appbuilder.security.manager import AUTH_OAUTH

_SECRETS = Path("/run/secrets")
ISSUER = "https://CHANGE-ME"


def _secret(name: str) -> str:
    return (_SECRETS / name).read_text(encoding="utf-8").strip()


AUTH_TYPE = AUTH_OAUTH
AUTH_USER_REGISTRATION = True
AUTH_USER_REGISTRATION_ROLE = "Viewer"
# Roles follow the provider at every login: who leaves a group there has lost its role here.
AUTH_ROLES_SYNC_AT_LOGIN = True
AUTH_ROLES_MAPPING = {
    "hearth-admins": ["Admin"],
    "hearth-operators": ["Op"],
    "hearth-users": ["User"],
    "hearth-viewers": ["Viewer"],
}
OAUTH_PROVIDERS = [
    {
        "name": "keycloak",
        "icon": "fa-key",
        "token_key": "access_token",
        "remote_app": {
            "client_id": _secret("oidc_client_id"),
            "client_secret": _secret("oidc_client_secret"),
            "server_metadata_url": f"{ISSUER}/.well-known/openid-configuration",
            "api_base_url": f"{ISSUER}/protocol/",
            "client_kwargs": {"scope": "openid email profile groups"},
        },
    }
]
PERMANENT_SESSION_LIFETIME = 8 * 3600
