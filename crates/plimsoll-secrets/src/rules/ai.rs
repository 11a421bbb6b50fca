//! Language models and what belongs to them.

use crate::finding::Severity::{Critical, High, Medium};
use crate::rule::{Rule, named, token, words};

pub(super) static RULES: &[Rule] = &[
    token(
        "openai-api-key",
        "OpenAI API key",
        Critical,
        words!["sk-"],
        r"sk-(?:(?:proj|svcacct|admin|service)-)?[A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,120}",
    ),
    token(
        "openai-project-key",
        "OpenAI project key",
        Critical,
        words!["sk-proj-", "sk-svcacct-", "sk-admin-"],
        r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,200}",
    )
    .entropy(3.5),
    named("openai-legacy-key", "OpenAI API key", Critical, words!["openai"], &[], r"sk-[A-Za-z0-9]{48}"),
    token(
        "anthropic-api-key",
        "Anthropic API key",
        Critical,
        words!["sk-ant-api"],
        r"sk-ant-api\d{2}-[A-Za-z0-9_-]{80,120}",
    ),
    token(
        "anthropic-admin-key",
        "Anthropic admin API key",
        Critical,
        words!["sk-ant-admin"],
        r"sk-ant-admin\d{2}-[A-Za-z0-9_-]{80,120}",
    ),
    token(
        "anthropic-oauth-token",
        "Anthropic OAuth or session token",
        High,
        words!["sk-ant-oat", "sk-ant-ort", "sk-ant-sid"],
        r"sk-ant-(?:oat|ort|sid)\d{2}-[A-Za-z0-9_-]{60,140}",
    ),
    token(
        "huggingface-token",
        "Hugging Face access token",
        Critical,
        words!["hf_"],
        r"hf_[A-Za-z0-9]{34,40}",
    )
    .entropy(3.5),
    token(
        "huggingface-org-token",
        "Hugging Face organization token",
        Critical,
        words!["api_org_"],
        r"api_org_[A-Za-z0-9]{34}",
    ),
    token("replicate-token", "Replicate API token", High, words!["r8_"], r"r8_[A-Za-z0-9]{37}"),
    token("groq-api-key", "Groq API key", High, words!["gsk_"], r"gsk_[A-Za-z0-9]{52}"),
    token("perplexity-api-key", "Perplexity API key", High, words!["pplx-"], r"pplx-[A-Za-z0-9]{40,64}"),
    token("xai-api-key", "xAI API key", High, words!["xai-"], r"xai-[A-Za-z0-9]{70,90}"),
    token("openrouter-api-key", "OpenRouter API key", High, words!["sk-or-v1-"], r"sk-or-v1-[0-9a-f]{64}"),
    named("deepseek-api-key", "DeepSeek API key", High, words!["deepseek"], &[], r"sk-[0-9a-f]{32}"),
    named("cohere-api-key", "Cohere API key", High, words!["cohere", "co_api"], &["key"], r"[A-Za-z0-9]{40}")
        .entropy(3.5),
    named("mistral-api-key", "Mistral API key", High, words!["mistral"], &["key"], r"[A-Za-z0-9]{32}")
        .entropy(3.5),
    named(
        "stability-api-key",
        "Stability AI API key",
        High,
        words!["stability"],
        &["key"],
        r"sk-[A-Za-z0-9]{48}",
    ),
    token("elevenlabs-api-key", "ElevenLabs API key", High, words!["sk_"], r"sk_[0-9a-f]{48}"),
    token(
        "langsmith-api-key",
        "LangSmith API key",
        High,
        words!["lsv2_"],
        r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
    ),
    token(
        "langfuse-secret-key",
        "Langfuse secret key",
        High,
        words!["sk-lf-"],
        r"sk-lf-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token(
        "pinecone-api-key",
        "Pinecone API key",
        High,
        words!["pcsk_"],
        r"pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{60,64}",
    ),
    named("wandb-api-key", "Weights & Biases API key", High, words!["wandb"], &["key"], r"[0-9a-f]{40}"),
    token(
        "wandb-v1-api-key",
        "Weights & Biases API key",
        High,
        words!["wandb_v1_"],
        r"wandb_v1_[A-Za-z0-9_]{60,100}",
    ),
    token("nvidia-api-key", "NVIDIA API key", High, words!["nvapi-"], r"nvapi-[A-Za-z0-9_-]{60,70}"),
    token("fireworks-api-key", "Fireworks AI API key", High, words!["fw_"], r"fw_[A-Za-z0-9]{20,26}")
        .entropy(3.8),
    token("together-api-key", "Together AI API key", High, words!["tgp_v1_"], r"tgp_v1_[A-Za-z0-9_-]{40,50}"),
    token("cerebras-api-key", "Cerebras API key", High, words!["csk-"], r"csk-[a-z0-9]{48}"),
    token("jina-api-key", "Jina API key", Medium, words!["jina_"], r"jina_[0-9a-f]{32}[A-Za-z0-9_-]{24,32}"),
    token(
        "tavily-api-key",
        "Tavily API key",
        Medium,
        words!["tvly-"],
        r"tvly-(?:dev-|prod-)?[A-Za-z0-9]{32}",
    ),
    token("firecrawl-api-key", "Firecrawl API key", Medium, words!["fc-"], r"fc-[0-9a-f]{32}"),
    named(
        "assemblyai-api-key",
        "AssemblyAI API key",
        Medium,
        words!["assemblyai", "assembly_ai"],
        &["key"],
        r"[0-9a-f]{32}",
    ),
    named("deepgram-api-key", "Deepgram API key", Medium, words!["deepgram"], &["key"], r"[0-9a-f]{40}"),
    named("voyage-api-key", "Voyage AI API key", Medium, words!["voyage"], &["key"], r"pa-[A-Za-z0-9_-]{43}"),
    token("modal-token-secret", "Modal token secret", High, words!["as-"], r"as-[A-Za-z0-9]{22}")
        .entropy(4.0)
        .checked(|context| {
            memchr::memmem::find(context.window, b"modal").is_some()
                || memchr::memmem::find(context.window, b"MODAL").is_some()
        }),
];
