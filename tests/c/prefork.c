/* A prefork server: the parent opens the reader and forks workers, as nginx does; each worker opens a writer, observes, and
 * ends. The parent's own writer answers WRONG_PROCESS in a child, and writes nothing twice. */
#include "promptprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 8, REQUESTS = 50 };

static void check(int holds, const char *what, int line)
{
    if (!holds) {
        fprintf(stderr, "prefork.c:%d: %s (process %d)\n", line, what, (int)getpid());
        _exit(1);
    }
}
#define CHECK(condition) check((condition), #condition, __LINE__)

static void observe(promptprint_reader *reader, promptprint_writer *writer, int worker, int number)
{
    char body[256], id[64], account[32];
    promptprint_envelope envelope;
    promptprint_verdict verdict;
    promptprint_request *request;
    size_t at, length;

    memset(&envelope, 0, sizeof envelope);
    memset(&verdict, 0, sizeof verdict);
    envelope.struct_size = (uint32_t)sizeof envelope;
    verdict.struct_size = (uint32_t)sizeof verdict;
    snprintf(id, sizeof id, "w%d-%d", worker, number);
    snprintf(account, sizeof account, "account-%d", number % 5);
    length = (size_t)snprintf(body, sizeof body,
                              "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Question %d: what is the "
                              "capital of the country whose flag has a lion?\"}]}",
                              number % 10);
    envelope.id = id;
    envelope.id_bytes = strlen(id);
    envelope.account = account;
    envelope.account_bytes = strlen(account);
    CHECK(promptprint_request_begin(reader, &request) == PROMPTPRINT_OK);
    for (at = 0; at < length; at += 7)
        CHECK(promptprint_request_update(request, body + at, length - at < 7 ? length - at : 7) == PROMPTPRINT_OK);
    CHECK(promptprint_request_end(request, writer, &envelope, NULL, &verdict) == PROMPTPRINT_OK);
    CHECK(verdict.flags & PROMPTPRINT_HAS_FINGERPRINT);
    if (number >= 10)
        CHECK((verdict.flags & PROMPTPRINT_IS_EXACT) && verdict.requests_seen >= (uint64_t)(number / 10));
}

int main(int argc, char **argv)
{
    promptprint_options options;
    promptprint_writer_options recording;
    promptprint_reader *reader;
    promptprint_writer *writer;
    int worker, number, status;

    CHECK(argc == 2);
    memset(&options, 0, sizeof options);
    options.struct_size = (uint32_t)sizeof options;
    options.store = argv[1];
    options.store_bytes = strlen(argv[1]);
    memset(&recording, 0, sizeof recording);
    recording.struct_size = (uint32_t)sizeof recording;
    recording.durability = PROMPTPRINT_GROUP;
    CHECK(promptprint_open(&options, &reader) == PROMPTPRINT_OK);
    CHECK(promptprint_writer_open(reader, NULL, &writer) == PROMPTPRINT_OK);
    observe(reader, writer, 99, 0); /* stays in the buffer of the parent */

    for (worker = 0; worker < WORKERS; worker++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            promptprint_writer *own;
            promptprint_envelope envelope;
            memset(&envelope, 0, sizeof envelope);
            envelope.struct_size = (uint32_t)sizeof envelope;
            alarm(60); /* a child that hangs fails the test */
            CHECK(promptprint_observe(writer, &envelope, NULL, 0, NULL, NULL) == PROMPTPRINT_WRONG_PROCESS);
            CHECK(promptprint_writer_commit(writer) == PROMPTPRINT_WRONG_PROCESS);
            promptprint_writer_close(writer); /* must not write the parent's buffer */
            CHECK(promptprint_writer_open(reader, &recording, &own) == PROMPTPRINT_OK);
            for (number = 0; number < REQUESTS; number++)
                observe(reader, own, worker, number);
            if (worker % 2)
                promptprint_writer_close(own);
            /* the others end without closing: with group durability nothing is lost */
            _exit(0);
        }
    }
    for (worker = 0; worker < WORKERS; worker++) {
        CHECK(wait(&status) > 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    promptprint_writer_close(writer);
    promptprint_close(reader);
    printf("%d\n", WORKERS * REQUESTS + 1);
    return 0;
}
