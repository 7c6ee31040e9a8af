/* Asks a store about prompts, and checks every answer that a caller may get wrong: the smallest real user of the library. */
#include "promptprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int holds, const char *what, int line)
{
    if (!holds) {
        fprintf(stderr, "query.c:%d: %s\n", line, what);
        exit(1);
    }
}
#define CHECK(condition) check((condition), #condition, __LINE__)

static promptprint_verdict ask(const promptprint_reader *reader, const char *text)
{
    promptprint_verdict verdict;
    memset(&verdict, 0, sizeof verdict);
    verdict.struct_size = (uint32_t)sizeof verdict;
    CHECK(promptprint_query(reader, text, strlen(text), NULL, &verdict) == PROMPTPRINT_OK);
    return verdict;
}

/* argv: the store, a prompt that is in it, the id of its request, a prompt near it, a prompt far from everything. */
int main(int argc, char **argv)
{
    promptprint_options options;
    promptprint_reader *reader = NULL;
    promptprint_verdict verdict;
    char id[64];
    size_t id_bytes = 0;
    int i;

    CHECK(argc == 6);
    CHECK(promptprint_abi_version() == PROMPTPRINT_ABI_VERSION);
    CHECK(strlen(promptprint_version()) >= 5);
    CHECK(strcmp(promptprint_status_text(12345), "unknown status") == 0);

    memset(&options, 0, sizeof options);
    options.struct_size = (uint32_t)sizeof options;
    options.store = argv[1];
    options.store_bytes = strlen(argv[1]);
    CHECK(promptprint_open(&options, &reader) == PROMPTPRINT_OK);
    CHECK(promptprint_last_error(reader, NULL, 0) == 0);

    verdict = ask(reader, argv[2]);
    CHECK(verdict.flags & PROMPTPRINT_IS_EXACT);
    CHECK(verdict.flags & PROMPTPRINT_HAS_FINGERPRINT);
    CHECK(verdict.flags & PROMPTPRINT_HAS_TIMES);
    CHECK(verdict.requests_seen >= 1 && verdict.accounts_seen >= 1);
    CHECK(verdict.resemblance == 1.0);
    CHECK(verdict.advice == PROMPTPRINT_ALLOW && verdict.depth == PROMPTPRINT_FULL);
    CHECK(promptprint_request_id(reader, verdict.nearest, id, sizeof id, &id_bytes) == PROMPTPRINT_OK);
    CHECK(strcmp(id, argv[3]) == 0 && id_bytes == strlen(id));
    CHECK(promptprint_request_id(reader, verdict.nearest, id, 2, &id_bytes) == PROMPTPRINT_OK);
    CHECK(strlen(id) == 1 && id_bytes == strlen(argv[3]));
    printf("exact requests=%llu accounts=%llu first=%lld last=%lld fingerprint=", (unsigned long long)verdict.requests_seen,
           (unsigned long long)verdict.accounts_seen, (long long)verdict.first_ms, (long long)verdict.last_ms);
    for (i = 0; i < 16; i++)
        printf("%02x", verdict.fingerprint[i]);
    printf(" family=%016llx\n", (unsigned long long)verdict.family);

    verdict = ask(reader, argv[4]);
    CHECK(verdict.flags & PROMPTPRINT_HAS_NEAREST);
    CHECK(!(verdict.flags & PROMPTPRINT_IS_EXACT));
    CHECK(verdict.resemblance >= 0.8 && verdict.resemblance < 1.0);

    verdict = ask(reader, argv[5]);
    CHECK(!(verdict.flags & PROMPTPRINT_HAS_NEAREST));
    CHECK(verdict.requests_seen == 0 && verdict.nearest == 0);
    verdict = ask(reader, "");
    CHECK(!(verdict.flags & PROMPTPRINT_HAS_NEAREST));

    /* What is wrong with a call is said, and touches no output. */
    verdict.struct_size = 3;
    verdict.requests_seen = 77;
    CHECK(promptprint_query(reader, "x", 1, NULL, &verdict) == PROMPTPRINT_STRUCT_SIZE);
    CHECK(verdict.requests_seen == 77);
    CHECK(promptprint_last_error(reader, id, sizeof id) > 10);
    CHECK(promptprint_query(reader, NULL, 1, NULL, &verdict) != PROMPTPRINT_OK);
    CHECK(promptprint_query(NULL, "x", 1, NULL, &verdict) == PROMPTPRINT_NULL_POINTER);
    CHECK(promptprint_open(NULL, &reader) == PROMPTPRINT_NULL_POINTER);
    CHECK(promptprint_open(&options, NULL) == PROMPTPRINT_NULL_POINTER);
    CHECK(promptprint_request_id(reader, 1, id, sizeof id, NULL) == PROMPTPRINT_NOT_FOUND);
    CHECK(promptprint_refresh(reader) == PROMPTPRINT_OK);
    promptprint_close(reader);
    promptprint_close(NULL);

    /* A store that is not there answers "unknown", and the request proceeds. */
    options.store = "/nonexistent/store";
    options.store_bytes = strlen(options.store);
    CHECK(promptprint_open(&options, &reader) == PROMPTPRINT_DEGRADED);
    CHECK(promptprint_last_error(reader, id, sizeof id) > 10);
    verdict = ask(reader, argv[2]);
    CHECK(verdict.flags == PROMPTPRINT_IS_DEGRADED && verdict.advice == PROMPTPRINT_ALLOW);
    promptprint_close(reader);
    return 0;
}
