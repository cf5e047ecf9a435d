"""Language models by transformers: encoders, decoders and recurrent classifiers."""

import torch
import transformers
from torch import nn

from .example import Example, Pick, mask, tokens

VOCABULARY = 50
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
}


def encoder(kind, head, attention, segments=False, fields=("logits",), task="classes", **settings):
    config = getattr(transformers, f"{kind}Config")(
        **{**SIZES, "num_labels": 4, "attn_implementation": attention, **settings}
    )
    model = getattr(transformers, f"{kind}{head}")(config)
    inputs = {"input_ids": tokens(VOCABULARY), "attention_mask": mask()}
    if segments:
        inputs["token_type_ids"] = (torch.arange(8) > 3).long().expand(2, 8).contiguous()
    return Example(Pick(model, list(inputs), fields), inputs, task, dynamic={n: {1: "length"} for n in inputs})


def bert(attention="sdpa"):
    return encoder("Bert", "ForSequenceClassification", attention, segments=True)


def bert_eager():
    return bert("eager")


def bert_tokens():
    return encoder("Bert", "ForTokenClassification", "sdpa", segments=True)


def distilbert():
    return encoder("DistilBert", "ForSequenceClassification", "sdpa", dim=16, n_layers=2, n_heads=2, hidden_dim=32)


def roberta():
    return encoder("Roberta", "ForMaskedLM", "sdpa", type_vocab_size=1, pad_token_id=1)


def electra():
    return encoder("Electra", "ForTokenClassification", "eager", segments=True, embedding_size=8)


def albert():
    """One layer's weights used by all layers."""
    return encoder("Albert", "ForSequenceClassification", "eager", segments=True, embedding_size=8)


def mobilebert():
    return encoder(
        "MobileBert", "ForSequenceClassification", "eager", segments=True, embedding_size=8, intra_bottleneck_size=8,
        true_hidden_size=8, num_feedforward_networks=2,
    )


def mpnet():
    return encoder("MPNet", "ForSequenceClassification", "eager")


def deberta():
    return encoder("DebertaV2", "ForSequenceClassification", "eager", relative_attention=True,
                   pos_att_type=["c2p", "p2c"], max_relative_positions=8, pooler_hidden_size=16)


def sentence_embedding():
    """The mean of the last layer over tokens, with unit length, as sentence transformers end."""
    example = encoder("Bert", "Model", "sdpa", fields=("last_hidden_state",), task="values")
    example.model = MeanPooling(example.model)
    return example


class MeanPooling(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask):
        hidden = self.encoder(input_ids, attention_mask)
        weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        return nn.functional.normalize(mean, dim=1)


def decoder(kind, attention, head="ForCausalLM", positions=False, **settings):
    config = getattr(transformers, f"{kind}Config")(
        **{**SIZES, "use_cache": False, "attn_implementation": attention, "pad_token_id": 0, **settings}
    )
    model = getattr(transformers, f"{kind}{head}")(config)
    inputs = {"input_ids": tokens(VOCABULARY), "attention_mask": mask()}
    if positions:
        inputs["position_ids"] = torch.arange(8).expand(2, 8).contiguous()
    return Example(
        Pick(model, list(inputs), ["logits"], use_cache=False),
        inputs,
        dynamic={n: {1: "length"} for n in inputs},
    )


def gpt2(attention="sdpa"):
    return decoder("GPT2", attention, "LMHeadModel", num_hidden_layers=1)


def gpt2_eager():
    return gpt2("eager")


def gpt_neox():
    return decoder("GPTNeoX", "sdpa")


def opt():
    return decoder("OPT", "eager", ffn_dim=32, word_embed_proj_dim=16)


def bloom():
    return decoder("Bloom", "eager", n_layer=2, n_head=2)


def llama(attention="sdpa"):
    return decoder("Llama", attention, num_key_value_heads=1)


def llama_eager():
    return llama("eager")


def llama_positions():
    """ONNX Runtime's RotaryEmbedding, which opset 23 gives, wants positions for each sample."""
    return decoder("Llama", "sdpa", positions=True, num_key_value_heads=1)


def llama_single():
    """One sample, as the file allows no more without positions."""
    example = llama()
    example.inputs = {n: x[1:] for n, x in example.inputs.items()}
    example.dynamic_batch = False
    return example


def mistral():
    return decoder("Mistral", "sdpa", num_key_value_heads=1, head_dim=8, sliding_window=4)


def qwen2():
    return decoder("Qwen2", "sdpa", num_key_value_heads=1)


def qwen3(positions=False):
    return decoder("Qwen3", "sdpa", positions=positions, num_key_value_heads=1, head_dim=8)


def qwen3_positions():
    return qwen3(positions=True)


def gemma(positions=False):
    return decoder("Gemma", "sdpa", positions=positions, num_key_value_heads=1, head_dim=8)


def gemma_positions():
    return gemma(positions=True)


def gemma2():
    """With capped logits, sliding windows and norms around every block."""
    return decoder("Gemma2", "eager", num_key_value_heads=1, head_dim=8, sliding_window=4)


def phi():
    return decoder("Phi", "sdpa", partial_rotary_factor=0.5)


def t5_encoder():
    config = transformers.T5Config(
        vocab_size=VOCABULARY, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, feed_forward_proj="gated-gelu",
        attn_implementation="eager", use_cache=False,
    )
    inputs = {"input_ids": tokens(VOCABULARY), "attention_mask": mask()}
    return Example(
        Pick(transformers.T5EncoderModel(config), list(inputs), ["last_hidden_state"]),
        inputs,
        task="values",
        dynamic={n: {1: "length"} for n in inputs},
    )


def t5():
    """Encoder and decoder, with cross attention."""
    config = transformers.T5Config(
        vocab_size=VOCABULARY, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, attn_implementation="eager",
        use_cache=False,
    )
    model = transformers.T5ForConditionalGeneration(config)
    inputs = {"input_ids": tokens(VOCABULARY), "attention_mask": mask(), "decoder_input_ids": tokens(VOCABULARY, length=5)}
    return Example(Pick(model, list(inputs), ["logits"], use_cache=False), inputs)


class Recurrent(nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 8)
        self.cell = cell(8, 12, batch_first=True, bidirectional=True)
        self.norm, self.head = nn.LayerNorm(24), nn.Linear(24, 4)

    def forward(self, input_ids):
        states, _ = self.cell(self.embedding(input_ids))
        return self.head(self.norm(states[:, -1]))


def lstm():
    return Example(Recurrent(nn.LSTM), {"input_ids": tokens(VOCABULARY)})


def gru():
    return Example(Recurrent(nn.GRU), {"input_ids": tokens(VOCABULARY)})


def rnn():
    return Example(Recurrent(nn.RNN), {"input_ids": tokens(VOCABULARY)})


class TorchEncoder(nn.Module):
    """The transformer of torch.nn, with nn.MultiheadAttention's packed projection."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, activation="gelu", norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 4)

    def forward(self, input_ids):
        return self.head(self.encoder(self.embedding(input_ids)).mean(1))


def torch_encoder():
    return Example(TorchEncoder(), {"input_ids": tokens(VOCABULARY)})


ARCHITECTURES = [
    bert, bert_eager, bert_tokens, distilbert, roberta, electra, albert, mobilebert, mpnet, deberta, sentence_embedding,
    gpt2, gpt2_eager, gpt_neox, opt, bloom, llama, llama_eager, llama_positions,
    llama_single, mistral, qwen2, qwen3, qwen3_positions, gemma, gemma_positions, gemma2, phi, t5_encoder, t5, lstm, gru, rnn, torch_encoder,
]
