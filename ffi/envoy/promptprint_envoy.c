/*
 * promptprint for Envoy (1.40): a dynamic module whose HTTP filter streams each request body through promptprint, records the
 * request, and tells the verdict in response headers. Nothing is buffered and no request is held: bodies of any size pass
 * (buffering would make Envoy answer 413 beyond 1 MiB).
 *
 *     cc -O2 -shared -fPIC -o libpromptprint_envoy.so promptprint_envoy.c -lpromptprint
 *
 * Filter configuration (google.protobuf.StringValue): lines of NAME=VALUE with store (required), key, account_header
 * (x-account), id_header (x-request-id), deadline_us, durability (buffered, group, synced).
 *
 * Declared by hand from Envoy's dynamic modules ABI, of which a filter like this needs little. Envoy's worker threads share one
 * reader and one writer; Envoy never forks.
 */
#include "promptprint.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* What of Envoy's ABI is used here. */
typedef struct {
    const char *ptr;
    size_t length;
} buffer;
enum { REQUEST_HEADER = 0, RESPONSE_HEADER = 2, RECEIVED_REQUEST_BODY = 0, CONTINUE = 0 };
bool envoy_dynamic_module_callback_http_get_header(void *filter, int type, buffer key, buffer *value, size_t index, size_t *count);
bool envoy_dynamic_module_callback_http_set_header(void *filter, int type, buffer key, buffer value);
size_t envoy_dynamic_module_callback_http_get_body_chunks_size(void *filter, int body);
bool envoy_dynamic_module_callback_http_get_body_chunks(void *filter, int body, buffer *chunks);

enum { NAME_BYTES = 256, CHUNKS = 64 };

typedef struct {
    promptprint_reader *reader;
    promptprint_writer *writer;
    promptprint_query_options query;
    char account_header[64];
    char id_header[64];
} config;

typedef struct {
    config *config;
    promptprint_request *request;
    char account[NAME_BYTES], id[NAME_BYTES], agent[NAME_BYTES];
    promptprint_verdict verdict;
    promptprint_status status;
    bool told;
} filter;

static buffer text(const char *words)
{
    buffer of = { words, strlen(words) };
    return of;
}

/* The value of NAME in lines of NAME=VALUE; the empty string where there is none. */
static void setting(buffer lines, const char *name, char *out, size_t capacity)
{
    size_t length = strlen(name), at = 0;
    out[0] = 0;
    while (at < lines.length) {
        const char *line = lines.ptr + at;
        const char *end = memchr(line, '\n', lines.length - at);
        size_t bytes = end ? (size_t)(end - line) : lines.length - at;
        if (bytes > length && memcmp(line, name, length) == 0 && line[length] == '=' && bytes - length - 1 < capacity) {
            memcpy(out, line + length + 1, bytes - length - 1);
            out[bytes - length - 1] = 0;
        }
        at += bytes + 1;
    }
}

EXPORT const char *envoy_dynamic_module_on_program_init(void)
{
    return "v1.40.0";
}

EXPORT const void *envoy_dynamic_module_on_http_filter_config_new(void *envoy, buffer name, buffer settings)
{
    char store[1024], key[1024], word[64];
    promptprint_options options = { .struct_size = sizeof options };
    promptprint_writer_options recording = { .struct_size = sizeof recording, .durability = PROMPTPRINT_GROUP };
    config *made = calloc(1, sizeof *made);
    (void)envoy;
    (void)name;
    if (!made)
        return NULL;
    setting(settings, "store", store, sizeof store);
    setting(settings, "key", key, sizeof key);
    setting(settings, "account_header", made->account_header, sizeof made->account_header);
    setting(settings, "id_header", made->id_header, sizeof made->id_header);
    if (!made->account_header[0])
        strcpy(made->account_header, "x-account");
    if (!made->id_header[0])
        strcpy(made->id_header, "x-request-id");
    setting(settings, "deadline_us", word, sizeof word);
    made->query.struct_size = sizeof made->query;
    made->query.deadline_us = (uint32_t)strtoul(word, NULL, 10);
    setting(settings, "durability", word, sizeof word);
    if (strcmp(word, "buffered") == 0)
        recording.durability = PROMPTPRINT_BUFFERED;
    if (strcmp(word, "synced") == 0)
        recording.durability = PROMPTPRINT_SYNCED;
    options.store = store;
    options.store_bytes = strlen(store);
    options.key = key[0] ? key : NULL;
    options.key_bytes = strlen(key);
    if (promptprint_open(&options, &made->reader) > PROMPTPRINT_DEGRADED) {
        free(made); /* a configuration without meaning; a missing store is none */
        return NULL;
    }
    /* Without a store there is nothing to record in; requests pass all the same. */
    if (promptprint_writer_open(made->reader, &recording, &made->writer) != PROMPTPRINT_OK)
        made->writer = NULL;
    return made;
}

EXPORT void envoy_dynamic_module_on_http_filter_config_destroy(const void *of)
{
    config *made = (config *)of;
    promptprint_writer_close(made->writer);
    promptprint_close(made->reader);
    free(made);
}

EXPORT const void *envoy_dynamic_module_on_http_filter_new(const void *of, void *envoy)
{
    filter *made = calloc(1, sizeof *made);
    (void)envoy;
    if (made)
        made->config = (config *)of;
    return made;
}

EXPORT void envoy_dynamic_module_on_http_filter_destroy(const void *of)
{
    filter *gone = (filter *)of;
    promptprint_request_cancel(gone->request);
    free(gone);
}

static void header(void *envoy, const char *name, char *out)
{
    buffer value = { NULL, 0 };
    out[0] = 0;
    if (envoy_dynamic_module_callback_http_get_header(envoy, REQUEST_HEADER, text(name), &value, 0, NULL) && value.ptr) {
        size_t bytes = value.length < NAME_BYTES - 1 ? value.length : NAME_BYTES - 1;
        memcpy(out, value.ptr, bytes);
        out[bytes] = 0;
    }
}

static void finish(filter *of)
{
    promptprint_envelope envelope = { .struct_size = sizeof envelope };
    promptprint_request *request = of->request;
    if (!request)
        return;
    of->request = NULL;
    envelope.account = of->account;
    envelope.account_bytes = strlen(of->account);
    envelope.id = of->id;
    envelope.id_bytes = strlen(of->id);
    envelope.user_agent = of->agent;
    envelope.user_agent_bytes = strlen(of->agent);
    of->verdict.struct_size = sizeof of->verdict;
    of->status = promptprint_request_end(request, of->config->writer, &envelope, &of->config->query, &of->verdict);
    of->told = of->status <= PROMPTPRINT_DEGRADED;
}

EXPORT int envoy_dynamic_module_on_http_filter_request_headers(void *envoy, const void *of, bool end)
{
    filter *now = (filter *)of;
    header(envoy, now->config->account_header, now->account);
    header(envoy, now->config->id_header, now->id);
    header(envoy, "user-agent", now->agent);
    if (!end && promptprint_request_begin(now->config->reader, &now->request) != PROMPTPRINT_OK)
        now->request = NULL;
    return CONTINUE;
}

EXPORT int envoy_dynamic_module_on_http_filter_request_body(void *envoy, const void *of, bool end)
{
    filter *now = (filter *)of;
    buffer few[CHUNKS], *chunks = few;
    size_t count = envoy_dynamic_module_callback_http_get_body_chunks_size(envoy, RECEIVED_REQUEST_BODY), at;
    if (count > CHUNKS)
        chunks = malloc(count * sizeof *chunks);
    if (chunks && count && envoy_dynamic_module_callback_http_get_body_chunks(envoy, RECEIVED_REQUEST_BODY, chunks))
        for (at = 0; at < count; at++)
            promptprint_request_update(now->request, chunks[at].ptr, chunks[at].length);
    if (chunks != few)
        free(chunks);
    if (end)
        finish(now);
    return CONTINUE;
}

EXPORT int envoy_dynamic_module_on_http_filter_request_trailers(void *envoy, const void *of)
{
    (void)envoy;
    finish((filter *)of);
    return CONTINUE;
}

static void tell(void *envoy, const char *name, const char *value)
{
    envoy_dynamic_module_callback_http_set_header(envoy, RESPONSE_HEADER, text(name), text(value));
}

EXPORT int envoy_dynamic_module_on_http_filter_response_headers(void *envoy, const void *of, bool end)
{
    static const char *const advice[] = { "allow", "step_up", "review" };
    const filter *now = of;
    const promptprint_verdict *verdict = &now->verdict;
    char word[64];
    int at;
    (void)end;
    if (!now->told)
        return CONTINUE;
    for (at = 0; at < 16; at++)
        snprintf(word + 2 * at, 3, "%02x", verdict->fingerprint[at]);
    if (verdict->flags & PROMPTPRINT_HAS_FINGERPRINT)
        tell(envoy, "x-promptprint-fingerprint", word);
    snprintf(word, sizeof word, "%016llx", (unsigned long long)verdict->family);
    tell(envoy, "x-promptprint-family", verdict->flags & PROMPTPRINT_HAS_FAMILY ? word : "none");
    snprintf(word, sizeof word, "%llu", (unsigned long long)verdict->requests_seen);
    tell(envoy, "x-promptprint-requests", word);
    tell(envoy, "x-promptprint-advice", verdict->advice < 3 ? advice[verdict->advice] : "allow");
    return CONTINUE;
}

/* What Envoy wants to find and this filter has no use for. */
EXPORT int envoy_dynamic_module_on_http_filter_response_body(void *envoy, const void *of, bool end)
{
    (void)envoy, (void)of, (void)end;
    return CONTINUE;
}
EXPORT int envoy_dynamic_module_on_http_filter_response_trailers(void *envoy, const void *of)
{
    (void)envoy, (void)of;
    return CONTINUE;
}
EXPORT int envoy_dynamic_module_on_http_filter_local_reply(void) { return CONTINUE; }
#define UNUSED(name) \
    EXPORT void envoy_dynamic_module_on_http_filter_##name(void) {}
UNUSED(stream_complete)
UNUSED(http_callout_done)
UNUSED(http_stream_headers)
UNUSED(http_stream_data)
UNUSED(http_stream_trailers)
UNUSED(http_stream_complete)
UNUSED(http_stream_reset)
UNUSED(scheduled)
UNUSED(downstream_above_write_buffer_high_watermark)
UNUSED(downstream_below_write_buffer_low_watermark)
