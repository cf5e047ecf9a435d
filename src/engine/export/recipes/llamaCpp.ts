import { FLOAT_BITS } from '../widths';
import type { Recipe, RecipeInput } from './recipe';

/** The type of ggml for each width, by the bits of its values. */
const types: readonly (readonly [bits: number, type: string])[] = [
  [2, 'q2_K'],
  [3, 'q3_K'],
  [4, 'q4_K'],
  [5, 'q5_K'],
  [6, 'q6_K'],
  [8, 'q8_0'],
  [16, 'f16'],
  [FLOAT_BITS, 'f32'],
];

/** What GGUF files call the modules of a block, by the names in Hugging Face's Llama, GPT-2 and BERT. */
const blockModules: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
  'attn.c_attn': 'attn_qkv',
  'attn.c_proj': 'attn_output',
  'mlp.c_fc': 'ffn_up',
  'mlp.c_proj': 'ffn_down',
  'attention.self.query': 'attn_q',
  'attention.self.key': 'attn_k',
  'attention.self.value': 'attn_v',
  'attention.output.dense': 'attn_output',
  'intermediate.dense': 'ffn_up',
  'output.dense': 'ffn_down',
};
const otherModules: Readonly<Record<string, string>> = {
  embed_tokens: 'token_embd',
  wte: 'token_embd',
  word_embeddings: 'token_embd',
  wpe: 'position_embd',
  position_embeddings: 'position_embd',
  token_type_embeddings: 'token_types',
  lm_head: 'output',
};

/**
 * Lines `pattern=type` for `llama-quantize --tensor-type-file`, each also good for `--tensor-type`. The patterns are regular
 * expressions over the names in the GGUF file.
 */
export function llamaCppRecipe({ layers }: RecipeInput): Recipe {
  const unknown: string[] = [];
  const lines = layers.map(({ layer, bits }) => {
    const name = ggufName(layer.name);
    if (name === undefined) unknown.push(layer.name);
    const pattern = (name ?? layer.name).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return `^${pattern}$=${types.find(([most]) => bits <= most)![1]}`;
  });
  const notes =
    unknown.length === 0
      ? []
      : [
          `What a GGUF file calls these layers is not known; their own names stand for it: ${unknown.join(', ')}.`,
        ];
  return { text: `${lines.join('\n')}\n`, notes };
}

function ggufName(layer: string): string | undefined {
  const module = layer.replace(/\.weight(#\d+)?$/, '');
  const block = /(?:^|\.)(?:layers?|h)\.(\d+)\.(.+)$/.exec(module);
  if (block && Object.hasOwn(blockModules, block[2]))
    return `blk.${block[1]}.${blockModules[block[2]]}.weight`;
  const last = module.split('.').at(-1)!;
  return Object.hasOwn(otherModules, last) ? `${otherModules[last]}.weight` : undefined;
}
