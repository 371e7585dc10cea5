"""The laws of the login in production: a group of the provider decides the role, at every login."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "deploy" / "airflow" / "webserver_config.py"
ASK = """
import json, sys
import httpx
from airflow.api_fastapi.app import create_auth_manager
create_auth_manager()
from airflow.providers.fab.www.app import create_app
app = create_app(enable_plugins=False)
told = []
for _ in range(int(sys.argv[1])):
    browser = app.test_client()
    asked = browser.get("/login/oidc", base_url="https://airflow.example.cn")
    back = httpx.get(asked.location, trust_env=False, timeout=60).headers["location"]
    answer = browser.get(back.partition("airflow.example.cn")[2], base_url="https://airflow.example.cn")
    with app.app_context():
        user = app.appbuilder.sm.find_user("li.wei")
        roles = sorted(role.name for role in user.roles)
    told.append([answer.status_code, back.partition("?")[0], roles])
print("\\n" + json.dumps(told))
"""


@dataclass
class Issuer:
    """A provider on loopback: it lets everybody in as li.wei, in the groups of the moment."""

    groups: list[list[str]]
    nonces: dict[str, str] = field(default_factory=dict)
    url: str = ""
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    def answer(self, path: str, query: dict[str, list[str]]) -> dict[str, object]:
        if path == "/.well-known/openid-configuration":
            ends = {f"{end}_endpoint": f"{self.url}/{end}" for end in ("token", "userinfo")}
            ends["authorization_endpoint"] = f"{self.url}/authorize"
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **ends}
        if path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return {"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}
        if path == "/token":
            claims = {"iss": self.url, "aud": "airflow", "sub": "7", "iat": int(time.time())}
            claims |= {"exp": int(time.time()) + 60, "nonce": self.nonces.pop(query["code"][0])}
            told = jwt.encode(claims, self.key, "RS256", headers={"kid": "one"})
            return {"access_token": "a", "token_type": "Bearer", "id_token": told}
        person = {"preferred_username": "li.wei", "email": "li.wei@example.cn"}
        names = {"given_name": "Wei", "family_name": "Li", "sub": "7"}
        return {**person, **names, "groups": self.groups.pop(0)}


@contextmanager
def serving(issuer: Issuer) -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            query = parse_qs(asked.query)
            if self.command == "POST":
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                query = parse_qs(sent.decode())
            if asked.path == "/authorize":
                code = f"code-{len(issuer.nonces)}"
                issuer.nonces[code] = query["nonce"][0]
                back = urlencode({"code": code, "state": query["state"][0]})
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri'][0]}?{back}")
                self.end_headers()
                return
            body = json.dumps(issuer.answer(asked.path, query)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield issuer
        server.shutdown()


def test_whoever_leaves_a_group_has_lost_its_role_at_the_next_login(
    tmp_path: Path,
) -> None:
    """Airflow's own login, with the file as it is shipped, against an issuer of the test's."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "oidc_client_id").write_text("airflow\n")
    (secrets / "oidc_client_secret").write_text("not told\n")
    with serving(Issuer([["hearth-operators", "cooks"], ["cooks"]])) as issuer:
        text = CONFIG.read_text("utf-8").replace("https://CHANGE-ME", issuer.url)
        config = tmp_path / "webserver_config.py"
        config.write_text(text.replace("/run/secrets", str(secrets)), encoding="utf-8")
        settings = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__CORE__AUTH_MANAGER": (
                "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
            ),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
            "AIRFLOW__FAB__CONFIG_FILE": str(config),
            "AIRFLOW__FAB__COOKIE_SECURE": "True",
        }
        for words in (["-m", "airflow", "db", "migrate"], ["-c", ASK, "2"]):
            command = [sys.executable, *words]
            done = subprocess.run(
                command, env=settings, cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-4000:]
    back = "https://airflow.example.cn/oauth-authorized/oidc"
    assert json.loads(done.stdout.splitlines()[-1]) == [
        [302, back, ["Op", "Viewer"]],
        [302, back, ["Viewer"]],
    ]
