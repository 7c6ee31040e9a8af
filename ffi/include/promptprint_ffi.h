enum promptprint_status
 {
  PROMPTPRINT_OK = 0,
  PROMPTPRINT_DEGRADED = 1,
  PROMPTPRINT_INVALID_ARGUMENT = 10,
  PROMPTPRINT_NULL_POINTER = 11,
  PROMPTPRINT_LIMIT_EXCEEDED = 12,
  PROMPTPRINT_STRUCT_SIZE = 13,
  PROMPTPRINT_IO = 20,
  PROMPTPRINT_LOCKED = 21,
  PROMPTPRINT_POISONED = 22,
  PROMPTPRINT_WRONG_PROCESS = 23,
  PROMPTPRINT_BUSY = 24,
  PROMPTPRINT_CORRUPT = 30,
  PROMPTPRINT_INCOMPATIBLE_FORMAT = 31,
  PROMPTPRINT_SPEC_MISMATCH = 32,
  PROMPTPRINT_KEY = 33,
  PROMPTPRINT_UNREADABLE_REQUEST = 40,
  PROMPTPRINT_NOT_FOUND = 41,
  PROMPTPRINT_INTERNAL = 90,
};
typedef int32_t promptprint_status;

enum promptprint_flag
 {
  PROMPTPRINT_HAS_FINGERPRINT = 1,
  PROMPTPRINT_HAS_NEAREST = 2,
  PROMPTPRINT_IS_EXACT = 4,
  PROMPTPRINT_HAS_TIMES = 8,
  PROMPTPRINT_HAS_FAMILY = 16,
  PROMPTPRINT_HAS_CAMPAIGN = 32,
  PROMPTPRINT_IS_TRUNCATED = 64,
  PROMPTPRINT_IS_DEGRADED = 128,
  PROMPTPRINT_IS_RECENT = 256,
};
typedef uint32_t promptprint_flag;

enum promptprint_advice
 {
  PROMPTPRINT_ALLOW = 0,
  PROMPTPRINT_STEP_UP = 1,
  PROMPTPRINT_REVIEW = 2,
};
typedef uint32_t promptprint_advice;

enum promptprint_depth
 {
  PROMPTPRINT_FULL = 0,
  PROMPTPRINT_NEAR = 1,
  PROMPTPRINT_FINGERPRINT = 2,
  PROMPTPRINT_SKIPPED = 3,
};
typedef uint32_t promptprint_depth;

enum promptprint_durability
 {
  PROMPTPRINT_BUFFERED = 0,
  PROMPTPRINT_GROUP = 1,
  PROMPTPRINT_SYNCED = 2,
};
typedef uint32_t promptprint_durability;

enum promptprint_part_kind
 {
  PROMPTPRINT_PROMPT = 1,
  PROMPTPRINT_FIRST_USER = 2,
  PROMPTPRINT_LAST_USER = 3,
  PROMPTPRINT_SYSTEM = 4,
  PROMPTPRINT_TOOLS = 5,
  PROMPTPRINT_SHAPE = 6,
  PROMPTPRINT_TOOL_RESULT = 7,
  PROMPTPRINT_INJECTED = 8,
};
typedef uint32_t promptprint_part_kind;

typedef struct promptprint_reader promptprint_reader;

typedef struct promptprint_request promptprint_request;

typedef struct promptprint_writer promptprint_writer;

typedef struct promptprint_options {
  uint32_t struct_size;
  uint32_t copy;
  const char *store;
  size_t store_bytes;
  const char *key;
  size_t key_bytes;
  double resemblance_min;
  uint64_t refresh_ms;
} promptprint_options;

typedef struct promptprint_query_options {
  uint32_t struct_size;
  uint32_t deadline_us;
} promptprint_query_options;

typedef struct promptprint_verdict {
  uint32_t struct_size;
  uint32_t flags;
  uint8_t fingerprint[16];
  uint64_t nearest;
  double resemblance;
  uint64_t requests_seen;
  uint64_t accounts_seen;
  int64_t first_ms;
  int64_t last_ms;
  uint64_t family;
  uint64_t family_requests;
  uint64_t family_accounts;
  uint64_t family_principals;
  uint64_t campaign;
  uint32_t advice;
  uint32_t depth;
} promptprint_verdict;

typedef struct promptprint_part {
  uint32_t kind;
  uint32_t reserved;
  const char *text;
  size_t text_bytes;
} promptprint_part;

typedef struct promptprint_sketch {
  uint32_t struct_size;
  uint32_t is_empty;
  uint8_t fingerprint[16];
  uint8_t signature[128];
} promptprint_sketch;

typedef struct promptprint_envelope {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t time_ms;
  const char *id;
  size_t id_bytes;
  const char *end_user;
  size_t end_user_bytes;
  const char *key;
  size_t key_bytes;
  const char *account;
  size_t account_bytes;
  const char *org;
  size_t org_bytes;
  const char *payer;
  size_t payer_bytes;
  const char *ip;
  size_t ip_bytes;
  const char *user_agent;
  size_t user_agent_bytes;
  const char *model;
  size_t model_bytes;
  const char *asn;
  size_t asn_bytes;
  const char *payment;
  size_t payment_bytes;
} promptprint_envelope;

typedef struct promptprint_writer_options {
  uint32_t struct_size;
  uint32_t durability;
  uint64_t delay_ms;
  uint64_t wal_bytes_max;
} promptprint_writer_options;

uint32_t promptprint_abi_version(void);

const char *promptprint_version(void);

const char *promptprint_status_text(int32_t status);

promptprint_status promptprint_open(const struct promptprint_options *options,
                                    struct promptprint_reader **out);

void promptprint_close(struct promptprint_reader *reader);

promptprint_status promptprint_refresh(const struct promptprint_reader *reader);

size_t promptprint_last_error(const struct promptprint_reader *reader, char *out, size_t capacity);

promptprint_status promptprint_query(const struct promptprint_reader *reader,
                                     const void *text,
                                     size_t text_bytes,
                                     const struct promptprint_query_options *options,
                                     struct promptprint_verdict *out);

promptprint_status promptprint_query_parts(const struct promptprint_reader *reader,
                                           const struct promptprint_part *parts,
                                           size_t part_count,
                                           const struct promptprint_query_options *options,
                                           struct promptprint_verdict *out);

promptprint_status promptprint_sketch_text(const struct promptprint_reader *reader,
                                           uint32_t kind,
                                           const void *text,
                                           size_t text_bytes,
                                           struct promptprint_sketch *out);

promptprint_status promptprint_request_id(const struct promptprint_reader *reader,
                                          uint64_t nearest,
                                          char *out,
                                          size_t capacity,
                                          size_t *out_bytes);

promptprint_status promptprint_request_begin(const struct promptprint_reader *reader,
                                             struct promptprint_request **out);

promptprint_status promptprint_request_update(struct promptprint_request *request,
                                              const void *body,
                                              size_t body_bytes);

promptprint_status promptprint_request_end(struct promptprint_request *request,
                                           const struct promptprint_writer *writer,
                                           const struct promptprint_envelope *envelope,
                                           const struct promptprint_query_options *options,
                                           struct promptprint_verdict *verdict);

void promptprint_request_cancel(struct promptprint_request *request);

promptprint_status promptprint_writer_open(const struct promptprint_reader *reader,
                                           const struct promptprint_writer_options *options,
                                           struct promptprint_writer **out);

void promptprint_writer_close(struct promptprint_writer *writer);

promptprint_status promptprint_writer_commit(const struct promptprint_writer *writer);

promptprint_status promptprint_writer_flush(const struct promptprint_writer *writer);

promptprint_status promptprint_writer_counts(const struct promptprint_writer *writer,
                                             uint64_t *observed,
                                             uint64_t *not_recorded);

size_t promptprint_writer_last_error(const struct promptprint_writer *writer,
                                     char *out,
                                     size_t capacity);

promptprint_status promptprint_observe(const struct promptprint_writer *writer,
                                       const struct promptprint_envelope *envelope,
                                       const struct promptprint_part *parts,
                                       size_t part_count,
                                       const struct promptprint_query_options *options,
                                       struct promptprint_verdict *verdict);
