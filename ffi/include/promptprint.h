/*
 * promptprint.h: what is this prompt an instance of, and who else sends it.
 *
 *     promptprint_options options = { .struct_size = sizeof options, .store = "prompts.store", .store_bytes = 13 };
 *     promptprint_verdict verdict = { .struct_size = sizeof verdict };
 *     promptprint_reader *reader;
 *     if (promptprint_open(&options, &reader) > PROMPTPRINT_DEGRADED)
 *         return 1;                                   // the call was wrong; a missing store is no failure
 *     promptprint_query(reader, text, text_bytes, NULL, &verdict);
 *     if (verdict.advice != PROMPTPRINT_ALLOW)
 *         ...                                         // verdict.requests_seen, .accounts_seen, .family tell why
 *     promptprint_close(reader);
 *
 * Conventions, the same for every function:
 * - A status of 0 or 1 is success; outputs are written on success alone. No call aborts, exits, prints, reads the environment,
 *   installs a signal handler or starts a thread. NULL where something must be gives PROMPTPRINT_NULL_POINTER.
 * - Text is pointer and length, any bytes, never kept after the call.
 * - Every struct begins with struct_size: set it to sizeof, zero the rest, fill what you need.
 * - A handle whose parameter is const may be used by many threads at once; other handles by one at a time.
 * - A reader may be opened before fork() and used after it. A writer belongs to its process.
 * - What is given out by an _open or _begin is given back by its _close or _end; NULL is fine there.
 * ffi/ABI.md says what may change, and when.
 */

#ifndef PROMPTPRINT_H
#define PROMPTPRINT_H

#include <stddef.h>
#include <stdint.h>
/* The ABI this header describes, as 1000 * major + minor; compare it with promptprint_abi_version(). */
#define PROMPTPRINT_ABI_VERSION 1

/*
 What a call gives back. 0 and 1 are successes; everything else leaves the outputs untouched.
 Numbers never change their meaning; a caller treats one it does not know as a failure.
 */
enum promptprint_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /*
   Done.
   */
  PROMPTPRINT_OK = 0,
  /*
   Done, but the store or a part of it cannot be read: answers say "unknown" where they would need it.
   */
  PROMPTPRINT_DEGRADED = 1,
  /*
   An argument has no meaning: fix the call.
   */
  PROMPTPRINT_INVALID_ARGUMENT = 10,
  /*
   A pointer that must not be NULL is: fix the call.
   */
  PROMPTPRINT_NULL_POINTER = 11,
  /*
   A bound was passed: send less.
   */
  PROMPTPRINT_LIMIT_EXCEEDED = 12,
  /*
   struct_size is smaller than any version's, or what this version does not know is not zero: fix the call.
   */
  PROMPTPRINT_STRUCT_SIZE = 13,
  /*
   The file system refused: look at the disk.
   */
  PROMPTPRINT_IO = 20,
  /*
   Another maintainer holds the store: wait.
   */
  PROMPTPRINT_LOCKED = 21,
  /*
   An earlier write failed: close the writer and open another.
   */
  PROMPTPRINT_POISONED = 22,
  /*
   The writer was opened before a fork: open one in this process.
   */
  PROMPTPRINT_WRONG_PROCESS = 23,
  /*
   The disk does not keep up: the request was not recorded, go on without.
   */
  PROMPTPRINT_BUSY = 24,
  /*
   Bytes on disk are not what was written: restore.
   */
  PROMPTPRINT_CORRUPT = 30,
  /*
   The store was written by another version: use that one, or index the logs anew.
   */
  PROMPTPRINT_INCOMPATIBLE_FORMAT = 31,
  /*
   Sketches of another kind: open with the same spec.
   */
  PROMPTPRINT_SPEC_MISMATCH = 32,
  /*
   The key file is missing, readable by others, or of another store.
   */
  PROMPTPRINT_KEY = 33,
  /*
   The body is no request of a known API: it was counted, nothing is known of it.
   */
  PROMPTPRINT_UNREADABLE_REQUEST = 40,
  /*
   There is no such thing, or no longer.
   */
  PROMPTPRINT_NOT_FOUND = 41,
  /*
   The library itself failed and caught it: the process lives, close the handle.
   */
  PROMPTPRINT_INTERNAL = 90,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum promptprint_status promptprint_status;
#else
typedef int32_t promptprint_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/*
 Bits of promptprint_verdict.flags. A caller ignores bits it does not know.
 */
enum promptprint_flag
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /*
   fingerprint is set.
   */
  PROMPTPRINT_HAS_FINGERPRINT = 1,
  /*
   A known text is near: nearest and resemblance are set.
   */
  PROMPTPRINT_HAS_NEAREST = 2,
  /*
   The normal forms of prompt and nearest text are the same.
   */
  PROMPTPRINT_IS_EXACT = 4,
  /*
   first_ms and last_ms are set.
   */
  PROMPTPRINT_HAS_TIMES = 8,
  /*
   family and its counts are set.
   */
  PROMPTPRINT_HAS_FAMILY = 16,
  /*
   campaign is set: it was convicted.
   */
  PROMPTPRINT_HAS_CAMPAIGN = 32,
  /*
   A bound cut the search short: counts are lower bounds, something nearer may exist.
   */
  PROMPTPRINT_IS_TRUNCATED = 64,
  /*
   The store or a part of it cannot be read: see promptprint_last_error.
   */
  PROMPTPRINT_IS_DEGRADED = 128,
  /*
   The nearest text was seen by this process and is not in a sealed segment: it has no request id yet.
   */
  PROMPTPRINT_IS_RECENT = 256,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum promptprint_flag promptprint_flag;
#else
typedef uint32_t promptprint_flag;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/*
 promptprint_verdict.advice. Never a ban: a person decides.
 */
enum promptprint_advice
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /*
   Nothing speaks against the request, or nothing is known.
   */
  PROMPTPRINT_ALLOW = 0,
  /*
   Ask for more: proof of who is there, a lower rate.
   */
  PROMPTPRINT_STEP_UP = 1,
  /*
   Have a person look.
   */
  PROMPTPRINT_REVIEW = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum promptprint_advice promptprint_advice;
#else
typedef uint32_t promptprint_advice;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/*
 promptprint_verdict.depth: how much of the work was done before the deadline.
 */
enum promptprint_depth
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /*
   All of it.
   */
  PROMPTPRINT_FULL = 0,
  /*
   Near-duplicates were looked for; not all of their accounts were counted.
   */
  PROMPTPRINT_NEAR = 1,
  /*
   The fingerprint alone.
   */
  PROMPTPRINT_FINGERPRINT = 2,
  /*
   Nothing: the request was only counted.
   */
  PROMPTPRINT_SKIPPED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum promptprint_depth promptprint_depth;
#else
typedef uint32_t promptprint_depth;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/*
 promptprint_writer_options.durability: when an observation counts as recorded.
 */
enum promptprint_durability
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /*
   At once, in memory; handed to the system after 64 KB or delay_ms, whichever comes first, by the observation that finds
   it so. A killed process loses what it had not handed over.
   */
  PROMPTPRINT_BUFFERED = 0,
  /*
   Handed to the system before the call returns: a killed process loses nothing. promptprint_writer_commit, called on a
   timer, makes it survive the loss of power too.
   */
  PROMPTPRINT_GROUP = 1,
  /*
   On the disk before the call returns. Threads that observe at once share a sync.
   */
  PROMPTPRINT_SYNCED = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum promptprint_durability promptprint_durability;
#else
typedef uint32_t promptprint_durability;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/*
 promptprint_part.kind: what a piece of a request is.
 */
enum promptprint_part_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /*
   A prompt without roles.
   */
  PROMPTPRINT_PROMPT = 1,
  /*
   The first user turn of a conversation that has more than one.
   */
  PROMPTPRINT_FIRST_USER = 2,
  /*
   The last user turn, or the only one.
   */
  PROMPTPRINT_LAST_USER = 3,
  /*
   One system or developer block.
   */
  PROMPTPRINT_SYSTEM = 4,
  /*
   The tools on offer.
   */
  PROMPTPRINT_TOOLS = 5,
  /*
   The shape of the request: roles, parameters set, schema.
   */
  PROMPTPRINT_SHAPE = 6,
  /*
   A tool result.
   */
  PROMPTPRINT_TOOL_RESULT = 7,
  /*
   A block that a client injects into user turns.
   */
  PROMPTPRINT_INJECTED = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum promptprint_part_kind promptprint_part_kind;
#else
typedef uint32_t promptprint_part_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/*
 A store opened for questions. Opaque.
 */
typedef struct promptprint_reader promptprint_reader;

/*
 A request body in the making: one thread at a time. Opaque.
 */
typedef struct promptprint_request promptprint_request;

/*
 The recorder of one process: a log of its own in the store, and a table of what it saw lately. Opaque.
 */
typedef struct promptprint_writer promptprint_writer;

/*
 How a store is opened. Set struct_size and store; zero is a good value for everything else.
 */
typedef struct promptprint_options {
  /*
   sizeof(struct promptprint_options).
   */
  uint32_t struct_size;
  /*
   1: read files into memory instead of mapping them, for file systems that may lose a page.
   */
  uint32_t copy;
  /*
   The store's folder, UTF-8, not NUL-terminated; kept by the library as a copy.
   */
  const char *store;
  /*
   Bytes of store.
   */
  size_t store_bytes;
  /*
   The key file, or NULL for the one beside the store.
   */
  const char *key;
  /*
   Bytes of key.
   */
  size_t key_bytes;
  /*
   The least resemblance of a text that counts as near, up to 1; 0 means 0.8.
   */
  double resemblance_min;
  /*
   Milliseconds between looks for new segments, made by the query that finds them passed. 0 means 1000; UINT64_MAX means
   never, and promptprint_refresh does it.
   */
  uint64_t refresh_ms;
} promptprint_options;

/*
 How one prompt is looked up.
 */
typedef struct promptprint_query_options {
  /*
   sizeof(struct promptprint_query_options).
   */
  uint32_t struct_size;
  /*
   Microseconds after which no further step begins; 0 is no deadline. promptprint_verdict.depth tells what was left out.
   */
  uint32_t deadline_us;
} promptprint_query_options;

/*
 What is known of one prompt. Fields without a flag are always set; the others are 0 without their flag.
 */
typedef struct promptprint_verdict {
  /*
   In: sizeof(struct promptprint_verdict), set by the caller.
   */
  uint32_t struct_size;
  /*
   Bits of enum promptprint_flag.
   */
  uint32_t flags;
  /*
   Keyed digest of the prompt's normal form: equal for every gateway and for the bulk job.
   */
  uint8_t fingerprint[16];
  /*
   Where the nearest text's request is, for promptprint_request_id; opaque.
   */
  uint64_t nearest;
  /*
   Estimated Jaccard resemblance of prompt and nearest text, 0 to 1.
   */
  double resemblance;
  /*
   Requests seen with the nearest text or a near-duplicate of it; this one is not counted.
   */
  uint64_t requests_seen;
  /*
   Distinct accounts among them: exact for a few, within 5 % up to 3,000.
   */
  uint64_t accounts_seen;
  /*
   Unix ms of the first of them.
   */
  int64_t first_ms;
  /*
   Unix ms of the last of them.
   */
  int64_t last_ms;
  /*
   Id of the family, as `promptprint families` prints it in 16 hex digits.
   */
  uint64_t family;
  /*
   Parts made from the family's template, in the whole store.
   */
  uint64_t family_requests;
  /*
   Distinct accounts that use the family.
   */
  uint64_t family_accounts;
  /*
   Distinct parties that use the family.
   */
  uint64_t family_principals;
  /*
   Id of the convicted campaign; of several over one family, the one whose accounts sent the most of it.
   */
  uint64_t campaign;
  /*
   An enum promptprint_advice.
   */
  uint32_t advice;
  /*
   An enum promptprint_depth.
   */
  uint32_t depth;
} promptprint_verdict;

/*
 One piece of a request, for hosts that have parsed it already. An array of them is an argument, so its layout never changes.
 */
typedef struct promptprint_part {
  /*
   An enum promptprint_part_kind.
   */
  uint32_t kind;
  /*
   Must be 0.
   */
  uint32_t reserved;
  /*
   Any bytes, not NUL-terminated.
   */
  const char *text;
  /*
   Bytes of text.
   */
  size_t text_bytes;
} promptprint_part;

/*
 What is kept of a text.
 */
typedef struct promptprint_sketch {
  /*
   In: sizeof(struct promptprint_sketch), set by the caller.
   */
  uint32_t struct_size;
  /*
   1: the normal form is empty; such a text is near nothing.
   */
  uint32_t is_empty;
  /*
   Keyed digest of the normal form: equal texts have equal ones, under one key and class.
   */
  uint8_t fingerprint[16];
  /*
   128 slots of 8 bits: the share of equal ones estimates the resemblance.
   */
  uint8_t signature[128];
} promptprint_sketch;

/*
 What a gateway knows of a request beside its text. All names are opaque bytes of UTF-8, not NUL-terminated, NULL where
 unknown; the library keeps keyed digests and sealed copies of them, and cuts them at 1024 bytes.
 */
typedef struct promptprint_envelope {
  /*
   sizeof(struct promptprint_envelope).
   */
  uint32_t struct_size;
  /*
   Must be 0.
   */
  uint32_t reserved;
  /*
   Unix time in ms; 0 is now.
   */
  int64_t time_ms;
  /*
   The gateway's own id of the request: with it, the same request in a log that is indexed later counts once.
   */
  const char *id;
  /*
   Bytes of id.
   */
  size_t id_bytes;
  /*
   The caller's own user.
   */
  const char *end_user;
  /*
   Bytes of end_user.
   */
  size_t end_user_bytes;
  /*
   The API key, or better a hash of it.
   */
  const char *key;
  /*
   Bytes of key.
   */
  size_t key_bytes;
  /*
   The account: what can be accused. Where it is NULL the key is, and then the end user.
   */
  const char *account;
  /*
   Bytes of account.
   */
  size_t account_bytes;
  /*
   The organisation of the account.
   */
  const char *org;
  /*
   Bytes of org.
   */
  size_t org_bytes;
  /*
   Who pays.
   */
  const char *payer;
  /*
   Bytes of payer.
   */
  size_t payer_bytes;
  /*
   Network address or prefix.
   */
  const char *ip;
  /*
   Bytes of ip.
   */
  size_t ip_bytes;
  /*
   User agent.
   */
  const char *user_agent;
  /*
   Bytes of user_agent.
   */
  size_t user_agent_bytes;
  /*
   The model asked for.
   */
  const char *model;
  /*
   Bytes of model.
   */
  size_t model_bytes;
  /*
   Autonomous system of the address.
   */
  const char *asn;
  /*
   Bytes of asn.
   */
  size_t asn_bytes;
  /*
   Hash of the payment means.
   */
  const char *payment;
  /*
   Bytes of payment.
   */
  size_t payment_bytes;
} promptprint_envelope;

/*
 How a process records. Zero is a good value for everything but struct_size.
 */
typedef struct promptprint_writer_options {
  /*
   sizeof(struct promptprint_writer_options).
   */
  uint32_t struct_size;
  /*
   An enum promptprint_durability.
   */
  uint32_t durability;
  /*
   Milliseconds a buffered observation waits at most for the next one to hand it over; 0 means 100.
   */
  uint64_t delay_ms;
  /*
   Bytes after which the process begins another log; 0 means 64 MiB.
   */
  uint64_t wal_bytes_max;
} promptprint_writer_options;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 The version of the ABI that this library speaks, as 1000 * major + minor; compare it with PROMPTPRINT_ABI_VERSION.
 */
uint32_t promptprint_abi_version(void);

/*
 The version of the library, as text that lives as long as the library.
 */
const char *promptprint_version(void);

/*
 One line of English for a status, as text that lives as long as the library. Never NULL.
 */
const char *promptprint_status_text(int32_t status);

/*
 Open a store for questions.

 options: what to open; not kept after the call.
 out: set to a handle on PROMPTPRINT_OK and PROMPTPRINT_DEGRADED; close it with promptprint_close.

 A missing or damaged store is no failure: the call gives PROMPTPRINT_DEGRADED and a handle that answers "unknown" where it
 has to, and becomes whole when the store does. promptprint_last_error tells what is wrong.
 May be called before fork(); starts no thread; the handle serves parent and children.

 # Safety
 `options` and what it points to are readable, `out` is writable, or they are NULL.
 */
promptprint_status promptprint_open(const struct promptprint_options *options,
                                    struct promptprint_reader **out);

/*
 Close a reader. NULL is fine. No other call on the handle may be running; writers and requests opened from it stay valid.

 # Safety
 `reader` is NULL, or an open handle that nobody uses any more.
 */
void promptprint_close(struct promptprint_reader *reader);

/*
 Look for new segments now, and open them. Costs one small read where there are none.
 Returns PROMPTPRINT_OK, or PROMPTPRINT_DEGRADED when something cannot be read: see promptprint_last_error.
 May be called from any thread at any time; queries go on meanwhile and never wait for it.

 # Safety
 `reader` is NULL or an open handle.
 */
promptprint_status promptprint_refresh(const struct promptprint_reader *reader);

/*
 Copy the text of the reader's last failure, ended by NUL, into out; it is cut where capacity is too small.
 Returns the bytes of the whole text, without the NUL; 0 when nothing failed. out may be NULL when capacity is 0.

 # Safety
 `reader` is NULL or an open handle; `out` has room for `capacity` bytes.
 */
size_t promptprint_last_error(const struct promptprint_reader *reader,
                              char *out,
                              size_t capacity);

/*
 Look one prompt up in the newest snapshot of the store.

 text, text_bytes: any bytes, not NUL-terminated; of more than 16 MiB the rest is ignored. Not kept after the call.
 options: NULL for no deadline.
 out: set on PROMPTPRINT_OK only; out->struct_size must be set by the caller.

 May be called from many threads on one reader. Never waits for a writer, and never for the disk, except for pages of the
 store that were not read before and for the look for new segments (promptprint_options.refresh_ms).

 # Safety
 `reader` is NULL or an open handle; the other pointers are valid for what they point to, or NULL.
 */
promptprint_status promptprint_query(const struct promptprint_reader *reader,
                                     const void *text,
                                     size_t text_bytes,
                                     const struct promptprint_query_options *options,
                                     struct promptprint_verdict *out);

/*
 Look up a request that the host has parsed already.

 parts, part_count: its pieces; the last user turn is looked up, else the first, else the plain prompt.
 Otherwise as promptprint_query.

 # Safety
 `reader` is NULL or an open handle; the other pointers are valid for what they point to, or NULL.
 */
promptprint_status promptprint_query_parts(const struct promptprint_reader *reader,
                                           const struct promptprint_part *parts,
                                           size_t part_count,
                                           const struct promptprint_query_options *options,
                                           struct promptprint_verdict *out);

/*
 Sketch one text under the store's key, without looking it up.

 kind: an enum promptprint_part_kind.
 out: set on PROMPTPRINT_OK only; out->struct_size must be set by the caller.
 Returns PROMPTPRINT_NOT_FOUND where the reader has no key: see promptprint_last_error.

 # Safety
 `reader` is NULL or an open handle; `text` points to `text_bytes` readable bytes; `out` is NULL or a caller's struct.
 */
promptprint_status promptprint_sketch_text(const struct promptprint_reader *reader,
                                           uint32_t kind,
                                           const void *text,
                                           size_t text_bytes,
                                           struct promptprint_sketch *out);

/*
 Copy the id of the request behind promptprint_verdict.nearest, ended by NUL, into out; it is cut where capacity is too
 small. The id is the one its source gave it, else a digest in hex. For logs and people, not for each request.

 out_bytes: set on PROMPTPRINT_OK to the bytes of the whole id, without the NUL; may be NULL.
 Returns PROMPTPRINT_NOT_FOUND where it is not sealed yet, has been forgotten, or its segment is no longer live.

 # Safety
 `reader` is NULL or an open handle; `out` has room for `capacity` bytes; `out_bytes` is NULL or writable.
 */
promptprint_status promptprint_request_id(const struct promptprint_reader *reader,
                                          uint64_t nearest,
                                          char *out,
                                          size_t capacity,
                                          size_t *out_bytes);

/*
 Begin a request body: OpenAI chat, Anthropic Messages, or any form that the bulk job reads.

 out: set to a handle on PROMPTPRINT_OK; promptprint_request_end or promptprint_request_cancel gives it back. The reader may
 be closed before.
 Costs no system call; memory is taken as text arrives, and only for text that is fingerprinted.

 # Safety
 `reader` is NULL or an open handle; `out` is NULL or writable.
 */
promptprint_status promptprint_request_begin(const struct promptprint_reader *reader,
                                             struct promptprint_request **out);

/*
 Take the next bytes of the body, cut anywhere. Not kept after the call; linear in them.
 Returns PROMPTPRINT_LIMIT_EXCEEDED for a body whose new text alone is longer than 64 MiB; promptprint_request_end then says
 so again.

 # Safety
 `request` is NULL or a begun handle; `body` points to `body_bytes` readable bytes.
 */
promptprint_status promptprint_request_update(struct promptprint_request *request,
                                              const void *body,
                                              size_t body_bytes);

/*
 End a request body: look it up and, where a writer is given, record it. The handle is given back, whatever comes of it.

 writer: NULL to look up only.
 envelope: who sent it, when; NULL for unknown and now. The body's own end user and model are taken where it names none.
 options: NULL for no deadline.
 verdict: NULL, or set on success to what was known before this request.
 Returns PROMPTPRINT_UNREADABLE_REQUEST for a body of no known API, and PROMPTPRINT_DEGRADED when the request could not be
 recorded: the verdict is set then. The reason is in promptprint_last_error of the reader, or of the writer.

 # Safety
 `request` is NULL or a begun handle that nobody uses any more; `writer` is NULL or an open handle; the other pointers are
 valid for what they point to, or NULL.
 */
promptprint_status promptprint_request_end(struct promptprint_request *request,
                                           const struct promptprint_writer *writer,
                                           const struct promptprint_envelope *envelope,
                                           const struct promptprint_query_options *options,
                                           struct promptprint_verdict *verdict);

/*
 Give a request body back without looking it up. NULL is fine.

 # Safety
 `request` is NULL, or a begun handle that nobody uses any more.
 */
void promptprint_request_cancel(struct promptprint_request *request);

/*
 Open the recorder of this process, on the store of a reader. One for a process is enough: its threads share it.

 options: NULL for the defaults.
 out: set to a handle on PROMPTPRINT_OK; close it with promptprint_writer_close. The reader may be closed before.

 Call it after fork(), in the process that records: elsewhere the handle answers PROMPTPRINT_WRONG_PROCESS. It creates and
 syncs a file, so it takes as long as the disk does. Starts no thread.

 # Safety
 `reader` is NULL or an open handle; `options` is readable and `out` writable, or they are NULL.
 */
promptprint_status promptprint_writer_open(const struct promptprint_reader *reader,
                                           const struct promptprint_writer_options *options,
                                           struct promptprint_writer **out);

/*
 Close a recorder, handing over what it holds. NULL is fine. No other call on the handle may be running.

 # Safety
 `writer` is NULL, or an open handle that nobody uses any more.
 */
void promptprint_writer_close(struct promptprint_writer *writer);

/*
 Return when everything observed before the call is on the disk. Threads that commit at once share a sync.
 A failed sync is never tried again: the writer answers PROMPTPRINT_POISONED from then on, and verdicts go on.

 # Safety
 `writer` is NULL or an open handle.
 */
promptprint_status promptprint_writer_commit(const struct promptprint_writer *writer);

/*
 Hand everything observed before the call to the system: it survives the end of this process.

 # Safety
 `writer` is NULL or an open handle.
 */
promptprint_status promptprint_writer_flush(const struct promptprint_writer *writer);

/*
 Count what was observed, and what of it could not be recorded. Either output may be NULL.

 # Safety
 `writer` is NULL or an open handle; the outputs are NULL or writable.
 */
promptprint_status promptprint_writer_counts(const struct promptprint_writer *writer,
                                             uint64_t *observed,
                                             uint64_t *not_recorded);

/*
 The writer's last failure, as promptprint_last_error.

 # Safety
 `writer` is NULL or an open handle; `out` has room for `capacity` bytes.
 */
size_t promptprint_writer_last_error(const struct promptprint_writer *writer,
                                     char *out,
                                     size_t capacity);

/*
 Look a request up and record it, in one call: its parts are sketched once. For hosts that have parsed the body already;
 others stream it (promptprint_request_begin).

 envelope: who sent it, when; NULL for unknown and now.
 parts, part_count: its pieces; of more than 64 the rest is ignored. Not kept after the call.
 options: NULL for no deadline.
 verdict: NULL, or set on success to what was known before this request.
 Returns PROMPTPRINT_OK when it is recorded, PROMPTPRINT_DEGRADED when it could not be: the verdict is set, and
 promptprint_writer_last_error tells why.

 May be called from many threads on one writer. Waits for the disk only as durability asks for.

 # Safety
 `writer` is NULL or an open handle; the other pointers are valid for what they point to, or NULL.
 */
promptprint_status promptprint_observe(const struct promptprint_writer *writer,
                                       const struct promptprint_envelope *envelope,
                                       const struct promptprint_part *parts,
                                       size_t part_count,
                                       const struct promptprint_query_options *options,
                                       struct promptprint_verdict *verdict);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PROMPTPRINT_H */
