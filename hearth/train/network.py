"""The network that a spec describes, with its first weights."""

from __future__ import annotations

from typing import Final

import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from hearth.train.spec import Architecture, Training

_FAMILIES: Final = {
    Architecture.QWEN2: (Qwen2Config, Qwen2ForCausalLM),
    Architecture.LLAMA: (LlamaConfig, LlamaForCausalLM),
}


def network(spec: Training, vocabulary: int, boundary: int) -> PreTrainedModel:
    """Return an untrained network; its weights are a function of the seed.

    Args:
        spec: what to train.
        vocabulary: how many tokens the tokenizer has.
        boundary: the id of the end-of-text token.
    """
    section = spec.model
    config_of, model_of = _FAMILIES[section.architecture]
    torch.manual_seed(spec.seed)
    return model_of(
        config_of(
            vocab_size=vocabulary,
            hidden_size=section.hidden,
            intermediate_size=section.intermediate,
            num_hidden_layers=section.layers,
            num_attention_heads=section.heads,
            num_key_value_heads=section.key_value_heads,
            max_position_embeddings=spec.sequence_length,
            tie_word_embeddings=section.tie_embeddings,
            rope_parameters={"rope_type": "default", "rope_theta": section.rope_theta},
            initializer_range=section.initializer_range,
            bos_token_id=boundary,
            eos_token_id=boundary,
            pad_token_id=boundary,
            dtype="float32",
        )
    )
