"""Models of the real classes with a few random weights, saved as their libraries save them."""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipModel,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "tofu", "두부", "stew", "김치", "soup"]
EDGE = {"height": 32, "width": 32}


def write_bert(folder: Path, seed: int = 1) -> Path:
    torch.manual_seed(seed)
    config = BertConfig(vocab_size=len(WORDS), max_position_embeddings=16, **SIZES)
    BertModel(config).save_pretrained(folder)
    _write_tokenizer(folder)
    return folder


def write_clip(folder: Path) -> Path:
    torch.manual_seed(1)
    config = CLIPConfig(text_config=_text(), vision_config=_vision(), projection_dim=12)
    CLIPModel(config).save_pretrained(folder)
    _write_tokenizer(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=EDGE).save_pretrained(folder)
    return folder


def write_siglip(folder: Path) -> Path:
    torch.manual_seed(1)
    SiglipModel(SiglipConfig(text_config=_text(), vision_config=_vision())).save_pretrained(folder)
    _write_tokenizer(folder)
    SiglipImageProcessorPil(size=EDGE).save_pretrained(folder)
    return folder


def _text() -> dict[str, int]:
    ids = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    return {"vocab_size": len(WORDS), "max_position_embeddings": 16} | ids | SIZES


def _vision() -> dict[str, int]:
    return {"image_size": 32, "patch_size": 8} | SIZES


def _write_tokenizer(folder: Path) -> None:
    tokenizer = Tokenizer(
        WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=16,
    ).save_pretrained(folder)
