// The table of one instruction set's kernels. Included last by ops_ISA.cc.

namespace yoke::cpu::YOKE_ISA {
namespace {

const OpKernels kOps = {
    quantize_q8x32,
    quantize_q8x256,
    round_bf16,
    rms_factor,
    scale_rows,
    head_norm_rope,
    gated_mul,
    add,
    {kv_write<HalfKv>, kv_write<FloatKv>, kv_write<Q8Kv>},
    kTileQueries,
    attention_query,
    {attention_tile<HalfKv>, attention_tile<FloatKv>, attention_tile<Q8Kv>},
    attention_fold,
    attention_finish,
};

}  // namespace
}  // namespace yoke::cpu::YOKE_ISA
