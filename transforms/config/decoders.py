"""Refuses models that are no decoders, saying which reject it is and what to use instead."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from transforms.config.config_fields import TEXT_CONFIGS
from transforms.config.json_text import object_in
from transforms.tables.records import HubFiles, Reject


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENCODERS = _words("""
    bert roberta xlm-roberta xlm_roberta albert mpnet electra deberta deberta-v2 distilbert camembert ernie_m nomic_bert
    modernbert xlm flaubert longformer big_bird squeezebert funnel mobilebert rembert convbert layoutlm layoutlmv2
    layoutlmv3 esm nezha roberta-prelayernorm new gte_new eurobert neobert xlnet roformer jina_bert jina_embeddings
    xlm-roberta-xl mega ibert data2vec-text canine perceiver tapas luke markuplm xmod yoso nystromformer fnet lilt bge_m3
    jina_clip colbert
""")
_ENCODER_DECODERS = _words("""
    t5 mt5 umt5 byt5 longt5 bart mbart pegasus pegasus_x led marian m2m_100 nllb nllb-moe blenderbot blenderbot-small
    prophetnet xlm-prophetnet switch_transformers bigbird_pegasus plbart mvp t5gemma t5gemma2 fsmt encoder-decoder florence2
    donut-swin vision-encoder-decoder pix2struct udop nougat kosmos-2 trocr git
""")
_SPEECH = _words("""
    whisper wav2vec2 wav2vec2-bert wav2vec2-conformer hubert wavlm unispeech unispeech-sat seamless_m4t seamless_m4t_v2
    speecht5 speech_to_text vits bark encodec musicgen musicgen_melody parler_tts moonshine sew sew-d clap dac mimi univnet
    fastspeech2_conformer data2vec-audio mctct pop2piano audio-spectrogram-transformer parakeet kyutai_speech_to_text xcodec
""")
_VISION = _words("""
    vit clip siglip siglip2 dinov2 dinov3_vit swin swinv2 beit deit convnext convnextv2 resnet detr yolos owlvit owlv2 sam
    sam2 segformer mask2former maskformer dpt depth_anything blip clipseg chinese_clip align altclip groupvit efficientnet
    mobilenet_v2 mobilevit regnet timm_wrapper vitmatte videomae vivit timesformer clip_vision_model siglip_vision_model
    intern_vit_6b xclip grounding-dino rt_detr table-transformer vit_mae levit cvt bit oneformer conditional_detr
    deformable_detr upernet
""")
_HEADS = re.compile(
    r"For(SequenceClassification|TokenClassification|QuestionAnswering|MultipleChoice|RewardModel|Score|Classification|"
    r"SequenceRegression|ImageClassification|ObjectDetection)$|RewardModel$"
)
_DRAFTS = re.compile(r"eagle|medusa|speculator|draft|hydra|nextn|mtpmodel", re.IGNORECASE)
_DIFFUSION = re.compile(r"unet|diffusion|pixart|stable.?video|ddpm|autoencoderkl", re.IGNORECASE)


def refusal(files: HubFiles, config: Mapping[str, object]) -> Reject | None:
    """The reject of a model that is no decoder, None for one that may be sized."""
    model_type = str(config.get("model_type") or "").strip()
    kind = model_type.lower()
    names = config.get("architectures")
    names = [str(name)[:200] for name in names[:20]] if isinstance(names, list) else []
    name = names[0] if names else ""
    text = next((config[key] for key in TEXT_CONFIGS if isinstance(config.get(key), Mapping)), None)
    if kind in _SPEECH or re.search(r"whisper|wav2vec|ForSpeech|ForCTC|TextToSpeech", name):
        return Reject("speech", f"{_called(name, kind)} is a speech model; size it with its own runtime, not as a language model")
    if _is_embedding(files, kind, name, config):
        return Reject(
            "embedding",
            f"{_called(name, kind)} is an encoder that yields embeddings; serve it with an embedding server on any small GPU",
        )
    if kind in _ENCODER_DECODERS or (config.get("is_encoder_decoder") is True and text is None):
        return Reject("encoder_decoder", f"{_called(name, kind)} is an encoder-decoder; only decoder models are sized")
    if kind in _ENCODERS or name.endswith("ForMaskedLM"):
        what = "classifies or ranks text" if _HEADS.search(name) else "does not generate text"
        return Reject("encoder_only", f"{_called(name, kind)} is an encoder that {what}; choose a *ForCausalLM model")
    if _DRAFTS.search(name) or _DRAFTS.search(kind) or "draft_vocab_size" in config or config.get("eagle_config"):
        return Reject(
            "not_a_language_model", f"{_called(name, kind)} is a draft head for speculative decoding; size its target model"
        )
    if config.get("peft_type") or (config.get("base_model_name_or_path") and not config.get("model_type")):
        base = str(config.get("base_model_name_or_path") or files.base_model or "its base model")[:200]
        return Reject("not_a_language_model", f"an adapter, no model of its own; size {base}")
    if config.get("_diffusers_version") or config.get("_class_name") or _DIFFUSION.search(name):
        return Reject(
            "not_a_language_model", f"{str(config.get('_class_name') or name)[:60]} is a diffusion model, not a language model"
        )
    if kind in _VISION or (kind.endswith(("_vision_model", "_vision")) and text is None):
        return Reject("not_a_language_model", f"{_called(name, kind)} is a vision model without a language model")
    if _HEADS.search(name):
        return Reject(
            "not_a_language_model",
            f"{name[:60]} scores or classifies (reranker, reward model) and generates no text; size its base",
        )
    claimed = _claimed_type(name)
    if claimed and kind == "llama":
        return Reject(
            "not_a_language_model",
            f"architecture {name[:60]} under model_type {model_type[:30]!r} is a shim for another model; "
            f"size the repository with the real {claimed} config",
        )
    return None


def without_weights(files: HubFiles) -> Reject | None:
    """The reject of a repository that holds only GGUF files, None otherwise."""
    if ".gguf" not in (files.files or "").lower():  # true of nearly all models, so asked before the list is read
        return None
    names = listed_names(files.files)
    gguf = [name for name in names if name.lower().endswith(".gguf")]
    if gguf and not any(name.endswith((".safetensors", ".bin", ".pt", ".pth")) for name in names):
        base = f"size {files.base_model}" if files.base_model else "size the model that it was converted from"
        return Reject("gguf_only", f"only GGUF files ({gguf[0][:80]}); {base} and choose a 4-bit quantization")
    return None


def _is_embedding(files: HubFiles, kind: str, name: str, config: Mapping[str, object]) -> bool:
    encoder = kind in _ENCODERS or (not kind and "Roberta" in name) or kind in ("t5encoder",) or name == "T5EncoderModel"
    if encoder:
        named = re.search(r"Model$|EncoderModel$|ForEmbedding", name) or "embedding" in files.model_id.lower()
        return bool(named) or _marked_embedding(files)
    generates = "AutoModelForCausalLM" in object_in(config.get("auto_map"))
    embeds = re.search(r"(?<!ForCausalLM)(Model|ForEmbedding|Embed\w*)$", name) and not generates
    return bool(embeds) and _marked_embedding(files)


def _marked_embedding(files: HubFiles) -> bool:
    owner = files.model_id.split("/")[0].lower()
    labels = {str(tag).lower() for tag in listed_names(files.tags)} | {str(files.pipeline_tag or "").lower()}
    return owner == "sentence-transformers" or bool(
        labels & {"sentence-transformers", "sentence-similarity", "feature-extraction"}
    )


def _claimed_type(name: str) -> str | None:
    """The family that a class name names, where it is one whose layers are nothing like a llama's."""
    match = re.match(
        r"(DeepseekV\d+|Kimi|Glm\w*Dsa|Qwen3Next|Qwen3_5|NemotronH|MiniMax\w*|Mamba\d?|FalconMamba|Jamba|Gemma\w*)", name
    )
    return match.group(1) if match else None


def _called(name: str, kind: str) -> str:
    return name[:60] or f"model_type {kind[:60]!r}"


def listed_names(text: str | None) -> list[str]:
    """Names of a JSON list as `hub_files` keeps them; none where there is no list."""
    try:
        names = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
