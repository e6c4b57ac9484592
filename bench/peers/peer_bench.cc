// Times prefill and decode of llama.cpp or ik_llama.cpp through their C API, as `yoke bench` times Yoke:
// random tokens, no sampling, logits of the last row only. bench/compare compiles it against the peer that
// the caller built
// (-DPEER_IK for ik_llama.cpp).
#include <llama.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

struct Options {
  std::string model;
  int threads = 2, prompt = 512, generate = 128, depth = 0, batch = 1, repeat = 1;
  bool flash_attention = true, repack = true, warm_up = true;
};

Options parse(int argc, char** argv) {
  Options o;
  o.model = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    const int value = std::atoi(argv[i + 1]);
    if (flag == "--threads") o.threads = value;
    if (flag == "--prompt") o.prompt = value;
    if (flag == "--gen") o.generate = value;
    if (flag == "--depth") o.depth = value;
    if (flag == "--batch") o.batch = value;
    if (flag == "--repeat") o.repeat = value;
    if (flag == "--fa") o.flash_attention = value != 0;
    if (flag == "--repack") o.repack = value != 0;
    if (flag == "--warm-up") o.warm_up = value != 0;
  }
  return o;
}

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "peer_bench: %s\n", what);
  std::exit(1);
}

llama_model* load(const Options& o) {
  llama_model_params params = llama_model_default_params();
#ifdef PEER_IK
  // Its run-time repacking works on memory of its own only.
  params.repack_tensors = o.repack;
  params.use_mmap = !o.repack;
#else
  params.use_extra_bufts = o.repack;
#endif
  llama_model* model = llama_model_load_from_file(o.model.c_str(), params);
  if (!model) die("the model cannot be loaded");
  return model;
}

llama_context* open(llama_model* model, const Options& o) {
  llama_context_params params = llama_context_default_params();
  const int longest = o.prompt > o.generate ? o.prompt : o.generate;
  params.n_ctx = static_cast<uint32_t>((o.depth + longest + 32) * o.batch);
  params.n_batch = 2048;
  params.n_ubatch = 512;
  params.n_seq_max = static_cast<uint32_t>(o.batch);
  params.n_threads = o.threads;
  params.n_threads_batch = o.threads;
#ifdef PEER_IK
  params.flash_attn = o.flash_attention;
#else
  params.flash_attn_type = o.flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.kv_unified = o.batch == 1;
#endif
  llama_context* context = llama_init_from_model(model, params);
  if (!context) die("no context");
  return context;
}

void clear(llama_context* context, int sequence, int from) {
#ifdef PEER_IK
  llama_kv_cache_seq_rm(context, sequence, from, -1);
#else
  llama_memory_seq_rm(llama_get_memory(context), sequence, from, -1);
#endif
}

int vocabulary_of(const llama_model* model) {
#ifdef PEER_IK
  return llama_n_vocab(model);
#else
  return llama_vocab_n_tokens(llama_model_get_vocab(model));
#endif
}

class Runner {
 public:
  Runner(llama_context* context, int vocabulary) : context_(context), vocabulary_(vocabulary) {}

  // One sequence's positions [from, from + count), cut into the peer's batches; logits of the last one.
  void prefill(int sequence, int from, int count) {
    for (int done = 0; done < count;) {
      const int rows = count - done < 2048 ? count - done : 2048;
      llama_batch batch = llama_batch_init(rows, 0, 1);
      batch.n_tokens = rows;
      for (int i = 0; i < rows; ++i) set(batch, i, sequence, from + done + i, done + i == count - 1);
      run(batch);
      done += rows;
    }
  }

  // One token of every sequence at this position.
  void decode(int sequences, int position) {
    llama_batch batch = llama_batch_init(sequences, 0, 1);
    batch.n_tokens = sequences;
    for (int s = 0; s < sequences; ++s) set(batch, s, s, position, true);
    run(batch);
  }

 private:
  void set(llama_batch& batch, int row, int sequence, int position, bool logits) {
    batch.token[row] = static_cast<llama_token>(random_() % static_cast<unsigned>(vocabulary_));
    batch.pos[row] = position;
    batch.n_seq_id[row] = 1;
    batch.seq_id[row][0] = sequence;
    batch.logits[row] = logits;
  }

  void run(llama_batch& batch) {
    if (llama_decode(context_, batch) != 0) die("llama_decode failed");
    if (!llama_get_logits(context_)) die("no logits");
    llama_batch_free(batch);
  }

  llama_context* context_;
  int vocabulary_;
  std::mt19937 random_{1};
};

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void print(const char* name, const std::vector<double>& values) {
  std::printf("\"%s\": [", name);
  for (size_t i = 0; i < values.size(); ++i) std::printf("%s%.3f", i ? ", " : "", values[i]);
  std::printf("]");
}

void quiet(ggml_log_level, const char*, void*) {}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2)
    die("usage: peer_bench MODEL [--threads N --prompt N --gen N --depth N --batch N --repeat N --fa 0|1 "
        "--repack 0|1 --warm-up 0|1]");
  const Options o = parse(argc, argv);
  llama_log_set(quiet, nullptr);
  llama_backend_init();
#ifndef PEER_IK
  ggml_backend_load_all();
#endif
  llama_model* model = load(o);
  llama_context* context = open(model, o);
  Runner runner(context, vocabulary_of(model));

  if (o.warm_up) {
    runner.prefill(0, 0, 2);
    clear(context, 0, 0);
  }
  for (int s = 0; o.depth > 0 && s < o.batch; ++s) runner.prefill(s, 0, o.depth);

  std::vector<double> prefill, decode;
  for (int r = 0; r < o.repeat; ++r) {
    if (o.prompt > 0) {
      const double start = seconds();
      for (int s = 0; s < o.batch; ++s) runner.prefill(s, o.depth, o.prompt);
      prefill.push_back(o.prompt * o.batch / (seconds() - start));
      for (int s = 0; s < o.batch; ++s) clear(context, s, o.depth);
    }
    if (o.generate > 0) {
      const double start = seconds();
      for (int i = 0; i < o.generate; ++i) runner.decode(o.batch, o.depth + i);
      decode.push_back(o.generate * o.batch / (seconds() - start));
      for (int s = 0; s < o.batch; ++s) clear(context, s, o.depth);
    }
  }
  std::printf("{");
  print("prefill", prefill);
  std::printf(", ");
  print("decode", decode);
  std::printf("}\n");
  llama_free(context);
  return 0;
}
