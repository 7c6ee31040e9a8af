/* Prints the fingerprint and family of each line of a log, whole lines at a time: the reference that gateways, which stream
 * bodies in chunks and name senders otherwise, are compared with. */
#define _GNU_SOURCE
#include "promptprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    promptprint_options options = { .struct_size = sizeof options };
    promptprint_reader *reader;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    FILE *log = argc == 3 ? fopen(argv[2], "r") : NULL;
    if (!log)
        return 2;
    options.store = argv[1];
    options.store_bytes = strlen(argv[1]);
    if (promptprint_open(&options, &reader) != PROMPTPRINT_OK)
        return 1;
    while ((length = getline(&line, &capacity, log)) > 0) {
        promptprint_verdict verdict = { .struct_size = sizeof verdict };
        promptprint_request *request;
        char id[64] = "";
        int at;
        sscanf(line, "{\"id\": \"%63[^\"]\"", id);
        if (promptprint_request_begin(reader, &request) || promptprint_request_update(request, line, (size_t)length) ||
            promptprint_request_end(request, NULL, NULL, NULL, &verdict))
            return 1;
        printf("%s ", id);
        for (at = 0; at < 16; at++)
            printf("%02x", verdict.fingerprint[at]);
        printf(" %016llx\n", (unsigned long long)verdict.family);
    }
    free(line);
    fclose(log);
    promptprint_close(reader);
    return 0;
}
