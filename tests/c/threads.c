/* A server of 1000 threads on one reader and one writer: every answer is sound, every observation is counted. */
#include "promptprint.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 1000, REQUESTS = 20 };

static promptprint_reader *reader;
static promptprint_writer *writer;

static void check(int holds, const char *what, int line)
{
    if (!holds) {
        char words[256];
        promptprint_writer_last_error(writer, words, sizeof words);
        fprintf(stderr, "threads.c:%d: %s (%s)\n", line, what, words);
        exit(1);
    }
}
#define CHECK(condition) check((condition), #condition, __LINE__)

static void *serve(void *argument)
{
    int number = (int)(size_t)argument, at;
    for (at = 0; at < REQUESTS; at++) {
        char text[160], account[32];
        promptprint_part part;
        promptprint_envelope envelope;
        promptprint_verdict verdict;
        memset(&part, 0, sizeof part);
        memset(&envelope, 0, sizeof envelope);
        memset(&verdict, 0, sizeof verdict);
        envelope.struct_size = (uint32_t)sizeof envelope;
        verdict.struct_size = (uint32_t)sizeof verdict;
        snprintf(text, sizeof text, "Explain in your own words why rule number %d of the game of checkers exists at all.", at);
        snprintf(account, sizeof account, "t%d", number % 100);
        part.kind = PROMPTPRINT_LAST_USER;
        part.text = text;
        part.text_bytes = strlen(text);
        envelope.account = account;
        envelope.account_bytes = strlen(account);
        CHECK(promptprint_observe(writer, &envelope, &part, 1, NULL, &verdict) == PROMPTPRINT_OK);
        CHECK(verdict.flags & PROMPTPRINT_HAS_FINGERPRINT);
        CHECK(verdict.accounts_seen <= 110);
        CHECK(promptprint_query(reader, text, strlen(text), NULL, &verdict) == PROMPTPRINT_OK);
        if (at % 7 == 0)
            CHECK(promptprint_refresh(reader) == PROMPTPRINT_OK);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static pthread_t threads[THREADS];
    promptprint_options options;
    pthread_attr_t small;
    uint64_t observed = 0, not_recorded = 1;
    size_t at;

    CHECK(argc == 2);
    memset(&options, 0, sizeof options);
    options.struct_size = (uint32_t)sizeof options;
    options.store = argv[1];
    options.store_bytes = strlen(argv[1]);
    CHECK(promptprint_open(&options, &reader) == PROMPTPRINT_OK);
    CHECK(promptprint_writer_open(reader, NULL, &writer) == PROMPTPRINT_OK);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 << 10);
    for (at = 0; at < THREADS; at++)
        CHECK(pthread_create(&threads[at], &small, serve, (void *)at) == 0);
    for (at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    pthread_attr_destroy(&small);
    CHECK(promptprint_writer_counts(writer, &observed, &not_recorded) == PROMPTPRINT_OK);
    CHECK(observed == (uint64_t)THREADS * REQUESTS && not_recorded == 0);
    CHECK(promptprint_writer_commit(writer) == PROMPTPRINT_OK);
    promptprint_writer_close(writer);
    promptprint_close(reader);
    printf("%d\n", THREADS * REQUESTS);
    return 0;
}
