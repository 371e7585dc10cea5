"""The base: a mirrored model, as a Hugging Face folder that ranks load, with what it is said to be.

A folder with config.json, tokenizer.json and safetensors is taken as it is. Where there is a GGUF
file only, its weights are unpacked to fp32, which keeps what quantisation left of them.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any, Final

from hearth.errors import DataError
from hearth.model import FrozenModel
from hearth.stage.context import Context
from hearth.train.data import Boundary
from hearth.train.sections import BASE, BaseSection

log = logging.getLogger(__name__)

_WANTED: Final = ("config.json", "tokenizer.json")


class BaseModel(FrozenModel):
    """What the base is said to be."""

    source: str
    version: str
    licence: str
    artifact: str
    """The fingerprint of the mirror that holds it."""


def fetch(context: Context, section: BaseSection, folder: Path) -> BaseModel:
    """Copy the base into a folder, unpacked where it has to be; return what it is.

    Raises:
        DataError: the mirror has no such model, or it is not whole.
    """
    mirror = context.input(BASE)
    place = mirror.fetch(f"models/{section.source}/*") / "models" / section.source
    packed = sorted(place.glob("*.gguf"))
    if packed:
        context.progress("base", 0, None, "files", f"unpacks {packed[0].name}")
        _unpack(packed[0], folder)
    else:
        _check(place, section.source)
        shutil.move(place, folder)
    spec: dict[str, Any] = mirror.record.spec
    source = next(item for item in spec["sources"] if item["id"] == section.source)
    return BaseModel(
        source=section.source,
        version=spec["pins"][section.source]["version"],
        licence=source["licence"],
        artifact=mirror.record.fingerprint,
    )


def _check(place: Path, source: str) -> None:
    missing = [name for name in _WANTED if not (place / name).is_file()]
    if not list(place.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        message = (
            f"base {source}: the mirror has no {', '.join(missing)} of it: name all files of the "
            "model in the source's `model`; only safetensors and GGUF are taken"
        )
        raise DataError(message)


def _unpack(packed: Path, folder: Path) -> None:
    import torch  # noqa: PLC0415 - slow; only for GGUF
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - as above

    where: dict[str, Any] = {"gguf_file": packed.name, "local_files_only": True}
    try:
        model = AutoModelForCausalLM.from_pretrained(packed.parent, dtype=torch.float32, **where)
        tokenizer = AutoTokenizer.from_pretrained(packed.parent, **where)
    except (OSError, ValueError, RuntimeError, KeyError, NotImplementedError) as error:
        message = f"base {packed.name}: transformers cannot read it: {error}: mirror another one"
        raise DataError(message) from error
    # A model that was read from GGUF refuses to be saved: its weights go into one that was not.
    config = {k: v for k, v in model.config.to_dict().items() if k != "quantization_config"}
    fresh = type(model)(type(model.config).from_dict(config))
    fresh.load_state_dict(model.state_dict())
    fresh.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def tokenizer_of(folder: Path, section: BaseSection) -> tuple[Any, Boundary]:
    """Return the base's tokenizer (transformers'), and what stands around a document.

    Raises:
        DataError: it has none, or the recipe's boundary is none of its tokens.
    """
    from transformers import AutoTokenizer  # noqa: PLC0415 - slow; only for a base

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        message = f"base {section.source}: its tokenizer cannot be loaded: {error}"
        raise DataError(message) from error
    end = section.boundary or tokenizer.eos_token
    begin = section.boundary or tokenizer.bos_token or end
    known = tokenizer.get_vocab()
    for token in (begin, end):
        if token not in known:
            message = (
                f"base {section.source}: {token!r} is none of its tokenizer's tokens: name one in "
                "train.base.boundary"
            )
            raise DataError(message)
    return tokenizer, Boundary(begin=known[begin], end=known[end])
