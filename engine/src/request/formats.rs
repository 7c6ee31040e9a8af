//! The shapes and log formats that are understood: how each is known, and what is taken from where.

use super::json::Json;

/// A shape or log format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// Our plain form.
    #[default]
    Plain,
    /// OpenAI chat completions.
    OpenAiChat,
    /// OpenAI Responses.
    OpenAiResponses,
    /// OpenAI Batch input lines.
    OpenAiBatch,
    /// Anthropic Messages.
    AnthropicMessages,
    /// Anthropic Message Batches requests.
    AnthropicBatch,
    /// LiteLLM's `StandardLoggingPayload`.
    LiteLlm,
    /// Rows of LiteLLM's table of spend logs.
    LiteLlmSpend,
    /// Langfuse export of observations.
    Langfuse,
    /// Helicone export of requests.
    Helicone,
    /// OpenTelemetry spans and events under the GenAI conventions.
    OtelGenAi,
    /// OpenTelemetry spans under the OpenInference conventions.
    OpenInference,
    /// Kong's log entries with an AI payload.
    KongAi,
    /// Amazon Bedrock's model invocation log.
    Bedrock,
    /// Whatever a path map describes.
    Mapped,
}

/// What a user is told about a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// Its short name.
    pub name: &'static str,
    /// What it is, for someone who has such a log.
    pub what: &'static str,
    /// Where the text of the request comes from.
    pub prompt: &'static str,
    /// Where principals, time and tags come from.
    pub fields: &'static str,
    /// Against what these paths were checked.
    pub checked: &'static str,
}

/// The outermost names that some format reads: what has to be read of a file in columns.
pub const COLUMNS: &[&str] = &[
    "account",
    "accountId",
    "ai",
    "api_key",
    "asn",
    "attributes",
    "authenticated_entity",
    "body",
    "call_type",
    "client_ip",
    "consumer",
    "context",
    "conversation",
    "custom_id",
    "end_user",
    "endTime",
    "events",
    "frequency_penalty",
    "functions",
    "helicone_user",
    "id",
    "identity",
    "inferenceConfig",
    "input",
    "inputText",
    "instructions",
    "ip",
    "key",
    "litellm_call_id",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "maxTokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "model_group",
    "model_override",
    "model_parameters",
    "modelId",
    "modelParameters",
    "n",
    "name",
    "org",
    "organization_id",
    "output_config",
    "parallel_tool_calls",
    "params",
    "payer",
    "payment",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "provided_model_name",
    "providedModelName",
    "proxy_server_request",
    "reasoning",
    "reasoning_effort",
    "request",
    "request_body",
    "request_created_at",
    "request_id",
    "request_model",
    "request_user_id",
    "requester_ip_address",
    "requestId",
    "resourceLogs",
    "resourceSpans",
    "response_format",
    "safety_identifier",
    "schemaType",
    "seed",
    "span_id",
    "spanId",
    "start_time",
    "started_at",
    "startTime",
    "stop",
    "stop_sequences",
    "stopSequences",
    "system",
    "team_id",
    "temperature",
    "text",
    "textGenerationConfig",
    "thinking",
    "timestamp",
    "tool_choice",
    "tool_definitions",
    "toolConfig",
    "toolDefinitions",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "topP",
    "trace_id",
    "traceId",
    "ts",
    "type",
    "ua",
    "user",
    "user_agent",
    "user_id",
    "userId",
    "verbosity",
];

const BESIDE: &str = "id, account, ts and the other fields of the plain form beside the body";

impl Format {
    /// All formats, in the order in which they are listed.
    pub const ALL: [Self; 15] = [
        Self::Plain,
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::OpenAiBatch,
        Self::AnthropicMessages,
        Self::AnthropicBatch,
        Self::LiteLlm,
        Self::LiteLlmSpend,
        Self::Langfuse,
        Self::Helicone,
        Self::OtelGenAi,
        Self::OpenInference,
        Self::KongAi,
        Self::Bedrock,
        Self::Mapped,
    ];

    /// What a user is told about it.
    #[must_use]
    pub const fn describe(self) -> Description {
        match self {
            Self::Plain => Description {
                name: "plain",
                what: "promptprint's own form: one JSON object a line",
                prompt: "prompt (a string, or a list of strings)",
                fields: "id, account, ts (unix ms, as a number or in a string, or RFC 3339), end_user, key, org, payer, ip, ua, model, asn, payment",
                checked: "defined here",
            },
            Self::OpenAiChat => Description {
                name: "openai-chat",
                what: "OpenAI chat completions bodies, also as other vendors speak them",
                prompt: "messages[].content (a string or parts); system and developer messages; tools[].function or functions[]",
                fields: "end_user from safety_identifier, else user; model; id, account, ts and the other fields of the plain form beside the body",
                checked: "types of the openai package 3.52.0",
            },
            Self::OpenAiResponses => Description {
                name: "openai-responses",
                what: "OpenAI Responses bodies; with previous_response_id or conversation the history is not in the body, and only what is new is read",
                prompt: "input (a string or items), instructions, tools[]",
                fields: "end_user from safety_identifier, else user; model; id, account, ts and the other fields of the plain form beside the body",
                checked: "types of the openai package 3.52.0",
            },
            Self::OpenAiBatch => Description {
                name: "openai-batch",
                what: "OpenAI Batch input files",
                prompt: "body.* as a chat, Responses or completions body",
                fields: "id from custom_id; account, ts and the other fields of the plain form where somebody added them",
                checked: "documentation of the openai package 3.52.0",
            },
            Self::AnthropicMessages => Description {
                name: "anthropic-messages",
                what: "Anthropic Messages bodies",
                prompt: "system (a string or blocks), messages[].content (text and tool_result blocks), tools[].input_schema",
                fields: "end_user from metadata.user_id; model; id, account, ts and the other fields of the plain form beside the body",
                checked: "types of the anthropic package 2.11.0",
            },
            Self::AnthropicBatch => Description {
                name: "anthropic-batch",
                what: "Anthropic Message Batches requests, one a line",
                prompt: "params.* as a Messages body",
                fields: "id from custom_id; account, ts and the other fields of the plain form where somebody added them",
                checked: "types of the anthropic package 2.11.0",
            },
            Self::LiteLlm => Description {
                name: "litellm",
                what: "LiteLLM StandardLoggingPayload, as its S3, GCS, SQS and webhook loggers write it",
                prompt: "messages; tools and parameters from model_parameters; redacted messages are left out",
                fields: "id, key from metadata.user_api_key_hash, account from metadata.user_api_key_user_id, org from metadata.user_api_key_org_id else user_api_key_team_id, end_user, startTime (unix s), requester_ip_address, user_agent, model",
                checked: "types of the litellm package 1.109.1",
            },
            Self::LiteLlmSpend => Description {
                name: "litellm-spend",
                what: "rows of LiteLLM_SpendLogs, as JSON or CSV",
                prompt: "proxy_server_request where prompts are stored, else messages",
                fields: "request_id, key from api_key, account from user, org from organization_id else team_id, end_user, startTime, requester_ip_address, model",
                checked: "types and schema of the litellm package 1.109.1",
            },
            Self::Langfuse => Description {
                name: "langfuse",
                what: "Langfuse export of observations, JSON, JSONL or CSV; only generations are requests",
                prompt: "input (a string, messages, or a body with messages); tools from tool_definitions or the body",
                fields: "id, account from user_id, start_time (UTC), model or provided_model_name, parameters from model_parameters; also in camel case",
                checked: "types of the langfuse package 5.0.4; names of the tools columns not verified",
            },
            Self::Helicone => Description {
                name: "helicone",
                what: "Helicone export of requests",
                prompt: "request_body.* as a body of its API",
                fields: "request_id, account from request_user_id, request_created_at, request_model else model_override; no address is exported",
                checked: "the request type in Helicone's public repository; the export tool's file not verified",
            },
            Self::OtelGenAi => Description {
                name: "otel-genai",
                what: "OpenTelemetry spans or log records under the GenAI conventions: OTLP JSON or one span a line",
                prompt: "gen_ai.input.messages, gen_ai.system_instructions, gen_ai.tool.definitions; older: events gen_ai.*.message, gen_ai.prompt, gen_ai.prompt.N.*",
                fields: "id from the span's id, account from user.id else enduser.id, the span's start, client.address, user_agent.original, gen_ai.request.*",
                checked: "opentelemetry-semantic-conventions 0.66b2 and opentelemetry-util-genai 1.3b0; that user.id is the account is our choice; the older events gen_ai.*.message are no longer in these packages and not verified",
            },
            Self::OpenInference => Description {
                name: "openinference",
                what: "OpenTelemetry spans under the OpenInference conventions (Phoenix, Arize): OTLP JSON or one span a line; only LLM spans are requests",
                prompt: "llm.input_messages.N.message.*, else llm.prompts.N.prompt.text, else input.value; llm.tools.N.tool.json_schema",
                fields: "id from the span's id, account from user.id, the span's start, llm.model_name, llm.invocation_parameters",
                checked: "openinference-semantic-conventions 0.1.42",
            },
            Self::KongAi => Description {
                name: "kong-ai",
                what: "Kong log entries of the AI Proxy with payload logging switched on",
                prompt: "ai.proxy.payload.request (an object, or JSON in a string)",
                fields: "request.id, account from consumer.custom_id else username else id, key from authenticated_entity.id, started_at (unix ms), client_ip, request.headers.user-agent, ai.proxy.meta.request_model",
                checked: "Kong's audit log reference and its sample entry; that the payload may be a string, and the consumer's fields, not verified",
            },
            Self::Bedrock => Description {
                name: "bedrock",
                what: "Amazon Bedrock model invocation log; bodies kept apart in S3 are reported, not read",
                prompt: "input.inputBodyJson.* (Converse, Messages, prompt, inputText)",
                fields: "requestId, account from identity.arn, org from accountId, timestamp, modelId",
                checked: "sample entries in public repositories, not the vendor's own pages",
            },
            Self::Mapped => Description {
                name: "map",
                what: "anything else, described by a path map (--map FILE)",
                prompt: "the map's prompt, messages, body, system and tools",
                fields: BESIDE,
                checked: "defined here",
            },
        }
    }

    /// The format of an object, by keys that only it has; `None` where nothing fits.
    pub(super) fn of_object(line: Json<'_>) -> Option<Self> {
        let keys = Keys::of(line);
        let has = |key: u32| keys.0 & key != 0;
        let all = |wanted: u32| keys.0 & wanted == wanted;
        if all(Keys::CUSTOM_ID | Keys::PARAMS) {
            Some(Self::AnthropicBatch)
        } else if all(Keys::CUSTOM_ID | Keys::BODY) {
            Some(Self::OpenAiBatch)
        } else if has(Keys::RESOURCE | Keys::ATTRIBUTES) {
            // Each span says by itself which convention it follows.
            Some(Self::OtelGenAi)
        } else if has(Keys::SCHEMA_TYPE) && line.get("schemaType").is_some_and(|kind| kind.is("ModelInvocationLog")) {
            Some(Self::Bedrock)
        } else if all(Keys::REQUEST_BODY | Keys::REQUEST_ID) {
            Some(Self::Helicone)
        } else if all(Keys::CALL_TYPE | Keys::MODEL_PARAMETERS) {
            Some(Self::LiteLlm)
        } else if all(Keys::CALL_TYPE | Keys::API_KEY) {
            Some(Self::LiteLlmSpend)
        } else if all(Keys::TRACE_ID | Keys::START_TIME) {
            Some(Self::Langfuse)
        } else if all(Keys::AI | Keys::STARTED_AT) {
            Some(Self::KongAi)
        } else if has(Keys::MESSAGES) {
            Some(if super::anthropic::is_body(line) { Self::AnthropicMessages } else { Self::OpenAiChat })
        } else if has(Keys::RESPONSES) || (has(Keys::INPUT) && !has(Keys::PROMPT)) {
            Some(Self::OpenAiResponses)
        } else if has(Keys::PROMPT) {
            Some(Self::Plain)
        } else {
            None
        }
    }
}

/// Which telling keys an object has, found in one walk over its keys: most lines are short, and asking for each key by
/// itself cost as much as reading them.
struct Keys(u32);

impl Keys {
    const CUSTOM_ID: u32 = 1;
    const PARAMS: u32 = 1 << 1;
    const BODY: u32 = 1 << 2;
    const RESOURCE: u32 = 1 << 3;
    const ATTRIBUTES: u32 = 1 << 4;
    const SCHEMA_TYPE: u32 = 1 << 5;
    const REQUEST_BODY: u32 = 1 << 6;
    const REQUEST_ID: u32 = 1 << 7;
    const CALL_TYPE: u32 = 1 << 8;
    const MODEL_PARAMETERS: u32 = 1 << 9;
    const API_KEY: u32 = 1 << 10;
    const TRACE_ID: u32 = 1 << 11;
    const START_TIME: u32 = 1 << 12;
    const AI: u32 = 1 << 13;
    const STARTED_AT: u32 = 1 << 14;
    const MESSAGES: u32 = 1 << 15;
    const RESPONSES: u32 = 1 << 16;
    const INPUT: u32 = 1 << 17;
    const PROMPT: u32 = 1 << 18;

    fn of(line: Json<'_>) -> Self {
        let found = line.entries().fold(0, |found, (key, value)| found | Self::bit(key, value));
        Self(found)
    }

    fn bit(key: Json<'_>, value: Json<'_>) -> u32 {
        // A prompt that is null is still a request of the plain form.
        if value.is_null() && !key.is("prompt") {
            return 0;
        }
        match key.raw() {
            "custom_id" => Self::CUSTOM_ID,
            "params" => Self::PARAMS,
            "body" => Self::BODY,
            "resourceSpans" | "resourceLogs" => Self::RESOURCE,
            "attributes" if value.is_object() || value.is_array() => Self::ATTRIBUTES,
            "schemaType" => Self::SCHEMA_TYPE,
            "request_body" => Self::REQUEST_BODY,
            "request_created_at" | "request_id" => Self::REQUEST_ID,
            "call_type" => Self::CALL_TYPE,
            "model_parameters" | "model_map_information" => Self::MODEL_PARAMETERS,
            "api_key" => Self::API_KEY,
            "trace_id" | "traceId" => Self::TRACE_ID,
            "start_time" | "startTime" => Self::START_TIME,
            "ai" if value.is_object() => Self::AI,
            "started_at" | "client_ip" => Self::STARTED_AT,
            "messages" => Self::MESSAGES,
            "instructions" | "previous_response_id" | "conversation" | "max_output_tokens" => Self::RESPONSES,
            "input" if value.is_array() || value.is_string() => Self::INPUT,
            "prompt" => Self::PROMPT,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tools::PARAMETERS;
    use super::*;

    #[test]
    fn columns_of_parameters_are_read() {
        for (name, _) in PARAMETERS {
            assert!(COLUMNS.contains(name), "{name}");
        }
    }
}
