/* How long do a query and an observation take through the C ABI, beside a store of many leaders?
 *
 *     load log COUNT SEED             prints a log of COUNT distinct prompts of about 650 bytes, as JSON lines
 *     load run STORE COUNT SEED SECONDS [BYTES]   measures texts of 0.5, 4 and 100 KB, or of BYTES; half of the short ones
 *                                     are prompts of that log, all others are new
 *     load stream STORE               measures the memory that a body of 64 KB takes, streamed in chunks of 4 KB
 *
 * Words are drawn from a vocabulary of 20,000 by a seeded generator, so a log and a run with one seed know the same prompts.
 * Few letters and common endings make unrelated texts as near to each other as real prompts are: of a million leaders some
 * 450 share a band with a text of 4 KB (real prompts of that length: 250 to 460). */
#define _GNU_SOURCE
#include "promptprint.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static uint64_t draw(uint64_t *state)
{
    /* SplitMix64 (Steele, Lea, Flood 2014). */
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static size_t put_word(char *out, uint64_t number)
{
    static const char *const endings[] = { "", "", "", "ing", "tion", "ed", "er", "ly", "s", "al" };
    size_t length = 0, at;
    uint64_t state = number;
    uint64_t drawn = draw(&state);
    size_t count = 2 + drawn % 3, begin = drawn / 3 % 2;
    const char *ending = endings[drawn / 6 % 10];
    for (at = 0; at < count; at++) {
        drawn = draw(&state);
        out[length++] = (at + begin) % 2 ? "eaio"[drawn % 4] : "rstlnmdpc"[drawn % 9];
    }
    while (*ending)
        out[length++] = *ending++;
    out[length] = ' ';
    return length + 1;
}

/* Word numbers as languages have them: few are common, most are rare. */
static uint64_t draw_word(uint64_t *state)
{
    uint64_t x = draw(state) >> 43;
    return ((x * x >> 21) * x >> 21) * 20000 >> 21;
}

/* About `bytes` of text, the same for the same seed. */
static size_t make_text(char *out, size_t bytes, uint64_t seed)
{
    uint64_t state = seed;
    size_t length = 0;
    while (length + 16 < bytes)
        length += put_word(out + length, draw_word(&state));
    return length;
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static promptprint_reader *open_reader(const char *store)
{
    promptprint_options options = { .struct_size = sizeof options, .store = store, .store_bytes = strlen(store) };
    promptprint_reader *reader;
    if (promptprint_open(&options, &reader) != PROMPTPRINT_OK) {
        fprintf(stderr, "cannot open %s\n", store);
        exit(1);
    }
    return reader;
}

static void report(const char *what, size_t bytes, double *times, size_t count, double seconds, size_t hits)
{
    qsort(times, count, sizeof *times, ascending);
    printf("%-8s %7zu B %9.0f /s  p50 %8.1f us  p99 %8.1f us  p99.9 %8.1f us  found %5.1f %%\n", what, bytes, (double)count / seconds,
           times[count / 2], times[count * 99 / 100], times[count * 999 / 1000], 100.0 * (double)hits / (double)count);
}

static void run(const char *store, uint64_t known, uint64_t seed, double seconds, size_t only)
{
    static const size_t sizes[] = { 512, 4096, 102400 };
    enum { MOST = 2000000 };
    promptprint_reader *reader = open_reader(store);
    promptprint_writer *writer;
    double *times = malloc(MOST * sizeof *times);
    char *text = malloc(200000);
    struct rusage usage;
    size_t at, recording;
    if (promptprint_writer_open(reader, NULL, &writer) != PROMPTPRINT_OK)
        exit(1);
    for (recording = 0; recording < 2; recording++)
        for (at = 0; at < sizeof sizes / sizeof *sizes; at++) {
            if (only && sizes[at] != only)
                continue;
            uint64_t state = seed ^ (at + 7 * recording + 1);
            double start = now_us();
            size_t count = 0, hits = 0;
            while (count < MOST && now_us() - start < seconds * 1e6) {
                promptprint_verdict verdict = { .struct_size = sizeof verdict };
                promptprint_part part = { .kind = PROMPTPRINT_LAST_USER, .text = text };
                promptprint_envelope envelope = { .struct_size = sizeof envelope, .account = "account", .account_bytes = 7 };
                uint64_t pick = draw(&state);
                /* A known prompt alone where it fills the text; else new text. */
                part.text_bytes = make_text(text, sizes[at] == 512 && pick % 2 ? 650 : sizes[at], pick % 2 ? seed * 1000003 + pick % known : pick);
                double before = now_us();
                promptprint_status status = recording ? promptprint_observe(writer, &envelope, &part, 1, NULL, &verdict)
                                                      : promptprint_query_parts(reader, &part, 1, NULL, &verdict);
                times[count++] = now_us() - before;
                if (status != PROMPTPRINT_OK)
                    exit(1);
                hits += (verdict.flags & PROMPTPRINT_HAS_NEAREST) != 0;
            }
            report(recording ? "observe" : "query", sizes[at], times, count, (now_us() - start) / 1e6, hits);
        }
    getrusage(RUSAGE_SELF, &usage);
    printf("resident %ld MiB, mapped pages included\n", usage.ru_maxrss / 1024);
    promptprint_writer_close(writer);
    promptprint_close(reader);
    free(text);
    free(times);
}

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void stream(const char *store)
{
    promptprint_reader *reader = open_reader(store);
    char *body = malloc(80000), *text = malloc(80000);
    int shape, warm;
    for (shape = 0; shape < 2; shape++)
        for (warm = 0; warm < 3; warm++) {
            promptprint_verdict verdict = { .struct_size = sizeof verdict };
            promptprint_request *request;
            size_t length, at, before, most = 0, turn;
            if (shape == 0) {
                length = make_text(text, 65000, 5);
                length = (size_t)snprintf(body, 80000, "{\"messages\":[{\"role\":\"user\",\"content\":\"%.*s\"}]}", (int)length, text);
            } else {
                length = (size_t)sprintf(body, "{\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}");
                for (turn = 0; turn < 15; turn++) {
                    size_t bytes = make_text(text, 4000, turn + 9);
                    length += (size_t)sprintf(body + length, ",{\"role\":\"%s\",\"content\":\"%.*s\"}", turn % 2 ? "user" : "assistant", (int)bytes, text);
                }
                length += (size_t)sprintf(body + length, ",{\"role\":\"user\",\"content\":\"goodbye\"}]}");
            }
            before = in_use();
            promptprint_request_begin(reader, &request);
            for (at = 0; at < length; at += 4096) {
                promptprint_request_update(request, body + at, length - at < 4096 ? length - at : 4096);
                if (in_use() - before > most)
                    most = in_use() - before;
            }
            promptprint_request_end(request, NULL, NULL, NULL, &verdict);
            if (warm == 2)
                printf("%s: body %zu B, at most %zu B held while it streamed, %zd B more after\n",
                       shape ? "conversation" : "one prompt", length, most, (ssize_t)(in_use() - before));
        }
    free(body);
    free(text);
    promptprint_close(reader);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "log") == 0) {
        uint64_t count = strtoull(argv[2], NULL, 10), seed = strtoull(argv[3], NULL, 10), at;
        char text[1024];
        for (at = 0; at < count; at++) {
            size_t length = make_text(text, 650, seed * 1000003 + at);
            printf("{\"id\":\"r%llu\",\"account\":\"a%llu\",\"ts\":%llu,\"prompt\":\"%.*s\"}\n", (unsigned long long)at,
                   (unsigned long long)(at % 5000), 1790000000000ull + at, (int)length, text);
        }
    } else if ((argc == 6 || argc == 7) && strcmp(argv[1], "run") == 0) {
        run(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10), strtod(argv[5], NULL), argc == 7 ? strtoull(argv[6], NULL, 10) : 0);
    } else if (argc == 3 && strcmp(argv[1], "stream") == 0) {
        stream(argv[2]);
    } else {
        return 2;
    }
    return 0;
}
