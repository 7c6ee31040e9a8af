/* A gateway in one file: opens a store before it would fork, a recorder after, streams bodies, observes what it has parsed
 * itself, and asks what is known. Written in what C and C++ share. */
#include "promptprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static promptprint_reader *reader;
static promptprint_writer *writer;

static void check(int holds, const char *what, int line)
{
    if (!holds) {
        char words[256] = "";
        promptprint_writer_last_error(writer, words, sizeof words);
        fprintf(stderr, "gateway.c:%d: %s (%s)\n", line, what, words);
        exit(1);
    }
}
#define CHECK(condition) check((condition) ? 1 : 0, #condition, __LINE__)

static promptprint_envelope envelope_of(const char *id, const char *account)
{
    promptprint_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    envelope.struct_size = (uint32_t)sizeof envelope;
    envelope.id = id;
    envelope.id_bytes = strlen(id);
    envelope.account = account;
    envelope.account_bytes = strlen(account);
    return envelope;
}

/* One body as it arrives from the network, in pieces of seven bytes. */
static promptprint_verdict streamed(int number)
{
    char body[256], id[64], account[32];
    promptprint_envelope envelope;
    promptprint_query_options options;
    promptprint_verdict verdict;
    promptprint_request *request = NULL;
    size_t at, length;

    sprintf(id, "s-%d", number);
    sprintf(account, "account-%d", number % 4);
    length = (size_t)sprintf(body, "{\"messages\":[{\"role\":\"user\",\"content\":\"Which of the %d lakes of the canton is the deepest?\"}]}", number % 5);
    envelope = envelope_of(id, account);
    memset(&options, 0, sizeof options);
    options.struct_size = (uint32_t)sizeof options;
    options.deadline_us = 1000000;
    memset(&verdict, 0, sizeof verdict);
    verdict.struct_size = (uint32_t)sizeof verdict;
    CHECK(promptprint_request_begin(reader, &request) == PROMPTPRINT_OK);
    for (at = 0; at < length; at += 7)
        CHECK(promptprint_request_update(request, body + at, length - at < 7 ? length - at : 7) == PROMPTPRINT_OK);
    CHECK(promptprint_request_end(request, writer, &envelope, &options, &verdict) == PROMPTPRINT_OK);
    CHECK((verdict.flags & PROMPTPRINT_HAS_FINGERPRINT) != 0);
    return verdict;
}

/* argv: the store. Prints how many requests it recorded. */
int main(int argc, char **argv)
{
    promptprint_options options;
    promptprint_writer_options recording;
    promptprint_verdict verdict;
    promptprint_sketch sketch;
    promptprint_request *request = NULL;
    promptprint_part parts[2];
    promptprint_envelope envelope;
    uint64_t observed = 0, not_recorded = 1;
    int number;

    CHECK(argc == 2);
    memset(&options, 0, sizeof options);
    options.struct_size = (uint32_t)sizeof options;
    options.store = argv[1];
    options.store_bytes = strlen(argv[1]);
    CHECK(promptprint_open(&options, &reader) == PROMPTPRINT_OK);
    memset(&recording, 0, sizeof recording);
    recording.struct_size = (uint32_t)sizeof recording;
    recording.durability = PROMPTPRINT_GROUP;
    CHECK(promptprint_writer_open(reader, &recording, &writer) == PROMPTPRINT_OK);

    for (number = 0; number < 60; number++)
        verdict = streamed(number);
    CHECK(verdict.requests_seen >= 11 && verdict.accounts_seen == 4);

    /* A host that has parsed the body names its pieces. */
    memset(parts, 0, sizeof parts);
    parts[0].kind = PROMPTPRINT_SYSTEM;
    parts[0].text = "Answer in one sentence.";
    parts[0].text_bytes = strlen(parts[0].text);
    parts[1].kind = PROMPTPRINT_LAST_USER;
    parts[1].text = "Which of the 4 lakes of the canton is the deepest?";
    parts[1].text_bytes = strlen(parts[1].text);
    envelope = envelope_of("p", "account-9");
    CHECK(promptprint_observe(writer, &envelope, parts, 2, NULL, &verdict) == PROMPTPRINT_OK);
    CHECK((verdict.flags & PROMPTPRINT_IS_EXACT) != 0 && verdict.requests_seen >= 12);
    CHECK(promptprint_query_parts(reader, parts, 2, NULL, &verdict) == PROMPTPRINT_OK);

    /* A body that breaks off is given back; one that is no request is refused, and neither is recorded. */
    CHECK(promptprint_request_begin(reader, &request) == PROMPTPRINT_OK);
    CHECK(promptprint_request_update(request, "{\"mess", 6) == PROMPTPRINT_OK);
    promptprint_request_cancel(request);
    CHECK(promptprint_request_begin(reader, &request) == PROMPTPRINT_OK);
    CHECK(promptprint_request_update(request, "[1, 2", 5) == PROMPTPRINT_OK);
    CHECK(promptprint_request_end(request, writer, &envelope, NULL, &verdict) == PROMPTPRINT_UNREADABLE_REQUEST);

    memset(&sketch, 0, sizeof sketch);
    sketch.struct_size = (uint32_t)sizeof sketch;
    CHECK(promptprint_sketch_text(reader, PROMPTPRINT_LAST_USER, parts[1].text, parts[1].text_bytes, &sketch) == PROMPTPRINT_OK);
    CHECK(memcmp(sketch.fingerprint, verdict.fingerprint, sizeof sketch.fingerprint) == 0);
    CHECK(promptprint_refresh(reader) == PROMPTPRINT_OK);
    CHECK(promptprint_writer_flush(writer) == PROMPTPRINT_OK);
    CHECK(promptprint_writer_commit(writer) == PROMPTPRINT_OK);
    CHECK(promptprint_writer_counts(writer, &observed, &not_recorded) == PROMPTPRINT_OK);
    CHECK(observed == 61 && not_recorded == 0);
    /* The reader may be closed first. */
    promptprint_close(reader);
    promptprint_writer_close(writer);
    printf("%d\n", (int)observed);
    return 0;
}
