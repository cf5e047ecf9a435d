"""Transformers for images, sound and pairs of image and text, by transformers; and a mixer of plain layers."""

import torch
import transformers
from torch import nn

from .example import Example, Pick, images, mask, tokens

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 16,
    "patch_size": 8,
    "num_labels": 5,
}


def classifier(kind, attention="sdpa", head="ForImageClassification", size=16, **settings):
    config = getattr(transformers, f"{kind}Config")(**{**SIZES, "attn_implementation": attention, **settings})
    model = getattr(transformers, f"{kind}{head}")(config)
    return Example(Pick(model, ["pixel_values"], ["logits"]), {"pixel_values": images(size=size)})


def vit(attention="sdpa"):
    return classifier("ViT", attention)


def vit_eager():
    return vit("eager")


def deit():
    return classifier("DeiT")


def beit():
    return classifier("Beit", "eager", use_relative_position_bias=True, use_absolute_position_embeddings=False)


def dinov2():
    return classifier("Dinov2", mlp_ratio=2)


def windowed(kind):
    config = getattr(transformers, f"{kind}Config")(
        image_size=8, patch_size=2, embed_dim=4, depths=[2, 1], num_heads=[2, 2], window_size=2, mlp_ratio=2.0,
        num_labels=5, attn_implementation="eager",
    )
    model = getattr(transformers, f"{kind}ForImageClassification")(config)
    return Example(Pick(model, ["pixel_values"], ["logits"]), {"pixel_values": images(size=8)})


def swin():
    """Windows, shifted windows with masks, relative position bias, and merging of patches."""
    return windowed("Swin")


def swin_v2():
    """Cosine attention and a bias that a small network makes from coordinates."""
    return windowed("Swinv2")


def segformer():
    """Labels of pixels."""
    config = transformers.SegformerConfig(
        num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[8, 16], patch_sizes=[7, 3], strides=[4, 2],
        num_attention_heads=[1, 2], mlp_ratios=[2, 2], decoder_hidden_size=16, num_labels=4, attn_implementation="sdpa",
    )
    model = transformers.SegformerForSemanticSegmentation(config)
    return Example(Pick(model, ["pixel_values"], ["logits"]), {"pixel_values": images(size=16)})


def mobilevit():
    config = transformers.MobileViTConfig(
        image_size=32, patch_size=2, hidden_sizes=[12, 12, 12], neck_hidden_sizes=[4, 4, 8, 8, 8, 8, 16], mlp_ratio=1.0,
        expand_ratio=1.0, num_attention_heads=2, num_labels=5, attn_implementation="eager",
    )
    model = transformers.MobileViTForImageClassification(config)
    return Example(Pick(model, ["pixel_values"], ["logits"]), {"pixel_values": images(size=32)})


def detr_like_yolos():
    """An object detector of plain tokens; its outputs are classes and boxes."""
    config = transformers.YolosConfig(
        **{**SIZES, "image_size": [16, 16], "num_detection_tokens": 4, "attn_implementation": "sdpa"}
    )
    model = transformers.YolosForObjectDetection(config)
    return Example(Pick(model, ["pixel_values"], ["logits", "pred_boxes"]), {"pixel_values": images(size=16)}, outputs=2)


def sound(channels, length):
    return torch.randn(2, channels, length, generator=torch.Generator().manual_seed(5))


def whisper_encoder():
    config = transformers.WhisperConfig(
        vocab_size=50, num_mel_bins=8, d_model=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=32, max_source_positions=8,
        attn_implementation="sdpa", pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )
    encoder = transformers.WhisperModel(config).get_encoder()
    features = sound(8, 16)
    return Example(Pick(encoder, ["input_features"], ["last_hidden_state"]), {"input_features": features}, "values")


def wav2vec2():
    """Convolutions over raw sound, weight norm on the position embedding, and a head for CTC."""
    config = transformers.Wav2Vec2Config(
        vocab_size=12, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        conv_dim=[8, 8], conv_stride=[4, 2], conv_kernel=[8, 3], num_feat_extract_layers=2,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, attn_implementation="sdpa",
    )
    model = transformers.Wav2Vec2ForCTC(config)
    return Example(Pick(model, ["input_values"], ["logits"]), {"input_values": sound(1, 80)[:, 0]})


def audio_spectrogram_transformer():
    config = transformers.ASTConfig(
        **{**SIZES, "patch_size": 4, "frequency_stride": 4, "time_stride": 4, "num_mel_bins": 8, "max_length": 16,
           "attn_implementation": "sdpa"}
    )
    model = transformers.ASTForAudioClassification(config)
    return Example(Pick(model, ["input_values"], ["logits"]), {"input_values": sound(16, 8)})


CLIP = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "projection_dim": 8}


def clip_vision():
    config = transformers.CLIPVisionConfig(**CLIP, image_size=16, patch_size=8, attn_implementation="sdpa")
    model = transformers.CLIPVisionModelWithProjection(config)
    return Example(Pick(model, ["pixel_values"], ["image_embeds"]), {"pixel_values": images(size=16)}, "values")


def clip_text():
    config = transformers.CLIPTextConfig(
        **CLIP, vocab_size=50, max_position_embeddings=16, eos_token_id=49, attn_implementation="sdpa"
    )
    model = transformers.CLIPTextModelWithProjection(config)
    ids = tokens(48)
    ids[:, -1] = 49
    inputs = {"input_ids": ids, "attention_mask": mask(padding=0)}
    return Example(Pick(model, list(inputs), ["text_embeds"]), inputs, "values")


class Mixer(nn.Module):
    def __init__(self, patches, channels):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.tokens = nn.Sequential(nn.Linear(patches, 12), nn.GELU(), nn.Linear(12, patches))
        self.channels = nn.Sequential(nn.Linear(channels, 32), nn.GELU(approximate="tanh"), nn.Linear(32, channels))

    def forward(self, x):
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class MlpMixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.blocks, self.norm, self.head = nn.Sequential(Mixer(16, 16), Mixer(16, 16)), nn.LayerNorm(16), nn.Linear(16, 5)

    def forward(self, image):
        x = self.patch(image).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(x)).mean(1))


def mlp_mixer():
    return Example(MlpMixer(), {"image": images()})


ARCHITECTURES = [
    vit, vit_eager, deit, beit, dinov2, swin, swin_v2, segformer, mobilevit, detr_like_yolos, whisper_encoder, wav2vec2,
    audio_spectrogram_transformer, clip_vision, clip_text, mlp_mixer,
]
