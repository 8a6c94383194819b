"""Columns of the tables and views that the macros read: kinds of machines, settings and coefficients with a column each."""

from __future__ import annotations

from transforms.columns.field import Field

_MACHINES: dict[str, Field] = {
    "hardware": Field("BIGINT", "number of a kind of machine, a hash of its description"),
    "is_scaled_out": Field("BOOLEAN", "whether the shape is offered in numbers, several machines as one deployment"),
    "is_cheapest": Field("BOOLEAN", "whether no shape of the same kind of machine costs less; null without a price"),
    "is_cheapest_scaled_out": Field("BOOLEAN", "the same among the shapes that are offered in numbers"),
    "replica_class": Field("INTEGER", "number of a replica's place: accelerator, links and layout, free of the number of copies"),
    "card_share": Field("DOUBLE", "part of an accelerator that a replica has; 1 for whole ones", "share"),
    "published_on": Field("DATE", "day on which the version was made"),
}

_LOADS: dict[str, Field] = {
    "full_layers": Field("INTEGER", "layers that cache every token", "layers"),
    "full_divided_bytes": Field("DOUBLE", "their cache of one token that tensor parallel divides, at 16 bit", "bytes"),
    "full_copied_bytes": Field("DOUBLE", "their cache of one token that every GPU holds, at 16 bit", "bytes"),
    "index_bytes": Field("DOUBLE", "cache of one token for the index of sparse attention", "bytes"),
    "full_kv_heads": Field("INTEGER", "least KV heads of the layers whose cache tensor parallel divides; null where none does"),
    "window_kv_heads": Field("INTEGER", "least KV heads of the layers with a window; null without such layers"),
    "state_layers": Field("INTEGER", "layers with a fixed state", "layers"),
    "state_bytes_per_layer": Field("DOUBLE", "largest fixed state of one sequence in one layer", "bytes"),
    "state_bytes": Field("DOUBLE", "fixed state of one sequence in all layers", "bytes"),
    "full_decode_flops": Field("DOUBLE", "arithmetic of one new token per context token, layers without a window", "FLOP"),
    "full_prefill_flops": Field("DOUBLE", "arithmetic of one prompt token per context token, layers without a window", "FLOP"),
}
for _number, _which in ((1, "the smallest window"), (2, "a larger window")):
    _LOADS |= {
        f"window_{_number}_layers": Field("INTEGER", f"layers with {_which}", "layers"),
        f"window_{_number}_tokens": Field("BIGINT", f"tokens that layers with {_which} keep; null without such layers", "tokens"),
        f"window_{_number}_bytes": Field("DOUBLE", f"cache of one token in the layers with {_which}, at 16 bit", "bytes"),
        f"window_{_number}_decode_flops": Field(
            "DOUBLE", f"arithmetic of one new token per context token, layers with {_which}", "FLOP"
        ),
        f"window_{_number}_prefill_flops": Field(
            "DOUBLE", f"arithmetic of one prompt token per context token, layers with {_which}", "FLOP"
        ),
    }

_ENGINE: dict[str, Field] = {
    "is_newest": Field("BOOLEAN", "whether the range is the engine's newest, which is the default"),
    "block_tokens": Field("DOUBLE", "tokens of one block of the KV cache", "tokens"),
    "large_card_gib": Field("DOUBLE", "memory from which a card takes the defaults of large cards", "GiB"),
    "large_card_max_num_seqs": Field("DOUBLE", "default of max_num_seqs on large cards", "sequences"),
    "other_card_max_num_seqs": Field("DOUBLE", "default of max_num_seqs on other cards", "sequences"),
    "large_card_max_num_batched_tokens": Field("DOUBLE", "default of max_num_batched_tokens on large cards", "tokens"),
    "other_card_max_num_batched_tokens": Field("DOUBLE", "default of max_num_batched_tokens on other cards", "tokens"),
    "sampler_bytes_per_sequence_and_token": Field("DOUBLE", "sampler's memory per sequence and entry of the vocabulary", "bytes"),
    "forward_intermediate_factor": Field("DOUBLE", "widths of the feed-forward layer that a forward pass holds a token", "ratio"),
    "forward_hidden_factor": Field("DOUBLE", "widths of the residual stream that a forward pass holds a token", "ratio"),
    "expert_workspace_factor": Field("DOUBLE", "share of the buffers of routed tokens that stay beside the sampler", "ratio"),
    "nvfp4_expert_workspace_factor": Field("DOUBLE", "the same where experts are NVFP4", "ratio"),
    "mxfp4_expert_width_multiple": Field("DOUBLE", "an MXFP4 expert's width is padded to a multiple of this"),
    "mxfp4_hidden_multiple": Field("DOUBLE", "the residual stream of MXFP4 experts is padded to a multiple of this"),
    "vision_activation_gib": Field("DOUBLE", "activation added for models with a tower", "GiB"),
    "mla_moe_activation_gib": Field("DOUBLE", "activation added for latent attention with experts", "GiB"),
    "mla_moe_activation_min_tp": Field("DOUBLE", "tensor parallel degree from which that is added", "GPUs"),
    "single_non_torch_gib": Field("DOUBLE", "memory outside the framework's allocator on a single GPU", "GiB"),
    "nvlink_non_torch_gib": Field("DOUBLE", "the same on several GPUs with NVLink", "GiB"),
    "nvlink_blackwell_non_torch_gib": Field("DOUBLE", "the same on several Blackwell GPUs with NVLink", "GiB"),
    "pcie_non_torch_gib": Field("DOUBLE", "the same on several GPUs with PCIe", "GiB"),
    "amd_non_torch_gib": Field("DOUBLE", "the same on AMD GPUs", "GiB"),
    "unified_non_torch_gib": Field("DOUBLE", "the same where the system shares the accelerator's memory", "GiB"),
    "cuda_graphs_gib_per_layer": Field("DOUBLE", "captured graphs of one layer", "GiB"),
    "mla_cuda_graphs_gib_per_layer": Field("DOUBLE", "captured graphs of one layer with latent attention", "GiB"),
    "amd_cuda_graphs_gib": Field("DOUBLE", "captured graphs of a model on AMD GPUs", "GiB"),
    "cuda_graphs_in_budget": Field("DOUBLE", "1 where graphs are subtracted from the pool, 0 where they lie outside the share"),
    "windowed_layers_charged_in_full": Field("DOUBLE", "1 where layers with a window reserve the whole context"),
    "layer_group_tolerance": Field("DOUBLE", "kinds of layers whose counts differ by less share one group size", "ratio"),
    "tokens_divided_by_layer_groups": Field("DOUBLE", "1 where the engine's count of tokens is divided by its groups of layers"),
    "one_shot_prefill_tokens": Field(
        "DOUBLE", "context up to which start-up profiles one prefill of all of it; 0 never", "tokens"
    ),
    "experts_split_within_tp": Field(
        "DOUBLE", "1 where experts are always split over all of tp; null where ep is left to choose"
    ),
    "utilization_of_free_memory": Field("DOUBLE", "1 where the share is of the memory that weights leave free; null for no"),
    "amd_moe_weights_factor": Field("DOUBLE", "expert weights as held on AMD GPUs over those stored", "ratio"),
    "nvidia_min_capability": Field("DOUBLE", "least CUDA compute capability that the engine runs on"),
    "nvidia_bf16_min_capability": Field("DOUBLE", "least CUDA compute capability with bfloat16"),
    "encoder_image_tokens": Field("MAP(VARCHAR, DOUBLE)", "tokens of the largest image, by architecture class; null for none"),
    "encoder_most_tokens": Field("MAP(VARCHAR, DOUBLE)", "tokens that an encoder is profiled with, by architecture class"),
    "encoder_bytes_per_token": Field("MAP(VARCHAR, DOUBLE)", "memory of an encoder per such token, by class", "bytes"),
    "encoder_copied_share": Field("DOUBLE", "part of an encoder's memory that tensor parallel does not divide", "share"),
    "supported_targets": Field("VARCHAR[]", "compute capabilities of other vendors that the engine runs on; null for none named"),
    "unified_cards": Field("VARCHAR[]", "accelerators whose memory the system shares; null for none named"),
    "small_defaults_cards": Field("VARCHAR[]", "large accelerators that take the small defaults; null for none named"),
    "checkpoint_methods": Field("VARCHAR[]", "quantization methods that the engine loads; null where no list is known"),
    "missing_precisions": Field("VARCHAR[]", "weight precisions that the release has no kernels for on NVIDIA"),
    "precision_min_capability": Field(
        "MAP(VARCHAR, DOUBLE)", "least CUDA compute capability in the release, by precision or method and precision"
    ),
    "sparse_attention_capabilities": Field(
        "VARCHAR[]", "major CUDA compute capabilities with sparse latent attention; null where not known"
    ),
    "float16_refused_types": Field("VARCHAR[]", "model types that the engine refuses to serve in float16"),
}
for _kind, _whose in (
    ("dense", "dense models"),
    ("moe", "models with experts"),
    ("vision", "models with a tower, added"),
    ("amd", "AMD cards, added"),
    ("other_vendor", "cards of vendors without any log, added"),
    ("unified", "systems that share the accelerator's memory, added"),
):
    _ENGINE[f"{_kind}_band_gib"] = Field("DOUBLE", f"uncertainty of the pool for {_whose}", "GiB")

_POLICY: dict[str, Field] = {
    "slo_tpot_ms": Field("DOUBLE", "bound of the default SLO on the time per output token", "ms"),
    "slo_ttft_ms": Field("DOUBLE", "bound of the default SLO on the time to first token at an empty prompt", "ms"),
    "slo_ttft_ms_per_input_token": Field("DOUBLE", "what every prompt token adds to that bound", "ms"),
    "output_share": Field("DOUBLE", "part of the context that is answer in the stated default load", "share"),
    "max_nodes": Field("INTEGER", "most machines of one deployment", "machines"),
    "max_tp": Field("INTEGER", "greatest tensor parallel degree", "GPUs"),
    "max_pp_in_node": Field("INTEGER", "most pipeline stages inside one machine", "stages"),
    "direct_links": Field("VARCHAR[]", "kinds of links by which accelerators reach each other without the host"),
    "tower_copied_share": Field("DOUBLE", "part of a tower's weights that every GPU holds", "share"),
    "hours_per_month": Field("DOUBLE", "hours that a month is counted with", "hours"),
    "peak_deviations": Field("DOUBLE", "standard deviations of a Poisson count that a rate of requests is held at"),
    "slo_holds_high_ends": Field("BOOLEAN", "whether bounds are held by the high end of the estimate rather than its middle"),
    "stale_price_days": Field("INTEGER", "age from which a price is stale", "days"),
}

_SPEED: dict[str, Field] = {
    "memory_efficiency": Field("DOUBLE", "share of the peak bandwidth that decoding reaches", "share"),
    "prefill_efficiency": Field("DOUBLE", "share of the arithmetic peak that prefill reaches", "share"),
    "overhead_factor": Field("DOUBLE", "factor of the accelerator on fixed times", "ratio"),
    "pcie_efficiency": Field("DOUBLE", "share of the PCIe bandwidth that an all-reduce of two GPUs reaches", "share"),
    "pcie_tp_exponent": Field("DOUBLE", "power of the tensor parallel degree by which that share falls"),
    "pcie_is_known": Field("BOOLEAN", "whether the PCIe figures are of this generation, not taken from another"),
    "plain_tflops": Field("DOUBLE", "dense peak of 16-bit arithmetic as the engine does it", "TFLOP/s"),
    "engine_factor": Field("DOUBLE", "factor of the engine on fixed times", "ratio"),
    "phi": Field("DOUBLE", "share of other requests' prefills that a decode step waits for", "share"),
    "moe_phi_factor": Field("DOUBLE", "factor on that share where the model has experts", "ratio"),
    "loaded_t0_ms": Field("DOUBLE", "fixed part of the time to first token under load", "ms"),
    "kappa": Field("DOUBLE", "prefills that a request queues behind under load, per request in flight"),
    "read_efficiency": Field("DOUBLE", "share of the bandwidth that kernels of the class reach", "ratio"),
    "arithmetic_efficiency": Field("DOUBLE", "share of the arithmetic peak that kernels of the class reach", "ratio"),
    "expert_read_efficiency": Field("DOUBLE", "the same of the bandwidth for routed experts", "ratio"),
    "expert_arithmetic_efficiency": Field("DOUBLE", "the same of the arithmetic peak for routed experts", "ratio"),
    "kv_efficiency": Field("DOUBLE", "share of the bandwidth at which the KV cache is read", "share"),
    "decode_efficiency": Field("DOUBLE", "share of the arithmetic peak that decoding reaches", "share"),
    "attention_efficiency": Field("DOUBLE", "share of the arithmetic peak that attention reaches", "share"),
    "moe_efficiency": Field("DOUBLE", "share of its arithmetic rate that a class reaches in routed experts", "ratio"),
    "layer_us": Field("DOUBLE", "fixed time of a layer in a step", "us"),
    "moe_layer_us": Field("DOUBLE", "what a layer with experts adds", "us"),
    "linear_layer_us": Field("DOUBLE", "what a linear or state-space layer adds", "us"),
    "mla_layer_us": Field("DOUBLE", "what a layer with latent attention adds", "us"),
    "index_layer_us": Field("DOUBLE", "what a layer with a sparse index adds", "us"),
    "request_us": Field("DOUBLE", "time that each request adds to a step", "us"),
    "narrow_expert_width": Field("DOUBLE", "width of an expert's part at which its read takes twice its bytes' time"),
    "float32_rate_share": Field("DOUBLE", "float32 arithmetic of cards without bfloat16 over that of float16", "share"),
    "activation_passes": Field("DOUBLE", "times that a prefill moves its activations through memory a layer"),
    "nvlink_alpha_us": Field("DOUBLE", "fixed time of an all-reduce over NVLink", "us"),
    "nvlink_efficiency": Field("DOUBLE", "share of the link's bandwidth that an all-reduce reaches", "share"),
    "pcie_alpha_us": Field("DOUBLE", "fixed time of an all-reduce over PCIe", "us"),
    "all_to_all_us": Field("DOUBLE", "fixed time of a layer's exchange between experts", "us"),
    "network_alpha_us": Field("DOUBLE", "fixed time of a transfer between machines", "us"),
    "network_efficiency": Field("DOUBLE", "share of the network's bandwidth that a transfer reaches", "share"),
    "idle_t0_ms": Field("DOUBLE", "fixed part of the time to first token of a single request", "ms"),
    "loaded_steps": Field("DOUBLE", "decode steps that a request waits for under load"),
    "gamma": Field("DOUBLE", "exponent of the queue of prefills under load"),
    "interval_share": Field("DOUBLE", "share of real runs that lie within the intervals", "share"),
    "tpot_low": Field("DOUBLE", "factor on tpot_ms for the low end of its interval", "ratio"),
    "tpot_high": Field("DOUBLE", "factor on tpot_ms for the high end of its interval", "ratio"),
    "ttft_low": Field("DOUBLE", "factor on ttft_ms for the low end of its interval", "ratio"),
    "ttft_high": Field("DOUBLE", "factor on ttft_ms for the high end of its interval", "ratio"),
    "rate_low": Field("DOUBLE", "factor on output_tokens_per_s for the low end of its interval", "ratio"),
    "rate_high": Field("DOUBLE", "factor on output_tokens_per_s for the high end of its interval", "ratio"),
}

FORMULA_COLUMNS: dict[str, Field] = {**_MACHINES, **_LOADS, **_ENGINE, **_POLICY, **_SPEED}
