// Writes the logits of llama.cpp or ik_llama.cpp for given tokens, in chunks that know nothing of each other:
//   peer_logits MODEL TOKENS.txt OUT.f32 CTX f16|f32 THREADS
// TOKENS.txt holds ids separated by blanks; OUT.f32 is raw float32 [positions, vocabulary]. Compiled against
// a peer's own headers and libraries as peer_bench.cc is; scripts/goldens/peer_logits.py drives it.
#include <llama.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

namespace {

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "peer_logits: %s\n", what);
  std::exit(1);
}

std::vector<llama_token> read_tokens(const char* path) {
  std::ifstream in(path);
  std::vector<llama_token> tokens;
  for (llama_token t; in >> t;) tokens.push_back(t);
  return tokens;
}

llama_context* open(llama_model* model, int ctx, bool f32_cache, int threads) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = static_cast<uint32_t>(ctx);
  params.n_threads = params.n_threads_batch = threads;
  params.type_k = params.type_v = f32_cache ? GGML_TYPE_F32 : GGML_TYPE_F16;
  // Its flash attention rounds an f32 cache to f16.
#ifdef PEER_IK
  params.flash_attn = false;
#else
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
#endif
  llama_context* context = llama_init_from_model(model, params);
  if (!context) die("no context");
  return context;
}

void clear(llama_context* context) {
#ifdef PEER_IK
  llama_kv_cache_seq_rm(context, 0, 0, -1);
#else
  llama_memory_seq_rm(llama_get_memory(context), 0, 0, -1);
#endif
}

void decode_all(llama_context* context, const llama_token* tokens, int count) {
  llama_batch batch = llama_batch_init(count, 0, 1);
  batch.n_tokens = count;
  for (int i = 0; i < count; ++i) {
    batch.token[i] = tokens[i];
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = true;
  }
  if (llama_decode(context, batch) != 0) die("llama_decode failed");
  llama_batch_free(batch);
}

void quiet(ggml_log_level, const char*, void*) {}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) die("usage: peer_logits MODEL TOKENS.txt OUT.f32 CTX f16|f32 THREADS");
  const std::vector<llama_token> tokens = read_tokens(argv[2]);
  const int ctx = std::atoi(argv[4]);
  llama_log_set(quiet, nullptr);
  llama_backend_init();
#ifndef PEER_IK
  ggml_backend_load_all();
#endif
  llama_model* model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (!model) die("the model cannot be loaded");
  llama_context* context = open(model, ctx, std::strcmp(argv[5], "f32") == 0, std::atoi(argv[6]));
#ifdef PEER_IK
  const size_t vocabulary = static_cast<size_t>(llama_n_vocab(model));
#else
  const size_t vocabulary = static_cast<size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model)));
#endif
  std::FILE* out = std::fopen(argv[3], "wb");
  if (!out) die("the output cannot be written");
  for (size_t start = 0; start + static_cast<size_t>(ctx) <= tokens.size();
       start += static_cast<size_t>(ctx)) {
    clear(context);
    decode_all(context, tokens.data() + start, ctx);
    for (int i = 0; i < ctx; ++i)
      if (std::fwrite(llama_get_logits_ith(context, i), sizeof(float), vocabulary, out) != vocabulary)
        die("the output cannot be written");
  }
  if (std::fclose(out) != 0) die("the output cannot be written");
  return 0;
}
