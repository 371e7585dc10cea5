"""Login by OIDC, and which group of the provider has which role of Airflow.

    Admin    roles, connections, pools
    Op       starts, stops and clears builds; approves what a gate left open
    User     starts builds
    Viewer   sees them

Fill in `ISSUER`: the address below which the provider has `/.well-known/openid-configuration`. Its
answer at the userinfo endpoint must hold `preferred_username` and, as a list of names, `groups`
(Keycloak: a mapper of the kind "Group Membership", without the full path). There, register the
address `https://<Airflow>/auth/oauth-authorized/oidc` as the one to come back to. A provider that
names these things otherwise needs a way of its own: Flask AppBuilder has some, by the name of a
provider (`azure`, `okta`, `auth0` and others).

Client id and secret are files that only Airflow can read. Airflow calls the issuer alone.
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
        # Flask AppBuilder knows some names and treats them in ways of their own. This is none of
        # them, so that it asks the userinfo endpoint which the issuer names.
        "name": "oidc",
        "icon": "fa-key",
        "token_key": "access_token",
        "remote_app": {
            "client_id": _secret("oidc_client_id"),
            "client_secret": _secret("oidc_client_secret"),
            "server_metadata_url": f"{ISSUER}/.well-known/openid-configuration",
            "client_kwargs": {"scope": "openid email profile groups"},
        },
    }
]
