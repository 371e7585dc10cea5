"""The network that is trained: of first weights, or a base, with adapters if asked."""

from __future__ import annotations

from typing import Any, Final

import torch
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from hearth.errors import DataError
from hearth.train.run import Request, Workspace
from hearth.train.sections import ALL_LINEAR, LoraSection
from hearth.train.spec import Architecture

_FAMILIES: Final = {
    Architecture.QWEN2: (Qwen2Config, Qwen2ForCausalLM),
    Architecture.LLAMA: (LlamaConfig, LlamaForCausalLM),
}


def network(request: Request, workspace: Workspace) -> Any:
    """Return the network before its first step: a function of the spec, its seed and the base."""
    torch.manual_seed(request.spec.seed)
    if request.spec.base is None:
        return _first_weights(request)
    model = base(workspace)
    torch.manual_seed(request.spec.seed)
    lora = request.spec.lora
    return model if lora is None else _adapted(model, lora, request.spec.base.source)


def base(workspace: Workspace) -> PreTrainedModel:
    """Return the base in fp32.

    Raises:
        DataError: transformers cannot load it.
    """
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            workspace.base, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        message = f"base: transformers cannot load it: {error}: mirror another one"
        raise DataError(message) from error
    return model


def _first_weights(request: Request) -> PreTrainedModel:
    spec, boundary = request.spec, request.boundary
    section = spec.model
    config_of, model_of = _FAMILIES[section.architecture]
    return model_of(
        config_of(
            vocab_size=request.vocabulary,
            hidden_size=section.hidden,
            intermediate_size=section.intermediate,
            num_hidden_layers=section.layers,
            num_attention_heads=section.heads,
            num_key_value_heads=section.key_value_heads,
            max_position_embeddings=spec.sequence_length,
            tie_word_embeddings=section.tie_embeddings,
            rope_parameters={"rope_type": "default", "rope_theta": section.rope_theta},
            initializer_range=section.initializer_range,
            bos_token_id=boundary.begin,
            eos_token_id=boundary.end,
            pad_token_id=boundary.end,
            dtype="float32",
        )
    )


def _adapted(model: PreTrainedModel, lora: LoraSection, source: str) -> Any:
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415 - slow; most runs have none

    everything = lora.targets == (ALL_LINEAR,)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=ALL_LINEAR if everything else list(lora.targets),
        task_type="CAUSAL_LM",
    )
    try:
        adapted = get_peft_model(model, config)
    except ValueError as error:
        message = f"lora.targets: {', '.join(lora.targets)}: {error}"
        raise DataError(message) from error
    # PEFT puts a folder of this machine there, which nobody else has.
    config.base_model_name_or_path = source
    return adapted
