/* What is a gateway told of each request of a log? Reads one request a line on standard input and prints, for each, the
 * convicted campaign, the advice and the family: argv[1] is the store. */
#define _GNU_SOURCE
#include "promptprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    promptprint_options options = { .struct_size = sizeof options };
    promptprint_reader *reader = NULL;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    if (argc != 2)
        return 2;
    options.store = argv[1];
    options.store_bytes = strlen(argv[1]);
    if (promptprint_open(&options, &reader) != PROMPTPRINT_OK)
        return 1;
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        promptprint_verdict verdict = { .struct_size = sizeof verdict };
        promptprint_request *request = NULL;
        if (promptprint_request_begin(reader, &request) || promptprint_request_update(request, line, (size_t)length) ||
            promptprint_request_end(request, NULL, NULL, NULL, &verdict)) {
            char words[256];
            promptprint_last_error(reader, words, sizeof words);
            fprintf(stderr, "%s\n", words);
            return 1;
        }
        printf("%016llx %u %016llx\n", (unsigned long long)verdict.campaign, (unsigned)verdict.advice,
               (unsigned long long)verdict.family);
    }
    free(line);
    promptprint_close(reader);
    return 0;
}
